"""Stores with many records, and a change of a value in the file itself."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from kprover.store import (
    CheckpointStore,
)
from kprover.store.rows import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable


def filled(path: Path, count: int = 300) -> None:
    with CheckpointStore.open(path) as store:
        for number in range(count):
            store.put(f'step:{number:05d}', {'n': number}, random.Random(number).randbytes(600))
        store.commit()


def change_value(path: Path, key: str, change: Callable[[bytes], object]) -> None:
    connection = sqlite3.connect(path)
    (value,) = connection.execute(f'SELECT value FROM "{TABLE}" WHERE key = ?', (key,)).fetchone()
    connection.execute(f'UPDATE "{TABLE}" SET value = ? WHERE key = ?', (change(value), key))
    connection.commit()
    connection.close()
