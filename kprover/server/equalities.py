"""Equality of terms that may be symbolic, taken apart along constructors, injections and collections.

Two applications of different constructors are different values only if no overload connects the constructors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .builders import map_of, set_of
from .overloads import Unsure, paired, restricted
from .predicates import P_BOTTOM, P_TOP, Equal, Falsity, Predicate, Verity, conjoin, equal
from .symbols import Sort
from .terms import DV, App, Inj, KList, KMap, KSet, Term, Var, inj, klist

if TYPE_CHECKING:
    from .signature import Signature

__all__ = ['constructed', 'has_fixed_top', 'list_of', 'simplify_equality', 'surely_distinct']


def constructed(term: Term) -> App | None:
    """Return the application of a constructor that `term` is, or is the injection of; None for anything else."""
    if isinstance(term, Inj):
        term = term.inner
    return term if isinstance(term, App) and not term.symbol.reducible else None


def has_fixed_top(term: Term) -> bool:
    """Whether `term` is a constructor's application or a literal, rigid or not, and so no variable or function."""
    if isinstance(term, App):
        return not term.symbol.reducible
    return isinstance(term, DV) and not term.fn


def surely_distinct(signature: Signature, one: Term, other: Term) -> bool:
    """Whether two terms of one sort have different values under every instantiation."""
    return one is not other and isinstance(simplify_equality(signature, one, other), Falsity)


def simplify_equality(signature: Signature, left: Term, right: Term) -> Predicate:
    """Return a predicate equivalent to the equality of two *defined* terms, taken apart along constructors."""
    result: list[Predicate] = []
    stack = [(left, right)]
    while stack:
        one, other = stack.pop()
        if one is other:
            continue
        simple = _equality_step(signature, one, other, stack)
        if isinstance(simple, Falsity):
            return P_BOTTOM
        if not isinstance(simple, Verity):
            result.append(simple)
    return conjoin(result)


def _equality_step(signature: Signature, one: Term, other: Term, stack: list[tuple[Term, Term]]) -> Predicate:
    """Return what is left of one equality; equalities of parts go onto the stack."""
    if type(one) is Var and type(other) is not Var:
        one, other = other, one
    against = type(other)
    mine, yours = constructed(one), constructed(other)
    if mine is not None and yours is not None:
        return _constructors(one, other, mine, yours, stack)
    if isinstance(one, Inj):
        if isinstance(other, Inj):
            return _injections(signature, one, other, stack)
        if against is Var:
            return _variable_equality(signature, other, one)
        return _injection_against(signature, one, other, stack)
    if isinstance(other, Inj):
        return _injection_against(signature, other, one, stack)
    if has_fixed_top(one) and has_fixed_top(other):
        # Two different literals, or a literal and a constructor.
        return P_BOTTOM
    if isinstance(one, (KMap, KSet)) and type(one) is type(other):
        return _collections(signature, one, other, stack)
    if isinstance(one, KList) and isinstance(other, KList):
        return _lists(one, other, stack)
    if against is Var and type(one) is not Var:
        return _variable_equality(signature, other, one)
    return equal(one, other)


def _constructors(one: Term, other: Term, mine: App, yours: App, stack: list[tuple[Term, Term]]) -> Predicate:
    """Return the equality of two terms that are applications of constructors, perhaps injected."""
    if mine.symbol is yours.symbol:
        stack.extend(zip(mine.args, yours.args, strict=True))
        return P_TOP
    pairs = paired(mine, yours)
    if pairs is None:
        return P_BOTTOM
    if isinstance(pairs, Unsure):
        return equal(one, other)
    stack.extend(pairs)
    return P_TOP


def _injection_against(signature: Signature, one: Inj, other: Term, stack: list[tuple[Term, Term]]) -> Predicate:
    """Return the equality of an injection with a term that is none, nor a variable."""
    if isinstance(other, DV) and not other.fn:
        # A literal of the sort itself is no injection.
        return P_BOTTOM
    if constructed(other) is None:
        return equal(one, other)
    inner = one.inner
    if has_fixed_top(inner):
        return P_BOTTOM
    found = restricted(signature, other, inner.sort)
    if found is None:
        return P_BOTTOM
    if isinstance(found, Unsure):
        return equal(other, one)
    stack.append((found, inner))
    return P_TOP


def _injections(signature: Signature, one: Inj, other: Inj, stack: list[tuple[Term, Term]]) -> Predicate:
    left, right = one.inner, other.inner
    if left.sort is right.sort:
        stack.append((left, right))
        return P_TOP
    if signature.subsort(right.sort, left.sort):
        stack.append((left, inj(left.sort, right)))
        return P_TOP
    if signature.subsort(left.sort, right.sort):
        stack.append((inj(right.sort, left), right))
        return P_TOP
    for mine, yours in ((left, right), (right, left)):
        if has_fixed_top(mine):
            found = restricted(signature, mine, yours.sort)
            if found is None:
                return P_BOTTOM
            if not isinstance(found, Unsure):
                stack.append((found, yours))
                return P_TOP
    return P_BOTTOM if signature.sorts_disjoint(left.sort, right.sort) else equal(one, other)


def _variable_equality(signature: Signature, variable: Term, term: Term) -> Predicate:
    """Return `variable = term`, bottom if the variable stands below constructors in the term."""
    if variable in term.free and _below_constructors(variable, term):
        return P_BOTTOM
    if type(variable) is Var and type(term) is Inj and signature.sorts_disjoint(variable.sort, term.inner.sort):
        return P_BOTTOM
    return Equal(variable, term)


def _below_constructors(variable: Term, term: Term) -> bool:
    """Whether `variable` occurs in `term` reachable through constructors alone (at least one of them)."""
    stack = [term]
    while stack:
        one = stack.pop()
        if type(one) is App and not one.symbol.reducible:
            if variable in one.args:
                return True
            stack.extend(arg for arg in one.args if variable in arg.free)
        elif type(one) is Inj and one.inner is not variable:
            # An injection alone does not make the value larger.
            stack.append(one.inner)
    return False


def _collections(
    signature: Signature, one: KMap | KSet, other: KMap | KSet, stack: list[tuple[Term, Term]]
) -> Predicate:
    """Cancel what two maps or sets have in common."""
    if isinstance(one, KMap) and isinstance(other, KMap):
        common = [key for key in one.index if key in other.index]
        stack.extend((one.index[key], other.index[key]) for key in common)
        mine = {key: value for key, value in one.entries if key not in other.index}
        yours = {key: value for key, value in other.entries if key not in one.index}
        rest, others = _cancel(one.rest, other.rest)
        if not mine and not yours and not rest and not others:
            return P_TOP
        left, right = map_of(one.sort, mine, rest), map_of(one.sort, yours, others)
        left_keys, right_keys = tuple(mine), tuple(yours)
    else:
        assert isinstance(one, KSet) and isinstance(other, KSet)
        elements = [item for item in one.elements if item not in other.index]
        remaining = [item for item in other.elements if item not in one.index]
        rest, others = _cancel(one.rest, other.rest)
        if not elements and not remaining and not rest and not others:
            return P_TOP
        left, right = set_of(one.sort, elements, rest), set_of(one.sort, remaining, others)
        left_keys, right_keys = tuple(elements), tuple(remaining)
    # A key that the other side cannot have, with no opaque part that could hold it, decides.
    if not others and any(all(surely_distinct(signature, key, two) for two in right_keys) for key in left_keys):
        return P_BOTTOM
    if not rest and any(all(surely_distinct(signature, key, two) for two in left_keys) for key in right_keys):
        return P_BOTTOM
    if not rest and not others and len(left_keys) != len(right_keys):
        return P_BOTTOM
    if left is one and right is other:
        return equal(one, other)
    stack.append((left, right))
    return P_TOP


def _cancel(mine: tuple[Term, ...], yours: tuple[Term, ...]) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
    left = list(mine)
    right = []
    for one in yours:
        if one in left:
            left.remove(one)
        else:
            right.append(one)
    return tuple(left), tuple(right)


def _lists(one: KList, other: KList, stack: list[tuple[Term, Term]]) -> Predicate:
    """Take equal-length known ends of two lists apart."""
    mine, yours = list(one.segments), list(other.segments)
    pairs: list[tuple[Term, Term]] = []
    for end in (0, -1):
        while mine and yours and (mine[end][0] == yours[end][0]):
            if not mine[end][0] and mine[end][1] is not yours[end][1]:
                break
            pairs.append((mine.pop(end)[1], yours.pop(end)[1]))
    if not mine and not yours:
        stack.extend(pairs)
        return P_TOP
    if not mine or not yours:
        left = mine or yours
        if any(is_item for is_item, _ in left):
            return P_BOTTOM
    if all(is_item for is_item, _ in mine) and len(mine) < sum(is_item for is_item, _ in yours):
        return P_BOTTOM
    if all(is_item for is_item, _ in yours) and len(yours) < sum(is_item for is_item, _ in mine):
        return P_BOTTOM
    if not pairs:
        return equal(one, other)
    stack.extend(pairs)
    return equal(list_of(one.sort, mine), list_of(one.sort, yours))


def list_of(of: Sort, segments: list[tuple[bool, Term]]) -> Term:
    if len(segments) == 1 and not segments[0][0]:
        return segments[0][1]
    return klist(of, segments)
