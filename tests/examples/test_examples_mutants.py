"""Claims that are wrong by a small change are not proved: the interpreter refutes them, the server must not pass them.

Each mutant changes one number, variable or operation of a claim that holds.  Only mutants that the interpreter refutes
count; they go through pyk's own prover on the real server.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from embedded import ProverWithoutReasons
from examples_harness import Mismatch, Values, check, samples
from pyk.kast.att import Atts
from pyk.kast.inner import KApply, KRewrite, KToken, KVariable
from pyk.kast.manip import extract_lhs, extract_rhs, flatten_label, free_vars, push_down_rewrites
from pyk.kast.prelude.kint import INT, addInt, intToken
from pyk.kcfg import KCFGExplore  # type: ignore[attr-defined]
from pyk.proof import APRProof  # type: ignore[attr-defined]
from states import cells, changed_at_random
from test_examples_claims import claims_of, is_functional, suite_of
from test_examples_server import symbolic

from examples.imp.interpreter import OutOfSteps as ImpOutOfSteps
from examples.imp.semantics import ImpSemantics
from examples.stack.interpreter import OutOfSteps as StackOutOfSteps
from examples.stack.semantics import StackSemantics

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyk.cterm import CTermSymbolic  # type: ignore[attr-defined]
    from pyk.kast.inner import KInner
    from pyk.kast.outer import KClaim

SEMANTICS = {'imp': ImpSemantics(), 'stack': StackSemantics()}
OPPOSITES = {'_<Int_': '_<=Int_', '_+Int_': '_-Int_', '_*Int_': '_+Int_', 'add': 'sub', 'lt': 'le', 'dup': 'swap'}
SWAPS = {**OPPOSITES, **{b: a for a, b in OPPOSITES.items()}}
MUTANTS = 8


def _is_site(term: KInner) -> bool:
    match term:
        case KToken(_, sort):
            return sort == INT
        case KVariable(name, sort):
            return sort == INT and name != 'COUNTER' and not name.startswith('?')
        case KApply(label):
            return label.name in SWAPS
    return False


def _changed(term: KInner, names: list[str], source: random.Random) -> KInner:
    match term:
        case KToken(text, _):
            return intToken(int(text) + source.choice([-1, 1]))
        case KVariable():
            other = KVariable(source.choice(names), INT) if names else term
            return source.choice([other, addInt(term, intToken(1))])
        case KApply(label):
            return term.let(label=SWAPS[label.name])
    raise AssertionError


def _mutated(term: KInner, names: list[str], source: random.Random) -> KInner:
    return changed_at_random(term, _is_site, lambda part: _changed(part, names, source), source)


def mutant(claim: KClaim, source: random.Random) -> KClaim:
    """Return the claim with one change in its start, its target or one of its conditions."""
    left, right = extract_lhs(claim.body), extract_rhs(claim.body)
    names = sorted(n for n in free_vars(left) if n not in ('REST', 'COUNTER'))
    requires, ensures = claim.requires, claim.ensures
    match source.choice(['left', 'right', 'right', 'right', 'requires', 'ensures']):
        case 'left':
            left = _mutated(left, [], source)
        case 'right':
            right = _mutated(right, names, source)
        case 'requires':
            requires = _mutated(requires, names, source)
        case 'ensures':
            ensures = _mutated(ensures, names, source)
    return claim.let(body=push_down_rewrites(KRewrite(left, right)), requires=requires, ensures=ensures)


def is_vacuous(claim: KClaim) -> bool:
    """Return whether the start has a map with a key twice, which is no state."""
    for content in cells(extract_lhs(claim.body)).values():
        pairs = [e for e in flatten_label('_Map_', content) if isinstance(e, KApply) and e.label.name == '_|->_']
        if len({pair.args[0] for pair in pairs}) < len(pairs):
            return True
    return False


def counterexample(claim: KClaim, language: str) -> Values | None:
    """Return values of the variables for which the interpreter's run does not end as the claim says."""
    for values in samples(claim, 100):
        try:
            if not check(claim, language, values):
                return values
        except Mismatch:
            return values
        except (ImpOutOfSteps, StackOutOfSteps):  # a run that does not end refutes nothing
            continue
    return None


def refuted_mutants(language: str) -> list[tuple[KClaim, Values]]:
    """Return mutants of the default suite with a counterexample each."""
    overrides = suite_of(language, 'suite')['claims']
    plain = [
        claim
        for claim in claims_of(language, 'suite')
        if not (is_functional(claim) or claim.is_trusted or claim.dependencies or claim.label in overrides)
    ]
    source = random.Random(language)
    found: list[tuple[KClaim, Values]] = []
    while len(found) < MUTANTS:
        claim = mutant(source.choice(plain), source)
        if is_vacuous(claim):
            continue
        values = counterexample(claim, language)
        if values is not None:
            label = f'{claim.label}-mutant-{len(found)}'
            found.append((claim.let(att=claim.att.update([Atts.LABEL(label)])), values))
    return found


def _forgets(proof: APRProof) -> bool:
    """Return whether pyk took a variable of the claim for one that may be chosen, because a state had forgotten it."""
    return any(not name.startswith('?') for cover in proof.kcfg.covers() for name in cover.csubst.subst.minimize())


@pytest.mark.parametrize('language', ['imp', 'stack'])
def test_mutants_that_the_interpreter_refutes_are_not_proved(language: str, tmp_path: Path) -> None:
    with symbolic(language) as server:
        prove = _prover(server, language, tmp_path)
        for claim, values in refuted_mutants(language):
            proof = prove(claim)
            assert not proof.passed or _forgets(proof), f'{claim.label} passed, but not for {values}'


def _prover(server: CTermSymbolic, language: str, folder: Path) -> Callable[[KClaim], APRProof]:
    def prove(claim: KClaim) -> APRProof:
        proof = APRProof.from_claim(server._definition, claim, logs={}, proof_dir=folder)
        explore = KCFGExplore(server, kcfg_semantics=SEMANTICS[language], id=claim.label)
        ProverWithoutReasons(explore, execute_depth=200).advance_proof(proof, max_iterations=12, fail_fast=True)
        return proof

    return prove
