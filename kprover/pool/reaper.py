"""A program of its own, not a module: `python -I -S reaper.py`, the pool's last line of defence.

Reads lines of JSON from its standard input: `["add", GROUP, FOLDER or null]` and `["del", GROUP]`. When the
input ends, which it does however the driver ends, it kills the process groups that are left, solvers that a
server started included, removes their folders, and exits. It does nothing while the driver lives.
"""

import json
import os
import shutil
import signal
import sys
import time

_WAIT = 0.5
"""Seconds to wait for killed groups to be gone before their folders are removed."""


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


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    groups: dict[int, str | None] = {}
    for line in sys.stdin:
        try:
            action, group, *rest = json.loads(line)
        except ValueError:
            continue  # the driver died in the middle of a line
        if action == 'add':
            groups[group] = rest[0]
        else:
            groups.pop(group, None)
    for group in groups:
        kill(group)
    deadline = time.monotonic() + _WAIT
    while any(alive(group) for group in groups) and time.monotonic() < deadline:
        time.sleep(0.01)
    for folder in groups.values():
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == '__main__':
    main()
