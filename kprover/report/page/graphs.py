"""The proof graph of a claim as columns of numbers and texts, read from the checkpoint store without any term.

The journal of the proof is replayed through the engine's own index, so numbers, states and depths are those that the
engine works with. What each edge did, its rules and its costs, comes from the headers of the steps.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...engine import ledger
from ...engine.index import FAILING, Node, ProofIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Final

    from ...engine.ledger import ReadableStore

JOINED: Final = 'joined'
"""What stands for the state of a node that was given up when its edges were joined."""

RULES_SHOWN: Final = 12
"""At most so many different rules of an edge are listed, the most frequent first; the others are counted."""


@dataclass
class _Edge:
    """How a node was reached from its parent, and how often each rule was applied on the way."""

    kind: str = ''
    rewrites: int = 0
    rules: Counter[str] = field(default_factory=Counter)

    def after(self, before: _Edge) -> _Edge:
        """This edge joined to the one before it."""
        return _Edge(self.kind, before.rewrites + self.rewrites, before.rules + self.rules)


@dataclass
class _Made:
    """What the steps that were made from a node cost; several where edges were joined."""

    seconds: float = 0.0
    requests: int = 0
    reused: bool = True

    def add(self, seconds: float, requests: int, reused: bool) -> None:
        self.seconds += seconds
        self.requests += requests
        self.reused = self.reused and reused


@dataclass
class ProofGraph:
    """A proof graph, one entry per node in each list, node `n` at position `n - 1`.

    Where edges were joined (`optimize-kcfg`), the nodes between them are gone; their entries have no parent and the
    state `JOINED`.

    Attributes:
        parents: Number of the node before, 0 for the initial node and the target.
        depths: Rewrite steps between the initial node and this one.
        states: See `kprover.engine.index.NodeState`; of a failing node, what makes it fail.
        kinds: How the node follows from its parent: `step`, `branch`, `ndbranch`, `abstract`, or empty.
        rewrites: Rewrite steps of the edge from its parent.
        conditions: The condition of the branch that it begins.
        rules: What was applied on the edge, as in `IMP.while 3 times`.
        seconds: Worker time of the step made from the node, of all steps of joined edges; `None` where there is none.
        requests: Requests of those steps.
        reused: Whether they were made before this run, or for another claim.
        failing: The numbers of the nodes that fail the proof; this list is as long as there are such.
    """

    parents: list[int] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    rewrites: list[int] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    rules: list[tuple[str, ...]] = field(default_factory=list)
    seconds: list[float | None] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    reused: list[bool] = field(default_factory=list)
    failing: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.parents)

    def to_json(self) -> dict[str, Any]:
        """The graph as JSON data: texts and lists of rules are numbers of entries in `texts`, number 0 is empty."""
        texts: dict[str, int] = {'': 0}

        def number(text: str) -> int:
            return texts.setdefault(text, len(texts))

        columns = {
            'parents': self.parents,
            'depths': self.depths,
            'states': [number(state) for state in self.states],
            'kinds': [number(kind) for kind in self.kinds],
            'rewrites': self.rewrites,
            'conditions': [number(condition) for condition in self.conditions],
            'rules': [number('\n'.join(rules)) for rules in self.rules],
            'seconds': [None if seconds is None else round(seconds, 4) for seconds in self.seconds],
            'requests': self.requests,
            'reused': [int(reused) for reused in self.reused],
            'failing': list(self.failing),
        }
        return {**columns, 'texts': list(texts)}


def read_graph(store: ReadableStore, digest: str, was_reused: Callable[[int, str], bool]) -> ProofGraph | None:
    """The graph of the proof with this digest as far as its journal goes; `None` where there is none.

    Args:
        was_reused: Whether the step of a node, with a key, was taken from the store in the run that is shown.
    """
    prepared = store.header(ledger.proof_row(digest))
    if prepared is None or prepared.get('kind') != 'reachability':
        return None
    index = ProofIndex.of(prepared)
    edges: dict[int, _Edge] = {}
    cached: dict[int, Mapping[str, Any]] = {}
    made: dict[int, _Made] = {}
    for node, key in ledger.read_journal(store, digest):
        header = store.header(ledger.step_row(key))
        if header is None or not index.is_pending(node):
            break  # damaged; a run repairs it, and until then the graph ends here
        parent = index.nodes[node].parent
        created = iter(index.commit(node, header['results']))
        joined = node not in index.nodes
        before = edges.pop(node) if joined else None
        for result in header['results']:
            extension = cached.pop(node) if result['kind'] == 'use-cache' else result.get('extension')
            if extension is None:
                continue
            edge = _edge(extension) if before is None else _edge(extension).after(before)
            news = [next(created) for _ in extension.get('nodes', ())]
            edges.update(dict.fromkeys(news, edge))
            if result.get('to_cache') is not None and news:
                cached[news[0]] = result['to_cache']
        source = parent if joined and parent is not None else node
        cost = header.get('seconds', 0.0), header.get('requests', 0), was_reused(node, key)
        made.setdefault(source, _Made()).add(*cost)
    return _graph(index, edges, made)


def _edge(extension: Mapping[str, Any]) -> _Edge:
    kind = extension['kind']
    rules = Counter(str(rule).removesuffix(':None') for rule in extension.get('rules', ()))
    return _Edge(kind, {'step': extension.get('depth', 0), 'ndbranch': 1}.get(kind, 0), rules)


def _shown(rules: Counter[str]) -> tuple[str, ...]:
    shown = [f'{rule} {times} times' if times > 1 else rule for rule, times in rules.most_common(RULES_SHOWN)]
    if len(rules) > RULES_SHOWN:
        shown.append(f'and {len(rules) - RULES_SHOWN} other rules')
    return tuple(shown)


def _graph(index: ProofIndex, edges: Mapping[int, _Edge], made: Mapping[int, _Made]) -> ProofGraph:
    graph = ProofGraph(failing=tuple(sorted(index.failing)))
    given_up = Node(0, None, '', 0)
    for number in range(1, max(index.nodes) + 1):
        node = index.nodes.get(number, given_up)
        edge = edges.get(number, _Edge())
        cost = made.get(number)
        state = index.failing_reason(number) if node.state in FAILING else node.state.value
        graph.parents.append(node.parent or 0)
        graph.depths.append(node.depth)
        graph.states.append(JOINED if node is given_up else state)
        graph.kinds.append(edge.kind)
        graph.rewrites.append(edge.rewrites)
        graph.conditions.append(node.condition)
        graph.rules.append(_shown(edge.rules))
        graph.seconds.append(cost.seconds if cost is not None else None)
        graph.requests.append(cost.requests if cost is not None else 0)
        graph.reused.append(cost.reused if cost is not None else False)
    return graph
