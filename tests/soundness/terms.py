"""Terms of integers and truth values: building them, evaluating them, and changing them at one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import states
from pyk.kast.inner import KApply, KToken, KVariable
from pyk.kast.prelude.kbool import FALSE, TRUE
from pyk.kast.prelude.kint import INT, intToken
from states import changed_at_random

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence

    from pyk.kast.inner import KInner

    Values = Mapping[str, int]


class Undefined(Exception):
    """A term has no value: a division by zero."""


def opaque_input(index: int) -> int:
    """What programs read: any function will do, for nothing is known of it to a prover."""
    return (index * 7919 + 3) % 23 - 11


def _divided(left: int, right: int) -> tuple[int, int]:
    """Return quotient and remainder as K's `/Int` and `%Int`: the quotient is rounded towards zero."""
    if right == 0:
        raise Undefined
    quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
    return quotient, left - quotient * right


OPERATIONS: Final[dict[str, Callable[..., int | bool]]] = {
    **states.OPERATIONS,
    '_/Int_': lambda a, b: _divided(a, b)[0],
    '_%Int_': lambda a, b: _divided(a, b)[1],
    'inputAt': opaque_input,
}
"""What the symbols of the definitions mean; division is not that of the interpreters."""

_CHANGES: Final = {
    '_+Int_': ('_-Int_', '_*Int_'),
    '_-Int_': ('_+Int_',),
    '_*Int_': ('_+Int_',),
    '_/Int_': ('_%Int_', '_*Int_'),
    '_%Int_': ('_/Int_',),
    '_<Int_': ('_<=Int_',),
    '_<=Int_': ('_<Int_', '_==Int_'),
    '_==Int_': ('_<=Int_', '_=/=Int_'),
    '_=/=Int_': ('_<Int_',),
    '_andBool_': ('_orBool_',),
    '_orBool_': ('_andBool_',),
    'add': ('sub', 'mul', 'max'),
    'sub': ('add',),
    'mul': ('add', 'max'),
    'div': ('mod',),
    'mod': ('div',),
    'max': ('add',),
    'lt': ('le', 'eq'),
    'le': ('lt',),
    'eq': ('le',),
    'and': ('or',),
    'or': ('and',),
}
"""What a symbol may be replaced by."""


def evaluate(term: KInner, values: Values) -> int | bool:
    """Return the value of a term. Raises `Undefined` if it has none, `KeyError` for an unknown variable."""
    return states.evaluate(term, values, OPERATIONS)


def build(operation: str, *args: KInner) -> KInner:
    """Return the application of an operation, evaluated if all its arguments are literals and it has a value."""
    if all(isinstance(arg, KToken) for arg in args) and operation != 'inputAt':
        try:
            value = evaluate(KApply(operation, *args), {})
        except Undefined:
            return KApply(operation, *args)
        return literal(value)
    if operation == 'notBool_' and isinstance(args[0], KApply) and args[0].label.name == 'notBool_':
        return args[0].args[0]
    return KApply(operation, *args)


def literal(value: int | bool) -> KInner:
    """Return a literal."""
    if value is True or value is False:
        return TRUE if value else FALSE
    return intToken(value)


def joined(operation: str, terms: Sequence[KInner]) -> KInner:
    """Return the terms joined by `_andBool_` or `_orBool_`."""
    kept = [term for term in terms if term != literal(operation == '_andBool_')]
    if not kept:
        return literal(operation == '_andBool_')
    result = kept[-1]
    for term in reversed(kept[:-1]):
        result = KApply(operation, term, result)
    return result


def _is_site(term: KInner) -> bool:
    if isinstance(term, KToken):
        return term.sort in (INT,) or term.sort.name in ('Bool', 'Id')
    if isinstance(term, KVariable):
        return not term.name.startswith('?')
    return isinstance(term, KApply) and (term.label.name in _CHANGES or term.label.name in ('push', 'dup', 'swap'))


def mutated(term: KInner, variables: Sequence[KInner], names: Sequence[str], source: random.Random) -> KInner:
    """Return `term` with a change at one random place, if there is any.

    Args:
        term: What to change.
        variables: Variables that may stand in place of others.
        names: Identifiers that may stand in place of others.
        source: The source of chance.
    """
    return changed_at_random(term, _is_site, lambda part: _changed(part, variables, names, source), source)


def _changed(term: KInner, variables: Sequence[KInner], names: Sequence[str], source: random.Random) -> KInner:
    if isinstance(term, KToken):
        if term.sort.name == 'Bool':
            return literal(term.token != 'true')
        if term.sort.name == 'Id':
            return KToken(source.choice(names), term.sort) if names else term
        return intToken(int(term.token) + source.choice([-1, 1, 1, 2, -2 * int(term.token)]))
    if isinstance(term, KVariable):
        return source.choice([source.choice(variables), KApply('_+Int_', term, intToken(1)), intToken(0)])
    assert isinstance(term, KApply)
    if term.label.name == '_-Int_' and source.random() < 0.5:
        return term.let(args=term.args[::-1])
    if term.label.name in _CHANGES:
        return term.let(label=source.choice(_CHANGES[term.label.name]))
    return term
