"""What happens in a run, as it is told to observers: work of workers, commits, processes. Immutable values.

All times are seconds since the start of the run.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Activity:
    """One piece of work that a worker has ended, one way or another.

    Attributes:
        worker: Number of the worker, from 0.
        server: Number of the server that it used; `None` if it needed none or had none yet.
        claim: `suite/LABEL`; of several claims with one proof the first.
        kind: `prepare`, `step`, `verify` (a reused step made again) or `diagnose`.
        node: The KCFG node; 0 where there is none.
        key: Key of the step or diagnosis in the store; empty for `prepare`.
        start: When it was handed to the worker.
        seconds: From then to its end.
        requests: Requests to the server.
        rewrites: Rewrite steps that the server made.
        outcome: `done`, `error` (an answer that says why there is no result), or the cause of its loss: `worker-died`,
            `server-died`, `server-start`, `timeout`, `cancelled`.
        message: Why it is not `done`.
    """

    worker: int
    server: int | None
    claim: str
    kind: str
    node: int
    key: str
    start: float
    seconds: float
    requests: int = 0
    rewrites: int = 0
    outcome: str = 'done'
    message: str = ''

    @property
    def end(self) -> float:
        return self.start + self.seconds


@dataclass(frozen=True)
class Commit:
    """A step result that became part of a proof.

    Attributes:
        claim: `suite/LABEL`; of several claims with one proof the first.
        node: The node that the step was made from.
        key: Key of the step.
        time: Seconds since the run's start.
        reused: The step was not made for this proof in this run: it was in the store, or made for another claim.
        pending: Nodes that became pending by it.
    """

    claim: str
    node: int
    key: str
    time: float
    reused: bool
    pending: tuple[int, ...] = ()


@dataclass(frozen=True)
class ProcessEvent:
    """The start or the end of a server, or the death of a worker.

    Attributes:
        kind: `worker` or `server`.
        number: Its number; that of a server is not used again, that of a worker is its successor's too.
        pid: Its process id; 0 for a server that kprover did not start.
        what: `started`, `died`, or `ended` (on purpose, and nobody was using it).
        time: Seconds since the run's start.
        cause: Why it died or was ended.
        kompiled: The kompiled folder that a server serves.
        seconds: From the launch of a server until it listened.
    """

    kind: str
    number: int
    pid: int
    what: str
    time: float
    cause: str = ''
    kompiled: str = ''
    seconds: float = 0.0


@dataclass(frozen=True)
class ProcessState:
    """A living process at one moment.

    Attributes:
        kind: `worker` or `server`.
        number: See `ProcessEvent`.
        state: `starting`, `idle` or `busy`.
        kompiled: The kompiled folder that a server serves.
        memory: Bytes that a server and its solvers used when they were last looked at; 0 where that is not known.
        claim: What a worker is busy with.
        work: `prepare`, `step`, `verify` (a reused step made again) or `diagnose`.
        node: The KCFG node that it works on.
        since: Seconds since the run's start at which it was handed its work.
    """

    kind: str
    number: int
    pid: int
    state: str
    kompiled: str = ''
    memory: int = 0
    claim: str = ''
    work: str = ''
    node: int = 0
    since: float | None = None


@dataclass(frozen=True)
class Sample:
    """All processes of a run at one moment, `time` seconds since its start."""

    time: float
    processes: tuple[ProcessState, ...]

    @property
    def busy(self) -> int:
        """Workers that have work."""
        return sum(process.kind == 'worker' and process.state == 'busy' for process in self.processes)

    @property
    def memory(self) -> int:
        """Bytes that all servers use together."""
        return sum(process.memory for process in self.processes)
