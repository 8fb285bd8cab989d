"""The proof graph of a claim as columns of numbers and texts, read from the checkpoint store without any term.

The journal of the proof is replayed through the engine's own index, so numbers, states and depths are those that the
engine works with. What each edge did, its rules and its costs, comes from the headers of the steps.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...engine import ledger
from ...engine.index import FAILING, ProofIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, Final

    from ...engine.ledger import ReadableStore

RULES_SHOWN: Final = 12
"""At most so many different rules of an edge are listed, the most frequent first; the others are counted."""


@dataclass
class _Edge:
    """How a node was reached from its parent."""

    kind: str = ''
    rewrites: int = 0
    rules: tuple[str, ...] = ()


@dataclass
class ProofGraph:
    """A proof graph, one entry per node in each list, node `n` at position `n - 1`.

    Attributes:
        parents: Number of the node before, 0 for the initial node and the target.
        depths: Rewrite steps between the initial node and this one.
        states: See `kprover.engine.index.NodeState`; of a failing node, what makes it fail.
        kinds: How the node follows from its parent: `step`, `branch`, `ndbranch`, `abstract`, or empty.
        rewrites: Rewrite steps of the edge from its parent.
        conditions: The condition of the branch that it begins.
        rules: What was applied on the edge, as in `IMP.while 3 times`.
        seconds: Worker time of the step made from the node, `None` where there is none.
        requests: Requests of that step.
        reused: Whether that step was made before this run, or for another claim.
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
    made: dict[int, tuple[float, int, bool]] = {}
    for node, key in ledger.read_journal(store, digest):
        header = store.header(ledger.step_row(key))
        if header is None or not index.is_pending(node):
            break  # damaged; a run repairs it, and until then the graph ends here
        parent = index.nodes[node].parent
        created = iter(index.commit(node, header['results']))
        for extension in _extensions(header['results'], node, parent, cached):
            for new in _take(created, len(extension.get('nodes', ()))):
                edges[new] = _edge(extension)
        made[node] = (header.get('seconds', 0.0), header.get('requests', 0), was_reused(node, key))
    return _graph(index, edges, made)


def _take(numbers: Iterable[int], count: int) -> list[int]:
    return [number for number, _ in zip(numbers, range(count), strict=False)] if count else []


def _extensions(
    results: Iterable[Mapping[str, Any]], node: int, parent: int | None, cached: dict[int, Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """The extensions of a step's results in order; one that came with the step before is taken from `cached`."""
    found = []
    for result in results:
        if result['kind'] == 'use-cache':
            assert parent is not None, 'only a node with a predecessor has a cached extension'
            found.append(cached.pop(parent))
        elif result.get('extension') is not None:
            found.append(result['extension'])
            if result.get('to_cache') is not None:
                cached[node] = result['to_cache']
    return found


def _edge(extension: Mapping[str, Any]) -> _Edge:
    kind = extension['kind']
    return _Edge(kind, {'step': extension.get('depth', 0), 'ndbranch': 1}.get(kind, 0), _rules(extension))


def _rules(extension: Mapping[str, Any]) -> tuple[str, ...]:
    counted = Counter(str(rule).removesuffix(':None') for rule in extension.get('rules', ()))
    shown = [f'{rule} {times} times' if times > 1 else rule for rule, times in counted.most_common(RULES_SHOWN)]
    if len(counted) > RULES_SHOWN:
        shown.append(f'and {len(counted) - RULES_SHOWN} other rules')
    return tuple(shown)


def _graph(index: ProofIndex, edges: Mapping[int, _Edge], made: Mapping[int, tuple[float, int, bool]]) -> ProofGraph:
    graph = ProofGraph(failing=tuple(sorted(index.failing)))
    nothing = _Edge()
    for number, node in index.nodes.items():
        edge = edges.get(number, nothing)
        seconds, requests, reused = made.get(number, (None, 0, False))
        graph.parents.append(node.parent or 0)
        graph.depths.append(node.depth)
        graph.states.append(index.failing_reason(number) if node.state in FAILING else node.state.value)
        graph.kinds.append(edge.kind)
        graph.rewrites.append(edge.rewrites)
        graph.conditions.append(node.condition)
        graph.rules.append(edge.rules)
        graph.seconds.append(seconds)
        graph.requests.append(requests)
        graph.reused.append(reused)
    return graph
