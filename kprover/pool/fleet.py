"""All servers of a pool: started when they are first needed, shared by the workers, ended when they are of no use.

A task is given a server of its definition that nobody uses, if there is one; else another is started, if the limits
allow that; else it shares one. Where the limit is reached over several definitions, an idle server makes room for one
of a definition that has none, but never for one more of a definition that is served already while it has work itself:
servers are not started and ended in turns.

The fleet belongs to the pool's thread. It knows tasks by their numbers only; whose task it was that a server took down
is the business of the slots, which are told by `Pool`.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .dying import Dying
from .limits import HARD_LIMIT, TELLING_TASKS, Limits, fits, guessed_size, in_words
from .messages import ProcessInfo, ServerDied, ServerEnded, ServerStarted
from .placing import best_free, dispensable, idle_one, least_used
from .running import RunningServer
from .server import Place, Server, server_command

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from .job import Job
    from .messages import Event
    from .process import Reaper
    from .server import ServerCommand
    from .service import Service
    from .watch import Watch

FLEET = -1
"""What the watch calls the fleet, as it calls slots by their numbers."""


@dataclass(frozen=True)
class FleetSetup:
    """What the fleet shares with the pool; see `Pool` for the meaning. `emit` takes events, `serial` counts."""

    workers: int
    backend: ServerCommand
    own_backends: Mapping[str, ServerCommand]
    run_dir: Path
    server_args: tuple[str, ...]
    server_env: Mapping[str, str]
    start_timeout: float
    limits: Limits
    addresses: tuple[tuple[str, int], ...]
    reaper: Reaper
    emit: Callable[[Event], None]
    serial: Callable[[], int]
    watch: Watch


class Fleet:
    """See the module."""

    def __init__(self, setup: FleetSetup):
        self.servers: list[Service] = []
        self.wanted: Callable[[str], bool] = no_preference
        """Whether there is work for a definition; see `Pool.heed`."""
        self.starts = 0
        self.changed = False
        """Whether a waiting task may be able to go on; for the pool, which resets it."""
        self.failed: list[tuple[Service, bool]] = []
        """Servers that have become useless, and whether while starting; for the pool, which takes them away."""
        self._setup = setup
        self._dying = Dying(setup.watch)
        self._folders: dict[str, str] = {}  # the kompiled folder of each service that was asked for
        self._largest: dict[str, int] = {}
        self._known: set[str] = set()  # definitions of which a server has done enough to show its size

    # -- giving servers to tasks -------------------------------------------------------------------------

    def assign(self, job: Job, near: Collection[int]) -> Service | None:
        """Give the job a server, which is started if need be; `None` if it has to wait for one.

        Args:
            near: serials of servers that the job's worker is connected to.

        Raises:
            OSError: no server process could be started.
        """
        self._folders[job.service] = job.kompiled
        server = self._choose(job, near)
        if server is not None:
            server.users.add(job.task.id)
            if job.alone:
                server.exclusive = job.task.id
        return server

    def can_serve(self, kompiled: str) -> bool:
        """Whether a task of the definition would be given a server now without taking one from a definition that
        has work itself."""
        if self._setup.addresses or any(server.kompiled == kompiled for server in self.servers):
            return True
        return self._has_room(kompiled) or dispensable(self.servers, kompiled, self.wanted) is not None

    def handed_over(self, server: Service, task: int, worker: int) -> None:
        """A worker, named by its process id, has begun with the task."""
        server.running[task] = worker
        if len(server.running) > 1:
            server.accompanied.update(server.running)

    def release(self, server: Service, task: int, now: float) -> None:
        """The task has ended, one way or another."""
        was_running = server.running.pop(task, None) is not None
        server.accompanied.discard(task)
        server.users.discard(task)
        if server.exclusive == task:
            server.exclusive = None
        if was_running:
            server.served += 1
            if server.served >= TELLING_TASKS:
                self._known.add(server.kompiled)
        self.changed = True
        self._check(server, now)

    def abandon(self, server: Service, reason: str, now: float) -> None:
        """The worker of a task on it has died, so it may be computing for nobody: it is ended, or, if others use it,
        is ended as soon as they are through."""
        if isinstance(server, RunningServer):
            return
        if len(server.users) <= 1:
            server.fail(reason)
            self._check(server, now)
        else:
            server.retiring = server.retiring or reason

    def fail(self, server: Service, reason: str, now: float) -> None:
        """The server is of no use, as somebody else has found out."""
        if server.state != 'failed':
            server.fail(reason)
        self._check(server, now)

    # -- looking after them ------------------------------------------------------------------------------

    def advance(self, now: float) -> None:
        """Look at all servers. What has happened is in `changed` and `failed`."""
        self._dying.bury()
        for server in list(self.servers):
            self._check(server, now)

    def next_check(self) -> float:
        """When `advance` must be called though nothing was heard of any server."""
        return min((s.next_check for s in self.servers if s.next_check is not None), default=float('inf'))

    def note_memory(self, server: Server, now: float) -> None:
        """The server's memory has been measured: remember its size, and end it if it is over the limit."""
        self._largest[server.kompiled] = max(server.memory, self._largest.get(server.kompiled, 0))
        limit = self._setup.limits.server_memory
        if limit is None or server.memory <= limit:
            return
        used = f'The server and its solvers use {in_words(server.memory)} of memory, the limit is {in_words(limit)}'
        if server.memory > HARD_LIMIT * limit:
            self.fail(server, f'{used}; it was ended at once{server.child.log_tail()}', now)
        elif server.served or server.running:
            server.retiring = server.retiring or f'{used}; it was ended after its step'
            self._check(server, now)

    def keep_budget(self, now: float) -> None:
        """Where all servers together take more memory than they may, end one that is not needed."""
        budget = self._setup.limits.memory
        owned = [server for server in self.servers if isinstance(server, Server) and not server.retiring]
        total = sum(server.memory for server in owned)
        if budget is None or total <= budget or len(owned) < 2:
            return
        largest = max(owned, key=lambda server: (not server.users, server.memory))
        largest.retiring = (
            f'All servers together use {in_words(total)} of memory, the budget is {in_words(budget)}; one was ended'
        )
        self._check(largest, now)

    def processes(self) -> Iterator[ProcessInfo]:
        """The living server processes."""
        for server in self.servers:
            if isinstance(server, Server):
                state = 'starting' if server.state == 'starting' else 'busy' if server.running else 'idle'
                yield ProcessInfo('server', server.serial, server.pid, state, server.kompiled, server.memory)

    def close(self) -> None:
        """Ask all servers to end; `finish` ends what remains."""
        for server in list(self.servers):
            self._end(server, signal.SIGTERM)

    def finish(self, force: bool) -> bool:
        """After `close`: whether nothing is left; with `force` all that is left is killed."""
        return self._dying.finish(force)

    # -- inside ------------------------------------------------------------------------------------------

    def _choose(self, job: Job, near: Collection[int]) -> Service | None:
        kompiled = job.service
        if self._setup.addresses:
            self._attach(kompiled)
        free = best_free(self.servers, kompiled, job.modules, near)
        if free is not None:
            return free
        if not self._setup.addresses and self._make_room(kompiled):
            return self._start(job)
        shared = least_used(self.servers, kompiled, job.modules)
        if shared is not None or self._setup.addresses:
            return shared
        if any(server.kompiled == kompiled for server in self.servers):
            return None
        while not self._has_room(kompiled):
            victim = idle_one(self.servers, kompiled)
            if victim is None:
                return None
            self._displace(victim, kompiled)
        return self._start(job)

    def _make_room(self, kompiled: str) -> bool:
        while not self._has_room(kompiled):
            if sum(server.kompiled == kompiled for server in self.servers) >= self._setup.workers:
                return False
            victim = dispensable(self.servers, kompiled, self.wanted)
            if victim is None:
                return False
            self._displace(victim, kompiled)
        return True

    def _displace(self, victim: Service, kompiled: str) -> None:
        """End an idle server for one of the definition in `kompiled`."""
        reason = f'It made room for a server of {kompiled}'
        self._setup.emit(ServerEnded(victim.serial, victim.kompiled, victim.pid, reason))
        self._end(victim, signal.SIGKILL)

    def _has_room(self, kompiled: str) -> bool:
        limits = self._setup.limits
        own = sum(server.kompiled == kompiled for server in self.servers)
        if own >= self._setup.workers or (limits.servers is not None and len(self.servers) >= limits.servers):
            return False
        expected = (max(server.memory, self._expected(server.kompiled)) for server in self.servers)
        return fits(limits.memory, expected, self._expected(kompiled))

    def _expected(self, kompiled: str) -> int:
        """Bytes that a server of the definition may come to use. One that has done little says little about it."""
        largest = self._largest.get(kompiled, 0)
        return largest if kompiled in self._known else max(largest, guessed_size(self._folders.get(kompiled, kompiled)))

    def _attach(self, kompiled: str) -> None:
        if not any(server.kompiled == kompiled for server in self.servers):
            for address in self._setup.addresses:
                self.servers.append(RunningServer(address, kompiled=kompiled, serial=self._setup.serial()))

    def _start(self, job: Job) -> Server:
        setup, serial = self._setup, self._setup.serial()
        bound = min(setup.limits.servers or setup.workers, setup.workers)
        server = Server(
            server_command(
                setup.own_backends.get(job.service, setup.backend),
                job.kompiled,
                str(job.task.header['main_module']),
                setup.server_args,
            ),
            Place(setup.run_dir / 'servers' / str(serial), setup.run_dir / 'logs' / f'server-{serial}.log'),
            kompiled=job.service,
            serial=serial,
            reaper=setup.reaper,
            env=setup.server_env,
            start_timeout=setup.start_timeout,
            threads=-(-setup.workers // bound),
        )
        self.starts += 1
        self.servers.append(server)
        setup.watch.add(server.child, FLEET)
        return server

    def _check(self, server: Service, now: float) -> None:
        if server not in self.servers:
            return
        before = server.state
        server.check(now)
        if server.state != before:
            self.changed = True
        if before == 'starting' and server.state == 'ready' and isinstance(server, Server):
            self._started(server, now)
            if server not in self.servers:
                return
        if server.state == 'failed':
            self._lost(server, before == 'starting', now)
        elif not server.users and isinstance(server, Server):
            self._retire(server)

    def _started(self, server: Server, now: float) -> None:
        self._setup.emit(
            ServerStarted(
                server.serial, server.kompiled, server.pid, server.host, server.port, server.ready_after, server.command
            )
        )
        server.measure()
        self.note_memory(server, now)

    def _lost(self, server: Service, starting: bool, now: float) -> None:
        # one that ends before it has done anything, as over its memory, will do so again
        starting = starting or (isinstance(server, Server) and not server.served and not server.running)
        self._setup.emit(ServerDied(server.serial, server.kompiled, server.pid, server.failure))
        self.failed.append((server, starting))
        self.changed = True
        if isinstance(server, RunningServer):
            server.rest(now)
        else:
            self._end(server, signal.SIGKILL)

    def _retire(self, server: Server) -> None:
        most = self._setup.limits.server_modules
        reason = server.retiring
        if not reason and most is not None and len(server.modules) > most:
            reason = f'The server had {len(server.modules)} added modules, the limit is {most}; it was ended'
        if reason:
            self._setup.emit(ServerDied(server.serial, server.kompiled, server.pid, reason))
            self._end(server, signal.SIGKILL)

    def _end(self, server: Service, how: signal.Signals) -> None:
        self.servers.remove(server)
        self.changed = True
        if isinstance(server, Server):
            self._dying.add(server.child, how)


def no_preference(kompiled: str) -> bool:
    """Nothing is known of what will be wanted: idle servers of other definitions may be ended."""
    return False
