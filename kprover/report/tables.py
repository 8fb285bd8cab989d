"""Rich renderables of a run: the table of its claims and its final report. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from ..engine.values import Status
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

PLAIN_SIZE = (200, 24)
"""Columns and lines of what is no terminal: so much at the end of a report is taken to be seen at once."""

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


def final_report(
    summary: RunSummary, look: str = LOOK, reports: str = '', size: tuple[int, int] = PLAIN_SIZE
) -> RenderableType:
    """The end of a run: all claims, why those that are not passed are not, what the run used.

    Its last lines are what is to be seen without scrolling: the counts, then the claims that failed, each with the
    command to look into it.

    Args:
        look: The command that says everything about a claim.
        reports: The folder with the reports of the run.
        size: Columns and lines that are seen at once.
    """
    lines = [Text(run_line(summary))]
    if reports:
        lines.append(Text(f'reports {reports}'))
    closing = closing_line(summary)
    if closing:
        lines.append(Text(closing, style='bold yellow'))
    width, height = size
    room = height - 2 - sum(_folded(line, width) for line in lines)
    return Group(_claims_report(summary, look), *lines, *_last_failures(summary, look, width, room))


def _last_failures(summary: RunSummary, look: str, width: int, room: int) -> list[Text]:
    """Claims that failed or have an error, in about `room` lines of `width` columns, but at least one of them."""
    bad = [claim for claim in summary.claims if claim.status in (Status.FAILED, Status.ERROR)]
    lines: list[Text] = []
    for number, claim in enumerate(bad):
        reason = f': {first_line(claim.reason)}' if claim.reason else ''
        head = Text(f'{verdict_word(claim)} {claim.claim}{reason}', style=STYLES[claim.status])
        head.truncate(max(width, len(claim.claim) + 8), overflow='ellipsis')
        more = [head, Text(f'  {look} {claim.claim}')]
        rest = Text(f'and {len(bad) - number} more that failed or have an error: {look}')
        room -= sum(_folded(line, width) for line in more)
        if number and room < (_folded(rest, width) if number < len(bad) - 1 else 0):
            return [*lines, rest]
        lines += more
    return lines


def _folded(line: Text, width: int) -> int:
    """The lines that a line takes on a terminal."""
    return max(1, -(-line.cell_len // width))


def status_report(summary: RunSummary, look: str = LOOK) -> RenderableType:
    """What the store knows: all claims, why those that are not passed are not, and the last run. See `final_report`."""
    return Group(_claims_report(summary, look), Text(last_run_line(summary)))


def _claims_report(summary: RunSummary, look: str) -> RenderableType:
    parts: list[RenderableType] = [claims_table(summary.claims)]
    remarks = [
        Text(f'{claim.claim}: {verdict_word(claim)}, {first_line(claim.reason)}', style=STYLES[claim.status])
        for claim in summary.claims
        if claim.status in (Status.PASSED, Status.PENDING, Status.NOT_ATTEMPTED) and claim.reason
    ]
    if remarks:
        parts += [Text(), *remarks[:LONG_RUN]]
        if len(remarks) > LONG_RUN:
            parts.append(Text(f'and {len(remarks) - LONG_RUN} more'))
    for claim in summary.claims:
        if claim.status in (Status.FAILED, Status.ERROR):
            first, *rest = failure_excerpt(claim, look)
            parts += [Text(), Text(first, style=STYLES[claim.status]), Text('\n'.join(rest))]
    parts += [Text(), Text(headline(summary.claims), style='bold green' if summary.all_passed else 'bold red')]
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
