"""From the history to what is shown of it: a night's comparison, and the trends of suites and claims."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .compare import WINDOW, compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .compare import Comparison
    from .database import History
    from .values import ClaimResult, Night


@dataclass(frozen=True)
class SuiteNight:
    """One suite in one night.

    Attributes:
        statuses: How many claims had which status.
        requests: Of the proofs that were decided; so are `rewrites` and `seconds`.
    """

    night: Night
    statuses: Mapping[str, int]
    requests: int
    rewrites: int
    seconds: float


def read_comparison(history: History, night: Night) -> Comparison:
    """A night beside the `WINDOW` nights before it."""
    earlier = [(other, history.results(other)) for other in history.nights(WINDOW, before=night.number)]
    return compare(night, history.results(night), earlier, attempted=history.attempted(), inputs=history.inputs)


def read_nights(
    history: History, limit: int, *, until: Night | None = None
) -> list[tuple[Night, dict[str, ClaimResult]]]:
    """The last nights with their results, the earliest first; up to `until` where that is given."""
    nights = history.nights(limit, before=None if until is None else until.number + 1)
    return [(night, history.results(night)) for night in reversed(nights)]


def suite_trends(nights: Sequence[tuple[Night, Mapping[str, ClaimResult]]]) -> dict[str, list[SuiteNight]]:
    """Each suite through the nights that had it, in their order."""
    trends: dict[str, list[SuiteNight]] = {}
    for night, results in nights:
        by_suite: dict[str, list[ClaimResult]] = {}
        for result in results.values():
            by_suite.setdefault(result.suite, []).append(result)
        for suite, found in by_suite.items():
            trends.setdefault(suite, []).append(_suite_night(night, found))
    return trends


def _suite_night(night: Night, results: Iterable[ClaimResult]) -> SuiteNight:
    results = tuple(results)
    decided = [result.cost for result in results if result.decided]
    return SuiteNight(
        night=night,
        statuses=Counter(result.status for result in results),
        requests=sum(cost.requests for cost in decided),
        rewrites=sum(cost.rewrites for cost in decided),
        seconds=sum(cost.seconds for cost in decided),
    )


def claim_trends(
    nights: Sequence[tuple[Night, Mapping[str, ClaimResult]]],
) -> dict[str, list[tuple[Night, ClaimResult]]]:
    """Each claim through the nights that had it, in their order."""
    trends: dict[str, list[tuple[Night, ClaimResult]]] = {}
    for night, results in nights:
        for claim, result in results.items():
            trends.setdefault(claim, []).append((night, result))
    return trends
