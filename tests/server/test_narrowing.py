"""Configurations that have to be instantiated to go on: all cases or none."""

from __future__ import annotations

import pytest
from kore_lab import Lab, cell, step
from kore_text import app, i, inj, v

from kprover.server.cases import read_no_junk
from kprover.server.parse import parse_pattern
from kprover.server.rewrite import NARROWING_LIMIT
from kprover.server.symbols import sort

EXP_CASES = (
    '\\exists{SortExp{}}(X0:SortExp{}, \\exists{SortExp{}}(X1:SortExp{}, Lblplus{}(X0:SortExp{}, X1:SortExp{})))',
    '\\exists{SortExp{}}(Val:SortInt{}, inj{SortInt{}, SortExp{}}(Val:SortInt{}))',
    '\\exists{SortExp{}}(Val:SortId{}, inj{SortId{}, SortExp{}}(Val:SortId{}))',
)
COLOR_CASES = ('Lblred{}()', 'Lblgreen{}()', 'Lblblue{}()')


def no_junk(of: str, *cases: str) -> str:
    inside = ', '.join((*cases, f'\\bottom{{Sort{of}{{}}}}()'))
    return f'  axiom{{}} \\or{{Sort{of}{{}}}}({inside}) [constructor{{}}()]'


LISTED = (no_junk('Exp', *EXP_CASES), no_junk('Color', *COLOR_CASES))
PLUS = step(app('eval', app('plus', v('A', 'Exp'), v('B', 'Exp'))), app('stop'), 'plus')
NUMBER = step(app('eval', inj(v('N'), 'Int', 'Exp')), app('done', v('N')), 'number')
NAME = step(app('eval', inj(v('X', 'Id'), 'Id', 'Exp')), app('read', v('X', 'Id')), 'name')
ANY = cell(app('eval', v('E', 'Exp')))


def outcome(*axioms: str, at: str = ANY) -> tuple[str, list[str]]:
    """Return the reason and the rules of the next states, an empty name for a remainder."""
    answer = Lab(*axioms).execute(at, max_depth=1)
    return answer['reason'], [one.get('rule-id', '') for one in answer.get('next-states', [])]


def test_rules_for_all_constructors_leave_no_remainder() -> None:
    assert outcome(*LISTED, PLUS, NUMBER, NAME) == ('branching', ['plus', 'number', 'name'])
    answer = Lab(*LISTED, PLUS, NUMBER, NAME).execute(ANY)
    assert all('rule-predicate' in one and 'substitution' in one for one in answer['next-states'])


@pytest.mark.parametrize('rules', [(PLUS, NUMBER), (PLUS, NAME), (NUMBER, NAME), (PLUS,), (NAME,)])
def test_a_constructor_without_a_rule_keeps_the_state_stuck(rules: tuple[str, ...]) -> None:
    assert outcome(*LISTED, *rules) == ('stuck', [])


def test_without_a_list_of_constructors_the_state_is_stuck() -> None:
    assert outcome(PLUS, NUMBER, NAME) == ('stuck', [])
    assert outcome(no_junk('Exp', *EXP_CASES[:2]), PLUS, NUMBER, NAME) == ('stuck', [])
    assert outcome(no_junk('Exp', *EXP_CASES, '\\top{SortExp{}}()'), PLUS, NUMBER, NAME) == ('stuck', [])


def test_conditions_that_cover_a_constructor_together_leave_no_remainder() -> None:
    def number(label: str, comparison: str) -> str:
        return step(app('eval', inj(v('N'), 'Int', 'Exp')), app('stop'), label, app(comparison, v('N'), i(0)))

    low, high, positive = number('low', 'le'), number('high', 'gt'), number('positive', 'gt')
    assert outcome(*LISTED, PLUS, low, high, NAME) == ('branching', ['plus', 'low', 'high', 'name'])
    assert outcome(*LISTED, PLUS, positive, NAME) == ('stuck', [])


def test_constructors_inside_of_constructors_are_cases_too() -> None:
    def left(inner: str, label: str) -> str:
        return step(app('eval', app('plus', inner, v('B', 'Exp'))), app('stop'), label)

    inside = [
        left(inj(v('N'), 'Int', 'Exp'), 'number+'),
        left(inj(v('X', 'Id'), 'Id', 'Exp'), 'name+'),
        left(app('plus', v('A', 'Exp'), v('C', 'Exp')), 'plus+'),
    ]
    reason, names = outcome(*LISTED, *inside, NUMBER, NAME)
    assert (reason, sorted(names)) == ('branching', ['name', 'name+', 'number', 'number+', 'plus+'])
    assert outcome(*LISTED, *inside[:2], NUMBER, NAME) == ('stuck', [])


def test_a_case_of_a_lower_priority_counts() -> None:
    low = step(
        app('eval', app('plus', v('A', 'Exp'), v('B', 'Exp'))), app('stop'), 'low', attributes='priority{}("60")'
    )
    answer = Lab(*LISTED, low, NUMBER, NAME).execute(ANY)
    assert [one['rule-id'] for one in answer['next-states']] == ['number', 'name', 'low']
    # Their conditions say that the earlier rules do not apply, which takes a quantifier: clients get plain results.
    assert all('rule-predicate' not in one for one in answer['next-states'])


def test_constants_are_cases_of_an_enumeration() -> None:
    rules = [step(app('paint', app(name)), app('stop'), name) for name in ('red', 'green', 'blue')]
    at = cell(app('paint', v('C', 'Color')))
    assert outcome(*LISTED, *rules, at=at) == ('branching', ['red', 'green', 'blue'])
    assert outcome(*LISTED, *rules[:2], at=at) == ('branching', ['red', 'green', ''])
    assert outcome(*rules, at=at) == ('branching', ['red', 'green', 'blue', ''])


def test_the_only_case_is_an_ordinary_step() -> None:
    box = '  symbol Lblbox{}(SortColor{}, SortInt{}) : SortBox{} [constructor{}()]'
    open_box = '  symbol Lblopen{}(SortBox{}) : SortPgm{} [constructor{}()]'
    cases = (
        '\\exists{SortBox{}}(X0:SortColor{}, \\exists{SortBox{}}(X1:SortInt{}, Lblbox{}(X0:SortColor{}, X1:SortInt{})))'
    )
    opened = step(app('open', app('box', v('C', 'Color'), v('N'))), app('done', v('N')), 'open')
    axioms = ('  sort SortBox{} []', box, open_box, no_junk('Box', cases), opened)
    answer = Lab(*axioms).execute(cell(app('open', v('B', 'Box'))), max_depth=1)
    assert (answer['reason'], answer['depth']) == ('depth-bound', 1)
    assert 'substitution' in answer['state']


def test_a_constructor_of_an_added_module_is_another_case() -> None:
    lab = Lab(*LISTED, PLUS, NUMBER, NAME)
    more = '  symbol Lblminus{}(SortExp{}) : SortExp{} [constructor{}()]'
    lab.engine.add_module(f'module MORE\n  import LAB []\n{more}\nendmodule []', True)
    assert lab.execute(ANY)['reason'] == 'branching'
    assert lab.execute(ANY, module='MORE')['reason'] == 'stuck'


def test_literals_are_no_cases() -> None:
    assert outcome(
        no_junk('Id'), step(app('read', v('X', 'Id')), app('stop'), 'read'), at=cell(app('read', v('Y', 'Id')))
    ) == ('depth-bound', [])
    signature = Lab(no_junk('Id', 'Lblred{}()')).signature
    assert signature.cases(sort('SortId')) is None
    assert signature.cases(sort('SortInt')) is None


def test_more_instances_than_the_limit_are_stuck() -> None:
    def rules(count: int) -> list[str]:
        names = [f'shape{number}' for number in range(count)]
        symbols = [f'  symbol Lbl{name}{{}}() : SortShape{{}} [constructor{{}}()]' for name in names]
        listed = no_junk('Shape', *(f'Lbl{name}{{}}()' for name in names), 'Lblboxed{}()')
        boxed = '  symbol Lblboxed{}() : SortShape{} [constructor{}()]'
        draw = '  symbol Lbldraw{}(SortShape{}, SortExp{}) : SortPgm{} [constructor{}()]'
        steps = [
            step(app('draw', app(name), app('plus', v('A', 'Exp'), v('B', 'Exp'))), app('stop'), name) for name in names
        ]
        return ['  sort SortShape{} []', *symbols, boxed, draw, listed, *steps]

    at = cell(app('draw', app('shape1'), v('E', 'Exp')))
    assert outcome(*LISTED, *rules(NARROWING_LIMIT + 1), at=at) == ('stuck', [])
    at = cell(app('draw', v('S', 'Shape'), app('plus', v('E', 'Exp'), v('F', 'Exp'))))
    reason, names = outcome(*LISTED, *rules(NARROWING_LIMIT), at=at)
    assert (reason, len(names)) == ('branching', NARROWING_LIMIT + 1)


@pytest.mark.parametrize('nested', [False, True])
def test_axioms_are_read_in_both_shapes(nested: bool) -> None:
    if nested:
        text = '\\bottom{SortExp{}}()'
        for one in reversed(EXP_CASES):
            text = f'\\or{{SortExp{{}}}}({one}, {text})'
    else:
        text = f'\\or{{SortExp{{}}}}({", ".join(EXP_CASES)}, \\bottom{{SortExp{{}}}}())'
    read = read_no_junk(parse_pattern(text))
    assert read is not None
    of, listed = read
    assert of is sort('SortExp')
    assert listed is not None
    assert listed.constructors == {'Lblplus'}
    assert listed.subsorts == {sort('SortInt'), sort('SortId')}


def test_other_axioms_about_constructors_list_nothing() -> None:
    assert read_no_junk(parse_pattern('\\not{SortExp{}}(\\bottom{SortExp{}}())')) is None
    same = '\\or{SortExp{}}(\\exists{SortExp{}}(X0:SortExp{}, Lblplus{}(X0:SortExp{}, X0:SortExp{})))'
    read = read_no_junk(parse_pattern(same))
    assert read is not None
    assert read[1] is None
