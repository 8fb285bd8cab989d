"""Patterns and values.

A pattern is what Kore writes: applications, domain values, variables. A value is a normal form: constructors, domain
values, and collections as Python has them. Injections are never nested, and an injection names the sort that its
content has. A total function that nobody can evaluate is a value too, whose content is not known: `is_opaque` says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Final

INJ: Final = 'inj'
BOOL: Final = 'SortBool{}'
INT: Final = 'SortInt{}'
STRING: Final = 'SortString{}'
BYTES: Final = 'SortBytes{}'
K: Final = 'SortK{}'
KITEM: Final = 'SortKItem{}'
KSEQ: Final = 'kseq'
DOTK: Final = 'dotk'


class NoValue(Exception):
    """The term has no value; the message says which part of it."""


class Undecided(Exception):
    """It cannot be told here; the message says why."""


class Var:
    """A variable of a sort."""

    __slots__ = ('name', 'sort')

    def __init__(self, name: str, sort: str):
        self.name = name
        self.sort = sort

    def __repr__(self) -> str:
        return f'{self.name}:{self.sort}'


class DV:
    """A domain value."""

    __slots__ = ('_hash', 'sort', 'value')

    def __init__(self, sort: str, value: str):
        self.sort = sort
        self.value = value
        self._hash = hash((sort, value))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DV) and self.value == other.value and self.sort == other.sort

    def __repr__(self) -> str:
        return f'{self.value!r}:{self.sort}'


class App:
    """A symbol, or a connective of matching logic, applied to arguments.

    Attributes:
        opaque: Whether a function whose value is not known is somewhere in it; only in values.
    """

    __slots__ = ('_hash', '_names', 'args', 'name', 'opaque', 'sorts')

    def __init__(self, name: str, sorts: tuple[str, ...], args: tuple[Term, ...], opaque: bool = False):
        self.name = name
        self.sorts = sorts
        self.args = args
        self.opaque = opaque
        self._hash = 0
        self._names: frozenset[str] | None = None

    def __hash__(self) -> int:
        if not self._hash:
            self._hash = hash((self.name, self.sorts, self.args)) or 1
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, App)
            and self.name == other.name
            and hash(self) == hash(other)
            and self.sorts == other.sorts
            and self.args == other.args
        )

    def __repr__(self) -> str:
        return f'{self.name}({", ".join(map(repr, self.args))})'

    @property
    def names(self) -> frozenset[str]:
        """The names of the variables in it."""
        if self._names is None:
            self._names = frozenset(variable.name for variable in variables(self))
        return self._names


class ListValue:
    """A list, whose items are the arguments of its element symbol."""

    __slots__ = ('_hash', 'items', 'opaque', 'sort')

    def __init__(self, sort: str, items: Iterable[Term]):
        self.sort = sort
        self.items = tuple(items)
        self.opaque = any(map(is_opaque, self.items))
        self._hash = hash((sort, self.items))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ListValue) and self.sort == other.sort and self.items == other.items

    def __repr__(self) -> str:
        return f'{list(self.items)}'


class SetValue:
    """A set, whose items are the arguments of its element symbol."""

    __slots__ = ('_hash', 'items', 'opaque', 'sort')

    def __init__(self, sort: str, items: Iterable[Term]):
        self.sort = sort
        self.items = frozenset(items)
        self.opaque = any(map(is_opaque, self.items))
        self._hash = hash((sort, self.items))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SetValue) and self.sort == other.sort and self.items == other.items

    def __repr__(self) -> str:
        return f'{set(self.items)}'


class MapValue:
    """A map."""

    __slots__ = ('_hash', 'items', 'opaque', 'sort')

    def __init__(self, sort: str, items: Mapping[Term, Term]):
        self.sort = sort
        self.items = dict(items)
        self.opaque = any(is_opaque(part) for pair in self.items.items() for part in pair)
        self._hash = hash((sort, frozenset(self.items.items())))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MapValue) and self.sort == other.sort and self.items == other.items

    def __repr__(self) -> str:
        return f'{self.items}'


Term: TypeAlias = 'Var | DV | App | ListValue | SetValue | MapValue'
Substitution: TypeAlias = 'dict[str, Term]'


def is_opaque(value: Term) -> bool:
    """Whether a value is not known in all of its parts."""
    return not isinstance(value, (DV, Var)) and value.opaque


def variables(term: Term) -> Iterator[Var]:
    """The variables of a pattern, with repetitions."""
    stack = [term]
    while stack:
        part = stack.pop()
        if isinstance(part, Var):
            yield part
        elif isinstance(part, App):
            stack.extend(part.args)


def names(pattern: Term) -> frozenset[str]:
    """The names of the variables in a pattern."""
    if isinstance(pattern, App):
        return pattern.names
    return frozenset((pattern.name,)) if isinstance(pattern, Var) else frozenset()


def subterms(term: Term) -> Iterator[Term]:
    """The parts of a pattern or value, itself first."""
    stack = [term]
    while stack:
        part = stack.pop()
        yield part
        if isinstance(part, App):
            stack.extend(part.args)
        elif isinstance(part, (ListValue, SetValue)):
            stack.extend(part.items)
        elif isinstance(part, MapValue):
            stack.extend(item for pair in part.items.items() for item in pair)


def boolean(value: bool) -> DV:
    return TRUE if value else FALSE


def integer(value: int) -> DV:
    return DV(INT, str(value))


TRUE: Final = DV(BOOL, 'true')
FALSE: Final = DV(BOOL, 'false')
