"""Claims that a run of the program refutes are not proved; of those that are true, most are."""

from __future__ import annotations

from campaign import campaigns

MUTANTS = 60
SEED = 20


def test_no_mutant_is_proved_that_a_run_refutes() -> None:
    """The long run, with other seeds, is `python -m tests.soundness`."""
    for language, tally in campaigns(['imp', 'stack'], MUTANTS, SEED):
        assert not tally.wrong, language
        assert tally.mutants >= MUTANTS // 2
        assert tally.proved >= 0.7 * tally.claims, f'{language}: {tally}'
