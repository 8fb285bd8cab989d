"""What earlier runs cost: estimates for the order of steps, and the depth that suited a claim.

One row per claim, written when a run has worked on it and settled it. Estimates choose what runs first and nothing
else, so a wrong one costs time and never a verdict.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .ledger import ReadableStore
    from .plan import Plan
    from .proof_run import ProofRun


@dataclass(frozen=True)
class ClaimHistory:
    """The last run that worked on a claim.

    Attributes:
        seconds: Time that workers spent on it.
        steps: Steps that they made.
        requests: Requests to servers.
        status: How the claim ended.
        depth: The execute depth that its requests had in the end, `None` if it is the suite's.
    """

    seconds: float
    steps: int
    requests: int
    status: str
    depth: int | None = None

    @property
    def spent_in_vain(self) -> float:
        """Seconds spent since the claim last had a verdict."""
        return 0.0 if self.status in ('passed', 'failed') else self.seconds

    def left(self, steps: int) -> float:
        """Seconds of work left when a proof has made `steps` steps.

        Steps are compared, not times: this run's servers may be slower, and then all estimates would sink to 0 long
        before the end. A history that did not get to a verdict knows no end, so all of it counts as left.
        """
        if self.status not in ('passed', 'failed') or not self.steps:
            return self.seconds
        return self.seconds * max(1.0 - steps / self.steps, 0.0)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_dict(dct: Mapping[str, Any]) -> ClaimHistory:
        return ClaimHistory(
            seconds=float(dct['seconds']),
            steps=int(dct['steps']),
            requests=int(dct['requests']),
            status=str(dct['status']),
            depth=None if dct['depth'] is None else int(dct['depth']),
        )


def spent(proof: ProofRun, before: ClaimHistory | None) -> ClaimHistory:
    """What a run has spent on a proof, together with the runs before it that did not settle the proof."""
    resumed = before is not None and before.status not in ('passed', 'failed')
    return ClaimHistory(
        seconds=round(proof.seconds + (before.seconds if before is not None and resumed else 0.0), 3),
        steps=proof.steps,
        requests=proof.requests,
        status=proof.status.value,
        depth=proof.step_size.current,
    )


def history_row(claim: str) -> str:
    return f'history:{claim}'


def read_history(store: ReadableStore, plan: Plan) -> dict[str, ClaimHistory]:
    """The history of each proof of the plan that has one, by its digest."""
    found = {}
    for digest, planned in plan.proofs.items():
        for claim in planned.claims:
            header = store.header(history_row(claim.name))
            if header is not None:
                found[digest] = ClaimHistory.from_dict(header)
                break
    return found


def longest_chains(plan: Plan, history: Mapping[str, ClaimHistory]) -> dict[str, float]:
    """For each proof with history the seconds of the longest chain of proofs that wait for it, one after another.

    The proof itself is not counted; proofs without history count nothing.
    """
    waiting: dict[str, list[str]] = {digest: [] for digest in plan.proofs}
    for digest, planned in plan.proofs.items():
        for dependency in planned.dependencies:
            waiting[dependency].append(digest)
    chains: dict[str, float] = {}
    for start in plan.proofs:
        stack = [start]
        while stack:
            digest = stack[-1]
            missing = [other for other in waiting[digest] if other not in chains]
            if missing:
                stack += missing
                continue
            stack.pop()
            chains[digest] = max(
                (chains[other] + (history[other].seconds if other in history else 0.0) for other in waiting[digest]),
                default=0.0,
            )
    return {digest: chains[digest] for digest in history}
