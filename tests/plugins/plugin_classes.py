"""Classes of a user's, good and bad ones, for suites of the tests; imported by worker processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyk.kcfg.kcfg import Stuck

from examples.cases import Cases, CasesProver
from examples.stack.semantics import StackSemantics

if TYPE_CHECKING:
    from pyk.cterm.cterm import CTerm
    from pyk.kcfg.explore import KCFGExplore


class Raising(StackSemantics):
    def custom_step(self, c: CTerm, cs: Any, node_id: int) -> Any:
        raise KeyError('GAS_CELL')


class Mistyped(StackSemantics):
    def is_terminal(self, c: CTerm) -> Any:
        return None


class Misextended(StackSemantics):
    def custom_step(self, c: CTerm, cs: Any, node_id: int) -> Any:
        return Stuck  # the class, not an object of it


class Counting(StackSemantics):
    """Needs an argument."""

    def __init__(self, *, least: int):
        super().__init__()
        assert least == 3


class NoEnds(StackSemantics):
    """Knows better than to take an unknown `<k>` cell for an end."""

    def is_open_end(self, c: CTerm) -> bool:
        return False


class FailingProver(CasesProver):
    def step_proof(self, step: Any) -> Any:
        raise ZeroDivisionError('by cases')
        yield  # a generator raises only when it is gone through


class FailingCases(Cases):
    def prover(self, explore: KCFGExplore) -> CasesProver:
        return FailingProver(explore)


class TextualCases(Cases):
    def write_step(self, step: Any) -> Any:
        return 'text'


class Reluctant(Cases):
    """Has nothing to do, and no opinion."""

    def begin(self, claim: Any, definition: Any) -> Any:
        proof = super().begin(claim, definition)
        proof.get_steps = list  # type: ignore[method-assign]
        return proof
