"""What a `luigid` shows of a run while it lasts, and after it."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from pipeline_harness import BIN, TIMEOUT, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline_harness import Commands

LONG = ['IMP-BRANCHES.sixteen', 'IMP-LOOPS.sum-to-100', 'IMP-LOOPS.product', 'IMP-ARITHMETIC.literals']
WRONG = ['IMP-WRONG.larger-strictly']


@pytest.fixture
def ask(commands: Commands) -> Iterator[Callable[..., Any]]:
    """A `luigid` on a port of its own, which the commands use: a function that calls its API."""
    with socket.create_server(('127.0.0.1', 0)) as free:
        port = free.getsockname()[1]
    (commands.folder / 'backend.cfg').write_text(
        '[kprover]\nbackend = embedded\nreport_url = http://reports.example/last\nworkers = 1\n'
        f'[core]\nlocal_scheduler = false\ndefault-scheduler-host = 127.0.0.1\ndefault-scheduler-port = {port}\n',
        encoding='utf-8',
    )
    (commands.folder / 'luigid.cfg').write_text('[scheduler]\nstable_done_cooldown_secs = 0\n', encoding='utf-8')

    def ask(method: str, **arguments: object) -> Any:
        data = urllib.parse.quote(json.dumps(arguments))
        with urllib.request.urlopen(f'http://127.0.0.1:{port}/api/{method}?data={data}', timeout=30) as answer:
            return json.load(answer)['response']

    with subprocess.Popen(
        [
            str(BIN / 'luigid'),
            *('--port', str(port), '--address', '127.0.0.1'),
            *('--state-path', str(commands.folder / 'luigid.state'), '--logdir', str(commands.folder)),
        ],
        cwd=commands.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as luigid:
        try:
            wait_until(lambda: listens(port), what='luigid')
            yield ask
        finally:
            luigid.kill()


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(('127.0.0.1', port)) == 0


def tasks(ask: Callable[..., Any], status: str = '') -> dict[str, dict[str, Any]]:
    """The tasks of claims by the label of the claim, and others by their family."""
    found = ask('task_list', status=status, upstream_status='')
    return {task['params'].get('claim', task['name']).rpartition('/')[2]: task for task in found.values()}


def test_each_claim_shows_its_state_progress_and_message_live_and_how_it_ended(
    commands: Commands, ask: Callable[..., Any]
) -> None:
    suites = [commands.suite('imp', 'long', LONG), commands.suite('imp', 'wrong', WRONG, file='failing.toml')]
    run = commands.start('ProveAll', '--suite', ','.join(map(str, suites)))
    seen: dict[str, dict[str, Any]] = {}
    percentages = set()
    while run.poll() is None:
        for label, task in tasks(ask, 'RUNNING').items():
            seen[label] = task
            if label == 'RunClaims':
                percentages.add(task['progress_percentage'])
        time.sleep(0.05)
    out, err = run.communicate(timeout=TIMEOUT)
    assert run.returncode == 30, out + err

    assert len(percentages) > 1, 'the engine shows how far it is'
    assert seen['RunClaims']['tracking_url'] == 'http://reports.example/last/report.html'
    ended = tasks(ask)
    labels = (*LONG[:3], *WRONG)
    assert len(seen.keys() & set(labels)) > 1, 'claims are running while the engine works on them'
    for task in (*(seen[label] for label in seen.keys() & set(labels)), *(ended[label] for label in labels)):
        label = task['params']['claim'].rpartition('/')[2]
        assert task['tracking_url'].startswith('http://reports.example/last/report.html#proof/'), task
        assert task['tracking_url'].endswith(label)
        assert label in task['status_message']
        assert 0 <= task['progress_percentage'] <= 100

    assert {label: ended[label]['status'] for label in (*LONG, 'RunClaims')} == dict.fromkeys(
        (*LONG, 'RunClaims'), 'DONE'
    )
    wrong = ended[WRONG[0]]
    assert wrong['status'] == 'FAILED'
    assert 'failed' in wrong['status_message']
    assert wrong['tracking_url'].endswith(WRONG[0])
    reason = ask('fetch_error', task_id=next(id for id, t in ask('task_list', status='FAILED').items()))['error']
    assert 'does not reach the target' in reason and 'Traceback' not in reason
    assert ended['ProveAll']['status'] == 'PENDING'

    again = commands.luigi('ProveAll', '--suite', suites[0])
    assert again.returncode == 0, again.stdout + again.stderr
    assert tasks(ask)[LONG[0]]['status'] == 'DONE'


def test_an_interrupted_run_leaves_no_claim_running_and_the_next_goes_on(
    commands: Commands, ask: Callable[..., Any]
) -> None:
    suite = commands.suite('imp', 'long', LONG)
    run = commands.start('Nightly', '--date', '2026-11-22', '--suite', str(suite), '--kprover-grace', '1')
    wait_until(lambda: 'NightRun' in tasks(ask, 'RUNNING') and len(tasks(ask, 'RUNNING')) > 1, what='a running claim')
    run.terminate()
    out, err = run.communicate(timeout=TIMEOUT)
    assert run.returncode == 25, out + err
    assert tasks(ask, 'RUNNING') == {}
    assert 'NightRun' in tasks(ask, 'FAILED')
    resumed = commands.luigi('Nightly', '--date', '2026-11-22', '--suite', str(suite))
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert 'in 2 runs' in resumed.stdout
    assert tasks(ask)['Nightly']['status'] == 'DONE'
