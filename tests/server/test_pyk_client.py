"""pyk's own server class and client on this server."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from embedded import EmbeddedServer
from kore_small import DEFINITION, configuration, rule
from kore_text import i
from pyk.kore.parser import KoreParser
from pyk.kore.rpc import (
    BranchingResult,
    CutPointResult,
    DefaultError,
    DepthBoundResult,
    DuplicateModuleError,
    ImplicationError,
    InvalidModuleError,
    KoreClient,
    KoreExecLogFormat,
    ParseError,
    PatternError,
    SatResult,
    StuckResult,
    TerminalResult,
    UnknownModuleError,
    UnsatResult,
)
from pyk.kore.syntax import EVar, Pattern

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOP = 'SortGeneratedTopCell{}'


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    folder: Path = tmp_path_factory.mktemp('kompiled')
    (folder / 'definition.kore').write_text(DEFINITION)
    with EmbeddedServer(
        folder,
        'SMALL',
        smt_timeout=1000,
        smt_retry_limit=2,
        smt_reset_interval=100,
        smt_tactic='(check-sat-using smt)',
        log_axioms_file=folder / 'log.txt',
        haskell_log_format=KoreExecLogFormat.ONELINE,
        haskell_log_entries=['DebugTerm', 'DebugApplyEquation'],
    ) as running:
        yield running


@pytest.fixture
def client(server: EmbeddedServer) -> Iterator[KoreClient]:
    with KoreClient('localhost', server.port, timeout=5000) as connected:
        yield connected


def parsed(text: str) -> Pattern:
    return KoreParser(text).pattern()


def state(program: str, total: str = '0') -> Pattern:
    return parsed(configuration(program, i(int(total)) if total.lstrip('-').isdigit() else total))


def bounded(pattern: Pattern, *conditions: str) -> Pattern:
    parts = [f'\\equals{{SortBool{{}}, {TOP}}}(\\dv{{SortBool{{}}}}("true"), {one})' for one in conditions]
    return parsed(f'\\and{{{TOP}}}({pattern.text}, {", ".join(parts)})')


def test_every_stop_reason_is_understood(client: KoreClient) -> None:
    three = state('Lblcount{}(\\dv{SortInt{}}("3"))')
    assert isinstance(client.execute(three, log_successful_rewrites=True), StuckResult)
    assert isinstance(client.execute(three, max_depth=1), DepthBoundResult)
    assert isinstance(client.execute(three, cut_point_rules=['SMALL.done']), CutPointResult)
    assert isinstance(client.execute(three, terminal_rules=['SMALL.done']), TerminalResult)
    result = client.execute(state('Lblsign{}(VarX:SortInt{})'), haskell_logging=['DebugTerm'])
    assert isinstance(result, BranchingResult)
    assert all(one.rule_predicate is not None for one in result.next_states)
    assert result.next_states[0].rule_substitution
    assert EVar('VarX', 'SortInt') not in (result.state.substitution or {})


def test_implications_and_their_substitutions(client: KoreClient) -> None:
    antecedent = bounded(state('Lblstop{}()', 'VarX:SortInt{}'), 'LblgtInt{}(VarX:SortInt{}, \\dv{SortInt{}}("3"))')
    consequent = parsed(f'\\exists{{{TOP}}}(VarZ:SortInt{{}}, {state("Lblstop{}()", "VarZ:SortInt{}").text})')
    result = client.implies(antecedent, consequent)
    assert result.valid
    assert result.substitution is not None
    assert result.predicate is not None
    with pytest.raises(ImplicationError):
        client.implies(antecedent, state('Lblstop{}()', 'VarFree:SortInt{}'))


def test_simplification_and_models(client: KoreClient) -> None:
    simplified, _, _ = client.simplify(state('Lblstop{}()', f'Lbladd{{}}({i(2)}, {i(3)})'))
    assert simplified == state('Lblstop{}()', '5')
    x = 'VarX:SortInt{}'
    found = client.get_model(bounded(state('Lblstop{}()', x), f'LblgtInt{{}}({x}, {i(3)})'))
    assert isinstance(found, SatResult)
    assert found.model is not None
    assert isinstance(
        client.get_model(bounded(state('Lblstop{}()', x), f'LblgtInt{{}}({x}, {x})')),
        UnsatResult,
    )


def test_modules_and_their_errors(client: KoreClient) -> None:
    def module(result: int, imported: str = 'SMALL', name: str = 'ADDED') -> str:
        left = configuration('Lblstop{}()', 'VarS:SortInt{}')
        right = configuration('', i(result))
        return f'module {name} import {imported} [] {rule(left, right, "ADDED.stop")} endmodule []'

    ident = client.add_module(KoreParser(module(5)).module(), name_as_id=True)
    for name in (ident, 'ADDED'):
        assert client.execute(state('Lblstop{}()'), module_name=name).depth == 1
    with pytest.raises(DuplicateModuleError):
        client.add_module(KoreParser(module(6)).module(), name_as_id=True)
    with pytest.raises(InvalidModuleError):
        client.add_module(KoreParser(module(6, 'NOWHERE')).module())
    with pytest.raises(UnknownModuleError):
        client.execute(state('Lblstop{}()'), module_name='NOWHERE')


def test_errors_become_pyks_exceptions(client: KoreClient) -> None:
    with pytest.raises(PatternError) as caught:
        client.execute(state('Lblnowhere{}()'))
    assert 'Lblnowhere' in str(caught.value)
    with pytest.raises(ParseError):
        client._request('add-module', module='module X')


def test_an_interrupt_from_another_thread_ends_the_request_and_not_the_connection(client: KoreClient) -> None:
    timer = threading.Timer(0.3, client.interrupt)
    timer.start()
    started = time.monotonic()
    with pytest.raises(DefaultError) as caught:
        client.execute(state(f'Lblcount{{}}({i(10**9)})'))
    assert caught.value.code == -32000
    assert time.monotonic() - started < 3
    assert isinstance(client.execute(state(f'Lblcount{{}}({i(1)})')), StuckResult)
