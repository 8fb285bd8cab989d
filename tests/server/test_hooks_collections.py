"""The hooks of MAP, SET, LIST and KEQUAL against Python's dictionaries, sets and lists, and against instances.

What a hook says of symbolic arguments must hold of every instance: evaluating and instantiating commute.
"""

from __future__ import annotations

from typing import Any

import pytest
from fuzzing import TIMES
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from kore_small import DEFINITION

from kprover.server.builders import join_lists, join_maps, join_sets
from kprover.server.definition import Library
from kprover.server.hooks import EVALUATORS
from kprover.server.hooks.equality import decide
from kprover.server.parse import parse_definition
from kprover.server.symbols import INT, KITEM, STRING, sort
from kprover.server.terms import (
    BOTTOM,
    DV,
    FALSE,
    TRUE,
    App,
    Bottom,
    Inj,
    KList,
    KMap,
    KSet,
    Term,
    Var,
    app,
    dv,
    inj,
    klist,
    kmap,
    kset,
    var,
)

THEORY = Library(parse_definition(DEFINITION).modules).theory('SMALL')
MAP, SET, LIST, PGM = sort('SortMap'), sort('SortSet'), sort('SortList'), sort('SortPgm')
X, Y, T = var('VarX', INT), var('VarY', INT), var('VarT', PGM)
M, S, L = var('VarM', MAP), var('VarS', SET), var('VarL', LIST)
NUMBERS = st.integers(0, 5)


def item(value: int | str | Term) -> Term:
    if isinstance(value, Term):
        return inj(KITEM, value)
    return inj(KITEM, dv(INT, value) if isinstance(value, int) else dv(STRING, value))


def raw(term: Term) -> Any:
    """Return the Python value of a concrete term."""
    if isinstance(term, Inj):
        return raw(term.inner)
    if isinstance(term, DV):
        return term.value
    if isinstance(term, KMap):
        return {raw(key): raw(value) for key, value in term.entries}
    if isinstance(term, KSet):
        return {raw(element) for element in term.elements}
    assert isinstance(term, KList)
    return [raw(one) for one in term.items]


def a_map(values: dict[int, int]) -> Term:
    return kmap(MAP, {item(key): item(value) for key, value in values.items()})


def a_set(values: set[int]) -> Term:
    return kset(SET, [item(value) for value in values])


def a_list(values: list[int]) -> Term:
    return klist(LIST, [(True, item(value)) for value in values])


def run(hook: str, *args: Term) -> Any:
    symbol = THEORY.hook_symbol(hook)
    assert symbol is not None
    return EVALUATORS[hook](THEORY, symbol, args)


def value(hook: str, *args: Term) -> Any:
    result = run(hook, *args)
    return raw(result) if isinstance(result, Term) else result


MAPS = st.dictionaries(NUMBERS, NUMBERS, max_size=5)
SETS = st.sets(NUMBERS, max_size=5)
LISTS = st.lists(NUMBERS, max_size=5)


@given(MAPS, MAPS, NUMBERS, NUMBERS, SETS)
def test_maps_are_dictionaries(one: dict[int, int], other: dict[int, int], key: int, new: int, keys: set[int]) -> None:
    m, n, k = a_map(one), a_map(other), item(key)
    assert value('MAP.lookup', m, k) == one.get(key, BOTTOM)
    assert value('MAP.lookupOrDefault', m, k, item(9)) == one.get(key, 9)
    assert value('MAP.update', m, k, item(new)) == {**one, key: new}
    assert value('MAP.updateAll', m, n) == {**one, **other}
    assert value('MAP.remove', m, k) == {a: b for a, b in one.items() if a != key}
    assert value('MAP.removeAll', m, a_set(keys)) == {a: b for a, b in one.items() if a not in keys}
    assert value('MAP.in_keys', k, m) is (key in one)
    assert value('MAP.keys', m) == one.keys()
    assert value('MAP.keys_list', m) == (list(one) if len(one) < 2 else None)
    assert value('MAP.values', m) == (list(one.values()) if len(set(one.values())) < 2 else None)
    assert value('MAP.size', m) == len(one)
    assert value('MAP.inclusion', m, n) is (one.items() <= other.items())
    assert value('MAP.choice', m) == (None if len(one) > 1 else next(iter(one), BOTTOM))
    assert value('MAP.difference', m, n) == dict(one.items() - other.items())
    assert value('MAP.concat', m, n) == (BOTTOM if one.keys() & other.keys() else {**one, **other})
    assert run('KEQUAL.eq', k_term(m), k_term(n)) is (TRUE if one == other else FALSE)


def k_term(term: Term) -> Term:
    return app(THEORY.symbol('kseq'), (inj(KITEM, term), app(THEORY.symbol('dotk'), ())))


@given(SETS, SETS, NUMBERS, LISTS)
def test_sets_are_sets(one: set[int], other: set[int], element: int, items: list[int]) -> None:
    s, t = a_set(one), a_set(other)
    assert value('SET.in', item(element), s) is (element in one)
    assert value('SET.difference', s, t) == one - other
    assert value('SET.intersection', s, t) == one & other
    assert value('SET.union', s, t) == one | other
    assert value('SET.inclusion', s, t) is (one <= other)
    assert value('SET.size', s) == len(one)
    assert value('SET.choice', s) == (None if len(one) > 1 else next(iter(one), BOTTOM))
    assert value('SET.set2list', s) == (list(one) if len(one) < 2 else None)
    assert value('SET.list2set', a_list(items)) == set(items)
    assert value('SET.concat', s, t) == (BOTTOM if one & other else one | other)
    assert run('KEQUAL.ne', k_term(s), k_term(t)) is (FALSE if one == other else TRUE)


@given(LISTS, LISTS, st.integers(-7, 7), st.integers(-2, 7), NUMBERS)
def test_lists_are_lists(one: list[int], other: list[int], at: int, count: int, new: int) -> None:
    m, size = a_list(one), len(one)
    assert value('LIST.get', m, dv(INT, at)) == (one[at] if -size <= at < size else BOTTOM)
    inside = 0 <= at < size
    assert value('LIST.update', m, dv(INT, at), item(new)) == ([*one[:at], new, *one[at + 1 :]] if inside else BOTTOM)
    assert value('LIST.size', m) == size
    assert value('LIST.in', item(new), m) is (new in one)
    assert value('LIST.concat', m, a_list(other)) == one + other
    assert value('LIST.push', item(new), m) == [new, *one]
    assert value('LIST.make', dv(INT, count), item(new)) == ([new] * count if count >= 0 else BOTTOM)
    ranged = value('LIST.range', m, dv(INT, at), dv(INT, count))
    assert ranged == (one[at : size - count] if at >= 0 and count >= 0 and at + count <= size else BOTTOM)
    filled = value('LIST.fill', m, dv(INT, at), dv(INT, count), item(new))
    if at >= 0 and count >= 0 and at + count <= size:
        assert filled == one[:at] + [new] * count + one[at + count :]
    else:
        assert filled is (None if min(at, count) == 0 else BOTTOM)
    changed = value('LIST.updateAll', m, dv(INT, at), a_list(other))
    if at >= 0 and at + len(other) <= size:
        assert changed == one[:at] + other + one[at + len(other) :]
    else:
        assert changed is (None if at >= 0 and not other else BOTTOM)
    assert run('KEQUAL.eq', k_term(m), k_term(a_list(other))) is (TRUE if one == other else FALSE)


# Symbolic arguments -------------------------------------------------------------------------------------------------


def instance(term: Term, point: dict[Var, Term]) -> Term | Bottom:
    """Return the value of `term` with its variables replaced, collections joined and functions evaluated."""
    if isinstance(term, Var):
        return point[term]
    if isinstance(term, DV):
        return term
    if isinstance(term, Inj):
        inner = instance(term.inner, point)
        return BOTTOM if isinstance(inner, Bottom) else inj(term.sort, inner)
    parts: list[Term] = []
    if isinstance(term, App):
        for arg in term.args:
            made = instance(arg, point)
            if isinstance(made, Bottom):
                return BOTTOM
            parts.append(made)
        if not term.symbol.hook:
            return app(term.symbol, tuple(parts))
        found = EVALUATORS[term.symbol.hook](THEORY, term.symbol, tuple(parts))
        assert found is not None
        return found
    if isinstance(term, KMap):
        for key, entry in term.entries:
            a, b = instance(key, point), instance(entry, point)
            if isinstance(a, Bottom) or isinstance(b, Bottom):
                return BOTTOM
            parts.append(kmap(MAP, {a: b}))
    elif isinstance(term, KSet):
        for element in term.elements:
            made = instance(element, point)
            if isinstance(made, Bottom):
                return BOTTOM
            parts.append(kset(SET, [made]))
    else:
        assert isinstance(term, KList)
        for is_item, member in term.segments:
            made = instance(member, point)
            if isinstance(made, Bottom):
                return BOTTOM
            parts.append(klist(LIST, [(True, made)]) if is_item else made)
        return join_lists(LIST, parts)
    for rest in term.rest:
        made = instance(rest, point)
        if isinstance(made, Bottom):
            return BOTTOM
        parts.append(made)
    return join_maps(MAP, parts) if isinstance(term, KMap) else join_sets(SET, parts)


KEYS = st.sampled_from([item(X), item(Y), item(0), item(1), item(2), item('a'), item(T)])
VALUES = st.sampled_from([item(X), item(3), item(4)])


def _map(entries: dict[Term, Term], rest: list[Term]) -> Term:
    made = join_maps(MAP, [*(kmap(MAP, {key: entry}) for key, entry in entries.items()), *rest])
    assert isinstance(made, Term)
    return made


def _set(elements: list[Term], rest: list[Term]) -> Term:
    made = join_sets(SET, [*(kset(SET, [one]) for one in dict.fromkeys(elements)), *rest])
    assert isinstance(made, Term)
    return made


def _list(members: list[Term]) -> Term:
    return join_lists(LIST, [one if one is L else klist(LIST, [(True, one)]) for one in members])


UPDATE = THEORY.hook_symbol('MAP.update')
assert UPDATE is not None
SYMBOLIC_MAPS = st.builds(
    _map, st.dictionaries(KEYS, VALUES, max_size=3), st.sampled_from([[], [M], [app(UPDATE, (M, item(1), item(X)))]])
)
SYMBOLIC_SETS = st.builds(_set, st.lists(KEYS, max_size=3), st.sampled_from([[], [S]]))
SYMBOLIC_LISTS = st.builds(
    _list, st.lists(st.one_of(KEYS, st.just(L)), max_size=4).filter(lambda one: one.count(L) < 2)
)
INDICES = st.one_of(st.integers(-3, 3).map(lambda n: dv(INT, n)), st.just(X))
KINDS = {'Map': SYMBOLIC_MAPS, 'Set': SYMBOLIC_SETS, 'List': SYMBOLIC_LISTS, 'KItem': KEYS, 'Int': INDICES}
HOOKS = sorted(hook for hook in EVALUATORS if hook.split('.')[0] in ('MAP', 'SET', 'LIST'))
POINTS = st.fixed_dictionaries(
    {
        X: NUMBERS.map(lambda n: dv(INT, n)),
        Y: NUMBERS.map(lambda n: dv(INT, n)),
        T: st.sampled_from([app(THEORY.symbol('Lblstop'), ()), app(THEORY.symbol('Lblcount'), (dv(INT, 1),))]),
        M: MAPS.map(a_map),
        S: SETS.map(a_set),
        L: LISTS.map(a_list),
    }
)


def arguments(hook: str) -> Any:
    symbol = THEORY.hook_symbol(hook)
    assert symbol is not None
    return st.tuples(*(KINDS[one.name.removeprefix('Sort')] for one in symbol.arg_sorts))


@pytest.mark.parametrize('hook', HOOKS)
@settings(max_examples=40 * TIMES, deadline=None)
@given(data=st.data())
def test_evaluating_and_instantiating_commute(hook: str, data: st.DataObject) -> None:
    args = data.draw(arguments(hook))
    result = run(hook, *args)
    if result is None:
        return
    point = data.draw(POINTS)
    ground: list[Term] = []
    for arg in args:
        made = instance(arg, point)
        # Where an argument has no value, neither has the application; what it was simplified to does not matter.
        assume(isinstance(made, Term))
        assert isinstance(made, Term)
        ground.append(made)
    expected = run(hook, *ground)
    got = result if isinstance(result, Bottom) else instance(result, point)
    if isinstance(expected, Term) and isinstance(got, Term):
        assert decide(THEORY, got, expected)
    else:
        assert got is expected


@settings(max_examples=160 * TIMES, deadline=None)
@given(st.data(), st.sampled_from(sorted(KINDS)), POINTS)
def test_decisions_hold_of_all_instances(data: st.DataObject, kind: str, point: dict[Var, Term]) -> None:
    one, other = data.draw(KINDS[kind]), data.draw(KINDS[kind])
    decided = decide(THEORY, one, other)
    left, right = instance(one, point), instance(other, point)
    if decided is not None and isinstance(left, Term) and isinstance(right, Term):
        assert decide(THEORY, left, right) is decided


def test_known_keys_are_found_in_open_maps() -> None:
    m = _map({item(1): item(X), item(X): item(2)}, [M])
    assert run('MAP.lookup', m, item(1)) is item(X)
    assert run('MAP.lookup', m, item(X)) is item(2)
    assert run('MAP.lookup', m, item(2)) is None
    assert run('MAP.in_keys', item(1), m) is TRUE
    assert run('MAP.in_keys', item(2), m) is None
    assert run('MAP.update', m, item(1), item(5)) is _map({item(1): item(5), item(X): item(2)}, [M])
    assert run('MAP.remove', m, item(1)) is _map({item(X): item(2)}, [M])
    assert run('MAP.update', m, item(2), item(5)) is None
    assert run('MAP.size', m) is None
    assert run('MAP.keys', m) is None


def test_an_absent_key_needs_a_closed_map_and_certainly_different_keys() -> None:
    assert run('MAP.lookup', _map({item(1): item(2)}, []), item(X)) is None
    assert run('MAP.lookup', _map({item(1): item(2)}, []), item(T)) is BOTTOM
    assert run('MAP.lookup', _map({item(1): item(2)}, []), item('a')) is BOTTOM
    assert run('MAP.lookup', _map({item(1): item(2)}, [M]), item(3)) is None
    assert run('MAP.in_keys', item(T), _map({item(1): item(2)}, [])) is FALSE
    assert run('SET.in', item(X), _set([item(1)], [])) is None
    assert run('SET.in', item(T), _set([item(1)], [])) is FALSE
    assert run('SET.in', item(T), _set([item(1)], [S])) is None


def test_updates_of_opaque_maps_are_seen_through() -> None:
    assert UPDATE is not None
    once = app(UPDATE, (M, item(1), item(X)))
    twice = app(UPDATE, (once, item(2), item(Y)))
    assert run('MAP.lookup', twice, item(2)) is item(Y)
    assert run('MAP.lookup', twice, item(1)) is item(X)
    assert run('MAP.lookup', twice, item(3)) is None
    assert run('MAP.lookup', twice, item(X)) is None
    assert run('MAP.in_keys', item(1), twice) is TRUE
    assert run('MAP.in_keys', item(3), twice) is None
    assert run('MAP.update', once, item(1), item(Y)) is app(UPDATE, (M, item(1), item(Y)))


def test_known_ends_of_open_lists_are_served() -> None:
    m = _list([item(1), item(X), L, item(3)])
    assert run('LIST.get', m, dv(INT, 1)) is item(X)
    assert run('LIST.get', m, dv(INT, -1)) is item(3)
    assert run('LIST.get', m, dv(INT, 2)) is None
    assert run('LIST.get', m, dv(INT, -2)) is None
    assert run('LIST.update', m, dv(INT, 0), item(7)) is _list([item(7), item(X), L, item(3)])
    assert run('LIST.range', m, dv(INT, 2), dv(INT, 1)) is L
    assert run('LIST.range', m, dv(INT, 1), dv(INT, 0)) is _list([item(X), L, item(3)])
    assert run('LIST.range', m, dv(INT, 3), dv(INT, 0)) is None
    assert run('LIST.size', m) is None
    assert run('LIST.in', item(3), m) is TRUE
    assert run('LIST.in', item(4), m) is None


def test_choice_by_a_condition() -> None:
    ite = THEORY.symbol('Lblite', (INT,))
    condition = var('VarC', TRUE.sort)
    assert EVALUATORS['KEQUAL.ite'](THEORY, ite, (TRUE, X, Y)) is X
    assert EVALUATORS['KEQUAL.ite'](THEORY, ite, (FALSE, X, Y)) is Y
    assert EVALUATORS['KEQUAL.ite'](THEORY, ite, (condition, X, X)) is X
    assert EVALUATORS['KEQUAL.ite'](THEORY, ite, (condition, X, Y)) is None
