"""The hooks of K's MAP.

A map with opaque parts (variables, function applications) is looked into as far as its known entries go: a key that is
the same term as a known one is found, for a map that has a value has no key twice. That a key is *not* in a map is
concluded only from a map without opaque parts, all of whose keys certainly differ.

K leaves open in which order `keys_list` and `values` give the entries, and which of them `choice` chooses. They are
evaluated where there is one possibility only: for at most one entry, or values that are all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..builders import BUILDERS, map_of
from ..symbols import INT
from ..terms import BOTTOM, FALSE, TRUE, App, KMap, KSet, Term, app, dv, klist, kset
from .equality import decide, find_key

if TYPE_CHECKING:
    from ..symbols import Symbol
    from .context import Evaluator, HookContext, Outcome

__all__ = ['EVALUATORS']


def _builder(hook: str) -> Evaluator:
    build = BUILDERS[hook]
    return lambda ctx, symbol, args: build(symbol, args)


def _lookup(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    found = _find(ctx, args[0], args[1])
    if found is None or not isinstance(found, bool):
        return found
    return BOTTOM


def _lookup_or_default(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    found = _find(ctx, args[0], args[1])
    if found is None or not isinstance(found, bool):
        return found
    return args[2]


def _find(ctx: HookContext, of: Term, key: Term) -> Term | bool | None:
    """Return the value at `key`, False if there certainly is none, None if that is not known."""
    while isinstance(of, App) and of.symbol.attributes.hook == 'MAP.update':
        inner, updated, value = of.args
        same = decide(ctx, updated, key)
        if same:
            return value
        if same is None:
            return None
        of = inner
    if type(of) is not KMap:
        return None
    found = of.index.get(key)
    if found is not None:
        return found
    where = find_key(ctx, of.index, key)
    if where is None or (where is False and of.rest):
        return None
    return False if isinstance(where, bool) else of.index[where]


def _update(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    of, key, value = args
    if isinstance(of, App) and of.symbol is symbol and decide(ctx, of.args[1], key):
        return app(symbol, (of.args[0], key, value))
    if type(of) is not KMap:
        return None
    where = find_key(ctx, of.index, key)
    if where is None or (where is False and of.rest):
        return None
    return map_of(of.sort, {**of.index, (key if isinstance(where, bool) else where): value}, of.rest)


def _remove(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    of, key = args
    if type(of) is not KMap:
        return None
    where = find_key(ctx, of.index, key)
    if where is None:
        return None
    if isinstance(where, bool):
        return None if of.rest else of
    return map_of(of.sort, {one: value for one, value in of.entries if one is not where}, of.rest)


def _remove_all(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    of, keys = args
    if type(of) is not KMap or of.rest or type(keys) is not KSet or keys.rest:
        return None
    removed: set[Term] = set()
    for key in keys.elements:
        where = find_key(ctx, of.index, key)
        if where is None:
            return None
        if not isinstance(where, bool):
            removed.add(where)
    return map_of(of.sort, {key: value for key, value in of.entries if key not in removed}, ())


def _update_all(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    of, other = args
    if type(of) is not KMap or of.rest or type(other) is not KMap or other.rest:
        return None
    entries = dict(of.index)
    for key, value in other.entries:
        where = find_key(ctx, of.index, key)
        if where is None:
            return None
        entries[key if isinstance(where, bool) else where] = value
    return map_of(of.sort, entries, ())


def _difference(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    """The first map without the entries that the second one has too: key and value."""
    of, other = args
    if type(of) is not KMap or of.rest or type(other) is not KMap or other.rest:
        return None
    removed: set[Term] = set()
    for key, value in other.entries:
        where = find_key(ctx, of.index, key)
        if where is None:
            return None
        if not isinstance(where, bool):
            same = decide(ctx, of.index[where], value)
            if same is None:
                return None
            if same:
                removed.add(where)
    return map_of(of.sort, {key: value for key, value in of.entries if key not in removed}, ())


def _in_keys(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    key, of = args
    if type(of) is not KMap:
        return TRUE if of.defined and isinstance(_find(ctx, of, key), Term) else None
    where = find_key(ctx, of.index, key)
    if where is None or (where is False and of.rest):
        return None
    return FALSE if isinstance(where, bool) else TRUE


def _keys(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    (of,) = args
    return kset(symbol.result, of.index) if type(of) is KMap and not of.rest else None


def _keys_list(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    (of,) = args
    if type(of) is not KMap or of.rest or len(of.index) > 1:
        return None
    return klist(symbol.result, [(True, key) for key in of.index])


def _values(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    (of,) = args
    if type(of) is not KMap or of.rest or len(set(of.index.values())) > 1:
        return None
    return klist(symbol.result, [(True, value) for value in of.index.values()])


def _size(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    (of,) = args
    return dv(INT, len(of.entries)) if type(of) is KMap and not of.rest and of.defined else None


def _inclusion(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    """Every key of the first map is one of the second, with the same value."""
    of, other = args
    if of is other and of.defined:
        return TRUE
    if type(of) is not KMap or of.rest or type(other) is not KMap or other.rest:
        return None
    undecided = False
    for key, value in of.entries:
        where = find_key(ctx, other.index, key)
        if where is False:
            return FALSE
        if where is None:
            undecided = True
            continue
        assert not isinstance(where, bool)
        same = decide(ctx, value, other.index[where])
        if same is False:
            return FALSE
        undecided = undecided or same is None
    return None if undecided else TRUE


def _choice(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    (of,) = args
    if type(of) is not KMap or of.rest or len(of.index) > 1:
        return None
    return next(iter(of.index), BOTTOM)


EVALUATORS: Final[dict[str, Evaluator]] = {
    'MAP.unit': _builder('MAP.unit'),
    'MAP.element': _builder('MAP.element'),
    'MAP.concat': _builder('MAP.concat'),
    'MAP.lookup': _lookup,
    'MAP.lookupOrDefault': _lookup_or_default,
    'MAP.update': _update,
    'MAP.updateAll': _update_all,
    'MAP.remove': _remove,
    'MAP.removeAll': _remove_all,
    'MAP.difference': _difference,
    'MAP.in_keys': _in_keys,
    'MAP.keys': _keys,
    'MAP.keys_list': _keys_list,
    'MAP.values': _values,
    'MAP.size': _size,
    'MAP.inclusion': _inclusion,
    'MAP.choice': _choice,
}
