"""The embedded server behind a program that misbehaves: for fault tests of the engine, with real proofs.

`python doubtful_server.py --version` and the arguments of kore-rpc, as any server program. The file that
KPROVER_TEST_FAULTS names holds JSON: `fault` says what is done to a request whose line holds the text `at`, `times`
how often that is done, over all servers (a file beside it counts): `exit`, `hang`, `garbage`, `close`, `eat`. With
`start` the server does not come up: `exit` or `hang`. `answers` maps texts to what stands for them in its answers.
"""

from __future__ import annotations

import json
import os
import runpy
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

EATEN: list[bytearray] = []


def main() -> None:
    if '--version' in sys.argv:
        print('doubtful 1.0')
        return
    faults = json.loads(Path(os.environ['KPROVER_TEST_FAULTS']).read_text(encoding='utf-8'))
    if faults.get('start') and count('start', faults):
        if faults['start'] == 'hang':
            time.sleep(1000)
        sys.exit('this server does not start')
    if faults.get('fault'):
        watch_requests(faults)
    if faults.get('answers'):
        change_answers(faults['answers'])
    runpy.run_module('kprover.server', run_name='__main__', alter_sys=True)


def count(name: str, faults: dict[str, Any]) -> bool:
    """Whether there is one more time to do it."""
    times = int(faults.get('times', 1))
    for number in range(times):
        try:
            fd = os.open(f'{os.environ["KPROVER_TEST_FAULTS"]}.{name}.{number}', os.O_CREAT | os.O_EXCL)
        except FileExistsError:
            continue
        os.close(fd)
        return True
    return False


def watch_requests(faults: dict[str, Any]) -> None:
    """Do the fault when a line comes in that holds the text."""
    at = faults.get('at', '"execute"').encode()
    receive_into, receive = socket.socket.recv_into, socket.socket.recv

    def look(sock: socket.socket, data: bytes) -> None:
        if at in data and count('request', faults):
            misbehave(faults['fault'], sock)

    def recv_into(self: socket.socket, buffer: Any, *arguments: Any) -> int:
        size = receive_into(self, buffer, *arguments)
        look(self, bytes(memoryview(buffer)[:size]))
        return size

    def recv(self: socket.socket, *arguments: Any) -> bytes:
        data = receive(self, *arguments)
        look(self, data)
        return data

    socket.socket.recv_into, socket.socket.recv = recv_into, recv  # type: ignore[method-assign, assignment]


def change_answers(texts: dict[str, str]) -> None:
    """Say something else than the server found."""
    send = socket.socket.sendall

    def sendall(self: socket.socket, data: bytes, *arguments: Any) -> None:
        for text, other in texts.items():
            data = data.replace(text.encode(), other.encode())
        send(self, data, *arguments)

    socket.socket.sendall = sendall  # type: ignore[method-assign, assignment]


def misbehave(fault: str, sock: socket.socket) -> None:
    if fault == 'exit':
        print('the server dies of this request', file=sys.stderr, flush=True)
        os._exit(139)
    elif fault == 'hang':
        threading.Event().wait()
    elif fault == 'garbage':
        sock.sendall(b'<html>502 Bad Gateway</html>\n')
    elif fault == 'close':
        sock.shutdown(socket.SHUT_RDWR)
    elif fault == 'eat':
        EATEN.append(bytearray(b'x') * (400 << 20))
        time.sleep(60)


if __name__ == '__main__':
    main()
