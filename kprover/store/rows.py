"""Reading rows through a read-only SQLite connection, each call a short transaction of its own.

All reads of the store go this way, the owner's too: sqlitedict's writer thread dies without an answer when
it meets a damaged page, a connection of our own raises.  Short transactions keep the write-ahead log from
growing: a reader neither waits for the writer nor makes it wait.
"""

from __future__ import annotations

import os
import sqlite3
from heapq import merge
from operator import itemgetter
from typing import TYPE_CHECKING
from urllib.parse import quote

from .errors import reading_error
from .names import key_of, packed_range, stored_name, text_range

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

TABLE = 'checkpoints'
LAYOUT = f'CREATE TABLE "{TABLE}" (key TEXT PRIMARY KEY, value BLOB)'
"""All that is in the schema of a store."""
_BATCH = 128
_KEY_BATCH = 4096
_BUSY_SECONDS = 5.0


class Rows:
    """The rows of a store's table as this process sees them committed. For one thread.

    Attributes:
        plain: All keys stand in the table as text, as in a store of format 1.
    """

    path: Path
    plain: bool
    _connection: sqlite3.Connection

    def __init__(self, path: Path):
        """Open `path`, which must exist.

        Raises:
            StoreError, CorruptStore: the file cannot be opened, or is no database.
        """
        self.path = path
        self.plain = False
        try:
            self._connection = _connect(path)
        except sqlite3.Error as error:
            raise reading_error(path, error) from error

    def close(self) -> None:
        self._connection.close()

    def has_table(self) -> bool:
        """Whether the table of checkpoints is there yet."""
        return bool(self._select("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (TABLE,)))

    def foreign(self) -> list[str]:
        """What the schema has that a store's has not: other tables, triggers, views, other columns."""
        found = self._select("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite^_%' ESCAPE '^'", ())
        return [f'{kind} {name}' for kind, name, sql in found if sql != LAYOUT]

    def value(self, key: str) -> bytes | None:
        """The bytes stored under `key`, or None."""
        found = self._select(f'SELECT value FROM "{TABLE}" WHERE key = ?', (key if self.plain else stored_name(key),))
        return _as_bytes(found[0][0]) if found else None

    def items(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        """All rows whose key begins with `prefix`, in key order (by code points).

        Rows are fetched in batches: what is committed while the iteration runs may or may not be seen.
        """
        for key, value in self._range('key, value', prefix, _BATCH):
            yield key, _as_bytes(value)

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys that begin with `prefix`, in order; values are not read."""
        for key, _ in self._range('key, NULL', prefix, _KEY_BATCH):
            yield key

    def integrity(self) -> list[str]:
        """Complaints of SQLite about the structure of the file."""
        return [str(line) for (line,) in self._select('PRAGMA integrity_check(20)', ()) if line != 'ok']

    def larger_than(self, size: int) -> list[str]:
        """Some of the keys whose value has more than `size` bytes; reads no values."""
        found = self._select(f'SELECT key FROM "{TABLE}" WHERE length(value) > ? LIMIT {_BATCH}', (size,))
        return [str(name) if self.plain else key_of(name) for (name,) in found]

    def _range(self, columns: str, prefix: str, batch: int) -> Iterator[tuple[str, object]]:
        """Rows of all keys that begin with `prefix`, in key order, whatever form their names have."""
        rows = self._between(columns, *text_range(prefix), batch)
        packed = None if self.plain else packed_range(prefix)
        if packed is None:
            return rows
        both = merge(rows, self._between(columns, *packed, batch), key=itemgetter(0))
        return (row for row in both if row[0].startswith(prefix))

    def _between(self, columns: str, low: str | bytes, end: str | bytes, batch: int) -> Iterator[tuple[str, object]]:
        bound = '>='
        while True:
            sql = f'SELECT {columns} FROM "{TABLE}" WHERE key {bound} ? AND key < ? ORDER BY key LIMIT {batch}'
            found = self._select(sql, (low, end))
            for name, value in found:
                yield str(name) if self.plain else key_of(name), value
            if len(found) < batch:
                return
            bound, low = '>', found[-1][0]

    def _select(self, sql: str, arguments: tuple[object, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(sql, arguments).fetchall()
        except sqlite3.Error as error:
            raise reading_error(self.path, error) from error


def _connect(path: Path) -> sqlite3.Connection:
    try:
        return _open_uri(path, 'mode=ro')
    except sqlite3.OperationalError:
        # A store on read-only media: SQLite cannot make the shared memory file that a write-ahead log
        # needs, and does not need it as long as there is no log.
        log = path.with_name(f'{path.name}-wal')
        if os.access(path.parent, os.W_OK) or log.exists() or not os.access(path, os.R_OK):
            raise
        return _open_uri(path, 'immutable=1')


def _open_uri(path: Path, options: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f'file:{quote(os.fsencode(path))}?{options}', uri=True, timeout=_BUSY_SECONDS, isolation_level=None
    )
    try:
        # the file may be a stranger's: nothing that its schema says is to be executed
        connection.execute('PRAGMA trusted_schema = OFF')
        connection.execute('PRAGMA cell_size_check = ON')
        connection.execute('SELECT 1 FROM sqlite_master LIMIT 1').fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _as_bytes(value: object) -> bytes:
    """A value of another type was not written by us: its checksum will say so."""
    return value if isinstance(value, bytes) else b''
