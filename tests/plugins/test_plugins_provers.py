"""Provers of the users' own: their proofs run, resume, fail and depend like all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from engine_harness import COUNTDOWN, countdown
from plugins_harness import by_label, prove_suite, write_suite

from kprover.engine import Interrupted, Status
from kprover.engine.frontier import Frontier
from kprover.store import CheckpointStore

if TYPE_CHECKING:
    from pathlib import Path

    from kprover.engine import ClaimProgress

CASES = 'prover = "examples.cases:Cases"'
ASSOCIATES = 'IMP-CASES.largest-associates'
COMMUTES = 'IMP-CASES.largest-commutes'
WRONG = 'IMP-WRONG-CASES.largest-first'


def test_a_prover_by_cases_shows_what_one_answer_does_not(tmp_path: Path) -> None:
    specs = ['cases.json', 'wrong-cases.json', 'functions.json']
    path = write_suite(tmp_path, 'imp', specs, {COMMUTES: CASES, WRONG: CASES, 'IMP-EQUALITIES.sign-sum': ''})
    found = by_label(prove_suite(path))
    assert (found[COMMUTES].status, found[COMMUTES].steps) == (Status.PASSED, 5)
    assert found['IMP-EQUALITIES.sign-sum'].status is Status.PASSED
    assert found[WRONG].status is Status.FAILED
    (failure,) = found[WRONG].failures
    assert failure.reason == 'prover'
    assert failure.explanation.splitlines()[1:] == ['  A < B and not B < A']

    again = prove_suite(path)
    assert (again.requests, again.steps) == (0, 0)
    assert {claim.label: claim.status for claim in again.claims} == {label: p.status for label, p in found.items()}

    checked = prove_suite(path, reuse='verify', verify_share=1.0)
    assert (checked.steps, by_label(checked)[COMMUTES].status) == (again.steps, Status.PASSED)
    with CheckpointStore.open(tmp_path / 'store.sqlite') as store:
        for key in [*store.keys('verdict:'), *store.keys('term:')]:  # a pending step's bytes are made again
            store.delete(key)
        store.commit()
    assert {claim.label: claim.status for claim in prove_suite(path).claims} == {c: p.status for c, p in found.items()}

    plain = write_suite(tmp_path, 'imp', specs, {COMMUTES: ''})
    assert by_label(prove_suite(plain))[COMMUTES].status is Status.FAILED


@pytest.fixture(scope='module')
def associates(tmp_path_factory: pytest.TempPathFactory) -> ClaimProgress:
    """The claim of `ASSOCIATES`, proved without a disturbance."""
    folder = tmp_path_factory.mktemp('whole')
    return by_label(prove_suite(write_suite(folder, 'imp', ['cases.json'], {ASSOCIATES: CASES})))[ASSOCIATES]


@pytest.mark.parametrize(('steps', 'workers'), [(2, 1), (9, 2)])
def test_an_interrupted_proof_goes_on_from_its_checkpoints(
    tmp_path: Path, associates: ClaimProgress, steps: int, workers: int
) -> None:
    path = write_suite(tmp_path, 'imp', ['cases.json'], {ASSOCIATES: CASES})
    countdown.left = steps
    with pytest.raises(Interrupted) as interrupted:
        prove_suite(path, priority=COUNTDOWN, workers=workers)
    made = interrupted.value.summary.steps
    assert 0 < made < associates.steps
    resumed = prove_suite(path)
    assert by_label(resumed)[ASSOCIATES].status is Status.PASSED
    assert by_label(resumed)[ASSOCIATES].steps == associates.steps
    assert made + resumed.steps == associates.steps  # no step was made twice


def test_limits_leave_it_pending_and_an_edit_of_its_arguments_is_another_proof(tmp_path: Path) -> None:
    shallow = 'prover = { class = "examples.cases:Cases", arguments = { depth = 1 } }'
    claims = {COMMUTES: shallow, ASSOCIATES: f'{CASES}\nmax-steps = 2'}
    found = by_label(prove_suite(write_suite(tmp_path, 'imp', ['cases.json'], claims)))
    limited = found[ASSOCIATES]
    assert (limited.status, limited.reason) == (Status.PENDING, 'the limit of 2 steps is reached')
    assert found[COMMUTES].status is Status.FAILED
    deep = prove_suite(write_suite(tmp_path, 'imp', ['cases.json'], {COMMUTES: CASES}))
    assert by_label(deep)[COMMUTES].status is Status.PASSED


def test_what_a_prover_does_wrong_is_reported_for_its_claim_only(tmp_path: Path) -> None:
    claims = {
        COMMUTES: 'prover = "plugin_classes:FailingCases"',
        ASSOCIATES: 'prover = "plugin_classes:TextualCases"',
        WRONG: 'prover = "plugin_classes:Reluctant"',
        'IMP-LOOPS.transfer': CASES,
        'IMP-EQUALITIES.sign-sum': 'prover = "plugin_classes:NoEnds"',
        'IMP-EQUALITIES.largest-self': CASES,
    }
    specs = ['cases.json', 'wrong-cases.json', 'functions.json', 'loops.json']
    found = by_label(prove_suite(write_suite(tmp_path, 'imp', specs, claims)))
    assert found.pop('IMP-EQUALITIES.largest-self').status is Status.PASSED
    assert {claim.status for claim in found.values()} == {Status.ERROR}
    assert 'step_proof raised ZeroDivisionError: by cases' in found[COMMUTES].reason
    assert 'expected write_step to return bytes, found str' in found[ASSOCIATES].reason
    assert 'has no step to make' in found[WRONG].reason
    assert 'IMP-LOOPS.transfer: expected a claim for examples.cases:Cases' in found['IMP-LOOPS.transfer'].reason
    assert 'to be a ProofKind, found NoEnds' in found['IMP-EQUALITIES.sign-sum'].reason


def standing(commits: int, *steps: str, status: str = 'pending') -> dict[str, Any]:
    return {'commits': commits, 'status': status, 'steps': list(steps), 'explanation': ''}


def test_a_frontier_follows_the_words_of_the_prover() -> None:
    frontier = Frontier(standing(0, 'a', 'b'))
    assert frontier.pending == (1, 2)
    frontier.commit(2, 'b')
    assert frontier.behind
    assert frontier.told(standing(1, 'a', 'c', 'd')) == (3, 4)
    assert not frontier.behind
    frontier.commit(1, 'a')
    frontier.commit(3, 'c')
    assert frontier.told(standing(2, 'c', 'd')) == ()  # a word from between the two commits
    assert frontier.behind
    assert frontier.told(standing(3, 'e')) == (5,)  # d is not needed any more
    assert frontier.pending == (5,)
    assert not frontier.is_pending(4)
    assert frontier.told(standing(3, 'e', 'd')) == (4,)  # or is it
    assert frontier.told(standing(9, 'f')) == ()  # a word about another journal
    assert frontier.pending == (5, 4)


def test_a_frontier_takes_a_journal_that_knows_more_than_the_prover_has_said() -> None:
    frontier = Frontier(standing(0, 'a'))
    for number, step in ((1, 'a'), (2, 'b'), (3, 'c')):
        assert frontier.fits(number, step)
        frontier.commit(number, step)
    assert not frontier.fits(2, 'b')
    assert not frontier.fits(1, 'x')
    assert frontier.fits(9, 'f')
    assert frontier.told(standing(3, 'd', 'b', 'f')) == (10, 9)
    assert frontier.told(standing(3, status='passed')) == ()
    assert (frontier.pending, frontier.status) == ((), 'passed')
