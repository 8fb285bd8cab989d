"""What a store promises its owner and its readers: a dictionary of records, durable at each commit."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kprover.store import CheckpointStore, Record, StoreClosed, StoreReader

digests = st.text('0f', min_size=2, max_size=2).map(lambda ends: ends[0] * 63 + ends[1])
key_texts = st.text('ab:/0\u00e9\ud7ff\ue000\U0010ffff', min_size=1, max_size=4) | st.builds(
    '{}:{}{}'.format, st.sampled_from(['step', 'term', 'steps', 'journal']), digests, st.sampled_from(['', ':00000007'])
)


class StoreAgainstDictionary(RuleBasedStateMachine):
    """Any sequence of calls, crashes and reopenings leaves what a dictionary would hold."""

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix='store-model-'))
        self.path = self.folder / 'store.sqlite'
        self.store = CheckpointStore.open(self.path)
        self.reader = StoreReader(self.path)
        self.now: dict[str, Record] = {}
        self.committed: dict[str, Record] = {}
        self.own = {key: self.store.get(key) for key in self.store.keys('')}

    @rule(key=key_texts, number=st.integers(), blob=st.binary(max_size=20))
    def put(self, key: str, number: int, blob: bytes) -> None:
        self.store.put(key, {'number': number}, blob)
        self.now[key] = Record({'number': number}, blob)

    @rule(key=key_texts)
    def delete(self, key: str) -> None:
        self.store.delete(key)
        self.now.pop(key, None)

    @rule(prefix=key_texts)
    def delete_prefix(self, prefix: str) -> None:
        doomed = [key for key in self.now if key.startswith(prefix)]
        assert self.store.delete_prefix(prefix) == len(doomed)
        for key in doomed:
            del self.now[key]

    @rule()
    def commit(self) -> None:
        self.store.commit()
        self.committed = dict(self.now)

    @rule()
    def close_and_open(self) -> None:
        self.store.close()
        self.store = CheckpointStore.open(self.path)
        self.now = dict(self.committed)

    @rule(key=key_texts, length=st.integers(1, 80))
    def scan(self, key: str, length: int) -> None:
        prefix = key[:length]
        expected = sorted(item for item in self.now.items() if item[0].startswith(prefix))
        assert list(self.store.scan(prefix)) == expected
        assert list(self.store.keys(prefix)) == [key for key, _ in expected]
        assert list(self.store.scan_headers(prefix)) == [(key, record.header) for key, record in expected]

    @rule(key=key_texts)
    def look_up(self, key: str) -> None:
        assert self.store.get(key) == self.now.get(key)
        assert self.store.contains(key) == (key in self.now)
        assert self.store.header(key) == (self.now[key].header if key in self.now else None)

    @invariant()
    def readers_see_what_was_committed(self) -> None:
        if hasattr(self, 'reader'):
            expected = sorted([*self.committed.items(), *self.own.items()])
            assert list(self.reader.scan('')) == expected

    def teardown(self) -> None:
        if hasattr(self, 'store'):
            self.reader.close()
            self.store.close()
            shutil.rmtree(self.folder)


TestStoreAgainstDictionary = StoreAgainstDictionary.TestCase
TestStoreAgainstDictionary.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)


def test_records_come_in_key_order_over_many_batches(store: CheckpointStore, path: Path) -> None:
    names = [f'journal:p:{number:08d}' for number in range(1000)]
    for name in reversed(names):
        store.put(name, {'name': name})
    store.commit()
    for number in range(0, 1000, 3):
        store.delete(names[number])
    store.put('journal:p:00000500x', {'name': 'between'})
    expected = sorted([name for number, name in enumerate(names) if number % 3] + ['journal:p:00000500x'])
    assert [key for key, _ in store.scan('journal:p:')] == expected
    store.commit()
    with StoreReader(path) as reader:
        assert [key for key, _ in reader.scan('journal:p:')] == expected


def test_a_scan_goes_on_while_its_records_are_deleted_and_committed(store: CheckpointStore) -> None:
    for number in range(400):
        store.put(f'a:{number:04d}', {})
    store.commit()
    seen = []
    for key, _ in store.scan('a:'):
        seen.append(key)
        store.delete(key)
        store.commit()
    assert len(seen) == 400
    assert list(store.keys('a:')) == []


def test_what_was_put_is_not_changed_by_its_caller_later(store: CheckpointStore) -> None:
    header = {'list': [1]}
    store.put('a', header)
    header['list'].append(2)
    assert store.header('a') == {'list': [1]}


def test_large_blobs_and_thousands_of_rows_fit_in_one_commit(store: CheckpointStore) -> None:
    large = bytes(range(256)) * 20_000
    store.put('large', {}, large)
    for number in range(3000):
        store.put(f'n:{number}', {'n': number})
    store.commit()
    record = store.get('large')
    assert record is not None
    assert record.blob == large
    assert sum(1 for _ in store.keys('n:')) == 3000


def test_what_was_not_committed_is_given_up_by_close(path: Path) -> None:
    with CheckpointStore.open(path) as store:
        store.put('kept', {})
        store.commit()
        store.put('given up', {})
    with CheckpointStore.open(path) as store:
        assert store.contains('kept')
        assert not store.contains('given up')


@pytest.mark.parametrize('key', ['', 'a\0b', 'lone \udc80'])
def test_a_key_that_sqlite_could_not_keep_apart_is_refused(store: CheckpointStore, key: str) -> None:
    with pytest.raises(ValueError):
        store.put(key, {})
    store.commit()


def test_the_empty_prefix_does_not_delete_everything(store: CheckpointStore) -> None:
    with pytest.raises(ValueError, match='whole checkpoint store'):
        store.delete_prefix('')


def test_a_closed_store_says_so(path: Path) -> None:
    store = CheckpointStore.open(path)
    store.put('a', {})
    store.commit()
    scan = store.scan('a')
    store.close()
    store.close()
    with pytest.raises(StoreClosed):
        next(scan)
    for call in (lambda: store.get('a'), lambda: store.put('a', {}), store.commit, lambda: store.scan('a')):
        with pytest.raises(StoreClosed, match='closed'):
            call()
