"""What a pool does when nothing goes wrong: answers, modules, servers, placement, environment."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import zlib
from pathlib import Path

import pytest
from pool_harness import Driver, living

from kprover.pool import Done, PoolClosed, ServerStarted, Task
from kprover.pool.worker import import_path


def test_a_task_comes_back_with_its_blobs_and_its_time(tmp_path: Path) -> None:
    with Driver(tmp_path) as driver:
        blobs = {'node': os.urandom(1 << 20), 'empty': b''}
        done = driver.done(driver.submit('echo', blobs))
        assert done.blobs == blobs
        assert done.header['kind'] == 'echo'
        assert done.header['pid'] == driver.pid('worker')
        assert (done.header['requests'], done.header['rewrites'], done.worker) == (0, 0, 0)
        assert 0 < done.seconds < 5
        assert driver.pool.server_starts == 0


def test_big_messages_do_not_block_the_driver(tmp_path: Path) -> None:
    with Driver(tmp_path) as driver:
        worker = driver.done(driver.submit('echo')).header['pid']
        blobs = {'big': os.urandom(64 << 20)}
        resume = threading.Timer(30, os.kill, (worker, signal.SIGCONT))
        os.kill(worker, signal.SIGSTOP)  # from here on it takes nothing
        resume.start()
        try:
            task = driver.submit('echo', blobs)
            assert resume.is_alive(), 'submitting has waited for the worker'
        finally:
            resume.cancel()
            os.kill(worker, signal.SIGCONT)
        assert driver.done(task).blobs == blobs


def test_one_server_serves_all_tasks_of_a_worker_and_one_connection_is_enough(tmp_path: Path) -> None:
    with Driver(tmp_path) as driver:
        answers = [driver.done(driver.request('info')) for _ in range(5)]
        assert len({answer.header['result']['pid'] for answer in answers}) == 1
        assert answers[-1].header['connects'] == 1
        assert driver.pool.server_starts == 1
        (started,) = driver.of(ServerStarted)
        assert started.pid == driver.pid('server') == answers[0].header['result']['pid']
        assert started.kompiled == '/definitions/toy'


def test_each_definition_has_a_server_of_its_own(tmp_path: Path) -> None:
    with Driver(tmp_path) as driver:
        first = driver.done(driver.request('info', kompiled='/definitions/a'))
        second = driver.done(driver.request('info', kompiled='/definitions/b'))
        again = driver.done(driver.request('info', kompiled='/definitions/a'))
        assert first.header['result']['pid'] == again.header['result']['pid'] != second.header['result']['pid']
        assert '/definitions/a' in first.header['result']['argv']
        assert again.header['connects'] == 2
        assert driver.pool.server_starts == 2


def test_modules_are_added_once_per_server_in_order_and_counted_as_requests(tmp_path: Path) -> None:
    with Driver(tmp_path) as driver:
        driver.texts = {'M-1': 'module M-1 endmodule []', 'M-2': 'module M-2 import M-1 [] endmodule []'}
        first = driver.done(driver.request('info', modules=['M-1', 'M-2']))
        assert first.header['result']['modules'] == driver.texts
        assert first.header['result']['requests'] == ['add-module', 'add-module', 'info']
        assert first.header['requests'] == 3
        driver.texts = {}
        second = driver.done(driver.request('info', modules=['M-1', 'M-2']))
        assert second.header['requests'] == 1


def test_a_refused_module_is_an_error_answer_of_the_backend_and_no_step_is_run(tmp_path: Path) -> None:
    with Driver(tmp_path) as driver:
        driver.texts = {'M-1': 'module M-1 endmodule []', 'M-other': 'module M-1 import X [] endmodule []'}
        answer = driver.done(driver.request('info', modules=['M-1', 'M-other']))
        assert answer.header['error']['class'] == 'backend'
        assert 'M-other' in answer.header['error']['message']
        assert answer.header['requests'] == 1
        assert driver.done(driver.request('info', modules=['M-1'])).header['requests'] == 1


@pytest.mark.parametrize('bad', [None, b'no zlib'])
def test_a_module_text_that_cannot_be_had_is_an_error_answer_and_the_pool_goes_on(
    tmp_path: Path, bad: bytes | None
) -> None:
    def text(name: str) -> bytes:
        if bad is None:
            raise KeyError(name)
        return bad

    with Driver(tmp_path) as driver:
        task = Task(77, 'probe', {'kompiled': '/d', 'main_module': 'TOY', 'do': 'echo'})
        driver.pool.submit(task, modules=['M-1'], module_text=text, needs_server=True)
        assert driver.done(77).header['error']['class'] == ('input' if bad is None else 'prover')
        driver.done(driver.request('echo'))


@pytest.mark.parametrize(
    ('type_', 'kind'),
    [('ValueError', 'prover'), ('SystemExit', 'prover'), ('MemoryError', 'infrastructure')],
)
def test_an_exception_of_the_session_is_an_error_answer(tmp_path: Path, type_: str, kind: str) -> None:
    with Driver(tmp_path) as driver:
        error = driver.done(driver.submit('raise', type=type_)).header['error']
        assert (error['class'], error['type'], error['message']) == (kind, type_, 'told to')
        assert 'probe_session.py' in error['traceback']
        driver.done(driver.submit('echo'))


@pytest.mark.parametrize('do', ['unsendable', 'text_blob', 'odd_error', 'odd_requests'])
def test_an_answer_that_is_none_is_an_error_answer(tmp_path: Path, do: str) -> None:
    with Driver(tmp_path) as driver:
        assert driver.done(driver.submit(do)).header['error']['class'] == 'prover'
        driver.done(driver.submit('echo'))


def test_a_session_is_loaded_without_a_viewer_which_is_there_for_whoever_uses_it(tmp_path: Path) -> None:
    with Driver(tmp_path) as driver:
        header = driver.done(driver.submit('viewer')).header
        assert (header['loaded'], header['real']) == ([], True)


def test_a_header_that_is_no_json_is_an_error_answer(tmp_path: Path) -> None:
    with Driver(tmp_path) as driver:
        assert driver.done(driver.submit('echo', odd={1, 2})).header['error']['class'] == 'input'
        driver.done(driver.submit('echo'))


def test_an_error_answer_of_the_backend_keeps_server_and_connection(tmp_path: Path) -> None:
    with Driver(tmp_path) as driver:
        assert driver.done(driver.request('nonsense')).header['error']['class'] == 'backend'
        assert driver.done(driver.request('echo')).header['connects'] == 1
        assert driver.pool.server_starts == 1


@pytest.mark.skipif(
    (3, 12) <= sys.version_info < (3, 14), reason='these bound the C stack by a constant, not by its size'
)
def test_deeply_nested_values_pass_through_a_worker(tmp_path: Path) -> None:
    with Driver(tmp_path) as driver:
        done = driver.done(driver.submit('deep', depth=100_000))
        assert done.header.get('equal'), done
        assert done.header['length'] == 200_002


def test_a_worker_finds_the_modules_that_its_driver_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = tmp_path / 'only-here'
    extra.mkdir()
    monkeypatch.syspath_prepend(str(extra))
    with Driver(tmp_path) as driver:
        header = driver.done(driver.submit('environment')).header
        assert header['path'] == import_path()
        assert str(extra) in header['path']
        assert header['limit'] == 10**7
        assert not header['pyk'], 'a session without pyk must not cost an import of pyk'


def test_idle_workers_are_used_side_by_side_and_the_best_placed_first(tmp_path: Path) -> None:
    with Driver(tmp_path, workers=2) as driver:
        assert driver.pool.idle == 2
        tasks = [driver.request('wait', {'seconds': 0.5}) for _ in range(2)]
        assert driver.pool.idle == 0
        with pytest.raises(RuntimeError, match='busy'):
            driver.submit('echo')
        assert {driver.done(task).worker for task in tasks} == {0, 1}
        assert driver.pool.idle == 2
        driver.texts = {'M-1': 'module M-1 endmodule []'}
        assert driver.done(driver.request('info', modules=['M-1'])).header['requests'] == 2
        driver.submit('sleep', seconds=0.2)
        assert driver.done(driver.request('info', modules=['M-1'])).header['requests'] == 1
        assert driver.pool.server_starts == 2


def test_a_second_worker_is_not_started_while_one_is_enough(tmp_path: Path) -> None:
    with Driver(tmp_path, workers=4) as driver:
        for _ in range(3):
            assert driver.done(driver.request('echo')).worker == 0
        assert len(driver.pool.processes()) == 2


def test_the_server_runs_in_folders_of_its_own_that_go_with_it(tmp_path: Path) -> None:
    with Driver(tmp_path) as driver:
        driver.done(driver.request('litter'))
        info = driver.done(driver.request('info')).header['result']
        litter = [Path(info[place], 'litter') for place in ('tmp', 'cwd')]
        assert all(path.exists() for path in litter)
        assert all(path.is_relative_to(tmp_path) for path in litter)
    assert not any(path.exists() for path in litter)
    assert not (tmp_path / 'servers').exists()
    assert list((tmp_path / 'logs').iterdir())


def test_close_ends_everything_in_time_and_can_be_repeated(tmp_path: Path) -> None:
    with Driver(tmp_path, 'stubborn', workers=2) as driver:
        tasks = [driver.request('solver') for _ in range(2)]
        solvers = [driver.done(task).header['result']['pid'] for task in tasks]
        pids = [info.pid for info in driver.pool.processes()]
        assert len(living(pids + solvers)) == 6
        driver.submit('sleep', seconds=100)
        started = time.monotonic()
        driver.pool.close(0.3)
        assert time.monotonic() - started < 2
        assert not living(pids + solvers)
        driver.pool.close(0.3)
        assert driver.pool.idle == 0
        with pytest.raises(PoolClosed):
            driver.submit('echo')
        with pytest.raises(PoolClosed):
            driver.pool.poll(0)
        driver.pool.wakeup()


def test_a_poll_without_patience_still_sees_what_has_come(tmp_path: Path) -> None:
    with Driver(tmp_path) as driver:
        task = driver.submit('echo')
        end = time.monotonic() + 20
        while not (events := driver.pool.poll(0)):
            assert time.monotonic() < end
        assert [event.task_id for event in events if isinstance(event, Done)] == [task]


def test_a_poll_ends_at_a_wakeup_from_another_thread(tmp_path: Path) -> None:
    with Driver(tmp_path) as driver:
        threading.Timer(0.1, driver.pool.wakeup).start()
        started = time.monotonic()
        assert driver.pool.poll(20) == []
        assert 0.05 < time.monotonic() - started < 5


def test_a_fork_of_the_driver_can_neither_use_nor_end_the_pool(tmp_path: Path) -> None:
    with Driver(tmp_path) as driver:
        driver.done(driver.request('echo'))
        child = os.fork()
        if child == 0:
            code = 1
            try:
                driver.pool.poll(0)
            except PoolClosed:
                driver.pool.close()
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        driver.done(driver.request('echo'))
        assert driver.pool.server_starts == 1


def test_module_texts_are_sent_as_they_are_stored(tmp_path: Path) -> None:
    with Driver(tmp_path) as driver:
        text = 'module M-1\n  // a comment, "quotes", λ\nendmodule []'
        task = Task(5, 'probe', {'kompiled': '/d', 'main_module': 'TOY', 'do': 'request', 'method': 'info'})
        driver.pool.submit(task, modules=['M-1'], module_text=lambda _: zlib.compress(text.encode()), needs_server=True)
        assert driver.done(5).header['result']['modules'] == {'M-1': text}


def test_a_dump_is_told_in_short_and_the_log_has_all_of_it(tmp_path: Path) -> None:
    lines = '  error, called at Kore/Step.hs: TermLike { ... }\n' * 5000
    dump = f'CallStack (from HasCallStack):\n{lines}the end \ud800'
    with Driver(tmp_path) as driver:
        error = driver.done(driver.submit('reject', message=dump)).header['error']
        assert error['class'] == 'backend'
        assert error['message'].startswith('CallStack (from HasCallStack):\n  error, called at')
        assert len(error['message']) < 2000
        log = Path(error['message'].rpartition('all of it is in ')[2].rstrip(')'))
        assert 'the end \\ud800' in log.read_text()
        short = driver.done(driver.submit('reject', message='two\nlines')).header['error']
        assert short['message'] == 'two\nlines'
