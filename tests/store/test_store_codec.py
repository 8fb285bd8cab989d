"""The bytes of a record say whether they are what was written, under which key."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kprover.store.codec import DamagedRecord, Record, decode_header, decode_record, encode_record

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
headers = st.dictionaries(st.text(), json_values, max_size=5)
keys = st.text(st.characters(exclude_categories=('Cs',)), min_size=1)


@given(keys, headers, st.binary(max_size=300))
def test_a_record_comes_back_as_it_was(key: str, header: dict[str, object], blob: bytes) -> None:
    value = encode_record(key, header, blob)
    assert decode_record(key, value) == Record(header, blob)
    assert decode_header(key, value) == header


@given(st.data())
def test_a_flipped_bit_anywhere_is_noticed(data: st.DataObject) -> None:
    value = bytearray(encode_record('step:a', {'requests': 2, 'nodes': ['x', 'y']}, b'blob' * 8))
    at = data.draw(st.integers(0, len(value) - 1))
    value[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(DamagedRecord):
        decode_record('step:a', bytes(value))


@given(st.integers(0, 200))
def test_a_record_cut_short_is_noticed(length: int) -> None:
    value = encode_record('step:a', {'requests': 2}, b'b' * 200)
    with pytest.raises(DamagedRecord):
        decode_header('step:a', value[: min(length, len(value) - 1)])


def test_a_value_under_another_key_is_noticed() -> None:
    with pytest.raises(DamagedRecord, match='checksum'):
        decode_record('step:b', encode_record('step:a', {}))


def test_equal_records_have_equal_bytes() -> None:
    assert encode_record('k', {'a': 1, 'b': 2}, b'x') == encode_record('k', {'b': 2, 'a': 1}, b'x')


@pytest.mark.parametrize('header', [{'x': float('nan')}, {'x': b'bytes'}, {'x': {1, 2}}, [1], 'text'])
def test_a_header_that_is_not_a_json_object_is_refused(header: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        encode_record('k', header)  # type: ignore[arg-type]


def sealed(packed: bytes, length: int | None = None) -> bytes:
    """A value with a right checksum around any header bytes, as a hostile file could hold."""
    body = struct.pack('>I', len(packed) if length is None else length) + packed
    key = b'k'
    digest = hashlib.sha256(struct.pack('>I', len(key)) + key + body).digest()
    return b'KPR\x01' + digest + body


@pytest.mark.parametrize(
    'value',
    [
        sealed(b'no zlib'),
        sealed(zlib.compress(b'{"a":')),
        sealed(zlib.compress(b'[1]')),
        sealed(zlib.compress(b'\xff\xfe')),
        sealed(zlib.compress(b'{}')[:-3]),
        sealed(zlib.compress(b'{}'), length=10_000),
        sealed(zlib.compress(b'[' * 200_000)),
        sealed(zlib.compress(bytes(300 * 1024 * 1024), 9)),
    ],
    ids=['no-zlib', 'half-json', 'no-object', 'no-utf8', 'cut', 'length', 'deep', 'bomb'],
)
def test_a_foreign_value_with_a_right_checksum_is_refused_calmly(value: bytes) -> None:
    with pytest.raises(DamagedRecord):
        decode_record('k', value)


def test_a_sealed_value_with_a_good_header_is_read() -> None:
    assert decode_record('k', sealed(zlib.compress(json.dumps({'a': 1}).encode()))) == Record({'a': 1}, b'')
