"""No process and no temporary file of a driver outlives it by two seconds, however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pool_harness import HERE, Driver, gone_within, living

from kprover.pool import ServerDied, WorkerDied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass
class Doomed:
    process: subprocess.Popen[str]
    run_dir: Path
    children: list[int]
    solvers: list[int]
    reaper: int

    def ends_all(self, signal_: signal.Signals) -> bool:
        os.kill(self.process.pid, signal_)
        self.process.wait(5)
        return gone_within([*self.children, *self.solvers, self.reaper], 2)


@pytest.fixture
def doom(tmp_path: Path) -> Iterator[Callable[[str], Doomed]]:
    started: list[subprocess.Popen[str]] = []

    def start(state: str) -> Doomed:
        root = Path(__file__).parents[2]
        process = subprocess.Popen(
            [sys.executable, str(HERE / 'doomed_driver.py'), str(tmp_path), state],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, 'PYTHONPATH': os.pathsep.join([str(root), str(HERE)])},
        )
        started.append(process)
        assert process.stdout is not None
        return Doomed(process, tmp_path, **json.loads(process.stdout.readline()))

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.mark.parametrize('state', ['idle', 'requests', 'python', 'starting'])
def test_nothing_outlives_a_driver_that_is_killed(doom: Callable[[str], Doomed], state: str) -> None:
    doomed = doom(state)
    assert len(doomed.children) == 4
    assert len(living([*doomed.children, *doomed.solvers, doomed.reaper])) == (5 if state == 'starting' else 7)
    assert list((doomed.run_dir / 'servers').iterdir())
    assert doomed.ends_all(signal.SIGKILL)
    assert not list((doomed.run_dir / 'servers').iterdir())


@pytest.mark.skipif(sys.platform != 'linux', reason='only Linux shows the environment of a process')
def test_what_has_gone_into_a_session_of_its_own_does_not_outlive_a_killed_driver(
    doom: Callable[[str], Doomed],
) -> None:
    doomed = doom('strays')
    assert len(living(doomed.solvers)) == 4
    assert len({os.getsid(pid) for pid in doomed.solvers[2:]} - {os.getsid(pid) for pid in doomed.children}) == 2
    assert doomed.ends_all(signal.SIGKILL)


@pytest.mark.skipif(sys.platform != 'linux', reason='only Linux has what it takes')
@pytest.mark.parametrize('mode', ['marked', 'unmarked'])
def test_what_has_gone_into_a_session_of_its_own_does_not_outlive_the_pool(tmp_path: Path, mode: str) -> None:
    with Driver(tmp_path) as driver:
        strays = [driver.done(driver.submit('stray', mode=mode)).header['pid']]
        strays += [driver.done(driver.request('stray', {'mode': mode})).header['result']['pid']]
        assert len(living(strays)) == 2
    assert gone_within(strays, 2)


@pytest.mark.skipif(sys.platform != 'linux', reason='only Linux shows the environment of a process')
@pytest.mark.parametrize('kind', ['worker', 'server'])
def test_what_a_process_leaves_when_it_dies_is_ended_and_nothing_of_others(tmp_path: Path, kind: str) -> None:
    with Driver(tmp_path) as driver:
        of_worker = driver.done(driver.submit('stray', mode='marked')).header['pid']
        of_server = driver.done(driver.request('stray', {'mode': 'marked'})).header['result']['pid']
        os.kill(driver.pid(kind), signal.SIGKILL)
        driver.until(lambda event: isinstance(event, WorkerDied if kind == 'worker' else ServerDied))
        driver.done(driver.request('echo'))
        assert gone_within([of_worker if kind == 'worker' else of_server], 2)
        assert living([of_server if kind == 'worker' else of_worker])


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGSEGV])
def test_nothing_outlives_a_driver_that_ends_by_a_signal(doom: Callable[[str], Doomed], number: signal.Signals) -> None:
    assert doom('requests').ends_all(number)


@pytest.mark.skipif(sys.platform != 'linux', reason='only Linux has a parent-death signal')
def test_workers_and_servers_end_also_when_the_reaper_was_killed_first(
    doom: Callable[[str], Doomed],
) -> None:
    doomed = doom('requests')
    os.kill(doomed.reaper, signal.SIGKILL)
    os.kill(doomed.process.pid, signal.SIGKILL)
    assert gone_within(doomed.children, 2)
    for solver in doomed.solvers:
        os.kill(solver, signal.SIGKILL)


def test_a_stopped_worker_and_a_stopped_server_end_with_their_driver(
    doom: Callable[[str], Doomed],
) -> None:
    doomed = doom('idle')
    for pid in [*doomed.children, *doomed.solvers]:
        os.kill(pid, signal.SIGSTOP)
    assert doomed.ends_all(signal.SIGKILL)


def test_a_signal_to_the_group_of_the_driver_does_not_reach_its_children(
    doom: Callable[[str], Doomed],
) -> None:
    doomed = doom('idle')
    assert os.getpgid(doomed.process.pid) not in {os.getpgid(pid) for pid in doomed.children}
