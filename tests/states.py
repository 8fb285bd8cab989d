"""States of the example languages: their cells, the values of their terms, and changes that make another of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyk.kast.inner import KApply, KToken, KVariable, bottom_up

from examples.imp.interpreter import truncated_division

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from pyk.kast.inner import KInner

OPERATIONS: Final[dict[str, Callable[..., int | bool]]] = {
    '_+Int_': lambda a, b: a + b,
    '_-Int_': lambda a, b: a - b,
    '_*Int_': lambda a, b: a * b,
    '_/Int_': lambda a, b: truncated_division(a, b)[0],
    '_%Int_': lambda a, b: truncated_division(a, b)[1],
    '_<Int_': lambda a, b: a < b,
    '_<=Int_': lambda a, b: a <= b,
    '_>Int_': lambda a, b: a > b,
    '_>=Int_': lambda a, b: a >= b,
    '_==Int_': lambda a, b: a == b,
    '_=/=Int_': lambda a, b: a != b,
    '_andBool_': lambda a, b: a and b,
    '_orBool_': lambda a, b: a or b,
    'notBool_': lambda a: not a,
    'largest': max,
    'sign': lambda a: (a > 0) - (a < 0),
    'operands': lambda instruction: {'dup': 0, 'swap': 1}[instruction[0]] + instruction[1],
}
"""What the symbols of the definitions mean, but for `inputAt`, which may be any function."""


def evaluate(
    term: KInner, values: Mapping[str, int], operations: Mapping[str, Callable[..., int | bool]] = OPERATIONS
) -> int | bool:
    """Return the value of an integer or boolean term.

    Raises `KeyError` for an unknown variable, `ValueError` for another term, and what an operation raises that has no
    value.
    """
    match term:
        case KToken(text, sort):
            return text == 'true' if sort.name == 'Bool' else int(text)
        case KVariable(name, _):
            return values[name]
        case KApply(label, args) if label.name in operations:
            return operations[label.name](*[evaluate(arg, values, operations) for arg in args])
    raise ValueError(f'not a term of integers and truth values: {term}')


def cells(state: KInner) -> dict[str, KInner]:
    """Return the content of each cell by its name."""
    found: dict[str, KInner] = {}
    pending = [state]
    while pending:
        term = pending.pop()
        if isinstance(term, KApply) and term.is_cell:
            if len(term.args) == 1:
                found[term.label.name.strip('<>')] = term.args[0]
            pending += term.args
    return found


def changed_at_random(
    term: KInner, is_site: Callable[[KInner], bool], change: Callable[[KInner], KInner], source: random.Random
) -> KInner:
    """Return `term` with one of its sites, chosen at random, changed; the term itself if it has none."""
    sites = 0

    def count(part: KInner) -> KInner:
        nonlocal sites
        sites += is_site(part)
        return part

    bottom_up(count, term)
    if not sites:
        return term
    chosen, seen = source.randrange(sites), -1

    def change_one(part: KInner) -> KInner:
        nonlocal seen
        if not is_site(part):
            return part
        seen += 1
        return change(part) if seen == chosen else part

    return bottom_up(change_one, term)
