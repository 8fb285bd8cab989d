"""The bytes of one record: a JSON header and an opaque blob, under one checksum.

    magic (4) | SHA-256 (32) | length of the packed header, big endian (4) | zlib(JSON header) | blob

The checksum covers the key, the length, the header and the blob: a flipped bit anywhere is noticed, and so
is a value that a damaged database hands out under another record's key. Nothing here can execute code from
a foreign file.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from typing import Any, NamedTuple

_MAGIC = b'KPR\x01'
_DIGEST_SIZE = 32
_LENGTH = struct.Struct('>I')
_BODY = len(_MAGIC) + _DIGEST_SIZE
_PACKED_HEADER = _BODY + _LENGTH.size
_MAX_HEADER_BYTES = 256 * 1024 * 1024


class Record(NamedTuple):
    """What is stored under a key: a small header that the driver reads, and bytes that only their maker
    reads.
    """

    header: dict[str, Any]
    blob: bytes


class DamagedRecord(ValueError):
    """The bytes of a value are not what was written under its key."""


def encode_record(key: str, header: dict[str, Any], blob: bytes = b'') -> bytes:
    """The value to store under `key`.

    Equal input gives equal bytes.  The header must be JSON: tuples come back as lists, non-finite numbers and
    keys that are no strings are refused.

    Raises:
        TypeError, ValueError: if the header is not a JSON object, or the key is not encodable as UTF-8.
    """
    if not isinstance(header, dict):
        raise TypeError(f'{key}: the header of a record must be a dict, found: {type(header).__name__}')
    text = json.dumps(header, sort_keys=True, separators=(',', ':'), ensure_ascii=False, allow_nan=False)
    packed = zlib.compress(text.encode('utf-8', 'surrogatepass'), 1)
    body = b''.join((_LENGTH.pack(len(packed)), packed, blob))
    return b''.join((_MAGIC, _checksum(key, body), body))


def verify(key: str, value: bytes) -> None:
    """Return if `value` is exactly what `encode_record` made for `key`.

    Raises:
        DamagedRecord: says what is wrong.
    """
    if value[: len(_MAGIC)] != _MAGIC:
        raise DamagedRecord('does not begin as a record does')
    if len(value) < _PACKED_HEADER:
        raise DamagedRecord('is cut short')
    if value[len(_MAGIC) : _BODY] != _checksum(key, memoryview(value)[_BODY:]):
        raise DamagedRecord('does not have its checksum')


def decode_header(key: str, value: bytes) -> dict[str, Any]:
    """The header of a stored value, after its checksum was found right. Raises `DamagedRecord`."""
    verify(key, value)
    return _header(value, _header_end(value))


def decode_record(key: str, value: bytes) -> Record:
    """A stored value as a record, after its checksum was found right. Raises `DamagedRecord`."""
    verify(key, value)
    end = _header_end(value)
    return Record(_header(value, end), value[end:])


def _checksum(key: str, body: bytes | memoryview) -> bytes:
    name = key.encode('utf-8')
    digest = hashlib.sha256(_LENGTH.pack(len(name)))
    digest.update(name)
    digest.update(body)
    return digest.digest()


def _header_end(value: bytes) -> int:
    end: int = _PACKED_HEADER + _LENGTH.unpack_from(value, _BODY)[0]
    if end > len(value):
        raise DamagedRecord('has a header longer than itself')
    return end


def _header(value: bytes, end: int) -> dict[str, Any]:
    # A right checksum says that the bytes were written so, not by whom: a file from elsewhere may hold
    # anything.
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(value[_PACKED_HEADER:end], _MAX_HEADER_BYTES)
        if not unpacker.eof:
            raise DamagedRecord('has a header that is cut short or too large')
        header = json.loads(text.decode('utf-8', 'surrogatepass'))
    except (zlib.error, ValueError, RecursionError) as error:
        raise DamagedRecord(f'has an unreadable header: {error}') from error
    if not isinstance(header, dict):
        raise DamagedRecord('has a header that is no JSON object')
    return header
