"""A writer that is killed leaves exactly a prefix of its commits, wherever in its writing that was.

The kernel does the killing: a limit on the size of files ends the process within the very write that goes beyond it,
so that every frame of the write-ahead log is once the last whole one and once torn. What happens between writes is had
from the files themselves: a log cut at every frame, a database in the middle of a checkpoint.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kprover.store import CheckpointStore, StoreReader

if TYPE_CHECKING:
    from collections.abc import Callable

COMMITS = 5


def changes(number: int) -> dict[str, bytes | None]:
    """What commit `number` puts and deletes: new rows, one written again, one removed, sizes from nothing to pages."""
    made: dict[str, bytes | None] = {
        f'step:{number}': bytes([number]) * (1500 * number),
        f'journal:{number:08d}': b'',
        'status:last': bytes([number]) * 3000,
    }
    if number > 1:
        made[f'step:{number - 2}'] = None
    return made


def after(commits: int) -> dict[str, bytes]:
    """The records that are there after so many commits."""
    state: dict[str, bytes] = {}
    for number in range(commits):
        for key, blob in changes(number).items():
            if blob is None:
                del state[key]
            else:
                state[key] = blob
    return state


STATES = [after(number) for number in range(COMMITS + 1)]


def write_all(path: Path, acknowledge: Callable[[], object], opened: Callable[[], object]) -> None:
    with CheckpointStore.open(path) as store:
        opened()
        for number in range(COMMITS):
            for key, blob in changes(number).items():
                if blob is None:
                    store.delete(key)
                else:
                    store.put(key, {'n': len(blob)}, blob)
            store.commit()
            acknowledge()


def killed_writer(
    path: Path, prepare: Callable[[], object], opened: Callable[[], object] = lambda: None
) -> tuple[int, bool]:
    """Write in a child process that calls `prepare`, opens the store, calls `opened` and makes all commits.

    Returns how many commits it has acknowledged, and whether it was killed.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(reading)
            prepare()
            write_all(path, lambda: os.write(writing, b'.'), opened)
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writing)
    acknowledged = 0
    while told := os.read(reading, 100):
        acknowledged += len(told)
    os.close(reading)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return acknowledged, os.WIFSIGNALED(status)


def commits_in(path: Path) -> int:
    """How many commits the store holds; fails if that is no prefix of them all, or anything is damaged."""
    with StoreReader(path) as reader:
        found = {key: record.blob for key, record in reader.scan('') if key != 'store:format'}
        assert not reader.damaged
    assert found in STATES
    return STATES.index(found)


def test_a_writer_killed_in_any_of_its_writes_has_lost_nothing_acknowledged(tmp_path: Path) -> None:
    whole = tmp_path / 'whole' / 'store.sqlite'
    sizes: list[int] = []
    write_all(whole, lambda: sizes.append((whole.parent / 'store.sqlite-wal').stat().st_size), lambda: None)
    assert commits_in(whole) == COMMITS
    frame = 4096 + 24
    deaths = []
    for limit in [*range(32, max(sizes), frame), *range(32 + frame // 3, max(sizes), frame)]:
        path = tmp_path / str(limit) / 'store.sqlite'
        acknowledged, killed = killed_writer(path, lambda: None, lambda limit=limit: die_beyond(limit))
        assert commits_in(path) in (acknowledged, acknowledged + 1)
        if killed:
            deaths.append(acknowledged)
        if limit % 7 == 0:
            with CheckpointStore.open(path) as store:  # and it can be written again
                store.put('again', {})
                store.commit()
        shutil.rmtree(path.parent)
    assert set(deaths) == set(range(COMMITS))


def test_a_store_killed_while_it_is_made_is_there_or_not_at_all(tmp_path: Path) -> None:
    seen = set()
    for size in (0, 100, 512, 4095, 4096, 8191, 8192, 12288, 20000, 32767, 32768, 40000):
        path = tmp_path / str(size) / 'store.sqlite'
        acknowledged, _ = killed_writer(path, lambda size=size: die_beyond(size))
        seen.add(path.exists())
        assert commits_in(path) in (acknowledged, acknowledged + 1)
        write_all(path, lambda: None, lambda: None)
        assert commits_in(path) == COMMITS
    assert seen == {True, False}


def die_beyond(size: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def test_a_writer_killed_before_any_of_its_statements_has_lost_nothing_acknowledged(tmp_path: Path) -> None:
    boundary = 0
    while True:
        path = tmp_path / str(boundary) / 'store.sqlite'
        acknowledged, killed = killed_writer(path, lambda at=boundary: die_before_statement(at))
        found = commits_in(path)
        assert found in (acknowledged, acknowledged + 1)
        if not killed:
            assert found == COMMITS
            break
        boundary += 1
    assert boundary > 3 * COMMITS


def die_before_statement(number: int) -> None:
    from kprover.store.writer import Writer

    run = Writer._run
    left = [number]

    def counted(self: Writer, sql: str, arguments: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        return run(self, sql, arguments)

    Writer._run = counted  # type: ignore[method-assign, assignment]


@pytest.fixture
def logged(tmp_path: Path) -> Path:
    """A folder with a store whose commits are all in its log, as after a kill."""
    path = tmp_path / 'logged' / 'store.sqlite'
    acknowledged, killed = killed_writer(path, kill_at_close)
    assert killed
    assert acknowledged == COMMITS
    return path.parent


def kill_at_close() -> None:
    CheckpointStore.close = lambda self: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]


def test_a_log_that_lost_its_tail_holds_a_prefix_of_the_commits(logged: Path, tmp_path: Path) -> None:
    log = (logged / 'store.sqlite-wal').read_bytes()
    page = struct.unpack('>I', log[8:12])[0]
    frame = page + 24
    ends = [
        (start + frame) for start in range(32, len(log), frame) if struct.unpack('>I', log[start + 4 : start + 8])[0]
    ]
    found: list[int] = []
    for cut in sorted({*range(32, len(log) + 1, frame), *range(32 + frame // 2, len(log), frame), 0, 16}):
        folder = tmp_path / f'cut-{cut}'
        shutil.copytree(logged, folder)
        (folder / 'store.sqlite-shm').unlink(missing_ok=True)
        os.truncate(folder / 'store.sqlite-wal', cut)
        # the first commit of all is the store's own
        committed = sum(end <= cut for end in ends)
        found.append(commits_in(folder / 'store.sqlite'))
        assert found[-1] == max(committed - (len(ends) - COMMITS), 0)
        shutil.rmtree(folder)
    assert found == sorted(found)
    assert set(found) == set(range(COMMITS + 1))


def test_a_damaged_frame_ends_the_log_before_it(logged: Path, tmp_path: Path) -> None:
    log = bytearray((logged / 'store.sqlite-wal').read_bytes())
    frame = struct.unpack('>I', log[8:12])[0] + 24
    middle = 32 + (len(log) // frame // 2) * frame + 100
    log[middle] ^= 1
    (logged / 'store.sqlite-wal').write_bytes(log)
    (logged / 'store.sqlite-shm').unlink(missing_ok=True)
    assert 0 < commits_in(logged / 'store.sqlite') < COMMITS


def test_a_checkpoint_that_stopped_after_any_page_has_lost_nothing(logged: Path, tmp_path: Path) -> None:
    before = (logged / 'store.sqlite').read_bytes()
    done = tmp_path / 'done'
    shutil.copytree(logged, done)
    connection = sqlite3.connect(done / 'store.sqlite')
    connection.execute('PRAGMA wal_checkpoint(FULL)').fetchall()
    connection.close()
    written = (done / 'store.sqlite').read_bytes()
    page = struct.unpack('>I', (logged / 'store.sqlite-wal').read_bytes()[8:12])[0]
    assert len(written) > len(before)
    for end in range(0, len(written) + 1, page):
        folder = tmp_path / f'until-{end}'
        shutil.copytree(logged, folder)
        (folder / 'store.sqlite-shm').unlink(missing_ok=True)
        (folder / 'store.sqlite').write_bytes(written[:end] + before[end:])
        assert commits_in(folder / 'store.sqlite') == COMMITS
        shutil.rmtree(folder)
