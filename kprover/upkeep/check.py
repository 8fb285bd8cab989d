"""Reads a whole store and names everything in it that is not as it should be. Changes nothing.

Terms are read from the whole ones outwards, each delta once with the text of its base at hand, so the work is linear
and at most one chain of texts is in memory.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..deltas import base_of
from ..store import FORMAT_KEY
from .rows import KINDS, WrongRow, check_row, check_term, is_hash, kind_of, name_of, refers_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final

    from ..store import StoreReader

    Tick = Callable[[int], None]

LARGEST_ROW: Final = 1 << 28
"""Bytes of the largest record that is read; a larger one was not written here."""


@dataclass(frozen=True)
class Problem:
    """A row, and what is wrong with it."""

    key: str
    what: str

    def __str__(self) -> str:
        return f'{self.key}: {self.what}'


@dataclass
class StoreCheck:
    """What was found in a store.

    Attributes:
        rows: Sound rows by kind.
        bytes: Bytes of their content by kind, headers not counted.
        problems: Every row that is damaged, not what it says it is, or refers to one that is not there.
        unknown: Rows of kinds that this version does not know, by kind; they are no problem.
    """

    rows: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)


def check_store(store: StoreReader, tick: Tick = lambda rows: None) -> StoreCheck:
    """Read everything.

    Args:
        tick: Is told how many rows have been read, every now and then.

    Raises:
        StoreError: the file cannot be read at all.
    """
    found = StoreCheck()
    large = set(store.larger_than(LARGEST_ROW))
    found.problems += [Problem(key, f'has more than {LARGEST_ROW} bytes, and is not read') for key in sorted(large)]
    if large:
        return found
    for read, (key, what) in enumerate(_problems(store, found), 1):
        if read % 1000 == 0:
            tick(read)
        if what is not None:
            found.problems.append(Problem(key, what))
    found.problems.sort(key=lambda problem: (_order(problem.key), problem.key))
    return found


def _problems(store: StoreReader, found: StoreCheck) -> Iterator[tuple[str, str | None]]:
    """Each row of the store, with what is wrong with it if anything is."""
    good_terms: set[bytes] = set()
    wrong: set[str] = set()
    for key, what, size in _terms(store):
        if what is None:
            good_terms.add(bytes.fromhex(name_of(key)))
            found.rows['term'] += 1
            found.bytes['term'] += size
        yield key, what
    position: dict[str, int] = {}
    for key in store.keys(''):
        if kind_of(key) not in KINDS and key != FORMAT_KEY:
            found.unknown[kind_of(key)] += 1
    for key in (key for kind in KINDS if kind != 'term' for key in store.keys(f'{kind}:')):
        kind = kind_of(key)
        record = store.get(key)
        if record is None:
            what = store.damaged.get(key, 'went away while the store was read')
            wrong.add(key)
            yield key, what
            continue
        problem: str | None = None
        try:
            check_row(key, record)
            missing = [row for row in refers_to(key, record) if row in wrong or not _there(store, row, good_terms)]
            if missing:
                problem = f'refers to {missing[0]}, which is missing or damaged'
            elif kind == 'journal':
                problem = _gap(key, position)
        except WrongRow as err:
            problem = str(err)
        if problem is None:
            found.rows[kind] += 1
            found.bytes[kind] += len(record.blob)
        else:
            wrong.add(key)
        yield key, problem


def _terms(store: StoreReader) -> Iterator[tuple[str, str | None, int]]:
    """Every term row with what is wrong with it, if anything is, and the size of its blob."""
    above: dict[bytes | None, list[bytes]] = {}
    for key in store.keys('term:'):
        if not is_hash(name_of(key)):
            yield key, 'has a name that is no hash', 0
            continue
        record = store.get(key)
        if record is None:
            yield key, store.damaged.get(key, 'went away while the store was read'), 0
            continue
        base = base_of(record.blob)
        above.setdefault(None if base is None else bytes.fromhex(base), []).append(bytes.fromhex(name_of(key)))
    stack: list[tuple[bytes, bytes | None]] = [(name, None) for name in above.pop(None, [])]
    while stack:
        name, base_text = stack.pop()
        key = f'term:{name.hex()}'
        record = store.get(key)
        if record is None:
            yield key, store.damaged.get(key, 'went away while the store was read'), 0
            continue
        try:
            text = check_term(name.hex(), record, base_text)
        except WrongRow as err:
            yield key, str(err), 0
            continue
        yield key, None, len(record.blob)
        stack += [(other, text) for other in above.pop(name, [])]
    for base_name, names in above.items():
        assert base_name is not None
        for name in names:
            what = f'is the difference from term:{base_name.hex()}, which is missing or damaged'
            yield f'term:{name.hex()}', what, 0


def _there(store: StoreReader, row: str, good_terms: set[bytes]) -> bool:
    if kind_of(row) == 'term':
        return bytes.fromhex(name_of(row)) in good_terms
    return store.contains(row)


def _gap(key: str, position: dict[str, int]) -> str | None:
    """What is wrong with the number of a commit; commits of one proof come in order."""
    proof, _, number = name_of(key).partition(':')
    expected = position.get(proof, 0)
    position[proof] = int(number) + 1
    return None if int(number) == expected else f'follows a gap: expected commit {expected} of the proof before it'


def _order(key: str) -> int:
    kind = kind_of(key)
    return KINDS.index(kind) if kind in KINDS else len(KINDS)
