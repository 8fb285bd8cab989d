"""How fast the embedded server is, beside the servers of K that are on PATH.

    python -m benchmarks.server [--seconds 5]

Everything goes through the protocol, over a socket, on the imp example:

* concrete: a counting loop, `execute` with a depth of 1,000 from each answer on; rewrite steps per second;
* symbolic: the same loop with a symbolic summand under a path condition of three conjuncts;
* small: a warm `execute` of one step, milliseconds;
* start: from the launch of the process to the first answer, seconds.

A server that cannot load the definition is listed with what it said. The best of the repetitions within the given
seconds counts, as other work on the machine only ever makes them slower.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from pyk.cterm import CTerm
from pyk.kast.inner import KVariable
from pyk.kast.manip import extract_lhs
from pyk.kast.outer import read_kast_definition
from pyk.kast.prelude.k import GENERATED_TOP_CELL
from pyk.kast.prelude.kint import intToken, leInt, ltInt
from pyk.kast.prelude.ml import mlEqualsTrue
from pyk.kcfg import KCFG
from pyk.konvert import kast_to_kore
from rich.console import Console
from rich.table import Table

from examples.imp.claims import runs
from examples.imp.programs import add, assign, le, seq, sub, while_
from examples.prelude import INT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyk.kast.inner import KInner

IMP = Path(__file__).resolve().parent.parent / 'examples' / 'imp' / 'kompiled'
DEPTH = 1000
START_SECONDS = 120.0
EXTERNAL = ('kore-rpc', 'kore-rpc-booster')


@dataclass(frozen=True)
class Figures:
    """Measurements of one server: steps per second, milliseconds and seconds."""

    concrete: float
    symbolic: float
    small: float
    start: float


class Server:
    """A server process and a connection to it."""

    def __init__(self, command: list[str], scratch: Path):
        began = time.perf_counter()
        self._log = (scratch / 'log').open('w+')
        module = (IMP / 'mainModule.txt').read_text().strip()
        self._process = subprocess.Popen(
            [*command, str(IMP / 'definition.kore'), '--module', module, '--server-port', '0'],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            cwd=scratch,
        )
        self._socket = socket.create_connection(('127.0.0.1', self._port()))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lines = self._socket.makefile('rb')
        self.ask('simplify', state={'format': 'KORE', 'version': 1, 'term': state(concrete=True)})
        self.start = time.perf_counter() - began

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        request = {'jsonrpc': '2.0', 'id': 1, 'method': method, 'params': params}
        self._socket.sendall(json.dumps(request).encode() + b'\n')
        answer = json.loads(self._lines.readline())
        if 'error' in answer:
            raise RuntimeError(f'{method}: {str(answer["error"])[:200]}')
        result: dict[str, Any] = answer['result']
        return result

    def close(self) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(timeout=10)
        self._log.close()

    def _port(self) -> int:
        process = psutil.Process(self._process.pid)
        deadline = time.perf_counter() + START_SECONDS
        while time.perf_counter() < deadline:
            if self._process.poll() is not None:
                self._log.seek(0)
                raise RuntimeError(f'ended with {self._process.returncode}: {self._log.read()[-300:].strip()}')
            ports = [c.laddr.port for c in process.connections('inet') if c.status == psutil.CONN_LISTEN]
            if ports:
                return int(ports[0])
            time.sleep(0.01)
        raise RuntimeError(f'did not listen within {START_SECONDS:g} s')


def state(*, concrete: bool) -> dict[str, Any]:
    """The loop `while 1 <= n { s := s + x ; n := n - 1 ; }`, from `n = 100000`."""
    definition = read_kast_definition(IMP / 'compiled.json')
    x: KInner = intToken(3) if concrete else KVariable('X', sort=INT)
    program = seq(while_(le(1, 'n'), assign('s', add('s', 'x')), assign('n', sub('n', 1))))
    before: dict[str, KInner | int] = {'n': 100_000, 's': 0 if concrete else KVariable('S', sort=INT), 'x': x}
    claim = runs('BENCHMARK.loop', program, before, before)
    cfg, init, _ = KCFG.from_claim(definition, claim)
    cterm = CTerm(extract_lhs(cfg.node(init).cterm.config))
    if not concrete:
        s = KVariable('S', sort=INT)
        for condition in (ltInt(intToken(0), x), leInt(x, s), ltInt(s, intToken(1000))):
            cterm = cterm.add_constraint(mlEqualsTrue(condition))
    term: dict[str, Any] = kast_to_kore(definition, cterm.kast, GENERATED_TOP_CELL).dict
    return term


def rounds(server: Server, term: dict[str, Any], depth: int, seconds: float) -> Iterator[tuple[int, float]]:
    """Steps and seconds of one `execute` after another, each from where the last one ended."""
    end = time.perf_counter() + seconds
    current = {'format': 'KORE', 'version': 1, 'term': term}
    while time.perf_counter() < end:
        began = time.perf_counter()
        result = server.ask('execute', state=current, **{'max-depth': depth, 'log-successful-rewrites': True})
        yield result['depth'], time.perf_counter() - began
        if result['reason'] != 'depth-bound':
            raise RuntimeError(f'execute ended with {result["reason"]} after {result["depth"]} steps')
        if depth > 1:
            current = {'format': 'KORE', 'version': 1, 'term': whole(result['state'])}


def whole(answer: dict[str, Any]) -> dict[str, Any]:
    """The state of an answer with what is known of its variables, as one pattern."""
    parts = [answer[name]['term'] for name in ('term', 'substitution', 'predicate') if answer.get(name)]
    sort = {'tag': 'SortApp', 'name': 'SortGeneratedTopCell', 'args': []}
    return parts[0] if len(parts) == 1 else {'tag': 'And', 'sort': sort, 'patterns': parts}


def measure(command: list[str], seconds: float) -> Figures:
    with tempfile.TemporaryDirectory() as scratch:
        server = Server(command, Path(scratch))
        try:
            concrete = max(steps / spent for steps, spent in rounds(server, state(concrete=True), DEPTH, seconds))
            symbolic = max(steps / spent for steps, spent in rounds(server, state(concrete=False), DEPTH, seconds))
            small = min(spent for _, spent in rounds(server, state(concrete=True), 1, min(seconds, 2.0)))
            return Figures(concrete, symbolic, 1000 * small, server.start)
        finally:
            server.close()


def main() -> None:
    sys.setrecursionlimit(100_000)  # the symbolic state has a sum that grows with every round of the loop
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seconds', type=float, default=5.0, help='for each figure of each server (default: 5)')
    seconds = parser.parse_args().seconds
    commands = {'kprover-kore-rpc': [sys.executable, '-m', 'kprover.server']}
    commands |= {name: [path] for name in EXTERNAL if (path := shutil.which(name)) is not None}
    table = Table(title=f'imp, execute with depth {DEPTH}, through the protocol')
    for heading in ('server', 'concrete steps/s', 'symbolic steps/s', 'small request', 'start'):
        table.add_column(heading, justify='left' if heading == 'server' else 'right')
    for name, command in commands.items():
        try:
            found = measure(command, seconds)
        except (RuntimeError, OSError) as err:
            table.add_row(name, str(err))
            continue
        table.add_row(
            name, f'{found.concrete:,.0f}', f'{found.symbolic:,.0f}', f'{found.small:.1f} ms', f'{found.start:.2f} s'
        )
    for name in EXTERNAL:
        if name not in commands:
            table.add_row(name, 'not on PATH')
    Console().print(table)


if __name__ == '__main__':
    main()
