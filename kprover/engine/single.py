"""One step of a claim, made by hand, outside of any run."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ..pool import Done, Lost
from ..store import CheckpointStore
from . import ledger
from .api import open_pool, run_folder
from .dispatch import Dispatcher
from .known import Ledger
from .queue import Work
from .values import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..pool import Pool
    from ..suites import Suite
    from .proof_run import ProofRun
    from .values import RunConfig


def run_step(suites: Sequence[Suite], claim: str, key: str, config: RunConfig) -> None:
    """`make_step`, for suites of which no `Ledger` is at hand."""
    make_step(Ledger(suites, config), claim, key)


def make_step(known: Ledger, claim: str, key: str) -> None:
    """Make one pending step of a claim on a server of its own and store its result as a checkpoint.

    The step is not committed to the proof: the next run finds it in the store and does so. A step that is already
    there is left alone.

    Raises:
        EngineError: `key` is not a step that the proof needs next, the step brought no result, or a file that it rests
            on has changed meanwhile.
    """
    config = known.config
    with CheckpointStore.open(config.store) as store:
        if ledger.read_step(store, key) is not None:
            return
        proof = known.replayed(store, claim)
        if proof is None:
            raise EngineError(f'{claim}: no step is known yet; prove the claim first, then look at its pending steps')
        requests = {request.key: request for request in (proof.request(node) for node in proof.open_nodes)}
        if key not in requests:
            needed = ', '.join(requests) or 'none'
            raise EngineError(f'{claim}: step {key} is neither done nor pending; pending steps: {needed}')
        inputs = known.inputs(claim)
        run = f'step-{datetime.now(timezone.utc):%Y%m%dT%H%M%S.%fZ}-{os.getpid()}'
        with (
            run_folder(config, run) as folder,
            open_pool(replace(config, workers=1), known.backend, folder, known.own_backends) as pool,
        ):
            work = Work('step', proof.digest, requests[key].node, requests[key])
            done = _answer(pool, store, proof, work, config)
        inputs.check()
        ledger.write_step(store, requests[key], done.header, done.blobs, run=run)
        store.commit()


def _answer(pool: Pool, store: CheckpointStore, proof: ProofRun, work: Work, config: RunConfig) -> Done:
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
