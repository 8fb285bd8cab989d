"""What the store already knows of a proof: its verdict, and its journal, replayed commit by commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import ledger
from .values import Failure, Phase, Status

if TYPE_CHECKING:
    from .ledger import ReadableStore
    from .proof_run import ProofRun


def take_verdict(store: ReadableStore, proof: ProofRun) -> bool:
    """Settle a proof whose verdict is in the store; its digest says that no input has changed. Whether it is there."""
    verdict = store.header(ledger.verdict_row(proof.digest))
    if verdict is None:
        return False
    proof.steps = proof.reused = verdict['steps']
    proof.reason = verdict['reason']
    proof.failures = tuple(Failure.from_dict(failure) for failure in verdict['failures'])
    proof.final_counts = (verdict['nodes'], 0, verdict['failing'], verdict['bounded'])
    proof.status = Status(verdict['status'])
    proof.phase = Phase.SETTLED
    return True


def replay(store: ReadableStore, proof: ProofRun) -> int | None:
    """Commit what the journal says. Returns the number of the first commit that cannot be made, if any."""
    for sequence, (node, key) in enumerate(ledger.read_journal(store, proof.digest)):
        header = ledger.read_step(store, key)
        if header is None or not proof.is_pending(node):
            return sequence
        proof.commit(node, header)
        proof.reused += 1
    return None


def reopen(store: ReadableStore, proof: ProofRun) -> bool:
    """Bring a new `proof` to where its journal ends. Whether it was ever prepared."""
    prepared = ledger.read_proof(store, proof.digest)
    if prepared is None:
        return False
    proof.open(prepared)
    replay(store, proof)
    return True


def is_whole(store: ReadableStore, proof: ProofRun) -> bool:
    """Whether a finished proof can be rebuilt from the store; `proof` is new, and is used up."""
    return reopen(store, proof) and (proof.admitted or proof.exhausted)
