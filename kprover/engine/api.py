"""What the rest of the project calls: prove suites, ask what is known of their claims, run one step.

`prove` is the only function that writes. The others open the store read-only, compute the digests that the claims
have now, and so never report a verdict about inputs that have changed.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ..pool import Done, Limits, Lost, Pool, machine_memory
from ..store import CheckpointStore, StoreReader
from ..suites import select
from . import ledger, resume
from . import priority as priorities
from .depths import StepSize
from .dispatch import Dispatcher
from .loop import Engine
from .plan import plan
from .proof_run import ProofRun
from .queue import Work
from .services import Services
from .signals import StopRequest
from .standing import standing_verdicts
from .values import (
    FAIL_FAST,
    REUSE,
    ClaimProgress,
    EngineError,
    Failure,
    Interrupted,
    Phase,
    RunState,
    RunSummary,
    SilentObserver,
    Status,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any, Final

    from ..backends import Backend
    from ..suites import Claim, Suite
    from .ledger import ReadableStore
    from .plan import Plan, PlannedProof
    from .values import Observer, RunConfig

MEMORY_SHARE: Final = 0.9
"""The part of the machine's memory that servers may use where nothing is configured."""

KEPT_RUNS: Final = 10
"""Folders with the logs of the last so many runs are kept."""


def prove(
    suites: Sequence[Suite], claims: Iterable[Claim] | None, config: RunConfig, observer: Observer | None = None
) -> RunSummary:
    """Prove `claims`, or all claims of `suites`, and what they depend on.

    Returns the summary of the run; a claim that fails is no exception.

    Raises:
        Interrupted: After SIGINT or SIGTERM; everything finished is in the store.
        StoreLocked: Another run owns the store.
        BackendError, EngineError: The run could not start or go on.
    """
    observer = observer or SilentObserver()
    services = Services(config)
    priority = priorities.load_priority(config.priority or default_priority(config))
    check(config)
    planned = plan(suites, _chosen(suites, claims), services)
    check_addresses(config, planned)
    run = f'{datetime.now(timezone.utc):%Y%m%dT%H%M%S.%fZ}-{os.getpid()}'
    with (
        CheckpointStore.open(config.store) as store,
        run_folder(config, run) as folder,
        open_pool(config, services.backend, folder, services.commands(planned.proofs.values())) as pool,
        StopRequest(pool.wakeup) as stop,
    ):
        engine = Engine(
            planned,
            store=store,
            pool=pool,
            services=services,
            config=config,
            priority=priority,
            observer=observer,
            run=run,
        )
        for notice in dict.fromkeys(notice for suite in suites for notice in suite.notices):
            observer.notice(notice)
        try:
            return engine.run(stop)
        except Interrupted:
            raise
        except Exception as err:
            engine.abort()
            if isinstance(err, OSError):
                raise EngineError(f'{config.store}: {err}; what was finished before is kept') from err
            raise


class Ledger:
    """What the store knows of the claims of some suites, as they are now. Read-only; safe beside a running engine.

    Backend and digests are computed once, so an instance answers for the files as they were when it was made.
    """

    def __init__(self, suites: Sequence[Suite], config: RunConfig, *, reader: StoreReader | None = None):
        self._services = Services(config)
        self._config = config
        self._claims = _chosen(suites, None)
        self._plan = plan(suites, self._claims, self._services)
        self._reader = reader

    @property
    def backend(self) -> Backend:
        """The server program of all claims whose options name none."""
        return self._services.backend

    @property
    def own_backends(self) -> Mapping[str, Backend]:
        """The server programs of the others, by the names of their services."""
        return self._services.commands(self._plan.proofs.values())

    def proof(self, claim: str) -> PlannedProof:
        """The proof of the claim named `suite/LABEL`."""
        return self._plan.proofs[self._plan.digest_of_claim[claim]]

    @property
    def proofs(self) -> Mapping[str, PlannedProof]:
        """The proofs of all claims, by digest."""
        return self._plan.proofs

    def verdicts(self, claims: Iterable[str]) -> dict[str, ClaimProgress]:
        """The current verdicts among `claims`; a claim without one is left out."""
        names = tuple(claims)
        digest_of = self._plan.digest_of_claim
        with self._store() as store:
            standing = standing_verdicts(store, self._plan, (digest_of[name] for name in names))
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
            standing = standing_verdicts(store, self._plan, self._plan.proofs)
            claims = tuple(_status(store, self._plan, claim, standing) for claim in self._claims)
            last = _last_run(store)
        if last is None:
            return RunSummary('', 0.0, 0.0, self.backend.name, 0, state=RunState.FINISHED, claims=claims)
        return replace(last, claims=claims)

    def _claim(self, name: str) -> Claim:
        return next(claim for claim in self.proof(name).claims if claim.name == name)

    @contextmanager
    def _store(self) -> Iterator[StoreReader]:
        if self._reader is not None:
            yield self._reader
            return
        with StoreReader(self._config.store) as reader:
            yield reader


def status(suites: Sequence[Suite], config: RunConfig) -> RunSummary:
    """All claims of `suites` as the store knows them, and the last run."""
    return Ledger(suites, config).status()


def default_priority(config: RunConfig) -> str:
    """The order where none is configured."""
    chosen = priorities.fair_share if config.time_budget is not None else priorities.longest_expected_first
    return f'{priorities.__name__}:{chosen.__name__}'


def check_addresses(config: RunConfig, planned: Plan) -> None:
    """Raises `EngineError` if servers that run already, which serve one definition, are to serve several."""
    definitions = sorted({f'{proof.main_module} in {proof.claim.kompiled}' for proof in planned.proofs.values()})
    if config.addresses and len(definitions) > 1:
        raise EngineError(
            f'servers: a server that runs already has one definition, and the claims have {len(definitions)}: '
            f'{", ".join(definitions)}; prove them in separate runs'
        )


def check(config: RunConfig) -> None:
    """Raises `EngineError` if a value of the configuration is not one that it may have."""
    if config.fail_fast not in FAIL_FAST:
        raise EngineError(f'fail_fast: expected one of {", ".join(FAIL_FAST)}, found {config.fail_fast!r}')
    if config.reuse not in REUSE:
        raise EngineError(f'reuse: expected one of {", ".join(REUSE)}, found {config.reuse!r}')
    if not 0 <= config.verify_share <= 1:
        raise EngineError(f'verify_share: expected a share from 0 to 1, found {config.verify_share!r}')
    for name, value in (('time_budget', config.time_budget), ('step_target', config.step_target)):
        if value is not None and value < 0:
            raise EngineError(f'{name}: expected seconds, found {value!r}')
    for name in ('workers', 'servers', 'memory', 'server_memory', 'server_modules', 'hang_timeout'):
        amount = getattr(config, name)
        if amount is not None and amount < 0:
            raise EngineError(f'{name}: expected zero or more, found {amount!r}')
    if config.attempts < 1:
        raise EngineError(f'attempts: expected one or more, found {config.attempts!r}')


def _chosen(suites: Sequence[Suite], claims: Iterable[Claim] | None) -> tuple[Claim, ...]:
    if claims is None:
        return tuple(claim for suite in suites for claim in suite.claims)
    return select(suites, [claim.name for claim in claims])


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
    if summary.state is RunState.RUNNING and not _alive(summary.run):
        return replace(summary, state=RunState.ABORTED)
    return summary


def _alive(run: str) -> bool:
    """Whether the process of a run is still there; another process may have its number, so this errs to yes."""
    try:
        os.kill(int(run.rpartition('-')[2]), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, ValueError):
        return True
    return True


@contextmanager
def open_pool(
    config: RunConfig, backend: Backend, folder: Path, own: Mapping[str, Backend] | None = None
) -> Iterator[Pool]:
    """The workers and servers of a run; they end with the context.

    Args:
        own: The programs of services that are not those of `backend`, by name.
    """
    pool = Pool(
        workers=config.workers or len(os.sched_getaffinity(0)),
        backend=backend,
        own_backends=own or {},
        run_dir=folder,
        server_env=config.environment,
        start_timeout=config.start_timeout,
        grace=config.grace,
        limits=_limits(config),
        addresses=config.addresses,
    )
    try:
        yield pool
    finally:
        pool.close(0.0)


def _limits(config: RunConfig) -> Limits:
    memory = int(MEMORY_SHARE * machine_memory()) if config.memory is None else config.memory
    return Limits(
        servers=config.servers or None,
        memory=memory or None,
        server_memory=config.server_memory or None,
        server_modules=config.server_modules or None,
        hang_timeout=config.hang_timeout or None,
    )


@contextmanager
def run_folder(config: RunConfig, run: str) -> Iterator[Path]:
    """A folder for the logs and scratch files of a run; those of runs long past are removed."""
    runs = config.run_dir if config.run_dir is not None else config.store.parent / 'runs'
    folder = runs / run
    folder.mkdir(parents=True)
    for old in sorted(path for path in runs.iterdir() if path.is_dir())[:-KEPT_RUNS]:
        shutil.rmtree(old, ignore_errors=True)
    try:
        yield folder
    finally:
        with suppress(OSError):  # not empty: logs worth keeping
            folder.rmdir()


def pending_steps(suites: Sequence[Suite], claim: str, config: RunConfig) -> tuple[tuple[str, int], ...]:
    """Key and node of each step that the proof of `claim` needs next, as its journal stands. Read-only."""
    return claim_steps(suites, claim, config)[1]


def claim_steps(
    suites: Sequence[Suite], claim: str, config: RunConfig
) -> tuple[tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]]:
    """Key and node of the steps of the proof of `claim`: those of its journal, and those it needs next. Read-only."""
    ledger_of = Ledger(suites, config)
    with StoreReader(config.store) as store:
        journal = ledger.read_journal(store, ledger_of.proof(claim).digest)
        proof = _replayed(store, ledger_of, claim)
        pending = () if proof is None else tuple((proof.request(node).key, node) for node in proof.open_nodes)
    return tuple((key, node) for node, key in journal), pending


def _replayed(store: ReadableStore, ledger_of: Ledger, claim: str) -> ProofRun | None:
    """The proof of a claim as far as its journal goes, `None` if it was never prepared."""
    planned = ledger_of.proof(claim)
    proof = unopened(planned)
    return proof if resume.reopen(store, proof) else None


def unopened(planned: PlannedProof) -> ProofRun:
    """A planned proof outside of any run, with the claim's own execute depth."""
    size = StepSize(bound=planned.claim.options.execute_depth, target=None)
    return ProofRun(planned, set(), size)


def run_step(suites: Sequence[Suite], claim: str, key: str, config: RunConfig) -> None:
    """Make one pending step of a claim on a server of its own and store its result as a checkpoint.

    The step is not committed to the proof: the next run finds it in the store and does so. A step that is already
    there is left alone.

    Raises:
        EngineError: `key` is not a step that the proof needs next, or the step brought no result.
    """
    ledger_of = Ledger(suites, config)
    with CheckpointStore.open(config.store) as store:
        if ledger.read_step(store, key) is not None:
            return
        proof = _replayed(store, ledger_of, claim)
        if proof is None:
            raise EngineError(f'{claim}: no step is known yet; prove the claim first, then look at its pending steps')
        requests = {request.key: request for request in (proof.request(node) for node in proof.open_nodes)}
        if key not in requests:
            known = ', '.join(requests) or 'none'
            raise EngineError(f'{claim}: step {key} is neither done nor pending; pending steps: {known}')
        run = f'step-{datetime.now(timezone.utc):%Y%m%dT%H%M%S.%fZ}-{os.getpid()}'
        with (
            run_folder(config, run) as folder,
            open_pool(replace(config, workers=1), ledger_of.backend, folder, ledger_of.own_backends) as pool,
        ):
            work = Work('step', proof.digest, requests[key].node, requests[key])
            done = _make_step(pool, store, proof, work, config)
        ledger.write_step(store, requests[key], done.header, done.blobs, run=run)
        store.commit()


def _make_step(pool: Pool, store: CheckpointStore, proof: ProofRun, work: Work, config: RunConfig) -> Done:
    """Make one step in a pool of its own. Raises `EngineError` if it brings no result."""
    name = f'{proof.planned.claim.name}, node {work.node}'
    if not Dispatcher(store, pool, config).submit(work, proof):
        raise EngineError(f'{config.store}: {name}: a record that the step needs is damaged; a run repairs it')
    while True:
        for event in pool.poll(1.0):
            if isinstance(event, Done):
                if 'error' in event.header:
                    error = event.header['error']
                    raise EngineError(f'{name}: {error["type"]}: {error["message"]}')
                return event
            if isinstance(event, Lost):
                raise EngineError(f'{name}: {event.cause}: {event.message}')
