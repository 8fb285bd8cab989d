"""JSON of any depth.

Python's own reader and writer are recursive in C: beyond some thousand levels they raise `RecursionError` (from Python
3.12 on whatever the recursion limit is). Only then the functions here do the work, with a stack of their own; they
are some twenty times slower.
"""

from __future__ import annotations

import json
import re
from json import decoder
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from .collector import without_collector

if TYPE_CHECKING:
    from typing import Final

_scan_string: Final = decoder.scanstring  # type: ignore[attr-defined]  # the reader's own, for one string
_AS_DEEP_AS_A_STACK: Final = 500_000
"""Arrays and objects inside of each other for which a worker's stack is large enough, whatever the recursion limit."""

_DEEPEST: Final = 1_000_000
"""Arrays and objects inside of each other, at most: more than that come from no term and would only fill the memory."""

_SPACE: Final = re.compile(r'[ \t\n\r]*')
_SCALAR: Final = re.compile(r'-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|-?Infinity|NaN')


@without_collector
def loads(text: str | bytes) -> Any:
    """`json.loads`, at any depth. Raises `ValueError` for what is no JSON."""
    opened = text.count(b'[') + text.count(b'{') if isinstance(text, bytes) else text.count('[') + text.count('{')
    try:
        if opened <= _AS_DEEP_AS_A_STACK:
            return json.loads(text)
    except RecursionError:
        pass
    return read(text.decode() if isinstance(text, bytes) else text)


@without_collector
def dumps(value: Any, **options: Any) -> str:
    """`json.dumps`, at any depth; options are `sort_keys` and `separators`."""
    try:
        return json.dumps(value, **options)
    except RecursionError:
        return write(value, **options)


def read(text: str) -> Any:
    """The value of a JSON text, without recursion. Raises `ValueError` for what is no JSON."""
    root: list[Any] = []
    # The containers that are open, innermost last, each with the key of an object's next value.
    open_containers: list[Any] = [root]
    keys: list[str] = ['']
    position, first = 0, True
    while True:
        container = open_containers[-1]
        position = _skip(text, position)
        if container is root:
            if root:
                if position != len(text):
                    raise _malformed(text, position)
                return root[0]
        else:
            closing = ']' if isinstance(container, list) else '}'
            character = text[position : position + 1]
            if character == closing:
                open_containers.pop()
                keys.pop()
                position, first = position + 1, False
                continue
            if not first:
                if character != ',':
                    raise _malformed(text, position)
                position = _skip(text, position + 1)
            if closing == '}':
                if text[position : position + 1] != '"':
                    raise _malformed(text, position)
                key, position = _scan_string(text, position + 1, True)
                position = _skip(text, position)
                if text[position : position + 1] != ':':
                    raise _malformed(text, position)
                keys[-1] = key
                position = _skip(text, position + 1)
        character = text[position : position + 1]
        value: Any
        if character == '"':
            value, position = _scan_string(text, position + 1, True)
        elif character == '[':
            value = []
        elif character == '{':
            value = {}
        else:
            scalar = _SCALAR.match(text, position)
            if scalar is None:
                raise _malformed(text, position)
            value, position = json.loads(scalar[0]), scalar.end()
        if isinstance(container, list):
            container.append(value)
        else:
            container[keys[-1]] = value
        first = False
        if character == '[' or character == '{':
            if len(open_containers) > _DEEPEST:
                raise json.JSONDecodeError(f'More than {_DEEPEST} nested arrays and objects', text, position)
            position, first = position + 1, True
            open_containers.append(value)
            keys.append('')


def write(value: Any, *, sort_keys: bool = False, separators: tuple[str, str] = (', ', ': ')) -> str:
    """The JSON text of a value, without recursion."""
    comma, colon = separators
    out: list[str] = []
    stack: list[Any] = [_Value(value)]
    while stack:
        entry = stack.pop()
        if isinstance(entry, str):
            out.append(entry)
            continue
        inner = entry.value
        if isinstance(inner, dict):
            items = sorted(inner.items(), key=itemgetter(0)) if sort_keys else list(inner.items())
            stack.append('}')
            for place in range(len(items) - 1, -1, -1):
                key, part = items[place]
                stack.append(_Value(part))
                stack.append(f'{comma if place else ""}{json.dumps(key)}{colon}')
            out.append('{')
        elif isinstance(inner, (list, tuple)):
            stack.append(']')
            for place in range(len(inner) - 1, -1, -1):
                stack.append(_Value(inner[place]))
                if place:
                    stack.append(comma)
            out.append('[')
        else:
            out.append(json.dumps(inner))
    return ''.join(out)


class _Value:
    """A value that is still to be written, among texts that are."""

    __slots__ = ('value',)

    def __init__(self, value: Any):
        self.value = value


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    assert found is not None
    return found.end()


def _malformed(text: str, position: int) -> json.JSONDecodeError:
    return json.JSONDecodeError('Expecting JSON', text, position)
