"""Runs and claims as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kprover.engine.values import Failure, Phase, RunState, Status
from kprover.report.text import (
    EXCERPT_LINES,
    claim_line,
    claim_report,
    closing_line,
    duration,
    failure_excerpt,
    headline,
    last_run_line,
    run_line,
    status_json,
    verdict_word,
)

if TYPE_CHECKING:
    from kprover.engine.values import RunSummary


def test_headline_counts_every_status_and_tells_reservations(summary: RunSummary) -> None:
    assert headline(summary.claims) == (
        '7 claims: 3 passed (1 bounded, 1 trusted), 1 failed, 1 pending, 1 error, 1 not attempted'
    )
    assert headline(()) == '0 claims: none'


def test_run_line_tells_what_the_run_used(summary: RunSummary) -> None:
    assert run_line(summary) == (
        'backend embedded, 2 workers, 2 server starts, 31 requests, 11 steps made, 3 reused, 12 s'
    )


def test_a_reservation_is_part_of_the_verdict(summary: RunSummary) -> None:
    assert [verdict_word(claim) for claim in summary.claims] == [
        'passed',
        'passed (trusted)',
        'passed (bounded)',
        'failed',
        'error',
        'pending',
        'not attempted',
    ]


def test_steps_from_elsewhere_are_a_reservation(summary: RunSummary) -> None:
    reason = '3 of 4 steps imported from night.store, not re-executed'
    claims = [replace(claim, reason=reason, imported=True) for claim in summary.claims[:4]]
    words = ['passed (imported)', 'passed (trusted)', 'passed (bounded, imported)', 'failed']
    assert [verdict_word(claim) for claim in claims] == words
    assert headline(claims) == '4 claims: 3 passed (1 bounded, 2 imported, 1 trusted), 1 failed'
    assert verdict_word(replace(summary.claims[0], reason=reason)) == 'passed', 'words of a reason are for people'


def test_claim_line(summary: RunSummary) -> None:
    assert claim_line(summary.claims[0]) == 'imp/LOOPS.sum  passed  4 steps  11 requests  3 reused  2.5 s'
    assert claim_line(summary.claims[6]) == 'imp/WRONG.user  not attempted  (imp/WRONG.post has not passed)'


@pytest.mark.parametrize(
    ('seconds', 'text'),
    [
        (0.0, '0.00 s'),
        (0.994, '0.99 s'),
        (0.996, '1.0 s'),
        (9.94, '9.9 s'),
        (9.96, '10 s'),
        (59.6, '1 min 00 s'),
        (184, '3 min 04 s'),
        (7500, '2 h 05 min'),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_failure_excerpt_names_node_reason_path_condition_and_where_to_look(summary: RunSummary) -> None:
    assert failure_excerpt(summary.claims[3]) == [
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
    ]


def test_failure_excerpt_is_short_and_says_what_it_leaves_out(summary: RunSummary, stuck: Failure) -> None:
    long = replace(stuck, explanation='\n'.join(f'line {i}' for i in range(100)), path_condition=())
    claim = replace(summary.claims[3], failures=(long, stuck, stuck))
    lines = failure_excerpt(claim)
    assert '  path condition: none' in lines
    assert f'      ... {100 - EXCERPT_LINES} more lines' in lines
    assert lines[-2:] == ['  and 2 more failing nodes', '  see: kprover status imp/WRONG.post']


def test_failure_without_a_graph_has_no_node_and_no_path_condition(summary: RunSummary) -> None:
    claim = replace(
        summary.claims[3], reason='', failures=(Failure(node=None, reason='not-equal', explanation='1 =/= 2'),)
    )
    assert failure_excerpt(claim) == [
        'imp/WRONG.post: failed',
        '  the two sides could not be shown equal',
        '  what is missing:',
        '      1 =/= 2',
        '  see: kprover status imp/WRONG.post',
    ]


def test_claim_report_shows_states_in_full(summary: RunSummary) -> None:
    assert claim_report(summary.claims[3]) == [
        'claim    imp/WRONG.post',
        'status   failed: node 5 is stuck and does not reach the target',
        'proof    3 steps, 5 nodes: 0 pending, 1 failing, 0 at the loop bound',
        'last run 10 requests, 0 steps reused, 1.2 s of worker time',
        '',
        'node 5: no rule applies, and the state does not imply the target',
        'path condition:',
        '    N:Int >=Int 0',
        '    notBool N:Int ==Int 3',
        'what is missing:',
        '    Matching failed.',
        '    The following cells failed matching individually (antecedent #Implies consequent):',
        '    STATE_CELL: x |-> 1 #Implies x |-> 2',
        'state of the node:',
        '    <T>',
        '      <k>',
        '        .K',
        '      </k>',
        '    </T>',
        'target:',
        '    <T>',
        '      <k>',
        '        done',
        '      </k>',
        '    </T>',
        'a state on this path, for example:',
        '    N = 4',
    ]


def test_closing_line_only_where_something_is_left(summary: RunSummary) -> None:
    assert closing_line(summary) == ''
    waiting = replace(summary.claims[0], phase=Phase.RUNNING)
    stopped = replace(summary, state=RunState.INTERRUPTED, claims=(waiting, *summary.claims[1:]))
    assert closing_line(stopped) == (
        'interrupted: 6 of 7 claims settled; every finished step is kept, the same command goes on from there'
    )


def test_last_run_line(summary: RunSummary) -> None:
    assert last_run_line(replace(summary, run='')) == 'no run yet'
    assert last_run_line(summary).startswith('last run finished, started 20')
    assert last_run_line(summary).endswith(run_line(summary))
    assert last_run_line(replace(summary, scope='2 claims of stack')).startswith(
        f'last run (2 claims of stack, not the {len(summary.claims)} above) finished'
    )
    own = replace(summary, scope=summary.to_dict()['scope'])
    assert last_run_line(own).startswith(f'last run ({own.scope}) finished')


def test_status_json_has_claims_and_the_last_run(summary: RunSummary) -> None:
    data = json.loads(json.dumps(status_json(summary)))
    assert {
        key: data['claims'][0][key] for key in ('claim', 'status', 'steps', 'nodes', 'requests', 'reused', 'seconds')
    } == {
        'claim': 'imp/LOOPS.sum',
        'status': 'passed',
        'steps': 4,
        'nodes': 6,
        'requests': 11,
        'reused': 3,
        'seconds': 2.5,
    }
    assert [claim['status'] for claim in data['claims']] == [
        'passed', 'passed', 'passed', 'failed', 'error', 'pending', 'not-attempted',
    ]  # fmt: skip
    assert data['claims'][3]['failures'][0]['path_condition'] == ['N:Int >=Int 0', 'notBool N:Int ==Int 3']
    last_run = data['last_run']
    assert (last_run['requests'], last_run['reused'], last_run['server_starts']) == (31, 3, 2)
    assert (last_run['workers'], last_run['backend'], last_run['state']) == (2, 'embedded', 'finished')


def test_status_json_before_any_run(summary: RunSummary) -> None:
    assert status_json(replace(summary, run='', claims=()))['last_run'] is None


def test_every_status_has_a_word(summary: RunSummary) -> None:
    for status in Status:
        assert verdict_word(replace(summary.claims[0], status=status))
