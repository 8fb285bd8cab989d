"""Claims that a run of the program refutes are not proved; of those that are true, most are."""

from __future__ import annotations

import pytest
from campaign import campaign

MUTANTS = 110
SEED = 20


@pytest.mark.parametrize('language', ['imp', 'stack'])
def test_no_mutant_is_proved_that_a_run_refutes(language: str) -> None:
    tally = campaign(language, MUTANTS, SEED)
    assert not tally.wrong
    assert tally.mutants >= MUTANTS
    assert tally.proved >= 0.7 * tally.claims, f'{tally}'
