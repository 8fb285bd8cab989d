"""The hooks of K's BYTES, by value: an update makes new bytes and leaves the old ones as they are.

Where K's documentation has no value and one of its backends has one (a fill value that is no byte, a negative length to
pad to, an encoding that is not known, a replacement past the end) the term stays.

The endianness and signedness arguments are recognised by the names of K's constructors for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from ..symbols import BYTES, INT, STRING
from ..terms import BOTTOM, DV, App, dv
from .context import SIZE_LIMIT, WORD_LIMIT
from .integers import BITS_LIMIT

if TYPE_CHECKING:
    from ..symbols import Symbol
    from ..terms import Term
    from .context import Evaluator, HookContext, Outcome

__all__ = ['EVALUATORS']

_ENDIANNESS: Final[dict[str, Literal['little', 'big']]] = {'LbllittleEndianBytes': 'little', 'LblbigEndianBytes': 'big'}
_SIGNEDNESS: Final = {'LblsignedBytes': True, 'LblunsignedBytes': False}
_ENCODINGS: Final = {
    'UTF-8': 'utf-8',
    'UTF-16LE': 'utf-16-le',
    'UTF-16BE': 'utf-16-be',
    'UTF-32LE': 'utf-32-le',
    'UTF-32BE': 'utf-32-be',
}


def _bytes(term: Term) -> bytes | None:
    return term.value if type(term) is DV and term.sort is BYTES else None


def _int(term: Term) -> int | None:
    return term.value if type(term) is DV and term.sort is INT else None


def _string(term: Term) -> str | None:
    return term.value if type(term) is DV and term.sort is STRING else None


def _endianness(term: Term) -> Literal['little', 'big'] | None:
    return _ENDIANNESS.get(term.symbol.name) if type(term) is App else None


def _empty(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    return dv(BYTES, b'')


def _to_int(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    data, order = _bytes(args[0]), _endianness(args[1])
    signed = _SIGNEDNESS.get(args[2].symbol.name) if type(args[2]) is App else None
    if data is None or order is None or signed is None or 8 * len(data) > BITS_LIMIT:
        return None
    return dv(INT, int.from_bytes(data, order, signed=signed))


def _from_int(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    """As many bytes as asked for, of the two's complement: the higher bytes of a larger number are dropped.

    K says nothing of negative lengths. Where the symbol is total they have a value, and it is kore-rpc's: no bytes.
    """
    length, value, order = _int(args[0]), _int(args[1]), _endianness(args[2])
    if length is None or value is None or order is None or length > SIZE_LIMIT:
        return None
    if length < 0:
        return dv(BYTES, b'') if symbol.total and length > -WORD_LIMIT else None
    return dv(BYTES, (value & ((1 << 8 * length) - 1)).to_bytes(length, order))


def _to_string(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    data = _bytes(args[0])
    return None if data is None else dv(STRING, data.decode('latin-1'))


def _from_string(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    text = _string(args[0])
    if text is None:
        return None
    try:
        return dv(BYTES, text.encode('latin-1'))
    except UnicodeEncodeError:
        return None


def _decode(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    encoding, data = _string(args[0]), _bytes(args[1])
    if encoding is None or data is None:
        return None
    codec = _ENCODINGS.get(encoding)
    if codec is None:
        return None
    try:
        return dv(STRING, data.decode(codec))
    except UnicodeDecodeError:
        return BOTTOM


def _encode(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    encoding, text = _string(args[0]), _string(args[1])
    if encoding is None or text is None:
        return None
    codec = _ENCODINGS.get(encoding)
    if codec is None:
        return None
    try:
        return dv(BYTES, text.encode(codec))
    except UnicodeEncodeError:
        return None


def _substr(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    data, start, end = _bytes(args[0]), _int(args[1]), _int(args[2])
    if data is None or start is None or end is None:
        return None
    return dv(BYTES, data[start:end]) if 0 <= start <= end <= len(data) else BOTTOM


def _replace_at(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    data, at, other = _bytes(args[0]), _int(args[1]), _bytes(args[2])
    if data is None or at is None or other is None:
        return None
    if at >= 0 and at + len(other) <= len(data):
        return dv(BYTES, data[:at] + other + data[at + len(other) :])
    # K's backends do not agree on replacing nothing outside of the bytes, nor on replacing more than is there.
    return BOTTOM if other and not 0 <= at < len(data) else None


def _pad(args: tuple[Term, ...], *, left: bool) -> Outcome:
    data, length, value = _bytes(args[0]), _int(args[1]), _int(args[2])
    if data is None or length is None or value is None:
        return None
    if not (0 <= length <= SIZE_LIMIT and 0 <= value < 256):
        return None
    fill = bytes([value])
    return dv(BYTES, data.rjust(length, fill) if left else data.ljust(length, fill))


def _pad_left(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    return _pad(args, left=True)


def _pad_right(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    return _pad(args, left=False)


def _reverse(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    data = _bytes(args[0])
    return None if data is None else dv(BYTES, data[::-1])


def _length(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    data = _bytes(args[0])
    return None if data is None else dv(INT, len(data))


def _concat(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    left, right = _bytes(args[0]), _bytes(args[1])
    if left is not None and right is not None:
        return dv(BYTES, left + right) if len(left) + len(right) <= SIZE_LIMIT else None
    if left == b'':
        return args[1]
    return args[0] if right == b'' else None


def _hex(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    data = _bytes(args[0])
    return None if data is None else dv(STRING, data.hex())


def _get(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    data, at = _bytes(args[0]), _int(args[1])
    if data is None or at is None:
        return None
    return dv(INT, data[at]) if 0 <= at < len(data) else BOTTOM


def _update(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    data, at, value = _bytes(args[0]), _int(args[1]), _int(args[2])
    if data is None or at is None or value is None:
        return None
    if not 0 <= at < len(data):
        return BOTTOM
    if not 0 <= value < 256:
        return None
    return dv(BYTES, data[:at] + bytes([value]) + data[at + 1 :])


def _memset(ctx: HookContext, symbol: Symbol, args: tuple[Term, ...]) -> Outcome:
    """Some of the bytes are overwritten by the lowest byte of a value from -128 to 127."""
    data, start, count, value = _bytes(args[0]), _int(args[1]), _int(args[2]), _int(args[3])
    if data is None or start is None or count is None or value is None:
        return None
    if start < 0 or count < 0 or start + count > len(data) or not -128 <= value < 256:
        return BOTTOM
    # A byte all the same, but not one that K's documentation admits.
    return dv(BYTES, data[:start] + bytes([value % 256]) * count + data[start + count :]) if value < 128 else None


EVALUATORS: Final[dict[str, Evaluator]] = {
    'BYTES.empty': _empty,
    'BYTES.bytes2int': _to_int,
    'BYTES.int2bytes': _from_int,
    'BYTES.bytes2string': _to_string,
    'BYTES.string2bytes': _from_string,
    'BYTES.decodeBytes': _decode,
    'BYTES.encodeBytes': _encode,
    'BYTES.substr': _substr,
    'BYTES.replaceAt': _replace_at,
    'BYTES.padLeft': _pad_left,
    'BYTES.padRight': _pad_right,
    'BYTES.reverse': _reverse,
    'BYTES.length': _length,
    'BYTES.concat': _concat,
    'BYTES.bytes2hex': _hex,
    'BYTES.get': _get,
    'BYTES.update': _update,
    'BYTES.memset': _memset,
}
