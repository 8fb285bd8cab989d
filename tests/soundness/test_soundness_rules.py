"""The server must not conclude what does not hold: rules of a definition made to tempt it.

For every case that must not be concluded there is one beside it, where that costs nothing, that must be: a server that
never says anything is no server.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from kore_cases import elements, items, mapping, state
from kore_text import app, b, ceil, i, inj, nope, same, some, true, v
from service import Asking
from tempting import L, M, S, X, Y, Z, under

if TYPE_CHECKING:
    pass

# -- what lower priorities may do ------------------------------------------------------------------------

TEMPTING = [
    pytest.param(app('literal', X), id='an unknown integer may be the literal'),
    pytest.param(app('conditional', X), id='a condition that may hold'),
    pytest.param(app('cubes', X, Y, Z), id='a condition that the solver does not decide'),
    pytest.param(app('nonlinear', X, Y), id='two variables that may be equal'),
    pytest.param(app('unsure', X), id='a condition without meaning to the solver'),
    pytest.param(app('division', X), id='a condition that may have no value'),
    pytest.param(app('anyMap', M), id='an unknown map may have the key'),
    pytest.param(app('anyMap', mapping((X, i(2)))), id='an unknown key may be the key'),
    pytest.param(app('anyMap', mapping((i(2), i(2)), M)), id='the rest of a map may have the key'),
    pytest.param(
        app('anyMap', app('update', M, inj(i(2), 'Int'), inj(X, 'Int'))), id='an updated map may have the key'
    ),
    pytest.param(app('emptyMap', M), id='an unknown map may be empty'),
    pytest.param(app('keys', mapping((i(1), i(2))), X), id='an unknown key may be the only one'),
    pytest.param(app('keys', M, X), id='an unknown key may be in an unknown map'),
    pytest.param(app('two', mapping((i(1), X), (i(2), Y))), id='two values of a map may be equal'),
    pytest.param(app('two', mapping((i(1), X), M)), id='two values of an unknown map may be equal'),
    pytest.param(app('anySet', S), id='an unknown set may have the element'),
    pytest.param(app('anySet', elements(X)), id='an unknown element may be the element'),
    pytest.param(app('anyList', L), id='an unknown list may begin with the item'),
    pytest.param(app('anyList', items(X, rest=[L])), id='an unknown item may be the item'),
    pytest.param(app('anyList', app('lists', L, items(i(1)))), id='what stands before may be empty'),
    pytest.param(app('lastOf', app('lists', items(i(1)), L)), id='what stands behind may be empty'),
    pytest.param(app('lastOf', L), id='an unknown list may end with the item'),
    pytest.param(app('kind', v('I', 'KItem')), id='an unknown item may be of the sort'),
    pytest.param(app('kind', inj(v('R', 'Right'), 'Right')), id='a value of another sort may be of a common subsort'),
    pytest.param(app('exp', v('E', 'Exp')), id='an unknown expression may be a pair'),
    pytest.param(
        app('exp', inj(app('pairVal', v('P', 'Val'), v('Q', 'Val')), 'Val', 'Exp')),
        id='a pair of values is an overloaded pair',
    ),
    pytest.param(app('exp', inj(v('P', 'Val'), 'Val', 'Exp')), id='an unknown value may be an overloaded pair'),
]


@pytest.mark.parametrize('control', TEMPTING)
def test_a_rule_that_may_apply_is_not_passed_over(ask: Asking, control: str) -> None:
    names, complete = ask.outcomes(state(control))
    assert not complete or 'done' in names


@pytest.mark.parametrize(
    ('control', 'name'),
    [
        (app('literal', i(0)), 'done'),
        (app('literal', i(1)), 'other'),
        (app('conditional', i(1)), 'done'),
        (app('conditional', i(0)), 'other'),
        (app('nonlinear', X, X), 'done'),
        (app('nonlinear', i(1), i(2)), 'other'),
        (app('division', i(0)), 'other'),
        (app('division', i(3)), 'done'),
        (app('anyMap', mapping((i(2), X), (i(3), Y))), 'other'),
        (app('anyMap', mapping((i(2), X), (i(1), Y), M)), 'done'),
        (app('emptyMap', mapping((X, Y), M)), 'other'),
        (app('keys', mapping((X, Y), M), X), 'done'),
        (app('two', mapping((i(1), X), (i(2), X))), 'done'),
        (app('two', mapping((i(1), i(1)), (i(2), i(2)))), 'other'),
        (app('anySet', elements(i(2))), 'other'),
        (app('anySet', elements(i(1), rest=[S])), 'done'),
        (app('anyList', items(i(2), rest=[L])), 'other'),
        (app('anyList', items(i(1), rest=[L])), 'done'),
        (app('lastOf', app('lists', L, items(i(2)))), 'other'),
        (app('kind', inj(app('common'), 'Common')), 'done'),
        (app('kind', inj(X, 'Int')), 'other'),
    ],
)
def test_a_rule_that_certainly_applies_is_applied(ask: Asking, control: str, name: str) -> None:
    assert ask.outcomes(state(control)) == ({name}, True)


@pytest.mark.parametrize('control', ['literal', 'conditional', 'division', 'unsure', 'partly'])
@pytest.mark.parametrize('value', [-4, -1, 0, 1, 2, 3, 4, 11])
def test_the_branches_of_a_state_cover_all_its_instances(ask: Asking, control: str, value: int) -> None:
    """Where a branch is possible under a value, the value by itself must lead there, and the other way round."""
    alone, complete = ask.outcomes(state(app(control, i(value))))
    split, also = ask.outcomes(state(app(control, X), same(X, i(value))))
    assert split >= alone
    assert complete or not also
    result = ask.step(state(app(control, X)))
    if result.next_states is None:
        return
    possible = set()
    for each in result.next_states:
        bound = f'\\and{{SortGeneratedTopCell{{}}}}({each.kore.text}, {same(X, i(value))})'
        if not ask.impossible(bound):
            possible.add(next(name for name in ('done', 'other', control) if f'Lbl{name}{{' in each.kore.text))
    assert possible >= (alone if complete else {control})


# -- right sides -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('control', 'undefined'),
    [
        pytest.param(app('divide', X, Y), same(Y, i(0)), id='division by zero'),
        pytest.param(app('product', X, Y), same(Y, i(0)), id='division by zero under a product with zero'),
        pytest.param(app('makeMap', X, Y), same(X, Y), id='a map with two equal keys'),
        pytest.param(app('without', X, Y), same(X, Y), id='a part of a map with two equal keys'),
        pytest.param(app('extend', M), true(app('inKeys', inj(i(1), 'Int'), M)), id='a map that has the key'),
        pytest.param(app('partial', X), nope(ceil(app('maybe', X))), id='a partial function'),
        pytest.param(app('look', M, X), nope(true(app('inKeys', inj(X, 'Int'), M))), id='a missing key'),
        pytest.param(app('look', mapping((i(1), i(2))), X), nope(same(X, i(1))), id='another key'),
    ],
)
def test_a_state_that_leads_to_no_value_is_stuck(ask: Asking, control: str, undefined: str) -> None:
    assert not ask.outcomes(state(control))[1]
    assert not ask.outcomes(state(control, undefined))[1]


@pytest.mark.parametrize(
    ('control', 'defined'),
    [
        (app('divide', X, Y), nope(same(Y, i(0)))),
        (app('makeMap', X, Y), nope(same(X, Y))),
        (app('partial', X), ceil(app('maybe', X))),
        (app('extend', M), nope(true(app('inKeys', inj(i(1), 'Int'), M)))),
    ],
)
def test_a_state_that_leads_to_a_value_goes_on(ask: Asking, control: str, defined: str) -> None:
    names, complete = ask.outcomes(state(control, defined))
    assert complete
    assert len(names) == 1


def test_variables_of_rules_and_of_states_are_apart(ask: Asking) -> None:
    result = ask.step(state(app('swapped', Y, X)))
    assert ask.implies(result.state.kore.text, state(app('ints', X, Y)))
    assert not ask.implies(result.state.kore.text, state(app('ints', Y, X)))
    assert 'LblsubLbl' not in ask.simplify(under(true(b(True)), app('swap', Y, X))).text
    assert ask.implies(state(app('int', app('swap', Y, X))), state(app('int', app('sub', X, Y))))
    assert not ask.implies(state(app('int', app('swap', Y, X))), state(app('int', app('sub', Y, X))))


def test_what_a_rule_invents_is_new(ask: Asking) -> None:
    made = ask.step(state(app('invent', Y))).state.kore.text
    assert not ask.implies(made, state(app('ints', Y, Y)))
    assert ask.implies(made, some(Z, state(app('ints', Y, Z))))
    more = ask.step(state(app('inventMore', Y))).state.kore.text
    assert ask.implies(more, some(Z, state(app('ints', Y, Z), true(app('lt', Y, Z)))))
    assert not ask.implies(more, some(Z, state(app('ints', Y, Z), true(app('lt', app('add', Y, i(1)), Z)))))


def test_what_is_invented_twice_is_not_the_same(ask: Asking) -> None:
    first = ask.step(state(app('invent', Y))).state.kore.text
    (name,) = set(re.findall(r'(\S+) : SortInt', first.replace('(', ' ').replace(',', ' '))) - {'VarY'}
    second = ask.step(state(app('invent', f'{name}:SortInt{{}}'))).state.kore.text
    assert not ask.implies(second, state(app('ints', f'{name}:SortInt{{}}', f'{name}:SortInt{{}}')))


def test_an_ensures_that_cannot_hold_leads_nowhere(ask: Asking) -> None:
    assert ask.outcomes(state(app('never', X)))[0] == set()
