"""What a predicate is read as holds where the predicate does: both are looked at, at points, by the book.

A pattern stands for a set of values: a term for one, or for none where it is not defined; a predicate for all or none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st
from kore_text import b, both, i, v
from test_smt import BARE, P, Q, X, Y, Z, holds, hook, instance, num

from kprover.server.internalise import Reader
from kprover.server.parse import parse_pattern
from kprover.server.predicates import Falsity, Not, Truth
from kprover.server.terms import DV, FALSE, TRUE, Var

if TYPE_CHECKING:
    from collections.abc import Callable

    from kprover.server.predicates import Predicate
    from kprover.server.terms import Term

    Point: TypeAlias = dict[Var, Term]
    Reading: TypeAlias = tuple[str, Callable[[Point], object]]
    """A text, and what it stands for: a number or None for a term, whether it holds for a predicate."""

INT = 'SortInt{}'
POINTS = st.fixed_dictionaries(
    {
        **dict.fromkeys((X, Y, Z), st.integers(-1, 1).map(num)),
        **dict.fromkeys((P, Q), st.sampled_from([TRUE, FALSE])),
    }
)


def predicate(text: str) -> Predicate:
    return Reader(BARE.signature).predicate(parse_pattern(text))


def number(term: Term) -> Reading:
    def value(point: Point) -> object:
        found = instance(term, point)
        return found.value if isinstance(found, DV) else None

    texts = {X: v('X'), Y: v('Y'), Z: v('Z'), num(0): i(0)}
    if term in texts:
        return texts[term], value
    return f'Lbltdiv{{}}({texts[term.args[0]]}, {texts[term.args[1]]})', value  # type: ignore[attr-defined]


def beside(term: Reading, other: Reading) -> Reading:
    return both(term[0], other[0], at=INT), lambda point: term[1](point) if other[1](point) else None


def related(tag: str, of: str, holds: Callable[[object, object], bool]) -> Callable[[Reading, Reading], Reading]:
    def make(one: Reading, two: Reading) -> Reading:
        return f'\\{tag}{{{of}{INT}}}({one[0]}, {two[0]})', lambda point: holds(one[1](point), two[1](point))

    return make


def inverted(one: Reading) -> Reading:
    return f'\\not{{{INT}}}({one[0]})', lambda point: not one[1](point)


def has_value(one: Reading) -> Reading:
    return f'\\ceil{{{INT}, {INT}}}({one[0]})', lambda point: one[1](point) is not None


def has_none(one: Reading) -> Reading:
    return f'\\equals{{{INT}, {INT}}}(\\bottom{{{INT}}}(), {one[0]})', lambda point: one[1](point) is None


ATOMS = st.sampled_from(
    [
        (f'\\equals{{SortBool{{}}, {INT}}}({b(True)}, {v("P", "Bool")})', lambda point: point[P] is TRUE),
        (f'\\equals{{SortBool{{}}, {INT}}}({v("Q", "Bool")}, {b(False)})', lambda point: point[Q] is FALSE),
        (f'\\top{{{INT}}}()', lambda point: True),
        (f'\\bottom{{{INT}}}()', lambda point: False),
    ]
)
TERMS = st.sampled_from([number(X), number(num(0)), *(number(hook('INT.tdiv', X, under)) for under in (Y, Z))])


def larger(inner: st.SearchStrategy[Reading]) -> st.SearchStrategy[Reading]:
    terms = TERMS | st.builds(beside, TERMS, inner)
    return st.one_of(
        st.builds(related('equals', f'{INT}, ', lambda one, two: one == two), terms, terms),
        st.builds(related('in', f'{INT}, ', lambda one, two: one is not None and one == two), terms, terms),
        st.builds(has_value, terms),
        st.builds(has_none, terms),
        st.builds(inverted, inner),
        *(
            st.builds(related(tag, of, holds), inner, inner)
            for tag, of, holds in (
                ('and', '', lambda one, two: bool(one and two)),
                ('or', '', lambda one, two: bool(one or two)),
                ('implies', '', lambda one, two: bool(not one or two)),
                ('iff', '', lambda one, two: one == two),
                ('equals', f'{INT}, ', lambda one, two: one == two),
                ('in', f'{INT}, ', lambda one, two: bool(one and two)),
            )
        ),
    )


@settings(max_examples=400)
@given(st.recursive(ATOMS, larger, max_leaves=6), POINTS)
def test_a_predicate_is_read_as_what_it_is(reading: Reading, point: Point) -> None:
    text, meant = reading
    assert holds(predicate(text), point) is meant(point), text


def test_a_comparison_with_a_term_that_has_no_value_is_one_with_nothing() -> None:
    """Of a map with the same key twice, which is known to be none when it is read."""
    entry = f"Lbl'UndsPipe'-'-GT-Unds'{{}}(inj{{{INT}, SortKItem{{}}}}({i(1)}), inj{{{INT}, SortKItem{{}}}}({i(2)}))"
    none = f"Lbl'Unds'Map'Unds'{{}}({entry}, {entry})"
    some = both(v('M', 'Map'), f'\\equals{{SortBool{{}}, SortMap{{}}}}({b(True)}, {v("P", "Bool")})', at='SortMap{}')
    sorts = f'SortMap{{}}, {INT}'
    for one, two in ((none, some), (some, none)):
        assert predicate(f'\\equals{{{sorts}}}({one}, {two})') == Not(Truth(P))
        assert isinstance(predicate(f'\\in{{{sorts}}}({one}, {two})'), Falsity)
