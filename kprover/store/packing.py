"""JSON texts in little room, as the headers of records are: small, many, and much alike.

    number of digests (varint) | digests (32 each) | zstd frame without its magic number, with DICTIONARY

A string of 64 hexadecimal digits is taken out of the text and stands before it as 32 bytes, once; its places are
marked by control characters, which JSON does not have.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import zstandard

if TYPE_CHECKING:
    from typing import Final

LARGEST_TEXT: Final = 256 * 1024 * 1024
"""Bytes of the largest text that is read; a larger one was not written here."""

DICTIONARY: Final = (
    b'{"node":1,"step":\x01}{"steps":[\x01]}{"format":1,"results":[{"kind":"use-cache"}]}'
    b'{"csubst":{"constraints":[],"subst":{}},"simplified_antecedent":{"args":[],"arity":0,"label":{"name":"#Top",'
    b'"node":"KLabel","params":[{"name":"GeneratedTopCell","node":"KSort","params":[]}]},"node":"KApply",'
    b'"variable":false},"simplified_consequent":{"args":[],"arity":2,"label":{"name":"#Equals","node":"KLabel",'
    b'"params":[]},"node":"KToken","sort":{"name":"Int","node":"KSort"},"token":"0"}}'
    b'{"admitted":false,"bounded":0,"claim":"","depth":,"failing":0,"failures":[],"pending":0,"phase":"settled",'
    b'"reason":"","requests":2,"reused":0,"status":"passed","steps":2}'
    b'{"format":1,"results":[{"csubst":{"constraints":[],"subst":{}},"kind":"subsumed"}],"rewrites":0,"run":"'
    b'"results":[{"kind":"terminal","prior_loops":[]},{"kind":"subsumed","prior_loops":[]},{"kind":"use-cache",'
    b'{"format":1,"results":[{"extension":{"kind":"ndbranch","nodes":[\x01,\x01],"constraints":[],"kind":"branch",'
    b'"info":"","kind":"stuck","vacuous"}}],"imported":"'
    b'{"format":1,"results":[{"extension":{"cut":false,"depth":1,"info":"","kind":"step","logs":[{"origin":"kore-rpc",'
    b'"result":{"rule-id":\x01,"tag":"success"},"tag":"rewrite"},{"origin":"kore-rpc","result":{"rule-id":\x02'
    b'],"nodes":[\x01],"rules":[":None",":None"]},"kind":"extend"}]}'
    b'{"compared":false,"execute_depth":1000,"requests":1,"results":[{"extension":{"cut":false,"depth":2,'
    b'"kind":"step","nodes":[\x01],"rules":[":None"]},"kind":"extend","prior_loops":[],"to_cache":null}],"rewrites":2,'
    b'"run":"20260101T000000.000000Z-1000","seconds":0.0100,"target":\x01}'
)
"""What texts are expected to be made of. It belongs to the format: another one cannot read what this one wrote."""

_LEVEL: Final = 5
_DIGEST: Final = re.compile(rb'"([0-9a-f]{64})"')
_PLACE: Final = re.compile(rb'\x01|\x02([0-9a-f]+);')
_DIGEST_SIZE: Final = 32
_QUOTED_SIZE: Final = 66


class UnreadableText(ValueError):
    """The bytes are no packed text."""


def may_be_packed(text: bytes) -> bool:
    """Whether a text has no control characters that stand for something else here."""
    return b'\x01' not in text and b'\x02' not in text


def pack(text: bytes) -> bytes:
    """A text as bytes; equal texts give equal bytes."""
    places: dict[bytes, int] = {}

    def place(found: re.Match[bytes]) -> bytes:
        digest = found[1]
        if (number := places.get(digest)) is not None:
            return b'\x02%x;' % number
        places[digest] = len(places)
        return b'\x01'

    rest = _DIGEST.sub(place, text)
    digests = bytes.fromhex(b''.join(places).decode('ascii'))
    frame = _compressor(len(rest)).compress(rest)
    return varint(len(places)) + digests + frame[len(zstandard.FRAME_HEADER) :]


def unpack(data: bytes) -> bytes:
    """The text in packed bytes. Raises `UnreadableText`."""
    count, begin = read_varint(data, 0)
    end = begin + count * _DIGEST_SIZE
    if end > len(data):
        raise UnreadableText('fewer digests than it says')
    digests = [b'"%s"' % data[at : at + _DIGEST_SIZE].hex().encode() for at in range(begin, end, _DIGEST_SIZE)]
    text = _decompressed(zstandard.FRAME_HEADER + data[end:])
    fresh = iter(digests)

    def digest(found: re.Match[bytes]) -> bytes:
        return next(fresh) if found[1] is None else digests[int(found[1], 16)]

    if len(text) + _QUOTED_SIZE * (text.count(b'\x01') + text.count(b'\x02')) > LARGEST_TEXT:
        raise UnreadableText('too large')
    try:
        return _PLACE.sub(digest, text)
    except (StopIteration, IndexError, RuntimeError) as error:
        raise UnreadableText('a place for a digest that is not there') from error


def varint(number: int) -> bytes:
    """A natural number in groups of seven bits, the lowest first; all but the last have the eighth bit."""
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at a place and the place behind it. Raises `UnreadableText`."""
    number = 0
    for shift in range(0, 35, 7):
        if at >= len(data):
            break
        group = data[at]
        at += 1
        number |= (group & 0x7F) << shift
        if group < 0x80:
            return number, at
    raise UnreadableText('a number that does not end')


def _decompressed(frame: bytes) -> bytes:
    try:
        size = zstandard.frame_content_size(frame)
        if not 0 <= size <= LARGEST_TEXT:
            raise UnreadableText(f'a text of {size} bytes')
        unpacker = zstandard.ZstdDecompressor(dict_data=_dictionary(), max_window_size=2 * LARGEST_TEXT)
        return unpacker.decompress(frame, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise UnreadableText(str(error)) from error


def _compressor(size: int) -> zstandard.ZstdCompressor:
    window = (size + len(DICTIONARY)).bit_length()
    parameters = zstandard.ZstdCompressionParameters.from_level(
        _LEVEL,
        source_size=size,
        dict_size=len(DICTIONARY),
        window_log=min(max(window, zstandard.WINDOWLOG_MIN), zstandard.WINDOWLOG_MAX),
    )
    return zstandard.ZstdCompressor(compression_params=parameters, dict_data=_dictionary())


@cache
def _dictionary() -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(DICTIONARY, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
