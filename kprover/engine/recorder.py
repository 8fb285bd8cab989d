"""What a run writes and tells about itself.

Written are verdicts, the rows behind `kprover status`, and the commits of the store: status rows at intervals, in the
same transactions as the results, verdicts at once. Told to the observer is what happens, in its own values.
"""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ..pool import Done, ServerDied, ServerEnded, ServerStarted, WorkerDied
from . import ledger
from .events import Activity, Commit, ProcessEvent, ProcessState, Sample
from .standing import said

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Final

    from ..pool import Lost, ProcessInfo
    from ..store import CheckpointStore
    from .proof_run import ProofRun
    from .queue import Work
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
        self._began = time.monotonic()
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

    def verdict(self, proof: ProofRun, run: str, before: Mapping[str, Any]) -> None:
        """Write a verdict together with the inputs that it holds for, in the transaction of the last steps.

        Args:
            before: The verdict in the store, if it is to be kept where this one says the same.
        """
        nodes, _, failing, bounded = proof.counts
        found = {
            'status': proof.status.value,
            'reason': proof.reason,
            'failures': [failure.to_dict() for failure in proof.failures],
            'steps': proof.steps,
            'nodes': nodes,
            'failing': failing,
            'bounded': bounded,
            'depth': proof.depth,
            'admitted': proof.admitted,
            'imported': proof.unmade,
            'vacuous': proof.vacuous,
            'graph': ledger.graph_digest(self._store, proof.digest),
            'rests_on': said(self._store, proof.planned.dependencies),
        }
        if found.items() <= before.items():
            return
        self._store.put(
            ledger.verdict_row(proof.digest),
            {
                **found,
                'requests': proof.requests,
                'seconds': round(proof.seconds, 3),
                'claim': proof.planned.claim.name,
                'claims': [claim.name for claim in proof.planned.claims],
                'depends': dict(proof.planned.depends),
                'inputs': dict(proof.planned.inputs),
                'proved_at': datetime.now(timezone.utc).isoformat(timespec='seconds'),
                'run': run,
            },
        )
        self.dirty = True

    def ended(self, work: Work, proof: ProofRun, event: Done | Lost) -> None:
        """Tell of the end of a piece of work, with or without a result."""
        now = time.monotonic()
        start = event.started if event.started is not None else now
        if isinstance(event, Done):
            error, seconds, header = event.header.get('error'), event.seconds, event.header
            outcome = 'done' if error is None else 'error'
            message = '' if error is None else f'{error["type"]}: {error["message"]}'
        else:
            outcome, message, seconds, header = event.cause, event.message, now - start, {}
        self._observer.activity(
            Activity(
                worker=event.worker,
                server=event.server,
                claim=proof.planned.claim.name,
                kind=work.kind,
                node=work.node,
                key=work.request.key if work.request is not None else '',
                start=start - self._began,
                seconds=seconds,
                requests=header.get('requests', 0),
                rewrites=header.get('rewrites', 0),
                outcome=outcome,
                message=message,
            )
        )

    def committed(self, proof: ProofRun, node: int, key: str, *, reused: bool, pending: tuple[int, ...] = ()) -> None:
        """Tell of a step that became part of a proof; `pending` are the nodes that it made."""
        now = time.monotonic() - self._began
        self._observer.commit(Commit(proof.planned.claim.name, node, key, now, reused, pending))

    def process(self, event: ServerStarted | ServerDied | ServerEnded | WorkerDied) -> None:
        """Tell of a process that came or went; a death is also a notice."""
        now = time.monotonic() - self._began
        if isinstance(event, WorkerDied):
            self._observer.process(ProcessEvent('worker', event.worker, event.pid, 'died', now, event.message))
        elif isinstance(event, ServerStarted):
            self._observer.process(
                ProcessEvent(
                    'server', event.server, event.pid, 'started', now, kompiled=event.kompiled, seconds=event.seconds
                )
            )
        else:
            what = 'died' if isinstance(event, ServerDied) else 'ended'
            self._observer.process(
                ProcessEvent('server', event.server, event.pid, what, now, event.message, event.kompiled)
            )
        if isinstance(event, (WorkerDied, ServerDied)):
            self._observer.notice(event.message)

    def sample(
        self, processes: Iterable[ProcessInfo], tasks: Mapping[int, Work], proofs: Mapping[str, ProofRun]
    ) -> None:
        """Tell what all processes do now; `tasks` is the running work by the number of its task."""
        states = tuple(self._state(process, tasks, proofs) for process in processes)
        self._observer.sample(Sample(time.monotonic() - self._began, states))

    def unfinished(
        self, processes: Iterable[ProcessInfo], tasks: Mapping[int, Work], proofs: Mapping[str, ProofRun]
    ) -> None:
        """Tell of the work that the end of the run cuts short."""
        now = time.monotonic() - self._began
        for state in (self._state(process, tasks, proofs) for process in processes):
            if state.claim and state.since is not None:
                self._observer.activity(
                    Activity(
                        worker=state.number,
                        server=None,
                        claim=state.claim,
                        kind=state.work,
                        node=state.node,
                        key='',
                        start=state.since,
                        seconds=now - state.since,
                        outcome='unfinished',
                        message='The run ended before it did',
                    )
                )

    def _state(self, process: ProcessInfo, tasks: Mapping[int, Work], proofs: Mapping[str, ProofRun]) -> ProcessState:
        work = tasks.get(process.task) if process.task is not None else None
        return ProcessState(
            kind=process.kind,
            number=process.number,
            pid=process.pid,
            state=process.state,
            kompiled=process.kompiled or '',
            memory=process.memory,
            claim=proofs[work.digest].planned.claim.name if work is not None else '',
            work=work.kind if work is not None else '',
            node=work.node if work is not None else 0,
            since=process.since - self._began if process.since is not None else None,
        )

    def commit(self) -> None:
        """Make everything put so far durable."""
        if self.dirty:
            self._store.commit()
            self.dirty = False
