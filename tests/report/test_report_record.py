"""The record's derived facts: lives of servers, the longest chain, the estimate of what is left."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kprover.engine.events import Activity, Commit, ProcessEvent, ProcessState, Sample
from kprover.engine.values import ClaimProgress, Phase, Status
from kprover.report.estimate import expected_left
from kprover.report.record import READINGS, Facts, RunRecord

if TYPE_CHECKING:
    from kprover.engine.values import RunSummary


def step(claim: str, node: int, start: float, seconds: float, **more: object) -> Activity:
    return Activity(0, 1, claim, 'step', node, f'{claim}-{node}', start, seconds, **more)  # type: ignore[arg-type]


def commit(claim: str, node: int, *pending: int, key: str = '', reused: bool = False) -> Commit:
    return Commit(claim, node, key or f'{claim}-{node}', 0.0, reused, pending)


def pieces(record: RunRecord) -> list[tuple[str, str, int]]:
    return [(activity.claim, activity.kind, activity.node) for activity in record.chain]


def test_the_longest_chain_goes_through_branches_attempts_and_dependencies() -> None:
    record = RunRecord(Facts(depends={'b': ('a',)}))
    record.activity(Activity(0, None, 'a', 'prepare', 0, '', 0.0, 1.0))
    record.activity(step('a', 1, 1.0, 1.0))
    record.commit(commit('a', 1, 3, 4))
    record.activity(step('a', 3, 2.0, 1.0))
    record.commit(commit('a', 3))
    record.activity(step('a', 4, 2.0, 2.0, outcome='server-died'))
    record.activity(step('a', 4, 4.0, 0.5))  # together longer than the other branch
    record.commit(commit('a', 4))
    record.activity(Activity(0, None, 'b', 'prepare', 0, '', 4.5, 0.25))
    record.activity(Activity(1, None, 'c', 'prepare', 0, '', 0.0, 4.0))
    assert pieces(record) == [
        ('a', 'prepare', 0),
        ('a', 'step', 1),
        ('a', 'step', 4),
        ('a', 'step', 4),
        ('b', 'prepare', 0),
    ]
    assert sum(activity.seconds for activity in record.chain) == 4.75


def test_a_step_made_for_another_claim_is_part_of_the_chain_of_this_one() -> None:
    record = RunRecord()
    record.activity(Activity(0, None, 'b', 'prepare', 0, '', 0.0, 0.5))
    record.activity(step('a', 1, 0.0, 3.0))
    record.commit(commit('a', 1, 3))
    record.commit(commit('b', 1, 3, key='a-1', reused=True))
    record.activity(step('b', 3, 3.0, 1.0))
    record.commit(commit('b', 3))
    assert pieces(record) == [('a', 'step', 1), ('b', 'step', 3)]
    assert record.reused == {'b': [(1, 'a-1')]}


def test_a_chain_as_long_as_a_proof_is_kept_and_let_go_without_recursion() -> None:
    record = RunRecord()
    for number in range(1, 30_000):
        record.activity(step('a', number, float(number), 1.0))
        record.commit(commit('a', number, number + 1))
    assert len(record.chain) == 29_999
    del record


def test_lives_of_servers_with_causes_and_replacements() -> None:
    record = RunRecord()
    for event in (
        ProcessEvent('server', 1, 11, 'started', 2.0, kompiled='/k', seconds=1.5),
        ProcessEvent('worker', 0, 9, 'died', 3.0, 'killed'),
        ProcessEvent('server', 1, 11, 'died', 4.0, 'code 139', '/k'),
        ProcessEvent('server', 2, 12, 'died', 5.0, 'did not listen', '/k'),
        ProcessEvent('server', 3, 13, 'started', 7.0, kompiled='/k', seconds=1.0),
        ProcessEvent('server', 4, 14, 'started', 8.0, kompiled='/other', seconds=1.0),
        ProcessEvent('server', 4, 14, 'ended', 9.0, 'made room', '/other'),
    ):
        record.process(event)
    record.sample(Sample(3.0, (ProcessState('server', 1, 11, 'idle', '/k', 500),)))
    record.sample(Sample(3.5, (ProcessState('server', 1, 11, 'idle', '/k', 300),)))
    lives = {life.number: life for life in record.servers}
    assert (lives[1].launched, lives[1].listening, lives[1].ended, lives[1].cause) == (0.5, 2.0, 4.0, 'code 139')
    assert lives[1].memory == 500
    assert lives[2].listening is None
    assert [lives[number].replaces for number in (1, 2, 3, 4)] == [None, None, 1, None]
    assert [lives[number].how for number in (3, 4)] == ['', 'ended']


def test_readings_are_thinned_over_the_whole_run() -> None:
    record = RunRecord()
    for number in range(10 * READINGS):
        record.sample(Sample(number / 2, (ProcessState('worker', 0, 1, 'busy' if number % 2 else 'idle'),)))
    times = [reading.time for reading in record.readings]
    assert READINGS / 4 < len(times) <= READINGS
    assert times[0] == 0.0
    assert times[-1] > 0.95 * 5 * READINGS
    assert max(b - a for a, b in itertools.pairwise(times)) < 20 * 10 * READINGS / 2 / len(times)


@pytest.mark.parametrize(
    ('left', 'pending', 'workers', 'seconds', 'unknown'),
    [
        ((10.0, 20.0, 30.0), (1, 1, 1), 2, 30.0, 0),  # the work of all, and the longest alone
        ((10.0, 20.0, 90.0), (1, 1, 9), 4, 30.0, 0),  # a claim with many pending nodes is worked on by all
        ((10.0, 20.0, 90.0), (1, 1, 1), 4, 90.0, 0),
        ((10.0, None, 30.0), (1, 0, 1), 1, 60.0, 1),  # an unknown one is like the others
    ],
)
def test_what_is_left_is_work_divided_by_workers_or_the_longest_claim(
    summary: RunSummary,
    left: tuple[float | None, ...],
    pending: tuple[int, ...],
    workers: int,
    seconds: float,
    unknown: int,
) -> None:
    claims = tuple(
        ClaimProgress(f'a/{i}', 'a', str(i), Status.PENDING, Phase.RUNNING, pending=nodes, left=work)
        for i, (work, nodes) in enumerate(zip(left, pending, strict=True))
    )
    estimate = expected_left(replace(summary, workers=workers, claims=claims))
    assert estimate is not None
    assert (estimate.seconds, estimate.unknown) == (pytest.approx(seconds), unknown)


def test_nothing_is_estimated_from_nothing(summary: RunSummary) -> None:
    new = ClaimProgress('a/1', 'a', '1', Status.PENDING, Phase.RUNNING, seconds=3.0)
    assert expected_left(replace(summary, claims=(new,))) is None
    assert expected_left(summary) is None, 'all is settled'
