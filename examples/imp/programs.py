"""Imperative programs as terms: constructors for expressions and statements, and the programs that claims are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyk.kast.inner import KApply
from pyk.kast.prelude.kint import intToken

from examples.prelude import identifier

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from pyk.kast.inner import KInner


def term(value: KInner | int | str) -> KInner:
    """Return an integer as a literal, a string as a program variable, and a term as it is."""
    if isinstance(value, int):
        return intToken(value)
    return identifier(value) if isinstance(value, str) else value


def binary(operation: str, left: KInner | int | str, right: KInner | int | str) -> KInner:
    """Return the binary expression with symbol ``operation``: add, sub, mul, div, mod, max, lt, le, eq, and, or."""
    return KApply(operation, term(left), term(right))


def add(left: KInner | int | str, right: KInner | int | str) -> KInner:
    """Return ``(left + right)``."""
    return binary('add', left, right)


def sub(left: KInner | int | str, right: KInner | int | str) -> KInner:
    """Return ``(left - right)``."""
    return binary('sub', left, right)


def lt(left: KInner | int | str, right: KInner | int | str) -> KInner:
    """Return ``(left < right)``."""
    return binary('lt', left, right)


def le(left: KInner | int | str, right: KInner | int | str) -> KInner:
    """Return ``(left <= right)``."""
    return binary('le', left, right)


def assign(name: str, value: KInner | int | str) -> KInner:
    """Return ``name := value ;``."""
    return KApply('assign', identifier(name), term(value))


def declare(name: str, value: KInner | int | str = 0) -> KInner:
    """Return ``var name := value ;``."""
    return KApply('declare', identifier(name), term(value))


def seq(*statements: KInner) -> KInner:
    """Return the statements one after the other; at least one must be given."""
    *before, last = statements
    result = last
    for statement in reversed(before):
        result = KApply('seq', statement, result)
    return result


def block(*statements: KInner) -> KInner:
    """Return the statements in braces."""
    return KApply('block', seq(*statements)) if statements else KApply('skip')


def if_(condition: KInner, then: KInner, otherwise: KInner | None = None) -> KInner:
    """Return ``if condition { then } else { otherwise }``."""
    return KApply('if', condition, block(then), block() if otherwise is None else block(otherwise))


def while_(condition: KInner, *body: KInner) -> KInner:
    """Return ``while condition { body }``."""
    return KApply('while', condition, block(*body))


def undeclared(name: str) -> KInner:
    """Return the failure of a program that uses ``name`` without a declaration."""
    return KApply('undeclared', identifier(name))


DIVISION_BY_ZERO: Final = KApply('divisionByZero')


def branch_tree(results: Sequence[int]) -> KInner:
    """Return four nested conditionals on the signs of a, b, c and d; leaf number i assigns ``results[i]`` to r."""

    def choose(names: str, leaves: Sequence[int]) -> KInner:
        if not names:
            return assign('r', leaves[0])
        half = len(leaves) // 2
        return if_(lt(names[0], 0), choose(names[1:], leaves[:half]), choose(names[1:], leaves[half:]))

    return choose('abcd', results)


LARGER: Final = if_(lt('a', 'b'), assign('m', 'b'), assign('m', 'a'))
"""Assigns the larger of a and b to m."""
SUM: Final = while_(lt(0, 'n'), assign('s', add('s', 'n')), assign('n', sub('n', 1)))
"""Adds the numbers from n down to 1 to s."""
TRANSFER: Final = while_(lt(0, 'n'), assign('n', sub('n', 1)), assign('m', add('m', 1)))
"""Moves n units from n to m."""
EUCLID: Final = while_(
    KApply('not', binary('eq', 'a', 'b')),
    if_(lt('a', 'b'), assign('b', sub('b', 'a')), assign('a', sub('a', 'b'))),
)
"""Subtracts the smaller of a and b from the larger until they are equal."""
POWER: Final = while_(lt(0, 'n'), assign('p', binary('mul', 'p', 'm')), assign('n', sub('n', 1)))
"""Multiplies p by m, n times."""
COUNT: Final = while_(lt(0, 'n'), assign('n', sub('n', 1)), assign('s', add('s', 1)))
"""Counts n down and s up."""
INPUT: Final = seq(
    declare('x', KApply('input', intToken(1))),
    declare('y'),
    if_(lt('x', 0), assign('y', binary('div', 1, 0)), assign('y', 1)),
)
"""Divides by zero if the input at 1 is negative."""
