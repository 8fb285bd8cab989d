"""What the owner and the readers of a store have in common: looking records up.

A record that is not what was written is a missing record: `get` gives None, `scan` passes it over, and its
key stands in `damaged` with the reason. A damaged database file is another matter and raises
`CorruptStore`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from .codec import DamagedRecord, decode_header, decode_record, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TypeVar

    from .codec import Record

    T = TypeVar('T')


class Records(ABC):
    """Read access to records by key and by prefix. Keys are ordered by code points."""

    damaged: dict[str, str]
    """Key of every damaged record met so far, and what is wrong with it."""

    def __init__(self) -> None:
        self.damaged = {}

    def get(self, key: str) -> Record | None:
        """The record under `key`; None if there is none or it is damaged."""
        return self._decoded(key, self._value(key), decode_record)

    def header(self, key: str) -> dict[str, Any] | None:
        """The header of the record under `key`; None if there is none or it is damaged."""
        return self._decoded(key, self._value(key), decode_header)

    def contains(self, key: str) -> bool:
        """Whether there is an undamaged record under `key`."""
        return self._decoded(key, self._value(key), _verified) is not None

    def scan(self, prefix: str) -> Iterator[tuple[str, Record]]:
        """All undamaged records whose key begins with `prefix`, in key order.

        The owner sees its own changes up to the call. What a writer commits during the iteration may be
        seen or not. A damaged record leaves a gap: where a gap means something, the caller has to look for
        it.
        """
        return self._decoded_items(self._items(prefix), decode_record)

    def scan_headers(self, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """As `scan`, with the headers only."""
        return self._decoded_items(self._items(prefix), decode_header)

    @abstractmethod
    def keys(self, prefix: str) -> Iterator[str]:
        """The keys that begin with `prefix`, in order, those of damaged records included; reads no values."""

    @abstractmethod
    def _value(self, key: str) -> bytes | None: ...

    @abstractmethod
    def _items(self, prefix: str) -> Iterator[tuple[str, bytes]]: ...

    def _decoded_items(
        self, items: Iterator[tuple[str, bytes]], decode: Callable[[str, bytes], T]
    ) -> Iterator[tuple[str, T]]:
        for key, value in items:
            found = self._decoded(key, value, decode)
            if found is not None:
                yield key, found

    def _decoded(self, key: str, value: bytes | None, decode: Callable[[str, bytes], T]) -> T | None:
        if value is None:
            return None
        try:
            return decode(key, value)
        except DamagedRecord as error:
            self.damaged[key] = str(error)
            return None


def _verified(key: str, value: bytes) -> bool:
    verify(key, value)
    return True
