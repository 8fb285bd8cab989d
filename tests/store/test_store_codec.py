"""The bytes of a record say whether they are what was written, under which key."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib

import pytest
import zstandard
from first_format import first_record
from hypothesis import given
from hypothesis import strategies as st

from kprover.store.codec import DamagedRecord, Record, decode_header, decode_record, encode_record
from kprover.store.names import key_of, stored_name
from kprover.store.packing import pack, varint

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
hashes = st.sampled_from(['0' * 64, 'a1' * 32, 'f' * 64, 'f' * 65, 'F' * 64])
headers = st.dictionaries(st.text(), json_values | hashes | st.lists(hashes), max_size=5)
blobs = st.binary(max_size=300) | headers.map(lambda value: json.dumps(value, ensure_ascii=False).encode())
keys = st.text(st.characters(exclude_categories=('Cs',)), min_size=1)


@given(keys, headers, blobs)
def test_a_record_comes_back_as_it_was(key: str, header: dict[str, object], blob: bytes) -> None:
    value = encode_record(key, header, blob)
    assert decode_record(key, value) == Record(header, blob)
    assert decode_header(key, value) == header


@given(st.data())
def test_a_flipped_bit_anywhere_is_noticed(data: st.DataObject) -> None:
    blob = data.draw(st.sampled_from([b'', b'blob' * 8, b'{"rules":["%s"]}' % (b'ab' * 32)]))
    value = bytearray(encode_record('step:a', data.draw(st.sampled_from([{}, {'nodes': ['ab' * 32, 'y']}])), blob))
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


def sealed(body: bytes) -> bytes:
    """A value with a right checksum around anything, as a hostile file could hold."""
    digest = hashlib.sha256(struct.pack('>I', 1) + b'k' + body).digest()[:8]
    return encode_record('k', {})[:1] + digest + body


def framed(text: bytes, digests: int = 0, there: int = 0) -> bytes:
    """A packed text that says what it likes about its digests."""
    return varint(digests) + bytes(32 * there) + zstandard.ZstdCompressor().compress(text)[4:]


def apart(packed: bytes) -> bytes:
    return sealed(b'\x01' + varint(len(packed)) + packed)


@pytest.mark.parametrize(
    'value',
    [
        sealed(b''),
        sealed(b'\x07{}'),
        sealed(b'\x01'),
        sealed(b'\x01\xff\xff\xff\xff\xff\xff'),
        sealed(b'\x01' + varint(10_000) + pack(b'{}')),
        sealed(b'\x02' + varint(10_000) + pack(b'{}')),
        apart(b''),
        apart(b'\x00no zstd'),
        apart(pack(b'{"a":')),
        apart(pack(b'[1]')),
        apart(pack(b'\xff\xfe')),
        apart(pack(b'{}')[:-1]),
        apart(pack(b'[' * 200_000)),
        apart(framed(b'{}', digests=1)),
        apart(framed(b'{"a":\x01}')),
        apart(framed(b'{"a":\x01,"b":\x01}', 1, 1)),
        apart(framed(b'{"a":\x025;}', 1, 1)),
        apart(framed(b'["%s"]' % (b'\x020;' * (4 << 20)), 1, 1)),
        apart(framed(bytes(300 << 20))),
        first_record('k', b'no zlib'),
        first_record('k', zlib.compress(b'{"a":')),
        first_record('k', zlib.compress(b'{}')[:-3]),
        first_record('k', zlib.compress(b'{}'), length=10_000),
        first_record('k', zlib.compress(bytes(300 << 20), 9)),
    ],
    ids=[
        'nothing',
        'form',
        'no-length',
        'endless-length',
        'length',
        'length-of-both',
        'no-count',
        'no-zstd',
        'half-json',
        'no-object',
        'no-utf8',
        'cut',
        'deep',
        'digests-missing',
        'no-digest',
        'too-few-digests',
        'another-digest',
        'bomb-of-digests',
        'bomb',
        'first-no-zlib',
        'first-half-json',
        'first-cut',
        'first-length',
        'first-bomb',
    ],
)
def test_a_foreign_value_with_a_right_checksum_is_refused_calmly(value: bytes) -> None:
    with pytest.raises(DamagedRecord):
        decode_record('k', value)


def test_values_sealed_like_these_are_read_where_they_are_in_order() -> None:
    assert decode_record('k', apart(framed(b'{"a":\x01,"b":\x020;}', 1, 1))).header == {'a': '0' * 64, 'b': '0' * 64}
    assert decode_record('k', first_record('k', zlib.compress(b'{"a":1}'), b'blob')) == Record({'a': 1}, b'blob')


@given(st.lists(keys | st.from_regex(r'(step|term|journal|steps):[0f]{64}(:[0-9]{8,9})?', fullmatch=True), unique=True))
def test_keys_have_names_of_their_own_and_keep_their_order(texts: list[str]) -> None:
    names = {text: stored_name(text) for text in texts}
    assert all(key_of(name) == text for text, name in names.items())
    for form in (str, bytes):
        alike = [text for text in sorted(texts) if isinstance(names[text], form)]
        assert alike == sorted(alike, key=lambda text: names[text])


@pytest.mark.parametrize('name', ['step:' + '0' * 64, b'', b'\x05' + bytes(31), b'\xff' + bytes(32), None, 7])
def test_a_name_that_was_not_written_here_is_nobodys(name: object) -> None:
    assert key_of(name).startswith('unknown:')
