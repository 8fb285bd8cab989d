"""What the terminal and the log show of a run."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from kprover.engine.values import ClaimProgress
from kprover.report.tables import LONG_RUN, ClaimsTable, final_report, status_report
from kprover.report.text import failure_excerpt

if TYPE_CHECKING:
    from rich.console import RenderableType

    from kprover.engine.values import RunSummary


def rendered(renderable: RenderableType, width: int = 120) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_final_report(summary: RunSummary) -> None:
    assert rendered(final_report(summary)) == [
        'claim            status            steps  nodes  requests  reused    time',
        'imp/LOOPS.sum    passed                4      6        11       3   2.5 s',
        'imp/LOOPS.lemma  passed (trusted)      0      2         0       0  0.00 s',
        'imp/LOOPS.bound  passed (bounded)      3      5         8       0  0.50 s',
        'imp/WRONG.post   failed                3      5        10       0   1.2 s',
        'imp/WRONG.crash  error                 0      0         2       0  0.00 s',
        'imp/WRONG.slow   pending               4      6         0       0  0.00 s',
        'imp/WRONG.user   not attempted         0      0         0       0  0.00 s',
        '',
        'imp/LOOPS.lemma: passed (trusted), admitted, not proved',
        'imp/WRONG.slow: pending, the limit of 4 steps is reached',
        'imp/WRONG.user: not attempted, imp/WRONG.post has not passed',
        '',
        *failure_excerpt(summary.claims[3]),
        '',
        'imp/WRONG.crash: error, its server died 3 times',
        '  see: kprover status imp/WRONG.crash',
        '',
        '7 claims: 3 passed (1 bounded, 1 trusted), 1 failed, 1 pending, 1 error, 1 not attempted',
        'backend embedded, 2 workers, 2 server starts, 31 requests, 11 steps made, 3 reused, 12 s',
        'failed imp/WRONG.post: node 5 is stuck and does not reach the target',
        '  kprover status imp/WRONG.post',
        'error imp/WRONG.crash: its server died 3 times',
        '  kprover status imp/WRONG.crash',
    ]


@pytest.mark.parametrize(('width', 'height'), [(80, 24), (60, 12), (200, 50)])
def test_the_last_screen_has_the_counts_and_failures_with_their_commands(
    summary: RunSummary, width: int, height: int
) -> None:
    bad = [replace(summary.claims[3], claim=f'imp/WRONG.c{i}', failures=()) for i in range(1000)]
    lines = rendered(final_report(replace(summary, claims=tuple(bad)), 'kprover status', 'r', (width, height)), width)
    screen = lines[1 - height :]  # the prompt takes a line
    assert any(line.startswith('1000 claims: 1000 failed') for line in screen[:2])
    failed = [line for line in screen if line.startswith('failed imp/WRONG.c')]
    commands = [line for line in screen if line.startswith('  kprover status imp/WRONG.c')]
    assert len(failed) == len(commands) >= height // 4
    assert screen[-1] == f'and {1000 - len(failed)} more that failed or have an error: kprover status'


def test_on_a_narrow_terminal_numbers_give_way_to_names(summary: RunSummary) -> None:
    claim = replace(summary.claims[0], claim='imp/LOOPS.a-name-of-some-length')
    table = ClaimsTable([claim, summary.claims[6]])
    assert rendered(table, width=72) == [
        'claim                            status         steps  requests    time',
        'imp/LOOPS.a-name-of-some-length  passed             4        11   2.5 s',
        'imp/WRONG.user                   not attempted      0         0  0.00 s',
    ]
    assert rendered(table, width=50) == [
        'claim                            status',
        'imp/LOOPS.a-name-of-some-length  passed',
        'imp/WRONG.user                   not attempted',
    ]
    assert rendered(table, width=40) == [
        'claim                      status',
        'imp/LOOPS.a-name-of-some-  passed',
        'length',
        'imp/WRONG.user             not attempted',
    ]


def test_status_report_before_any_run(summary: RunSummary) -> None:
    claim = ClaimProgress(claim='imp/A.b', suite='imp', label='A.b')
    assert rendered(status_report(replace(summary, run='', claims=(claim,)))) == [
        'claim    status         steps  nodes  requests  reused    time',
        'imp/A.b  not attempted      0      0         0       0  0.00 s',
        '',
        '1 claim: 1 not attempted',
        'no run yet',
    ]


def test_a_long_table_counts_what_passed_and_lists_the_rest(summary: RunSummary) -> None:
    many = [replace(summary.claims[0], claim=f'imp/A.c{i}', label=f'A.c{i}') for i in range(LONG_RUN)]
    assert rendered(ClaimsTable([*many, summary.claims[3]])) == [
        'claim            status  steps  nodes  requests  reused        time',
        'imp: 100 claims  passed    400    600      1100     300  4 min 10 s',
        'imp/WRONG.post   failed      3      5        10       0       1.2 s',
    ]


def test_markup_in_the_users_language_is_text(summary: RunSummary) -> None:
    claim = replace(summary.claims[3], reason='[bold]x[/bold] :smile:', failures=())
    assert 'imp/WRONG.post: failed, [bold]x[/bold] :smile:' in rendered(final_report(replace(summary, claims=(claim,))))
