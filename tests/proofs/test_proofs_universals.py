"""A variable of a claim's left-hand side is universal, also where execution has dropped it.

pyk binds such a variable of the target existentially, and so proves that `a := b ; b := a` swaps two values.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from proofs_harness import KOMPILED, Options, drive, pyk_proof, stored_terms
from pyk.cterm.cterm import CTerm
from pyk.cterm.symbolic import CTermSymbolic
from pyk.kast.inner import KApply, KSequence, KToken, KVariable
from pyk.kast.outer import KDefinition, read_kast_definition
from pyk.kast.prelude.k import GENERATED_TOP_CELL
from pyk.kast.prelude.kint import intToken, ltInt
from pyk.kast.prelude.ml import mlEquals, mlEqualsTrue, mlTop
from pyk.kcfg.explore import KCFGExplore
from pyk.konvert import kast_to_kore
from pyk.kore.rpc import KoreClient
from pyk.proof.reachability import APRProver
from scripted_server import ScriptedServer

from examples.imp.semantics import ImpSemantics
from kprover.proofs.client import ProverClient
from kprover.proofs.errors import BackendError
from kprover.proofs.steps import refuse_capture
from kprover.proofs.symbolic import ProofSymbolic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyk.kore.rpc import KoreServer

    from kprover.proofs.session import Session
    from kprover.store import CheckpointStore

A, B = (KVariable(name, 'Int') for name in 'AB')


@pytest.fixture(scope='module')
def definition() -> KDefinition:
    return read_kast_definition(KOMPILED / 'compiled.json')


def state(*values: Any) -> CTerm:
    """The variables a, b, ... with these values at the end of a program."""
    entries = [KApply('_|->_', [KToken(name, 'Id'), value]) for name, value in zip('abc', values, strict=False)]
    while len(entries) > 1:
        entries[-2:] = [KApply('_Map_', entries[-2:])]
    imp = KApply('<imp>', [KApply('<k>', [KSequence()]), KApply('<state>', entries)])
    return CTerm(KApply('<generatedTop>', [imp, KApply('<generatedCounter>', [intToken(0)])]))


@pytest.fixture
def symbolic(server: KoreServer, definition: KDefinition) -> Iterator[ProofSymbolic]:
    client = ProverClient('127.0.0.1', server.port)
    yield ProofSymbolic(client, definition, None)
    client.close()


def test_a_forgotten_swap_fails_although_pyk_alone_passes_it(
    session: Session, store: CheckpointStore, server: KoreServer, definition: KDefinition, tmp_path: Path
) -> None:
    driven = drive(session, store, 'IMP-WRONG.swap-forgotten', Options())
    assert driven.status == 'failed'
    with KoreClient('127.0.0.1', server.port) as client:
        explore = KCFGExplore(CTermSymbolic(client, definition), kcfg_semantics=ImpSemantics())
        proof = pyk_proof(driven.prepared, stored_terms(store, driven.prepared), tmp_path)
        APRProver(explore, execute_depth=100).advance_proof(proof)
    assert proof.passed, 'pyk binds it universally now: the variables need no care of ours any more'


def test_a_dropped_universal_is_not_solved_for(symbolic: ProofSymbolic) -> None:
    forgotten, swapped = state(B, B), state(B, A)
    assert symbolic.implies(forgotten, swapped).csubst is not None  # some A will do: what pyk asks
    symbolic.universals = frozenset({'A', 'B'})
    assert symbolic.implies(forgotten, swapped).csubst is None
    assert symbolic.implies(swapped, swapped).csubst is not None
    assert symbolic.implies(forgotten, state(B, B)).csubst is not None


def test_existentials_are_still_solved_for_beside_a_dropped_universal(symbolic: ProofSymbolic) -> None:
    symbolic.universals = frozenset({'A', 'B'})
    found = KVariable('?X', 'Int')
    for_every_a = mlEqualsTrue(ltInt(A, KApply('_+Int_', [A, intToken(1)])))
    for_no_a = mlEqualsTrue(ltInt(A, A))
    assert symbolic.implies(state(B, B), state(B, found).add_constraint(for_every_a)).csubst is not None
    assert symbolic.implies(state(B, B), state(B, found).add_constraint(for_no_a)).csubst is None
    assert symbolic.implies(state(B, B), state(found, A)).csubst is None


def test_a_server_that_solves_for_a_universal_all_the_same_is_not_believed(definition: KDefinition) -> None:
    def kore(term: Any) -> dict[str, Any]:
        return {'format': 'KORE', 'version': 1, 'term': kast_to_kore(definition, term, GENERATED_TOP_CELL).dict}

    sort = GENERATED_TOP_CELL
    condition = {
        'substitution': kore(mlEquals(A, B, arg_sort='Int', sort=sort)),
        'predicate': kore(mlTop(sort)),
    }
    verdict = {'status': 'valid', 'valid': True, 'implication': kore(mlTop(sort)), 'condition': condition}

    def script(request: dict[str, Any]) -> bytes:
        return json.dumps({'jsonrpc': '2.0', 'id': request['id'], 'result': verdict}).encode() + b'\n'

    server = ScriptedServer(script)  # no real server can be made to do it at will
    client = ProverClient('127.0.0.1', server.port)
    symbolic = ProofSymbolic(client, definition, None)
    assert symbolic.implies(state(B, B), state(B, A)).csubst is not None
    symbolic.universals = frozenset({'A', 'B'})
    assert symbolic.implies(state(B, B), state(B, A)).csubst is None
    client.close()
    server.close()


def test_the_name_of_a_dropped_universal_must_not_come_back() -> None:
    universals = frozenset({'A', 'B'})
    refuse_capture([(state(A, B), [state(B, B), state(A, A)]), (state(B, B), [state(B)])], universals)
    refuse_capture([(state(B), [state(B, KVariable('Fresh', 'Int'))])], universals)
    with pytest.raises(BackendError, match=r'\bA\b'):
        refuse_capture([(state(A, B), [state(B, B)]), (state(B, B), [state(B, A)])], universals)
