"""`kprover status` and `kprover steps`: what they say before, after and without a run, and to programs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from pipeline_harness import BIN, Commands

from kprover.cli import main

if TYPE_CHECKING:
    from pathlib import Path

CLAIM_KEYS = {'claim', 'status', 'steps', 'nodes', 'requests', 'reused', 'seconds'}
RUN_KEYS = {'requests', 'reused', 'server_starts', 'workers', 'backend'}


def small(commands: Commands) -> Path:
    return commands.suite('imp', 'small', ['IMP-WRONG.larger-strictly', 'IMP-WRONG.literals'], file='failing.toml')


@pytest.fixture(scope='module')
def before(tmp_path_factory: pytest.TempPathFactory, project: Path) -> tuple[Path, str]:
    """The folder of a run of the small suite, and what the run said."""
    commands = Commands(tmp_path_factory.mktemp('before'), project)
    done = commands.luigi('ProveAll', '--suite', small(commands))
    assert done.returncode == 30, done.stdout + done.stderr
    return commands.folder, done.stdout


@pytest.fixture
def said(commands: Commands, before: tuple[Path, str]) -> str:
    """What the run said; its checkpoints are in the folder of the test."""
    shutil.copytree(before[0] / '.kprover', commands.store.parent)
    return before[1]


def without_times(text: str) -> str:
    """The store keeps milliseconds, so the last digit may be rounded otherwise."""
    return re.sub(r' +[0-9.]+ s$', '', text, flags=re.M)


def test_before_any_run_every_claim_is_not_attempted(commands: Commands) -> None:
    suite = small(commands)
    status = commands.status(suite)
    assert [claim['status'] for claim in status['claims']] == ['not-attempted', 'not-attempted']
    assert all(claim.keys() >= CLAIM_KEYS for claim in status['claims'])
    assert status['last_run'] is None
    asked = commands.kprover('status', '--suite', suite)
    assert asked.returncode == 0
    assert asked.stdout.splitlines()[-1] == 'no run yet'
    assert not commands.store.exists(), 'looking leaves no trace'


def test_after_a_run_it_says_what_the_run_said(commands: Commands, before: tuple[Path, str], said: str) -> None:
    suite = small(commands)
    status = commands.status(suite)
    assert [claim['status'] for claim in status['claims']] == ['failed', 'failed']
    assert status['last_run'].keys() >= RUN_KEYS
    assert status['last_run']['requests'] == sum(claim['requests'] for claim in status['claims']) > 0
    asked = commands.kprover('status', '--suite', suite)
    assert asked.returncode == 0
    said = said.replace(str(before[0]), str(commands.folder))
    report = said.partition('\n\n')[2].rpartition('\nbackend ')[0]
    assert report
    assert without_times(asked.stdout).startswith(without_times(report))


@pytest.mark.usefixtures('said')
def test_one_claim_is_shown_in_full(commands: Commands) -> None:
    suite = small(commands)
    asked = commands.kprover('status', '--suite', suite, 'larger-strictly')
    assert asked.returncode == 0, asked.stderr
    lines = asked.stdout.splitlines()
    assert lines[0] == 'claim    small/IMP-WRONG.larger-strictly'
    assert lines[1].startswith('status   failed: node ')
    assert 'path condition:' in lines
    assert 'state of the node:' in lines
    assert 'target:' in lines
    assert 'IMP-WRONG.literals' not in asked.stdout
    as_json = json.loads(commands.kprover('status', '--suite', suite, '--json', 'larger-strictly').stdout)
    assert [claim['claim'] for claim in as_json['claims']] == ['small/IMP-WRONG.larger-strictly']
    assert as_json['claims'][0]['failures'][0]['configuration'].strip().splitlines()[0].strip() in asked.stdout


@pytest.mark.usefixtures('said')
def test_an_edited_claim_has_no_verdict_any_more(commands: Commands) -> None:
    suite = small(commands)
    assert {claim['status'] for claim in commands.status(suite)['claims']} == {'failed'}
    suite.write_text(suite.read_text(encoding='utf-8').replace('execute-depth = 100', 'execute-depth = 101'), 'utf-8')
    assert {claim['status'] for claim in commands.status(suite)['claims']} == {'not-attempted'}


def test_steps_are_listed_by_key(commands: Commands, before: tuple[Path, str]) -> None:
    suite = small(commands)
    assert commands.kprover('steps', '--suite', suite, 'literals').stdout == (
        'small/IMP-WRONG.literals: no step is known\n'
    )
    shutil.copytree(before[0] / '.kprover', commands.store.parent)
    asked = commands.kprover('steps', '--suite', suite, 'small/IMP-WRONG.literals')
    assert asked.returncode == 0, asked.stderr
    keys = [line.split()[-1] for line in asked.stdout.splitlines()]
    assert keys
    assert {f'step:{key}' for key in keys} <= set(commands.steps())
    assert all(line.startswith('done    node ') for line in asked.stdout.splitlines())


def test_what_cannot_be_answered_is_told_with_its_own_code(commands: Commands) -> None:
    suite = small(commands)
    unknown = commands.kprover('status', '--suite', suite, 'no-such-claim')
    assert unknown.returncode == 2
    assert unknown.stderr.startswith("kprover: no claim is called 'no-such-claim'")
    missing = commands.kprover('status', '--suite', 'missing.toml')
    assert missing.returncode == 2
    assert 'missing.toml' in missing.stderr
    commands.store.parent.mkdir()
    commands.store.write_bytes(b'no database' * 1000)
    damaged = commands.kprover('status', '--suite', suite)
    assert damaged.returncode == 2
    assert 'damaged' in damaged.stderr
    assert 'Traceback' not in damaged.stderr
    assert commands.kprover('nonsense').returncode == 2


@pytest.mark.usefixtures('said')
def test_a_reader_that_has_seen_enough_is_no_error(commands: Commands) -> None:
    suite = small(commands)
    done = subprocess.run(
        f'set -o pipefail; {BIN}/kprover status --suite {suite} --json | head -c 1',
        shell=True,
        executable='/bin/bash',
        cwd=commands.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ('{', '')


@pytest.mark.parametrize('shell', ['bash', 'zsh', 'fish'])
def test_a_shell_gets_a_script_that_asks_this_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['completion', shell]) == 0
    script = capsys.readouterr().out
    assert f'_KPROVER_COMPLETE={shell}_complete' in script
    assert 'kprover' in script
    if shell == 'bash':
        subprocess.run(['bash', '-n'], input=script, text=True, check=True)
