"""The engine on servers that misbehave, are shared, are bounded, or run already: real processes, real proofs."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from engine_harness import EXAMPLES, chosen, config, example, run

from kprover import cli, replay
from kprover.backends import BackendError
from kprover.engine import EngineError, SilentObserver, Status, prove
from kprover.pool.server import listening
from kprover.suites import select

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kprover.engine import RunConfig, RunSummary

HERE = Path(__file__).parent
SMALL = ('IMP-ARITHMETIC.literals', 'IMP-ARITHMETIC.swap-by-sums', 'IMP-EQUALITIES.sign-sum', 'IMP-BRANCHES.larger-of')
POISON = 'IMP-ARITHMETIC.swap-by-sums'
POISON_ID = f'"{POISON}-'
"""How the ids of its requests begin."""


class Notes(SilentObserver):
    def __init__(self) -> None:
        self.notices: list[str] = []

    def notice(self, message: str) -> None:
        self.notices.append(message)


def doubtful(folder: Path, faults: dict[str, Any], **options: object) -> RunConfig:
    """A run with the doubtful server and these faults."""
    program = folder / 'doubtful'
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH={EXAMPLES.parent} exec {sys.executable} {HERE / "doubtful_server.py"} "$@"\n'
    )
    program.chmod(0o755)
    (folder / 'faults.json').write_text(json.dumps(faults))
    environment = {'KPROVER_TEST_FAULTS': str(folder / 'faults.json')}
    return dataclasses.replace(
        config(folder, environment=environment, step_target=0.0, hang_timeout=2.0, **options), backend=str(program)
    )


def statuses(summary: RunSummary) -> dict[str, Status]:
    return {claim.label: claim.status for claim in summary.claims}


@pytest.mark.parametrize(
    ('fault', 'workers'),
    [('exit', 1), ('hang', 1), ('exit', 2), ('hang', 2), ('garbage', 2), ('close', 2), ('eat', 2)],
)
def test_a_server_that_misbehaves_once_changes_no_verdict(tmp_path: Path, fault: str, workers: int) -> None:
    run_config = doubtful(tmp_path, {'fault': fault}, workers=workers, servers=1, server_memory=300 << 20)
    notes = Notes()
    summary = run(example('imp'), SMALL, run_config, notes)
    assert statuses(summary) == dict.fromkeys(SMALL, Status.PASSED), notes.notices
    assert (tmp_path / 'faults.json.request.0').exists(), 'the fault has happened'
    assert any('attempt' in notice for notice in notes.notices)
    assert summary.server_starts >= 2 or fault == 'close'
    assert not (tmp_path / 'reproducers').exists()


def test_a_server_that_does_not_start_at_first_changes_no_verdict(tmp_path: Path) -> None:
    summary = run(example('imp'), SMALL, doubtful(tmp_path, {'start': 'exit', 'times': 2}))
    assert statuses(summary) == dict.fromkeys(SMALL, Status.PASSED)


def test_a_server_whose_start_hangs_changes_no_verdict(tmp_path: Path) -> None:
    run_config = doubtful(tmp_path, {'start': 'hang'}, start_timeout=3.0, attempts=10)
    summary = run(example('imp'), SMALL[:1], run_config)
    assert statuses(summary) == {SMALL[0]: Status.PASSED}
    assert (tmp_path / 'faults.json.start.0').exists(), 'a start has hung'
    assert summary.server_starts >= 2


@pytest.mark.parametrize('servers', [1, 2])
def test_a_step_that_takes_down_every_server_is_set_aside_with_a_reproducer(
    tmp_path: Path, servers: int, capsys: pytest.CaptureFixture[str]
) -> None:
    run_config = doubtful(tmp_path, {'fault': 'exit', 'at': POISON_ID, 'times': 1000}, workers=2, servers=servers)
    summary = run(example('imp'), SMALL, run_config)
    expected = {label: Status.ERROR if label == POISON else Status.PASSED for label in SMALL}
    assert statuses(summary) == expected
    (folder,) = (tmp_path / 'reproducers').iterdir()
    assert folder.name.startswith(f'{POISON}-')
    (claim,) = (claim for claim in summary.claims if claim.label == POISON)
    assert claim.reason.endswith(f'; to show it again: kprover replay {folder} --as-recorded')
    assert 'the server dies of this request' in claim.reason
    case = json.loads((folder / 'case.json').read_text())
    assert (case['claim'], case['attempts']) == (f'imp/{POISON}', 3)
    assert 'the server dies of this request' in (folder / 'server.log').read_text()
    assert POISON_ID in (folder / 'requests.jsonl').read_text()
    assert f'kprover replay {folder}' in (folder / 'README.md').read_text()
    left = list((tmp_path / 'runs').glob('*/requests/task-*'))
    assert not left, 'what lost steps had sent is kept in the reproducer only'

    assert cli.main(['replay', str(folder)]) == replay.UNUSABLE
    assert 'Nothing that it records is run unasked' in capsys.readouterr().err
    assert cli.main(['replay', str(folder), '--as-recorded']) == replay.DIED
    assert 'exited with code 139' in capsys.readouterr().out
    assert cli.main(['replay', str(folder), '--backend', 'embedded']) == replay.SURVIVED
    assert 'every request was answered' in capsys.readouterr().out

    again = run(example('imp'), SMALL, dataclasses.replace(run_config, backend='embedded'))
    assert again.all_passed


def test_a_folder_that_is_no_reproducer_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(['replay', str(tmp_path)]) == replay.UNUSABLE
    assert 'expected the folder of a reproducer' in capsys.readouterr().err


def test_servers_are_shared_by_workers_with_the_same_verdicts(tmp_path: Path) -> None:
    summary = run(example('imp'), SMALL, config(tmp_path, workers=3, servers=1))
    assert statuses(summary) == dict.fromkeys(SMALL, Status.PASSED)
    assert summary.server_starts == 1


def test_definitions_take_turns_where_there_is_one_server(tmp_path: Path) -> None:
    suites = [example('imp'), example('stack')]
    names = [f'imp/{label}' for label in SMALL] + [claim.name for claim in suites[1].claims[:4]]
    for workers in (1, 2):
        (tmp_path / str(workers)).mkdir()
        run_config = config(tmp_path / str(workers), workers=workers, servers=1)
        summary = prove(suites, select(suites, names), run_config, SilentObserver())
        assert summary.all_passed
        assert summary.server_starts == 2, 'one for each definition, and not in turns'


def test_one_server_runs_however_small_the_budget_is(tmp_path: Path) -> None:
    summary = run(example('imp'), SMALL, config(tmp_path, workers=2, memory=1))
    assert summary.all_passed
    assert summary.server_starts == 1


@pytest.fixture
def running() -> Iterator[tuple[str, int]]:
    kompiled = EXAMPLES / 'imp' / 'kompiled'
    command = [sys.executable, '-m', 'kprover.server', str(kompiled / 'definition.kore'), '--module', 'IMP']
    process = subprocess.Popen([*command, '--server-port', '0'], env={**os.environ, 'PYTHONPATH': str(EXAMPLES.parent)})
    try:
        end = time.monotonic() + 30
        while not (found := listening(process.pid)):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
        yield found.pop()
    finally:
        process.kill()
        process.wait()


def test_a_server_that_runs_already_is_used(tmp_path: Path, running: tuple[str, int]) -> None:
    run_config = config(tmp_path, workers=2, addresses=(running,), backend_identity='embedded, mine')
    summary = run(example('imp'), SMALL, run_config)
    assert summary.all_passed
    assert summary.server_starts == 0
    assert summary.backend == f'{running[0]}:{running[1]}'
    again = run(example('imp'), SMALL, run_config)
    assert again.requests == 0
    other = run(example('imp'), SMALL, dataclasses.replace(run_config, backend_identity='embedded, changed'))
    assert other.requests > 0, 'results belong to what the servers are said to be'


def test_a_server_that_runs_already_must_be_said_to_be_something(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match='need a backend_identity'):
        run(example('imp'), SMALL, config(tmp_path, addresses=(('127.0.0.1', 1),)))


def test_a_server_that_runs_already_serves_one_definition(tmp_path: Path) -> None:
    suites = [example('imp'), example('stack')]
    with pytest.raises(EngineError, match='has one definition, and the claims have 2'):
        prove(suites, None, config(tmp_path, addresses=(('127.0.0.1', 1),), backend_identity='x'), SilentObserver())


def test_a_server_that_is_not_there_is_an_error_of_the_claims(tmp_path: Path) -> None:
    # A server that others have started is left alone after each attempt, longer each time.
    run_config = config(tmp_path, addresses=(('127.0.0.1', 1),), backend_identity='x', attempts=2)
    summary = run(example('imp'), SMALL[:2], run_config)
    assert set(statuses(summary).values()) == {Status.ERROR}
    assert all('127.0.0.1:1' in claim.reason for claim in summary.claims)


def test_further_arguments_make_other_results(tmp_path: Path) -> None:
    assert run(example('imp'), SMALL[:1], config(tmp_path)).requests
    assert run(example('imp'), SMALL[:1], config(tmp_path, server_args=('--smt-timeout', '1000'))).requests
    assert not run(example('imp'), SMALL[:1], config(tmp_path)).requests


def test_workers_killed_again_and_again_change_no_verdict(tmp_path: Path) -> None:
    """A worker is killed whenever a claim reports, so within steps and between them."""
    import psutil

    class Killer(SilentObserver):
        kills = 0

        def claim(self, progress: object) -> None:
            for child in psutil.Process().children():
                try:
                    is_worker = 'kprover.worker' in child.cmdline()
                except psutil.Error:
                    continue
                if is_worker and self.kills < 6:
                    self.kills += 1
                    os.kill(child.pid, signal.SIGKILL)

    killer = Killer()
    run_config = config(tmp_path, workers=2, attempts=10)
    summary = prove([example('imp')], chosen(example('imp'), SMALL), run_config, killer)
    assert statuses(summary) == dict.fromkeys(SMALL, Status.PASSED)
    assert killer.kills == 6


@pytest.mark.parametrize('field', ['servers', 'memory', 'server_memory', 'hang_timeout'])
def test_an_amount_below_zero_is_refused(tmp_path: Path, field: str) -> None:
    with pytest.raises(EngineError, match=field):
        run(example('imp'), SMALL[:1], config(tmp_path, **{field: -1}))


def test_a_step_over_its_time_is_cancelled_and_tried_again_smaller(tmp_path: Path) -> None:
    suite = example('imp')
    claims = [
        dataclasses.replace(claim, options=dataclasses.replace(claim.options, step_timeout=3.0))
        for claim in suite.claims
    ]
    limited = dataclasses.replace(suite, claims=tuple(claims))
    run_config = dataclasses.replace(
        doubtful(tmp_path, {'fault': 'hang'}, workers=2, servers=1), hang_timeout=0.0, step_target=60.0
    )
    notes = Notes()
    summary = run(limited, SMALL, run_config, notes)
    assert statuses(summary) == dict.fromkeys(SMALL, Status.PASSED)
    assert any('longer than its limit of 3 s' in notice for notice in notes.notices)
