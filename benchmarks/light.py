"""A session for the worker's documented seam (`Pool(session=...)`) that makes the same requests as pyk, without pyk.

On a machine with 2 cores 64 workers that convert terms with pyk would measure the conversion, not the scheduler. This
session sends the same two requests per step, `implies` and `execute`, over the same protocol, and gives the driver
answers of the same form and, if asked, of the size of real ones. It proves nothing and works with simulated servers
only.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import socket
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING

from benchmarks.simulated import mark, read_mark

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    Answer = tuple[dict[str, Any], dict[str, bytes]]

LARGE_NODES = 'KPROVER_BENCHMARK_LARGE_NODES'
"""Environment variable: size of the terms that are large, in term nodes; 0 for none."""
LARGE_AT = 'KPROVER_BENCHMARK_LARGE_AT'
"""Environment variable: which nodes of a proof have large terms, `FROM-TO` separated by commas."""

_INT = {'tag': 'SortApp', 'name': 'SortInt', 'args': []}


class LightSession:
    """See the module. The protocol is that of `kprover.worker.loop.Session`."""

    def __init__(self) -> None:
        self._sockets: dict[str, socket.socket] = {}
        self._rest = b''
        self._large = _ranges(os.environ.get(LARGE_AT, ''))
        self._size = int(os.environ.get(LARGE_NODES, '0'))

    def connect(self, definition: str, main_module: str, host: str, port: int) -> None:
        old = self._sockets.pop(definition, None)
        if old is not None:
            old.close()
        sock = self._sockets[definition] = socket.create_connection((host, port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b''

    def interrupt(self) -> None:
        for sock in list(self._sockets.values()):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def run(self, kind: str, header: dict[str, Any], blobs: Mapping[str, bytes]) -> Answer:
        if kind == 'prepare':
            return self._prepare(header)
        if kind == 'step':
            return self._step(header, blobs)
        raise ValueError(f'a simulated proof does not fail, so there is nothing to {kind}')

    def _prepare(self, header: Mapping[str, Any]) -> Answer:
        claim = int(str(header['claim']).rpartition('-')[2])
        (init, init_blob), (target, target_blob) = self._term(claim, 0), _blob(f'target of {claim}', 0)
        answer = {
            'format': 1,
            'kind': 'reachability',
            'claim': header['claim'],
            'init': init,
            'target': target,
            'init_terminal': False,
            'target_terminal': False,
            'universals': [],
            'circularity': False,
            'admitted': False,
            'bmc_depth': None,
            'dependencies_module': header['main_module'],
            'circularities_module': None,
            'circularity_rule': None,
            'lemma_module': None,
            'modules': [],
            'requests': 0,
        }
        return answer, {init: init_blob, target: target_blob}

    def _step(self, header: Mapping[str, Any], blobs: Mapping[str, bytes]) -> Answer:
        claim, node = read_mark(zlib.decompress(blobs[header['node']])[:64])
        sock = self._sockets[header['kompiled']]
        depth = header['execute_depth'] or 1
        result = self.advance(sock, claim, node, depth)
        if result is None:
            return _answered([{'kind': 'subsumed', 'prior_loops': []}], {}, 1, 0)
        following = successors(result)
        terms = dict(self._term(*after) for after in following)
        extension: dict[str, Any]
        if len(following) > 1:
            extension = {'kind': 'ndbranch', 'nodes': list(terms), 'rules': []}
        else:
            extension = {'kind': 'step', 'nodes': list(terms), 'depth': result['depth'], 'rules': [], 'cut': False}
        entry: dict[str, Any] = {'kind': 'extend', 'prior_loops': [], 'extension': extension, 'to_cache': None}
        return _answered([entry], terms, 2, result['depth'])

    def _term(self, claim: int, node: int) -> tuple[str, bytes]:
        large = any(first <= node <= last for first, last in self._large)
        return _blob(f'"{mark(claim, node)}"', self._size if large else 0)

    def ask(self, sock: socket.socket, method: str, **params: Any) -> dict[str, Any]:
        """The result of a request. Raises ValueError on an error answer."""
        request = {'jsonrpc': '2.0', 'id': 'light', 'method': method, 'params': params}
        answer = json.loads(self._exchange(sock, json.dumps(request, separators=(',', ':')).encode() + b'\n'))
        if 'error' in answer:
            raise ValueError(f'{method}: {answer["error"]}')
        result: dict[str, Any] = answer['result']
        return result

    def advance(self, sock: socket.socket, claim: int, node: int, depth: int) -> dict[str, Any] | None:
        """The two requests of a step: the answer to `execute`, `None` at a leaf."""
        if self.ask(sock, 'implies', antecedent=state(claim, node), consequent=_TARGET)['valid']:
            return None
        return self.ask(sock, 'execute', state=state(claim, node), **{'max-depth': depth})

    def _exchange(self, sock: socket.socket, data: bytes) -> bytes:
        """Send a line, receive one. Raises ConnectionError if the server is gone."""
        sock.sendall(data)
        parts = [self._rest]
        while b'\n' not in parts[-1]:
            received = sock.recv(1 << 18)
            if not received:
                raise ConnectionError('the simulated server closed the connection')
            parts.append(received)
        line, _, self._rest = b''.join(parts).partition(b'\n')
        return line


def state(claim: int, node: int) -> dict[str, Any]:
    """A state that is nothing but its mark."""
    return {'format': 'KORE', 'version': 1, 'term': {'tag': 'DV', 'sort': _INT, 'value': str(mark(claim, node))}}


_TARGET: dict[str, Any] = {'format': 'KORE', 'version': 1, 'term': {'tag': 'EVar', 'name': 'VarMARK', 'sort': _INT}}


def successors(result: dict[str, Any]) -> list[tuple[int, int]]:
    """Claim and node of every state after an `execute`."""
    states = result.get('next-states') or [result['state']]
    return [read_mark(f'"{after["term"]["term"]["value"]}"'.encode()) for after in states]


def _answered(results: list[dict[str, Any]], terms: Mapping[str, bytes], requests: int, rewrites: int) -> Answer:
    return {'results': results, 'requests': requests, 'rewrites': rewrites}, {**terms, 'detail': b'simulated'}


def _blob(text: str, nodes: int) -> tuple[str, bytes]:
    """Hash and compressed form of a simulated term: its mark first, then padding of the size of so many term nodes."""
    data = text.encode() + (b'' if nodes == 0 else _padding(nodes))
    return hashlib.sha256(data).hexdigest(), zlib.compress(data, 1)


@lru_cache(maxsize=2)
def _padding(nodes: int) -> bytes:
    """JSON as of a term of so many nodes, about 130 bytes each, that compresses about 16 to 1, as real ones do."""
    rng = random.Random(nodes)
    parts = []
    for _ in range(nodes):
        label, value = rng.randrange(40), rng.randrange(10**6)
        parts.append(
            f'{{"node":"KApply","label":{{"node":"KLabel","name":"Lbl\'-LT-\'cell{label}\'-GT-\'","params":[]}},'
            f'"args":[{{"node":"KToken","token":"{value}"}}]}},'
        )
    return ''.join(parts).encode()


def _ranges(text: str) -> tuple[tuple[int, int], ...]:
    pairs = (part.split('-') for part in text.split(',') if part)
    return tuple((int(first), int(last)) for first, last in pairs)
