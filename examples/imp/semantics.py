"""What a prover may know about imperative programs: when they have ended, and where their loops begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyk.cterm.cterm import CTerm
from pyk.kast.inner import KApply, KSequence, KToken, KVariable
from pyk.kast.manip import set_cell
from pyk.kast.prelude.kint import eqInt, intToken, neqInt
from pyk.kast.prelude.ml import mlEqualsTrue
from pyk.kcfg.kcfg import Branch, Step
from pyk.kcfg.semantics import DefaultSemantics

if TYPE_CHECKING:
    from pyk.cterm.symbolic import CTermSymbolic
    from pyk.kast.inner import KInner
    from pyk.kcfg.kcfg import KCFGExtendResult

_ZERO = intToken(0)
_NUMBERS = frozenset({'_+Int_', '_-Int_', '_*Int_', '_/Int_', '_%Int_', 'largest', 'sign', 'inputAt'})
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


class DivisionSemantics(ImpSemantics):
    """Makes each division by an unknown in two cases, and ends a proof branch where it is by zero.

    No server is asked whether the divisor can be zero: where it cannot, that branch is to be refuted (``refute``). Make
    ``IMP.div`` a cut-point rule, for execution to stop before divisions.
    """

    def is_terminal(self, c: CTerm) -> bool:
        """Return whether the program is done, has failed, or is about to divide by zero."""
        match _items(c):
            case (KApply(label, (_, divisor)), *_) if label.name == 'div':
                return _is_zero(divisor) in c.constraints
        return super().is_terminal(c)

    def can_make_custom_step(self, c: CTerm) -> bool:
        """Return whether a division of two numbers is next, unless it is by a literal."""
        match _items(c):
            case (KApply(label, (dividend, divisor)), *_) if label.name == 'div':
                return (isinstance(dividend, KToken) or _is_number(dividend)) and _is_number(divisor)
        return False

    def custom_step(self, c: CTerm, cs: CTermSymbolic, node_id: int) -> KCFGExtendResult | None:
        """Split before such a division; divide where the divisor is known not to be zero."""
        if not self.can_make_custom_step(c):
            return None
        match _items(c):
            case (KApply(_, (dividend, divisor)), *rest):
                not_zero = mlEqualsTrue(neqInt(divisor, _ZERO))
                if not_zero not in c.constraints:
                    return Branch([_is_zero(divisor), not_zero])
                divided = KSequence(KApply('_/Int_', dividend, divisor), *rest)
                return Step(CTerm(set_cell(c.config, 'K_CELL', divided), c.constraints), 1, (), ['IMP.div'])
        return None


def _is_number(term: KInner) -> bool:
    """Return whether a term is an unknown number, and not an expression that is still to be evaluated."""
    return isinstance(term, KVariable) or (isinstance(term, KApply) and term.label.name in _NUMBERS)


def _is_zero(divisor: KInner) -> KInner:
    """Return the condition of the branch in which a divisor is zero."""
    return mlEqualsTrue(eqInt(divisor, _ZERO))
