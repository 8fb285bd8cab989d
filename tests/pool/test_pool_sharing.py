"""How servers are shared, bounded, replaced and watched: real processes that misbehave on demand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from pool_harness import HERE, Driver, ToyBackend, gone_within

from kprover.pool import Limits, Lost, ServerDied, ServerStarted
from kprover.pool.limits import fits
from kprover.pool.measure import family_usage
from kprover.pool.server import listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MB = 1 << 20


def info(driver: Driver, **options: object) -> dict[str, object]:
    result = driver.done(driver.request('info', **options)).header['result']  # type: ignore[arg-type]
    assert isinstance(result, dict)
    return result


# -- sharing


def test_workers_share_one_server_each_over_a_connection_of_its_own(tmp_path: Path) -> None:
    with Driver(tmp_path, workers=3, limits=Limits(servers=1)) as driver:
        driver.texts = {f'M-{i}': f'module M-{i} endmodule []' for i in range(3)}
        started = time.monotonic()
        tasks = [driver.request('wait', {'seconds': 1}, modules=[f'M-{i}']) for i in range(3)]
        done = [driver.done(task) for task in tasks]
        assert {event.worker for event in done} == {0, 1, 2}
        assert time.monotonic() - started < 3 + 1, 'not one after the other'
        assert driver.pool.server_starts == 1
        assert set(info(driver)['modules']) == set(driver.texts)  # type: ignore[call-overload]


def test_a_module_is_added_once_to_a_shared_server(tmp_path: Path) -> None:
    with Driver(tmp_path, workers=2, limits=Limits(servers=1)) as driver:
        driver.texts = {'M-1': 'module M-1 endmodule []'}
        driver.done(driver.request('echo', modules=['M-1']))
        tasks = [driver.request('wait', {'seconds': 0.3}, modules=['M-1']) for _ in range(2)]
        assert [driver.done(task).header['requests'] for task in tasks] == [1, 1]
        assert info(driver)['requests'].count('add-module') == 1  # type: ignore[attr-defined]


def test_all_tasks_of_a_shared_server_that_dies_are_lost_and_say_that_they_shared_it(tmp_path: Path) -> None:
    with Driver(tmp_path, workers=2, limits=Limits(servers=1)) as driver:
        waiting = driver.request('wait', {'seconds': 100})
        while not any(process.kind == 'server' and process.state == 'busy' for process in driver.pool.processes()):
            driver.pool.poll(0.05)
        lost = [driver.lost(driver.request('die', {'code': 3})), driver.lost(waiting)]
        assert [(event.cause, event.shared) for event in lost] == [('server-died', True)] * 2
        alone = driver.lost(driver.request('die', {'code': 3}, alone=True))
        assert not alone.shared


def test_a_task_that_wants_its_server_alone_waits_for_it_and_keeps_others_off(tmp_path: Path) -> None:
    with Driver(tmp_path, workers=3, limits=Limits(servers=1)) as driver:
        first = driver.request('wait', {'seconds': 0.6})
        driver.pool.poll(0.3)
        alone = driver.request('wait', {'seconds': 0.6}, alone=True)
        last = driver.request('echo')
        order = []
        while len(order) < 3:
            order += [event.task_id for event in driver.pool.poll(5) if hasattr(event, 'task_id')]
        assert order == [first, alone, last]


def test_a_shared_server_outlives_the_death_of_a_worker_until_the_others_are_through(tmp_path: Path) -> None:
    with Driver(tmp_path, workers=2, limits=Limits(servers=1)) as driver:
        first = info(driver)['pid']
        spinning = driver.request('spin', {'seconds': 100})
        waiting = driver.request('wait', {'seconds': 0.8})
        driver.pool.poll(0.4)
        spinner = next(p.pid for p in driver.pool.processes() if p.kind == 'worker' and p.number == 0)
        os.kill(spinner, signal.SIGKILL)
        assert driver.lost(spinning).cause == 'worker-died'
        driver.done(waiting)
        assert info(driver)['pid'] != first, 'it was computing for nobody'


# -- bounds over several definitions


def test_an_idle_server_makes_room_for_another_definition(tmp_path: Path) -> None:
    with Driver(tmp_path, limits=Limits(servers=1)) as driver:
        first = info(driver, kompiled='/definitions/a')['pid']
        assert isinstance(first, int)
        info(driver, kompiled='/definitions/b')
        assert gone_within([first], 1)
        assert driver.pool.server_starts == 2
        assert not driver.of(ServerDied), 'it did not die, it was not needed'


def test_a_definition_that_has_work_keeps_its_last_server_but_not_its_second(tmp_path: Path) -> None:
    wanted = {'/definitions/a'}
    with Driver(tmp_path, workers=2, limits=Limits(servers=2)) as driver:
        driver.pool.heed(wanted.__contains__)
        for task in [driver.request('wait', {'seconds': 0.3}, kompiled='/definitions/a') for _ in range(2)]:
            driver.done(task)
        assert len([p for p in driver.pool.processes() if p.kind == 'server']) == 2
        busy = driver.request('wait', {'seconds': 3}, kompiled='/definitions/a')
        assert driver.pool.can_serve('/definitions/b')
        info(driver, kompiled='/definitions/b')
        assert sorted(p.kompiled or '' for p in driver.pool.processes() if p.kind == 'server') == [
            '/definitions/a',
            '/definitions/b',
        ]
        wanted.add('/definitions/b')
        assert not driver.pool.can_serve('/definitions/c')
        wanted.clear()
        assert driver.pool.can_serve('/definitions/c')
        driver.done(busy)


def test_a_task_of_a_definition_without_room_waits_and_is_served_in_the_end(tmp_path: Path) -> None:
    with Driver(tmp_path, workers=2, limits=Limits(servers=1)) as driver:
        driver.pool.heed(lambda _: True)
        first = driver.request('wait', {'seconds': 0.5}, kompiled='/definitions/a')
        second = driver.request('echo', kompiled='/definitions/b')
        driver.done(second)
        assert driver.events.index(driver.done(first)) < driver.events.index(driver.done(second))


# -- memory


def test_the_memory_of_a_server_counts_with_its_solvers(tmp_path: Path) -> None:
    with Driver(tmp_path) as driver:
        driver.done(driver.request('eat', {'megabytes': 60}))
        before = family_usage(driver.pid('server'))
        driver.done(driver.request('eat', {'megabytes': 60, 'solver': True}))
        after = family_usage(driver.pid('server'))
        assert before.processes == 1
        assert after.processes == 2
        assert before.memory > 60 * MB
        assert after.memory - before.memory > 60 * MB
        assert family_usage(2**22 + 1).processes == 0


def test_a_server_over_its_memory_is_replaced_after_its_step(tmp_path: Path) -> None:
    with Driver(tmp_path, limits=Limits(server_memory=100 * MB)) as driver:
        fat = info(driver)['pid']
        driver.done(driver.request('eat', {'megabytes': 110, 'seconds': 2.5}))
        died = driver.until(lambda event: isinstance(event, ServerDied))
        assert isinstance(died, ServerDied)
        assert 'use 1' in died.message
        assert 'the limit is 100 MiB' in died.message
        assert info(driver)['pid'] != fat


@pytest.mark.parametrize('solver', [False, True])
def test_a_server_far_over_its_memory_is_ended_at_once_and_the_step_is_lost(tmp_path: Path, solver: bool) -> None:
    with Driver(tmp_path, limits=Limits(server_memory=50 * MB)) as driver:
        task = driver.request('eat', {'megabytes': 120, 'seconds': 100, 'solver': solver})
        lost = driver.lost(task, 10)
        assert lost.cause == 'server-died'
        assert 'it was ended at once' in lost.message
        driver.done(driver.request('echo'))


def test_a_server_that_is_over_its_memory_before_it_does_anything_is_not_started_without_end(tmp_path: Path) -> None:
    with Driver(tmp_path, limits=Limits(server_memory=1 * MB)) as driver:
        lost = driver.lost(driver.request('echo'), 20)
        assert lost.cause == 'server-start'
        assert 'the limit is 1 MiB' in lost.message
        assert driver.pool.server_starts == 1


def test_no_server_is_started_beyond_the_budget_and_workers_share_the_living(tmp_path: Path) -> None:
    with Driver(tmp_path, workers=3, limits=Limits(memory=400 * MB)) as driver:
        driver.done(driver.request('eat', {'megabytes': 150}))
        driver.until(lambda event: isinstance(event, ServerStarted))
        driver.pool.poll(1.2)  # a look at the memory
        tasks = [driver.request('wait', {'seconds': 0.5}) for _ in range(3)]
        for task in tasks:
            driver.done(task)
        assert driver.pool.server_starts == 2, 'a third one of 160 MB would not fit into 400 MB'


def test_one_server_may_run_whatever_the_budget_is(tmp_path: Path) -> None:
    with Driver(tmp_path, workers=2, limits=Limits(memory=1)) as driver:
        for name in ('/definitions/a', '/definitions/b', '/definitions/a'):
            driver.done(driver.request('echo', kompiled=name))
        tasks = [driver.request('echo', kompiled=name) for name in ('/definitions/a', '/definitions/b')]
        for task in tasks:
            driver.done(task)


def test_over_the_budget_an_idle_server_is_ended(tmp_path: Path) -> None:
    with Driver(tmp_path, workers=2, limits=Limits(memory=300 * MB)) as driver:
        for task in [driver.request('wait', {'seconds': 0.3}) for _ in range(2)]:
            driver.done(task)
        assert driver.pool.server_starts == 2
        for task in [driver.request('eat', {'megabytes': 180, 'seconds': 0.3}) for _ in range(2)]:
            driver.outcome(task)
        died = driver.until(lambda event: isinstance(event, ServerDied), 5)
        assert isinstance(died, ServerDied)
        assert 'the budget is' in died.message
        driver.done(driver.request('echo'))
        assert driver.pool.server_starts == 2


def test_what_fits_is_decided_by_expected_sizes() -> None:
    assert fits(None, [5, 5], 10**12)
    assert fits(10, [], 11), 'the first one always'
    assert fits(10, [4], 6)
    assert not fits(10, [4, 1], 6)


# -- modules and hangs


def test_a_server_with_too_many_modules_is_replaced_when_it_is_idle(tmp_path: Path) -> None:
    with Driver(tmp_path, limits=Limits(server_modules=3)) as driver:
        driver.texts = {f'M-{i}': f'module M-{i} endmodule []' for i in range(5)}
        first = info(driver, modules=['M-0', 'M-1', 'M-2'])['pid']
        assert info(driver, modules=['M-2'])['pid'] == first
        assert info(driver, modules=['M-3'])['pid'] == first
        again = driver.done(driver.request('info', modules=['M-0'])).header
        assert again['result']['pid'] != first
        assert again['requests'] == 2
        (died,) = driver.of(ServerDied)
        assert '4 added modules, the limit is 3' in died.message


def test_a_server_that_neither_works_nor_answers_is_taken_for_dead(tmp_path: Path) -> None:
    with Driver(tmp_path, limits=Limits(hang_timeout=2)) as driver:
        driver.done(driver.request('echo'))
        started = time.monotonic()
        lost = driver.lost(driver.request('stop-listening'), 15)
        assert 1.5 < time.monotonic() - started < 8
        assert lost.cause == 'server-died'
        assert 'has done and answered nothing for 2 s' in lost.message
        driver.done(driver.request('echo'))


def test_a_server_that_works_is_not_taken_for_dead(tmp_path: Path) -> None:
    with Driver(tmp_path, limits=Limits(hang_timeout=1)) as driver:
        driver.done(driver.request('spin', {'seconds': 3.5}))


def test_a_worker_that_does_nothing_is_replaced(tmp_path: Path) -> None:
    with Driver(tmp_path, limits=Limits(hang_timeout=1)) as driver:
        lost = driver.lost(driver.submit('sleep', seconds=100), 10)
        assert lost.cause == 'worker-died'
        assert 'has done nothing for 1 s' in lost.message
        driver.done(driver.submit('echo'))


# -- answers that are none


def test_a_server_that_answers_garbage_is_replaced(tmp_path: Path) -> None:
    with Driver(tmp_path) as driver:
        before = info(driver)['pid']
        lost = driver.lost(driver.request('garbage'))
        assert lost.cause == 'server-died'
        assert 'gave no proper answer' in lost.message
        assert info(driver)['pid'] != before


# -- evidence


def test_what_a_lost_task_had_sent_is_kept(tmp_path: Path) -> None:
    with Driver(tmp_path) as driver:
        driver.texts = {'M-1': 'module M-1 endmodule []'}
        driver.done(driver.request('echo', {'not': 'this'}))
        lost = driver.lost(driver.request('die', {'code': 5}, modules=['M-1']))
        assert lost.evidence is not None
        lines = [json.loads(line) for line in lost.evidence.requests.read_text().splitlines()]
        assert [line['method'] for line in lines] == ['add-module', 'die']
        assert lines[1]['params'] == {'code': 5}
        assert lost.evidence.modules == ('M-1',)
        assert lost.evidence.command[0] == sys.executable
        assert 'dies as it was asked to' in lost.evidence.logs[0].read_text()
        again = driver.lost(driver.request('die', {'code': 6}))
        assert again.evidence is not None
        assert again.evidence.requests != lost.evidence.requests
        assert lost.evidence.requests.exists()


def test_what_was_sent_survives_the_death_of_the_worker_too(tmp_path: Path) -> None:
    with Driver(tmp_path) as driver:
        task = driver.request('wait', {'seconds': 100, 'mark': 'here'})
        sent, end = tmp_path / 'requests' / 'worker-0.jsonl', time.monotonic() + 60
        while not (sent.exists() and 'here' in sent.read_text()):
            assert time.monotonic() < end
            driver.pool.poll(0.1)
        os.kill(driver.pid('worker'), signal.SIGKILL)
        lost = driver.lost(task)
        assert lost.cause == 'worker-died'
        assert lost.evidence is not None
        assert 'here' in lost.evidence.requests.read_text()
        assert len(lost.evidence.logs) == 2


# -- servers that run already


@pytest.fixture
def running() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    process = start_toy(0)
    yield process, port_of(process)
    process.kill()
    process.wait()


def start_toy(port: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*ToyBackend().args(HERE, 'TOY', port)], stdin=subprocess.DEVNULL, env={**os.environ, 'TMPDIR': '/tmp'}
    )


def port_of(process: subprocess.Popen[bytes]) -> int:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if found := listening(process.pid):
            return next(iter(found))[1]
        time.sleep(0.02)
    raise AssertionError('the toy server does not listen')


def test_a_running_server_is_used_and_not_ended(tmp_path: Path, running: tuple[subprocess.Popen[bytes], int]) -> None:
    process, port = running
    with Driver(tmp_path, workers=2, addresses=[('127.0.0.1', port)]) as driver:
        driver.texts = {'M-1': 'module M-1 endmodule []'}
        tasks = [driver.request('wait', {'seconds': 0.4}, modules=['M-1']) for _ in range(2)]
        for task in tasks:
            driver.done(task)
        assert info(driver)['pid'] == process.pid
        assert driver.pool.server_starts == 0
        assert {found.kind for found in driver.pool.processes()} == {'worker'}
    assert process.poll() is None


def test_a_running_server_that_comes_back_is_given_its_modules_again(
    tmp_path: Path, running: tuple[subprocess.Popen[bytes], int]
) -> None:
    process, port = running
    with Driver(tmp_path, addresses=[('127.0.0.1', port)]) as driver:
        driver.texts = {'M-1': 'module M-1 endmodule []'}
        info(driver, modules=['M-1'])
        process.kill()
        process.wait()
        lost = driver.lost(driver.request('info', modules=['M-1']))
        assert lost.cause == 'server-died'
        assert f'127.0.0.1:{port}' in lost.message
        other = start_toy(port)
        try:
            port_of(other)
            for _ in range(5):
                event = driver.outcome(driver.request('info', modules=['M-1']))
                if not isinstance(event, Lost) and 'error' not in event.header:
                    break
            assert not isinstance(event, Lost)
            assert event.header['result']['pid'] == other.pid
            assert set(event.header['result']['modules']) == {'M-1'}
        finally:
            other.kill()
            other.wait()


def test_a_running_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    with Driver(tmp_path, addresses=[('127.0.0.1', 9)]) as driver:
        lost = driver.lost(driver.request('echo'))
        assert '127.0.0.1:9' in lost.message
