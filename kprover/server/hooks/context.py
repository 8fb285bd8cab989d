"""What a hook may ask of the definition it works in, and the types shared by all hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from ..terms import Bottom, Term

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..symbols import Sort, Symbol

__all__ = ['SIZE_LIMIT', 'Evaluator', 'HookContext', 'Outcome']

SIZE_LIMIT: Final = 1 << 24
"""Characters of a string, bytes, items of a list that a hook makes at most. A larger result is left as a term: a
request must not take the memory of all others."""

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
