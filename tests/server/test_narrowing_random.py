"""Random rules over a small algebra: a step from a term with variables against all small instances of it.

Whatever rule applies to an instance is among the answer's, and so is the remainder if none applies; a state that is
stuck promises nothing. The number of examples is multiplied by the environment variable FUZZ.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Final

import pytest
from fuzzing import TIMES
from kore_lab import Lab, cell, step
from kore_text import app, inj, v

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLES: Final = 12 * TIMES
_RULES: Final = 5
_SIGNATURE: Final = {
    'S': {'z': '', 's': 'S', 'p': 'SS', '': 'R'},
    'R': {'r': '', 'q': 'S'},
}
"""Constructors by sort, with the sorts of their arguments; the one without a name is the injection."""

Tree = tuple[object, ...]
"""A constructor with its arguments, or `('?', name, sort)` for a variable."""


def _declarations() -> list[str]:
    found = [
        '  sort SortS{} []',
        '  sort SortR{} []',
        '  symbol Lblgo{}(SortS{}, SortS{}) : SortPgm{} [constructor{}()]',
    ]
    inside = f'\\equals{{SortS{{}}, Q}}({v("A", "S")}, {inj(v("B", "R"), "R", "S")})'
    found.append(f'  axiom{{Q}} \\exists{{Q}}({v("A", "S")}, {inside}) [subsort{{SortR{{}}, SortS{{}}}}()]')
    found += [f'  symbol Lblout{number}{{}}() : SortPgm{{}} [constructor{{}}()]' for number in range(_RULES)]
    for of, constructors in _SIGNATURE.items():
        cases = []
        for name, args in constructors.items():
            variables = [v(f'X{place}', one) for place, one in enumerate(args)]
            made = app(name, *variables) if name else inj(variables[0], 'R', 'S')
            for variable in variables:
                made = f'\\exists{{Sort{of}{{}}}}({variable}, {made})'
            cases.append(made)
            if name:
                sorts = ', '.join(f'Sort{one}{{}}' for one in args)
                found.append(f'  symbol Lbl{name}{{}}({sorts}) : Sort{of}{{}} [constructor{{}}()]')
        cases.append(f'\\bottom{{Sort{of}{{}}}}()')
        found.append(f'  axiom{{}} \\or{{Sort{of}{{}}}}({", ".join(cases)}) [constructor{{}}()]')
    return found


def _text(tree: Tree) -> str:
    name, *args = tree
    if name == '?':
        return v(str(args[0]), str(args[1]))
    texts = [_text(one) for one in args]  # type: ignore[arg-type]
    return app(str(name), *texts) if name else inj(texts[0], 'R', 'S')


def _pattern(source: random.Random, depth: int, name: str, of: str = 'S') -> Tree:
    """Return a random linear pattern; `name` tells its variables from those of others."""
    if depth == 0 or source.random() < 0.35:
        return ('?', name, of)
    chosen = source.choice(list(_SIGNATURE[of]))
    args = _SIGNATURE[of][chosen]
    return (chosen, *(_pattern(source, depth - 1, f'{name}{place}', one) for place, one in enumerate(args)))


def _values(depth: int, of: str = 'S') -> list[Tree]:
    """Return all values of a sort up to a depth; an injection takes none of it."""
    found: list[Tree] = []
    for name, args in _SIGNATURE[of].items():
        if not args:
            found.append((name,))
        elif not name:
            found += [(name, one) for one in _values(depth, args)]
        elif depth > 0:
            parts = [_values(depth - 1, one) for one in args]
            found += [(name, one) for one in parts[0]] if len(args) == 1 else []
            found += [(name, one, other) for one in parts[0] for other in parts[-1]] if len(args) == 2 else []
    return found


def _matches(pattern: Sequence[object], value: Sequence[object]) -> bool:
    if pattern[0] == '?':
        return True
    return (
        pattern[0] == value[0]
        and all(
            _matches(one, other)  # type: ignore[arg-type]
            for one, other in zip(pattern[1:], value[1:], strict=True)
        )
    )


@pytest.mark.parametrize('seed', range(EXAMPLES))
def test_every_rule_that_applies_to_an_instance_is_in_the_answer(seed: int) -> None:
    source = random.Random(seed)
    rules = []
    for number in range(source.randint(1, _RULES)):
        left = (_pattern(source, 2, 'A'), _pattern(source, 1, 'B'))
        rules.append((left, source.choice([50, 50, 60]), f'out{number}'))
    axioms = [
        step(app('go', _text(one), _text(other)), app(name), name, attributes=f'priority{{}}("{priority}")')
        for (one, other), priority, name in rules
    ]
    start = (_pattern(source, 1, 'C'), _pattern(source, 1, 'D'))
    answer = Lab(*_declarations(), *axioms).execute(cell(app('go', *map(_text, start))), max_depth=1)
    if answer['reason'] == 'stuck':
        return
    if answer['reason'] == 'branching':
        answered = {one.get('rule-id', '') for one in answer['next-states']}
    else:
        answered = {name for _, _, name in rules if f'"Lbl{name}"' in json.dumps(answer['state'])}
    firsts = [one for one in _values(2) if _matches(start[0], one)]
    seconds = [one for one in _values(1) if _matches(start[1], one)]
    for first in firsts:
        for second in seconds:
            applying = [
                (priority, name)
                for (one, other), priority, name in rules
                if _matches(one, first) and _matches(other, second)
            ]
            highest = min((priority for priority, _ in applying), default=0)
            expected = {name for priority, name in applying if priority == highest} or {''}
            assert expected <= answered, (start, rules, first, second)
