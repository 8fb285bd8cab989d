"""The checkpoint store: one file, one table, one owner.

    put, delete --> changes (memory) --commit()--> Writer (sqlitedict, one transaction, WAL, synchronous FULL)
    get, scan   <-- changes, then Rows (a read-only connection)

Changes wait in memory, so that a transaction is open only while it is written, a failed one can be tried
again, and a crash between two puts leaves neither. The owner is a process: `flock` on `<store>.lock` and the store.
"""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING

from .codec import encode_record
from .errors import StoreClosed, StoreError, StoreVanished
from .format import prepare
from .lock import OwnerLock
from .names import stored_name
from .records import Records
from .rows import TABLE, Rows
from .writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import Any, Final

_ROWS_PER_STATEMENT: Final = 200


class CheckpointStore(Records):
    """The owner's handle of a store. For one thread.

    `put` is visible to `get` and `scan` at once, to others and after a crash when `commit` has returned.
    All changes between two commits are one transaction: either all of them are in the store or none. After
    an exception from `commit` the handle still holds the changes; `commit` may be called again, or `close`,
    which gives them up.

    Every method raises `CorruptStore` when SQLite finds the file damaged, and `StoreClosed` after `close`
    and in a forked child.
    """

    path: Path
    _changes: dict[str, bytes | None]
    _lock: OwnerLock
    _rows: Rows
    _writer: Writer
    _pid: int
    _closed: bool
    _files: dict[Path, tuple[int, int]]

    def __init__(self, path: Path, lock: OwnerLock):
        """Use `CheckpointStore.open`; `lock` is the lock of `path` and is released by `close`."""
        super().__init__()
        self.path = path
        self._changes = {}
        self._lock = lock
        self._pid = os.getpid()
        self._closed = False
        lock.claim(path)
        prepare(path)
        lock.claim(path)
        self._writer = Writer(path)
        try:
            self._rows = Rows(path)
            self._files = {file: _identity(file) for file in (path, path.with_name(f'{path.name}-wal'))}
        except BaseException:
            self._writer.close()
            raise
        _OPEN.add(self)

    @classmethod
    def open(cls, path: Path) -> CheckpointStore:
        """Open the store at `path` as its only owner; make it, with its folder, if it is not there.

        Raises:
            StoreLocked: another process owns it.
            CorruptStore: the file is damaged or no database.
            StoreFormatError: the file is another program's database or of a newer format.
            StoreError: the file cannot be made or opened.
        """
        path = path.absolute()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path = path.resolve()
            lock = OwnerLock(path)
        except (OSError, ValueError, RuntimeError) as error:  # also a NUL, and up to Python 3.12 a circle of links
            raise StoreError(path, f'the checkpoint store cannot be made or opened: {error}') from error
        try:
            return cls(path, lock)
        except OSError as error:
            lock.release()
            raise StoreError(path, f'the checkpoint store cannot be made or opened: {error}') from error
        except BaseException:
            lock.release()
            raise

    def __enter__(self) -> CheckpointStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give up what was not committed, close the file, release the lock. Idempotent; does not raise."""
        if self._closed or os.getpid() != self._pid:
            return
        self._closed = True
        _OPEN.discard(self)
        self._changes.clear()
        self._rows.close()
        self._writer.close()
        self._lock.release()

    def put(self, key: str, header: dict[str, Any], blob: bytes = b'') -> None:
        """Store a record under `key`, replacing what is there; durable after the next `commit`.

        Raises:
            TypeError, ValueError: the header is not JSON, or the key is empty or not encodable as UTF-8.
        """
        self._require_open()
        if not key or '\0' in key:
            raise ValueError(f'a key of the checkpoint store must be text without NUL, found: {key!r}')
        self._changes[key] = encode_record(key, header, blob)
        self.damaged.pop(key, None)

    def delete(self, key: str) -> None:
        """Remove the record under `key`, if there is one; durable after the next `commit`."""
        self._require_open()
        self._changes[key] = None
        self.damaged.pop(key, None)

    def delete_prefix(self, prefix: str) -> int:
        """Remove all records whose key begins with `prefix`, and return how many; durable after the next
        `commit`.

        Raises:
            ValueError: the prefix is empty.
        """
        if not prefix:
            raise ValueError('an empty prefix would delete the whole checkpoint store')
        keys = list(self.keys(prefix))
        for key in keys:
            self.delete(key)
        return len(keys)

    def commit(self) -> None:
        """Write all changes since the last commit in one transaction; return when they are on the disk.

        Raises:
            StoreWriteError: disk full, I/O error, or a foreign program holds the file for more than two
            seconds. StoreVanished: the store's files were removed or replaced while it was open.
        """
        self._require_open()
        if not self._changes:
            return
        self._require_present()
        self._writer.transact(_statements(self._changes))
        self._changes.clear()

    def keys(self, prefix: str) -> Iterator[str]:
        self._require_open()
        changes = self._changed(prefix)
        stored = ((key, b'') for key in self._rows.keys(prefix))
        return (key for key, _ in _merged(stored, changes))

    def _value(self, key: str) -> bytes | None:
        self._require_open()
        if key in self._changes:
            return self._changes[key]
        return self._rows.value(key)

    def _items(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        self._require_open()
        return _merged(self._rows.items(prefix), self._changed(prefix))

    def _changed(self, prefix: str) -> list[tuple[str, bytes | None]]:
        return sorted((key, value) for key, value in self._changes.items() if key.startswith(prefix))

    def _require_open(self) -> None:
        if self._closed:
            raise StoreClosed(self.path, 'the checkpoint store was closed')
        if os.getpid() != self._pid:
            raise StoreClosed(
                self.path, f'the checkpoint store belongs to process {self._pid}; open it again after a fork'
            )

    def _require_present(self) -> None:
        # SQLite would go on writing into files that nobody can find any more.
        try:
            present = self._lock.held and all(_identity(file) == there for file, there in self._files.items())
        except OSError:
            present = False
        if not present:
            raise StoreVanished(
                self.path,
                'the checkpoint store was removed or replaced while it was in use. What was committed before '
                'went with it; start again',
            )

    def _abandon(self) -> None:
        """In a forked child: leave files, locks and threads to the parent."""
        self._lock.release()
        self._writer.discard()
        _ABANDONED.append(self._rows)


_OPEN: weakref.WeakSet[CheckpointStore] = weakref.WeakSet()
_ABANDONED: list[Rows] = []  # SQLite connections must not be closed by a process that did not open them


def _abandon_all() -> None:
    for store in list(_OPEN):
        store._abandon()
    _OPEN.clear()


os.register_at_fork(after_in_child=_abandon_all)


def _statements(changes: dict[str, bytes | None]) -> Iterator[tuple[str, list[object]]]:
    """SQL that makes the changes, many rows a statement: each costs two thread switches."""
    puts = [(stored_name(key), value) for key, value in changes.items() if value is not None]
    for start in range(0, len(puts), _ROWS_PER_STATEMENT):
        rows = puts[start : start + _ROWS_PER_STATEMENT]
        marks = ','.join(['(?,?)'] * len(rows))
        yield f'REPLACE INTO "{TABLE}" (key, value) VALUES {marks}', [field for row in rows for field in row]
    deletes: list[object] = [stored_name(key) for key, value in changes.items() if value is None]
    for start in range(0, len(deletes), _ROWS_PER_STATEMENT):
        keys = deletes[start : start + _ROWS_PER_STATEMENT]
        yield f'DELETE FROM "{TABLE}" WHERE key IN ({",".join("?" * len(keys))})', keys


def _merged(
    stored: Iterator[tuple[str, bytes]], changes: list[tuple[str, bytes | None]]
) -> Iterator[tuple[str, bytes]]:
    """Two sequences in key order as one; a change hides the stored value of its key, None hides it
    altogether.
    """
    pending = iter(changes)
    change = next(pending, None)
    for key, value in stored:
        while change is not None and change[0] < key:
            if change[1] is not None:
                yield change[0], change[1]
            change = next(pending, None)
        if change is None or change[0] != key:
            yield key, value
    while change is not None:
        if change[1] is not None:
            yield change[0], change[1]
        change = next(pending, None)


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
