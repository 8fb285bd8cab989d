"""Exports, imports and merges: what comes in is what went out, and nothing else comes in."""

from __future__ import annotations

import pickle
import shutil
import sqlite3
import zlib
from typing import TYPE_CHECKING

import pytest
from upkeep_harness import (
    CLAIMS,
    DEPENDENT,
    FAILING,
    flip,
    kinds,
    kprover,
    outcome,
    remove,
    rows,
    run,
    sealed,
    write,
)

from kprover import deltas
from kprover.engine import Status
from kprover.store import CheckpointStore, StoreReader
from kprover.store.codec import decode_record, encode_record
from kprover.upkeep import check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from upkeep_harness import Proved


@pytest.fixture
def exported(proved: Proved, tmp_path: Path) -> Path:
    file = tmp_path / 'shared.store'
    assert kprover('store', 'export', file, '--store', proved.store) == 0
    return file


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / 'target' / 'store.sqlite'


def take(file: Path, target: Path, *, command: str = 'import') -> int:
    return kprover('store', command, file, '--store', target)


# -- sound files ----------------------------------------------------------------------------------------------


def test_an_export_is_one_file_with_all_rows_and_is_a_store_itself(proved: Proved, exported: Path) -> None:
    assert [row for row in rows(exported) if row[0] != 'store:format'] == [
        row for row in rows(proved.store) if row[0] != 'store:format'
    ]
    assert [path.name for path in exported.parent.iterdir()] == [exported.name]
    assert run(exported).requests == 0


def test_a_run_after_an_import_makes_no_request_and_says_where_the_steps_are_from(
    proved: Proved, exported: Path, target: Path
) -> None:
    assert take(exported, target) == 0
    assert not kinds(target) & {'verdict', 'journal', 'status', 'run'}
    summary = run(target)
    assert outcome(summary) == outcome(proved.summary)
    assert (summary.requests, summary.steps, summary.server_starts) == (0, 0, 0)
    assert all(f'steps imported from {exported.name}, not re-executed' in claim.reason for claim in summary.claims)


def test_a_proof_of_a_users_own_kind_is_taken_too_unless_it_is_another(
    tmp_path: Path, target: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    own = 'imp/IMP-CASES.largest-commutes'
    store, exported = tmp_path / 'own.sqlite', tmp_path / 'own.store'
    assert run(store, (own,)).all_passed
    assert kprover('store', 'check', '--store', store) == 0
    assert kprover('store', 'export', exported, '--store', store) == 0
    assert take(exported, target) == 0
    summary = run(target, (own,))
    assert (summary.all_passed, summary.requests) == (True, 0)

    for kind in ('proof:', 'step:'):
        forged = tmp_path / f'{kind[:-1]}.store'
        shutil.copy(exported, forged)
        key = edited(forged, kind, lambda header, blob: (header, zlib.compress(b'[]')))
        assert key in refused(forged, tmp_path / 'other.sqlite', capfd)


def test_stores_of_ones_own_merge_into_one_that_needs_no_request(proved: Proved, tmp_path: Path, target: Path) -> None:
    parts = [tmp_path / f'part-{number}' for number in range(2)]
    assert kprover('store', 'export', parts[0], DEPENDENT, '--store', proved.store) == 0
    others = [claim for claim in CLAIMS if claim != DEPENDENT]
    assert kprover('store', 'export', parts[1], *others, '--store', proved.store) == 0
    assert kprover('store', 'merge', *parts, '--store', target) == 0
    summary = run(target)
    assert outcome(summary) == outcome(proved.summary)
    assert (summary.requests, summary.server_starts) == (0, 0)
    assert not any('imported' in claim.reason for claim in summary.claims)
    assert kprover('store', 'check', '--store', target) == 0


def test_an_export_of_a_claim_holds_what_it_depends_on_and_no_more(proved: Proved, tmp_path: Path) -> None:
    file = tmp_path / 'one.store'
    assert kprover('store', 'export', file, DEPENDENT, '--store', proved.store) == 0
    assert run(file, (DEPENDENT,)).requests == 0
    assert len(rows(file, 'proof:')) == 2
    assert run(file, (FAILING,)).requests > 0


def test_taking_the_same_again_changes_nothing(exported: Path, target: Path) -> None:
    take(exported, target)
    before = rows(target)
    assert take(exported, target) == 0
    assert take(exported, target, command='merge') == 0
    assert rows(target) == before


def test_what_is_damaged_here_is_mended_by_a_merge(proved: Proved, exported: Path, tmp_path: Path) -> None:
    store = proved.copy(tmp_path)
    for kind in ('term', 'step', 'module', 'proof', 'diagnosis', 'family'):
        flip(store, f'{kind}:')
    assert take(exported, store, command='merge') == 0
    assert kprover('store', 'check', '--store', store) == 0


def test_an_export_never_replaces_a_file_unasked(proved: Proved, tmp_path: Path) -> None:
    file = tmp_path / 'precious'
    file.write_text('mine')
    assert kprover('store', 'export', file, '--store', proved.store) == 2
    assert file.read_text() == 'mine'
    assert kprover('store', 'export', file, '--force', '--store', proved.store) == 0
    assert take(file, tmp_path / 'target.sqlite') == 0


def test_nothing_is_taken_while_another_owns_the_store(exported: Path, target: Path) -> None:
    with CheckpointStore.open(target):
        assert take(exported, target) == 2
        assert kprover('store', 'compact', '--store', target) == 2
    assert kinds(target) == {'store'}


# -- files that are refused -----------------------------------------------------------------------------------


def refused(file: Path, target: Path, capfd: pytest.CaptureFixture[str]) -> str:
    """Neither command takes anything of the file; what import says."""
    assert take(file, target) == 2
    told = capfd.readouterr().err
    assert file.name in told
    assert 'Traceback' not in told
    assert kinds(target) == {'store'}
    return told


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ('raise SystemExit("executed")',)


def test_a_pickle_is_refused_and_not_executed(tmp_path: Path, target: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / 'pickle'
    file.write_bytes(pickle.dumps(Bomb()))
    assert 'no SQLite database' in refused(file, target, capfd)


@pytest.mark.parametrize(
    ('layout', 'told'),
    [
        ('CREATE TABLE other (a, b)', 'no checkpoint store'),
        ('CREATE TABLE checkpoints (key TEXT, value BLOB)', 'no checkpoint store has: table checkpoints'),
        ('CREATE VIEW checkpoints AS SELECT 1 AS key, 2 AS value', 'no checkpoint store'),
    ],
)
def test_a_database_of_another_layout_is_refused(
    exported: Path, target: Path, capfd: pytest.CaptureFixture[str], layout: str, told: str
) -> None:
    foreign = exported.with_name('foreign')
    connection = sqlite3.connect(foreign)
    connection.execute(layout)
    if 'TABLE checkpoints' in layout:  # it could hold a key twice
        connection.executemany('INSERT INTO checkpoints VALUES (?, ?)', rows(exported) * 2)
    connection.commit()
    connection.close()
    assert told in refused(foreign, target, capfd)


def test_a_trigger_in_a_file_refuses_it(exported: Path, target: Path, capfd: pytest.CaptureFixture[str]) -> None:
    connection = sqlite3.connect(exported)
    connection.execute('CREATE TRIGGER t AFTER INSERT ON checkpoints BEGIN DELETE FROM checkpoints; END')
    connection.commit()
    connection.close()
    assert 'trigger t' in refused(exported, target, capfd)


@pytest.mark.parametrize('left', [0.1, 0.5, 0.99])
def test_a_file_cut_short_is_refused(
    exported: Path, target: Path, capfd: pytest.CaptureFixture[str], left: float
) -> None:
    content = exported.read_bytes()
    exported.write_bytes(content[: int(len(content) * left)])
    refused(exported, target, capfd)


def test_a_row_too_large_is_refused_unread(
    exported: Path, target: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, 'LARGEST_ROW', 1 << 20)
    write(exported, {'term:' + 'a' * 64: bytes((1 << 20) + 1)})
    assert f'term:{"a" * 64}: has more than' in refused(exported, target, capfd)


def edited(store: Path, prefix: str, change: Callable[[dict[str, object], bytes], tuple[object, bytes]]) -> str:
    """Change a row of a kind and seal it again. Returns its key."""
    key, value = rows(store, prefix)[-1]
    header, blob = change(*decode_record(key, value))
    write(store, {key: encode_record(key, header, blob)})  # type: ignore[arg-type]
    return key


WRONG = {
    'term: another text': ('term:', lambda header, blob: (header, zlib.compress(b'{}'))),
    'term: a bomb': ('term:', lambda header, blob: (header, zlib.compress(bytes(1 << 23), 9))),
    'term: a header': ('term:', lambda header, blob: ({'a': 1}, blob)),
    'module: another rule': (
        'module:',
        lambda header, blob: (header, zlib.compress(zlib.decompress(blob).replace(b'rewrites', b'ceil'))),
    ),
    'step: a term that is not there': (
        'step:',
        lambda header, blob: (
            {
                **header,
                'results': [
                    {'kind': 'extend', 'prior_loops': [], 'extension': {'kind': 'abstract', 'nodes': ['b' * 64]}}
                ],
            },
            blob,
        ),
    ),
    'step: an unknown result': ('step:', lambda header, blob: ({**header, 'results': [{'kind': 'proved'}]}, blob)),
    'step: another shape': ('step:', lambda header, blob: ({**header, 'results': 3}, blob)),
    'proof: a module that is not there': ('proof:', lambda header, blob: ({**header, 'modules': ['M-0']}, blob)),
    'verdict: other inputs': ('verdict:', lambda header, blob: ({**header, 'inputs': {'backend': 'mine'}}, blob)),
    'journal: a step that is not there': ('journal:', lambda header, blob: ({**header, 'step': 'c' * 64}, blob)),
    'family: no keys': ('family:', lambda header, blob: ({'steps': ['../..']}, blob)),
}


@pytest.mark.parametrize('case', WRONG)
def test_a_sealed_row_that_says_what_it_must_not_is_refused(
    exported: Path, target: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    monkeypatch.setattr(deltas, 'LARGEST_TEXT', 1 << 22)
    key = edited(exported, *WRONG[case])
    assert key in refused(exported, target, capfd)
    # of a store of one's own the rest is taken, and the row named
    assert take(exported, target, command='merge') == 1
    assert key in capfd.readouterr().out
    assert kprover('store', 'check', '--store', target) == 0
    assert run(target).claims[0].status is Status.PASSED


def test_a_gap_in_a_journal_is_named(exported: Path, capfd: pytest.CaptureFixture[str]) -> None:
    followed = next(key for key, _ in rows(exported, 'journal:') if key.endswith(':00000002'))
    remove(exported, followed.replace(':00000002', ':00000001'))
    assert kprover('store', 'check', '--store', exported) == 1
    assert 'follows a gap' in capfd.readouterr().out


def test_a_verdict_in_a_file_is_never_believed(exported: Path, target: Path) -> None:
    """A forged verdict under its own digest and inputs, with a journal: the claim still fails."""
    with StoreReader(exported) as reader:
        forged = [
            (key, {**record.header, 'status': 'passed', 'reason': '', 'failures': [], 'failing': 0})
            for key, record in reader.scan('verdict:')
            if record.header['status'] == 'failed'
        ]
    for key, header in forged:
        sealed(exported, key, header)
    assert forged
    assert kprover('store', 'check', '--store', exported) == 0
    for command in ('import', 'merge'):
        store = target.with_name(command)
        assert take(exported, store, command=command) == 0
        failing = [claim for claim in run(store).claims if claim.claim == FAILING]
        assert [claim.status for claim in failing] == [Status.FAILED]


def test_a_store_is_not_taken_into_itself(exported: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert take(exported, exported) == 2
    link = exported.with_name('link')
    shutil.copy(exported, link)
    assert take(link, exported) == 0
