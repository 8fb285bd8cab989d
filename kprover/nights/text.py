"""Nights as lines of text, for the terminal and for the mail that cron sends."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from ..report.text import count, duration, first_line
from .compare import Change
from .values import local_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, Final

    from .compare import ClaimComparison, Comparison
    from .values import ClaimResult, Night, RecordedRun

TOLD: Final = (
    Change.NEWLY_FAILING,
    Change.FLAKY,
    Change.NEWLY_PASSING,
    Change.STILL_FAILING,
    Change.UNDECIDED,
    Change.NEVER_ATTEMPTED,
)
"""The changes that are listed claim by claim, the most urgent first."""

LISTED: Final = 20
"""At most so many claims of one change are listed; the page has all."""

_COUNT_NAMES: Final = {'requests': 'requests', 'rewrites': 'rewrite steps', 'solver_calls': 'solver calls'}


def statuses(results: Iterable[ClaimResult]) -> str:
    """`38 passed, 2 failed`."""
    results = tuple(results)
    counts = Counter(result.status for result in results)
    told = {status: f'{counts[status]} {status.replace("-", " ")}' for status in STATUSES if counts[status]}
    if vacuous := sum(result.vacuous for result in results):
        told['passed'] += f' ({vacuous} vacuous)'
    return ', '.join(told.values()) or 'none'


STATUSES: Final = ('passed', 'failed', 'error', 'pending', 'not-attempted')


def night_line(night: Night, results: Mapping[str, ClaimResult]) -> str:
    """One night: its date, how it ended and what it found."""
    how = '' if night.state.value == 'finished' else f' ({night.state})'
    return (
        f'night {night.date}{how}: {count(len(results), "claim")}: {statuses(results.values())}, '
        f'{duration(night.seconds)}' + (f' in {night.runs} runs' if night.runs > 1 else '')
    )


def night_report(comparison: Comparison) -> list[str]:
    """What is new in a night, a line for each claim that is not as it should be or was."""
    lines = [night_line(comparison.night, {claim.now.claim: claim.now for claim in comparison.claims})]
    lines += [f'  {line}' for line in before_lines(comparison)]
    for change in TOLD:
        lines += _section(str(change), [_claim_line(claim) for claim in comparison.of(change)])
    lines += _section('slower by counts', [f'{c.now.claim}: {counts_text(c)}' for c in comparison.slower_by_counts])
    lines += _section('slower by time', [f'{c.now.claim}: {times_text(c)}' for c in comparison.slower_by_time])
    lines += _section('no longer there', comparison.gone)
    return lines


def before_lines(comparison: Comparison) -> list[str]:
    """What the night is compared with, and what it made up for."""
    if comparison.last is None:
        lines = ['the first night on record that came to its end']
    else:
        lines = [f'compared with the night of {comparison.last.date} and those before it']
    if comparison.missed_days:
        lines.append(f'{count(comparison.missed_days, "night")} missed in between: this one has done their work')
    for other in comparison.unfinished:
        lines.append(f'the night of {other.date} was interrupted: this one went on from its steps')
    return lines


def why(claim: ClaimComparison) -> str:
    """What a change of verdict comes from, or what makes a claim flaky."""
    if claim.change is Change.FLAKY:
        told = ', '.join(f'{outcome} on {night.date}' for night, outcome in _turns(claim))
        return f'{claim.now.status} now, {told}, with the same inputs'
    if claim.before is None or claim.when is None:
        return 'not decided on any night before'
    text = f'{claim.before.status} on {claim.when.date}'
    if claim.changed:
        text += f'; changed since: {", ".join(claim.changed)}'
    elif claim.before.digest == claim.now.digest:
        text += '; no input has changed'
    return text


def counts_text(claim: ClaimComparison) -> str:
    """`requests 12 to 40 (+233 %)`."""
    return ', '.join(
        f'{_COUNT_NAMES[growth.name]} {growth.before} to {growth.now}'
        + (f' (+{100 * (growth.now - growth.before) / growth.before:.0f} %)' if growth.before else '')
        for growth in claim.grown
    )


def times_text(claim: ClaimComparison) -> str:
    """`12 s, usually 5.0 s ± 0.31 s in 6 nights`."""
    times = claim.times
    if times is None:
        return ''
    return (
        f'{duration(times.now)}, usually {duration(times.usual)} ± {duration(times.noise)} '
        f'in {count(times.measured, "night")}'
    )


def trend_lines(nights: Sequence[tuple[Night, Mapping[str, ClaimResult]]]) -> list[list[str]]:
    """A row for each night, the earliest first, and the cells' titles before them."""
    rows = [['night', 'state', 'claims', 'passed', 'failed', 'error', 'pending', 'not attempted', 'time']]
    for night, results in nights:
        counts = Counter(result.status for result in results.values())
        rows.append(
            [
                str(night.date),
                str(night.state),
                str(len(results)),
                *(str(counts[status]) for status in STATUSES),
                duration(night.seconds),
            ]
        )
    return rows


def claim_rows(found: Sequence[tuple[RecordedRun, Night | None, ClaimResult]]) -> list[list[str]]:
    """A row for each run that had a claim, the earliest first, and the cells' titles before them."""
    rows = [['when', 'night', 'status', 'steps', 'requests', 'rewrites', 'time', 'inputs', 'reason']]
    for run, night, result in found:
        rows.append(
            [
                local_time(run.started),
                str(night.date) if night is not None else 'by hand',
                result.word,
                str(result.cost.steps),
                str(result.cost.requests),
                str(result.cost.rewrites),
                duration(result.cost.seconds) if result.worked else '(reused)',
                result.digest[:8],
                first_line(result.reason),
            ]
        )
    return rows


def night_json(night: Night, results: Mapping[str, ClaimResult]) -> dict[str, Any]:
    return {
        'date': night.date.isoformat(),
        'suites': night.job,
        'state': night.state.value,
        'started': night.started,
        'seconds': night.seconds,
        'budget': night.budget,
        'runs': night.runs,
        'statuses': dict(Counter(result.status for result in results.values())),
        'vacuous': sum(result.vacuous for result in results.values()),
    }


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """A night with the change of each of its claims."""
    return {
        **night_json(comparison.night, {claim.now.claim: claim.now for claim in comparison.claims}),
        'compared_with': comparison.last.date.isoformat() if comparison.last is not None else None,
        'missed': comparison.missed_days,
        'gone': list(comparison.gone),
        'claims': [
            {
                **asdict(claim.now),
                'vacuous': claim.now.vacuous,
                'change': claim.change.value,
                'before': claim.before.status if claim.before is not None else None,
                'when': claim.when.date.isoformat() if claim.when is not None else None,
                'inputs_changed': list(claim.changed),
                'outcomes': {night.date.isoformat(): outcome for night, outcome in claim.outcomes},
                'slower_by_counts': [asdict(growth) for growth in claim.grown],
                'times': asdict(claim.times) if claim.times is not None else None,
                'slower_by_time': claim.times is not None and claim.times.slower,
            }
            for claim in comparison.claims
        ],
    }


def _section(title: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    more = [f'    and {len(lines) - LISTED} more'] if len(lines) > LISTED else []
    return [f'  {title}: {len(lines)}', *(f'    {line}' for line in lines[:LISTED]), *more]


def _claim_line(claim: ClaimComparison) -> str:
    now = claim.now
    reason = f' ({first_line(now.reason)})' if now.reason and now.status != 'passed' else ''
    return f'{now.claim}: {now.word}{reason}; {why(claim)}'


def _turns(claim: ClaimComparison) -> list[tuple[Night, str]]:
    """The nights at which the outcome was another than on the night after, the latest first."""
    turns: list[tuple[Night, str]] = []
    after = claim.now.outcome
    for night, outcome in claim.outcomes:
        if outcome != after:
            turns.append((night, outcome))
        after = outcome
    return turns[:4]
