"""A server for fault tests: a real process that speaks newline-delimited JSON-RPC and misbehaves on demand.

It computes nothing, because a real backend cannot be told to hang, spin, or die at a given moment. The first
argument is how it starts; kore-rpc's arguments follow and are ignored.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

MODULES: dict[str, str] = {}
REQUESTS: list[str] = []
EATEN: list[bytearray] = []


STRAY = """
import os, sys, time
if os.fork():
    os._exit(0)
os.setsid()
if sys.argv[1] == 'unmarked':
    again = 'import os, time; print(os.getpid(), flush=True); time.sleep(1000)'
    os.execve(sys.executable, [sys.executable, '-S', '-c', again], {})
print(os.getpid(), flush=True)
time.sleep(1000)
"""


def stray(mode: str) -> int:
    """The process id of a daemon: no child of anybody's, in a session of its own; `unmarked` in a bare environment."""
    starter = subprocess.Popen([sys.executable, '-S', '-c', STRAY, mode], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    starter.wait()
    return pid


class Connection:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.cancelled = threading.Event()
        self.current: threading.Thread | None = None

    def serve(self) -> None:
        with self.sock.makefile('rb') as lines:
            for line in lines:
                if not line.strip():
                    continue
                request = json.loads(line)
                if request['method'] == 'cancel':
                    self.cancelled.set()
                    continue
                self.cancelled.clear()
                self.current = threading.Thread(target=self.answer, args=(request,), daemon=True)
                self.current.start()

    def answer(self, request: dict[str, Any]) -> None:
        method, params = request['method'], request['params']
        REQUESTS.append(method)
        handler = getattr(self, 'do_' + method.replace('-', '_'), None)
        if handler is None:
            outcome: dict[str, Any] = {'error': {'code': -32601, 'message': 'Method not found'}}
        else:
            outcome = handler(params)
        reply = {'jsonrpc': '2.0', 'id': request['id'], **outcome}
        try:
            self.sock.sendall(json.dumps(reply).encode() + b'\n')
        except OSError:
            pass

    def do_echo(self, params: dict[str, Any]) -> dict[str, Any]:
        return {'result': params}

    def do_info(self, params: dict[str, Any]) -> dict[str, Any]:
        info = {'pid': os.getpid(), 'modules': MODULES, 'requests': REQUESTS, 'argv': sys.argv}
        return {'result': {**info, 'cwd': str(Path.cwd()), 'tmp': os.environ['TMPDIR']}}

    def do_add_module(self, params: dict[str, Any]) -> dict[str, Any]:
        name = params['module'].split()[1]
        if MODULES.setdefault(name, params['module']) != params['module']:
            return {'error': {'code': 9, 'message': 'Duplicate module', 'data': name}}
        return {'result': {'module': name}}

    def do_wait(self, params: dict[str, Any]) -> dict[str, Any]:
        """Answers after `seconds`, or at once when cancelled."""
        if self.cancelled.wait(params['seconds']):
            return {'error': {'code': -32000, 'message': 'Request cancelled'}}
        return {'result': {}}

    def do_spin(self, params: dict[str, Any]) -> dict[str, Any]:
        """Works for `seconds` whatever is said or closed."""
        end = time.monotonic() + params['seconds']
        while time.monotonic() < end:
            pass
        return {'result': {}}

    def do_stop_listening(self, params: dict[str, Any]) -> dict[str, Any]:
        """The whole process stops, so nothing is ever answered again, and nothing is computed."""
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(1000)  # the signal may take effect a moment later
        return {'result': {}}

    def do_die(self, params: dict[str, Any]) -> dict[str, Any]:
        print('the toy server dies as it was asked to', file=sys.stderr, flush=True)
        os._exit(params['code'])

    def do_solver(self, params: dict[str, Any]) -> dict[str, Any]:
        """Starts a child, as a server starts its SMT solver."""
        child = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(1000)'])
        return {'result': {'pid': child.pid}}

    def do_stray(self, params: dict[str, Any]) -> dict[str, Any]:
        """Leaves a process that nobody waits for, in a session of its own."""
        return {'result': {'pid': stray(params['mode'])}}

    def do_eat(self, params: dict[str, Any]) -> dict[str, Any]:
        """Takes so many megabytes, itself or in a child, for `seconds` or, without them, for good."""
        size = params['megabytes'] << 20
        if params.get('solver'):
            code = f'import sys, time; x = bytearray(b"x") * {size}; print(1, flush=True); time.sleep(1000)'
            child = subprocess.Popen([sys.executable, '-S', '-c', code], stdout=subprocess.PIPE)
            assert child.stdout is not None
            child.stdout.read(1)
        else:
            EATEN.append(bytearray(b'x') * size)
        time.sleep(params.get('seconds', 0))
        return {'result': {}}

    def do_garbage(self, params: dict[str, Any]) -> dict[str, Any]:
        """What is sent is no JSON."""
        self.sock.sendall(b'%PDF-1.4 garbage\n')
        return {'result': {}}

    def do_litter(self, params: dict[str, Any]) -> dict[str, Any]:
        for folder in (Path(os.environ['TMPDIR']), Path.cwd()):
            (folder / 'litter').write_text('left behind')
        return {'result': {}}


def main() -> None:
    mode = sys.argv[1]
    if mode == 'exit':
        print('the toy server cannot start', file=sys.stderr)
        sys.exit(7)
    if mode == 'mute':
        time.sleep(1000)
    if mode == 'slow':
        time.sleep(1.5)
    if mode == 'stubborn':
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    listeners = []
    for _ in range(2 if mode == 'twice' else 1):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(('127.0.0.1', int(sys.argv[-1])))
        listener.listen()
        listeners.append(listener)
    while True:
        sock, _ = listeners[0].accept()
        threading.Thread(target=Connection(sock).serve, daemon=True).start()


if __name__ == '__main__':
    main()
