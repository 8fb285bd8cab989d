"""What a proof with nothing left to do has come to, and in which words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .values import Failure, Status

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from .frontier import Frontier
    from .proof_run import ProofRun


VACUOUS_FAILS: Final = (
    'The claim holds of no state: its precondition contradicts itself, or no execution from it comes to an end.\n'
    'Correct what it requires, or say vacuous = "pass" in its options.'
)
"""What is said of a claim that is not to pass where it is vacuous."""


class Conclusion(NamedTuple):
    """The end of a proof in a run: a verdict where `status` is passed or failed."""

    status: Status
    reason: str
    failures: tuple[Failure, ...] = ()


def conclusion(proof: ProofRun, runs: Mapping[str, ProofRun]) -> Conclusion:
    """What a proof has come to that has no step left to be made, and whose failing nodes have been explained.

    Args:
        runs: The proofs that it depends on, by digest.
    """
    if proof.equality is not None:
        (result,) = proof.equality['results']
        if result['passed']:
            return _passed(proof, runs)
        failure = Failure(None, 'not-equal', result.get('explanation', ''))
        return Conclusion(Status.FAILED, 'the two sides could not be shown equal', (failure,))
    if proof.frontier is not None and not proof.set_aside:
        status, failures, reason = word(proof.frontier)
        return Conclusion(status, reason or reservations(proof, runs), failures)
    failing = proof.index.failing if proof.index is not None else ()
    if failing:
        failures = tuple(proof.failure(node) for node in failing)
        return Conclusion(Status.FAILED, failed_reason(proof, failures), failures)
    if proof.set_aside:
        status, reason = min(proof.set_aside.values(), key=lambda entry: entry[0] is not Status.ERROR)
        return Conclusion(status, reason)
    return _passed(proof, runs)


def _passed(proof: ProofRun, runs: Mapping[str, ProofRun]) -> Conclusion:
    """A proof that has passed, unless it holds of no state and is not to pass then."""
    if vacuous_fails(proof):
        failure = Failure(None, 'vacuous', VACUOUS_FAILS)
        return Conclusion(Status.FAILED, '; '.join([proof.emptiness, *imported_steps(proof)]), (failure,))
    return Conclusion(Status.PASSED, reservations(proof, runs))


def vacuous_fails(proof: ProofRun) -> bool:
    """Whether a proof with nothing left to do fails only for holding of no state."""
    return bool(proof.emptiness) and proof.planned.claim.options.vacuous == 'fail'


def not_in_store(missing: str) -> str:
    """Why a claim is not settled in a run that makes nothing."""
    return f'not in the store: {missing}, and this run was to make nothing'


def counted(number: int, one: str, many: str) -> str:
    """A number with its noun."""
    return f'{number} {one if number == 1 else many}'


def reservations(proof: ProofRun, runs: Mapping[str, ProofRun]) -> str:
    """With what reservation a proof has passed, so that nobody reads more into it; empty if with none.

    Args:
        runs: The proofs that it depends on, by digest.
    """
    notes = imported_steps(proof)
    if proof.planned.claim.one_path:
        notes.append('[one-path], proved of all paths')
    if proof.planned.claim.options.assume_defined:
        notes.append('takes what the target says to have a value (assume-defined)')
    bounded = proof.counts[3]
    if bounded:
        notes.append(f'{counted(bounded, "branch", "branches")} left at the loop bound')
    if proof.emptiness:
        notes.append(proof.emptiness)
    if proof.index is not None and proof.index.refuted:
        notes.append(f'refuted nodes, which no execution gets to: {proof.index.refuted}')
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


def failed_reason(proof: ProofRun, failures: tuple[Failure, ...]) -> str:
    """One line that names the failing nodes."""
    words = {
        'stuck': 'is stuck',
        'terminal': 'ended in a terminal state',
        'open-end': 'has nothing left to execute but the unknown rest of its <k> cell',
    }
    first = failures[0]
    text = f'node {first.node} {words.get(first.reason, first.reason)} and does not reach the target'
    if len(failures) > 1:
        text += f', and {len(failures) - 1} more'
    if proof.planned.claim.one_path:
        text += '; the claim is [one-path] and was tried for all paths, so another path may reach it'
    return '; '.join([text, *imported_steps(proof)])
