"""Claims about states that must be instantiated to go on, through pyk's prover: false ones do not pass.

A language whose program is a tree: `go` looks at its top. A claim over an unknown tree needs one case for each
constructor; where a rule is missing for one, no circularity may make up for it.
"""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest
from embedded import EmbeddedServer
from pyk.kast.inner import KApply, KSequence, KSort, KVariable
from pyk.kast.prelude.kint import INT, intToken, leInt, ltInt
from pyk.kcfg.explore import KCFGExplore
from pyk.kcfg.semantics import DefaultSemantics
from pyk.proof.reachability import APRProof, APRProver

from examples.kompile import Cell, Configuration, kompile
from examples.kore import kompiled_files, write_files
from examples.prelude import MAP, K, module, production, subsort, var
from examples.specs import circularity
from kprover.proofs.client import ProverClient
from kprover.proofs.symbolic import ProofSymbolic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyk.cterm import CTerm
    from pyk.kast.inner import KInner
    from pyk.kast.outer import KSentence

NAME: Final = 'TREES'
TREE: Final = KSort('Tree')
LEAF: Final = KSort('Leaf')
CONTROL: Final = KSort('Control')
CONFIGURATION: Final = Configuration('t', MAP, (Cell('k', K, KApply('start')), Cell('seen', INT, intToken(0))))
NO_JUNK: Final = r"""
  axiom{} \or{SortTree{}}(\exists{SortTree{}}(X0:SortTree{}, \exists{SortTree{}}(X1:SortTree{},
    Lblnode{}(X0:SortTree{}, X1:SortTree{}))), Lblnil{}(), \exists{SortTree{}}(Val:SortLeaf{},
    inj{SortLeaf{}, SortTree{}}(Val:SortLeaf{})), \bottom{SortTree{}}()) [constructor{}()]
  axiom{} \or{SortLeaf{}}(\exists{SortLeaf{}}(X0:SortInt{}, Lblleaf{}(X0:SortInt{})),
    \exists{SortLeaf{}}(X0:SortInt{}, Lblseed{}(X0:SortInt{})), \bottom{SortLeaf{}}()) [constructor{}()]
"""

N, A, B, LEAF_VAR = var('N', INT), var('A', TREE), var('B', TREE), var('LEAF', LEAF)
DONE: Final = KApply('done')


def go(tree: KInner) -> KInner:
    return KApply('go', tree)


def node(left: KInner, right: KInner) -> KInner:
    return KApply('node', left, right)


STEP = CONFIGURATION.step
LEFT: Final = STEP('node', go(node(A, B)), go(A))
NIL: Final = STEP('nil', go(KApply('nil')), DONE)
ANY_LEAF: Final = STEP('any-leaf', go(LEAF_VAR), DONE)
ONE_LEAF: Final = STEP('leaf', go(KApply('leaf', N)), DONE)
SEED: Final = STEP('seed', go(KApply('seed', N)), DONE)
LOW: Final = STEP('low', go(KApply('leaf', N)), DONE, leInt(N, intToken(0)))
HIGH: Final = STEP('high', go(KApply('leaf', N)), DONE, ltInt(intToken(0), N))


class _Semantics(DefaultSemantics):
    def is_terminal(self, c: CTerm) -> bool:
        return c.try_cell('K_CELL') in (DONE, KSequence(DONE))


@contextmanager
def proving(folder: Path, rules: tuple[KSentence, ...], no_junk: str) -> Iterator[APRProof]:
    """Serve the language with the given rules, and give the proof of `go(T) => done` after pyk has worked on it."""
    syntax = [
        production(TREE, 'node', 'node', TREE, TREE),
        production(TREE, 'nil', 'nil'),
        subsort(TREE, LEAF),
        production(LEAF, 'leaf', 'leaf', INT),
        production(LEAF, 'seed', 'seed', INT),
        production(CONTROL, 'start', 'start'),
        production(CONTROL, 'go', 'go', TREE),
        production(CONTROL, 'done', 'done'),
    ]
    modules = [module('TREES-SYNTAX', ['MAPS', 'EQUALITY'], syntax)]
    modules.append(module('TREES-RULES', ['TREES-SYNTAX', f'{NAME}-CELLS'], rules))
    definition = kompile(NAME, modules, CONFIGURATION)
    files = kompiled_files(definition)
    without = re.sub(r'axiom\{\} \\or\{Sort(Tree|Leaf)\{\}\}.*?\[constructor\{\}\(\)\]', '', files['definition.kore'])
    assert '\\or{SortTree' not in without
    text, end, attributes = without.rpartition('endmodule')
    write_files(folder, {**files, 'definition.kore': f'{text}{no_junk}{end}{attributes}'})
    contents = {'k': (KSequence(go(KVariable('T', TREE))), KSequence(DONE)), 'seen': KVariable('SEEN', INT)}
    claim = CONFIGURATION.claim('TREES.all', contents, att=[circularity()])
    with EmbeddedServer(folder, NAME) as server:
        client = ProverClient('127.0.0.1', server.port)
        try:
            proof = APRProof.from_claim(definition, claim, logs={})
            symbolic = ProofSymbolic(client, definition, None)
            explore = KCFGExplore(symbolic, kcfg_semantics=_Semantics())
            logging.getLogger('pyk').setLevel(logging.ERROR)
            APRProver(explore, execute_depth=20).advance_proof(proof, max_iterations=25)
            yield proof
        finally:
            client.close()


COMPLETE: Final = {
    'one rule for each constructor, one for a subsort': (LEFT, NIL, ANY_LEAF),
    'a subsort constructor by constructor': (LEFT, NIL, ONE_LEAF, SEED),
    'conditions that cover a constructor together': (LEFT, NIL, LOW, HIGH, SEED),
}
INCOMPLETE: Final = {
    'a single constructor': (LEFT,),
    'a constructor is missing': (LEFT, ANY_LEAF),
    'a subsort is missing': (LEFT, NIL),
    'a constructor of a subsort is missing': (LEFT, NIL, ONE_LEAF),
    'a condition leaves something over': (LEFT, NIL, HIGH, SEED),
}


@pytest.mark.parametrize('case', COMPLETE)
def test_rules_for_all_constructors_prove_a_claim_about_any_tree(tmp_path: Path, case: str) -> None:
    with proving(tmp_path, COMPLETE[case], NO_JUNK) as proof:
        assert proof.passed


@pytest.mark.parametrize('case', INCOMPLETE)
def test_a_circularity_does_not_make_up_for_a_missing_rule(tmp_path: Path, case: str) -> None:
    with proving(tmp_path, INCOMPLETE[case], NO_JUNK) as proof:
        assert not proof.passed


def test_without_a_list_of_constructors_there_may_be_others(tmp_path: Path) -> None:
    with proving(tmp_path, COMPLETE['one rule for each constructor, one for a subsort'], '') as proof:
        assert not proof.passed


@pytest.mark.parametrize(
    ('found', 'put'),
    [
        ('Lblnil{}(), ', ''),
        ('\\bottom{SortTree{}}()', '\\top{SortTree{}}()'),
        ('X1:SortTree{}))), Lbl', 'X0:SortTree{}))), Lbl'),
    ],
    ids=['a constructor is not listed', 'anything is admitted', 'a constructor on equal arguments'],
)
def test_an_axiom_that_does_not_list_everything_is_not_used(tmp_path: Path, found: str, put: str) -> None:
    changed = NO_JUNK.replace(found, put)
    assert changed != NO_JUNK
    with proving(tmp_path, COMPLETE['one rule for each constructor, one for a subsort'], changed) as proof:
        assert not proof.passed
