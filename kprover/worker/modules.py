"""Small requests to a Kore JSON-RPC server over a connection of their own: add modules, and ask for life.

A server shares its modules among all connections, so they need not go over the session's connection, and
the text is sent exactly as it is stored, without a parse. The protocol is newline-delimited JSON-RPC 2.0.
"""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Final


_LONGEST_ANSWER: Final = 16 << 20
"""Bytes of an answer, at most: those here say that a module was added, or what is wrong with it."""


class ServerUnreachable(Exception):
    """The connection was refused or lost, or no answer came in time: of the machine, not of the module."""

    error_class = 'infrastructure'


class ModuleRejected(Exception):
    """The server answered `add-module` with an error: the module or its imports are wrong for it."""

    error_class = 'backend'


class Channel:
    """One short-lived connection to a server, owned by the thread that made it.

    `abort` may be called from another thread: the request in flight then ends in `ServerUnreachable`.
    """

    def __init__(self, host: str, port: int, *, timeout: float, record: Callable[[bytes], None] | None = None) -> None:
        """Connect.

        Args:
            timeout: seconds that a connect, and then each request, may take.
            record: is given each line before it is sent.
        """
        self._record = record
        self._timeout = timeout
        self._name = f'{host}:{port}'
        self._count = 0
        try:
            self._sock = socket.create_connection((host, port), timeout=timeout)
        except OSError as err:
            raise ServerUnreachable(f'No connection to the server at {self._name}: {err}') from err
        self._rest = b''

    def __enter__(self) -> Channel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sock.close()

    def abort(self) -> None:
        """End the request in flight on this connection."""
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # closed or lost already: that is what is wanted

    def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Send one request; the whole response, which has `result` or `error`.

        Raises:
            ServerUnreachable: the connection ended, no response in time, or the response is no JSON-RPC.
        """
        self._count += 1
        ident = f'kprover-{self._count}'
        line = request_line(ident, method, params)
        if self._record is not None:
            self._record(line)
        deadline = time.monotonic() + self._timeout
        try:
            self._sock.settimeout(self._timeout)
            self._sock.sendall(line)
            response = json.loads(self._line(deadline))
        except (OSError, ValueError) as err:
            raise ServerUnreachable(f'No answer to {method} from the server at {self._name}: {err}') from err
        if not isinstance(response, dict):
            raise ServerUnreachable(f'No JSON-RPC answer to {method} from {self._name}: {response!r:.200}')
        return response

    def _line(self, deadline: float) -> bytes:
        parts = [self._rest]
        size = len(self._rest)
        while b'\n' not in parts[-1]:
            if size > _LONGEST_ANSWER:
                raise ConnectionError(f'more than {_LONGEST_ANSWER} bytes without an end')
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f'no answer within {self._timeout:g} s')
            self._sock.settimeout(left)
            data = self._sock.recv(1 << 16)
            if not data:
                raise ConnectionError('the server closed the connection')
            parts.append(data)
            size += len(data)
        line, _, self._rest = b''.join(parts).partition(b'\n')
        return line


def request_line(ident: str, method: str, params: dict[str, Any]) -> bytes:
    """A request as it is sent."""
    return json.dumps({'jsonrpc': '2.0', 'id': ident, 'method': method, 'params': params}).encode() + b'\n'


def add_module_params(text: str) -> dict[str, Any]:
    """What adds a module, given as Kore text, under its name."""
    return {'module': text, 'name-as-id': True}


def add_modules(channel: Channel, modules: Iterable[tuple[str, str]], added: list[str]) -> None:
    """Add modules (name, Kore text) in the given order, each under its name as an id.

    Adding the same text again is harmless. `added` grows with each success, so that it is right for the
    caller also when one fails.

    Raises:
        ModuleRejected: the server refused one of them.
        ServerUnreachable: see `Channel.request`.
    """
    for name, text in modules:
        response = channel.request('add-module', add_module_params(text))
        if 'error' in response or 'result' not in response:
            found = json.dumps(response.get('error', response), ensure_ascii=False)
            raise ModuleRejected(f'The server refused the module {name}: {found[:2000]}')
        added.append(name)


def responds(host: str, port: int, *, timeout: float) -> bool:
    """Whether a server answers anything at all within `timeout` seconds.

    It is asked for a method that no server has: any answer, usually JSON-RPC's "method not found", is a
    sign of life, and nothing is computed or changed.
    """
    try:
        with Channel(host, port, timeout=timeout) as channel:
            channel.request('kprover-ping', {})
    except ServerUnreachable:
        return False
    return True
