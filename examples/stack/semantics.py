"""What a prover may know about the stack machine: when it has halted, and where it repeats itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyk.kast.inner import KApply, KSequence
from pyk.kcfg.semantics import DefaultSemantics

if TYPE_CHECKING:
    from pyk.cterm.cterm import CTerm

_REPEATED = ('PC_CELL', 'PROGRAM_CELL')
"""The cells that are the same whenever a jump is run again."""


class StackSemantics(DefaultSemantics):
    """Ends a proof branch where the machine has halted, and finds the jumps that loops are made of.

    To count iterations (``bmc-depth``) execution must stop at jumps: make ``STACK.jump`` a cut-point rule.
    """

    def is_terminal(self, c: CTerm) -> bool:
        """Return whether there is nothing left to run, in whichever status."""
        return c.try_cell('K_CELL') == KSequence()

    def is_loop(self, c: CTerm) -> bool:
        """Return whether the next thing to run is an unconditional jump."""
        match c.try_cell('K_CELL'):
            case KSequence((KApply(run, (KApply(instruction),)), *_)):
                return run.name == 'run' and instruction.name == 'jump'
        return False

    def same_loop(self, c1: CTerm, c2: CTerm) -> bool:
        """Return whether both are about to run the same jump of the same program."""
        return self.is_loop(c1) and self.is_loop(c2) and all(c1.try_cell(n) == c2.try_cell(n) for n in _REPEATED)
