"""The hooks of K's LIST.

A list with opaque parts has a known beginning and a known end; indices that fall there are served. A negative index of
`get` counts from the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..builders import BUILDERS, join_lists
from ..symbols import INT
from ..terms import BOTTOM, DV, FALSE, TRUE, KList, dv, klist
from .context import SIZE_LIMIT
from .equality import decide

if TYPE_CHECKING:
    from ..symbols import Symbol
    from ..terms import Term
    from .context import Evaluator, HookContext, Outcome

__all__ = ['EVALUATORS']


def _builder(hook: str) -> Evaluator:
    build = BUILDERS[hook]
    return lambda ctx, symbol, args: build(symbol, args)


def _int(term: Term) -> int | None:
    return term.value if type(term) is DV else None


def _segments(term: Term) -> tuple[tuple[bool, Term], ...]:
    return term.segments if isinstance(term, KList) else ((False, term),)


def _prefix(segments: tuple[tuple[bool, Term], ...]) -> int:
    """Return how many known items stand in front of the first opaque part."""
    for number, (is_item, _) in enumerate(segments):
        if not is_item:
            return number
    return len(segments)


def _get(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    of, index = args[0], _int(args[1])
    if index is None:
        return None
    segments = _segments(of)
    known = _prefix(segments) == len(segments)
    if index < 0:
        segments, index = segments[::-1], -index - 1
    if index < _prefix(segments):
        return segments[index][1]
    return BOTTOM if known else None


def _update(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    of, index, value = args[0], _int(args[1]), args[2]
    if index is None:
        return None
    if index < 0:
        return BOTTOM
    segments = _segments(of)
    prefix = _prefix(segments)
    if index < prefix:
        return klist(of.sort, (*segments[:index], (True, value), *segments[index + 1 :]))
    return BOTTOM if prefix == len(segments) else None


def _range(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    """The list without its first and last items, as many as the arguments say."""
    of, front, back = args[0], _int(args[1]), _int(args[2])
    if front is None or back is None:
        return None
    if front < 0 or back < 0:
        return BOTTOM
    segments = _segments(of)
    prefix = _prefix(segments)
    if prefix == len(segments):
        return BOTTOM if front + back > prefix else klist(of.sort, segments[front : prefix - back])
    if front > prefix or back > _prefix(segments[::-1]):
        return None
    return join_lists(of.sort, [klist(of.sort, segments[front : len(segments) - back])]) if front or back else of


def _size(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    (of,) = args
    return dv(INT, len(of.segments)) if type(of) is KList and of.known and of.defined else None


def _in(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    item, of = args
    if not (item.defined and of.defined):
        return None
    undecided = False
    for is_item, member in _segments(of):
        same = decide(ctx, member, item) if is_item else None
        if same:
            return TRUE
        undecided = undecided or same is None
    return None if undecided else FALSE


def _make(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    length = _int(args[0])
    if length is None or length > SIZE_LIMIT:
        return None
    return BOTTOM if length < 0 else klist(symbol.result, [(True, args[1])] * length)


def _update_all(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    """The first list with the items of the third in the place of its own, from the index on."""
    of, index, other = args[0], _int(args[1]), args[2]
    if index is None:
        return None
    if index < 0:
        return BOTTOM
    if not (isinstance(of, KList) and of.known and isinstance(other, KList) and other.known):
        return None
    made = _overwrite(of, index, other.segments)
    # Nothing is put outside of the list: a list to K's backends, an error to its documentation.
    return BOTTOM if made is None and other.segments else made


def _fill(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    of, index, length = args[0], _int(args[1]), _int(args[2])
    if index is None or length is None:
        return None
    if index < 0 or length < 0:
        return BOTTOM
    if not (isinstance(of, KList) and of.known):
        return None
    if length > len(of.segments):
        return BOTTOM if index else None
    made = _overwrite(of, index, ((True, args[3]),) * length)
    # As above; and the LLVM backend, which alone has the hook, does not look at the length when it begins at 0.
    return BOTTOM if made is None and index and length else made


def _overwrite(of: KList, index: int, items: tuple[tuple[bool, Any], ...]) -> Term | None:
    """Return the list with other items from the index on, None if they do not fit in."""
    end = index + len(items)
    if end > len(of.segments):
        return None
    return klist(of.sort, (*of.segments[:index], *items, *of.segments[end:]))


def _push(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    item, of = args
    return klist(symbol.result, ((True, item), *_segments(of)))


EVALUATORS: Final[dict[str, Evaluator]] = {
    'LIST.unit': _builder('LIST.unit'),
    'LIST.element': _builder('LIST.element'),
    'LIST.concat': _builder('LIST.concat'),
    'LIST.push': _push,
    'LIST.get': _get,
    'LIST.update': _update,
    'LIST.updateAll': _update_all,
    'LIST.fill': _fill,
    'LIST.range': _range,
    'LIST.size': _size,
    'LIST.in': _in,
    'LIST.make': _make,
}
