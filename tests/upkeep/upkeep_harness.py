"""A store with rows of every kind, from a real run on the embedded server, and ways to spoil a copy of it."""

from __future__ import annotations

import functools
import shutil
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kprover.cli import main
from kprover.engine import RunConfig, SilentObserver, prove
from kprover.store.codec import encode_record
from kprover.store.names import key_of, stored_name
from kprover.suites import load_suites, select

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kprover.engine import RunSummary
    from kprover.suites import Suite

EXAMPLES = Path(__file__).resolve().parents[2] / 'examples'
SUITES = (EXAMPLES / 'imp' / 'suite.toml', EXAMPLES / 'imp' / 'failing.toml')
FAILING = 'imp-failing/IMP-WRONG.larger-strictly'
DEPENDENT = 'imp/IMP-LOOPS.transfer-six'
CLAIMS = (DEPENDENT, 'imp/IMP-EQUALITIES.sign-sum', 'imp/IMP-BRANCHES.clamped', FAILING)
"""With a dependency and its module, an equality, a chain of terms, and a failing node with its explanation."""


@functools.cache
def suites() -> tuple[Suite, ...]:
    return load_suites(SUITES)


def run(store: Path, claims: tuple[str, ...] = CLAIMS) -> RunSummary:
    config = RunConfig(store=store, workers=1, backend='embedded')
    loaded = suites()
    return prove(loaded, select(loaded, list(claims)), config, SilentObserver())


@dataclass(frozen=True)
class Proved:
    """A store after a run, and what the run found."""

    store: Path
    summary: RunSummary

    def copy(self, folder: Path) -> Path:
        return Path(shutil.copy(self.store, folder / 'copy.sqlite'))


def outcome(summary: RunSummary) -> dict[str, object]:
    """Status and failures of each claim. Notes about the origin of steps are left out."""
    return {
        claim.claim: (claim.status, [replace(failure, node=None) for failure in claim.failures])
        for claim in summary.claims
    }


def kprover(*arguments: object) -> int:
    """The command, in this process, on the suites of this module."""
    words = [str(argument) for argument in arguments]
    return main([*words, *(word for file in SUITES for word in ('--suite', str(file))), '--backend', 'embedded'])


def kinds(store: Path) -> set[str]:
    return {key.partition(':')[0] for key, _ in rows(store)}


def rows(store: Path, prefix: str = '') -> list[tuple[str, bytes]]:
    with _connected(store) as connection:
        found = sorted(connection.execute('SELECT key, value FROM checkpoints'), key=lambda row: key_of(row[0]))
    return [(key, value) for name, value in found if (key := key_of(name)).startswith(prefix)]


def flip(store: Path, prefix: str) -> list[str]:
    """Change the last byte of every row of a kind. Returns their keys."""
    found = rows(store, prefix)
    assert found, prefix
    write(store, {key: value[:-1] + bytes([value[-1] ^ 1]) for key, value in found})
    return [key for key, _ in found]


def write(store: Path, values: dict[str, bytes]) -> None:
    with _connected(store) as connection:
        named = [(stored_name(key), value) for key, value in values.items()]
        connection.executemany('REPLACE INTO checkpoints (key, value) VALUES (?, ?)', named)


def sealed(store: Path, key: str, header: dict[str, object], blob: bytes = b'') -> None:
    """Write a row with a right checksum, whatever it says."""
    write(store, {key: encode_record(key, header, blob)})


def remove(store: Path, key: str) -> None:
    with _connected(store) as connection:
        connection.execute('DELETE FROM checkpoints WHERE key = ?', (stored_name(key),))


@contextmanager
def _connected(store: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(store)
    yield connection
    connection.commit()
    connection.close()
