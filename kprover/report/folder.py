"""The report folder of a run: what is in it, and an observer that writes it.

| file | what it is | written |
| --- | --- | --- |
| `summary.json` | `summary`, for programs | at intervals and at the end |
| `report.html` | the page, for people | at intervals and at the end |
| `record.json.gz` | the whole `record`, to make the others again | at intervals and at the end |
| `junit.xml` | `junit`, for CI | at the end |
| `trace.json` | `trace`, for Perfetto | at the end |

Each file is whole at any moment: it is written beside its place and then renamed. What cannot be written is told to
the user; it changes neither a verdict nor the end of the run.
"""

from __future__ import annotations

import gzip
import json
import os
import time
from typing import TYPE_CHECKING

from ..engine.values import SilentObserver
from .junit import junit_xml
from .record import RunRecord, without_failures
from .summary import read_summary, summary_json
from .trace import chrome_trace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import Any, Final

    from ..engine.values import RunSummary

    Maker = Callable[[RunRecord], bytes]

SUMMARY: Final = 'summary.json'
PAGE: Final = 'report.html'
JUNIT: Final = 'junit.xml'
TRACE: Final = 'trace.json'
RECORD: Final = 'record.json.gz'

REFRESH_SECONDS: Final = 5.0
"""Shortest time between two refreshes of what is written while a run lasts."""

SHARE: Final = 0.02
"""The part of a run's time that refreshing may take: where a file takes long to make, it is made more seldom."""


class ReportFolder(SilentObserver):
    """Writes the files of a run into `folder`, from a record that is told everything before this is."""

    def __init__(
        self,
        folder: Path,
        record: RunRecord,
        *,
        live: Mapping[str, Maker] | None = None,
        tell: Callable[[str], None] = lambda message: None,
        clock: Callable[[], float] = time.monotonic,
    ):
        """
        Args:
            live: More files that are written at intervals and at the end, by name: what makes their content.
            tell: Takes what could not be written, and why.
        """
        self.folder = folder
        self._record = record
        self._live = {SUMMARY: _summary, RECORD: _record, **(live or {})}
        self._final = {**self._live, JUNIT: junit_xml, TRACE: _trace}
        self._tell = tell
        self._clock = clock
        self._next = float('-inf')
        self._told: set[str] = set()

    def started(self, summary: RunSummary) -> None:
        for stale in (JUNIT, TRACE):  # of the run before: they would not belong to the rest
            try:
                (self.folder / stale).unlink(missing_ok=True)
            except OSError:
                pass  # it cannot be written then either, and that is told
        self._write(self._live)

    def tick(self, summary: RunSummary) -> None:
        if self._clock() >= self._next:
            self._write(self._live)

    def finished(self, summary: RunSummary) -> None:
        self._write(self._final)

    def _write(self, makers: Mapping[str, Maker]) -> None:
        began = time.thread_time()  # where others keep the machine busy, a second that passes is no second of work
        for name, maker in makers.items():
            try:
                write_whole(self.folder / name, maker(self._record))
            except Exception as err:  # a report is no reason to end a run
                if name not in self._told:
                    self._told.add(name)
                    self._tell(f'the report {self.folder / name} could not be written: {type(err).__name__}: {err}')
        self._next = self._clock() + max(REFRESH_SECONDS, (time.thread_time() - began) / SHARE)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or, at any crash, as it was. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f'.{path.name}.{os.getpid()}')
    try:
        with partial.open('wb') as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def last_run(folder: Path) -> RunSummary | None:
    """The run whose summary is in a report folder, with a line on each claim; `None` if there is none to be read."""
    try:
        return without_failures(read_summary((folder / SUMMARY).read_text(encoding='utf-8')))
    except (OSError, ValueError):
        return None


def read_record(folder: Path) -> RunRecord:
    """The record of the run in a report folder.

    Raises:
        OSError: There is none.
        ValueError: It cannot be read, or is of another version of kprover.
    """
    path = folder / RECORD
    try:
        data = json.loads(gzip.decompress(path.read_bytes()))
        return RunRecord.from_dict(data)
    except (EOFError, gzip.BadGzipFile, KeyError, TypeError, ValueError) as err:
        raise ValueError(f'{path}: expected the record of a run, found: {err}') from err


def _summary(record: RunRecord) -> bytes:
    return _json(summary_json(record), indent=1)


def _trace(record: RunRecord) -> bytes:
    return _json(chrome_trace(record))


def _record(record: RunRecord) -> bytes:
    return gzip.compress(_json(record.to_dict()), 6, mtime=0)


def _json(data: dict[str, Any], indent: int | None = None) -> bytes:
    separators = (',', ':') if indent is None else None
    text = json.dumps(data, indent=indent, separators=separators, ensure_ascii=False) + '\n'
    # A lone surrogate, which a definition may hold in a string, has no bytes of its own.
    return text.encode('utf-8', errors='backslashreplace')
