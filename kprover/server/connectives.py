"""Propositional simplification of patterns that are neither a configuration nor a predicate.

Matching logic lets `\\and`, `\\or` and `\\not` stand between terms. Rewriting has no use for that, but `simplify` may
be asked about such patterns; what holds for all patterns is done here, on the KORE JSON itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .sentences import Json

__all__ = ['contains_term', 'simplify_connectives']


def contains_term(json: Json) -> bool:
    """Whether a term stands directly under the connectives of a pattern."""
    tag = json.get('tag')
    if tag in ('And', 'Or'):
        return any(contains_term(one) for one in _members(json))
    if tag == 'Not':
        return contains_term(json['arg'])
    return tag in ('App', 'EVar', 'SVar', 'DV')


def simplify_connectives(json: Json) -> Json:
    """Return an equivalent pattern without repeated, neutral, absorbing and complementary members of connectives."""
    tag = json.get('tag')
    if tag == 'Not':
        inner = simplify_connectives(json['arg'])
        if inner.get('tag') == 'Not':
            result: Json = inner['arg']
            return result
        if inner.get('tag') in ('Top', 'Bottom'):
            return {'tag': 'Bottom' if inner['tag'] == 'Top' else 'Top', 'sort': json.get('sort')}
        return {**json, 'arg': inner}
    if tag not in ('And', 'Or'):
        return json
    neutral, absorbing = ('Top', 'Bottom') if tag == 'And' else ('Bottom', 'Top')
    found: list[Json] = []
    for member in _members(json):
        made = simplify_connectives(member)
        parts = _members(made) if made.get('tag') == tag else [made]
        for one in parts:
            if one.get('tag') == absorbing:
                return {'tag': absorbing, 'sort': json.get('sort')}
            if one.get('tag') != neutral and one not in found:
                found.append(one)
    if any(one.get('tag') == 'Not' and one['arg'] in found for one in found):
        return {'tag': absorbing, 'sort': json.get('sort')}
    if not found:
        return {'tag': neutral, 'sort': json.get('sort')}
    return found[0] if len(found) == 1 else {'tag': tag, 'sort': json.get('sort'), 'patterns': found}


def _members(json: Json) -> list[Json]:
    found: list[Json] = json['patterns'] if 'patterns' in json else [json['first'], json['second']]
    return found
