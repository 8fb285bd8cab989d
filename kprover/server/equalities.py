"""Equality of terms that may be symbolic, taken apart along constructors, injections and collections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .builders import map_of, set_of
from .predicates import P_BOTTOM, P_TOP, Equal, Falsity, Predicate, Verity, conjoin, equal
from .symbols import Sort
from .terms import DV, App, Inj, KList, KMap, KSet, Term, Var, inj, klist

if TYPE_CHECKING:
    from .signature import Signature

__all__ = ['is_rigid', 'list_of', 'overloaded_pairs', 'simplify_equality', 'surely_distinct']


def is_rigid(term: Term) -> bool:
    """Whether the top of `term` is the same under every instantiation: a constructor, literal, or injection of one."""
    if isinstance(term, App):
        return not term.symbol.unstable
    if isinstance(term, Inj):
        return is_rigid(term.inner)
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
    if isinstance(one, Inj):
        if isinstance(other, Inj):
            return _injections(signature, one, other, stack)
        if against is Var:
            return _variable_equality(signature, other, one)
        if is_rigid(other):
            # A constructor or literal of the sort itself is no injection.
            return P_BOTTOM
        return _overloaded_equality(other, one, stack)
    if isinstance(one, App) and isinstance(other, App) and not (one.symbol.reducible or other.symbol.reducible):
        if one.symbol is not other.symbol:
            return P_BOTTOM
        stack.extend(zip(one.args, other.args, strict=True))
        return P_TOP
    if against is Inj:
        return P_BOTTOM if is_rigid(one) else _overloaded_equality(one, other, stack)
    if is_rigid(one) and is_rigid(other):
        # Two different literals, or a literal and a constructor.
        return P_BOTTOM
    if isinstance(one, (KMap, KSet)) and type(one) is type(other):
        return _collections(signature, one, other, stack)
    if isinstance(one, KList) and isinstance(other, KList):
        return _lists(one, other, stack)
    if against is Var and type(one) is not Var:
        return _variable_equality(signature, other, one)
    return equal(one, other)


def _overloaded_equality(one: Term, other: Term, stack: list[tuple[Term, Term]]) -> Predicate:
    """Return the equality of `one`, perhaps an overloaded constructor's, with the injection `other`."""
    pairs = overloaded_pairs(one, other)
    if pairs is None:
        return equal(one, other)
    stack.extend(pairs)
    return P_TOP


def overloaded_pairs(one: Term, other: Term) -> list[tuple[Term, Term]] | None:
    """Return the pairs whose equality makes an overloaded application equal to an injected smaller one's; else None."""
    if not (isinstance(one, App) and isinstance(other, Inj) and isinstance(other.inner, App)):
        return None
    inner = other.inner
    if inner.symbol not in one.symbol.overloads:
        return None
    return [(mine, inj(mine.sort, yours)) for mine, yours in zip(one.args, inner.args, strict=True)]


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
    if is_rigid(left) or is_rigid(right) or signature.sorts_disjoint(left.sort, right.sort):
        return P_BOTTOM
    return equal(one, other)


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
