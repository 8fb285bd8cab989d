"""Substitution of variables in terms and predicates.

Nothing is evaluated, but collections keep their canonical form, so a substitution can make a term undefined (two keys
become one): the result is then `BOTTOM`. Bound variables are renamed where they would capture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .builders import join_lists, join_maps, join_sets
from .predicates import (
    P_BOTTOM,
    P_TOP,
    And,
    Ceil,
    Equal,
    Exists,
    Forall,
    Not,
    Or,
    Predicate,
    Truth,
    conjoin,
    disjoin,
    equal,
    negate,
    truth,
)
from .predicates import ceil as ceil_of
from .terms import BOTTOM, App, Bottom, Inj, KList, KMap, KSet, Term, Var, app, children, inj, klist, kmap, kset, var

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .signature import Signature

__all__ = ['equality', 'substitute', 'substitute_predicate']


def substitute(signature: Signature, term: Term, values: Mapping[Var, Term]) -> Term | Bottom:
    """Return `term` with each variable in `values` replaced, all at once."""
    if not term.free or values.keys().isdisjoint(term.free):
        return term
    done: dict[Term, Term] = {}
    stack: list[tuple[Term, bool]] = [(term, False)]
    while stack:
        one, ready = stack.pop()
        if one in done:
            continue
        if not one.free or values.keys().isdisjoint(one.free):
            done[one] = one
            continue
        if isinstance(one, Var):
            done[one] = values[one]
            continue
        if not ready:
            stack.append((one, True))
            stack.extend((part, False) for part in children(one))
            continue
        made = _rebuild(one, done)
        if isinstance(made, Bottom):
            return BOTTOM
        done[one] = made
    return done[term]


def _rebuild(term: Term, done: Mapping[Term, Term]) -> Term | Bottom:
    if isinstance(term, App):
        return app(term.symbol, tuple(done[arg] for arg in term.args))
    if isinstance(term, Inj):
        return inj(term.sort, done[term.inner])
    if isinstance(term, KMap):
        singles = [kmap(term.sort, {done[key]: done[value]}) for key, value in term.entries]
        return join_maps(term.sort, [*singles, *(done[one] for one in term.rest)])
    if isinstance(term, KSet):
        elements = [kset(term.sort, (done[one],)) for one in term.elements]
        return join_sets(term.sort, [*elements, *(done[one] for one in term.rest)])
    assert isinstance(term, KList)
    members = [klist(term.sort, ((True, done[one]),)) if is_item else done[one] for is_item, one in term.segments]
    return join_lists(term.sort, members)


def substitute_predicate(signature: Signature, predicate: Predicate, values: Mapping[Var, Term]) -> Predicate:
    """Return `predicate` with free variables replaced; undefined terms make their atoms what they mean."""
    if not values:
        return predicate
    if isinstance(predicate, Truth):
        term = substitute(signature, predicate.term, values)
        return truth(term) if isinstance(term, Term) else P_BOTTOM
    if isinstance(predicate, Equal):
        left = substitute(signature, predicate.left, values)
        right = substitute(signature, predicate.right, values)
        return equality(left, right)
    if isinstance(predicate, Ceil):
        term = substitute(signature, predicate.term, values)
        return ceil_of(term) if isinstance(term, Term) else P_BOTTOM
    if isinstance(predicate, Not):
        return negate(substitute_predicate(signature, predicate.arg, values))
    if isinstance(predicate, And):
        return conjoin([substitute_predicate(signature, one, values) for one in predicate.args])
    if isinstance(predicate, Or):
        return disjoin([substitute_predicate(signature, one, values) for one in predicate.args])
    if isinstance(predicate, (Exists, Forall)):
        return _under_binder(signature, predicate, values)
    return predicate


def equality(left: Term | Bottom, right: Term | Bottom) -> Predicate:
    """Return the predicate that two results are equal, where `BOTTOM` is equal to what is undefined."""
    if isinstance(left, Term) and isinstance(right, Term):
        return equal(left, right)
    if isinstance(left, Term):
        return negate(ceil_of(left))
    if isinstance(right, Term):
        return negate(ceil_of(right))
    return P_TOP


def _under_binder(signature: Signature, predicate: Exists | Forall, values: Mapping[Var, Term]) -> Predicate:
    bound = predicate.variable
    inner = {one: value for one, value in values.items() if one is not bound}
    body = predicate.body
    if any(bound in value.free for value in inner.values()):
        taken = {one.name for value in inner.values() for one in value.free}
        count = 0
        while f'{bound.name}{count}' in taken:
            count += 1
        renamed = var(f'{bound.name}{count}', bound.sort)
        body = substitute_predicate(signature, body, {bound: renamed})
        bound = renamed
    made = substitute_predicate(signature, body, inner)
    return Exists(bound, made) if isinstance(predicate, Exists) else Forall(bound, made)
