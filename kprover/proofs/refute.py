"""Refutation of failing nodes: showing that no execution gets to the branch of the graph that they end.

As `APRProof.refute_node` has it: the last split before a node gave its branch a condition, and what was known before
the split contradicts it. pyk's `construct_node_refutation` states that as a `RefutationProof`, its `ImpliesProver`
proves it. A node counts as refuted only with such a proof that has passed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyk.cterm.cterm import CSubst
from pyk.kcfg.kcfg import KCFG
from pyk.proof.implies import ImpliesProofStep, ImpliesProver
from pyk.proof.reachability import APRProof

from .codec import pack
from .errors import MissingRecord
from .results import readable, write_equality_result

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from pyk.cterm.cterm import CTerm
    from pyk.kcfg.explore import KCFGExplore
    from pyk.proof.implies import ImpliesProofResult, RefutationProof

    from .codec import TermCache


def refutation_step(
    header: Mapping[str, Any], blobs: Mapping[str, bytes], *, explore: KCFGExplore, terms: TermCache
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Try to refute the branch that a split begins.

    Args:
        header: `source` and `branch` (hashes of the state before the split and of the branch), `assume_defined`.
        blobs: The two terms by hash.

    Returns:
        A result with `passed` and the `condition` of the branch; the `detail` for `rebuild`, without a result where
        pyk cannot state the refutation.
    """
    source, branch = (terms.decode(header[name], blobs.get) for name in ('source', 'branch'))
    entry: dict[str, Any] = {'kind': 'refutation', 'passed': False}
    detail: dict[str, Any] = {'kind': 'refutation', 'result': None}
    proof = refutation(source, branch, id=header['branch'])
    if proof is not None:
        entry['condition'] = readable(proof.last_constraint, explore.pretty_print)
        prover = ImpliesProver(proof, explore, assume_defined=bool(header.get('assume_defined')))
        (result,) = prover.step_proof(ImpliesProofStep(proof))
        entry['passed'] = result.csubst is not None
        detail['result'] = write_equality_result(result)
    return {'results': [entry], 'rewrites': 0}, {'detail': pack(detail)}


def refutation(source: CTerm, branch: CTerm, *, id: str, proof_dir: Path | None = None) -> RefutationProof | None:
    """The proof that nothing gets from a state to one branch of its split; `None` where pyk cannot state it.

    It is the one that pyk constructs for every node behind that branch with no other branching between.
    """
    kcfg = KCFG()
    before, behind, beside = (kcfg.create_node(cterm) for cterm in (source, branch, source))  # pyk wants two branches
    csubst = source.match_with_constraint(branch)
    if csubst is None:
        return None
    kcfg.create_split(before.id, [(behind.id, csubst), (beside.id, CSubst())])
    try:
        proof = APRProof('SPLIT', kcfg, [], before.id, behind.id, {}).construct_node_refutation(behind)
    except ValueError:  # a condition that is no term of sort Bool
        return None
    if proof is not None:
        proof.id, proof.proof_dir = id, proof_dir
    return proof


def refute(
    proof: APRProof, node_id: int, source: CTerm, branch: CTerm, result: ImpliesProofResult | None, *, passed: bool
) -> None:
    """Commit an attempt to refute a node: one that has passed becomes a subproof, as in `APRProof.refute_node`.

    Raises:
        MissingRecord: the result is not that of the attempt.
    """
    attempt = refutation(source, branch, id=proof.get_refutation_id(node_id), proof_dir=proof.proof_dir)
    if attempt is not None and result is not None:
        attempt.commit(result)
    if passed != (attempt is not None and attempt.passed):
        raise MissingRecord(f'Expected a refutation of node {node_id} that has {"" if passed else "not "}passed')
    if attempt is not None and passed:
        proof.add_subproof(attempt)
        proof.node_refutations[node_id] = attempt
