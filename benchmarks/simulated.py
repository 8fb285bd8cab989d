"""A SIMULATED server: it speaks the Kore JSON-RPC protocol, sleeps a profiled time per request, and proves nothing.

Its answers are made up from a profile (`benchmarks.profiles`): an integer in the state says which node of which claim
it is, `execute` gives the state back with the integer of the next node (or of several), and `implies` says "valid" at
the leaves. It exists to measure schedulers with real processes and real sockets, on a machine with fewer cores than a
measurement has workers; a verdict that rests on it means nothing, and its version text says so.

::

    python -I -S simulated.py DEFINITION --module M --server-port P --profile JSON    (the definition is not read)

One thread per connection. While one sleeps it listens for a `cancel`, which ends the request with an error.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import select
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING

if __name__ == '__main__':  # started with -I, as servers are, so nothing is on the path
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120 - quick

from benchmarks.profiles import Profile

if TYPE_CHECKING:
    from typing import Any, Final

VERSION: Final = 'simulated-kore-rpc 1 (for measurements only: it makes its answers up and proves nothing)'

IMPLIES_SHARE: Final = 0.1
"""Share of a node's time that its `implies` takes; a leaf needs no `execute`, so there it is all of it."""

_MARK_BASE: Final = 7 * 10**12
_NODES_PER_CLAIM: Final = 10**6
_MARK: Final = re.compile(rb'"(7\d{12})"')
_TOP: Final = {'tag': 'SortApp', 'name': 'SortGeneratedTopCell', 'args': []}
_INT: Final = {'tag': 'SortApp', 'name': 'SortInt', 'args': []}


def mark(claim: int, node: int) -> int:
    """The integer that stands for a node in a state."""
    return _MARK_BASE + claim * _NODES_PER_CLAIM + node


def read_mark(text: bytes) -> tuple[int, int]:
    """Claim and node of the first mark in a text. Raises ValueError if there is none."""
    found = _MARK.search(text)
    if found is None:
        raise ValueError('the state holds no mark: it is not one of a simulated suite')
    return divmod(int(found.group(1)) - _MARK_BASE, _NODES_PER_CLAIM)


class Cancelled(Exception):
    """The client gave the request up."""


class Connection:
    """One client; owned by its thread."""

    def __init__(self, sock: socket.socket, profile: Profile):
        self._sock = sock
        self._profile = profile
        self._rest = b''

    def serve(self) -> None:
        """Answer requests until the client is gone."""
        sock = self._sock
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with sock:
            while (line := self._line()) is not None:
                if not line.strip():
                    continue
                arrived = time.monotonic()
                request = json.loads(line)
                answer: dict[str, Any] = {'jsonrpc': '2.0', 'id': request.get('id')}
                try:
                    answer['result'] = self._answer(request['method'], request.get('params', {}), line, arrived)
                except Cancelled:
                    answer['error'] = {'code': -32000, 'message': 'Request cancelled', 'data': None}
                except KeyError as err:
                    answer['error'] = {'code': -32601, 'message': 'Method not found', 'data': str(err)}
                except ValueError as err:
                    answer['error'] = {'code': 2, 'message': 'Could not verify pattern', 'data': [{'error': str(err)}]}
                try:
                    sock.sendall(json.dumps(answer, separators=(',', ':')).encode() + b'\n')
                except OSError:
                    return

    def _answer(self, method: str, params: dict[str, Any], line: bytes, arrived: float) -> dict[str, Any]:
        if method == 'execute':
            return self._execute(params, line, arrived)
        if method == 'implies':
            return self._implies(params, line, arrived)
        if method == 'add-module':
            return {'module': params['module'].split(None, 2)[1]}
        if method == 'simplify':
            return {'state': params['state'], 'logs': []}
        if method == 'get-model':
            return {'satisfiable': 'Unknown'}
        raise KeyError(method)

    def _execute(self, params: dict[str, Any], line: bytes, arrived: float) -> dict[str, Any]:
        claim, node = read_mark(line)
        shape = self._profile.shape(claim)
        self._work(arrived, (1 - IMPLIES_SHARE) * shape.seconds[node])
        state, following = params['state'], shape.successors[node]
        depth = params.get('max-depth') or 1
        if not following:
            return {'reason': 'stuck', 'depth': 0, 'state': {'term': state}, 'logs': []}
        if len(following) == 1:
            moved = _moved(state, claim, node, following[0])
            return {'reason': 'depth-bound', 'depth': depth, 'state': {'term': moved}, 'logs': []}
        branches = [{'term': _moved(state, claim, node, successor)} for successor in following]
        return {'reason': 'branching', 'depth': 0, 'state': {'term': state}, 'next-states': branches, 'logs': []}

    def _implies(self, params: dict[str, Any], line: bytes, arrived: float) -> dict[str, Any]:
        claim, node = read_mark(line)
        shape = self._profile.shape(claim)
        leaf = not shape.successors[node]
        self._work(arrived, shape.seconds[node] * (1.0 if leaf else IMPLIES_SHARE))
        implication = _kore({'tag': 'Top', 'sort': _TOP})
        if not leaf:
            return {'valid': False, 'status': 'invalid', 'implication': implication, 'logs': []}
        value = {'tag': 'DV', 'sort': _INT, 'value': str(mark(claim, node))}
        variable = _existential(params['consequent']['term'])
        substitution = {'tag': 'Equals', 'argSort': _INT, 'sort': _TOP, 'first': variable, 'second': value}
        condition = {'predicate': implication, 'substitution': _kore(substitution)}
        return {'valid': True, 'status': 'valid', 'implication': implication, 'condition': condition, 'logs': []}

    def _work(self, arrived: float, seconds: float) -> None:
        """Sleep until `seconds`, scaled, have passed since `arrived`."""
        end = arrived + self._profile.scale * seconds
        while (left := end - time.monotonic()) > 0:
            if b'\n' in self._rest or select.select([self._sock], [], [], left)[0]:
                line = self._line()
                if line is None or (line.strip() and json.loads(line).get('method') == 'cancel'):
                    raise Cancelled

    def _line(self) -> bytes | None:
        """The next request, `None` at the end. pyk sends no newline, so a request may also end with its last brace."""
        parts = [self._rest]
        while b'\n' not in parts[-1]:
            if parts[-1].endswith(b'}') and _is_json(b''.join(parts)):
                self._rest = b''
                return b''.join(parts)
            try:
                data = self._sock.recv(1 << 18)
            except OSError:
                return None
            if not data:
                return None
            parts.append(data)
        line, _, self._rest = b''.join(parts).partition(b'\n')
        return line


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _kore(term: dict[str, Any]) -> dict[str, Any]:
    return {'format': 'KORE', 'version': 1, 'term': term}


def _moved(state: dict[str, Any], claim: int, node: int, successor: int) -> dict[str, Any]:
    """The state with the mark of another node."""
    text = json.dumps(state, separators=(',', ':'))
    moved: dict[str, Any] = json.loads(text.replace(f'"{mark(claim, node)}"', f'"{mark(claim, successor)}"', 1))
    return moved


def _existential(term: dict[str, Any]) -> dict[str, Any]:
    """The variable of the outermost quantifier of the target, which stands for the mark."""
    if term.get('tag') != 'Exists':
        return {'tag': 'EVar', 'name': 'VarMARK', 'sort': _INT}
    return {'tag': 'EVar', 'name': term['var'], 'sort': term['varSort']}


def main(arguments: list[str] | None = None) -> int:
    """Serve until killed. Prints the port, for clients that do not look for it."""
    parser = argparse.ArgumentParser(prog='simulated', description=__doc__)
    parser.add_argument('--version', action='version', version=VERSION)
    parser.add_argument('definition', help='accepted as kore-rpc does, and not read')
    parser.add_argument('--module', required=True, help='accepted as kore-rpc does, and not used')
    parser.add_argument('--server-port', type=int, required=True, help='port to listen on, 0 for any')
    parser.add_argument('--profile', required=True, help='the profile as JSON (benchmarks.profiles)')
    parser.add_argument('--while-stdin', action='store_true', help='end with the standard input')
    options = parser.parse_args(arguments)
    if options.while_stdin:
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    profile = Profile.from_json(options.profile)
    with socket.create_server(('127.0.0.1', options.server_port), backlog=64) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=Connection(sock, profile).serve, daemon=True).start()


if __name__ == '__main__':
    sys.exit(main())
