"""sqlitedict, driven so that it cannot hang or lose a write without a word.

    caller's thread                          sqlitedict's thread
    ---------------                          -------------------
    run(sql) --- requests (queue) ---------> cursor.execute(sql)
        ^                                        |
        '------- answers (queue, per call) <-----'

sqlitedict's own calls wait for ever on a thread that has died, report an error at the next unrelated call,
and its `commit()` kills the thread when COMMIT fails. Here every statement, COMMIT included, is sent as
plain SQL with a queue of its own for the answer; the wait ends when the answer is there or the thread is
gone; an error belongs to the statement that caused it. No statement that reads table rows goes this way.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from queue import Empty, Queue
from typing import TYPE_CHECKING

from sqlitedict import SqliteDict

from .errors import StoreClosed, StoreError, opening_error, writing_error
from .rows import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from typing import Any, Final

SYNCHRONOUS_FULL: Final = 2
_POLL_SECONDS: Final = 0.2
_BUSY_MILLISECONDS: Final = 2000

# Its error log tells every failed statement with three stacks; the same errors are raised to our callers.
logging.getLogger('sqlitedict').setLevel(logging.CRITICAL)


class Writer:
    """The one writing connection of a store, in write-ahead mode with full synchronisation."""

    path: Path
    _dict: SqliteDict | None
    _pid: int

    def __init__(self, path: Path):
        """Open the existing store at `path`.

        Raises:
            StoreError: the file cannot be opened, or the file system does not support what durability needs.
        """
        self.path = path
        self._pid = os.getpid()
        self._dict = None
        self._open()

    def transact(self, statements: Iterable[tuple[str, Sequence[object]]]) -> None:
        """Execute the statements in one transaction and return when it is on the disk.

        On an error nothing of it is to be relied on, and the writer can be used again.

        Raises:
            StoreWriteError, CorruptStore: SQLite refused a statement or the commit.
            StoreError: the writing thread died.
        """
        self._require_ours()
        if self._dict is None or not self._dict.conn.is_alive():
            self.discard()
            self._open()
        try:
            for sql, arguments in statements:
                self._run(sql, arguments)
            self._run('COMMIT')
        except sqlite3.Error as error:
            self._roll_back()
            raise writing_error(self.path, error) from error
        except StoreError:
            self.discard()
            raise

    def pragma(self, name: str) -> Any:
        """The value of a PRAGMA of the writing connection."""
        self._require_ours()
        try:
            answer = self._run(f'PRAGMA {name}')
        except sqlite3.Error as error:
            raise writing_error(self.path, error) from error
        return answer[0][0] if answer else None

    def close(self) -> None:
        """End the thread and the connection; a transaction that was not committed is given up. Raises
        nothing.
        """
        if self._dict is None or os.getpid() != self._pid:
            return
        connection = self._dict.conn
        self.discard()
        connection.join()

    def discard(self) -> None:
        """Let go of the sqlitedict object without waiting; a further transaction opens another."""
        if self._dict is None:
            return
        if os.getpid() == self._pid:
            self._dict.close(do_log=False, force=True)
        self._dict.conn = None  # in a forked child: its queue's lock may be held by a thread that is not there
        self._dict = None

    def _open(self) -> None:
        try:
            self._dict = SqliteDict(
                str(self.path),
                tablename=TABLE,
                journal_mode='WAL',
                autocommit=False,
                encode=_bytes_only,
                decode=_bytes_only,
                outer_stack=False,
            )
            self._run('PRAGMA synchronous = FULL')
            self._run(f'PRAGMA busy_timeout = {_BUSY_MILLISECONDS}')
            journal = self._run('PRAGMA journal_mode')[0][0]
            synchronous = self._run('PRAGMA synchronous')[0][0]
        except sqlite3.Error as error:
            self.discard()
            raise opening_error(self.path, error) from error
        except BaseException:
            self.discard()
            raise
        if journal != 'wal' or synchronous != SYNCHRONOUS_FULL:
            self.discard()
            raise StoreError(
                self.path,
                f'a checkpoint store needs journal mode wal and synchronous {SYNCHRONOUS_FULL}, '
                f'found {journal} and {synchronous}. Network file systems often lack what SQLite needs: '
                'choose a folder on a local disk',
            )

    def _run(self, sql: str, arguments: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Execute one statement; return its rows, raise its own error."""
        assert self._dict is not None
        connection = self._dict.conn
        try:
            # The error of a statement that nobody waited for (its wait was interrupted) is not this one's.
            connection.check_raise_error()
        except sqlite3.Error:
            pass
        answers: Queue[Any] = Queue()
        connection.execute(sql, arguments, answers)
        rows: list[tuple[Any, ...]] = []
        while True:
            answer = self._next_answer(connection, answers)
            connection.check_raise_error()
            if isinstance(answer, str):  # sqlitedict's mark for `no more rows`; rows are tuples
                return rows
            rows.append(answer)

    def _next_answer(self, connection: Any, answers: Queue[Any]) -> Any:
        while True:
            try:
                return answers.get(timeout=_POLL_SECONDS)
            except Empty:
                if connection.is_alive():
                    continue
            try:
                return answers.get_nowait()
            except Empty:
                raise StoreError(
                    self.path,
                    'the writing thread of the checkpoint store died; the next commit starts another',
                ) from None

    def _roll_back(self) -> None:
        """Leave no transaction open. SQLite has ended it already after some errors, and says so with
        another.
        """
        try:
            self._run('ROLLBACK')
        except sqlite3.Error:
            pass
        except StoreError:
            self.discard()

    def _require_ours(self) -> None:
        if os.getpid() != self._pid:
            raise StoreClosed(self.path, f'the store belongs to process {self._pid}; open it again after a fork')


def _bytes_only(value: bytes) -> bytes:
    """In place of sqlitedict's pickle, which would execute what a foreign file holds."""
    return value
