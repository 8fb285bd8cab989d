"""How long a run is expected to take still, from what earlier runs spent on its claims. A pure function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..engine.values import Phase, Status
from .text import count, duration

if TYPE_CHECKING:
    from ..engine.values import ClaimProgress, RunSummary


@dataclass(frozen=True)
class Estimate:
    """What is expected to be left of a run.

    Attributes:
        seconds: Wall-clock time.
        unknown: Claims that no earlier run has worked on; they are taken to be as long as the others on average.
    """

    seconds: float
    unknown: int

    def __str__(self) -> str:
        text = f'about {duration(self.seconds)} left' if self.seconds >= 1 else 'nearly done'
        return f'{text} ({count(self.unknown, "claim")} never run before)' if self.unknown else text


def expected_left(summary: RunSummary) -> Estimate | None:
    """The estimate, `None` where nothing is known of any claim, or nothing is left.

    The work left is divided among the workers; the run is not expected to end before its longest claim.
    """
    proofs: dict[str, ClaimProgress] = {}
    for claim in summary.claims:
        proofs.setdefault(claim.proof or claim.claim, claim)
    unsettled = [claim for claim in proofs.values() if claim.phase is not Phase.SETTLED]
    known = [claim.left + claim.seconds for claim in unsettled if claim.left is not None]
    decided = (Status.PASSED, Status.FAILED)
    known += [c.seconds for c in proofs.values() if c.phase is Phase.SETTLED and c.status in decided and c.requests]
    if not unsettled or not known:
        return None
    typical = sum(known) / len(known)
    left = [max(typical - c.seconds, 0.0) if c.left is None else c.left for c in unsettled]
    # What one claim has left can be done by as many workers as it has pending nodes, once it is running.
    alone = (work / max(min(claim.pending, summary.workers), 1) for claim, work in zip(unsettled, left, strict=True))
    seconds = max(sum(left) / max(summary.workers, 1), *alone)
    return Estimate(seconds, sum(claim.left is None for claim in unsettled))
