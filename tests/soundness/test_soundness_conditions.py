"""Random conditions: what the server says of them against their values at small points.

Conditions are over integers, with divisions that may have no value. An implication that the server calls valid must
hold at each point, a condition and what it is simplified to must have the same truth value, and a state that is called
bottom must have no instance.
"""

from __future__ import annotations

import itertools
import os
import random
from typing import TYPE_CHECKING

import pytest
from kore_cases import MODULE, ctl, definition, state, symbol
from kore_text import app, b, ceil, every, i, nope, same, some, true, v
from pyk.kore.syntax import Bottom
from random_rules import truth
from service import Asking, parse, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyk.kore.syntax import Pattern

QUESTIONS = 120
SEED = int(os.environ.get('SOUNDNESS_SEED', '11'))
"""Another seed gives other conditions."""
POINTS = range(-7, 8)
WIDE = range(-40, 41)


@pytest.fixture(scope='module')
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    folder = tmp_path_factory.mktemp('conditions')
    declared = [ctl('ints Int Int'), symbol('maybe', 'Int', 'Int', 'function', 'no-evaluators')]
    (folder / 'definition.kore').write_text(definition(declared))
    with serving(folder, MODULE, smt_timeout=40, smt_retry_limit=0) as client:  # time is no matter of soundness
        yield Asking(client)


def _number(source: random.Random, names: str, depth: int) -> str:
    kind = source.random()
    if depth == 0 or kind < 0.3:
        return v(source.choice(names)) if source.random() < 0.75 else i(source.randint(-4, 4))
    left, right = (_number(source, names, depth - 1) for _ in range(2))
    if kind < 0.65:
        return app(source.choice(['add', 'sub']), left, right)
    if kind < 0.75:
        return app('mul', left, i(source.randint(-3, 3)))
    divisor = i(source.choice([-3, -2, 2, 3, 5])) if source.random() < 0.7 else right
    return app(source.choice(['tdiv', 'tmod', 'ediv', 'emod']), left, divisor)


def _boolean(source: random.Random, names: str, depth: int) -> str:
    kind = source.random()
    if depth == 0 or kind < 0.6:
        operation = source.choice(['lt', 'le', 'gt', 'ge', 'eq', 'ne'])
        return app(operation, _number(source, names, 2), _number(source, names, 1))
    if kind < 0.75:
        return app('not', _boolean(source, names, depth - 1))
    return app(source.choice(['and', 'or']), *(_boolean(source, names, depth - 1) for _ in range(2)))


def _predicate(source: random.Random, names: str, depth: int = 1) -> str:
    kind = source.random()
    if depth == 0 or kind < 0.5:
        return true(_boolean(source, names, 1))
    if kind < 0.62:
        return same(_boolean(source, names, 0), b(False), 'Bool')
    if kind < 0.75:
        return same(_number(source, names, 2), _number(source, names, 2))
    if kind < 0.8:
        return ceil(_number(source, names, 2))
    if kind < 0.92:
        return nope(_predicate(source, names, depth - 1))
    parts = [_predicate(source, names, depth - 1) for _ in range(2)]
    return f'\\{source.choice(["and", "or"])}{{SortGeneratedTopCell{{}}}}({", ".join(parts)})'


def _tautology(source: random.Random, predicate: str) -> str:
    """Return what follows from a predicate, in a way that takes some thought."""
    other = _predicate(source, 'XY')
    return source.choice(
        [
            f'\\or{{SortGeneratedTopCell{{}}}}({other}, {predicate})',
            nope(f'\\and{{SortGeneratedTopCell{{}}}}({other}, {nope(predicate)})'),
            predicate,
        ]
    )


def _points() -> Iterator[dict[str, int]]:
    for x, y in itertools.product(POINTS, POINTS):
        yield {'X': x, 'Y': y}


STATE = app('ints', v('X'), v('Y'))


def test_valid_implications_hold_at_all_points(ask: Asking) -> None:
    source = random.Random(SEED)
    proved = 0
    for _ in range(QUESTIONS):
        given = [_predicate(source, 'XY') for _ in range(source.randint(0, 2))]
        goal = _predicate(source, 'XY')
        if given and source.random() < 0.4:
            goal = _tautology(source, source.choice(given))
        if not ask.implies(state(STATE, *given), state(STATE, goal)):
            continue
        proved += 1
        parsed = [parse(one) for one in given]
        for point in _points():
            if all(truth(one, point) for one in parsed):
                assert truth(parse(goal), point), f'{given} |- {goal} is not so at {point}'
    assert proved > QUESTIONS // 20


def test_a_condition_means_the_same_after_simplification(ask: Asking) -> None:
    source = random.Random(SEED + 1)
    for _ in range(QUESTIONS):
        given = [_predicate(source, 'XY') for _ in range(source.randint(1, 2))]
        _same_meaning(given, ask.simplify(state(STATE, *given)))


def _same_meaning(given: list[str], made: Pattern) -> None:
    parsed = [parse(one) for one in given]
    predicates = [] if isinstance(made, Bottom) else [one for one in _conjuncts(made) if 'Lbltop{' not in one.text]
    for point in _points():
        before = all(truth(one, point) for one in parsed)
        if isinstance(made, Bottom):
            assert not before, f'{given} is not bottom at {point}'
            continue
        after = [truth(one, point) for one in predicates]
        if None not in after:
            assert before == all(after), f'{given} became {made.text} at {point}'


def _conjuncts(pattern: Pattern) -> list[Pattern]:
    if pattern.text.startswith('\\and'):
        return [found for one in pattern.patterns for found in _conjuncts(one)]
    return [pattern]


@pytest.mark.parametrize('quantifier', ['some', 'every'])
def test_quantified_goals_that_are_valid_hold(ask: Asking, quantifier: str) -> None:
    """An existential goal must have a witness at each point; small coefficients have small witnesses."""
    source = random.Random(SEED + 2)
    bind = some if quantifier == 'some' else every
    for _ in range(QUESTIONS):
        given = [_predicate(source, 'XY', 0) for _ in range(source.randint(0, 1))]
        goal = _predicate(source, 'XZ')
        variable = v('Z')
        right = state(STATE, bind(variable, goal)) if source.random() < 0.5 else bind(variable, state(STATE, goal))
        if not ask.implies(state(STATE, *given), right):
            continue
        parsed, wanted = [parse(one) for one in given], parse(goal)
        for x in POINTS:
            if any(all(truth(one, {'X': x, 'Y': y}) for one in parsed) for y in POINTS):
                answers = (truth(wanted, {'X': x, 'Z': z}) for z in WIDE)
                holds = any(answers) if quantifier == 'some' else all(answers)
                assert holds, f'{given} |- {quantifier} Z. {goal} is not so at X = {x}'
