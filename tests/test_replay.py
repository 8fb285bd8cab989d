"""A reproducer may be anybody's: replaying it runs nothing that its folder says, unless the user trusts it."""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest

from kprover import cli, replay
from kprover.pool.reproducer import Case, ReproducerError, read_case, replay_command
from kprover.suites import definition_digest

if TYPE_CHECKING:
    from pathlib import Path

PING = b'{"jsonrpc":"2.0","id":1,"method":"kprover-ping","params":{}}\n'


@pytest.fixture
def kompiled(project: Path) -> Path:
    return project / 'examples' / 'imp' / 'kompiled'


@pytest.fixture
def spy(tmp_path: Path) -> Path:
    """A program that leaves a trace of itself; nobody is to run it."""
    path = tmp_path / 'bin' / 'spy'
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\ntouch {tmp_path}/ran\nexit 1\n')
    path.chmod(0o755)
    return path


def folder_of(parent: Path, kompiled: Path, **record: Any) -> Path:
    folder = parent / 'reproducer'
    folder.mkdir(exist_ok=True)
    case = {
        'format': 1,
        'claim': 'imp/IMP.claim',
        'key': 'ab' * 32,
        'node': 1,
        'kind': 'step',
        'what': 'it died',
        'attempts': 3,
        'kompiled': str(kompiled),
        'definition': definition_digest(kompiled),
        'main_module': 'IMP',
        'backend': 'embedded',
        'identity': 'embedded',
        **record,
    }
    (folder / 'case.json').write_text(json.dumps(case))
    (folder / 'requests.jsonl').write_bytes(PING)
    return folder


def test_a_known_program_is_found_anew_and_no_environment_is_taken(
    tmp_path: Path, kompiled: Path, spy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    startup = tmp_path / 'startup'
    startup.mkdir()
    (startup / 'sitecustomize.py').write_text(f'open({str(tmp_path / "ran")!r}, "w")')
    environment = {'PYTHONPATH': str(startup), 'X': '1'}
    folder = folder_of(tmp_path, kompiled, command=[str(spy)], environment=environment)
    assert cli.main(['replay', str(folder)]) == replay.SURVIVED
    assert not (tmp_path / 'ran').exists()
    told = capsys.readouterr().out
    assert f'recorded was `PYTHONPATH={startup} X=1 {spy}`; --as-recorded runs that' in told
    assert cli.main(['replay', str(folder), '--as-recorded']) == replay.UNUSABLE
    assert (tmp_path / 'ran').exists()


def test_a_program_that_only_the_folder_knows_is_shown_and_not_run(
    tmp_path: Path, kompiled: Path, spy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [str(spy), '\x1b[2Jcleared', '$(touch ran)']
    for backend in (str(spy), 'spy', '../bin/spy', 'auto', ''):
        folder = folder_of(tmp_path, kompiled, backend=backend, command=command)
        assert cli.main(['replay', str(folder)]) == replay.UNUSABLE
        told = capsys.readouterr()
        assert "\\x1b[2Jcleared' '$(touch ran)'" in told.err
        assert '--as-recorded' in told.err
        assert '\x1b' not in told.out + told.err
    assert cli.main(['replay', str(folder), '--backend', 'embedded']) == replay.SURVIVED
    assert not (tmp_path / 'ran').exists()


def test_a_server_at_a_recorded_address_is_not_spoken_to_unasked(
    tmp_path: Path, kompiled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(('127.0.0.1', 0)) as listener:
        address = f'127.0.0.1:{listener.getsockname()[1]}'
        folder = folder_of(tmp_path, kompiled, backend=address, address=address, command=[])
        assert cli.main(['replay', str(folder)]) == replay.UNUSABLE
        assert f'a server that was running at {address}' in capsys.readouterr().err
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
        assert cli.main(['replay', str(folder), '--as-recorded', '--timeout', '0.2']) == replay.DIED
        listener.accept()[0].close()


def test_a_library_is_loaded_from_a_folder_that_the_user_names_only(
    tmp_path: Path, kompiled: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = tmp_path / 'theirs'
    (theirs / 'llvm-library').mkdir(parents=True)
    (theirs / 'llvm-library' / 'interpreter.so').touch()
    for name in ('definition.kore', 'compiled.json'):
        (theirs / name).write_bytes((kompiled / name).read_bytes())
    programs = tmp_path / 'programs'
    programs.mkdir()
    booster = programs / 'kore-rpc-booster'
    booster.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo 1 && exit\necho "$@" > {tmp_path}/arguments\n')
    booster.chmod(0o755)
    monkeypatch.setenv('PATH', f'{programs}{os.pathsep}{os.environ["PATH"]}')
    folder = folder_of(tmp_path, theirs, backend='kore-rpc-booster', command=['kore-rpc-booster'])
    assert cli.main(['replay', str(folder)]) == replay.UNUSABLE  # this one never listens
    assert 'interpreter.so is not loaded' in capsys.readouterr().out
    assert '--llvm-backend-library' not in (tmp_path / 'arguments').read_text()
    assert cli.main(['replay', str(folder), '--kompiled', str(theirs)]) == replay.UNUSABLE
    assert '--llvm-backend-library' in (tmp_path / 'arguments').read_text()


@pytest.mark.parametrize(
    'record',
    [
        {'main_module': '--smt-prelude=/tmp/x'},
        {'main_module': ['IMP']},
        {'claim': {}},
        {'command': ['sh', 3]},
        {'command': 3},
        {'command': 'sh'},
        {'environment': ['A=B']},
        {'command': {'sh': 'sh'}},
        {'environment': {'A': 1}},
        {'node': 'one'},
        {'attempts': True},
        {'backend': None},
        {'surprise': 1},
    ],
)
def test_a_record_of_another_kind_is_refused(tmp_path: Path, kompiled: Path, record: dict[str, Any]) -> None:
    folder = folder_of(tmp_path, kompiled, **{'command': [], **record})
    with pytest.raises(ReproducerError, match='expected the record of a case'):
        read_case(folder)


def test_the_command_that_is_told_is_for_a_shell_and_shows_the_case(tmp_path: Path, kompiled: Path) -> None:
    case = read_case(folder_of(tmp_path, kompiled, command=['python']))
    assert isinstance(case, Case)
    assert replay_command(case, tmp_path / 'a b') == f"kprover replay '{tmp_path}/a b'"
    for record in ({'environment': {'A': 'B'}}, {'arguments': ['-x']}, {'backend': '/opt/kore-rpc'}, {'command': []}):
        case = read_case(folder_of(tmp_path, kompiled, **{'command': ['python'], **record}))
        assert replay_command(case, tmp_path) == f'kprover replay {tmp_path} --as-recorded'
