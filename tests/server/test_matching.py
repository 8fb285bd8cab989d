"""Matching: against brute force over small terms, and compiled code against the general matcher."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from kore_lab import Lab

from kprover.server.compile import SLOW, Code
from kprover.server.equalities import simplify_equality
from kprover.server.matching import match
from kprover.server.predicates import And, Equal, Falsity, Predicate, Verity
from kprover.server.substitution import substitute, substitute_predicate
from kprover.server.symbols import INT, KITEM, sort
from kprover.server.terms import Term, Var, app, dv, inj, klist, kmap, var

if TYPE_CHECKING:
    from collections.abc import Mapping

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


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        *(st.tuples(kind('Pat'), kind('Var')) for kind in (expressions, maps, lists)),
        st.tuples(expressions('Pat'), st.sampled_from(EXPRESSIONS)),
        st.tuples(maps('Pat'), st.sampled_from(MAPS)),
        st.tuples(lists('Pat'), st.sampled_from(LISTS)),
    )
)
def test_compiled_code_agrees_with_the_general_matcher(both: tuple[Term, Term]) -> None:
    pattern, subject = both
    code = Code(LAB.theory, (pattern,), (), (), dv(INT, 0), has_holes=True)
    quick = code.match(subject)
    if quick is SLOW:
        return
    result = match(SIGNATURE, ((pattern, subject),), pattern.free, fresh)
    if quick is None:
        assert not result.indeterminate
        assert not result.solutions, (pattern, subject)
    else:
        assert not result.indeterminate
        (solution,) = result.solutions
        assert solution.substitution == dict(zip(code.variables, quick, strict=True))
        assert not solution.conditions
