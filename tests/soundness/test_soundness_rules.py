"""The server must not conclude what does not hold: small definitions made to tempt it.

Each definition is one in which a server that overlooks a rule of its trade would be wrong. For every case that must not
be concluded there is one beside it, where that costs nothing, that must be: a server that never says anything is no
server.
"""
# ruff: noqa: E501 -- a table of cases, one to a line

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from kore_text import (
    MODULE,
    TOP,
    app,
    b,
    both,
    ceil,
    ctl,
    definition,
    elements,
    equation,
    every,
    i,
    inj,
    items,
    k,
    mapping,
    nope,
    rule,
    same,
    some,
    state,
    subsort,
    symbol,
    true,
    v,
)
from service import Asking, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

X, Y, Z = v('X'), v('Y'), v('Z')
M, N, S, L = v('M', 'Map'), v('N', 'Map'), v('S', 'Set'), v('L', 'List')


def cube(term: str) -> str:
    return app('mul', app('mul', term, term), term)


SENTENCES = [
    ctl(
        'int Int',
        'ints Int Int',
        'triple Int Int Int',
        'map Map',
        'set Set',
        'list List',
        'item0 KItem',
        'done',
        'other',
    ),
    # -- functions
    symbol('known', 'Int', 'Bool', 'function', 'total', 'no-evaluators'),
    symbol('number', 'Int', 'Int', 'function', 'total', 'no-evaluators'),
    symbol('maybe', 'Int', 'Int', 'function', 'no-evaluators'),
    symbol('byKnown', 'Int', 'Int', 'function', 'total'),
    equation(app('byKnown', X), 'Int', i(1), requires=app('known', X)),
    equation(app('byKnown', X), 'Int', i(2), requires=app('not', app('known', X))),
    symbol('zero', 'Int', 'Int', 'function', 'total'),
    equation(app('zero', i(0)), 'Int', i(1)),
    equation(app('zero', X), 'Int', i(2), 'owise'),
    symbol('either', 'Int Int', 'Int', 'function', 'total'),
    equation(app('either', i(0), X), 'Int', i(1), 'priority{}("40")'),
    equation(app('either', X, i(0)), 'Int', i(2)),
    equation(app('either', X, Y), 'Int', i(3), 'owise'),
    symbol('twice', 'Int Int', 'Int', 'function', 'total'),
    equation(app('twice', X, X), 'Int', i(1)),
    equation(app('twice', X, Y), 'Int', i(2), 'owise'),
    symbol('swap', 'Int Int', 'Int', 'function', 'total'),
    equation(app('swap', X, Y), 'Int', app('sub', Y, X)),
    symbol('isInt', 'KItem', 'Bool', 'function', 'total'),
    equation(app('isInt', inj(X, 'Int')), 'Bool', b(True)),
    equation(app('isInt', v('I', 'KItem')), 'Bool', b(False), 'owise'),
    symbol('holds', 'Map', 'Int', 'function', 'total'),
    equation(app('holds', mapping((i(1), Y), M)), 'Int', i(1)),
    equation(app('holds', M), 'Int', i(2), 'owise'),
    # -- simplifications
    symbol('ifConcrete', 'Int', 'Int', 'function', 'total', 'no-evaluators'),
    equation(app('ifConcrete', X), 'Int', i(1), 'concrete', simplification=True),
    symbol('ifSymbolic', 'Int', 'Int', 'function', 'total', 'no-evaluators'),
    equation(app('ifSymbolic', X), 'Int', i(1), f'symbolic{{}}({X})', simplification=True),
    symbol('endless', 'Int', 'Int', 'function', 'total', 'no-evaluators'),
    equation(app('endless', X), 'Int', app('endless', app('add', X, i(1))), simplification=True),
    symbol('around', 'Int Int', 'Int', 'function', 'total', 'no-evaluators'),
    equation(app('around', X, Y), 'Int', app('around', Y, X), simplification=True),
    symbol('guarded', 'Int', 'Int', 'function', 'total', 'no-evaluators'),
    equation(app('guarded', X), 'Int', i(1), requires=app('lt', i(0), X), simplification=True),
    # -- sorts: Left and Right have Common below them
    'sort SortLeft{} []',
    'sort SortRight{} []',
    'sort SortCommon{} []',
    'sort SortApart{} []',
    symbol('common', '', 'Common'),
    symbol('left', '', 'Left'),
    symbol('right', '', 'Right'),
    symbol('apart', '', 'Apart'),
    *(subsort(lower, upper) for upper in ('Left', 'Right') for lower in ('Common',)),
    *(subsort(one, 'KItem') for one in ('Left', 'Right', 'Common', 'Apart')),
    # -- an overloaded constructor, as older and as newer versions of K write it
    'sort SortExp{} []',
    'sort SortVal{} []',
    subsort('Val', 'Exp'),
    symbol('value', 'Int', 'Val'),
    symbol('pairExp', 'Exp Exp', 'Exp'),
    symbol('pairVal', 'Val Val', 'Val'),
    'axiom{R} \\equals{SortExp{}, R}(LblpairExp{}(inj{SortVal{}, SortExp{}}(K0:SortVal{}), inj{SortVal{}, SortExp{}}(K1:SortVal{})), '
    'inj{SortVal{}, SortExp{}}(LblpairVal{}(K0:SortVal{}, K1:SortVal{}))) [symbol-overload{}(LblpairExp{}(), LblpairVal{}())]',
    ctl('exp Exp'),
    rule(app('exp', app('pairExp', v('E', 'Exp'), v('F', 'Exp'))), app('done'), 'overload.pair'),
    rule(app('exp', v('E', 'Exp')), app('other'), 'overload.other', priority=60),
    # -- definedness and lemmas
    symbol('half', 'Int', 'Int', 'function', 'no-evaluators'),
    f'axiom{{R, Q}} \\equals{{Q, R}}(\\ceil{{SortInt{{}}, Q}}(Lblhalf{{}}({X})), {true(app("le", i(0), X), "Q")}) '
    '[simplification{}("")]',
    symbol('grows', 'Int', 'Int', 'function', 'total', 'no-evaluators', 'smtlib{}("grows")'),
    equation(
        app('gt', app('grows', X), X),
        'Bool',
        b(True),
        'smt-lemma{}()',
        requires=app('lt', i(0), X),
        simplification=True,
    ),
    # -- a function by cases over a disjunction, and one whose conditions overlap a negation
    symbol('pick', 'Map Int', 'Int', 'function', 'total'),
    equation(app('pick', mapping((X, Y), M), X), 'Int', Y),
    equation(app('pick', M, X), 'Int', i(-1), 'owise'),
    # -- rules
    ctl(
        'literal Int',
        'conditional Int',
        'partly Int',
        'cubes Int Int Int',
        'nonlinear Int Int',
        'division Int',
        'unsure Int',
    ),
    rule(app('literal', i(0)), app('done'), 'literal.zero'),
    rule(app('literal', X), app('other'), 'literal.any', priority=60),
    rule(app('conditional', X), app('done'), 'conditional.yes', requires=app('lt', i(0), X)),
    rule(app('conditional', X), app('other'), 'conditional.any', priority=60),
    rule(app('partly', X), app('done'), 'partly.yes', requires=app('lt', i(0), X)),
    rule(
        app('cubes', X, Y, Z),
        app('done'),
        'cubes.yes',
        requires=app('eq', app('add', cube(X), cube(Y)), app('add', cube(Z), i(29))),
    ),
    rule(app('cubes', X, Y, Z), app('other'), 'cubes.any', priority=60),
    rule(app('nonlinear', X, X), app('done'), 'nonlinear.same'),
    rule(app('nonlinear', X, Y), app('other'), 'nonlinear.any', priority=60),
    rule(app('division', X), app('done'), 'division.yes', requires=app('lt', i(2), app('tdiv', i(10), X))),
    rule(app('division', X), app('other'), 'division.any', priority=60),
    rule(app('unsure', X), app('done'), 'unsure.yes', requires=app('known', X)),
    rule(app('unsure', X), app('other'), 'unsure.any', priority=60),
    ctl(
        'anyMap Map',
        'emptyMap Map',
        'keys Map Int',
        'anySet Set',
        'anyList List',
        'lastOf List',
        'kind KItem',
        'two Map',
    ),
    rule(app('anyMap', mapping((i(1), X), M)), app('done'), 'anyMap.one'),
    rule(app('anyMap', M), app('other'), 'anyMap.any', priority=60),
    rule(app('emptyMap', mapping()), app('done'), 'emptyMap.empty'),
    rule(app('emptyMap', M), app('other'), 'emptyMap.any', priority=60),
    rule(app('keys', mapping((X, Y), M), X), app('done'), 'keys.there'),
    rule(app('keys', M, X), app('other'), 'keys.any', priority=60),
    rule(app('two', mapping((X, Y), (v('X1'), Y), M)), app('done'), 'two.same'),
    rule(app('two', M), app('other'), 'two.any', priority=60),
    rule(app('anySet', elements(i(1), rest=[S])), app('done'), 'anySet.one'),
    rule(app('anySet', S), app('other'), 'anySet.any', priority=60),
    rule(app('anyList', items(i(1), rest=[L])), app('done'), 'anyList.one'),
    rule(app('anyList', L), app('other'), 'anyList.any', priority=60),
    rule(app('lastOf', app('lists', L, items(i(1)))), app('done'), 'lastOf.one'),
    rule(app('lastOf', L), app('other'), 'lastOf.any', priority=60),
    rule(app('kind', inj(v('A', 'Left'), 'Left')), app('done'), 'kind.left'),
    rule(app('kind', v('I', 'KItem')), app('other'), 'kind.any', priority=60),
    # -- right sides
    ctl(
        'swapped Int Int',
        'invent Int',
        'inventMore Int',
        'divide Int Int',
        'makeMap Int Int',
        'partial Int',
        'never Int',
        'look Map Int',
    ),
    ctl('without Int Int', 'product Int Int', 'extend Map'),
    rule(app('swapped', X, Y), app('ints', Y, X), 'swapped'),
    rule(app('invent', X), app('ints', X, Y), 'invent', exists=[Y]),
    rule(app('inventMore', X), app('ints', X, Y), 'inventMore', exists=[Y], ensures=app('lt', X, Y)),
    rule(app('divide', X, Y), app('int', app('tdiv', X, Y)), 'divide'),
    rule(app('product', X, Y), app('int', app('mul', i(0), app('tdiv', X, Y))), 'product'),
    rule(app('makeMap', X, Y), app('map', mapping((X, i(1)), (Y, i(2)))), 'makeMap'),
    rule(app('without', X, Y), app('map', app('remove', mapping((X, i(1)), (Y, i(2))), inj(X, 'Int'))), 'without'),
    rule(app('extend', M), app('map', mapping((i(1), i(1)), M)), 'extend'),
    rule(app('partial', X), app('int', app('maybe', X)), 'partial'),
    rule(app('never', X), app('done'), 'never', ensures=app('lt', X, X)),
    rule(app('look', M, X), app('item0', app('lookup', M, inj(X, 'Int'))), 'look'),
]


@pytest.fixture(scope='module')
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    folder = tmp_path_factory.mktemp('cases')
    (folder / 'definition.kore').write_text(definition(SENTENCES))
    with serving(folder, MODULE) as client:
        yield Asking(client)


def under(predicate: str, result: str, of: str = 'Int') -> str:
    """Return the state that holds a term of sort Int or KItem, under a predicate."""
    return state(app('int' if of == 'Int' else 'item0', result), predicate)


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


# -- functions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('term', 'value', 'when'),
    [
        pytest.param(app('zero', X), i(2), true(app('lt', Y, X)), id='owise with a literal before it'),
        pytest.param(app('zero', X), i(1), true(app('lt', Y, X)), id='the literal itself'),
        pytest.param(app('either', X, i(0)), i(2), true(app('lt', Y, X)), id='an earlier equation that may match'),
        pytest.param(app('either', X, Y), i(3), nope(same(X, i(0))), id='owise with one of two excluded'),
        pytest.param(app('twice', X, Y), i(2), true(app('le', X, Y)), id='owise with equal arguments before it'),
        pytest.param(app('byKnown', X), i(1), true(app('lt', Y, X)), id='a condition that is not known'),
        pytest.param(app('holds', M), i(2), true(app('lt', Y, X)), id='an unknown map'),
        pytest.param(app('holds', mapping((X, i(2)))), i(2), true(app('lt', Y, X)), id='an unknown key'),
        pytest.param(app('holds', mapping((i(2), i(2)), M)), i(2), true(app('lt', Y, X)), id='an unknown rest'),
        pytest.param(app('guarded', X), i(1), true(app('le', i(0), X)), id='a simplification whose condition may fail'),
    ],
)
def test_a_function_is_not_evaluated_by_an_equation_that_may_not_be_the_one(
    ask: Asking, term: str, value: str, when: str
) -> None:
    assert not ask.implies(under(when, term), state(app('int', value)))


@pytest.mark.parametrize(
    ('term', 'value', 'when'),
    [
        (app('zero', X), i(2), true(app('lt', i(0), X))),
        (app('zero', X), i(1), same(X, i(0))),
        (app('either', X, i(0)), i(2), nope(same(X, i(0)))),
        (app('either', X, Y), i(3), both(nope(same(X, i(0))), nope(same(Y, i(0))))),
        (app('twice', X, Y), i(2), true(app('lt', X, Y))),
        (app('byKnown', X), i(1), true(app('known', X))),
        (app('byKnown', X), i(2), nope(true(app('known', X)))),
        (app('holds', mapping((i(1), i(2)), M)), i(1), true(b(True))),
        (app('guarded', X), i(1), true(app('lt', i(0), X))),
    ],
)
def test_a_function_is_evaluated_where_it_can_be(ask: Asking, term: str, value: str, when: str) -> None:
    assert ask.implies(under(when, term), state(app('int', value)))


@pytest.mark.parametrize('item', [v('I', 'KItem'), app('lookup', M, inj(i(1), 'Int'))])
def test_the_sort_of_an_unknown_item_is_not_known(ask: Asking, item: str) -> None:
    for value in (True, False):
        assert not ask.implies(
            state(app('item0', item)), state(app('item0', item), same(app('isInt', item), b(value), 'Bool'))
        )
    assert ask.implies(state(app('done')), state(app('done'), true(app('isInt', inj(i(1), 'Int')))))


def test_what_is_concluded_under_a_condition_is_forgotten_without_it(ask: Asking) -> None:
    three = app('byKnown', i(3))
    known = app('known', i(3))
    assert ask.implies(under(true(known), three), state(app('int', i(1))))
    assert not ask.implies(under(nope(true(known)), three), state(app('int', i(1))))
    assert not ask.implies(state(app('int', three)), state(app('int', i(1))))
    assert ask.implies(under(true(app('known', i(4))), i(0)), state(app('int', i(0)), true(app('known', i(4)))))
    assert not ask.implies(state(app('int', i(0))), state(app('int', i(0)), true(app('known', i(4)))))
    assert not ask.impossible(under(nope(true(app('known', i(4)))), i(0)))
    assert ask.implies(
        under(same(app('number', i(4)), i(7)), i(0)), state(app('int', i(0)), same(app('number', i(4)), i(7)))
    )
    assert not ask.implies(state(app('int', i(0))), state(app('int', i(0)), same(app('number', i(4)), i(7))))


def test_restricted_simplifications_keep_to_their_restrictions(ask: Asking) -> None:
    assert 'LblifConcrete' in ask.simplify(state(app('int', app('ifConcrete', X)))).text
    assert 'LblifConcrete' not in ask.simplify(state(app('int', app('ifConcrete', i(5))))).text
    assert 'LblifSymbolic' in ask.simplify(state(app('int', app('ifSymbolic', i(5))))).text
    assert 'LblifSymbolic' not in ask.simplify(state(app('int', app('ifSymbolic', X)))).text


@pytest.mark.parametrize('term', [app('endless', X), app('around', X, Y), app('endless', i(0))])
def test_simplifications_without_end_come_to_an_end(ask: Asking, term: str) -> None:
    assert not ask.impossible(state(app('int', term)))


# -- implications ----------------------------------------------------------------------------------------

INT = state(app('int', X))

WRONG = [
    ('a free variable that the antecedent does not have', INT, state(app('int', Y))),
    ('another condition', under(true(app('le', i(0), X)), X), under(true(app('lt', i(0), X)), X)),
    ('a square root', INT, some(Y, under(same(app('mul', Y, Y), X), X))),
    ('a half', INT, some(Y, state(app('int', app('mul', i(2), Y))))),
    ('a number less than itself', INT, some(Y, under(true(app('lt', Y, Y)), X))),
    ('a number between two neighbours', INT, some(Y, under(true(app('and', app('lt', X, Y), app('lt', Y, app('add', X, i(1))))), X))),
    ('a preimage', INT, some(Y, state(app('int', app('number', Y))))),
    ('an unknown fact', INT, some(Y, under(true(app('known', Y)), X))),
    ('every number is this one', INT, every(Y, under(same(X, Y), X))),
    ('a number that is every number', INT, some(Y, every(Z, under(same(Y, Z), X)))),
    ('a number not above any', INT, some(Y, every(Z, under(true(app('le', Y, Z)), X)))),
    ('a quantifier hides another', INT, some(Y, every(Y, under(true(app('lt', X, Y)), X)))),
    ('every state', INT, every(Y, state(app('int', Y)))),
    ('no number is this one', INT, state(app('int', X), nope(some(Y, same(X, Y))))),
    ('no number is above', INT, state(app('int', X), nope(some(Y, true(app('lt', X, Y)))))),
    ('a bound variable with a free one\'s name', under(true(app('lt', i(0), X)), X), state(app('int', X), nope(some(X, true(app('lt', X, i(0))))))),
    ('all of a bound variable with a free one\'s name', under(true(app('lt', i(0), X)), X), state(app('int', X), every(X, true(app('lt', i(0), X))))),
    ('a variable that only stands in a condition', under(same(X, X), Y), state(app('int', X))),
    ('a variable in a condition of the bool sort', under(true(app('eqK', k(X), k(X))), Y), state(app('int', X))),
    ('a term without a value', INT, state(app('int', app('tdiv', i(1), i(0))))),
    ('the value of a term that may have none', INT, under(true(app('eq', app('tdiv', i(1), X), app('tdiv', i(1), X))), X)),
    ('a quotient has a value', INT, under(ceil(app('tdiv', i(1), X)), X)),
    ('a quotient that is some number', INT, some(Y, under(same(Y, app('tdiv', i(1), X)), X))),
    ('a partial function has a value', INT, under(ceil(app('maybe', X)), X)),
    ('a value of a partial function', INT, some(Y, under(same(Y, app('maybe', X)), X))),
    ('a list has an item', state(app('list', L)), some(X, some(v('R', 'List'), state(app('list', items(X, rest=[v('R', 'List')])))))),
    ('a list of two has one', state(app('list', items(X, Y))), some(Z, state(app('list', items(Z))))),
    ('a list has a last item', state(app('list', items(X, rest=[L]))), some(Z, some(v('R', 'List'), state(app('list', app('lists', v('R', 'List'), items(Z))) , same(Z, X))))),
    ('a set of two has one', state(app('set', elements(X, Y))), some(Z, state(app('set', elements(Z))))),
    ('a set has an element', state(app('set', S)), some(X, some(v('R', 'Set'), state(app('set', elements(X, rest=[v('R', 'Set')])))))),
    ('a map has an entry', state(app('map', M)), some(X, some(Y, some(N, state(app('map', mapping((X, Y), N))))))),
    ('an empty map has an entry', state(app('map', mapping())), some(X, some(Y, state(app('map', mapping((X, Y))))))),
    ('a map is another', state(app('map', mapping((X, Y)))), some(Z, state(app('map', mapping((Z, X)))))),
    ('the rest of a map is empty', state(app('map', mapping((X, Y), M))), state(app('map', mapping((X, Y))))),
    ('two maps are one', state(app('map', mapping(M, N))), state(app('map', M))),
    ('a key is not in the rest', state(app('map', M)), state(app('map', M), nope(true(app('inKeys', inj(i(1), 'Int'), M))))),
    ('an update adds an entry', state(app('map', M)), state(app('map', M), nope(same(app('update', M, inj(i(1), 'Int'), inj(i(1), 'Int')), M, 'Map')))),
    ('a size', state(app('map', mapping((X, Y), M))), state(app('map', mapping((X, Y), M)), true(app('eq', app('sizeMap', mapping((X, Y), M)), i(1))))),
    ('two items of different sorts', state(app('item0', inj(v('A', 'Left'), 'Left'))), state(app('item0', inj(v('A', 'Left'), 'Left')), every(v('B', 'Right'), nope(same(inj(v('A', 'Left'), 'Left'), inj(v('B', 'Right'), 'Right'), 'KItem'))))),
    ('a value of the common subsort', state(app('item0', inj(v('A', 'Left'), 'Left'))), some(v('C', 'Common'), state(app('item0', inj(v('C', 'Common'), 'Common'))))),
    ('an item of a sort', state(app('item0', v('I', 'KItem'))), some(X, state(app('item0', inj(X, 'Int'))))),
    ('an overloaded constructor is none of the subsort', state(app('exp', app('pairExp', v('E', 'Exp'), v('F', 'Exp')))), state(app('exp', app('pairExp', v('E', 'Exp'), v('F', 'Exp'))), every(v('P', 'Val'), nope(same(app('pairExp', v('E', 'Exp'), v('F', 'Exp')), inj(v('P', 'Val'), 'Val', 'Exp'), 'Exp'))))),
    ('quotients round down', under(true(app('lt', X, i(0))), X), under(same(app('tdiv', X, i(2)), app('ediv', X, i(2))), X)),
    ('remainders are not negative', INT, under(true(app('le', i(0), app('tmod', X, i(3)))), X)),
    ('remainders have the divisor\'s sign', under(nope(same(Y, i(0))), X), under(true(app('le', i(0), app('mul', Y, app('tmod', X, Y)))), X)),
    ('half of a number has a value', INT, under(ceil(app('half', X)), X)),
    ('half of a number is itself', INT, under(true(app('eq', app('half', X), app('half', X))), X)),
    ('a lemma without its condition', INT, under(true(app('lt', X, app('grows', X))), X)),
    ('more than a lemma says', under(true(app('lt', i(0), X)), X), under(true(app('lt', app('add', X, i(1)), app('grows', X))), X)),
    ('what a map has at an unknown key', state(app('int', app('pick', mapping((i(1), i(2))), X))), state(app('int', i(-1)))),
    ('what a map has at another unknown key', under(true(app('le', i(1), X)), app('pick', mapping((i(1), i(2))), X)), state(app('int', i(2)))),
    ('what an unknown map has', state(app('int', app('pick', M, i(1)))), state(app('int', i(-1)))),
    ('one of two conditions', under(f'\\or{{{TOP}}}({same(X, i(1))}, {same(X, i(2))})', X), state(app('int', i(1)))),
    ('one condition of a choice', under(true(app('or', app('eq', X, i(1)), app('eq', X, i(2)))), X), state(app('int', i(1)))),
    ('an equation of terms without values', under(same(app('tdiv', i(1), X), app('tdiv', i(2), X)), X), under(nope(same(X, i(0))), X)),
    ('a value that two maps share', state(app('map', mapping((X, i(1)), (Y, i(2))))), state(app('map', mapping((Y, i(1)), (X, i(2)))))),
    ('a larger map', state(app('map', mapping((X, i(1))))), some(N, state(app('map', mapping((X, i(1)), (i(0), i(1)), N))))),
    ('a set in another order is smaller', state(app('set', elements(X, Y, rest=[S]))), state(app('set', elements(Y, rest=[S])))),
    ('lists in another order', state(app('list', items(X, Y))), state(app('list', items(Y, X)))),
    ('a rest on the other side', state(app('list', items(X, rest=[L]))), state(app('list', app('lists', L, items(X))))),
    ('nothing at all', INT, state(app('int', X), '\\bottom{SortGeneratedTopCell{}}()')),
]  # fmt: skip


@pytest.mark.parametrize(('left', 'right'), [pytest.param(left, right, id=name) for name, left, right in WRONG])
def test_what_does_not_follow_is_not_valid(ask: Asking, left: str, right: str) -> None:
    assert not ask.implies(left, right)


RIGHT = [
    ('itself', INT, INT),
    ('half of a number that is not negative has a value', under(true(app('le', i(0), X)), X), under(ceil(app('half', X)), X)),
    ('a lemma under its condition', under(true(app('lt', i(1), X)), X), under(true(app('lt', X, app('grows', X))), X)),
    ('what a map has at a key', state(app('int', app('pick', mapping((i(1), i(2)), M), i(1)))), state(app('int', i(2)))),
    ('a map in another order', state(app('map', mapping((X, i(1)), (Y, i(2)), M))), state(app('map', mapping(M, (Y, i(2)), (X, i(1)))))),
    ('a witness in the term', INT, some(Y, state(app('int', Y)))),
    ('a witness by an equation', INT, some(Y, under(same(Y, app('add', X, i(1))), X))),
    ('a witness for the solver', INT, some(Y, under(true(app('lt', X, Y)), X))),
    ('a weaker condition', under(true(app('lt', i(0), X)), X), under(true(app('le', i(0), X)), X)),
    ('an entry and the rest', state(app('map', mapping((X, i(1)), M))), some(Y, some(N, state(app('map', mapping((Y, i(1)), N)))))),
    ('a contradiction implies all', under(true(app('lt', X, X)), X), state(app('int', i(7)))),
    ('a contradiction for the solver', under(both(true(app('lt', X, Y)), true(app('lt', Y, X))), X), state(app('int', i(7)))),
    ('bottom implies all', state(app('int', X), '\\bottom{SortGeneratedTopCell{}}()'), state(app('int', i(7)))),
    ('a map with the same key twice implies all', state(app('map', mapping((X, i(1)), (X, i(2))))), state(app('map', mapping()))),
    ('the keys of a map are different', state(app('map', mapping((X, i(1)), (Y, i(2))))), state(app('map', mapping((X, i(1)), (Y, i(2)))), nope(same(X, Y)))),
    ('a quotient in the antecedent has a value', state(app('int', app('tdiv', i(1), X))), state(app('int', app('tdiv', i(1), X)), nope(same(X, i(0))))),
    ('remainders have the dividend\'s sign', under(true(app('lt', X, i(0))), X), under(true(app('le', app('tmod', X, i(3)), i(0))), X)),
    ('Euclidean remainders are not negative', INT, under(true(app('le', i(0), app('emod', X, i(-3)))), X)),
]  # fmt: skip


@pytest.mark.parametrize(('left', 'right'), [pytest.param(left, right, id=name) for name, left, right in RIGHT])
def test_what_follows_is_valid(ask: Asking, left: str, right: str) -> None:
    assert ask.implies(left, right)


@pytest.mark.parametrize(
    'predicate',
    [
        pytest.param(same(X, app('number', X)), id='a number that is its own value'),
        pytest.param(same(X, app('maybe', X)), id='a partial function with a fixed point'),
        pytest.param(nope(ceil(app('maybe', X))), id='a partial function without a value'),
        pytest.param(same(X, app('mul', X, X)), id='a number that is its own square'),
        pytest.param(same(app('tmod', X, i(2)), i(-1)), id='a negative remainder'),
        pytest.param(same(app('tdiv', i(-7), X), i(-3)), id='a truncated quotient'),
        pytest.param(same(inj(v('A', 'Left'), 'Left'), inj(v('B', 'Right'), 'Right'), 'KItem'), id='a value of two sorts'),
        pytest.param(same(v('E', 'Exp'), app('pairExp', v('F', 'Exp'), v('G', 'Exp')), 'Exp'), id='an expression that is a pair'),
        pytest.param(same(inj(v('P', 'Val'), 'Val', 'Exp'), app('pairExp', v('F', 'Exp'), v('G', 'Exp')), 'Exp'), id='a value that is an overloaded pair'),
        pytest.param(some(X, true(app('lt', X, i(0)))), id='a bound variable that has the name of a positive one'),
        pytest.param(nope(every(X, true(app('lt', i(0), X)))), id='a bound variable that is not always positive'),
        pytest.param(true(app('not', app('known', i(9)))), id='an unknown fact'),
    ],
)  # fmt: skip
def test_what_is_possible_is_not_bottom(ask: Asking, predicate: str) -> None:
    if '\\exists' in predicate or '\\forall' in predicate:
        predicate = both(predicate, true(app('lt', i(0), X)))
    assert not ask.impossible(state(app('int', X), predicate))
    assert ask.step(state(app('int', X), predicate)).reason.value != 'vacuous'
    assert not ask.implies(state(app('int', X), predicate), state(app('int', i(7))))
