"""States that a real server returns: read, converted and sent on as pyk does it, in both example languages."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING

import pytest
from convert_terms import EXAMPLES, LANGUAGES, claims, definition
from embedded import EmbeddedServer
from pyk.cterm.cterm import CTerm
from pyk.cterm.symbolic import CTermSymbolic
from pyk.kast.inner import KApply
from pyk.kast.manip import bool_to_ml_pred, extract_lhs, extract_rhs
from pyk.kast.prelude.k import GENERATED_TOP_CELL
from pyk.kast.prelude.ml import mlAnd
from pyk.konvert import kast_to_kore, kore_to_kast
from pyk.kore.rpc import KoreClient

from kprover.proofs.client import ProverClient
from kprover.proofs.codec import TermCache, canonical, sha256
from kprover.proofs.symbolic import ProofSymbolic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyk.cterm.symbolic import CTermExecute

STEPS = 6


@pytest.fixture(scope='module', params=LANGUAGES)
def both(request: pytest.FixtureRequest) -> Iterator[tuple[str, CTermSymbolic, ProofSymbolic]]:
    """pyk's symbolic operations and ours, over one server for a language."""
    name = request.param
    kompiled = EXAMPLES / name / 'kompiled'
    with (
        EmbeddedServer(kompiled) as server,
        KoreClient('127.0.0.1', server.port) as theirs,
        ProverClient('127.0.0.1', server.port) as ours,
    ):
        yield name, CTermSymbolic(theirs, definition(name)), ProofSymbolic(ours, definition(name), None)


def states(name: str) -> Iterator[tuple[CTerm, CTerm]]:
    """The initial and the target states of the claims."""
    for claim in claims(name):
        lhs, rhs = extract_lhs(claim.body), extract_rhs(claim.body)
        if isinstance(lhs, KApply) and lhs.is_cell:
            yield (
                CTerm.from_kast(mlAnd([lhs, bool_to_ml_pred(claim.requires)])),
                CTerm.from_kast(mlAnd([rhs, bool_to_ml_pred(claim.ensures)])),
            )


def test_executions_give_the_states_that_pyk_gives(both: tuple[str, CTermSymbolic, ProofSymbolic]) -> None:
    name, theirs, ours = both
    seen = 0
    for state, _ in islice(states(name), 12):
        for _ in range(STEPS):
            expected, found = _execute(theirs, state), _execute(ours, state)
            assert found == expected
            seen += 1
            following = [expected.state, *(successor.state for successor in expected.next_states)]
            for successor in following:
                _check_conversion(name, ours, successor)
            if expected.depth == 0 or following[-1] == state:
                break
            state = following[-1]
    assert seen > 12
    converter = ours._converter
    assert converter.left_to_pyk == 0


def test_comparisons_with_targets_give_what_pyk_gives(both: tuple[str, CTermSymbolic, ProofSymbolic]) -> None:
    name, theirs, ours = both
    compared = 0
    for state, target in islice(states(name), 12):
        reached = _execute(theirs, state).state
        for antecedent in (state, reached):
            expected = theirs.implies(antecedent, target, failure_reason=True)
            ours.universals = frozenset()
            assert ours.implies(antecedent, target, failure_reason=True) == expected
            compared += 1
        assert ours.simplify(reached) == theirs.simplify(reached)
    assert compared > 6


def test_a_blob_has_the_bytes_of_pyks_dictionary(both: tuple[str, CTermSymbolic, ProofSymbolic]) -> None:
    name, _, _ = both
    for state, target in states(name):
        for cterm in (state, target):
            term, blob = TermCache().encode(cterm)
            assert term == sha256(canonical(cterm.to_dict()))
            decoded = TermCache().decode(term, {term: blob}.get)
            assert decoded == CTerm.from_dict(json.loads(canonical(cterm.to_dict()))) == cterm


def _execute(symbolic: CTermSymbolic, state: CTerm) -> CTermExecute:
    return symbolic.execute(state, depth=15)


def _check_conversion(name: str, ours: ProofSymbolic, state: CTerm) -> None:
    expected = kast_to_kore(definition(name), state.kast, sort=GENERATED_TOP_CELL)
    assert ours.kast_to_kore(state.kast) == expected
    assert ours.kore_to_kast(expected) == kore_to_kast(definition(name), expected)
