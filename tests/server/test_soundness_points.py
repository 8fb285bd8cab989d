"""Symbolic answers against concrete instances.

Random states with variables are simplified, executed and compared by the engine; at random points the same questions
have answers that can be computed without any symbolic reasoning, and the two must agree.
"""

from __future__ import annotations

from typing import Any

import pytest
from fuzzing import TIMES
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from kore_small import DEFINITION
from test_smt import ATOMS, BARE, INTS, POINTS, PREDICATES, X, Y, call, holds, instance, num, programs

from kprover.server.budget import Budget
from kprover.server.engine import Engine
from kprover.server.errors import ImplicationError
from kprover.server.externalise import predicate_to_json, term_to_json
from kprover.server.params import ExecuteParams, ImpliesParams
from kprover.server.parse import parse_definition
from kprover.server.predicates import Equal, Exists, Predicate
from kprover.server.requests import read_claim
from kprover.server.smt import Solver
from kprover.server.symbols import INT, KITEM, sort
from kprover.server.terms import Bottom, Term, Var, inj, subterms, var

pytestmark = pytest.mark.filterwarnings('ignore:Generating overly large repr')

EXAMPLES = 80 * TIMES
ENGINE = Engine(parse_definition(DEFINITION).modules, 'SMALL')
THEORY = ENGINE.definition_for(None)
SIGNATURE = THEORY.signature
SOLVER = Solver(THEORY, 300, 0)
TOP = sort('SortGeneratedTopCell')
Z = var('VarZ', INT)


def configuration(program: Term, total: Term) -> Term:
    k = call('kseq', inj(KITEM, program), call('dotk'))
    return call("Lbl'-LT-'generatedTop'-GT-'", call("Lbl'-LT-'k'-GT-'", k), call("Lbl'-LT-'sum'-GT-'", total))


def to_json(body: Term, conditions: list[Predicate]) -> Any:
    """Return a state as KORE JSON; the symbols of the two theories have the same names."""
    parts = [term_to_json(BARE.signature, body)]
    parts += [predicate_to_json(BARE.signature, one, TOP) for one in conditions]
    return parts[0] if len(parts) == 1 else {'tag': 'And', 'sort': _sort(), 'patterns': parts}


def _sort() -> Any:
    return {'tag': 'SortApp', 'name': TOP.name, 'args': []}


def rebuilt(json: Any) -> tuple[Term | None, list[Predicate]]:
    """Return a state of an answer; no term if it is bottom."""
    claim = read_claim(BARE.signature, json)
    return (None if claim.is_bottom else claim.term), list(claim.predicates)


def at(body: Term | None, conditions: list[Predicate], point: dict[Var, Term]) -> Term | None:
    """Return the instance of a state, None if it has none at `point`."""
    if body is None or not all(holds(one, point) for one in conditions):
        return None
    value = instance(body, point)
    return None if isinstance(value, Bottom) else value


def answer_state(json: Any) -> tuple[Term | None, list[Predicate]]:
    """Return the state of an `execute` answer with its predicate and substitution."""
    body, conditions = rebuilt(json['term']['term'])
    for field in ('predicate', 'substitution'):
        if field in json:
            claim = read_claim(BARE.signature, json[field]['term'])
            conditions += claim.predicates
            if claim.is_bottom:
                body = None
    return body, conditions


STATES = st.tuples(st.builds(configuration, programs(INTS), INTS), st.lists(PREDICATES, max_size=2))


@settings(max_examples=EXAMPLES)
@given(STATES, st.lists(POINTS, min_size=4, max_size=4))
def test_simplified_states_have_the_same_instances(state: Any, points: list[dict[Var, Term]]) -> None:
    body, conditions = state
    result = ENGINE.simplify(to_json(body, conditions), None, Budget(), SOLVER)
    after = rebuilt(result['state']['term'])
    for point in points:
        assert at(*after, point) is at(body, conditions, point)


CALLS = st.one_of(
    st.builds(lambda a: call('Lblsign', a), INTS),
    st.builds(lambda a: call('Lblcount', a), st.one_of(st.sampled_from([X, Y]), st.integers(0, 3).map(num))),
)
RUNNING = st.tuples(st.builds(configuration, CALLS, INTS), st.lists(ATOMS, max_size=2))


def concretely(state: Term, steps: int) -> Term:
    result = ENGINE.execute(term_to_json(BARE.signature, state), None, ExecuteParams(max_depth=steps), Budget(), SOLVER)
    body, conditions = answer_state(result['state'])
    assert body is not None
    assert not conditions
    return body


@settings(max_examples=EXAMPLES)
@given(RUNNING, st.integers(0, 3), st.lists(POINTS, min_size=3, max_size=3))
def test_symbolic_steps_cover_concrete_steps(state: Any, depth: int, points: list[dict[Var, Term]]) -> None:
    body, conditions = state
    result = ENGINE.execute(to_json(body, conditions), None, ExecuteParams(max_depth=depth), Budget(), SOLVER)
    reason, steps = result['reason'], result['depth']
    for point in points:
        start = at(body, conditions, point)
        if start is None:
            # The answer may speak of nothing else than of instances of the question.
            if reason != 'vacuous' and steps == 0:
                assert at(*answer_state(result['state']), point) is None
            continue
        assert reason != 'vacuous'
        if reason != 'branching':
            assert at(*answer_state(result['state']), point) is concretely(start, steps)
            continue
        now, next_one = concretely(start, steps), concretely(start, steps + 1)
        assert at(*answer_state(result['state']), point) is now
        reached = []
        for one in result['next-states']:
            found = at(*answer_state(one), point)
            if found is not None:
                assert found is (next_one if 'rule-id' in one else now)
                reached.append(found)
        assert reached, 'an instance is in none of the next states'
        covering = [read_claim(BARE.signature, one['rule-predicate']['term']) for one in result['next-states']]
        assert any(all(holds(each, point) for each in claim.predicates) for claim in covering)


def changed(body: Term, change: tuple[int, Term]) -> Term:
    """Return `body` with one of its integer subterms replaced."""
    wanted = [one for one in subterms(body) if one.sort is INT]
    if not wanted:
        return body
    old, new = wanted[change[0] % len(wanted)], change[1]

    def go(term: Term) -> Term:
        if term is old:
            return new
        if hasattr(term, 'symbol'):
            return call_of(term, [go(arg) for arg in term.args])  # type: ignore[attr-defined]
        return inj(term.sort, go(term.inner)) if hasattr(term, 'inner') else term

    return go(body)


def call_of(term: Any, args: list[Term]) -> Term:
    from kprover.server.terms import app

    return app(term.symbol, tuple(args))


def implied(antecedent: Any, consequent: Any) -> dict[str, Any]:
    """Ask for an implication; one that is refused, for simplification has taken variables away, counts as not valid."""
    try:
        return ENGINE.implies(antecedent, consequent, None, ImpliesParams(), Budget(), SOLVER)
    except ImplicationError:
        return {'valid': False, 'status': 'indeterminate'}


CHANGES = st.tuples(st.integers(0, 5), INTS)


@settings(max_examples=2 * EXAMPLES)
@given(STATES, st.lists(PREDICATES, max_size=1), st.none() | CHANGES, st.lists(POINTS, min_size=6, max_size=6))
def test_valid_implications_have_no_counterexample(
    state: Any, goal: list[Predicate], change: Any, points: list[dict[Var, Term]]
) -> None:
    body, conditions = state
    other = body if change is None else changed(body, change)
    consequent = [*conditions[:1], *goal]
    free = {*other.free, *_free(consequent)}
    assume(free <= set(body.free) | set(_free(conditions)))
    result = implied(to_json(body, conditions), to_json(other, consequent))
    assert result['valid'] == (result['status'] == 'valid')
    if result['valid']:
        for point in points:
            start = at(body, conditions, point)
            if start is not None:
                assert at(other, consequent, point) is start


@settings(max_examples=2 * EXAMPLES)
@given(STATES, st.lists(ATOMS, max_size=1), CHANGES, st.booleans(), st.lists(POINTS, min_size=3, max_size=3))
def test_existentials_of_valid_implications_have_witnesses(
    state: Any, goal: list[Predicate], change: Any, constrained: bool, points: list[dict[Var, Term]]
) -> None:
    body, conditions = state
    other = changed(body, (change[0], Z))
    consequent: list[Predicate] = [*goal, *([Equal(Z, change[1])] if constrained else [])]
    free = {*other.free, *_free(consequent)}
    assume(free - {Z} <= set(body.free) | set(_free(conditions)))
    quantified = {
        'tag': 'Exists',
        'sort': _sort(),
        'var': Z.name,
        'varSort': {'tag': 'SortApp', 'name': 'SortInt', 'args': []},
        'arg': to_json(other, consequent),
    }
    if not implied(to_json(body, conditions), quantified)['valid']:
        return
    for point in points:
        start = at(body, conditions, point)
        if start is not None:
            # Small numbers, and what the terms that Z stands in for, or is equal to, are at the point.
            terms = [change[1], *(one for one in subterms(body) if one.sort is INT)]
            values = {*map(num, range(-5, 6)), *(instance(one, point) for one in terms)}
            assert any(
                witness(other, consequent, {**point, Z: value}) is start for value in values if isinstance(value, Term)
            )


def witness(body: Term, conditions: list[Predicate], point: dict[Var, Term]) -> Term | None:
    """Return the instance, None also where the hooks leave it open (a negative count in a shift)."""
    try:
        return at(body, conditions, point)
    except AssertionError:
        return None


def _free(predicates: list[Predicate]) -> list[Var]:
    from kprover.server.predicates import free_variables

    return [one for predicate in predicates for one in free_variables(predicate)]


def test_the_quantifier_of_an_implication_is_not_a_wildcard() -> None:
    body = configuration(call('Lblcount', X), num(0))
    assert Exists(Z, Equal(Z, X)) != Exists(X, Equal(Z, X))
    quantified = {
        'tag': 'Exists',
        'sort': _sort(),
        'var': Z.name,
        'varSort': {'tag': 'SortApp', 'name': 'SortInt', 'args': []},
        'arg': to_json(configuration(call('Lblcount', Z), Z), []),
    }
    result = ENGINE.implies(to_json(body, []), quantified, None, ImpliesParams(), Budget(), SOLVER)
    assert not result['valid']
