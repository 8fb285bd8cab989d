"""Sockets and threads: one listening socket, two threads for each connection.

    main thread         accepts connections
    reader thread  ×n   receives bytes, makes messages of them, delivers cancels at once
    handler thread ×n   computes the answers of its connection, in order, and sends them

Nothing that one client does is waited for by another: threads share only the engine. All threads are daemons; the
process ends by `os._exit` from the signal handler and waits for none of them.
"""

from __future__ import annotations

import errno
import select
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING, Final, TypeVar, final

from .errors import RuntimeFailure
from .framing import Framer, Garbage, opening
from .jsonkore import dumps
from .rpc import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from .rpc import Dispatcher, Pending

T = TypeVar('T')

__all__ = ['RECURSION_LIMIT', 'Server', 'on_large_stack', 'prepare_threads']

RECURSION_LIMIT: Final = 500_000
"""Nested calls, Python's and those inside of the JSON coder, that a thread's stack holds."""

_STACK_BYTES: Final = 512 << 20
_RECEIVE_BYTES: Final = 1 << 20
_QUIET_SECONDS: Final = 0.005
_MAX_OPEN: Final = 1000
"""Unanswered messages on a connection; more are read only when some have been answered."""


def prepare_threads() -> None:
    """Give the threads of this process the room that deeply nested terms need, and short turns.

    Only pages that are used become memory. Where the system refuses such stacks, a smaller one goes with a smaller
    recursion limit: deep terms are then refused with an error instead of crashing the process.
    """
    stack, limit = _STACK_BYTES, RECURSION_LIMIT
    while True:
        try:
            threading.stack_size(stack)
            probe = threading.Thread(target=lambda: None)
            probe.start()
            probe.join()
            break
        except (ValueError, RuntimeError, MemoryError):
            if limit < 2000:
                threading.stack_size(0)
                limit = 1000
                break
            stack, limit = stack // 4, limit // 4
    sys.setrecursionlimit(limit)
    # A waiting connection gets its turn within about this many seconds for each computing thread.
    sys.setswitchinterval(0.001)


def on_large_stack(compute: Callable[[], T]) -> T:
    """Return what `compute` does, run on a thread with the stack of `prepare_threads`: the main thread has a small
    one."""
    outcome: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(compute())
        except BaseException as err:
            failure.append(err)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


@final
class Server:
    """Listens on one address and serves each connection with a dispatcher of its own."""

    def __init__(
        self,
        host: str,
        port: int,
        dispatcher: Callable[[], Dispatcher],
        *,
        max_request_bytes: int,
    ) -> None:
        """Bind and listen. Port 0 takes a free one. Raises `OSError` if the address cannot be had."""
        self._dispatcher = dispatcher
        self._max_request_bytes = max_request_bytes
        family = socket.AF_INET6 if ':' in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, port))
        self._socket.listen(128)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._socket.getsockname()[1])

    def close(self) -> None:
        """Stop listening: `serve` returns. Connections go on until their clients leave."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()

    def serve(self) -> None:
        """Accept connections until `close`."""
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError as err:
                if err.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    # No descriptor left: those in use belong to clients, who will leave some time.
                    time.sleep(0.05)
                    continue
                if err.errno in (errno.ECONNABORTED, errno.EINTR, errno.EAGAIN, errno.EPROTO):
                    continue
                return
            try:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _Connection(client, self._dispatcher(), self._max_request_bytes).start()
            except (OSError, RuntimeError, MemoryError):
                # No thread or no memory for another client: refuse this one, keep the others.
                client.close()


@final
class _Connection:
    """One client. The reader owns the framer, the handler owns sending; the session is shared."""

    def __init__(self, client: socket.socket, dispatcher: Dispatcher, max_request_bytes: int) -> None:
        self._socket = client
        self._dispatcher = dispatcher
        self._framer = Framer(max_request_bytes)
        self._opened = False
        self._unanswered = 0  # bytes received since nothing was open the last time
        self._session = Session()
        self._poll = select.poll()
        self._poll.register(client, select.POLLIN)

    def start(self) -> None:
        handler = threading.Thread(target=self._handle, name='handler', daemon=True)
        handler.start()
        try:
            threading.Thread(target=self._read, name='reader', daemon=True).start()
        except BaseException:
            self._session.close()
            raise

    def _read(self) -> None:
        framer = self._framer
        foreign = False
        try:
            while self._receive():
                foreign = not self._opened and self._is_foreign()
                if foreign:
                    break
                self._deliver(quiet=False)
                # Anything left is the beginning of a message, unless the client pauses here.
                # Of many that came at once, those that are whole are no part of one that is too long.
                if framer.too_long or (framer.pending and not self._readable(_QUIET_SECONDS)):
                    self._deliver(quiet=True)
                if framer.too_long:
                    self._session.receive(Garbage(f'a message exceeds the limit of {framer.max_bytes} bytes'))
                    break
                while self._session.open_count > _MAX_OPEN or (
                    self._session.open_count and self._unanswered > framer.max_bytes
                ):
                    time.sleep(_QUIET_SECONDS)
        except OSError:
            pass
        finally:
            if framer.too_long or foreign:
                self._session.finish()
            else:
                self._session.close()

    def _receive(self) -> bool:
        data = self._socket.recv(_RECEIVE_BYTES)
        self._framer.feed(data)
        self._unanswered = len(data) + (self._unanswered if self._session.open_count else 0)
        return bool(data)

    def _is_foreign(self) -> bool:
        """Whether the client speaks something else: a page in a browser can have HTTP sent to this port, with a request
        for us in its body. Then nothing of it is read, and the connection ends."""
        first = opening(self._framer.beginning)
        self._opened = bool(first)
        if not first or first in b'{[':
            return False
        self._session.receive(Garbage('expected a JSON-RPC request, found the beginning of something else'))
        return True

    def _deliver(self, *, quiet: bool) -> None:
        for item in self._framer.drain(quiet=quiet):
            self._session.receive(item)

    def _readable(self, seconds: float) -> bool:
        return bool(self._poll.poll(seconds * 1000))

    def _handle(self) -> None:
        try:
            while (pending := self._session.next()) is not None:
                answer = self._answer(pending)
                self._session.answered(pending)
                if answer is not None:
                    self._socket.sendall(answer)
        except OSError:
            # The client does not read any more; the reader will notice the same.
            self._session.cancel()
        finally:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self._socket.close()

    def _answer(self, pending: Pending) -> bytes | None:
        body = self._dispatcher.answer(pending).body
        if body is None:
            return None
        try:
            return dumps(body) + b'\n'
        except (MemoryError, ValueError, TypeError) as err:
            ident = body.get('id') if isinstance(body, dict) else None
            reason = f'the answer cannot be written: {type(err).__name__}'
            error = RuntimeFailure(reason).to_dict()
            return dumps({'jsonrpc': '2.0', 'id': ident, 'error': error}) + b'\n'
