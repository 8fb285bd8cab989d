"""The running server and its clients: cancel, timeouts, several at once, and whatever else may arrive."""

from __future__ import annotations

import json
import random
import signal
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from kore_small import DEFINITION, configuration, definition, rule
from kore_text import i
from requests_small import FOREVER, counting, pattern, sum_of
from serving import serve, start

if TYPE_CHECKING:
    from pathlib import Path

    from serving import Served


# Cancel, timeouts, several clients --------------------------------------------------------------------------------


def test_cancel_ends_the_request_in_flight(served: Served) -> None:
    with served.client() as client:
        client.send({'jsonrpc': '2.0', 'id': 'long', 'method': 'execute', 'params': {'state': FOREVER}})
        time.sleep(0.2)
        sent = time.monotonic()
        client.send(b'\n' + json.dumps({'jsonrpc': '2.0', 'id': 'c', 'method': 'cancel', 'params': {}}).encode())
        answer = client.receive()
        assert time.monotonic() - sent < 1
        assert answer['id'] == 'long'
        assert (answer['error']['code'], answer['error']['message']) == (-32000, 'Request cancelled')
        # The connection goes on, and the cancel has no answer of its own.
        assert client.ask('execute', 'next', state=counting(i(1)))['id'] == 'next'


def test_cancel_without_a_request_does_nothing(served: Served) -> None:
    with served.client() as client:
        client.send({'jsonrpc': '2.0', 'method': 'cancel'})
        assert client.ask('execute', state=counting(i(1)))['result']['depth'] == 2


def test_cancel_reaches_the_evaluation_of_a_function(served: Served) -> None:
    with served.client() as client:
        text = configuration('Lblstop{}()', f'Lblspin{{}}({i(0)})')
        client.send({'jsonrpc': '2.0', 'id': 1, 'method': 'simplify', 'params': {'state': pattern(text)}})
        time.sleep(0.1)
        client.send({'jsonrpc': '2.0', 'method': 'cancel'})
        started = time.monotonic()
        client.receive()
        assert time.monotonic() - started < 2


def test_a_step_timeout_does_not_cut_quick_steps(served: Served) -> None:
    with served.client() as client:
        result = client.ask('execute', state=counting(i(300)), step_timeout=2000)['result']
        assert result['reason'] == 'stuck'
        result = client.ask('execute', state=counting(i(300)), step_timeout=2000, moving_average_step_timeout=True)[
            'result'
        ]
        assert result['reason'] == 'stuck'


@pytest.mark.parametrize('moving', [False, True])
def test_a_step_that_takes_too_long_ends_with_the_last_finished_state(served: Served, moving: bool) -> None:
    after = configuration('', f'Lblspin{{}}({i(0)})')
    stuck = rule(configuration('Lblstop{}()', 'VarS:SortInt{}'), after, 'SLOW.stop')
    with served.client() as client:
        text = f'module SLOW import SMALL [] {stuck} endmodule []'
        module = client.ask('add-module', module=text)['result']['module']
        state = pattern(configuration('Lblstop{}()', i(7)))
        started = time.monotonic()
        result = client.ask(
            'execute', state=state, module=module, step_timeout=200, moving_average_step_timeout=moving
        )['result']
        assert (result['reason'], result['depth']) == ('timeout', 0)
        assert result['state']['term'] == state
        assert time.monotonic() - started < 3


def test_slow_requests_do_not_hold_up_quick_ones(served: Served) -> None:
    with served.client() as slow, served.client() as other, served.client() as quick:
        for client in (slow, other):
            client.send({'jsonrpc': '2.0', 'id': 1, 'method': 'execute', 'params': {'state': FOREVER}})
        quick.ask('execute', state=counting(i(1)))
        times = []
        for _ in range(10):
            started = time.monotonic()
            assert quick.ask('execute', state=counting(i(1)))['result']['depth'] == 2
            times.append(time.monotonic() - started)
        assert sorted(times)[5] < 0.5
        slow.send({'jsonrpc': '2.0', 'method': 'cancel'})
        assert slow.receive()['error']['code'] == -32000
        # The other one is still being computed: a cancel is for its own connection.
        other.sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            other.receive()


def test_clients_get_their_own_answers(served: Served) -> None:
    with served.client() as one, served.client() as other:
        for number in range(20):
            one.send({'jsonrpc': '2.0', 'id': number, 'method': 'execute', 'params': {'state': counting(i(number))}})
            other.send({'jsonrpc': '2.0', 'id': -number, 'method': 'nonsense'})
        for number in range(20):
            answer = one.receive()
            assert answer['id'] == number
            assert sum_of(answer['result']) == str(number * (number + 1) // 2)
            assert other.receive()['id'] == -number


# Whatever else may arrive -----------------------------------------------------------------------------------------


def healthy(served: Served) -> None:
    """The server lives and answers others."""
    assert served.alive
    with served.client() as client:
        assert client.ask('execute', state=counting(i(2)))['result']['depth'] == 3


@pytest.mark.parametrize(
    ('data', 'code'),
    [
        (b'GET / HTTP/1.1\r\nHost: x\r\n\r\n', -32700),
        (b'{"jsonrpc": \n', -32700),
        (b'\xff\xfe\x00\n', -32700),
        (b'{"jsonrpc": "2.0", "id": "\xc3\x28"}\n', -32700),
        (b'[]\n', -32600),
        (b'7\n', -32700),
        (b'{}\n', -32600),
        (b'{"id": NaN}\n', -32700),
        (b'[' * 100 + b']' * 100 + b'\n', -32600),
    ],
)
def test_garbage_is_answered_by_an_error(served: Served, data: bytes, code: int) -> None:
    with served.client() as client:
        if data == b'{"jsonrpc": \n':
            data += b'{"jsonrpc": "2.0", "id": 1, "method": "x"}\n'
        client.send(data)
        answer = client.receive()
        answer = answer[0] if isinstance(answer, list) else answer
        assert answer['error']['code'] == code
        assert answer['id'] is None
    healthy(served)


BODY = json.dumps({'jsonrpc': '2.0', 'id': 1, 'method': 'add-module', 'params': {'module': 'module SPY endmodule []'}})


@pytest.mark.parametrize(
    'head',
    [
        *(f'{method} / HTTP/1.1\r\nHost: x\r\n\r\n' for method in ('GET', 'POST', 'PUT', 'OPTIONS', 'PRI', 'M-SEARCH')),
        '\r\n\r\nPOST / HTTP/1.0\r\n\r\n',
        f'POST /{"x" * 100_000} HTTP/1.1\r\n\r\n',
        '\x16\x03\x01\x02\x00\x01\n',
        'EHLO here\r\n',
        '"text"\n',
    ],
)
@pytest.mark.parametrize('at_once', [True, False])
def test_a_connection_that_speaks_something_else_is_closed_and_nothing_in_it_is_done(
    served: Served, head: str, at_once: bool
) -> None:
    with served.client() as client:
        if at_once:
            client.send(f'{head}{BODY}\n')
        else:
            client.send(head[:3])
            with suppress(OSError):
                client.receive()
                client.send(f'{head[3:]}{BODY}\n')
        with suppress(OSError):
            while (answer := client.receive()) is not None:
                assert answer['error']['code'] == -32700  # and not that of the request, or of its module
                assert answer['id'] is None
    healthy(served)


def test_many_requests_at_once_are_read_as_they_are_answered(file: Path) -> None:
    request = {'jsonrpc': '2.0', 'method': 'nothing', 'params': {'text': 'x' * 3000}}
    with serve(file, 'SMALL', '--max-request-bytes', '5000') as served, served.client() as client:
        for number in range(50):
            client.send(json.dumps({**request, 'id': number}) + '\n')
        assert [client.receive()['id'] for _ in range(50)] == list(range(50))


def test_clients_that_vanish_are_forgotten(served: Served) -> None:
    for _ in range(20):
        with served.client() as client:
            client.send({'jsonrpc': '2.0', 'id': 1, 'method': 'execute', 'params': {'state': FOREVER}})
    with served.client() as client:
        client.send(b'{"jsonrpc": "2.0", "id": 1, "me')
    with socket.create_connection(('127.0.0.1', served.port)) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
    started = time.monotonic()
    healthy(served)
    assert time.monotonic() - started < 5


def test_deep_terms_are_answered(served: Served) -> None:
    depth = 20_000
    program = 'Lblwrap{}(' * depth + 'Lblstop{}()' + ')' * depth
    with served.client(120) as client:
        given = pattern(configuration(program, i(1)))
        from kprover.server.jsonkore import dumps, loads_prefix

        client.send(dumps({'jsonrpc': '2.0', 'id': 1, 'method': 'simplify', 'params': {'state': given}}))
        found = loads_prefix(client.lines.readline().decode().strip())
        assert found is not None
        answer: Any = found[0]
        term = answer['result']['state']['term']
        for name in ("Lbl'-LT-'generatedTop'-GT-'", "Lbl'-LT-'k'-GT-'", 'kseq', 'inj'):
            assert term['name'] == name
            term = term['args'][0]
        for _ in range(depth):
            assert term['name'] == 'Lblwrap'
            term = term['args'][0]
        assert term['name'] == 'Lblstop'
    healthy(served)


def test_bottomless_nesting_is_refused(served: Served) -> None:
    with served.client(60) as client:
        client.send(b'{"jsonrpc": "2.0", "id": 1, "method": "simplify", "params": ' + b'[' * 10_000_000 + b'\n')
        client.sock.shutdown(socket.SHUT_WR)
        answer = client.receive()
        assert answer is None or answer['error']['code'] in (-32700, -32602, -32002)
    healthy(served)


def test_long_requests_are_refused(file: Path) -> None:
    with serve(file, 'SMALL', '--max-request-bytes', '5000') as served:
        with served.client() as client:
            client.send(b'{"jsonrpc": "2.0", "id": 1, "method": "' + b'x' * 10_000)
            assert client.receive()['error']['code'] == -32700
            assert client.receive() is None
        healthy(served)


def test_random_bytes_do_no_harm(served: Served) -> None:
    rnd = random.Random(7)
    request = json.dumps({'jsonrpc': '2.0', 'id': 1, 'method': 'execute', 'params': {'state': counting(i(3))}})
    for _ in range(60):
        data = bytearray(request.encode())
        for _ in range(rnd.randrange(1, 4)):
            at = rnd.randrange(len(data))
            data[at : at + rnd.randrange(3)] = rnd.choice([b'', b'}', b'"', b'[', b'\xff', b'\n', b'0', b'null'])
        with served.client() as client:
            client.send(bytes(data) + b'\n')
            client.sock.shutdown(socket.SHUT_WR)
            answer = client.receive()
            assert answer is None or 'result' in answer or 'error' in answer
    healthy(served)


# The process ------------------------------------------------------------------------------------------------------


def test_sigterm_ends_it_with_code_0_whatever_it_does(file: Path) -> None:
    with serve(file, 'SMALL') as served, served.client() as client, served.client() as other:
        other.ask('execute', state=counting(i(1)))
        client.send({'jsonrpc': '2.0', 'id': 1, 'method': 'execute', 'params': {'state': FOREVER}})
        time.sleep(0.3)
        sent = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(5) == 0
        assert time.monotonic() - sent < 10


def failing(path: Path, name: str) -> tuple[int, str]:
    process = start(path, name)
    _, text = process.communicate(timeout=20)
    return process.returncode, text


def test_a_definition_that_cannot_be_read_is_named_with_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / 'definition.kore'
    lines = DEFINITION.splitlines()
    lines[4] = '  sort SortBroken{} hasDomainValues{}()]'
    path.write_text('\n'.join(lines))
    code, text = failing(path, 'SMALL')
    assert code == 2
    assert f'{path}:5:' in text
    assert len(text.splitlines()) == 1


def test_definitions_that_are_no_definitions(tmp_path: Path) -> None:
    path = tmp_path / 'definition.kore'
    assert failing(path, 'SMALL')[0] == 2
    path.write_bytes(b'\xff\xfe\xff')
    code, text = failing(path, 'SMALL')
    assert (code, str(path) in text) == (2, True)
    path.write_text('[]')
    assert failing(path, 'SMALL')[0] == 2
    path.write_text(DEFINITION)
    code, text = failing(path, 'LARGE')
    assert (code, 'LARGE' in text) == (2, True)
    path.write_text(definition(extra=[rule(configuration('Lblnone{}()', i(0)), configuration('', i(0)), 'X.x')]))
    code, text = failing(path, 'SMALL')
    assert (code, 'Lblnone' in text) == (2, True)
    assert failing(tmp_path, 'SMALL')[0] == 2


def test_it_listens_on_one_port_of_the_loopback_interface(served: Served) -> None:
    psutil = pytest.importorskip('psutil')
    listening = [one for one in psutil.Process(served.process.pid).connections() if one.status == 'LISTEN']
    assert [(one.laddr.ip, one.laddr.port) for one in listening] == [('127.0.0.1', served.port)]


def test_a_port_that_is_taken_is_named(file: Path, served: Served) -> None:
    process = start(file, 'SMALL', '--server-port', str(served.port))
    _, text = process.communicate(timeout=20)
    assert process.returncode == 3
    assert f'127.0.0.1:{served.port}' in text
