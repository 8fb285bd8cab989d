"""Overloaded constructors: different symbols that build the same values.

An axiom `greater(inj(K0), inj(K1)) = inj(lesser(K0, K1))` says that each application of the lesser constructor is one
of the greater, injected. Both are injective. So two applications are the same value exactly if their arguments are,
injected into the argument sorts of a constructor at least as great as both.

Terms are kept in a normal form, which `terms.app` brings about: an application that a lesser constructor can certainly
build is the injection of that one's. What is left is *rigid* if it certainly is no other constructor's application: its
arguments do not fit, under any instantiation. One that is not rigid is neither equal to nor different from another one
before more is known of its arguments.

`arrange` is called once for a signature; the rest is asked of the symbols that it has marked.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, final

from .terms import DV, NO_FORMS, App, Inj, app, inj

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .signature import Declaration
    from .symbols import Sort, Symbol
    from .terms import Forms, Term

__all__ = ['UNSURE', 'Sorts', 'Unsure', 'arguments_as', 'arrange', 'fits', 'paired', 'restricted']

_DEPTH: Final = 300
"""Applications nested in one another that are written with other constructors, at most; beyond it that is not known."""


@final
class Unsure:
    """The type of `UNSURE`: it depends on what a variable or a function stands for, or is not known."""

    __slots__ = ()

    def __repr__(self) -> str:
        return 'UNSURE'


UNSURE: Final = Unsure()

Pairs: TypeAlias = 'list[tuple[Term, Term]]'


class Sorts(Protocol):
    """The subsort relation of a definition."""

    def subsort(self, lower: Sort, upper: Sort) -> bool:
        """Whether `lower` is `upper` or below it."""

    def sorts_disjoint(self, one: Sort, other: Sort) -> bool:
        """Whether no value has both sorts."""


# Questions --------------------------------------------------------------------------------------------------------


def paired(one: App, other: App) -> Pairs | Unsure | None:
    """Return the pairs of terms whose equality makes applications of two different constructors equal.

    None if they are different values whatever their arguments are. The applications may be of different sorts; they are
    compared where both are injected.
    """
    relatives = one.symbol.relatives
    if other.symbol not in relatives:
        return None
    greater = relatives[other.symbol]
    if greater is None:
        return UNSURE
    args = zip(greater.arg_sorts, one.args, other.args, strict=True)
    return [(inj(of, mine), inj(of, yours)) for of, mine, yours in args]


def fits(sorts: Sorts, term: Term, of: Sort) -> bool | None:
    """Whether the value of a term is one of a sort, under every instantiation or none; None if that is not known."""
    if type(term) is Inj:
        term = term.inner
    if sorts.subsort(term.sort, of):
        return True
    if type(term) is DV:
        return False
    if type(term) is App and not term.symbol.reducible:
        # What is rigid has no other form than the injection of itself, or of a greater constructor's application.
        certain, perhaps = term.forms
        if any(sorts.subsort(symbol.result, of) for symbol in certain):
            return True
        return None if any(sorts.subsort(symbol.result, of) for symbol in perhaps) else False
    return False if sorts.sorts_disjoint(term.sort, of) else None


def restricted(sorts: Sorts, term: Term, of: Sort, depth: int = _DEPTH) -> Term | Unsure | None:
    """Return the term of the sort `of` that has the value of `term`, injected; None if there certainly is none."""
    if term.sort is of:
        return term
    if type(term) is Inj:
        term = term.inner
    if sorts.subsort(term.sort, of):
        return inj(of, term)
    fit = fits(sorts, term, of)
    if not fit:
        return UNSURE if fit is None else None
    assert isinstance(term, App)
    symbol = next(one for one in term.forms[0] if sorts.subsort(one.result, of))
    args = _rewritten(sorts, term.args, symbol, depth)
    return UNSURE if args is None else inj(of, app(symbol, args))


def arguments_as(sorts: Sorts, term: App, symbol: Symbol) -> tuple[Term, ...] | Unsure | None:
    """Return the arguments with which `symbol` builds the value of a constructor's application, None if it cannot."""
    if term.symbol is symbol:
        return term.args
    if symbol not in term.symbol.relatives or term.symbol.relatives[symbol] is None:
        return UNSURE if symbol in term.symbol.relatives else None
    certain, perhaps = term.forms
    if symbol in perhaps:
        return UNSURE
    if symbol not in certain and term.symbol not in symbol.overloads:
        return None
    args = _rewritten(sorts, term.args, symbol, _DEPTH)
    return UNSURE if args is None else args


def _rewritten(sorts: Sorts, args: Sequence[Term], symbol: Symbol, depth: int) -> tuple[Term, ...] | None:
    """Return arguments that fit as terms of the argument sorts of `symbol`; None if they are too deep."""
    made: list[Term] = []
    for arg, of in zip(args, symbol.arg_sorts, strict=True):
        one = restricted(sorts, arg, of, depth - 1) if depth else UNSURE
        if one is None or isinstance(one, Unsure):
            return None
        made.append(one)
    return tuple(made)


# Making -----------------------------------------------------------------------------------------------------------


@final
class _Settler:
    """What `Symbol.settle` is, for one constructor that others can stand for."""

    __slots__ = ('_beside', '_lesser', '_result', '_sorts')

    def __init__(self, sorts: Sorts, symbol: Symbol, lesser: Sequence[Symbol], beside: Sequence[Symbol]) -> None:
        self._sorts = sorts
        self._result = symbol.result
        self._lesser = tuple(lesser)
        self._beside = tuple((one, symbol.relatives[one] is None) for one in beside)

    def __call__(self, args: tuple[Term, ...]) -> tuple[Term | None, Forms]:
        certain: list[Symbol] = []
        perhaps: list[Symbol] = []
        for symbol in self._lesser:
            fit = self._fit(args, symbol)
            if fit:
                made = _rewritten(self._sorts, args, symbol, _DEPTH)
                if made is not None:
                    return inj(self._result, app(symbol, made)), NO_FORMS
            if fit is not False:
                perhaps.append(symbol)
        for symbol, unknown in self._beside:
            fit = None if unknown else self._fit(args, symbol)
            if fit is not False:
                (certain if fit else perhaps).append(symbol)
        return None, (tuple(certain), tuple(perhaps)) if certain or perhaps else NO_FORMS

    def _fit(self, args: tuple[Term, ...], symbol: Symbol) -> bool | None:
        answer: bool | None = True
        for arg, of in zip(args, symbol.arg_sorts, strict=True):
            fit = fits(self._sorts, arg, of)
            if fit is False:
                return False
            if fit is None:
                answer = None
        return answer


class _Order(Sorts, Protocol):
    """The subsort relation while it is made, before values of several sorts by overloads are taken into account."""

    def common(self, one: Sort, other: Sort) -> bool:
        """Whether the sorts have a common subsort."""


def arrange(
    sorts: _Order, symbols: Mapping[str, Declaration], pairs: Iterable[tuple[str, str]], rewritten: frozenset[str]
) -> frozenset[tuple[Sort, Sort]]:
    """Mark the symbols of a signature with what overloads say of them; `pairs` are greater and lesser ones, by name.

    A family in which something else holds of a member too (an equation, an overload that is not in the order of the
    sorts) is not used: its members count as functions. Returns the pairs of sorts in which constructors have values in
    common though neither is greater.
    """
    known = [pair for pair in pairs if pair[0] in symbols and pair[1] in symbols and pair[0] != pair[1]]
    found: list[tuple[dict[Symbol, set[Symbol]], list[Symbol]]] = []
    for family in _families(known):
        inside = [pair for pair in known if pair[0] in family]
        lesser = _below(family, inside)
        if _is_sound(sorts, symbols, family, inside, lesser, rewritten):
            members = sorted((symbols[name].instance(()) for name in family), key=lambda one: one.name)
            below = {symbols[name].instance(()): {symbols[one].instance(()) for one in lesser[name]} for name in family}
            found.append((below, members))
        else:
            for name in family:
                symbols[name].forget_freeness()
    beside = _beside(sorts, found)
    for below, members in found:
        _mark(sorts, below, members, beside)
    return frozenset(pair for one, other in beside for pair in _both_ways(one.result, other.result))


def _families(pairs: Sequence[tuple[str, str]]) -> list[frozenset[str]]:
    """Return the sets of symbols that pairs connect."""
    family: dict[str, set[str]] = {}
    for one, other in pairs:
        together = family.get(one, {one}) | family.get(other, {other})
        for name in together:
            family[name] = together
    return [frozenset(one) for one in {id(one): one for one in family.values()}.values()]


def _below(family: frozenset[str], pairs: Sequence[tuple[str, str]]) -> dict[str, set[str]]:
    """Return for each symbol all those below it."""
    direct: dict[str, set[str]] = {name: set() for name in family}
    for greater, lesser in pairs:
        direct[greater].add(lesser)
    closure: dict[str, set[str]] = {}
    for name in family:
        reached: set[str] = set()
        stack = [name]
        while stack:
            for one in direct[stack.pop()]:
                if one not in reached:
                    reached.add(one)
                    stack.append(one)
        closure[name] = reached
    return closure


def _is_sound(
    sorts: Sorts,
    symbols: Mapping[str, Declaration],
    family: frozenset[str],
    pairs: Sequence[tuple[str, str]],
    lesser: Mapping[str, set[str]],
    rewritten: frozenset[str],
) -> bool:
    """Whether nothing but the overloads makes applications of the family's symbols equal, and they follow the sorts."""
    for name in family:
        one = symbols[name]
        attributes = one.attributes
        if name in lesser[name] or name in rewritten or one.parameters or not one.is_free:
            return False
        if attributes.function or attributes.macro or attributes.hook or (attributes.anywhere and not lesser[name]):
            return False
    for greater, smaller in pairs:
        one, other = symbols[greater], symbols[smaller]
        if len(one.arg_sorts) != len(other.arg_sorts) or not sorts.subsort(other.result, one.result):
            return False
        if not all(map(sorts.subsort, other.arg_sorts, one.arg_sorts)):
            return False
    return True


def _beside(
    sorts: _Order, families: Sequence[tuple[dict[Symbol, set[Symbol]], list[Symbol]]]
) -> dict[tuple[Symbol, Symbol], bool]:
    """Return the pairs of one family, neither greater, that build a value in common, and whether it is known how."""
    open_pairs: list[tuple[Symbol, Symbol]] = []
    found: dict[tuple[Symbol, Symbol], bool] = {}
    for below, members in families:
        for one, other in combinations(members, 2):
            if one in below[other] or other in below[one]:
                continue
            if any(one in below[greater] and other in below[greater] for greater in members):
                open_pairs.append((one, other))
            else:
                found[one, other] = False
    # Values are finite: two applications are equal only by arguments that were found to have values in common before.
    shared = {pair for one, other in found for pair in _both_ways(one.result, other.result)}

    def apart(one: Sort, other: Sort) -> bool:
        return not sorts.common(one, other) and not any(
            sorts.subsort(left, one) and sorts.subsort(right, other) for left, right in shared
        )

    progress = True
    while progress:
        progress = False
        for one, other in list(open_pairs):
            if not any(map(apart, one.arg_sorts, other.arg_sorts)):
                open_pairs.remove((one, other))
                found[one, other] = True
                shared.update(_both_ways(one.result, other.result))
                progress = True
    return found


def _both_ways(one: Sort, other: Sort) -> tuple[tuple[Sort, Sort], tuple[Sort, Sort]]:
    return (one, other), (other, one)


def _mark(
    sorts: Sorts,
    below: Mapping[Symbol, set[Symbol]],
    members: Sequence[Symbol],
    beside: Mapping[tuple[Symbol, Symbol], bool],
) -> None:
    # The least first: an application becomes that of the least constructor that can build it.
    ordered = sorted(members, key=lambda one: (len(below[one]), one.name))
    for symbol in members:
        relatives: dict[Symbol, Symbol | None] = {}
        sideways: list[Symbol] = []
        for other in ordered:
            if other in below[symbol]:
                relatives[other] = symbol
            elif symbol in below[other]:
                relatives[other] = other
            else:
                for pair in ((symbol, other), (other, symbol)):
                    if pair in beside:
                        above = (one for one in ordered if symbol in below[one] and other in below[one])
                        relatives[other] = next(above, None)
                        sideways.append(other)
        lesser = tuple(one for one in ordered if one in below[symbol])
        symbol.set_overloads(lesser, relatives, members[0])
        symbol.settle = _Settler(sorts, symbol, lesser, sideways) if lesser or sideways else None
        symbol.unstable = symbol.settle is not None
