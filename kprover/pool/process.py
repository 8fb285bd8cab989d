"""One child process, and the reaper that outlives the driver to end what it left behind.

A `Child` leads a session and a process group of its own, so that a terminal's Ctrl-C does not reach it and
whatever it starts (a server's solver) is ended with it. What goes into a session of its own is ended too: by its
place among the descendants of a child that is killed (which adopts what its own children leave, see `launch.py`), and
by the mark in its environment (`reaper.py`). Three things end children when the driver dies: the kernel's parent-death
signal (`launch.py`), the end of a worker's socket, and the reaper (`reaper.py`).

The parent-death signal is bound to the *thread* that started the child: make the pool in a thread that lives
as long as the pool, best the main thread.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import psutil

from .measure import descendants
from .reaper import MARK, kill_marked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_HERE = Path(__file__).parent
_PYTHON = (sys.executable, '-I', '-S')
_LOG_TAIL = 2000


class Reaper:
    """The driver's side of `reaper.py`; started with the first child, ended by `close`.

    Should the reaper be killed, the next registration starts another that knows all living groups.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._groups: dict[int, tuple[str | None, str]] = {}
        self._gone: dict[int, str] = {}  # groups that have ended, whose strays have not been looked for

    @property
    def pid(self) -> int | None:
        """The process id of the running reaper."""
        return self._process.pid if self._process is not None else None

    def add(self, group: int, folder: Path | None, mark: str) -> None:
        """From now on the end of this process ends the group, and all that has the mark, and removes the folder."""
        self._groups[group] = (str(folder) if folder is not None else None, mark)
        self._tell(['add', group, *self._groups[group]])

    def remove(self, group: int) -> None:
        """The group is gone already; `sweep` ends what has strayed from it."""
        if group in self._groups:
            self._gone[group] = self._groups[group][1]

    def sweep(self) -> None:
        """End what has left the groups that are gone; looks at all processes of the machine if there are any."""
        if not self._gone:
            return
        kill_marked(set(self._gone.values()))
        for group in self._gone:
            del self._groups[group]
            self._tell(['del', group])
        self._gone.clear()

    def close(self) -> None:
        """End the reaper, and with it every group that is still registered. Never raises."""
        if self._process is not None:
            self.sweep()
        self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        _close_stdin(process)
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _tell(self, line: list[object]) -> None:
        if self._process is not None and self._write(self._process, [line]):
            return
        self._end()
        self._process = subprocess.Popen(
            [*_PYTHON, str(_HERE / 'reaper.py')],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd='/',
            start_new_session=True,
        )
        self._write(self._process, [['add', group, *entry] for group, entry in self._groups.items()])

    @staticmethod
    def _write(process: subprocess.Popen[bytes], lines: Iterable[list[object]]) -> bool:
        assert process.stdin is not None
        try:
            process.stdin.write(b''.join(json.dumps(line).encode() + b'\n' for line in lines))
            process.stdin.flush()
        except (BrokenPipeError, ValueError):
            return False
        return True


def _close_stdin(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    try:
        process.stdin.close()
    except OSError:
        pass  # unsent bytes to a reaper that is dead


class Child:
    """A running child process, from its launch until `reap` says that nothing of it is left."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        reaper: Reaper,
        log: Path,
        env: Mapping[str, str],
        cwd: Path | None = None,
        pass_fds: Sequence[int] = (),
        folder: Path | None = None,
    ) -> None:
        """Start `command`.

        Args:
            log: the file that takes its standard output and error; made or overwritten.
            folder: removed, with all that is in it, when the process is gone.

        Raises:
            OSError: no process could be started (too many, no memory, no such folder).
        """
        self.log = log
        self.folder = folder
        self._reaper = reaper
        self._reaped = False
        self._strays: list[tuple[int, int]] = []  # process ids and file descriptors that stand for these processes
        mark = uuid4().hex
        with log.open('wb') as output:
            self._popen = subprocess.Popen(
                [*_PYTHON, str(_HERE / 'launch.py'), str(os.getpid()), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**env, MARK: mark},
                cwd=cwd,
                pass_fds=pass_fds,
                start_new_session=True,
            )
        self.pid = self._popen.pid
        reaper.add(self.pid, folder, mark)
        self.started = time.monotonic()
        self.exit_fd = _pidfd(self.pid)
        """A file descriptor that becomes readable when the process ends; None where there is no such thing."""

    def exited(self) -> str | None:
        """How the process ended, or None while it runs. It stays a zombie, so that its pid stays taken."""
        if self._popen.returncode is not None:
            return _describe(self._popen.returncode)
        if not hasattr(os, 'waitid'):  # macOS before Python 3.13: it cannot be kept as a zombie
            code = self._popen.poll()
            return _describe(code) if code is not None else None
        try:
            info = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return 'was reaped by somebody else'
        if info is None:
            return None
        return _describe(info.si_status if info.si_code == os.CLD_EXITED else -info.si_status)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and to all that it started.

        What has gone into another session gets no signal before `reap`, which ends it, but is taken down now: when the
        process has ended, nothing shows that it came from here.
        """
        if not self._reaped:
            self._take_down_strays()
            try:
                os.killpg(self.pid, number)
            except (ProcessLookupError, PermissionError):
                pass

    def _take_down_strays(self) -> None:
        if self.exited() is not None:
            return
        known = {pid for pid, _ in self._strays}
        for pid in descendants(self.pid):
            try:
                if pid not in known and os.getpgid(pid) != self.pid and (handle := _pidfd(pid)) is not None:
                    self._strays.append((pid, handle))
            except ProcessLookupError:
                continue

    def _end_strays(self) -> None:
        for _, handle in self._strays:
            try:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
            os.close(handle)
        self._strays.clear()

    def reap(self) -> bool:
        """If the process has ended: end what it started, forget it, remove its folder, and say True."""
        if self._reaped:
            return True
        if self.exited() is None:
            return False
        self.signal(signal.SIGKILL)
        self._end_strays()
        self._reaper.remove(self.pid)
        self._popen.poll()
        self._reaped = True
        if self.exit_fd is not None:
            os.close(self.exit_fd)
            self.exit_fd = None
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
        return True

    def log_tail(self) -> str:
        """The end of its log, for an error message; with a colon and a new line before it if there is any."""
        try:
            with self.log.open('rb') as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - _LOG_TAIL))
                text = file.read().decode(errors='replace').strip()
        except OSError:
            return ''
        return f'; the end of {self.log}:\n{text}' if text else f'; {self.log} is empty'


def family(pid: int) -> list[psutil.Process]:
    """The process and all its descendants, as far as they live; the process comes first."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except (psutil.Error, OSError):
        return []


def _pidfd(pid: int) -> int | None:
    if not hasattr(os, 'pidfd_open'):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def _describe(code: int) -> str:
    if code >= 0:
        return f'exited with code {code}'
    try:
        return f'was killed by {signal.Signals(-code).name}'
    except ValueError:
        return f'was killed by signal {-code}'
