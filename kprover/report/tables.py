"""Rich renderables of a run: the live view of what is running and the final report. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..engine.values import Phase, Status
from .text import (
    LOOK,
    closing_line,
    count,
    duration,
    failure_excerpt,
    first_line,
    headline,
    last_run_line,
    run_line,
    verdict_word,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from ..engine.values import ClaimProgress, RunSummary

LONG_RUN = 100
"""Claims above which the final table counts passed claims by suite instead of listing them."""

STYLES = {
    Status.PASSED: 'green',
    Status.FAILED: 'bold red',
    Status.PENDING: 'yellow',
    Status.ERROR: 'bold magenta',
    Status.NOT_ATTEMPTED: 'dim',
}


def claims_table(claims: Sequence[ClaimProgress]) -> Table:
    """One row for each claim; of more than `LONG_RUN` claims, the passed ones are a row for each suite."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style='bold')
    # Where the terminal is narrow, names are folded and numbers stay whole.
    table.add_column('claim', overflow='fold')
    table.add_column('status', no_wrap=True)
    for title in ('steps', 'nodes', 'requests', 'reused', 'time'):
        table.add_column(title, justify='right', no_wrap=True)
    shown = claims if len(claims) <= LONG_RUN else [c for c in claims if c.status is not Status.PASSED]
    if len(shown) < len(claims):
        for suite in dict.fromkeys(claim.suite for claim in claims):
            passed = [c for c in claims if c.suite == suite and c.status is Status.PASSED]
            if passed:
                _add_row(table, f'{suite}: {count(len(passed), "claim")}', 'passed', Status.PASSED, passed)
    for claim in shown:
        _add_row(table, claim.claim, verdict_word(claim), claim.status, [claim])
    return table


def final_report(summary: RunSummary, look: str = LOOK) -> RenderableType:
    """The end of a run: all claims, why those that are not passed are not, and what the run used.

    Args:
        look: The command that says everything about a claim.
    """
    lines = [Text(run_line(summary))]
    closing = closing_line(summary)
    if closing:
        lines.append(Text(closing, style='bold yellow'))
    return Group(_claims_report(summary, look), *lines)


def status_report(summary: RunSummary, look: str = LOOK) -> RenderableType:
    """What the store knows: all claims, why those that are not passed are not, and the last run. See `final_report`."""
    return Group(_claims_report(summary, look), Text(last_run_line(summary)))


def _claims_report(summary: RunSummary, look: str) -> RenderableType:
    parts: list[RenderableType] = [claims_table(summary.claims)]
    for claim in summary.claims:
        if claim.status in (Status.FAILED, Status.ERROR):
            first, *rest = failure_excerpt(claim, look)
            parts += [Text(), Text(first, style=STYLES[claim.status]), Text('\n'.join(rest))]
    remarks = [
        Text(f'{claim.claim}: {verdict_word(claim)}, {first_line(claim.reason)}', style=STYLES[claim.status])
        for claim in summary.claims
        if claim.status in (Status.PASSED, Status.PENDING, Status.NOT_ATTEMPTED) and claim.reason
    ]
    if remarks:
        parts += [Text(), *remarks[:LONG_RUN]]
        if len(remarks) > LONG_RUN:
            parts.append(Text(f'and {len(remarks) - LONG_RUN} more'))
    parts += [Text(), Text(headline(summary.claims), style='bold green' if summary.all_passed else 'bold red')]
    return Group(*parts)


def live_view(summary: RunSummary, height: int) -> RenderableType:
    """What is running, in at most `height` lines: a line for each running claim, then a bar."""
    running = [claim for claim in summary.claims if claim.phase is Phase.RUNNING]
    room = max(1, height - 3)
    lines = Table.grid(padding=(0, 2, 0, 0))
    lines.add_column(no_wrap=True, overflow='ellipsis', ratio=1)
    for _ in range(4):
        lines.add_column(justify='right', no_wrap=True)
    for claim in running[:room]:
        lines.add_row(
            claim.claim,
            count(claim.steps, 'step'),
            f'{claim.pending} pending',
            count(claim.requests, 'request'),
            duration(claim.seconds),
        )
    parts: list[RenderableType] = [lines]
    if len(running) > room:
        parts.append(Text(f'and {len(running) - room} more running', style='dim'))
    settled = sum(claim.phase is Phase.SETTLED for claim in summary.claims)
    failed = sum(claim.status in (Status.FAILED, Status.ERROR) for claim in summary.claims)
    total = len(summary.claims)
    bar = Table.grid(padding=(0, 2, 0, 0))
    bar.add_row(
        ProgressBar(total=max(total, 1), completed=settled, width=24, complete_style='cyan', finished_style='green'),
        Text(f'{settled} of {total} settled' + (f', {failed} not passed' if failed else '')),
        Text(f'{count(summary.requests, "request")}, {summary.reused} reused, {duration(summary.seconds)}'),
    )
    parts.append(bar)
    return Group(*parts)


def _add_row(table: Table, name: str, word: str, status: Status, claims: Sequence[ClaimProgress]) -> None:
    table.add_row(
        Text(name),
        Text(word, style=STYLES[status]),
        str(sum(claim.steps for claim in claims)),
        str(sum(claim.nodes for claim in claims)),
        str(sum(claim.requests for claim in claims)),
        str(sum(claim.reused for claim in claims)),
        duration(sum(claim.seconds for claim in claims)),
    )
