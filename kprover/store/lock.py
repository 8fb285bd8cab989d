"""One owner at a time: an advisory lock on a file beside the store, with the owner's name inside, and on the store.

The kernel holds the locks (`flock`), so they end with their process, whatever ended that. The text in the file is
only for the message to whoever comes second. The lock file is never removed: removing it would let two owners lock
two files of the same name.

A database with two names (a hard link, a mount of the file alone) has two lock files and, which is worse, two
write-ahead logs: what was committed under one name is not there under the other. So it is refused (`require_one_name`),
and the database itself is locked against an owner elsewhere, as in a container, who cannot know of our name for it.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shlex
import stat
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import StoreError, StoreLocked

if TYPE_CHECKING:
    from typing import Final

_MOUNTS: Final = Path('/proc/self/mountinfo')
_MOUNT_POINT: Final = 4
"""Where a line of it has the place of a mount, among words between spaces."""

_ESCAPE: Final = re.compile(rb'\\([0-7]{3})')

_LOCK_DATABASE: Final = sys.platform == 'linux'
"""Elsewhere `flock` and the locks of SQLite are of one kind and would exclude each other."""


class OwnerLock:
    """The lock of one store, held from construction to `release()`."""

    path: Path
    _fd: int | None
    _database: int | None
    _pid: int

    def __init__(self, store: Path):
        """Take the lock of `store` without waiting.

        Raises:
            StoreLocked: names the owner's pid and when it started.
            OSError: the lock file cannot be made or written.
        """
        self.path = store.with_name(store.name + '.lock')
        self._fd = self._database = None
        self._pid = os.getpid()
        while self._fd is None:
            self._fd = _lock_or_none(store, self.path)
        note = json.dumps({'pid': os.getpid(), 'started': time.time()}).encode()
        try:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, note, 0)
        except OSError:
            self.release()
            raise

    def claim(self, store: Path) -> None:
        """Lock the database too, if it is there; once more after it was made or replaced.

        Its descriptor is closed by `release` only: SQLite's own locks on the file end when any descriptor of this
        process for it is closed.

        Raises:
            StoreLocked: it has an owner under another name. StoreError: it has several names.
            OSError: it cannot be opened.
        """
        if not store.exists():
            return
        if not _LOCK_DATABASE:
            require_one_name(store)
            return
        if self._database is not None:
            if _same_file(self._database, store):
                return
            self._forget_database()
        status = store.stat()
        identity = (status.st_dev, status.st_ino)
        if identity in _CLAIMED:  # by this process: not even a descriptor is opened, see above
            raise StoreLocked(store, os.getpid(), None)
        fd = os.open(store, os.O_RDONLY)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            require_one_name(store)
        except BlockingIOError:
            os.close(fd)
            raise StoreLocked(store, None, None) from None
        except BaseException:
            os.close(fd)
            raise
        self._database = fd
        _CLAIMED[identity] = self

    @property
    def held(self) -> bool:
        """Whether the lock is ours and its file is still the one that others would find."""
        return self._fd is not None and _same_file(self._fd, self.path)

    def release(self) -> None:
        """Give the lock up; a second call does nothing."""
        self._forget_database()
        if self._fd is not None:
            self._unlock(self._fd)
            self._fd = None

    def _forget_database(self) -> None:
        for identity in [identity for identity, lock in _CLAIMED.items() if lock is self]:
            del _CLAIMED[identity]
        if self._database is not None:
            self._unlock(self._database)
            self._database = None

    def _unlock(self, fd: int) -> None:
        if os.getpid() == self._pid:  # a child that was forked just now may not have closed its copy yet
            fcntl.flock(fd, fcntl.LOCK_UN)
        os.close(fd)


_CLAIMED: Final[dict[tuple[int, int], OwnerLock]] = {}
"""The databases that this process has locked, by device and inode."""


def require_one_name(store: Path) -> None:
    """Refuse a database that can be found under another name too. Raises `StoreError`."""
    status = store.stat()
    if not stat.S_ISREG(status.st_mode):
        return  # a folder is no store, but that is for others to say
    if (names := status.st_nlink) > 1:
        raise StoreError(
            store,
            f'the checkpoint store has {names} names (hard links); what is committed under one of them is not in the '
            f'file for the others yet. Give this one a file of its own: `cp {shlex.quote(str(store))} '
            f'{shlex.quote(f"{store}.copy")}`, then move the copy to its place',
        )
    if str(store.resolve()) in _mounted():
        raise StoreError(
            store,
            'the checkpoint store is mounted as a single file, so that what is committed to the log beside it would be '
            'lost. Mount its folder instead',
        )


def _mounted() -> set[str]:
    """Where something is mounted, where that can be known."""
    try:
        lines = _MOUNTS.read_bytes().splitlines()
    except OSError:
        return set()
    places = (line.split(b' ')[_MOUNT_POINT] for line in lines if line.count(b' ') > _MOUNT_POINT)
    return {os.fsdecode(_ESCAPE.sub(lambda found: bytes([int(found[1], 8)]), place)) for place in places}


def owner(store: Path) -> tuple[int | None, float | None]:
    """Process id and start time (seconds since the epoch) of the last owner of `store`, where known.

    This does not say whether that owner is still there.
    """
    try:
        note = json.loads(store.with_name(store.name + '.lock').read_text())
        return int(note['pid']), float(note['started'])
    except (OSError, ValueError, KeyError, TypeError):
        return None, None


def _lock_or_none(store: Path, path: Path) -> int | None:
    """A descriptor that holds the lock, or None if the file was replaced in between."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise StoreLocked(store, *owner(store)) from None
    except BaseException:
        os.close(fd)
        raise
    if not _same_file(fd, path):
        os.close(fd)
        return None
    return fd


def _same_file(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except OSError:
        return False
