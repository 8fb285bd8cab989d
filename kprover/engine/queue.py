"""The ready heap: work that a worker could start now, in the order of the configured priority."""

from __future__ import annotations

import heapq
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .history import longest_chains
from .priority import StepInfo
from .proof_run import initial_depth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Final

    from .history import ClaimHistory
    from .plan import Plan
    from .priority import Priority
    from .proof_run import ProofRun
    from .step_request import StepRequest

DEFAULT_SHARE: Final = 60.0
"""Seconds of work that are a claim's fair share in a run without a time budget."""


LEAST_SHARE: Final = 1.0
"""A share is at least so many seconds: less than a step would only switch back and forth."""


@dataclass(frozen=True)
class Work:
    """Something for a worker to do: `prepare` a proof, make a `step`, `verify` one, or `diagnose` a failing node."""

    kind: str
    digest: str
    node: int
    request: StepRequest | None = None

    @property
    def task(self) -> str:
        """What the worker is told: to verify a step, it makes it."""
        return 'step' if self.kind == 'verify' else self.kind

    @property
    def needs_server(self) -> bool:
        return self.kind not in ('prepare', 'advance')


class ReadyQueue:
    """Work by priority; equal ones in the order in which they became ready. Pushing and popping cost O(log n).

    Work that needs a server is kept apart by definition, so that what cannot have a server now is passed over without
    being looked at.
    """

    def __init__(self, plan: Plan, priority: Priority, history: Mapping[str, ClaimHistory], share: float | None):
        """
        Args:
            history: What earlier runs cost, by proof digest.
            share: Seconds of work that are a claim's fair share of the run.
        """
        self._priority = priority
        self._history = history
        self._chains = longest_chains(plan, history)
        self._order = {digest: position for position, digest in enumerate(plan.proofs)}
        self._share = max(share, LEAST_SHARE) if share is not None else DEFAULT_SHARE
        self._heaps: dict[str, list[tuple[Any, int, Work]]] = {}  # by service; '' for what needs no server
        self._of_definition: Counter[str] = Counter()
        self._service: dict[str, str] = {}
        self._sequence = 0

    def __len__(self) -> int:
        return self._of_definition.total()

    def has_work_for(self, service: str) -> bool:
        """Whether there is work for a definition, whether or not it needs a server at once."""
        return self._of_definition[service] > 0

    def push(self, work: Work, proof: ProofRun) -> None:
        self._sequence += 1
        if proof.started is None:
            proof.started = time.monotonic()
        service = proof.planned.service
        self._of_definition[service] += 1
        self._service[work.digest] = service
        heap = self._heaps.setdefault(service if work.needs_server else '', [])
        heapq.heappush(heap, (self._priority(self._info(work, proof)), self._sequence, work))

    def pop(self, can_serve: Callable[[str], bool]) -> Work | None:
        """The least work among that which needs no server or whose definition `can_serve`; `None` if there is none."""
        heaps = [heap for service, heap in self._heaps.items() if heap and (not service or can_serve(service))]
        if not heaps:
            return None
        work = heapq.heappop(min(heaps, key=lambda heap: heap[0][:2]))[2]
        self._of_definition[self._service[work.digest]] -= 1
        return work

    def _info(self, work: Work, proof: ProofRun) -> StepInfo:
        claim = proof.planned.claim
        history = self._history.get(proof.digest)
        estimate = None
        if history is not None:
            estimate = history.left(proof.steps) + self._chains[proof.digest]
        return StepInfo(
            claim=claim.name,
            suite=claim.suite,
            label=claim.label,
            kind=work.kind,
            priority=max(claim.options.priority for claim in proof.planned.claims),
            tags=claim.options.tags,
            node=work.node,
            depth=initial_depth(proof, work.node),
            steps=proof.steps,
            pending=proof.counts[1],
            dependents=proof.planned.dependents,
            age=time.monotonic() - proof.started if proof.started is not None else 0.0,
            seconds=proof.seconds,
            spent=history.spent_in_vain if history is not None else 0.0,
            estimate=estimate,
            failed_before=history is not None and history.status != 'passed',
            share=self._share,
            order=self._order[proof.digest],
            sequence=self._sequence,
        )
