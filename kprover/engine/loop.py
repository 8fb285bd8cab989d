"""The engine: one loop in one thread over ready, running and finished steps of all proofs.

    plan --> ready heap --(idle worker)--> pool --> worker, server
               ^                                        |
               |                                        v
        new pending nodes <-- commit to the index <-- store, one transaction per round

A round stores the results that arrived, commits the store, then makes their successors ready and dispatches: nothing
is ever built on a step that is not durable. A step whose key is in the store, or in flight for another claim, is not
requested again. What a result means for the proofs is decided in `proving`; here are time, processes and the end of
the run. The loop handles hashes and small headers only; it parses no term and imports nothing of pyk.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ..pool import Done, Lost
from .dispatch import Dispatcher
from .inputs import Inputs
from .proof_table import ProofTable
from .proving import Proving
from .queue import ReadyQueue
from .recorder import STATUS_INTERVAL, Recorder
from .values import Interrupted, RunState, RunSummary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..pool import Event, Pool
    from ..store import CheckpointStore
    from .plan import Plan
    from .priority import Priority
    from .queue import Work
    from .services import Services
    from .signals import StopRequest
    from .values import Observer, RunConfig


LOOK_INTERVAL = 0.2
"""Seconds between two looks at the work of claims that have a time limit."""


class Engine:
    """Proves the claims of a plan; used once. Owns the time of the run and the work that is in flight."""

    def __init__(
        self,
        plan: Plan,
        *,
        store: CheckpointStore,
        pool: Pool,
        services: Services,
        config: RunConfig,
        priority: Priority,
        observer: Observer,
        run: str,
    ):
        self._pool = pool
        self._config = config
        self._observer = observer
        self._services = services
        self._recorder = Recorder(store, observer)
        self._proofs = ProofTable(plan, store, services, config, self._recorder)
        self._dispatcher = Dispatcher(store, pool, config)
        self._in_flight = self._dispatcher.in_flight
        budget = config.time_budget
        share = budget * pool.workers / max(len(self._proofs), 1) if budget is not None else None
        self._proving = Proving(
            self._proofs,
            ReadyQueue(plan, priority, self._proofs.history, share),
            store=store,
            services=services,
            config=config,
            recorder=self._recorder,
            observer=observer,
            module_text=self._dispatcher.module_text,
            cancel=self._cancel,
            run=run,
        )
        self._inputs = Inputs(())
        pool.heed(self._wants)
        self._looked = 0.0  # for claims whose time is over
        self._ending = ''  # why no more work is started in this run
        self._clock = time.monotonic()
        self._summary = RunSummary(
            run=run, started=time.time(), seconds=0.0, backend=services.backend.name, workers=pool.workers
        )

    def run(self, stop: StopRequest) -> RunSummary:
        """Prove all claims. Returns the summary; raises `Interrupted` with it after a stop signal."""
        self._begin()
        while not self._proofs.all_settled and not stop.count and not self._ending:
            self._dispatch()
            more = self._proofs.all_settled or self._proving.behind
            if not more and not self._in_flight and not self._proving.ready:
                left = len(self._proofs.unsettled)
                raise AssertionError(f'nothing runs, nothing is ready, {left} proofs are unsettled')
            self._round(self._pool.poll(0 if more else STATUS_INTERVAL))
            self._end_overdue()
            self._ending = self._out_of_time() or self._proving.stopped
        if not self._proofs.all_settled and stop.count:
            self._stop(stop)
            raise Interrupted(self._finish(RunState.INTERRUPTED))
        if not self._proofs.all_settled:
            self._end_early(stop)
        if self._config.reuse == 'verify':
            self._observer.notice(self._proving.verification.summary())
        return self._finish(RunState.FINISHED)

    def summary(self) -> RunSummary:
        """The run so far, claims in the order of the plan."""
        seconds = time.monotonic() - self._clock
        return self._proofs.add_to(replace(self._summary, seconds=seconds, server_starts=self._pool.server_starts))

    def abort(self) -> None:
        """Write what is known after an exception; the store may be the reason for it, so errors are not repeated."""
        try:
            self._finish(RunState.ABORTED)
        except Exception as err:  # the first exception is the one to be seen
            self._observer.notice(f'the end of the run could not be recorded: {err}')
            with suppress(Exception):
                self._observer.finished(self.summary())

    # -- rounds -------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Settle what the store has decided, and start all that waits for nothing."""
        self._observer.started(self.summary())
        self._proofs.take_verdicts()
        for claim in self._proofs.reopen_broken_dependencies():
            self._observer.notice(f'{claim}: damaged in the store, and others depend on it; it is proved again')
        self._proving.take_settled()
        unsettled = tuple(proof.planned for proof in self._proofs.unsettled)
        self._inputs = Inputs(unsettled, self._services.files(unsettled))
        self._end_round()
        self._proving.start()
        self._end_round()
        self._ending = self._proving.stopped

    def _dispatch(self) -> None:
        """Give idle workers the least work of the ready heap."""
        while self._proving.ready and self._pool.idle > 0:
            work = self._proving.ready.pop(self._pool.can_serve)
            if work is None and not self._in_flight:
                work = self._proving.ready.pop(lambda service: True)
            if work is None:
                return
            if self._proving.is_outdated(work):
                self._proving.hand_over(work)
                self._end_round()
            else:
                self._submit(work)

    def _submit(self, work: Work) -> None:
        proof = self._proofs[work.digest]
        if self._dispatcher.submit(work, proof, alone=self._proving.suspects.is_alone(work)):
            self._proving.begun(proof)
            return
        self._recorder.dirty = True
        self._proving.begin_again(proof)
        self._end_round()

    def _round(self, events: list[Event]) -> None:
        if events:
            self._inputs.check()
        for event in events:
            self._handle(event)
        self._end_round()

    def _handle(self, event: Event) -> None:
        if not isinstance(event, (Done, Lost)):
            self._recorder.process(event)
            return
        work = self._in_flight.pop(event.task_id)
        self._recorder.ended(work, self._proofs[work.digest], event)
        if isinstance(event, Done):
            self._proving.done(work, event)
        else:
            self._proving.lost(work, event)

    def _end_round(self) -> None:
        """Follow up what has happened, make everything durable, report."""
        self._proving.follow_up()
        due = self._recorder.due
        if due:
            self._recorder.status(self.summary())
        self._recorder.commit()
        if due:
            self._recorder.sample(self._pool.processes(), self._in_flight, self._proofs)
            self._observer.tick(self.summary())

    def _wants(self, service: str) -> bool:
        """Whether a definition has work, so that its last server must not make room for another's first."""
        running = (self._proofs[work.digest].planned.service for work in self._in_flight.values())
        return self._proving.has_work_for(service) or service in running

    def _cancel(self, is_useless: Callable[[Work], bool]) -> None:
        for task, work in self._in_flight.items():
            if is_useless(work):
                self._pool.cancel(task)

    def _end_overdue(self) -> None:
        """End the work of claims whose time limit has come while it runs."""
        now = time.monotonic()
        if now - self._looked < LOOK_INTERVAL:
            return
        self._looked = now
        running: dict[str, list[tuple[int, float]]] = {}
        for task, since in self._since():
            running.setdefault(self._in_flight[task].digest, []).append((task, now - since))
        for digest, tasks in running.items():
            proof = self._proofs[digest]
            limit = proof.planned.limits.time_limit
            if limit is not None and proof.seconds + sum(seconds for _, seconds in tasks) >= limit:
                proof.out_of_time = True
                for task, _ in tasks:
                    self._pool.cancel(task)

    def _since(self) -> Iterator[tuple[int, float]]:
        """The tasks that workers have in hand, and since when."""
        for process in self._pool.processes():
            if process.task in self._in_flight and process.since is not None:
                yield process.task, process.since

    # -- the end ------------------------------------------------------------------------------------------------

    def _out_of_time(self) -> str:
        budget = self._config.time_budget
        if budget is None or time.monotonic() - self._clock < budget:
            return ''
        return f'the time budget of {budget:g} s for the run is used up'

    def _stop(self, stop: StopRequest) -> None:
        """Give running steps the grace period and keep everything that finishes in it."""
        name = stop.signal.name if stop.signal is not None else 'stop'
        self._observer.notice(
            f'{name}: waiting up to {self._config.grace:g} s for {len(self._in_flight)} running steps; '
            'a second signal ends them at once'
        )
        self._let_finish(stop, signals=2)

    def _end_early(self, stop: StopRequest) -> None:
        """Start nothing more; say of every claim that is not settled why, and that this is no verdict."""
        self._observer.notice(f'{self._ending}; waiting up to {self._config.grace:g} s for running steps')
        self._let_finish(stop, signals=1)
        self._proving.give_up(self._ending)

    def _let_finish(self, stop: StopRequest, *, signals: int) -> None:
        """Take the results of running steps until none runs, the grace period is over, or there were `signals`."""
        deadline = time.monotonic() + self._config.grace
        while self._in_flight and stop.count < signals and (left := deadline - time.monotonic()) > 0:
            self._round(self._pool.poll(min(left, STATUS_INTERVAL)))
        now = time.monotonic()
        for task, since in self._since():
            self._proving.took(self._in_flight[task], now - since)

    def _finish(self, state: RunState) -> RunSummary:
        self._summary = replace(self._summary, state=state)
        for proof in self._proofs.unsettled:
            self._recorder.changed(proof)
            self._proofs.remember(proof)
        summary = self.summary()
        self._recorder.status(summary)
        self._recorder.commit()
        self._recorder.unfinished(self._pool.processes(), self._in_flight, self._proofs)
        self._observer.finished(summary)
        return summary
