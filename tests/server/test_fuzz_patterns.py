"""Random patterns, well-formed or nearly so, sent to a running server: every answer is a result or a protocol error.

Code -32002 would be a defect of the server and is not accepted, apart from what exceeds a stated limit. The number of
examples is multiplied by the environment variable FUZZ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fuzzing import TIMES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kore_small import HOOKS, configuration
from serving import serve, state

from kprover.server.parse import parse_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from serving import Client, Served

EXAMPLES = 60 * TIMES
TOP = 'SortGeneratedTopCell'
SORTS = st.sampled_from(['SortInt', 'SortBool', 'SortK', 'SortKItem', 'SortPgm', 'SortMap', 'SortId', TOP]).map(
    lambda name: {'tag': 'SortApp', 'name': name, 'args': []}
)
NAMES = st.sampled_from(['VarX', 'VarY', 'VarZ'])
SIGNATURE = {
    'Lblpair': 2,
    'Lblstop': 0,
    'Lblcount': 1,
    'Lblsign': 1,
    'Lblwrap': 1,
    'Lblunknown': 1,
    'kseq': 2,
    'dotk': 0,
    "Lbl'-LT-'k'-GT-'": 1,
    "Lbl'-LT-'sum'-GT-'": 1,
    "Lbl'-LT-'generatedTop'-GT-'": 2,
    "Lbl'Stop'Map": 0,
    "Lbl'Unds'Map'Unds'": 2,
    "Lbl'UndsPipe'-'-GT-Unds'": 2,
    'LblListItem': 1,
    **{name: len(args.split()) for name, args, _, _ in HOOKS.values() if 'Coln' not in name and ':' not in name},
}
VALUES = st.sampled_from(['0', '1', '-3', 'true', 'x', ''])


def application(inner: Any) -> Any:
    return st.sampled_from(sorted(SIGNATURE)).flatmap(
        lambda name: st.builds(
            lambda args: {'tag': 'App', 'name': name, 'sorts': [], 'args': args},
            st.lists(inner, min_size=SIGNATURE[name], max_size=SIGNATURE[name]),
        )
    )


def injection(inner: Any) -> Any:
    return st.builds(
        lambda a, b, arg: {'tag': 'App', 'name': 'inj', 'sorts': [a, b], 'args': [arg]}, SORTS, SORTS, inner
    )


def connective(inner: Any) -> Any:
    def build(tag: str, **fields: Any) -> Any:
        return st.fixed_dictionaries({'tag': st.just(tag), **fields})

    return st.one_of(
        build('And', sort=SORTS, patterns=st.lists(inner, max_size=3)),
        build('Or', sort=SORTS, patterns=st.lists(inner, max_size=3)),
        build('And', sort=SORTS, first=inner, second=inner),
        build('Not', sort=SORTS, arg=inner),
        build('Implies', sort=SORTS, first=inner, second=inner),
        build('Iff', sort=SORTS, first=inner, second=inner),
        build('Equals', argSort=SORTS, sort=SORTS, first=inner, second=inner),
        build('In', argSort=SORTS, sort=SORTS, first=inner, second=inner),
        build('Ceil', argSort=SORTS, sort=SORTS, arg=inner),
        build('Floor', argSort=SORTS, sort=SORTS, arg=inner),
        build('Exists', sort=SORTS, var=NAMES, varSort=SORTS, arg=inner),
        build('Forall', sort=SORTS, var=NAMES, varSort=SORTS, arg=inner),
        build('Mu', var=NAMES, varSort=SORTS, arg=inner),
        build('Rewrites', sort=SORTS, source=inner, dest=inner),
        build('Next', sort=SORTS, dest=inner),
        build('LeftAssoc', symbol=st.just("Lbl'Unds'Map'Unds'"), sorts=st.just([]), argss=st.lists(inner, max_size=3)),
    )


# Well-sorted terms: (symbol, argument sorts) by result.
BY_RESULT: dict[str, list[tuple[str, list[str]]]] = {}
for _name, _args, _result in [
    *((name, args, result) for name, args, result, _ in HOOKS.values() if ':' not in name),
    ('Lblpair', 'Int Int', 'Pgm'),
    ('Lblstop', '', 'Pgm'),
    ('Lblcount', 'Int', 'Pgm'),
    ('Lblsign', 'Int', 'Pgm'),
    ('Lblwrap', 'Pgm', 'Pgm'),
    ('Lblunknown', 'Int', 'Int'),
    ('Lbldeclared', 'Int', 'Int'),
    ('LbllittleEndianBytes', '', 'Endianness'),
    ('LblunsignedBytes', '', 'Signedness'),
    ("Lbl'Stop'Map", '', 'Map'),
    ("Lbl'Unds'Map'Unds'", 'Map Map', 'Map'),
    ("Lbl'UndsPipe'-'-GT-Unds'", 'KItem KItem', 'Map'),
    ('LblSetItem', 'KItem', 'Set'),
    ("Lbl'Unds'Set'Unds'", 'Set Set', 'Set'),
    ('LblListItem', 'KItem', 'List'),
    ("Lbl'Unds'List'Unds'", 'List List', 'List'),
]:
    BY_RESULT.setdefault(_result, []).append((_name, _args.split()))
LITERALS = {
    'Int': ['0', '1', '-3', '7'],
    'Bool': ['true', 'false'],
    'String': ['', 'ab', '12'],
    'Bytes': ['', 'a'],
    'Id': ['x'],
}


def sort_json(name: str) -> Any:
    return {'tag': 'SortApp', 'name': 'Sort' + name, 'args': []}


def sorted_term(sort: str, depth: int) -> Any:
    """Return a strategy for well-sorted terms of `sort`."""
    options = [
        st.sampled_from('XY').map(lambda name: {'tag': 'EVar', 'name': f'Var{name}{sort}', 'sort': sort_json(sort)})
    ]
    if sort in LITERALS:
        options.append(
            st.sampled_from(LITERALS[sort]).map(lambda text: {'tag': 'DV', 'sort': sort_json(sort), 'value': text})
        )
    if sort == 'K':
        item = st.deferred(lambda: sorted_term('KItem', depth - 1))
        dot = {'tag': 'App', 'name': 'dotk', 'sorts': [], 'args': []}
        options.append(item.map(lambda one: {'tag': 'App', 'name': 'kseq', 'sorts': [], 'args': [one, dot]}))
    if sort == 'KItem':
        below = st.sampled_from(['Int', 'Bool', 'Pgm', 'Map', 'List', 'Id', 'String'])
        options.append(
            below.flatmap(
                lambda one: sorted_term(one, depth - 1).map(
                    lambda inner: {
                        'tag': 'App',
                        'name': 'inj',
                        'sorts': [sort_json(one), sort_json('KItem')],
                        'args': [inner],
                    }
                )
            )
        )
    if depth > 0 and sort in BY_RESULT:
        options.append(
            st.sampled_from(BY_RESULT[sort]).flatmap(
                lambda entry: st.tuples(*(sorted_term(one, depth - 1) for one in entry[1])).map(
                    lambda args: {'tag': 'App', 'name': entry[0], 'sorts': [], 'args': list(args)}
                )
            )
        )
    return st.one_of(options)


def sorted_predicate(depth: int) -> Any:
    """Return a strategy for well-sorted predicates at the sort of configurations."""
    top = sort_json('GeneratedTopCell')

    def relation(sort: str) -> Any:
        term = sorted_term(sort, 3)
        return st.builds(
            lambda tag, a, b: {'tag': tag, 'argSort': sort_json(sort), 'sort': top, 'first': a, 'second': b},
            st.sampled_from(['Equals', 'Equals', 'In']),
            term,
            term,
        )

    options = [
        st.sampled_from(['Bool', 'Bool', 'Int', 'K', 'KItem', 'Map', 'Set', 'List', 'Pgm', 'Id']).flatmap(relation),
        st.sampled_from(['Int', 'Bool', 'Map', 'Bytes'])
        .flatmap(lambda sort: st.tuples(st.just(sort), sorted_term(sort, 3)))
        .map(lambda pair: {'tag': 'Ceil', 'argSort': sort_json(pair[0]), 'sort': top, 'arg': pair[1]}),
    ]
    if depth > 0:
        inner = st.deferred(lambda: sorted_predicate(depth - 1))
        options += [
            st.builds(lambda one: {'tag': 'Not', 'sort': top, 'arg': one}, inner),
            st.builds(
                lambda tag, some: {'tag': tag, 'sort': top, 'patterns': some},
                st.sampled_from(['And', 'Or']),
                st.lists(inner, max_size=3),
            ),
            st.builds(
                lambda tag, a, b: {'tag': tag, 'sort': top, 'first': a, 'second': b},
                st.sampled_from(['Implies', 'Iff']),
                inner,
                inner,
            ),
            st.builds(
                lambda tag, sort, one: {
                    'tag': tag,
                    'sort': top,
                    'var': f'VarX{sort}',
                    'varSort': sort_json(sort),
                    'arg': one,
                },
                st.sampled_from(['Exists', 'Forall']),
                st.sampled_from(['Int', 'Map', 'K']),
                inner,
            ),
        ]
    return st.one_of(options)


def cell(name: str, arg: Any) -> Any:
    return {'tag': 'App', 'name': name, 'sorts': [], 'args': [arg]}


CONFIGURATIONS = st.builds(
    lambda k, total: {
        'tag': 'App',
        'name': "Lbl'-LT-'generatedTop'-GT-'",
        'sorts': [],
        'args': [cell("Lbl'-LT-'k'-GT-'", k), cell("Lbl'-LT-'sum'-GT-'", total)],
    },
    sorted_term('K', 3),
    sorted_term('Int', 3),
)
WELL_SORTED = st.builds(
    lambda body, conditions: {'tag': 'And', 'sort': sort_json('GeneratedTopCell'), 'patterns': [body, *conditions]},
    CONFIGURATIONS,
    st.lists(sorted_predicate(2), max_size=3),
)

LEAVES = st.one_of(
    st.builds(lambda name, sort: {'tag': 'EVar', 'name': name, 'sort': sort}, NAMES, SORTS),
    st.builds(lambda sort, value: {'tag': 'DV', 'sort': sort, 'value': value}, SORTS, VALUES),
    st.builds(lambda tag, sort: {'tag': tag, 'sort': sort}, st.sampled_from(['Top', 'Bottom']), SORTS),
    st.just({'tag': 'String', 'value': 'x'}),
    st.just({'tag': 'SVar', 'name': '@X', 'sort': {'tag': 'SortApp', 'name': 'SortInt', 'args': []}}),
)
PATTERNS = st.recursive(
    LEAVES, lambda inner: st.one_of(application(inner), injection(inner), connective(inner)), max_leaves=12
)
BODY = parse_pattern(configuration('Lblcount{}(VarX:SortInt{})', 'VarY:SortInt{}'))
CONSTRAINED = PATTERNS.map(
    lambda one: {'tag': 'And', 'sort': {'tag': 'SortApp', 'name': TOP, 'args': []}, 'patterns': [BODY, one]}
)
SENT = st.one_of(PATTERNS, CONSTRAINED, WELL_SORTED, WELL_SORTED)
DAMAGE = st.sampled_from([None, 7, 'x', [], {}, {'tag': 'App'}, {'tag': 7}, True])


@pytest.fixture(scope='module')
def served(file: Path) -> Iterator[Served]:
    with serve(file, 'SMALL', '--smt-timeout', '100', '--smt-retry-limit', '0') as server:
        yield server


@pytest.fixture(scope='module')
def client(served: Served) -> Iterator[Client]:
    with served.client(30) as connected:
        yield connected


def damaged(pattern: Any, where: int, what: Any) -> Any:
    """Return `pattern` with one of its parts, counted from the top, replaced or removed."""
    count = [where]

    def go(value: Any) -> Any:
        count[0] -= 1
        if count[0] == 0:
            return what
        if isinstance(value, dict):
            return {key: go(one) for key, one in value.items()}
        if isinstance(value, list):
            return [go(one) for one in value]
        return value

    return go(pattern)


def acceptable(answer: Any, method: str) -> None:
    assert answer is not None, 'the connection has been closed'
    if 'error' in answer:
        error = answer['error']
        assert error['code'] in (-32602, 2, 4), error
        if error['code'] in (2, 4):
            assert isinstance(error['data']['error'], str)
            assert all(isinstance(one, str) for one in error['data']['context'])
        return
    result = answer['result']
    expected = {'execute': 'reason', 'simplify': 'state', 'implies': 'valid', 'get-model': 'satisfiable'}[method]
    assert expected in result


quietly = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@quietly
@given(SENT, st.sampled_from(['execute', 'simplify', 'get-model']))
def test_states(client: Client, pattern: Any, method: str) -> None:
    acceptable(client.ask(method, state=state(pattern), **({'max-depth': 3} if method == 'execute' else {})), method)


@quietly
@given(SENT, SENT)
def test_implications(client: Client, antecedent: Any, consequent: Any) -> None:
    acceptable(client.ask('implies', antecedent=state(antecedent), consequent=state(consequent)), 'implies')


@quietly
@given(SENT, st.sampled_from(['execute', 'simplify', 'get-model']), st.integers(2, 60), DAMAGE)
def test_damaged_patterns(client: Client, pattern: Any, method: str, where: int, what: Any) -> None:
    sent = state(damaged(pattern, where, what))
    acceptable(client.ask(method, state=sent, **({'max-depth': 3} if method == 'execute' else {})), method)
