"""The interpreter of ground states: what has a value, what has none, and what it does not claim to know."""

from __future__ import annotations

import random

import pytest
from kore_cases import ctl, definition, equation, items, mapping, rule, state, symbol
from kore_text import app, b, i, inj, k, sort, subsort, v

from kprover.ground.definition import Definition, load, split
from kprover.ground.evaluate import DependsOnReading, Evaluator
from kprover.ground.generate import Generator
from kprover.ground.kore import read_pattern, write
from kprover.ground.rewrite import Rewriter
from kprover.ground.terms import App, NoValue, Term, Undecided, Var, is_opaque

NOTHING = app('tdiv', i(1), i(0))

DEFINITION = definition(
    [
        symbol('drop', 'Int', 'Int', 'function', 'total'),
        equation(app('drop', v('X')), 'Int', i(7)),
        symbol('dropsInside', 'Int', 'Int', 'function'),
        equation(app('dropsInside', v('X')), 'Int', app('drop', app('tdiv', i(10), v('X')))),
        symbol('one', 'Int', 'Int', 'function'),
        equation(app('one', i(0)), 'Int', i(1)),
        symbol('promised', 'Int', 'Int', 'function', 'total'),
        equation(app('promised', i(0)), 'Int', i(1)),
        symbol('lemmaOnly', 'Int', 'Int', 'function'),
        equation(app('lemmaOnly', v('X')), 'Int', v('X'), simplification=True, requires=app('lt', v('X'), i(5))),
        symbol('free', 'Int', 'Int', 'function'),
        symbol('sign', 'Int', 'Int', 'function'),
        equation(app('sign', v('X')), 'Int', i(1), requires=app('lt', i(0), v('X'))),
        equation(app('sign', v('X')), 'Int', i(-1), requires=app('lt', v('X'), i(0))),
        equation(app('sign', v('X')), 'Int', i(0), 'owise'),
        symbol('joined', 'Map Int', 'KItem', 'function'),
        equation(
            app('joined', v('M', 'Map'), v('X')),
            'KItem',
            app('lookup', app('maps', mapping((v('X'), i(7))), v('M', 'Map')), inj(v('X'), 'Int')),
        ),
        symbol('twice', 'List', 'Int', 'function', 'total'),
        equation(app('twice', app('lists', app('item', inj(v('L', 'List'), 'List')), v('L', 'List'))), 'Int', i(1)),
        equation(app('twice', v('L', 'List')), 'Int', i(0), 'owise'),
        ctl('go Int', 'at Int', 'asks Int', 'lists List', 'first', 'second', 'low', 'held Int'),
        rule(app('go', v('X')), app('at', app('dropsInside', v('X'))), 'GO'),
        rule(app('asks', v('X')), 'Lblfirst{}()', 'ASKS', app('eq', app('one', v('X')), i(1))),
        rule('Lblfirst{}()', 'Lblsecond{}()', 'URGENT', priority=40),
        rule('Lblfirst{}()', 'Lbllow{}()', 'LESS-URGENT'),
        rule('Lblsecond{}()', app('at', i(1)), 'ONE-WAY'),
        rule('Lblsecond{}()', app('at', i(2)), 'ANOTHER-WAY'),
        rule('Lbllow{}()', app('held', v('X')), 'OPEN', ensures=app('lt', i(0), v('X')), exists=[v('X')]),
    ]
)


@pytest.fixture(scope='module')
def cases() -> Definition:
    return load(DEFINITION)


def value(cases: Definition, text: str) -> Term:
    return Evaluator(cases).value(read_pattern(text), {})


VALUELESS = {
    'a division by zero': NOTHING,
    'a function of it that looks at it': app('add', NOTHING, i(1)),
    'a function that drops it': app('drop', NOTHING),
    'a function whose body drops it': app('dropsInside', i(0)),
    'a body that drops it, dropped again': app('drop', app('dropsInside', i(0))),
    'a missing case': app('one', i(3)),
    'a missing case that is dropped': app('drop', app('one', i(3))),
    'a product with zero': app('mul', i(0), NOTHING),
    'a truth value that is known without it': app('and', b(False), app('eq', NOTHING, i(1))),
    'a lookup of a key that is not there': app('lookup', mapping((i(1), i(2))), inj(i(3), 'Int')),
    'a map with a key twice': mapping((i(1), i(2)), (i(1), i(2))),
    'a map that a body makes, with a key twice': app('joined', mapping((i(3), i(0))), i(3)),
    'an entry that an update overwrites': app('update', mapping((i(1), NOTHING)), inj(i(1), 'Int'), inj(i(0), 'Int')),
    'an item of a list whose size is asked': app('sizeList', items(NOTHING)),
    'an index beyond the end': app('get', items(i(1)), i(1)),
}


@pytest.mark.parametrize('name', VALUELESS)
def test_what_has_no_value_has_none_wherever_it_is_dropped(cases: Definition, name: str) -> None:
    with pytest.raises(NoValue):
        value(cases, VALUELESS[name])


def test_values_are_those_of_the_definition(cases: Definition) -> None:
    for term, expected in (
        (app('sign', i(5)), i(1)),
        (app('sign', i(-5)), i(-1)),
        (app('sign', i(0)), i(0)),
        (app('tmod', i(-7), i(2)), i(-1)),
        (app('emod', i(-7), i(2)), i(1)),
        (app('ediv', i(7), i(-2)), i(-3)),
        (app('tdiv', i(-7), i(2)), i(-3)),
        (app('lemmaOnly', i(4)), i(4)),
        (app('twice', items(i(1))), i(0)),
        (app('twice', app('lists', app('item', inj(items(i(5)), 'List')), items(i(5)))), i(1)),
        (app('twice', app('lists', app('item', inj(items(), 'List')), items(i(5)))), i(0)),
        (mapping((i(2), i(3)), (i(1), i(2))), mapping((i(1), i(2)), (i(2), i(3)))),
    ):
        assert value(cases, term) == value(cases, expected), term


@pytest.mark.parametrize('term', [app('free', i(1)), app('lemmaOnly', i(9))])
def test_what_no_equation_defines_is_not_said_to_have_no_value(cases: Definition, term: str) -> None:
    with pytest.raises(Undecided):
        value(cases, term)


def test_a_total_function_that_nothing_decides_has_a_value_that_is_not_known(cases: Definition) -> None:
    unknown = value(cases, app('promised', i(5)))
    assert is_opaque(unknown)
    assert value(cases, app('drop', app('promised', i(5)))) == value(cases, i(7))
    with pytest.raises(Undecided):
        Evaluator(cases).holds(read_pattern(f'\\equals{{SortInt{{}}, R}}({app("promised", i(5))}, {i(3)})'), {})
    assert Evaluator(cases).holds(read_pattern(f'\\ceil{{SortInt{{}}, R}}({app("promised", i(5))})'), {})


def test_a_negated_condition_without_a_value_is_true_and_the_condition_is_not(cases: Definition) -> None:
    condition = f'\\equals{{SortBool{{}}, R}}({b(True)}, {app("eq", NOTHING, i(1))})'
    assert not Evaluator(cases).holds(read_pattern(condition), {})
    assert Evaluator(cases).holds(read_pattern(f'\\not{{R}}({condition})'), {})


def following(cases: Definition, control: str) -> tuple[set[Term], tuple[str, ...]]:
    rewriter = Rewriter(Evaluator(cases))
    found = rewriter.following(value(cases, state(control)))
    return set(found.states), found.ended


def test_a_rule_leads_nowhere_where_its_right_side_has_no_value(cases: Definition) -> None:
    assert following(cases, app('go', i(5)))[0] == {value(cases, state(app('at', i(7))))}
    states, ended = following(cases, app('go', i(0)))
    assert states == set()
    assert 'division by zero' in ended[0]


def test_a_rule_does_not_apply_where_its_condition_has_no_value(cases: Definition) -> None:
    assert following(cases, app('asks', i(0)))[0] == {value(cases, state('Lblfirst{}()'))}
    assert following(cases, app('asks', i(3))) == (set(), ())


def test_the_most_urgent_rules_go_first_and_all_of_them(cases: Definition) -> None:
    assert following(cases, 'Lblfirst{}()')[0] == {value(cases, state('Lblsecond{}()'))}
    assert following(cases, 'Lblsecond{}()')[0] == {value(cases, state(app('at', i(number)))) for number in (1, 2)}


def test_a_value_that_a_rule_leaves_open_is_one_that_it_allows(cases: Definition) -> None:
    evaluator = Evaluator(cases)
    rewriter = Rewriter(evaluator, Generator(evaluator, random.Random(1)).some)
    found = rewriter.following(value(cases, state('Lbllow{}()')))
    assert found.chosen
    (after,) = found.states
    pattern, constraints, _ = split(read_pattern(state(app('held', v('X')))))
    assert pattern is not None
    (values,) = rewriter.instances(pattern, constraints, after, {})
    assert evaluator.holds(read_pattern(f'\\equals{{SortBool{{}}, R}}({b(True)}, {app("lt", i(0), v("X"))})'), values)


def test_a_witness_of_what_only_a_constraint_mentions_is_found(cases: Definition) -> None:
    rewriter = Rewriter(Evaluator(cases))
    here = value(cases, state(app('at', i(6))))

    def holds(condition: str) -> bool:
        text = f'\\equals{{SortBool{{}}, SortGeneratedTopCell{{}}}}({b(True)}, {condition})'
        pattern, constraints, _ = split(read_pattern(state(app('at', v('X')), text)))
        assert pattern is not None
        return any(True for _ in rewriter.instances(pattern, constraints, here, {}))

    assert holds(app('eq', v('Q'), app('tdiv', v('X'), i(2))))
    assert not holds(app('eq', v('Q'), app('tdiv', v('X'), i(0))))
    assert holds(app('lt', v('Q'), i(0)))
    with pytest.raises(Undecided):
        holds(app('lt', i(1000), v('Q')))


OVERLOADED = definition(
    [
        *(f'sort {sort(name)} []' for name in ('Exp', 'Val')),
        subsort('Val', 'Exp'),
        subsort('Exp'),
        subsort('Val'),
        symbol('val', 'Int', 'Val'),
        symbol('exp', 'Int', 'Exp'),
        symbol('plusExp', 'Exp Exp', 'Exp'),
        symbol('plusVal', 'Val Val', 'Exp'),
        symbol('pairExp', 'Exp Exp', 'Exp'),
        symbol('pairVal', 'Val Val', 'Val'),
        f'  axiom{{R}} \\equals{{SortExp{{}}, R}}('
        f'{app("plusExp", inj(v("A", "Val"), "Val", "Exp"), inj(v("B", "Val"), "Val", "Exp"))}, '
        f'{app("plusVal", v("A", "Val"), v("B", "Val"))}) [symbol-overload{{}}(LblplusExp{{}}(), LblplusVal{{}}())]',
        f'  axiom{{R}} \\equals{{SortExp{{}}, R}}('
        f'{app("pairExp", inj(v("A", "Val"), "Val", "Exp"), inj(v("B", "Val"), "Val", "Exp"))}, '
        f'{inj(app("pairVal", v("A", "Val"), v("B", "Val")), "Val", "Exp")}) '
        '[symbol-overload{}(LblpairExp{}(), LblpairVal{}())]',
        symbol('isPlusVal', 'Exp', 'Bool', 'function', 'total'),
        equation(app('isPlusVal', app('plusVal', v('A', 'Val'), v('B', 'Val'))), 'Bool', b(True)),
        equation(app('isPlusVal', v('E', 'Exp')), 'Bool', b(False), 'owise'),
        symbol('isVal', 'K', 'Bool', 'function', 'total'),
        equation(app('isVal', k(v('A', 'Val'), 'Val')), 'Bool', b(True)),
        equation(app('isVal', v('E', 'K')), 'Bool', b(False), 'owise'),
        symbol('left', 'Exp', 'Exp', 'function'),
        equation(app('left', app('pairExp', v('A', 'Exp'), v('B', 'Exp'))), 'Exp', v('A', 'Exp')),
    ]
)


def test_an_overloaded_symbol_of_values_is_the_lesser_one() -> None:
    cases = load(OVERLOADED)
    one, two = (inj(app('val', i(number)), 'Val', 'Exp') for number in (1, 2))
    lesser, other = app('pairVal', app('val', i(1)), app('val', i(2))), app('exp', i(3))
    for term, expected in (
        (app('isPlusVal', app('plusExp', one, two)), b(True)),
        (app('isPlusVal', app('plusExp', one, other)), b(False)),
        (app('isVal', k(app('pairExp', one, two), 'Exp')), b(True)),
        (app('isVal', k(app('pairExp', other, two), 'Exp')), b(False)),
        (app('left', app('pairExp', one, two)), one),
        (app('left', inj(lesser, 'Val', 'Exp')), one),
        (
            app(
                'eqK', k(app('pairExp', one, two), 'Exp'), k(app('pairVal', app('val', i(1)), app('val', i(2))), 'Val')
            ),
            b(True),
        ),
    ):
        assert value(cases, term) == value(cases, expected), term


def test_an_arm_that_is_not_taken_is_only_decided_where_both_readings_agree() -> None:
    cases = load(
        definition(
            [
                '  hooked-symbol Lblite{S}(SortBool{}, S, S) : S [function{}(), total{}(), hook{}("KEQUAL.ite")]',
                '  hooked-symbol LblandThen{}(SortBool{}, SortBool{}) : SortBool{} '
                '[function{}(), total{}(), hook{}("BOOL.andThen")]',
            ]
        )
    )

    def choice(condition: bool, left: str, right: str) -> str:
        return f'Lblite{{SortInt{{}}}}({b(condition)}, {left}, {right})'

    assert value(cases, choice(True, i(1), i(2))) == value(cases, i(1))
    with pytest.raises(NoValue):
        value(cases, choice(False, i(1), NOTHING))
    with pytest.raises(DependsOnReading):
        value(cases, choice(True, i(1), NOTHING))
    condition = app('andThen', b(False), app('eq', NOTHING, i(1)))
    assert not Evaluator(cases).holds(read_pattern(f'\\equals{{SortBool{{}}, R}}({b(True)}, {condition})'), {})


def test_a_program_that_is_asked_sees_values_only_and_cannot_take_a_value_from_a_total_function() -> None:
    cases = load(
        definition(
            [
                '  hooked-symbol Lblodd{}(SortInt{}) : SortInt{} [function{}(), total{}(), hook{}("INT.odd")]',
                '  hooked-symbol Lblpart{}(SortInt{}) : SortInt{} [function{}(), hook{}("INT.part")]',
            ]
        )
    )
    asked: list[str] = []

    def bottom(application: App) -> Term:
        asked.append(repr(application))
        return App('\\bottom', (), ())

    evaluator = Evaluator(cases, bottom)
    assert is_opaque(evaluator.value(read_pattern(app('odd', app('add', i(1), i(2)))), {}))
    with pytest.raises(NoValue):
        evaluator.value(read_pattern(app('part', i(3))), {})
    assert asked == ["Lblodd('3':SortInt{})", "Lblpart('3':SortInt{})"]


def test_instances_are_the_same_for_the_same_seed_and_read_back_as_they_were_written(cases: Definition) -> None:
    variables = [Var(f'X{name}', sort(name)) for name in ('Int', 'Map', 'List', 'Set', 'K', 'KItem', 'Ctl', 'Bool')]

    def made(seed: int) -> list[dict[str, Term]]:
        generator = Generator(Evaluator(cases), random.Random(seed))
        return [generator.instance(variables) for _ in range(30)]

    first = made(1)
    assert first == made(1)
    assert first != made(2)
    for values in first:
        for term in values.values():
            assert value(cases, write(term, cases)) == term
    assert {repr(values['XInt']) for values in first} >= {f"'{number}':SortInt{{}}" for number in range(-3, 4)}
    assert any(key == inj_of(values['XInt']) for values in first for key in getattr(values['XMap'], 'items', ())), (
        'keys meet the other values'
    )


def inj_of(term: Term) -> Term:
    return App('inj', ('SortInt{}', 'SortKItem{}'), (term,))
