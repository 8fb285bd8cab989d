"""What each query to the solver cost, a line of JSON for each, for whoever asks why a request is slow.

Written by the threads of all connections; a file that cannot be written any more ends the log and nothing else.
"""

from __future__ import annotations

import json
from threading import Lock
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ['SolverLog']

_TEXT_LIMIT = 2_000


@final
class SolverLog:
    """Appends to a file."""

    def __init__(self, path: Path) -> None:
        """Raises `OSError` if the file cannot be opened."""
        self._file = path.open('a', encoding='utf-8')
        self._lock = Lock()
        self._ended = False

    def record(self, *, result: str, seconds: float, units: int, quantified: list[str], query: Any) -> None:
        """Write down one query: z3's units of work, the sorts that it quantifies over, and what was asked."""
        entry = {
            'result': result,
            'ms': round(1000 * seconds, 1),
            'units': units,
            'quantified': quantified,
            'query': repr(query)[:_TEXT_LIMIT],
        }
        with self._lock:
            if self._ended:
                return
            try:
                self._file.write(json.dumps(entry) + '\n')
                self._file.flush()
            except (OSError, ValueError):
                self._ended = True
