"""The live view fits every terminal and shows first what says most."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from kprover.engine.events import ProcessState, Sample
from kprover.engine.values import Phase, Status
from kprover.report.estimate import Estimate
from kprover.report.live import View, live_view

if TYPE_CHECKING:
    from kprover.engine.values import ClaimProgress, RunSummary


def lines_of(view: View, width: int, height: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(live_view(view, width, height))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def running(summary: RunSummary, number: int, **more: object) -> ClaimProgress:
    return replace(
        summary.claims[0],
        claim=f'imp/A-MODULE-WITH-A-NAME.claim-{number}',
        status=Status.PENDING,
        phase=Phase.RUNNING,
        pending=number,
        **more,
    )  # type: ignore[arg-type]


def busy_view(summary: RunSummary, claims: int, workers: int, servers: int) -> View:
    processes = [
        *(
            ProcessState(
                'worker',
                i,
                100 + i,
                'busy',
                claim=f'imp/A-MODULE-WITH-A-NAME.claim-{i}',
                work='step',
                node=i,
                since=9.0,
            )
            for i in range(workers - 1)
        ),
        ProcessState('worker', workers - 1, 99, 'idle'),
        *(ProcessState('server', i, 200 + i, 'busy', '/k', (i + 1) << 29) for i in range(servers)),
    ]
    some = tuple(running(summary, i) for i in range(claims))
    return View(
        replace(summary, claims=(*summary.claims, *some)), Sample(12.0, tuple(processes)), {}, Estimate(184.0, 2)
    )


def test_claims_workers_servers_and_the_run(summary: RunSummary) -> None:
    first = running(summary, 0, left=75.0, depth=340, failing=1)
    view = busy_view(summary, 0, 2, 2)
    view = replace(
        view,
        summary=replace(summary, claims=(*summary.claims, running(summary, 7), first)),
        begun={first.claim: 4.34},
    )
    assert lines_of(view, 120, 24) == [
        'imp/A-MODULE-WITH-A-NAME.claim-0  4 steps  0 pending  1 failing  8.0 s  ~1 min 15 s left  depth 340  6 nodes',
        'imp/A-MODULE-WITH-A-NAME.claim-7  4 steps  7 pending                                        depth 0  6 nodes',
        'worker 0 A-MODULE-WITH-A-NAME… node 0, 3.0 s  worker 1 idle',
        '2 servers with 1.5 GiB (512 MiB, 1.0 GiB)',
        '━━━━━━━━━━━━━━━━━━╸      7 of 9 claims settled, 4 not passed',
        '12 s, about 3 min 04 s left (2 claims never run before), 31 requests, 11 steps made, 3 reused',
    ]


@pytest.mark.parametrize(('width', 'height'), [(60, 10), (80, 24), (120, 24), (200, 50)])
@pytest.mark.parametrize(('claims', 'workers', 'servers'), [(0, 1, 0), (3, 2, 1), (900, 60, 60)])
def test_the_view_fits_its_terminal(
    summary: RunSummary, width: int, height: int, claims: int, workers: int, servers: int
) -> None:
    lines = lines_of(busy_view(summary, claims, workers, servers), width, height)
    assert len(lines) < height
    assert max(map(len, lines)) <= width
    assert sum('settled' in line for line in lines) == 1
    if claims == 900:
        assert sum(' pending' in line for line in lines) >= (height - 8) // 2
        assert any('more running' in line for line in lines)
        assert any('of all 60 busy' in line for line in lines) == (width < 200)
