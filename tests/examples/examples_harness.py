"""Evaluates claims on concrete values: what the tests of the example claims share.

A claim is instantiated with integers, its program is run by the interpreter of its language, and the end is compared
with the claim's target; the target's existential variables take the values that they meet.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import states
from pyk.kast.inner import KApply, KSequence, KToken, KVariable, top_down
from pyk.kast.manip import extract_lhs, extract_rhs, flatten_label, free_vars
from pyk.kast.prelude.kint import intToken
from states import cells

from examples.imp.interpreter import Interpreter
from examples.stack.interpreter import Machine, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyk.kast.inner import KInner
    from pyk.kast.outer import KClaim

Values = dict[str, int]


def opaque_input(index: int) -> int:
    """What a program reads where nothing is known of the input, except what the lemma says: it is not negative."""
    return (index * 7919) % 13


_OPERATIONS = {**states.OPERATIONS, 'inputAt': opaque_input}


def evaluate(term: KInner, values: Mapping[str, int]) -> int | bool:
    """Return the value of an integer or boolean term."""
    return states.evaluate(term, values, _OPERATIONS)


def instantiate(term: KInner, values: Mapping[str, int]) -> KInner:
    """Put literals in place of variables; what may follow a program is nothing."""

    def literal(t: KInner) -> KInner:
        if isinstance(t, KVariable):
            return KSequence() if t.name == 'REST' else intToken(values[t.name])
        return t

    return top_down(literal, term)


@dataclass(frozen=True)
class Mismatch(Exception):
    """The end of a run is not the target; the message says where."""

    where: str


def _bind(target: KInner, value: int, values: Values, where: str) -> None:
    """Compare a value with the target's term for it, which may be an existential variable that gets its value here."""
    if isinstance(target, KVariable) and target.name not in values:
        values[target.name] = value
    elif evaluate(target, values) != value:
        raise Mismatch(f'{where}: {value}')


def entries(term: KInner) -> dict[str, KInner]:
    """Return the entries of a map whose keys are domain values."""
    found = {}
    for entry in flatten_label('_Map_', term):
        match entry:
            case KApply(label, (KToken(key), value)) if label.name == '_|->_':
                found[key] = value
    return found


def _bind_map(target: KInner, actual: Mapping[str, int], values: Values, where: str) -> None:
    expected = entries(target)
    if set(expected) != set(actual):
        raise Mismatch(f'{where}: {sorted(actual)}')
    for key in sorted(expected):
        _bind(expected[key], actual[key], values, f'{where}[{key}]')


def check(claim: KClaim, language: str, values: Values) -> bool:
    """Return whether ``claim`` holds for the given values of its variables; true if they do not meet its condition.

    Raises:
        Mismatch: the program ends in a state that is not the target.
        ZeroDivisionError: the condition at the end has no value.
    """
    bound = dict(values)
    if not evaluate(claim.requires, bound):
        return True
    left, right = extract_lhs(claim.body), extract_rhs(claim.body)
    if language == 'imp':
        _check_imp(cells(left), cells(right), bound)
    else:
        _check_stack(cells(left), cells(right), bound)
    return all(_ensured(one, bound) for one in flatten_label('_andBool_', claim.ensures))


def _ensured(condition: KInner, values: Values) -> bool:
    """Return whether a condition holds; an equation for an existential variable gives it its value."""
    match condition:
        case KApply(label, (KVariable(name), value)) if label.name == '_==Int_' and name not in values:
            values[name] = int(evaluate(value, values))
            return True
    return bool(evaluate(condition, values))


def _result(content: KInner) -> KInner | None:
    items = [i for i in content.items if not isinstance(i, KVariable)] if isinstance(content, KSequence) else [content]
    return items[0] if items else None


def _is_statement(term: KInner) -> bool:
    return isinstance(term, KApply) and term.label.name in ('seq', 'assign', 'declare', 'if', 'while')


def _check_imp(left: Mapping[str, KInner], right: Mapping[str, KInner], values: Values) -> None:
    program = _result(left['k'])
    assert program is not None
    before = {key: int(evaluate(value, values)) for key, value in entries(left['state']).items()}
    interpreter = Interpreter(opaque_input, limit=5_000)
    target = _result(right['k'])
    if not _is_statement(program):
        got = interpreter.value(program, before)
        assert target is not None
        if evaluate(target, values) != got:
            raise Mismatch(f'k: {got}')
        return
    outcome = interpreter.run(program, before)
    if target is not None and _is_statement(target):  # the target lies on the way: from there it ends in the same state
        there = {key: int(evaluate(value, values)) for key, value in entries(right['state']).items()}
        if interpreter.run(target, there) != outcome:
            raise Mismatch(f'k: {outcome}')
        return
    failure = None
    if isinstance(target, KApply):
        failure = f'{target.label.name}({target.args[0].token})' if target.args else target.label.name  # type: ignore[attr-defined]
    if outcome.failure != failure:
        raise Mismatch(f'k: {outcome.failure}')
    _bind_map(right['state'], outcome.variables, values, 'state')


def _check_stack(left: Mapping[str, KInner], right: Mapping[str, KInner], values: Values) -> None:
    by_place = {int(place): i for place, i in entries(left['program']).items()}
    code = [by_place[place] for place in sorted(by_place)]

    def stack(term: KInner) -> list[KInner]:
        items = [i for i in flatten_label('_List_', term) if isinstance(i, KApply) and i.label.name == 'ListItem']
        return [item.args[0] for item in items]

    machine = Machine(
        stack=[int(evaluate(item, values)) for item in reversed(stack(left['stack']))],
        storage={int(k): int(evaluate(v, values)) for k, v in entries(left['storage']).items()},
        gas=int(evaluate(left['gas'], values)),
        pc=int(evaluate(left['pc'], values)),
    )
    run(code, machine)
    status = right['status']
    assert isinstance(status, KApply)
    if machine.status != status.label.name:
        raise Mismatch(f'status: {machine.status}')
    if not isinstance(right['stack'], KVariable):
        expected = stack(right['stack'])
        if len(expected) != len(machine.stack):
            raise Mismatch(f'stack: {machine.stack}')
        for target, value in zip(expected, reversed(machine.stack), strict=True):
            _bind(target, value, values, 'stack')
    _bind_map(right['storage'], {str(k): v for k, v in machine.storage.items()}, values, 'storage')
    _bind(right['pc'], machine.pc, values, 'pc')
    _bind(right['gas'], machine.gas, values, 'gas')


def samples(claim: KClaim, count: int) -> Iterator[Values]:
    """Yield values for the variables of a claim that meet its condition, small and at the borders."""
    names = [n for n in free_vars(extract_lhs(claim.body)) if n not in ('REST', 'COUNTER')]
    condition = [n for n in free_vars(claim.requires) if n not in names]
    source = random.Random(claim.label)
    made = 0
    for _ in range(count * 200):
        values = {
            name: source.choice([0, source.randint(-3, 3), source.randint(-12, 12)]) for name in names + condition
        }
        if 'G' in values:
            values['G'] = source.randint(0, 20) if made % 2 else source.randint(0, 600)
        if evaluate(claim.requires, values):
            yield values
            made += 1
        if made == count:
            return
