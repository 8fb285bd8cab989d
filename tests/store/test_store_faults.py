"""Every hang and silent loss known of sqlitedict is an exception or nothing at all."""

from __future__ import annotations

import logging
import os
import pickle
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from first_format import first_store

from kprover.store import (
    CheckpointStore,
    CorruptStore,
    StoreError,
    StoreFormatError,
    StoreReader,
    StoreWriteError,
)
from kprover.store import format as store_format
from kprover.store.codec import encode_record
from kprover.store.format import FORMAT, FORMAT_KEY
from kprover.store.rows import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable


def filled(path: Path, count: int = 300) -> None:
    with CheckpointStore.open(path) as store:
        for number in range(count):
            store.put(f'step:{number:05d}', {'n': number}, random.Random(number).randbytes(600))
        store.commit()


# -- commits that fail ---------------------------------------------------------------------------------------


def test_a_full_disk_raises_and_the_commit_can_be_repeated(store: CheckpointStore, path: Path) -> None:
    store.put('before', {})
    store.commit()
    pages = store._writer.pragma('page_count')
    store._writer.pragma(f'max_page_count = {pages + 2}')  # SQLite's own way to say `disk full`
    store.put('a', {'n': 1}, os.urandom(200_000))
    store.put('b', {'n': 2})
    for _ in range(3):
        with pytest.raises(StoreWriteError, match='full'):
            store.commit()
        assert store.header('a') == {'n': 1}
        assert store.contains('before')
        with StoreReader(path) as reader:
            assert not reader.contains('b'), 'half a transaction was committed'
    store._writer.pragma('max_page_count = 1000000')
    store.commit()
    with StoreReader(path) as reader:
        assert reader.header('a') == {'n': 1}
        assert reader.header('b') == {'n': 2}


FILE_SIZE_LIMIT = """
import os, resource, signal, sys
from pathlib import Path
from kprover.store import CheckpointStore, StoreWriteError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
signal.alarm(30)
store = CheckpointStore.open(Path(sys.argv[1]))
store.put('small', {'n': 0}); store.commit()
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
store.put('large', {'n': 1}, os.urandom(300_000))
store.put('other', {'n': 2})
for attempt in range(2):
    try:
        store.commit()
    except StoreWriteError as error:
        print('refused:', error)
assert store.header('large') == {'n': 1}
assert store._writer._dict.conn.is_alive()
resource.setrlimit(resource.RLIMIT_FSIZE, limits)
store.commit()
store.close()
print('done')
"""


def test_a_write_that_the_kernel_refuses_raises_at_the_commit_and_can_be_repeated(path: Path) -> None:
    """With COMMIT sent by sqlitedict's own `commit()` this is where its thread dies and the caller waits
    for ever.
    """
    answer = subprocess.run(
        [sys.executable, '-c', FILE_SIZE_LIMIT, str(path)], capture_output=True, text=True, timeout=60
    )
    assert answer.returncode == 0, answer.stderr
    lines = answer.stdout.splitlines()
    assert len(lines) == 3
    assert all('could not be written' in line for line in lines[:2])
    assert lines[2] == 'done'
    with StoreReader(path) as reader:
        assert [key for key in ('large', 'other', 'small') if reader.contains(key)] == ['large', 'other', 'small']


def test_a_foreign_writer_makes_the_commit_raise_and_loses_nothing(store: CheckpointStore, path: Path) -> None:
    foreign = sqlite3.connect(path, isolation_level=None)
    foreign.execute('BEGIN IMMEDIATE')
    store.put('a', {'n': 1})
    started = time.monotonic()
    with pytest.raises(StoreWriteError, match='locked'):
        store.commit()
    assert time.monotonic() - started < 5
    assert store.header('a') == {'n': 1}
    foreign.execute('COMMIT')
    foreign.close()
    store.commit()
    with StoreReader(path) as reader:
        assert reader.header('a') == {'n': 1}


def test_a_failed_commit_leaves_a_store_that_closes(path: Path) -> None:
    store = CheckpointStore.open(path)
    store._writer.pragma('max_page_count = 1')
    store.put('a', {}, os.urandom(100_000))
    with pytest.raises(StoreWriteError):
        store.commit()
    store.close()
    with CheckpointStore.open(path) as again:
        assert not again.contains('a')


@pytest.mark.filterwarnings('ignore::pytest.PytestUnhandledThreadExceptionWarning')
def test_a_dead_writing_thread_is_replaced(store: CheckpointStore, path: Path) -> None:
    store.put('a', {'n': 1})
    store.commit()
    assert store._writer._dict is not None
    thread = store._writer._dict.conn
    thread.reqs.put(('no request at all',))  # not the four fields that the thread unpacks: it dies of it
    thread.join(10)
    assert not thread.is_alive()
    store.put('b', {'n': 2})
    store.commit()
    assert store._writer.pragma('synchronous') == 2
    with StoreReader(path) as reader:
        assert reader.header('a') == {'n': 1}
        assert reader.header('b') == {'n': 2}


def test_an_error_is_raised_by_its_own_commit_and_not_by_the_next(store: CheckpointStore) -> None:
    with pytest.raises(StoreError):
        store._writer.transact([('SELECT * FROM "nowhere"', ())])
    store.put('a', {'n': 1})
    store.commit()
    assert store.header('a') == {'n': 1}


def test_an_interrupted_wait_does_not_spoil_the_next_commit(
    store: CheckpointStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = store._writer._next_answer

    def interrupted(*_: object) -> object:
        raise KeyboardInterrupt

    store.put('a', {'n': 1})
    monkeypatch.setattr(store._writer, '_next_answer', interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.commit()
    monkeypatch.setattr(store._writer, '_next_answer', answers)
    store.put('b', {'n': 2})
    store.commit()
    with StoreReader(path) as reader:
        assert reader.header('a') == {'n': 1}
        assert reader.header('b') == {'n': 2}


def test_failures_do_not_fill_the_log(store: CheckpointStore, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(StoreError):
        store._writer.transact([('no SQL', ())])
    assert not caplog.records


# -- damaged files -------------------------------------------------------------------------------------------


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open('r+b') as file:
        file.seek(offset)
        file.write(data)


def page_size(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[16:18], 'big')


@pytest.mark.parametrize('page', [0, 1, 2, 3])
def test_a_damaged_page_is_reported_when_the_store_is_opened(path: Path, page: int) -> None:
    filled(path)
    size = page_size(path)
    overwrite(path, page * size + (100 if page == 0 else 0), b'\xff' * (size // 2))
    with pytest.raises(CorruptStore, match='damaged') as caught:
        CheckpointStore.open(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    'call',
    [
        lambda store: list(store.scan('step:')),
        lambda store: list(store.keys('step:')),
        lambda store: [store.get(f'step:{number:05d}') for number in range(300)],
        lambda store: [store.contains(f'step:{number:05d}') for number in range(300)],
    ],
    ids=['scan', 'keys', 'get', 'contains'],
)
@pytest.mark.parametrize('reader', [False, True], ids=['owner', 'reader'])
def test_a_page_damaged_in_use_raises_and_does_not_hang(
    path: Path, call: Callable[[CheckpointStore | StoreReader], object], reader: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(path)
    size = page_size(path)
    pages = path.stat().st_size // size
    for page in range(2, pages):
        overwrite(path, page * size, b'\xff' * size)
    monkeypatch.setattr('kprover.store.store.prepare', lambda path: None)  # the damage comes after the check
    with pytest.raises(CorruptStore, match='damaged'):
        if reader:
            with StoreReader(path) as opened:
                call(opened)
        else:
            with CheckpointStore.open(path) as store:
                call(store)


def test_writing_into_a_damaged_page_raises_and_does_not_hang(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(path)
    size = page_size(path)
    for page in range(2, path.stat().st_size // size):
        overwrite(path, page * size, b'\xff' * size)
    monkeypatch.setattr('kprover.store.store.prepare', lambda path: None)
    with CheckpointStore.open(path) as store:
        for _ in range(2):
            store.put('step:00150', {'n': 1}, os.urandom(5000))
            with pytest.raises(CorruptStore, match='damaged'):
                store.commit()


def test_damage_in_a_file_too_large_to_check_at_once_is_found_where_it_is_met(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(path)
    size = page_size(path)
    overwrite(path, (path.stat().st_size // size - 4) * size, b'\xff' * size * 3)
    monkeypatch.setattr('kprover.store.format.QUICK_CHECK_BYTES', 0)
    found = 0
    with CheckpointStore.open(path) as store:
        for number in range(300):
            try:
                record = store.get(f'step:{number:05d}')
            except CorruptStore:
                continue
            if record is not None:
                assert record == ({'n': number}, random.Random(number).randbytes(600))
                found += 1
    assert 0 < found < 300


@pytest.mark.parametrize('content', [b'no database at all' * 500, b'\0' * 5000, b'SQLite format 3\0' + b'\xff' * 4000])
def test_a_file_that_is_no_database_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(CorruptStore):
        CheckpointStore.open(path)
    with StoreReader(path) as reader, pytest.raises(CorruptStore):
        reader.get('a')
    assert path.read_bytes() == content


def test_a_truncated_file_is_refused(path: Path) -> None:
    filled(path)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(StoreError):
        CheckpointStore.open(path)


def change_value(path: Path, key: str, change: Callable[[bytes], object]) -> None:
    connection = sqlite3.connect(path)
    (value,) = connection.execute(f'SELECT value FROM "{TABLE}" WHERE key = ?', (key,)).fetchone()
    connection.execute(f'UPDATE "{TABLE}" SET value = ? WHERE key = ?', (change(value), key))
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    'change',
    [
        lambda value: value[:-1] + bytes([value[-1] ^ 1]),
        lambda value: value[:60],
        lambda value: b'',
        lambda value: None,
        lambda value: 'text',
        lambda value: 7,
        lambda value: encode_record('step:00008', {'n': 8}),
    ],
    ids=['bit', 'cut', 'empty', 'null', 'text', 'number', 'other-record'],
)
@pytest.mark.parametrize('reader', [False, True], ids=['owner', 'reader'])
def test_a_damaged_record_is_a_missing_record_with_a_name(
    path: Path, change: Callable[[bytes], object], reader: bool
) -> None:
    filled(path, 10)
    change_value(path, 'step:00007', change)
    opened: CheckpointStore | StoreReader = StoreReader(path) if reader else CheckpointStore.open(path)
    with opened as records:
        assert records.get('step:00007') is None
        assert records.header('step:00007') is None
        assert not records.contains('step:00007')
        assert list(records.damaged) == ['step:00007']
        assert len(list(records.scan('step:'))) == 9
        assert 'step:00007' in records.keys('step:')
        assert records.header('step:00006') == {'n': 6}


def test_a_damaged_record_can_be_written_again(path: Path) -> None:
    filled(path, 10)
    change_value(path, 'step:00007', lambda value: value[:60])
    with CheckpointStore.open(path) as store:
        assert store.get('step:00007') is None
        store.put('step:00007', {'n': 77})
        assert not store.damaged
        store.commit()
        assert store.header('step:00007') == {'n': 77}


# -- foreign hands -------------------------------------------------------------------------------------------


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
    for path in (tmp_path, tmp_path / 'file' / 'store.sqlite'):
        with pytest.raises(StoreError, match='cannot be made or opened') as caught:
            CheckpointStore.open(path)
        assert str(path) in str(caught.value)


# -- kills ---------------------------------------------------------------------------------------------------

WRITER = """
import json, os, sys
from pathlib import Path
from kprover.store import CheckpointStore
with CheckpointStore.open(Path(sys.argv[1])) as store:
    number = sum(1 for _ in store.keys('step:'))
    while True:
        store.put(f'step:{number:08d}', {'n': number}, os.urandom(3000))
        store.put(f'journal:{number:08d}', {'n': number})
        store.commit()
        os.write(1, b'%d\\n' % number)
        number += 1
"""


def test_nothing_acknowledged_is_lost_by_kill_9_and_no_transaction_is_half(path: Path) -> None:
    choice = random.Random(5)
    acknowledged = -1
    for _ in range(6):
        process = subprocess.Popen([sys.executable, '-c', WRITER, str(path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        lines = process.stdout
        for _ in range(choice.randrange(1, 60)):
            acknowledged = int(lines.readline())
        time.sleep(choice.random() * 0.02)
        process.send_signal(signal.SIGKILL)
        rest = lines.read().splitlines(keepends=True)
        process.wait()
        lines.close()
        acknowledged = max([acknowledged, *(int(line) for line in rest if line.endswith(b'\n'))])
        with StoreReader(path) as reader:
            steps = [record.header['n'] for _, record in reader.scan('step:')]
            journal = [record.header['n'] for _, record in reader.scan('journal:')]
            assert steps == journal == list(range(len(steps)))
            assert len(steps) > acknowledged
            assert not reader.damaged
    with CheckpointStore.open(path) as store:
        assert store.contains(f'step:{acknowledged:08d}')


DIES_IN_COMMIT = """
import os, signal, sys
from pathlib import Path
from kprover.store import CheckpointStore
store = CheckpointStore.open(Path(sys.argv[1]))
statements = int(sys.argv[2])
run = store._writer._run
def counted(*arguments):
    global statements
    if statements == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    statements -= 1
    return run(*arguments)
store._writer._run = counted
for number in range(450):
    store.put(f'new:{number:03d}', {'n': number}, bytes(5000))
store.delete_prefix('old:')
store.commit()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(('statements', 'survives'), [(0, False), (1, False), (3, False), (4, False), (5, True)])
def test_a_commit_killed_between_its_statements_is_there_wholly_or_not_at_all(
    path: Path, statements: int, survives: bool
) -> None:
    with CheckpointStore.open(path) as store:
        for number in range(10):
            store.put(f'old:{number}', {})
        store.commit()
    killed = subprocess.run([sys.executable, '-c', DIES_IN_COMMIT, str(path), str(statements)], timeout=60)
    assert killed.returncode == -signal.SIGKILL
    with StoreReader(path) as reader:
        assert sum(1 for _ in reader.scan('new:')) == (450 if survives else 0)
        assert sum(1 for _ in reader.scan('old:')) == (0 if survives else 10)


REOPENING_WRITER = """
import sys
from pathlib import Path
from kprover.store import CheckpointStore
number = 0
while True:
    with CheckpointStore.open(Path(sys.argv[1])) as store:
        for _ in range(3):
            store.put(f'step:{number:06d}', {'n': number}, bytes(3000))
            store.put('last', {'n': number})
            store.commit()
            number += 1
"""


def test_a_reader_is_right_while_the_store_is_written_closed_and_opened(path: Path) -> None:
    writer = subprocess.Popen([sys.executable, '-c', REOPENING_WRITER, str(path)])
    try:
        last, seen = -1, 0
        reader = StoreReader(path)
        deadline = time.monotonic() + 20
        while seen < 30 and time.monotonic() < deadline:
            header = reader.header('last')
            if header is not None and header['n'] != last:
                assert header['n'] > last
                last = header['n']
                assert reader.contains(f'step:{last:06d}')
                seen += 1
                if seen % 3 == 0:
                    reader.close()
        assert seen == 30
        assert not reader.damaged
        reader.close()
    finally:
        writer.kill()
        writer.wait()


# -- values --------------------------------------------------------------------------------------------------


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


def test_a_refused_put_takes_nothing_else_with_it(store: CheckpointStore, path: Path) -> None:
    store.put('a', {'n': 1})
    with pytest.raises(TypeError):
        store.put('b', {'n': object()})
    store.put('c', {'n': 3})
    store.commit()
    with StoreReader(path) as reader:
        assert [key for key, _ in reader.scan('') if len(key) == 1] == ['a', 'c']
