"""Stores as format 1 had them, written by hand: all keys are text, headers are under zlib."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import struct
import time
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def first_record(key: str, packed: bytes, blob: bytes = b'', length: int | None = None) -> bytes:
    """A record with the bytes of its header as they are given, under a right checksum."""
    body = struct.pack('>I', len(packed) if length is None else length) + packed + blob
    name = key.encode()
    return b'KPR\x01' + hashlib.sha256(struct.pack('>I', len(name)) + name + body).digest() + body


def first_store(path: Path, records: Mapping[str, tuple[dict[str, object], bytes]]) -> None:
    """A store of format 1 with these headers and blobs by key."""
    connection = sqlite3.connect(path)
    connection.execute('PRAGMA journal_mode = WAL')
    connection.execute('CREATE TABLE "checkpoints" (key TEXT PRIMARY KEY, value BLOB)')
    all_records = {'store:format': ({'format': 1, 'created': time.time()}, b''), **records}
    connection.executemany(
        'INSERT INTO "checkpoints" VALUES (?, ?)',
        [
            (key, first_record(key, zlib.compress(json.dumps(header).encode(), 1), blob))
            for key, (header, blob) in all_records.items()
        ],
    )
    connection.commit()
    connection.close()
