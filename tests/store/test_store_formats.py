"""Files that other programs, versions or settings have touched: set right, migrated, or refused and left alone."""

from __future__ import annotations

import os
import pickle
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from first_format import first_store
from store_files import change_value, filled

from kprover.store import (
    CheckpointStore,
    CorruptStore,
    StoreError,
    StoreFormatError,
    StoreReader,
)
from kprover.store import format as store_format
from kprover.store.codec import encode_record
from kprover.store.format import FORMAT, FORMAT_KEY
from kprover.store.rows import TABLE

if TYPE_CHECKING:
    pass


def test_a_foreign_journal_mode_is_set_right_on_opening(path: Path) -> None:
    filled(path)
    foreign = sqlite3.connect(path)
    assert foreign.execute('PRAGMA journal_mode = DELETE').fetchone() == ('delete',)
    foreign.close()
    with CheckpointStore.open(path) as store:
        assert store._writer.pragma('journal_mode') == 'wal'
        assert store.header('step:00007') == {'n': 7}


def test_nobody_can_change_the_journal_mode_of_an_open_store(store: CheckpointStore, path: Path) -> None:
    store.put('a', {})
    store.commit()
    change = (
        'import sqlite3, sys\n'
        'try: print(sqlite3.connect(sys.argv[1], timeout=0.1).execute("PRAGMA journal_mode=DELETE").fetchone())\n'
        'except sqlite3.OperationalError as error: print(error)\n'
    )
    answer = subprocess.run([sys.executable, '-c', change, str(path)], capture_output=True, text=True, timeout=30)
    assert 'locked' in answer.stdout
    assert store._writer.pragma('journal_mode') == 'wal'


def test_commits_are_synchronised_fully(store: CheckpointStore) -> None:
    assert store._writer.pragma('synchronous') == 2
    assert store._writer.pragma('journal_mode') == 'wal'


def test_an_open_transaction_of_a_reader_does_not_stop_the_writer(store: CheckpointStore, path: Path) -> None:
    store.put('a', {'n': 1})
    store.commit()
    foreign = sqlite3.connect(path, isolation_level=None)
    foreign.execute('BEGIN')
    foreign.execute(f'SELECT count(*) FROM "{TABLE}"').fetchall()
    started = time.monotonic()
    for number in range(50):
        store.put('a', {'n': number}, os.urandom(30_000))
        store.commit()
    assert time.monotonic() - started < 5
    foreign.close()


def test_a_newer_format_is_refused_by_owner_and_reader(path: Path) -> None:
    CheckpointStore.open(path).close()
    change_value(path, FORMAT_KEY, lambda value: encode_record(FORMAT_KEY, {'format': FORMAT + 1}))
    before = path.read_bytes()
    with pytest.raises(StoreFormatError, match=f'format {FORMAT + 1}, made by a newer kprover'):
        CheckpointStore.open(path)
    with StoreReader(path) as reader, pytest.raises(StoreFormatError, match='newer'):
        reader.get('a')
    assert path.read_bytes() == before


FIRST: dict[str, tuple[dict[str, object], bytes]] = {
    f'{kind}:{number:064x}{rest}': ({'n': number}, random.Random(number).randbytes(600))
    for kind, rest in (('step', ''), ('journal', ':00000003'), ('history', ''))
    for number in range(10)
} | {'status:imp/A.b': ({'digest': 'ab' * 32}, b'')}


def all_records(records: StoreReader | CheckpointStore) -> dict[str, tuple[dict[str, object], bytes]]:
    assert [key for key, _ in records.scan('')] == list(records.keys('')) == sorted(records.keys(''))
    return {key: tuple(record) for key, record in records.scan('') if key != FORMAT_KEY}  # type: ignore[misc]


def test_a_store_of_the_first_format_is_read_and_migrated_by_its_next_owner(path: Path) -> None:
    first_store(path, FIRST)
    content = path.read_bytes()
    with StoreReader(path) as reader:
        assert all_records(reader) == FIRST
        assert all(reader.get(key) == value for key, value in FIRST.items())
        assert not reader.foreign()
    assert path.read_bytes() == content
    with StoreReader(path) as beside:
        assert all_records(beside) == FIRST
        with CheckpointStore.open(path) as store:
            header = store.header(FORMAT_KEY)
            assert header is not None
            assert (header['format'], header['from']) == (FORMAT, 1)
            assert all_records(store) == FIRST
            assert all(store.get(key) == value for key, value in FIRST.items())
            for key, value in FIRST.items():
                store.put(key, *value)
            store.commit()
            assert all_records(store) == FIRST
            assert all_records(beside) == FIRST
    with StoreReader(path) as reader:
        assert all_records(reader) == FIRST
        assert not reader.foreign()


def test_a_migration_that_fails_leaves_the_store_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack_names = store_format.MIGRATIONS[1]

    def fails_at_its_end(connection: sqlite3.Connection) -> None:
        pack_names(connection)
        raise sqlite3.OperationalError('disk is full')

    first_store(path, FIRST)
    with monkeypatch.context() as patched:
        patched.setattr(store_format, 'MIGRATIONS', {1: fails_at_its_end})
        with pytest.raises(StoreError, match='disk is full'):
            CheckpointStore.open(path)
    with StoreReader(path) as reader:
        assert all_records(reader) == FIRST
        assert reader.header(FORMAT_KEY) is not None
    with CheckpointStore.open(path) as store:
        assert all_records(store) == FIRST


@pytest.mark.parametrize('header', [{}, {'format': 0}, {'format': 'one'}, {'format': None}])
def test_an_unknown_format_is_refused(path: Path, header: dict[str, object]) -> None:
    CheckpointStore.open(path).close()
    change_value(path, FORMAT_KEY, lambda value: encode_record(FORMAT_KEY, header))
    with pytest.raises(StoreFormatError, match='reads format'):
        CheckpointStore.open(path)


def test_a_damaged_format_record_is_refused(path: Path) -> None:
    CheckpointStore.open(path).close()
    change_value(path, FORMAT_KEY, lambda value: value[:-1])
    with pytest.raises(CorruptStore, match='format version'):
        CheckpointStore.open(path)


@pytest.mark.parametrize('table', ['other', TABLE])
def test_the_database_of_another_program_is_left_alone(path: Path, table: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f'CREATE TABLE "{table}" (key TEXT PRIMARY KEY, value BLOB)')
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreFormatError, match='no checkpoint store'):
        CheckpointStore.open(path)
    assert path.read_bytes() == before


def test_a_folder_or_an_impossible_path_is_an_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('')
    (tmp_path / 'circle').symlink_to('circle')
    odd = (tmp_path / 'circle', tmp_path / 'circle' / 'store.sqlite', tmp_path / 'a\0b')
    for path in (tmp_path, tmp_path / 'file' / 'store.sqlite', *odd):
        with pytest.raises(StoreError, match='cannot be made or opened') as caught:
            CheckpointStore.open(path)
        assert str(path) in str(caught.value)


class Bomb:
    """Unpickling it would leave a file behind."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.write_text, (self.path, 'executed')


def test_a_pickle_in_a_foreign_file_is_never_executed(path: Path, tmp_path: Path) -> None:
    filled(path, 10)
    mark = tmp_path / 'executed'
    change_value(path, 'step:00007', lambda value: pickle.dumps(Bomb(mark)))
    with CheckpointStore.open(path) as store:
        assert store.get('step:00007') is None
        assert len(list(store.scan('step:'))) == 9
    assert not mark.exists()
