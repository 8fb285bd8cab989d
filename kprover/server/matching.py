"""Matching of patterns against terms that may be symbolic, with three outcomes.

`match` answers with a `MatchResult`:

* no solutions and not `indeterminate`: the pattern matches no instance of the subject;
* solutions: each is a substitution with conditions over the subject's variables; the pattern matches an instance of the
  subject exactly if the conditions of some solution hold for it (for some value of the solution's fresh variables);
* `indeterminate`: there may be instances that match beside those of the solutions given, if any.

The subject's variables are never bound: where a part of the subject has to be of a certain form, this becomes an
equality among the conditions, in which the pattern's unbound variables are replaced by fresh ones (one step of
narrowing). The pattern's variables are those in `flexible`; every other variable of a pattern is a constant.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, final

from .builders import map_of, set_of
from .equalities import constructed, has_fixed_top, list_of, simplify_equality
from .overloads import Unsure, paired, restricted
from .predicates import Falsity, Predicate, Verity
from .substitution import substitute
from .terms import DV, App, Inj, KList, KMap, KSet, Term, Var, inj, klist, kmap, kset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Set

    from .signature import Signature

__all__ = ['INDETERMINATE', 'NO_MATCH', 'MatchResult', 'Solution', 'match']

_MAX_TRIED: Final = 2_000
"""More attempts than this are not made either, whatever comes of them."""
_MAX_SOLUTIONS: Final = 64
"""More ways than this to match one pattern are not enumerated: the match is then indeterminate."""


@final
@dataclass(frozen=True)
class Solution:
    """A substitution of the pattern's variables, the conditions under which it holds, and the fresh variables in it."""

    substitution: dict[Var, Term]
    conditions: tuple[Predicate, ...] = ()
    fresh: tuple[Var, ...] = ()


@final
@dataclass(frozen=True)
class MatchResult:
    """See the module's documentation. `by_name` says that functions were matched by name: where the conditions of such
    a solution fail, other instances of the pattern may still be equal to the subject."""

    solutions: tuple[Solution, ...] = ()
    indeterminate: bool = False
    by_name: bool = False


NO_MATCH: Final = MatchResult()
INDETERMINATE: Final = MatchResult(indeterminate=True)


@final
@dataclass
class _State:
    """A match in progress. `todo` holds pairs still to look at, `deferred` those that wait for bindings."""

    substitution: dict[Var, Term]
    conditions: list[Predicate]
    fresh: list[Var]
    todo: list[tuple[Term, Term]]
    deferred: list[tuple[Term, Term]] = field(default_factory=list)
    uncertain: bool = False

    def copy(self) -> _State:
        return _State(
            dict(self.substitution),
            list(self.conditions),
            list(self.fresh),
            list(self.todo),
            list(self.deferred),
            self.uncertain,
        )


def match(
    signature: Signature,
    pairs: Iterable[tuple[Term, Term]],
    flexible: Set[Var],
    fresh: Callable[[Var], Var],
    *,
    narrow: bool = True,
    by_name: bool = False,
) -> MatchResult:
    """Match patterns against subjects, all pairs at once.

    `fresh` makes a variable for one of the pattern's that has to stand for an unknown part of the subject. With
    `narrow` false, such a case is indeterminate instead. With `by_name` function symbols in the pattern are matched
    like constructors: simplifications are written for that, and need one way to match rather than all. Without it that
    is done only for a function of variables that nothing else binds, and not where all ways to match are asked for.
    Where matching by name fails, nothing follows.
    """
    matcher = _Matcher(signature, flexible, fresh, narrow, by_name)
    solutions: list[Solution] = []
    uncertain = False
    tried = 0
    stack = [_State({}, [], [], list(pairs))]
    while stack:
        state = stack.pop()
        tried += 1
        if tried > _MAX_TRIED:
            return INDETERMINATE
        for done in matcher.run(state, stack):
            if done.uncertain:
                uncertain = True
            else:
                solutions.append(Solution(done.substitution, tuple(done.conditions), tuple(done.fresh)))
        if len(solutions) + len(stack) > _MAX_SOLUTIONS:
            return INDETERMINATE
    if uncertain:
        return MatchResult(tuple(solutions), True)
    if matcher.used_names and not solutions:
        return INDETERMINATE
    return MatchResult(tuple(solutions), by_name=matcher.used_names) if solutions else NO_MATCH


@final
class _Matcher:
    """The rules of matching; the state is passed along. `used_names` says that functions were matched by name."""

    __slots__ = ('by_name', 'flexible', 'fresh', 'narrow', 'signature', 'used_names')

    def __init__(
        self, signature: Signature, flexible: Set[Var], fresh: Callable[[Var], Var], narrow: bool, by_name: bool
    ) -> None:
        self.signature = signature
        self.flexible = flexible
        self.fresh = fresh
        self.narrow = narrow
        self.by_name = by_name
        self.used_names = False

    def run(self, state: _State, stack: list[_State]) -> Iterator[_State]:
        """Bring `state` to its end and yield it, unless it fails; alternatives go onto `stack`."""
        while True:
            while state.todo:
                pattern, subject = state.todo.pop()
                if not self.pair(state, pattern, subject):
                    return
            if not state.deferred:
                yield state
                return
            pattern, subject = state.deferred.pop(self._next(state))
            followers = self.deferred(state, pattern, subject)
            if followers is None:
                return
            if not followers:
                continue
            stack.extend(followers)
            return

    def _next(self, state: _State) -> int:
        """Return the index of the deferred pair to take next: one whose keys are bound, and whose pattern is bound
        furthest."""

        def missing(term: Term) -> int:
            return sum(1 for one in term.free if one in self.flexible and one not in state.substitution)

        def rank(index: int) -> tuple[bool, int]:
            pattern = state.deferred[index][0]
            keys = pattern.index if isinstance(pattern, (KMap, KSet)) else ()
            return any(missing(key) for key in keys), missing(pattern)

        return min(range(len(state.deferred)), key=rank) if len(state.deferred) > 1 else 0

    def condition(self, state: _State, left: Term, right: Term) -> bool:
        """Add an equality to the conditions; false if it cannot hold."""
        simple = simplify_equality(self.signature, left, right)
        if isinstance(simple, Falsity):
            return False
        if not isinstance(simple, Verity):
            state.conditions.append(simple)
        return True

    def pair(self, state: _State, pattern: Term, subject: Term) -> bool:
        """Match one pair; false if it matches no instance of the subject."""
        if pattern is subject and self.flexible.isdisjoint(pattern.free):
            return True
        kind = type(pattern)
        if kind is Var:
            if pattern not in self.flexible:
                return self.condition(state, subject, pattern)
            assert isinstance(pattern, Var)
            bound = state.substitution.get(pattern)
            if bound is None:
                state.substitution[pattern] = subject
                return True
            return bound is subject or self.condition(state, subject, bound)
        if isinstance(pattern, App):
            if pattern.symbol.reducible:
                if self.by_name and isinstance(subject, App) and subject.symbol is pattern.symbol:
                    self.used_names = True
                    state.todo.extend(zip(pattern.args, subject.args, strict=True))
                else:
                    state.deferred.append((pattern, subject))
                return True
            return self.constructor(state, pattern, subject)
        if isinstance(pattern, Inj):
            return self.injection(state, pattern, subject)
        if kind is DV:
            if subject is pattern:
                return True
            return self.condition(state, subject, pattern)
        state.deferred.append((pattern, subject))
        return True

    def constructor(self, state: _State, pattern: App, subject: Term) -> bool:
        """Match a constructor's application against a term of its sort."""
        found = constructed(subject)
        if found is not None:
            return self.same_value(state, pattern, found)
        if isinstance(subject, (DV, KMap, KSet, KList)):
            return False
        if type(subject) is Inj:
            return self.in_subsort(state, pattern, subject.inner)
        return self.narrowed(state, pattern, subject)

    def same_value(self, state: _State, pattern: App, subject: App) -> bool:
        """Match applications of constructors, of two sorts perhaps: both are injected where they are compared."""
        if pattern.symbol is subject.symbol:
            state.todo.extend(zip(pattern.args, subject.args, strict=True))
            return True
        pairs = paired(pattern, subject)
        if pairs is None:
            return False
        if isinstance(pairs, Unsure):
            state.uncertain = True
        else:
            state.todo.extend(pairs)
        return True

    def in_subsort(self, state: _State, pattern: App, part: Term) -> bool:
        """Match a constructor's application against an injected term of which the constructor is not known."""
        if isinstance(part, (DV, KMap, KSet, KList)):
            return False
        found = restricted(self.signature, pattern, part.sort)
        if found is None:
            return False
        if isinstance(found, Unsure):
            return self.narrowed(state, pattern, inj(pattern.sort, part))
        state.todo.append((found, part))
        return True

    def injection(self, state: _State, pattern: Inj, subject: Term) -> bool:
        """Match an injection against a term of its sort."""
        inner = pattern.inner
        mine, yours = constructed(pattern), constructed(subject)
        if mine is not None and yours is not None:
            return self.same_value(state, mine, yours)
        if yours is not None and isinstance(inner, (DV, KMap, KSet, KList)):
            return False
        if type(subject) is not Inj:
            if isinstance(subject, (DV, KMap, KSet, KList)):
                return False
            if yours is not None:
                return self.known(state, pattern, yours)
            if type(subject) is Var and self.signature.sorts_disjoint(subject.sort, inner.sort):
                return False
            return self.narrowed(state, pattern, subject)
        part = subject.inner
        if part.sort is inner.sort:
            state.todo.append((inner, part))
            return True
        if self.signature.subsort(part.sort, inner.sort):
            state.todo.append((inner, inj(inner.sort, part)))
            return True
        if yours is not None:
            return self.known(state, pattern, yours)
        if has_fixed_top(part) or isinstance(part, (KMap, KSet, KList)):
            return False
        if self.signature.subsort(inner.sort, part.sort):
            return self.narrowed(state, inj(part.sort, inner), part)
        if mine is not None:
            return self.in_subsort(state, mine, part)
        if self.signature.sorts_disjoint(inner.sort, part.sort):
            return False
        state.uncertain = True
        return True

    def known(self, state: _State, pattern: Inj, subject: App) -> bool:
        """Match an injection of a sort that a constructor's application need not have."""
        found = restricted(self.signature, subject, pattern.inner.sort)
        if found is None:
            return False
        if isinstance(found, Unsure):
            return self.narrowed(state, pattern, inj(pattern.sort, subject))
        state.todo.append((pattern.inner, found))
        return True

    def narrowed(self, state: _State, pattern: Term, subject: Term) -> bool:
        """Require the subject to be an instance of the pattern, with fresh variables for what is not bound."""
        if not self.narrow:
            state.uncertain = True
            return True
        for one in sorted(pattern.free, key=lambda each: (each.name, each.sort.name)):
            if one in self.flexible and one not in state.substitution:
                made = self.fresh(one)
                state.substitution[one] = made
                state.fresh.append(made)
        instance = substitute(self.signature, pattern, state.substitution)
        if not isinstance(instance, Term):
            return False
        return self.condition(state, subject, instance)

    # Collections and functions in patterns ----------------------------------------------------------------------

    def deferred(self, state: _State, pattern: Term, subject: Term) -> list[_State] | None:
        """Match a pair that had to wait. None: no match; states: alternatives to this one; empty: go on."""
        if not any(one in self.flexible and one not in state.substitution for one in pattern.free):
            instance = substitute(self.signature, pattern, state.substitution)
            if not isinstance(instance, Term):
                return None
            return [] if self.condition(state, subject, instance) else None
        if isinstance(pattern, (KMap, KSet)):
            return _CollectionMatch(self, state, pattern, subject).run()
        if isinstance(pattern, KList):
            return self.sequence(state, pattern, subject)
        if (
            not self.narrow
            and isinstance(pattern, App)
            and isinstance(subject, App)
            and pattern.symbol is subject.symbol
        ):
            self.used_names = True
            state.todo.extend(zip(pattern.args, subject.args, strict=True))
            return []
        # A function application over unbound variables: nothing is known of its inverse.
        state.uncertain = True
        return []

    def sequence(self, state: _State, pattern: KList, subject: Term) -> list[_State] | None:
        theirs = list(subject.segments) if isinstance(subject, KList) else [(False, subject)]
        mine = self._instantiated_segments(state, pattern)
        if mine is None:
            return None
        for end in (0, -1):
            while mine and mine[end][0]:
                if not theirs:
                    return None
                if not theirs[end][0]:
                    break
                state.todo.append((mine.pop(end)[1], theirs.pop(end)[1]))
            while mine and theirs and not mine[end][0] and mine[end] == theirs[end]:
                mine.pop(end)
                theirs.pop(end)
        opaque = [one for is_item, one in mine if not is_item]
        if not mine:
            if any(is_item for is_item, _ in theirs):
                return None
            empty = klist(pattern.sort, ())
            return [] if all(self.condition(state, one, empty) for _, one in theirs) else None
        if len(mine) == 1 and len(opaque) == 1:
            state.todo.append((opaque[0], list_of(pattern.sort, theirs)))
            return []
        known = all(is_item for is_item, _ in theirs)
        if known and sum(is_item for is_item, _ in mine) > len(theirs):
            return None
        state.uncertain = True
        return []

    def _instantiated_segments(self, state: _State, pattern: KList) -> list[tuple[bool, Term]] | None:
        """Return the pattern's segments with bound opaque members spelled out."""
        result: list[tuple[bool, Term]] = []
        for is_item, one in pattern.segments:
            if is_item or any(each in self.flexible and each not in state.substitution for each in one.free):
                result.append((is_item, one))
                continue
            instance = substitute(self.signature, one, state.substitution)
            if not isinstance(instance, Term):
                return None
            result.extend(instance.segments if isinstance(instance, KList) else [(False, instance)])
        return result


@final
class _CollectionMatch:
    """One map or set pattern against one subject. A set is treated as a map without values."""

    __slots__ = ('_kind', 'entries', 'matcher', 'of', 'rest', 'state', 'their_rest', 'theirs')

    def __init__(self, matcher: _Matcher, state: _State, pattern: KMap | KSet, subject: Term) -> None:
        self.matcher = matcher
        self.state = state
        self.of = pattern.sort
        self._kind = type(pattern)
        self.entries: list[tuple[Term, Term | None]] = _entries(pattern)
        self.rest = list(pattern.rest)
        if isinstance(subject, (KMap, KSet)):
            self.theirs = dict(_entries(subject))
            self.their_rest = list(subject.rest)
        else:
            self.theirs = {}
            self.their_rest = [subject]

    def unbound(self, term: Term) -> bool:
        return any(one in self.matcher.flexible and one not in self.state.substitution for one in term.free)

    def instance(self, term: Term) -> Term | None:
        found = substitute(self.matcher.signature, term, self.state.substitution)
        return found if isinstance(found, Term) else None

    def build(self, entries: dict[Term, Term | None], rest: tuple[Term, ...]) -> Term:
        if self._kind is KSet:
            return set_of(self.of, entries, rest)
        return map_of(self.of, {key: value for key, value in entries.items() if value is not None}, rest)

    def run(self) -> list[_State] | None:
        """See `_Matcher.deferred`."""
        if not self.spell_out_rest():
            return None
        open_entries: list[tuple[Term, Term | None]] = []
        while self.entries:
            key, value = self.entries.pop()
            if self.unbound(key):
                open_entries.append((key, value))
                continue
            known = self.instance(key)
            if known is None:
                return None
            if known in self.theirs:
                self.take(known, value)
                continue
            self.entries += open_entries
            return self.missing_key(known, value)
        if open_entries:
            self.entries = open_entries
            return self.open_key()
        return self.leftover()

    def spell_out_rest(self) -> bool:
        """Replace bound opaque parts of the pattern by what they are, and cancel those the subject has too."""
        unbound: list[Term] = []
        for one in self.rest:
            if self.unbound(one):
                unbound.append(one)
                continue
            known = self.instance(one)
            if known is None:
                return False
            parts: list[Term]
            if isinstance(known, (KMap, KSet)):
                self.entries.extend(_entries(known))
                parts = list(known.rest)
            else:
                parts = [known]
            for part in parts:
                if part in self.their_rest:
                    self.their_rest.remove(part)
                else:
                    unbound.append(part)
        self.rest = unbound
        return True

    def take(self, key: Term, value: Term | None) -> None:
        """Match an entry with the subject's entry of the same key."""
        found = self.theirs.pop(key)
        if value is not None and found is not None:
            self.state.todo.append((value, found))

    def missing_key(self, key: Term, value: Term | None) -> list[_State] | None:
        """Match an entry whose key is no key of the subject as it stands, but may be equal to one."""
        if self.their_rest:
            # The entry may be in the opaque part: no solution can be given, but there may be one.
            return self.give_up()
        alternatives = []
        for one, found in self.theirs.items():
            other = self.state.copy()
            if self.matcher.condition(other, one, key):
                if value is not None and found is not None:
                    other.todo.append((value, found))
                self.continue_without(other, one)
                alternatives.append(other)
        return alternatives or None

    def open_key(self) -> list[_State] | None:
        """Try each of the subject's entries for an entry of the pattern whose key is not bound."""
        key, value = self.entries.pop()
        alternatives = []
        for one, found in self.theirs.items():
            other = self.state.copy()
            other.todo.append((key, one))
            if value is not None and found is not None:
                other.todo.append((value, found))
            self.continue_without(other, one)
            alternatives.append(other)
        if self.their_rest:
            alternatives += self.give_up()
        return alternatives or None

    def continue_without(self, other: _State, taken: Term) -> None:
        """Leave the rest of this match, without one entry of the subject, to `other`."""
        theirs = {key: value for key, value in self.theirs.items() if key is not taken}
        remaining: Term
        if self._kind is KSet:
            remaining = kset(self.of, (key for key, _ in self.entries), tuple(self.rest))
        else:
            pattern = {key: value for key, value in self.entries if value is not None}
            remaining = kmap(self.of, pattern, tuple(self.rest))
        other.deferred.append((remaining, self.build(theirs, tuple(self.their_rest))))

    def give_up(self) -> list[_State]:
        """Return the match as one whose outcome is not known."""
        state = self.state.copy()
        state.uncertain = True
        return [state]

    def leftover(self) -> list[_State] | None:
        """Match what is left of the subject against the pattern's opaque parts."""
        state = self.state
        if not self.rest:
            if self.theirs:
                return None
            empty = self.build({}, ())
            for one in self.their_rest:
                if not self.matcher.condition(state, one, empty):
                    return None
            return []
        left = self.build(self.theirs, tuple(self.their_rest))
        if len(self.rest) == 1:
            state.todo.append((self.rest[0], left))
            return []
        state.uncertain = True
        return []


def _entries(collection: KMap | KSet) -> list[tuple[Term, Term | None]]:
    if isinstance(collection, KMap):
        return list(collection.entries)
    return [(element, None) for element in collection.elements]
