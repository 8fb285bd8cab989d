"""Fills the history: what a run has found of its claims, and what their proofs have cost.

A cost is summed over the proof's journal, not over the run: it is the same whether the steps were made tonight, last
week or for another claim, so that two nights can be compared by it.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ..engine import SilentObserver, Status
from ..engine.ledger import read_journal, step_row
from ..store import StoreReader
from .database import HistoryError
from .values import ClaimResult, Cost, RecordedRun

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Final

    from ..engine import ClaimProgress, Ledger, RunSummary
    from ..engine.ledger import ReadableStore
    from .database import History
    from .values import Night

WRITE_SECONDS: Final = 5.0
"""How often the time that a night has used is written while it runs: so much of a budget may be forgotten by a kill."""


class NightWatch(SilentObserver):
    """Keeps the night's running run in the history, so that a night that is killed knows what time it has used."""

    def __init__(self, history: History, night: Night):
        self._history = history
        self._night = night
        self._written = float('-inf')

    def started(self, summary: RunSummary) -> None:
        self.tick(summary)

    def tick(self, summary: RunSummary) -> None:
        if time.monotonic() - self._written >= WRITE_SECONDS:
            self._written = time.monotonic()
            with suppress(HistoryError):  # the end of the run will tell; proofs need no history
                self._history.put_run(run_record(summary, self._night))


def record_run(
    history: History, summary: RunSummary, ledger: Ledger, store: Path, night: Night | None = None
) -> tuple[ClaimResult, ...]:
    """Write a run that has ended and what became of its claims. Returns what was written.

    A run by hand has only those claims in the history that it did work for; one without any work is not written.
    """
    with StoreReader(store) as reader:
        results = tuple(
            claim_result(history, reader, progress)
            for progress in summary.claims
            if night is not None or worked(progress)
        )
    if night is not None or results:
        inputs = {result.digest: ledger.proof(result.claim).inputs for result in results if result.digest}
        history.put_run(run_record(summary, night), results, inputs)
    return results


def run_record(summary: RunSummary, night: Night | None) -> RecordedRun:
    return RecordedRun(
        run=summary.run,
        night=None if night is None else night.number,
        started=summary.started,
        seconds=round(summary.seconds, 3),
        state=summary.state.value,
        backend=summary.backend,
        workers=summary.workers,
        server_starts=summary.server_starts,
        requests=summary.requests,
        steps=summary.steps,
        reused=summary.reused,
    )


def claim_result(history: History, store: ReadableStore, progress: ClaimProgress) -> ClaimResult:
    """What became of a claim, with the cost of its proof."""
    did_work = worked(progress)
    known = None
    if not did_work and progress.status.value in ('passed', 'failed'):
        known = history.cost(progress.claim, progress.proof)
    cost = known if known is not None else proof_cost(store, progress.proof)
    if progress.status is Status.PENDING:  # its steps are not all that was worked on
        cost = replace(cost, seconds=round(max(cost.seconds, progress.seconds), 3))
    return ClaimResult(
        claim=progress.claim,
        suite=progress.suite,
        status=progress.status.value,
        reason=progress.reason,
        digest=progress.proof,
        worked=did_work,
        cost=cost,
    )


def worked(progress: ClaimProgress) -> bool:
    """Whether the run did any work for a claim, in vain or not; taking finished steps from the store is none."""
    cut_short = progress.status is Status.PENDING and progress.seconds > 0
    return progress.requests > 0 or progress.steps > progress.reused or progress.status is Status.ERROR or cut_short


def proof_cost(store: ReadableStore, digest: str) -> Cost:
    """What the steps of a proof have cost, as their checkpoints say."""
    steps = requests = rewrites = 0
    seconds = 0.0
    solver_calls: int | None = None
    for _, key in read_journal(store, digest):
        header = store.header(step_row(key))
        if header is None:
            continue
        steps += 1
        requests += int(header.get('requests', 0))
        rewrites += int(header.get('rewrites', 0))
        seconds += float(header.get('seconds', 0.0))
        if header.get('solver_calls') is not None:
            solver_calls = (solver_calls or 0) + int(header['solver_calls'])
    return Cost(steps, requests, rewrites, round(seconds, 3), solver_calls)
