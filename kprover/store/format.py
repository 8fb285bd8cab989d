"""The format of a store's file: making a new one, and refusing what is no store of ours.

All of this happens before sqlitedict sees the file: its thread would take an error there to its grave. The
caller holds the store's lock.
"""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING

from .codec import DamagedRecord, decode_header, encode_record
from .errors import CorruptStore, StoreError, StoreFormatError, opening_error
from .names import stored_name
from .rows import LAYOUT, TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final

FORMAT: Final = 2
"""Version of the store's format; a store of a newer one is refused."""


def _pack_names(connection: sqlite3.Connection) -> None:
    """From format 1 to 2: records as they were, which format 2 reads as well, under names that take less room."""
    connection.execute(f'ALTER TABLE "{TABLE}" RENAME TO "{TABLE}-1"')
    connection.execute(LAYOUT)
    connection.create_function('stored_name', 1, lambda key: stored_name(key) if isinstance(key, str) else key)
    connection.execute(
        f'INSERT INTO "{TABLE}" (key, value) SELECT stored_name(key), value FROM "{TABLE}-1" ORDER BY rowid'
    )
    connection.execute(f'DROP TABLE "{TABLE}-1"')


MIGRATIONS: Final[Mapping[int, Callable[[sqlite3.Connection], None]]] = {
    1: _pack_names,
}
"""For each older format that is read here, what makes a store of the next one out of it, within a transaction.

Readers, which change nothing, read a store of these formats as it is, so a migration must leave it readable.
"""

FORMAT_KEY: Final = 'store:format'
"""Key of the record that holds the format version."""

QUICK_CHECK_BYTES: Final = 64 * 1024 * 1024
"""Size up to which the whole structure of the file is checked when it is opened (bytes).

Beyond it the check would take seconds. Damage is then found where it is met: SQLite raises for a page that
makes no sense, and the checksum of a record covers its key.
"""


def prepare(path: Path) -> None:
    """Make `path` a sound store of our format.

    Raises:
        CorruptStore: the file is damaged or no database.
        StoreFormatError: the file is another program's database, or a store of another format.
        StoreError: the file cannot be made or opened.
    """
    try:
        if not path.exists() or not path.stat().st_size:
            _make(path)
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute('PRAGMA synchronous = FULL')
            if path.stat().st_size <= QUICK_CHECK_BYTES:
                (found,) = connection.execute('PRAGMA quick_check(1)').fetchone()
                if found != 'ok':
                    raise CorruptStore(path, str(found))
            _require_format(path, connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise opening_error(path, error) from error
    except OSError as error:
        raise StoreError(path, f'the checkpoint store cannot be made or opened: {error}') from error


def check_format(path: Path, value: bytes) -> int:
    """The format that `value`, the record under `FORMAT_KEY`, names, if it is one that is read here.

    Raises:
        CorruptStore: the record cannot be read.
        StoreFormatError: it names a format that is not read here.
    """
    try:
        found = decode_header(FORMAT_KEY, value).get('format')
    except DamagedRecord as error:
        raise CorruptStore(path, f'the record of its format version {error}') from error
    if isinstance(found, int) and (found == FORMAT or found in MIGRATIONS):
        return found
    if isinstance(found, int) and found > FORMAT:
        raise StoreFormatError(
            path,
            f'the checkpoint store has format {found}, made by a newer kprover; this one reads '
            f'format {FORMAT}. Use the newer kprover or name another store',
        )
    raise StoreFormatError(
        path,
        f'the checkpoint store has format {found!r}; this kprover reads format {FORMAT} and migrates '
        f'{", ".join(map(str, MIGRATIONS))}. Name another store',
    )


def _migrate(connection: sqlite3.Connection, found: int) -> None:
    """Bring a store of an older format to this one, in one transaction."""
    connection.execute('BEGIN IMMEDIATE')
    try:
        for version in range(found, FORMAT):
            MIGRATIONS[version](connection)
        value = encode_record(FORMAT_KEY, {'format': FORMAT, 'migrated': time.time(), 'from': found})
        connection.execute(f'UPDATE "{TABLE}" SET value = ? WHERE key = ?', (value, FORMAT_KEY))
        connection.execute('COMMIT')
    except BaseException:
        if connection.in_transaction:
            connection.execute('ROLLBACK')
        raise


def _make(path: Path) -> None:
    """Make an empty store, wholly or not at all: a database that was killed while it came into being would have to be
    rolled back by its first reader, and readers write nothing.
    """
    scratch = path.with_name(f'.{path.name}.new')
    for file in (path, scratch):
        for rest in ('-journal', '-wal', '-shm'):  # of a file that is gone, or was never finished
            Path(f'{file}{rest}').unlink(missing_ok=True)
    scratch.unlink(missing_ok=True)
    connection = sqlite3.connect(scratch, isolation_level=None)
    try:
        connection.execute('PRAGMA synchronous = FULL')
        connection.execute('PRAGMA journal_mode = WAL').fetchall()
        connection.execute('BEGIN IMMEDIATE')
        connection.execute(LAYOUT)
        value = encode_record(FORMAT_KEY, {'format': FORMAT, 'created': time.time()})
        connection.execute(f'INSERT INTO "{TABLE}" (key, value) VALUES (?, ?)', (FORMAT_KEY, value))
        connection.execute('COMMIT')
    finally:
        connection.close()
    scratch.replace(path)
    _sync_folder(path.parent)


def _require_format(path: Path, connection: sqlite3.Connection) -> None:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    row = None
    if TABLE in tables:
        row = connection.execute(f'SELECT value FROM "{TABLE}" WHERE key = ?', (FORMAT_KEY,)).fetchone()
    if row is None:
        raise StoreFormatError(
            path,
            'this is an SQLite database, but no checkpoint store of kprover; name another file as the store',
        )
    found = check_format(path, row[0] if isinstance(row[0], bytes) else b'')
    if found != FORMAT:
        _migrate(connection, found)


def _sync_folder(folder: Path) -> None:
    """Make the name of a new file as durable as its content."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
