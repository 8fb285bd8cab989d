"""A running server and a bare client, for the tests of the protocol."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[2]


class Served:
    """A server process and its port."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    @contextmanager
    def client(self, timeout: float = 20) -> Iterator[Client]:
        with socket.create_connection(('127.0.0.1', self.port), timeout=timeout) as sock:
            client = Client(sock)
            try:
                yield client
            finally:
                client.lines.close()


class Client:
    """Sends bytes and reads lines, without any knowledge of what is right."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.lines = sock.makefile('rb')

    def send(self, data: bytes | str | dict[str, Any] | list[Any]) -> None:
        if isinstance(data, (dict, list)):
            data = json.dumps(data)
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def receive(self) -> Any:
        """Return the next answer, None if the connection has been closed."""
        line = self.lines.readline()
        return json.loads(line) if line else None

    def ask(self, method: str, ident: Any = 1, **params: Any) -> Any:
        self.send(
            {'jsonrpc': '2.0', 'id': ident, 'method': method, 'params': {_dashed(k): v for k, v in params.items()}}
        )
        return self.receive()


def _dashed(name: str) -> str:
    return name.replace('_', '-')


def state(pattern: dict[str, Any]) -> dict[str, Any]:
    return {'format': 'KORE', 'version': 1, 'term': pattern}


def start(definition: Path, module: str, *options: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        '-m',
        'kprover.server',
        str(definition),
        '--module',
        module,
        '--server-port',
        '0',
        *options,
    ]
    environment = {**os.environ, 'PYTHONPATH': str(PROJECT)}
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment)


@contextmanager
def serve(definition: Path, module: str, *options: str) -> Iterator[Served]:
    """Start a server and end it after the `with` block."""
    process = start(definition, module, *options)
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        assert ' on 127.0.0.1:' in line, line + process.stderr.read()
        yield Served(process, int(line.rpartition(':')[2]))
    finally:
        process.terminate()  # not killed: it ends by itself, and `make coverage` sees which lines it ran
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stderr.close()


def ended(process: subprocess.Popen[str], within: float) -> int:
    """Return the exit code of a process that must end by itself."""
    return process.wait(timeout=within)


def wait_for(condition: Any, timeout: float = 10) -> None:
    """Wait for something that another process does and announces to nobody."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, 'the awaited did not happen in time'
        time.sleep(0.01)


__all__ = ['Client', 'Served', 'ended', 'serve', 'signal', 'start', 'state', 'wait_for']
