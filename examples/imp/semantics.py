"""What a prover may know about imperative programs: when they have ended, and where their loops begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyk.kast.inner import KApply, KSequence
from pyk.kcfg.semantics import DefaultSemantics

if TYPE_CHECKING:
    from pyk.cterm.cterm import CTerm
    from pyk.kast.inner import KInner

_FAILURES = frozenset({'undeclared', 'redeclared', 'divisionByZero'})


def _items(state: CTerm) -> tuple[KInner, ...]:
    """Return the items of the ``<k>`` cell, the first one being next."""
    content = state.try_cell('K_CELL')
    if isinstance(content, KSequence):
        return content.items
    return () if content is None else (content,)


class ImpSemantics(DefaultSemantics):
    """Ends a proof branch where a program has ended, and finds the heads of ``while`` loops.

    To count iterations (``bmc-depth``) execution must stop at loop heads: make ``IMP.while`` a cut-point rule.
    """

    def is_terminal(self, c: CTerm) -> bool:
        """Return whether the program is done or has failed."""
        match _items(c):
            case ():
                return c.try_cell('K_CELL') is not None
            case (KApply(label),):
                return label.name in _FAILURES
        return False

    def is_loop(self, c: CTerm) -> bool:
        """Return whether the next statement is a loop."""
        match _items(c):
            case (KApply(label), *_):
                return label.name == 'while'
        return False

    def same_loop(self, c1: CTerm, c2: CTerm) -> bool:
        """Return whether both are about to run the same loop with the same statements after it."""
        return self.is_loop(c1) and _items(c1) == _items(c2)
