"""What is new in a night: a pure function of its results and those of the nights before it.

Two results of a claim are comparable in three ways. With equal digests nothing that a verdict depends on has changed:
if they differ all the same, the claim is flaky. With different digests the change of the verdict has a cause, which is
named. Costs are compared between whole proofs only, first by counts, which a busy machine does not change, then by
time, against the spread of earlier nights.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..engine.values import Word
from .values import COUNTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Final

    from .values import ClaimResult, Cost, Night

    Results = Mapping[str, ClaimResult]
    Inputs = Callable[[str], Mapping[str, Any] | None]

WINDOW: Final = 14
"""So many nights before a night are looked at."""

COUNT_GROWTH: Final = 0.05
"""A proof whose counts have grown by more than this part is slower."""

TIME_GROWTH: Final = 0.25
"""A proof is slower if its time is above the usual by more than this part of it, and more than `NOISES` noises."""

NOISES: Final = 3.0
LEAST_SECONDS: Final = 0.5
"""Differences in time below this say nothing."""

LEAST_TIMES: Final = 3
"""So many earlier times are needed to know what is usual."""

_SIGMA: Final = 1.4826
"""The median deviation of normal noise, times this, is its standard deviation."""


class Change(Word):
    """What may be said of a claim; the first that holds is its change. Slowness is said besides."""

    FLAKY = 'flaky'
    NEWLY_FAILING = 'newly failing'
    NEWLY_PASSING = 'newly passing'
    STILL_FAILING = 'still failing'
    UNDECIDED = 'not decided'
    NEVER_ATTEMPTED = 'never attempted'
    NEW = 'new and passing'
    SAME = 'passing as before'


@dataclass(frozen=True)
class CountGrowth:
    """A count of a proof that has grown."""

    name: str
    before: int
    now: int


@dataclass(frozen=True)
class Times:
    """A proof's time beside those of earlier nights that measured it, in seconds.

    Attributes:
        usual: Their median.
        noise: Their spread, as a standard deviation (from the median deviation).
        measured: How many they are.
    """

    now: float
    usual: float
    noise: float
    measured: int

    @property
    def slower(self) -> bool:
        """Whether the time is above what noise explains."""
        excess = self.now - self.usual
        return (
            self.measured >= LEAST_TIMES
            and excess > LEAST_SECONDS
            and excess > TIME_GROWTH * self.usual
            and excess > NOISES * self.noise
        )


@dataclass(frozen=True)
class ClaimComparison:
    """A claim tonight and before.

    Attributes:
        before: Its last earlier result with an outcome, `None` if it has none in the window.
        when: The night of `before`; for a flaky claim the last night that came to another outcome.
        changed: The inputs that differ from those of `before`; empty where they are equal or not known.
        outcomes: For a flaky claim, each night that came to something with the same inputs, the latest first.
        grown: Counts that have grown since the last whole proof.
        times: `None` unless the proof was made tonight and before.
    """

    now: ClaimResult
    change: Change
    before: ClaimResult | None = None
    when: Night | None = None
    changed: tuple[str, ...] = ()
    outcomes: tuple[tuple[Night, str], ...] = ()
    grown: tuple[CountGrowth, ...] = ()
    times: Times | None = None


@dataclass(frozen=True)
class Comparison:
    """A night beside the nights before it.

    Attributes:
        claims: Every claim of the night, in the order of its results.
        gone: Claims of the last night of the same job that this one does not have.
        last: The last finished night of the same job.
        unfinished: Nights since `last` that did not come to their end; this one has gone on from their steps.
    """

    night: Night
    claims: tuple[ClaimComparison, ...]
    gone: tuple[str, ...] = ()
    last: Night | None = None
    unfinished: tuple[Night, ...] = ()
    _by_change: dict[Change, list[ClaimComparison]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        for claim in self.claims:
            self._by_change.setdefault(claim.change, []).append(claim)

    def of(self, change: Change) -> tuple[ClaimComparison, ...]:
        """The claims with this change."""
        return tuple(self._by_change.get(change, ()))

    @property
    def slower_by_counts(self) -> tuple[ClaimComparison, ...]:
        return tuple(claim for claim in self.claims if claim.grown)

    @property
    def slower_by_time(self) -> tuple[ClaimComparison, ...]:
        return tuple(claim for claim in self.claims if claim.times is not None and claim.times.slower)

    @property
    def missed_days(self) -> int:
        """Dates without any night between the last finished one and this one."""
        if self.last is None:
            return 0
        between = {night.date for night in self.unfinished} - {self.night.date, self.last.date}
        return max((self.night.date - self.last.date).days - 1 - len(between), 0)


def compare(
    night: Night,
    results: Results,
    earlier: Sequence[tuple[Night, Results]],
    *,
    attempted: frozenset[str] = frozenset(),
    inputs: Inputs = lambda _: None,
) -> Comparison:
    """What is new in a night.

    Args:
        earlier: Nights before it with their results, the latest first.
        attempted: Claims that were ever attempted, this night included.
        inputs: The fields behind a digest.
    """
    same_job = [(other, found) for other, found in earlier if other.job == night.job]
    last = next(((other, found) for other, found in same_job if other.state == 'finished'), None)
    newer = [other for other, _ in same_job if last is None or other.number > last[0].number]
    return Comparison(
        night=night,
        claims=tuple(
            _compare_claim(
                result,
                [(other, found[claim]) for other, found in earlier if claim in found],
                attempted=claim in attempted,
                inputs=inputs,
            )
            for claim, result in results.items()
        ),
        gone=tuple(claim for claim in last[1] if claim not in results) if last is not None and results else (),
        last=last[0] if last is not None else None,
        unfinished=tuple(newer),
    )


def _compare_claim(
    now: ClaimResult, earlier: Sequence[tuple[Night, ClaimResult]], *, attempted: bool, inputs: Inputs
) -> ClaimComparison:
    with_outcome = [(night, result) for night, result in earlier if result.outcome is not None]
    when, before = with_outcome[0] if with_outcome else (None, None)
    same = tuple((night, str(result.outcome)) for night, result in with_outcome if result.digest == now.digest)
    outcomes = {outcome for _, outcome in same} | ({now.outcome} if now.outcome is not None else set())
    flaky = bool(now.digest) and len(outcomes) > 1
    if flaky:
        change = Change.FLAKY
        when = next((night for night, outcome in same if outcome != now.outcome), when)
    else:
        change = _change(now, before, attempted)
    return ClaimComparison(
        now=now,
        change=change,
        before=before,
        when=when,
        changed=() if before is None or flaky else changed_inputs(inputs(before.digest), inputs(now.digest)),
        outcomes=same if flaky else (),
        grown=_grown(now, earlier),
        times=_times(now, earlier),
    )


def _change(now: ClaimResult, before: ClaimResult | None, attempted: bool) -> Change:
    if now.outcome is None:
        never = now.status == 'not-attempted' and before is None and not attempted
        return Change.NEVER_ATTEMPTED if never else Change.UNDECIDED
    if now.outcome == 'passed':
        if before is None:
            return Change.NEW
        return Change.SAME if before.outcome == 'passed' else Change.NEWLY_PASSING
    return Change.NEWLY_FAILING if before is None or before.outcome == 'passed' else Change.STILL_FAILING


def changed_inputs(before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The names of the inputs that differ; those of options are `options.NAME`."""
    if before is None or now is None:
        return ()
    names: list[str] = []
    for name in sorted({*before, *now}):
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            names += [f'{name}.{key}' for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
        else:
            names.append(name)
    return tuple(names)


def _grown(now: ClaimResult, earlier: Sequence[tuple[Night, ClaimResult]]) -> tuple[CountGrowth, ...]:
    """The counts that have grown since the last night with a whole proof that came to the same verdict."""
    before = next((result for _, result in earlier if result.decided and result.status == now.status), None)
    if not now.decided or before is None:
        return ()
    grown = []
    for name in COUNTS:
        old, new = _count(before.cost, name), _count(now.cost, name)
        if old is not None and new is not None and new > old * (1.0 + COUNT_GROWTH):
            grown.append(CountGrowth(name, old, new))
    return tuple(grown)


def _count(cost: Cost, name: str) -> int | None:
    value: int | None = getattr(cost, name)
    return value


def _times(now: ClaimResult, earlier: Sequence[tuple[Night, ClaimResult]]) -> Times | None:
    """Nights that took the proof from the store have measured nothing."""
    measured = [result.cost.seconds for _, result in earlier if result.worked and result.decided]
    if not now.worked or not now.decided or not measured:
        return None
    usual = statistics.median(measured)
    noise = _SIGMA * statistics.median(abs(seconds - usual) for seconds in measured)
    return Times(now.cost.seconds, usual, noise, len(measured))
