"""Worker processes and the servers they use: start, feed, watch, replace, end. No pyk in this process.

`Pool` is what a driver uses, with the values in `messages`. Below it, one owner each: `slot` (a worker slot
with its task), `worker` and `server` (one process each, as the driver sees it), `process` (any child process,
and the reaper that ends them should the driver be killed). `launch.py` and `reaper.py` are small programs.
"""

from __future__ import annotations

from .messages import (
    Cause,
    Done,
    Event,
    Lost,
    ProcessInfo,
    ServerDied,
    ServerStarted,
    Task,
    WorkerDied,
)
from .pool import DEFAULT_SESSION, Pool, PoolClosed, wake_on_signals
from .server import ServerCommand

__all__ = [
    'DEFAULT_SESSION',
    'Cause',
    'Done',
    'Event',
    'Lost',
    'Pool',
    'PoolClosed',
    'ProcessInfo',
    'ServerCommand',
    'ServerDied',
    'ServerStarted',
    'Task',
    'WorkerDied',
    'wake_on_signals',
]
