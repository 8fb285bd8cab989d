"""What the history holds: nights, their runs, and what became of each claim. Immutable values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ..engine.values import Word

if TYPE_CHECKING:
    from datetime import date
    from typing import Final

COUNTS: Final = ('requests', 'rewrites', 'solver_calls')
"""The counts of a `Cost` that a noisy machine does not change."""


class NightState(Word):
    """Whether a night is over. A `RUNNING` night whose process is gone was killed, and can be resumed as can others."""

    RUNNING = 'running'
    INTERRUPTED = 'interrupted'
    FINISHED = 'finished'


@dataclass(frozen=True)
class Cost:
    """What all steps of a proof took together, in whichever runs they were made.

    Attributes:
        steps: Steps committed to the proof.
        requests: Requests to servers.
        rewrites: Rewrite steps that the servers made.
        seconds: Time that workers spent.
        solver_calls: Queries to SMT solvers; `None` where the server program does not tell.
    """

    steps: int = 0
    requests: int = 0
    rewrites: int = 0
    seconds: float = 0.0
    solver_calls: int | None = None


@dataclass(frozen=True)
class ClaimResult:
    """What became of a claim in a run or in a night.

    Attributes:
        claim: `suite/LABEL`.
        status: `passed`, `failed`, `error`, `pending` or `not-attempted`.
        reason: One line: why it is not passed, or with what reservation it is.
        digest: Of everything that a verdict depends on.
        worked: Whether any work was done for it; otherwise the result is that of an earlier run.
        cost: Of its proof as far as it has come.
    """

    claim: str
    suite: str
    status: str
    reason: str = ''
    digest: str = ''
    worked: bool = False
    cost: Cost = Cost()

    @property
    def outcome(self) -> str | None:
        """`passed`, `failed` or `error`; `None` where the run said nothing about the claim."""
        return self.status if self.status in ('passed', 'failed', 'error') else None

    @property
    def vacuous(self) -> bool:
        """Whether it has passed only because nothing satisfies its precondition; its reason says so."""
        return self.status == 'passed' and any(note.startswith('vacuous: ') for note in self.reason.split('; '))

    @property
    def word(self) -> str:
        """Its status for people."""
        return 'passed (vacuous)' if self.vacuous else self.status.replace('-', ' ')

    @property
    def decided(self) -> bool:
        """Whether the proof came to its end, so that its cost is that of a whole proof."""
        return self.status in ('passed', 'failed')


@dataclass(frozen=True)
class RecordedRun:
    """One run of the engine.

    Attributes:
        run: Its name, as in the checkpoint store.
        night: Number of the night that it belongs to, `None` for a run by hand.
        started: Seconds since the epoch.
        seconds: Wall-clock time.
        state: `running` (or killed), `finished`, `interrupted` or `aborted`.
    """

    run: str
    night: int | None
    started: float
    seconds: float
    state: str
    backend: str
    workers: int
    server_starts: int
    requests: int
    steps: int
    reused: int


@dataclass(frozen=True)
class Night:
    """One night: the runs that one date's `Nightly` took, more than one where it was interrupted.

    Attributes:
        number: Nights are numbered in the order in which they began.
        date: The date that it was asked for.
        job: The suite files of the night as they were named, separated by commas.
        started: Seconds since the epoch.
        ended: When the last of its runs ended, `None` while that is not known.
        seconds: Wall-clock time of its runs together.
        budget: Seconds that it was given, `None` for no limit.
        runs: How many runs it took.
    """

    number: int
    date: date
    job: str
    started: float
    ended: float | None
    state: NightState
    seconds: float = 0.0
    budget: float | None = None
    runs: int = 0

    @property
    def began(self) -> str:
        """When it began, in local time."""
        return local_time(self.started)


def local_time(moment: float) -> str:
    """Seconds since the epoch as date and time of this machine's zone."""
    return datetime.fromtimestamp(moment).astimezone().strftime('%Y-%m-%d %H:%M')
