"""A direct evaluator of imperative programs, which knows nothing of the rules in :mod:`examples.imp.language`.

It is what the semantics is tested against: a claim that holds must hold of every run of this evaluator.  It runs
program terms on Python's own integers and booleans.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyk.kast.inner import KApply, KToken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final

    from pyk.kast.inner import KInner


@dataclass(frozen=True)
class Outcome:
    """The end of a run: the variables, and the failure (``undeclared(x)``, ...) if there was one."""

    variables: dict[str, int]
    failure: str | None = None


class OutOfSteps(Exception):
    """The program ran more statements than it was allowed to."""


class _Failed(Exception):
    """The program came to a failure, which is the message."""


def truncated_division(left: int, right: int) -> tuple[int, int]:
    """Return quotient and remainder with the quotient rounded towards zero, as K's ``/Int`` and ``%Int``."""
    quotient = abs(left) // abs(right)
    if (left < 0) != (right < 0):
        quotient = -quotient
    return quotient, left - quotient * right


_ON_INTEGERS: Final[dict[str, Callable[[int, int], int]]] = {
    'add': lambda a, b: a + b,
    'sub': lambda a, b: a - b,
    'mul': lambda a, b: a * b,
    'max': lambda a, b: b if a < b else a,
    'lt': lambda a, b: a < b,
    'le': lambda a, b: a <= b,
    'eq': lambda a, b: a == b,
}


class Interpreter:
    """Runs programs.

    Args:
        inputs: What ``input(i)`` reads.
        limit: The number of statements after which a run is given up.
    """

    def __init__(self, inputs: Callable[[int], int] = lambda _: 0, limit: int = 100_000) -> None:
        self._inputs = inputs
        self._limit = limit

    def run(self, program: KInner, variables: Mapping[str, int]) -> Outcome:
        """Return the outcome of a statement.

        Raises:
            OutOfSteps: the limit was reached.
        """
        store = dict(variables)
        try:
            self._statements(program, store)
        except _Failed as failed:
            return Outcome(store, str(failed))
        return Outcome(store)

    def value(self, expression: KInner, variables: Mapping[str, int]) -> int | bool | str:
        """Return the value of an expression, or the failure as a string."""
        try:
            return self._value(expression, variables)
        except _Failed as failed:
            return str(failed)

    def _value(self, expression: KInner, store: Mapping[str, int]) -> int | bool:
        match expression:
            case KToken(text, sort):
                return self._token(text, sort.name, store)
            case KApply(label, (left, right)) if label.name in _ON_INTEGERS:
                return _ON_INTEGERS[label.name](self._value(left, store), self._value(right, store))
            case KApply(label, (left, right)) if label.name in ('div', 'mod'):
                dividend, divisor = self._value(left, store), self._value(right, store)
                if divisor == 0:
                    raise _Failed('divisionByZero')
                return truncated_division(dividend, divisor)[label.name == 'mod']
            case KApply(label, (left, right)) if label.name in ('and', 'or'):
                first = self._value(left, store)
                return first if bool(first) == (label.name == 'or') else self._value(right, store)
            case KApply(label, (operand,)) if label.name == 'not':
                return not self._value(operand, store)
            case KApply(label, (index,)) if label.name == 'input':
                return self._inputs(self._value(index, store))
        raise ValueError(f'Interpreter: expected an expression, found {expression}')

    @staticmethod
    def _token(text: str, sort: str, store: Mapping[str, int]) -> int | bool:
        if sort == 'Int':
            return int(text)
        if sort == 'Bool':
            return text == 'true'
        if text not in store:
            raise _Failed(f'undeclared({text})')
        return store[text]

    def _statements(self, program: KInner, store: dict[str, int]) -> None:
        pending = [program]
        steps = 0
        while pending:
            steps += 1
            if steps > self._limit:
                raise OutOfSteps(f'Interpreter: no end within {self._limit} statements')
            statement = pending.pop()
            match statement:
                case KApply(label, ()) if label.name == 'skip':
                    pass
                case KApply(label, (body,)) if label.name == 'block':
                    pending.append(body)
                case KApply(label, (first, second)) if label.name == 'seq':
                    pending += [second, first]
                case KApply(label, (KToken(name), expression)) if label.name in ('assign', 'declare'):
                    self._store(label.name == 'declare', name, self._value(expression, store), store)
                case KApply(label, (condition, then, otherwise)) if label.name == 'if':
                    pending.append(then if self._value(condition, store) else otherwise)
                case KApply(label, (condition, body)) if label.name == 'while':
                    if self._value(condition, store):
                        pending += [statement, body]
                case _:
                    raise ValueError(f'Interpreter: expected a statement, found {statement}')

    @staticmethod
    def _store(new: bool, name: str, value: int, store: dict[str, int]) -> None:
        if new and name in store:
            raise _Failed(f'redeclared({name})')
        if not new and name not in store:
            raise _Failed(f'undeclared({name})')
        store[name] = value
