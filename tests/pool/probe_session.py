"""A session for fault tests: runs in the real worker process and does what the header's `do` says."""

from __future__ import annotations

import ctypes
import json
import os
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Rejected(Exception):
    error_class = 'backend'


class Lost(Exception):
    error_class = 'infrastructure'


class ProtocolError(Exception):
    error_class = 'backend'


class ProbeSession:
    def __init__(self) -> None:
        self.record: Callable[[bytes], None] | None = None
        self.connections: dict[str, socket.socket] = {}
        self.connects = 0
        self.current: socket.socket | None = None

    def connect(self, definition: str, main_module: str, host: str, port: int) -> None:
        self.connects += 1
        try:
            self.connections[definition] = socket.create_connection((host, port))
        except OSError as err:
            raise Lost(str(err)) from err

    def record_requests(self, record: Callable[[bytes], None]) -> None:
        self.record = record

    def interrupt(self) -> None:
        if self.current is not None:
            self.current.sendall(b'\n{"jsonrpc":"2.0","id":"c","method":"cancel","params":{}}\n')
            self.current.shutdown(socket.SHUT_RD)

    def run(
        self, kind: str, header: dict[str, Any], blobs: Mapping[str, bytes]
    ) -> tuple[dict[str, Any], dict[str, bytes]]:
        answer, out = getattr(self, 'do_' + header['do'])(header, blobs)
        return {'requests': 0, **answer}, out

    def do_echo(self, header: dict[str, Any], blobs: Mapping[str, bytes]) -> Any:
        return {'kind': 'echo', 'pid': os.getpid(), 'connects': self.connects}, dict(blobs)

    def do_environment(self, header: dict[str, Any], blobs: Mapping[str, bytes]) -> Any:
        return {'path': sys.path, 'limit': sys.getrecursionlimit(), 'pyk': 'pyk' in sys.modules}, {}

    def do_viewer(self, header: dict[str, Any], blobs: Mapping[str, bytes]) -> Any:
        """Loads what a worker loads for proofs, then what a class of a user's may import besides."""
        import kprover.proofs.session  # noqa: F401

        loaded = [name for name in ('textual', 'rich', 'pyk.kcfg.tui') if name in sys.modules]
        from pyk.kcfg import KCFGViewer
        from pyk.kcfg.tui import KCFGViewer as real
        from pyk.proof.tui import APRProofViewer

        return {'loaded': loaded, 'real': KCFGViewer is real and issubclass(APRProofViewer, real)}, {}

    def do_request(self, header: dict[str, Any], blobs: Mapping[str, bytes]) -> Any:
        self.current = self.connections[header['kompiled']]
        try:
            request = {'jsonrpc': '2.0', 'id': 1, 'method': header['method'], 'params': header.get('params', {})}
            line = json.dumps(request).encode() + b'\n'
            assert self.record is not None
            self.record(line)
            self.current.sendall(line)
            with self.current.makefile('rb') as lines:
                line = lines.readline()
        except OSError as err:
            raise Lost(str(err)) from err
        finally:
            self.current = None
        if not line:
            raise Lost('the connection ended')
        try:
            response = json.loads(line)
        except ValueError as err:
            raise ProtocolError(f'{line!r}') from err
        if 'error' in response:
            raise Rejected(json.dumps(response['error']))
        return {'result': response['result'], 'requests': 1, 'connects': self.connects, 'pid': os.getpid()}, {}

    def do_stray(self, header: dict[str, Any], blobs: Mapping[str, bytes]) -> Any:
        from toy_server import stray

        return {'kind': 'stray', 'pid': stray(header['mode'])}, {}

    def do_exit(self, header: dict[str, Any], blobs: Mapping[str, bytes]) -> Any:
        print('the probe leaves', file=sys.stderr, flush=True)
        os._exit(header['code'])

    def do_crash(self, header: dict[str, Any], blobs: Mapping[str, bytes]) -> Any:
        ctypes.string_at(0)

    def do_sleep(self, header: dict[str, Any], blobs: Mapping[str, bytes]) -> Any:
        time.sleep(header['seconds'])
        return {'slept': True}, {}

    def do_raise(self, header: dict[str, Any], blobs: Mapping[str, bytes]) -> Any:
        raise {'ValueError': ValueError, 'SystemExit': SystemExit, 'MemoryError': MemoryError}[header['type']](
            'told to'
        )

    def do_reject(self, header: dict[str, Any], blobs: Mapping[str, bytes]) -> Any:
        raise Rejected(header['message'])

    def do_unsendable(self, header: dict[str, Any], blobs: Mapping[str, bytes]) -> Any:
        return {'set': {1}}, {}

    def do_text_blob(self, header: dict[str, Any], blobs: Mapping[str, bytes]) -> Any:
        return {}, {'text': 'not bytes'}

    def do_odd_error(self, header: dict[str, Any], blobs: Mapping[str, bytes]) -> Any:
        return {'error': {'class': 'bad luck', 'message': 'no such class'}}, {}

    def do_odd_requests(self, header: dict[str, Any], blobs: Mapping[str, bytes]) -> Any:
        return {'requests': 'many'}, {}

    def do_deep(self, header: dict[str, Any], blobs: Mapping[str, bytes]) -> Any:
        """Nests as deep as a long term does, and encodes, decodes and compares it in C."""
        value: list[Any] = []
        for _ in range(header['depth']):
            value = [value]
        text = json.dumps(value)
        return {'equal': json.loads(text) == value, 'length': len(text)}, {}


class BrokenSession:
    def __init__(self) -> None:
        raise RuntimeError('this session cannot be made')
