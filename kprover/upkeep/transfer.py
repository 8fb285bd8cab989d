"""Rows out of a store into a file, and out of a file into a store.

The file is a checkpoint store like any other. What comes in is checked as a whole before the first row is taken:
checksums, the names that are hashes of the content, the shape of every row, and that what it refers to is there.
Nothing of a file is ever executed.

Two things are not taken: verdicts and journals. A verdict is what a run concludes from steps; the next run concludes it
again here, from the steps that came in and under keys that it computes itself, and makes no request for that. So a file
cannot say that a claim has passed; it can only say what the steps of a proof have brought.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..deltas import DamagedTerm, base_of
from ..engine import ledger
from ..store import FORMAT_KEY, CheckpointStore, StoreReader
from .check import check_store
from .rows import kind_of, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

    from ..store import Record
    from .check import Problem, Tick

BATCH: Final = 2000
"""Rows in a transaction."""

TAKEN: Final = ('term', 'module', 'proof', 'step', 'family', 'diagnosis', 'history')
"""The kinds of rows that come in, each after those that it refers to: an import that is cut short leaves a store in
order."""

_SQLITE: Final = b'SQLite format 3\0'
_NAMED: Final = 10


class ExportError(Exception):
    """The file cannot be written; the message says why."""


class RefusedFile(Exception):
    """The file is no sound store; nothing of it was taken."""


@dataclass
class Imported:
    """What came in.

    Attributes:
        taken: Rows that are new here, by kind.
        known: Rows that were here already, by kind.
        left: Rows that are not taken from elsewhere, by kind.
        damaged: Rows that were passed over because something is wrong with them.
    """

    taken: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    damaged: list[Problem] = field(default_factory=list)


def export_rows(
    store: StoreReader, rows: Iterable[str], file: Path, *, replace: bool = False, tick: Tick = lambda rows: None
) -> Counter[str]:
    """Write rows into a new file, which is there wholly or not at all.

    Returns:
        How many of each kind. Damaged rows are left out and stand in `store.damaged`.

    Raises:
        ExportError: there is such a file already and it is not to be replaced.
        StoreError, OSError: it cannot be written.
    """
    file = file.absolute()
    if file.exists() and not replace:
        raise ExportError(f'{file}: there is such a file already; name another one, or say --force')
    for rest in (f'{file}-wal', f'{file}-journal'):
        if Path(rest).exists():
            raise ExportError(f'{file}: is a store in use, {rest} belongs to it; name another file')
    written: Counter[str] = Counter()
    scratch = Path(tempfile.mkdtemp(prefix=f'.{file.name}.', dir=file.parent))
    try:
        path = scratch / 'store'
        with CheckpointStore.open(path) as target:
            for number, row in enumerate(rows, 1):
                record = store.get(row)
                if record is not None:
                    target.put(row, *record)
                    written[kind_of(row)] += 1
                if number % BATCH == 0:
                    target.commit()
                    tick(number)
            target.commit()
        if Path(f'{path}-wal').exists():  # closing the last connection ends the log
            raise ExportError(f'{file}: the file could not be completed; is something else reading it?')
        path.replace(file)
        _sync(file.parent)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return written


def import_rows(file: Path, store: CheckpointStore, *, own: bool = False, tick: Tick = lambda rows: None) -> Imported:
    """Take the rows of a file, or of another store, that are not here.

    Args:
        own: The file is a store of one's own: its damaged rows are passed over, and its steps are not marked.
            Otherwise one such row refuses the file, and a verdict that rests on a step of it says so, until the step
            is made again.

    Raises:
        RefusedFile: the file is no store, or not a sound one; nothing was taken.
        StoreError: its format is another one, or the store cannot be written.
    """
    _require_store(file, store.path)
    with StoreReader(file) as source:
        if not any(True for _ in source.keys(FORMAT_KEY)):
            raise RefusedFile(f'{file}: this is an SQLite database, but no checkpoint store of kprover')
        if foreign := source.foreign():
            raise RefusedFile(
                f'{file}: has what no checkpoint store has: {", ".join(foreign)}; it was not made by kprover'
            )
        checked = check_store(source, tick)
        if checked.problems and not own:
            raise RefusedFile(_refusal(file, checked.problems))
        result = Imported(damaged=checked.problems)
        origin = None if own else file.name
        wrong = {problem.key for problem in checked.problems}
        for number, (row, record) in enumerate(_incoming(source, wrong), 1):
            kind = kind_of(row)
            if kind not in TAKEN:
                result.left[kind] += 1
            elif _take(store, row, record, origin):
                result.taken[kind] += 1
            else:
                result.known[kind] += 1
            if number % BATCH == 0:
                store.commit()
                tick(number)
        store.commit()
    return result


def _require_store(file: Path, store: Path) -> None:
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            raise RefusedFile(f'{file}: expected a file that `kprover store export` has written, found no plain file')
        with file.open('rb') as stream:
            begins = stream.read(len(_SQLITE))
    except OSError as err:
        raise RefusedFile(f'{file}: cannot be read: {err.strerror}') from err
    if begins != _SQLITE:
        raise RefusedFile(f'{file}: expected a file that `kprover store export` has written, found no SQLite database')
    with suppress(OSError):
        if file.samefile(store):
            raise RefusedFile(f'{file}: is this very store')


def _refusal(file: Path, problems: list[Problem]) -> str:
    lines = [f'{file}: refused, {len(problems)} of its rows are not what they should be; nothing was taken']
    lines += [f'  {problem}' for problem in problems[:_NAMED]]
    if len(problems) > _NAMED:
        lines.append(f'  ... and {len(problems) - _NAMED} more: kprover store check --store {file}')
    lines.append('Export it again; if it is a store of your own, `kprover store merge` takes what is sound')
    return '\n'.join(lines)


def _incoming(source: StoreReader, wrong: set[str]) -> Iterator[tuple[str, Record]]:
    """All rows of a file in the order in which they are taken: each after those it refers to."""
    later: dict[str, list[str]] = {}
    done: set[str] = set()
    for key in source.keys('term:'):
        links = [key]
        while links:
            record = None if links[-1] in wrong else source.get(links[-1])
            base = None if record is None else base_of(record.blob)
            if base is not None and ledger.term_row(base) not in done and ledger.term_row(base) not in links:
                links.append(ledger.term_row(base))
                continue
            row = links.pop()
            if record is not None and row not in done:
                yield row, record
            done.add(row)
    for key in source.keys(''):
        kind = kind_of(key)
        if kind != 'term' and key != FORMAT_KEY and key not in wrong:
            later.setdefault(kind, []).append(key)
    for kind in sorted(later, key=lambda kind: TAKEN.index(kind) if kind in TAKEN else len(TAKEN)):
        for key in later[kind]:
            record = source.get(key)
            if record is not None:
                yield key, record


def _take(store: CheckpointStore, row: str, record: Record, origin: str | None) -> bool:
    """Put a row into the store unless it is there in working order. Whether it was put."""
    kind = kind_of(row)
    if kind == 'term':
        try:
            ledger.read_term(store, name_of(row))
        except DamagedTerm:
            store.put(row, *record)
            return True
        return False
    if kind == 'family':
        known = store.header(row)
        steps = [] if known is None else list(known['steps'])
        new = [key for key in record.header['steps'] if key not in steps]
        if new:
            # the last are looked at first, and those that were made here come before others
            store.put(row, {'steps': [*new, *steps][-ledger.FAMILY - 1 :]})
        return bool(new)
    if kind == 'step':
        if ledger.read_step(store, name_of(row)) is not None:
            return False
        header = record.header if origin is None else {'imported': origin, **record.header}
        store.put(row, header, record.blob)
        return True
    if store.contains(row):
        return False
    if kind == 'proof' and origin is not None:
        store.put(row, {**record.header, 'imported': origin}, record.blob)
        return True
    store.put(row, *record)
    return True


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
