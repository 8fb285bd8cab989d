"""The running server, through a socket: methods, error codes, cancel, several clients, and whatever else may arrive."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
from kore_small import DEFINITION, configuration, definition, integer, rule
from serving import serve, start, state

from kprover.server.parse import parse_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from serving import Served


def pattern(text: str) -> dict[str, Any]:
    """Return Kore text as the protocol writes a state."""
    return state(parse_pattern(text))


def counting(number: str, total: str = integer(0)) -> dict[str, Any]:
    return pattern(configuration(f'Lblcount{{}}({number})', total))


FOREVER = counting(integer(10**9))


@pytest.fixture(scope='module')
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('definition') / 'definition.kore'
    path.write_text(DEFINITION)
    return path


@pytest.fixture(scope='module')
def served(file: Path) -> Iterator[Served]:
    with serve(file, 'SMALL') as server:
        yield server


def sum_of(result: dict[str, Any]) -> Any:
    """Return the value in the sum cell of an answer's state."""
    return result['state']['term']['term']['args'][1]['args'][0].get('value')


# Methods ----------------------------------------------------------------------------------------------------------


def test_execute_to_the_end(served: Served) -> None:
    with served.client() as client:
        answer = client.ask('execute', state=counting(integer(10)))
        assert answer['id'] == 1
        assert answer['jsonrpc'] == '2.0'
        result = answer['result']
        assert (result['reason'], result['depth'], sum_of(result)) == ('stuck', 11, '55')
        assert 'logs' not in result


def test_execute_stops_where_it_is_told(served: Served) -> None:
    with served.client() as client:
        result = client.ask('execute', state=counting(integer(10)), max_depth=3)['result']
        assert (result['reason'], result['depth'], sum_of(result)) == ('depth-bound', 3, '27')
        result = client.ask('execute', state=counting(integer(3)), max_depth=0)['result']
        assert (result['reason'], result['depth']) == ('depth-bound', 0)
        result = client.ask('execute', state=counting(integer(2)), cut_point_rules=['SMALL.done'])['result']
        assert (result['reason'], result['depth'], result['rule']) == ('cut-point-rule', 2, 'SMALL.done')
        assert len(result['next-states']) == 1
        result = client.ask('execute', state=counting(integer(2)), terminal_rules=['SMALL.count'])['result']
        assert (result['reason'], result['depth'], result['rule']) == ('terminal-rule', 1, 'SMALL.count')


def test_branches_are_exhaustive_and_carry_their_conditions(served: Served) -> None:
    with served.client() as client:
        result = client.ask('execute', state=pattern(configuration('Lblsign{}(VarX:SortInt{})', integer(0))))['result']
        assert result['reason'] == 'branching'
        states = result['next-states']
        # X > 0, X < 0, and what no rule covers: X = 0.
        assert len(states) == 3
        assert all('rule-predicate' in one for one in states)
        assert sum('rule-id' in one for one in states) == 2
        names = set(_variables([one['rule-predicate'] for one in states]))
        assert names == {'VarX'}


def _variables(json_value: Any) -> Iterator[str]:
    if isinstance(json_value, dict):
        if json_value.get('tag') == 'EVar':
            yield json_value['name']
        for value in json_value.values():
            yield from _variables(value)
    elif isinstance(json_value, list):
        for value in json_value:
            yield from _variables(value)


def test_rewrites_are_logged_on_request(served: Served) -> None:
    with served.client() as client:
        result = client.ask('execute', state=counting(integer(1)), log_successful_rewrites=True)['result']
        assert [entry['result']['tag'] for entry in result['logs']] == ['success', 'success']
        assert {entry['tag'] for entry in result['logs']} == {'rewrite'}
        result = client.ask('execute', state=counting(integer(1)), log_timing=True)['result']
        assert [entry['tag'] for entry in result['logs']] == ['processing-time']


def condition(text: str) -> str:
    return f'\\equals{{SortBool{{}}, SortGeneratedTopCell{{}}}}({text}, \\dv{{SortBool{{}}}}("true"))'


def constrained(text: str, bound: str) -> dict[str, Any]:
    return pattern(f'\\and{{SortGeneratedTopCell{{}}}}({text}, {condition(bound)})')


def test_implies_answers_in_both_dialects(served: Served) -> None:
    left = constrained(configuration('Lblstop{}()', 'VarX:SortInt{}'), f'LblgtInt{{}}(VarX:SortInt{{}}, {integer(3)})')
    weaker = constrained(
        configuration('Lblstop{}()', 'VarX:SortInt{}'), f'LblgtInt{{}}(VarX:SortInt{{}}, {integer(2)})'
    )
    with served.client() as client:
        result = client.ask('implies', antecedent=left, consequent=weaker)['result']
        assert result['valid'] is True
        assert result['status'] == 'valid'
        assert {'substitution', 'predicate'} <= result['condition'].keys()
        result = client.ask('implies', antecedent=weaker, consequent=left)['result']
        assert result['valid'] is False
        assert result['status'] in ('invalid', 'indeterminate')
        assert result['implication']['term']['tag'] == 'Implies'


def test_simplify(served: Served) -> None:
    with served.client() as client:
        text = configuration('Lblstop{}()', f'Lbladd{{}}({integer(2)}, Lblmul{{}}({integer(3)}, {integer(4)}))')
        result = client.ask('simplify', state=pattern(text))['result']
        assert result['state'] == pattern(configuration('Lblstop{}()', integer(14)))


def test_get_model(served: Served) -> None:
    x = 'VarX:SortInt{}'
    with served.client() as client:

        def model(*bounds: str) -> Any:
            conjuncts = ', '.join(map(condition, bounds))
            text = f'\\and{{SortGeneratedTopCell{{}}}}({conjuncts})' if len(bounds) > 1 else conjuncts
            return client.ask('get-model', state=pattern(text))['result']

        result = model(f'LblgtInt{{}}({x}, {integer(3)})', f'LblltInt{{}}({x}, {integer(5)})')
        assert result['satisfiable'] == 'Sat'
        equation = result['substitution']['term']
        assert (equation['tag'], equation['first']['name'], equation['second']['value']) == ('Equals', 'VarX', '4')
        assert model(f'LblgtInt{{}}({x}, {integer(3)})', f'LblltInt{{}}({x}, {integer(4)})') == {'satisfiable': 'Unsat'}
        assert model(f'LbleqInt{{}}({integer(1)}, {integer(1)})') == {'satisfiable': 'Sat'}
        # A partial function without equations, and a hook that z3 is told nothing of.
        assert model(f'LblgtInt{{}}(Lblunknown{{}}({x}), {x})') == {'satisfiable': 'Unknown'}
        assert model(f'LbleqInt{{}}({x}, Lblxor{{}}({x}, {integer(256)}))') == {'satisfiable': 'Unknown'}
        assert client.ask('get-model', state=counting(x))['result'] == {'satisfiable': 'Unknown'}


# Modules ----------------------------------------------------------------------------------------------------------


def module(name: str, result: int, imported: str = 'SMALL') -> str:
    """A module with one rule, of higher priority than the others: stop becomes the end with `result`."""
    left, right = (
        configuration('Lblstop{}()', 'VarS:SortInt{}', 'VarR:SortK{}'),
        configuration('', integer(result), 'VarR:SortK{}'),
    )
    return f'module {name}\n  import {imported} []\n{rule(left, right, f"{name}.stop", priority=20)}\nendmodule []'


def test_modules_are_shared_by_all_connections(served: Served) -> None:
    text = module('SHARED', 7)
    ident = 'm' + hashlib.sha256(text.encode()).hexdigest()
    stop = pattern(configuration('Lblstop{}()', integer(0)))
    with served.client() as one, served.client() as other:
        assert one.ask('execute', state=stop, module=ident)['error']['code'] == 3
        assert one.ask('add-module', module=text)['result'] == {'module': ident}
        assert one.ask('add-module', module=text)['result'] == {'module': ident}
        result = other.ask('execute', state=stop, module=ident)['result']
        assert (result['depth'], sum_of(result)) == (1, '7')
        assert other.ask('execute', state=stop)['result']['depth'] == 0
        error = other.ask('execute', state=stop, module='SHARED')['error']
        assert (error['code'], error['data']) == (3, 'SHARED')
        assert other.ask('add-module', module=text, name_as_id=True)['result'] == {'module': ident}
        assert one.ask('execute', state=stop, module='SHARED')['result']['depth'] == 1


def test_names_are_taken_once(served: Served) -> None:
    with served.client() as client:
        assert 'result' in client.ask('add-module', module=module('TAKEN', 1), name_as_id=True)
        error = client.ask('add-module', module=module('TAKEN', 2), name_as_id=True)['error']
        assert (error['code'], error['data']) == (9, 'TAKEN')
        assert 'result' in client.ask('add-module', module=module('TAKEN', 2))
        nested = client.ask('add-module', module=module('NESTED', 3, imported='TAKEN'), name_as_id=True)
        assert 'result' in nested


@pytest.mark.parametrize(
    ('text', 'code'),
    [
        ('module X', 1),
        ('module X\n  axiom{} \\top{}( []\nendmodule []', 1),
        ('nonsense', 1),
        ('', 1),
        (module('X', 1, imported='NOWHERE'), 8),
        (
            'module X\n  import SMALL []\n  axiom{} \\rewrites{SortNone{}}(A:SortNone{}, A:SortNone{}) []\n'
            'endmodule []',
            8,
        ),
    ],
)
def test_wrong_modules_are_refused(served: Served, text: str, code: int) -> None:
    with served.client() as client:
        error = client.ask('add-module', module=text)['error']
        assert error['code'] == code, error
        assert error['data']


# Errors -----------------------------------------------------------------------------------------------------------


ENVELOPE = pattern(integer(1))


@pytest.mark.parametrize(
    'params',
    [
        {},
        {'state': 7},
        {'state': 'aaaa'},
        {'state': None},
        {'state': {'format': 'KAST', 'version': 1, 'term': ENVELOPE['term']}},
        {'state': {'format': 'KORE', 'version': 2, 'term': ENVELOPE['term']}},
        {'state': {'format': 'KORE', 'version': 1}},
        {'state': {'format': 'KORE', 'version': 1, 'term': {'tag': 'Nonsense'}}},
        {'state': {'format': 'KORE', 'version': 1, 'term': {'tag': 'App', 'name': 'f'}}},
        {'state': {'format': 'KORE', 'version': 1, 'term': {'tag': 'App', 'name': 7, 'sorts': [], 'args': []}}},
        {'state': {'format': 'KORE', 'version': 1, 'term': {'tag': 'DV', 'sort': 'SortInt', 'value': '1'}}},
        {'state': {'format': 'KORE', 'version': 1, 'term': {'tag': ['App']}}},
        {'state': FOREVER, 'max-depth': -1},
        {'state': FOREVER, 'max-depth': 'x'},
        {'state': FOREVER, 'max-depth': True},
        {'state': FOREVER, 'cut-point-rules': 'x'},
        {'state': FOREVER, 'cut-point-rules': [1]},
        {'state': FOREVER, 'module': 1},
        {'state': FOREVER, 'step-timeout': -3},
        {'state': FOREVER, 'log-successful-rewrites': 'yes'},
    ],
    ids=lambda params: json.dumps(params)[:70],
)
def test_wrong_parameters_come_back(served: Served, params: dict[str, Any]) -> None:
    with served.client() as client:
        client.send({'jsonrpc': '2.0', 'id': 'a', 'method': 'execute', 'params': params})
        answer = client.receive()
        assert answer['id'] == 'a'
        assert answer['error'] == {'code': -32602, 'message': 'Invalid params', 'data': params}


@pytest.mark.parametrize(
    'text',
    [
        configuration('Lblnowhere{}()', integer(0)),
        configuration('Lblstop{}()', '\\dv{SortInt{}}("x")'),
        configuration('Lblstop{}()', '\\dv{SortBool{}}("true")'),
        configuration('Lblpair{}(VarX:SortInt{})', integer(0)),
        configuration('VarP:SortString{}', integer(0)),
        configuration('VarP:SortNowhere{}', integer(0)),
    ],
)
def test_patterns_that_do_not_fit_the_definition_are_named(served: Served, text: str) -> None:
    with served.client() as client:
        for answer in (client.ask('execute', state=pattern(text)), client.ask('simplify', state=pattern(text))):
            error = answer['error']
            assert error['code'] == 2, error
            assert isinstance(error['data']['error'], str)
            assert isinstance(error['data']['context'], list)


def test_unknown_methods(served: Served) -> None:
    with served.client() as client:
        assert client.ask('prove')['error'] == {'code': -32601, 'message': 'Method not found', 'data': 'prove'}


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
        assert client.ask('execute', 'next', state=counting(integer(1)))['id'] == 'next'


def test_cancel_without_a_request_does_nothing(served: Served) -> None:
    with served.client() as client:
        client.send({'jsonrpc': '2.0', 'method': 'cancel'})
        assert client.ask('execute', state=counting(integer(1)))['result']['depth'] == 2


def test_cancel_reaches_the_evaluation_of_a_function(served: Served) -> None:
    with served.client() as client:
        text = configuration('Lblstop{}()', f'Lblspin{{}}({integer(0)})')
        client.send({'jsonrpc': '2.0', 'id': 1, 'method': 'simplify', 'params': {'state': pattern(text)}})
        time.sleep(0.1)
        client.send({'jsonrpc': '2.0', 'method': 'cancel'})
        started = time.monotonic()
        client.receive()
        assert time.monotonic() - started < 2


def test_a_step_timeout_does_not_cut_quick_steps(served: Served) -> None:
    with served.client() as client:
        result = client.ask('execute', state=counting(integer(300)), step_timeout=2000)['result']
        assert result['reason'] == 'stuck'
        result = client.ask(
            'execute', state=counting(integer(300)), step_timeout=2000, moving_average_step_timeout=True
        )['result']
        assert result['reason'] == 'stuck'


@pytest.mark.parametrize('moving', [False, True])
def test_a_step_that_takes_too_long_ends_with_the_last_finished_state(served: Served, moving: bool) -> None:
    after = configuration('', f'Lblspin{{}}({integer(0)})')
    stuck = rule(configuration('Lblstop{}()', 'VarS:SortInt{}'), after, 'SLOW.stop')
    with served.client() as client:
        text = f'module SLOW import SMALL [] {stuck} endmodule []'
        module = client.ask('add-module', module=text)['result']['module']
        state = pattern(configuration('Lblstop{}()', integer(7)))
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
        quick.ask('execute', state=counting(integer(1)))
        times = []
        for _ in range(10):
            started = time.monotonic()
            assert quick.ask('execute', state=counting(integer(1)))['result']['depth'] == 2
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
            one.send(
                {'jsonrpc': '2.0', 'id': number, 'method': 'execute', 'params': {'state': counting(integer(number))}}
            )
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
        assert client.ask('execute', state=counting(integer(2)))['result']['depth'] == 3


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
        given = pattern(configuration(program, integer(1)))
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
    request = json.dumps({'jsonrpc': '2.0', 'id': 1, 'method': 'execute', 'params': {'state': counting(integer(3))}})
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
        other.ask('execute', state=counting(integer(1)))
        client.send({'jsonrpc': '2.0', 'id': 1, 'method': 'execute', 'params': {'state': FOREVER}})
        time.sleep(0.3)
        sent = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(5) == 0
        assert time.monotonic() - sent < 1


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
    path.write_text(
        definition(extra=[rule(configuration('Lblnone{}()', integer(0)), configuration('', integer(0)), 'X.x')])
    )
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
