"""A look at what all processes use, once a second: servers over their memory, and tasks under which nothing happens.

It costs a few reads of /proc for each process. A task that hangs is one for which neither its worker nor its server,
solvers included, has used processor time for a while; time in which this process itself was stopped does not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .measure import family_usage
from .server import Server

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .fleet import Fleet
    from .slot import Slot

INTERVAL = 1.0
"""Seconds between two looks."""

_BUSY_SHARE = 0.01


@dataclass
class _Seen:
    """What was seen of the task of a slot: how much had been used for it, and for how long nothing was."""

    task: int
    server: int
    cpu: float
    idle: float = 0.0


class Vigil:
    """See the module. Owned by the pool."""

    def __init__(self, fleet: Fleet, slots: Sequence[Slot], hang_timeout: float | None):
        self._fleet = fleet
        self._slots = slots
        self._hang_timeout = hang_timeout
        self._seen: dict[int, _Seen] = {}
        self._last = float('-inf')

    def next_check(self) -> float:
        """When `look` must be called."""
        if not self._fleet.servers and all(slot.job is None for slot in self._slots):
            return float('inf')
        return self._last + INTERVAL

    def look(self, now: float) -> None:
        """Measure, if it is time to."""
        if now - self._last < INTERVAL:
            return
        passed = min(now - self._last, 2 * INTERVAL)
        self._last = now
        cpu: dict[int, float] = {}
        for server in list(self._fleet.servers):
            if isinstance(server, Server):
                cpu[server.serial] = server.measure().cpu
                self._fleet.note_memory(server, now)
        self._fleet.keep_budget(now)
        if self._hang_timeout is not None:
            for slot in self._slots:
                self._watch_task(slot, cpu, passed, self._hang_timeout, now)

    def _watch_task(self, slot: Slot, cpu: dict[int, float], passed: float, limit: float, now: float) -> None:
        job = slot.job
        if job is None or job.sent_at is None or job.doom is not None or slot.worker is None:
            self._seen.pop(slot.index, None)
            return
        serial = job.server.serial if job.server is not None else 0
        if job.server is not None and serial not in cpu:
            return  # a server that somebody else has started: its work cannot be seen
        used = family_usage(slot.worker.child.pid).cpu + cpu.get(serial, 0.0)
        seen = self._seen.get(slot.index)
        if seen is None or (seen.task, seen.server) != (job.task.id, serial):
            self._seen[slot.index] = _Seen(job.task.id, serial, used)
            return
        busy = abs(used - seen.cpu) > _BUSY_SHARE * passed
        seen.cpu = used
        seen.idle = 0.0 if busy else seen.idle + passed
        if seen.idle < limit:
            return
        del self._seen[slot.index]
        if isinstance(job.server, Server):
            tail = job.server.child.log_tail()
            self._fleet.fail(job.server, f'The server has done and answered nothing for {limit:g} s{tail}', now)
        else:
            slot.worker_hangs(f'The worker has done nothing for {limit:g} s{slot.worker.child.log_tail()}', now)
