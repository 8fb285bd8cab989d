"""Worker processes and the servers they use: start, feed, watch, replace, end. No pyk in this process.

`Pool` is what a driver uses, with the values in `messages` and `limits`. Below it, one owner each: `slot` (a worker
slot with its task), `fleet` (all servers; `placing` decides), `vigil` (memory and hangs), `worker`, `server` and
`running` (one of each, as the driver sees it), `process` (any child process, and the reaper that ends them should the
driver be killed), `dying` (those that have been told to end). `launch.py` and `reaper.py` are small programs;
`reproducer` and `replay` show again what took a server down.
"""

from __future__ import annotations

from .limits import Limits, in_words
from .measure import machine_memory
from .messages import (
    Cause,
    Done,
    Event,
    Evidence,
    Lost,
    ProcessInfo,
    ServerDied,
    ServerEnded,
    ServerStarted,
    Task,
    WorkerDied,
)
from .pool import DEFAULT_SESSION, Pool, PoolClosed, wake_on_signals
from .reproducer import Case, replay_command, write_reproducer
from .server import ServerCommand

__all__ = [
    'DEFAULT_SESSION',
    'Case',
    'Cause',
    'Done',
    'Event',
    'Evidence',
    'Limits',
    'Lost',
    'Pool',
    'PoolClosed',
    'ProcessInfo',
    'ServerCommand',
    'ServerDied',
    'ServerEnded',
    'ServerStarted',
    'Task',
    'WorkerDied',
    'in_words',
    'machine_memory',
    'replay_command',
    'wake_on_signals',
    'write_reproducer',
]
