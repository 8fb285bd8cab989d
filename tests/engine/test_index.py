"""The driver's index says the same of a proof as pyk does, whatever the steps of the proof were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyk.cterm import CSubst, CTerm
from pyk.kast.inner import KApply, KToken, KVariable
from pyk.kast.prelude.ml import mlEqualsTrue
from pyk.kcfg import KCFG
from pyk.kcfg.kcfg import Abstract, Branch, NDBranch, Step, Stuck, Vacuous
from pyk.proof.reachability import (
    APRProof,
    APRProofBoundedResult,
    APRProofExtendAndCacheResult,
    APRProofExtendResult,
    APRProofSubsumeResult,
    APRProofTerminalResult,
    APRProofUseCacheResult,
)

from kprover.engine.index import INIT, TARGET, ProofIndex

if TYPE_CHECKING:
    from pyk.kcfg.kcfg import KCFGExtendResult
    from pyk.proof.reachability import APRProofResult, APRProofStep

EXTENSIONS = ('step', 'step', 'step', 'branch', 'ndbranch', 'abstract', 'stuck', 'vacuous', 'cached-branch')
OUTCOMES = (*EXTENSIONS, 'subsumed', 'terminal', 'terminal-subsumed', 'bounded')
AN_EDGE_AFTER_EACH = ('step', 'step', 'abstract', 'step', 'step', 'cached-branch', 'step', 'branch', 'step', 'step')


class TwinProof:
    """The same proof twice: as pyk's `APRProof` and as an index, given the same results."""

    def __init__(self, optimize_kcfg: bool = False) -> None:
        self.terms = 0
        self.optimize_kcfg = optimize_kcfg
        self.cached: dict[int, KCFGExtendResult] = {}
        kcfg = KCFG()
        init = kcfg.create_node(self.state())
        target = kcfg.create_node(self.state())
        # a bound on loops counts nodes that joined edges have given up, so suites do not take both
        bound = None if optimize_kcfg else 2
        self.proof = APRProof('TWIN', kcfg, [], init.id, target.id, {}, bmc_depth=bound)
        self.index = ProofIndex(
            'init', 'target', init_terminal=False, target_terminal=False, optimize_kcfg=optimize_kcfg
        )

    def state(self) -> CTerm:
        self.terms += 1
        cell = KApply('<k>', KApply('f', KToken(str(self.terms), 'Int'), KVariable('X', sort='Int')))
        return CTerm(KApply('<generatedTop>', cell))

    def make(self, step: APRProofStep, outcome: str, depth: int) -> None:
        """Commit one step with the given outcome to both."""
        node = step.node.id
        loops = self._loops(step)
        common: dict[str, Any] = {
            'node_id': node,
            'prior_loops_cache_update': loops,
            'optimize_kcfg': self.optimize_kcfg,
        }
        positions = [[n.id for n in step.shortest_path_to_node].index(loop) for loop in loops]
        results: list[APRProofResult] = []
        answers: list[dict[str, Any]] = []
        if self.index.uses_cache(node) and outcome in EXTENSIONS:
            if step.use_cache is not None:
                results.append(APRProofUseCacheResult(cached_node_id=step.use_cache, **common))
            else:  # the node that pyk has cached it for is given up, so pyk makes the step again
                results.append(APRProofExtendResult(extension_to_apply=self.cached[node], **common))
            answers.append({'kind': 'use-cache', 'prior_loops': positions})
        elif outcome == 'bounded':
            results.append(APRProofBoundedResult(**common))
            answers.append({'kind': 'bounded', 'prior_loops': positions})
        elif outcome in ('subsumed', 'terminal', 'terminal-subsumed'):
            if outcome != 'subsumed':
                results.append(APRProofTerminalResult(**common))
                answers.append({'kind': 'terminal', 'prior_loops': positions})
            if outcome != 'terminal':
                results.append(APRProofSubsumeResult(csubst=CSubst(), **common))
                answers.append({'kind': 'subsumed', 'prior_loops': positions})
        elif outcome == 'cached-branch':
            first, second = self.extension('step', depth), self.extension('ndbranch', depth)
            results.append(APRProofExtendAndCacheResult(extension_to_apply=first, extension_to_cache=second, **common))
            answers.append(
                {
                    'kind': 'extend',
                    'prior_loops': positions,
                    'extension': describe(first),
                    'to_cache': describe(second),
                }
            )
        else:
            extension = self.extension(outcome, depth)
            results.append(APRProofExtendResult(extension_to_apply=extension, **common))
            answers.append({'kind': 'extend', 'prior_loops': positions, 'extension': describe(extension)})
        for result in results:
            self.proof.commit(result)
        created = self.index.commit(node, answers)
        if outcome == 'cached-branch' and 'to_cache' in answers[-1]:
            self.cached[created[0]] = second

    def extension(self, kind: str, depth: int) -> KCFGExtendResult:
        if kind == 'step':
            return Step(self.state(), depth, (), ['rule'] * depth)
        if kind == 'branch':
            return Branch([mlEqualsTrue(KVariable(name, sort='Bool')) for name in ('A', 'B', 'C')[: depth + 1]])
        if kind == 'ndbranch':
            return NDBranch([self.state() for _ in range(depth + 1)], (), ['rule'])
        if kind == 'abstract':
            return Abstract(CTerm(KApply('<generatedTop>', KApply('<k>', KVariable('K')))))
        return Stuck() if kind == 'stuck' else Vacuous()

    def check(self) -> None:
        """Everything the index answers, asked of pyk."""
        steps = self.proof.get_steps()
        assert {node: state.parent for node, state in self.index.nodes.items()} == self.parents()
        assert sorted(self.index.pending) == sorted(step.node.id for step in steps)
        assert sorted(self.index.failing) == sorted(node.id for node in self.proof.failing)
        nodes, pending, failing, bounded = self.index.counts
        assert nodes == len(self.proof.kcfg.nodes)
        assert (pending, failing) == (len(steps), len(self.proof.failing))
        assert bounded == len(self.proof.bounded)
        for step in steps:
            node = step.node.id
            assert self.index.nonzero_depth(node) == step.nonzero_depth
            if not self.optimize_kcfg:
                assert self.index.uses_cache(node) == (step.use_cache is not None)
                self.check_path(step)

    def parents(self) -> dict[int, int | None]:
        """Each node's predecessor in pyk's graph; that the target is reached is no edge of the index."""
        kcfg = self.proof.kcfg
        found: dict[int, int | None] = {node.id: None for node in kcfg.nodes}
        for successor in (*kcfg.edges(), *kcfg.covers(), *kcfg.splits(), *kcfg.ndbranches()):
            found |= {target.id: successor.source.id for target in successor.targets if target.id != TARGET}
        return found

    def check_path(self, step: APRProofStep) -> None:
        node = step.node.id
        path = self.index.loop_path(node)
        assert [ancestor.id for ancestor in path] == [ancestor.id for ancestor in step.shortest_path_to_node]
        loops = {position: tuple(path[i].id for i in seen) for position, seen in self.index.prior_loops(path).items()}
        expected = {
            i: step.prior_loops_cache[ancestor.id]
            for i, ancestor in enumerate(path)
            if ancestor.id in step.prior_loops_cache
        }
        assert loops == expected

    def _loops(self, step: APRProofStep) -> tuple[int, ...]:
        """Take every second node for a head of the same loop, as pyk's `step_proof` records it."""
        if step.node.id % 2:
            return ()
        for node in step.shortest_path_to_node:
            if node.id % 2 == 0 and node.id in step.prior_loops_cache:
                return (*step.prior_loops_cache[node.id], node.id)
        return ()


def describe(extension: KCFGExtendResult) -> dict[str, Any]:
    """What a worker would answer about an extension, with the number of new nodes in place of their terms."""
    match extension:
        case Step(depth=depth):
            return {'kind': 'step', 'depth': depth, 'nodes': ['term']}
        case Branch(constraints=constraints):
            return {
                'kind': 'branch',
                'nodes': ['term'] * len(constraints),
                'conditions': ['c'] * len(constraints),
            }
        case NDBranch(cterms=cterms):
            return {'kind': 'ndbranch', 'nodes': ['term'] * len(cterms)}
        case Abstract():
            return {'kind': 'abstract', 'nodes': ['term']}
        case Stuck():
            return {'kind': 'stuck'}
        case _:
            return {'kind': 'vacuous'}


@settings(max_examples=60, deadline=None)
@example([(0, kind, 1) for kind in AN_EDGE_AFTER_EACH], True)
@given(st.lists(st.tuples(st.integers(0, 7), st.sampled_from(OUTCOMES), st.integers(1, 2)), max_size=25), st.booleans())
def test_index_agrees_with_pyk_after_every_commit(choices: list[tuple[int, str, int]], optimize_kcfg: bool) -> None:
    twin = TwinProof(optimize_kcfg)
    twin.check()
    for which, outcome, depth in choices:
        steps = twin.proof.get_steps()
        if not steps:
            break
        twin.make(steps[which % len(steps)], outcome, depth)
        twin.check()


def test_a_terminal_initial_node_is_failing_and_not_pending() -> None:
    index = ProofIndex('init', 'target', init_terminal=True, target_terminal=True)
    assert index.pending == ()
    assert index.failing == (INIT,)
    assert index.nodes[TARGET].state.value == 'target'


def test_a_failing_node_behind_a_split_is_pending_until_its_refutation_is_made() -> None:
    index = ProofIndex('init', 'target', init_terminal=False, target_terminal=False, refute=True)
    split = {'kind': 'branch', 'nodes': ['a', 'b'], 'conditions': ['X <Int 0', 'notBool X <Int 0']}
    left, right = index.commit(INIT, [{'kind': 'extend', 'extension': split}])
    (below,) = index.commit(left, [{'kind': 'extend', 'extension': {'kind': 'step', 'depth': 3, 'nodes': ['c']}}])
    assert index.commit(below, [{'kind': 'extend', 'extension': {'kind': 'stuck'}}]) == (below,)
    assert (index.failing, index.pending, index.is_refuting(below)) == ((), (right, below), True)
    split_before = index.split_before(below)
    assert split_before is not None
    assert [node.id for node in split_before] == [INIT, left]
    assert index.commit(below, [{'kind': 'refutation', 'passed': True}]) == ()
    assert (index.failing, index.nodes[below].state.value, index.refuted) == ((), 'refuted', 1)

    many = {'kind': 'ndbranch', 'nodes': ['d', 'e']}
    one, other = index.commit(right, [{'kind': 'extend', 'extension': many}])
    assert index.commit(one, [{'kind': 'terminal'}]) == ()
    assert index.failing == (one,)  # pyk refutes nothing behind a non-deterministic branch
    (split_again, _) = index.commit(other, [{'kind': 'extend', 'extension': split}])
    assert index.commit(split_again, [{'kind': 'terminal'}, {'kind': 'subsumed'}]) == ()
    assert index.nodes[split_again].state.value == 'covered'
    last = split_again + 1
    assert index.commit(last, [{'kind': 'terminal'}]) == (last,)
    assert index.commit(last, [{'kind': 'refutation', 'passed': False}]) == ()
    assert (index.failing, index.pending) == ((one, last), ())


def test_path_condition_lists_the_splits_from_the_initial_node_on() -> None:
    index = ProofIndex('init', 'target', init_terminal=False, target_terminal=False)
    split = {'kind': 'branch', 'nodes': ['a', 'b'], 'conditions': ['X <Int 0', 'notBool X <Int 0']}
    (left, right) = index.commit(INIT, [{'kind': 'extend', 'extension': split}])
    (below,) = index.commit(right, [{'kind': 'extend', 'extension': {'kind': 'step', 'depth': 3, 'nodes': ['c']}}])
    nested = {'kind': 'branch', 'nodes': ['d', 'e'], 'conditions': ['Y ==Int 1', 'Y =/=Int 1']}
    (leaf, _) = index.commit(below, [{'kind': 'extend', 'extension': nested}])
    assert index.path_condition(left) == ('X <Int 0',)
    assert index.path_condition(leaf) == ('notBool X <Int 0', 'Y ==Int 1')
