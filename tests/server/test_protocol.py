"""The running server, through a socket: its methods, their answers and their error codes."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from kore_small import configuration, rule
from kore_text import both, i, truth
from requests_small import FOREVER, counting, pattern, sum_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from serving import Served


def test_execute_to_the_end(served: Served) -> None:
    with served.client() as client:
        answer = client.ask('execute', state=counting(i(10)))
        assert answer['id'] == 1
        assert answer['jsonrpc'] == '2.0'
        result = answer['result']
        assert (result['reason'], result['depth'], sum_of(result)) == ('stuck', 11, '55')
        assert 'logs' not in result


def test_execute_stops_where_it_is_told(served: Served) -> None:
    with served.client() as client:
        result = client.ask('execute', state=counting(i(10)), max_depth=3)['result']
        assert (result['reason'], result['depth'], sum_of(result)) == ('depth-bound', 3, '27')
        result = client.ask('execute', state=counting(i(3)), max_depth=0)['result']
        assert (result['reason'], result['depth']) == ('depth-bound', 0)
        result = client.ask('execute', state=counting(i(2)), cut_point_rules=['SMALL.done'])['result']
        assert (result['reason'], result['depth'], result['rule']) == ('cut-point-rule', 2, 'SMALL.done')
        assert len(result['next-states']) == 1
        result = client.ask('execute', state=counting(i(2)), terminal_rules=['SMALL.count'])['result']
        assert (result['reason'], result['depth'], result['rule']) == ('terminal-rule', 1, 'SMALL.count')


def test_branches_are_exhaustive_and_carry_their_conditions(served: Served) -> None:
    with served.client() as client:
        result = client.ask('execute', state=pattern(configuration('Lblsign{}(VarX:SortInt{})', i(0))))['result']
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
        result = client.ask('execute', state=counting(i(1)), log_successful_rewrites=True)['result']
        assert [entry['result']['tag'] for entry in result['logs']] == ['success', 'success']
        assert {entry['tag'] for entry in result['logs']} == {'rewrite'}
        result = client.ask('execute', state=counting(i(1)), log_timing=True)['result']
        assert [entry['tag'] for entry in result['logs']] == ['processing-time']


def constrained(text: str, bound: str) -> dict[str, Any]:
    return pattern(both(text, truth(bound)))


def test_implies_answers_in_both_dialects(served: Served) -> None:
    left = constrained(configuration('Lblstop{}()', 'VarX:SortInt{}'), f'LblgtInt{{}}(VarX:SortInt{{}}, {i(3)})')
    weaker = constrained(configuration('Lblstop{}()', 'VarX:SortInt{}'), f'LblgtInt{{}}(VarX:SortInt{{}}, {i(2)})')
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
        text = configuration('Lblstop{}()', f'Lbladd{{}}({i(2)}, Lblmul{{}}({i(3)}, {i(4)}))')
        result = client.ask('simplify', state=pattern(text))['result']
        assert result['state'] == pattern(configuration('Lblstop{}()', i(14)))


def test_get_model(served: Served) -> None:
    x = 'VarX:SortInt{}'
    with served.client() as client:

        def model(*bounds: str) -> Any:
            return client.ask('get-model', state=pattern(both(*map(truth, bounds))))['result']

        result = model(f'LblgtInt{{}}({x}, {i(3)})', f'LblltInt{{}}({x}, {i(5)})')
        assert result['satisfiable'] == 'Sat'
        equation = result['substitution']['term']
        assert (equation['tag'], equation['first']['name'], equation['second']['value']) == ('Equals', 'VarX', '4')
        assert model(f'LblgtInt{{}}({x}, {i(3)})', f'LblltInt{{}}({x}, {i(4)})') == {'satisfiable': 'Unsat'}
        assert model(f'LbleqInt{{}}({i(1)}, {i(1)})') == {'satisfiable': 'Sat'}
        # A partial function without equations, and a hook that z3 is told nothing of.
        assert model(f'LblgtInt{{}}(Lblunknown{{}}({x}), {x})') == {'satisfiable': 'Unknown'}
        assert model(f'LbleqInt{{}}({x}, Lblxor{{}}({x}, {i(256)}))') == {'satisfiable': 'Unknown'}
        assert client.ask('get-model', state=counting(x))['result'] == {'satisfiable': 'Unknown'}


# Modules ----------------------------------------------------------------------------------------------------------


def module(name: str, result: int, imported: str = 'SMALL') -> str:
    """A module with one rule, of higher priority than the others: stop becomes the end with `result`."""
    left, right = (
        configuration('Lblstop{}()', 'VarS:SortInt{}', 'VarR:SortK{}'),
        configuration('', i(result), 'VarR:SortK{}'),
    )
    return f'module {name}\n  import {imported} []\n{rule(left, right, f"{name}.stop", priority=20)}\nendmodule []'


def test_modules_are_shared_by_all_connections(served: Served) -> None:
    text = module('SHARED', 7)
    ident = 'm' + hashlib.sha256(text.encode()).hexdigest()
    stop = pattern(configuration('Lblstop{}()', i(0)))
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


ENVELOPE = pattern(i(1))


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
        configuration('Lblnowhere{}()', i(0)),
        configuration('Lblstop{}()', '\\dv{SortInt{}}("x")'),
        configuration('Lblstop{}()', '\\dv{SortBool{}}("true")'),
        configuration('Lblpair{}(VarX:SortInt{})', i(0)),
        configuration('VarP:SortString{}', i(0)),
        configuration('VarP:SortNowhere{}', i(0)),
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
