"""The parts of the protocol layer that need no socket: reading and writing JSON, framing, dispatch, budgets."""

from __future__ import annotations

import itertools
import json
from threading import Event, Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kprover.server import jsonkore
from kprover.server.budget import Budget, StepTimedOut
from kprover.server.errors import InvalidParams, PatternError, RequestCancelled, ServerError
from kprover.server.framing import Framer, Garbage, Message
from kprover.server.jsonkore import JsonError, _dumps_deep, _loads_deep, dumps, loads_prefix
from kprover.server.rpc import Dispatcher, Pending, Session

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)


@given(VALUES, st.sampled_from([None, 1]))
def test_the_deep_coders_agree_with_the_standard_library(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    # A number could go on where the text ends.
    padded = text + ' '
    assert _loads_deep(padded, 0) == (value, len(text))
    assert loads_prefix(text, 0) == (value, len(text))
    assert json.loads(_dumps_deep(value)) == value
    assert _dumps_deep(value) == dumps(value)


@given(VALUES.filter(lambda value: isinstance(value, (dict, list, str))), st.data())
def test_a_beginning_of_a_value_is_incomplete_not_wrong(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value, ensure_ascii=data.draw(st.booleans()))
    cut = data.draw(st.integers(1, len(text) - 1))
    assert loads_prefix(text[:cut], 0) is None
    assert _loads_deep(text[:cut], 0) is None


@pytest.mark.parametrize(
    'text', ['{"a" 1}', '[1 2]', '{,}', '[}', '{"a": NaN}', 'x', '["\n"]', '{1: 2}', '[tru1]', '["\\x"] ']
)
def test_what_is_not_json_is_said_to_be_wrong(text: str) -> None:
    for read in (loads_prefix, _loads_deep):
        with pytest.raises(JsonError):
            read(text, 0)


def test_nesting_is_bounded_by_a_number_not_by_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    depth = 100_000
    text = '[{"a":' * depth + '1' + '}]' * depth
    found = _loads_deep(text, 0)
    assert found is not None
    assert _dumps_deep(found[0]).decode() == text
    monkeypatch.setattr(jsonkore, 'MAX_NESTING', 1000)
    with pytest.raises(JsonError):
        _loads_deep('[' * 1001, 0)
    assert _loads_deep('[' * 1000 + ']' * 1000, 0)
    # Take the value apart: the interpreter's own destructor is recursive where it is deep.
    value: Any = found[0]
    while isinstance(value, (list, dict)):
        value = value.pop() if isinstance(value, list) else value.popitem()[1]


def collect(framer: Framer, pieces: list[bytes]) -> list[Message | Garbage]:
    found: list[Message | Garbage] = []
    for piece in pieces:
        framer.feed(piece)
        found += framer.drain(quiet=False)
    while items := framer.drain(quiet=True):
        found += items
    return found


OBJECTS = st.lists(st.dictionaries(st.text(max_size=5), SCALARS, max_size=3), min_size=1, max_size=4)


@given(OBJECTS, st.sampled_from(['', '\n', '\r\n', ' \n\n']), st.lists(st.integers(0, 400), max_size=6))
def test_messages_are_found_however_they_arrive(values: list[Any], separator: str, cuts: list[int]) -> None:
    stream = ''.join(json.dumps(value, ensure_ascii=False) + separator for value in values).encode()
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[a:b] for a, b in itertools.pairwise(places)]
    assert collect(Framer(1 << 20), pieces) == [Message(value) for value in values]


@given(st.binary(max_size=60).filter(lambda data: b'\n' not in data and data.strip(b' \t\r\n{[') != b''))
def test_garbage_ends_at_the_line(data: bytes) -> None:
    framer = Framer(1 << 20)
    found = collect(framer, [data + b'\n{"id": 7}\n'])
    assert found[-1] == Message({'id': 7}) or isinstance(found[-1], Garbage)
    assert collect(framer, [b'\n{"id": 8}\n'])[-1] == Message({'id': 8})


def test_half_a_message_does_not_spoil_the_next() -> None:
    for half in ('{"jsonrpc": "2.0", "meth', '{"jsonrpc": "2.0", ', '{"a": {"b": [1,', '{"a": tr'):
        found = collect(Framer(1 << 20), [half.encode() + b'\n{"id": 7}\n'])
        assert [type(item) for item in found] == [Garbage, Message], half
        assert found[1] == Message({'id': 7})


@pytest.mark.parametrize('data', [b'\xff\xfe{"id": 1}\n', b'{"a": "\xc3\x28"}\n', b'{"a": "\xf0\x9f"}\n'])
def test_invalid_utf8_is_garbage(data: bytes) -> None:
    found = collect(Framer(1 << 20), [b'{"id": 1}\n' + data + b'{"id": 7}'])
    assert [type(item) for item in found] == [Message, Garbage, Message]


def test_garbage_without_a_line_end_is_dropped_when_the_client_pauses() -> None:
    framer = Framer(1 << 20)
    framer.feed(b'GET / HTTP/1.1')
    assert [type(item) for item in framer.drain(quiet=True)] == [Garbage]
    framer.feed(b' more of it')
    assert framer.drain(quiet=True) == []
    framer.feed(b'{"id": 7}')
    assert framer.drain(quiet=False) == [Message({'id': 7})]


def test_a_message_that_is_too_long_is_noticed() -> None:
    framer = Framer(100)
    framer.feed(b'{"a": "' + b'x' * 200)
    assert framer.drain(quiet=True) == []
    assert framer.too_long


def dispatch(value: Any, budget: Budget | None = None) -> Any:
    def fail(params: Any, budget: Budget) -> Any:
        raise PatternError('wrong', ['here'])

    def crash(params: Any, budget: Budget) -> Any:
        raise KeyError('a defect')

    def refuse(params: Any, budget: Budget) -> Any:
        raise InvalidParams('no')

    def wait(params: Any, budget: Budget) -> Any:
        budget.check()
        return 'done'

    methods = {
        'echo': lambda params, budget: dict(params),
        'fail': fail,
        'crash': crash,
        'refuse': refuse,
        'wait': wait,
    }
    return Dispatcher(methods, lambda method, error: None).answer(Pending(Message(value), budget or Budget())).body


def request(method: str, **more: Any) -> dict[str, Any]:
    return {'jsonrpc': '2.0', 'id': 1, 'method': method, **more}


@pytest.mark.parametrize(
    ('value', 'code'),
    [
        (request('nonsense'), -32601),
        ({'id': 1, 'method': 'echo'}, -32600),
        ({'jsonrpc': '1.0', 'id': 1, 'method': 'echo'}, -32600),
        ({'jsonrpc': '2.0', 'id': 1}, -32600),
        ({'jsonrpc': '2.0', 'id': 1, 'method': 7}, -32600),
        ({'jsonrpc': '2.0', 'id': [1], 'method': 'echo'}, -32600),
        ({'jsonrpc': '2.0', 'id': True, 'method': 'echo'}, -32600),
        (request('echo', params=[1]), -32602),
        (request('echo', params='x'), -32602),
        (request('refuse', params={'a': 1}), -32602),
        (request('fail'), 2),
        (request('crash'), -32002),
        ([], -32600),
    ],
)
def test_every_wrong_request_has_its_code(value: Any, code: int) -> None:
    answer = dispatch(value)
    assert answer['error']['code'] == code
    assert answer['jsonrpc'] == '2.0'


def test_invalid_params_are_sent_back() -> None:
    assert dispatch(request('refuse', params={'a': 1}))['error'] == {
        'code': -32602,
        'message': 'Invalid params',
        'data': {'a': 1},
    }
    assert dispatch(request('fail'))['error']['data'] == {'error': 'wrong', 'context': ['here']}


def test_ids_come_back_and_notifications_have_no_answer() -> None:
    for ident in (1, 'x', 1.5, None):
        assert dispatch({'jsonrpc': '2.0', 'id': ident, 'method': 'echo', 'params': {'a': 1}}) == {
            'jsonrpc': '2.0',
            'id': ident,
            'result': {'a': 1},
        }
    assert dispatch({'jsonrpc': '2.0', 'method': 'echo'}) is None
    assert dispatch({'jsonrpc': '2.0', 'method': 'crash'}) is None


def test_a_batch_is_answered_as_a_batch() -> None:
    answers = dispatch([request('echo'), {'jsonrpc': '2.0', 'method': 'echo'}, 7, request('cancel')])
    assert [one.get('error', {}).get('code') for one in answers] == [None, -32600, -32001]
    assert dispatch([{'jsonrpc': '2.0', 'method': 'echo'}]) is None


def test_cancel_reaches_what_came_before_it_and_nothing_else() -> None:
    session = Session()
    session.receive(Message(request('wait')))
    first = session.next()
    assert first is not None
    session.receive(Message({'jsonrpc': '2.0', 'method': 'cancel'}))
    assert first.budget.cancelled
    with pytest.raises(RequestCancelled):
        first.budget.check()
    session.answered(first)
    session.receive(Message(request('wait')))
    second = session.next()
    assert second is not None
    assert not second.budget.cancelled
    session.close()
    assert second.budget.cancelled
    assert session.next() is None
    assert dispatch(request('wait'), second.budget)['error'] == {
        'code': -32000,
        'message': 'Request cancelled',
        'data': None,
    }


def test_a_cancel_interrupts_what_waits() -> None:
    budget = Budget()
    entered, interrupted = Event(), Event()

    def work() -> None:
        with budget.interruptible(interrupted.set):
            entered.set()
            interrupted.wait(10)

    thread = Thread(target=work)
    thread.start()
    assert entered.wait(10)
    budget.cancel()
    thread.join(10)
    assert interrupted.is_set()
    with pytest.raises(RequestCancelled), budget.interruptible(lambda: None):
        raise AssertionError('a cancelled request went on')


def test_only_steps_have_a_time_limit() -> None:
    budget = Budget()
    budget.limit_steps(0.0, moving_average=False)
    budget.check()
    budget.start_step()
    with pytest.raises(StepTimedOut):
        for _ in range(1000):
            budget.check()
    budget.end_steps()
    budget.check()
    assert budget.remaining is None


def test_errors_have_data_only_if_given() -> None:
    assert ServerError(1, 'a').to_dict() == {'code': 1, 'message': 'a'}
    assert ServerError(1, 'a', None).to_dict() == {'code': 1, 'message': 'a', 'data': None}
