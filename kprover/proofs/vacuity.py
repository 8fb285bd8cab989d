"""Whether nothing satisfies what a claim requires, so that it holds of no state and says nothing.

A server may say so by itself: an execution ends vacuous, an implication holds under the condition `#Bottom`. It need
not: an implication also holds if the solver finds its left-hand side contradictory, and then looks like any other. So
the server is asked about the initial state, unless that plainly has instances. What it cannot answer is not vacuous.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyk.cterm.cterm import CTerm
from pyk.cterm.symbolic import CTermSMTError
from pyk.kast.inner import KApply, KRewrite, KToken
from pyk.kast.prelude.k import GENERATED_TOP_CELL
from pyk.kast.prelude.ml import is_bottom, is_top
from pyk.kore.rpc import KoreClientError

from .errors import BackendError
from .symbolic import ProofSymbolic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Final

    from pyk.kast.inner import KInner
    from pyk.kast.outer import KDefinition
    from pyk.kcfg.explore import KCFGExplore
    from pyk.proof.implies import ImpliesProofResult

UNSATISFIABLE: Final = 'unsatisfiable'
"""What the answer to the first step of a proof says of its `precondition`, if the server does."""

_NO_ANSWER: Final = (KoreClientError, CTermSMTError, BackendError, ValueError)
"""What a server cannot answer, or answers with what is no state; the loss of a connection is not among them."""

_COLLECTIONS: Final = frozenset(('_Map_', '_|->_', '.Map', '_Set_', 'SetItem', '.Set', '_List_', 'ListItem', '.List'))
_ELEMENTS: Final = frozenset(('_|->_', 'SetItem'))


def first_step_is_vacuous(results: Iterable[Mapping[str, Any]], state: CTerm, explore: KCFGExplore) -> bool:
    """Whether no state is an instance of the initial one; asked of the server where that is open.

    Args:
        results: What the first step has found, as it is told to the driver. What fails the proof, or says already that
            nothing gets here, leaves nothing to be asked.
    """
    results = tuple(results)
    if [result['kind'] for result in results] == ['terminal']:
        return False
    for result in results:
        extension = result.get('extension')
        if result.get('vacuous') or (extension is not None and extension['kind'] in ('stuck', 'vacuous')):
            return False
    symbolic = explore.cterm_symbolic
    assert isinstance(symbolic, ProofSymbolic)
    if _has_instances(state, symbolic.definition):
        return False
    conditions = state.constraints
    try:
        simplified, _ = symbolic.kast_simplify(state.kast)
        if is_bottom(simplified, weak=True):
            return True
        conditions = CTerm.from_kast(simplified).constraints
    except _NO_ANSWER:
        pass
    return bool(conditions) and _solver_refuses(state, symbolic)


def equality_is_vacuous(result: ImpliesProofResult, explore: KCFGExplore) -> bool:
    """Whether the conditions of an equality that holds are contradictory; asked of the server where that is open."""
    condition = result.simplified_antecedent
    if condition is None or is_top(condition, weak=True):
        return False
    if is_bottom(condition, weak=True) or (
        result.csubst is not None and is_bottom(result.csubst.constraint, weak=True)
    ):
        return True
    symbolic = explore.cterm_symbolic
    assert isinstance(symbolic, ProofSymbolic)
    anything = symbolic.definition.empty_config(GENERATED_TOP_CELL)
    return _solver_refuses(CTerm(anything, (condition,)), symbolic)


def _solver_refuses(state: CTerm, symbolic: ProofSymbolic) -> bool:
    """Whether the server's solver finds the conditions of a state contradictory."""
    try:
        return symbolic.is_unsatisfiable(state)
    except _NO_ANSWER:
        return False


def _has_instances(state: CTerm, definition: KDefinition) -> bool:
    """Whether a state is seen to have instances: no condition, no function but collections of different literals."""
    if state.constraints:
        return False
    functions = frozenset(definition.function_labels)
    keys: list[KInner] = []
    pending = [state.config]
    while pending:
        term = pending.pop()
        if isinstance(term, KRewrite):
            return False
        if isinstance(term, KApply):
            name = term.label.name
            if name in _ELEMENTS:
                keys.append(term.args[0])
            elif name in functions and name not in _COLLECTIONS:
                return False
        pending += term.terms
    return len(keys) < 2 or (all(isinstance(key, KToken) for key in keys) and len(set(keys)) == len(keys))
