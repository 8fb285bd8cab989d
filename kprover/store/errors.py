"""Everything that can go wrong with a checkpoint store, as one family of exceptions.

A caller that cannot go on catches `StoreError`; its text is meant for the user and says what to do.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class StoreError(Exception):
    """A checkpoint store could not do what it was asked for."""

    path: Path

    def __init__(self, path: Path, message: str):
        super().__init__(f'{path}: {message}')
        self.path = path


class StoreLocked(StoreError):
    """Another process (or another handle of this process) owns the store."""

    pid: int | None
    started: float | None

    def __init__(self, path: Path, pid: int | None, started: float | None):
        owner = f'process {pid}' if pid is not None else 'another process'
        since = ''
        if started is not None:
            moment = datetime.fromtimestamp(started).astimezone()
            since = f', since {moment.isoformat(sep=" ", timespec="seconds")}'
        super().__init__(
            path,
            f'the checkpoint store is in use by {owner}{since}; only one run at a time may write to it. '
            'Wait for that run, stop it, or name another store',
        )
        self.pid = pid
        self.started = started


class CorruptStore(StoreError):
    """The database file itself (not only a record in it) is damaged, or is no SQLite database."""

    def __init__(self, path: Path, detail: str):
        super().__init__(
            path,
            f'the checkpoint store is damaged ({detail}). Nothing in it is used. Move the file away to prove '
            f'from nothing, or save what can be read with `sqlite3 {path} .recover`',
        )


class StoreFormatError(StoreError):
    """The file is a sound database, but not a checkpoint store of a format that this version reads."""


class StoreWriteError(StoreError):
    """A commit did not reach the disk (disk full, I/O error, a foreign lock). Nothing is lost: the records
    are still visible to the handle and the next `commit()` tries them again."""


class StoreVanished(StoreError):
    """The files of an open store were removed or replaced by someone else: what is written would be lost."""


class StoreClosed(StoreError):
    """The handle was closed, or belongs to the parent process of this one."""


def opening_error(path: Path, error: sqlite3.Error) -> StoreError:
    """The exception for a store that SQLite would not open or make."""
    if isinstance(error, sqlite3.OperationalError):
        return StoreError(path, f'the checkpoint store cannot be made or opened: {error}')
    return CorruptStore(path, str(error))


def reading_error(path: Path, error: sqlite3.Error) -> StoreError:
    """The exception for a read that SQLite refused.

    SQLite reports damage (SQLITE_CORRUPT, SQLITE_NOTADB) as a plain `DatabaseError`, trouble around the file
    (busy, I/O, cannot open) as the subclass `OperationalError`.
    """
    if isinstance(error, sqlite3.ProgrammingError):  # closed, or another thread's
        return StoreClosed(path, f'the checkpoint store cannot be read any more through this handle: {error}')
    if isinstance(error, sqlite3.OperationalError):
        return StoreError(path, f'the checkpoint store cannot be read: {error}')
    return CorruptStore(path, str(error))


def writing_error(path: Path, error: sqlite3.Error) -> StoreError:
    """The exception for a write or a commit that SQLite refused."""
    if isinstance(error, sqlite3.OperationalError):
        return StoreWriteError(
            path,
            f'the checkpoints of the last moments could not be written: {error}. Make room on the disk or '
            'end the program that locks the file; everything committed before is safe',
        )
    return CorruptStore(path, str(error))
