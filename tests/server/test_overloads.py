"""Overloaded constructors, against their meaning: terms, equality, matching, hooks, the solver."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st
from overloading import (
    LAB,
    SIGNATURE,
    SORTS,
    VALUES,
    as_term,
    environments,
    has_sort,
    holds,
    matches,
    pairs_of_collections,
    pairs_of_terms,
    parts,
    terms,
    value_of,
)

from kprover.server.budget import Budget
from kprover.server.compile import SLOW, Code
from kprover.server.equalities import simplify_equality
from kprover.server.hooks.equality import decide
from kprover.server.matching import match
from kprover.server.predicates import Equal, Not
from kprover.server.smt import Result
from kprover.server.substitution import substitute
from kprover.server.symbols import INT, sort
from kprover.server.terms import App, Term, Var, dv, subterms, var


def fresh(variable: Var) -> Var:
    return var(f'Fresh{variable.name}', variable.sort)


BOTH = st.one_of(pairs_of_terms('Pat', 'Var'), pairs_of_terms('Pat', 'Var'), pairs_of_collections('Pat', 'Var'))


@settings(max_examples=250, deadline=None)
@given(BOTH)
def test_a_match_covers_what_the_pattern_and_the_subject_have_in_common_and_nothing_else(
    both: tuple[Term, Term],
) -> None:
    pattern, subject = both
    result = match(SIGNATURE, ((pattern, subject),), pattern.free, fresh)
    for env in environments(subject.free, 25):
        value = value_of(subject, env)
        if value is None:
            continue
        covered = False
        inside = list(dict.fromkeys(parts(value)))
        for solution in result.solutions:
            choices = [
                [one for one in inside if _fits(one, variable)] or VALUES[variable.sort.name[4:]][:2]
                for variable in solution.fresh
            ]
            for chosen in list(product(*choices))[:2_000]:
                everything = {**env, **dict(zip(solution.fresh, chosen, strict=True))}
                if all(holds(one, everything) for one in solution.conditions):
                    made = {one: value_of(term, everything) for one, term in solution.substitution.items()}
                    assert value_of(pattern, made) == value, (pattern, subject, env, solution)  # type: ignore[arg-type]
                    covered = True
        if not result.indeterminate and not covered:
            assert next(matches(pattern, value, {}), None) is None, (pattern, subject, env, result)


def _fits(value: tuple[object, ...], variable: Var) -> bool:
    of = variable.sort.name[4:]
    if value[0] in ('map', 'list', 'set'):
        return of == str(value[0]).capitalize()
    return of not in ('Map', 'List', 'Set') and has_sort(value, of)


@settings(max_examples=300, deadline=None)
@given(st.one_of(pairs_of_terms('Var', 'Var'), pairs_of_collections('Var', 'Var')))
def test_equalities_mean_the_same_after_simplification(both: tuple[Term, Term]) -> None:
    left, right = both
    made = simplify_equality(SIGNATURE, left, right)
    decided = decide(LAB.theory, left, right)
    for env in environments(left.free | right.free, 40):
        one, other = value_of(left, env), value_of(right, env)
        if one is not None and other is not None:
            assert holds(made, env) == (one == other), (left, right, made, env)
            assert decided is None or decided == (one == other), (left, right, env)


@settings(max_examples=150, deadline=None)
@given(pairs_of_terms('Var', 'Var'), st.booleans(), st.integers(0, 10_000))
def test_the_solver_refutes_nothing_that_holds(both: tuple[Term, Term], positive: bool, number: int) -> None:
    left, right = both
    envs = environments(left.free | right.free, 200)
    env = envs[number % len(envs)]
    known = [Equal(left, right)] if value_of(left, env) == value_of(right, env) else [Not(Equal(left, right))]
    # What is known of the variables: which of them are equal.
    known += [
        Equal(one, other) if env[one] == env[other] else Not(Equal(one, other))
        for one in env
        for other in env
        if one is not other and one.sort is other.sort
    ]
    assert SOLVER.check(known, Budget.unlimited()) is not Result.UNSAT, (left, right, env)


SOLVER = LAB.solver()


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(['C', 'E', 'Es', 'X', 'KItem']).flatmap(lambda of: terms(of, 'Var')), st.integers(0, 10_000))
def test_an_instance_has_the_value_of_the_term_and_the_sort_says_no_less(term: Term, number: int) -> None:
    envs = environments(term.free, 100)
    env = envs[number % len(envs)]
    ground = {one: as_term(env[one], one.sort.name[4:]) for one in term.free}
    made = substitute(SIGNATURE, term, ground)
    assert isinstance(made, Term)
    assert made.sort is term.sort
    assert value_of(made, {}) == value_of(term, env)
    for one in subterms(made):
        if isinstance(one, App) and one.rigid:
            # No constructor but greater ones builds the value at a sort that this one does not have.
            value = value_of(one, {})
            assert value is not None
            assert all(SIGNATURE.subsort(one.sort, sort(f'Sort{of}')) for of in SORTS if has_sort(value, of)), one


@settings(max_examples=400, deadline=None)
@given(BOTH, st.booleans())
def test_compiled_code_agrees_with_the_general_matcher(both: tuple[Term, Term], by_name: bool) -> None:
    pattern, subject = both
    code = Code(LAB.theory, (pattern,), (), (), dv(INT, 0), has_holes=True, by_name=by_name)
    quick = code.match(subject)
    if quick is SLOW:
        return
    result = match(SIGNATURE, ((pattern, subject),), pattern.free, fresh, by_name=by_name)
    assert not result.indeterminate
    if quick is None:
        assert not result.solutions, (pattern, subject)
    else:
        (solution,) = result.solutions
        assert solution.substitution == dict(zip(code.variables, quick, strict=True))
        assert not solution.conditions
