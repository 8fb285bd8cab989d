"""The message format between a driver and its workers, and an incremental decoder for it.

A message is a small JSON body and any number of named blobs that nobody on the way looks into::

    magic 'KPW1' | u32 length of the head | u64 length of all blobs | head (JSON) | blobs, end to end

The head is `{"body": ..., "blobs": [[name, length], ...]}`. Both ends are the same version of kprover on
the same machine, so there is no negotiation: bytes that do not fit are a fault (`WireError`) of a process
that must be replaced. Everything here is pure but `receive`.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

_MAGIC = b'KPW1'
_PREFIX = struct.Struct('>4sIQ')

# Far above anything real (a term of 20,000 nodes is 0.2 MB): these bound what a damaged length can allocate.
_MAX_HEAD = 1 << 28
_MAX_BLOBS = 1 << 34

RECEIVE_SIZE = 1 << 18
"""How many bytes are asked of a socket at once."""


class WireError(Exception):
    """Bytes that are no message: the other process is broken or is no kprover process."""


@dataclass(frozen=True)
class Message:
    """One message: `body` is plain JSON, `blobs` are opaque bytes by name."""

    body: dict[str, Any]
    blobs: Mapping[str, bytes] = field(default_factory=dict)


def encode(message: Message) -> bytes:
    """The bytes of a message.

    Raises:
        TypeError, ValueError: the body is no JSON (a caller's mistake, e.g. a set or a NaN in a header),
            or a blob is not bytes.
    """
    index = [(name, len(blob)) for name, blob in message.blobs.items()]
    head = json.dumps(
        {'body': message.body, 'blobs': index}, separators=(',', ':'), ensure_ascii=False, allow_nan=False
    ).encode('utf-8', 'surrogatepass')
    total = sum(length for _, length in index)
    if len(head) > _MAX_HEAD or total > _MAX_BLOBS:
        raise ValueError(f'A message of {len(head)} + {total} bytes is over the limit of the wire format.')
    return b''.join((_PREFIX.pack(_MAGIC, len(head), total), head, *message.blobs.values()))


class Decoder:
    """Cuts a stream of bytes into messages; owns the bytes that are not a whole message yet."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._needed = _PREFIX.size

    def feed(self, data: bytes) -> list[Message]:
        """Add received bytes; the messages that are complete now, in order.

        Raises:
            WireError: the stream is not in the format; the decoder is of no more use.
        """
        self._buffer += data
        messages = []
        while len(self._buffer) >= self._needed:
            magic, head_length, blob_length = _PREFIX.unpack_from(self._buffer)
            if magic != _MAGIC or head_length > _MAX_HEAD or blob_length > _MAX_BLOBS:
                raise WireError(f'Expected a message that starts with {_MAGIC!r}, found {bytes(self._buffer[:16])!r}.')
            self._needed = _PREFIX.size + head_length + blob_length
            if len(self._buffer) < self._needed:
                break
            messages.append(self._cut(head_length))
        return messages

    def _cut(self, head_length: int) -> Message:
        start = _PREFIX.size + head_length
        with memoryview(self._buffer) as view:
            try:
                head = json.loads(bytes(view[_PREFIX.size : start]).decode('utf-8', 'surrogatepass'))
                body, index = head['body'], head['blobs']
                blobs = {}
                for name, length in index:
                    blobs[name] = bytes(view[start : start + length])
                    start += length
            except (ValueError, KeyError, TypeError) as err:
                raise WireError(f'Expected a JSON head with body and blobs, found: {err}') from err
            if start != self._needed or not isinstance(body, dict):
                raise WireError(f'Blobs of {start} bytes in a message of {self._needed}.')
        del self._buffer[: self._needed]
        self._needed = _PREFIX.size
        return Message(body, blobs)


def receive(sock: socket.socket, decoder: Decoder) -> list[Message] | None:
    """Wait for bytes on a blocking socket; the messages completed by them, or None at its end."""
    try:
        data = sock.recv(RECEIVE_SIZE)
    except ConnectionError:
        return None
    return decoder.feed(data) if data else None
