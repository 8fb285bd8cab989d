"""One worker slot: at most one task, and one worker process.

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
from typing import TYPE_CHECKING, Any

from ..worker.wire import Message
from .dying import Dying
from .job import Job, unsendable
from .messages import Cause, Done, Event, Evidence, Lost, ProcessInfo, WorkerDied
from .running import RunningServer
from .server import Server
from .worker import END_WAIT, WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .fleet import Fleet
    from .process import Reaper
    from .service import Service
    from .watch import Watch

_HOLD = 0.5
"""Seconds for which an answer that says "connection lost" waits for the server's end to be seen."""

_NO_ANSWER = 'ProtocolError'
"""The type of an error that says: what the server sent is not an answer that a working server gives."""


@dataclass(frozen=True)
class Setup:
    """What all slots of a pool share; see `Pool` for the meaning. `emit` takes events, `serial` counts."""

    run_dir: Path
    session: str
    start_timeout: float
    grace: float
    fleet: Fleet
    reaper: Reaper
    emit: Callable[[Event], None]
    serial: Callable[[], int]
    watch: Watch


class Slot:
    """See the module. The state of a worker and its task has this one owner."""

    def __init__(self, index: int, setup: Setup) -> None:
        self.index = index
        self.job: Job | None = None
        self.worker: WorkerProcess | None = None
        self.near: dict[str, int] = {}
        """The serial of the server that the worker is connected to, by kompiled folder."""
        self._setup = setup
        self._requests = setup.run_dir / 'requests' / f'worker-{index}.jsonl'
        self._dying = Dying(setup.watch)

    # -- what the pool asks ------------------------------------------------------------------------------

    @property
    def live(self) -> bool:
        """Whether it has a worker of some use."""
        return self.worker is not None and not self.worker.failure

    @property
    def waits(self) -> bool:
        """Whether its task has not been handed over yet."""
        return self.job is not None and self.job.sent_at is None

    def fitness(self, server: Service | None, kompiled: str) -> tuple[int, ...]:
        """How well this idle slot suits a task that is to run on a server (`None`: that needs no server, or whose
        server is not there yet); the greatest tuple is the best choice."""
        if server is None:
            # Leave the workers that are connected to servers to tasks that need them.
            return (int(self.live), -len(self.near), -self.index)
        connected = self.near.get(kompiled) == server.serial
        unconnected = kompiled not in self.near
        return (int(connected), int(self.live), int(unconnected), -len(self.near), -self.index)

    def submit(self, job: Job, now: float) -> None:
        """Take a task; the slot must be idle."""
        assert self.job is None
        self.job = job
        self.advance(now)

    def cancel(self, now: float) -> None:
        """Give up the task in this slot."""
        self._doom('cancelled', 'The task was cancelled', now)

    def server_failed(self, server: Service, starting: bool, now: float) -> None:
        """The server of the task in this slot is of no more use."""
        job = self.job
        if job is None or job.server is not server:
            return
        if job.sent_at is not None:
            job.shared = job.task.id in server.accompanied
            self._doom('server-died', server.failure, now)
        elif starting:
            self._lose('server-start', server.failure, now)
        else:
            self._setup.fleet.release(server, job.task.id, now)
            job.server = None  # it has not been handed over: another server does as well

    def worker_hangs(self, reason: str, now: float) -> None:
        """The worker is to be replaced."""
        if self.worker is not None:
            self.worker.failure = reason
            self._worker_died(self.worker, now)

    def next_check(self) -> float:
        """When `advance` must be called again though nothing has been heard from any process."""
        return min(self._times(), default=float('inf'))

    def processes(self) -> Iterator[ProcessInfo]:
        """The living processes of this slot."""
        if self.worker is not None:
            busy = self.job is not None and self.job.sent_at is not None
            state = 'starting' if not self.worker.ready else 'busy' if busy else 'idle'
            task = self.job.task.id if self.job is not None and busy else None
            since = self.job.sent_at if self.job is not None else None
            yield ProcessInfo('worker', self.index, self.worker.child.pid, state, task=task, since=since)

    def advance(self, now: float) -> None:
        """Go on as far as possible without waiting."""
        self._dying.bury()
        self._check_worker(now)
        job = self.job
        if job is None:
            return
        if job.sent_at is not None:
            self._supervise(job, now)
        elif job.doom is not None:
            self._lose(job.doom, job.doom_message, now)
        else:
            self._prepare(job, now)

    def close(self) -> None:
        """End the worker at once. `finish` waits for it."""
        self.job = None
        if self.worker is not None:
            self._end_worker(self.worker)

    def finish(self, force: bool) -> bool:
        """After `close`: whether nothing is left; with `force` all that is left is killed."""
        return self._dying.finish(force)

    # -- the worker --------------------------------------------------------------------------------------

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
        if job.sent_at is not None and job.held is None and job.server is not None:
            # The server may be computing for it still, and nobody can tell it to stop.
            reason = f'Its worker died in the middle of a request: {worker.failure}'
            server = job.server
            job.doom = job.doom or 'worker-died'
            job.doom_message = job.doom_message or worker.failure
            self._setup.fleet.abandon(server, reason, now)
        if job.doom is not None:
            told = job.doom_message if job.doom == 'worker-died' else f'{job.doom_message}; {worker.failure}'
            self._lose(job.doom, told, now, log=worker.child.log)
        elif job.held is not None:
            self._deliver(job, job.held, now)
        else:
            self._lose('worker-died', worker.failure, now, log=worker.child.log)

    def _start_worker(self) -> None:
        setup = self._setup
        log = setup.run_dir / 'logs' / f'worker-{self.index}-{setup.serial()}.log'
        worker = WorkerProcess(session=setup.session, log=log, requests=self._requests, reaper=setup.reaper)
        self.worker = worker
        setup.watch.attach(worker, self.index)
        setup.watch.add(worker.child, self.index)

    def _end_worker(self, worker: WorkerProcess) -> None:
        self.worker = None
        self.near.clear()
        self._setup.watch.detach(worker)
        self._dying.add(worker.child, signal.SIGKILL)  # before it sees that it may go
        worker.close()

    # -- the task ----------------------------------------------------------------------------------------

    def _prepare(self, job: Job, now: float) -> None:
        if job.needs_server and job.server is None:
            try:
                job.server = self._setup.fleet.assign(job, tuple(self.near.values()))
            except OSError as err:
                self._lose('server-start', f'No server process could be started: {err}', now)
                return
        if self.worker is None:
            try:
                self._start_worker()
            except OSError as err:
                self._lose('worker-died', f'No worker process could be started: {err}', now)
                return
        assert self.worker is not None
        if not self.worker.ready:
            return
        if not job.needs_server or (job.server is not None and job.server.is_free_for(job.task.id)):
            self._hand_over(job, self.worker, job.server, now)

    def _hand_over(self, job: Job, worker: WorkerProcess, server: Service | None, now: float) -> None:
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
                self.near[server.kompiled] = server.serial
                self._setup.fleet.handed_over(server, job.task.id, worker.child.pid)
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
            self._answered(job, message, now)
            if message.body['leaving']:
                worker.failure = 'The worker left, because it was out of memory'

    def _answered(self, job: Job, message: Message, now: float) -> None:
        server = job.server
        error = message.body['header'].get('error')
        responsive = message.body.get('responsive')
        if server is not None:
            server.modules.update(message.body['added'])
            if responsive is not None:
                self.near.pop(server.kompiled, None)
                server.suspect(now, responsive)
                if server.state == 'failed':
                    job.held, job.held_until = message, now + _HOLD
                    self._setup.fleet.fail(server, server.failure, now)
                    return
            if error is not None and error['type'] == _NO_ANSWER and job.doom is None:
                # Only a server that is not in order says such things, or it is made to by this very step.
                job.held, job.held_until = message, now + _HOLD
                self._setup.fleet.fail(server, f'The server gave no proper answer: {error["message"]}', now)
                return
        lost = error is not None and error['class'] == 'infrastructure' and server is not None
        if lost and job.doom is None and not responsive:
            job.held, job.held_until = message, now + _HOLD
        else:
            self._deliver(job, message, now)

    def _deliver(self, job: Job, message: Message, now: float) -> None:
        header = message.body['header']
        if job.doom is not None and 'error' in header:
            self._lose(job.doom, f'{job.doom_message} ({header["error"]["message"]})', now)
        else:
            self._finish(job, header, dict(message.blobs), now)

    def _finish(self, job: Job, header: dict[str, Any], blobs: dict[str, bytes], now: float) -> None:
        self.job = None
        seconds = now - job.sent_at if job.sent_at is not None else 0.0
        infrastructure = header.get('error', {}).get('class') == 'infrastructure'
        evidence = self._evidence(job) if infrastructure else None
        if isinstance(job.server, RunningServer) and 'error' not in header:
            job.server.succeeded()
        self._let_go(job, now)
        server = job.server.serial if job.server is not None else None
        self._setup.emit(Done(job.task.id, self.index, header, blobs, seconds, evidence, server, job.sent_at))

    def _lose(self, cause: Cause, message: str, now: float, *, log: Path | None = None) -> None:
        job, self.job = self.job, None
        assert job is not None
        evidence = self._evidence(job, log) if cause in ('server-died', 'worker-died') else None
        self._let_go(job, now)
        server = job.server.serial if job.server is not None else None
        seconds = now - job.sent_at if job.sent_at is not None else 0.0
        self._setup.emit(
            Lost(job.task.id, self.index, cause, message, job.shared, evidence, server, job.sent_at, seconds)
        )

    def _let_go(self, job: Job, now: float) -> None:
        if job.server is not None:
            self._setup.fleet.release(job.server, job.task.id, now)

    def _evidence(self, job: Job, log: Path | None = None) -> Evidence | None:
        """The requests of a task that may be to blame, moved away, because the worker's next task writes over them."""
        if job.sent_at is None or job.server is None:
            return None
        requests = self._requests.with_name(f'task-{job.task.id}.jsonl')
        try:
            self._requests.replace(requests)
        except OSError:
            return None  # it had not come to its first request
        server, logs = job.server, ([log] if log is not None else [])
        if isinstance(server, Server):
            return Evidence(requests, job.modules, server.command, '', (server.child.log, *logs))
        return Evidence(requests, job.modules, (), f'{server.host}:{server.port}', tuple(logs))

    def _times(self) -> Iterator[float]:
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
