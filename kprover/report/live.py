"""What a terminal shows while a run lasts: claims at work, workers, servers, and how far it all is. Pure functions.

The view fits the terminal: the claims that say most come first, columns that do not fit are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.columns import Columns
from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..engine.values import Phase, Status
from .text import count, duration

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from rich.console import RenderableType

    from ..engine.events import ProcessState, Sample
    from ..engine.values import ClaimProgress, RunSummary
    from .estimate import Estimate

LEAST_WIDTH: Final = 60
"""A terminal with fewer columns gets plain lines."""

LEAST_HEIGHT: Final = 10
"""A terminal with fewer lines gets plain lines."""

NAME: Final = 24
"""Columns that the name of a claim has at least; further columns of the table appear where there is room for them."""

CELL: Final = 46
"""Columns of what one worker does."""


@dataclass(frozen=True)
class View:
    """What there is to show.

    Attributes:
        sample: What all processes do.
        begun: When work on each claim began, in seconds since the start of the run.
        estimate: What is expected to be left.
    """

    summary: RunSummary
    sample: Sample | None = None
    begun: Mapping[str, float] = field(default_factory=dict)
    estimate: Estimate | None = None


def live_view(view: View, width: int, height: int) -> RenderableType:
    """The view, in at most `height - 1` lines of `width` columns."""
    foot = _foot(view, width)
    room = height - 1 - len(foot)
    workers = _workers(view, width, max(1, room // 3))
    room -= len(workers)
    return Group(*_claims(view, width, room), *workers, *foot)


def progress_line(view: View) -> str:
    """The view in one line, for output that is no terminal."""
    summary = view.summary
    parts = [settled_words(summary)]
    running = _running(view)
    if running:
        first = max(running, key=lambda claim: claim.seconds)
        parts.append(
            f'{len(running)} running, longest {first.claim} '
            f'({count(first.steps, "step")}, {first.pending} pending, {duration(first.seconds)})'
        )
    parts += [count(summary.requests, 'request'), duration(summary.seconds)]
    if view.estimate is not None:
        parts.append(str(view.estimate))
    return '; '.join(parts)


def settled_words(summary: RunSummary) -> str:
    """`12 of 66 claims settled, 1 not passed`."""
    settled = [claim for claim in summary.claims if claim.phase is Phase.SETTLED]
    bad = sum(claim.status is not Status.PASSED for claim in settled)
    return f'{len(settled)} of {count(len(summary.claims), "claim")} settled' + (f', {bad} not passed' if bad else '')


def size(amount: float) -> str:
    """Bytes for people: `512 MiB`, `3.2 GiB`."""
    return f'{amount / (1 << 30):.1f} GiB' if amount >= 1 << 30 else f'{amount / (1 << 20):.0f} MiB'


def _running(view: View) -> list[ClaimProgress]:
    """Claims at work; first those that fail, then those that a worker has now, then those with most work left."""
    busy = {process.claim for process in view.sample.processes} if view.sample is not None else set()
    running = [claim for claim in view.summary.claims if claim.phase is Phase.RUNNING]
    return sorted(running, key=lambda c: (not c.failing, c.claim not in busy, -(c.left or 0.0), -c.seconds))


def _claims(view: View, width: int, room: int) -> list[RenderableType]:
    running = _running(view)
    if not running or room < 1:
        return []
    shown = running if len(running) <= room else running[: room - 1]
    columns = [_columns(claim, view) for claim in shown]
    said = [i for i in range(len(columns[0])) if any(row[i].plain for row in columns)]
    columns = [[row[i] for i in said] for row in columns]
    widths = [max(cell_len(row[i].plain) for row in columns) for i in range(len(said))]
    name = max(NAME, min(2 * NAME, max(cell_len(claim.claim) for claim in shown)))
    while widths and width - sum(widths) - 2 * len(widths) < (name if len(widths) > 3 else NAME):
        widths.pop()
    table = Table.grid(padding=(0, 2, 0, 0), expand=False)
    table.add_column(no_wrap=True, overflow='ellipsis', max_width=width - sum(widths) - 2 * len(widths))
    for _ in widths:
        table.add_column(justify='right', no_wrap=True)
    for claim, cells in zip(shown, columns, strict=True):
        table.add_row(Text(claim.claim, style='red' if claim.failing else ''), *cells[: len(widths)])
    parts: list[RenderableType] = [table]
    if len(shown) < len(running):
        parts.append(Text(f'and {len(running) - len(shown)} more running', style='dim'))
    return parts


def _columns(claim: ClaimProgress, view: View) -> list[Text]:
    """The cells of a claim, those that say most first."""
    begun = view.begun.get(claim.claim)
    elapsed = '' if begun is None else duration(max(0.0, view.summary.seconds - begun))
    left = '' if claim.left is None else f'~{duration(claim.left)} left' if claim.left >= 1 else 'nearly done'
    return [
        Text(count(claim.steps, 'step')),
        Text(f'{claim.pending} pending'),
        Text(f'{claim.failing} failing' if claim.failing else '', style='bold red'),
        Text(elapsed),
        Text(left, style='cyan'),
        Text(f'depth {claim.depth}'),
        Text(f'{claim.nodes} nodes', style='dim'),
        Text(count(claim.requests, 'request'), style='dim'),
    ]


def _workers(view: View, width: int, room: int) -> list[RenderableType]:
    """What each worker does, in as many columns as fit; one line of all where that is too much."""
    if view.sample is None:
        return []
    workers = sorted((p for p in view.sample.processes if p.kind == 'worker'), key=lambda p: p.number)
    if not workers:
        return []
    columns = max(1, width // CELL)
    lines = -(-len(workers) // columns)
    if lines > room:
        kept = room * columns - 1
        busy = sum(worker.state == 'busy' for worker in workers)
        rest = Text(f'and {len(workers) - kept} more workers; {busy} of all {len(workers)} busy', style='dim')
        cells = [*(_cell(worker, view) for worker in workers[:kept]), rest]
        lines = room
    else:
        cells = [_cell(worker, view) for worker in workers]
    rows = [cells[i * columns : (i + 1) * columns] for i in range(lines)]
    return [Columns(row, width=min(CELL, width) - 1, padding=(0, 1, 0, 0)) for row in rows]


def _cell(worker: ProcessState, view: View) -> Text:
    text = Text(f'worker {worker.number} ', style='dim', no_wrap=True, overflow='ellipsis')
    if worker.state != 'busy' or not worker.claim or worker.since is None:
        return text.append(worker.state)
    label = worker.claim.partition('/')[2]
    what = worker.work if worker.work != 'step' else f'node {worker.node}'
    end = f' {what}, {duration(max(0.0, view.sample.time - worker.since) if view.sample is not None else 0.0)}'
    room = CELL - 2 - cell_len(text.plain) - cell_len(end)
    name = Text(label)
    name.truncate(max(room, 4), overflow='ellipsis')
    return text.append(name.plain, style='default not dim').append(end, style='default not dim')


def _foot(view: View, width: int) -> list[RenderableType]:
    """Servers, then how far the run is; as many lines as there are items."""
    summary, sample = view.summary, view.sample
    foot: list[RenderableType] = []
    servers = [process for process in sample.processes if process.kind == 'server'] if sample is not None else []
    if servers:
        each = ', '.join(size(p.memory) if p.memory else p.state for p in servers[:8])
        more = ', ...' if len(servers) > 8 else ''
        total = sum(process.memory for process in servers)
        text = f'{count(len(servers), "server")} with {size(total)}' + (f' ({each}{more})' if len(servers) > 1 else '')
        foot.append(Text(text, no_wrap=True, overflow='ellipsis'))
    settled = sum(claim.phase is Phase.SETTLED for claim in summary.claims)
    total_claims = max(len(summary.claims), 1)
    bar = Table.grid(padding=(0, 1, 0, 0))
    bar.add_row(
        ProgressBar(
            total=total_claims,
            completed=settled,
            width=max(8, min(24, width // 4)),
            complete_style='cyan',
            finished_style='green',
        ),
        Text(settled_words(summary), no_wrap=True, overflow='ellipsis'),
    )
    foot.append(bar)
    used = [duration(summary.seconds)]
    if view.estimate is not None:
        used.append(str(view.estimate))
    used += [count(summary.requests, 'request'), f'{count(summary.steps, "step")} made, {summary.reused} reused']
    foot.append(Text(', '.join(used), no_wrap=True, overflow='ellipsis'))
    return foot
