"""gc keeps what the claims need and nothing else; compact changes no record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from upkeep_harness import CLAIMS, EXAMPLES, kprover, outcome, rows, run, sealed

from kprover.cli import main
from kprover.store import CheckpointStore

if TYPE_CHECKING:
    from pathlib import Path

    from upkeep_harness import Proved

OF_NOBODY = {
    'term:' + '1' * 64: {},
    'step:' + '2' * 64: {'results': []},
    'family:' + '3' * 64: {'steps': ['2' * 64]},
    'proof:' + '4' * 64: {'kind': 'equality', 'modules': [], 'proof': ''},
    'journal:' + '4' * 64 + ':00000000': {'node': 0, 'step': '2' * 64},
    'verdict:' + '4' * 64: {'status': 'passed'},
    'diagnosis:' + '5' * 64: {},
    'module:M-' + '6' * 64: {},
    'status:gone/CLAIM': {},
    'history:gone/CLAIM': {},
}


def litter(store: Path) -> None:
    for key, header in OF_NOBODY.items():
        sealed(store, key, dict(header), bytes(20_000))


def test_gc_frees_what_nobody_needs_and_the_next_run_makes_no_request(
    proved: Proved, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = proved.copy(tmp_path)
    before = rows(store)
    litter(store)
    sealed(store, 'invented:later', {'by': 'a newer version'})
    assert kprover('store', 'gc', '--dry-run', '--store', store) == 0
    assert '1 diagnosis' in capfd.readouterr().out
    assert len(rows(store)) == len(before) + len(OF_NOBODY) + 1
    assert kprover('store', 'gc', '--store', store) == 0
    assert [row for row in rows(store) if row[0] != 'invented:later'] == before
    size = store.stat().st_size
    assert kprover('store', 'compact', '--store', store) == 0
    assert store.stat().st_size < size - 100_000
    assert [row for row in rows(store) if row[0] != 'invented:later'] == before
    summary = run(store)
    assert (summary.requests, outcome(summary)) == (0, outcome(proved.summary))


def test_gc_keeps_what_was_imported_and_not_run_yet(proved: Proved, tmp_path: Path) -> None:
    store = tmp_path / 'store.sqlite'
    assert kprover('store', 'merge', proved.store, '--store', store) == 0
    before = rows(store)
    assert kprover('store', 'gc', '--store', store) == 0
    assert rows(store) == before
    assert run(store, CLAIMS).requests == 0


def test_gc_frees_nothing_beside_a_run_and_nothing_for_suites_of_another_store(
    proved: Proved, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = proved.copy(tmp_path)
    before = rows(store)
    with CheckpointStore.open(store):
        assert kprover('store', 'gc', '--store', store) == 2
        assert 'in use by process' in capfd.readouterr().err
        assert kprover('store', 'gc', '--dry-run', '--store', store) == 0
    other = str(EXAMPLES / 'stack' / 'suite.toml')
    assert main(['store', 'gc', '--suite', other, '--store', str(store), '--backend', 'embedded']) == 2
    assert 'would be freed' in capfd.readouterr().err
    assert rows(store) == before
