"""JSON text to values and back, whatever the nesting.

The standard library's coder is used where it can be: it is fast. It gives up on nesting beyond the interpreter's
recursion limit, and terms of 100,000 nested constructors are legal; then the coders of this module take over, which
keep their own stack. Stateless.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

__all__ = ['MAX_NESTING', 'JsonError', 'dumps', 'loads_prefix']

MAX_NESTING: Final = 1_000_000
"""Arrays and objects inside of each other, at most. Deeper texts are refused: they would only exhaust the memory."""


class JsonError(ValueError):
    """The text is not JSON. `position` is the offset of the offending character."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.position = position


def _no_constant(name: str) -> Any:
    raise JsonError(f'{name} is not JSON', 0)


_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant)
_ENCODER: Final = json.JSONEncoder(separators=(',', ':'))
_SPACE: Final = re.compile(r'[ \t\r\n]*')
_SCALAR: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"|-?[0-9][0-9.eE+-]*|true|false|null')
_OPEN_STRING: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*\\?')
_NUMBER_END: Final = re.compile(r'\.|[eE][+-]?')
_LITERALS: Final = ('true', 'false', 'null', 'NaN', 'Infinity', '-Infinity')


def loads_prefix(text: str, start: int = 0) -> tuple[Any, int] | None:
    """Read one JSON value from `text` at `start`, which must not be white space.

    Returns the value and the offset behind it, or None if the text ends before the value does. Raises `JsonError` if no
    continuation of the text is JSON, or if the nesting exceeds `MAX_NESTING`.
    """
    try:
        return _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as err:
        if _is_incomplete(err, text):
            return None
        raise JsonError(f'{err.msg} at line {err.lineno} column {err.colno}', err.pos) from None
    except RecursionError:
        return _loads_deep(text, start)
    except JsonError:
        raise
    except ValueError as err:
        raise JsonError(str(err), start) from None


def _is_incomplete(err: json.JSONDecodeError, text: str) -> bool:
    end = len(text)
    if err.pos >= len(text.rstrip(' \t\r\n')):
        return True
    if err.msg.startswith('Unterminated string'):
        return True
    rest = text[err.pos : err.pos + 16]
    if err.msg.startswith('Expecting value'):
        return any(literal.startswith(rest) for literal in _LITERALS) or rest == '-'
    if _NUMBER_END.fullmatch(rest):
        return True
    if 'escape' in err.msg:
        return end - err.pos < 12 and '"' not in text[err.pos :]
    return False


def _loads_deep(text: str, start: int) -> tuple[Any, int] | None:
    """`loads_prefix` with a stack of its own."""
    stack: list[Any] = []
    keys: list[str | None] = []
    size = len(text)
    at = start
    value: Any = None
    while True:
        # A value begins at `at`.
        at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
        if at == size:
            return None
        char = text[at]
        if char == '{' or char == '[':
            if len(stack) >= MAX_NESTING:
                raise JsonError(f'more than {MAX_NESTING} nested arrays and objects', at)
            container: Any = {} if char == '{' else []
            after = _SPACE.match(text, at + 1).end()  # type: ignore[union-attr]
            if after == size:
                return None
            if text[after] == ('}' if char == '{' else ']'):
                value, at = container, after + 1
            elif char == '[':
                stack.append(container)
                keys.append(None)
                at = after
                continue
            else:
                found = _key(text, after)
                if found is None:
                    return None
                stack.append(container)
                keys.append(found[0])
                at = found[1]
                continue
        else:
            scalar = _scalar(text, at)
            if scalar is None:
                return None
            value, at = scalar
        # A value has ended before `at`: close whatever it closes.
        while True:
            if not stack:
                return value, at
            top = stack[-1]
            key = keys[-1]
            if key is None:
                top.append(value)
            else:
                top[key] = value
            at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
            if at == size:
                return None
            char = text[at]
            if char == ',':
                if key is not None:
                    found = _key(text, _SPACE.match(text, at + 1).end())  # type: ignore[union-attr]
                    if found is None:
                        return None
                    keys[-1], at = found
                else:
                    at += 1
                break
            if char != (']' if key is None else '}'):
                raise JsonError(f"Expecting ',' delimiter at offset {at}", at)
            value = stack.pop()
            keys.pop()
            at += 1


def _key(text: str, at: int) -> tuple[str, int] | None:
    if at == len(text):
        return None
    if text[at] != '"':
        raise JsonError(f'Expecting property name enclosed in double quotes at offset {at}', at)
    found = _scalar(text, at)
    if found is None:
        return None
    colon = _SPACE.match(text, found[1]).end()  # type: ignore[union-attr]
    if colon == len(text):
        return None
    if text[colon] != ':':
        raise JsonError(f"Expecting ':' delimiter at offset {colon}", colon)
    return found[0], colon + 1


def _scalar(text: str, at: int) -> tuple[Any, int] | None:
    found = _SCALAR.match(text, at)
    piece = text[at : at + 16] if found is None else found.group()
    if found is None:
        if _OPEN_STRING.fullmatch(text, at):
            return None
        if any(literal.startswith(piece) for literal in _LITERALS) and at + len(piece) == len(text):
            return None
        raise JsonError(f'Expecting value at offset {at}', at)
    if found.end() == len(text) and piece[0] in '-0123456789':
        return None
    try:
        return _DECODER.decode(piece), found.end()
    except ValueError as err:
        raise JsonError(f'{err} at offset {at}', at) from None


def dumps(value: Any) -> bytes:
    """Return `value` as one line of JSON text, without the newline, in ASCII."""
    try:
        return _ENCODER.encode(value).encode('ascii')
    except RecursionError:
        return _dumps_deep(value)


def _dumps_deep(value: Any) -> bytes:
    """`dumps` with a stack of its own: values to write and text to copy, the next one last."""
    out: list[str] = []
    # Text is wrapped in a tuple so that it differs from a string value.
    stack: list[Any] = [value]
    while stack:
        item = stack.pop()
        if type(item) is tuple and len(item) == 1:
            out.append(item[0])
        elif isinstance(item, dict):
            stack.append(('}',))
            entries = list(item.items())
            for position in range(len(entries) - 1, -1, -1):
                name, member = entries[position]
                stack.append(member)
                stack.append(((',' if position else '') + _ENCODER.encode(str(name)) + ':',))
            out.append('{')
        elif isinstance(item, list):
            stack.append((']',))
            for position in range(len(item) - 1, -1, -1):
                stack.append(item[position])
                if position:
                    stack.append((',',))
            out.append('[')
        else:
            out.append(_ENCODER.encode(item))
    return ''.join(out).encode('ascii')
