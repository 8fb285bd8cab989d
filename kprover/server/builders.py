"""The canonical form of maps, sets and lists: what unit, element and concatenation build.

A collection that consists of one opaque part alone is that part; an empty one is a collection of this server without
parts. Two entries with the same key term, or two elements that are the same term, have no value (`BOTTOM`), as K
defines concatenation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .symbols import Sort, Symbol
from .terms import BOTTOM, KList, KMap, KSet, Term, app, klist, kmap, kset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .terms import Bottom

__all__ = ['BUILDERS', 'join_lists', 'join_maps', 'join_sets', 'map_of', 'set_of']


def map_of(of: Sort, entries: dict[Term, Term], rest: tuple[Term, ...]) -> Term:
    """Return the map with the given parts; one opaque part alone is returned as it is."""
    if not entries and len(rest) == 1:
        return rest[0]
    return kmap(of, entries, rest)


def set_of(of: Sort, elements: Iterable[Term], rest: tuple[Term, ...]) -> Term:
    """Return the set with the given parts; see `map_of`."""
    found = tuple(elements)
    if not found and len(rest) == 1:
        return rest[0]
    return kset(of, found, rest)


def join_maps(of: Sort, parts: Iterable[Term]) -> Term | Bottom:
    """Return the concatenation of maps of the sort `of`."""
    entries: dict[Term, Term] = {}
    rest: list[Term] = []
    for part in parts:
        if type(part) is KMap:
            for key, value in part.entries:
                if key in entries:
                    return BOTTOM
                entries[key] = value
            rest.extend(part.rest)
        else:
            rest.append(part)
    return map_of(of, entries, tuple(rest))


def join_sets(of: Sort, parts: Iterable[Term]) -> Term | Bottom:
    """Return the concatenation of sets of the sort `of`."""
    elements: dict[Term, None] = {}
    rest: list[Term] = []
    for part in parts:
        if type(part) is KSet:
            for element in part.elements:
                if element in elements:
                    return BOTTOM
                elements[element] = None
            rest.extend(part.rest)
        else:
            rest.append(part)
    return set_of(of, elements, tuple(rest))


def join_lists(of: Sort, parts: Iterable[Term]) -> Term:
    """Return the concatenation of lists of the sort `of`."""
    segments: list[tuple[bool, Term]] = []
    for part in parts:
        if type(part) is KList:
            segments.extend(part.segments)
        else:
            segments.append((False, part))
    if len(segments) == 1 and not segments[0][0]:
        return segments[0][1]
    return klist(of, segments)


def _concat(
    join: Callable[[Sort, Iterable[Term]], Term | Bottom],
) -> Callable[[Symbol, tuple[Term, ...]], Term | Bottom]:
    """Return what builds a concatenation.

    One that is declared total has a value also where a key is there twice. It is not known which, and the application
    stays a term.
    """

    def build(symbol: Symbol, args: tuple[Term, ...]) -> Term | Bottom:
        made = join(symbol.result, args)
        return app(symbol, args) if made is BOTTOM and symbol.total else made

    return build


def _map_element(symbol: Symbol, args: tuple[Term, ...]) -> Term:
    return kmap(symbol.result, {args[0]: args[1]}, ())


BUILDERS: Final[dict[str, Callable[[Symbol, tuple[Term, ...]], Term | Bottom]]] = {
    'MAP.unit': lambda symbol, args: kmap(symbol.result, {}, ()),
    'MAP.element': _map_element,
    'MAP.concat': _concat(join_maps),
    'SET.unit': lambda symbol, args: kset(symbol.result, (), ()),
    'SET.element': lambda symbol, args: kset(symbol.result, (args[0],), ()),
    'SET.concat': _concat(join_sets),
    'LIST.unit': lambda symbol, args: klist(symbol.result, ()),
    'LIST.element': lambda symbol, args: klist(symbol.result, ((True, args[0]),)),
    'LIST.concat': lambda symbol, args: join_lists(symbol.result, args),
}
