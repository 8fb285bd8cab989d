"""What the terminal and the log show of a run."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console

from kprover.engine.values import ClaimProgress, Phase, Status
from kprover.report.tables import LONG_RUN, claims_table, final_report, live_view, status_report

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
        'imp/WRONG.post: failed, node 5 is stuck and does not reach the target',
        '  node 5: no rule applies, and the state does not imply the target',
        '  path condition:',
        '      N:Int >=Int 0',
        '      notBool N:Int ==Int 3',
        '  what is missing:',
        '      Matching failed.',
        '      The following cells failed matching individually (antecedent #Implies consequent):',
        '      STATE_CELL: x |-> 1 #Implies x |-> 2',
        '  a state on this path, for example:',
        '      N = 4',
        '  see: kprover status imp/WRONG.post',
        '',
        'imp/WRONG.crash: error, its server died 3 times',
        '  see: kprover status imp/WRONG.crash',
        '',
        'imp/LOOPS.lemma: passed (trusted), admitted, not proved',
        'imp/WRONG.slow: pending, the limit of 4 steps is reached',
        'imp/WRONG.user: not attempted, imp/WRONG.post has not passed',
        '',
        '7 claims: 3 passed (1 bounded, 1 trusted), 1 failed, 1 pending, 1 error, 1 not attempted',
        'backend embedded, 2 workers, 2 server starts, 31 requests, 11 steps made, 3 reused, 12 s',
    ]


def test_a_narrow_terminal_folds_names_and_keeps_numbers_whole(summary: RunSummary) -> None:
    claim = replace(summary.claims[0], claim='imp/LOOPS.a-name-of-some-length')
    assert rendered(claims_table([claim, summary.claims[6]]), width=72) == [
        'claim              status         steps  nodes  requests  reused    time',
        'imp/LOOPS.a-name-  passed             4      6        11       3   2.5 s',
        'of-some-length',
        'imp/WRONG.user     not attempted      0      0         0       0  0.00 s',
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
    assert rendered(claims_table([*many, summary.claims[3]])) == [
        'claim            status  steps  nodes  requests  reused        time',
        'imp: 100 claims  passed    400    600      1100     300  4 min 10 s',
        'imp/WRONG.post   failed      3      5        10       0       1.2 s',
    ]


def test_markup_in_the_users_language_is_text(summary: RunSummary) -> None:
    claim = replace(summary.claims[3], reason='[bold]x[/bold] :smile:', failures=())
    assert 'imp/WRONG.post: failed, [bold]x[/bold] :smile:' in rendered(final_report(replace(summary, claims=(claim,))))


def test_live_view_shows_running_claims_and_fits_the_terminal(summary: RunSummary) -> None:
    running = tuple(
        replace(summary.claims[0], claim=f'imp/A.c{i}', status=Status.PENDING, phase=Phase.RUNNING, pending=i)
        for i in range(10)
    )
    lines = rendered(live_view(replace(summary, claims=(*summary.claims, *running)), height=7), width=90)
    assert len(lines) == 6
    assert lines[0].split() == ['imp/A.c0', '4', 'steps', '0', 'pending', '11', 'requests', '2.5', 's']
    assert lines[4] == 'and 6 more running'
    assert '7 of 17 settled, 2 not passed' in lines[5]
    assert '31 requests, 3 reused, 12 s' in lines[5]
