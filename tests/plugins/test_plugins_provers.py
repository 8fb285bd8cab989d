"""Provers of the users' own: their proofs run, resume, fail and depend like all others."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest
from plugins_harness import by_label, prove_suite, write_suite

from kprover.engine import Interrupted, Status
from kprover.engine.frontier import Frontier
from kprover.engine.priority import by_claim
from kprover.store import CheckpointStore

if TYPE_CHECKING:
    from pathlib import Path

    from kprover.engine.priority import StepInfo

CASES = 'prover = "examples.cases:Cases"'
ASSOCIATES = 'IMP-CASES.largest-associates'
COMMUTES = 'IMP-CASES.largest-commutes'
WRONG = 'IMP-WRONG-CASES.largest-first'


class Countdown:
    """A priority that sends this process SIGTERM when so many steps have become ready."""

    left = 0

    def __call__(self, step: StepInfo) -> Any:
        if step.kind == 'step' and self.left:
            self.left -= 1
            if not self.left:
                signal.raise_signal(signal.SIGTERM)
        return by_claim(step)


countdown = Countdown()


def test_a_prover_by_cases_shows_what_one_answer_does_not(tmp_path: Path) -> None:
    specs = ['cases.json', 'wrong-cases.json', 'functions.json']
    path = write_suite(tmp_path, 'imp', specs, {COMMUTES: CASES, WRONG: CASES, 'IMP-EQUALITIES.sign-sum': ''})
    found = by_label(prove_suite(path, workers=2))
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


@pytest.mark.parametrize('steps', [2, 9])
def test_an_interrupted_proof_goes_on_from_its_checkpoints(tmp_path: Path, steps: int) -> None:
    path = write_suite(tmp_path, 'imp', ['cases.json'], {ASSOCIATES: CASES})
    whole = by_label(prove_suite(path, store=tmp_path / 'whole.sqlite'))[ASSOCIATES]
    countdown.left = steps
    with pytest.raises(Interrupted) as interrupted:
        prove_suite(path, priority=f'{__name__}:countdown', workers=2)
    made = interrupted.value.summary.steps
    assert 0 < made < whole.steps
    resumed = prove_suite(path)
    assert by_label(resumed)[ASSOCIATES].status is Status.PASSED
    assert by_label(resumed)[ASSOCIATES].steps == whole.steps
    assert made + resumed.steps == whole.steps  # no step was made twice


def test_an_edit_of_its_arguments_is_another_proof(tmp_path: Path) -> None:
    shallow = 'prover = { class = "examples.cases:Cases", arguments = { depth = 1 } }'
    found = prove_suite(write_suite(tmp_path, 'imp', ['cases.json'], {COMMUTES: shallow}))
    assert by_label(found)[COMMUTES].status is Status.FAILED
    deep = prove_suite(write_suite(tmp_path, 'imp', ['cases.json'], {COMMUTES: CASES}))
    assert by_label(deep)[COMMUTES].status is Status.PASSED


def test_limits_leave_it_pending(tmp_path: Path) -> None:
    path = write_suite(tmp_path, 'imp', ['cases.json'], {COMMUTES: f'{CASES}\nmax-steps = 2'})
    claim = by_label(prove_suite(path))[COMMUTES]
    assert (claim.status, claim.reason) == (Status.PENDING, 'the limit of 2 steps is reached')


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
