"""What becomes of proofs: which steps they need, what the results of steps do to them, and how they end.

    free to start --> prepared --> journal replayed --> pending nodes --> none left: failures explained, settled
                                                          |       ^
                    taken from the store, waited for, or made     |
                                                          v       |
                                                    journaled, applied

Nothing here waits or reads a clock; what to do next is in the ready queue, which the engine's loop empties. Everything
put into the store meanwhile becomes durable at the end of the loop's round. No term is parsed.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from . import ledger, resume
from .agenda import Agenda
from .failures import Failures
from .proof_run import Renewal
from .queue import ReadyQueue, Work
from .sharing import SharedSteps
from .suspects import Suspects
from .values import STOPPED_AT_FAILURE, DefinitionUnusable, Failure, Phase, Status
from .verdicts import conclusion, not_in_store
from .verification import Verification

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ..pool import Done, Evidence, Lost
    from ..store import CheckpointStore
    from .proof_run import ProofRun
    from .proof_table import ProofTable
    from .recorder import Recorder
    from .services import Services
    from .values import Observer, RunConfig

A_ROUND = 1000
"""So many pending nodes are followed up before the round ends: at most about a second's."""


class Proving:
    """The state machine of all proofs of a run; owned by the engine's thread.

    Attributes:
        ready: Work that a worker could do now.
        suspects: What is known of work that was lost.
        verification: What is known of reused steps that are made again.
        stopped: Why the run is to end early, for what has become of a claim; empty if it is not.
    """

    def __init__(
        self,
        proofs: ProofTable,
        ready: ReadyQueue,
        *,
        store: CheckpointStore,
        services: Services,
        config: RunConfig,
        recorder: Recorder,
        observer: Observer,
        module_text: Callable[[str], bytes],
        cancel: Callable[[Callable[[Work], bool]], None],
        run: str,
    ):
        """
        Args:
            module_text: The Kore text of an added module by its name.
            cancel: Ends the running work for which a function says so.
            run: Identity of the run.
        """
        self._proofs = proofs
        self._store = store
        self._config = config
        self._recorder = recorder
        self._observer = observer
        self._cancel = cancel
        self._run = run
        self._agenda = Agenda()
        self.ready = ready
        self.suspects = Suspects()
        self._failures = Failures(self.suspects, services, config, module_text)
        self.verification = Verification(store, config.verify_share, run)
        self._shared = SharedSteps(store, config.reuse, self.verification)
        self.stopped = ''

    # -- what the loop asks for ---------------------------------------------------------------------------------

    def take_settled(self) -> None:
        """Report the proofs that are settled before anything was made for them."""
        for proof in self._proofs.values():
            if proof.settled:
                self._settle(proof, proof.status, proof.reason, verdict=False)

    def start(self) -> None:
        """Start the proofs that wait for no other."""
        for proof in self._proofs.values():
            if proof.phase is Phase.WAITING and not proof.waiting_for:
                self._start(proof)

    @property
    def behind(self) -> bool:
        """Whether there is more to be followed up at once."""
        return bool(self._agenda)

    def follow_up(self) -> None:
        """Make what has become pending ready, and settle what is done, until nothing more follows.

        Steps that the store has lead on at once. There may be any number of them, so after some the round ends, for
        what has happened to be made durable and seen.
        """
        left = A_ROUND
        while self._agenda and left > 0:
            for digest in self._agenda.take_settled():
                for waiting in self._proofs.dependents(digest):
                    self._dependency_settled(waiting, self._proofs[digest])
            pending = self._agenda.take_pending(left)
            left -= len(pending)
            for digest, node in pending:
                proof = self._proofs[digest]
                if not proof.settled and proof.is_pending(node):
                    self._make_ready(proof, node)
            for digest in self._agenda.take_changed():
                self._conclude(self._proofs[digest])

    def has_work_for(self, service: str) -> bool:
        """Whether work for a definition is ready, or may become so in this round."""
        coming = (self._proofs[digest].planned.service for digest in self._agenda.proofs())
        return self.ready.has_work_for(service) or service in coming

    def is_outdated(self, work: Work) -> bool:
        """Whether ready work is not to be done: its proof has been settled, or is at a limit, or its step was made for
        another one since it became ready."""
        proof = self._proofs[work.digest]
        limited = work.kind == 'step' and proof.is_pending(work.node) and bool(proof.over_limit(work.node))
        return proof.settled or limited or self._shared.made_meanwhile(work)

    def hand_over(self, work: Work) -> None:
        """Work will not be done for its proof: if others wait for it, it is done for one of them."""
        if work.request is not None and work.kind == 'verify':
            for digest, node in self._shared.waiting(work):
                if not self._proofs[digest].settled:
                    self._push(replace(work, digest=digest, node=node), self._proofs[digest])
                    return
            self._shared.end(work)
        elif work.kind == 'step':
            for digest, node in self._shared.end(work):
                self._agenda.pending(digest, (node,))

    def begun(self, proof: ProofRun) -> None:
        """A worker has got work of a proof."""
        if proof.phase is not Phase.RUNNING:
            proof.phase = Phase.RUNNING
            self._recorder.report(proof)

    def begin_again(self, proof: ProofRun) -> None:
        """Rebuild a proof whose records turned out damaged; every usable step of it is taken from the store."""
        self._observer.notice(f'{proof.planned.claim.name}: a damaged record in the store; the proof is rebuilt')
        self._shared.begin_again(proof)
        if proof.renewal is None:
            ledger.cut_journal(self._store, proof.digest, 0)
        self._recorder.dirty = True
        proof.index = None
        proof.frontier = None
        proof.reused = 0
        self._start(proof)

    def give_up(self, reason: str) -> None:
        """Say of every proof that is not settled why, and that this is no verdict; no more is started."""
        for proof in self._proofs.unsettled:
            begun = proof.steps > 0 or proof.made > 0 or proof.attempted
            self._settle(proof, Status.PENDING if begun else Status.NOT_ATTEMPTED, reason)
        self._agenda.take_settled()

    # -- starting proofs ----------------------------------------------------------------------------------------

    def _start(self, proof: ProofRun) -> None:
        proof.phase = Phase.READY
        if self._config.reuse == 'refresh':
            self._forget(proof)
        prepared = ledger.read_proof(self._store, proof.digest)
        if prepared is None or proof.renewal is not None:
            self._push(Work('prepare', proof.digest, 0), proof)
        elif 'imported' in prepared or prepared.get('graphs', {}) != self._proofs.graphs(proof):
            # only the claim says what is to be proved, and the rules of its dependencies are those of their graphs
            self.ready.push(Work('prepare', proof.digest, 0), proof)
        else:
            self._open(proof, prepared)
        self._recorder.report(proof)

    def _forget(self, proof: ProofRun) -> None:
        """Have a proof made anew. A verdict stays with its graph until there is another one.

        The steps of a proof of a user's own kind are read from the journal by its worker, so that its graph goes.
        """
        if self._store.header(ledger.verdict_row(proof.digest)) is None:
            ledger.forget_proof(self._store, proof.digest)
            self._recorder.dirty = True
        elif proof.planned.prover:
            ledger.cut_journal(self._store, proof.digest, 0)
            self._store.delete(ledger.proof_row(proof.digest))
            self._recorder.dirty = True
        else:
            proof.renewal = Renewal()

    def _open(self, proof: ProofRun, prepared: dict[str, Any]) -> None:
        """Bring a prepared proof to where its journal ends."""
        proof.open(prepared)
        proof.phase = Phase.RUNNING
        proof.status = Status.PENDING
        if proof.admitted:
            self._settle(proof, Status.PASSED, 'admitted, not proved')
            return
        if proof.renewal is None:
            told = partial(self._recorder.committed, proof, reused=True)
            resume.replay(self._store, proof, told, partial(self._may_use, proof))
            # what stands behind a commit that is missing belongs to another order of commits than the one to come
            if ledger.cut_journal(self._store, proof.digest, proof.sequence):
                self._recorder.dirty = True
        self._agenda.pending(proof.digest, proof.open_nodes)
        self._agenda.changed(proof.digest)

    def _make_ready(self, proof: ProofRun, node: int) -> None:
        """A node is pending: take its step from the store, wait for the same step of another proof, or queue it."""
        if limit := proof.over_limit(node):
            self._set_aside(proof, node, Status.PENDING, limit)
            return
        if endless := proof.goes_round(node):
            self._set_aside(proof, node, Status.PENDING, endless)
            return
        request = proof.request(node)
        found = self._shared.find(request)
        if found is not None and self._may_use(proof, node, *found):
            self._commit(proof, node, *found, reused=True)
        elif self._shared.ask(request, proof.digest, node):
            self._push(Work('step', proof.digest, node, request), proof)

    def _may_use(self, proof: ProofRun, node: int, key: str, header: Mapping[str, Any]) -> bool:
        """Whether a proof may take a step from the store; it may have to be made again beside that."""
        may, work = self._shared.use(proof, node, key, header)
        if work is not None:
            self._push(work, proof)
        return may

    def _push(self, work: Work, proof: ProofRun) -> None:
        """Work is ready, unless this run is to make nothing."""
        if self._config.reuse != 'enforce' or work.kind == 'advance':  # what follows from its steps, no new one
            self.ready.push(work, proof)
            return
        missing = {
            'prepare': 'the beginning of its proof',
            'diagnose': f'the explanation of node {work.node}',
        }
        self._release(work, Status.ERROR, not_in_store(missing.get(work.kind, f'the step at node {work.node}')))

    # -- results ------------------------------------------------------------------------------------------------

    def done(self, work: Work, event: Done) -> None:
        """A worker has answered, with a result or an error."""
        proof = self._proofs[work.digest]
        proof.requests += event.header.get('requests', 0)
        proof.rewrites += event.header.get('rewrites', 0)
        proof.seconds += event.header.get('seconds', 0.0)
        self._recorder.changed(proof)
        if 'error' in event.header:
            self._failed(work, event.header['error'], evidence=event.evidence)
        else:
            self.suspects.cleared(work)
            self._succeeded(work, event.header, event.blobs)

    def lost(self, work: Work, event: Lost) -> None:
        """Work has ended without an answer."""
        proof = self._proofs[work.digest]
        self.took(work, event.seconds)
        if event.cause == 'cancelled':
            if proof.out_of_time and not proof.settled:
                self._out_of_time(work, proof)
            else:
                self.hand_over(work)
            return
        error = {'class': 'infrastructure', 'type': event.cause, 'message': event.message}
        self._failed(work, error, shared=event.shared, evidence=event.evidence)

    def took(self, work: Work, seconds: float) -> None:
        """Work has taken so many seconds of a worker, without a result so far."""
        proof = self._proofs[work.digest]
        proof.seconds += seconds
        proof.attempted |= work.needs_server and seconds > 0
        self._recorder.changed(proof)

    def _out_of_time(self, work: Work, proof: ProofRun) -> None:
        """Work was ended with the time of its claim; other claims that wait for it have theirs."""
        reason = proof.over_limit(work.node)
        if work.kind == 'verify':
            self._settle(proof, Status.PENDING, reason)
        if work.kind in ('step', 'verify'):
            self.hand_over(work)
        else:
            self._release(work, Status.PENDING, reason)

    def _succeeded(self, work: Work, header: dict[str, Any], blobs: Mapping[str, bytes]) -> None:
        proof = self._proofs[work.digest]
        self._recorder.dirty = True
        self._failures.started(proof.planned.service)
        if work.kind == 'prepare':
            header |= {'dependencies': list(proof.planned.dependencies), 'graphs': self._proofs.graphs(proof)}
            if proof.renewal is None:
                ledger.write_prepared(self._store, proof.digest, header, blobs)
            else:
                ledger.write_parts(self._store, blobs)
                proof.renewal.prepared, proof.renewal.proof = header, blobs.get('proof', b'')
            if not proof.settled:
                self._open(proof, header)
            return
        if work.kind == 'advance':
            ledger.write_terms(self._store, blobs)
            if proof.frontier is not None and not proof.settled:
                self._agenda.pending(proof.digest, proof.frontier.told(header['standing']))
                self._agenda.changed(proof.digest)
            return
        assert work.request is not None
        if work.kind == 'verify':
            self._verified(work, header, blobs)
            return
        self._shared.made(work.request, header)
        if work.kind == 'diagnose':
            self._store.put(ledger.diagnosis_row(work.request.key), header)
            self._diagnosed(proof, work.node, header)
            return
        ledger.write_step(self._store, work.request, header, blobs, run=self._run)
        proof.made += 1
        if 'execute_depth' in work.request.fields:
            proof.step_size.finished(
                work.request.fields['execute_depth'],
                rewrites=header.get('rewrites', 0),
                seconds=header.get('seconds', 0.0),
            )
        for digest, node in self._shared.end(work):
            waiting = self._proofs[digest]
            if waiting.settled or not waiting.is_pending(node):
                continue
            made_for_it = digest == work.digest and node == work.node
            self._commit(waiting, node, work.request.key, header, reused=not made_for_it)

    def _commit(self, proof: ProofRun, node: int, key: str, header: Mapping[str, Any], *, reused: bool) -> None:
        """Journal a finished step and apply it; its successors are handled in this round, after the results."""
        proof.reused += reused
        if proof.renewal is None:
            self._store.put(ledger.journal_row(proof.digest, proof.sequence), {'node': node, 'step': key})
        else:
            proof.renewal.commits.append((node, key))
        self._recorder.dirty = True
        pending = proof.commit(node, header)
        self._agenda.pending(proof.digest, pending)
        self._recorder.committed(proof, node, key, reused=reused, pending=pending)
        self._agenda.changed(proof.digest)
        self._recorder.changed(proof)

    def _verified(self, work: Work, header: Mapping[str, Any], blobs: Mapping[str, bytes]) -> None:
        """A reused step was made again: those that wait for it go on, or cannot be settled if it is in doubt."""
        claim = self._proofs[work.digest].planned.claim.name
        doubt = self.verification.compare(work, claim, header, blobs)
        if doubt:
            self._recorder.dirty = True
            self._observer.notice(f'{claim}: {doubt}')
        self._after_verifying(work, doubt)

    def _after_verifying(self, work: Work, doubt: str) -> None:
        assert work.request is not None
        for digest, _ in self._shared.end(work):
            proof = self._proofs[digest]
            proof.verifying.discard(work.request.key)
            proof.doubt = proof.doubt or doubt
            self._agenda.changed(digest)

    # -- work without a result ----------------------------------------------------------------------------------

    def _failed(
        self, work: Work, error: Mapping[str, Any], *, shared: bool = False, evidence: Evidence | None = None
    ) -> None:
        """A task brought no result: try again what may be chance, set the node aside otherwise."""
        proof = self._proofs[work.digest]
        message = f'{error["type"]}: {error["message"]}'
        if work.kind == 'verify' and proof.settled:
            self.hand_over(work)
            return
        if work.kind == 'verify' and error['class'] != 'infrastructure':
            self.suspects.cleared(work)
            self._verified(work, {'error': dict(error)}, {})
            return
        if proof.settled:  # nobody has counted this for those that wait for it
            if error['class'] == 'infrastructure':
                self.hand_over(work)
            else:
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
        self.suspects.cleared(work)
        self._release(work, decision.status, decision.reason, timed_out=error['type'] == 'timeout')

    def _again(self, work: Work, *, shrink: bool) -> None:
        if work.kind != 'step' or work.request is None or not shrink:
            self._push(work, self._proofs[work.digest])
            return
        for digest, node in self._shared.end(work):
            self._proofs[digest].step_size.timed_out(node, work.request.fields.get('execute_depth'))
            self._agenda.pending(digest, (node,))

    def _release(self, work: Work, status: Status, reason: str, *, timed_out: bool = False) -> None:
        """Give up a task for this run, for every proof that waited for it.

        Args:
            timed_out: It took longer than the proof that it was done for allows; others may have more time for it.
        """
        if work.kind == 'step':
            allowed = self._proofs[work.digest].planned.limits.step_timeout
            for digest, node in self._shared.end(work):
                waiting = self._proofs[digest]
                own = waiting.planned.limits.step_timeout
                if timed_out and allowed is not None and (own is None or own > allowed):
                    self._agenda.pending(digest, (node,))
                elif not waiting.settled:
                    self._set_aside(waiting, node, status, reason)
        elif work.kind == 'verify':
            self._after_verifying(work, f'the step at node {work.node} could not be verified: {reason}')
        elif self._proofs[work.digest].settled:
            return
        elif work.kind == 'diagnose':
            self._diagnosed(self._proofs[work.digest], work.node, {'explanation': f'no explanation: {reason}'})
        else:
            self._settle(self._proofs[work.digest], status, reason)

    def _set_aside(self, proof: ProofRun, node: int, status: Status, reason: str) -> None:
        proof.set_aside[node] = (status, reason)
        self._agenda.changed(proof.digest)

    def _count_start_failure(self, proof: ProofRun, message: str) -> None:
        """A server that does not start for a definition will not start for its next claim either.

        Raises:
            DefinitionUnusable: it says what is wrong at a place in the definition.
        """
        if not self._failures.cannot_start(proof, message):
            return
        service = proof.planned.service
        for other in self._proofs.values():
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
        found = conclusion(proof, self._proofs)
        proof.failures = found.failures
        self._settle(proof, found.status, found.reason)

    def _diagnose(self, proof: ProofRun, nodes: list[int]) -> None:
        for node in nodes:
            request = proof.diagnosis(node)
            known = self._shared.find_diagnosis(request)
            if known is not None:
                proof.diagnoses[node] = known
            else:
                proof.diagnosing.add(node)
                self._push(Work('diagnose', proof.digest, node, request), proof)
        if not proof.diagnosing:
            self._agenda.changed(proof.digest)

    def _diagnosed(self, proof: ProofRun, node: int, diagnosis: Mapping[str, Any]) -> None:
        proof.diagnosing.discard(node)
        proof.diagnoses[node] = diagnosis
        self._agenda.changed(proof.digest)

    def _settle(self, proof: ProofRun, status: Status, reason: str, *, verdict: bool = True) -> None:
        """The end of a proof in this run; whoever waits for it is told, and what runs for it alone is cancelled."""
        self._proofs.settle(proof, status, reason, self._run, verdict=verdict)
        self._agenda.settled(proof.digest)
        self._cancel(partial(self._is_for_none, proof))
        if status is Status.FAILED and self._config.fail_fast == 'run' and not self.stopped:
            self.stopped = f'{proof.planned.claim.name} failed, and {STOPPED_AT_FAILURE}'

    def _is_for_none(self, settled: ProofRun, work: Work) -> bool:
        """Whether work is a step that this settled proof was the last to wait for."""
        if work.request is None:
            return False
        concerned = {work.digest, *(digest for digest, _ in self._shared.waiting(work))}
        return settled.digest in concerned and all(self._proofs[digest].settled for digest in concerned)

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
