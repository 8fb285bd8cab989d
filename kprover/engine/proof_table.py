"""The proofs of a run: what earlier runs have left of them, which are settled, and which wait for which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from . import ledger, resume
from .depths import StepSize
from .history import history_row, read_history, spent
from .proof_run import ProofRun
from .standing import standing_verdicts
from .values import Phase, Status
from .verdicts import not_in_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Final

    from ..backends import Backend
    from ..store import CheckpointStore
    from .history import ClaimHistory
    from .plan import Plan
    from .recorder import Recorder
    from .services import Services
    from .values import RunConfig, RunSummary

EXTERNAL_STEP_TARGET: Final = 10.0
"""Seconds that a request to an external server should take, if nothing else is configured."""


class ProofTable(Mapping[str, ProofRun]):
    """All proofs of a run by digest, in the order of the plan. Owned by the engine's thread.

    Attributes:
        history: What earlier runs spent on them, by digest, where that is known.
    """

    def __init__(self, plan: Plan, store: CheckpointStore, services: Services, config: RunConfig, recorder: Recorder):
        self._plan = plan
        self._store = store
        self._services = services
        self._config = config
        self._recorder = recorder
        self.history: Mapping[str, ClaimHistory] = read_history(store, plan)
        self._before: dict[str, dict[str, Any]] = {}  # the verdicts that stood when the run began
        self._runs = {digest: self._new(digest) for digest in plan.proofs}
        self._unsettled = set(self._runs)
        self._dependents: dict[str, list[str]] = {}
        for digest, planned in plan.proofs.items():
            for dependency in planned.dependencies:
                self._dependents.setdefault(dependency, []).append(digest)

    def __getitem__(self, digest: str) -> ProofRun:
        return self._runs[digest]

    def __iter__(self) -> Iterator[str]:
        return iter(self._runs)

    def __len__(self) -> int:
        return len(self._runs)

    @property
    def all_settled(self) -> bool:
        return not self._unsettled

    @property
    def unsettled(self) -> list[ProofRun]:
        """What is not settled in this run, in an order that depends on the inputs only."""
        return [self._runs[digest] for digest in sorted(self._unsettled)]

    def dependents(self, digest: str) -> list[ProofRun]:
        """The proofs that need this one themselves."""
        return [self._runs[waiting] for waiting in self._dependents.get(digest, ())]

    def graphs(self, proof: ProofRun) -> dict[str, str]:
        """What the proofs that a proof depends on were made of, by their digests."""
        return {digest: ledger.graph_digest(self._store, digest) for digest in proof.planned.dependencies}

    def take_verdicts(self) -> None:
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
            missing = resume.missing(self._store, self._new(digest), verdict)
            if missing:
                proof = self._runs[digest]
                proof.status, proof.reason, proof.failures = Status.ERROR, not_in_store(missing), ()

    def reopen_broken_dependencies(self) -> list[str]:
        """Prove those again whose graph is needed for the rules of another proof, and has been damaged since.

        Returns:
            The claims that they are proofs of, one for each.
        """
        pending = [proof for proof in self._runs.values() if not proof.settled]
        seen: set[str] = set()
        reopened = []
        while pending:
            for digest in pending.pop().planned.dependencies:
                if digest in seen or self._runs[digest].status is not Status.PASSED:
                    continue
                seen.add(digest)
                if resume.is_whole(self._store, self._new(digest)):
                    continue
                reopened.append(self._runs[digest].planned.claim.name)
                pending += self._renew(digest)
        return reopened

    def _renew(self, digest: str) -> list[ProofRun]:
        """Begin a proof again that has a verdict, and those with one that rest on it. Returns them."""
        renewed = []
        wanted = [digest]
        while wanted:
            one = wanted.pop()
            if self._runs[one].status in (Status.PASSED, Status.FAILED):
                self._runs[one] = self._new(one)
                renewed.append(self._runs[one])
                wanted += self._dependents.get(one, ())
        return renewed

    def settle(self, proof: ProofRun, status: Status, reason: str, run: str, *, verdict: bool = True) -> None:
        """The end of a proof in the run `run`. Passed and failed ones get a verdict, unless the store has the same."""
        if proof.final_counts is None:
            nodes, pending, failing, bounded = proof.counts
            proof.final_counts = (nodes, pending, failing, bounded)
        proof.phase = Phase.SETTLED
        proof.status = status
        proof.reason = reason
        if verdict:
            others = (self._runs[digest] for digest in proof.planned.dependencies)
            proof.unmade = not proof.admitted and (bool(proof.imported) or any(other.unmade for other in others))
            fails_for_it = any(failure.reason == 'vacuous' for failure in proof.failures)
            decided = status is Status.PASSED or (status is Status.FAILED and fails_for_it)
            proof.vacuous = decided and not proof.admitted and bool(proof.emptiness)
        self._unsettled.discard(proof.digest)
        self.remember(proof)
        before = self._before.get(proof.digest, {}) if self._config.reuse == 'verify' else {}
        unexplained = self._config.reuse == 'enforce' and status is Status.FAILED
        if verdict and status in (Status.PASSED, Status.FAILED) and not unexplained:
            if proof.renewal is not None and proof.renewal.prepared:
                graph = proof.renewal
                ledger.renew_proof(self._store, proof.digest, graph.prepared, graph.proof, graph.commits)
            self._recorder.verdict(proof, run, before)
        self._recorder.report(proof)

    def remember(self, proof: ProofRun) -> None:
        """Write what the run spent on a proof, for the order of the next one."""
        verified_only = self._config.reuse == 'verify' and not proof.made
        if verified_only or not (proof.requests or proof.made or proof.attempted):
            return
        history = spent(proof, self.history.get(proof.digest))
        for claim in proof.planned.claims:
            self._store.put(history_row(claim.name), history.to_dict())
        self._recorder.dirty = True

    def add_to(self, summary: RunSummary) -> RunSummary:
        """The summary of a run with its claims, in the order of the plan, and with what they have cost so far."""
        runs = self._runs.values()
        progress = {one.claim: one for proof in runs for one in proof.progress()}
        return replace(
            summary,
            requests=sum(proof.requests for proof in runs),
            reused=sum(proof.reused for proof in runs),
            steps=sum(proof.made for proof in runs),
            claims=tuple(progress[name] for name in self._plan.digest_of_claim if name in progress),
        )

    def _new(self, digest: str) -> ProofRun:
        planned = self._plan.proofs[digest]
        expected = self.history.get(digest)
        size = StepSize(
            bound=planned.claim.options.execute_depth,
            target=_step_target(self._config, self._services.of(planned.claim)),
            current=expected.depth if expected is not None else None,
        )
        return ProofRun(planned, set(planned.dependencies), size, expected=expected)


def _step_target(config: RunConfig, backend: Backend) -> float | None:
    """The seconds that a request should take, `None` if depths are not adapted."""
    if config.step_target is None:
        return None if backend.name == 'embedded' else EXTERNAL_STEP_TARGET
    return config.step_target or None
