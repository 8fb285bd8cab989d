"""The hooks of K's BOOL.

The symbolic cases drop an argument only where it is certainly defined, except after the first argument of `andThen` and
`orElse`, which K does not evaluate when the first decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..symbols import BOOL
from ..terms import DV, FALSE, TRUE, App, app, dv

if TYPE_CHECKING:
    from ..symbols import Symbol
    from ..terms import Term
    from .context import Evaluator, HookContext, Outcome

__all__ = ['EVALUATORS']


def _negate(ctx: HookContext, term: Term) -> Outcome:
    if isinstance(term, DV):
        return FALSE if term.value else TRUE
    if isinstance(term, App) and term.symbol.attributes.hook == 'BOOL.not':
        return term.args[0]
    symbol = ctx.hook_symbol('BOOL.not')
    return None if symbol is None else app(symbol, (term,))


def _not(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    (term,) = args
    if isinstance(term, DV):
        return FALSE if term.value else TRUE
    if isinstance(term, App) and term.symbol.attributes.hook == 'BOOL.not':
        return term.args[0]
    return None


def _and(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    left, right = args
    if left is TRUE:
        return right
    if right is TRUE or left is right:
        return left
    if (left is FALSE and right.defined) or (right is FALSE and left.defined):
        return FALSE
    return None


def _or(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    left, right = args
    if left is FALSE:
        return right
    if right is FALSE or left is right:
        return left
    if (left is TRUE and right.defined) or (right is TRUE and left.defined):
        return TRUE
    return None


def _and_then(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    return FALSE if args[0] is FALSE else _and(ctx, symbol, args)


def _or_else(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    return TRUE if args[0] is TRUE else _or(ctx, symbol, args)


def _implies(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    left, right = args
    if left is TRUE:
        return right
    if right is FALSE:
        return _negate(ctx, left)
    if (left is FALSE and right.defined) or (right is TRUE and left.defined):
        return TRUE
    if left is right and left.defined:
        return TRUE
    return None


def _xor(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    left, right = args
    if left is FALSE:
        return right
    if right is FALSE:
        return left
    if left is TRUE:
        return _negate(ctx, right)
    if right is TRUE:
        return _negate(ctx, left)
    return FALSE if left is right and left.defined else None


def _eq(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    left, right = args
    if isinstance(left, DV) and isinstance(right, DV):
        return dv(BOOL, left is right)
    if left is TRUE:
        return right
    if right is TRUE:
        return left
    if left is FALSE:
        return _negate(ctx, right)
    if right is FALSE:
        return _negate(ctx, left)
    return TRUE if left is right and left.defined else None


EVALUATORS: Final[dict[str, Evaluator]] = {
    'BOOL.not': _not,
    'BOOL.and': _and,
    'BOOL.or': _or,
    'BOOL.andThen': _and_then,
    'BOOL.orElse': _or_else,
    'BOOL.implies': _implies,
    'BOOL.xor': _xor,
    'BOOL.ne': _xor,
    'BOOL.eq': _eq,
}
