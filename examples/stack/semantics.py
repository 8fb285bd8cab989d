"""What a prover may know about the stack machine: when it has halted, where it repeats itself, what needs no server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyk.cterm.cterm import CTerm
from pyk.kast.inner import KApply, KSequence
from pyk.kcfg.kcfg import Step
from pyk.kcfg.semantics import DefaultSemantics

from examples.stack.blocks import run_block
from examples.stack.language import NAME

if TYPE_CHECKING:
    from pyk.cterm.symbolic import CTermSymbolic
    from pyk.kcfg.kcfg import KCFGExtendResult

_REPEATED = ('PC_CELL', 'PROGRAM_CELL')
"""The cells that are the same whenever a jump is run again."""


class StackSemantics(DefaultSemantics):
    """Ends a proof branch where the machine has halted, and finds the jumps that loops are made of.

    To count iterations (``bmc-depth``) execution must stop at jumps: make ``STACK.jump`` a cut-point rule.
    """

    def __init__(self, *, blocks: bool = False):
        """Make the semantics.

        Args:
            blocks: Whether a block of straight-line code is one step, made without a server.
        """
        self._blocks = blocks

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

    def can_make_custom_step(self, c: CTerm) -> bool:
        """Return whether the state begins a block."""
        return self._blocks and run_block(c) is not None

    def custom_step(self, c: CTerm, cs: CTermSymbolic, node_id: int) -> KCFGExtendResult | None:
        """Return the state after the block that this one begins, if there is one."""
        block = run_block(c) if self._blocks else None
        if block is None:
            return None
        rules = [f'{NAME}.{name}' for name in block.names]
        return Step(CTerm(block.configuration, c.constraints), block.rewrites, (), rules, info='block')

    def is_mergeable(self, c1: CTerm, c2: CTerm) -> bool:
        """Return whether both machines have halted in the same status, or are the same."""
        halted = self.is_terminal(c1) and self.is_terminal(c2)
        return c1 == c2 or (halted and c1.try_cell('STATUS_CELL') == c2.try_cell('STATUS_CELL'))
