"""The words of a verdict: with what reservation a proof has passed, and at which nodes it has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .proof_run import ProofRun
    from .values import Failure


def reservations(proof: ProofRun, runs: Mapping[str, ProofRun]) -> str:
    """With what reservation a proof has passed, so that nobody reads more into it; empty if with none.

    Args:
        runs: The proofs that it depends on, by digest.
    """
    notes = []
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


def failed_reason(failures: tuple[Failure, ...]) -> str:
    """One line that names the failing nodes."""
    words = {'stuck': 'is stuck', 'terminal': 'ended in a terminal state'}
    first = failures[0]
    text = f'node {first.node} {words.get(first.reason, first.reason)} and does not reach the target'
    return text if len(failures) == 1 else f'{text}, and {len(failures) - 1} more'
