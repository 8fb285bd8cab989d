"""One symbolic step against all its small instances, for random rules.

Each concrete successor of an instance must be among the states that the server gives, and an instance that is stuck
must be in what the server says is stuck. The other way round is not asked: more states than needed prove less.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import pytest
from kore_cases import MODULE, definition
from pyk.kore.syntax import App
from random_rules import Undefined, Unknown, controls, random_rules, random_start, successors, truth, value
from service import Asking, serving

if TYPE_CHECKING:
    from pathlib import Path

    from pyk.kore.rpc import ExecuteResult, State
    from pyk.kore.syntax import Pattern
    from random_rules import Binding, Start

SYSTEMS = 40
STATES = 5
SEED = int(os.environ.get('SOUNDNESS_SEED', '5'))
"""Another seed gives other rules and states."""


def _control(pattern: Pattern) -> tuple[str, tuple[Pattern, ...]]:
    """Return the symbol of a state's control term and its arguments."""
    pending = [pattern]
    while pending:
        one = pending.pop()
        if isinstance(one, App) and one.symbol.startswith(('Lblr', 'Lbld')) and one.symbol[4:].isdigit():
            return one.symbol.removeprefix('Lbl'), one.args
        pending.extend(one.patterns)
    raise AssertionError(f'no control term in {pattern}')


def _covers(state: State, symbol: str, parts: tuple[Any, ...] | None, binding: Binding) -> bool:
    """Return whether a state of the answer may be the one with the given control, where the variables have values."""
    name, args = _control(state.kore)
    if name != symbol:
        return False
    conditions = [one for one in (state.predicate, state.substitution, state.rule_predicate) if one is not None]
    if any(truth(one, binding) is False for one in conditions):
        return False
    try:
        return parts is None or tuple(value(arg, binding) for arg in args) == parts
    except Unknown:
        return True
    except Undefined:
        return False


def missing(start: Start, expected: list[tuple[str, Any, Any]], answer: ExecuteResult, binding: Binding) -> str | None:
    """Return what the answer lacks at an instance, if anything."""
    reason = answer.reason.value
    if reason == 'stuck':
        return None
    if reason == 'vacuous':
        return 'a state with instances is vacuous'
    assert answer.next_states is not None or answer.depth == 1
    states = [answer.state] if answer.next_states is None else list(answer.next_states)
    stuck = any(_covers(one, start.control, None, binding) for one in states)
    if not expected:
        return None if stuck else 'this instance is stuck'
    for symbol, *parts in expected:
        if not stuck and not any(_covers(one, symbol, tuple(parts), binding) for one in states):
            return f'this instance leads to {symbol}({parts})'
    return None


@pytest.mark.parametrize('part', range(2))
def test_a_symbolic_step_covers_the_steps_of_all_instances(part: int, tmp_path: Path) -> None:
    source = random.Random(f'{SEED} {part}')
    systems = {f'r{n}': random_rules(source, f'r{n}') for n in range(SYSTEMS)}
    axioms = [one.text(control) for control, rules in systems.items() for one in rules]
    (tmp_path / 'definition.kore').write_text(definition([controls(SYSTEMS), *axioms]))
    wrong = []
    moves = instances = 0
    with serving(tmp_path, MODULE) as client:
        ask = Asking(client)
        for control, rules in systems.items():
            for _ in range(STATES):
                start = random_start(source, control)
                answer = ask.step(start.text)
                moves += answer.reason.value != 'stuck'
                for binding, parts in start.instances():
                    instances += 1
                    lack = missing(start, successors(rules, *parts), answer, binding)
                    if lack is not None:
                        wrong.append(f'{lack} at {binding}\n {start}\n {rules}\n {_shown(answer)}')
                        break
    assert not wrong, f'{len(wrong)} wrong:\n' + '\n\n'.join(wrong)
    assert instances > 1000
    assert moves > 0.4 * SYSTEMS * STATES, f'only {moves} states go on'


def _shown(answer: ExecuteResult) -> str:
    states = [answer.state, *(answer.next_states or ())]
    return f'{answer.reason.value} ' + '\n  '.join(
        str(state.to_dict() if hasattr(state, 'to_dict') else state)[:900] for state in states
    )
