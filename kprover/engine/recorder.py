"""What a run writes about itself: verdicts, the rows behind `kprover status`, and the commits of the store.

Status rows are written at intervals, in the same transactions as the results; verdicts at once.
"""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from . import ledger

if TYPE_CHECKING:
    from typing import Final

    from ..store import CheckpointStore
    from .proof_run import ProofRun
    from .values import Observer, RunSummary

STATUS_INTERVAL: Final = 0.5
"""Seconds between two writes of the rows that `kprover status` reads while a run goes on."""


class Recorder:
    """Writes rows to the engine's store and tells the observer; knows what has changed since the last write.

    Attributes:
        dirty: Whether something was put into the store since the last commit.
    """

    def __init__(self, store: CheckpointStore, observer: Observer):
        self._store = store
        self._observer = observer
        self._changed: dict[str, ProofRun] = {}
        self._written = 0.0
        self.dirty = False

    @property
    def due(self) -> bool:
        """Whether it is time to write the status rows again."""
        return time.monotonic() - self._written >= STATUS_INTERVAL

    def changed(self, proof: ProofRun) -> None:
        """Something about the proof is new; it is written and shown with the next status."""
        self._changed[proof.digest] = proof

    def report(self, proof: ProofRun) -> None:
        """Show the proof's state at once."""
        self.changed(proof)
        for progress in proof.progress():
            self._observer.claim(progress)

    def status(self, summary: RunSummary) -> None:
        """Write the run and every claim that has changed; show those that still run."""
        self._written = time.monotonic()
        for digest, proof in self._changed.items():
            for progress in proof.progress():
                self._store.put(
                    ledger.status_row(progress.claim),
                    {'digest': digest, 'run': summary.run, 'progress': progress.to_dict()},
                )
                if not proof.settled:
                    self._observer.claim(progress)
        self._changed.clear()
        self._store.put(ledger.run_row(summary.run), summary.to_dict())
        self.dirty = True

    def verdict(self, proof: ProofRun, run: str) -> None:
        """Write a verdict together with the inputs that it holds for, in the transaction of the last steps."""
        nodes, _, failing, bounded = proof.counts
        self._store.put(
            ledger.verdict_row(proof.digest),
            {
                'status': proof.status.value,
                'reason': proof.reason,
                'failures': [failure.to_dict() for failure in proof.failures],
                'steps': proof.steps,
                'nodes': nodes,
                'failing': failing,
                'bounded': bounded,
                'admitted': proof.admitted,
                'requests': proof.requests,
                'seconds': round(proof.seconds, 3),
                'claim': proof.planned.claim.name,
                'inputs': dict(proof.planned.inputs),
                'proved_at': datetime.now(timezone.utc).isoformat(timespec='seconds'),
                'run': run,
            },
        )
        self.dirty = True

    def commit(self) -> None:
        """Make everything put so far durable."""
        if self.dirty:
            self._store.commit()
            self.dirty = False
