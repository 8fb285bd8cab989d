"""Proofs of the checkpoint store as pyk's own objects and proof folders.

The graph is pyk's: `proofs.rebuild` replays the journal through `Proof.commit`, and pyk's `write_proof_data` writes it.
A proof takes the label of its claim as its id and the claims that it depends on as its subproofs, as
`APRProof.from_claim` has it.
"""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pyk.proof.reachability import APRProof

from ..engine import ledger
from ..engine.known import unopened
from ..engine.plan import dependencies_first
from ..engine.resume import replay as replay_journal
from ..proofs.codec import TermCache
from ..proofs.rebuild import replay
from .errors import PykFilesError
from .folder import place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from pyk.proof.implies import EqualityProof

    from ..engine.plan import PlannedProof
    from ..proofs.rebuild import Replayed
    from ..store import StoreReader


KINDS: Final = ('reachability', 'equality')
"""The kinds of proofs that are pyk's own."""


def export_proof(
    store: StoreReader,
    proofs: Mapping[str, PlannedProof],
    digest: str,
    folder: Path,
    *,
    replace: bool = False,
    minimize: bool = False,
) -> list[Path]:
    """Write a proof and those that it depends on into `folder`, each as a whole or not at all.

    Args:
        proofs: The planned proofs by digest, among them `digest` and what it depends on.
        folder: pyk's proof folder; made if it is not there.
        replace: Whether other proofs of the same ids there may be replaced; equal ones are left as they are.
        minimize: Whether the graphs are minimized, see `minimized`.

    Returns:
        The folders of the proofs, the one asked for last.

    Raises:
        PykFilesError: there is no such proof in the store yet, or a step in it that is not its own, or another one of
            its id in the folder.
        MissingRecord: a record of the proof is damaged.
        OSError: the folder cannot be written.
    """
    order = dependencies_first(proofs, [digest])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix='.kprover-', dir=folder) as scratch:
        written: dict[str, APRProof | EqualityProof] = {}
        names: dict[str, None] = {}
        for each in order:
            if wrong := out_of_place(store, proofs[each]):
                raise PykFilesError(f'{wrong}; nothing was written')
            replayed = stored_proof(store, proofs[each], Path(scratch))
            proof = (minimized(replayed) if minimize else replayed).proof
            refutations = list(proof.node_refutations.values()) if isinstance(proof, APRProof) else []
            for refutation in refutations:
                refutation.write_proof_data()
            for dependency in proofs[each].dependencies:
                proof.add_subproof(written[dependency])
            proof.write_proof_data()
            written[each] = proof
            names |= dict.fromkeys([*(refutation.id for refutation in refutations), proof.id])
        return place(Path(scratch), folder, list(names), replace=replace)


def minimized(replayed: Replayed) -> Replayed:
    """A proof with the graph that pyk's `KCFGMinimizer` makes of its own: edges after edges and after splits joined.

    The nodes that remain keep their numbers; those that it makes have no depth. An equality is returned as it is.
    """
    proof = replayed.proof
    if not isinstance(proof, APRProof):
        return replayed
    proof.minimize_kcfg()
    terms = TermCache()
    hashes = {
        node.id: replayed.terms[node.id] if node.id in replayed.terms else terms.encode(node.cterm)[0]
        for node in proof.kcfg.nodes
    }
    return dataclasses.replace(replayed, terms=hashes)


def stored_proof(store: StoreReader, planned: PlannedProof, proof_dir: Path | None = None) -> Replayed:
    """A proof of the store as it is after the commits in its journal; its id is the label of its claim.

    Args:
        proof_dir: Where pyk will write it, if it is to be written.

    Raises:
        PykFilesError: the store has no such proof yet, or its claim's label cannot be the name of a folder.
        MissingRecord: a record is damaged.
    """
    claim = planned.claim
    header = ledger.read_proof(store, planned.digest)
    if header is None:
        raise PykFilesError(
            f'{claim.name}: expected a proof of the claim as it is now in {store.path}, found none; prove it first, '
            f'if only for a moment: luigi --module pipelines ProveClaim --claim {claim.name}'
        )
    if header['kind'] not in KINDS:
        raise PykFilesError(f'{claim.name}: is proved by a prover of its own, and pyk has no files for what it makes')
    if proof_dir is not None and (claim.label in ('.', '..') or Path(claim.label).name != claim.label):
        raise PykFilesError(f'{claim.name}: expected a label that can name a folder, found {claim.label!r}')
    replayed = replay(store, planned.digest, id=claim.label, proof_dir=proof_dir)
    if isinstance(replayed.proof, APRProof):
        replayed.proof.set_exec_time(_seconds(store, planned.digest))
    return replayed


def out_of_place(store: StoreReader, planned: PlannedProof) -> str:
    """What is wrong with the journal of a proof that is in the store, in a line; empty if nothing is.

    The key of every step is computed again, as a run does: a step of another state, or of other inputs, is no part of
    the proof, and neither is what was built on it.
    """
    header = ledger.read_proof(store, planned.digest)
    if header is None:
        return ''
    proof = unopened(planned)
    proof.open(header)
    number = replay_journal(store, proof)
    if number is None:
        return ''
    node, key = ledger.read_journal(store, planned.digest)[number]
    return (
        f'{planned.claim.name}: step {key[:12]} at node {node} is not the one that the proof asks for there, or not as '
        'it was stored; the next run makes it and all after it again, and `kprover audit` says more'
    )


def _seconds(store: StoreReader, digest: str) -> float:
    """Time that workers spent on the steps of a proof, whenever that was."""
    headers = (store.header(ledger.step_row(key)) for _, key in ledger.read_journal(store, digest))
    seconds = sum(float(header.get('seconds', 0.0)) for header in headers if header is not None)
    return round(seconds, 6)
