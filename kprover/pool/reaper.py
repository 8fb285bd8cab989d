"""`python -I -S reaper.py`, the pool's last line of defence, as a program; and how it finds strays, for the driver.

The program reads lines of JSON from its standard input: `["add", GROUP, FOLDER or null, MARK]` and `["del", GROUP]`.
When the input ends, which it does however the driver ends, it kills the process groups that are left, solvers that a
server started included, removes their folders, and exits. It does nothing while the driver lives.

A process that went into a session of its own, as a wrapper script's `setsid`, a daemon's double fork or a user's class
make it, is in no such group, and has no parent any more when that has ended. It still has the environment that it came
with, in which each child of the pool has its own mark: by that it is found in /proc.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time

MARK = 'KPROVER_CHILD'
"""The variable whose value says from which child of a pool a process comes."""

_WAIT = 0.5
"""Seconds to wait for killed groups to be gone before their folders are removed."""

_ROUNDS = 20
"""How often strays are looked for: one may start another while it is killed."""


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def kill(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def kill_marked(marks: set[str]) -> None:
    """Kill every process that comes from a child with one of these marks. Does nothing where there is no /proc."""
    wanted = {f'{MARK}={mark}'.encode() for mark in marks}
    for _ in range(_ROUNDS if wanted else 0):
        found = [pid for pid in _processes() if _has_mark(pid, wanted)]
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
        if not found:
            return
        time.sleep(0.005)


def _processes() -> list[int]:
    try:
        # No pathlib here: this starts with each pool, and is to start quickly.
        return [int(name) for name in os.listdir('/proc') if name.isdigit() and int(name) != os.getpid()]  # noqa: PTH208
    except OSError:
        return []


def _has_mark(pid: int, wanted: set[bytes]) -> bool:
    """Whether a process that runs has one of the marks: of one that has ended, nothing is left in its environment."""
    try:
        with open(f'/proc/{pid}/environ', 'rb') as file:  # noqa: PTH123
            return not wanted.isdisjoint(file.read().split(b'\0'))
    except OSError:
        return False


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    groups: dict[int, tuple[str | None, str]] = {}
    for line in sys.stdin:
        try:
            action, group, *rest = json.loads(line)
        except ValueError:
            continue  # the driver died in the middle of a line
        if action == 'add':
            groups[group] = (rest[0], rest[1])
        else:
            groups.pop(group, None)
    for group in groups:
        kill(group)
    kill_marked({mark for _, mark in groups.values()})
    deadline = time.monotonic() + _WAIT
    while any(alive(group) for group in groups) and time.monotonic() < deadline:
        time.sleep(0.01)
    for folder, _ in groups.values():
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == '__main__':
    main()
