"""Execution: which rules apply to a state, what becomes of the rest, and where execution stops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kore_lab import Lab, cell, config, entry, ident, joined, rule, step
from kore_text import app, both, i, inj, nope, same, truth, v

from kprover.server.parse import parse_pattern

if TYPE_CHECKING:
    from kprover.server.sentences import Json

COUNT = step(app('count', v('N')), app('count', app('sub', v('N'), i(1))), 'count', app('gt', v('N'), i(0)))
FINISH = step(app('count', v('N')), app('done', v('N')), 'finish', app('le', v('N'), i(0)))


def state_term(answer: Json) -> Json:
    result: Json = answer['state']['term']['term']
    return result


def test_concrete_execution_runs_to_the_end_and_counts_its_steps() -> None:
    lab = Lab(COUNT, FINISH)
    answer = lab.execute(cell(app('count', i(1000))))
    assert (answer['reason'], answer['depth']) == ('stuck', 1001)
    assert state_term(answer) == parse_pattern(cell(app('done', i(0))))


def test_a_depth_bound_stops_before_the_step_beyond_it() -> None:
    lab = Lab(COUNT, FINISH)
    answer = lab.execute(cell(app('count', i(9))), max_depth=4)
    assert (answer['reason'], answer['depth']) == ('depth-bound', 4)
    assert state_term(answer) == parse_pattern(cell(app('count', i(5))))
    assert lab.execute(cell(app('count', i(9))), max_depth=0)['depth'] == 0


def test_a_condition_that_may_hold_branches_with_predicates_that_cover_everything() -> None:
    lab = Lab(COUNT, FINISH)
    answer = lab.execute(cell(app('count', v('X'))))
    assert (answer['reason'], answer['depth'], len(answer['next-states'])) == ('branching', 0, 2)
    assert all('rule-predicate' in one for one in answer['next-states'])
    assert {one['rule-id'] for one in answer['next-states']} == {'count', 'finish'}


def test_a_path_condition_decides_a_branch() -> None:
    lab = Lab(COUNT, FINISH)
    answer = lab.execute(both(cell(app('count', v('X'))), truth(app('lt', v('X'), i(0)))))
    assert (answer['reason'], answer['depth']) == ('stuck', 1)
    assert state_term(answer) == parse_pattern(cell(app('done', v('X'))))


def test_what_no_rule_covers_is_a_next_state_of_its_own() -> None:
    lab = Lab(COUNT)
    answer = lab.execute(cell(app('count', v('X'))))
    assert answer['reason'] == 'branching'
    applied, rest = answer['next-states']
    assert applied['rule-id'] == 'count'
    assert 'rule-id' not in rest
    assert 'rule-predicate' in rest
    assert rest['term']['term'] == parse_pattern(cell(app('count', v('X'))))


def test_a_lower_priority_applies_only_where_the_higher_does_not() -> None:
    first = step(app('sign', v('N')), app('left'), 'first', app('gt', v('N'), i(0)), 'priority{}("40")')
    second = step(app('sign', v('N')), app('right'), 'second')
    lab = Lab(first, second)
    assert state_term(lab.execute(cell(app('sign', i(3))))) == parse_pattern(cell(app('left')))
    assert state_term(lab.execute(cell(app('sign', i(-3))))) == parse_pattern(cell(app('right')))
    answer = lab.execute(cell(app('sign', v('X'))))
    assert [one['rule-id'] for one in answer['next-states']] == ['first', 'second']
    assert all('rule-predicate' in one for one in answer['next-states'])


def test_rules_without_conditions_branch_without_predicates() -> None:
    lab = Lab(step(app('choose'), app('left'), 'left'), step(app('choose'), app('right'), 'right'))
    answer = lab.execute(cell(app('choose')))
    assert answer['reason'] == 'branching'
    assert all('rule-predicate' not in one for one in answer['next-states'])


def test_a_literal_in_a_rule_splits_a_variable() -> None:
    zero = step(app('sign', i(0)), app('stop'), 'zero')
    other = step(app('sign', v('N')), app('start'), 'other', attributes='owise{}()')
    answer = Lab(zero, other).execute(cell(app('sign', v('X'))))
    assert [one['rule-id'] for one in answer['next-states']] == ['zero', 'other']
    assert answer['next-states'][0]['substitution']['term']['tag'] == 'Equals'


def test_a_narrowing_that_leaves_a_rest_is_stuck() -> None:
    """The rest would reach pyk without a condition, as the result of a step, and a circularity would apply to it."""
    lab = Lab(step(app('eval', app('plus', v('A', 'Exp'), v('B', 'Exp'))), app('stop'), 'plus'))
    answer = lab.execute(cell(app('eval', v('E', 'Exp'))))
    assert (answer['reason'], answer['depth']) == ('stuck', 0)
    assert 'next-states' not in answer


def test_a_configuration_that_would_have_to_become_anything_is_stuck() -> None:
    rules = [step(app(name), app('stop'), name) for name in ('left', 'right', 'choose', 'forget', 'start')]
    rules += [step(app(name, v('N')), app('stop'), name) for name in ('count', 'sign', 'divide', 'done')]
    answer = Lab(*rules).execute(config(v('K', 'K'), app('emptyMap')))
    assert (answer['reason'], answer['depth']) == ('stuck', 0)


def test_a_rule_that_may_match_an_open_map_is_not_passed_over() -> None:
    rest, store = v('Rest', 'K'), v('M', 'Map')
    key = v('X', 'Id')
    before = config(
        f'kseq{{}}({inj(app("read", key), "Pgm")}, {rest})',
        joined(app('entry', inj(key, 'Id'), v('V', 'KItem')), store),
    )
    after = config(f'kseq{{}}({v("V", "KItem")}, {rest})', joined(app('entry', inj(key, 'Id'), v('V', 'KItem')), store))
    lab = Lab(
        rule(before, after, 'read'),
        step(app('read', v('X', 'Id')), app('stop'), 'missing', attributes='owise{}()'),
    )
    found = lab.execute(cell(app('read', ident('a')), joined(entry(ident('a'), i(1)), entry(ident('b'), v('B')))))
    assert found['reason'] == 'stuck'
    assert found['depth'] == 1
    missing = lab.execute(cell(app('read', ident('c')), entry(ident('a'), i(1))))
    assert state_term(missing) == parse_pattern(cell(app('stop'), entry(ident('a'), i(1))))
    opened = lab.execute(cell(app('read', ident('c')), joined(entry(ident('a'), i(1)), v('M', 'Map'))))
    assert (opened['reason'], opened['depth']) == ('stuck', 0)


def test_a_map_entry_with_a_symbolic_key_branches_on_the_key() -> None:
    rest, store = v('Rest', 'K'), v('M', 'Map')
    key = v('X', 'Id')
    pair = app('entry', inj(key, 'Id'), v('V', 'KItem'))
    before = config(f'kseq{{}}({inj(app("read", key), "Pgm")}, {rest})', joined(pair, store))
    after = config(f'kseq{{}}({v("V", "KItem")}, {rest})', joined(pair, store))
    answer = Lab(rule(before, after, 'read')).execute(
        cell(app('read', v('Y', 'Id')), joined(entry(ident('a'), i(1)), entry(ident('b'), i(2))))
    )
    assert answer['reason'] == 'branching'
    assert len([one for one in answer['next-states'] if one.get('rule-id') == 'read']) == 2
    assert len([one for one in answer['next-states'] if 'rule-id' not in one]) == 1


def test_a_right_side_without_value_leads_nowhere() -> None:
    lab = Lab(step(app('divide', v('N')), app('done', app('tdiv', i(100), v('N'))), 'divide'))
    assert lab.execute(cell(app('divide', i(0))))['reason'] == 'stuck'
    assert lab.execute(cell(app('divide', i(0))))['depth'] == 0
    answer = lab.execute(cell(app('divide', v('X'))))
    assert answer['reason'] == 'branching'
    assert [one.get('rule-id') for one in answer['next-states']] == ['divide', None]
    known = lab.execute(both(cell(app('divide', v('X'))), nope(same(v('X'), i(0)))))
    assert (known['reason'], known['depth']) == ('stuck', 1)


def test_an_unsatisfiable_condition_is_vacuous() -> None:
    lab = Lab(COUNT, FINISH)
    never = both(cell(app('count', v('X'))), truth(app('lt', v('X'), i(0))), truth(app('gt', v('X'), i(0))))
    assert lab.execute(never)['reason'] == 'vacuous'
    never = step(app('start'), app('stop'), 'never', ensures=f'\\bottom{{{"SortGeneratedTopCell{}"}}}()')
    assert Lab(never).execute(cell(app('start')))['reason'] == 'vacuous'


def test_existential_variables_of_a_rule_are_fresh_and_constrained() -> None:
    invent = step(
        app('start'),
        app('done', "Var'Ques'X:SortInt{}"),
        'invent',
        ensures=truth(app('gt', "Var'Ques'X:SortInt{}", i(7))),
    )
    answer = Lab(invent).execute(both(cell(app('start')), truth(app('lt', "Var'Ques'X:SortInt{}", i(0)))))
    assert (answer['reason'], answer['depth']) == ('stuck', 1)
    made = state_term(answer)['args'][0]['args'][0]['args'][0]['args'][0]['args'][0]
    assert made['tag'] == 'EVar'
    assert made['name'] != "Var'Ques'X"
    assert len(answer['state']['predicate']['term']['patterns']) == 2


@pytest.mark.parametrize('name', ['finish', 'count'])
def test_cut_points_stop_before_and_terminal_rules_after(name: str) -> None:
    lab = Lab(COUNT, FINISH)
    cut = lab.execute(cell(app('count', i(2))), cut_point_rules=frozenset({name}))
    end = lab.execute(cell(app('count', i(2))), terminal_rules=frozenset({name}))
    assert (cut['reason'], cut['rule'], len(cut['next-states'])) == ('cut-point-rule', name, 1)
    assert (end['reason'], end['rule']) == ('terminal-rule', name)
    assert end['depth'] == cut['depth'] + 1
    assert end['state'] == cut['next-states'][0]


def test_logs_name_the_rules_in_order() -> None:
    answer = Lab(COUNT, FINISH).execute(cell(app('count', i(2))), log_successful=True)
    assert [one['result']['rule-id'] for one in answer['logs']] == ['count', 'count', 'finish']
    assert {one['origin'] for one in answer['logs']} == {'kore-rpc'}


def test_rules_that_do_not_apply_are_logged_if_that_is_asked_for() -> None:
    answer = Lab(COUNT, FINISH).execute(cell(app('count', i(0))), log_successful=True, log_failed=True)
    results = [(one['result']['tag'], one['result']['rule-id']) for one in answer['logs']]
    assert results[:2] == [('failure', 'count'), ('success', 'finish')]


def test_a_variable_of_a_request_is_not_taken_for_one_of_a_rule() -> None:
    answer = Lab(COUNT, FINISH).execute(
        both(cell(app('count', 'RuleVarN:SortInt{}')), truth(app('lt', 'RuleVarN:SortInt{}', i(0))))
    )
    assert state_term(answer) == parse_pattern(cell(app('done', 'RuleVarN:SortInt{}')))


def test_an_added_module_with_a_rule_of_higher_priority_is_used() -> None:
    lab = Lab(COUNT, FINISH)
    jump = step(app('count', v('N')), app('done', i(0)), 'ADDED.jump', app('ge', v('N'), i(0)), 'priority{}("20")')
    name = lab.engine.add_module(f'module ADDED\n  import LAB []\n{jump}\nendmodule []', True)
    answer = lab.execute(cell(app('count', i(500))), module='ADDED')
    assert (answer['reason'], answer['depth']) == ('stuck', 1)
    assert lab.execute(cell(app('count', i(500))), module=name)['depth'] == 1
    assert lab.execute(cell(app('count', i(500))))['depth'] == 501


def test_the_list_of_a_queue_is_matched_from_both_ends() -> None:
    rest = v('Rest', 'List')
    front = app('joinList', app('item', v('A', 'KItem')), rest)
    both = app('joinList', front, app('item', v('B', 'KItem')))
    lab = Lab(step(app('queue', both), app('queue', rest), 'ends'))
    items = app('emptyList')
    for number in range(4):
        items = app('joinList', items, app('item', inj(i(number), 'Int')))
    answer = lab.execute(cell(app('queue', items)))
    assert (answer['reason'], answer['depth']) == ('stuck', 2)
    assert state_term(answer) == parse_pattern(cell(app('queue', app('emptyList'))))
    opened = lab.execute(cell(app('queue', app('joinList', app('item', inj(i(1), 'Int')), v('L', 'List')))))
    assert (opened['reason'], opened['depth']) == ('stuck', 0)
