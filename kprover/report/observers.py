"""Observers that show a run while it lasts: on a terminal a live view, elsewhere plain lines.

An observer is called from the engine's thread only and keeps no thread of its own; it owns its console
between `started` and `finished`. Clock and console are given to it: tests need neither a terminal nor time.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.text import Text

from ..engine.values import Phase
from .tables import STYLES, final_report, live_view
from .text import LOOK, claim_line, count, first_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import IO

    from rich.console import RenderableType

    from ..engine.values import ClaimProgress, Observer, RunSummary

PLAIN_WIDTH = 200
"""Columns of output that is not a terminal: nothing in a log should be folded."""

REFRESH_SECONDS = 0.2
"""Shortest time between two refreshes of the live view."""


def make_console(file: IO[str] | None = None) -> Console:
    """A console on `file`, or standard output: as wide as the terminal, elsewhere of `PLAIN_WIDTH`."""
    stream = sys.stdout if file is None else file
    reconfigure = getattr(stream, 'reconfigure', None)
    if reconfigure is not None:
        # States and path conditions come from the user's language: a terminal that cannot show a character
        # shows its number instead of ending the run.
        reconfigure(errors='backslashreplace')
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(file=stream, highlight=False, markup=False, emoji=False, width=PLAIN_WIDTH)
    return console


def print_report(console: Console, report: RenderableType) -> None:
    """Print a report; elsewhere than on a terminal its lines are as long as they are."""
    if console.is_terminal:
        console.print(report)
    else:
        console.print(report, no_wrap=True, overflow='ignore', crop=False)


def reporter_for(console: Console, *, store: str = '', backend: str = '', look: str = LOOK) -> PlainReporter:
    """The reporter that suits a console.

    Args:
        store: The checkpoint store, as the user is to see it.
        backend: Where the server program was found and why it was taken.
        look: The command that, given a claim's name, says everything about it.
    """
    return (
        TerminalReporter(console, store=store, backend=backend, look=look)
        if console.is_terminal and not console.is_dumb_terminal
        else PlainReporter(console, store=store, backend=backend, look=look)
    )


class PlainReporter:
    """One line for each claim when it is settled, each notice, and the final report."""

    _console: Console
    _store: str
    _backend: str
    _look: str
    _shown: set[str]

    def __init__(self, console: Console, *, store: str = '', backend: str = '', look: str = LOOK):
        self._console = console
        self._store = store
        self._backend = backend
        self._look = look
        self._shown = set()

    def started(self, summary: RunSummary) -> None:
        suites = dict.fromkeys(claim.suite for claim in summary.claims)
        self._print(
            f'{count(len(summary.claims), "claim")} of {count(len(suites), "suite")} ({", ".join(suites)}), '
            f'{count(summary.workers, "worker")}' + (f', store {self._store}' if self._store else '')
        )
        self._print(f'backend {summary.backend}' + (f' ({self._backend})' if self._backend else ''))

    def claim(self, progress: ClaimProgress) -> None:
        if progress.phase is not Phase.SETTLED or progress.claim in self._shown:
            return
        self._shown.add(progress.claim)
        nothing_done = progress.steps == progress.reused > 0 and not progress.requests
        if not nothing_done:  # a verdict of an earlier run: the final table is enough
            self._print(claim_line(progress), style=STYLES[progress.status])

    def tick(self, summary: RunSummary) -> None:
        pass

    def notice(self, message: str) -> None:
        self._print(first_line(message), style='yellow')

    def finished(self, summary: RunSummary) -> None:
        self._print('')
        print_report(self._console, final_report(summary, self._look))

    def close(self) -> None:
        """Give the terminal back, also where the run ended without `finished`. May be called twice."""

    def _print(self, line: str, style: str = '') -> None:
        self._console.print(Text(line, style=style), soft_wrap=True)


class TerminalReporter(PlainReporter):
    """The same lines, scrolling by above a live view of what is running."""

    _clock: Callable[[], float]
    _live: Live | None
    _refreshed: float

    def __init__(
        self,
        console: Console,
        *,
        store: str = '',
        backend: str = '',
        look: str = LOOK,
        clock: Callable[[], float] = time.monotonic,
    ):
        super().__init__(console, store=store, backend=backend, look=look)
        self._clock = clock
        self._live = None
        self._refreshed = float('-inf')

    def started(self, summary: RunSummary) -> None:
        super().started(summary)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._live.start()
        self.tick(summary)

    def tick(self, summary: RunSummary) -> None:
        now = self._clock()
        if self._live is not None and now - self._refreshed >= REFRESH_SECONDS:
            self._refreshed = now
            self._live.update(live_view(summary, self._console.height), refresh=True)

    def finished(self, summary: RunSummary) -> None:
        self.close()
        super().finished(summary)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


class Observers:
    """Several observers as one; each is told everything, in order."""

    _observers: Sequence[Observer]

    def __init__(self, *observers: Observer):
        self._observers = observers

    def started(self, summary: RunSummary) -> None:
        for observer in self._observers:
            observer.started(summary)

    def claim(self, progress: ClaimProgress) -> None:
        for observer in self._observers:
            observer.claim(progress)

    def tick(self, summary: RunSummary) -> None:
        for observer in self._observers:
            observer.tick(summary)

    def notice(self, message: str) -> None:
        for observer in self._observers:
            observer.notice(message)

    def finished(self, summary: RunSummary) -> None:
        for observer in self._observers:
            observer.finished(summary)
