"""The standard streams of a command, which show text of any origin, and may be closed when it starts.

A stream is closed by `... >&-` and by some service managers. Python has `None` for it then, and the first file that is
opened takes its number, where the programs that the command starts would write.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import IO, Any


def open_closed_streams() -> None:
    """Let each standard stream that is closed be an empty one: what is written is dropped, nothing is to be read."""
    for name, mode in (('stdin', 'r'), ('stdout', 'w'), ('stderr', 'w')):
        if getattr(sys, name) is None:
            number = os.open(os.devnull, os.O_RDWR)  # the least that is free, so that of the stream
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, mode, encoding='utf-8', errors='backslashreplace'))


class GuardedStream:
    """A stream that writes out what a terminal would act on: the text may come from anywhere."""

    def __init__(self, stream: IO[str]):
        self.unguarded = stream

    def write(self, text: str) -> int:
        self.unguarded.write(printable(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unguarded, name)


def unguarded(stream: IO[str]) -> IO[str]:
    """The stream itself, for text whose control characters are one's own."""
    return stream.unguarded if isinstance(stream, GuardedStream) else stream


def guard_streams() -> None:
    """From now on nothing that is printed acts on the terminal."""
    for name in ('stdout', 'stderr'):
        stream = getattr(sys, name)
        if not isinstance(stream, GuardedStream):
            setattr(sys, name, GuardedStream(stream))


@contextmanager
def guarded_streams() -> Iterator[None]:
    """`guard_streams` for a while."""
    before = sys.stdout, sys.stderr
    guard_streams()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
