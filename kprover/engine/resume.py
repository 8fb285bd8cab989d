"""What the store already knows of a proof: its verdict, and its journal, replayed commit by commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import ledger
from .values import Failure, Phase, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from .ledger import ReadableStore
    from .proof_run import ProofRun
    from .step_request import StepRequest


def take_verdict(proof: ProofRun, verdict: Mapping[str, Any]) -> None:
    """Settle a proof whose verdict stands; its digest says that no input has changed."""
    proof.steps = proof.reused = verdict['steps']
    proof.reason = verdict['reason']
    proof.failures = tuple(Failure.from_dict(failure) for failure in verdict['failures'])
    proof.final_counts = (verdict['nodes'], 0, verdict['failing'], verdict['bounded'])
    proof.depth = verdict.get('depth', 0)
    proof.unmade = verdict['imported']
    proof.vacuous = bool(verdict.get('vacuous'))
    proof.status = Status(verdict['status'])
    proof.phase = Phase.SETTLED


def replay(
    store: ReadableStore,
    proof: ProofRun,
    told: Callable[[int, str], None] | None = None,
    may_use: Callable[[int, str, Mapping[str, Any]], bool] = lambda node, key, header: True,
) -> int | None:
    """Commit what the journal says. Returns the number of the first commit that cannot be made, if any.

    Args:
        told: Called with node and step key of each commit.
        may_use: Whether a commit may be made, given node, step key and the step's header.
    """
    readable: set[str] = set()
    for sequence, (node, key) in enumerate(ledger.read_journal(store, proof.digest)):
        header = ledger.read_step(store, key, readable)
        if header is None or not proof.fits(node, key, header) or not may_use(node, key, header):
            return sequence
        proof.commit(node, header)
        proof.reused += 1
        if told is not None:
            told(node, key)
    return None


def reopen(store: ReadableStore, proof: ProofRun) -> bool:
    """Bring a new `proof` to where its journal ends. Whether it was ever prepared."""
    prepared = ledger.read_proof(store, proof.digest)
    if prepared is None or 'imported' in prepared:
        return False
    proof.open(prepared)
    replay(store, proof)
    return True


def follow(store: ReadableStore, proof: ProofRun) -> Iterator[tuple[StepRequest, tuple[str, dict[str, Any]] | None]]:
    """Commit what the store has for the open nodes of a proof, and for those that come of it, as the next run would.

    Yields:
        The request at each node, with key and header of its step if the store has it.
    """
    pending = list(proof.open_nodes)
    while pending:
        node = pending.pop()
        if proof.goes_round(node):
            continue
        request = proof.request(node)
        found = ledger.find_step(store, request)
        yield request, found
        if found is not None:
            pending += proof.commit(node, found[1])


def is_whole(store: ReadableStore, proof: ProofRun) -> bool:
    """Whether a finished proof can be rebuilt from the store; `proof` is new, and is used up.

    What the steps of a proof of a user's own kind have come to is seen where it is needed.
    """
    return reopen(store, proof) and (proof.admitted or proof.exhausted or proof.frontier is not None)


def missing(store: ReadableStore, proof: ProofRun, verdict: Mapping[str, Any] | None) -> str:
    """What the store lacks of a decided proof, in words; empty if nothing. `proof` is new, and is used up.

    Args:
        verdict: The header of the verdict that stands, if one does.
    """
    if verdict is None:
        return 'a verdict for what it is now'
    if not verdict['steps']:  # trusted, or decided by a claim that it depends on
        return ''
    if not reopen(store, proof):
        return 'the beginning of its proof'
    lost = verdict['steps'] - proof.steps
    return f'{lost} of its {verdict["steps"]} steps' if lost > 0 else ''
