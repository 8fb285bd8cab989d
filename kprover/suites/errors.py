"""What is wrong with a suite file or a file it names, said so that it can be put right."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class SuiteError(Exception):
    """A suite cannot be used.

    Attributes:
        file: The file that has to be changed.
        key: Where in it, as a dotted TOML key or a claim's label; empty for the whole file.
        found: What is there.
        allowed: What may be there, or what to do.
    """

    file: Path | None
    key: str
    found: str
    allowed: str

    def __init__(self, file: Path | None, key: str, found: str, allowed: str):
        where = ': '.join(part for part in (str(file) if file is not None else '', key) if part)
        super().__init__(f'{where}: {found}; {allowed}' if where else f'{found}; {allowed}')
        self.file = file
        self.key = key
        self.found = found
        self.allowed = allowed


def near(name: str, known: Iterable[str], also: Iterable[str] = ()) -> str:
    """A hint at names like `name`, or all of a few, for the end of a message; empty if nothing is known.

    Args:
        also: Other names of the same things, which `name` may be meant to be.
    """
    names = sorted(known)
    close = get_close_matches(name, [*names, *also], n=3, cutoff=0.6)
    if close:
        return f'did you mean {quoted(close, "or")}?'
    if not names:
        return 'there is none'
    shown = quoted(names[:12], 'and')
    return f'there are {shown}' if len(names) <= 12 else f'there are {len(names)}, such as {shown}'


def quoted(names: Iterable[str], conjunction: str) -> str:
    """`a, b <conjunction> c`, in quotation marks."""
    marked = [f"'{name}'" for name in names]
    if len(marked) < 2:
        return ''.join(marked)
    return f'{", ".join(marked[:-1])} {conjunction} {marked[-1]}'
