"""One kore-rpc server as a child process: its launch, the search for its port, its end.

It is moved on by `check`, which never blocks. It has a temporary and a working folder of its own, because a server
that is killed leaves files behind.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import psutil

from .measure import Usage, family_usage
from .process import Child, Reaper, family
from .service import Service

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PORT_POLL_FIRST = 0.02
_PORT_POLL_LAST = 0.25

_SUSPECT_INTERVAL = 0.25
_SUSPECT_LIMIT = 1.5
_BUSY_SHARE = 0.05

_ANY_ADDRESS = {'0.0.0.0': '127.0.0.1', '::': '::1', '': '127.0.0.1'}


class ServerCommand(Protocol):
    """Which program serves: `kprover.backends.Backend` is one."""

    @property
    def name(self) -> str:
        """For messages."""

    def args(self, kompiled: Path, main_module: str, port: int) -> Sequence[str]:
        """The whole command line of a server for a definition; port 0 means any free one."""


@dataclass(frozen=True)
class Place:
    """Where a server lives on disk: `folder` is its own and goes with it, `log` stays."""

    folder: Path
    log: Path


class Server(Service):
    """A server process that the pool has started, and ends."""

    def __init__(
        self,
        command: Sequence[str],
        place: Place,
        *,
        kompiled: str,
        serial: int,
        reaper: Reaper,
        env: Mapping[str, str],
        start_timeout: float,
        threads: int = 1,
    ) -> None:
        """Launch it; `threads` tasks may run on it at once.

        Raises:
            OSError: no process could be started.
        """
        super().__init__(kompiled, serial, 'starting')
        temporary, working = place.folder / 'tmp', place.folder / 'cwd'
        for path in (temporary, working):
            path.mkdir(parents=True)
        self.command = tuple(command)
        self.child = Child(
            command,
            reaper=reaper,
            log=place.log,
            env={**server_environment(os.environ, command[0], threads=threads), **env, 'TMPDIR': str(temporary)},
            cwd=working,
            folder=place.folder,
        )
        self.ready_after = 0.0
        self._usage = Usage()
        self._start_timeout = start_timeout
        self._poll_interval = _PORT_POLL_FIRST
        self.next_check = self.child.started + self._poll_interval
        self._suspect_since = 0.0
        self._mute = False
        self._given_up = False
        self._cpu = (0.0, 0.0)  # when, and how much had been used by then

    @property
    def pid(self) -> int:
        return self.child.pid

    @property
    def name(self) -> str:
        return f'the server {self.child.pid}'

    def measure(self) -> Usage:
        """What it and its solvers use now; also kept in `memory`. Costs about 0.1 ms."""
        self._usage = family_usage(self.child.pid)
        self.memory = self._usage.memory
        return self._usage

    def suspect(self, now: float, responsive: bool) -> None:
        """Until the server is seen idle it is given no other task; what others still do on it is waited for.

        One that did not answer a ping either is of no use; it gets a moment, because it may just be ending.
        """
        if self.state == 'ready':
            self._given_up = True
            self._mute = not responsive
            self._begin_suspicion(now)

    def _begin_suspicion(self, now: float) -> None:
        if self._given_up and not self.running:
            self._given_up = False
            self.state = 'suspect'
            self._suspect_since = now
            self._cpu = (now, self.measure().cpu)
            self.next_check = now + _SUSPECT_INTERVAL

    def is_free_for(self, task: int) -> bool:
        return not self._given_up and super().is_free_for(task)

    def check(self, now: float) -> None:
        self._begin_suspicion(now)
        if self.state == 'failed':
            return
        if (ending := self.child.exited()) is not None:
            what = 'at its start' if self.state == 'starting' else 'while it served'
            self.fail(f'The server {ending} {what}{self.child.log_tail()}')
        elif self.next_check is not None and now >= self.next_check:
            if self.state == 'starting':
                self._check_port(now)
            elif self.state == 'suspect':
                self._check_idle(now)

    def _check_port(self, now: float) -> None:
        addresses = listening(self.child.pid)
        if len(addresses) == 1:
            self.host, self.port = addresses.pop()
            self.state, self.next_check = 'ready', None
            self.ready_after = now - self.child.started
        elif len(addresses) > 1:
            ports = ', '.join(f'{host}:{port}' for host, port in sorted(addresses))
            self.fail(f'Expected one listening socket of the server, found {ports}{self.child.log_tail()}')
        elif now - self.child.started >= self._start_timeout:
            self.fail(f'The server did not listen within {self._start_timeout:g} s of its start{self.child.log_tail()}')
        else:
            self._poll_interval = min(self._poll_interval * 1.5, _PORT_POLL_LAST)
            self.next_check = now + self._poll_interval

    def _check_idle(self, now: float) -> None:
        if self._mute:
            self.fail('The server answers nothing since its last request ended')
            return
        before, used_before = self._cpu
        used = self.measure().cpu
        if used - used_before <= _BUSY_SHARE * (now - before):
            self.state, self.next_check = 'ready', None
        elif now - self._suspect_since >= _SUSPECT_LIMIT:
            self.fail('The server went on working after its request was cancelled')
        else:
            self._cpu = (now, used)
            self.next_check = now + _SUSPECT_INTERVAL


def listening(pid: int) -> set[tuple[str, int]]:
    """The addresses on which a process listens, or, if it is a wrapper that does not, its descendants.

    As pyk's `KoreServer` finds the port, but without waiting.
    """
    return _listening(family(pid)[:1]) or _listening(family(pid))


def _listening(processes: list[psutil.Process]) -> set[tuple[str, int]]:
    found = set()
    for process in processes:
        try:
            connections = process.connections(kind='tcp')
        except (psutil.Error, OSError):
            continue  # it has just ended
        for connection in connections:
            if connection.status == psutil.CONN_LISTEN:
                host, port = connection.laddr
                found.add((_ANY_ADDRESS.get(host, host), port))
    return found


def server_command(backend: ServerCommand, kompiled: str, main_module: str, extra: Sequence[str]) -> tuple[str, ...]:
    """The command line of a server, with the paths made absolute, because it runs in a folder of its own."""
    program, *arguments = backend.args(Path(kompiled).absolute(), main_module, 0)
    if os.sep in program:
        program = str(Path(program).absolute())
    return (program, *arguments, *extra)


def server_environment(environ: Mapping[str, str], program: str, *, threads: int = 1) -> dict[str, str]:
    """The environment of a server: the caller's, with a Haskell thread for each worker that may use it at once (pyk
    sets one) and, for one in Python, the same answers whatever the caller's interpreter flags are."""
    env = dict(environ)
    env['GHCRTS'] = f'-N{threads} {env["GHCRTS"]}' if env.get('GHCRTS') else f'-N{threads}'
    if program == sys.executable:
        root = str(Path(__file__).absolute().parents[2])
        env['PYTHONPATH'] = f'{root}{os.pathsep}{env["PYTHONPATH"]}' if env.get('PYTHONPATH') else root
        env['PYTHONHASHSEED'] = '0'
        env.pop('PYTHONOPTIMIZE', None)
    return env
