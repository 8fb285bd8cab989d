"""The files of `deploy` do what they are for, in the bare environment that they are run in."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import textwrap
from datetime import date
from typing import TYPE_CHECKING

import pytest
from pipeline_harness import BIN, TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline_harness import Commands

UNITS = ['kprover-nightly@.service', 'kprover-nightly@.timer']


@pytest.fixture
def proofs(commands: Commands) -> Path:
    """A folder as the documentation has it: luigi.cfg, a suite, and kprover in .venv."""
    folder = commands.folder / 'proofs'
    folder.mkdir()
    suite = commands.suite('imp', 'small', ['IMP-ARITHMETIC.literals'])
    (folder / 'luigi.cfg').write_text(f'[kprover]\nsuites = {suite}\nbackend = embedded\nworkers = 1\n')
    (folder / '.venv').symlink_to(BIN.parent)
    return folder


def run_bare(words: list[str], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run with no environment but what cron and systemd give."""
    return subprocess.run(
        words,
        cwd=cwd,
        env={'PATH': '/usr/bin:/bin', **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


def nights(folder: Path) -> list[dict[str, object]]:
    done = run_bare([str(BIN / 'kprover'), 'history', '--json'], folder)
    found: list[dict[str, object]] = json.loads(done.stdout)['nights']
    return found


def test_the_crontab_line_runs_a_night_and_is_silent_unless_there_is_something_to_say(
    commands: Commands, proofs: Path
) -> None:
    [line] = [
        line
        for line in (commands.project / 'deploy' / 'crontab').read_text(encoding='utf-8').splitlines()
        if line and not line.startswith('#')
    ]
    times, command = line.split(' ', 5)[:5], line.split(' ', 5)[5]
    assert times == ['0', '1-6', '*', '*', '*']
    assert '%' not in command, 'cron would end the line there'
    for _ in range(2):
        done = run_bare(['/bin/sh', '-c', command], proofs.parent, HOME=str(proofs.parent))
        assert (done.returncode, done.stdout, done.stderr) == (0, '', '')
    assert [(night['date'], night['statuses']) for night in nights(proofs)] == [
        (date.today().isoformat(), {'passed': 1})
    ]
    (proofs / 'luigi.cfg').write_text('[kprover]\nsuites = missing.toml\n')
    told = run_bare(['/bin/sh', '-c', command], proofs.parent, HOME=str(proofs.parent))
    assert 'missing.toml' in told.stdout


@pytest.mark.skipif(shutil.which('systemd-analyze') is None, reason='no systemd-analyze on PATH')
def test_systemd_accepts_the_units_and_the_service_runs_a_night(commands: Commands, proofs: Path) -> None:
    instance = run_bare(['systemd-escape', '-p', str(proofs)], proofs).stdout.strip()
    units = [commands.folder / name.replace('@', f'@{instance}') for name in UNITS]
    for name, unit in zip(UNITS, units, strict=True):
        shutil.copyfile(commands.project / 'deploy' / 'systemd' / name, unit)
    verified = run_bare(['systemd-analyze', 'verify', '--man=no', *map(str, units)], commands.folder)
    if 'Failed to initialize manager' in verified.stderr:
        pytest.skip(verified.stderr.strip())
    assert (verified.returncode, verified.stderr) == (0, '')

    text = units[0].read_text(encoding='utf-8')
    found = re.search(r"^ExecStart=/bin/sh -c '(.*)'$", text, re.MULTILINE)
    assert found is not None
    done = run_bare(['/bin/sh', '-c', found[1]], proofs)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [night['state'] for night in nights(proofs)] == ['finished']


def test_the_workflow_proves_and_says_what_is_new_on_the_store_of_the_run_before(
    commands: Commands, proofs: Path
) -> None:
    steps = dict(workflow_steps((commands.project / 'deploy' / 'github-nightly.yml').read_text(encoding='utf-8')))
    assert list(steps) == ['install', 'prove', 'say what is new']
    summary = commands.folder / 'summary.md'
    for name in ('prove', 'say what is new'):
        done = run_bare(['bash', '-eo', 'pipefail', '-c', steps[name]], proofs, GITHUB_STEP_SUMMARY=str(summary))
        assert done.returncode == 0, done.stdout + done.stderr
    assert f'night {date.today()}: 1 claim: 1 passed' in summary.read_text(encoding='utf-8')

    checkout = commands.folder / 'next'
    checkout.mkdir()
    for name in ('luigi.cfg', '.venv'):
        (checkout / name).symlink_to(proofs / name)
    shutil.copytree(proofs / '.kprover', checkout / '.kprover')
    (checkout / '.kprover' / 'store.history.sqlite').unlink()
    again = run_bare(['bash', '-eo', 'pipefail', '-c', steps['prove']], checkout)
    assert again.returncode == 0, again.stdout + again.stderr
    assert '0 server starts, 0 requests' in again.stdout


def workflow_steps(text: str) -> Iterator[tuple[str, str]]:
    """Name and script of the steps that run one."""
    for found in re.finditer(r'^ +- name: (.*)\n(?: +if: .*\n)?( +)run: \|\n((?:\2  .*\n)+)', text, re.MULTILINE):
        yield found[1], textwrap.dedent(found[3])
