"""Predicates of matching logic over the server's terms, and conjunctions of them.

A predicate is true or false of an instantiation of its free variables; the sort at which Kore writes it is not kept.
The common case is `Truth(term)`, a term of sort Bool that equals true. Predicates are immutable and compared by value;
the smart constructors (`truth`, `equal`, `negate`, `conjoin`, ...) do the propositional simplifications that hold
always.

Undefinedness: `Truth(t)` holds where `t` is defined and true, so its negation holds where `t` is false *or undefined*.
`Equal(a, b)` also holds where both are undefined. `truth` and `negate` cross between Bool and logic only where the
terms are certainly defined.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, final

from .terms import DV, FALSE, TRUE, App, Inj, Term, Var

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    'P_BOTTOM',
    'P_TOP',
    'And',
    'Ceil',
    'Equal',
    'Exists',
    'Falsity',
    'Forall',
    'Not',
    'Or',
    'Predicate',
    'Truth',
    'Verity',
    'ceil',
    'conjoin',
    'conjuncts',
    'disjoin',
    'equal',
    'exists',
    'forall',
    'free_variables',
    'negate',
    'truth',
]

_NO_VARS: Final[frozenset[Var]] = frozenset()


@final
@dataclass(frozen=True)
class Verity:
    """True of everything: `\\top`."""


@final
@dataclass(frozen=True)
class Falsity:
    """True of nothing: `\\bottom`."""


@final
@dataclass(frozen=True)
class Truth:
    """`term` is defined and equals true; `term` has the sort Bool."""

    term: Term


@final
@dataclass(frozen=True)
class Equal:
    """`left` and `right`, of one sort, have the same value, or both have none."""

    left: Term
    right: Term


@final
@dataclass(frozen=True)
class Ceil:
    """`term` is defined."""

    term: Term


@final
@dataclass(frozen=True)
class Not:
    """The negation of `arg`."""

    arg: Predicate


@final
@dataclass(frozen=True)
class And:
    """The conjunction of two or more predicates."""

    args: tuple[Predicate, ...]


@final
@dataclass(frozen=True)
class Or:
    """The disjunction of two or more predicates."""

    args: tuple[Predicate, ...]


@final
@dataclass(frozen=True)
class Exists:
    """`body` holds for some value of `variable`."""

    variable: Var
    body: Predicate


@final
@dataclass(frozen=True)
class Forall:
    """`body` holds for every value of `variable`."""

    variable: Var
    body: Predicate


Predicate: TypeAlias = 'Verity | Falsity | Truth | Equal | Ceil | Not | And | Or | Exists | Forall'

P_TOP: Final = Verity()
P_BOTTOM: Final = Falsity()

# Comparisons that are equality on their arguments' sort; K declares the first group total on defined arguments.
_EQUALITIES: Final = frozenset({'INT.eq', 'BOOL.eq', 'KEQUAL.eq', 'STRING.eq'})
_DISEQUALITIES: Final = frozenset({'INT.ne', 'BOOL.ne', 'KEQUAL.ne', 'STRING.ne'})


def truth(term: Term) -> Predicate:
    """Return the predicate that the Bool-sorted `term` is true, taken apart along its connectives where that is
    sound."""
    if term is TRUE:
        return P_TOP
    if term is FALSE:
        return P_BOTTOM
    if type(term) is App:
        hook = term.symbol.attributes.hook
        if hook:
            args = term.args
            if hook == 'BOOL.and' or hook == 'BOOL.andThen':
                return conjoin((truth(args[0]), truth(args[1])))
            if term.defined:
                if hook == 'BOOL.not':
                    return negate(truth(args[0]))
                if hook in _EQUALITIES:
                    return equal(args[0], args[1])
                if hook in _DISEQUALITIES:
                    return negate(equal(args[0], args[1]))
    return Truth(term)


def equal(left: Term, right: Term) -> Predicate:
    """Return the predicate that two terms of one sort are equal, after the simplifications that need no theory."""
    if left is right:
        return P_TOP
    if type(left) is Inj and type(right) is Inj and left.inner.sort is right.inner.sort:
        return equal(left.inner, right.inner)
    if type(left) is DV and type(right) is DV and not left.fn:
        return P_BOTTOM
    if left is TRUE:
        return truth(right)
    if right is TRUE:
        return truth(left)
    if left is FALSE and right.defined:
        return negate(truth(right))
    if right is FALSE and left.defined:
        return negate(truth(left))
    return Equal(left, right)


def ceil(term: Term) -> Predicate:
    """Return the predicate that `term` is defined; top when that is certain."""
    return P_TOP if term.defined else Ceil(term)


def negate(predicate: Predicate) -> Predicate:
    """Return the negation of `predicate`."""
    kind = type(predicate)
    if kind is Verity:
        return P_BOTTOM
    if kind is Falsity:
        return P_TOP
    if isinstance(predicate, Not):
        return predicate.arg
    return Not(predicate)


def conjuncts(predicate: Predicate) -> tuple[Predicate, ...]:
    """Return the conjuncts of `predicate`: none for top, itself if it is no conjunction."""
    if isinstance(predicate, And):
        return predicate.args
    if isinstance(predicate, Verity):
        return ()
    return (predicate,)


def conjoin(predicates: Iterable[Predicate]) -> Predicate:
    """Return the conjunction, flat, without duplicates, bottom if a conjunct is bottom or the negation of another."""
    found: dict[Predicate, None] = {}
    for predicate in predicates:
        for one in conjuncts(predicate):
            if isinstance(one, Falsity):
                return P_BOTTOM
            found[one] = None
    for one in found:
        if isinstance(one, Not) and one.arg in found:
            return P_BOTTOM
    if not found:
        return P_TOP
    if len(found) == 1:
        return next(iter(found))
    return And(tuple(found))


def disjoin(predicates: Iterable[Predicate]) -> Predicate:
    """Return the disjunction, flat, without duplicates, top if a disjunct is top."""
    found: dict[Predicate, None] = {}
    for predicate in predicates:
        if isinstance(predicate, Verity):
            return P_TOP
        if isinstance(predicate, Falsity):
            continue
        if isinstance(predicate, Or):
            found.update(dict.fromkeys(predicate.args))
        else:
            found[predicate] = None
    for one in found:
        if isinstance(one, Not) and one.arg in found:
            return P_TOP
    if not found:
        return P_BOTTOM
    if len(found) == 1:
        return next(iter(found))
    return Or(tuple(found))


def exists(variables: Iterable[Var], body: Predicate) -> Predicate:
    """Return `body` under existential quantifiers for those of `variables` that are free in it."""
    free = free_variables(body)
    for variable in variables:
        if variable in free:
            body = Exists(variable, body)
    return body


def forall(variables: Iterable[Var], body: Predicate) -> Predicate:
    """Return `body` under universal quantifiers for those of `variables` that are free in it."""
    free = free_variables(body)
    for variable in variables:
        if variable in free:
            body = Forall(variable, body)
    return body


def predicate_terms(predicate: Predicate) -> Iterator[Term]:
    """Yield the terms that stand directly under the predicate's connectives."""
    stack: list[Predicate] = [predicate]
    while stack:
        one = stack.pop()
        if isinstance(one, (Truth, Ceil)):
            yield one.term
        elif isinstance(one, Equal):
            yield one.left
            yield one.right
        elif isinstance(one, Not):
            stack.append(one.arg)
        elif isinstance(one, (And, Or)):
            stack.extend(one.args)
        elif isinstance(one, (Exists, Forall)):
            stack.append(one.body)


def free_variables(predicate: Predicate) -> frozenset[Var]:
    """Return the free variables of `predicate`."""
    if isinstance(predicate, (Truth, Ceil)):
        return predicate.term.free
    if isinstance(predicate, Equal):
        return predicate.left.free | predicate.right.free
    if isinstance(predicate, Not):
        return free_variables(predicate.arg)
    if isinstance(predicate, (And, Or)):
        return _NO_VARS.union(*(free_variables(one) for one in predicate.args))
    if isinstance(predicate, (Exists, Forall)):
        return free_variables(predicate.body) - {predicate.variable}
    return _NO_VARS
