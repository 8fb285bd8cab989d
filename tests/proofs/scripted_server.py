"""A server that answers as it is told: for answers and faults that no real server can be made to give at will."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class ScriptedServer:
    """Listens on a port of its own; `script` gets each request and returns the bytes to answer, or None to hang up.

    `requests` are the requests received, `received` is set at each of them; a `cancel` is only recorded.
    """

    def __init__(self, script: Callable[[dict[str, Any]], bytes | None]):
        self.script = script
        self.requests: list[dict[str, Any]] = []
        self.received = threading.Event()
        self.cancelled = threading.Event()
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with suppress(ConnectionError), connection, connection.makefile('rb') as lines:
            for line in lines:
                if not line.strip():
                    continue
                request = json.loads(line)
                if request['method'] == 'cancel':
                    self.cancelled.set()
                    continue
                self.requests.append(request)
                self.received.set()
                answer = self.script(request)
                if answer is None:
                    return
                if answer:
                    connection.sendall(answer)


def result(value: Any) -> Callable[[dict[str, Any]], bytes]:
    """A script that answers every request with this result."""

    def script(request: dict[str, Any]) -> bytes:
        return json.dumps({'jsonrpc': '2.0', 'id': request['id'], 'result': value}).encode() + b'\n'

    return script


def error(code: int, message: str = 'no', data: Any = None) -> Callable[[dict[str, Any]], bytes]:
    """A script that answers every request with this error."""

    def script(request: dict[str, Any]) -> bytes:
        answer = {'jsonrpc': '2.0', 'id': request['id'], 'error': {'code': code, 'message': message, 'data': data}}
        return json.dumps(answer).encode() + b'\n'

    return script


def text(line: bytes) -> Callable[[dict[str, Any]], bytes]:
    """A script that answers every request with these bytes."""
    return lambda request: line
