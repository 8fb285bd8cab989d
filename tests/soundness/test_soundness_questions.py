"""Answers about random definitions are not contradicted by their instances, as an independent evaluator has them."""

from __future__ import annotations

from questions import campaign

QUESTIONS = 500
SEED = 3


def test_no_answer_is_contradicted_by_an_instance() -> None:
    """The long run, with other seeds, is `make soundness`."""
    tally = campaign(QUESTIONS, SEED)
    assert not tally.wrong, '\n\n'.join(map(str, tally.wrong[:5]))
    assert not tally.errors, tally.errors
    assert tally.useful.total() > 2 * QUESTIONS, f'{tally}'
    assert tally.passed > 10, f'{tally}'
