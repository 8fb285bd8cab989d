"""Which files a K source requires, as far as a look at its text tells: enough to notice that one has changed.

K is not parsed. What only looks like a `requires`, as in a comment or a rule, counts as one: then an edit of one more
file makes a spec be parsed again, which costs time and nothing else.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from .digests import file_digest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

NOT_HERE: Final = 'not found'
"""Stands for the digest of a file that is in none of the folders: one of K's own, or none at all."""

_REQUIRES: Final = re.compile(rb'\brequires?(?:\s|//[^\n]*|/\*.*?\*/)*"([^"\n]+)"', re.DOTALL)


def required_files(spec: Path, include: Iterable[Path] = ()) -> dict[str, str]:
    """Digests of a K source and of all that it requires, directly or not, in the order in which they are found.

    Args:
        spec: The source.
        include: Folders in which K looks for a file, after the folder of the one that requires it.

    Returns:
        A digest or `NOT_HERE` for each name as it is written; the spec's own name is the first.

    Raises:
        OSError: the spec, or a file that it requires, cannot be read.
    """
    include = tuple(include)
    found = {spec.name: file_digest(spec)}
    pending, seen = [spec], {spec.resolve()}
    while pending:
        source = pending.pop()
        for written in _REQUIRES.findall(source.read_bytes()):
            name = written.decode('utf-8', 'replace')
            path = next((p for p in (folder / name for folder in (source.parent, *include)) if _is_file(p)), None)
            if path is None:
                found.setdefault(f'{name}, required by {source.name}', NOT_HERE)
            elif path.resolve() not in seen:
                seen.add(path.resolve())
                pending.append(path)
                found[f'{len(seen)} {name}'] = file_digest(path)
    return found


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a text that is too long for the name of a file
        return False
