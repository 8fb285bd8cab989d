"""Commits that fail and processes that are killed: every hang and silent loss known of sqlitedict is an exception."""

from __future__ import annotations

import logging
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kprover.store import (
    CheckpointStore,
    StoreError,
    StoreReader,
    StoreWriteError,
)

if TYPE_CHECKING:
    pass


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


def test_a_refused_put_takes_nothing_else_with_it(store: CheckpointStore, path: Path) -> None:
    store.put('a', {'n': 1})
    with pytest.raises(TypeError):
        store.put('b', {'n': object()})
    store.put('c', {'n': 3})
    store.commit()
    with StoreReader(path) as reader:
        assert [key for key, _ in reader.scan('') if len(key) == 1] == ['a', 'c']


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
