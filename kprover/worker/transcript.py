"""What the current task has sent to its server, in a file, so that a server that dies of it can be shown again.

Each line is written before it is sent and is not synced: the file survives the death of this process, which is all
that is asked of it. The driver moves the file away when it wants to keep it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import FileIO


class Transcript:
    """The file of one worker; used by the thread that runs the tasks."""

    def __init__(self, path: str):
        self._path = Path(path)
        self._file: FileIO | None = None

    def begin(self) -> None:
        """Forget what earlier tasks have sent."""
        self.end()
        try:
            self._path.unlink(missing_ok=True)
        except OSError:
            pass  # then it holds more than it should, which a reader can see

    def write(self, line: bytes) -> None:
        """Take down what is about to be sent. A file that cannot be written never keeps a step from being made."""
        try:
            if self._file is None:
                self._file = self._path.open('ab', buffering=0)
            self._file.write(line)
        except OSError:
            pass

    def end(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
