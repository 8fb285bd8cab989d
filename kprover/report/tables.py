"""Rich renderables of a run: the table of its claims and its final report. Pure functions."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
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
    from collections.abc import Iterator, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from ..engine.values import ClaimProgress, RunSummary

LONG_RUN = 100
"""Claims above which the final table counts passed claims by suite instead of listing them."""

PLAIN_SIZE = (200, 24)
"""Columns and lines of what is no terminal: so much at the end of a report is taken to be seen at once."""

COLUMNS = ('steps', 'nodes', 'requests', 'reused', 'time')
"""The columns of numbers in a table of claims."""

GIVING_WAY = ('reused', 'nodes', 'requests', 'time', 'steps')
"""In this order, where the terminal is narrow."""

STYLES = {
    Status.PASSED: 'green',
    Status.FAILED: 'bold red',
    Status.PENDING: 'yellow',
    Status.ERROR: 'bold magenta',
    Status.NOT_ATTEMPTED: 'dim',
}


@dataclass(frozen=True)
class ClaimsTable:
    """One row for each claim; of more than `LONG_RUN` claims, the passed ones are a row for each suite.

    Names are what counts: where they do not fit, columns of numbers give way to them, the least telling first.
    """

    claims: Sequence[ClaimProgress]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = list(self._rows())
        titles = ['claim', 'status', *COLUMNS]
        for title in ('', *GIVING_WAY):
            titles = [other for other in titles if other != title]
            widths = (max([cell_len(title), *(cell_len(row[title]) for row in rows)]) for title in titles)
            if sum(widths) + 2 * (len(titles) - 1) <= options.max_width:
                break
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style='bold')
        # A name that is wider than the terminal is folded, and numbers stay whole.
        table.add_column('claim', overflow='fold')
        table.add_column('status', no_wrap=True)
        for title in titles[2:]:
            table.add_column(title, justify='right', no_wrap=True)
        for row in rows:
            table.add_row(*(Text(row[title], style=row['style'] if title == 'status' else '') for title in titles))
        yield table

    def _rows(self) -> Iterator[dict[str, str]]:
        claims = self.claims
        shown = claims if len(claims) <= LONG_RUN else [c for c in claims if c.status is not Status.PASSED]
        if len(shown) < len(claims):
            for suite in dict.fromkeys(claim.suite for claim in claims):
                passed = [c for c in claims if c.suite == suite and c.status is Status.PASSED]
                if passed:
                    yield _row(f'{suite}: {count(len(passed), "claim")}', 'passed', Status.PASSED, passed)
        for claim in shown:
            yield _row(claim.claim, verdict_word(claim), claim.status, [claim])


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
        more = [head, Text(f'  {look} {shlex.quote(claim.claim)}')]
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
    parts: list[RenderableType] = [ClaimsTable(summary.claims)]
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


def _row(name: str, word: str, status: Status, claims: Sequence[ClaimProgress]) -> dict[str, str]:
    """The cells of a row by the titles of their columns, and the style of its status."""
    sums = {title: sum(getattr(claim, title) for claim in claims) for title in COLUMNS if title != 'time'}
    numbers = {
        **{title: str(number) for title, number in sums.items()},
        'time': duration(sum(c.seconds for c in claims)),
    }
    return {'claim': name, 'status': word, 'style': STYLES[status], **numbers}
