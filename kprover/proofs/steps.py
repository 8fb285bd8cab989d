"""One step of a proof, made by pyk's own provers from plain values.

A step is given as the hash of its node and what else pyk's `APRProofStep` holds; the terms come along as blobs. pyk's
`step_proof` is called as it is, with a server that has the modules of the step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyk.kcfg.kcfg import KCFG
from pyk.proof.implies import EqualityProof, ImpliesProofStep, ImpliesProver
from pyk.proof.reachability import APRProofStep, APRProver
from pyk.utils import FrozenDict

from .codec import canonical, pack, sha256, unpack
from .errors import BackendError, MissingRecord
from .results import FORMAT, readable, write_equality_result, write_results
from .semantics import OPEN_END, GuardedSemantics
from .vacuity import UNSATISFIABLE, equality_is_vacuous, first_step_is_vacuous

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, Final

    from pyk.cterm.cterm import CSubst, CTerm
    from pyk.kcfg.explore import KCFGExplore

    from .codec import TermCache
    from .results import Written

_TARGET_ID: Final = -1
_ID_HEX_DIGITS: Final = 12


class _Prover(APRProver):
    """pyk's prover; `compared` says whether it has compared the node with the target, which it does not always do."""

    compared: bool = False

    def _check_subsume(self, node: KCFG.Node, target_node: KCFG.Node, proof_id: str) -> CSubst | None:
        self.compared = True
        return super()._check_subsume(node, target_node, proof_id)


def refuse_capture(transitions: Iterable[tuple[CTerm, Sequence[CTerm]]], universals: frozenset[str]) -> None:
    """A state must not bring back, as a fresh variable, the name of a universal one that the state before had dropped.

    Args:
        transitions: States with the states that follow them.

    Raises:
        BackendError: it does; the target would then speak of another value.
    """
    for state, following in transitions:
        dropped = universals.difference(state.free_vars)
        for cterm in following if dropped else ():
            if captured := dropped.intersection(cterm.free_vars):
                raise BackendError(
                    f'A fresh variable has the name of a variable of the claim: {", ".join(sorted(captured))}; '
                    'rename it in the claim'
                )


def reachability_step(
    header: Mapping[str, Any], blobs: Mapping[str, bytes], *, explore: KCFGExplore, terms: TermCache
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """A step of a reachability proof.

    Args:
        header: `node`, `target`, `path` (hashes), `module` (where to execute), `prior_loops` (positions in the path),
            `execute_depth`, `cut_point_rules`, `terminal_rules`, `circularity`, `nonzero_depth`, `circularity_rule`,
            `use_cache`, `bmc_depth`, `assume_defined`, `fast_check_subsumption`, `universals`, `initial` (whether the
            node is the first of its proof).
        blobs: The terms by hash.

    Returns:
        `results` in pyk's order, `rewrites`, and `compared: False` where the target was not looked at, so that the
        results are those for every target that is as terminal as this one; the new terms by hash and the `detail` for
        `rebuild`.
    """
    step = _proof_step(header, blobs, terms)
    prover = _Prover(
        explore,
        execute_depth=header['execute_depth'],
        cut_point_rules=tuple(header['cut_point_rules']),
        terminal_rules=tuple(header['terminal_rules']),
        fast_check_subsumption=bool(header.get('fast_check_subsumption')),
        assume_defined=bool(header.get('assume_defined')),
    )
    results = prover.step_proof(step)
    written = write_results(results, step.node.cterm, terms=terms, pretty=explore.pretty_print)
    refuse_capture(written.transitions, frozenset(header.get('universals', ())))
    _say_why_stuck(written, step.node.cterm, explore)
    detail = {'format': FORMAT, 'results': written.details}
    answer = {'results': written.results, 'rewrites': written.rewrites}
    if not prover.compared:
        answer['compared'] = False
    if header.get('initial') and first_step_is_vacuous(written.results, step.node.cterm, explore):
        answer['precondition'] = UNSATISFIABLE
    return answer, written.blobs | {'detail': pack(detail)}


def _say_why_stuck(written: Written, state: CTerm, explore: KCFGExplore) -> None:
    """Give the reason where a state is stuck because only the unknown rest of its `<k>` cell is left."""
    for result in written.results:
        extension = result.get('extension')
        semantics = explore.kcfg_semantics
        if extension is None or extension['kind'] != 'stuck' or not isinstance(semantics, GuardedSemantics):
            continue
        if semantics.is_open_end(state):
            result['extension'] = {**extension, 'reason': OPEN_END}


def equality_step(
    header: Mapping[str, Any], blobs: Mapping[str, bytes], *, explore: KCFGExplore
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The one step of an equality proof: `proof` is its hash and its blob.

    Returns:
        A result with `passed`, with an `explanation` if it has not, and `vacuous` where nothing satisfies the
        condition; the `detail` for `rebuild`.
    """
    if 'proof' not in blobs:
        raise MissingRecord(f'Expected a blob for the equality {header["proof"]}, found none.')
    dct = unpack(blobs['proof'])
    if (found := sha256(canonical(dct))) != header['proof']:
        raise MissingRecord(f'Expected the equality {header["proof"]}, found another one: {found}')
    proof = EqualityProof.from_dict({**dct, 'admitted': False})
    prover = ImpliesProver(proof, explore, assume_defined=bool(header.get('assume_defined')))
    (result,) = prover.step_proof(ImpliesProofStep(proof))
    entry: dict[str, Any] = {'kind': 'equality', 'passed': result.csubst is not None}
    if result.csubst is not None and equality_is_vacuous(result, explore):
        entry['vacuous'] = True
    if result.csubst is None and result.simplified_antecedent and result.simplified_consequent:
        entry['explanation'] = '\n'.join(
            (
                'The equality does not follow from the condition.',
                f'Condition: {readable(result.simplified_antecedent, explore.pretty_print)}',
                f'Equality: {readable(result.simplified_consequent, explore.pretty_print)}',
            )
        )
    return {'results': [entry], 'rewrites': 0}, {'detail': pack(write_equality_result(result))}


def _proof_step(header: Mapping[str, Any], blobs: Mapping[str, bytes], terms: TermCache) -> APRProofStep:
    path = tuple(
        KCFG.Node(position, terms.decode(term, blobs.get)) for position, term in enumerate(header.get('path', ()))
    )
    loops = {int(position): tuple(earlier) for position, earlier in header.get('prior_loops', {}).items()}
    return APRProofStep(
        node=KCFG.Node(_node_id(header['node'], len(path)), terms.decode(header['node'], blobs.get)),
        target=KCFG.Node(_TARGET_ID, terms.decode(header['target'], blobs.get)),
        proof_id=str(header.get('claim', '')),
        bmc_depth=header.get('bmc_depth'),
        use_cache=_TARGET_ID if header.get('use_cache') else None,  # which node's cache, only the driver knows
        module_name=header['module'],
        shortest_path_to_node=path,
        prior_loops_cache=FrozenDict(loops),
        circularity=header['circularity'],
        nonzero_depth=header['nonzero_depth'],
        circularity_rule_id=header.get('circularity_rule') or '',
    )


def _node_id(term: str, positions: int) -> int:
    """A number for the node of a step, apart from the positions in its path.

    A semantics may name fresh variables after it (`custom_step`), so it must differ where the terms differ, and be
    the same for the same term: a constant would let two steps on one path share a variable.
    """
    return positions + int(term[:_ID_HEX_DIGITS], 16)
