"""A suite file as a TOML table whose keys are read by kind, with errors that name file and key."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import SuiteError, near, quoted

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Final

KEYS: Final[Mapping[str, str]] = {
    'name': 'a word of letters, digits and . _ -',
    'kompiled': 'the folder that kompile made, relative to this file',
    'specs': 'a list of spec files (.json, .k, .md) or patterns with *, relative to this file',
    'main-module': 'the name of a module; the folder says it in mainModule.txt otherwise',
    'include': 'a list of claim labels or patterns with *',
    'exclude': 'a list of claim labels or patterns with *',
    'kprove': 'a table that says how specs in K syntax are parsed',
    'options': 'a table of options for all claims',
    'claims': 'tables of options for single claims, [claims."MODULE.label"]',
}
"""Every key at the top of a suite file, and what it may hold."""


@dataclass(frozen=True)
class SuiteFile:
    """A suite file and the table in it; reads its keys or raises `SuiteError`."""

    path: Path
    table: Mapping[str, object]

    def wrong(self, key: str, found: str | None = None) -> SuiteError:
        """The error that a key holds what it may not."""
        return SuiteError(self.path, key, found or f'found {self.table.get(key)!r}', f'allowed: {KEYS[key]}')

    def text(self, key: str) -> str:
        """A text that must be there."""
        value = self.table.get(key)
        if value is None:
            raise self.wrong(key, 'the key is missing')
        if not isinstance(value, str) or not value:
            raise self.wrong(key)
        return value

    def texts(self, key: str) -> list[str]:
        """A list of texts that must be there."""
        value = self.table.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(text, str) and text for text in value):
            raise self.wrong(key, 'the key is missing' if value is None else None)
        return value

    def resolved(self, key: str, text: str) -> Path:
        """The path that a text means, relative to the file, links followed. Raises `SuiteError` if it can be none."""
        return resolved(self.path, key, self.path.parent, text)

    def subtable(self, key: str) -> Mapping[str, object]:
        """A table, empty if it is not there."""
        value = self.table.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(key)
        return value


def resolved(suite: Path, key: str, folder: Path, text: str) -> Path:
    """See `SuiteFile.resolved`."""
    try:
        return (folder / text).resolve()
    except (OSError, ValueError, RuntimeError) as error:  # a circle of links, up to Python 3.12; a NUL
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SuiteError(suite, key, f'found {text!r}, which is no path to a file: {reason}', 'correct it') from error


def read_suite_file(path: Path) -> SuiteFile:
    """The TOML file at `path`. Raises `SuiteError` if it cannot be read, or has a key that is none."""
    try:
        with path.open('rb') as stream:
            table = tomllib.load(stream)
    except (OSError, ValueError) as error:
        if isinstance(error, (tomllib.TOMLDecodeError, UnicodeDecodeError)):
            raise SuiteError(path, '', f'is no TOML: {error}', 'correct it there') from error
        raise SuiteError(
            path,
            '',
            f'cannot be read: {error.strerror if isinstance(error, OSError) else error}',
            'name an existing suite file, with --suite or as suites in section [kprover] of luigi.cfg',
        ) from error
    for key in table:
        if key not in KEYS:
            raise SuiteError(path, key, 'unknown key', f'{near(key, KEYS)} The keys are {quoted(KEYS, "and")}')
    return SuiteFile(path, table)
