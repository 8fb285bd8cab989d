"""Random rewrite rules over integers and maps: what they mean on concrete states, and what the server's answers mean.

A rule system has one control symbol `r0`, `r1`, ... with two integers and a map; its rules lead to `d0`, `d1`, ... with
an integer and a map. The meaning on concrete states is a few lines of Python: the highest priority at which a
rule applies decides. Values: integers, truth values, and maps as dictionaries of integers.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kore_cases import ctl, mapping, rule, state
from kore_text import app, i, inj, nope, same, true, v
from pyk.kore.syntax import DV, And, App, Bottom, Ceil, Equals, EVar, In, Not, Or, Top

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from pyk.kore.syntax import Pattern

Binding = dict[str, Any]

X, Y, V, K, M = v('X'), v('Y'), v('V'), v('K'), v('M', 'Map')

INTEGERS: Final = (-1, 0, 1, 2)
MAPS: Final = ({}, {0: 1}, {1: 0}, {0: 0, 1: 1}, {2: 1})


class Undefined(Exception):
    """A term has no value."""


class Unknown(Exception):
    """A term's value depends on something that is not given, or is not known here."""


# -- terms as (text, meaning) ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Form:
    """A term or condition: its text, and its value as a Python expression over the variables."""

    text: str
    meaning: str

    def value(self, binding: Binding) -> Any:
        """Return the value. Raises `Undefined`."""
        return eval(self.meaning, {'div': _div, 'join': _join, 'without': _without, '__builtins__': {}}, dict(binding))


def _div(left: int, right: int) -> int:
    if right == 0:
        raise Undefined
    return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)


def _remainder(left: int, right: int) -> int:
    if right == 0:
        raise Undefined
    return left % abs(right)


def _join(*maps: dict[int, int]) -> dict[int, int]:
    made: dict[int, int] = {}
    for one in maps:
        if made.keys() & one.keys():
            raise Undefined
        made.update(one)
    return made


def _without(of: dict[int, int], key: int) -> dict[int, int]:
    return {one: value for one, value in of.items() if one != key}


_KEY_X: Final = inj(X, 'Int')

EXPRESSIONS: Final = (
    Form(X, 'X'),
    Form(Y, 'Y'),
    Form(app('add', X, i(1)), 'X + 1'),
    Form(app('tdiv', X, Y), 'div(X, Y)'),
    Form(app('mul', i(0), app('tdiv', Y, X)), '0 * div(Y, X)'),
    Form(i(7), '7'),
)
RESULT_MAPS: Final = (
    Form(M, 'M'),
    Form(M, 'M'),
    Form(mapping(), '{}'),
    Form(mapping((X, i(1)), M), 'join({X: 1}, M)'),
    Form(mapping((X, i(1)), (Y, i(2))), 'join({X: 1}, {Y: 2})'),
    Form(app('update', M, _KEY_X, inj(Y, 'Int')), 'M | {X: Y}'),
    Form(app('remove', M, _KEY_X), 'without(M, X)'),
)
CONDITIONS: Final = (
    Form(app('lt', X, Y), 'X < Y'),
    Form(app('eq', X, i(1)), 'X == 1'),
    Form(app('not', app('eq', X, Y)), 'X != Y'),
    Form(app('lt', app('tdiv', Y, X), i(1)), 'div(Y, X) < 1'),
    Form(app('inKeys', _KEY_X, M), 'X in M'),
    Form(app('not', app('inKeys', inj(i(0), 'Int'), M)), '0 not in M'),
    Form(app('lt', i(0), app('sizeMap', M)), '0 < M.__len__()'),
)


# -- rules -----------------------------------------------------------------------------------------------

MAP_PATTERNS: Final = {
    'any': M,
    'empty': mapping(),
    'literal': mapping((i(0), V), M),
    'value': mapping((i(0), X), M),
    'key': mapping((X, V), M),
    'single': mapping((X, V)),
    'some': mapping((K, V), M),
    'one': mapping((K, V)),
}
"""What the map of a left side may look like."""


@dataclass(frozen=True)
class Rule:
    """A rule. `first` and `second` are variables or integers."""

    label: str
    first: str | int
    second: str | int
    pattern: str
    requires: Form | None
    target: str
    number: Form
    result: Form
    priority: int

    def text(self, control: str) -> str:
        """Return the axiom."""

        def side(one: str | int) -> str:
            return i(one) if isinstance(one, int) else v(one)

        left = app(control, side(self.first), side(self.second), MAP_PATTERNS[self.pattern])
        right = app(self.target, self.number.text, self.result.text)
        return rule(left, right, self.label, self.requires.text if self.requires else '', priority=self.priority)

    def matches(self, first: int, second: int, of: dict[int, int]) -> Iterator[Binding]:
        """Yield the ways in which the rule matches and its condition holds."""
        for binding in self._shapes(of):
            good = True
            for pattern, value in ((self.first, first), (self.second, second)):
                if isinstance(pattern, int):
                    good = good and pattern == value
                else:
                    good = good and binding.setdefault(pattern, value) == value
            if not good:
                continue
            try:
                if self.requires is None or self.requires.value(binding):
                    yield binding
            except Undefined:
                pass

    def _shapes(self, of: dict[int, int]) -> Iterator[Binding]:
        if self.pattern == 'any':
            yield {'M': of}
        elif self.pattern == 'empty':
            if not of:
                yield {'M': {}}
        elif self.pattern in ('literal', 'value'):
            if 0 in of:
                yield {('V' if self.pattern == 'literal' else 'X'): of[0], 'M': _without(of, 0)}
        else:
            for key, value in of.items():
                rest = _without(of, key)
                if self.pattern in ('single', 'one') and rest:
                    continue
                yield {'K' if self.pattern in ('some', 'one') else 'X': key, 'V': value, 'M': rest}

    @property
    def bound(self) -> set[str]:
        """The variables of the left side."""
        found = {one for one in (self.first, self.second) if isinstance(one, str)}
        found |= {'X'} if self.pattern in ('value', 'key', 'single') else set()
        return found | ({'M'} if self.pattern not in ('empty', 'single', 'one') else set())


def random_rules(source: random.Random, control: str) -> list[Rule]:
    """Return the rules of a control symbol."""
    rules = []
    for number in range(source.randint(1, 4)):
        first = source.choice(['X', 'X', 'X', 0, 1])
        second = source.choice(['Y', 'Y', 'Y', 'X', 0])
        pattern = source.choice([*MAP_PATTERNS, 'any', 'any'])
        made = Rule('', first, second, pattern, None, 'd0', Form(i(7), '7'), Form(mapping(), '{}'), 50)

        def fit(forms: tuple[Form, ...], bound: set[str] = made.bound) -> list[Form]:
            return [one for one in forms if {name for name in 'XYM' if f'Var{name}:' in one.text} <= bound]

        allowed = fit(CONDITIONS)
        rules.append(
            Rule(
                f'{control}.rule{number}',
                first,
                second,
                pattern,
                source.choice(allowed) if allowed and source.random() < 0.5 else None,
                f'd{number}',
                source.choice(fit(EXPRESSIONS)),
                source.choice(fit(RESULT_MAPS)),
                source.choice([30, 50, 50, 70]),
            )
        )
    return rules


def successors(rules: list[Rule], first: int, second: int, of: dict[int, int]) -> list[tuple[str, int, dict[int, int]]]:
    """Return the states after one step; none if the state is stuck."""
    for priority in sorted({one.priority for one in rules}):
        applied = [(one, b) for one in rules if one.priority == priority for b in one.matches(first, second, of)]
        if applied:
            made = []
            for one, binding in applied:
                try:
                    made.append((one.target, one.number.value(binding), one.result.value(binding)))
                except Undefined:
                    continue
            return made
    return []


# -- symbolic states -------------------------------------------------------------------------------------

FIRST: Final = (Form(X, 'X'), Form(X, 'X'), Form(i(0), '0'), Form(app('add', X, i(1)), 'X + 1'))
SECOND: Final = (Form(Y, 'Y'), Form(Y, 'Y'), Form(X, 'X'), Form(i(0), '0'))
THIRD: Final = (
    Form(M, 'M'),
    Form(mapping(), '{}'),
    Form(mapping((X, Y)), '{X: Y}'),
    Form(mapping((X, Y), M), 'join({X: Y}, M)'),
    Form(mapping((i(0), X), (i(1), Y)), '{0: X, 1: Y}'),
    Form(mapping((X, i(1)), (Y, i(2))), 'join({X: 1}, {Y: 2})'),
    Form(app('update', M, inj(i(0), 'Int'), inj(X, 'Int')), 'M | {0: X}'),
    Form(app('remove', M, inj(i(0), 'Int')), 'without(M, 0)'),
)
UNDER: Final = (
    None,
    None,
    (true(app('lt', X, Y)), 'X < Y'),
    (same(X, Y), 'X == Y'),
    (nope(same(X, i(0))), 'X != 0'),
    (true(app('inKeys', inj(i(0), 'Int'), M)), '0 in M'),
    (same(M, mapping((i(0), X)), 'Map'), 'M == {0: X}'),
)


@dataclass(frozen=True)
class Start:
    """A symbolic state of one control symbol."""

    control: str
    parts: tuple[Form, Form, Form]
    under: tuple[str, str] | None

    @property
    def text(self) -> str:
        """The state in Kore text."""
        term = app(self.control, *(one.text for one in self.parts))
        return state(term, *([self.under[0]] if self.under else []))

    def instances(self) -> Iterator[tuple[Binding, tuple[Any, Any, Any]]]:
        """Yield small instances: the values of the variables, and those of the three parts."""
        for x, y, m in itertools.product(INTEGERS, INTEGERS, MAPS):
            binding = {'X': x, 'Y': y, 'M': m}
            if self.under and not Form('', self.under[1]).value(binding):
                continue
            try:
                first, second, third = (one.value(binding) for one in self.parts)
            except Undefined:
                continue
            yield binding, (first, second, third)


def random_start(source: random.Random, control: str) -> Start:
    """Return a symbolic state."""
    return Start(control, (source.choice(FIRST), source.choice(SECOND), source.choice(THIRD)), source.choice(UNDER))


def controls(count: int) -> str:
    """Declare the control symbols."""
    return ctl(*(f'r{n} Int Int Map' for n in range(count)), *(f'd{n} Int Map' for n in range(4)))


# -- the meaning of answers ------------------------------------------------------------------------------


def value(pattern: Pattern, binding: Binding) -> Any:
    """Return the value of a term of the server's. Raises `Undefined`, `Unknown`."""
    match pattern:
        case DV(sort, text):
            return text.value == 'true' if sort.name == 'SortBool' else int(text.value)
        case EVar(name, _):
            if name.removeprefix('Var') not in binding:
                raise Unknown
            return binding[name.removeprefix('Var')]
        case App('inj', _, (inner,)):
            return value(inner, binding)
        case App(symbol, _, args):
            if symbol == 'kseq':
                return value(args[0], binding)
            operation = _OPERATIONS.get(symbol.removeprefix('Lbl'))
            if operation is None:
                raise Unknown
            return operation(*(value(arg, binding) for arg in args))
    raise Unknown


_OPERATIONS: Final[dict[str, Any]] = {
    'add': lambda a, b: a + b,
    'sub': lambda a, b: a - b,
    'mul': lambda a, b: a * b,
    'tdiv': _div,
    'tmod': lambda a, b: a - b * _div(a, b),
    'ediv': lambda a, b: (a - _remainder(a, b)) // b,
    'emod': lambda a, b: _remainder(a, b),
    'lt': lambda a, b: a < b,
    'le': lambda a, b: a <= b,
    'gt': lambda a, b: a > b,
    'ge': lambda a, b: a >= b,
    'eq': lambda a, b: a == b,
    'ne': lambda a, b: a != b,
    'eqK': lambda a, b: a == b,
    'and': lambda a, b: a and b,
    'or': lambda a, b: a or b,
    'not': lambda a: not a,
    'noMap': dict,
    'entry': lambda key, item: {key: item},
    'maps': _join,
    'update': lambda of, key, item: of | {key: item},
    'remove': _without,
    'inKeys': lambda key, of: key in of,
    'sizeMap': len,
}


def truth(pattern: Pattern, binding: Binding) -> bool | None:
    """Return whether a predicate of the server's holds; None if that is not known here."""
    match pattern:
        case Top():
            return True
        case Bottom():
            return False
        case And(_, parts):
            known = [truth(one, binding) for one in parts]
            return False if False in known else None if None in known else True
        case Or(_, parts):
            known = [truth(one, binding) for one in parts]
            return True if True in known else None if None in known else False
        case Not(_, inner):
            found = truth(inner, binding)
            return None if found is None else not found
        case Equals(_, _, left, right) | In(_, _, left, right):
            try:
                sides = [_or_nothing(one, binding) for one in (left, right)]
            except Unknown:
                return None
            return sides[0] == sides[1] and not (isinstance(pattern, In) and sides[0] == ())
        case Ceil(_, _, inner):
            try:
                return _or_nothing(inner, binding) != ()
            except Unknown:
                return None
    return None


def _or_nothing(pattern: Pattern, binding: Binding) -> Any:
    """Return the value of a term, the empty tuple for none."""
    try:
        return value(pattern, binding)
    except Undefined:
        return ()
