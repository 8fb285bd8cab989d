"""Terms: equal ones are one object, and what they know about themselves."""

from __future__ import annotations

import gc
import sys

import pytest

from kprover.server import terms
from kprover.server.externalise import term_to_json
from kprover.server.internalise import Reader
from kprover.server.predicates import P_BOTTOM, P_TOP, And, Equal, Not, Truth, conjoin, disjoin, equal, negate, truth
from kprover.server.substitution import substitute
from kprover.server.symbols import BOOL, INT, KITEM, Attributes, Symbol, sort
from kprover.server.terms import FALSE, TRUE, app, dv, inj, klist, kmap, var

PAIR = Symbol('pair', (), (INT, INT), sort('SortPair'), Attributes(constructor=True))
HALF = Symbol('half', (), (INT,), INT, Attributes(function=True))
MAP = sort('SortMap')


def test_equal_terms_are_one_object() -> None:
    assert app(PAIR, (dv(INT, 1), dv(INT, 2))) is app(PAIR, (dv(INT, 1), dv(INT, 2)))
    assert dv(INT, 1) is not dv(INT, 2)
    assert dv(sort('SortId'), '1') is not dv(INT, 1)
    assert dv(INT, 1) is not dv(BOOL, True)
    one, two = inj(KITEM, dv(INT, 1)), inj(KITEM, dv(INT, 2))
    assert kmap(MAP, {one: two, two: one}) is kmap(MAP, {two: one, one: two})
    assert klist(MAP, ((True, one), (True, two))) is not klist(MAP, ((True, two), (True, one)))


def test_injections_collapse() -> None:
    middle = inj(sort('SortExp'), dv(INT, 1))
    assert inj(KITEM, middle) is inj(KITEM, dv(INT, 1))
    assert inj(INT, dv(INT, 1)) is dv(INT, 1)


def test_a_term_knows_its_variables_functions_and_definedness() -> None:
    x, y = var('VarX', INT), var('VarY', INT)
    both = app(PAIR, (x, app(HALF, (y,))))
    assert both.free == {x, y}
    assert (both.fn, both.defined) == (True, False)
    plain = app(PAIR, (x, y))
    assert (plain.fn, plain.defined) == (False, True)


def test_a_map_is_certainly_defined_only_if_its_keys_certainly_differ() -> None:
    x, y = inj(KITEM, var('VarX', INT)), inj(KITEM, var('VarY', INT))
    one, two = inj(KITEM, dv(INT, 1)), inj(KITEM, dv(INT, 2))
    assert kmap(MAP, {one: x, two: y}).defined
    assert kmap(MAP, {x: one}).defined
    assert not kmap(MAP, {x: one, y: one}).defined
    assert not kmap(MAP, {one: one}, (var('VarM', MAP),)).defined


def test_a_dead_term_leaves_the_table() -> None:
    gc.collect()
    before = len(terms._TABLE)
    kept = [app(PAIR, (dv(INT, number), dv(INT, -number))) for number in range(1_000, 2_000)]
    assert len(terms._TABLE) >= before + 1_000
    del kept
    gc.collect()
    assert len(terms._TABLE) <= before + 10


def test_terms_may_be_nested_deeply() -> None:
    wrap = Symbol('wrap', (), (INT,), INT, Attributes(constructor=True))
    x = var('VarX', INT)
    term: terms.Term = x
    for _ in range(100_000):
        term = app(wrap, (term,))
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000)
    try:
        made = substitute(None, term, {x: dv(INT, 1)})  # type: ignore[arg-type]
        assert isinstance(made, terms.Term)
        assert not made.free
        assert len(repr(term)) < 1_000
        json = term_to_json(None, made)  # type: ignore[arg-type]
    finally:
        sys.setrecursionlimit(limit)
    depth = 0
    while json['tag'] == 'App':
        json = json['args'][0]
        depth += 1
    assert depth == 100_000


@pytest.mark.parametrize('value', [TRUE, FALSE])
def test_predicates_of_literals_are_decided(value: terms.DV) -> None:
    assert truth(value) == (P_TOP if value is TRUE else P_BOTTOM)
    assert equal(TRUE, value) == truth(value)


def test_conjunction_and_disjunction_absorb() -> None:
    x = Truth(var('VarB', BOOL))
    y = Equal(var('VarX', INT), dv(INT, 1))
    assert conjoin((x, P_TOP, x)) == x
    assert conjoin((x, negate(x))) == P_BOTTOM
    assert disjoin((x, negate(x))) == P_TOP
    assert conjoin((x, And((y, x)))) == And((x, y))
    assert negate(Not(x)) == x


def test_literals_of_floats_are_not_taken_for_different_values() -> None:
    one, same = dv(sort('SortFloat'), '1.0'), dv(sort('SortFloat'), '1e0')
    assert equal(one, same) == Equal(one, same)


def test_the_reader_and_the_writer_are_inverse() -> None:
    from kore_lab import Lab, cell, entry, ident, joined
    from kore_text import app as text_app
    from kore_text import i, v

    from kprover.server.parse import parse_pattern

    lab = Lab()
    pattern = parse_pattern(
        cell(text_app('count', text_app('add', v('X'), i(-5))), joined(entry(ident('a'), i(1)), v('M', 'Map')))
    )
    term = Reader(lab.signature).term(pattern)
    assert isinstance(term, terms.Term)
    assert term_to_json(lab.signature, term) == pattern
