"""Terms and other values as bytes: canonical JSON, its hash, and a bounded cache of decoded terms.

Canonical JSON has sorted keys and no white space and is ASCII, so that equal values are equal bytes. A blob is its
zlib compression at level 1, the JSON itself if it is short (the store packs it together with its header), or for a term
what is new in it against another one (`kprover.deltas`); the hash of a term is the SHA-256 of the uncompressed JSON of
`CTerm.to_dict()`, however it is stored.
"""

from __future__ import annotations

import hashlib
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyk.cterm.cterm import CTerm

from .. import deltas
from .convert.deep_json import dumps, loads
from .convert.kast_json import TermReader, TermWriter
from .errors import MissingRecord

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

_LEVEL: Final = 1
_PLAIN: Final = (b'{', b'[')
_PLAIN_BYTES: Final = 16 << 10
_CACHE_BYTES: Final = 32 << 20
_ID_DIGITS: Final = 32


def canonical(value: Any) -> bytes:
    """The canonical JSON of a value."""
    return dumps(value, sort_keys=True, separators=(',', ':')).encode('ascii')


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def content_id(init: str, target: str) -> str:
    """The id of a reachability proof, from the hashes of its initial and target terms."""
    return sha256(f'{init} {target}'.encode('ascii'))[:_ID_DIGITS]


def pack(value: Any) -> bytes:
    """A JSON value as a blob."""
    text = canonical(value)
    return text if len(text) <= _PLAIN_BYTES and text.startswith(_PLAIN) else zlib.compress(text, _LEVEL)


def unpack(blob: bytes) -> Any:
    """The JSON value in a blob. Raises `MissingRecord` if it is none."""
    try:
        return loads(blob if blob.startswith(_PLAIN) else zlib.decompress(blob))
    except (zlib.error, ValueError) as err:
        raise MissingRecord(
            f'Expected a blob of compressed JSON, found {len(blob)} bytes that are none: {err}'
        ) from err


def pack_text(text: str) -> bytes:
    """A text as a blob."""
    return zlib.compress(text.encode('utf-8'), _LEVEL)


def unpack_text(blob: bytes) -> str:
    """The text in a blob. Raises `MissingRecord` if it is none."""
    try:
        return zlib.decompress(blob).decode('utf-8')
    except (zlib.error, UnicodeDecodeError) as err:
        raise MissingRecord(f'Expected a blob of compressed text, found {len(blob)} bytes: {err}') from err


@dataclass(frozen=True)
class _Known:
    """A term that is remembered, as it is stored."""

    cterm: CTerm
    stored: deltas.Base


class TermCache:
    """Constrained terms by hash: decodes blobs, encodes terms, and remembers the latest of both.

    Bounded by the size of the terms' JSON (bytes), which is remembered too; a decoded term takes two to three times
    that. For one thread.
    """

    _capacity: int
    _size: int
    _terms: OrderedDict[str, _Known]
    _names: dict[int, str]

    def __init__(self, capacity: int = _CACHE_BYTES):
        self._capacity = capacity
        self._size = 0
        self._terms = OrderedDict()
        self._names = {}  # of the remembered objects, by their ids
        self._reader = TermReader()
        self._writer = TermWriter()

    def decode(self, term: str, read: Callable[[str], bytes | None]) -> CTerm:
        """The term with this hash.

        Args:
            read: Gives the blob of a term, and of those that it is a difference from; asked only for what is not
                remembered.

        Raises:
            MissingRecord: there is no blob for it, or the blob holds another term.
        """
        known = self._terms.get(term)
        if known is not None:
            self._terms.move_to_end(term)
            return known.cterm
        blob = read(term)
        if blob is None:
            raise MissingRecord(f'Expected a blob for the term {term}, found none.')
        try:
            text = deltas.text_of(term, read, self._text)
        except deltas.DamagedTerm as err:
            raise MissingRecord(f'The blob of the term {term} is damaged: {err}') from err
        dct = loads(text)
        cterm = CTerm(self._reader.read(dct['config']), map(self._reader.read, dct['constraints']))
        self._remember(cterm, deltas.Base(term, text, blob))
        return cterm

    def encode(self, cterm: CTerm, base: CTerm | None = None) -> tuple[str, bytes]:
        """The hash and the blob of a term.

        Args:
            base: A term that this one has much in common with, whose blob is stored before this one is read. If this
                very object is remembered, only the difference from it is written.
        """
        text = self._writer.cterm(cterm).encode('ascii')
        term = sha256(text)
        known = self._terms.get(term)
        if known is not None:
            self._terms.move_to_end(term)
        name = None if base is None else self._names.get(id(base))
        blob = deltas.pack(text, None if name is None or name == term else self._terms[name].stored)
        self._remember(cterm, deltas.Base(term, text, blob))
        return term, blob

    def _text(self, term: str) -> bytes | None:
        known = self._terms.get(term)
        return None if known is None else known.stored.text

    def _remember(self, cterm: CTerm, stored: deltas.Base) -> None:
        if stored.name in self._terms or len(stored.text) > self._capacity:
            return
        self._terms[stored.name] = _Known(cterm, stored)
        self._names[id(cterm)] = stored.name
        self._size += len(stored.text)
        while self._size > self._capacity:
            _, dropped = self._terms.popitem(last=False)
            del self._names[id(dropped.cterm)]
            self._size -= len(dropped.stored.text)
