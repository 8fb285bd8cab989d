"""A pattern against a value: all substitutions that make them equal.

First the fixed structure is compared; what has several ways (collections, alternatives) and what must be evaluated
first (functions in patterns) waits until then. A value that is not known in all of its parts may match where it is not
looked into; elsewhere the answer is `Undecided`, unless another part differs for certain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .terms import DV, INJ, App, ListValue, MapValue, NoValue, SetValue, Undecided, Var, is_opaque, names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .definition import Collection, Definition
    from .terms import Substitution, Term


class Evaluate(Protocol):
    """Gives the value of a pattern under a substitution. Raises `NoValue`, `Undecided`."""

    def __call__(self, term: Term, substitution: Mapping[str, Term], /) -> Term: ...


class Matcher:
    """Matches over one definition."""

    def __init__(self, definition: Definition, evaluate: Evaluate):
        self._definition = definition
        self._evaluate = evaluate

    def matches(
        self, pairs: Sequence[tuple[Term, Term]], substitution: Mapping[str, Term] | None = None
    ) -> Iterator[Substitution]:
        """The substitutions, each more than the given one, that make each pattern its value.

        Raises:
            Undecided: it depends on what is not known.
        """
        found = dict(substitution or {})
        walk = _Walk(self._definition)
        if all(walk.compare(pattern, value, found) for pattern, value in pairs):
            yield from self._solve(walk.open, found, walk.unknown)

    def same(self, left: Term, right: Term) -> bool:
        """Whether two values are equal. Raises `Undecided`."""
        return same(self._definition, left, right)

    def _solve(
        self, problems: Sequence[tuple[Term, Term]], found: Substitution, unknown: str
    ) -> Iterator[Substitution]:
        if not problems:
            if unknown:
                raise Undecided(unknown)
            yield found
            return
        chosen = min(range(len(problems)), key=lambda number: self._cost(problems[number], found))
        pattern, value = problems[chosen]
        rest = [*problems[:chosen], *problems[chosen + 1 :]]
        for more, further in self._ways(pattern, value, found):
            yield from self._solve([*rest, *further.open], more, unknown or further.unknown)

    def _cost(self, problem: tuple[Term, Term], found: Substitution) -> int:
        """What is evaluated comes first, then what has few ways."""
        return len(names(problem[0]) - found.keys())

    def _ways(self, pattern: Term, value: Term, found: Substitution) -> Iterator[tuple[Substitution, _Walk]]:
        assert isinstance(pattern, App)
        if pattern.name == '\\or':
            for alternative in pattern.args:
                yield from self._compared([(alternative, value)], found)
            return
        collection = self._definition.collection_of.get(pattern.name)
        if collection is None or pattern.names <= found.keys():
            try:
                evaluated = self._evaluate(pattern, found)
            except NoValue:
                return
            walk = _Walk(self._definition)
            if walk.equal(evaluated, value):
                yield found, walk
            return
        if isinstance(value, App):
            if is_function(self._definition, value):
                raise Undecided(f'the value of {value.name} is not known')
            return
        parts = self._parts(pattern, collection, found)
        if isinstance(value, ListValue):
            yield from self._lists(parts, collection, value, found)
        elif isinstance(value, MapValue):
            yield from self._maps(parts, collection, value, found)
        elif isinstance(value, SetValue):
            yield from self._sets(parts, collection, value, found)

    def _compared(
        self, pairs: Sequence[tuple[Term, Term]], found: Substitution
    ) -> Iterator[tuple[Substitution, _Walk]]:
        more = dict(found)
        walk = _Walk(self._definition)
        if all(walk.compare(pattern, value, more) for pattern, value in pairs):
            yield more, walk

    def _parts(self, pattern: Term, collection: Collection, found: Substitution) -> list[Term]:
        """Elements, unbound variables, and values of what is known, in their order."""
        if isinstance(pattern, Var):
            return [found.get(pattern.name, pattern)]
        if isinstance(pattern, App):
            if pattern.name == collection.concat:
                return [part for arg in pattern.args for part in self._parts(arg, collection, found)]
            if pattern.name == collection.unit:
                return []
            if pattern.name == collection.element:
                return [pattern]
            if not pattern.names <= found.keys():
                raise Undecided(f'{pattern.name} in a pattern depends on what is not known')
            return [self._evaluate(pattern, found)]
        return [pattern]

    def _lists(
        self, parts: list[Term], collection: Collection, value: ListValue, found: Substitution
    ) -> Iterator[tuple[Substitution, _Walk]]:
        flat: list[Term] = []  # items, and the variables that stand for lists
        rests: set[int] = set()
        for part in parts:
            if isinstance(part, ListValue):
                flat += part.items
            elif isinstance(part, App) and part.name == collection.element:
                flat.append(part.args[0])
            else:
                rests.add(len(flat))
                flat.append(part)
        open_ = sorted(rests)
        if len(open_) > 1 or any(isinstance(flat[number], App) for number in open_):
            raise Undecided('a list with several unknown parts')
        items = value.items
        fixed = len(flat) - len(open_)
        if len(items) < fixed or (not open_ and len(items) != fixed):
            return
        pairs: list[tuple[Term, Term]] = []
        if open_:
            at = open_[0]
            after = len(flat) - at - 1
            end = len(items) - after
            pairs.append((flat[at], ListValue(value.sort, items[at:end])))
            pairs += zip(flat[:at], items[:at], strict=True)
            pairs += zip(flat[at + 1 :], items[end:], strict=True)
        else:
            pairs += zip(flat, items, strict=True)
        yield from self._compared(pairs, found)

    def _maps(
        self, parts: list[Term], collection: Collection, value: MapValue, found: Substitution
    ) -> Iterator[tuple[Substitution, _Walk]]:
        remaining = dict(value.items)
        elements: list[App] = []
        rests: list[Var] = []
        pairs: list[tuple[Term, Term]] = []
        for part in parts:
            if isinstance(part, MapValue):
                for key, content in part.items.items():
                    if key not in remaining:
                        self._absent(key, remaining)
                        return
                    pairs.append((content, remaining.pop(key)))
            elif isinstance(part, Var):
                rests.append(part)
            elif isinstance(part, App) and part.name == collection.element:
                elements.append(part)
            else:
                raise Undecided('a map with an unknown part')
        if len(rests) > 1:
            raise Undecided('a map with several unknown parts')
        for more, walk in self._compared(pairs, found):
            yield from self._entries(elements, remaining, rests, value.sort, more, walk)

    def _entries(
        self,
        elements: list[App],
        remaining: dict[Term, Term],
        rests: list[Var],
        sort: str,
        found: Substitution,
        walk: _Walk,
    ) -> Iterator[tuple[Substitution, _Walk]]:
        if not elements:
            if rests:
                for more, further in self._compared([(rests[0], MapValue(sort, remaining))], found):
                    yield more, walk.with_(further)
            elif not remaining:
                yield found, walk
            return
        known = next((e for e in elements if names(e.args[0]) <= found.keys()), None)
        chosen = elements[0] if known is None else known
        others = [element for element in elements if element is not chosen]
        if known is not None:
            try:
                key = self._evaluate(chosen.args[0], found)
            except NoValue:
                return
            if key not in remaining:
                self._absent(key, remaining)
                return
            keys = [key]
        else:
            keys = list(remaining)
        for key in keys:
            left = {other: content for other, content in remaining.items() if other != key}
            pairs = [(chosen.args[0], key), (chosen.args[1], remaining[key])]
            for more, further in self._compared(pairs[known is not None :], found):
                yield from self._entries(others, left, rests, sort, more, walk.with_(further))

    def _sets(
        self, parts: list[Term], collection: Collection, value: SetValue, found: Substitution
    ) -> Iterator[tuple[Substitution, _Walk]]:
        remaining = set(value.items)
        elements: list[App] = []
        rests: list[Var] = []
        for part in parts:
            if isinstance(part, SetValue):
                for item in part.items:
                    if item not in remaining:
                        self._absent(item, remaining)
                        return
                    remaining.discard(item)
            elif isinstance(part, Var):
                rests.append(part)
            elif isinstance(part, App) and part.name == collection.element:
                elements.append(part)
            else:
                raise Undecided('a set with an unknown part')
        if len(rests) > 1:
            raise Undecided('a set with several unknown parts')
        yield from self._items(elements, frozenset(remaining), rests, value.sort, found, _Walk(self._definition))

    def _items(
        self,
        elements: list[App],
        remaining: frozenset[Term],
        rests: list[Var],
        sort: str,
        found: Substitution,
        walk: _Walk,
    ) -> Iterator[tuple[Substitution, _Walk]]:
        if not elements:
            if rests:
                for more, further in self._compared([(rests[0], SetValue(sort, remaining))], found):
                    yield more, walk.with_(further)
            elif not remaining:
                yield found, walk
            return
        chosen, others = elements[0], elements[1:]
        for item in remaining:
            for more, further in self._compared([(chosen.args[0], item)], found):
                yield from self._items(others, remaining - {item}, rests, sort, more, walk.with_(further))

    def _absent(self, key: Term, among: Mapping[Term, Term] | set[Term]) -> None:
        """Raises `Undecided` if a key that is not among others may be one of them all the same."""
        for other in among:
            if not apart(self._definition, key, other):
                raise Undecided('whether two keys are equal depends on what is not known')


class _Walk:
    """One comparison of fixed structure.

    Attributes:
        open: What is still to be compared.
        unknown: Why it cannot be told, empty if nothing is in the way.
    """

    def __init__(self, definition: Definition):
        self._definition = definition
        self.open: list[tuple[Term, Term]] = []
        self.unknown = ''

    def with_(self, other: _Walk) -> _Walk:
        """Both together."""
        both = _Walk(self._definition)
        both.open = [*self.open, *other.open]
        both.unknown = self.unknown or other.unknown
        return both

    def compare(self, pattern: Term, value: Term, found: Substitution) -> bool:
        """Whether a pattern may be a value; `found` grows."""
        if isinstance(pattern, Var):
            known = found.get(pattern.name)
            if known is None:
                found[pattern.name] = value
                return True
            return self.equal(known, value)
        if isinstance(pattern, DV):
            return self.equal(pattern, value)
        if not isinstance(pattern, App):
            return self.equal(pattern, value)
        name = pattern.name
        if name == '\\and':
            return all(self.compare(arg, value, found) for arg in pattern.args)
        if name == '\\top':
            return True
        if name == '\\bottom':
            return False
        if name == '\\or' or name in self._definition.collection_of:
            self.open.append((pattern, value))
            return True
        if name == INJ:
            return self._injection(pattern, value, found)
        if is_function(self._definition, pattern):
            if pattern == value:
                return True
            self.open.append((pattern, value))
            return True
        if isinstance(value, App) and value.name == name:
            if value.sorts != pattern.sorts:
                return False
            return all(self.compare(*pair, found) for pair in zip(pattern.args, value.args, strict=True))
        if isinstance(value, App) and is_function(self._definition, value):
            self.unknown = f'the value of {value.name} is not known'
            return True
        args = self._as_greater(name, value)
        if args is not None:
            return all(self.compare(*pair, found) for pair in zip(pattern.args, args, strict=True))
        return False

    def _injection(self, pattern: App, value: Term, found: Substitution) -> bool:
        (inner,) = pattern.args
        lesser = pattern.sorts[0]
        if isinstance(inner, App) and is_function(self._definition, inner):
            self.open.append((pattern, value))
            return True
        if isinstance(value, App) and value.name == INJ:
            sort, (content,) = value.sorts[0], value.args
            if sort == lesser:
                return self.compare(inner, content, found)
            if self._definition.is_subsort(sort, lesser):
                return self.compare(inner, App(INJ, (sort, lesser), (content,), is_opaque(content)), found)
            if isinstance(content, App) and is_function(self._definition, content):
                self.unknown = f'the value of {content.name} is not known'
                return True
            return False
        if isinstance(value, App) and is_function(self._definition, value):
            self.unknown = f'the value of {value.name} is not known'
            return True
        return False

    def _as_greater(self, name: str, value: Term) -> tuple[Term, ...] | None:
        """The arguments of an overloaded symbol if the value, of a lesser one, is one of its."""
        inner = value.args[0] if isinstance(value, App) and value.name == INJ else value
        if name not in self._definition.overloads or not isinstance(inner, App):
            return None
        for equation in self._definition.greater.get(inner.name, ()):
            if equation.symbol != name:
                continue
            lesser = equation.right
            assert isinstance(lesser, App)
            if lesser.name == INJ:
                (lesser,) = lesser.args
            assert isinstance(lesser, App)
            found: Substitution = {}
            if all(self.compare(*pair, found) for pair in zip(lesser.args, inner.args, strict=True)):
                return tuple(_instance(arg, found) for arg in equation.args)
        return None

    def equal(self, left: Term, right: Term) -> bool:
        if left == right:
            return True
        if apart(self._definition, left, right):
            return False
        self.unknown = 'whether two values are equal depends on what is not known'
        return True


def is_function(definition: Definition, term: App) -> bool:
    """Whether an application is one of a function; in a value its result is not known then."""
    return term.name in definition.functions


def same(definition: Definition, left: Term, right: Term) -> bool:
    """Whether two values are equal. Raises `Undecided`."""
    if left == right:
        return True
    if apart(definition, left, right):
        return False
    raise Undecided('whether two values are equal depends on what is not known')


def apart(definition: Definition, left: Term, right: Term) -> bool:
    """Whether two values that are not the same term are different for certain."""
    if not is_opaque(left) and not is_opaque(right):
        return True
    if isinstance(left, App) and isinstance(right, App):
        if is_function(definition, left) or is_function(definition, right):
            return False
        if left.name != right.name or left.sorts != right.sorts:
            # an unknown part may be of a lesser sort, or turn an overloaded symbol into a lesser one
            return INJ not in (left.name, right.name) and not definition.overloads
        return any(a != b and apart(definition, a, b) for a, b in zip(left.args, right.args, strict=True))
    if isinstance(left, ListValue) and isinstance(right, ListValue):
        return len(left.items) != len(right.items) or any(
            a != b and apart(definition, a, b) for a, b in zip(left.items, right.items, strict=True)
        )
    if isinstance(left, App) or isinstance(right, App):
        unknown = left if isinstance(left, App) else right
        assert isinstance(unknown, App)
        return not is_function(definition, unknown) and unknown.name != INJ
    return type(left) is not type(right)


def _instance(pattern: Term, found: Mapping[str, Term]) -> Term:
    if isinstance(pattern, Var):
        return found[pattern.name]
    if isinstance(pattern, App):
        args = tuple(_instance(arg, found) for arg in pattern.args)
        if pattern.name == INJ:
            return injected(pattern.sorts, args[0])
        return App(pattern.name, pattern.sorts, args, any(map(is_opaque, args)))
    return pattern


def injected(sorts: tuple[str, ...], value: Term) -> Term:
    """A value in a greater sort."""
    lesser, greater = sorts
    if lesser == greater:
        return value
    if isinstance(value, App) and value.name == INJ:
        return injected((value.sorts[0], greater), value.args[0])
    return App(INJ, (lesser, greater), (value,), is_opaque(value))
