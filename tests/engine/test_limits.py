"""Limits of a claim and of a run: they end what runs, and what was tried in vain does not come first the next time."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from engine_harness import config, example, run
from test_plan import step
from test_prove import with_options
from test_servers import POISON, POISON_ID, SMALL, Notes, doubtful, statuses

from kprover.engine import Status
from kprover.engine.history import history_row
from kprover.engine.loop import Engine
from kprover.engine.priority import fair_share
from kprover.nights.record import worked
from kprover.store import StoreReader

if TYPE_CHECKING:
    from pathlib import Path

    from kprover.engine import ClaimProgress, RunConfig, RunSummary

HANGS = {'fault': 'hang', 'at': POISON_ID, 'times': 1000}
"""Every request of one claim is never answered."""

BREADTH_FIRST = 'kprover.engine.priority:breadth_first'
SIXTEEN = 'IMP-BRANCHES.sixteen'


def hanging(folder: Path, **options: object) -> RunConfig:
    """A server that never answers one claim, without anybody who would notice."""
    return dataclasses.replace(doubtful(folder, HANGS, grace=0.2, **options), hang_timeout=0.0)


def poisoned(summary: RunSummary) -> ClaimProgress:
    return next(claim for claim in summary.claims if claim.label == POISON)


def test_a_time_limit_ends_the_step_in_flight_and_is_no_fault_of_a_server(tmp_path: Path) -> None:
    suite = with_options(example('imp'), time_limit=1.0)
    notes = Notes()
    summary = run(suite, SMALL, hanging(tmp_path), notes)
    others = [label for label in SMALL if label != POISON]
    assert statuses(summary) == {**dict.fromkeys(others, Status.PASSED), POISON: Status.PENDING}
    claim = poisoned(summary)
    assert claim.reason == 'the time limit of 1 s is reached'
    assert claim.seconds >= 1.0
    assert not any('attempt' in notice for notice in notes.notices)
    assert not (tmp_path / 'reproducers').exists()


def test_work_in_flight_at_the_end_of_a_budget_is_an_attempt_and_the_next_run_begins_with_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [label for label in SMALL if label != POISON]
    labels = [POISON, *others]
    claims = sorted(example('imp').claims, key=lambda claim: claim.label != POISON)
    suite = dataclasses.replace(example('imp'), claims=tuple(claims))
    run_config = hanging(tmp_path, time_budget=60.0)
    ended = 'the time budget of 60 s for the run is used up'
    asked = tmp_path / 'faults.json.request.0'
    monkeypatch.setattr(Engine, '_out_of_time', lambda self: ended if asked.exists() else '')
    first = run(suite, labels, run_config)
    assert statuses(first) == {POISON: Status.PENDING, **dict.fromkeys(others, Status.NOT_ATTEMPTED)}
    claim = poisoned(first)
    assert claim.reason == ended
    assert claim.seconds > 0.1
    assert worked(claim)
    with StoreReader(run_config.store) as store:
        history = store.header(history_row(claim.claim))
    assert history is not None
    assert (history['status'], history['seconds']) == ('pending', pytest.approx(claim.seconds, abs=0.01))

    monkeypatch.setattr(Engine, '_out_of_time', lambda self: ended if len(self._proofs.unsettled) == 1 else '')
    second = run(suite, labels, run_config)
    assert {label: statuses(second)[label] for label in others} == dict.fromkeys(others, Status.PASSED)


def test_a_claim_that_was_tried_in_vain_comes_after_those_that_had_less() -> None:
    hog = step(1, spent=500.0, estimate=500.0)
    cut_short, new = step(2, spent=30.0, estimate=30.0), step(3)
    assert sorted([hog, cut_short, new], key=fair_share) == [new, cut_short, hog]


@pytest.mark.parametrize('limit', [4, 8, 12])
def test_max_nodes_is_looked_at_when_work_is_handed_out(tmp_path: Path, limit: int) -> None:
    suite = with_options(example('imp'), max_nodes=limit)
    summary = run(suite, [SIXTEEN], config(tmp_path, priority=BREADTH_FIRST))
    (claim,) = summary.claims
    assert claim.status is Status.PENDING
    assert claim.reason == f'the limit of {limit} nodes is reached'
    assert limit <= claim.nodes <= limit + 1, 'at most the last step may pass it'
    again = run(with_options(example('imp'), max_nodes=None), [SIXTEEN], config(tmp_path))
    assert again.all_passed


def test_an_evaluation_that_does_not_end_leaves_the_claim_undecided(tmp_path: Path) -> None:
    """The embedded server's bound of work is a limit like others: no error, no failure, no second attempt."""
    from unittest.mock import Mock

    from pyk.kore.rpc import DefaultError

    from kprover.engine.failures import Failures
    from kprover.server.errors import EvaluationEndless

    sent = EvaluationEndless('Lblwind', 'wind-on', 1_000).to_dict()
    received = DefaultError(sent['message'], sent['code'], sent['data'])
    error = {'class': 'backend', 'type': 'DefaultError', 'message': str(received)}
    nothing = Mock()  # what decides about infrastructure is not asked
    decision = Failures(nothing, nothing, nothing, nothing).decide(nothing, nothing, error, shared=False, evidence=None)
    assert (decision.again, decision.status) == (False, Status.PENDING)
    assert 'wind-on' in decision.reason and not nothing.mock_calls
