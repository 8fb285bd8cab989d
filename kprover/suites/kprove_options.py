"""The table `kprove` of a suite file: how specs in K's syntax are parsed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .errors import SuiteError, near, quoted
from .kprove import KProve
from .source import resolved

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any, Final

ALLOWED: Final[Mapping[str, str]] = {
    'program': "'kprove', or the path of it, relative to this file",
    'include': 'a list of folders in which required files are looked for, relative to this file',
    'spec-modules': 'a table of module names by file names, as { "sum-spec.k" = "SUM" }',
    'md-selector': "an expression of K's --md-selector, such as 'k & ! node'",
    'args': 'a list of further arguments of kprove',
    'timeout': 'seconds that one spec may take, a number above 0',
    'jobs': 'how many specs are parsed at once, an integer of at least 1',
}
"""Every key of the table, and what it may hold."""


def read_kprove(file: Path, table: Mapping[str, object]) -> KProve:
    """The options in a table of the suite file at `file`. Raises `SuiteError`."""
    fields: dict[str, Any] = {}
    for key, value in table.items():
        if key not in ALLOWED:
            raise SuiteError(
                file, f'kprove.{key}', 'unknown key', f'{near(key, ALLOWED)} The keys are {quoted(ALLOWED, "and")}'
            )
        read = _read(file, key, value)
        if read is None:
            raise SuiteError(file, f'kprove.{key}', f'found {value!r}', f'allowed: {ALLOWED[key]}')
        fields[key.replace('-', '_')] = read
    return KProve(**fields)


def _read(file: Path, key: str, value: object) -> object | None:
    """The value of a field, `None` if it is not what the key allows."""
    if key in ('program', 'md-selector'):
        if not isinstance(value, str) or not value:
            return None
        return str(file.parent / value) if key == 'program' and '/' in value else value
    if key in ('include', 'args'):
        if not isinstance(value, list) or not all(isinstance(text, str) and text for text in value):
            return None
        if key == 'args':
            return tuple(value)
        folders = tuple(resolved(file, 'kprove.include', file.parent, text) for text in value)
        for folder in folders:
            if not folder.is_dir():
                raise SuiteError(file, 'kprove.include', f'there is no folder {folder}', f'allowed: {ALLOWED[key]}')
        return folders
    if key == 'spec-modules':
        if not isinstance(value, dict) or not all(isinstance(module, str) and module for module in value.values()):
            return None
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if key == 'jobs':
        return value if isinstance(value, int) and value >= 1 else None
    return float(value) if 0 < value < math.inf else None
