"""The words of a verdict: with what reservation a proof has passed, and at which nodes it has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .values import Failure, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .frontier import Frontier
    from .proof_run import ProofRun


def reservations(proof: ProofRun, runs: Mapping[str, ProofRun]) -> str:
    """With what reservation a proof has passed, so that nobody reads more into it; empty if with none.

    Args:
        runs: The proofs that it depends on, by digest.
    """
    notes = imported_steps(proof)
    bounded = proof.counts[3]
    if bounded:
        notes.append(f'{bounded} branches left at the loop bound')
    if proof.index is not None and proof.index.vacuous and not proof.index.covered:
        notes.append('vacuous: no state satisfies the precondition or reaches an end')
    for digest in proof.planned.dependencies:
        dependency = runs[digest]
        if dependency.admitted:
            notes.append(f'assumes {dependency.planned.claim.name}, which is trusted')
        elif dependency.reason:
            notes.append(f'{dependency.planned.claim.name}: {dependency.reason}')
    return '; '.join(notes)


def imported_steps(proof: ProofRun) -> list[str]:
    """A note for each proof from elsewhere that steps of this one were taken from: nobody here has made them."""
    return [
        f'{count} of {proof.steps} steps imported from {origin}, not re-executed'
        for origin, count in sorted(proof.imported.items())
    ]


def word(frontier: Frontier) -> tuple[Status, tuple[Failure, ...], str]:
    """What the prover of a user's own kind of proof has the last word on: status, failures and reason."""
    if frontier.status == 'passed':
        return Status.PASSED, (), ''
    if frontier.status == 'failed':
        return Status.FAILED, (Failure(None, 'prover', frontier.explanation),), 'its prover says that it does not hold'
    return Status.ERROR, (), 'its prover has no step to make, and calls the proof neither passed nor failed'


def failed_reason(proof: ProofRun) -> str:
    """One line that names the failing nodes."""
    failures = proof.failures
    words = {
        'stuck': 'is stuck',
        'terminal': 'ended in a terminal state',
        'open-end': 'has nothing left to execute but the unknown rest of its <k> cell',
    }
    first = failures[0]
    text = f'node {first.node} {words.get(first.reason, first.reason)} and does not reach the target'
    if len(failures) > 1:
        text += f', and {len(failures) - 1} more'
    return '; '.join([text, *imported_steps(proof)])
