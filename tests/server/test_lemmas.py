"""Equations that are used for some values only, and lemmas about conditions, which are predicates by then."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from kore_lab import Lab, cell, config, entry, equation, ident, joined, rule, step, text
from kore_text import app, b, both, ceil, i, inj, k, same, symbol, true, truth, v

from kprover.server.engine import Engine
from kprover.server.errors import DuplicateModule
from kprover.server.parse import parse_definition, parse_pattern

X, Y = v('X'), v('Y')
TOTAL = ('function{}()', 'total{}()')
SIMPLIFICATION = 'simplification{}("")'


def lemma(left: str, right: str, requires: str = '') -> str:
    """Return a simplification whose left side is a predicate; `requires` is a Bool term."""
    given = f'\\implies{{R}}({truth(requires, "R")}, ' if requires else ''
    return f'  axiom{{R}} {given}\\equals{{R, R}}({left}, {right}){")" if given else ""} [simplification{{}}("")]'


@pytest.mark.parametrize(
    ('attribute', 'unfolded', 'kept'),
    [
        ('concrete{}()', [(i(1), i(2))], [(X, i(2)), (i(1), X), (X, Y)]),
        ('symbolic{}()', [(X, Y)], [(i(1), i(2)), (X, i(2))]),
        ('concrete{}(RuleVarA)', [(i(1), i(2)), (i(1), X)], [(X, i(2)), (X, Y)]),
        ('symbolic{}(RuleVarB)', [(X, Y), (i(1), Y)], [(i(1), i(2)), (X, i(2))]),
    ],
)
@pytest.mark.parametrize('kind', ['', SIMPLIFICATION])
def test_concrete_and_symbolic_restrict_any_equation(
    attribute: str, unfolded: list[tuple[str, str]], kept: list[tuple[str, str]], kind: str
) -> None:
    attributes = ', '.join(
        one for one in (attribute.replace('RuleVarA', v('A')).replace('RuleVarB', v('B')), kind) if one
    )
    there = Lab(
        symbol('Lblkeep', 'Int Int', 'Int', TOTAL),
        equation(app('keep', v('A'), v('B')), i(7), 'Int', attributes=attributes),
    )
    for args in unfolded:
        assert there.simplify(app('keep', *args)) == parse_pattern(i(7))
    for args in kept:
        assert there.simplify(app('keep', *args)) == parse_pattern(app('keep', *args))


def test_a_restricted_case_hides_later_ones() -> None:
    there = Lab(
        symbol('Lblkeep', 'Int', 'Int', TOTAL),
        equation(app('keep', X), i(7), 'Int', attributes='concrete{}()'),
        equation(app('keep', X), i(8), 'Int', attributes='owise{}()'),
    )
    assert there.simplify(app('keep', X)) == parse_pattern(app('keep', X))


class TestLemmasAboutConditions:
    WEIGHT = symbol('Lblweight', 'Bool', 'Int', TOTAL)
    WEIGHED = equation(
        app('eq', app('weight', v('B', 'Bool')), i(1)), v('B', 'Bool'), 'Bool', attributes=SIMPLIFICATION
    )

    def test_a_lemma_on_a_comparison_is_used_on_the_equality(self) -> None:
        there = Lab(self.WEIGHT, self.WEIGHED)
        negative = app('lt', X, i(0))
        for written in (true(app('eq', app('weight', negative), i(1))), same(app('weight', negative), i(1))):
            made = there.simplify(both(cell(app('stop')), written))
            assert 'Lblweight' not in str(made) and 'Lbllt' in str(made)

    def test_a_rule_applies_by_it(self) -> None:
        heavy = app('eq', app('weight', app('lt', X, i(0))), i(1))
        there = Lab(self.WEIGHT, self.WEIGHED, step(app('count', X), app('stop'), 'count', heavy))
        assert there.execute(both(cell(app('count', X)), true(app('lt', X, i(-5)))), max_depth=1)['depth'] == 1
        assert there.execute(cell(app('count', i(3))), max_depth=1)['reason'] == 'stuck'

    def test_a_lemma_on_a_predicate_is_used(self) -> None:
        there = Lab(
            symbol('Lblpart', 'Int', 'Int', ('function{}()',)),
            lemma('\\ceil{SortInt{}, R}(Lblpart{}(VarX:SortInt{}))', '\\top{R}()', app('gt', X, i(0))),
            lemma(f'\\equals{{SortInt{{}}, R}}({app("unknown", X)}, {i(4)})', same(X, i(9), at='R')),
        )
        state = cell(app('stop'), counter=X)
        positive = both(state, true(app('gt', X, i(0))))
        assert there.implies(positive, both(state, ceil(app('part', X))))['valid']
        assert not there.implies(state, both(state, ceil(app('part', X))))['valid']
        assert there.implies(both(state, same(X, i(9))), both(state, same(app('unknown', X), i(4))))['valid']
        assert there.implies(both(state, same(i(4), app('unknown', X))), both(state, same(X, i(9))))['valid']

    def test_lemmas_that_make_each_other_end(self) -> None:
        there = Lab(
            self.WEIGHT,
            equation(
                app('eq', app('weight', v('B', 'Bool')), X),
                app('eq', X, app('weight', v('B', 'Bool'))),
                'Bool',
                attributes=SIMPLIFICATION,
            ),
        )
        assert there.simplify(both(cell(app('stop')), same(app('weight', v('C', 'Bool')), X)))

    def test_conditions_that_need_each_other_end(self) -> None:
        one, two = app('one', X), app('two', X)
        there = Lab(
            *(symbol(f'Lbl{name}', 'Int', 'Bool', (*TOTAL, 'no-evaluators{}()')) for name in ('one', 'two')),
            equation(one, b(True), 'Bool', two, SIMPLIFICATION),
            equation(two, b(True), 'Bool', one, SIMPLIFICATION),
        )
        assert there.simplify(app('one', i(42))) == parse_pattern(app('one', i(42)))
        known = both(cell(app('stop')), true(app('one', X)))
        assert there.implies(known, both(cell(app('stop')), true(app('two', X))))['valid']


class TestRulesOfOddShapes:
    def test_a_rule_to_bottom_assumes_that_nothing_comes_there(self) -> None:
        there = Lab(step(app('count', X), '\\bottom{SortPgm{}}()', 'count', app('gt', X, i(0))))
        assert there.execute(cell(app('count', i(3))))['reason'] == 'vacuous'
        assert there.execute(cell(app('count', i(0))))['reason'] == 'stuck'

    def test_a_rule_to_a_term_without_a_value_leads_nowhere(self) -> None:
        twice = joined(entry(ident('a'), i(1)), entry(ident('a'), i(2)))
        program, store = config(k(app('stop'), 'Pgm'), v('M', 'Map')), config(k(app('choose'), 'Pgm'), twice)
        assert Lab(rule(program, store, 'twice')).execute(cell(app('stop')))['reason'] == 'stuck'

    def test_a_rule_that_no_configuration_matches_is_left_out(self) -> None:
        twice = joined(entry(ident('a'), v('A')), entry(ident('a'), v('B')))
        there = Lab(rule(config(k(app('stop'), 'Pgm'), twice), config(k(app('choose'), 'Pgm'), v('M', 'Map')), 'twice'))
        assert there.execute(cell(app('stop')))['reason'] == 'stuck'

    @pytest.mark.parametrize('state', [app('stop'), i(3), v('X'), k(app('stop'), 'Pgm'), app('counter', i(0))])
    def test_a_state_that_is_no_configuration_is_stuck(self, state: str) -> None:
        there = Lab(step(app('stop'), app('choose'), 'stop'))
        assert there.execute(state)['reason'] == 'stuck'


@pytest.mark.parametrize(
    ('pattern', 'expected'),
    [
        # A predicate at the sort Bool is both values, or none; the complement of a value is the other one.
        ('\\equals{SortBool{}, SortGeneratedTopCell{}}(\\not{SortBool{}}(VarB:SortBool{}), VarB:SortBool{})', 'Bottom'),
        ('\\equals{SortBool{}, SortGeneratedTopCell{}}(\\not{SortBool{}}(VarB:SortBool{}), VarC:SortBool{})', 'Not'),
        (same('\\not{SortBool{}}(' + same(X, Y, at='SortBool{}') + ')', b(True), 'Bool'), 'Bottom'),
        (
            f'\\in{{SortInt{{}}, SortGeneratedTopCell{{}}}}({app("tdiv", i(1), i(0))}, \\bottom{{SortInt{{}}}}())',
            'Bottom',
        ),
        (f'\\in{{SortInt{{}}, SortGeneratedTopCell{{}}}}({X}, \\not{{SortInt{{}}}}({Y}))', 'Not'),
    ],
)
def test_a_comparison_with_a_predicate_means_what_it_says(pattern: str, expected: str) -> None:
    assert Lab().simplify(pattern)['tag'] == expected


def test_a_content_hash_never_runs_another_module() -> None:
    engine = Engine(parse_definition(text()).modules, 'LAB')
    wanted = f'module WANTED\n  import LAB []\n{step(app("stop"), app("left"), "wanted")}\nendmodule []'
    name = 'm' + hashlib.sha256(wanted.encode()).hexdigest()
    other = f'module {name}\n  import LAB []\n{step(app("stop"), app("right"), "other")}\nendmodule []'
    engine.add_module(other, True)
    with pytest.raises(DuplicateModule, match=name):
        engine.add_module(wanted, False)
    untouched = Engine(parse_definition(text()).modules, 'LAB')
    assert untouched.add_module(wanted, False) == untouched.add_module(wanted, True) == name


def test_of_two_maps_the_one_whose_keys_are_known_is_matched_first() -> None:
    pair = symbol('Lblpair', 'KItem KItem', 'Pgm')
    both_maps = symbol('Lbltwo', 'Int Map Map', 'Pgm')

    def two(key: str, found: str, value: str, ends: tuple[str, str]) -> str:
        first = app('joinMap', app('entry', inj(key, 'Int'), inj(app('pair', found, value), 'Pgm')), v(ends[0], 'Map'))
        second = app('joinMap', app('entry', found, value), v(ends[1], 'Map'))
        return app('two', key, first, second)

    left = two(X, v('Y', 'KItem'), v('V', 'KItem'), ('R', 'S'))
    there = Lab(pair, both_maps, step(left, app('stop'), 'two', app('gt', v('Counter'), i(0))))
    state = cell(two(v('A'), v('B', 'KItem'), v('W', 'KItem'), ('M', 'N')), counter=v('C'))
    answer: Any = there.execute(state, max_depth=1)
    assert answer['reason'] == 'branching'


def test_what_a_state_has_lost_is_still_known() -> None:
    """That a key is in no other place of a map stays known when its entry is taken out, also between two requests."""
    key = inj(X, 'Int')
    taking = rule(
        config(
            k(app('count', X), 'Pgm', v('R', 'K')),
            app('joinMap', app('entry', key, v('V', 'KItem')), v('M', 'Map')),
            v('C'),
        ),
        config(v('R', 'K'), v('M', 'Map'), v('C')),
        'take',
    )
    putting = rule(
        config(k(app('sign', X), 'Pgm', v('R', 'K')), v('M', 'Map'), v('C')),
        config(v('R', 'K'), app('joinMap', app('entry', key, inj(i(1), 'Int')), v('M', 'Map')), v('C')),
        'put',
    )
    there = Lab(taking, putting)
    a = v('A')
    program = k(app('count', a), 'Pgm', k(app('sign', a), 'Pgm'))
    state = config(program, app('joinMap', app('entry', inj(a, 'Int'), inj(i(0), 'Int')), v('N', 'Map')))
    whole = there.execute(state, max_depth=2)
    assert (whole['reason'], whole['depth']) == ('depth-bound', 2)
    half: Any = there.execute(state, max_depth=1)
    again = {'tag': 'And', 'sort': {'tag': 'SortApp', 'name': 'SortGeneratedTopCell', 'args': []}}
    again['patterns'] = [half['state']['term']['term'], half['state']['predicate']['term']]
    assert there.execute_json(again, max_depth=1)['depth'] == 1
