"""The file of a store made as small as its records are."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from .errors import StoreError, writing_error
from .format import prepare
from .lock import OwnerLock

if TYPE_CHECKING:
    from pathlib import Path


def compact(path: Path) -> tuple[int, int]:
    """Write the store anew without the room that deleted records have left. A crash leaves the old file or the new.

    Returns:
        Bytes of the file before and after.

    Raises:
        StoreLocked: another process owns it. StoreWriteError: the disk has no room for a second copy.
        StoreError: there is no store, or not a sound one.
    """
    path = path.absolute()
    if not path.exists():
        raise StoreError(path, 'there is no checkpoint store')
    lock = OwnerLock(path.resolve())
    try:
        lock.claim(path)
        prepare(path)
        before = path.stat().st_size
        try:
            connection = sqlite3.connect(path, isolation_level=None)
            try:
                connection.execute('PRAGMA synchronous = FULL')
                connection.execute('VACUUM')
                connection.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchall()
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise writing_error(path, error) from error
        return before, path.stat().st_size
    finally:
        lock.release()
