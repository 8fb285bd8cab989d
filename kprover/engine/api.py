"""`prove`: a run from its configuration to its summary, with the pool and the folder that it works in."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ..pool import Limits, Pool, machine_memory
from ..store import CheckpointStore
from ..suites import select
from . import priority as priorities
from .loop import Engine
from .plan import plan
from .services import Services
from .signals import StopRequest
from .values import (
    FAIL_FAST,
    REUSE,
    EngineError,
    Interrupted,
    RunSummary,
    SilentObserver,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Final

    from ..backends import Backend
    from ..suites import Claim, Suite
    from .plan import Plan
    from .values import Observer, RunConfig

MEMORY_SHARE: Final = 0.9
"""The part of the machine's memory that servers may use where nothing is configured."""

KEPT_RUNS: Final = 10
"""Folders with the logs of the last so many runs are kept."""


def prove(
    suites: Sequence[Suite], claims: Iterable[Claim] | None, config: RunConfig, observer: Observer | None = None
) -> RunSummary:
    """Prove `claims`, or all claims of `suites`, and what they depend on.

    To be called in the main thread: it handles SIGINT and SIGTERM, and its processes end with the thread.

    Args:
        config: Times in it are seconds, sizes bytes; its paths are absolute.
        observer: Is told what happens, by calls between two rounds of the engine.

    Returns:
        The summary of the run; a claim that fails is no exception.

    Raises:
        Interrupted: After SIGINT or SIGTERM; everything finished is in the store. Both signals are ignored from then
            on, for the process to end in order.
        SuiteError: There is no claim of a name.
        StoreLocked: Another run owns the store.
        StoreError: The store cannot be opened or written.
        DefinitionUnusable: No server can read a definition.
        BackendError, EngineError: The run could not start or go on.
    """
    observer = observer or SilentObserver()
    services = Services(config)
    priority = priorities.load_priority(config.priority or default_priority(config))
    check(config)
    planned = plan(suites, select(suites, [claim.name for claim in claims or ()]), services)
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
