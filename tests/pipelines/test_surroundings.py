"""What lies around a command and is no part of its work: names of folders, modules, the locale, closed streams."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from pipeline_harness import BIN, TIMEOUT, Commands

if TYPE_CHECKING:
    from pathlib import Path


def in_shell(
    folder: Path, command: str, *arguments: str | Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A shell's command, in which the arguments are "$@"."""
    return subprocess.run(
        ['/bin/sh', '-c', command, 'sh', *map(str, arguments)],
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


@pytest.fixture
def odd(tmp_path: Path, project: Path) -> Commands:
    """A folder whose name is no UTF-8, with modules that are called as those of Python and of this project."""
    folder = tmp_path / os.fsdecode(b'an odd \xc3\xbc \xff')
    try:
        (folder / 'kprover').mkdir(parents=True)
    except OSError:
        pytest.skip('this file system wants UTF-8')
    for module in ('random.py', 'queue.py', 'kprover/__init__.py'):
        (folder / module).write_text('raise RuntimeError("a module of the user\'s folder was imported")\n')
    return Commands(folder, project)


@pytest.mark.parametrize('closed', ['>&-', '>&- 2>&- <&-'])
def test_claims_are_proved_in_any_folder_without_a_locale_and_without_open_streams(odd: Commands, closed: str) -> None:
    suite = odd.suite('imp', 'some', ['IMP-LOOPS.sum-to-10'])
    luigi = [BIN / 'luigi', '--module', 'pipelines', 'ProveAll', '--suite', suite, '--kprover-backend', 'embedded']
    done = in_shell(odd.folder, f'exec "$@" {closed}', *luigi, LC_ALL='C', PYTHONUTF8='0', PYTHONCOERCECLOCALE='0')
    assert (done.returncode, done.stdout, done.stderr) == (0, '', '')
    assert odd.statuses(suite) == {'IMP-LOOPS.sum-to-10': 'passed'}


def test_a_command_with_closed_streams_answers_by_its_code(tmp_path: Path) -> None:
    assert in_shell(tmp_path, '"$@" >&-', BIN / 'kprover', 'history').returncode == 0
    assert in_shell(tmp_path, '"$@" >&-', BIN / 'kprover', 'status', '--suite', 'absent.toml').returncode == 2
    server = [BIN / 'kprover-kore-rpc', 'absent.kore', '--module', 'ABSENT']
    assert in_shell(tmp_path, '"$@" >&- 2>&-', *server).returncode == 2
