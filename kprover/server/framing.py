"""Cutting a byte stream into JSON values.

Clients of Kore JSON-RPC differ: some end a request with a newline, pyk's do not, and its `cancel` begins with one. So a
message ends where its JSON value ends. `Framer` is the pure half of a connection: bytes in, messages out, no socket.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, final

from .jsonkore import JsonError, loads_prefix

__all__ = ['Framer', 'Garbage', 'Message', 'opening']

_SPACE: Final = b' \t\r\n'
_BEGINNING: Final = 1 << 12
_NEXT_REQUEST: Final = re.compile(r'\n\s*\{\s*"(?:jsonrpc|id|method|params)"')
_REQUEST_BEGIN: Final = re.compile(rb'\s*\{\s*"(?:jsonrpc|id|method|params)"')


def opening(data: bytes) -> bytes:
    """The byte by which a connection shows what it speaks: the first that is no white space; empty if none is there.

    A JSON-RPC request begins with `{`, a batch with `[`, and nothing else does: no method of HTTP, no greeting of TLS.
    """
    return data.lstrip(_SPACE)[:1]


@final
@dataclass(frozen=True)
class Message:
    """A complete JSON value."""

    value: Any


@final
@dataclass(frozen=True)
class Garbage:
    """Bytes that are not JSON and have been dropped. `reason` says what was expected and found."""

    reason: str


@final
class Framer:
    """Collects bytes until they make a message.

    `feed` adds bytes; `drain` returns what is complete. Reading is tried when the bytes so far may end a value; while a
    long message arrives it is tried again only after the buffer has grown by half, so that the cost stays linear.
    `drain(quiet=True)`, for when the other side has paused, tries in any case.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._buffer = bytearray()
        self._next_try = 0
        self._dropping = False

    @property
    def pending(self) -> int:
        """Bytes received that do not make a message yet."""
        return len(self._buffer)

    @property
    def beginning(self) -> bytes:
        """The first bytes that do not make a message yet."""
        return bytes(self._buffer[:_BEGINNING])

    @property
    def too_long(self) -> bool:
        """Whether the message being received exceeds the limit. The stream cannot be used further."""
        return len(self._buffer) > self.max_bytes

    def feed(self, data: bytes) -> None:
        """Add received bytes."""
        self._buffer += data

    def drain(self, *, quiet: bool) -> list[Message | Garbage]:
        """Return the messages that are complete; at most one `Garbage`, and then last of what can be read.

        After garbage the stream is taken up again behind the next newline, or, if none has come, when the
        connection has been quiet.
        """
        buffer = self._buffer
        if self._dropping:
            line_end = buffer.find(b'\n')
            if line_end < 0:
                buffer.clear()
                if quiet:
                    self._dropping = False
                return []
            del buffer[: line_end + 1]
            self._dropping = False
        tail = buffer[-64:].rstrip(_SPACE)
        if not tail and not buffer.strip(_SPACE):
            buffer.clear()
            return []
        if not quiet and (len(buffer) < self._next_try or tail[-1:] not in b'}]'):
            return []
        return self._read()

    def _read(self) -> list[Message | Garbage]:
        buffer = self._buffer
        found: list[Message | Garbage] = []
        try:
            text = buffer.decode('utf-8')
        except UnicodeDecodeError as err:
            if err.end == len(buffer) and err.reason == 'unexpected end of data':
                self._wait()
                return found
            return [*self._before(err.start), self._garbage(f'invalid UTF-8: {err.reason}', err.start)]
        at = 0
        end = len(text)
        while True:
            while at < end and text[at] in ' \t\r\n':
                at += 1
            if at == end:
                buffer.clear()
                self._next_try = 0
                return found
            try:
                result = loads_prefix(text, at)
                if result is None and text[at] == '{' and (again := _NEXT_REQUEST.search(text, at)):
                    # Requests do not contain requests: the first has been broken off.
                    raise JsonError('a request ends before its JSON does', again.start())
                if result is None:
                    del buffer[: len(text[:at].encode())]
                    self._wait()
                    return found
                if not isinstance(result[0], (dict, list)):
                    raise JsonError(f'Expecting an object, found {text[at : at + 20]!r}', at)
            except JsonError as err:
                found.append(self._garbage(str(err), len(text[: max(err.position, at)].encode())))
                if self._dropping:
                    return found
                return found + self._read_rest()
            except MemoryError:
                found.append(self._garbage('the message does not fit into the memory', len(buffer)))
                return found
            found.append(Message(result[0]))
            at = result[1]

    def _before(self, offset: int) -> list[Message | Garbage]:
        """Read the complete messages in front of `offset`, where the bytes stop being text."""
        head = Framer(self.max_bytes)
        head.feed(bytes(self._buffer[:offset]))
        return [item for item in head.drain(quiet=True) if isinstance(item, Message)]

    def _read_rest(self) -> list[Message | Garbage]:
        return self._read() if self._buffer.strip(_SPACE) else []

    def _garbage(self, reason: str, offset: int) -> Garbage:
        line_end = self._buffer.rfind(b'\n', 0, offset + 1)
        if line_end < 0 or not _REQUEST_BEGIN.match(self._buffer, line_end + 1):
            # The line where it went wrong does not look like the request after half a message.
            line_end = self._buffer.find(b'\n', offset)
        if line_end < 0:
            self._buffer.clear()
            self._dropping = True
        else:
            del self._buffer[: line_end + 1]
        self._next_try = 0
        return Garbage(reason)

    def _wait(self) -> None:
        size = len(self._buffer)
        self._next_try = size + 1 if size < 1 << 16 else size + (size >> 1)
