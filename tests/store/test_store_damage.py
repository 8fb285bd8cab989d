"""A damaged page or record is an exception or a missing record with a name, never a hang or a wrong value."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from store_files import change_value, filled

from kprover.store import (
    CheckpointStore,
    CorruptStore,
    StoreError,
    StoreReader,
)
from kprover.store.codec import encode_record

if TYPE_CHECKING:
    from collections.abc import Callable


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
