"""Checks JSON data against the part of JSON Schema that the project's own schema uses; an unknown word is an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

TYPES: dict[str, tuple[type, ...]] = {
    'object': (dict,),
    'array': (list,),
    'string': (str,),
    'integer': (int,),
    'number': (int, float),
    'boolean': (bool,),
    'null': (type(None),),
}
WORDS = {
    '$schema', 'title', 'description', 'type', 'properties', 'required', 'items', 'enum', 'const', 'minimum',
    'maximum', 'additionalProperties',
}  # fmt: skip


def problems(data: Any, schema: dict[str, Any], where: str = '$') -> Iterator[str]:
    """What is wrong. An object may have no keys but those that the schema names: each is to be documented."""
    assert set(schema) <= WORDS, set(schema) - WORDS
    if 'const' in schema and data != schema['const']:
        yield f'{where}: {data!r} is not {schema["const"]!r}'
    if 'enum' in schema and data not in schema['enum']:
        yield f'{where}: {data!r} is none of {schema["enum"]}'
    if 'type' in schema:
        names = schema['type'] if isinstance(schema['type'], list) else [schema['type']]
        types = tuple(kind for name in names for kind in TYPES[name])
        if not isinstance(data, types) or (isinstance(data, bool) and 'boolean' not in names):
            yield f'{where}: {data!r} is no {names}'
            return
    if isinstance(data, (int, float)) and not schema.get('minimum', data) <= data <= schema.get('maximum', data):
        yield f'{where}: {data!r} is out of bounds'
    if isinstance(data, list):
        for number, item in enumerate(data):
            yield from problems(item, schema.get('items', {}), f'{where}[{number}]')
    if isinstance(data, dict):
        known = schema.get('properties', {})
        yield from (f'{where}: no {key}' for key in schema.get('required', ()) if key not in data)
        for key, value in data.items():
            if key in known:
                yield from problems(value, known[key], f'{where}.{key}')
            elif 'additionalProperties' in schema:
                yield from problems(value, schema['additionalProperties'], f'{where}.{key}')
            else:
                yield f'{where}: {key} is not in the schema'
