"""Evaluation of functions and simplification of states."""

from __future__ import annotations

import pytest
from kore_lab import Lab, cell, deep_recursion, entry, equation, ident, joined
from kore_text import app, both, every, i, inj, same, some, true, truth, v

from kprover.server.parse import parse_pattern


@pytest.fixture(scope='module')
def lab() -> Lab:
    return Lab()


def test_a_function_is_evaluated_by_its_equations(lab: Lab) -> None:
    assert lab.simplify(app('factorial', i(20))) == parse_pattern(i(2432902008176640000))


def test_recursion_may_be_deep(lab: Lab) -> None:
    term = inj(i(1), 'Int', 'Exp')
    for _ in range(300):
        term = app('plus', term, inj(i(1), 'Int', 'Exp'))
    with deep_recursion():
        assert lab.simplify(app('size', term)) == parse_pattern(i(301))


def test_a_function_whose_first_equation_may_apply_is_left_alone(lab: Lab) -> None:
    assert lab.simplify(app('factorial', v('X'))) == parse_pattern(app('factorial', v('X')))


def test_the_path_condition_may_exclude_an_equation(lab: Lab) -> None:
    made = lab.simplify(both(cell(app('done', app('factorial', v('X')))), truth(app('eq', v('X'), i(3)))))
    assert parse_pattern(cell(app('done', i(6)))) in made['patterns']


def test_owise_waits_until_the_others_are_excluded(lab: Lab) -> None:
    assert lab.simplify(app('size', v('E', 'Exp'))) == parse_pattern(app('size', v('E', 'Exp')))
    assert lab.simplify(app('size', inj(ident('a'), 'Id', 'Exp'))) == parse_pattern(i(1))


def test_a_sort_predicate_looks_at_the_sort_of_a_variable(lab: Lab) -> None:
    def is_value(term: str, of: str) -> str:
        return app('isValue', f'kseq{{}}({inj(term, of)}, dotk{{}}())')

    assert lab.simplify(is_value(v('X'), 'Int'))['value'] == 'true'
    assert lab.simplify(is_value(ident('a'), 'Id'))['value'] == 'false'
    assert lab.simplify(is_value(v('E', 'Exp'), 'Exp'))['tag'] == 'App'


def test_a_simplification_is_used_on_symbolic_terms(lab: Lab) -> None:
    assert lab.simplify(app('unknown', app('add', v('X'), i(0)))) == parse_pattern(app('unknown', v('X')))


def test_simplifications_that_run_in_circles_come_to_an_end(lab: Lab) -> None:
    with deep_recursion():
        made = lab.simplify(app('endless', v('X')))
    assert made == parse_pattern(app('endless', v('X')))


def test_restrictions_to_concrete_and_symbolic_arguments_are_kept() -> None:
    commute = equation(
        app('mul', v('C'), v('X')),
        app('mul', v('X'), v('C')),
        'Int',
        attributes=f'simplification{{}}(""), concrete{{}}({v("C")}), symbolic{{}}({v("X")})',
    )
    lab = Lab(commute)
    assert lab.simplify(app('mul', i(3), v('Y'))) == parse_pattern(app('mul', v('Y'), i(3)))
    assert lab.simplify(app('mul', v('Y'), i(3))) == parse_pattern(app('mul', v('Y'), i(3)))
    assert lab.simplify(app('mul', v('Y'), v('Z'))) == parse_pattern(app('mul', v('Y'), v('Z')))


def test_division_by_zero_and_duplicate_keys_are_bottom(lab: Lab) -> None:
    assert lab.simplify(app('tdiv', i(1), i(0)))['tag'] == 'Bottom'
    assert lab.simplify(joined(entry(ident('a'), i(1)), entry(ident('a'), i(2))))['tag'] == 'Bottom'


def test_division_truncates(lab: Lab) -> None:
    assert lab.simplify(app('tdiv', i(-7), i(2))) == parse_pattern(i(-3))


def test_equations_of_variables_become_a_substitution(lab: Lab) -> None:
    made = lab.simplify(both(cell(app('done', v('X'))), same(v('X'), app('add', v('Y'), i(1)))))
    assert parse_pattern(cell(app('done', app('add', v('Y'), i(1))))) in made['patterns']


def test_a_contradiction_is_bottom(lab: Lab) -> None:
    never = both(cell(app('done', v('X'))), truth(app('gt', v('X'), i(0))), truth(app('lt', v('X'), i(0))))
    assert lab.simplify(never)['tag'] == 'Bottom'


def test_what_one_request_assumed_is_forgotten_in_the_next(lab: Lab) -> None:
    known = truth(app('gt', app('unknown', i(3)), i(0)))
    lab.simplify(both(cell(app('done', app('unknown', i(3)))), known))
    made = lab.simplify(app('gt', app('unknown', i(3)), i(0)))
    assert made['tag'] == 'App'


def test_maps_are_written_in_one_order_whatever_the_history(lab: Lab) -> None:
    forward = joined(*(entry(ident(name), i(1)) for name in 'abc'))
    backward = joined(*(entry(ident(name), i(1)) for name in 'cba'))
    assert lab.simplify(cell(app('stop'), forward)) == lab.simplify(cell(app('stop'), backward))


def test_an_equation_of_two_variables_among_alternatives_comes_to_an_end(lab: Lab) -> None:
    either = app('orBool', app('eq', v('X'), v('Y')), app('gt', v('X'), i(0)))
    made = lab.simplify(both(cell(app('done', v('X'))), truth(either)))
    assert len(made['patterns']) == 2


def test_quantifiers_stay(lab: Lab) -> None:
    bound, free = v('Q'), v('X')
    assert lab.simplify(some(bound, same(bound, free)))['tag'] == 'Top'
    assert lab.simplify(every(bound, true(app('gt', bound, i(0)))))['tag'] == 'Forall'
    state = lab.simplify(some(bound, both(cell(app('done', app('add', bound, i(0)))), true(app('gt', bound, free)))))
    assert (state['tag'], state['var']) == ('Exists', 'VarQ')
