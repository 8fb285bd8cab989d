"""Observers that show a run while it lasts: on a terminal a live view, elsewhere plain lines at intervals.

An observer is called from the engine's thread only and keeps no thread of its own; it owns its console
between `started` and `finished`. Clock and console are given to it: tests need neither a terminal nor time.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from rich.console import Console
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

from ..engine.values import Phase, SilentObserver
from ..printable import printable
from ..streams import unguarded
from .estimate import expected_left
from .live import LEAST_HEIGHT, LEAST_WIDTH, View, live_view, progress_line
from .tables import PLAIN_SIZE, STYLES, final_report
from .text import LOOK, claim_line, count, first_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import IO, Any

    from rich.console import ConsoleOptions, RenderableType

    from ..engine.events import Activity, Commit, ProcessEvent, Sample
    from ..engine.values import ClaimProgress, Observer, RunSummary

PLAIN_WIDTH = 200
"""Columns of output that is not a terminal: nothing in a log should be folded."""

REFRESH_SECONDS = 0.2
"""Shortest time between two refreshes of the live view."""

PROGRESS_SECONDS = (30.0, 300.0)
"""Shortest and longest time between two lines on the progress of a run; in between, a twentieth of its time so far."""


class GuardedConsole(Console):
    """A console whose own control characters reach the terminal, and those of the texts that it shows do not."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            plain = segment.text if segment.control else printable(segment.text)
            yield segment if plain is segment.text else Segment(plain, segment.style)


def make_console(file: IO[str] | None = None) -> Console:
    """A console on `file`, or standard output: as wide as the terminal, elsewhere of `PLAIN_WIDTH`."""
    stream = unguarded(sys.stdout if file is None else file)
    reconfigure = getattr(stream, 'reconfigure', None)
    if reconfigure is not None:
        # States and path conditions come from the user's language: a terminal that cannot show a character
        # shows its number instead of ending the run.
        reconfigure(errors='backslashreplace')
    console = GuardedConsole(file=stream, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = GuardedConsole(file=stream, highlight=False, markup=False, emoji=False, width=PLAIN_WIDTH)
    return console


def run_console() -> Console:
    """A console on standard output for a run, which goes on where nobody can read its output any more."""
    console = make_console()
    console.file = cast('IO[str]', _Outlived(unguarded(sys.stdout)))
    return console


class _Outlived:
    """A stream that may go away: a closed pipe or terminal, a full disk. From then on what is written is dropped."""

    def __init__(self, stream: IO[str]):
        self._stream = stream
        self._gone = False

    def write(self, text: str) -> int:
        if not self._gone:
            try:
                self._stream.write(text)
            except OSError as err:
                self._give_up(err)
        return len(text)

    def flush(self) -> None:
        if not self._gone:
            try:
                self._stream.flush()
            except OSError as err:
                self._give_up(err)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _give_up(self, err: OSError) -> None:
        self._gone = True
        with suppress(OSError, ValueError):
            # What is in the stream's buffer goes nowhere too, and nothing is left to fail when Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
        with suppress(OSError):
            print(f'kprover: output cannot be written any more ({err.strerror}); the run goes on', file=sys.stderr)


def print_report(console: Console, report: RenderableType) -> None:
    """Print a report; elsewhere than on a terminal its lines are as long as they are."""
    if console.is_terminal:
        console.print(report)
    else:
        console.print(report, no_wrap=True, overflow='ignore', crop=False)


def reporter_for(
    console: Console, *, store: str = '', backend: str = '', look: str = LOOK, reports: str = ''
) -> PlainReporter:
    """The reporter that suits a console: a live view on a terminal of some size, but not in CI.

    Args:
        store: The checkpoint store, as the user is to see it.
        backend: Where the server program was found and why it was taken.
        look: The command that, given a claim's name, says everything about it.
        reports: The folder with the reports of the run.
    """
    roomy = console.width >= LEAST_WIDTH and console.height >= LEAST_HEIGHT
    live = console.is_terminal and not console.is_dumb_terminal and roomy and not os.environ.get('CI')
    kind = TerminalReporter if live else PlainReporter
    return kind(console, store=store, backend=backend, look=look, reports=reports)


class PlainReporter(SilentObserver):
    """One line for each claim when it is settled, each notice, one on the progress now and then, the final report."""

    def __init__(
        self,
        console: Console,
        *,
        store: str = '',
        backend: str = '',
        look: str = LOOK,
        reports: str = '',
        clock: Callable[[], float] = time.monotonic,
    ):
        self._console = console
        self._store = store
        self._backend = backend
        self._look = look
        self._reports = reports
        self._clock = clock
        self._shown: set[str] = set()
        self._began = self._refreshed = clock()

    def started(self, summary: RunSummary) -> None:
        suites = dict.fromkeys(claim.suite for claim in summary.claims)
        self._print(
            f'{count(len(summary.claims), "claim")} of {count(len(suites), "suite")} ({", ".join(suites)}), '
            f'{count(summary.workers, "worker")}' + (f', store {self._store}' if self._store else '')
        )
        self._print(f'backend {summary.backend}' + (f' ({self._backend})' if self._backend else ''))
        self._began = self._refreshed = self._clock()

    def claim(self, progress: ClaimProgress) -> None:
        if progress.phase is not Phase.SETTLED or progress.claim in self._shown:
            return
        self._shown.add(progress.claim)
        nothing_done = progress.steps == progress.reused > 0 and not progress.requests
        if not nothing_done:  # a verdict of an earlier run: the final table is enough
            self._print(claim_line(progress), style=STYLES[progress.status])

    def tick(self, summary: RunSummary) -> None:
        now = self._clock()
        shortest, longest = PROGRESS_SECONDS
        if now - self._refreshed >= min(max((now - self._began) / 20, shortest), longest):
            self._refreshed = now
            self._print(progress_line(View(summary, estimate=expected_left(summary))))

    def notice(self, message: str) -> None:
        self._print(first_line(message), style='yellow')

    def finished(self, summary: RunSummary) -> None:
        self._print('')
        size = (self._console.width, self._console.height) if self._console.is_terminal else PLAIN_SIZE
        print_report(self._console, final_report(summary, self._look, self._reports, size))

    def close(self) -> None:
        """Give the terminal back, also where the run ended without `finished`. May be called twice."""

    def _print(self, line: str, style: str = '') -> None:
        self._console.print(Text(line, style=style), soft_wrap=True)


class TerminalReporter(PlainReporter):
    """The lines on claims and notices, scrolling by above a live view of what is running."""

    _live: Live | None = None
    _sample: Sample | None = None

    def started(self, summary: RunSummary) -> None:
        super().started(summary)
        self._begun: dict[str, float] = {}
        self._streams = [(handler, handler.stream) for handler in _handlers_on_terminals()]
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=sys.stdout.isatty(),
            redirect_stderr=sys.stderr.isatty(),
        )
        self._live.start()
        for handler, _ in self._streams:  # they would write past the view, into the middle of it
            handler.setStream(sys.stderr)
        self._refreshed = float('-inf')
        self.tick(summary)

    def activity(self, activity: Activity) -> None:
        self._begun.setdefault(activity.claim, activity.start)

    def sample(self, sample: Sample) -> None:
        self._sample = sample
        for process in sample.processes:
            if process.claim and process.since is not None:
                self._begun.setdefault(process.claim, process.since)

    def tick(self, summary: RunSummary) -> None:
        now = self._clock()
        if self._live is not None and now - self._refreshed >= REFRESH_SECONDS:
            self._refreshed = now
            view = View(summary, self._sample, self._begun, expected_left(summary))
            self._live.update(live_view(view, self._console.width, self._console.height), refresh=True)

    def finished(self, summary: RunSummary) -> None:
        self.close()
        super().finished(summary)

    def close(self) -> None:
        if self._live is not None:
            for handler, stream in self._streams:
                handler.setStream(stream)
            self._live.stop()
            self._live = None


def _handlers_on_terminals() -> Iterator[logging.StreamHandler[Any]]:
    """The handlers of all loggers that write to a terminal by a stream of their own."""
    loggers = [logging.getLogger(), *map(logging.getLogger, list(logging.root.manager.loggerDict))]
    for handler in {id(h): h for logger in loggers for h in logger.handlers}.values():
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
            isatty = getattr(handler.stream, 'isatty', None)
            if isatty is not None and isatty():
                yield handler


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

    def activity(self, activity: Activity) -> None:
        for observer in self._observers:
            observer.activity(activity)

    def commit(self, commit: Commit) -> None:
        for observer in self._observers:
            observer.commit(commit)

    def process(self, event: ProcessEvent) -> None:
        for observer in self._observers:
            observer.process(event)

    def sample(self, sample: Sample) -> None:
        for observer in self._observers:
            observer.sample(sample)

    def tick(self, summary: RunSummary) -> None:
        for observer in self._observers:
            observer.tick(summary)

    def notice(self, message: str) -> None:
        for observer in self._observers:
            observer.notice(message)

    def finished(self, summary: RunSummary) -> None:
        for observer in self._observers:
            observer.finished(summary)
