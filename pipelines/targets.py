"""Luigi targets over the checkpoint store: a step's checkpoint, and the fact that a command has run the engine."""

from __future__ import annotations

import atexit
import json
import os
import time
from functools import lru_cache
from typing import TYPE_CHECKING

import luigi

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from kprover.engine import ClaimProgress, RunSummary

COMMAND = f'{os.getpid()}-{time.time_ns()}'
"""Identity of this command. Processes that Luigi forks inherit it."""


@lru_cache(maxsize=4)
def _claims(path: Path) -> dict[str, dict[str, Any]]:
    """What the file of an attempt says of each claim, by its name; it is written once."""
    return {claim['claim']: claim for claim in json.loads(path.read_text(encoding='utf-8'))}


class StepTarget(luigi.Target):
    """The checkpoint of one proof step."""

    def __init__(self, store: Path, key: str):
        self.store = store
        self.key = key

    def exists(self) -> bool:
        """Whether the step is in the store, with every term that it refers to."""
        from kprover.engine.ledger import read_step
        from kprover.store import StoreReader

        with StoreReader(self.store) as reader:
            return read_step(reader, self.key) is not None

    def __str__(self) -> str:
        return f'{self.store}, step {self.key}'


class AttemptTarget(luigi.Target):
    """That this command has run the engine for some claims, and what became of each.

    Verdicts outlive a command and are in the store. An attempt does not: claims without a verdict are tried again by
    the next command. It is a file, because Luigi may read it in another process than the one that wrote it.
    """

    def __init__(self, store: Path, task_id: str):
        self._folder = store.parent / 'attempts'
        self._path = self._folder / f'{COMMAND}-{task_id}.json'

    def exists(self) -> bool:
        return self._path.is_file()

    def write(self, summary: RunSummary) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._remove_forgotten()
        partial = self._path.with_suffix('.partial')
        partial.write_text(json.dumps([claim.to_dict() for claim in summary.claims]), encoding='utf-8')
        partial.replace(self._path)

    def read(self, claim: str) -> ClaimProgress | None:
        """The claim of this name as the attempt left it; `None` if it had no such claim."""
        from kprover.engine import ClaimProgress

        found = _claims(self._path).get(claim)
        return None if found is None else ClaimProgress.from_dict(found)

    def has_passed(self, claim: str) -> bool:
        """Whether the claim of this name is one that the attempt left as passed."""
        return _claims(self._path).get(claim, {}).get('status') == 'passed'

    def remove_at_exit(self) -> None:
        """Remove the file when the command ends; has an effect in the command's first process only."""
        owner = os.getpid()
        if COMMAND.startswith(f'{owner}-'):
            atexit.register(self._path.unlink, missing_ok=True)

    def _remove_forgotten(self) -> None:
        """Remove the attempts of commands that were killed before they could."""
        for path in self._folder.iterdir():
            pid = path.name.partition('-')[0]
            try:
                os.kill(int(pid), 0)
            except ProcessLookupError:
                path.unlink(missing_ok=True)
            except (PermissionError, ValueError):
                continue

    def __str__(self) -> str:
        return str(self._path)
