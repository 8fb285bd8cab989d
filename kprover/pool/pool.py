"""The pool: W worker slots behind `submit` and `poll`, for a driver with one thread.

::

    driver -- submit/cancel --> Pool --> Slot 1..W --> worker process <--> session --> server process
           <-- poll: events --   |                                                         ^
                                 +--> Fleet: starts, shares and ends servers --------------+

One thread owns the pool and everything below it; only `wakeup` may be called from elsewhere, and the wakeup
file descriptor is for `signal.set_wakeup_fd`. Nothing waits but `poll` (as long as it is told) and `close`
(as long as the grace it is given). The pool never looks into a task: it moves bytes, and knows of a
definition only the folder and the main module that a server must be started with.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from typing import TYPE_CHECKING

from .fleet import FLEET, Fleet, FleetSetup
from .job import Job
from .limits import Limits
from .placing import best_free
from .process import Reaper
from .slot import Setup, Slot
from .vigil import Vigil
from .watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from .messages import Event, ProcessInfo, Task
    from .server import ServerCommand

DEFAULT_SESSION = 'kprover.proofs.session:Session'

_CLOSE_STEP = 0.02
_KILL_WAIT = 2.0


class PoolClosed(RuntimeError):
    """The pool was used after `close`, or in a process that does not own it (after a fork)."""


class Pool:
    """W workers and the servers that they share, all started when they are first needed.

    A server belongs to a kompiled folder. It serves until the pool closes, or it dies, must be ended, or has to make
    room for one of another definition. Modules are added to it once.
    """

    def __init__(
        self,
        *,
        workers: int,
        backend: ServerCommand,
        own_backends: Mapping[str, ServerCommand] | None = None,
        run_dir: Path,
        server_args: tuple[str, ...] = (),
        server_env: Mapping[str, str] | None = None,
        start_timeout: float = 120,
        grace: float = 5,
        session: str = DEFAULT_SESSION,
        limits: Limits | None = None,
        addresses: Sequence[tuple[str, int]] = (),
    ) -> None:
        """Nothing is started yet.

        Args:
            workers: how many tasks run at once, at least 1.
            backend: gives the command line of a server.
            own_backends: gives that of the servers of a service, by the name that tasks call it (`service`), where it
                is another one.
            run_dir: a folder of this run alone; takes `logs/` (kept), `servers/` (temporary files) and `requests/`
                (what is sent for each running task, and what was sent for those that were lost).
            server_args: more arguments for each server; paths in them must be absolute.
            server_env: more environment for each server.
            start_timeout: seconds for a server to listen, and for a worker to load its session.
            grace: seconds that a worker has to give up a task before it is killed.
            session: `module:Class` of the session that runs the tasks (`kprover.worker.loop.Session`), the
                seam for provers other than kprover's own.
            limits: how many servers there may be, and what they may use; no more than one for each worker and
                definition in any case.
            addresses: host and port of servers that run already and serve the one definition that tasks have; no
                server is started then.

        Raises:
            ValueError: `workers` is less than 1.
            OSError: the run folder cannot be written.
        """
        if workers < 1:
            raise ValueError(f'Expected at least one worker, found {workers}.')
        for name in ('logs', 'servers', 'requests'):
            (run_dir / name).mkdir(parents=True, exist_ok=True)
        self._events: list[Event] = []
        self._pid = os.getpid()
        self._closed = False
        self._serial = 0
        self._watch = Watch()
        self._touched: set[int] = set()  # slots to look at in the next round
        self._reaper = Reaper()
        self._servers_dir = run_dir.absolute() / 'servers'
        self._limits = limits or Limits()
        self._fleet = Fleet(
            FleetSetup(
                workers=workers,
                backend=backend,
                own_backends=dict(own_backends or {}),
                run_dir=run_dir.absolute(),
                server_args=tuple(server_args),
                server_env=dict(server_env or {}),
                start_timeout=start_timeout,
                limits=self._limits,
                addresses=tuple(addresses),
                reaper=self._reaper,
                emit=self._events.append,
                serial=self._next_serial,
                watch=self._watch,
            )
        )
        setup = Setup(
            run_dir=run_dir.absolute(),
            session=session,
            start_timeout=start_timeout,
            grace=grace,
            fleet=self._fleet,
            reaper=self._reaper,
            emit=self._events.append,
            serial=self._next_serial,
            watch=self._watch,
        )
        self._slots = tuple(Slot(index, setup) for index in range(workers))
        self._vigil = Vigil(self._fleet, self._slots, self._limits.hang_timeout)
        self._by_task: dict[int, Slot] = {}

    @property
    def workers(self) -> int:
        """How many tasks run at once."""
        return len(self._slots)

    @property
    def idle(self) -> int:
        """How many workers are free: that many tasks can be submitted now."""
        return 0 if self._closed else sum(slot.job is None for slot in self._slots)

    @property
    def server_starts(self) -> int:
        """How many server processes have been launched so far."""
        return self._fleet.starts

    @property
    def wakeup_fd(self) -> int:
        """A non-blocking file descriptor: a byte written to it, as by a signal, ends a `poll`."""
        return self._watch.wakeup_fd

    def processes(self) -> tuple[ProcessInfo, ...]:
        """The living worker and server processes."""
        workers = (info for slot in self._slots for info in slot.processes())
        return (*workers, *self._fleet.processes())

    def heed(self, wanted: Callable[[str], bool]) -> None:
        """From now on ask `wanted` whether there is work, ready or running, for the definition in a kompiled folder:
        the last server of such a definition is not ended to make room for a definition that has none. Without
        this, idle servers are."""
        self._fleet.wanted = wanted

    def can_serve(self, kompiled: str) -> bool:
        """Whether a task of this definition would find a server, or room for one, without taking a server from a
        definition that is `wanted`. Submitting it all the same is no error: it may take that, or wait."""
        return self._fleet.can_serve(kompiled)

    def submit(
        self,
        task: Task,
        *,
        modules: Sequence[str] = (),
        module_text: Callable[[str], bytes],
        needs_server: bool,
        timeout: float | None = None,
        alone: bool = False,
    ) -> None:
        """Give a task to the idle worker that suits it best. Never blocks.

        Args:
            modules: names of modules that the server must have, in the order in which they are to be added.
            module_text: the zlib-compressed Kore text of a module; asked for those a server lacks, now or in
                a later `poll`. What it raises becomes an error answer of class 'input'.
            needs_server: whether the session must be connected to a server of the task's definition.
            timeout: seconds from handing the task to the worker; then it is given up (`Lost`, 'timeout').
            alone: nothing else may run on its server meanwhile, so that it alone is to blame for what happens to it.

        Raises:
            RuntimeError: no worker is idle, or a task of this id is in the pool.
            PoolClosed: see there.
        """
        self._check_open()
        if task.id in self._by_task:
            raise RuntimeError(f'The task {task.id} is in the pool already.')
        idle = [slot for slot in self._slots if slot.job is None]
        if not idle:
            raise RuntimeError(f'All {self.workers} workers are busy; submit only while `idle` is above 0.')
        job = Job(task, tuple(modules), module_text, needs_server, timeout, alone)
        near = {serial for slot in idle for serial in slot.near.values()}
        server = best_free(self._fleet.servers, job.service, modules, near) if needs_server else None
        slot = max(idle, key=lambda slot: slot.fitness(server, job.service))
        self._by_task[task.id] = slot
        slot.submit(job, time.monotonic())
        self._update(slot)

    def cancel(self, task_id: int) -> None:
        """Give up a task: its end is reported as usual, within the grace period, mostly as `Lost`
        ('cancelled'), or as `Done` if it was just finished. An unknown or ended task is ignored."""
        self._check_open()
        slot = self._by_task.get(task_id)
        if slot is not None and slot.job is not None and slot.job.task.id == task_id:
            slot.cancel(time.monotonic())
            self._touched.add(slot.index)

    def poll(self, timeout: float) -> list[Event]:
        """Wait up to `timeout` seconds for something to happen; what did, in order.

        Empty after the time is over or after a wakeup. Raises nothing but `PoolClosed`.
        """
        self._check_open()
        end = time.monotonic() + timeout
        self._touched |= self._watch.wait(0)
        self._advance(time.monotonic())
        while not self._events and not self._watch.woken:
            now = time.monotonic()
            if now >= end:
                break
            self._touched |= self._watch.wait(min(end, self._next_check(now)) - now)
            self._advance(time.monotonic())
        self._watch.woken = False
        events = self._events[:]
        self._events.clear()
        for event in events:
            if hasattr(event, 'task_id'):
                self._by_task.pop(event.task_id, None)
        return events

    def wakeup(self) -> None:
        """End a `poll` that is waiting, or the next one; from any thread or signal handler."""
        self._watch.wakeup()

    def close(self, grace: float = 2) -> None:
        """End all processes: workers at once, servers by SIGTERM and after `grace` seconds by SIGKILL.

        Tasks still in the pool are dropped without an event: cancel and `poll` first to keep what finishes.
        Never raises; a second call does nothing.
        """
        if self._closed:
            return
        self._closed = True
        if os.getpid() != self._pid:
            return  # a forked copy owns none of these processes
        try:
            self._end_processes(grace)
        finally:
            self._reaper.close()
            self._watch.close()
            shutil.rmtree(self._servers_dir, ignore_errors=True)

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _end_processes(self, grace: float) -> None:
        for slot in self._slots:
            slot.close()
        self._fleet.close()
        self._finish(time.monotonic() + max(grace, 0), force=False)
        # A process that even SIGKILL does not end, because it hangs in the kernel, is left to the reaper.
        self._finish(time.monotonic() + _KILL_WAIT, force=True)

    def _finish(self, deadline: float, *, force: bool) -> None:
        while True:
            unfinished = sum(not slot.finish(force) for slot in self._slots) + (not self._fleet.finish(force))
            if not unfinished or time.monotonic() >= deadline:
                return
            time.sleep(_CLOSE_STEP)

    def _check_open(self) -> None:
        if self._closed:
            raise PoolClosed('The pool is closed.')
        if os.getpid() != self._pid:
            raise PoolClosed(f'The pool belongs to process {self._pid}, not to its fork {os.getpid()}.')

    def _next_serial(self) -> int:
        self._serial += 1
        return self._serial

    def _next_check(self, now: float) -> float:
        return min(
            now + self._watch.patience,
            self._fleet.next_check(),
            self._vigil.next_check(),
            *(slot.next_check() for slot in self._slots),
        )

    def _advance(self, now: float) -> None:
        self._reaper.sweep()
        touched, self._touched = self._touched, set()
        all_of_them = self._watch.patience < float('inf')
        if all_of_them or FLEET in touched or self._fleet.next_check() <= now:
            self._fleet.advance(now)
        self._vigil.look(now)
        self._tell_of_failures(now)
        for slot in self._slots:
            if all_of_them or slot.index in touched or slot.next_check() <= now:
                slot.advance(now)
                self._update(slot)
        while self._fleet.changed or self._fleet.failed:
            self._fleet.changed = False
            self._tell_of_failures(now)
            for slot in self._slots:
                if slot.waits:
                    slot.advance(now)
                    self._update(slot)

    def _tell_of_failures(self, now: float) -> None:
        """Tell the slots which servers are of no more use."""
        failed = self._fleet.failed[:]
        self._fleet.failed.clear()
        for server, starting in failed:
            for slot in self._slots:
                if slot.job is not None and slot.job.server is server:
                    slot.server_failed(server, starting, now)
                    slot.advance(now)
                    self._update(slot)

    def _update(self, slot: Slot) -> None:
        if slot.worker is not None:
            self._watch.update(slot.worker, slot.index)


def wake_on_signals(pool: Pool) -> int:
    """Let any Python-handled signal end a waiting `poll`; the former wakeup file descriptor, to be restored
    with `signal.set_wakeup_fd`. Main thread only."""
    return signal.set_wakeup_fd(pool.wakeup_fd, warn_on_full_buffer=False)
