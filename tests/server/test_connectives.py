"""A pattern of terms under connectives is simplified to one that matches the same values, and is no longer."""

from __future__ import annotations

from functools import reduce
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from kprover.server.connectives import contains_term, simplify_connectives

SORT = {'tag': 'SortApp', 'name': 'SortInt', 'args': []}
VALUES = frozenset(range(8))
ATOMS = {'X': {0, 1, 2, 3}, 'Y': {0, 1, 4, 5}, 'Z': {0, 2, 4, 6}}
"""Each variable matches another half of the values, so that all combinations of them differ."""


def variable(name: str) -> dict[str, Any]:
    return {'tag': 'EVar', 'name': name, 'sort': SORT}


def inverted(arg: dict[str, Any]) -> dict[str, Any]:
    return {'tag': 'Not', 'sort': SORT, 'arg': arg}


def several(tag: str, members: list[dict[str, Any]], binary: bool) -> dict[str, Any]:
    if binary and len(members) == 2:
        return {'tag': tag, 'sort': SORT, 'first': members[0], 'second': members[1]}
    return {'tag': tag, 'sort': SORT, 'patterns': members}


LEAVES = st.sampled_from([*map(variable, ATOMS), {'tag': 'Top', 'sort': SORT}, {'tag': 'Bottom', 'sort': SORT}])
PATTERNS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(inverted, inner),
        st.builds(several, st.sampled_from(['And', 'Or']), st.lists(inner, min_size=1, max_size=4), st.booleans()),
    ),
    max_leaves=10,
)


def members(json: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json['patterns'] if 'patterns' in json else [json['first'], json['second']]
    return found


def matched(json: dict[str, Any]) -> frozenset[int]:
    match json['tag']:
        case 'EVar':
            return frozenset(ATOMS[json['name']])
        case 'Top':
            return VALUES
        case 'Bottom':
            return frozenset()
        case 'Not':
            return VALUES - matched(json['arg'])
        case 'And':
            return reduce(frozenset.intersection, map(matched, members(json)))
        case _:
            return reduce(frozenset.union, map(matched, members(json)))


def size(json: dict[str, Any]) -> int:
    inner = [json['arg']] if 'arg' in json else members(json) if json['tag'] in ('And', 'Or') else []
    return 1 + sum(map(size, inner))


@given(PATTERNS)
@example(several('And', [variable('X'), inverted(several('Or', [variable('X')], binary=False))], binary=True))
def test_it_matches_the_same_values(pattern: dict[str, Any]) -> None:
    made = simplify_connectives(pattern)
    assert matched(made) == matched(pattern)
    assert size(made) <= size(pattern)
    assert simplify_connectives(made) == made
    assert not contains_term(made) or contains_term(pattern)
