"""The checkpoint store: records under text keys in one SQLite file, durable, checked, with one owner.

`CheckpointStore` is the owner's handle, `StoreReader` everybody else's. Nothing here knows what a record
means.
"""

from __future__ import annotations

from .codec import Record
from .compact import compact
from .errors import (
    CorruptStore,
    StoreClosed,
    StoreError,
    StoreFormatError,
    StoreLocked,
    StoreVanished,
    StoreWriteError,
)
from .format import FORMAT, FORMAT_KEY
from .reader import StoreReader
from .records import Records
from .store import CheckpointStore

__all__ = [
    'FORMAT',
    'FORMAT_KEY',
    'CheckpointStore',
    'CorruptStore',
    'Record',
    'Records',
    'StoreClosed',
    'StoreError',
    'StoreFormatError',
    'StoreLocked',
    'StoreReader',
    'StoreVanished',
    'StoreWriteError',
    'compact',
]
