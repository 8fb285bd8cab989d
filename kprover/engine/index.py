"""The driver's index of a reachability proof: the shape of pyk's KCFG without its terms.

pyk decides what a step does, in a worker; its answer names the new nodes in the order in which pyk's `KCFG.extend`
creates them. The index numbers them as pyk does (initial node 1, target 2, then in the order of commits) and keeps
what `APRProof.get_steps` would have to recompute from the whole graph: the pending nodes, each node's distance from
the initial node, the loops seen on the way. A commit costs time in the number of new nodes, not in the size of the
proof. The tests compare it with pyk's own answer.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, Final

INIT: Final = 1
TARGET: Final = 2


class NodeState(enum.Enum):
    """State of a node; `STUCK` and `TERMINAL` ones fail the proof, `BOUNDED`, `VACUOUS` and `REFUTED` ones do not."""

    PENDING = 'pending'
    EXPANDED = 'expanded'
    COVERED = 'covered'
    STUCK = 'stuck'
    TERMINAL = 'terminal'
    VACUOUS = 'vacuous'
    BOUNDED = 'bounded'
    REFUTED = 'refuted'
    TARGET = 'target'


REMEMBERED: Final = 16
"""So many nodes in the same state are known as such, the latest of them."""

FAILING: Final = (NodeState.STUCK, NodeState.TERMINAL)


@dataclass(slots=True)
class Node:
    """A node of the graph.

    Attributes:
        term: The hash of its constrained term.
        depth: Its distance from the initial node in rewrite steps.
        condition: The condition of the branch that it begins, readable.
        made_by: The kind of extension that made it.
        siblings: How many nodes the same step made with it.
        reason: What makes it fail, where its state says that it does but not why.
    """

    id: int
    parent: int | None
    term: str
    depth: int
    state: NodeState = NodeState.PENDING
    condition: str = ''
    made_by: str = ''
    siblings: int = 0
    reason: str = ''


class ProofIndex:
    """The nodes of one proof and which of them are pending; owned by the engine's thread.

    With `refute`, a node that fails behind a split is pending once more: a step is still to be made from it, the
    refutation of its branch, whose result says whether it fails.

    With `optimize_kcfg`, a node between two edges is given up and the edges are joined as soon as the second one is
    made, as pyk does with the option of this name. The numbers of the others stay what they would be without it.

    Attributes:
        nodes: The nodes by number, without those given up.
        covered: Leaves that were subsumed by the target.
        vacuous: Leaves that no execution reaches, with those that were subsumed only for that.
        refuted: Failing leaves whose branch was shown to be out of reach.
    """

    nodes: dict[int, Node]
    _pending: dict[int, None]
    _failing: dict[int, None]
    _bounded: dict[int, None]
    _cached: dict[int, Mapping[str, Any]]
    _loops: dict[int, tuple[int, ...]]
    _latest: dict[tuple[str, bool], tuple[int, ...]]
    _joined: dict[int, int]

    def __init__(
        self,
        init: str,
        target: str,
        *,
        init_terminal: bool,
        target_terminal: bool,
        refute: bool = False,
        optimize_kcfg: bool = False,
    ):
        self.nodes = {
            INIT: Node(INIT, None, init, 0),
            TARGET: Node(TARGET, None, target, 0, NodeState.TARGET),
        }
        self._pending = {INIT: None}
        self._failing = {}
        self._bounded = {}
        self.covered = 0
        self.vacuous = 0
        self.refuted = 0
        self._next_id = TARGET + 1
        self._refute = refute
        self._optimize_kcfg = optimize_kcfg
        self._cached = {}
        self._loops = {}
        self._latest = {}
        self._joined = {}
        self._remember(self.nodes[INIT])
        self.target_terminal = target_terminal
        if init_terminal:
            self._settle(INIT, NodeState.TERMINAL)

    @classmethod
    def of(cls, prepared: Mapping[str, Any]) -> ProofIndex:
        """The graph that a prepared reachability proof begins with."""
        return cls(
            prepared['init'],
            prepared['target'],
            init_terminal=prepared['init_terminal'],
            target_terminal=prepared['target_terminal'],
            refute=bool(prepared.get('refute')),
            optimize_kcfg=bool(prepared.get('optimize_kcfg')),
        )

    @property
    def pending(self) -> tuple[int, ...]:
        """Nodes that a step has still to be made from, oldest first."""
        return tuple(self._pending)

    @property
    def failing(self) -> tuple[int, ...]:
        return tuple(self._failing)

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Numbers of nodes, pending, failing and bounded ones."""
        return len(self.nodes), len(self._pending), len(self._failing), len(self._bounded)

    @property
    def reaches_nothing(self) -> bool:
        """Whether every branch ends where no execution gets to."""
        reached = self.covered + len(self._pending) + len(self._failing) + len(self._bounded)
        return not reached and self.vacuous + self.refuted > 0

    def failing_reason(self, node_id: int) -> str:
        """Why a failing node fails: `stuck`, `terminal`, or what is known beyond that."""
        node = self.nodes[node_id]
        return node.reason or node.state.value

    def is_pending(self, node_id: int) -> bool:
        return node_id in self._pending

    def is_refuting(self, node_id: int) -> bool:
        """Whether the step to be made from a node is its refutation."""
        return node_id in self._pending and self.nodes[node_id].state in FAILING

    def split_before(self, node_id: int) -> tuple[Node, Node] | None:
        """The state that was last split on the way to a node, and the branch taken; `None` if there is none.

        As in pyk, a non-deterministic branch hides the splits before it.
        """
        for node in (self.nodes[node_id], *self._ancestors(node_id)):
            if node.made_by in ('branch', 'ndbranch'):
                assert node.parent is not None
                return (self.nodes[node.parent], node) if node.made_by == 'branch' else None
        return None

    def nonzero_depth(self, node_id: int) -> bool:
        """Whether a rewrite step lies between the initial node and this one: only then may a circularity be used."""
        return self.nodes[node_id].depth > 0

    def uses_cache(self, node_id: int) -> bool:
        """Whether the extension of this node came with that of its predecessor (pyk's extension cache)."""
        return node_id in self._cached

    def loop_path(self, node_id: int) -> tuple[Node, ...]:
        """The nodes before this one, nearest first, without those at no distance: `shortest_path_to_node` of a step."""
        here = self.nodes[node_id]
        return tuple(node for node in self._ancestors(node_id) if node.depth != here.depth)

    def prior_loops(self, path: Sequence[Node]) -> dict[int, tuple[int, ...]]:
        """The loops recorded for the nodes of `path`, everything given as positions in `path`."""
        position = {node.id: i for i, node in enumerate(path)}
        return {
            i: tuple(position[loop] for loop in self._loops[node.id])
            for i, node in enumerate(path)
            if node.id in self._loops
        }

    def path_condition(self, node_id: int) -> tuple[str, ...]:
        """The conditions of the splits between the initial node and this one, first to last."""
        here = self.nodes[node_id]
        conditions = [node.condition for node in (here, *self._ancestors(node_id)) if node.condition]
        return tuple(reversed(conditions))

    def same_before(self, node_id: int) -> int | None:
        """A node on the way to this one that has the same state and the same rules; `None` if there is none.

        Steps depend on nothing else, but for a bound on loops, so what follows from the one follows from the other: the
        way from there to here is taken again and again. Of many nodes in one state only the latest are looked at, so it
        may take some more rounds until it is seen.
        """
        here = self.nodes[node_id]
        found = {self._now(number): number for number in self._latest[self._state(here)] if number < node_id}
        if not found:
            return None
        farthest = min(found)
        for before in chain((here,), self._ancestors(node_id)):
            if before.id in found:
                return found[before.id]
            if before.id < farthest:  # numbers grow on every way
                break
        return None

    def commit(self, node_id: int, results: Iterable[Mapping[str, Any]]) -> tuple[int, ...]:
        """Apply a step's results to its node. Returns what is pending by it. The mirror of `APRProof.commit`."""
        assert node_id in self._pending, f'node {node_id} is not pending'
        if self.is_refuting(node_id):
            (result,) = results
            if result['kind'] != 'refutation':
                raise ValueError(f'expected the refutation of node {node_id}, found {result["kind"]}')
            self._settle(node_id, NodeState.REFUTED if result['passed'] else self.nodes[node_id].state)
            return ()
        created: list[int] = []
        for result in results:
            # the way back is as long as the proof is deep, so it is gone only where there was a loop on it
            seen = result.get('prior_loops', ())
            path = self.loop_path(node_id) if seen else ()
            self._loops[node_id] = tuple(path[i].id for i in seen)
            kind = result['kind']
            if kind == 'extend':
                made = self._extend(node_id, result['extension'])
                if result.get('to_cache') is not None and result['extension']['kind'] == 'step':
                    self._cached[made[0]] = result['to_cache']
                created += made
            elif kind == 'use-cache':
                created += self._extend(node_id, self._cached.pop(node_id))
            elif kind == 'subsumed':
                self._settle(node_id, NodeState.COVERED)
                if result.get('vacuous'):
                    self.covered -= 1
                    self.vacuous += 1
            elif kind == 'terminal':
                self._settle(node_id, NodeState.TERMINAL)
            elif kind == 'bounded':
                self._settle(node_id, NodeState.BOUNDED)
            else:
                raise ValueError(f'unknown step result: {kind}')
        if self._refute and node_id in self._failing and self.split_before(node_id) is not None:
            del self._failing[node_id]
            self._pending[node_id] = None
            created.append(node_id)
        return tuple(created)

    def _ancestors(self, node_id: int) -> Iterable[Node]:
        parent = self.nodes[node_id].parent
        while parent is not None:
            node = self.nodes[parent]
            yield node
            parent = node.parent

    def _state(self, node: Node) -> tuple[str, bool]:
        return node.term, self.nonzero_depth(node.id)

    def _remember(self, node: Node) -> None:
        state = self._state(node)
        self._latest[state] = (*self._latest.get(state, ())[1 - REMEMBERED :], node.id)

    def _now(self, node_id: int) -> int:
        """The node that a node was joined to, if it was given up: the next one on every way through it."""
        while (after := self._joined.get(node_id)) is not None:
            node_id = after
        return node_id

    def _settle(self, node_id: int, state: NodeState) -> None:
        self.nodes[node_id].state = state
        self._pending.pop(node_id, None)
        self._failing.pop(node_id, None)  # a terminal node may then be subsumed
        if state in FAILING:
            self._failing[node_id] = None
        elif state is NodeState.BOUNDED:
            self._bounded[node_id] = None
        elif state is NodeState.COVERED:
            self.covered += 1
        elif state is NodeState.VACUOUS:
            self.vacuous += 1
        elif state is NodeState.REFUTED:
            self.refuted += 1

    def _extend(self, node_id: int, extension: Mapping[str, Any]) -> list[int]:
        kind = extension['kind']
        if kind == 'stuck':
            self._settle(node_id, NodeState.STUCK)
            self.nodes[node_id].reason = extension.get('reason', '')
            return []
        if kind == 'vacuous':
            self._settle(node_id, NodeState.VACUOUS)
            return []
        distance = {'step': extension.get('depth', 0), 'ndbranch': 1, 'branch': 0, 'abstract': 0}[kind]
        conditions = extension.get('conditions', ())
        source = self.nodes[node_id]
        self._settle(node_id, NodeState.EXPANDED)
        parent: int | None = node_id
        if self._optimize_kcfg and kind == 'step' and source.made_by == 'step':
            parent = source.parent
            del self.nodes[node_id], self._loops[node_id]
            self._joined[node_id] = self._next_id
        created = []
        for i, term in enumerate(extension['nodes']):
            new_id = self._next_id
            self._next_id += 1
            self.nodes[new_id] = Node(
                new_id,
                parent,
                term,
                source.depth + distance,
                condition=conditions[i] if i < len(conditions) else '',
                made_by=kind,
                siblings=len(extension['nodes']) - 1,
            )
            self._remember(self.nodes[new_id])
            self._pending[new_id] = None
            created.append(new_id)
        return created


def new_terms(results: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Hashes of all terms that a step's results refer to; each must be in the store before the step is committed."""
    extensions = (
        extension
        for result in results
        for extension in (result.get('extension'), result.get('to_cache'))
        if extension is not None
    )
    return tuple(term for extension in extensions for term in extension.get('nodes', ()))
