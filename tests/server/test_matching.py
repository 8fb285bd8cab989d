"""Matching: against brute force over small terms, and compiled code against the general matcher."""

from __future__ import annotations

from functools import cache, partial
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kore_lab import Lab
from kore_text import hooked, subsort

from kprover.server.budget import Budget
from kprover.server.compile import SLOW, Code
from kprover.server.condition import PathCondition
from kprover.server.equalities import list_of, simplify_equality
from kprover.server.evaluate import Evaluator
from kprover.server.matching import match
from kprover.server.predicates import And, Equal, Falsity, Predicate, Verity
from kprover.server.substitution import substitute, substitute_predicate
from kprover.server.symbols import INT, KITEM, sort
from kprover.server.terms import App, Term, Var, app, dv, inj, klist, kmap, subterms, var

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kprover.server.definition import Theory
    from kprover.server.symbols import Sort

LAB = Lab()
SIGNATURE = LAB.signature
EXP, ID = sort('SortExp'), sort('SortId')
MAP, LIST = sort('SortMap'), sort('SortList')
PLUS = SIGNATURE.symbol('Lblplus')
INTS = [dv(INT, number) for number in (0, 1)]
IDS = [dv(ID, name) for name in 'ab']
LEAVES: list[Term] = [inj(EXP, one) for one in (*INTS, *IDS)]
EXPRESSIONS: list[Term] = [*LEAVES, *(app(PLUS, (one, other)) for one, other in product(LEAVES, repeat=2))]
KEYS: list[Term] = [inj(KITEM, one) for one in (*INTS, *IDS)]
MAPS: list[Term] = [
    kmap(MAP, dict(zip(keys, values, strict=True)))
    for count in range(3)
    for keys in product(KEYS, repeat=count)
    if len(set(keys)) == count
    for values in product(KEYS[:2], repeat=count)
]
LISTS: list[Term] = [
    klist(LIST, ((True, one) for one in items)) for count in range(3) for items in product(KEYS, repeat=count)
]
VALUES: dict[str, list[Term]] = {
    'SortExp': EXPRESSIONS,
    'SortInt': list(INTS),
    'SortId': list(IDS),
    'SortKItem': KEYS,
    'SortMap': MAPS,
    'SortList': LISTS,
}


def variables(prefix: str, of: str) -> st.SearchStrategy[Term]:
    return st.sampled_from('XY').map(lambda name: var(f'{prefix}{name}', sort(of)))


def expressions(prefix: str) -> st.SearchStrategy[Term]:
    leaves = st.one_of(
        st.sampled_from(LEAVES),
        variables(prefix, 'SortExp'),
        variables(prefix, 'SortInt').map(lambda one: inj(EXP, one)),
        variables(prefix, 'SortId').map(lambda one: inj(EXP, one)),
    )
    return st.recursive(leaves, lambda inner: st.tuples(inner, inner).map(lambda both: app(PLUS, both)), max_leaves=3)


def items(prefix: str) -> st.SearchStrategy[Term]:
    return st.one_of(
        st.sampled_from(KEYS),
        variables(prefix, 'SortKItem'),
        variables(prefix, 'SortInt').map(lambda one: inj(KITEM, one)),
    )


def maps(prefix: str) -> st.SearchStrategy[Term]:
    entries = st.dictionaries(items(prefix), items(prefix), max_size=2)
    rest = st.lists(variables(prefix, 'SortMap'), max_size=1)

    def build(parts: tuple[dict[Term, Term], list[Term]]) -> Term:
        known, opaque = parts
        return opaque[0] if opaque and not known else kmap(MAP, known, tuple(opaque))

    return st.tuples(entries, rest).map(build)


def lists(prefix: str) -> st.SearchStrategy[Term]:
    member = st.one_of(
        items(prefix).map(lambda one: (True, one)), variables(prefix, 'SortList').map(lambda one: (False, one))
    )

    def build(segments: list[tuple[bool, Term]]) -> Term:
        return segments[0][1] if len(segments) == 1 and not segments[0][0] else klist(LIST, segments)

    return st.lists(member, max_size=3).map(build)


def holds(predicate: Predicate, values: Mapping[Var, Term]) -> bool:
    """Evaluate equalities over concrete constructor terms: there, equal terms are one object."""
    if isinstance(predicate, Verity):
        return True
    if isinstance(predicate, Falsity):
        return False
    if isinstance(predicate, And):
        return all(holds(one, values) for one in predicate.args)
    assert isinstance(predicate, Equal)
    made = substitute_predicate(SIGNATURE, predicate, values)
    return isinstance(made, Verity)


def assignments(free: frozenset[Var], limit: int = 40) -> list[dict[Var, Term]]:
    """Return instantiations of the variables by small values: all of them, or every so many."""
    ordered = sorted(free, key=lambda one: (one.name, one.sort.name))
    every = [VALUES[one.sort.name] for one in ordered]
    total = 1
    for values in every:
        total *= len(values)
    step = max(1, total // limit)
    found = []
    for number in range(0, total, step):
        rest, chosen = number, {}
        for one, values in zip(ordered, every, strict=True):
            chosen[one] = values[rest % len(values)]
            rest //= len(values)
        found.append(chosen)
    return found


def fresh(variable: Var) -> Var:
    return var(f'Fresh{variable.name}', variable.sort)


def check_against_brute_force(pattern: Term, subject: Term) -> None:
    """Every instance of the pattern that is one of the subject must be covered, and nothing else may be."""
    result = match(SIGNATURE, ((pattern, subject),), pattern.free, fresh)
    for chosen in assignments(subject.free):
        instance = substitute(SIGNATURE, subject, chosen)
        if not isinstance(instance, Term):
            continue
        expected = any(
            substitute(SIGNATURE, pattern, values) is instance for values in assignments(pattern.free, limit=4_000)
        )
        covered = any(
            all(holds(one, {**chosen, **values}) for one in solution.conditions)
            for solution in result.solutions
            for values in assignments(frozenset(solution.fresh), limit=10_000)
        )
        if expected and not result.indeterminate:
            assert covered, (pattern, subject, instance, result)
        for solution in result.solutions:
            for values in assignments(frozenset(solution.fresh)):
                everything = {**chosen, **values}
                if all(holds(one, everything) for one in solution.conditions):
                    made = substitute(SIGNATURE, pattern, solution.substitution)
                    assert isinstance(made, Term)
                    assert substitute(SIGNATURE, made, everything) is instance, (pattern, subject, instance, result)


@settings(max_examples=40, deadline=None)
@given(expressions('Pat'), expressions('Var'))
def test_matching_of_expressions_agrees_with_brute_force(pattern: Term, subject: Term) -> None:
    check_against_brute_force(pattern, subject)


@settings(max_examples=30, deadline=None)
@given(maps('Pat'), maps('Var'))
def test_matching_of_maps_agrees_with_brute_force(pattern: Term, subject: Term) -> None:
    check_against_brute_force(pattern, subject)


@settings(max_examples=30, deadline=None)
@given(lists('Pat'), lists('Var'))
def test_matching_of_lists_agrees_with_brute_force(pattern: Term, subject: Term) -> None:
    check_against_brute_force(pattern, subject)


@settings(max_examples=100, deadline=None)
@given(st.one_of(*(st.tuples(kind('Var'), kind('Var')) for kind in (expressions, maps, lists))))
def test_simplified_equalities_are_equivalent(both: tuple[Term, Term]) -> None:
    left, right = both
    made = simplify_equality(SIGNATURE, left, right)
    for chosen in assignments(left.free | right.free, limit=60):
        one, other = substitute(SIGNATURE, left, chosen), substitute(SIGNATURE, right, chosen)
        if isinstance(one, Term) and isinstance(other, Term):
            assert holds(made, chosen) == (one is other), (left, right, made, chosen)


# -- compiled code ---------------------------------------------------------------------------------------

CELLS = sort('SortCellMap')
CELL = sort('SortStoreCell')
RICH = Lab(
    '  hooked-sort SortCellMap{} [hook{}("MAP.Map"), unit{}(LblnoCell{}()), element{}(LbloneCell{}()), '
    'concat{}(LbljoinCells{}())]',
    hooked('LblnoCell', 'MAP.unit', '', 'CellMap', 'total{}()'),
    hooked('LbloneCell', 'MAP.element', 'Int StoreCell', 'CellMap', 'total{}()'),
    hooked('LbljoinCells', 'MAP.concat', 'CellMap CellMap', 'CellMap'),
    subsort('CellMap'),
)


def any_of(of: str, prefix: str, depth: int) -> st.SearchStrategy[Term]:
    """Return terms of a sort of `RICH`: functions, literals, collections in collections, cells, few variables."""
    return _any_of(of, prefix, depth)


@cache
def _any_of(of: str, prefix: str, depth: int) -> st.SearchStrategy[Term]:
    signature = RICH.signature
    target = sort(f'Sort{of}')
    options: list[st.SearchStrategy[Term]] = [st.just(var(f'{prefix}X', target)), st.just(var(f'{prefix}Y', target))]

    def made(name: str, *args: str) -> st.SearchStrategy[Term]:
        parts = st.tuples(*(_any_of(one, prefix, depth - 1) for one in args))
        return parts.map(partial(app, signature.symbol(f'Lbl{name}')))

    if of == 'Int':
        options.append(st.sampled_from(INTS))
    if of == 'Id':
        options.append(st.sampled_from(IDS))
    if of == 'Map':
        options.append(st.just(kmap(MAP, {})))
    if of == 'List':
        options.append(st.just(klist(LIST, ())))
    if depth <= 0 and of not in ('KItem', 'Exp', 'StoreCell', 'Pgm'):
        return st.one_of(options)
    if of == 'Int':
        options += [made('add', 'Int', 'Int'), made('size', 'Exp')] if depth > 0 else []
    elif of == 'Exp':
        lower = st.one_of(_any_of('Int', prefix, depth - 1), _any_of('Id', prefix, depth - 1))
        options.append(lower.map(partial(inj, target)))
        if depth > 0:
            options.append(made('plus', 'Exp', 'Exp'))
    elif of == 'KItem':
        names = ('Int', 'Id') if depth <= 0 else ('Int', 'Id', 'Exp', 'Map', 'List', 'Value', 'CellMap')
        options += [_any_of(name, prefix, depth - 1).map(partial(inj, target)) for name in names]
    elif of == 'Value':
        options.append(_any_of('Int', prefix, depth - 1).map(partial(inj, target)))
    elif of == 'StoreCell':
        options.append(made('store', 'Map'))
    elif of in ('Map', 'CellMap'):
        key, value = ('KItem', 'KItem') if of == 'Map' else ('Int', 'StoreCell')
        entries = st.dictionaries(_any_of(key, prefix, depth - 1), _any_of(value, prefix, depth - 1), max_size=2)
        rest = st.lists(st.just(var(f'{prefix}X', target)), max_size=1)
        options += [st.tuples(entries, rest).map(lambda both: _joined(target, *both))] * 3
    elif of == 'List':
        item = _any_of('KItem', prefix, depth - 1).map(lambda one: (True, one))
        member = st.one_of(item, item, st.just((False, var(f'{prefix}X', target))))
        options += [st.lists(member, max_size=3).map(lambda segments: list_of(target, segments))] * 3
    elif of == 'Pgm':
        options += [made('eval', 'Exp'), made('queue', 'List'), made('count', 'Int')]
    return st.one_of(options)


def _joined(of: Sort, known: dict[Term, Term], opaque: list[Term]) -> Term:
    return opaque[0] if opaque and not known else kmap(of, known, tuple(opaque))


@st.composite
def cases(draw: st.DrawFn) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
    """Return patterns and subjects; the subjects are often instances of the patterns, and sometimes nearly so."""
    names = draw(
        st.lists(st.sampled_from(['Exp', 'KItem', 'Map', 'List', 'CellMap', 'Int', 'Pgm']), min_size=1, max_size=3)
    )
    patterns = tuple(draw(any_of(name, 'Pat', 3)) for name in names)
    variables = sorted({one for pattern in patterns for one in pattern.free}, key=lambda one: (one.name, one.sort.name))
    values = {one: draw(any_of(one.sort.name[4:], 'Var', 1)) for one in variables}
    if draw(st.booleans()):
        # One variable is instantiated in two ways: no instance if it occurs twice.
        other = {one: draw(any_of(one.sort.name[4:], 'Var', 1)) for one in variables}
    else:
        other = values
    subjects = []
    for number, (name, pattern) in enumerate(zip(names, patterns, strict=True)):
        made = substitute(RICH.signature, pattern, other if number else values)
        random = not isinstance(made, Term) or draw(st.integers(0, 3)) == 0
        subjects.append(draw(any_of(name, 'Var', 3)) if random else made)
    return patterns, tuple(subjects)  # type: ignore[return-value]


def agrees(theory: Theory, patterns: tuple[Term, ...], subjects: tuple[Term, ...], by_name: bool) -> bool:
    """Check that compiled code says the same as the general matcher; return whether it says anything."""
    code = Code(theory, patterns, (), (), dv(INT, 0), has_holes=True, by_name=by_name)
    quick = code.match(*subjects)
    if quick is SLOW:
        return False
    free = frozenset[Var]().union(*(one.free for one in patterns))
    pairs = zip(patterns, subjects, strict=True)
    result = match(theory.signature, pairs, free, fresh, narrow=not by_name, by_name=by_name)
    # Where a function was matched by its name, that something below it differs says nothing.
    assert by_name or not result.indeterminate, (patterns, subjects, quick, result)
    if quick is None:
        assert not result.solutions, (patterns, subjects, result)
        return True
    assert not result.indeterminate
    (solution,) = result.solutions
    assert solution.substitution == dict(zip(code.variables, quick, strict=True)), (patterns, subjects)
    assert not solution.conditions, (patterns, subjects, solution)
    return True


@settings(max_examples=600, deadline=None)
@given(cases(), st.booleans())
def test_compiled_code_agrees_with_the_general_matcher(case: tuple[tuple[Term, ...], ...], by_name: bool) -> None:
    agrees(RICH.theory, *case, by_name)


@pytest.mark.parametrize('number', range(7))
def test_compiled_code_compares_a_variable_that_is_an_item_and_the_rest(number: int) -> None:
    rest, items_of = var('PatX', LIST), var('PatX', MAP)
    a, b = KEYS[:2]
    whole, other = klist(LIST, ((True, a),)), klist(LIST, ())
    table = kmap(MAP, {a: a})

    def item(one: Term) -> tuple[bool, Term]:
        return (True, inj(KITEM, one))

    pattern, subject, expected = [
        (klist(LIST, (item(rest), (False, rest))), klist(LIST, (item(other), (True, a))), False),
        (klist(LIST, (item(rest), (False, rest))), klist(LIST, (item(whole), (True, a))), True),
        (klist(LIST, ((False, rest), item(rest))), klist(LIST, ((True, a), item(other))), False),
        (klist(LIST, ((False, rest), item(rest))), klist(LIST, ((True, a), item(whole))), True),
        (kmap(MAP, {b: inj(KITEM, items_of)}, (items_of,)), kmap(MAP, {b: inj(KITEM, kmap(MAP, {})), a: a}), False),
        (kmap(MAP, {b: inj(KITEM, items_of)}, (items_of,)), kmap(MAP, {b: inj(KITEM, table), a: a}), True),
        (kmap(MAP, {b: inj(KITEM, items_of)}, (items_of,)), kmap(MAP, {b: inj(KITEM, kmap(MAP, {}))}), True),
    ][number]
    agrees(RICH.theory, (pattern,), (subject,), False)
    result = match(SIGNATURE, ((pattern, subject),), pattern.free, fresh)
    assert bool(result.solutions) == expected and not result.indeterminate


@settings(max_examples=200, deadline=None)
@given(any_of('Pgm', 'Pat', 3), st.data())
def test_an_alias_stands_for_what_its_pattern_matched(pattern: Term, data: st.DataObject) -> None:
    inside = [one for one in subterms(pattern) if isinstance(one, App) and not one.fn and one.sort is not LIST]
    if not inside:
        return
    part = data.draw(st.sampled_from(inside))
    values = {one: data.draw(any_of(one.sort.name[4:], 'Var', 1)) for one in sorted(pattern.free, key=repr)}
    subject = substitute(RICH.signature, pattern, values)
    alias = var('PatAlias', part.sort)
    code = Code(RICH.theory, (pattern,), ((alias, part),), (), alias, has_holes=False)
    quick = code.match(subject)
    if quick is SLOW or quick is None:
        return
    evaluator = Evaluator(RICH.theory, RICH.solver(), Budget.unlimited())
    assert code.build is not None
    built = code.build(quick, evaluator.apply, PathCondition())
    assert built is substitute(RICH.signature, part, dict(zip(code.variables, quick, strict=True)))
