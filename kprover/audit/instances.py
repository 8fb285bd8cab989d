"""Instances of the states of a proof, held against its graph: the check that does not repeat the reasoning it checks.

A worker makes them and runs them, see `proofs.instances`; here is what is asked for, and what becomes of the answers.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..deltas import DamagedTerm, chain
from ..engine import ledger
from ..proofs.errors import MissingRecord
from ..store import CheckpointStore
from .executor import Ask, NoAnswer
from .model import Contradiction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any, Final

    from ..store import StoreReader
    from .executor import Job
    from .graph import GraphNode

NEAR: Final = 300
"""So many nodes next to the initial one are followed together; the others are checked one by one."""

SECONDS: Final = 60.0
"""A task ends after this time, with what it has found."""

SPARE_SECONDS: Final = 300.0
"""So much later it is given up, unless a step may take longer."""

CHECKED: Final = ('edge', 'split', 'ndbranch', 'cover', 'vacuous', 'refuted')


@dataclass(frozen=True)
class InstanceOutcome:
    """What became of the instances of some nodes.

    Attributes:
        node: Where they were made.
        counts: See `proofs.instances.Found`.
        reasons: Why some were undecided, with how often.
        error: Why they could not be checked, empty if they were.
    """

    node: int
    counts: Mapping[str, int] = field(default_factory=dict)
    contradictions: tuple[Contradiction, ...] = ()
    reasons: Mapping[str, int] = field(default_factory=dict)
    error: str = ''


@dataclass(frozen=True)
class InstanceJobs:
    """Makes jobs that check instances of one proof.

    Attributes:
        store: Where terms are.
        common: What every task of the proof says, with what all of these do.
        modules: The packed texts of its modules.
        timeout: Seconds that a step may take.
    """

    store: StoreReader
    common: Mapping[str, Any]
    modules: Mapping[str, bytes]
    timeout: float | None

    def of_equality(self, name: str, blob: bytes) -> Iterator[Job[InstanceOutcome]]:
        """Both sides of an equality."""
        yield self._job(0, {'proof': name}, {'proof': blob}, ())

    def of_graph(
        self, graph: Mapping[int, GraphNode], init: int, target: int, *, whole: bool
    ) -> Iterator[Job[InstanceOutcome]]:
        """The whole from its beginning, then each node by itself.

        Args:
            whole: Whether an execution must come to the target.
        """
        near = _near(graph, init)
        if graph[init].kind in CHECKED or whole:
            yield self._starting(init, graph, near, init, target, {'follow': True, 'whole': whole})
        for number, node in sorted(graph.items()):
            if number != init and node.kind in CHECKED:
                yield self._starting(number, graph, {number}, init, target, {})

    def _starting(
        self,
        start: int,
        graph: Mapping[int, GraphNode],
        checked: set[int],
        init: int,
        target: int,
        fields: Mapping[str, Any],
    ) -> Job[InstanceOutcome]:
        numbers = {init, target, *checked, *(end for number in checked for end in graph[number].targets)}
        described: dict[str, dict[str, Any]] = {}
        for number in sorted(numbers):
            node = graph[number]
            described[str(number)] = {
                'term': node.term,
                'kind': node.kind if number in checked else '',
                'targets': [str(end) for end in node.targets] if number in checked else [],
                'depth': node.depth,
                'exact': node.exact and bool(self.common['exact']),
            }
        header = {'graph': described, 'init': init, 'target': target, 'starts': [start], **fields}
        return self._job(start, header, {}, sorted({graph[number].term for number in numbers}))

    def _job(
        self, node: int, fields: Mapping[str, Any], extra: Mapping[str, bytes], terms: Sequence[str]
    ) -> Job[InstanceOutcome]:
        try:
            blobs = dict(extra)
            for term in terms:
                blobs |= chain(term, self._blob)
            lemmas = self.common.get('lemma_module')
            if lemmas is not None and lemmas in self.modules:
                blobs['lemmas'] = self.modules[lemmas]
            answer = yield Ask(
                'instances',
                {**self.common, **fields},
                blobs,
                self.modules,
                timeout=SECONDS + max(SPARE_SECONDS, self.timeout or 0.0),
            )
        except NoAnswer as err:
            return InstanceOutcome(node, error=str(err).partition('\n')[0])
        except (DamagedTerm, MissingRecord) as err:
            return InstanceOutcome(node, error=f'a record that it needs is missing or damaged: {err}')
        return InstanceOutcome(
            node,
            answer.header['counts'],
            tuple(Contradiction(**entry) for entry in answer.header['contradictions']),
            answer.header['reasons'],
        )

    def _blob(self, term: str) -> bytes | None:
        record = self.store.get(ledger.term_row(term))
        return None if record is None else record.blob


def total(outcomes: Iterable[InstanceOutcome]) -> Counter[str]:
    """The counts of several outcomes together."""
    counts: Counter[str] = Counter()
    for outcome in outcomes:
        counts.update(outcome.counts)
    return counts


def withdraw(
    path: Path, claim: str, steps: Sequence[tuple[int, str]], found: Sequence[Contradiction], run: str
) -> tuple[str, ...]:
    """Take back what instances contradict: the steps that are to blame, and every verdict that rests on them.

    Where the run of an instance as a whole contradicts the claim, no single step is known to be wrong, and all of the
    proof's steps are taken back.

    Args:
        steps: Node and key of each commit of the proof.
        run: Stands for this audit in what is written.

    Returns:
        The claims whose verdicts are gone.

    Raises:
        StoreLocked, StoreError: it cannot be written.
    """
    from ..engine.standing import withdraw_step

    nodes = {contradiction.node for contradiction in found if contradiction.kind != 'claim'}
    chosen = [(node, key) for node, key in steps if node in nodes]
    if not chosen or any(contradiction.kind == 'claim' for contradiction in found):
        chosen = list(steps)
    claims: dict[str, None] = {}
    with CheckpointStore.open(path) as store:
        for node, key in dict.fromkeys(chosen):
            record = store.get(ledger.step_row(key))
            about = next((each for each in found if each.node == node), found[0])
            withdrawn = withdraw_step(store, key)
            claims.update(dict.fromkeys(withdrawn))
            store.put(
                ledger.flaky_row(key),
                {
                    'claim': claim,
                    'node': node,
                    'run': run,
                    'difference': f'an instance contradicts it: {about.what}',
                    'stored': {} if record is None else record.header,
                    'found': about.to_dict(),
                    'withdrawn': list(withdrawn),
                },
                b'' if record is None else record.blob,
            )
        store.commit()
    return tuple(claims)


def _near(graph: Mapping[int, GraphNode], init: int) -> set[int]:
    found = {init}
    waiting = [init]
    for number in waiting:
        for end in graph[number].targets:
            if end not in found and len(found) < NEAR:
                found.add(end)
                waiting.append(end)
    return found
