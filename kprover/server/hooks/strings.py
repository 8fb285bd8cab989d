"""The hooks of K's STRING. A string is a sequence of Unicode code points; arguments must be literals.

Where K's backends disagree (empty search strings, searches from a negative position, bases other than 2 to 36,
surrogates) the term stays.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ..symbols import BOOL, BYTES, INT, STRING
from ..terms import BOTTOM, DV, TRUE, dv
from .context import SIZE_LIMIT, WORD_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..symbols import Symbol
    from ..terms import Term
    from .context import Evaluator, HookContext, Outcome

__all__ = ['EVALUATORS']

_DECIMAL: Final = re.compile(r'[+-]?[0-9]+')
_DIGITS: Final = '0123456789abcdefghijklmnopqrstuvwxyz'
_INT_DIGITS_LIMIT: Final = 75_000
"""Digits of a text that is read as an integer, at most: reading takes quadratic time."""


class _Undefined(Exception):
    """The application has no value."""


def _literals(compute: Callable[..., int | bool | str | None]) -> Evaluator:
    """Make an evaluator of a function on native values that returns None to leave the term, or raises `_Undefined`."""

    def evaluate(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
        values: list[Any] = []
        for arg in args:
            if type(arg) is not DV:
                return None
            values.append(arg.value)
        try:
            result = compute(*values)
        except _Undefined:
            return BOTTOM
        return None if result is None else dv(symbol.result, result)

    return evaluate


def _concat(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    left, right = args
    if type(left) is DV and type(right) is DV:
        return dv(STRING, left.value + right.value) if len(left.value) + len(right.value) <= SIZE_LIMIT else None
    if type(left) is DV and not left.value:
        return right
    return left if type(right) is DV and not right.value else None


def _eq(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    left, right = args
    if type(left) is DV and type(right) is DV:
        return dv(BOOL, left is right)
    return TRUE if left is right and left.defined else None


def _ne(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    equal = _eq(ctx, symbol, args)
    return None if equal is None else dv(BOOL, equal is not TRUE)


def _substr(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    """K defines no substring outside of the text, and declares it total. Its value there is kore-rpc's: as many
    characters as the indices are apart, as far as there are any, from the first index or the beginning on."""
    text, start, end = args
    if type(text) is not DV or type(start) is not DV or type(end) is not DV:
        return None
    value, first, last = text.value, start.value, end.value
    if 0 <= first <= last <= len(value):
        return dv(STRING, value[first:last])
    if not symbol.total or max(abs(first), abs(last)) >= WORD_LIMIT:
        return None
    beginning = max(first, 0)
    return dv(STRING, value[beginning : beginning + max(last - first, 0)])


def _find(text: str, wanted: str, start: int) -> int | None:
    return text.find(wanted, start) if wanted and start >= 0 else None


def _rfind(text: str, wanted: str, start: int) -> int | None:
    """The last occurrence that begins at `start` or before."""
    return text.rfind(wanted, 0, start + len(wanted)) if wanted and start >= 0 else None


def _find_char(text: str, wanted: str, start: int) -> int | None:
    if start < 0:
        return None
    return next((at for at in range(start, len(text)) if text[at] in wanted), -1)


def _rfind_char(text: str, wanted: str, start: int) -> int | None:
    if start < 0:
        return None
    return next((at for at in range(min(start, len(text) - 1), -1, -1) if text[at] in wanted), -1)


def _chr(code: int) -> str | None:
    if not 0 <= code <= 0x10FFFF:
        raise _Undefined
    return None if 0xD800 <= code <= 0xDFFF else chr(code)


def _ord(text: str) -> int:
    if len(text) != 1:
        raise _Undefined
    return ord(text)


def _string2int(text: str) -> int | None:
    if len(text) > _INT_DIGITS_LIMIT:
        return None
    if not _DECIMAL.fullmatch(text):
        raise _Undefined
    return int(text)


def _string2base(text: str, base: int) -> int | None:
    if not 2 <= base <= 36:
        return None
    if len(text) > _INT_DIGITS_LIMIT:
        return None
    digits = text[1:] if text[:1] in ('+', '-') else text
    if not digits or any(digit not in _DIGITS[:base] for digit in digits.lower()) or not digits.isascii():
        raise _Undefined
    return int(text, base)


def _base2string(value: int, base: int) -> str | None:
    if not 2 <= base <= 36:
        return None
    if value.bit_length() > 3 * _INT_DIGITS_LIMIT:
        return None
    if base == 10:
        return str(value)
    digits: list[str] = []
    rest = abs(value)
    while rest:
        rest, digit = divmod(rest, base)
        digits.append(_DIGITS[digit])
    return ('-' if value < 0 else '') + (''.join(reversed(digits)) or '0')


def _replace(text: str, old: str, new: str, count: int) -> str | None:
    if count == 0:
        return text
    if not old or count < 0 or len(text) * max(1, len(new)) > SIZE_LIMIT:
        return None
    return text.replace(old, new, count)


def _replace_all(text: str, old: str, new: str) -> str | None:
    return _replace(text, old, new, len(text)) if old else None


def _replace_first(text: str, old: str, new: str) -> str | None:
    return _replace(text, old, new, 1)


def _count(text: str, wanted: str) -> int | None:
    return text.count(wanted) if wanted else None


def _string2token(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    (text,) = args
    if type(text) is not DV or symbol.result in (INT, BOOL, BYTES):
        return None
    return dv(symbol.result, text.value)


def _token2string(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    (token,) = args
    if type(token) is not DV or not isinstance(token.value, str) or token.sort is STRING:
        return None
    return dv(STRING, token.value)


EVALUATORS: Final[dict[str, Evaluator]] = {
    'STRING.concat': _concat,
    'STRING.length': _literals(len),
    'STRING.eq': _eq,
    'STRING.ne': _ne,
    'STRING.lt': _literals(lambda a, b: a < b),
    'STRING.le': _literals(lambda a, b: a <= b),
    'STRING.gt': _literals(lambda a, b: a > b),
    'STRING.ge': _literals(lambda a, b: a >= b),
    'STRING.substr': _substr,
    'STRING.find': _literals(_find),
    'STRING.rfind': _literals(_rfind),
    'STRING.findChar': _literals(_find_char),
    'STRING.rfindChar': _literals(_rfind_char),
    'STRING.chr': _literals(_chr),
    'STRING.ord': _literals(_ord),
    'STRING.string2int': _literals(_string2int),
    'STRING.int2string': _literals(lambda value: _base2string(value, 10)),
    'STRING.string2base': _literals(_string2base),
    'STRING.base2string': _literals(_base2string),
    'STRING.replace': _literals(_replace),
    'STRING.replaceAll': _literals(_replace_all),
    'STRING.replaceFirst': _literals(_replace_first),
    'STRING.countAllOccurrences': _literals(_count),
    'STRING.string2token': _string2token,
    'STRING.token2string': _token2string,
}
