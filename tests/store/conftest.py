"""A store in a folder of its own, and an alarm: nothing that a store does may hang."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from kprover.store import CheckpointStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import FrameType

HANG_SECONDS = 30


@pytest.fixture(autouse=True)
def hangs_fail() -> Iterator[None]:
    def alarm(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f'the store did not answer within {HANG_SECONDS} s')

    before = signal.signal(signal.SIGALRM, alarm)
    signal.alarm(HANG_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / 'store.sqlite'


@pytest.fixture
def store(path: Path) -> Iterator[CheckpointStore]:
    with CheckpointStore.open(path) as opened:
        yield opened
