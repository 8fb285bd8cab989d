"""Path conditions: what is known about the variables of a state.

A `PathCondition` is a conjunction in solved form: a substitution for the variables that equations determine, and the
other conjuncts over the rest. Beside them stand `facts`, which follow from the state's being defined and are not part
of any answer. Immutable but for its caches, which belong to the one request that made it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from .predicates import Ceil, Equal, Not, Truth
from .symbols import BOOL
from .terms import FALSE, TRUE, App, Term

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .predicates import Predicate
    from .terms import Var

__all__ = ['PathCondition', 'lookup_atom']


def _atom(predicate: Predicate) -> tuple[Any, bool] | None:
    """Return a key for the atom of a literal and whether the literal asserts it; None for anything else.

    The four comparisons of integers that are one another's negations or mirror images share a key.
    """
    positive = True
    if isinstance(predicate, Not):
        positive = False
        predicate = predicate.arg
    if isinstance(predicate, Equal):
        return frozenset((predicate.left, predicate.right)), positive
    if isinstance(predicate, Truth):
        return _bool_atom(predicate.term, positive)
    if isinstance(predicate, Ceil):
        return ('defined', predicate.term), positive
    return None


def _bool_atom(term: Term, positive: bool) -> tuple[Any, bool]:
    if type(term) is App and term.defined:
        hook = term.symbol.attributes.hook
        if hook.startswith(('INT.', 'BOOL.', 'KEQUAL.')):
            args = term.args
            if hook == 'BOOL.not':
                return _bool_atom(args[0], not positive)
            if hook == 'INT.lt':
                return ('<', args[0], args[1]), positive
            if hook == 'INT.gt':
                return ('<', args[1], args[0]), positive
            if hook == 'INT.le':
                return ('<', args[1], args[0]), not positive
            if hook == 'INT.ge':
                return ('<', args[0], args[1]), not positive
            if hook in ('INT.eq', 'KEQUAL.eq', 'BOOL.eq'):
                return frozenset(args), positive
            if hook in ('INT.ne', 'KEQUAL.ne', 'BOOL.ne'):
                return frozenset(args), not positive
    return term, positive


def lookup_atom(known: Mapping[Any, bool], predicate: Predicate) -> bool | None:
    """Return whether a literal is known to hold, or not to; None if neither, or if it is no literal."""
    atom = _atom(predicate)
    if atom is None:
        return None
    value = known.get(atom[0])
    return None if value is None else value is atom[1]


@final
class PathCondition:
    """See the module's documentation. `substitution` is applied to `conditions` and to the state it belongs to."""

    __slots__ = ('cache', 'conditions', 'decided', 'facts', 'known', 'substitution')

    def __init__(
        self,
        conditions: Iterable[Predicate] = (),
        substitution: Mapping[Var, Term] | None = None,
        facts: Iterable[Predicate] = (),
    ) -> None:
        self.conditions = tuple(conditions)
        self.substitution = dict(substitution or {})
        self.facts = tuple(facts)
        self.known: dict[Any, bool] = {}
        for one in (*self.conditions, *self.facts):
            self._learn(one)
        self.cache: dict[Any, Term | None] = {}
        self.decided: dict[Predicate, bool | None] = {}

    def _learn(self, predicate: Predicate) -> None:
        atom = _atom(predicate)
        if atom is None:
            return
        key, positive = atom
        self.known[key] = positive
        if type(key) is tuple and positive and key[0] == '<':
            # a < b: neither b < a nor a = b.
            _, one, other = key
            self.known.setdefault(('<', other, one), False)
            self.known.setdefault(frozenset((one, other)), False)
        elif type(key) is frozenset and positive:
            terms = tuple(key)
            if len(terms) == 2:
                self.known.setdefault(('<', terms[0], terms[1]), False)
                self.known.setdefault(('<', terms[1], terms[0]), False)

    @property
    def premises(self) -> tuple[Predicate, ...]:
        """Everything that may be assumed: conditions and facts."""
        return (*self.conditions, *self.facts)

    def truth_value(self, term: Term) -> Term | None:
        """Return `TRUE` or `FALSE` for a Bool term whose value is known, else None."""
        if not self.known or term.sort is not BOOL:
            return None
        key, positive = _bool_atom(term, True)
        value = self.known.get(key)
        if value is None:
            return None
        if value is positive:
            return TRUE
        # That a term is not true leaves open whether it has a value.
        return FALSE if term.defined else None

    def with_facts(self, facts: Iterable[Predicate]) -> PathCondition:
        """Return this condition with more facts."""
        added = [one for one in facts if one not in self.facts]
        if not added:
            return self
        return PathCondition(self.conditions, self.substitution, (*self.facts, *added))
