"""What the engine tells its callers: immutable values, and the protocol of whoever watches a run.

Nothing here knows how a proof is made; reports, the command line and the Luigi tasks depend on this module only.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Final

    from .events import Activity, Commit, ProcessEvent, Sample


class Word(str, enum.Enum):
    """One of several words, which stands for itself in records and in what people read."""

    def __str__(self) -> str:
        return str(self.value)


class Status(Word):
    """What is known of a claim. Only `PASSED` and `FAILED` are verdicts; the others leave the claim to be proved."""

    PASSED = 'passed'
    FAILED = 'failed'
    PENDING = 'pending'
    ERROR = 'error'
    NOT_ATTEMPTED = 'not-attempted'


STOPPED_AT_FAILURE = 'the run was to stop at the first failure'
"""How the reason of a claim ends that was not finished because another one failed."""


class Phase(Word):
    """Where a claim is in a run: waiting for dependencies, ready, running, or settled for this run."""

    WAITING = 'waiting'
    READY = 'ready'
    RUNNING = 'running'
    SETTLED = 'settled'


@dataclass(frozen=True)
class Failure:
    """Why a proof failed, at one node.

    Attributes:
        node: Number of the failing KCFG node, `None` where the proof has no graph.
        reason: `stuck`, `terminal`, `not-equal`, `dependency` or `vacuous`.
        explanation: What is missing for the target, as text of several lines.
        path_condition: The conditions of the branches on the way to the node, readable.
        configuration: The pretty-printed state of the node.
        target: The pretty-printed target.
        model: Values of the state's variables that reach the node, if the server found some.
    """

    node: int | None
    reason: str
    explanation: str = ''
    path_condition: tuple[str, ...] = ()
    configuration: str = ''
    target: str = ''
    model: Mapping[str, str] | None = None

    def to_dict(self) -> dict[str, Any]:
        model = None if self.model is None else dict(self.model)
        return {**_to_dict(self), 'path_condition': list(self.path_condition), 'model': model}

    @staticmethod
    def from_dict(dct: Mapping[str, Any]) -> Failure:
        return Failure(**{**_fields(Failure, dct), 'path_condition': tuple(dct.get('path_condition', ()))})


@dataclass(frozen=True)
class ClaimProgress:
    """The state of one claim.

    Attributes:
        claim: `suite/LABEL`.
        steps: Steps committed to the proof.
        nodes: Nodes of its graph, the target included.
        pending: Nodes that a step has still to be made from.
        failing: Leaves that neither reached the target nor can go on.
        bounded: Leaves left at the loop bound of a bounded proof.
        requests: Requests sent to servers for it in the last run.
        reused: Steps of it that the last run took from the store.
        seconds: Time that workers spent on it in the last run.
        reason: One line: why it is not passed, or with what reservation it is.
        admitted: Passed because it is trusted, not because it was proved.
        imported: Passed by steps that came from elsewhere and were not made again, its own or others'.
        vacuous: It holds of no state, as nothing satisfies its precondition; passed, unless it was to be a failure.
        rewrites: Rewrite steps that servers made for it in the last run.
        depth: The greatest distance, in rewrite steps, of a node from the initial one.
        left: Seconds of work that are expected to be left, by the last runs; `None` where nothing is known or it is
            settled.
        proof: Digest of everything that the verdict depends on; claims with the same one are one proof.
    """

    claim: str
    suite: str
    label: str
    status: Status = Status.NOT_ATTEMPTED
    phase: Phase = Phase.WAITING
    steps: int = 0
    nodes: int = 0
    pending: int = 0
    failing: int = 0
    bounded: int = 0
    requests: int = 0
    reused: int = 0
    seconds: float = 0.0
    reason: str = ''
    failures: tuple[Failure, ...] = ()
    admitted: bool = False
    imported: bool = False
    vacuous: bool = False
    rewrites: int = 0
    depth: int = 0
    left: float | None = None
    proof: str = ''

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it; `vacuous` is there only where it is true."""
        own = {
            'status': self.status.value,
            'phase': self.phase.value,
            'seconds': round(self.seconds, 3),
            'failures': [failure.to_dict() for failure in self.failures],
            'left': None if self.left is None else round(self.left, 3),
        }
        return {name: value for name, value in {**_to_dict(self), **own}.items() if name != 'vacuous' or value}

    @staticmethod
    def from_dict(dct: Mapping[str, Any]) -> ClaimProgress:
        own = {
            'status': Status(dct['status']),
            'phase': Phase(dct['phase']),
            'failures': tuple(Failure.from_dict(failure) for failure in dct['failures']),
        }
        return ClaimProgress(**{**_fields(ClaimProgress, dct), **own})


class RunState(Word):
    """How a run ended, or that it has not: a `RUNNING` run whose process is gone was killed."""

    RUNNING = 'running'
    FINISHED = 'finished'
    INTERRUPTED = 'interrupted'
    ABORTED = 'aborted'


@dataclass(frozen=True)
class RunSummary:
    """One run of the engine.

    Attributes:
        run: Identity of the run: its start in UTC and the process id; empty if there was none.
        started: Seconds since the epoch.
        seconds: Wall-clock time until now, or until its end.
        backend: Name of the server program.
        workers: Worker processes of the run.
        server_starts: Servers started in it.
        requests: Requests sent to servers.
        reused: Steps taken from the store.
        steps: Steps made in this run.
        state: See `RunState`.
        claims: All claims of the run, in the order of their suites.
        scope: What the run was about, as `41 claims of imp`, where `claims` are not just its own; for people.
    """

    run: str
    started: float
    seconds: float
    backend: str
    workers: int
    server_starts: int = 0
    requests: int = 0
    reused: int = 0
    steps: int = 0
    state: RunState = RunState.RUNNING
    claims: tuple[ClaimProgress, ...] = ()
    scope: str = ''

    @property
    def interrupted(self) -> bool:
        return self.state is not RunState.FINISHED and self.state is not RunState.RUNNING

    @property
    def all_passed(self) -> bool:
        return all(claim.status is Status.PASSED for claim in self.claims)

    def to_dict(self) -> dict[str, Any]:
        """The run without its claims, whose rows are kept one by one."""
        own = {
            'seconds': round(self.seconds, 3),
            'state': self.state.value,
            'scope': self.scope or self._own_scope(),
        }
        return {name: value for name, value in {**_to_dict(self), **own}.items() if name != 'claims'}

    def _own_scope(self) -> str:
        suites = ', '.join(dict.fromkeys(claim.suite for claim in self.claims))
        return f'{len(self.claims)} claim{"s" if len(self.claims) != 1 else ""} of {suites}' if self.claims else ''

    @staticmethod
    def from_dict(dct: Mapping[str, Any], claims: tuple[ClaimProgress, ...] = ()) -> RunSummary:
        return RunSummary(**{**_fields(RunSummary, dct), 'state': RunState(dct['state']), 'claims': claims})


def _to_dict(value: Failure | ClaimProgress | RunSummary) -> dict[str, Any]:
    """The fields of a value by their names, as they are."""
    return {one.name: getattr(value, one.name) for one in fields(value)}


def _fields(kind: type[Failure | ClaimProgress | RunSummary], dct: Mapping[str, Any]) -> dict[str, Any]:
    """Those fields of a value that a record has; records of other versions have others."""
    return {one.name: dct[one.name] for one in fields(kind) if one.name in dct}


class Observer(Protocol):
    """Whoever watches a run. Called from the engine's thread, so it must return quickly.

    `started` comes first and `finished` last, also where the run was interrupted or aborted.
    """

    def started(self, summary: RunSummary) -> None:
        """The run begins; nothing is settled yet."""

    def claim(self, progress: ClaimProgress) -> None:
        """Something about a claim is new."""

    def activity(self, activity: Activity) -> None:
        """A worker has ended a piece of work."""

    def commit(self, commit: Commit) -> None:
        """A step became part of a proof."""

    def process(self, event: ProcessEvent) -> None:
        """A server or worker came or went."""

    def sample(self, sample: Sample) -> None:
        """What all processes do, at intervals, before `tick`."""

    def tick(self, summary: RunSummary) -> None:
        """The run so far, at intervals."""

    def notice(self, message: str) -> None:
        """Something that the user should know."""

    def finished(self, summary: RunSummary) -> None:
        """The run is over; nothing more will be told."""


class SilentObserver:
    """An observer that shows nothing; one that is about some of these only is made from it."""

    def started(self, summary: RunSummary) -> None: ...

    def claim(self, progress: ClaimProgress) -> None: ...

    def activity(self, activity: Activity) -> None: ...

    def commit(self, commit: Commit) -> None: ...

    def process(self, event: ProcessEvent) -> None: ...

    def sample(self, sample: Sample) -> None: ...

    def tick(self, summary: RunSummary) -> None: ...

    def notice(self, message: str) -> None: ...

    def finished(self, summary: RunSummary) -> None: ...


FAIL_FAST: Final = ('no', 'claim', 'run')

REUSE: Final = ('reuse', 'refresh', 'verify', 'enforce')
"""What a run may do with the steps and verdicts in the store; see `RunConfig`."""


@dataclass(frozen=True)
class RunConfig:
    """How a run is made; none of it enters a key, except `backend` through the program that it names.

    Attributes:
        store: File of the checkpoint store.
        workers: Worker processes; 0 means one per core that this process may use.
        backend: `auto`, `kore-rpc-booster`, `kore-rpc`, `embedded` or the path of a program.
        priority: `module:callable`, from `StepInfo` to anything comparable; the least is run first. Empty for the
            default: fair shares where the run has a time budget, the longest expected work first where not.
        grace: Seconds that running steps get after an interrupt.
        run_dir: Folder for logs and scratch files of runs; beside the store if `None`.
        server_args: Extra arguments for every server.
        start_timeout: Seconds a server may take until it listens.
        attempts: How often a step is tried whose server or worker died under it; then it is set aside with a
            reproducer.
        environment: Variables added to the servers' environment.
        servers: Servers alive at once over all definitions; 0 means as many as workers for each definition.
        addresses: Host and port of servers that run already; none is started then. `backend_identity` must say what
            they are, and all claims of the run must have one definition.
        backend_identity: What running servers are, program and version, in the keys of results.
        memory: Bytes that all servers together may use: none is started that would not fit. 0 means no limit, `None`
            nine tenths of the machine's memory.
        server_memory: Bytes that one server with its solvers may use before it is replaced; 0 means no limit.
        server_modules: Added modules with which an idle server is replaced; 0 means never.
        hang_timeout: Seconds without any processor time under a running request after which a server is taken for
            dead; 0 means never.
        step_target: Seconds that a request should take; the execute depths adapt to it. 0 switches that off, `None`
            means 10 s for external servers and off for the embedded one.
        time_budget: Seconds that the run may take; every claim gets its share before any gets a second one.
        fail_fast: `no`, `claim` (a proof ends with its first failing node), or `run` (the run ends with the first
            failed claim).
        reuse: What is done with steps and verdicts in the store, one of `REUSE`: `reuse` takes them; `refresh` makes
            all of them again and writes them anew; `verify` makes a share of the steps again and compares; `enforce`
            makes none, so that a claim without a verdict is an error.
        verify_share: Which part of the reused steps `verify` makes again, 0 to 1; always the same ones.
    """

    store: Path
    workers: int = 0
    backend: str = 'auto'
    priority: str = ''
    grace: float = 5.0
    run_dir: Path | None = None
    server_args: tuple[str, ...] = ()
    start_timeout: float = 120.0
    attempts: int = 3
    environment: Mapping[str, str] = field(default_factory=dict)
    servers: int = 0
    addresses: tuple[tuple[str, int], ...] = ()
    backend_identity: str = ''
    memory: int | None = None
    server_memory: int = 0
    server_modules: int = 2000
    hang_timeout: float = 120.0
    step_target: float | None = None
    time_budget: float | None = None
    fail_fast: str = 'no'
    reuse: str = 'reuse'
    verify_share: float = 0.1


class EngineError(Exception):
    """The run could not go on, for a reason that is none of the claims'."""


class DefinitionUnusable(EngineError):
    """A definition that the server program or pyk cannot read: no claim over it can be proved."""


class Interrupted(Exception):
    """A run was stopped by a signal; everything finished is in the store."""

    summary: RunSummary

    def __init__(self, summary: RunSummary):
        settled = sum(claim.phase is Phase.SETTLED for claim in summary.claims)
        super().__init__(f'interrupted; {settled} of {len(summary.claims)} claims settled, run again to resume')
        self.summary = summary
