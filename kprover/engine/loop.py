"""The engine: one loop in one thread over ready, running and finished steps of all proofs.

    plan --> ready heap --(idle worker)--> pool --> worker, server
               ^                                        |
               |                                        v
        new pending nodes <-- commit to the index <-- store, one transaction per round

A round stores the results that arrived, commits the store, then makes their successors ready and dispatches: nothing
is ever built on a step that is not durable. A step whose key is in the store, or in flight for another claim, is not
requested again. The loop handles hashes and small headers only; it parses no term and imports nothing of pyk.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ..pool import Done, Lost
from . import ledger, resume
from .depths import StepSize
from .dispatch import Dispatcher
from .failures import Failures
from .history import history_row, read_history, spent
from .inputs import Inputs
from .proof_run import ProofRun
from .queue import ReadyQueue, Work
from .recorder import STATUS_INTERVAL, Recorder
from .standing import standing_verdicts
from .suspects import Suspects
from .values import (
    STOPPED_AT_FAILURE,
    DefinitionUnusable,
    Failure,
    Interrupted,
    Phase,
    RunState,
    RunSummary,
    Status,
)
from .verdicts import conclusion, not_in_store
from .verification import Verification

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Final

    from ..backends import Backend
    from ..pool import Event, Evidence, Pool
    from ..store import CheckpointStore
    from .plan import Plan
    from .priority import Priority
    from .proof_run import StepRequest
    from .services import Services
    from .signals import StopRequest
    from .values import Observer, RunConfig

EXTERNAL_STEP_TARGET: Final = 10.0
"""Seconds that a request to an external server should take, if nothing else is configured."""


class Engine:
    """Proves the claims of a plan. Owns all mutable state of the run; used once."""

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
        self._plan = plan
        self._store = store
        self._pool = pool
        self._config = config
        self._observer = observer
        self._history = read_history(store, plan)
        self._services = services
        self._runs = {digest: self._new_run(digest) for digest in plan.proofs}
        self._unsettled = set(self._runs)
        self._waiters: dict[str, list[str]] = {}
        for digest, planned in plan.proofs.items():
            for dependency in planned.dependencies:
                self._waiters.setdefault(dependency, []).append(digest)

        budget = config.time_budget
        share = budget * pool.workers / max(len(self._runs), 1) if budget is not None else None
        self._ready = ReadyQueue(plan, priority, self._history, share)
        self._dispatcher = Dispatcher(store, pool, config)
        self._in_flight = self._dispatcher.in_flight
        self._awaited: dict[str, list[tuple[str, int]]] = {}  # family of a queued or running step -> what it decides
        self._fresh: list[tuple[str, int]] = []
        self._touched: dict[str, None] = {}
        self._told: list[str] = []  # settled proofs whose dependents have still to be told
        self._suspects = Suspects()
        self._failures = Failures(self._suspects, services, config, self._dispatcher.module_text)
        self._made: set[str] = set()  # keys of what was made in this run, where only that may be reused
        self._verification = Verification(store, config.verify_share, run)
        self._before: dict[str, dict[str, Any]] = {}  # the verdicts that stood when the run began
        self._recorder = Recorder(store, observer)
        self._inputs = Inputs(())
        pool.heed(self._wants)
        self._ending = ''  # why no more work is started in this run
        self._clock = time.monotonic()
        self._summary = RunSummary(
            run=run, started=time.time(), seconds=0.0, backend=services.backend.name, workers=pool.workers
        )

    # -- the loop -----------------------------------------------------------------------------------------------

    def run(self, stop: StopRequest) -> RunSummary:
        """Prove all claims. Returns the summary; raises `Interrupted` with it after a stop signal."""
        self._observer.started(self.summary())
        self._take_verdicts()
        self._reopen_broken_dependencies()
        for proof in self._runs.values():
            if proof.settled:
                self._settle(proof, proof.status, proof.reason, verdict=False)
        unsettled = tuple(self._plan.proofs[digest] for digest in sorted(self._unsettled))
        self._inputs = Inputs(unsettled, self._services.files(unsettled))
        self._settle_round()
        for proof in self._runs.values():
            if proof.phase is Phase.WAITING and not proof.waiting_for:
                self._start(proof)
        self._settle_round()
        while self._unsettled and not stop.count and not self._ending:
            self._dispatch()
            if self._unsettled and not self._in_flight and not self._ready:
                raise AssertionError(f'nothing runs, nothing is ready, {len(self._unsettled)} proofs are unsettled')
            self._round(self._pool.poll(STATUS_INTERVAL if self._unsettled else 0))
            budget = self._config.time_budget
            if budget is not None and time.monotonic() - self._clock >= budget:
                self._ending = f'the time budget of {budget:g} s for the run is used up'
        if self._unsettled and stop.count:
            self._stop(stop)
            raise Interrupted(self._finish(RunState.INTERRUPTED))
        if self._unsettled:
            self._end_early(stop)
        if self._config.reuse == 'verify':
            self._observer.notice(self._verification.summary())
        return self._finish(RunState.FINISHED)

    def summary(self) -> RunSummary:
        """The run so far, claims in the order of the plan."""
        progress = {p.claim: p for run in self._runs.values() for p in run.progress()}
        return replace(
            self._summary,
            seconds=time.monotonic() - self._clock,
            server_starts=self._pool.server_starts,
            requests=sum(run.requests for run in self._runs.values()),
            reused=sum(run.reused for run in self._runs.values()),
            steps=sum(run.made for run in self._runs.values()),
            claims=tuple(progress[name] for name in self._plan.digest_of_claim if name in progress),
        )

    def abort(self) -> None:
        """Write what is known after an exception; the store may be the reason for it, so errors are not repeated."""
        try:
            self._finish(RunState.ABORTED)
        except Exception as err:  # the first exception is the one to be seen
            self._observer.notice(f'the end of the run could not be recorded: {err}')
            with suppress(Exception):
                self._observer.finished(self.summary())

    def _round(self, events: list[Event]) -> None:
        if events:
            self._inputs.check()
        for event in events:
            self._handle(event)
        self._settle_round()

    def _settle_round(self) -> None:
        """Make what has become pending ready, settle what is done, make everything durable, report."""
        while self._fresh or self._touched or self._told:
            told, self._told = self._told, []
            for digest in told:
                for waiting in self._waiters.get(digest, ()):
                    self._dependency_settled(self._runs[waiting], self._runs[digest])
            fresh, self._fresh = self._fresh, []
            for digest, node in fresh:
                proof = self._runs[digest]
                if not proof.settled and proof.is_pending(node):
                    self._make_ready(proof, node)
            if not self._fresh and not self._told:
                touched, self._touched = self._touched, {}
                for digest in touched:
                    self._conclude(self._runs[digest])
        due = self._recorder.due
        if due:
            self._recorder.status(self.summary())
        self._recorder.commit()
        if due:
            self._recorder.sample(self._pool.processes(), self._in_flight, self._runs)
            self._observer.tick(self.summary())

    def _stop(self, stop: StopRequest) -> None:
        """Give running steps the grace period and keep everything that finishes in it."""
        name = stop.signal.name if stop.signal is not None else 'stop'
        self._observer.notice(
            f'{name}: waiting up to {self._config.grace:g} s for {len(self._in_flight)} running steps; '
            'a second signal ends them at once'
        )
        deadline = time.monotonic() + self._config.grace
        while self._in_flight and stop.count < 2 and (left := deadline - time.monotonic()) > 0:
            self._round(self._pool.poll(min(left, STATUS_INTERVAL)))

    def _end_early(self, stop: StopRequest) -> None:
        """Start nothing more; say of every claim that is not settled why, and that this is no verdict."""
        self._observer.notice(f'{self._ending}; waiting up to {self._config.grace:g} s for running steps')
        deadline = time.monotonic() + self._config.grace
        while self._in_flight and not stop.count and (left := deadline - time.monotonic()) > 0:
            self._round(self._pool.poll(min(left, STATUS_INTERVAL)))
        for digest in sorted(self._unsettled):
            proof = self._runs[digest]
            begun = proof.steps > 0 or proof.made > 0
            self._settle(proof, Status.PENDING if begun else Status.NOT_ATTEMPTED, self._ending)
        self._told.clear()

    def _finish(self, state: RunState) -> RunSummary:
        self._summary = replace(self._summary, state=state)
        for digest in self._unsettled:
            self._recorder.changed(self._runs[digest])
            self._remember(self._runs[digest])
        summary = self.summary()
        self._recorder.status(summary)
        self._recorder.commit()
        self._recorder.unfinished(self._pool.processes(), self._in_flight, self._runs)
        self._observer.finished(summary)
        return summary

    # -- starting proofs ----------------------------------------------------------------------------------------

    def _new_run(self, digest: str) -> ProofRun:
        planned = self._plan.proofs[digest]
        size = StepSize(
            bound=planned.claim.options.execute_depth,
            target=step_target(self._config, self._services.of(planned.claim)),
            current=self._history[digest].depth if digest in self._history else None,
        )
        expected = self._history.get(digest)
        return ProofRun(planned, set(planned.dependencies), size, expected=expected)

    def _take_verdicts(self) -> None:
        """Settle what the store has decided, as far as the mode of the run lets that count."""
        mode = self._config.reuse
        if mode == 'refresh':
            return
        self._before = standing_verdicts(self._store, self._plan, self._runs)
        if mode == 'verify':
            return
        for digest, verdict in self._before.items():
            resume.take_verdict(self._runs[digest], verdict)
        if mode != 'enforce':
            return
        for digest, verdict in self._before.items():
            missing = resume.missing(self._store, self._new_run(digest), verdict)
            if missing:
                proof = self._runs[digest]
                proof.status, proof.reason, proof.failures = Status.ERROR, not_in_store(missing), ()

    def _reopen_broken_dependencies(self) -> None:
        """Prove those again whose graph is needed for the rules of another proof, and has been damaged since."""
        pending = [proof for proof in self._runs.values() if not proof.settled]
        seen: set[str] = set()
        while pending:
            for digest in pending.pop().planned.dependencies:
                if digest in seen or self._runs[digest].status is not Status.PASSED:
                    continue
                seen.add(digest)
                if resume.is_whole(self._store, self._new_run(digest)):
                    continue
                name = self._runs[digest].planned.claim.name
                self._observer.notice(f'{name}: damaged in the store, and others depend on it; it is proved again')
                self._runs[digest] = self._new_run(digest)
                pending.append(self._runs[digest])

    def _start(self, proof: ProofRun) -> None:
        proof.phase = Phase.READY
        if self._config.reuse == 'refresh':
            ledger.forget_proof(self._store, proof.digest)
            self._recorder.dirty = True
        prepared = ledger.read_proof(self._store, proof.digest)
        if prepared is None:
            self._push(Work('prepare', proof.digest, 0), proof)
        elif 'imported' in prepared or prepared.get('graphs', {}) != self._graphs(proof):
            # only the claim says what is to be proved, and the rules of its dependencies are those of their graphs
            self._ready.push(Work('prepare', proof.digest, 0), proof)
        else:
            self._open(proof, prepared)
        self._recorder.report(proof)

    def _graphs(self, proof: ProofRun) -> dict[str, str]:
        """What the proofs that it depends on were made of, by their digests."""
        return {digest: ledger.graph_digest(self._store, digest) for digest in proof.planned.dependencies}

    def _open(self, proof: ProofRun, prepared: dict[str, Any]) -> None:
        """Bring a prepared proof to where its journal ends."""
        proof.open(prepared)
        proof.phase = Phase.RUNNING
        proof.status = Status.PENDING
        if proof.admitted:
            self._settle(proof, Status.PASSED, 'admitted, not proved')
            return
        told = partial(self._recorder.committed, proof, reused=True)
        resume.replay(self._store, proof, told, partial(self._may_use, proof))
        # what stands behind a commit that is missing belongs to another order of commits than the one to come
        if ledger.cut_journal(self._store, proof.digest, proof.sequence):
            self._recorder.dirty = True
        self._fresh += [(proof.digest, node) for node in proof.open_nodes]
        self._touched[proof.digest] = None

    def _make_ready(self, proof: ProofRun, node: int) -> None:
        """A node is pending: take its step from the store, wait for the same step of another proof, or queue it."""
        if limit := proof.over_limit(node):
            self._set_aside(proof, node, Status.PENDING, limit)
            return
        request = proof.request(node)
        found = self._find(request)
        if found is not None and self._may_use(proof, node, *found):
            self._commit(proof, node, *found, reused=True)
        elif request.family in self._awaited:
            self._awaited[request.family].append((proof.digest, node))
        else:
            self._awaited[request.family] = [(proof.digest, node)]
            self._push(Work('step', proof.digest, node, request), proof)

    def _push(self, work: Work, proof: ProofRun) -> None:
        """Work is ready, unless this run is to make nothing."""
        if self._config.reuse != 'enforce' or work.kind == 'advance':  # what follows from its steps, no new one
            self._ready.push(work, proof)
            return
        missing = {
            'prepare': 'the beginning of its proof',
            'diagnose': f'the explanation of node {work.node}',
        }
        self._release(work, Status.ERROR, not_in_store(missing.get(work.kind, f'the step at node {work.node}')))

    def _find(self, request: StepRequest) -> tuple[str, dict[str, Any]] | None:
        """A step in the store, its key and its header; one that was made in this run before any other."""
        refresh = self._config.reuse == 'refresh'
        made = refresh or request.kin in self._made
        found = ledger.find_step(self._store, request, self._made) if made else None
        return found if found is not None or refresh else ledger.find_step(self._store, request)

    def _may_use(self, proof: ProofRun, node: int, key: str, header: Mapping[str, Any]) -> bool:
        """Whether a proof may take a step from the store; it may have to be made again beside that."""
        if self._config.reuse != 'verify' or key in self._made:
            return True
        may, work = self._verification.use(proof, node, key, header)
        if work is not None:
            self._push(work, proof)
        return may

    # -- dispatching --------------------------------------------------------------------------------------------

    def _dispatch(self) -> None:
        while self._ready and self._pool.idle > 0:
            work = self._ready.pop(self._pool.can_serve)
            if work is None and not self._in_flight:
                work = self._ready.pop(lambda service: True)
            if work is None:
                return
            if self._runs[work.digest].settled or self._made_since(work):
                self._hand_over(work)
                continue
            self._submit(work)

    def _made_since(self, work: Work) -> bool:
        """Whether a step that waits to be made has been made for another claim, with another target."""
        if work.kind != 'step' or work.request is None or work.request.kin not in self._made:
            return False
        return ledger.find_step(self._store, work.request, self._made) is not None

    def _wants(self, service: str) -> bool:
        """Whether a definition has work, so that its last server must not make room for another's first."""
        if self._ready.has_work_for(service):
            return True
        running = (work.digest for work in self._in_flight.values())
        coming = (digest for digest, _ in self._fresh)  # what this round has still to make ready
        digests = {*running, *coming, *self._touched, *self._told}
        return any(self._runs[digest].planned.service == service for digest in digests)

    def _hand_over(self, work: Work) -> None:
        """Work will not be done for its proof, which has settled, or has its step in the store by now: who waits?"""
        if work.request is not None and work.kind == 'verify':
            for digest, node in self._verification.waiting(work.request.key):
                if not self._runs[digest].settled:
                    self._push(replace(work, digest=digest, node=node), self._runs[digest])
                    return
            self._verification.end(work.request.key)
        if work.request is None or work.kind != 'step':
            return
        for digest, node in self._awaited.pop(work.request.family, ()):
            if not self._runs[digest].settled:
                self._fresh.append((digest, node))
        self._settle_round()

    def _submit(self, work: Work) -> None:
        proof = self._runs[work.digest]
        if not self._dispatcher.submit(work, proof, alone=self._suspects.is_alone(work)):
            self._recorder.dirty = True
            self._begin_again(proof)
            return
        if proof.phase is not Phase.RUNNING:
            proof.phase = Phase.RUNNING
            self._recorder.report(proof)

    def _begin_again(self, proof: ProofRun) -> None:
        """Rebuild a proof whose records turned out damaged; every usable step of it is taken from the store."""
        self._observer.notice(f'{proof.planned.claim.name}: a damaged record in the store; the proof is rebuilt')
        for key, waiting in list(self._awaited.items()):
            self._awaited[key] = [(digest, node) for digest, node in waiting if digest != proof.digest]
            if not self._awaited[key]:
                del self._awaited[key]
        self._verification.begin_again(proof)
        ledger.cut_journal(self._store, proof.digest, 0)
        self._recorder.dirty = True
        proof.index = None
        proof.frontier = None
        proof.reused = 0
        self._start(proof)
        self._settle_round()

    # -- results ------------------------------------------------------------------------------------------------

    def _handle(self, event: Event) -> None:
        if isinstance(event, Done):
            work = self._in_flight.pop(event.task_id)
            proof = self._runs[work.digest]
            self._recorder.ended(work, proof, event)
            proof.requests += event.header.get('requests', 0)
            proof.rewrites += event.header.get('rewrites', 0)
            proof.seconds += event.header.get('seconds', 0.0)
            self._recorder.changed(proof)
            if 'error' in event.header:
                self._failed(work, event.header['error'], evidence=event.evidence)
            else:
                self._suspects.cleared(work)
                self._succeeded(work, event.header, event.blobs)
        elif isinstance(event, Lost):
            lost = self._in_flight.pop(event.task_id)
            self._recorder.ended(lost, self._runs[lost.digest], event)
            if event.cause == 'cancelled':
                self._hand_over(lost)
                return
            error = {'class': 'infrastructure', 'type': event.cause, 'message': event.message}
            self._failed(lost, error, shared=event.shared, evidence=event.evidence)
        else:
            self._recorder.process(event)

    def _succeeded(self, work: Work, header: dict[str, Any], blobs: Mapping[str, bytes]) -> None:
        proof = self._runs[work.digest]
        self._recorder.dirty = True
        self._failures.started(proof.planned.service)
        if work.kind == 'prepare':
            header |= {'dependencies': list(proof.planned.dependencies), 'graphs': self._graphs(proof)}
            ledger.write_prepared(self._store, proof.digest, header, blobs)
            if not proof.settled:
                self._open(proof, header)
            return
        if work.kind == 'advance':
            ledger.write_terms(self._store, blobs)
            if proof.frontier is not None and not proof.settled:
                self._fresh += [(proof.digest, node) for node in proof.frontier.told(header['standing'])]
                self._touched[proof.digest] = None
            return
        assert work.request is not None
        if work.kind == 'verify':
            self._verified(work, header, blobs)
            return
        self._made.add(work.request.key)
        if work.kind == 'diagnose':
            self._store.put(ledger.diagnosis_row(work.request.key), header)
            self._diagnosed(proof, work.node, header)
            return
        ledger.write_step(self._store, work.request, header, blobs, run=self._summary.run)
        if not header.get('compared', True):
            self._made.add(work.request.kin)
        proof.made += 1
        if 'execute_depth' in work.request.fields:
            proof.step_size.finished(
                work.request.fields['execute_depth'],
                rewrites=header.get('rewrites', 0),
                seconds=header.get('seconds', 0.0),
            )
        for digest, node in self._awaited.pop(work.request.family, ()):
            waiting = self._runs[digest]
            if waiting.settled or not waiting.is_pending(node):
                continue
            made_for_it = digest == work.digest and node == work.node
            self._commit(waiting, node, work.request.key, header, reused=not made_for_it)

    def _verified(self, work: Work, header: Mapping[str, Any], blobs: Mapping[str, bytes]) -> None:
        """A reused step was made again: those that wait for it go on, or cannot be settled if it is in doubt."""
        assert work.request is not None
        claim = self._runs[work.digest].planned.claim.name
        doubt = self._verification.compare(work, claim, header, blobs)
        if doubt:
            self._recorder.dirty = True
            self._observer.notice(f'{claim}: {doubt}')
        self._after_verifying(work, doubt)

    def _after_verifying(self, work: Work, doubt: str) -> None:
        assert work.request is not None
        for digest, _ in self._verification.end(work.request.key):
            proof = self._runs[digest]
            proof.verifying.discard(work.request.key)
            proof.doubt = proof.doubt or doubt
            self._touched[digest] = None

    def _commit(self, proof: ProofRun, node: int, key: str, header: Mapping[str, Any], *, reused: bool) -> None:
        """Journal a finished step and apply it; its successors are handled in this round, after the results."""
        proof.reused += reused
        self._store.put(ledger.journal_row(proof.digest, proof.sequence), {'node': node, 'step': key})
        self._recorder.dirty = True
        pending = proof.commit(node, header)
        self._fresh += [(proof.digest, new) for new in pending]
        self._recorder.committed(proof, node, key, reused=reused, pending=pending)
        self._touched[proof.digest] = None
        self._recorder.changed(proof)

    def _failed(
        self, work: Work, error: Mapping[str, Any], *, shared: bool = False, evidence: Evidence | None = None
    ) -> None:
        """A task brought no result: try again what may be chance, set the node aside otherwise."""
        proof = self._runs[work.digest]
        message = f'{error["type"]}: {error["message"]}'
        if work.kind == 'verify' and proof.settled:
            self._hand_over(work)
            return
        if work.kind == 'verify' and error['class'] != 'infrastructure':
            self._suspects.cleared(work)
            self._verified(work, {'error': dict(error)}, {})
            return
        if proof.settled:
            self._release(work, Status.ERROR, message)
            return
        if error['type'] == 'DefinitionError':
            raise DefinitionUnusable(error['message'])
        decision = self._failures.decide(work, proof, error, shared=shared, evidence=evidence)
        if error['type'] == 'server-start':
            self._count_start_failure(proof, error['message'])
        if decision.again and not proof.settled:
            self._observer.notice(decision.reason)
            self._again(work, shrink=error['type'] == 'timeout')
            return
        self._suspects.cleared(work)
        self._release(work, decision.status, decision.reason)

    def _again(self, work: Work, *, shrink: bool) -> None:
        proof = self._runs[work.digest]
        if work.kind != 'step' or work.request is None or not shrink:
            self._push(work, proof)
            return
        for digest, node in self._awaited.pop(work.request.family, []):
            self._runs[digest].step_size.timed_out(node, work.request.fields.get('execute_depth'))
            self._fresh.append((digest, node))

    def _release(self, work: Work, status: Status, reason: str) -> None:
        """Give up a task for this run, for every proof that waited for it."""
        if work.kind == 'step' and work.request is not None:
            for digest, node in self._awaited.pop(work.request.family, ()):
                if not self._runs[digest].settled:
                    self._set_aside(self._runs[digest], node, status, reason)
        elif work.kind == 'verify':
            self._after_verifying(work, f'the step at node {work.node} could not be verified: {reason}')
        elif work.kind == 'diagnose':
            if not self._runs[work.digest].settled:
                self._diagnosed(self._runs[work.digest], work.node, {'explanation': f'no explanation: {reason}'})
        elif not self._runs[work.digest].settled:
            self._settle(self._runs[work.digest], status, reason)

    def _set_aside(self, proof: ProofRun, node: int, status: Status, reason: str) -> None:
        proof.set_aside[node] = (status, reason)
        self._touched[proof.digest] = None

    def _count_start_failure(self, proof: ProofRun, message: str) -> None:
        """A server that does not start for a definition will not start for its next claim either.

        Raises:
            DefinitionUnusable: it says what is wrong at a place in the definition.
        """
        if not self._failures.cannot_start(proof, message):
            return
        service = proof.planned.service
        for other in self._runs.values():
            if not other.settled and other.planned.service == service:
                self._settle(other, Status.ERROR, f'no server for {service}: {message}')

    # -- verdicts -----------------------------------------------------------------------------------------------

    def _conclude(self, proof: ProofRun) -> None:
        """Settle a proof with nothing left to do; failing nodes are explained first."""
        if proof.settled or proof.diagnosing:
            return
        if proof.doubt:
            self._settle(proof, Status.ERROR, proof.doubt)
            return
        if proof.verifying:
            return
        if proof.frontier is not None and proof.frontier.behind:
            if not proof.frontier.asked:
                proof.frontier.asked = True
                self._push(Work('advance', proof.digest, 0), proof)
            return
        if not proof.exhausted and not (self._config.fail_fast != 'no' and proof.counts[2]):
            return
        undiagnosed = proof.undiagnosed
        if undiagnosed:
            self._diagnose(proof, undiagnosed)
            return
        found = conclusion(proof, self._runs)
        proof.failures = found.failures
        self._settle(proof, found.status, found.reason)

    def _diagnose(self, proof: ProofRun, nodes: list[int]) -> None:
        for node in nodes:
            request = proof.diagnosis(node)
            known = self._store.header(ledger.diagnosis_row(request.key))
            if known is not None and (self._config.reuse != 'refresh' or request.key in self._made):
                proof.diagnoses[node] = known
            else:
                proof.diagnosing.add(node)
                self._push(Work('diagnose', proof.digest, node, request), proof)
        if not proof.diagnosing:
            self._touched[proof.digest] = None

    def _diagnosed(self, proof: ProofRun, node: int, diagnosis: Mapping[str, Any]) -> None:
        proof.diagnosing.discard(node)
        proof.diagnoses[node] = diagnosis
        self._touched[proof.digest] = None

    def _settle(self, proof: ProofRun, status: Status, reason: str, *, verdict: bool = True) -> None:
        """The end of a proof in this run. Passed and failed ones get a verdict; whoever waits for it is told."""
        if proof.final_counts is None:
            nodes, pending, failing, bounded = proof.counts
            proof.final_counts = (nodes, pending, failing, bounded)
        proof.phase = Phase.SETTLED
        proof.status = status
        proof.reason = reason
        self._unsettled.discard(proof.digest)
        self._remember(proof)
        before = self._before.get(proof.digest, {}) if self._config.reuse == 'verify' else {}
        known = (before.get('status'), before.get('reason'), before.get('steps')) == (status, reason, proof.steps)
        unexplained = self._config.reuse == 'enforce' and status is Status.FAILED
        if verdict and status in (Status.PASSED, Status.FAILED) and not known and not unexplained:
            self._recorder.verdict(proof, self._summary.run)
        self._recorder.report(proof)
        self._told.append(proof.digest)
        self._cancel_rest(proof)
        if status is Status.FAILED and self._config.fail_fast == 'run' and not self._ending:
            self._ending = f'{proof.planned.claim.name} failed, and {STOPPED_AT_FAILURE}'

    def _cancel_rest(self, proof: ProofRun) -> None:
        """End running steps of a settled proof that nobody else waits for."""
        for task, work in self._in_flight.items():
            if work.digest != proof.digest or work.request is None:
                continue
            verified = self._verification.waiting(work.request.key)
            waiting = verified if work.kind == 'verify' else self._awaited.get(work.request.family, ())
            if all(self._runs[digest].settled for digest, _ in waiting):
                self._pool.cancel(task)

    def _remember(self, proof: ProofRun) -> None:
        """Write what the run spent on a proof, for the order of the next one."""
        verified_only = self._config.reuse == 'verify' and not proof.made
        if verified_only or not (proof.requests or proof.made):
            return
        history = spent(proof, self._history.get(proof.digest))
        for claim in proof.planned.claims:
            self._store.put(history_row(claim.name), history.to_dict())
        self._recorder.dirty = True

    def _dependency_settled(self, proof: ProofRun, dependency: ProofRun) -> None:
        if proof.settled:
            return
        name = dependency.planned.claim.name
        if dependency.status is Status.PASSED:
            proof.waiting_for.discard(dependency.digest)
            if not proof.waiting_for and proof.phase is Phase.WAITING:
                self._start(proof)
        elif dependency.status is Status.FAILED:
            reason = f'depends on {name}, which failed'
            proof.failures = (Failure(None, 'dependency', reason),)
            self._settle(proof, Status.FAILED, reason)
        else:
            self._settle(proof, Status.NOT_ATTEMPTED, f'depends on {name}, which is {dependency.status}')


def step_target(config: RunConfig, backend: Backend) -> float | None:
    """The seconds that a request should take, `None` if depths are not adapted."""
    if config.step_target is None:
        return None if backend.name == 'embedded' else EXTERNAL_STEP_TARGET
    return config.step_target or None
