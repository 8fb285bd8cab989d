"""The format of a store's file: making a new one, and refusing what is no store of ours.

All of this happens before sqlitedict sees the file: its thread would take an error there to its grave. The
caller holds the store's lock.
"""

from __future__ import annotations

import os
import sqlite3
import time
from typing import TYPE_CHECKING

from .codec import DamagedRecord, decode_header, encode_record
from .errors import CorruptStore, StoreFormatError, opening_error
from .rows import TABLE

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Final

FORMAT: Final = 1
"""Version of the store's format; a store of a newer one is refused."""

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
    new = not path.exists()
    try:
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute('PRAGMA synchronous = FULL')
            size = path.stat().st_size
            if size == 0:
                connection.execute('PRAGMA journal_mode = WAL').fetchall()
            elif size <= QUICK_CHECK_BYTES:
                (found,) = connection.execute('PRAGMA quick_check(1)').fetchone()
                if found != 'ok':
                    raise CorruptStore(path, str(found))
            _ensure_format(path, connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise opening_error(path, error) from error
    if new:
        _sync_folder(path.parent)


def check_format(path: Path, value: bytes) -> None:
    """Return if `value`, the record under `FORMAT_KEY`, names the format that is read here.

    Raises:
        CorruptStore, StoreFormatError
    """
    try:
        found = decode_header(FORMAT_KEY, value).get('format')
    except DamagedRecord as error:
        raise CorruptStore(path, f'the record of its format version {error}') from error
    if found == FORMAT:
        return
    if isinstance(found, int) and found > FORMAT:
        raise StoreFormatError(
            path,
            f'the checkpoint store has format {found}, made by a newer kprover; this one reads '
            f'format {FORMAT}. Use the newer kprover or name another store',
        )
    raise StoreFormatError(
        path,
        f'the checkpoint store has format {found!r}; this kprover reads format {FORMAT}. Name another store',
    )


def _ensure_format(path: Path, connection: sqlite3.Connection) -> None:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        connection.execute('BEGIN IMMEDIATE')
        connection.execute(f'CREATE TABLE "{TABLE}" (key TEXT PRIMARY KEY, value BLOB)')
        value = encode_record(FORMAT_KEY, {'format': FORMAT, 'created': time.time()})
        connection.execute(f'INSERT INTO "{TABLE}" (key, value) VALUES (?, ?)', (FORMAT_KEY, value))
        connection.execute('COMMIT')
        return
    row = None
    if TABLE in tables:
        row = connection.execute(f'SELECT value FROM "{TABLE}" WHERE key = ?', (FORMAT_KEY,)).fetchone()
    if row is None:
        raise StoreFormatError(
            path,
            'this is an SQLite database, but no checkpoint store of kprover; name another file as the store',
        )
    check_format(path, row[0] if isinstance(row[0], bytes) else b'')


def _sync_folder(folder: Path) -> None:
    """Make the name of a new file as durable as its content."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
