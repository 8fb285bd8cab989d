"""The hooks of K's SET.

As in `maps`, absence is concluded only from sets without opaque parts, and what K leaves open, which element `choice`
chooses and in which order `set2list` gives them, is evaluated for at most one element.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..builders import BUILDERS, set_of
from ..symbols import INT
from ..terms import BOTTOM, FALSE, TRUE, KList, KSet, dv, klist
from .equality import find_key

if TYPE_CHECKING:
    from ..symbols import Symbol
    from ..terms import Term
    from .context import Evaluator, HookContext, Outcome

__all__ = ['EVALUATORS']


def _builder(hook: str) -> Evaluator:
    build = BUILDERS[hook]
    return lambda ctx, symbol, args: build(symbol, args)


def _closed(term: Term) -> KSet | None:
    return term if type(term) is KSet and not term.rest else None


def _in(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    element, of = args
    if type(of) is not KSet:
        return None
    where = find_key(ctx, dict.fromkeys(of.elements, element), element)
    if where is None or (where is False and of.rest):
        return None
    return FALSE if isinstance(where, bool) else TRUE


def _split(ctx: HookContext, of: KSet, other: KSet) -> tuple[list[Term], list[Term]] | None:
    """Return the elements of `of` that are in `other`, and the rest; None if that is not known of one."""
    inside: list[Term] = []
    outside: list[Term] = []
    keys = dict.fromkeys(other.elements, of)
    for element in of.elements:
        where = find_key(ctx, keys, element)
        if where is None:
            return None
        (outside if isinstance(where, bool) else inside).append(element)
    return inside, outside


def _pair(ctx: HookContext, args: tuple[Term, ...]) -> tuple[KSet, KSet, list[Term], list[Term]] | None:
    of, other = _closed(args[0]), _closed(args[1])
    if of is None or other is None:
        return None
    parts = _split(ctx, of, other)
    return None if parts is None else (of, other, *parts)


def _difference(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    found = _pair(ctx, args)
    return None if found is None else set_of(found[0].sort, found[3], ())


def _intersection(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    found = _pair(ctx, args)
    return None if found is None else set_of(found[0].sort, found[2], ())


def _union(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    if args[0] is args[1]:
        return args[0]
    for one, other in (args, args[::-1]):
        if type(one) is KSet and not one.elements and not one.rest:
            return other
    found = _pair(ctx, args)
    return None if found is None else set_of(found[0].sort, (*found[1].elements, *found[3]), ())


def _inclusion(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    of, other = _closed(args[0]), _closed(args[1])
    if of is None or other is None:
        return TRUE if args[0] is args[1] and args[0].defined else None
    keys = dict.fromkeys(other.elements, of)
    answers = [find_key(ctx, keys, element) for element in of.elements]
    if any(answer is False for answer in answers):
        return FALSE
    return None if any(answer is None for answer in answers) else TRUE


def _size(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    of = _closed(args[0])
    return dv(INT, len(of.elements)) if of is not None and of.defined else None


def _choice(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    of = _closed(args[0])
    if of is None or len(of.elements) > 1:
        return None
    return next(iter(of.elements), BOTTOM)


def _to_list(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    of = _closed(args[0])
    if of is None or len(of.elements) > 1:
        return None
    return klist(symbol.result, [(True, element) for element in of.elements])


def _from_list(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    (of,) = args
    if type(of) is not KList or not of.known:
        return None
    kept: dict[Term, Term] = {}
    for item in of.items:
        where = find_key(ctx, kept, item)
        if where is None:
            return None
        if isinstance(where, bool):
            kept[item] = item
    return set_of(symbol.result, kept, ())


EVALUATORS: Final[dict[str, Evaluator]] = {
    'SET.unit': _builder('SET.unit'),
    'SET.element': _builder('SET.element'),
    'SET.concat': _builder('SET.concat'),
    'SET.in': _in,
    'SET.difference': _difference,
    'SET.intersection': _intersection,
    'SET.union': _union,
    'SET.inclusion': _inclusion,
    'SET.size': _size,
    'SET.choice': _choice,
    'SET.set2list': _to_list,
    'SET.list2set': _from_list,
}
