"""The bytes of one record: a JSON header and an opaque blob, under one checksum.

    0xB2 | the first 8 bytes of the SHA-256 of key and body | body

    body:  0x00 | blob                                                                the header is empty
           0x01 | size of the packed header (varint) | packed header | blob
           0x02 | size of the header (varint) | header and blob, packed together      the blob is a JSON text

The checksum covers the key and all of the body: a flipped bit anywhere is noticed, and so is a value that a damaged
database hands out under another record's key. It is no seal: who wants to can compute it. Nothing here can execute code
from a foreign file.

Stores of format 1 have records of another form, which are read as they are:

    'KPR' 0x01 | SHA-256 (32) | length of the packed header, big endian (4) | zlib(JSON header) | blob
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from typing import Any, NamedTuple

from .packing import LARGEST_TEXT, UnreadableText, may_be_packed, pack, read_varint, unpack, varint

_MAGIC = b'\xb2'
_DIGEST_SIZE = 8
_BODY = len(_MAGIC) + _DIGEST_SIZE
_EMPTY, _APART, _TOGETHER = range(3)

_FIRST_MAGIC = b'KPR\x01'
_FIRST_BODY = len(_FIRST_MAGIC) + 32
_LENGTH = struct.Struct('>I')


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
    body = _body(header, blob)
    return b''.join((_MAGIC, _checksum(key, body)[:_DIGEST_SIZE], body))


def verify(key: str, value: bytes) -> None:
    """Return if `value` is exactly what `encode_record` made for `key`.

    Raises:
        DamagedRecord: says what is wrong.
    """
    if value.startswith(_MAGIC):
        begin, digest, size = _BODY, value[len(_MAGIC) : _BODY], _DIGEST_SIZE
    elif value.startswith(_FIRST_MAGIC):
        begin, digest, size = _FIRST_BODY, value[len(_FIRST_MAGIC) : _FIRST_BODY], _FIRST_BODY
    else:
        raise DamagedRecord('does not begin as a record does')
    if len(value) <= begin:
        raise DamagedRecord('is cut short')
    if digest != _checksum(key, memoryview(value)[begin:])[:size]:
        raise DamagedRecord('does not have its checksum')


def decode_header(key: str, value: bytes) -> dict[str, Any]:
    """The header of a stored value, after its checksum was found right. Raises `DamagedRecord`."""
    return decode_record(key, value).header


def decode_record(key: str, value: bytes) -> Record:
    """A stored value as a record, after its checksum was found right. Raises `DamagedRecord`."""
    verify(key, value)
    # A right checksum says that the bytes were written so, not by whom: a file from elsewhere may hold anything.
    try:
        text, blob = _parts(value) if value.startswith(_MAGIC) else _first_parts(value)
        header = json.loads(text.decode('utf-8', 'surrogatepass'))
    except (ValueError, RecursionError) as error:
        raise DamagedRecord(f'has an unreadable header: {error}') from error
    if not isinstance(header, dict):
        raise DamagedRecord('has a header that is no JSON object')
    return Record(header, blob)


def _body(header: dict[str, Any], blob: bytes) -> bytes:
    if not header:
        return bytes([_EMPTY]) + blob
    text = json.dumps(header, sort_keys=True, separators=(',', ':'), ensure_ascii=False, allow_nan=False)
    data = text.encode('utf-8', 'surrogatepass')
    if blob.startswith((b'{', b'[')) and may_be_packed(blob):
        return bytes([_TOGETHER]) + varint(len(data)) + pack(data + blob)
    packed = pack(data)
    return b''.join((bytes([_APART]), varint(len(packed)), packed, blob))


def _parts(value: bytes) -> tuple[bytes, bytes]:
    """The text of the header, and the blob."""
    form = value[_BODY]
    if form == _EMPTY:
        return b'{}', value[_BODY + 1 :]
    if form not in (_APART, _TOGETHER):
        raise UnreadableText(f'a form that is not known: {form}')
    size, begin = read_varint(value, _BODY + 1)
    end = begin + size
    if form == _APART:
        if end > len(value):
            raise UnreadableText('longer than its record')
        return unpack(value[begin:end]), value[end:]
    both = unpack(value[begin:])
    if size > len(both):
        raise UnreadableText('longer than its record')
    return both[:size], both[size:]


def _first_parts(value: bytes) -> tuple[bytes, bytes]:
    """The same of a record of format 1."""
    begin = _FIRST_BODY + _LENGTH.size
    if begin > len(value):
        raise UnreadableText('cut short')
    end = begin + _LENGTH.unpack_from(value, _FIRST_BODY)[0]
    if end > len(value):
        raise UnreadableText('longer than its record')
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(value[begin:end], LARGEST_TEXT)
    except zlib.error as error:
        raise UnreadableText(str(error)) from error
    if not unpacker.eof:
        raise UnreadableText('cut short or too large')
    return text, value[end:]


def _checksum(key: str, body: bytes | memoryview) -> bytes:
    name = key.encode('utf-8')
    digest = hashlib.sha256(_LENGTH.pack(len(name)))
    digest.update(name)
    digest.update(body)
    return digest.digest()
