"""What a hook may ask of the definition it works in, the types shared by all hooks, and what all of them obey."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from ..terms import BOTTOM, Bottom, Term

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..symbols import Sort, Symbol

__all__ = ['SIZE_LIMIT', 'WORD_LIMIT', 'Evaluator', 'HookContext', 'Outcome', 'keeping_totality']

SIZE_LIMIT: Final = 1 << 24
"""Characters of a string, bytes, items of a list that a hook makes at most. A larger result is left as a term: a
request must not take the memory of all others."""

WORD_LIMIT: Final = 1 << 62
"""Indices and lengths of at least this size mean something else to K's backends, which cut them to a machine word."""

Outcome: TypeAlias = 'Term | Bottom | None'
"""A term; `BOTTOM` if the application has no value; None if it cannot be evaluated, or not yet."""


class HookContext(Protocol):
    """The part of a definition that hooks depend on."""

    def hook_symbol(self, hook: str) -> Symbol | None:
        """Return a symbol with the given hook, such as `BOOL.not`, or None if the definition has none."""

    def subsort(self, lower: Sort, upper: Sort) -> bool:
        """Whether `lower` is `upper` or below it."""

    def sorts_disjoint(self, one: Sort, other: Sort) -> bool:
        """Whether no value has both sorts."""


if TYPE_CHECKING:
    Evaluator: TypeAlias = Callable[[HookContext, Symbol, tuple[Term, ...]], Outcome]
else:
    Evaluator = object


def keeping_totality(evaluate: Evaluator) -> Evaluator:
    """Return `evaluate` for symbols of any declaration: one that is declared total never gets `BOTTOM` for its value.

    A hook is told by its name, whatever the symbol promises. Where it finds no value and the symbol is declared to have
    one, the value is not known, and the application stays a term.
    """

    def evaluate_keeping_totality(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
        made = evaluate(ctx, symbol, args)
        return None if made is BOTTOM and symbol.total else made

    return evaluate_keeping_totality
