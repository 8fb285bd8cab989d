"""Whether KORE JSON has the shape of a pattern: known tags, the fields they need, of the right types.

Reading a pattern does not check all of this first, for most are well-formed; only when reading has failed is it
asked here whether the fault was the request's. Fields that are not known are ignored.
"""

from __future__ import annotations

from typing import Any, Final

__all__ = ['find_malformed']

# What each field holds: n a name or text, s a sort, S sorts, p a pattern, P patterns.
_FIELDS: Final[dict[str, dict[str, str]]] = {
    'String': {'value': 'n'},
    'EVar': {'name': 'n', 'sort': 's'},
    'SVar': {'name': 'n', 'sort': 's'},
    'App': {'name': 'n', 'sorts': 'S', 'args': 'P'},
    'DV': {'sort': 's', 'value': 'n'},
    'Top': {'sort': 's'},
    'Bottom': {'sort': 's'},
    'Not': {'sort': 's', 'arg': 'p'},
    'Next': {'sort': 's', 'dest': 'p'},
    'Implies': {'sort': 's', 'first': 'p', 'second': 'p'},
    'Iff': {'sort': 's', 'first': 'p', 'second': 'p'},
    'Rewrites': {'sort': 's', 'source': 'p', 'dest': 'p'},
    'Exists': {'sort': 's', 'var': 'n', 'varSort': 's', 'arg': 'p'},
    'Forall': {'sort': 's', 'var': 'n', 'varSort': 's', 'arg': 'p'},
    'Mu': {'var': 'n', 'varSort': 's', 'arg': 'p'},
    'Nu': {'var': 'n', 'varSort': 's', 'arg': 'p'},
    'Ceil': {'argSort': 's', 'sort': 's', 'arg': 'p'},
    'Floor': {'argSort': 's', 'sort': 's', 'arg': 'p'},
    'Equals': {'argSort': 's', 'sort': 's', 'first': 'p', 'second': 'p'},
    'In': {'argSort': 's', 'sort': 's', 'first': 'p', 'second': 'p'},
    'SortVar': {'name': 'n'},
    'SortApp': {'name': 'n', 'args': 'S'},
}
_SORTS: Final = frozenset({'SortVar', 'SortApp'})
_JUNCTIONS: Final = frozenset({'And', 'Or'})
_ASSOCIATIVE: Final = frozenset({'LeftAssoc', 'RightAssoc', 'MultiApp', 'MultiOr'})


def find_malformed(pattern: Any) -> str | None:
    """Return what is wrong with the shape of `pattern`, or None."""
    stack: list[tuple[Any, str]] = [(pattern, 'p')]
    while stack:
        value, kind = stack.pop()
        if kind == 'n':
            if not isinstance(value, str):
                return f'expected a string, found {_short(value)}'
        elif kind in 'SP':
            if not isinstance(value, list):
                return f'expected an array, found {_short(value)}'
            stack.extend((one, kind.lower()) for one in value)
        else:
            if not isinstance(value, dict) or not isinstance(value.get('tag'), str):
                return f'expected an object with a tag, found {_short(value)}'
            tag = value['tag']
            if (tag in _SORTS) != (kind == 's'):
                return f'expected {"a sort" if kind == "s" else "a pattern"}, found the tag {tag!r}'
            fields = _fields(tag, value)
            if fields is None:
                return f'unknown tag {tag!r}'
            for field, what in fields.items():
                if field not in value:
                    return f'expected the field {field!r} of {tag!r}, found nothing'
                stack.append((value[field], what))
    return None


def _fields(tag: str, value: dict[str, Any]) -> dict[str, str] | None:
    if tag in _JUNCTIONS:
        rest = {'patterns': 'P'} if 'patterns' in value else {'first': 'p', 'second': 'p'}
        return {'sort': 's', **rest}
    if tag in _ASSOCIATIVE:
        # Two generations of the format name these fields differently.
        return {'argss' if 'argss' in value else 'args': 'P'}
    return _FIELDS.get(tag)


def _short(value: Any) -> str:
    return {list: 'an array', dict: 'an object without a tag', type(None): 'null'}.get(type(value)) or repr(value)[:60]
