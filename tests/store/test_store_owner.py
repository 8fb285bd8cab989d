"""One owner at a time; the lock ends with its process, however that ended."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kprover.store import CheckpointStore, StoreClosed, StoreError, StoreLocked, StoreReader, StoreVanished, compact

if TYPE_CHECKING:
    from collections.abc import Callable

OWNER = """
import sys, time
from pathlib import Path
from kprover.store import CheckpointStore
with CheckpointStore.open(Path(sys.argv[1])) as store:
    store.put('a', {'by': 'owner'})
    store.commit()
    print('ready', flush=True)
    sys.stdin.read()
"""


def owner(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, '-c', OWNER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == 'ready\n'
    return process


def test_a_second_process_is_told_who_owns_the_store_and_since_when(path: Path) -> None:
    before = time.time()
    process = owner(path)
    try:
        with pytest.raises(StoreLocked) as caught:
            CheckpointStore.open(path)
        assert caught.value.pid == process.pid
        assert caught.value.started is not None
        assert before <= caught.value.started <= time.time()
        message = str(caught.value)
        assert str(path) in message
        assert f'process {process.pid}' in message
        moment = re.search(r'since (\S+ \S+);', message)
        assert moment is not None
        assert abs(datetime.fromisoformat(moment[1]).timestamp() - before) < 60
        with StoreReader(path) as reader:
            assert reader.header('a') == {'by': 'owner'}
    finally:
        process.communicate('', timeout=20)
    CheckpointStore.open(path).close()


def test_the_lock_ends_with_a_killed_owner(path: Path) -> None:
    process = owner(path)
    process.kill()
    process.communicate(timeout=20)
    with CheckpointStore.open(path) as store:
        assert store.header('a') == {'by': 'owner'}


def test_a_second_handle_of_the_same_process_is_refused(store: CheckpointStore, path: Path) -> None:
    with pytest.raises(StoreLocked, match=f'process {os.getpid()}'):
        CheckpointStore.open(path)
    store.put('a', {})
    store.commit()


def test_another_name_of_the_same_store_is_locked_too(
    store: CheckpointStore, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / 'link.sqlite'
    link.symlink_to(path)
    monkeypatch.chdir(tmp_path)
    for name in (link, path.relative_to(tmp_path), tmp_path / '..' / tmp_path.name / path.name):
        with pytest.raises(StoreLocked):
            CheckpointStore.open(name)


def test_a_second_name_of_the_file_has_the_same_owner_and_no_store_without_one(path: Path, tmp_path: Path) -> None:
    process = owner(path)
    link = tmp_path / 'link.sqlite'
    link.hardlink_to(path)
    try:
        with pytest.raises(StoreLocked):
            CheckpointStore.open(link)
        with pytest.raises(StoreLocked):
            compact(link)
    finally:
        process.kill()
        process.communicate(timeout=20)
    for name in (link, path):
        with pytest.raises(StoreError, match=r'has 2 names \(hard links\)'):
            CheckpointStore.open(name)
        with pytest.raises(StoreError, match='Give this one a file of its own'), StoreReader(name) as reader:
            reader.get('a')
    link.unlink()
    with CheckpointStore.open(path) as store:
        assert store.header('a') == {'by': 'owner'}  # it was in the log beside this name alone


def test_this_process_is_refused_a_second_name_without_losing_the_first(
    store: CheckpointStore, path: Path, tmp_path: Path
) -> None:
    link = tmp_path / 'link.sqlite'
    link.hardlink_to(path)
    locks = Path('/proc/locks').read_text()
    with pytest.raises(StoreLocked, match=f'process {os.getpid()}'):
        CheckpointStore.open(link)
    inode = f':{path.stat().st_ino} '
    assert [line for line in locks.splitlines() if inode in line and 'POSIX' in line]  # SQLite's, which a close ends
    assert Path('/proc/locks').read_text().count(inode) == locks.count(inode)
    link.unlink()
    store.put('a', {})
    store.commit()


MOUNTED = """
mount --bind "$1" "$2" && mount --bind "$3" "$4" || exit 77
"$0" -c 'import sys; from pathlib import Path; from kprover.store import CheckpointStore
for name in sys.argv[1:]:
    try:
        CheckpointStore.open(Path(name)).close()
        print("opened")
    except Exception as error:
        print(type(error).__name__, error)
' "$2" "$5"
"""


def mounted(path: Path, tmp_path: Path) -> list[str]:
    """What happens to a store under the name of a mount of its file, and through a mount of its folder."""
    alone, folder = tmp_path / 'alone \t.sqlite', tmp_path / 'folder'
    alone.touch()
    folder.mkdir(exist_ok=True)
    places = [path, alone, path.parent, folder, folder / path.name]
    done = subprocess.run(
        ['unshare', '-m', 'sh', '-c', MOUNTED, sys.executable, *map(str, places)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip(f'no mounts here: {done.stderr}')
    return done.stdout.splitlines()


@pytest.mark.skipif(shutil.which('unshare') is None, reason='no unshare')
def test_a_mounted_file_is_no_store_and_a_mounted_folder_has_the_same_owner(path: Path, tmp_path: Path) -> None:
    process = owner(path)
    try:
        alone, in_folder = mounted(path, tmp_path)
        assert alone.startswith('StoreLocked')
        assert in_folder.startswith('StoreLocked')
        assert f'process {process.pid}' in in_folder
    finally:
        process.communicate('', timeout=20)
    alone, in_folder = mounted(path, tmp_path)
    assert alone.startswith('StoreError')
    assert 'mounted as a single file' in alone
    assert in_folder == 'opened'


def test_an_unreadable_note_in_the_lock_file_does_not_matter(store: CheckpointStore, path: Path) -> None:
    path.with_name(f'{path.name}.lock').write_text('nonsense')
    with pytest.raises(StoreLocked, match='another process') as caught:
        CheckpointStore.open(path)
    assert caught.value.pid is None


def test_a_failed_opening_leaves_no_lock(path: Path) -> None:
    path.write_bytes(b'no database' * 1000)
    for _ in range(2):
        with pytest.raises(StoreError, match='damaged'):
            CheckpointStore.open(path)
    path.unlink()
    CheckpointStore.open(path).close()


def in_child(action: Callable[[], object]) -> int:
    """Exit code of a forked child that runs `action`: 0 if it returned, 1 if it raised; a hang is killed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            action()
            code = 0
        finally:
            os._exit(code)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise AssertionError('the forked child hangs')


@pytest.mark.filterwarnings('ignore:This process .* is multi-threaded')
def test_a_forked_child_is_refused_at_once(store: CheckpointStore) -> None:
    store.put('a', {})
    store.commit()

    def every_call() -> None:
        for call in (
            lambda: store.get('a'),
            lambda: store.contains('a'),
            lambda: store.scan('a'),
            lambda: store.keys('a'),
            lambda: store.put('b', {}),
            lambda: store.delete('b'),
            store.commit,
            lambda: store._writer.transact([('SELECT 1', ())]),
        ):
            with pytest.raises(StoreClosed, match=f'belongs to process {os.getppid()}'):
                call()
        store.close()

    assert in_child(every_call) == 0
    store.put('b', {'after': 'fork'})
    store.commit()
    assert store.header('b') == {'after': 'fork'}


@pytest.mark.filterwarnings('ignore:This process .* is multi-threaded')
def test_a_child_that_outlives_its_parent_does_not_keep_the_lock(path: Path) -> None:
    store = CheckpointStore.open(path)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    os.close(reading)
    try:
        store.close()
        CheckpointStore.open(path).close()
    finally:
        os.close(writing)
        os.waitpid(child, 0)


@pytest.mark.filterwarnings('ignore:This process .* is multi-threaded')
def test_a_reader_works_on_in_a_forked_child(store: CheckpointStore, path: Path) -> None:
    store.put('a', {'n': 1})
    store.commit()
    reader = StoreReader(path)
    assert reader.header('a') == {'n': 1}

    def read() -> None:
        assert reader.header('a') == {'n': 1}
        reader.close()

    assert in_child(read) == 0
    store.put('a', {'n': 2})
    store.commit()
    assert reader.header('a') == {'n': 2}


@pytest.mark.parametrize('part', ['', '.lock', '-wal'])
def test_a_removed_store_is_noticed_at_the_next_commit(store: CheckpointStore, path: Path, part: str) -> None:
    store.put('a', {})
    store.commit()
    path.with_name(path.name + part).unlink()
    store.put('b', {})
    with pytest.raises(StoreVanished, match='removed or replaced'):
        store.commit()


def test_a_removed_folder_is_noticed_at_the_next_commit(tmp_path: Path) -> None:
    folder = tmp_path / 'deep' / 'folder'
    store = CheckpointStore.open(folder / 'store.sqlite')
    folder.rename(tmp_path / 'elsewhere')
    store.put('a', {})
    with pytest.raises(StoreVanished):
        store.commit()
    store.close()
