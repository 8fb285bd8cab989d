"""A damaged record is a missing one: the next run makes it again and finds what the first has found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from upkeep_harness import CLAIMS, FAILING, flip, kinds, kprover, outcome, rows, run, sealed

from kprover.deltas import base_of
from kprover.engine import ledger
from kprover.store import StoreReader

if TYPE_CHECKING:
    from pathlib import Path

    from upkeep_harness import Proved

MADE_AGAIN = {'term', 'module', 'proof', 'step', 'diagnosis'}
"""What a run cannot do without, once the verdicts are gone."""

KINDS = sorted(MADE_AGAIN | {'family', 'journal', 'verdict', 'run', 'status', 'history'})


def test_the_store_of_these_tests_has_rows_of_every_kind(proved: Proved) -> None:
    assert kinds(proved.store) == {*KINDS, 'store'}


@pytest.mark.parametrize('kind', KINDS)
def test_a_run_over_damaged_records_of_a_kind_finds_the_same(
    proved: Proved, tmp_path: Path, capfd: pytest.CaptureFixture[str], kind: str
) -> None:
    store = proved.copy(tmp_path)
    damaged = flip(store, f'{kind}:')
    assert kprover('store', 'check', '--store', store) == 1
    told = capfd.readouterr().out
    assert all(key in told for key in damaged)
    if kind != 'verdict':
        flip(store, 'verdict:')  # or nothing else would be looked at
    summary = run(store)
    assert outcome(summary) == outcome(proved.summary)
    assert (summary.requests > 0) == (kind in MADE_AGAIN - {'module', 'proof'})
    assert run(store).requests == 0


def test_only_some_of_the_records_damaged_is_as_harmless(proved: Proved, tmp_path: Path) -> None:
    store = proved.copy(tmp_path)
    for kind in ('verdict', 'journal', 'term', 'step'):
        flip(store, f'{kind}:' if kind == 'verdict' else rows(store, f'{kind}:')[len(rows(store, f'{kind}:')) // 2][0])
    assert outcome(run(store)) == outcome(proved.summary)


def test_a_term_that_others_are_differences_from_is_made_again_with_them(proved: Proved, tmp_path: Path) -> None:
    store = proved.copy(tmp_path)
    with StoreReader(store) as reader:
        bases = {base_of(record.blob) for _, record in reader.scan('term:')} - {None}
    assert bases
    for base in bases:
        assert base is not None
        flip(store, ledger.term_row(base))
    flip(store, 'verdict:')
    assert outcome(run(store)) == outcome(proved.summary)
    assert kprover('store', 'check', '--store', store) == 0


def test_commits_behind_a_damaged_one_are_not_mixed_with_those_that_replace_it(proved: Proved, tmp_path: Path) -> None:
    store = proved.copy(tmp_path)
    flip(store, 'verdict:')
    digest = next(key.split(':')[1] for key, _ in rows(store, 'journal:') if key.endswith(':00000005'))
    row = ledger.journal_row(digest, 2)
    flip(store, row)
    later = ledger.journal_row(digest, 5)
    sealed(store, later, {'node': 3, 'step': '0' * 64})  # the rest of another order of commits
    assert outcome(run(store)) == outcome(proved.summary)
    with StoreReader(store) as reader:
        steps = [step for _, step in ledger.read_journal(reader, digest)]
    assert '0' * 64 not in steps
    assert len(steps) == sum(key.startswith(ledger.journal_prefix(digest)) for key, _ in rows(proved.store))


def test_the_claims_have_the_same_outcome_in_a_store_of_their_own(proved: Proved) -> None:
    assert set(outcome(proved.summary)) >= set(CLAIMS)
    assert FAILING in outcome(proved.summary)
