"""One owner at a time: an advisory lock on a file beside the store, with the owner's name inside.

The kernel holds the lock (`flock`), so it ends with its process, whatever ended that. The text in the file
is only for the message to whoever comes second. The lock file is never removed: removing it would let two
owners lock two files of the same name.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from typing import TYPE_CHECKING

from .errors import StoreLocked

if TYPE_CHECKING:
    from pathlib import Path


class OwnerLock:
    """The lock of one store, held from construction to `release()`."""

    path: Path
    _fd: int | None
    _pid: int

    def __init__(self, store: Path):
        """Take the lock of `store` without waiting.

        Raises:
            StoreLocked: names the owner's pid and when it started.
            OSError: the lock file cannot be made or written.
        """
        self.path = store.with_name(store.name + '.lock')
        self._fd = None
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

    @property
    def held(self) -> bool:
        """Whether the lock is ours and its file is still the one that others would find."""
        return self._fd is not None and _same_file(self._fd, self.path)

    def release(self) -> None:
        """Give the lock up; a second call does nothing."""
        if self._fd is not None:
            if os.getpid() == self._pid:  # a child that was forked just now may not have closed its copy yet
                fcntl.flock(self._fd, fcntl.LOCK_UN)
            os.close(self._fd)
            self._fd = None


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
