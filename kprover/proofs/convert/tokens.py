"""Values of strings and bytes, with quotes and escapes in K and without in Kore: pyk's, at the speed of `translate`.

The tables are made by pyk's own functions, character by character; what they do not cover is left to those functions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyk.dequote import ESCAPE_TABLE, enquote_string
from pyk.kast.inner import KToken
from pyk.kast.prelude.bytes import BYTES, bytesToken_from_str, pretty_bytes_str
from pyk.kast.prelude.string import STRING, pretty_string, stringToken

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

_QUOTED: Final = {code: enquote_string(chr(code)) for code in range(256)}
_OUTSIDE: Final = re.compile('[^\x00-\xff]')
_ESCAPE: Final = re.compile(r'\\(?:x([0-9a-fA-F]{2})|(.?))', re.DOTALL)


def bytes_token(value: str) -> KToken:
    """pyk's `bytesToken_from_str`."""
    if _OUTSIDE.search(value) is not None:
        return bytesToken_from_str(value)
    return KToken(f'b"{value.translate(_QUOTED)}"', BYTES)


def string_token(value: str) -> KToken:
    """pyk's `stringToken`."""
    if _OUTSIDE.search(value) is not None:
        return stringToken(value)
    return KToken(f'"{value.translate(_QUOTED)}"', STRING)


def bytes_value(token: KToken) -> str:
    """pyk's `pretty_bytes_str`."""
    text = token.token
    if text[0:2] != 'b"' or text[-1] != '"':
        return pretty_bytes_str(token)
    return _value(text[2:-1], token, pretty_bytes_str)


def string_value(token: KToken) -> str:
    """pyk's `pretty_string`."""
    text = token.token
    if text[0:1] != '"' or text[-1] != '"':
        return pretty_string(token)
    return _value(text[1:-1], token, pretty_string)


def _value(text: str, token: KToken, slow: Callable[[KToken], str]) -> str:
    if '\\' not in text:
        return text
    try:
        return _ESCAPE.sub(_character, text)
    except KeyError:  # an escape of Unicode, or none at all
        return slow(token)


def _character(found: re.Match[str]) -> str:
    digits = found[1]
    return chr(int(digits, 16)) if digits is not None else ESCAPE_TABLE[found[2]]
