"""Which server program is taken, and that its identity changes when the program does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from kprover import backends
from kprover.backends import BackendError, choose_backend, with_options


def program(folder: Path, name: str, body: str = 'echo "Kore version 1.0"; echo "Git: abc"') -> Path:
    """An executable of our own in the place of one of K's: which is chosen and what it prints is all that counts."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f'#!/bin/sh\n{body}\n')
    path.chmod(0o755)
    return path


def environ(folder: Path) -> dict[str, str]:
    return {'PATH': f'{folder}:/usr/bin:/bin'}


def test_auto_takes_the_booster_then_kore_rpc_then_the_embedded_server(tmp_path: Path) -> None:
    folder = tmp_path / 'bin'
    kore = program(folder, 'kore-rpc')
    chosen = choose_backend('auto', environ=environ(folder))
    assert (chosen.name, chosen.command) == ('kore-rpc', (str(kore),))
    assert chosen.source == f'{kore}, found on PATH, no kore-rpc-booster on PATH'
    booster = program(folder, 'kore-rpc-booster')
    chosen = choose_backend('auto', environ=environ(folder))
    assert (chosen.name, chosen.command) == ('kore-rpc-booster', (str(booster),))
    chosen = choose_backend('auto', environ={'PATH': str(tmp_path)})
    assert chosen.name == 'embedded'
    assert chosen.source == 'part of kprover, no kore-rpc-booster on PATH, no kore-rpc on PATH'


def test_auto_passes_over_a_program_that_does_not_work_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / 'bin'
    program(folder, 'kore-rpc-booster', 'echo broken; exit 3')
    program(folder, 'kore-rpc')
    chosen = choose_backend('auto', environ=environ(folder))
    assert chosen.name == 'kore-rpc'
    assert 'kore-rpc-booster --version` ended with code 3' in chosen.source


def test_a_named_program_must_be_there_and_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / 'bin'
    folder.mkdir()
    with pytest.raises(BackendError, match='Install the K framework'):
        choose_backend('kore-rpc', environ={'PATH': str(folder)})
    program(folder, 'kore-rpc', 'exit 1')
    with pytest.raises(BackendError, match='ended with code 1'):
        choose_backend('kore-rpc', environ=environ(folder))
    program(folder, 'kore-rpc', 'exit 0')
    with pytest.raises(BackendError, match='expected its version'):
        choose_backend('kore-rpc', environ=environ(folder))
    (folder / 'kore-rpc').write_bytes(b'\x7fELF nonsense')
    with pytest.raises(BackendError, match='cannot be started'):
        choose_backend('kore-rpc', environ=environ(folder))


def test_a_program_that_never_answers_is_ended_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, 'VERSION_SECONDS', 1.0)
    note = tmp_path / 'child'
    folder = tmp_path / 'bin'
    program(folder, 'kore-rpc', f'sleep 600 & echo $! > {note}; wait')
    started = time.monotonic()
    with pytest.raises(BackendError, match='no answer within 1 seconds'):
        choose_backend('kore-rpc', environ=environ(folder))
    assert time.monotonic() - started < 10
    child = int(note.read_text())
    while _alive(child):  # a killed process may take a moment to go
        assert time.monotonic() - started < 10
        time.sleep(0.01)


def _alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_the_identity_of_a_program_is_its_name_and_version(tmp_path: Path) -> None:
    folder = tmp_path / 'bin'
    program(folder, 'kore-rpc')
    first = choose_backend('kore-rpc', environ=environ(folder))
    assert first.identity == 'kore-rpc Kore version 1.0 Git: abc'
    program(tmp_path / 'other', 'kore-rpc')
    assert choose_backend('kore-rpc', environ=environ(tmp_path / 'other')).identity == first.identity
    program(folder, 'kore-rpc', 'echo "Kore version 1.1"')
    assert choose_backend('kore-rpc', environ=environ(folder)).identity != first.identity


def test_a_program_given_by_its_path_is_known_by_its_content_too(tmp_path: Path) -> None:
    path = program(tmp_path / 'bin', 'my-server')
    first = choose_backend(str(path))
    assert (first.name, first.command) == (str(path), (str(path),))
    program(tmp_path / 'bin', 'my-server', 'echo "Kore version 1.0"; echo "Git: abc"; # another build')
    assert choose_backend(str(path)).identity != first.identity
    for wrong in (tmp_path / 'bin', tmp_path / 'nowhere', Path(__file__)):
        with pytest.raises(BackendError, match='no executable file'):
            choose_backend(str(wrong))


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BackendError, match="'auto', 'kore-rpc-booster', 'kore-rpc', 'embedded' or the path"):
        choose_backend('kore')


def test_the_embedded_server_is_known_by_its_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_backend('embedded').identity == choose_backend('embedded').identity
    assert choose_backend('embedded').command == (sys.executable, '-m', 'kprover.server')
    folder = tmp_path / 'server'
    (folder / 'hooks').mkdir(parents=True)
    monkeypatch.setattr(backends, '_SERVER_FOLDER', folder)
    with pytest.raises(BackendError, match='install the package'):
        choose_backend('embedded')
    identities = set()
    for name, text in (
        ('a.py', 'one'),
        ('a.py', 'two'),
        ('hooks/b.py', 'one'),
        ('hooks/b.py', 'three'),
        ('c.py', ''),
    ):
        (folder / name).write_text(text)
        identities.add(choose_backend('embedded').identity)
    assert len(identities) == 5
    (folder / 'notes.txt').write_text('no source')
    assert choose_backend('embedded').identity in identities


def test_another_solver_version_is_another_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    before = choose_backend('embedded').identity
    monkeypatch.setattr(backends, 'version', lambda name: '0.0')
    assert choose_backend('embedded').identity != before


def test_the_command_line_is_that_of_kore_rpc(tmp_path: Path) -> None:
    path = program(tmp_path / 'bin', 'my-server')
    assert choose_backend(str(path)).args(Path('/k'), 'MAIN', 0) == [
        str(path),
        '/k/definition.kore',
        '--module',
        'MAIN',
        '--server-port',
        '0',
    ]


def test_the_embedded_server_takes_this_command_line(tmp_path: Path) -> None:
    arguments = choose_backend('embedded').args(tmp_path / 'nowhere', 'MAIN', 0)
    answer = subprocess.run(
        arguments, capture_output=True, text=True, timeout=60, env={**os.environ, 'PYTHONPATH': str(_root())}
    )
    assert answer.returncode not in (0, 1), answer.stderr
    assert 'definition.kore' in answer.stderr
    assert 'usage' not in answer.stderr.lower()
    assert 'Traceback' not in answer.stderr


def test_arguments_of_the_user_come_last_and_are_another_identity(tmp_path: Path) -> None:
    plain = choose_backend(str(program(tmp_path / 'bin', 'my-server')))
    more = with_options(plain, ('--smt-timeout', '5'), {'A': 'b'})
    assert more.args(Path('/k'), 'MAIN', 0) == [*plain.args(Path('/k'), 'MAIN', 0), '--smt-timeout', '5']
    assert more.identity != plain.identity == with_options(plain, (), {}).identity


def test_a_booster_alone_takes_the_llvm_library_of_a_folder_unless_it_is_told_of_one(tmp_path: Path) -> None:
    kompiled = tmp_path / 'kompiled'
    library = kompiled / 'llvm-library' / 'interpreter.dylib'
    library.parent.mkdir(parents=True)
    booster = choose_backend(str(program(tmp_path / 'bin', 'kore-rpc-booster')))
    assert booster.identity_for(kompiled) == booster.identity
    library.write_text('code')
    assert booster.args(kompiled, 'MAIN', 0)[-2:] == ['--llvm-backend-library', str(library)]
    assert booster.identity_for(kompiled) not in (booster.identity, booster.identity_for(tmp_path))
    assert library in backends.program_files(booster, kompiled)
    for arguments in (('--llvm-backend-library', '/own.so'), ('--llvm-backend-library=/own.so',)):
        told = with_options(booster, arguments, {})
        assert str(library) not in told.args(kompiled, 'MAIN', 0)
        assert told.identity_for(kompiled) == told.identity
    other = choose_backend(str(program(tmp_path / 'bin', 'kore-rpc')))
    assert '--llvm-backend-library' not in other.args(kompiled, 'MAIN', 0)


def _root() -> Path:
    return Path(backends.__file__).parents[1]
