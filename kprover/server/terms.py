"""The server's own terms, hash-consed; what they are made of is in `symbols`.

Equal terms are the same object, so `is` is equality and a term can be a dictionary key at the price of a pointer. The
intern table holds its terms weakly: a term lives as long as somebody uses it. The table is shared by all threads of the
process; reading it needs no lock, a miss takes `_LOCK`, and a dying term removes its own entry atomically.

Nothing here evaluates: `app` builds the application of a function symbol as readily as that of a constructor.
"""

from __future__ import annotations

import weakref
from _weakref import _remove_dead_weakref  # type: ignore[attr-defined]
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

from .symbols import BOOL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .symbols import Sort, Symbol

__all__ = [
    'BOTTOM',
    'DV',
    'FALSE',
    'NO_FORMS',
    'TRUE',
    'App',
    'Bottom',
    'Forms',
    'Inj',
    'KList',
    'KMap',
    'KSet',
    'Term',
    'Var',
    'app',
    'children',
    'dv',
    'inj',
    'klist',
    'kmap',
    'kset',
    'subterms',
    'var',
]

_LOCK: Final = Lock()
_TABLE: Final[dict[Any, Any]] = {}
_NO_VARS: Final[frozenset[Var]] = frozenset()
# Sorts where literals of different texts can be one value, such as 1.0 and 1e0.
_MANY_TEXTS: Final = frozenset({'SortFloat', 'SortMInt'})


Forms: TypeAlias = 'tuple[tuple[Symbol, ...], tuple[Symbol, ...]]'
NO_FORMS: Final[Forms] = ((), ())


class _Ref(weakref.ref['Term']):
    """A weak reference that knows the key of its entry in the intern table."""

    __slots__ = ('key',)
    key: Any


def _forget(ref: Any) -> None:
    _remove_dead_weakref(_TABLE, ref.key)


def _intern(key: Any, term: Any) -> Any:
    """Enter `term` under `key` unless another thread did so first; return the term that is in the table."""
    ref = _Ref(term, _forget)
    ref.key = key
    with _LOCK:
        other = _TABLE.get(key)
        if other is not None:
            found = other()
            if found is not None:
                return found
        _TABLE[key] = ref
    return term


class Term:
    """A term of the object language. Immutable; equal terms are one object.

    `free` holds the free variables and is empty exactly for a concrete term. `fn` says that a symbol that equations may
    rewrite, an application that another constructor may stand for (`App.rigid`), or a literal that others may be equal
    to, occurs somewhere inside: two different concrete terms without one have different values, and each is its own
    normal form. `defined` says that the term certainly has a value under every instantiation; false means only that it
    is not certain.
    """

    __slots__ = ('__weakref__', 'defined', 'fn', 'free', 'sort')
    sort: Sort
    free: frozenset[Var]
    fn: bool
    defined: bool


@final
class App(Term):
    """A symbol applied to arguments, neither an injection nor a collection.

    `rigid` says that its value is this symbol's application under every instantiation, and that of no other constructor
    but a greater one. `forms` are the other constructors, no greater ones, of which its value is an application too:
    those of which that is certain, and those of which it is not known.
    """

    __slots__ = ('args', 'forms', 'rigid', 'symbol')
    symbol: Symbol
    forms: Forms
    rigid: bool
    args: tuple[Term, ...]

    def __repr__(self) -> str:
        return _show(self)


@final
class DV(Term):
    """A domain value. `value` is an `int`, `bool`, `str`, `bytes` for the sorts Int, Bool, String, Bytes, else
    `str`."""

    __slots__ = ('value',)
    value: Any

    def __repr__(self) -> str:
        return _show(self)


@final
class Var(Term):
    """An element variable; `name` is the full Kore name with its prefix of three letters."""

    __slots__ = ('name',)
    name: str

    def __repr__(self) -> str:
        return _show(self)


@final
class Inj(Term):
    """A sort injection `inj{inner.sort, sort}`; `inner` is never an injection itself."""

    __slots__ = ('inner',)
    inner: Term

    def __repr__(self) -> str:
        return _show(self)


@final
class KMap(Term):
    """A map: known entries with distinct key terms, and opaque map-sorted terms beside them.

    Distinct key terms that contain variables may still be equal under an instantiation; the map is defined only where
    all keys differ and the `rest` terms are disjoint from them. Key and value sorts are those of the element symbol.
    """

    __slots__ = ('entries', 'index', 'rest')
    entries: tuple[tuple[Term, Term], ...]
    rest: tuple[Term, ...]
    index: dict[Term, Term]

    def __repr__(self) -> str:
        return _show(self)


@final
class KSet(Term):
    """A set: known elements, all distinct terms, and opaque set-sorted terms beside them."""

    __slots__ = ('elements', 'index', 'rest')
    elements: tuple[Term, ...]
    rest: tuple[Term, ...]
    index: frozenset[Term]

    def __repr__(self) -> str:
        return _show(self)


@final
class KList(Term):
    """A list: `head` items, then opaque list-sorted terms with items between them, then `tail` items.

    `segments` alternates freely: each member is `(True, item)` or `(False, opaque list)`. A list without opaque members
    is `items` alone: `known` is then true.
    """

    __slots__ = ('known', 'segments')
    segments: tuple[tuple[bool, Term], ...]
    known: bool

    @property
    def items(self) -> tuple[Term, ...]:
        """The items of a fully known list. Meaningless when `known` is false."""
        return tuple(term for is_item, term in self.segments if is_item)

    def __repr__(self) -> str:
        return _show(self)


@final
class Bottom:
    """The type of `BOTTOM`: the application has no value (division by zero, a missing key, duplicate keys)."""

    __slots__ = ()

    def __repr__(self) -> str:
        return '\\bottom'


BOTTOM: Final = Bottom()


def app(symbol: Symbol, args: tuple[Term, ...]) -> Term:
    """Return `symbol(args...)`, without evaluation and without a check of sorts.

    The result is an `App` unless a constructor that `symbol` overloads can build the same value: it is then what that
    one builds, injected.
    """
    key = (symbol, args)
    ref = _TABLE.get(key)
    if ref is not None:
        found = ref()
        if found is not None:
            return found  # type: ignore[no-any-return]
    forms = NO_FORMS
    rigid = not symbol.reducible
    if symbol.settle is not None:
        other, forms = symbol.settle(args)
        if other is not None:
            return other
        rigid = forms is NO_FORMS
    new = App()
    new.symbol = symbol
    new.args = args
    new.sort = symbol.result
    free = _NO_VARS
    new.forms = forms
    new.rigid = rigid
    fn = not rigid
    defined = symbol.total
    for arg in args:
        if arg.free and arg.free is not free:
            free = free | arg.free if free else arg.free
        if arg.fn:
            fn = True
        if not arg.defined:
            defined = False
    new.free = free
    new.fn = fn
    new.defined = defined
    return _intern(key, new)  # type: ignore[no-any-return]


def dv(of: Sort, value: int | bool | str | bytes) -> DV:
    """Return the domain value of sort `of`; `value` must have the Python type that belongs to the sort."""
    key = (of, value)
    ref = _TABLE.get(key)
    if ref is not None:
        found = ref()
        if found is not None:
            return found  # type: ignore[no-any-return]
    new = DV()
    new.sort = of
    new.value = value
    new.free = _NO_VARS
    new.fn = of.name in _MANY_TEXTS
    new.defined = True
    return _intern(key, new)  # type: ignore[no-any-return]


def var(name: str, of: Sort) -> Var:
    """Return the variable `name : of`; variables of one name and two sorts are two variables."""
    key = (Var, name, of)
    ref = _TABLE.get(key)
    if ref is not None:
        found = ref()
        if found is not None:
            return found  # type: ignore[no-any-return]
    new = Var()
    new.name = name
    new.sort = of
    new.fn = False
    new.defined = True
    # A set that held the variable itself would make a cycle that only the garbage collector could free. The weak
    # table would then keep growing between collections, but variables are few, so the simple form is kept.
    new.free = frozenset((new,))
    return _intern(key, new)  # type: ignore[no-any-return]


def inj(target: Sort, inner: Term) -> Term:
    """Return `inner` injected into the sort `target`: collapsed with an injection inside, nothing at equal sorts."""
    if type(inner) is Inj:
        inner = inner.inner
    if inner.sort is target:
        return inner
    key = (Inj, target, inner)
    ref = _TABLE.get(key)
    if ref is not None:
        found = ref()
        if found is not None:
            return found  # type: ignore[no-any-return]
    new = Inj()
    new.inner = inner
    new.sort = target
    new.free = inner.free
    new.fn = inner.fn
    new.defined = inner.defined
    return _intern(key, new)  # type: ignore[no-any-return]


def _summarise(new: Term, parts: Iterable[Term], distinct: bool) -> None:
    """Fill in what a collection knows of its parts; `distinct` says that it cannot hold a duplicate."""
    free = _NO_VARS
    fn = False
    for term in parts:
        if term.free and term.free is not free:
            free = free | term.free if free else term.free
        if term.fn:
            fn = True
        if not term.defined:
            distinct = False
    new.free = free
    new.fn = fn
    new.defined = distinct


def _surely_distinct(keys: Iterable[Term], count: int, rest: tuple[Term, ...]) -> bool:
    """Whether the collection with these (distinct) key terms has no two equal keys under any instantiation."""
    if rest:
        return not count and len(rest) == 1
    return count < 2 or all(not key.free and not key.fn for key in keys)


def kmap(of: Sort, entries: dict[Term, Term], rest: tuple[Term, ...] = ()) -> KMap:
    """Return the map of sort `of` with the given entries and opaque parts.

    `entries` becomes the property of the map and must not be changed afterwards. The members of `rest` must be neither
    maps of this class nor units; flatten first. The order of entries and of `rest` has no meaning.
    """
    key = (KMap, of, frozenset(entries.items()), rest if len(rest) < 2 else _bag(rest))
    ref = _TABLE.get(key)
    if ref is not None:
        found = ref()
        if found is not None:
            return found  # type: ignore[no-any-return]
    new = KMap()
    new.sort = of
    new.index = entries
    new.entries = tuple(entries.items())
    new.rest = rest
    _summarise(new, (*entries, *entries.values(), *rest), _surely_distinct(entries, len(entries), rest))
    return _intern(key, new)  # type: ignore[no-any-return]


def _bag(terms: tuple[Term, ...]) -> frozenset[tuple[Term, int]]:
    counts: dict[Term, int] = {}
    for term in terms:
        counts[term] = counts.get(term, 0) + 1
    return frozenset(counts.items())


def kset(of: Sort, elements: Iterable[Term], rest: tuple[Term, ...] = ()) -> KSet:
    """Return the set of sort `of` with the given elements and opaque parts; see `kmap`."""
    ordered = tuple(dict.fromkeys(elements))
    index = frozenset(ordered)
    key = (KSet, of, index, rest if len(rest) < 2 else _bag(rest))
    ref = _TABLE.get(key)
    if ref is not None:
        found = ref()
        if found is not None:
            return found  # type: ignore[no-any-return]
    new = KSet()
    new.sort = of
    new.elements = ordered
    new.index = index
    new.rest = rest
    _summarise(new, (*ordered, *rest), _surely_distinct(ordered, len(ordered), rest))
    return _intern(key, new)  # type: ignore[no-any-return]


def klist(of: Sort, segments: Iterable[tuple[bool, Term]]) -> KList:
    """Return the list of sort `of`; each segment is `(True, item)` or `(False, opaque list-sorted term)`.

    Opaque members must not be lists of this class; flatten first.
    """
    ordered = tuple(segments)
    key = (KList, of, ordered)
    ref = _TABLE.get(key)
    if ref is not None:
        found = ref()
        if found is not None:
            return found  # type: ignore[no-any-return]
    new = KList()
    new.sort = of
    new.segments = ordered
    new.known = all(is_item for is_item, _ in ordered)
    _summarise(new, [term for _, term in ordered], True)
    return _intern(key, new)  # type: ignore[no-any-return]


TRUE: Final = dv(BOOL, True)
FALSE: Final = dv(BOOL, False)


def children(term: Term) -> tuple[Term, ...]:
    """Return the direct subterms of `term`, each once per occurrence, in order."""
    if isinstance(term, App):
        return term.args
    if isinstance(term, Inj):
        return (term.inner,)
    if isinstance(term, KMap):
        return (*(part for entry in term.entries for part in entry), *term.rest)
    if isinstance(term, KSet):
        return (*term.elements, *term.rest)
    if isinstance(term, KList):
        return tuple(member for _, member in term.segments)
    return ()


def subterms(term: Term) -> Iterator[Term]:
    """Yield every distinct subterm of `term` once, `term` first; needs no recursion."""
    seen = {term}
    stack = [term]
    while stack:
        current = stack.pop()
        yield current
        for child in children(current):
            if child not in seen:
                seen.add(child)
                stack.append(child)


def _show(term: Term, limit: int = 400) -> str:
    """Return a short text for messages and debugging; deep or long terms are cut."""
    out: list[str] = []
    length = 0
    stack: list[Term | str] = [term]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            text = item
        elif isinstance(item, DV):
            text = repr(item.value)
        elif isinstance(item, Var):
            text = f'{item.name}:{item.sort.name}'
        else:
            if isinstance(item, App):
                text = item.symbol.name + '('
            elif isinstance(item, Inj):
                text = f'inj{{{item.sort!r}}}('
            else:
                text = type(item).__name__ + '('
            stack.append(')')
            parts = children(item)
            for position in range(len(parts) - 1, -1, -1):
                stack.append(parts[position])
                if position:
                    stack.append(', ')
        out.append(text)
        length += len(text)
        if length > limit:
            out.append('...')
            break
    return ''.join(out)
