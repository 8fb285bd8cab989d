"""The hooks of K's KEQUAL: equality of any two terms, and choice by a condition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..terms import FALSE, TRUE
from .equality import decide

if TYPE_CHECKING:
    from ..symbols import Symbol
    from ..terms import Term
    from .context import Evaluator, HookContext, Outcome

__all__ = ['EVALUATORS']


def _eq(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    left, right = args
    if not (left.defined and right.defined):
        return None
    equal = decide(ctx, left, right)
    return None if equal is None else TRUE if equal else FALSE


def _ne(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    equal = _eq(ctx, symbol, args)
    return None if equal is None else FALSE if equal is TRUE else TRUE


def _ite(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    condition, then, otherwise = args
    if condition is TRUE:
        return then
    if condition is FALSE:
        return otherwise
    return then if then is otherwise and condition.defined else None


EVALUATORS: Final[dict[str, Evaluator]] = {'KEQUAL.eq': _eq, 'KEQUAL.ne': _ne, 'KEQUAL.ite': _ite}
