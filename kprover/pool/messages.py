"""What goes into the pool (`Task`) and what comes out of it (events): plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Cause: TypeAlias = Literal['worker-died', 'server-died', 'server-start', 'timeout', 'cancelled']


@dataclass(frozen=True)
class Task:
    """One piece of work for a worker's session.

    `header` is JSON and names at least `kompiled` (a kompiled folder, absolute) and `main_module`, which
    together say which server the task needs; `blobs` are opaque. `id` is unique within a pool's life.
    """

    id: int
    kind: str
    header: dict[str, Any]
    blobs: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """A task has an answer, which may be an error answer (`header['error']`). `seconds` is wall time from
    handing it to the worker to its answer, without any start of worker or server."""

    task_id: int
    worker: int
    header: dict[str, Any]
    blobs: Mapping[str, bytes]
    seconds: float


@dataclass(frozen=True)
class Lost:
    """A task has no answer and never will: submit it again, or not. Never a statement about the proof."""

    task_id: int
    worker: int
    cause: Cause
    message: str


@dataclass(frozen=True)
class ServerStarted:
    """A server listens; `seconds` from its launch."""

    worker: int
    kompiled: str
    pid: int
    host: str
    port: int
    seconds: float


@dataclass(frozen=True)
class ServerDied:
    """A server that was starting or serving is no more, by itself or because it had to be ended."""

    worker: int
    kompiled: str
    pid: int
    message: str


@dataclass(frozen=True)
class WorkerDied:
    """A worker process is no more; another takes its place when there is work."""

    worker: int
    pid: int
    message: str


Event: TypeAlias = Done | Lost | ServerStarted | ServerDied | WorkerDied


@dataclass(frozen=True)
class ProcessInfo:
    """A process of the pool, for display. `state` is 'starting', 'idle' or 'busy'; `kompiled` is of servers."""

    kind: Literal['worker', 'server']
    worker: int
    pid: int
    state: str
    kompiled: str | None = None
