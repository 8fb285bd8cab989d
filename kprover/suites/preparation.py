"""What loading a suite may make of users' files, once: where that is kept, and who is told that it takes a while."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def _to_stderr(line: str) -> None:
    print(f'kprover: {line}', file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Preparation:
    """How suites are loaded.

    Attributes:
        cache: The folder of all that is derived: parsed specs, rebuilt definitions. It can be deleted at any time.
        tell: Takes a line when something is begun or has ended that may take seconds.
        runs: Whether a program may be run for it, for seconds or more; otherwise what is not there yet is an error.
    """

    cache: Path = Path('.kprover/cache')
    tell: Callable[[str], None] = _to_stderr
    runs: bool = True

    @staticmethod
    def beside(store: Path, *, runs: bool = True) -> Preparation:
        """With the cache beside a checkpoint store."""
        return Preparation(store.absolute().parent / 'cache', runs=runs)
