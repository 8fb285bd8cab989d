"""Readers: before there is a store, beside its owner, after it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from kprover.store import CheckpointStore, StoreReader
from kprover.store.names import prefix_end

if TYPE_CHECKING:
    from pathlib import Path

DIES_AFTER_COMMIT = """
import os, signal, sys
from pathlib import Path
from kprover.store import CheckpointStore
store = CheckpointStore.open(Path(sys.argv[1]))
store.put('a', {'n': 1})
store.commit()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_store_that_is_not_there_is_empty_and_is_not_made(path: Path) -> None:
    with StoreReader(path) as reader:
        assert reader.get('a') is None
        assert reader.header('a') is None
        assert not reader.contains('a')
        assert list(reader.scan('')) == []
        assert list(reader.keys('')) == []
    assert not path.exists()
    assert list(path.parent.iterdir()) == []


def test_a_store_made_later_is_seen(path: Path) -> None:
    with StoreReader(path) as reader:
        assert reader.get('a') is None
        with CheckpointStore.open(path) as store:
            store.put('a', {'n': 1})
            assert reader.get('a') is None
            store.commit()
            assert reader.header('a') == {'n': 1}
        assert reader.header('a') == {'n': 1}


def test_an_empty_file_is_an_empty_store(path: Path) -> None:
    path.touch()
    with StoreReader(path) as reader:
        assert reader.get('a') is None
    with CheckpointStore.open(path) as store:
        store.put('a', {})
        store.commit()


def test_a_replaced_store_is_read_anew(path: Path) -> None:
    with CheckpointStore.open(path) as store:
        store.put('a', {'n': 1})
        store.commit()
    with StoreReader(path) as reader:
        assert reader.header('a') == {'n': 1}
        for file in path.parent.glob('store.sqlite*'):
            file.unlink()
        assert reader.header('a') is None
        with CheckpointStore.open(path) as store:
            store.put('a', {'n': 2})
            store.commit()
            assert reader.header('a') == {'n': 2}


def test_a_reader_sees_a_store_whose_owner_was_killed(path: Path) -> None:
    killed = subprocess.run([sys.executable, '-c', DIES_AFTER_COMMIT, str(path)], timeout=30)
    assert killed.returncode == -signal.SIGKILL
    assert path.with_name('store.sqlite-wal').stat().st_size > 0
    with StoreReader(path) as reader:
        assert reader.header('a') == {'n': 1}
    with CheckpointStore.open(path) as store:
        assert store.header('a') == {'n': 1}


def test_a_scan_in_progress_does_not_hold_the_owner_up_or_its_log_open(path: Path) -> None:
    with CheckpointStore.open(path) as store, StoreReader(path) as reader:
        for number in range(500):
            store.put(f'a:{number:04d}', {}, os.urandom(2000))
        store.commit()
        scan = reader.scan('a:')
        next(scan)
        started = time.monotonic()
        for number in range(200):
            store.put('b', {'n': number}, os.urandom(60_000))
            store.commit()
        assert time.monotonic() - started < 10
        assert path.with_name('store.sqlite-wal').stat().st_size < 20_000_000
        assert sum(1 for _ in scan) == 499


@pytest.mark.skipif(os.geteuid() == 0, reason='permissions do not bind the superuser')
def test_a_store_on_read_only_media_is_read(path: Path) -> None:
    with CheckpointStore.open(path) as store:
        store.put('a', {'n': 1})
        store.commit()
    path.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        with StoreReader(path) as reader:
            assert reader.header('a') == {'n': 1}
    finally:
        path.parent.chmod(0o755)


@pytest.mark.parametrize(
    ('prefix', 'end'),
    [('', None), ('a', 'b'), ('a:', 'a;'), ('\ud7ff', '\ue000'), ('a\U0010ffff', 'b'), ('\U0010ffff', None)],
)
def test_the_end_of_a_prefix_is_the_next_text(prefix: str, end: str | None) -> None:
    assert prefix_end(prefix) == end
