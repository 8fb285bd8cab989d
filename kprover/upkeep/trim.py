"""Rows that no claim needs any more: found first, then deleted in one transaction."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .reach import reached_rows
from .rows import KINDS, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

    from ..engine.plan import PlannedProof
    from ..store import CheckpointStore, Records

ALWAYS_KEPT: Final = ('run', 'flaky')
"""Rows that are about what has happened; claims do not reach them. Rows of unknown kinds are kept too."""


class NothingReached(Exception):
    """No proof in the store belongs to the suites: they are the wrong ones, or the store is."""


@dataclass
class Unreached:
    """What is to be freed.

    Attributes:
        rows: The keys.
        bytes: Bytes of the rows.
        kept: How many rows of each kind are kept.
    """

    rows: list[str] = field(default_factory=list)
    bytes: int = 0
    kept: Counter[str] = field(default_factory=Counter)

    @property
    def counts(self) -> Counter[str]:
        """How many rows of each kind are to be freed."""
        return Counter(map(kind_of, self.rows))


def unreached_rows(store: Records, proofs: Iterable[PlannedProof]) -> Unreached:
    """The rows that the proofs do not reach, see `reached_rows`.

    Raises:
        NothingReached: none of the proofs is in the store, which has others.
    """
    reached = reached_rows(store, proofs)
    result = Unreached()
    for key in store.keys(''):
        kind = kind_of(key)
        if kind not in KINDS or kind in ALWAYS_KEPT or key in reached:
            result.kept[kind] += 1
            continue
        record = store.get(key)
        result.bytes += len(key) + (0 if record is None else len(record.blob))
        result.rows.append(key)
    if result.counts['proof'] and not result.kept['proof']:
        raise NothingReached(
            f'none of the {result.counts["proof"]} proofs in the store belongs to the claims of these suites and this '
            'backend as they are now, so all would be freed; name other suites, or remove the store if that is meant'
        )
    return result


def free(store: CheckpointStore, unreached: Unreached) -> None:
    """Delete the rows. After a crash all of them are there, or none. Raises `StoreError`."""
    for key in unreached.rows:
        store.delete(key)
    store.commit()
