"""Reading a store beside its owner, or when nobody owns it.

A reader takes no lock, writes nothing and keeps no transaction open between calls. It may be made before
the store is there: until then it is empty.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .errors import StoreFormatError
from .format import FORMAT_KEY, check_format
from .lock import require_one_name
from .records import Records
from .rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType


class StoreReader(Records):
    """Records as committed at the time of each call. For one thread; usable again after a fork.

    Every method raises `StoreError` if the file cannot be read, `CorruptStore` if it is damaged and
    `StoreFormatError` if it is no store of this format.
    """

    path: Path
    _rows: Rows | None
    _opened: tuple[int, int, int] | None

    def __init__(self, path: Path):
        """A reader of the store at `path`, which need not exist."""
        super().__init__()
        self.path = path.absolute()
        self._rows = None
        self._opened = None

    def __enter__(self) -> StoreReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Idempotent; a later call opens it again."""
        if self._rows is None:
            return
        if self._opened is not None and self._opened[0] == os.getpid():
            self._rows.close()
        else:
            _ABANDONED.append(self._rows)
        self._rows = self._opened = None

    def foreign(self) -> list[str]:
        """What the file has besides a store: other tables, triggers, views, other columns."""
        rows = self._current()
        return [] if rows is None else rows.foreign()

    def integrity(self) -> list[str]:
        """What SQLite finds wrong with the structure of the file, some of it if there is much; reads all of it."""
        rows = self._current()
        return [] if rows is None else rows.integrity()

    def larger_than(self, size: int) -> list[str]:
        """The keys of records with more than `size` bytes, some of them if there are many; reads none of them."""
        rows = self._current()
        return [] if rows is None else rows.larger_than(size)

    def keys(self, prefix: str) -> Iterator[str]:
        rows = self._current()
        return iter(()) if rows is None else rows.keys(prefix)

    def _value(self, key: str) -> bytes | None:
        rows = self._current()
        return None if rows is None else rows.value(key)

    def _items(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        rows = self._current()
        return iter(()) if rows is None else rows.items(prefix)

    def _current(self) -> Rows | None:
        """A connection to the file that is there now, made by this process; None if there is no store yet."""
        try:
            status = self.path.stat()
        except (OSError, ValueError):
            self.close()
            return None
        here = (os.getpid(), status.st_dev, status.st_ino)
        if self._rows is not None and self._opened == here and not self._rows.plain:  # or it may be migrated by now
            return self._rows
        self.close()
        if status.st_size == 0:
            return None
        require_one_name(self.path)
        rows = Rows(self.path)
        try:
            if not rows.has_table():
                rows.close()
                return None
            value = rows.value(FORMAT_KEY)
            if value is None:
                raise StoreFormatError(
                    self.path, 'this is no checkpoint store of kprover, or one whose format version is lost'
                )
            rows.plain = check_format(self.path, value) < 2
        except BaseException:
            rows.close()
            raise
        self._rows, self._opened = rows, here
        return rows


_ABANDONED: list[Rows] = []  # SQLite connections must not be closed by a process that did not open them
