"""How much memory and processor time a process and everything it has started use. Stateless.

A server is asked for this once a second, so on Linux it is read from /proc for the process and its descendants alone;
psutil, which looks at every process of the machine to find descendants, does it elsewhere.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

_PROC = Path('/proc')
_PAGE = os.sysconf('SC_PAGE_SIZE')
_TICK = os.sysconf('SC_CLK_TCK')
_CGROUP_LIMITS = (
    Path('/sys/fs/cgroup/memory.max'),
    Path('/sys/fs/cgroup/memory/memory.limit_in_bytes'),
)


@dataclass(frozen=True)
class Usage:
    """What a family of processes uses.

    Attributes:
        memory: Resident bytes, summed; pages that several of them share are counted for each.
        cpu: Seconds of processor time of the living ones and of the children that they have waited for.
        processes: How many they are; 0 when the process has ended.
    """

    memory: int = 0
    cpu: float = 0.0
    processes: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.memory + other.memory, self.cpu + other.cpu, self.processes + other.processes)


def descendants(pid: int) -> list[int]:
    """The process ids of what a process has started, directly or not, as far as it lives and has not been left."""
    if _has_children_file(pid):
        return _family(pid)[1:]
    try:
        return [process.pid for process in psutil.Process(pid).children(recursive=True)]
    except (psutil.Error, OSError):
        return []


def _has_children_file(pid: int) -> bool:
    return (_PROC / str(pid) / 'task' / str(pid) / 'children').exists()


def family_usage(pid: int) -> Usage:
    """What a process and all its living descendants use."""
    if _has_children_file(pid):
        total = Usage()
        for member in _family(pid):
            total += _usage_from_proc(member)
        return total
    return _usage_by_psutil(pid)


def machine_memory() -> int:
    """Bytes of memory that this machine has, or that the control group of this process may use, if that is less."""
    total: int = psutil.virtual_memory().total
    for path in _CGROUP_LIMITS:
        try:
            text = path.read_text(encoding='ascii').strip()
        except OSError:
            continue
        if text.isdecimal():
            total = min(total, int(text))
    return total


def _family(pid: int) -> list[int]:
    found = [pid]
    for member in found:  # it grows while it is read
        try:
            for task in os.scandir(_PROC / str(member) / 'task'):
                children = Path(task.path, 'children').read_text(encoding='ascii')
                found += [int(child) for child in children.split()]
        except OSError:
            continue  # it has just ended
    return found


def _usage_from_proc(pid: int) -> Usage:
    try:
        stat = (_PROC / str(pid) / 'stat').read_bytes()
        pages = int((_PROC / str(pid) / 'statm').read_bytes().split()[1])
    except (OSError, IndexError):
        return Usage()
    # The name, in parentheses, may hold anything; after it come the fields from the third on, see proc(5).
    fields = stat[stat.rindex(b')') + 1 :].split()
    return Usage(pages * _PAGE, sum(int(fields[index]) for index in (11, 12, 13, 14)) / _TICK, 1)


def _usage_by_psutil(pid: int) -> Usage:
    total = Usage()
    try:
        process = psutil.Process(pid)
        members = [process, *process.children(recursive=True)]
    except (psutil.Error, OSError):
        return total
    for member in members:
        try:
            times = member.cpu_times()
            cpu = times.user + times.system + times.children_user + times.children_system
            total += Usage(member.memory_info().rss, cpu, 1)
        except (psutil.Error, OSError, AttributeError):
            continue
    return total
