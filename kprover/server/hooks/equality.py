"""Whether two terms have the same value, as far as their shapes tell.

Both terms are taken to be defined. Literals of one sort differ if their texts do; constructors build different
values from different symbols or arguments (unless declared to satisfy equations, or overloads connect them); an
injection of a variable is a constructor's application only if that has a value in the variable's sort. Anything else is
undecided.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..overloads import Unsure, paired, restricted
from ..terms import DV, App, Inj, KList, KMap, KSet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..symbols import Sort, Symbol
    from ..terms import Term
    from .context import HookContext

__all__ = ['decide', 'find_key', 'has_canonical_literals', 'is_free_constructor']

_SEVERAL_TEXTS: Final = frozenset({'SortFloat', 'SortMInt'})

_PAIR_LIMIT = 20_000
"""Pairs of subterms compared in one decision, at most; beyond it the answer is that it is not known."""


def is_free_constructor(symbol: Symbol) -> bool:
    """Whether different applications of `symbol` are different values, and differ from those of other constructors that
    no overload connects with it."""
    attributes = symbol.attributes
    return (
        (attributes.constructor or bool(symbol.relatives))
        and not symbol.reducible
        and not (attributes.assoc or attributes.comm or attributes.idem)
    )


def has_canonical_literals(sort: Sort) -> bool:
    """Whether literals of `sort` with different texts have different values: not so for floats and machine integers."""
    return sort.name not in _SEVERAL_TEXTS


def decide(ctx: HookContext, left: Term, right: Term) -> bool | None:
    """Return whether `left` and `right`, of one sort and both defined, are equal; None if that is not known."""
    if left is right:
        return True
    stack = [(left, right)]
    known = True
    pairs = 0
    while stack:
        one, other = stack.pop()
        if one is other:
            continue
        pairs += 1
        if pairs > _PAIR_LIMIT:
            return None
        decided = _step(ctx, one, other, stack)
        if decided is False:
            return False
        if decided is None:
            known = False
    return True if known else None


def _step(ctx: HookContext, one: Term, other: Term, stack: list[tuple[Term, Term]]) -> bool | None:
    """Compare two different terms at their tops; what is left to compare goes on the stack."""
    mine, yours = _constructed(one), _constructed(other)
    if mine is not None and yours is not None:
        return _constructors(mine, yours, stack)
    if isinstance(one, Inj) and isinstance(other, Inj) and one.inner.sort is other.inner.sort:
        stack.append((one.inner, other.inner))
        return True
    for known, against in ((mine, other), (yours, one)):
        if known is not None:
            return _against(ctx, known, against, stack)
    if isinstance(one, Inj) and isinstance(other, Inj):
        return False if ctx.sorts_disjoint(one.inner.sort, other.inner.sort) else None
    if isinstance(one, DV):
        # Terms are interned, so two literals of one sort that are different objects have different texts.
        return False if isinstance(other, DV) and one.sort is other.sort and has_canonical_literals(one.sort) else None
    if isinstance(one, KList) and isinstance(other, KList):
        return _lists(one, other, stack)
    if isinstance(one, KMap) and isinstance(other, KMap):
        return _maps(ctx, one, other, stack)
    if isinstance(one, KSet) and isinstance(other, KSet):
        return _sets(ctx, one, other)
    return None


def _constructed(term: Term) -> App | None:
    """Return the application of a free constructor that `term` is, or is the injection of."""
    if isinstance(term, Inj):
        term = term.inner
    return term if isinstance(term, App) and is_free_constructor(term.symbol) else None


def _constructors(one: App, other: App, stack: list[tuple[Term, Term]]) -> bool | None:
    if one.symbol is other.symbol:
        stack.extend(zip(one.args, other.args, strict=True))
        return True
    if one.symbol.name == other.symbol.name:
        return None
    pairs = paired(one, other)
    if pairs is None:
        return False
    if isinstance(pairs, Unsure):
        return None
    stack.extend(pairs)
    return True


def _against(ctx: HookContext, known: App, other: Term, stack: list[tuple[Term, Term]]) -> bool | None:
    """Compare a constructor's application, perhaps injected, with what is none, or not known to be one."""
    if not isinstance(other, Inj):
        return None
    inner = other.inner
    if isinstance(inner, (DV, KMap, KSet, KList)):
        return False
    found = restricted(ctx, known, inner.sort)
    if found is None:
        return False
    if isinstance(found, Unsure):
        return None
    stack.append((found, inner))
    return True


def _lists(one: KList, other: KList, stack: list[tuple[Term, Term]]) -> bool | None:
    if one.known and other.known:
        if len(one.segments) != len(other.segments):
            return False
        stack.extend(zip(one.items, other.items, strict=True))
        return True
    if one.known or other.known:
        short, long = (one, other) if one.known else (other, one)
        if sum(is_item for is_item, _ in long.segments) > len(short.segments):
            return False
    return None


def _maps(ctx: HookContext, one: KMap, other: KMap, stack: list[tuple[Term, Term]]) -> bool | None:
    if one.rest or other.rest:
        return None
    if len(one.entries) != len(other.entries):
        return False
    undecided = False
    for key, value in one.entries:
        found = find_key(ctx, other.index, key)
        if found is None:
            undecided = True
        elif found is False:
            return False
        else:
            assert not isinstance(found, bool)
            stack.append((value, other.index[found]))
    return None if undecided else True


def _sets(ctx: HookContext, one: KSet, other: KSet) -> bool | None:
    if one.rest or other.rest:
        return None
    if len(one.elements) != len(other.elements):
        return False
    answers = [find_key(ctx, dict.fromkeys(other.elements, element), element) for element in one.elements]
    if any(answer is False for answer in answers):
        return False
    return None if any(answer is None for answer in answers) else True


def find_key(ctx: HookContext, keys: Mapping[Term, Term], wanted: Term) -> Term | bool | None:
    """Look for a key that equals `wanted`.

    Returns that key, False if all keys certainly differ from `wanted`, None if that is not known. A key that is the
    same term is found whatever the others are, for the keys of a map that has a value are all different.
    """
    if wanted in keys:
        return wanted
    if not keys:
        return False
    if _is_literal(wanted) and all(map(_is_literal, keys)):
        # Literals under injections from different, overlapping sorts do not occur: each is of its own sort.
        sort = _literal_sort(wanted)
        if has_canonical_literals(sort) and all(_literal_sort(key) is sort for key in keys):
            return False
    undecided = False
    for key in keys:
        answer = decide(ctx, key, wanted)
        if answer:
            return key
        if answer is None:
            undecided = True
    return None if undecided else False


def _is_literal(term: Term) -> bool:
    return type(term.inner if isinstance(term, Inj) else term) is DV


def _literal_sort(term: Term) -> Sort:
    return (term.inner if isinstance(term, Inj) else term).sort
