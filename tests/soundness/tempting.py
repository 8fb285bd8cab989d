"""A definition made to tempt a server: in each part of it one that overlooks a rule of its trade would be wrong."""
# ruff: noqa: E501 -- a table of cases, one to a line

from __future__ import annotations

from typing import TYPE_CHECKING

from kore_cases import ctl, elements, equation, items, mapping, rule, state, symbol
from kore_text import app, b, i, inj, subsort, true, v

if TYPE_CHECKING:
    pass

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


def under(predicate: str, result: str, of: str = 'Int') -> str:
    """Return the state that holds a term of sort Int or KItem, under a predicate."""
    return state(app('int' if of == 'Int' else 'item0', result), predicate)
