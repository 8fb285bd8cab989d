"""Keys as they stand in the table: text, but for those made of a digest, which take less than half the room.

    kind:<64 hexadecimal digits>             BLOB  number of the kind (1) | digest (32)
    kind:<64 hexadecimal digits>:<8 digits>  BLOB  number of the kind (1) | digest (32) | number, big endian (4)
    any other                                TEXT  itself

SQLite orders all TEXT before all BLOBs. Among the BLOBs the order of bytes is that of the texts that they stand for,
so keys come in order where both sequences are merged. A store of format 1 has text only.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

KINDS: Final = ('diagnosis', 'family', 'flaky', 'journal', 'proof', 'step', 'term', 'verdict')
"""Beginnings of keys that have a number, which is their place; in order. They belong to the format: keys that begin
otherwise are text.
"""

_PACKED: Final = re.compile(rf'({"|".join(KINDS)}):([0-9a-f]{{64}})(?::([0-9]{{8}}))?', re.ASCII)
_BEGINNING: Final = re.compile(rf'({"|".join(KINDS)}):([0-9a-f]{{0,64}})(:[0-9]{{0,8}})?', re.ASCII)
_NUMBER: Final = struct.Struct('>I')
_DIGEST: Final = 1 + 32
_NUMBERED: Final = _DIGEST + _NUMBER.size


def stored_name(key: str) -> str | bytes:
    """What stands in the table for a key."""
    found = _PACKED.fullmatch(key)
    if found is None:
        return key
    number = b'' if found[3] is None else _NUMBER.pack(int(found[3]))
    return bytes([KINDS.index(found[1])]) + bytes.fromhex(found[2]) + number


def key_of(name: object) -> str:
    """The key that something in the table stands for. What was not written here has some key as well, which nothing is
    found under.
    """
    if isinstance(name, str) and _PACKED.fullmatch(name) is None:
        return name
    if not isinstance(name, bytes):
        return f'unknown:{name}'
    if len(name) not in (_DIGEST, _NUMBERED) or name[0] >= len(KINDS):
        return f'unknown:{name.hex()}'
    key = f'{KINDS[name[0]]}:{name[1:_DIGEST].hex()}'
    return key if len(name) == _DIGEST else f'{key}:{_NUMBER.unpack(name[_DIGEST:])[0]:08d}'


def text_range(prefix: str) -> tuple[str, str | bytes]:
    """Bounds of the TEXT names of keys that begin with `prefix`: from the first on, up to but not the second."""
    end = prefix_end(prefix)
    return prefix, b'' if end is None else end


def packed_range(prefix: str) -> tuple[bytes, bytes] | None:
    """Bounds of the BLOB names of keys that begin with `prefix`, and of some others; `None` where there are none."""
    if (found := _BEGINNING.fullmatch(prefix)) is not None:
        digits = found[2]
        low = bytes([KINDS.index(found[1])]) + bytes.fromhex(digits[: len(digits) // 2 * 2])
        head = low.rstrip(b'\xff')
        return low, head[:-1] + bytes([head[-1] + 1])
    kinds = [number for number, kind in enumerate(KINDS) if kind.startswith(prefix)]
    return (bytes([kinds[0]]), bytes([kinds[-1] + 1])) if kinds else None


def prefix_end(prefix: str) -> str | None:
    """The least text greater than every text that begins with `prefix`; None if there is no such text."""
    head = prefix.rstrip('\U0010ffff')
    if not head:
        return None
    last = ord(head[-1]) + 1
    if 0xD800 <= last <= 0xDFFF:  # surrogates are no characters of their own in UTF-8
        last = 0xE000
    return head[:-1] + chr(last)
