"""The hooks of K's INT: integers without bound.

`tdiv` and `tmod` truncate towards zero, `ediv` and `emod` are Euclidean (the remainder is never negative). Shifts
and bit ranges with negative counts stay terms: K's backends do not agree on them.
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Any, Final

from ..symbols import INT
from ..terms import BOTTOM, DV, FALSE, TRUE, dv

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..symbols import Symbol
    from ..terms import Term
    from .context import Evaluator, HookContext, Outcome

__all__ = ['BITS_LIMIT', 'EVALUATORS', 'ediv', 'emod', 'tdiv', 'tmod']

BITS_LIMIT: Final = 1 << 18
"""Bits of an integer that is computed here, at most. Python multiplies and prints without releasing its lock, and a
request must not hold up all others; larger results are left as terms."""
_POWMOD_BITS: Final = 1 << 13
"""Bits of the exponent and the modulus of a modular power, at most, for the same reason."""


def tdiv(left: int, right: int) -> int:
    """Return the quotient of `left` and a non-zero `right`, rounded towards zero."""
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def tmod(left: int, right: int) -> int:
    """Return what `tdiv` leaves over; it has the sign of `left`."""
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def ediv(left: int, right: int) -> int:
    """Return the Euclidean quotient of `left` and a non-zero `right`."""
    return left // right if right > 0 else -(left // -right)


def emod(left: int, right: int) -> int:
    """Return the Euclidean remainder, between 0 and the absolute value of `right`."""
    return left % abs(right)


def _unary(compute: Callable[[int], int | None]) -> Evaluator:
    def evaluate(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
        (arg,) = args
        if type(arg) is not DV:
            return None
        value = compute(arg.value)
        return BOTTOM if value is None else dv(INT, value)

    return evaluate


def _division(compute: Callable[[int, int], int], *, remainder: bool) -> Evaluator:
    def evaluate(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
        left, right = args
        if type(right) is not DV:
            return None
        divisor = right.value
        if divisor == 0:
            return BOTTOM
        if type(left) is DV:
            return dv(INT, compute(left.value, divisor))
        if divisor == 1:
            return left if not remainder else dv(INT, 0) if left.defined else None
        return None

    return evaluate


def _comparison(compute: Callable[[int, int], bool], *, of_same: bool) -> Evaluator:
    same = TRUE if of_same else FALSE

    def evaluate(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
        left, right = args
        if type(left) is DV and type(right) is DV:
            return TRUE if compute(left.value, right.value) else FALSE
        return same if left is right and left.defined else None

    return evaluate


def _bitwise(compute: Callable[[int, int], int], *, unit: int | None, zero: int | None, of_same: str) -> Evaluator:
    """`unit` leaves the other argument as it is, `zero` absorbs it; two times the same term is `self` or `zero`."""

    def evaluate(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
        left, right = args
        if type(left) is DV and type(right) is DV:
            return dv(INT, compute(left.value, right.value))
        for one, other in ((left, right), (right, left)):
            if type(one) is DV:
                if one.value == unit:
                    return other
                if one.value == zero and other.defined:
                    return one
        if left is right:
            if of_same == 'self':
                return left
            if left.defined:
                return dv(INT, 0)
        return None

    return evaluate


def _add(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    left, right = args
    if type(left) is DV:
        if type(right) is DV:
            return dv(INT, left.value + right.value)
        return right if left.value == 0 else None
    return left if type(right) is DV and right.value == 0 else None


def _sub(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    left, right = args
    if type(right) is DV:
        if type(left) is DV:
            return dv(INT, left.value - right.value)
        return left if right.value == 0 else None
    return dv(INT, 0) if left is right and left.defined else None


def _mul(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    left, right = args
    if type(left) is DV and type(right) is DV:
        if left.value.bit_length() + right.value.bit_length() > BITS_LIMIT:
            return None
        return dv(INT, left.value * right.value)
    for one, other in ((left, right), (right, left)):
        if type(one) is DV:
            if one.value == 1:
                return other
            if one.value == 0 and other.defined:
                return one
    return None


def _extremum(compute: Callable[[int, int], int]) -> Evaluator:
    def evaluate(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
        left, right = args
        if type(left) is DV and type(right) is DV:
            return dv(INT, compute(left.value, right.value))
        return left if left is right else None

    return evaluate


def _pow(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    base, exponent = args
    if type(exponent) is not DV:
        return None
    count = exponent.value
    if count < 0:
        return BOTTOM
    if type(base) is not DV:
        return base if count == 1 else dv(INT, 1) if count == 0 and base.defined else None
    if abs(base.value) > 1 and base.value.bit_length() * count > BITS_LIMIT:
        return None
    if abs(base.value) <= 1:
        count = min(count, 2 + count % 2)
    return dv(INT, base.value**count)


def _powmod(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    values = _values(args)
    if values is None:
        return None
    base, exponent, modulus = values
    if modulus == 0 or (exponent < 0 and gcd(base, modulus) != 1):
        return BOTTOM
    if exponent < 0 and abs(modulus) == 1:
        # Whether 0 is its own inverse here: K's backends do not agree.
        return None
    if max(exponent.bit_length(), modulus.bit_length()) > _POWMOD_BITS:
        return None
    return dv(INT, pow(base, exponent, abs(modulus)))


def _shl(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    value, count = args
    if type(count) is not DV or count.value < 0:
        return None
    if count.value == 0:
        return value
    if type(value) is not DV:
        return None
    if value.value == 0:
        return value
    if value.value.bit_length() + count.value > BITS_LIMIT:
        return None
    return dv(INT, value.value << count.value)


def _shr(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    value, count = args
    if type(count) is not DV or count.value < 0:
        return None
    if count.value == 0:
        return value
    return dv(INT, value.value >> min(count.value, value.value.bit_length())) if type(value) is DV else None


def _bit_range(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    return _bits(args, signed=False)


def _sign_extend_bit_range(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    return _bits(args, signed=True)


def _bits(args: tuple[Term, ...], *, signed: bool) -> Outcome:
    values = _values(args)
    if values is None:
        return None
    value, start, length = values
    if start < 0 or not 0 <= length <= BITS_LIMIT:
        return None
    bits = (value >> min(start, value.bit_length())) & ((1 << length) - 1)
    if signed and length and bits >> (length - 1):
        bits -= 1 << length
    return dv(INT, bits)


def _values(args: tuple[Term, ...]) -> list[Any] | None:
    found = [arg.value for arg in args if type(arg) is DV]
    return found if len(found) == len(args) else None


EVALUATORS: Final[dict[str, Evaluator]] = {
    'INT.add': _add,
    'INT.sub': _sub,
    'INT.mul': _mul,
    'INT.tdiv': _division(tdiv, remainder=False),
    'INT.tmod': _division(tmod, remainder=True),
    'INT.ediv': _division(ediv, remainder=False),
    'INT.emod': _division(emod, remainder=True),
    'INT.pow': _pow,
    'INT.powmod': _powmod,
    'INT.shl': _shl,
    'INT.shr': _shr,
    'INT.and': _bitwise(lambda a, b: a & b, unit=-1, zero=0, of_same='self'),
    'INT.or': _bitwise(lambda a, b: a | b, unit=0, zero=-1, of_same='self'),
    'INT.xor': _bitwise(lambda a, b: a ^ b, unit=0, zero=None, of_same='zero'),
    'INT.not': _unary(lambda a: ~a),
    'INT.abs': _unary(abs),
    'INT.log2': _unary(lambda a: a.bit_length() - 1 if a > 0 else None),
    'INT.min': _extremum(min),
    'INT.max': _extremum(max),
    'INT.lt': _comparison(lambda a, b: a < b, of_same=False),
    'INT.le': _comparison(lambda a, b: a <= b, of_same=True),
    'INT.gt': _comparison(lambda a, b: a > b, of_same=False),
    'INT.ge': _comparison(lambda a, b: a >= b, of_same=True),
    'INT.eq': _comparison(lambda a, b: a == b, of_same=True),
    'INT.ne': _comparison(lambda a, b: a != b, of_same=False),
    'INT.bitRange': _bit_range,
    'INT.signExtendBitRange': _sign_extend_bit_range,
}
