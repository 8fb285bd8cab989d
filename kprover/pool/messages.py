"""What goes into the pool (`Task`) and what comes out of it (events): plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Cause: TypeAlias = Literal['worker-died', 'server-died', 'server-start', 'timeout', 'cancelled']


@dataclass(frozen=True)
class Task:
    """One piece of work for a worker's session.

    `header` is JSON and names at least `kompiled` (a kompiled folder, absolute) and `main_module`, which
    together say which server the task needs, with `service` where its definition has servers of several programs;
    `blobs` are opaque. `id` is unique within a pool's life.
    """

    id: int
    kind: str
    header: dict[str, Any]
    blobs: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Evidence:
    """What is left of a task that may have taken down its server or worker, to show it again.

    Attributes:
        requests: The file with the request lines that the worker had sent, or was about to; the receiver's to remove.
        modules: The modules that the task needs, in the order in which they are to be added.
        command: The server's command line; empty for a server that the pool did not start.
        address: `host:port` of such a server, otherwise empty.
        logs: The logs of the server and the worker, as far as there are such files.
    """

    requests: Path
    modules: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    address: str = ''
    logs: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Done:
    """A task has an answer, which may be an error answer (`header['error']`). `seconds` is wall time from
    handing it to the worker to its answer, without any start of worker or server; it was handed over at `started`, by
    `time.monotonic`. `server` is the number of the server that it used. An error answer of the class
    'infrastructure' comes with `evidence`, unless the task needs no server."""

    task_id: int
    worker: int
    header: dict[str, Any]
    blobs: Mapping[str, bytes]
    seconds: float
    evidence: Evidence | None = None
    server: int | None = None
    started: float | None = None


@dataclass(frozen=True)
class Lost:
    """A task has no answer and never will: submit it again, or not. Never a statement about the proof.

    `shared` says that other tasks were running on the server that died, so that any of them may be the reason.
    `server`, `seconds` and `started` are as in `Done`; `started` is None for a task that never came to its worker.
    """

    task_id: int
    worker: int
    cause: Cause
    message: str
    shared: bool = False
    evidence: Evidence | None = None
    server: int | None = None
    started: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class ServerStarted:
    """A server listens; `seconds` from its launch. `server` is its number in the pool."""

    server: int
    kompiled: str
    pid: int
    host: str
    port: int
    seconds: float
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class ServerDied:
    """A server that was starting or serving is no more, by itself or because it had to be ended; `pid` is 0 for
    one that the pool did not start."""

    server: int
    kompiled: str
    pid: int
    message: str


@dataclass(frozen=True)
class ServerEnded:
    """An idle server was ended to make room for one of another definition."""

    server: int
    kompiled: str
    pid: int
    message: str


@dataclass(frozen=True)
class WorkerDied:
    """A worker process is no more; another takes its place when there is work."""

    worker: int
    pid: int
    message: str


Event: TypeAlias = Done | Lost | ServerStarted | ServerDied | ServerEnded | WorkerDied


@dataclass(frozen=True)
class ProcessInfo:
    """A process of the pool, for display. `number` is that of the worker or the server, `state` is 'starting',
    'idle' or 'busy'; `kompiled` and `memory`, the bytes seen when it was last looked at, are of servers; `task` is
    what a worker is busy with, handed over at `since`, by `time.monotonic`."""

    kind: Literal['worker', 'server']
    number: int
    pid: int
    state: str
    kompiled: str | None = None
    memory: int = 0
    task: int | None = None
    since: float | None = None
