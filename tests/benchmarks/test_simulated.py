"""The simulated server: a real process that keeps to the protocol and to the times of its profile."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import baselines, workload
from benchmarks.light import LightSession, state, successors
from benchmarks.profiles import Profile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROFILE = Profile('wide', 40, 0, 0.01)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[socket.socket]:
    with (
        baselines.servers(workload.write_server(tmp_path, PROFILE), 1) as (port,),
        socket.create_connection(('127.0.0.1', port), timeout=20) as sock,
    ):
        yield sock


def test_its_version_says_that_it_proves_nothing(tmp_path: Path) -> None:
    program = workload.write_server(tmp_path, PROFILE)
    output = subprocess.run([program, '--version'], check=True, capture_output=True, text=True).stdout
    assert 'simulated' in output
    assert 'proves nothing' in output


def test_it_leads_through_the_graph_of_a_claim(connection: socket.socket) -> None:
    session, shape = LightSession(), PROFILE.shape(3)
    seen, nodes = [], [0]
    while nodes:
        node = nodes.pop()
        seen.append(node)
        result = session.advance(connection, 3, node, 100)
        after = [] if result is None else successors(result)
        assert after == [(3, successor) for successor in shape.successors[node]]
        nodes += [successor for _, successor in after]
    assert sorted(seen) == list(range(len(shape.seconds)))


def test_a_request_takes_its_time(connection: socket.socket) -> None:
    session, shape = LightSession(), PROFILE.shape(0)
    started = time.monotonic()
    session.advance(connection, 0, 0, 100)
    assert time.monotonic() - started >= 0.99 * PROFILE.scale * shape.seconds[0]


def test_cancel_ends_a_request_with_an_error(tmp_path: Path) -> None:
    slow = Profile('wide', 1, 0, 1000.0)
    with (
        baselines.servers(workload.write_server(tmp_path, slow), 1) as (port,),
        socket.create_connection(('127.0.0.1', port), timeout=20) as sock,
    ):
        sock.sendall(_line('execute', state=state(0, 0)))
        sock.sendall(b'\n' + _line('cancel'))
        answer = json.loads(sock.makefile('rb').readline())
    assert answer['error']['message'] == 'Request cancelled'


def test_an_unknown_method_and_a_foreign_state_are_errors(connection: socket.socket) -> None:
    session = LightSession()
    with pytest.raises(ValueError, match='Method not found'):
        session.ask(connection, 'prove-everything')
    foreign = {'format': 'KORE', 'version': 1, 'term': {'tag': 'String', 'value': 'x'}}
    with pytest.raises(ValueError, match='holds no mark'):
        session.ask(connection, 'execute', state=foreign)


def test_a_request_needs_no_newline_at_its_end(connection: socket.socket) -> None:
    connection.sendall(_line('implies', antecedent=state(1, 0), consequent=state(1, 0)).rstrip())
    assert json.loads(connection.makefile('rb').readline())['result']['status'] == 'invalid'


def _line(method: str, **params: Any) -> bytes:
    return json.dumps({'jsonrpc': '2.0', 'id': 1, 'method': method, 'params': params}).encode() + b'\n'
