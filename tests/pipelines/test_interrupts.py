"""Runs that are stopped: by signals, by `kill -9`, by another run. Real processes, real proofs."""

from __future__ import annotations

import random
import signal
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest
from pipeline_harness import TIMEOUT, wait_until

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from pipeline_harness import Commands

LONGER = [
    'IMP-ARITHMETIC.literals',
    'IMP-ARITHMETIC.swap-by-sums',
    'IMP-BRANCHES.sixteen',
    'IMP-BRANCHES.larger-of',
    'IMP-EQUALITIES.largest-next',
    'IMP-LOOPS.sum-to-10',
    'IMP-LOOPS.transfer-six',
]
WRONG = ['IMP-WRONG.one-of-sixteen', 'IMP-WRONG-LOOPS.transfer-any']


@pytest.fixture
def suites(commands: Commands) -> list[Path]:
    return [
        commands.suite('imp', 'longer', LONGER),
        commands.suite('imp', 'wrong', WRONG, file='failing.toml'),
    ]


def arguments(suites: list[Path]) -> list[str]:
    return ['ProveAll', '--suite', ','.join(map(str, suites)), '--kprover-workers', '2']


def has_steps(commands: Commands, number: int = 1) -> bool:
    return commands.number_of_steps() >= number


def ended_or_has_steps(commands: Commands, run: subprocess.Popen[str], number: int) -> bool:
    return run.poll() is not None or has_steps(commands, number)


def wait_for_a_step(commands: Commands, run: subprocess.Popen[str]) -> None:
    wait_until(lambda: ended_or_has_steps(commands, run, 1), what='a first step')
    assert run.poll() is None, run.communicate()


def expected(commands: Commands, suites: list[Path]) -> dict[str, str]:
    return {label: 'failed' if label in WRONG else 'passed' for label in commands.statuses(*suites)}


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_ends_the_run_soon_and_the_next_run_goes_on(
    commands: Commands, suites: list[Path], number: signal.Signals
) -> None:
    run = commands.start(*arguments(suites), '--kprover-grace', '3')
    wait_for_a_step(commands, run)
    run.send_signal(number)
    began = time.monotonic()
    out, err = run.communicate(timeout=TIMEOUT)
    assert time.monotonic() - began < 3 + 3
    assert run.returncode == 25, out + err
    assert f'{number.name}: waiting up to 3 s for ' in out
    assert 'every finished step is kept, the same command goes on from there' in out
    assert 'kprover: interrupted; ' in err
    assert 'Traceback' not in err
    wait_until(lambda: not commands.processes(), seconds=2, what='the end of all processes')
    assert commands.status(*suites)['last_run']['state'] == 'interrupted'
    finished = commands.steps()

    done = commands.luigi(*arguments(suites))
    assert done.returncode == 30, done.stdout + done.stderr
    assert commands.statuses(*suites) == expected(commands, suites)
    assert {key: header for key, header in commands.steps().items() if key in finished} == finished


def test_a_second_signal_ends_the_run_at_once(commands: Commands, suites: list[Path]) -> None:
    run = commands.start(*arguments(suites), '--kprover-grace', '60')
    wait_for_a_step(commands, run)
    run.send_signal(signal.SIGTERM)
    time.sleep(0.05)
    run.send_signal(signal.SIGTERM)
    began = time.monotonic()
    out, err = run.communicate(timeout=TIMEOUT)
    assert time.monotonic() - began < 5
    assert run.returncode == 25, out + err
    wait_until(lambda: not commands.processes(), seconds=2, what='the end of all processes')


def test_killed_at_random_moments_it_comes_to_the_same_verdicts_and_repeats_no_step(
    commands: Commands, suites: list[Path]
) -> None:
    moments = random.Random(2009)
    finished: dict[str, dict[str, object]] = {}
    for _ in range(10):
        run = commands.start(*arguments(suites))
        # Some kills come in the start-up, some a while after further steps were finished.
        further = moments.choice([0, 0, 1, 2, 4])
        if further:
            wait_until(partial(ended_or_has_steps, commands, run, len(finished) + further), what='further steps')
        time.sleep(moments.uniform(0.0, 1.0 if further == 0 else 0.3))
        run.kill()
        run.communicate(timeout=TIMEOUT)
        wait_until(lambda: not commands.processes(), seconds=2, what='the end of all processes')
        if commands.store.exists():
            steps = commands.steps()
            assert {key: header for key, header in steps.items() if key in finished} == finished
            finished = steps
    done = commands.luigi(*arguments(suites))
    assert done.returncode == 30, done.stdout + done.stderr
    assert commands.statuses(*suites) == expected(commands, suites)
    assert {key: header for key, header in commands.steps().items() if key in finished} == finished
    assert not commands.processes()


def test_killed_beside_several_luigi_processes_nothing_is_left(commands: Commands, suites: list[Path]) -> None:
    run = commands.start(*arguments(suites), '--workers', '3')
    wait_for_a_step(commands, run)
    run.kill()
    run.communicate(timeout=TIMEOUT)
    # The engine, a fork of Luigi, is interrupted by the kernel and ends within its grace period.
    wait_until(lambda: not commands.processes(), seconds=5 + 3, what='the end of all processes')
    done = commands.luigi(*arguments(suites))
    assert done.returncode == 30, done.stdout + done.stderr
    assert commands.statuses(*suites) == expected(commands, suites)


def test_a_second_run_on_the_same_store_ends_at_once_and_names_the_first(
    commands: Commands, suites: list[Path]
) -> None:
    run = commands.start(*arguments(suites))
    wait_for_a_step(commands, run)
    run.send_signal(signal.SIGSTOP)  # so that it cannot be through before the second one has tried
    began = time.monotonic()
    second = commands.luigi(*arguments(suites))
    assert second.returncode == 10, second.stdout + second.stderr
    assert f'the checkpoint store is in use by process {run.pid}, since ' in second.stderr
    assert 'Traceback' not in second.stderr
    assert time.monotonic() - began < 10
    assert commands.status(*suites)['last_run']['state'] == 'running'
    run.send_signal(signal.SIGCONT)
    out, err = run.communicate(timeout=TIMEOUT)
    assert run.returncode == 30, out + err
