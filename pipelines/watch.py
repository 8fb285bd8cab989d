"""An observer that shows a run in Luigi's scheduler and visualiser, as progress of the engine's task."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import luigi

    from kprover.engine import ClaimProgress, RunSummary

REPORT_SECONDS = 1.0
"""Shortest time between two messages: with a `luigid`, each is a request of some milliseconds."""


class LuigiObserver:
    """Tells the scheduler how far a run is."""

    _task: luigi.Task
    _clock: Callable[[], float]
    _told: float

    def __init__(self, task: luigi.Task, clock: Callable[[], float] = time.monotonic):
        self._task = task
        self._clock = clock
        self._told = float('-inf')

    def started(self, summary: RunSummary) -> None:
        self._tell(summary)

    def claim(self, progress: ClaimProgress) -> None:
        pass

    def tick(self, summary: RunSummary) -> None:
        if self._clock() - self._told >= REPORT_SECONDS:
            self._tell(summary)

    def notice(self, message: str) -> None:
        pass

    def finished(self, summary: RunSummary) -> None:
        self._tell(summary)

    def _tell(self, summary: RunSummary) -> None:
        from kprover.engine import Phase
        from kprover.report import headline, run_line

        self._told = self._clock()
        settled = sum(claim.phase is Phase.SETTLED for claim in summary.claims)
        # Luigi sets both on a task while it runs it.
        set_percentage, set_message = self._task.set_progress_percentage, self._task.set_status_message
        if set_percentage is not None:
            set_percentage(round(100 * settled / max(len(summary.claims), 1)))
        if set_message is not None:
            set_message(f'{headline(summary.claims)}\n{run_line(summary)}')
