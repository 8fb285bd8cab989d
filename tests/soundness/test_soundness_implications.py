"""The server must not conclude what does not hold: functions and implications of a definition made to tempt it.

As with rules, what must be concluded stands beside what must not.
"""
# ruff: noqa: E501 -- a table of cases, one to a line

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kore_cases import elements, items, mapping, state
from kore_text import TOP, app, b, both, ceil, every, i, inj, k, nope, same, some, true, v
from service import Asking
from tempting import L, M, N, S, X, Y, Z, under

if TYPE_CHECKING:
    pass

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
