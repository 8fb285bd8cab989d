"""What z3 is told of K's built-in operations.

Each translation gives the value and the condition under which there is one. SMT-LIB's `div` and `mod` are Euclidean, as
are K's `divInt` and `modInt`; K's `/Int` and `%Int` truncate. Stateless.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

import z3

from .symbols import BOOL, INT

if TYPE_CHECKING:
    from collections.abc import Callable

    from .symbols import Sort

    Values = tuple[Any, ...]

__all__ = ['BOUNDS', 'HOOKS', 'PARTIAL_BOUNDS', 'UNDECIDED', 'HookTranslation', 'parse_template']

UNDECIDED: Final = object()

_SHIFT_LIMIT: Final = 4096
"""Shifts and bit ranges of more bits are left uninterpreted rather than written out."""


@final
@dataclass(frozen=True)
class HookTranslation:
    """`build` returns the value, or None to leave this application uninterpreted;
    `condition` the condition of its being defined, given that its arguments are: None for always, `UNDECIDED` if
    that is not known. `signature` is one letter for each argument and the result: `i` Int, `b` Bool, `*` any sort,
    empty for no check; the result `*` has the sort of the last argument."""

    build: Callable[[Values], Any]
    condition: Callable[[Values], Any]
    signature: str

    def fits(self, arguments: tuple[Sort, ...], result: Sort) -> bool:
        """Whether the symbol has the sorts that the hook is about."""
        if not self.signature:
            return True
        sorts = (*arguments, result)
        return len(sorts) == len(self.signature) and all(
            letter == '*' or sort is (INT if letter == 'i' else BOOL)
            for sort, letter in zip(sorts, self.signature, strict=True)
        )


def _total(signature: str, build: Callable[..., Any]) -> HookTranslation:
    return HookTranslation(lambda values: build(*values), lambda _: None, signature)


def _partial(signature: str, build: Callable[..., Any], condition: Callable[..., Any]) -> HookTranslation:
    return HookTranslation(lambda values: build(*values), lambda values: condition(*values), signature)


def _constant(value: Any) -> int | None:
    return value.as_long() if z3.is_int_value(value) else None


def _tdiv(left: Any, right: Any) -> Any:
    return z3.If(left >= 0, left / right, -((-left) / right))


def _tmod(left: Any, right: Any) -> Any:
    return z3.If(left >= 0, left % right, -((-left) % right))


def _nonzero(_: Any, right: Any) -> Any:
    return right != 0


def _power(base: Any, exponent: Any) -> Any:
    base_value, count = _constant(base), _constant(exponent)
    if count is not None and 0 <= count <= 4:
        result = z3.IntVal(1, base.ctx)
        for _ in range(count):
            result = result * base
        return result
    if base_value is not None and count is not None and count >= 0 and count * base_value.bit_length() <= _SHIFT_LIMIT:
        return z3.IntVal(base_value**count, base.ctx)
    return None


def _left_shift(value: Any, count: Any) -> Any:
    bits = _constant(count)
    return value * (1 << bits) if bits is not None and 0 <= bits <= _SHIFT_LIMIT else None


def _right_shift(value: Any, count: Any) -> Any:
    bits = _constant(count)
    return value / (1 << bits) if bits is not None and 0 <= bits <= _SHIFT_LIMIT else None


def _bit_and(left: Any, right: Any) -> Any:
    for value, mask in ((left, _constant(right)), (right, _constant(left))):
        if mask is not None and mask >= 0 and mask & (mask + 1) == 0:
            return value % (mask + 1)
    return None


def _bit_range(value: Any, start: Any, length: Any) -> Any:
    first, count = _constant(start), _constant(length)
    if first is None or count is None or not (0 <= first <= _SHIFT_LIMIT and 0 <= count <= _SHIFT_LIMIT):
        return None
    return (value / (1 << first)) % (1 << count)


def _not_negative(_: Any, count: Any) -> Any:
    return count >= 0


def _certain_counts(_: Any, *counts: Any) -> Any:
    """K's backends do not agree on negative counts."""
    return None if all((_constant(count) or 0) >= 0 and z3.is_int_value(count) for count in counts) else UNDECIDED


HOOKS: Final[dict[str, HookTranslation]] = {
    'INT.add': _total('iii', lambda a, b: a + b),
    'INT.sub': _total('iii', lambda a, b: a - b),
    'INT.mul': _total('iii', lambda a, b: a * b),
    'INT.tdiv': _partial('iii', _tdiv, _nonzero),
    'INT.tmod': _partial('iii', _tmod, _nonzero),
    'INT.ediv': _partial('iii', lambda a, b: a / b, _nonzero),
    'INT.emod': _partial('iii', lambda a, b: a % b, _nonzero),
    'INT.pow': _partial('iii', _power, _not_negative),
    'INT.shl': _partial('iii', _left_shift, _certain_counts),
    'INT.shr': _partial('iii', _right_shift, _certain_counts),
    'INT.and': _total('iii', _bit_and),
    'INT.not': _total('ii', lambda a: -a - 1),
    'INT.bitRange': _partial('iiii', _bit_range, _certain_counts),
    'INT.abs': _total('ii', lambda a: z3.If(a >= 0, a, -a)),
    'INT.min': _total('iii', lambda a, b: z3.If(a <= b, a, b)),
    'INT.max': _total('iii', lambda a, b: z3.If(a >= b, a, b)),
    'INT.lt': _total('iib', lambda a, b: a < b),
    'INT.le': _total('iib', lambda a, b: a <= b),
    'INT.gt': _total('iib', lambda a, b: a > b),
    'INT.ge': _total('iib', lambda a, b: a >= b),
    'INT.eq': _total('iib', lambda a, b: a == b),
    'INT.ne': _total('iib', lambda a, b: a != b),
    'BOOL.and': _total('bbb', lambda a, b: z3.And(a, b)),
    'BOOL.andThen': _total('bbb', lambda a, b: z3.And(a, b)),
    'BOOL.or': _total('bbb', lambda a, b: z3.Or(a, b)),
    'BOOL.orElse': _total('bbb', lambda a, b: z3.Or(a, b)),
    'BOOL.not': _total('bb', lambda a: z3.Not(a)),
    'BOOL.xor': _total('bbb', lambda a, b: z3.Xor(a, b)),
    'BOOL.implies': _total('bbb', lambda a, b: z3.Implies(a, b)),
    'BOOL.eq': _total('bbb', lambda a, b: a == b),
    'BOOL.ne': _total('bbb', lambda a, b: a != b),
    'KEQUAL.eq': _total('**b', lambda a, b: a == b),
    'KEQUAL.ne': _total('**b', lambda a, b: a != b),
    'KEQUAL.ite': _total('b***', lambda c, a, b: z3.If(c, a, b)),
    'STRING.eq': _total('**b', lambda a, b: a == b),
    'STRING.ne': _total('**b', lambda a, b: a != b),
    'BYTES.eq': _total('**b', lambda a, b: a == b),
    'BYTES.ne': _total('**b', lambda a, b: a != b),
}


def _power_bounds(result: Any, base: Any, exponent: Any) -> Any:
    return z3.And(
        z3.Implies(exponent == 0, result == 1),
        z3.Implies(exponent == 1, result == base),
        z3.Implies(z3.And(base >= 1, exponent >= 0), result >= 1),
        z3.Implies(z3.And(base >= 2, exponent >= 1), result >= base),
    )


def _and_bounds(result: Any, left: Any, right: Any) -> Any:
    return z3.And(
        z3.Implies(left >= 0, z3.And(result >= 0, result <= left)),
        z3.Implies(right >= 0, z3.And(result >= 0, result <= right)),
    )


def _or_bounds(result: Any, left: Any, right: Any) -> Any:
    natural = z3.And(left >= 0, right >= 0)
    return z3.Implies(natural, z3.And(result >= left, result >= right, result <= left + right))


def _xor_bounds(result: Any, left: Any, right: Any) -> Any:
    return z3.Implies(z3.And(left >= 0, right >= 0), z3.And(result >= 0, result <= left + right))


def _shl_bounds(result: Any, value: Any, count: Any) -> Any:
    return z3.Implies(z3.And(value >= 0, count >= 0), result >= value)


def _shr_bounds(result: Any, value: Any, count: Any) -> Any:
    return z3.Implies(z3.And(value >= 0, count >= 0), z3.And(result >= 0, result <= value))


def _log2_bounds(result: Any, value: Any) -> Any:
    return z3.Implies(value > 0, z3.And(result >= 0, result < value))


def _natural(result: Any, *_: Any) -> Any:
    return result >= 0


BOUNDS: Final[dict[str, Callable[..., Any]]] = {
    **dict.fromkeys(('LIST.size', 'MAP.size', 'SET.size', 'STRING.length', 'BYTES.length', 'STRING.ord'), _natural),
    'BYTES.get': lambda result, *_: z3.And(result >= 0, result < 256),
    'STRING.countAllOccurrences': _natural,
    'INT.bitRange': _natural,
    'INT.pow': _power_bounds,
    'INT.and': _and_bounds,
    'INT.or': _or_bounds,
    'INT.xor': _xor_bounds,
    'INT.shl': _shl_bounds,
    'INT.shr': _shr_bounds,
    'INT.log2': _log2_bounds,
}
"""What is known of the value of a hooked function that z3 has no operation for, as a formula of value and arguments.

Each holds wherever the function is defined; where it is not, its value in z3 is arbitrary and can be chosen to fit.
"""

PARTIAL_BOUNDS: Final = frozenset({'STRING.ord', 'BYTES.get', 'INT.bitRange'})
"""Those of `BOUNDS` that do not say for which arguments they hold. If a symbol with such a hook is declared to have a
value for all arguments, they are not known of it."""

# What an `smt-hook` attribute of a symbol without a K hook may be made of.
_OPERATORS: Final[dict[str, Callable[..., Any]]] = {
    '+': lambda *xs: sum(xs[1:], xs[0]),
    '-': lambda *xs: -xs[0] if len(xs) == 1 else xs[0] - sum(xs[2:], xs[1]),
    '*': lambda a, b: a * b,
    '<': lambda a, b: a < b,
    '<=': lambda a, b: a <= b,
    '>': lambda a, b: a > b,
    '>=': lambda a, b: a >= b,
    '=': lambda a, b: a == b,
    'distinct': lambda *xs: z3.Distinct(*xs),
    'not': lambda a: z3.Not(a),
    'and': lambda *xs: z3.And(*xs),
    'or': lambda *xs: z3.Or(*xs),
    'xor': lambda a, b: z3.Xor(a, b),
    '=>': lambda a, b: z3.Implies(a, b),
    'ite': lambda c, a, b: z3.If(c, a, b),
    'abs': lambda a: z3.If(a >= 0, a, -a),
}
_TOKEN: Final = re.compile(r'[()]|[^\s()]+')
_NUMERAL: Final = re.compile(r'[0-9]+')


def parse_template(text: str, arity: int, *, total: bool) -> HookTranslation | None:
    """Return the translation that an `smt-hook` attribute asks for, such as `(ite (< #1 #2) #1 #2)` or `+`.

    None if it uses anything that is not certainly total and known here, such as `div`, or if there is no argument,
    from which a formula has its context; the symbol is then uninterpreted.
    """
    if not total or not arity:
        return None
    tokens = _TOKEN.findall(text)
    if len(tokens) == 1 and not tokens[0].startswith('#'):
        tokens = ['(', tokens[0], *(f'#{n + 1}' for n in range(arity)), ')']
    tree, rest = _parse(tokens)
    if tree is None or rest or not _known(tree, arity):
        return None

    def build(values: Values) -> Any:
        try:
            return _evaluate(tree, values)
        except (z3.Z3Exception, TypeError, ValueError):
            # Not of the operator's sorts: z3 has no meaning for it.
            return None

    return HookTranslation(build, lambda _: None, '')


def _parse(tokens: list[str]) -> tuple[Any, list[str]]:
    if not tokens:
        return None, []
    head, rest = tokens[0], tokens[1:]
    if head == ')':
        return None, rest
    if head != '(':
        return head, rest
    items: list[Any] = []
    while rest and rest[0] != ')':
        item, rest = _parse(rest)
        if item is None:
            return None, rest
        items.append(item)
    if not rest or not items:
        return None, rest
    return items, rest[1:]


def _known(tree: Any, arity: int) -> bool:
    if isinstance(tree, str):
        if tree.startswith('#'):
            return _NUMERAL.fullmatch(tree[1:]) is not None and 1 <= int(tree[1:]) <= arity
        return _NUMERAL.fullmatch(tree) is not None or tree in ('true', 'false')
    operator, *operands = tree
    return (
        isinstance(operator, str)
        and operator in _OPERATORS
        and bool(operands)
        and all(_known(item, arity) for item in operands)
    )


def _evaluate(tree: Any, values: Values) -> Any:
    if isinstance(tree, str):
        if tree.startswith('#'):
            return values[int(tree[1:]) - 1]
        if _NUMERAL.fullmatch(tree):
            return z3.IntVal(int(tree), values[0].ctx)
        return z3.BoolVal(tree == 'true', values[0].ctx)
    return _OPERATORS[tree[0]](*(_evaluate(item, values) for item in tree[1:]))
