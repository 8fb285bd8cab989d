"""A term has a value only where all its subterms, as written, have one, whatever evaluation drops of them.

Each way to drop a subterm is asked in each place where a term can stand. `PARTIAL` has no value for `X = 0`: no answer
may treat a term that contains it as having one there; and where the answer is told that `X` is not 0, or knows it, the
term is as good as its normal form.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from kore_lab import Lab, cell, config, deep_recursion, entry, equation, ident, joined, rule, step, text
from kore_text import app, b, both, ceil, every, i, inj, k, nope, same, some, symbol, true, v

from kprover.server import evaluate_terms
from kprover.server.budget import Budget
from kprover.server.engine import Engine
from kprover.server.errors import EvaluationEndless, InvalidModule
from kprover.server.methods import Methods
from kprover.server.parse import parse_definition, parse_pattern
from kprover.server.smt import SmtOptions

if TYPE_CHECKING:
    from collections.abc import Callable

X = v('X')
PARTIAL = app('tdiv', i(1), X)
NONE = app('tdiv', i(1), i(0))
ZERO, NOT_ZERO = same(X, i(0)), nope(same(X, i(0)))

_INT = ('Int', 'Int', ('function{}()', 'total{}()'))
DECLARED = [
    symbol('Lblseven', *_INT),
    symbol('Lblfirst', 'Int Int', 'Int', ('function{}()', 'total{}()')),
    symbol('Lblhides', 'Int', 'Int', ('function{}()',)),
    symbol('Lblhidden', 'Int', 'Int', ('function{}()',)),
    symbol('Lblcased', 'Int', 'Int', ('function{}()',)),
    symbol('Lblbounded', 'Int', 'Int', ('function{}()',)),
    symbol('Lblchosen', 'Int', 'Int', ('function{}()', 'total{}()')),
    symbol('Lblspun', 'Int', 'Int', ('function{}()',)),
    '  hooked-symbol Lblite{SortS}(SortBool{}, SortS, SortS) : SortS [function{}(), hook{}("KEQUAL.ite"), total{}()]',
]
EQUATIONS = [
    equation(app('seven', X), i(7), 'Int'),
    equation(app('first', X, v('Y')), X, 'Int'),
    # Bodies that drop a part without a value, directly and by way of another function.
    equation(app('hides', X), app('seven', app('tdiv', i(1), X)), 'Int'),
    equation(app('hidden', X), app('hides', X), 'Int'),
    # A case is missing: no value for 0.
    equation(app('cased', X), i(7), 'Int', app('gt', X, i(0))),
    equation(app('cased', X), i(7), 'Int', app('lt', X, i(0))),
    # What is ensured fails for 0.
    equation(app('bounded', X), both(i(7), true(app('ne', X, i(0)), 'SortInt{}'), at='SortInt{}'), 'Int'),
    # A condition without a value is not true, and its negation neither: the last case is that of 0.
    equation(app('chosen', X), i(1), 'Int', app('gt', PARTIAL, i(0))),
    equation(app('chosen', X), i(2), 'Int', app('notBool', app('gt', PARTIAL, i(0)))),
    equation(app('chosen', X), i(3), 'Int', attributes='owise{}()'),
    equation(app('spun', X), app('spun', app('add', X, i(1))), 'Int'),
]


def ite(condition: str, then: str, otherwise: str) -> str:
    """Return `#if condition #then then #else otherwise #fi`."""
    return f'Lblite{{SortInt{{}}}}({condition}, {then}, {otherwise})'


def item(term: str) -> str:
    """Return an Int as KItem."""
    return inj(term, 'Int')


def number(term: str) -> str:
    """Return the Int in a KItem, 7 for every map, so that a map can stand where an Int is asked for."""
    return ite(app('inKeys', item(i(9)), term), i(7), i(7))


DROPPED: dict[str, Callable[[str], str]] = {
    'a factor of zero': lambda t: app('mul', i(0), t),
    'a factor of zero, on the left': lambda t: app('mul', t, i(0)),
    'a difference of the same': lambda t: app('sub', t, t),
    'a function of one argument': lambda t: app('seven', t),
    'a function that returns another argument': lambda t: app('first', i(7), t),
    'an arm that is not taken': lambda t: ite(b(True), i(7), t),
    'the other arm that is not taken': lambda t: ite(b(False), t, i(7)),
    'equal arms': lambda t: ite(app('eq', t, i(3)), i(7), i(7)),
    'both arms': lambda t: app('seven', ite(app('eq', X, i(5)), t, t)),
    'a false conjunction': lambda t: ite(app('andBool', b(False), app('eq', t, i(3))), i(7), i(7)),
    'a true disjunction': lambda t: ite(app('orBool', app('eq', t, i(3)), b(True)), i(7), i(7)),
    'an equation of the same': lambda t: ite(app('eq', t, t), i(7), i(7)),
    'a comparison of the same': lambda t: ite(app('lt', t, t), i(7), i(7)),
    'the value of another key': lambda t: number(joined(entry(ident('a'), t), entry(ident('b'), i(3)))),
    'a key': lambda t: number(app('entry', item(t), item(i(1)))),
    'an overwritten value': lambda t: number(app('update', app('entry', item(i(1)), item(t)), item(i(1)), item(i(2)))),
    'two drops': lambda t: app('seven', app('mul', i(0), app('seven', t))),
}
SOURCES: dict[str, str] = {
    'a division': PARTIAL,
    'the body of a function': app('hides', X),
    'the body of a body': app('hidden', X),
    'a missing case': app('cased', X),
    'what a function ensures': app('bounded', X),
    'keys that may be equal': number(joined(app('entry', item(X), item(i(1))), app('entry', item(i(0)), item(i(2))))),
}


def lab(*axioms: str) -> Lab:
    """Return the lab with the functions of this module."""
    return Lab(*DECLARED, *EQUATIONS, *axioms)


LAB = lab()


def without_value(answer: Any) -> bool:
    """Whether an answer to `simplify` is bottom."""
    return bool(answer['tag'] == 'Bottom')


@pytest.mark.parametrize('source', SOURCES)
@pytest.mark.parametrize('way', DROPPED)
class TestNoAnswerTreatsADroppedSubtermAsHavingAValue:
    def test_the_answer_of_simplify_says_what_was_dropped(self, way: str, source: str) -> None:
        made = LAB.simplify(cell(app('done', DROPPED[way](SOURCES[source]))))
        assert 'VarX' in str(made)

    def test_ceil_does_not_hold(self, way: str, source: str) -> None:
        state = cell(app('stop'), counter=X)
        assert not LAB.implies(state, both(state, ceil(DROPPED[way](SOURCES[source]))))['valid']

    def test_no_target_is_reached(self, way: str, source: str) -> None:
        target = cell(app('done', DROPPED[way](SOURCES[source])), counter=X)
        for value in (i(7), i(0), i(1)):
            assert not LAB.implies(cell(app('done', value), counter=X), target)['valid']

    def test_no_condition_of_a_target_holds(self, way: str, source: str) -> None:
        term = DROPPED[way](SOURCES[source])
        for value in (i(7), i(0)):
            wanted = both(cell(app('stop'), counter=X), true(app('eq', term, value)))
            assert not LAB.implies(cell(app('stop'), counter=X), wanted)['valid']
            unequal = both(cell(app('stop'), counter=X), same(term, value))
            assert not LAB.implies(cell(app('stop'), counter=X), unequal)['valid']

    def test_an_antecedent_may_use_that_it_has_a_value(self, way: str, source: str) -> None:
        state = both(cell(app('done', DROPPED[way](SOURCES[source])), counter=X), ZERO)
        answer = LAB.simplify(state)
        # Missing cases of a function are known to nobody; everything else has certainly no value at 0.
        assert without_value(answer) or source == 'a missing case'


RULES = [
    step(app('count', X), app('done', DROPPED['a factor of zero'](PARTIAL)), 'right'),
    step(app('sign', X), app('done', app('hidden', X)), 'body'),
    step(app('divide', X), app('done', app('cased', X)), 'case'),
]


@pytest.mark.parametrize('program', ['count', 'sign', 'divide'])
def test_a_rule_leads_nowhere_where_its_right_side_has_no_value(program: str) -> None:
    answer = lab(*RULES).execute(cell(app(program, X)), max_depth=1)
    assert answer['reason'] == 'branching'
    assert [('rule-id' in one) for one in answer['next-states']] == [True, False]
    assert all('rule-predicate' in one for one in answer['next-states'])


@pytest.mark.parametrize('program', ['count', 'sign'])
def test_a_concrete_state_is_stuck_where_the_right_side_has_no_value(program: str) -> None:
    answer = lab(*RULES).execute(cell(app(program, i(0))), max_depth=1)
    assert answer['reason'] == 'stuck'
    assert lab(*RULES).execute(cell(app(program, i(2))), max_depth=1)['depth'] == 1


def test_a_condition_without_a_value_is_not_true() -> None:
    rules = [
        step(app('count', X), app('stop'), 'positive', app('eq', app('seven', PARTIAL), i(7))),
        step(app('count', X), app('done', i(3)), 'rest', attributes='owise{}()'),
    ]
    there = lab(*rules)
    for value, program in ((0, 'Lbldone'), (2, 'Lblstop')):
        answer = there.execute(cell(app('count', i(value))), max_depth=1)
        assert answer['depth'] == 1 and program in str(answer['state']), value
    assert there.execute(cell(app('count', X)), max_depth=1)['reason'] == 'branching'


@pytest.mark.parametrize(('value', 'result'), [(1, 1), (-1, 2), (0, 3)])
def test_a_case_whose_condition_has_no_value_does_not_apply(value: int, result: int) -> None:
    assert LAB.simplify(app('chosen', i(value))) == parse_pattern(i(result))


def test_what_a_rule_ensures_has_to_have_a_value() -> None:
    ensured = true(app('eq', app('seven', PARTIAL), i(7)))
    there = lab(step(app('count', X), app('stop'), 'count', ensures=ensured))
    assert there.execute(cell(app('count', i(0))), max_depth=1)['reason'] == 'stuck'
    assert there.execute(cell(app('count', i(2))), max_depth=1)['depth'] == 1
    answer = there.execute(cell(app('count', X)), max_depth=1)
    assert answer['reason'] == 'branching'
    assert [('rule-id' in one) for one in answer['next-states']] == [True, False]


def test_a_known_value_is_enough() -> None:
    there = lab(*RULES)
    for program in ('count', 'sign'):
        answer = there.execute(both(cell(app(program, X)), NOT_ZERO), max_depth=1)
        assert (answer['reason'], answer['depth']) == ('depth-bound', 1), program
    for way, hide in DROPPED.items():
        wanted = both(cell(app('stop'), counter=X), ceil(hide(PARTIAL)))
        assert LAB.implies(both(cell(app('stop'), counter=X), NOT_ZERO), wanted)['valid'], way


def test_a_state_may_drop_what_it_has() -> None:
    """The parts of a state have values: a rule that forgets one of them leaves nothing over."""
    there = lab(step(app('count', X), app('stop'), 'forget'))
    answer = there.execute(cell(app('count', PARTIAL)), max_depth=1)
    assert (answer['reason'], answer['depth']) == ('depth-bound', 1)


def test_a_witness_has_a_value() -> None:
    wanted = (
        f'\\exists{{SortGeneratedTopCell{{}}}}({v("Q")}, {both(cell(app("stop"), counter=X), same(v("Q"), PARTIAL))})'
    )
    assert not LAB.implies(cell(app('stop'), counter=X), wanted)['valid']
    assert LAB.implies(both(cell(app('stop'), counter=X), NOT_ZERO), wanted)['valid']


def test_two_sides_without_a_value_are_equal() -> None:
    state = cell(app('stop'), counter=X)
    assert LAB.implies(state, both(state, same(PARTIAL, PARTIAL)))['valid']
    assert LAB.implies(state, both(state, same(NONE, app('seven', NONE))))['valid']
    assert not LAB.implies(state, both(state, same(app('seven', PARTIAL), i(7))))['valid']
    assert not LAB.implies(state, both(state, same(app('seven', PARTIAL), app('seven', X))))['valid']


def test_a_lemma_is_used_only_where_its_left_side_has_a_value() -> None:
    there = lab(equation(app('tdiv', i(0), X), i(0), 'Int', attributes='simplification{}("")'))
    state = cell(app('done', app('tdiv', i(0), X)))
    assert not there.implies(cell(app('done', i(0)), counter=X), cell(app('done', app('tdiv', i(0), X)), counter=X))[
        'valid'
    ]
    assert 'VarX' in str(there.simplify(state))


def test_assume_defined_makes_a_fact_of_what_is_dropped_and_of_nothing_else() -> None:
    state = cell(app('done', i(7)), counter=X)
    target = cell(app('done', app('seven', PARTIAL)), counter=X)
    assert not LAB.implies(state, target)['valid']
    assert LAB.implies(state, target, assume_defined=True)['valid']
    assert not LAB.implies(state, both(target, NOT_ZERO), assume_defined=True)['valid']


def test_an_added_module_is_held_to_the_same() -> None:
    there = lab()
    added = rule(
        config(k(app('count', X), 'Pgm'), v('S', 'Map'), v('C')),
        config(k(app('done', app('hidden', X)), 'Pgm'), v('S', 'Map'), v('C')),
        'circularity',
    )
    name = there.engine.add_module(f'module MORE\n  import LAB []\n{added}\nendmodule []', False)
    assert there.execute(cell(app('count', i(0))), name, max_depth=1)['reason'] == 'stuck'
    assert there.execute(cell(app('count', X)), name, max_depth=1)['reason'] == 'branching'


class TestEvaluationEnds:
    def test_a_function_that_does_not_end_is_an_error_with_its_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(evaluate_terms, 'WORK_LIMIT', 3_000)
        with deep_recursion():
            for argument in (i(0), X):
                with pytest.raises(EvaluationEndless, match='Lblspun did not end'):
                    LAB.simplify(app('spun', argument))
        with deep_recursion(), pytest.raises(EvaluationEndless, match='Lblspun'):
            lab(step(app('count', X), app('done', app('spun', X)), 'count')).execute(cell(app('count', i(1))))

    def test_a_stack_that_functions_overflow_is_the_same_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(evaluate_terms, '_DEEP', 10)
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(1_000)
        try:
            with pytest.raises(EvaluationEndless, match='Lblspun'):
                LAB.simplify(app('spun', i(5)))
        finally:
            sys.setrecursionlimit(limit)

    def test_work_is_counted_for_each_step_anew(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(evaluate_terms, 'WORK_LIMIT', 40)
        loop = step(app('count', X), app('count', app('first', app('sub', X, i(1)), X)), 'count', app('gt', X, i(0)))
        answer = lab(loop).execute(cell(app('count', i(100))))
        assert (answer['reason'], answer['depth']) == ('stuck', 100)


class TestContradictoryLemmas:
    @staticmethod
    def methods(*lemmas: str) -> Methods:
        declared = symbol('Lblgauge', 'Int', 'Int', ('function{}()', 'total{}()', 'smtlib{}("gauge")'))
        axioms = [
            equation(
                one, b(True), 'Bool', attributes=f'simplification{{}}(""), smt-lemma{{}}(), label{{}}("lemma-{n}")'
            )
            for n, one in enumerate(lemmas)
        ]
        engine = Engine(parse_definition(text(declared, *axioms)).modules, 'LAB')
        return Methods(engine, SmtOptions())

    @staticmethod
    def ask(methods: Methods) -> Any:
        pattern = {'format': 'KORE', 'version': 1, 'term': parse_pattern(cell(app('stop')))}
        return methods.simplify({'state': pattern}, Budget.unlimited())

    def test_lemmas_that_exclude_each_other_are_an_error_that_names_them(self) -> None:
        gauge = app('gauge', X)
        methods = self.methods(app('ge', gauge, i(0)), app('lt', gauge, i(0)), app('lt', gauge, i(9)))
        for _ in range(2):
            with pytest.raises(InvalidModule, match=r'inconsistent') as caught:
                self.ask(methods)
        assert 'lemma-0, lemma-1' in caught.value.data['error']

    def test_a_lemma_against_arithmetic_is_an_error(self) -> None:
        with pytest.raises(InvalidModule, match='lemma-0'):
            self.ask(self.methods(app('lt', app('add', app('gauge', X), i(1)), app('gauge', X))))

    def test_lemmas_that_agree_are_used(self) -> None:
        gauge = app('gauge', X)
        assert self.ask(self.methods(app('ge', gauge, i(0)), app('lt', gauge, i(9))))


class TestAnEquationThatCannotBeUsedIsNotPassedOver:
    """A later case, such as an `owise`, counts on the earlier ones: where one of them may apply, no later one does."""

    def evaluated(self, first: str, argument: str) -> Any:
        rest = equation(app('pick', X), i(1), 'Int', attributes='owise{}()')
        return Lab(symbol('Lblpick', 'Int', 'Int', ('function{}()',)), first, rest).simplify(app('pick', argument))

    def test_to_bottom(self) -> None:
        first = equation(app('pick', i(0)), '\\bottom{SortInt{}}()', 'Int')
        assert without_value(self.evaluated(first, i(0)))
        assert self.evaluated(first, i(5)) == parse_pattern(i(1))

    def test_to_a_map_with_one_key_twice(self) -> None:
        twice = number(joined(app('entry', item(i(1)), item(i(2))), app('entry', item(i(1)), item(i(3)))))
        first = DECLARED[-1] + '\n' + equation(app('pick', i(0)), twice, 'Int')
        assert without_value(self.evaluated(first, i(0)))

    def test_with_a_variable_of_its_own(self) -> None:
        for first in (
            equation(app('pick', i(0)), v('Y'), 'Int'),
            equation(app('pick', i(0)), i(2), 'Int', app('gt', v('Y'), i(0))),
        ):
            assert self.evaluated(first, i(0)) == parse_pattern(app('pick', i(0)))
            assert self.evaluated(first, i(5)) == parse_pattern(i(1))


def test_that_a_nested_function_has_a_value_is_said_once() -> None:
    nested = app('cased', app('cased', app('cased', X)))
    made = LAB.simplify(both(cell(app('stop')), ceil(nested)))
    assert str(made).count("'tag': 'Ceil'") == 3


def test_a_function_on_the_left_that_is_matched_by_name_hides_no_other_instance() -> None:
    """`unknown(-1)` may equal `unknown(5)`, of which the first equation speaks."""
    first = equation(app('seen', app('unknown', X)), i(1), 'Int', app('gt', X, i(0)))
    rest = equation(app('seen', X), i(2), 'Int', attributes='owise{}()')
    there = Lab(symbol('Lblseen', *_INT), first, rest)
    asked = app('seen', app('unknown', i(-1)))
    assert there.simplify(asked) == parse_pattern(asked)


def test_assume_defined_proves_nothing_beside_what_it_is_about() -> None:
    state = cell(app('done', i(7)), counter=X)
    target = cell(app('done', app('seven', PARTIAL)), counter=X)
    q = v('Q')
    for stated in (
        NOT_ZERO,
        nope(same(app('add', X, q), q)),
        f'\\or{{SortGeneratedTopCell{{}}}}({NOT_ZERO}, {same(app("cased", i(3)), i(5))})',
    ):
        assert not LAB.implies(state, some(q, both(target, stated)), assume_defined=True)['valid'], stated
    quotient = same(q, PARTIAL)
    assert LAB.implies(state, some(q, both(target, quotient)), assume_defined=True)['valid']
    assert LAB.implies(state, some(q, both(state, quotient)), assume_defined=True)['valid']


def test_that_a_collection_has_a_value_depends_on_the_bound_variable() -> None:
    n, m = v('N', 'Map'), v('M', 'Map')
    state = cell(app('stop'), m)
    whole = ceil(app('joinMap', m, n), 'Map')
    for claimed in (whole, nope(whole)):
        assert not LAB.implies(both(state, some(n, claimed)), both(state, every(n, claimed)))['valid']
    y = v('Y')
    size = number(joined(app('entry', item(y), item(i(1))), app('entry', item(X), item(i(2)))))
    either = true(app('orBool', app('lt', size, i(0)), app('ge', size, i(0))))
    counted = cell(app('stop'), counter=X)
    assert not LAB.implies(both(counted, some(y, either)), both(counted, every(y, either)))['valid']


def test_ways_to_match_that_all_fail_late_are_not_all_tried() -> None:
    """Nine entries with open keys could meet nine others in 362,880 orders."""
    entries = joined(*(app('entry', inj(v(f'K{n}'), 'Int'), inj(v(f'V{n}'), 'Int')) for n in range(9)))
    wanted = joined(entries, app('entry', inj(v('Last'), 'Int'), inj(i(-1), 'Int')))
    given = joined(*(app('entry', inj(i(n), 'Int'), inj(i(n), 'Int')) for n in range(10)))
    moved = rule(config(k(app('stop'), 'Pgm'), wanted, v('C')), config(k(app('choose'), 'Pgm'), given, v('C')), 'moved')
    assert Lab(moved).execute(cell(app('stop'), given))['reason'] == 'stuck'
