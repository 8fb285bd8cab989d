"""What the store knows of claims as they are now: verdicts, progress, steps. Read-only.

The digests that the claims have now are computed from their files, so nothing is ever reported of inputs that have
changed.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from ..store import StoreReader
from . import ledger, resume
from .depths import StepSize
from .inputs import Inputs
from .plan import plan
from .proof_run import ProofRun
from .services import Services
from .standing import standing_verdicts
from .values import ClaimProgress, Failure, Phase, RunState, RunSummary, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from ..backends import Backend
    from ..suites import Claim, Suite
    from .ledger import ReadableStore
    from .plan import Plan, PlannedProof
    from .values import RunConfig


class Ledger:
    """What the store knows of the claims of some suites, as they are now. Read-only; safe beside a running engine.

    Backend and digests are computed once, so an instance answers for the files as they were when it was made.

    Attributes:
        config: Where the store is, and which server program there is.
        plan: The proofs of all claims.
    """

    def __init__(self, suites: Sequence[Suite], config: RunConfig, *, reader: StoreReader | None = None):
        self.config = config
        self._services = Services(config)
        self._claims = tuple(claim for suite in suites for claim in suite.claims)
        self.plan = plan(suites, self._claims, self._services)
        self._reader = reader

    @property
    def backend(self) -> Backend:
        """The server program of all claims whose options name none."""
        return self._services.backend

    @property
    def own_backends(self) -> Mapping[str, Backend]:
        """The server programs of the others, by the names of their services."""
        return self._services.commands(self.plan.proofs.values())

    def proof(self, claim: str) -> PlannedProof:
        """The proof of the claim named `suite/LABEL`."""
        return self.plan.proofs[self.plan.digest_of_claim[claim]]

    @property
    def proofs(self) -> Mapping[str, PlannedProof]:
        """The proofs of all claims, by digest."""
        return self.plan.proofs

    def inputs(self, claim: str) -> Inputs:
        """The files behind the proof of a claim. Raises `EngineError` if one is not what the digests were made of."""
        proofs = (self.proof(claim),)
        return Inputs(proofs, self._services.files(proofs))

    def verdicts(self, claims: Iterable[str]) -> dict[str, ClaimProgress]:
        """The current verdicts among `claims`; a claim without one is left out."""
        names = tuple(claims)
        digest_of = self.plan.digest_of_claim
        with self._store() as store:
            standing = standing_verdicts(store, self.plan, (digest_of[name] for name in names))
            return {
                name: _settled(store, digest_of[name], self._claim(name), standing[digest_of[name]])
                for name in names
                if digest_of[name] in standing
            }

    def verdict(self, claim: str) -> ClaimProgress | None:
        """The current verdict of a claim, `None` if it has to be proved."""
        return self.verdicts([claim]).get(claim)

    def status(self) -> RunSummary:
        """All claims as the store knows them, and the last run."""
        with self._store() as store:
            standing = standing_verdicts(store, self.plan, self.plan.proofs)
            claims = tuple(_status(store, self.plan, claim, standing) for claim in self._claims)
            last = _last_run(store)
        if last is None:
            return RunSummary('', 0.0, 0.0, self.backend.name, 0, state=RunState.FINISHED, claims=claims)
        return replace(last, claims=claims)

    def steps(self, claim: str) -> tuple[tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]]:
        """Key and node of the steps of the proof of `claim`: those of its journal, and those it needs next."""
        with self._store() as store:
            journal = ledger.read_journal(store, self.proof(claim).digest)
            proof = self.replayed(store, claim)
            pending = () if proof is None else tuple((proof.request(node).key, node) for node in proof.open_nodes)
        return tuple((key, node) for node, key in journal), pending

    def replayed(self, store: ReadableStore, claim: str) -> ProofRun | None:
        """The proof of a claim as far as its journal in `store` goes, `None` if it was never prepared."""
        proof = unopened(self.proof(claim))
        return proof if resume.reopen(store, proof) else None

    def _claim(self, name: str) -> Claim:
        return next(claim for claim in self.proof(name).claims if claim.name == name)

    @contextmanager
    def _store(self) -> Iterator[StoreReader]:
        if self._reader is not None:
            yield self._reader
            return
        with StoreReader(self.config.store) as reader:
            yield reader


def status(suites: Sequence[Suite], config: RunConfig) -> RunSummary:
    """All claims of `suites` as the store knows them, and the last run."""
    return Ledger(suites, config).status()


def pending_steps(suites: Sequence[Suite], claim: str, config: RunConfig) -> tuple[tuple[str, int], ...]:
    """Key and node of each step that the proof of `claim` needs next, as its journal stands. Read-only."""
    return Ledger(suites, config).steps(claim)[1]


def unopened(planned: PlannedProof) -> ProofRun:
    """A planned proof outside of any run, with the claim's own execute depth."""
    size = StepSize(bound=planned.claim.options.execute_depth, target=None)
    return ProofRun(planned, set(), size)


def _settled(store: ReadableStore, digest: str, claim: Claim, verdict: Mapping[str, Any]) -> ClaimProgress:
    last = store.header(ledger.status_row(claim.name))
    known = last['progress'] if last is not None and last['digest'] == digest else {}
    status = Status(verdict['status'])
    return ClaimProgress(
        claim=claim.name,
        suite=claim.suite,
        label=claim.label,
        status=status,
        phase=Phase.SETTLED,
        steps=verdict['steps'],
        nodes=verdict['nodes'],
        failing=verdict['failing'],
        bounded=verdict['bounded'],
        requests=known.get('requests', 0),
        reused=known.get('reused', verdict['steps']),
        seconds=known.get('seconds', 0.0),
        reason=verdict['reason'],
        failures=tuple(Failure.from_dict(failure) for failure in verdict['failures']),
        admitted=status is Status.PASSED and verdict['admitted'],
        imported=status is Status.PASSED and verdict['imported'],
        vacuous=bool(verdict.get('vacuous')),
        rewrites=known.get('rewrites', 0),
        depth=verdict.get('depth', 0),
        proof=digest,
    )


def _status(store: ReadableStore, plan: Plan, claim: Claim, standing: Mapping[str, Mapping[str, Any]]) -> ClaimProgress:
    digest = plan.digest_of_claim[claim.name]
    if digest in standing:
        return _settled(store, digest, claim, standing[digest])
    last = store.header(ledger.status_row(claim.name))
    if last is not None and last['digest'] == digest:
        known = ClaimProgress.from_dict(last['progress'])
        if known.status is not Status.PASSED and known.status is not Status.FAILED:
            return known
    if store.header(ledger.proof_row(digest)) is None:
        return ClaimProgress(claim=claim.name, suite=claim.suite, label=claim.label)
    steps = len(ledger.read_journal(store, digest))
    return ClaimProgress(
        claim=claim.name,
        suite=claim.suite,
        label=claim.label,
        status=Status.PENDING,
        phase=Phase.WAITING,
        steps=steps,
    )


def _last_run(store: ReadableStore) -> RunSummary | None:
    last = None
    for _, record in store.scan('run:'):
        last = record.header
    if last is None:
        return None
    summary = RunSummary.from_dict(last)
    if summary.state is RunState.RUNNING and not is_alive(summary.run):
        return replace(summary, state=RunState.ABORTED)
    return summary


def is_alive(run: str) -> bool:
    """Whether the process of a run is still there; another process may have its number, so this errs to yes."""
    try:
        os.kill(int(run.rpartition('-')[2]), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, ValueError):
        return True
    return True
