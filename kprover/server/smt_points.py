"""Satisfiability by trying points: values of the variables that satisfied earlier conditions.

Along an execution conditions grow by one at a time, and the values that satisfied the old ones satisfy the new one,
or its negation. Trying that costs a fraction of asking z3. Only predicates over Int and Bool, made of operations whose
meaning is fixed, can be tried; what holds at a point is satisfiable for certain. Owned by one solver.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final, final

from .hooks.integers import ediv, emod, tdiv, tmod
from .predicates import And, Ceil, Equal, Not, Or, Truth, Verity
from .symbols import BOOL, INT
from .terms import DV, App, Term, Var

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .predicates import Predicate

    Point = Mapping[Var, int | bool]

__all__ = ['Points']

_REMEMBERED: Final = 6
_MEMO_LIMIT: Final = 10_000
_NODES_LIMIT: Final = 500
_BITS_LIMIT: Final = 4096

_OPERATIONS: Final[dict[str, Callable[..., Any]]] = {
    'INT.add': lambda a, b: a + b,
    'INT.sub': lambda a, b: a - b,
    'INT.mul': lambda a, b: a * b,
    'INT.tdiv': tdiv,
    'INT.tmod': tmod,
    'INT.ediv': ediv,
    'INT.emod': emod,
    'INT.min': min,
    'INT.max': max,
    'INT.abs': abs,
    'INT.not': lambda a: ~a,
    'INT.and': lambda a, b: a & b,
    'INT.or': lambda a, b: a | b,
    'INT.xor': lambda a, b: a ^ b,
    'INT.lt': lambda a, b: a < b,
    'INT.le': lambda a, b: a <= b,
    'INT.gt': lambda a, b: a > b,
    'INT.ge': lambda a, b: a >= b,
    'INT.eq': lambda a, b: a == b,
    'INT.ne': lambda a, b: a != b,
    'BOOL.not': lambda a: not a,
    'BOOL.and': lambda a, b: a and b,
    'BOOL.or': lambda a, b: a or b,
    'BOOL.xor': lambda a, b: a != b,
    'BOOL.ne': lambda a, b: a != b,
    'BOOL.eq': lambda a, b: a == b,
    'BOOL.implies': lambda a, b: not a or b,
}


class _NoValue(Exception):
    """The term has no value at the point, or one that is too large to compute with here."""


@final
class Points:
    """Remembers points and tries them."""

    def __init__(self) -> None:
        self._points: deque[Point] = deque([{}], maxlen=_REMEMBERED)
        self._arithmetic: dict[Predicate, bool] = {}

    def satisfy(self, predicates: Iterable[Predicate]) -> bool:
        """Whether a remembered point satisfies all of `predicates`. Variables that it does not know are 0 or false."""
        wanted = list(predicates)
        if not all(map(self._can_try, wanted)):
            return False
        for number, point in enumerate(self._points):
            try:
                if all(_holds(one, point) for one in wanted):
                    if number:
                        self._points.remove(point)
                        self._points.appendleft(point)
                    return True
            except _NoValue:
                continue
        return False

    def remember(self, values: Point) -> None:
        """Add the point that has `values`, and those of the last point elsewhere."""
        if len(self._points[0]) > _MEMO_LIMIT:
            self._points.clear()
            self._points.append({})
        self._points.appendleft({**self._points[0], **values})

    def _can_try(self, predicate: Predicate) -> bool:
        known = self._arithmetic.get(predicate)
        if known is None:
            if len(self._arithmetic) > _MEMO_LIMIT:
                self._arithmetic.clear()
            known = self._arithmetic[predicate] = _is_arithmetic(predicate)
        return known


def _is_arithmetic(predicate: Predicate) -> bool:
    stack: list[Predicate] = [predicate]
    terms: list[Term] = []
    while stack:
        one = stack.pop()
        if isinstance(one, (Truth, Ceil)):
            terms.append(one.term)
        elif isinstance(one, Equal):
            terms += (one.left, one.right)
        elif isinstance(one, Not):
            stack.append(one.arg)
        elif isinstance(one, (And, Or)):
            stack.extend(one.args)
        elif not isinstance(one, Verity):
            return False
    nodes = 0
    while terms:
        term = terms.pop()
        nodes += 1
        if nodes > _NODES_LIMIT or (term.sort is not INT and term.sort is not BOOL):
            return False
        if isinstance(term, App):
            if term.symbol.attributes.hook not in _OPERATIONS:
                return False
            terms.extend(term.args)
        elif not isinstance(term, (Var, DV)):
            return False
    return True


def _holds(predicate: Predicate, point: Point) -> bool:
    """Whether `predicate` holds at `point`. Raises `_NoValue` where a term in it has none."""
    if isinstance(predicate, Truth):
        return bool(_value(predicate.term, point))
    if isinstance(predicate, Equal):
        return bool(_value(predicate.left, point) == _value(predicate.right, point))
    if isinstance(predicate, Not):
        return not _holds(predicate.arg, point)
    if isinstance(predicate, And):
        return all(_holds(one, point) for one in predicate.args)
    if isinstance(predicate, Or):
        return any(_holds(one, point) for one in predicate.args)
    if isinstance(predicate, Ceil):
        _value(predicate.term, point)
    return True


def _value(term: Term, point: Point) -> Any:
    if isinstance(term, DV):
        return term.value
    if isinstance(term, Var):
        found = point.get(term)
        return found if found is not None else (False if term.sort is BOOL else 0)
    assert isinstance(term, App)
    try:
        result = _OPERATIONS[term.symbol.attributes.hook](*[_value(arg, point) for arg in term.args])
    except ZeroDivisionError:
        raise _NoValue from None
    if result.bit_length() > _BITS_LIMIT:
        raise _NoValue
    return result
