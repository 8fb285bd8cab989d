"""One worker slot: at most one task, one worker process, and one server per kompiled folder.

A slot is a small state machine that `advance` moves on as far as it goes without waiting; the pool calls it
whenever something may have happened. The life of a task in it::

    submitted --> worker and server are there --> handed over --> answered         --> Done
        |                   |                          |      +-> held for a moment --> Lost or Done
        +-------------------+--------------------------+----------------------------> Lost

Why an answer may be held: a server's death is often seen first by the worker, as a lost connection, and a
little later as the end of the process. The engine should hear that the server died.

What makes a task doomed (its deadline, a cancel, the death of its server) first asks the worker to give up;
a worker that does not within the grace period is killed. A complete answer that comes in spite of that is
a finished step and is delivered as one.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..worker.wire import Message
from .job import Job, unsendable
from .messages import (
    Cause,
    Done,
    Event,
    Lost,
    ProcessInfo,
    ServerDied,
    ServerStarted,
    WorkerDied,
)
from .server import Place, Server, server_command
from .worker import END_WAIT, WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from .process import Child, Reaper
    from .server import ServerCommand
    from .watch import Watch

_HOLD = 0.5
"""Seconds for which an answer that says "connection lost" waits for the server's end to be seen."""


@dataclass(frozen=True)
class Setup:
    """What all slots of a pool share; see `Pool` for the meaning. `emit` takes events, `serial` counts."""

    backend: ServerCommand
    run_dir: Path
    server_args: tuple[str, ...]
    server_env: Mapping[str, str]
    session: str
    start_timeout: float
    grace: float
    reaper: Reaper
    emit: Callable[[Event], None]
    serial: Callable[[], int]
    watch: Watch


class Slot:
    """See the module. All state of a worker and its servers has this one owner."""

    def __init__(self, index: int, setup: Setup) -> None:
        self.index = index
        self.job: Job | None = None
        self.worker: WorkerProcess | None = None
        self.servers: dict[str, Server] = {}
        self.server_starts = 0
        self._setup = setup
        self._dying: list[Child] = []

    # -- what the pool asks ------------------------------------------------------------------------------

    def fitness(self, kompiled: str, modules: Sequence[str], needs_server: bool) -> tuple[int, ...]:
        """How well this idle slot suits a task; the greatest tuple is the best choice."""
        live = int(self.worker is not None and not self.worker.failure)
        if not needs_server:
            # Leave the workers with well-fed servers to tasks that need them.
            fed = sum(len(server.modules) for server in self.servers.values())
            return (live, -len(self.servers), -fed, -self.index)
        server = self.servers.get(kompiled)
        if server is None:
            return (0, 0, live, -len(self.servers), -self.index)
        stage = {'failed': 0, 'suspect': 1, 'starting': 2, 'ready': 3}[server.state]
        known = sum(name in server.modules for name in modules)
        return (stage, known, live, -len(self.servers), -self.index)

    def submit(self, job: Job, now: float) -> None:
        """Take a task; the slot must be idle."""
        assert self.job is None
        self.job = job
        self.advance(now)

    def cancel(self, now: float) -> None:
        """Give up the task in this slot."""
        self._doom('cancelled', 'The task was cancelled', now)

    def next_check(self) -> float:
        """When `advance` must be called again though nothing has been heard from any process."""
        return min(self._times(), default=float('inf'))

    def processes(self) -> Iterator[ProcessInfo]:
        """The living processes of this slot."""
        busy = self.job is not None and self.job.sent_at is not None
        if self.worker is not None:
            state = 'starting' if not self.worker.ready else 'busy' if busy else 'idle'
            yield ProcessInfo('worker', self.index, self.worker.child.pid, state)
        for kompiled, server in self.servers.items():
            used = busy and self.job is not None and self.job.needs_server and self.job.kompiled == kompiled
            state = 'starting' if server.state == 'starting' else 'busy' if used else 'idle'
            yield ProcessInfo('server', self.index, server.child.pid, state, kompiled)

    def advance(self, now: float) -> None:
        """Go on as far as possible without waiting."""
        self._bury()
        self._check_worker(now)
        self._check_servers(now)
        job = self.job
        if job is None:
            return
        if job.sent_at is None:
            if job.doom is not None:
                self._lose(job.doom, job.doom_message)
            else:
                self._prepare(job, now)
        else:
            self._supervise(job, now)

    def close(self) -> None:
        """Ask everything to end: the worker at once, servers politely. `finish` ends what remains."""
        self.job = None
        if self.worker is not None:
            self._end_worker(self.worker)
        for server in list(self.servers.values()):
            self._end_server(server, signal.SIGTERM)

    def finish(self, force: bool) -> bool:
        """After `close`: whether nothing is left; with `force` all that is left is killed."""
        if force:
            for child in self._dying:
                child.signal(signal.SIGKILL)
        self._bury()
        return not self._dying

    # -- processes ---------------------------------------------------------------------------------------

    def _check_worker(self, now: float) -> None:
        worker = self.worker
        if worker is None:
            return
        worker.check(now)
        if not worker.ready and not worker.failure:
            limit = self._setup.start_timeout
            if now - worker.child.started >= limit:
                worker.failure = f'The worker was not ready within {limit:g} s{worker.child.log_tail()}'
        messages, worker.messages = worker.messages, []
        for message in messages:
            self._hear(worker, message, now)
        if worker.failure:
            self._worker_died(worker, now)

    def _worker_died(self, worker: WorkerProcess, now: float) -> None:
        self._end_worker(worker)
        self._setup.emit(WorkerDied(self.index, worker.child.pid, worker.failure))
        job = self.job
        if job is None:
            return
        if job.sent_at is not None and job.held is None:
            # The server may be computing for it still, and nobody can tell it to stop.
            self._drop_server_of(job, f'Its worker died in the middle of a request: {worker.failure}')
        if job.doom is not None:
            self._lose(job.doom, f'{job.doom_message}; {worker.failure}')
        elif job.held is not None:
            self._deliver(job, job.held, now)
        else:
            self._lose('worker-died', worker.failure)

    def _check_servers(self, now: float) -> None:
        for server in list(self.servers.values()):
            before = server.state
            server.check(now)
            if before == 'starting' and server.state == 'ready':
                self._setup.emit(
                    ServerStarted(
                        self.index,
                        server.kompiled,
                        server.child.pid,
                        server.host,
                        server.port,
                        server.ready_after,
                    )
                )
            elif server.state == 'failed':
                self._server_died(server, before == 'starting', now)

    def _server_died(self, server: Server, starting: bool, now: float) -> None:
        self._end_server(server, signal.SIGKILL)
        self._setup.emit(ServerDied(self.index, server.kompiled, server.child.pid, server.failure))
        job = self.job
        if job is None or not job.needs_server or job.kompiled != server.kompiled:
            return
        if job.sent_at is not None:
            self._doom('server-died', server.failure, now)
        elif starting:
            self._lose('server-start', server.failure)
        # Otherwise the job has not been handed over: another server is started for it.

    def _end_worker(self, worker: WorkerProcess) -> None:
        self.worker = None
        self._setup.watch.detach(worker)
        worker.close()
        worker.child.signal(signal.SIGKILL)
        self._dying.append(worker.child)
        self._bury()

    def _end_server(self, server: Server, how: signal.Signals) -> None:
        self.servers.pop(server.kompiled, None)
        server.child.signal(how)
        self._dying.append(server.child)
        self._bury()

    def _drop_server_of(self, job: Job, reason: str) -> None:
        server = self.servers.get(job.kompiled) if job.needs_server else None
        if server is not None:
            self._end_server(server, signal.SIGKILL)
            self._setup.emit(ServerDied(self.index, server.kompiled, server.child.pid, reason))

    def _bury(self) -> None:
        for child in list(self._dying):
            if child.exited() is not None:
                self._setup.watch.remove(child)
                child.reap()
                self._dying.remove(child)

    # -- the task ----------------------------------------------------------------------------------------

    def _prepare(self, job: Job, now: float) -> None:
        server = self.servers.get(job.kompiled) if job.needs_server else None
        if job.needs_server and server is None:
            try:
                server = self._start_server(job)
            except OSError as err:
                self._lose('server-start', f'No server process could be started: {err}')
                return
        if self.worker is None:
            try:
                self._start_worker()
            except OSError as err:
                self._lose('worker-died', f'No worker process could be started: {err}')
                return
        assert self.worker is not None
        if self.worker.ready and (server is None or server.state == 'ready'):
            self._hand_over(job, self.worker, server, now)

    def _start_server(self, job: Job) -> Server:
        setup, serial = self._setup, self._setup.serial()
        name = f'{self.index}-{serial}'
        server = Server(
            server_command(setup.backend, job.kompiled, str(job.task.header['main_module']), setup.server_args),
            Place(setup.run_dir / 'servers' / name, setup.run_dir / 'logs' / f'server-{name}.log'),
            kompiled=job.kompiled,
            serial=serial,
            reaper=setup.reaper,
            env=setup.server_env,
            start_timeout=setup.start_timeout,
        )
        self.server_starts += 1
        self.servers[job.kompiled] = server
        setup.watch.add(server.child, self.index)
        return server

    def _start_worker(self) -> None:
        setup = self._setup
        log = setup.run_dir / 'logs' / f'worker-{self.index}-{setup.serial()}.log'
        worker = WorkerProcess(session=setup.session, log=log, reaper=setup.reaper)
        self.worker = worker
        setup.watch.attach(worker, self.index)
        setup.watch.add(worker.child, self.index)

    def _hand_over(self, job: Job, worker: WorkerProcess, server: Server | None, now: float) -> None:
        job.sent_at = now
        job.deadline = now + job.timeout if job.timeout is not None else None
        try:
            missing = [name for name in job.modules if name not in server.modules] if server else []
            blobs = {f'task/{name}': blob for name, blob in job.task.blobs.items()}
            blobs |= {f'module/{name}': job.module_text(name) for name in missing}
            address: dict[str, Any] | None = None
            if server is not None:
                address = {
                    'kompiled': server.kompiled,
                    'main_module': str(job.task.header['main_module']),
                    'host': server.host,
                    'port': server.port,
                    'serial': server.serial,
                }
            body = {
                'type': 'task',
                'id': job.task.id,
                'kind': job.task.kind,
                'header': job.task.header,
                'server': address,
                'modules': missing,
            }
            worker.send(Message(body, blobs))
        except Exception as err:  # a fault of the task, which must not end the run of all others
            self._finish(job, unsendable(job, err), {}, now)

    def _supervise(self, job: Job, now: float) -> None:
        if job.held is not None:
            if job.doom is not None or now >= job.held_until:
                self._deliver(job, job.held, now)
        elif job.kill_at is not None and now >= job.kill_at:
            assert self.worker is not None
            self.worker.failure = (
                f'The worker did not give up its task within {self._setup.grace:g} s and was killed'
                f'{self.worker.child.log_tail()}'
            )
            self._worker_died(self.worker, now)
        elif job.doom is None and job.deadline is not None and now >= job.deadline:
            self._doom('timeout', f'The task took longer than its limit of {job.timeout:g} s', now)

    def _doom(self, cause: Cause, message: str, now: float) -> None:
        job = self.job
        if job is None or job.doom is not None:
            return
        job.doom, job.doom_message = cause, message
        if job.sent_at is not None and self.worker is not None:
            job.kill_at = now + self._setup.grace
            self.worker.send(Message({'type': 'cancel', 'id': job.task.id}))

    def _hear(self, worker: WorkerProcess, message: Message, now: float) -> None:
        kind = message.body['type']
        job = self.job
        if kind == 'ready':
            worker.ready = True
        elif kind == 'fatal':
            worker.failure = str(message.body['message'])
        elif kind == 'answer' and job is not None and message.body['id'] == job.task.id:
            self._note_server(job, message, now)
            error = message.body['header'].get('error')
            lost = error is not None and error['class'] == 'infrastructure' and job.needs_server
            if lost and job.doom is None and not message.body.get('responsive'):
                job.held, job.held_until = message, now + _HOLD
            else:
                self._deliver(job, message, now)
            if message.body['leaving']:
                worker.failure = 'The worker left, because it was out of memory'

    def _note_server(self, job: Job, message: Message, now: float) -> None:
        server = self.servers.get(job.kompiled) if job.needs_server else None
        if server is None:
            return
        server.modules.update(message.body['added'])
        responsive = message.body.get('responsive')
        if responsive is not None:
            server.suspect(now, responsive)

    def _deliver(self, job: Job, message: Message, now: float) -> None:
        header = message.body['header']
        if job.doom is not None and 'error' in header:
            self._lose(job.doom, f'{job.doom_message} ({header["error"]["message"]})')
        else:
            self._finish(job, header, dict(message.blobs), now)

    def _finish(self, job: Job, header: dict[str, Any], blobs: dict[str, bytes], now: float) -> None:
        self.job = None
        seconds = now - job.sent_at if job.sent_at is not None else 0.0
        self._setup.emit(Done(job.task.id, self.index, header, blobs, seconds))

    def _lose(self, cause: Cause, message: str) -> None:
        job, self.job = self.job, None
        assert job is not None
        self._setup.emit(Lost(job.task.id, self.index, cause, message))

    def _times(self) -> Iterator[float]:
        for server in self.servers.values():
            if server.next_check is not None:
                yield server.next_check
        if self.worker is not None and self.worker.ended is not None:
            yield self.worker.ended + END_WAIT
        if self.worker is not None and not self.worker.ready:
            yield self.worker.child.started + self._setup.start_timeout
        job = self.job
        if job is not None:
            if job.held is not None:
                yield job.held_until
            elif job.kill_at is not None:
                yield job.kill_at
            elif job.deadline is not None:
                yield job.deadline
