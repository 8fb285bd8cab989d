"""The driver's side of one worker process: its launch, its socket, the messages to and from it.

Nothing here blocks: what the socket does not take at once waits in a buffer until `writable`.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from typing import TYPE_CHECKING

from ..worker.wire import RECEIVE_SIZE, Decoder, Message, WireError, encode
from .process import Child, Reaper

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Final


END_WAIT = 0.25
"""Seconds from the end of the socket in which the process is expected to end too."""

_RUN_MODULE: Final = (
    'import sys; sys.path[:] = filter(None, sys.path); '
    'import runpy; runpy.run_module(sys.argv.pop(1), run_name="__main__")'
)
"""`-m`, without the folder in which the command was started: a random.py or kprover there is not to be imported."""


class WorkerProcess:
    """A running worker. `ready` is False until its session is loaded; `failure` says why it is of no use."""

    def __init__(self, *, session: str, log: Path, requests: Path, reaper: Reaper) -> None:
        """Launch it and send it the import path of this process.

        Args:
            requests: where it writes what it sends to a server for the current task.

        Raises:
            OSError: no process could be started.
        """
        self._socket, theirs = socket.socketpair()
        self._decoder = Decoder()
        self._outgoing = bytearray()
        self.ready = False
        self.failure = ''
        self.ended: float | None = None
        """When the socket came to its end; what ended the process is known a moment later."""
        self._end = ''
        self.messages: list[Message] = []
        path = import_path()
        try:
            self.child = Child(
                [
                    sys.executable,
                    '-c',
                    _RUN_MODULE,
                    'kprover.worker',
                    '--fd',
                    str(theirs.fileno()),
                    '--session',
                    session,
                ],
                reaper=reaper,
                log=log,
                env=worker_environment(path),
                pass_fds=(theirs.fileno(),),
            )
        except OSError:
            self._socket.close()
            raise
        finally:
            theirs.close()
        self._socket.setblocking(False)
        self.send(Message({'type': 'hello', 'path': path, 'requests': str(requests)}))

    def fileno(self) -> int:
        """The socket, for a selector."""
        return self._socket.fileno()

    @property
    def writing(self) -> bool:
        """Whether bytes wait for the socket to take them."""
        return bool(self._outgoing)

    def send(self, message: Message) -> None:
        """Send a message, or as much of it as the socket takes now."""
        self._outgoing += encode(message)
        self.writable()

    def writable(self) -> None:
        """Send more of what waits."""
        try:
            while self._outgoing:
                sent = self._socket.send(memoryview(self._outgoing)[:RECEIVE_SIZE])
                del self._outgoing[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self._outgoing.clear()  # it is dead or dying: reading shows that

    def readable(self) -> None:
        """Take in what has come: `messages` grows, or `ended` is set."""
        try:
            while self.ended is None:
                data = self._socket.recv(RECEIVE_SIZE)
                if data:
                    self.messages += self._decoder.feed(data)
                else:
                    self._break('closed its connection')
        except BlockingIOError:
            pass
        except (OSError, WireError) as err:
            self._break(f'broke its connection: {err}')

    def check(self, now: float) -> None:
        """Look whether the process has ended; all that it sent before is in `messages` then."""
        if self.failure:
            return
        if (ending := self.child.exited()) is not None:
            self.readable()
            self.failure = f'The worker {ending}{self.child.log_tail()}'
        elif self.ended is not None and now >= self.ended + END_WAIT:
            self.failure = f'The worker {self._end}{self.child.log_tail()}'

    def close(self) -> None:
        """Close the socket: a worker that lives exits at once."""
        self._outgoing.clear()
        self._socket.close()

    def _break(self, what: str) -> None:
        self.ended, self._end = time.monotonic(), what


def import_path() -> list[str]:
    """Where this process finds modules, as absolute paths, so that a worker finds the same."""
    return [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 - an entry may be empty or an archive


def worker_environment(path: list[str]) -> dict[str, str]:
    """The environment of a worker.

    Assertions are on whatever the caller's flags are, because pyk checks the server's answers with them, and
    the hash seed is fixed, so that the order of a set never makes one run's terms differ from another's.
    """
    env = dict(os.environ)
    env['PYTHONPATH'] = os.pathsep.join(path)
    env['PYTHONHASHSEED'] = '0'
    env.pop('PYTHONOPTIMIZE', None)
    return env
