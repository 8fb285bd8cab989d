"""Text as it may be shown: what a terminal would act on, or could not show, stands there as `\\x1b` or `\\ud800`.

Names of claims, messages of servers and what a user's class raises come from elsewhere. Names are made plain when they
are read (`plain_name`), everything else when it is shown (`printable`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

_ACTIVE: Final = re.compile('[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]')
"""What moves a terminal's cursor, colours, clears, turns the direction of the text around, or is no character."""


def printable(text: str) -> str:
    """The text with lines and tabs as they are, and whatever else a terminal would act on written out."""
    return _ACTIVE.sub(_written_out, text)


def plain_name(text: str) -> str:
    """The text in one line, all characters of which can be seen; one that can be is as it was."""
    if text.isprintable():
        return text
    return ''.join(char if char.isprintable() else _code(char) for char in text)


def _written_out(found: re.Match[str]) -> str:
    return _code(found[0])


def _code(char: str) -> str:
    number = ord(char)
    if number < 0x100:
        return f'\\x{number:02x}'
    return f'\\u{number:04x}' if number < 0x10000 else f'\\U{number:08x}'
