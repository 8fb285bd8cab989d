"""A plugin of coverage.py: workers that are about to be killed get a moment to write down which lines they ran.

The pool ends its workers by closing their socket and killing them in the same breath. They leave at the end of the
socket, and `make coverage` can save there what it knows, if the kill comes a little later. coverage loads this in
every process that it measures, and nothing else does.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_WORKER = b'kprover.worker'
_waitid: Any = getattr(os, 'waitid', None)  # kept, because some tests take it away
_MOMENT = 1.0
"""Seconds; a worker that hangs is killed after them."""


def coverage_init(registry: Any, options: dict[str, Any]) -> None:
    """As coverage.py calls it."""
    os.killpg = _patient(os.killpg)


def _patient(kill: Callable[[int, int], None]) -> Callable[[int, int], None]:
    def killpg(group: int, number: int) -> None:
        if number == signal.SIGKILL and _waitid is not None and _is_worker(group):
            deadline = time.monotonic() + _MOMENT
            while _runs(group) and time.monotonic() < deadline:
                time.sleep(0.005)
        kill(group, number)

    return killpg


def _is_worker(pid: int) -> bool:
    try:
        return _WORKER in Path(f'/proc/{pid}/cmdline').read_bytes().split(b'\0')
    except OSError:
        return False


def _runs(pid: int) -> bool:
    """Whether it is a child of this process that has not ended; it stays to be waited for."""
    try:
        running: bool = _waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        return running
    except ChildProcessError:
        return False
