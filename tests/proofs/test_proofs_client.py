"""The connection to a server: what it takes for an answer, and what it makes of everything else.

The answers and faults here are scripted, because a real server cannot be made to give them; the steps over the real
embedded server are in `test_proofs_equal_pyk`.
"""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyk.kcfg.kcfg import KCFG
from pyk.kore.prelude import int_dv
from pyk.kore.rpc import DefaultError, SmtSolverError, client_label
from pyk.kore.syntax import App, Bottom, SortApp, Top
from scripted_server import ScriptedServer, error, result, text

from kprover.proofs import client as client_module
from kprover.proofs.client import ProverClient, with_status
from kprover.proofs.errors import BackendError, ConnectionLost, InfrastructureError, Interrupted, ProtocolError
from kprover.proofs.sources import Sources
from kprover.proofs.symbolic import ProofSymbolic
from kprover.worker import modules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IMP = Path(__file__).resolve().parents[2] / 'examples' / 'imp'
PATTERN = App("Lbl'-LT-'generatedTop'-GT-'", (), (int_dv(1),))
TOP = Top(SortApp('SortGeneratedTopCell'))


def state(pattern: Any = PATTERN) -> dict[str, Any]:
    return {'format': 'KORE', 'version': 1, 'term': pattern.dict}


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[ScriptedServer, ProverClient]]]:
    opened: list[Any] = []

    def start(script: Callable[[dict[str, Any]], bytes | None]) -> tuple[ScriptedServer, ProverClient]:
        server = ScriptedServer(script)
        opened.append(server)
        client = ProverClient('127.0.0.1', server.port)
        opened.append(client)
        return server, client

    yield start
    for thing in reversed(opened):
        thing.close()


IMPLICATION = {'implication': state(TOP), 'condition': {'substitution': state(TOP), 'predicate': state(TOP)}}


@pytest.mark.parametrize(
    ('verdict', 'valid'),
    [
        ({'valid': True}, True),
        ({'valid': False}, False),
        ({'status': 'valid'}, True),
        ({'status': 'invalid'}, False),
        ({'status': 'indeterminate'}, False),
        ({'status': 'valid', 'valid': True}, True),
        ({'status': 'indeterminate', 'valid': False}, False),
    ],
)
def test_both_dialects_of_implies_are_understood(serve: Any, verdict: dict[str, Any], valid: bool) -> None:
    _, client = serve(result({**IMPLICATION, **verdict}))
    assert client.implies(PATTERN, PATTERN).valid is valid


@pytest.mark.parametrize(
    'verdict',
    [
        {},
        {'valid': 'yes'},
        {'valid': 1},
        {'status': True},
        {'status': 'certainly'},
        {'status': 'valid', 'valid': False},
        {'status': 'indeterminate', 'valid': True},
        {'status': 'invalid', 'valid': True},
    ],
)
def test_a_verdict_that_is_none_or_contradicts_itself_is_refused(verdict: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError, match='valid'):
        with_status(verdict)


def test_a_valid_implication_without_its_condition_is_refused(serve: Any) -> None:
    _, client = serve(result({'status': 'valid', 'implication': state(TOP)}))
    with pytest.raises(ProtocolError, match='substitution'):
        client.implies(PATTERN, PATTERN)


def execution(reason: str, depth: int, following: int = 0) -> dict[str, Any]:
    answer: dict[str, Any] = {'reason': reason, 'depth': depth, 'state': {'term': state()}}
    if reason in ('cut-point-rule', 'terminal-rule'):
        answer['rule'] = 'a rule'
    if following:
        answer['next-states'] = [{'term': state()}] * following
    return answer


@pytest.mark.parametrize(
    'answer',
    [
        execution('stuck', 0),
        execution('stuck', 3),
        execution('vacuous', 0),
        execution('depth-bound', 1),
        execution('timeout', 2),
        execution('terminal-rule', 1),
        execution('branching', 0, 2),
        execution('branching', 7, 3),
        execution('cut-point-rule', 0, 1),
    ],
)
def test_executions_that_mean_something_are_passed_on(serve: Any, answer: dict[str, Any]) -> None:
    _, client = serve(result(answer))
    assert client.execute(PATTERN).depth == answer['depth']


@pytest.mark.parametrize(
    ('answer', 'expected'),
    [
        (execution('timeout', 0), InfrastructureError),  # pyk would call the node stuck, and the proof failed
        (execution('depth-bound', 0), ProtocolError),
        (execution('terminal-rule', 0), ProtocolError),
        (execution('branching', 2, 1), ProtocolError),  # pyk asserts it, but not under python -O
        (execution('branching', 2), ProtocolError),
        (execution('cut-point-rule', 2), ProtocolError),
        (execution('aborted', 4), BackendError),
    ],
)
def test_executions_that_pyk_would_misread_are_refused(
    serve: Any, answer: dict[str, Any], expected: type[Exception]
) -> None:
    _, client = serve(result(answer))
    with pytest.raises(expected):
        client.execute(PATTERN)


IMPOSSIBLE = [
    {'depth': -1},
    {'depth': 11},
    {'depth': None},
    {'depth': True},
    {'depth': 2.0},
    {'depth': float('nan')},
    {'depth': '2'},
    {'reason': 'branching', 'next-states': {}},
    {'reason': 'branching', 'next-states': 'two'},
    {'reason': 'branching', 'next-states': [None, None]},
    {'reason': 'branching', 'next-states': [[], []]},
    {'reason': 'branching', 'next-states': [{'term': state(), 'rule-id': 5}, {'term': state()}]},
    {'reason': 'branching', 'next-states': [{'term': state(), 'rule-predicate': 7}, {'term': state()}]},
    {'reason': 'cut-point-rule', 'rule': ['r'], 'next-states': [{'term': state()}]},
    {'reason': 'cut-point-rule', 'rule': None, 'next-states': []},
    {'reason': 'because'},
    {'reason': None},
    {'reason': []},
    {'state': None},
    {'state': []},
    {'state': {}},
    {'state': {'term': 5}},
    {'state': {'term': {'format': 'KORE', 'version': 1, 'term': {}}}},
    {'state': {'term': {'format': 'KORE', 'version': 1, 'term': {'tag': 'App', 'name': 5, 'sorts': [], 'args': []}}}},
    {'state': {'term': {'format': 'KORE', 'version': 1, 'term': {'tag': 'DV', 'sort': 0, 'value': 1}}}},
    {'logs': 3},
    {'logs': [3]},
    {'logs': [{'tag': 'rewrite', 'origin': 'nobody', 'result': {'tag': 'success', 'rule-id': 'r'}}]},
    {'logs': [{'tag': 'rewrite', 'origin': 'kore-rpc', 'result': {'tag': 'success', 'rule-id': ['r']}}]},
]


@pytest.mark.parametrize('wrong', IMPOSSIBLE)
def test_an_impossible_execution_is_the_servers_and_says_of_which_claim(serve: Any, wrong: dict[str, Any]) -> None:
    server, client = serve(result({**execution('depth-bound', 2), **wrong}))
    token = client_label.set('SPEC.claim')
    try:
        with pytest.raises(
            ProtocolError, match=rf'server at 127.0.0.1:{server.port}, asked about SPEC.claim: Expected'
        ):
            client.execute(PATTERN, max_depth=10)
    finally:
        client_label.reset(token)


@pytest.mark.parametrize(
    'wrong',
    [
        {'implication': None},
        {'implication': 5},
        {'condition': None},
        {'condition': []},
        {'condition': {'substitution': 5, 'predicate': state(TOP)}},
        {'condition': {'substitution': state(TOP)}},
        {'valid': float('nan')},
        {'logs': 'none'},
    ],
)
def test_an_impossible_implication_is_the_servers(serve: Any, wrong: dict[str, Any]) -> None:
    server, client = serve(result({**IMPLICATION, 'valid': True, **wrong}))
    with pytest.raises(ProtocolError, match=f'The server at 127.0.0.1:{server.port}: Expected'):
        client.implies(PATTERN, PATTERN)


@pytest.mark.parametrize('wrong', [{}, {'state': None}, {'state': {'term': 1}}, {'state': state(), 'logs': [1]}])
def test_an_impossible_simplification_is_the_servers(serve: Any, wrong: dict[str, Any]) -> None:
    _, client = serve(result(wrong))
    with pytest.raises(ProtocolError, match=r'The server at .*: Expected an answer to simplify'):
        client.simplify(PATTERN)


ODD_TERMS = [
    App('inj', (), ()),
    App('inj', (SortApp('SortInt'), SortApp('SortKItem')), ()),
    App('kseq', (), (int_dv(1),)),
    App('Lblnobody'),
    int_dv(1),
    Bottom(SortApp('SortGeneratedTopCell')),
    Top(SortApp('SortGeneratedTopCell')),
]


@pytest.mark.parametrize('term', ODD_TERMS)
def test_terms_that_are_no_state_of_the_definition_are_the_servers(serve: Any, term: Any) -> None:
    definition = Sources().definition(str(IMP / 'kompiled'))
    kcfg, init, _ = KCFG.from_claim(
        definition.kast, Sources().claim(str(IMP / 'specs' / 'loops.json'), 'IMP-LOOPS.sum')
    )
    server, client = serve(result({**execution('branching', 2), 'next-states': [{'term': state(term)}] * 2}))
    symbolic = ProofSymbolic(client, definition.kast, None, definition.converter)
    with pytest.raises(BackendError, match=f'The server at 127.0.0.1:{server.port}: Expected'):
        symbolic.execute(kcfg.node(init).cterm, depth=10)


def test_errors_of_the_server_keep_their_kind(serve: Any) -> None:
    _, client = serve(error(5, data={'error': 'no', 'term': state()}))
    with pytest.raises(SmtSolverError):
        client.simplify(PATTERN)
    _, client = serve(error(-32000, 'internal'))
    with pytest.raises(DefaultError):
        client.simplify(PATTERN)


@pytest.mark.parametrize('code', [-32700, -32600, -32601, -32602])
def test_a_refused_request_is_an_error_of_the_backend_and_no_assertion(serve: Any, code: int) -> None:
    _, client = serve(error(code, 'Method not found'))
    with pytest.raises(BackendError, match='Method not found'):
        client.simplify(PATTERN)


def test_the_connection_goes_on_after_an_error_answer(serve: Any) -> None:
    answers = [error(-32000), result({'state': state()})]
    _, client = serve(lambda request: answers.pop(0)(request))
    with pytest.raises(DefaultError):
        client.simplify(PATTERN)
    assert client.simplify(PATTERN).state == PATTERN
    assert client.connection.requests == 2


@pytest.mark.parametrize(
    'line',
    [
        b'no JSON at all\n',
        b'[]\n',
        b'{"jsonrpc": "2.0"}\n',
        b'{"jsonrpc": "2.0", "id": "another request", "result": {}}\n',
    ],
)
def test_an_answer_that_is_none_to_the_request_ends_the_connection(serve: Any, line: bytes) -> None:
    _, client = serve(text(line))
    with pytest.raises(ProtocolError):
        client.simplify(PATTERN)
    with pytest.raises(ConnectionLost):
        client.simplify(PATTERN)


def test_a_lost_connection_is_an_infrastructure_error_and_stays_lost(serve: Any) -> None:
    server, client = serve(lambda request: None)
    for _ in range(2):
        with pytest.raises(ConnectionLost) as caught:
            client.simplify(PATTERN)
        assert caught.value.error_class == 'infrastructure'
    assert len(server.requests) == 1


@pytest.mark.parametrize('line', [b'x' * 100_000, b'{"jsonrpc": "2.0", "result": "' + b'x' * 100_000])
def test_an_answer_without_an_end_is_read_no_further_than_its_limit(
    serve: Any, monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    monkeypatch.setattr(client_module, '_LONGEST_ANSWER', 1 << 14)
    server, client = serve(text(line))
    with pytest.raises(ProtocolError, match=rf'at most 16384 bytes from the server at 127.0.0.1:{server.port}'):
        client.simplify(PATTERN)
    with pytest.raises(ConnectionLost):
        client.simplify(PATTERN)


def test_an_answer_about_a_module_has_a_limit_too(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modules, '_LONGEST_ANSWER', 1 << 14)
    server, _ = serve(text(b'x' * 100_000))
    with (
        modules.Channel('127.0.0.1', server.port, timeout=20) as channel,
        pytest.raises(modules.ServerUnreachable, match='more than 16384 bytes without an end'),
    ):
        channel.request('add-module', {})


def test_an_answer_of_brackets_alone_is_no_answer(serve: Any) -> None:
    _, client = serve(text(b'[' * 3_000_000 + b'\n'))
    with pytest.raises(ProtocolError, match='Expected a JSON answer'):
        client.simplify(PATTERN)


def test_half_an_answer_is_a_lost_connection() -> None:
    with socket.create_server(('127.0.0.1', 0)) as listener:
        client = ProverClient('127.0.0.1', listener.getsockname()[1])
        connection, _ = listener.accept()
        connection.sendall(b'{"jsonrpc": "2.0", "id"')
        connection.shutdown(socket.SHUT_WR)
        with pytest.raises(ConnectionLost, match='23 bytes'):
            client.simplify(PATTERN)
        client.close()
        connection.close()


def test_no_server_is_an_infrastructure_error() -> None:
    with socket.create_server(('127.0.0.1', 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionLost, match=str(port)):
        ProverClient('127.0.0.1', port)


def test_an_interrupt_ends_a_request_at_once_and_tells_the_server(serve: Any) -> None:
    never = threading.Event()

    def script(request: dict[str, Any]) -> bytes | None:
        never.wait()
        return b''

    server, client = serve(script)
    caught: list[BaseException] = []

    def request() -> None:
        try:
            client.simplify(PATTERN)
        except BaseException as err:
            caught.append(err)

    thread = threading.Thread(target=request)
    thread.start()
    assert server.received.wait(10)
    client.connection.interrupt()
    client.connection.interrupt()
    thread.join(10)
    never.set()
    assert [type(err) for err in caught] == [Interrupted]
    assert server.cancelled.wait(10)
    with pytest.raises(InfrastructureError):
        client.simplify(PATTERN)
