"""What a pool does when something goes wrong: every fault is one of a real process."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import TYPE_CHECKING

import psutil
import pytest
from pool_harness import Driver, ToyBackend, gone_within, living

from kprover.pool import Done, Lost, ServerDied, ServerStarted, WorkerDied

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=['announced', 'looked for', 'reaped'])
def ends(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a kernel that announces the end of a process, without, and without zombies that can be kept."""
    if request.param != 'announced':
        monkeypatch.delattr(os, 'pidfd_open', raising=False)
    if request.param == 'reaped':
        monkeypatch.delattr(os, 'waitid', raising=False)


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Driver]:
    with Driver(tmp_path) as made:
        yield made


# -- workers


@pytest.mark.usefixtures('ends')
@pytest.mark.parametrize('when', ['idle', 'busy'])
def test_a_killed_worker_is_noticed_within_a_second_and_replaced(driver: Driver, when: str) -> None:
    driver.done(driver.submit('echo'))
    victim = driver.pid('worker')
    task = driver.submit('sleep', seconds=100) if when == 'busy' else None
    driver.pool.poll(0.1)
    started = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    died = driver.until(lambda event: isinstance(event, WorkerDied))
    assert time.monotonic() - started < 1
    assert isinstance(died, WorkerDied)
    assert died.pid == victim
    assert 'SIGKILL' in died.message
    if task is not None:
        lost = driver.lost(task)
        assert lost.cause == 'worker-died'
        assert 'SIGKILL' in lost.message
    assert driver.done(driver.submit('echo')).header['pid'] != victim


@pytest.mark.usefixtures('ends')
def test_a_worker_that_crashes_loses_its_task_and_says_why(driver: Driver) -> None:
    lost = driver.lost(driver.submit('crash'))
    assert lost.cause == 'worker-died'
    assert 'SIGSEGV' in lost.message
    assert 'do_crash' in lost.message, 'the Python stack is in the log'
    lost = driver.lost(driver.submit('exit', code=9))
    assert 'code 9' in lost.message
    assert 'the probe leaves' in lost.message


def test_the_server_of_a_worker_that_died_in_a_request_is_replaced(driver: Driver) -> None:
    server = driver.done(driver.request('info')).header['result']['pid']
    task = driver.request('spin', {'seconds': 100})
    driver.pool.poll(0.2)
    os.kill(driver.pid('worker'), signal.SIGKILL)
    assert driver.lost(task).cause == 'worker-died'
    assert gone_within([server], 1), 'it would compute for nobody'
    assert driver.done(driver.request('info')).header['result']['pid'] != server
    assert driver.pool.server_starts == 2


def test_the_server_of_a_worker_that_died_idle_is_kept(driver: Driver) -> None:
    driver.texts = {'M-1': 'module M-1 endmodule []'}
    server = driver.done(driver.request('info', modules=['M-1'])).header['result']['pid']
    os.kill(driver.pid('worker'), signal.SIGKILL)
    driver.until(lambda event: isinstance(event, WorkerDied))
    again = driver.done(driver.request('info', modules=['M-1'])).header
    assert again['result']['pid'] == server
    assert again['requests'] == 1
    assert driver.pool.server_starts == 1


def test_a_session_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    for session, expected in (
        ('probe_session:BrokenSession', 'this session cannot be made'),
        ('no_such_module:Session', "No module named 'no_such_module'"),
        ('probe_session', 'Expected MODULE:CLASS'),
    ):
        with Driver(tmp_path / session.replace(':', '-'), session=session) as driver:
            for _ in range(2):
                lost = driver.lost(driver.submit('echo'))
                assert lost.cause == 'worker-died'
                assert session in lost.message
                assert expected in lost.message


# -- servers


@pytest.mark.usefixtures('ends')
@pytest.mark.parametrize('when', ['idle', 'busy'])
def test_a_killed_server_is_noticed_within_a_second_and_replaced(driver: Driver, when: str) -> None:
    driver.texts = {'M-1': 'module M-1 endmodule []'}
    driver.done(driver.request('info', modules=['M-1']))
    worker, victim = driver.pid('worker'), driver.pid('server')
    task = driver.request('wait', {'seconds': 100}) if when == 'busy' else None
    driver.pool.poll(0.1)
    started = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    died = driver.until(lambda event: isinstance(event, ServerDied))
    assert time.monotonic() - started < 1
    assert isinstance(died, ServerDied)
    assert died.pid == victim
    assert 'SIGKILL' in died.message
    if task is not None:
        lost = driver.lost(task)
        assert lost.cause == 'server-died'
        assert time.monotonic() - started < 3
    again = driver.done(driver.request('info', modules=['M-1'])).header
    assert again['result']['pid'] != victim
    assert again['pid'] == worker, 'the worker needs no replacement'
    assert again['requests'] == 2, 'the new server needs the module again'
    assert len(driver.of(ServerStarted)) == driver.pool.server_starts == 2


def test_a_server_that_dies_of_a_request_is_told_with_the_end_of_its_log(driver: Driver) -> None:
    lost = driver.lost(driver.request('die', {'code': 5}))
    assert lost.cause == 'server-died'
    assert 'code 5' in lost.message
    assert 'the toy server dies as it was asked to' in lost.message
    driver.done(driver.request('echo'))


@pytest.mark.usefixtures('ends')
def test_what_a_dead_server_had_started_is_ended_and_its_folder_removed(driver: Driver, tmp_path: Path) -> None:
    solver = driver.done(driver.request('solver')).header['result']['pid']
    driver.done(driver.request('litter'))
    assert list((tmp_path / 'servers').iterdir())
    os.kill(driver.pid('server'), signal.SIGKILL)
    driver.until(lambda event: isinstance(event, ServerDied))
    assert gone_within([solver], 1)
    assert not list((tmp_path / 'servers').iterdir())


@pytest.mark.usefixtures('ends')
def test_a_server_that_exits_at_once_is_told_at_once(tmp_path: Path) -> None:
    with Driver(tmp_path, 'exit') as driver:
        for attempt in (1, 2):
            lost = driver.lost(driver.request('echo'), 5)
            assert lost.cause == 'server-start'
            assert 'code 7' in lost.message
            assert 'the toy server cannot start' in lost.message
            assert driver.pool.server_starts == attempt
        driver.done(driver.submit('echo'))


def test_a_server_that_never_listens_is_ended_after_the_start_timeout(tmp_path: Path) -> None:
    with Driver(tmp_path, 'mute', start_timeout=0.7) as driver:
        driver.done(driver.submit('echo'))
        started = time.monotonic()
        task = driver.request('echo')
        driver.pool.poll(0.1)
        server = driver.pid('server')
        lost = driver.lost(task, 5)
        assert 0.6 < time.monotonic() - started < 4
        assert lost.cause == 'server-start'
        assert '0.7 s' in lost.message
        assert gone_within([server], 1)


def test_a_program_that_is_not_there_is_a_server_that_does_not_start(tmp_path: Path) -> None:
    class Missing(ToyBackend):
        def args(self, kompiled: Path, main_module: str, port: int) -> tuple[str, ...]:
            return ('/no/such/kore-rpc', str(kompiled))

    with Driver(tmp_path, backend=Missing()) as driver:
        lost = driver.lost(driver.request('echo'), 5)
        assert lost.cause == 'server-start'
        assert '/no/such/kore-rpc' in lost.message


def test_a_server_with_two_listening_sockets_is_refused(tmp_path: Path) -> None:
    with Driver(tmp_path, 'twice') as driver:
        lost = driver.lost(driver.request('echo'))
        assert lost.cause == 'server-start'
        assert 'one listening socket' in lost.message


def test_a_wrapper_that_starts_the_server_is_seen_through(tmp_path: Path) -> None:
    class Wrapped(ToyBackend):
        def args(self, kompiled: Path, main_module: str, port: int) -> tuple[str, ...]:
            return ('sh', '-c', '"$@"; exit $?', 'sh', *super().args(kompiled, main_module, port))

    with Driver(tmp_path, backend=Wrapped()) as driver:
        inner = driver.done(driver.request('info')).header['result']['pid']
        assert inner != driver.pid('server')
        driver.pool.close(1)
        assert gone_within([inner], 1)


# -- timeouts and cancels


def test_a_task_over_its_time_is_given_up_and_a_server_that_honours_it_is_kept(driver: Driver) -> None:
    driver.done(driver.request('echo'))
    pids = [info.pid for info in driver.pool.processes()]
    started = time.monotonic()
    lost = driver.lost(driver.request('wait', {'seconds': 100}, timeout=0.3))
    assert 0.3 <= time.monotonic() - started < 3
    assert lost.cause == 'timeout'
    assert '0.3 s' in lost.message
    again = driver.done(driver.request('echo')).header
    assert again['connects'] == 2, 'an interrupted connection is not used again'
    assert [info.pid for info in driver.pool.processes()] == pids
    assert driver.pool.server_starts == 1


def test_time_for_starting_a_server_is_no_time_of_the_task(tmp_path: Path) -> None:
    with Driver(tmp_path, 'slow') as driver:
        assert driver.done(driver.request('echo', timeout=1)).seconds < 1
        (started,) = driver.of(ServerStarted)
        assert started.seconds >= 1.5


def test_a_server_that_goes_on_working_after_a_cancel_is_replaced(driver: Driver) -> None:
    driver.done(driver.request('echo'))
    server = driver.pid('server')
    task = driver.request('spin', {'seconds': 100})
    driver.pool.poll(0.2)
    driver.pool.cancel(task)
    assert driver.lost(task).cause == 'cancelled'
    driver.until(lambda event: isinstance(event, ServerDied), 20)
    assert gone_within([server], 1)
    driver.done(driver.request('echo'))
    assert driver.pool.server_starts == 2


def test_a_server_that_answers_nothing_any_more_is_replaced(driver: Driver) -> None:
    driver.done(driver.request('echo'))
    server = driver.pid('server')
    lost = driver.lost(driver.request('stop-listening', timeout=0.2))
    assert lost.cause == 'timeout'
    driver.done(driver.request('echo'))
    assert driver.pool.server_starts == 2
    assert gone_within([server], 1)


def test_a_worker_that_does_not_give_up_is_killed_after_the_grace_period(driver: Driver) -> None:
    driver.done(driver.submit('echo'))
    worker = driver.pid('worker')
    started = time.monotonic()
    lost = driver.lost(driver.submit('sleep', seconds=100, timeout=0.2))
    assert 1.2 <= time.monotonic() - started < 4
    assert lost.cause == 'timeout'
    assert gone_within([worker], 1)
    assert driver.done(driver.submit('echo')).header['pid'] != worker


def test_a_stopped_worker_is_killed_after_its_time(driver: Driver) -> None:
    driver.done(driver.submit('echo'))
    worker = driver.pid('worker')
    os.kill(worker, signal.SIGSTOP)
    assert driver.lost(driver.submit('echo', timeout=0.2)).cause == 'timeout'
    assert gone_within([worker], 1)
    driver.done(driver.submit('echo'))


def test_an_answer_that_comes_within_the_grace_period_is_kept(driver: Driver) -> None:
    driver.done(driver.submit('echo'))
    task = driver.submit('sleep', seconds=0.6, timeout=0.2)
    assert driver.done(task).header['slept']


def test_a_task_that_waits_for_its_server_can_be_cancelled(tmp_path: Path) -> None:
    with Driver(tmp_path, 'mute') as driver:
        task = driver.request('echo')
        driver.pool.poll(0.3)
        driver.pool.cancel(task)
        driver.pool.cancel(task)
        assert driver.lost(task, 1).cause == 'cancelled'
        driver.pool.cancel(task)
        driver.pool.cancel(12345)
        assert driver.pool.idle == 1
        driver.done(driver.submit('echo'))


def test_close_ends_a_server_that_is_starting_and_one_that_is_stopped(tmp_path: Path) -> None:
    with Driver(tmp_path, 'mute') as driver:
        driver.request('echo')
        driver.pool.poll(0.2)
        starting = driver.pid('server')
        driver.pool.close(0.2)
        assert not living([starting])
    with Driver(tmp_path / 'second') as driver:
        driver.done(driver.request('echo'))
        pids = [info.pid for info in driver.pool.processes()]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        driver.pool.close(0.2)
        assert not living(pids)


@pytest.mark.usefixtures('ends')
def test_nothing_is_left_behind_by_a_pool_with_many_faults(tmp_path: Path) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    files = psutil.Process().num_fds()
    with Driver(tmp_path, workers=2) as driver:
        for _ in range(3):
            driver.lost(driver.submit('exit', code=1))
            driver.lost(driver.request('die', {'code': 1}))
            driver.lost(driver.request('wait', {'seconds': 9}, timeout=0.1))
            driver.done(driver.request('echo'))
    assert {child.pid for child in psutil.Process().children(recursive=True)} == before
    assert psutil.Process().num_fds() == files


def test_every_task_is_done_in_the_end_whatever_is_killed_meanwhile(tmp_path: Path) -> None:
    chance = random.Random(20)
    with Driver(tmp_path, workers=2) as driver:
        driver.texts = {f'M-{i}': f'module M-{i} endmodule []' for i in range(4)}
        todo, running, killed, done, kill_at = list(range(60)), {}, 0, 0, 0
        while todo or running:
            while todo and driver.pool.idle:
                number = todo.pop()
                modules = chance.sample(sorted(driver.texts), 2)
                params = {'number': number, 'seconds': chance.random() * 0.05}
                method = chance.choice(['echo', 'wait'])
                running[driver.request(method, params, modules=modules)] = number
            for event in driver.pool.poll(0.05):
                if isinstance(event, Done | Lost):
                    number = running.pop(event.task_id)
                    if isinstance(event, Lost) or 'error' in event.header:
                        todo.append(number)
                    else:
                        done += 1
            processes = driver.pool.processes()
            if processes and killed < 12 and done >= kill_at:
                os.kill(chance.choice(processes).pid, signal.SIGKILL)
                killed, kill_at = killed + 1, done + chance.randrange(6)
        assert killed >= 6
        assert driver.pool.idle == 2
        pids = [info.pid for info in driver.pool.processes()]
    assert not living(pids)
