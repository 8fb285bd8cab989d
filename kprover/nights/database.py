"""The history database: the one module that knows its tables.

One SQLite file with a rollback journal, so that a copy of the file is a copy of the history. Readers take no lock of
ours; whoever runs a night holds `History.night_lock` for as long as it lasts, which ends with its process.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import closing, contextmanager
from datetime import date
from typing import TYPE_CHECKING

from ..store import StoreError, StoreLocked
from ..store.lock import OwnerLock
from .values import ClaimResult, Cost, Night, NightState, RecordedRun

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Any, Final

FORMAT: Final = 1
BUSY_SECONDS: Final = 20.0

_TABLES: Final = """
CREATE TABLE nights (
    number INTEGER PRIMARY KEY,
    date TEXT NOT NULL,
    job TEXT NOT NULL,
    started REAL NOT NULL,
    ended REAL,
    state TEXT NOT NULL,
    budget REAL,
    UNIQUE (date, job)
);
CREATE TABLE runs (
    run TEXT PRIMARY KEY,
    night INTEGER REFERENCES nights ON DELETE CASCADE,
    started REAL NOT NULL,
    seconds REAL NOT NULL,
    state TEXT NOT NULL,
    backend TEXT NOT NULL,
    workers INTEGER NOT NULL,
    server_starts INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    steps INTEGER NOT NULL,
    reused INTEGER NOT NULL
);
CREATE TABLE results (
    run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    claim TEXT NOT NULL,
    suite TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    digest TEXT NOT NULL,
    worked INTEGER NOT NULL,
    steps INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    rewrites INTEGER NOT NULL,
    seconds REAL NOT NULL,
    solver_calls INTEGER,
    PRIMARY KEY (run, claim)
) WITHOUT ROWID;
CREATE TABLE proofs (digest TEXT PRIMARY KEY, inputs TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX runs_of_night ON runs (night, started);
CREATE INDEX results_of_claim ON results (claim);
"""

_NIGHT: Final = """
SELECT nights.number, nights.date, nights.job, nights.started, nights.ended, nights.state, nights.budget,
       coalesce(sum(runs.seconds), 0.0) AS seconds, count(runs.run) AS runs
FROM nights LEFT JOIN runs ON runs.night = nights.number
"""


class HistoryError(StoreError):
    """The history cannot be read or written. No verdict is in it, so none is lost with it."""


class NightInProgress(StoreLocked):
    """Another process is in a night with the same history."""

    def __init__(self, path: Path, pid: int | None, started: float | None):
        super().__init__(path, pid, started)
        since = '' if started is None else time.strftime(', since %Y-%m-%d %H:%M:%S', time.localtime(started))
        owner = 'another process' if pid is None else f'process {pid}'
        self.args = (
            f'{path}: a night is being run by {owner}{since}; two nights do not run at once. Wait for it or stop it, '
            'then call again: a night that was stopped is resumed',
        )


class History:
    """The history in a file, which is made when it is first written to. For one thread; a context manager.

    Every method raises `HistoryError` if the file cannot be used.
    """

    path: Path
    _connection: sqlite3.Connection | None

    def __init__(self, path: Path):
        self.path = path.absolute()
        self._connection = None

    @staticmethod
    def beside(store: Path) -> History:
        """The history of the runs on a checkpoint store."""
        return History(store.with_suffix('.history.sqlite'))

    def __enter__(self) -> History:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a later call opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def night_lock(self) -> Iterator[None]:
        """Holds the right to run a night. Raises `NightInProgress` without waiting."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = OwnerLock(self.path)
        except StoreLocked as err:
            raise NightInProgress(self.path, err.pid, err.started) from None
        except OSError as err:
            raise HistoryError(self.path, f'the lock of the history cannot be taken: {err}') from err
        try:
            yield
        finally:
            lock.release()

    # -- writing ------------------------------------------------------------------------------------------------

    def begin_night(self, day: date, job: str, budget: float | None) -> Night:
        """The night of a date: a new one, or the one that was begun and not finished, to be resumed.

        What other unfinished nights have left undone is their successor's to do; they stay as they were, interrupted.
        """
        with self._writing() as connection:
            connection.execute("UPDATE nights SET state = 'interrupted' WHERE state = 'running'")
            connection.execute(
                "UPDATE runs SET state = 'aborted' WHERE state = 'running' AND night IS NOT NULL",
            )
            connection.execute(
                'INSERT INTO nights (date, job, started, state, budget) VALUES (?, ?, ?, ?, ?) '
                'ON CONFLICT (date, job) DO UPDATE SET state = excluded.state, ended = NULL, budget = excluded.budget',
                (day.isoformat(), job, time.time(), NightState.RUNNING.value, budget),
            )
        night = self.night(day, job)
        assert night is not None
        return night

    def end_night(self, night: Night, state: NightState) -> None:
        """Write how the night ended; `FINISHED` is for good."""
        with self._writing() as connection:
            connection.execute(
                'UPDATE nights SET state = ?, ended = ? WHERE number = ?', (state.value, time.time(), night.number)
            )

    def put_run(
        self,
        run: RecordedRun,
        results: Iterable[ClaimResult] = (),
        inputs: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Write a run and what became of its claims, in one transaction; what was written of it before is replaced.

        Args:
            inputs: The fields behind each digest, as verdicts have them.
        """
        with self._writing() as connection:
            connection.execute(
                'INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run) DO UPDATE SET '
                'seconds = excluded.seconds, state = excluded.state, server_starts = excluded.server_starts, '
                'requests = excluded.requests, steps = excluded.steps, reused = excluded.reused',
                (
                    run.run,
                    run.night,
                    run.started,
                    run.seconds,
                    run.state,
                    run.backend,
                    run.workers,
                    run.server_starts,
                    run.requests,
                    run.steps,
                    run.reused,
                ),
            )
            connection.executemany(
                'REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
                (
                    (
                        run.run,
                        result.claim,
                        result.suite,
                        result.status,
                        _text(result.reason),
                        result.digest,
                        result.worked,
                        result.cost.steps,
                        result.cost.requests,
                        result.cost.rewrites,
                        result.cost.seconds,
                        result.cost.solver_calls,
                    )
                    for result in results
                ),
            )
            connection.executemany(
                'INSERT OR IGNORE INTO proofs VALUES (?, ?)',
                ((digest, json.dumps(dict(fields), sort_keys=True)) for digest, fields in (inputs or {}).items()),
            )

    def prune(self, before: float) -> int:
        """Remove nights and runs that began before a time (seconds since the epoch), except the last finished night.

        Returns how many nights and runs by hand were removed.
        """
        with self._writing() as connection:
            nights = connection.execute(
                "DELETE FROM nights WHERE started < ? AND state != 'running' AND number NOT IN "
                "(SELECT max(number) FROM nights WHERE state = 'finished' GROUP BY job)",
                (before,),
            ).rowcount
            runs = connection.execute('DELETE FROM runs WHERE night IS NULL AND started < ?', (before,)).rowcount
            if nights or runs:
                connection.execute('DELETE FROM proofs WHERE digest NOT IN (SELECT digest FROM results)')
        return nights + runs

    # -- reading ------------------------------------------------------------------------------------------------

    def night(self, day: date, job: str) -> Night | None:
        """The night of a date."""
        found = self._nights('WHERE nights.date = ? AND nights.job = ? GROUP BY nights.number', (day.isoformat(), job))
        return found[0] if found else None

    def nights(self, limit: int, *, before: int | None = None) -> tuple[Night, ...]:
        """The last nights, the latest first; of those that began before night number `before` where that is given."""
        return self._nights(
            'WHERE nights.number < ? GROUP BY nights.number ORDER BY nights.number DESC LIMIT ?',
            (before if before is not None else 1 << 62, limit),
        )

    def runs(self, night: Night) -> tuple[RecordedRun, ...]:
        """The runs of a night in their order."""
        rows = self._select('SELECT * FROM runs WHERE night = ? ORDER BY started, run', (night.number,))
        return tuple(RecordedRun(**dict(row)) for row in rows)

    def results(self, night: Night) -> dict[str, ClaimResult]:
        """What became of each claim in a night, by its last run; `worked` if any of its runs did work for it."""
        found: dict[str, ClaimResult] = {}
        for row in self._select(
            'SELECT results.* FROM results JOIN runs USING (run) WHERE runs.night = ? ORDER BY runs.started, run',
            (night.number,),
        ):
            before = found.get(row['claim'])
            found[row['claim']] = _result(row, worked=bool(row['worked']) or (before is not None and before.worked))
        return found

    def results_of(self, claim: str, limit: int) -> list[tuple[RecordedRun, Night | None, ClaimResult]]:
        """The last runs that had a claim, the latest first, with their nights."""
        rows = self._select(
            'SELECT results.*, runs.started FROM results JOIN runs USING (run) WHERE claim = ? '
            'ORDER BY runs.started DESC LIMIT ?',
            (claim, limit),
        )
        found = []
        for row in rows:
            run = RecordedRun(**dict(self._select('SELECT * FROM runs WHERE run = ?', (row['run'],))[0]))
            night = None
            if run.night is not None:
                night = self._nights('WHERE nights.number = ? GROUP BY nights.number', (run.night,))[0]
            found.append((run, night, _result(row, worked=bool(row['worked']))))
        return found

    def attempted(self) -> frozenset[str]:
        """The claims that any recorded run has said more of than that it did not come to them."""
        rows = self._select("SELECT DISTINCT claim FROM results WHERE status != 'not-attempted'", ())
        return frozenset(row['claim'] for row in rows)

    def inputs(self, digest: str) -> dict[str, Any] | None:
        """The fields behind a digest, `None` if it is not known."""
        rows = self._select('SELECT inputs FROM proofs WHERE digest = ?', (digest,))
        return json.loads(rows[0]['inputs']) if rows else None

    def cost(self, claim: str, digest: str) -> Cost | None:
        """The cost of a decided proof as it was last recorded, `None` if it never was."""
        rows = self._select(
            'SELECT results.* FROM results JOIN runs USING (run) WHERE claim = ? AND digest = ? '
            "AND status IN ('passed', 'failed') ORDER BY runs.started DESC LIMIT 1",
            (claim, digest),
        )
        return _result(rows[0], worked=False).cost if rows else None

    # -- the file -----------------------------------------------------------------------------------------------

    def _nights(self, condition: str, arguments: Sequence[object]) -> tuple[Night, ...]:
        return tuple(
            Night(**{**dict(row), 'date': date.fromisoformat(row['date']), 'state': NightState(row['state'])})
            for row in self._select(_NIGHT + condition, arguments)
        )

    def _select(self, sql: str, arguments: Sequence[object]) -> list[sqlite3.Row]:
        if self._connection is None and not self.path.exists():
            return []
        with self._told():
            return self._open().execute(sql, arguments).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is written, or nothing."""
        with self._told():
            connection = self._open()
            connection.execute('BEGIN IMMEDIATE')
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as err:
            raise HistoryError(
                self.path,
                f'the history of nights cannot be used ({err}). It holds no verdicts: move the file away to begin a '
                'new history, or see whether its disk is full or read-only',
            ) from err

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        if os.access(self.path, os.F_OK) and not os.access(self.path, os.W_OK):
            target, uri = f'{self.path.as_uri()}?mode=ro', True
        else:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            target, uri = str(self.path), False
        connection = sqlite3.connect(target, uri=uri, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute('PRAGMA synchronous = FULL')
            connection.execute('PRAGMA foreign_keys = ON')
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if _version(connection) == 0:
            connection.execute('BEGIN IMMEDIATE')
            if _version(connection) == 0:
                for statement in _TABLES.split(';'):
                    connection.execute(statement)
                connection.execute(f'PRAGMA user_version = {FORMAT}')
            connection.commit()
        found = _version(connection)
        if found != FORMAT:
            raise HistoryError(
                self.path,
                f'expected a history of format {FORMAT}, found format {found}; use the version of kprover that wrote '
                'it, or move the file away to begin a new history',
            )


def _text(text: str) -> str:
    """The text without lone surrogates, which a state of the user's language may hold and no file can."""
    return text.encode('utf-8', errors='backslashreplace').decode('utf-8')


def _version(connection: sqlite3.Connection) -> int:
    with closing(connection.execute('PRAGMA user_version')) as cursor:
        return int(cursor.fetchone()[0])


def _result(row: sqlite3.Row, *, worked: bool) -> ClaimResult:
    return ClaimResult(
        claim=row['claim'],
        suite=row['suite'],
        status=row['status'],
        reason=row['reason'],
        digest=row['digest'],
        worked=worked,
        cost=Cost(
            steps=row['steps'],
            requests=row['requests'],
            rewrites=row['rewrites'],
            seconds=row['seconds'],
            solver_calls=row['solver_calls'],
        ),
    )
