"""What a run leaves behind for reports: an observer that keeps it, in bounded memory.

The page, the trace and the JSON summary are made from a `RunRecord` and nothing else. It may be read at any moment
between two calls of the engine, in the same thread; `final` says whether more will come. `to_dict` and `from_dict` keep
all of it as JSON data.

Where there is more than the limits below allow, what tells the least goes first: the shortest activities, every second
reading. Sums are kept apart and stay exact.
"""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING

from ..engine.events import Activity, ProcessEvent
from ..engine.values import ClaimProgress, Phase, RunState, RunSummary, SilentObserver, Status
from .chain import Chains
from .text import duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Final

    from ..engine.events import Commit, Sample

ACTIVITIES: Final = 100_000
"""At most so many activities are kept."""

READINGS: Final = 2_000
"""At most so many readings of memory and busy workers are kept; over a long run they lie further apart."""

REUSED: Final = 100_000
"""Of at most so many reused steps node and key are kept."""

NOTICES: Final = 1_000
"""The first so many notices are kept."""

EVENTS: Final = 10_000
"""The first so many starts and ends of processes are kept."""

FORMAT: Final = 1

KILLED: Final = 'the run was killed'
"""The reason of what such a run left undone."""


@dataclass(frozen=True)
class Facts:
    """What is known of a run before it begins.

    Attributes:
        suites: Suite files, as the user named them.
        store: The checkpoint store, as the user is to see it.
        backend: Where the server program was found and why it was taken.
        identity: Program, version and options of the server, as they enter the keys of results.
        look: The command that, given a claim's name, says everything about it.
        depends: The claims that a claim depends on, by name.
        versions: Versions of kprover, pyk, Python.
        settings: Settings that are not at their defaults.
        host: Name of the machine.
    """

    suites: tuple[str, ...] = ()
    store: str = ''
    backend: str = ''
    identity: str = ''
    look: str = 'kprover status'
    depends: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    host: str = ''


@dataclass(frozen=True)
class Reading:
    """Workers and servers at one moment.

    Attributes:
        time: Seconds since the start of the run.
        busy: Workers that had work.
        workers: Workers that were alive.
        memory: Bytes used by each server, by its number.
    """

    time: float
    busy: int
    workers: int
    memory: Mapping[int, int]


@dataclass(frozen=True)
class Notice:
    """Something that the user was told, and when, in seconds since the start of the run."""

    time: float
    message: str


@dataclass(frozen=True)
class ServerLife:
    """One server from its start to its end. Times are seconds since the start of the run.

    Attributes:
        number: Not used by any other server of the run.
        kompiled: The kompiled folder of its definition.
        launched: When its process was started.
        listening: When it could be used; `None` if it never could.
        ended: When it came to its end; `None` if it lived until the end of the run.
        how: `died`, `ended` (to make room for another), or empty.
        cause: Why.
        replaces: The number of the server of the same definition that had died before it was started.
        memory: The most bytes that it and its solvers were seen to use.
    """

    number: int
    pid: int
    kompiled: str
    launched: float
    listening: float | None = None
    ended: float | None = None
    how: str = ''
    cause: str = ''
    replaces: int | None = None
    memory: int = 0


@dataclass(frozen=True)
class Span:
    """From the start of the first to the end of the last activity for a claim, in seconds since the run's start."""

    start: float
    end: float


class RunRecord(SilentObserver):
    """See the module. Times are seconds since the start of the run.

    Attributes:
        facts: What was known before the run.
        summary: The run as it was last told, with its claims.
        previous: The run before in the same report folder, as its summary has it (claims without their failures);
            `None` if there is none.
        activities: What workers did, in the order of their ends; see `forgotten`.
        forgotten: Activities that were left out, the shortest ones; never those that brought no result.
        events: Starts and ends of servers, deaths of workers.
        readings: Busy workers and memory over time.
        notices: What the user was told.
        reused: For each claim, node and key of the steps that were not made for it in this run. A claim whose verdict
            was in the store is not here: its steps were not even looked at (`reused` of its progress counts them).
        worker_seconds: Seconds in which each worker had work, by its number; exact.
        spans: When each claim was worked on.
    """

    def __init__(self, facts: Facts | None = None, *, previous: RunSummary | None = None):
        self.facts = facts if facts is not None else Facts()
        self.previous = previous
        self.summary = RunSummary(run='', started=0.0, seconds=0.0, backend='', workers=0)
        self.activities: list[Activity] = []
        self.forgotten = 0
        self.events: list[ProcessEvent] = []
        self.readings: list[Reading] = []
        self.notices: list[Notice] = []
        self.reused: dict[str, list[tuple[int, str]]] = {}
        self.worker_seconds: dict[int, float] = {}
        self.spans: dict[str, Span] = {}
        self._claims: dict[str, ClaimProgress] = {}
        self._chains = Chains(self.facts.depends)
        self._peaks: dict[int, int] = {}
        self._reused_left = REUSED
        self._interval = 0.0
        self._time = 0.0
        self._chain: tuple[Activity, ...] | None = None

    # -- what is there to read ----------------------------------------------------------------------------------

    @property
    def final(self) -> bool:
        """Whether the run is over, so that nothing here will change."""
        return self.summary.state is not RunState.RUNNING

    @property
    def claims(self) -> tuple[ClaimProgress, ...]:
        """All claims as they were last told, in the order of their suites."""
        return tuple(self._claims.values())

    @property
    def seconds(self) -> float:
        """How long the run has lasted, as far as is known."""
        return max(self.summary.seconds, self._time)

    @property
    def chain(self) -> tuple[Activity, ...]:
        """The longest chain of work of which each piece had to wait for the one before, first piece first.

        No number of workers makes the run shorter than the sum of its seconds. Waiting for a dependency is part of it.
        """
        return self._chain if self._chain is not None else self._chains.longest()

    @property
    def servers(self) -> tuple[ServerLife, ...]:
        """The servers of the run, in the order of their starts; those that kprover did not start are left out."""
        return server_lives(self.events, self._peaks)

    @property
    def utilisation(self) -> float:
        """The part of the workers' time in which they had work; 0 where there was no time or no worker."""
        time = self.summary.workers * self.seconds
        return min(1.0, sum(self.worker_seconds.values()) / time) if time else 0.0

    # -- what the engine tells ----------------------------------------------------------------------------------

    def started(self, summary: RunSummary) -> None:
        self._take(summary)

    def claim(self, progress: ClaimProgress) -> None:
        self._claims[progress.claim] = progress
        if progress.phase is Phase.SETTLED:
            self._chains.settled(progress)

    def activity(self, activity: Activity) -> None:
        self._time = max(self._time, activity.end)
        self.activities.append(activity)
        self.worker_seconds[activity.worker] = self.worker_seconds.get(activity.worker, 0.0) + activity.seconds
        before = self.spans.get(activity.claim)
        self.spans[activity.claim] = Span(
            min(before.start, activity.start) if before is not None else activity.start, activity.end
        )
        self._chains.activity(activity)
        if len(self.activities) > ACTIVITIES:
            self._forget_short_ones()

    def commit(self, commit: Commit) -> None:
        self._time = max(self._time, commit.time)
        self._chains.commit(commit)
        if commit.reused and self._reused_left > 0:
            self._reused_left -= 1
            self.reused.setdefault(commit.claim, []).append((commit.node, commit.key))

    def process(self, event: ProcessEvent) -> None:
        self._time = max(self._time, event.time)
        if len(self.events) < EVENTS:
            self.events.append(event)

    def sample(self, sample: Sample) -> None:
        memory = {process.number: process.memory for process in sample.processes if process.kind == 'server'}
        for number, used in memory.items():
            self._peaks[number] = max(used, self._peaks.get(number, 0))
        if self.readings and sample.time - self.readings[-1].time < self._interval:
            return
        workers = sum(process.kind == 'worker' for process in sample.processes)
        self.readings.append(Reading(sample.time, sample.busy, workers, memory))
        if len(self.readings) > READINGS:
            del self.readings[1::2]
            self._interval = 2 * (self.readings[-1].time - self.readings[0].time) / READINGS

    def tick(self, summary: RunSummary) -> None:
        self._take(summary)

    def notice(self, message: str) -> None:
        if len(self.notices) < NOTICES:
            self.notices.append(Notice(self._time, message))

    def finished(self, summary: RunSummary) -> None:
        self._take(summary)

    def killed(self, known: Iterable[ClaimProgress] = ()) -> str:
        """Nothing more will come: the process of the run is gone, and has not told its end. Returns what is noticed.

        Args:
            known: Claims as the store has them now; they count where they are the proofs of the run.
        """
        stored = {(claim.claim, claim.proof): claim for claim in known if claim.status is not Status.NOT_ATTEMPTED}
        latest = [stored.get((claim.claim, claim.proof), claim) for claim in self.claims]
        decided = (Status.PASSED, Status.FAILED)
        claims = tuple(
            replace(claim, phase=Phase.SETTLED, reason=claim.reason if claim.status in decided else KILLED)
            for claim in latest
        )
        message = f'{KILLED}: it last wrote of itself {duration(self.seconds)} after its start'
        self.notice(message)
        self._take(replace(self.summary, state=RunState.ABORTED, claims=claims))
        return message

    def _take(self, summary: RunSummary) -> None:
        self.summary = summary
        self._time = max(self._time, summary.seconds)
        self._claims.update((progress.claim, progress) for progress in summary.claims)
        self._chains.know(summary.claims)

    def _forget_short_ones(self) -> None:
        limit = median(activity.seconds for activity in self.activities)
        kept = [activity for activity in self.activities if activity.seconds > limit or activity.outcome != 'done']
        if len(kept) > ACTIVITIES * 3 // 4:  # most of them brought no result: the last ones are news to nobody
            kept = kept[: ACTIVITIES // 2]
        self.forgotten += len(self.activities) - len(kept)
        self.activities = kept

    # -- as JSON data -------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """All of it, activities and events as rows in the order of their fields."""
        return {
            'format': FORMAT,
            'facts': asdict(self.facts),
            'summary': self.summary.to_dict(),
            'seconds': self.seconds,
            'claims': [progress.to_dict() for progress in self.claims],
            'previous': None if self.previous is None else _summary_to_dict(self.previous),
            'activities': [astuple(activity) for activity in self.activities],
            'forgotten': self.forgotten,
            'events': [astuple(event) for event in self.events],
            'readings': [[r.time, r.busy, r.workers, list(r.memory.items())] for r in self.readings],
            'notices': [[notice.time, notice.message] for notice in self.notices],
            'reused': {claim: [list(step) for step in steps] for claim, steps in self.reused.items()},
            'worker_seconds': list(self.worker_seconds.items()),
            'spans': {claim: [span.start, span.end] for claim, span in self.spans.items()},
            'peaks': list(self._peaks.items()),
            'chain': [astuple(activity) for activity in self.chain],
        }

    @staticmethod
    def from_dict(dct: Mapping[str, Any]) -> RunRecord:
        """The record again; a run that had not ended is as it was then. Raises `ValueError` on another format."""
        if dct.get('format') != FORMAT:
            raise ValueError(f'Expected the record of a run in format {FORMAT}, found {dct.get("format")!r}.')
        facts = dict(dct['facts'])
        facts['suites'] = tuple(facts['suites'])
        facts['depends'] = {claim: tuple(names) for claim, names in facts['depends'].items()}
        previous = dct['previous']
        record = RunRecord(Facts(**facts), previous=None if previous is None else _summary_from_dict(previous))
        claims = tuple(ClaimProgress.from_dict(claim) for claim in dct['claims'])
        record._take(replace(RunSummary.from_dict(dct['summary'], claims), seconds=dct['seconds']))
        record.activities = [Activity(*row) for row in dct['activities']]
        record.forgotten = dct['forgotten']
        record.events = [ProcessEvent(*row) for row in dct['events']]
        record.readings = [Reading(time, busy, n, dict(memory)) for time, busy, n, memory in dct['readings']]
        record.notices = [Notice(*row) for row in dct['notices']]
        record.reused = {claim: [(node, key) for node, key in steps] for claim, steps in dct['reused'].items()}
        record.worker_seconds = dict(dct['worker_seconds'])
        record.spans = {claim: Span(*span) for claim, span in dct['spans'].items()}
        record._peaks = dict(dct['peaks'])
        record._chain = tuple(Activity(*row) for row in dct['chain'])
        return record


def without_failures(summary: RunSummary) -> RunSummary:
    """The run with no more than a line on each claim, for the comparison with the next run."""
    return replace(summary, claims=tuple(replace(claim, failures=()) for claim in summary.claims))


def server_lives(events: Iterable[ProcessEvent], memory: Mapping[int, int]) -> tuple[ServerLife, ...]:
    """What the events say of each server. `memory` is the most that each was seen to use."""
    lives: dict[int, ServerLife] = {}
    unreplaced: dict[str, list[int]] = {}
    for event in events:
        if event.kind != 'server' or not event.pid:
            continue
        life = lives.get(event.number)
        if event.what == 'started':
            dead = unreplaced.get(event.kompiled)
            lives[event.number] = ServerLife(
                number=event.number,
                pid=event.pid,
                kompiled=event.kompiled,
                launched=max(0.0, event.time - event.seconds),
                listening=event.time,
                replaces=dead.pop(0) if dead else None,
                memory=memory.get(event.number, 0),
            )
            continue
        if life is None:  # it never listened
            launched = max(0.0, event.time - event.seconds)
            life = ServerLife(number=event.number, pid=event.pid, kompiled=event.kompiled, launched=launched)
        lives[event.number] = replace(
            life, ended=event.time, how=event.what, cause=event.cause, memory=memory.get(event.number, 0)
        )
        if event.what == 'died':
            unreplaced.setdefault(event.kompiled, []).append(event.number)
    return tuple(sorted(lives.values(), key=lambda life: life.launched))


def _summary_to_dict(summary: RunSummary) -> dict[str, Any]:
    return {**summary.to_dict(), 'claims': [claim.to_dict() for claim in without_failures(summary).claims]}


def _summary_from_dict(dct: Mapping[str, Any]) -> RunSummary:
    return RunSummary.from_dict(dct, tuple(ClaimProgress.from_dict(claim) for claim in dct['claims']))
