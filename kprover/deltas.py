"""Terms as bytes: whole, or as what is new against another term.

The term of a node has nearly everything in common with that of the node before it. A *delta* is compressed with the
text of its *base* as dictionary; the base may be a delta too. The name of a term is the SHA-256 of its text, so however
it is stored, what is read is checked against its name.

    whole:  zstd(text); in stores of format 1 zlib(text); a JSON text that the store packs with its header, as it is
    delta:  0xD1 | number of bases below it (2) | SHA-256 of the base (32) | size of the whole term at the end of the
            chain (4) | bytes of the deltas on the way there, this one included (4) | zstd(text, dictionary)

A chain ends where its deltas together would be larger than the whole term at its end: so the bytes to be read are at
most twice those of a whole term, and the bytes stored at most twice those of the deltas alone, as long as a chain is
not ended by the limit on its length. All functions are pure; nothing here knows what a text says.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import zstandard

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

LONGEST_CHAIN: Final = 100
"""A term has at most so many bases below it: each is a record to be read."""

LARGEST_TEXT: Final = 1 << 28
"""Bytes of the largest text that is read; a larger one was not written here."""

_LEVEL: Final = 7
_MAGIC: Final = 0xD1
_HEAD: Final = struct.Struct('>BH32sII')


class DamagedTerm(ValueError):
    """The bytes are no term, or not the one that was asked for."""


class MissingBase(DamagedTerm):
    """A term cannot be read because another one is missing, damaged, or a delta of this one.

    Attributes:
        chain: The terms from the one that was asked for to the one that is not there, that one included.
    """

    def __init__(self, chain: tuple[str, ...], what: str):
        super().__init__(f'term {chain[0]}: expected the term {chain[-1]}, found {what}')
        self.chain = chain


@dataclass(frozen=True)
class Base:
    """A term that a delta may be made against.

    Attributes:
        name: SHA-256 of the text, hexadecimal.
        blob: How it is stored.
    """

    name: str
    text: bytes
    blob: bytes


def pack(text: bytes, base: Base | None = None) -> bytes:
    """A text as a blob: a delta against `base`, where there is one and the chain stays short. Equal input gives equal
    bytes.
    """
    if base is None:
        return _compressed(text)
    depth, whole, before = _place(base.blob)
    if depth >= LONGEST_CHAIN:
        return _compressed(text)
    body = _compressed(text, base.text)
    size = _HEAD.size + len(body)
    if before + size > whole:
        return _compressed(text)
    return _HEAD.pack(_MAGIC, depth + 1, bytes.fromhex(base.name), whole, before + size) + body


def base_of(blob: bytes) -> str | None:
    """The name of the base of a delta; `None` for a whole term."""
    if not blob or blob[0] != _MAGIC or len(blob) < _HEAD.size:
        return None
    name: bytes = _HEAD.unpack_from(blob)[2]
    return name.hex()


def expand(blob: bytes, base: bytes | None = None) -> bytes:
    """The text in a blob; `base` is the text of its base. Raises `DamagedTerm`."""
    if base_of(blob) is None:
        if blob.startswith((b'{', b'[')):
            return blob
        return _expanded(blob) if blob.startswith(zstandard.FRAME_HEADER) else _inflated(blob)
    if base is None:
        raise DamagedTerm('a delta without its base')
    return _expanded(blob[_HEAD.size :], base)


def chain(name: str, read: Callable[[str], bytes | None]) -> dict[str, bytes]:
    """The blobs that the text of a term is made of, by name: its own, its base's, and so on to a whole one.

    Args:
        read: Gives the blob of a term, `None` if it is missing or damaged.

    Raises:
        MissingBase: one of them is not there, or the bases go round in a circle.
    """
    blobs: dict[str, bytes] = {}
    wanted: str | None = name
    while wanted is not None:
        blob = read(wanted) if wanted not in blobs else None
        if blob is None:
            what = 'a circle of bases' if wanted in blobs else 'none'
            raise MissingBase((*blobs, wanted), what)
        blobs[wanted] = blob
        wanted = base_of(blob)
    return blobs


def text_of(
    name: str, read: Callable[[str], bytes | None], known: Callable[[str], bytes | None] = lambda name: None
) -> bytes:
    """The text of a term, checked against its name.

    Args:
        read: As for `chain`.
        known: Gives the text of a base if it is at hand.

    Raises:
        DamagedTerm: the text that is found has another name; `MissingBase`: there is none.
    """
    texts: dict[str, bytes] = {}

    def needed(wanted: str) -> bytes | None:
        text = known(wanted) if wanted != name else None
        if text is not None:
            texts[wanted] = text
            return b''  # ends the chain
        return read(wanted)

    text: bytes | None = None
    for link, blob in reversed(chain(name, needed).items()):
        text = texts[link] if link in texts else expand(blob, text)
    assert text is not None
    if (found := hashlib.sha256(text).hexdigest()) != name:
        raise DamagedTerm(f'expected the term {name}, found another one: {found}')
    return text


def _place(blob: bytes) -> tuple[int, int, int]:
    """How many bases a term has, the size of the whole one, and the bytes of the deltas."""
    if base_of(blob) is None:
        return 0, len(blob), 0
    _, depth, _, whole, deltas = _HEAD.unpack_from(blob)
    return depth, whole, deltas


def _compressed(text: bytes, base: bytes = b'') -> bytes:
    window = (len(text) + len(base)).bit_length()
    parameters = zstandard.ZstdCompressionParameters.from_level(
        _LEVEL,
        source_size=len(text),
        dict_size=len(base),
        window_log=min(max(window, zstandard.WINDOWLOG_MIN), zstandard.WINDOWLOG_MAX),
    )
    return zstandard.ZstdCompressor(compression_params=parameters, dict_data=_dictionary(base)).compress(text)


def _expanded(data: bytes, base: bytes = b'') -> bytes:
    try:
        size = zstandard.frame_content_size(data)
        if not 0 <= size <= LARGEST_TEXT:
            raise DamagedTerm(f'expected a compressed text of at most {LARGEST_TEXT} bytes, found one of {size}')
        unpacker = zstandard.ZstdDecompressor(dict_data=_dictionary(base), max_window_size=2 * LARGEST_TEXT)
        return unpacker.decompress(data, allow_extra_data=False)
    except zstandard.ZstdError as err:
        raise DamagedTerm(f'expected compressed text, found {len(data)} bytes that are none: {err}') from err


def _dictionary(base: bytes) -> zstandard.ZstdCompressionDict | None:
    return zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT) if base else None


def _inflated(data: bytes) -> bytes:
    """The text in a whole term of a store of format 1."""
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(data, LARGEST_TEXT)
    except zlib.error as err:
        raise DamagedTerm(f'expected compressed text, found {len(data)} bytes that are none: {err}') from err
    if not unpacker.eof:
        raise DamagedTerm('a compressed text that is cut short or too large')
    if unpacker.unused_data:
        raise DamagedTerm('a compressed text with something behind it')
    return text
