"""When a term has a value: what must hold for a division, a lookup, the keys of a map, or any partial function."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from .equalities import simplify_equality
from .hooks.partial import condition as hook_condition
from .predicates import Ceil, Falsity, Not, Truth, conjuncts, negate
from .substitution import substitute_predicate
from .terms import App, Inj, KList, KMap, KSet, app

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .definition import Theory
    from .predicates import Predicate
    from .terms import Term, Var

__all__ = ['Definedness']


@final
class Definedness:
    """The conditions for terms of a theory to have values, found once for each term. Belongs to one request."""

    __slots__ = ('_found', '_signature', '_theory')

    def __init__(self, theory: Theory) -> None:
        self._theory = theory
        self._signature = theory.signature
        self._found: dict[Term, tuple[Predicate, ...]] = {}

    def __call__(self, term: Term) -> tuple[Predicate, ...]:
        """Return conditions that together are equivalent to `term` having a value, given that its variables have."""
        if term.defined:
            return ()
        found = self._found.get(term)
        if found is not None:
            return found
        result: dict[Predicate, None] = {}
        stack: list[Term] = [term]
        while stack:
            one = stack.pop()
            if one.defined:
                continue
            for made in self._of_top(one):
                result[made] = None
            if isinstance(one, App):
                stack.extend(one.args)
            elif isinstance(one, Inj):
                stack.append(one.inner)
            elif isinstance(one, KMap):
                stack.extend((*one.index, *one.index.values(), *one.rest))
            elif isinstance(one, KSet):
                stack.extend((*one.elements, *one.rest))
            elif isinstance(one, KList):
                stack.extend(part for _, part in one.segments)
        made_all = tuple(result)
        self._found[term] = made_all
        return made_all

    def of_application(self, term: App) -> tuple[Predicate, ...]:
        """Return the conditions that are known for the application to have a value, given that its arguments have."""
        return tuple(one for one in self._of_top(term) if not (isinstance(one, Ceil) and one.term is term))

    def _of_top(self, term: Term) -> tuple[Predicate, ...]:
        """Return the conditions for the top of `term` to be defined, given that its parts are."""
        if isinstance(term, (KMap, KSet)):
            return self._of_collection(term)
        if not isinstance(term, App) or term.symbol.total:
            return ()
        symbol, args = term.symbol, term.args
        for rule in self._theory.ceils.get(symbol.name, ()):
            values: Mapping[Var, Term] = dict(zip(rule.lhs.args, args, strict=True))  # type: ignore[arg-type]
            made = substitute_predicate(self._signature, rule.condition, values)
            return tuple(one for one in conjuncts(made) if not (isinstance(one, Ceil) and one.term in args))
        known = hook_condition(symbol, args, self._theory) if symbol.attributes.hook else None
        return (Ceil(term),) if known is None else known

    def _of_collection(self, term: KMap | KSet) -> tuple[Predicate, ...]:
        keys = tuple(term.index) if isinstance(term, KMap) else term.elements
        result: list[Predicate] = []
        for position, one in enumerate(keys):
            for other in keys[position + 1 :]:
                made = simplify_equality(self._signature, one, other)
                if not isinstance(made, Falsity):
                    result.append(negate(made))
        if len(term.rest) > 1:
            return (*result, Ceil(term))
        if term.rest and keys:
            name = 'MAP.in_keys' if isinstance(term, KMap) else 'SET.in'
            contains = self._signature.hook_symbol(name)
            rest = term.rest[0]
            if contains is None or contains.arg_sorts != (keys[0].sort, rest.sort):
                return (*result, Ceil(term))
            result.extend(Not(Truth(app(contains, (key, rest)))) for key in keys)
        return tuple(result)
