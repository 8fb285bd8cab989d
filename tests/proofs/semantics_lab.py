"""Semantics classes that use what the examples' own classes do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyk.cterm.cterm import CTerm
from pyk.kast.inner import KVariable
from pyk.kast.manip import set_cell
from pyk.kcfg.kcfg import Step

from examples.imp.semantics import ImpSemantics
from examples.prelude import MAP

if TYPE_CHECKING:
    from pyk.cterm.symbolic import CTermSymbolic
    from pyk.kcfg.kcfg import KCFGExtendResult


class Abstracting(ImpSemantics):
    """Forgets the values of all variables at a loop."""

    def abstract_node(self, c: CTerm) -> CTerm:
        if not self.is_loop(c) or isinstance(c.try_cell('STATE_CELL'), KVariable):
            return c
        return CTerm(set_cell(c.config, 'STATE_CELL', KVariable('ANY', MAP)), c.constraints)


class Stepping(ImpSemantics):
    """Makes single rewrite steps by requests of its own, and leaves branches to pyk."""

    def custom_step(self, c: CTerm, cs: CTermSymbolic, node_id: int) -> KCFGExtendResult | None:
        executed = cs.execute(c, depth=1)
        if executed.depth != 1 or executed.next_states:
            return None
        return Step(executed.state, 1, (), ['own'])


class NoEnds(ImpSemantics):
    """Knows better than to take an unknown `<k>` cell for an end."""

    def is_open_end(self, c: CTerm) -> bool:
        return False
