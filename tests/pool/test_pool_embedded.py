"""The pool with what it is made for: kprover's own session and the embedded server, on an example language."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kprover.backends import choose_backend
from kprover.pool import Done, Lost, Pool, ServerDied, ServerStarted, Task
from kprover.suites import load_suite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kprover.suites import Claim

SUITE = Path(__file__).parents[2] / 'examples' / 'imp' / 'suite.toml'


class Prover:
    """Submits prepare and first steps of claims, as the engine does."""

    def __init__(self, run_dir: Path, workers: int) -> None:
        self.suite = load_suite(SUITE)
        self.store = run_dir / 'store.sqlite'
        self.pool = Pool(workers=workers, backend=choose_backend('embedded'), run_dir=run_dir / 'run')
        self.texts: dict[str, bytes] = {}
        self.next = 0
        self.notices: list[Any] = []

    def claims(self) -> list[Claim]:
        return [
            claim
            for claim in self.suite.claims
            if not claim.depends and not claim.admitted and not claim.options.lemmas
        ]

    def submit(self, kind: str, blobs: dict[str, bytes], fields: dict[str, Any], modules: tuple[str, ...] = ()) -> int:
        self.next += 1
        header = {'kompiled': str(self.suite.kompiled), 'main_module': self.suite.main_module, **fields}
        self.pool.submit(
            Task(self.next, kind, header, blobs),
            modules=modules,
            module_text=self.texts.__getitem__,
            needs_server=kind != 'prepare',
        )
        return self.next

    def prepare(self, claim: Claim) -> int:
        options = claim.options
        fields = {
            'claim': claim.label,
            'spec': str(claim.spec),
            'bmc_depth': options.bmc_depth,
            'semantics': options.semantics,
            'lemmas': [],
            'trusted': False,
            'direct_subproof_rules': False,
            'dependencies': [],
            'store': str(self.store),
        }
        return self.submit('prepare', {}, fields)

    def first_step(self, claim: Claim, prepared: Done) -> int:
        header, options = prepared.header, claim.options
        self.texts |= {
            name.removeprefix('module:'): blob for name, blob in prepared.blobs.items() if name.startswith('module:')
        }
        modules = tuple(header['modules'])
        common = {'claim': claim.label, 'modules': modules, 'lemma_module': None, 'assume_defined': False}
        if header['kind'] == 'equality':
            fields = {**common, 'mode': 'equality', 'proof': header['proof']}
            return self.submit('step', {'proof': prepared.blobs['proof']}, fields, modules)
        fields = {
            **common,
            'mode': 'reachability',
            'module': header['dependencies_module'],
            'execute_depth': options.execute_depth,
            'cut_point_rules': [],
            'terminal_rules': [],
            'fast_check_subsumption': False,
            'semantics': options.semantics,
            'bmc_depth': options.bmc_depth,
            'circularity': header['circularity'],
            'nonzero_depth': False,
            'circularity_rule': header['circularity_rule'],
            'use_cache': False,
            'node': header['init'],
            'target': header['target'],
            'path': [],
            'prior_loops': {},
        }
        blobs = {name: prepared.blobs[name] for name in (header['init'], header['target'])}
        return self.submit('step', blobs, fields, modules)

    def outcome(self, task: int) -> Done | Lost:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            for event in self.pool.poll(1):
                if isinstance(event, Done | Lost):
                    assert event.task_id == task
                    return event
                self.notices.append(event)
        raise AssertionError(f'no outcome of task {task}; notices: {self.notices}')

    def done(self, task: int) -> Done:
        event = self.outcome(task)
        assert isinstance(event, Done), event
        assert 'error' not in event.header, event.header['error']['traceback']
        return event


@pytest.fixture
def prover(tmp_path: Path) -> Iterator[Prover]:
    made = Prover(tmp_path, 1)
    yield made
    made.pool.close(1)


def test_first_steps_of_all_claims_run_on_one_server(prover: Prover) -> None:
    claims = prover.claims()
    assert len(claims) > 10
    for claim in claims:
        prepared = prover.done(prover.prepare(claim))
        assert prepared.header['requests'] == 0, 'preparing needs no server'
        answer = prover.done(prover.first_step(claim, prepared))
        assert answer.header['results']
        assert answer.header['requests'] > 0
    assert prover.pool.server_starts == 1
    assert len([notice for notice in prover.notices if isinstance(notice, ServerStarted)]) == 1


def test_a_step_gives_the_same_bytes_on_another_server_after_a_kill(prover: Prover) -> None:
    claim = max(prover.claims(), key=lambda claim: 'sum' in claim.label)
    prepared = prover.done(prover.prepare(claim))
    first = prover.done(prover.first_step(claim, prepared))
    for kind in ('server', 'worker'):
        (victim,) = [info.pid for info in prover.pool.processes() if info.kind == kind]
        os.kill(victim, signal.SIGKILL)
        prover.pool.poll(5)
        again = prover.done(prover.first_step(claim, prepared))
        assert again.header['results'] == first.header['results']
        assert dict(again.blobs) == dict(first.blobs)
    assert prover.pool.server_starts == 2


def test_a_step_that_loses_its_server_is_lost_and_not_answered(prover: Prover) -> None:
    claim = prover.claims()[0]
    prepared = prover.done(prover.prepare(claim))
    prover.done(prover.first_step(claim, prepared))
    (server,) = [info.pid for info in prover.pool.processes() if info.kind == 'server']
    os.kill(server, signal.SIGSTOP)
    task = prover.first_step(claim, prepared)
    prover.pool.poll(0.2)
    os.kill(server, signal.SIGKILL)
    outcome = prover.outcome(task)
    assert isinstance(outcome, Lost)
    assert outcome.cause == 'server-died'
    assert any(isinstance(notice, ServerDied) for notice in prover.notices)


def test_a_cancelled_step_leaves_worker_and_server_usable(prover: Prover) -> None:
    claim = prover.claims()[0]
    prepared = prover.done(prover.prepare(claim))
    prover.done(prover.first_step(claim, prepared))
    (server,) = [info.pid for info in prover.pool.processes() if info.kind == 'server']
    os.kill(server, signal.SIGSTOP)
    task = prover.first_step(claim, prepared)
    prover.pool.poll(0.2)
    prover.pool.cancel(task)
    os.kill(server, signal.SIGCONT)
    outcome = prover.outcome(task)
    assert isinstance(outcome, Done) or outcome.cause == 'cancelled'
    prover.done(prover.first_step(claim, prepared))
