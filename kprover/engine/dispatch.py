"""Hands work to the pool: collects what a task needs from the store, and knows what is running.

Used by the engine's loop for all claims, and for a single step that is made by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..deltas import MissingBase
from ..pool import Task
from . import ledger

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..pool import Pool
    from ..store import CheckpointStore
    from .proof_run import ProofRun
    from .queue import Work
    from .values import RunConfig


class Dispatcher:
    """The work that runs, by the number of its task.

    Attributes:
        in_flight: Work by the number of its task; whoever takes an event of the pool removes it.
    """

    def __init__(self, store: CheckpointStore, pool: Pool, config: RunConfig):
        self._store = store
        self._pool = pool
        self._config = config
        self._task = 0
        self._checked_modules: set[str] = set()
        self.in_flight: dict[int, Work] = {}

    def submit(self, work: Work, proof: ProofRun, *, alone: bool = False) -> bool:
        """Give work to an idle worker.

        Args:
            alone: Whether its server must serve nothing else meanwhile.

        Returns:
            Whether that was possible. If not, a record that it needs is damaged; its row is deleted, for it to be made
            again.
        """
        blobs: dict[str, bytes] = {}
        modules: tuple[str, ...] = ()
        if work.request is None:
            fields: Mapping[str, Any] = proof.prepare_fields(self._config.store)
        else:
            assert proof.prepared is not None
            fields = work.request.fields
            modules = tuple(proof.prepared['modules'])
            unchecked = [ledger.module_row(name) for name in modules if name not in self._checked_modules]
            if not all(self._load(row) is not None for row in unchecked):
                return False
            self._checked_modules.update(modules)
            for name, row in proof.blob_rows(work.request).items():
                found = self._load_term(name) if row == ledger.term_row(name) else self._load_named(name, row)
                if found is None:
                    return False
                blobs |= found
        self._task += 1
        self._pool.submit(
            Task(id=self._task, kind=work.task, header={**proof.task_fields(), **fields}, blobs=blobs),
            modules=modules,
            module_text=self.module_text,
            needs_server=work.needs_server,
            timeout=proof.planned.limits.step_timeout if work.task == 'step' else None,
            alone=alone,
        )
        self.in_flight[self._task] = work
        return True

    def module_text(self, name: str) -> bytes:
        """The Kore text of an added module. Raises `KeyError` if it is damaged."""
        record = self._store.get(ledger.module_row(name))
        if record is None:
            raise KeyError(f'module {name} is damaged or missing in {self._config.store}')
        return record.blob

    def _load_term(self, term: str) -> dict[str, bytes] | None:
        """A term with those that it is stored as the difference from."""
        try:
            return ledger.read_term(self._store, term)
        except MissingBase as err:
            for link in err.chain:  # none of them can be read
                self._store.delete(ledger.term_row(link))
            return None

    def _load_named(self, name: str, row: str) -> dict[str, bytes] | None:
        blob = self._load(row)
        return None if blob is None else {name: blob}

    def _load(self, row: str) -> bytes | None:
        record = self._store.get(row)
        if record is None:
            self._store.delete(row)
            return None
        return record.blob
