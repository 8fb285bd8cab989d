"""The solver: what it refutes has no instance, and what it must refute it does."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from fuzzing import TIMES
from hypothesis import given, settings
from hypothesis import strategies as st
from kore_small import definition
from kore_text import symbol

from kprover.server.budget import Budget
from kprover.server.definition import Library
from kprover.server.errors import RequestCancelled
from kprover.server.hooks import EVALUATORS
from kprover.server.hooks.equality import decide
from kprover.server.parse import parse_definition
from kprover.server.predicates import (
    And,
    Ceil,
    Equal,
    Exists,
    Falsity,
    Forall,
    Not,
    Or,
    Predicate,
    Truth,
    Verity,
    predicate_terms,
)
from kprover.server.smt import Model, Result, Solver, Z3Session
from kprover.server.smt_hooks import parse_template
from kprover.server.smt_points import Points
from kprover.server.symbols import BOOL, INT, KITEM, sort
from kprover.server.terms import BOTTOM, DV, FALSE, TRUE, App, Bottom, Inj, Term, Var, app, dv, inj, kmap, subterms, var

# declared is never negative; and smaller than its argument where that is positive.
LEMMAS = [
    '  axiom{R} \\implies{R}(\\top{R}(), \\equals{SortBool{}, R}(LblgeInt{}(Lbldeclared{}(VarN:SortInt{}), '
    '\\dv{SortInt{}}("0")), \\and{SortBool{}}(\\dv{SortBool{}}("true"), \\top{SortBool{}}()))) '
    '[simplification{}(""), smt-lemma{}()]',
]
THEORY = Library(parse_definition(definition(LEMMAS)).modules).theory('SMALL')
BARE = Library(parse_definition(definition()).modules).theory('SMALL')
PGM = sort('SortPgm')
X, Y, Z = (var(f'Var{name}', INT) for name in 'XYZ')
P, Q = var('VarP', BOOL), var('VarQ', BOOL)
T, U = var('VarT', PGM), var('VarU', PGM)


def hook(name: str, *args: Term) -> Term:
    symbol = BARE.hook_symbol(name)
    assert symbol is not None
    return app(symbol, args)


def call(name: str, *args: Term) -> Term:
    return app(BARE.symbol(name), args)


def num(value: int) -> Term:
    return dv(INT, value)


def less(left: Term, right: Term) -> Predicate:
    return Truth(hook('INT.lt', left, right))


def k(term: Term) -> Term:
    return call('kseq', inj(KITEM, term), call('dotk'))


@pytest.fixture(scope='module')
def solver() -> Solver:
    return Solver(BARE, 2000, 0)


# Evaluation at a point, straight from the meaning of the hooks ------------------------------------------------------


def instance(term: Term, point: dict[Var, Term]) -> Term | Bottom:
    """Return the value of `term` at `point`; unknown and declared are some functions, as good as any."""
    if isinstance(term, Var):
        return point[term]
    if isinstance(term, Inj):
        inner = instance(term.inner, point)
        return BOTTOM if isinstance(inner, Bottom) else inj(term.sort, inner)
    if not isinstance(term, App):
        return term
    name = term.symbol.hook
    if name in ('BOOL.andThen', 'BOOL.orElse', 'KEQUAL.ite'):
        first = instance(term.args[0], point)
        if isinstance(first, Bottom):
            return BOTTOM
        if name == 'KEQUAL.ite':
            return instance(term.args[1 if first is TRUE else 2], point)
        return first if (first is FALSE) == (name == 'BOOL.andThen') else instance(term.args[1], point)
    args: list[Term] = []
    for arg in term.args:
        value = instance(arg, point)
        if isinstance(value, Bottom):
            return BOTTOM
        args.append(value)
    if name:
        found = EVALUATORS[name](BARE, term.symbol, tuple(args))
        assert found is not None
        return found
    if term.symbol.name == 'Lblunknown':
        value = args[0].value  # type: ignore[attr-defined]
        return BOTTOM if value % 2 else num(value // 2)
    if term.symbol.name == 'Lbldeclared':
        return num(args[0].value * 3 + 1)  # type: ignore[attr-defined]
    return app(term.symbol, tuple(args))


def holds(predicate: Predicate, point: dict[Var, Term]) -> bool:
    if isinstance(predicate, Truth):
        return instance(predicate.term, point) is TRUE
    if isinstance(predicate, Ceil):
        return instance(predicate.term, point) is not BOTTOM
    if isinstance(predicate, Equal):
        return instance(predicate.left, point) is instance(predicate.right, point)
    if isinstance(predicate, Not):
        return not holds(predicate.arg, point)
    if isinstance(predicate, And):
        return all(holds(one, point) for one in predicate.args)
    if isinstance(predicate, Or):
        return any(holds(one, point) for one in predicate.args)
    return isinstance(predicate, Verity)


NUMBERS = st.integers(-4, 4)


def integers(inner: Any) -> Any:
    ints, bools = inner
    binary = ['add', 'sub', 'mul', 'tdiv', 'tmod', 'ediv', 'emod', 'min', 'max', 'and', 'or', 'xor']
    return st.one_of(
        st.builds(lambda name, a, b: hook(f'INT.{name}', a, b), st.sampled_from(binary), ints, ints),
        st.builds(lambda a, b: hook('INT.pow', a, num(b)), ints, st.integers(-1, 3)),
        st.builds(
            lambda name, a, b: hook(name, a, num(b)), st.sampled_from(['INT.shl', 'INT.shr']), ints, st.integers(0, 3)
        ),
        st.builds(lambda a, b: hook('INT.and', a, num(b)), ints, st.sampled_from([1, 3, 7, 5])),
        st.builds(lambda a, b, c: hook('INT.bitRange', a, num(b), num(c)), ints, st.integers(0, 3), st.integers(0, 3)),
        st.builds(lambda name, a: hook(name, a), st.sampled_from(['INT.not', 'INT.abs']), ints),
        st.builds(lambda name, a: call(name, a), st.sampled_from(['Lblunknown', 'Lbldeclared']), ints),
        st.builds(lambda c, a, b: app(BARE.symbol('Lblite', (INT,)), (c, a, b)), bools, ints, ints),
    )


def programs(ints: Any) -> Any:
    return st.one_of(
        st.sampled_from([T, U, call('Lblstop')]),
        st.builds(lambda a, b: call('Lblpair', a, b), ints, ints),
        st.builds(lambda a: call('Lblcount', a), ints),
    )


def booleans(inner: Any) -> Any:
    ints, bools = inner
    relations = ['lt', 'le', 'gt', 'ge', 'eq', 'ne']
    joins = ['and', 'or', 'andThen', 'orElse', 'implies', 'xor', 'eq', 'ne']
    anything = st.one_of(programs(ints), ints)
    return st.one_of(
        st.builds(lambda name, a, b: hook(f'INT.{name}', a, b), st.sampled_from(relations), ints, ints),
        st.builds(lambda name, a, b: hook(f'BOOL.{name}', a, b), st.sampled_from(joins), bools, bools),
        st.builds(lambda a: hook('BOOL.not', a), bools),
        st.builds(
            lambda name, a, b: hook(name, k(a), k(b)), st.sampled_from(['KEQUAL.eq', 'KEQUAL.ne']), anything, anything
        ),
    )


def grow(depth: int) -> tuple[Any, Any]:
    ints = st.one_of(st.sampled_from([X, Y]), NUMBERS.map(num))
    bools = st.sampled_from([P, TRUE, FALSE])
    for _ in range(depth):
        ints, bools = st.one_of(ints, integers((ints, bools))), st.one_of(bools, booleans((ints, bools)))
    return ints, bools


INTS, BOOLS = grow(2)
ATOMS = st.one_of(
    st.builds(Truth, BOOLS),
    st.builds(Equal, INTS, INTS),
    st.builds(Equal, BOOLS, BOOLS),
    st.builds(Equal, programs(INTS), programs(INTS)),
    st.builds(Ceil, INTS),
)
PREDICATES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(lambda a, b: And((a, b)), inner, inner),
        st.builds(lambda a, b: Or((a, b)), inner, inner),
    ),
    max_leaves=3,
)
PROGRAMS = [
    call('Lblstop'),
    call('Lblpair', num(1), num(-2)),
    call('Lblcount', num(2)),
    call('Lblpair', num(0), num(0)),
]
POINTS = st.fixed_dictionaries(
    {
        X: NUMBERS.map(num),
        Y: NUMBERS.map(num),
        P: st.sampled_from([TRUE, FALSE]),
        T: st.sampled_from(PROGRAMS),
        U: st.sampled_from(PROGRAMS),
    }
)
DECLARED = BARE.symbol('Lbldeclared')


def terms(predicate: Predicate) -> list[Term]:
    """Return all subterms of `predicate`."""
    return [term for root in predicate_terms(predicate) for term in subterms(root)]


SHARED = Solver(BARE, 200, 0)
pytestmark = pytest.mark.filterwarnings('ignore:Generating overly large repr')


@settings(max_examples=120 * TIMES, deadline=None)
@given(st.lists(PREDICATES, min_size=1, max_size=3), POINTS)
def test_nothing_that_has_an_instance_is_refuted(predicates: list[Predicate], point: dict[Var, Term]) -> None:
    # Each predicate or its negation holds at the point, so that their conjunction has an instance.
    true = [one if holds(one, point) else Not(one) for one in predicates]
    assert SHARED.check(true) is not Result.UNSAT


@settings(max_examples=60 * TIMES, deadline=None)
@given(st.lists(PREDICATES, min_size=1, max_size=2), POINTS)
def test_exact_models_are_instances(predicates: list[Predicate], point: dict[Var, Term]) -> None:
    found = SHARED.model(predicates)
    # A function that the definition only declares to SMT may have any values; here it has some.
    free = any(getattr(term, 'symbol', None) is DECLARED for root in map(terms, predicates) for term in root)
    if isinstance(found, Model) and found.exact and not free:
        completed = {**point, **{one: dv(one.sort, value) for one, value in found.values.items()}}
        assert all(holds(one, completed) for one in predicates)


# What must be refuted -----------------------------------------------------------------------------------------------


REFUTED: list[list[Predicate]] = [
    [Falsity()],
    [less(X, Y), less(Y, X)],
    [less(num(0), X), Equal(hook('INT.tdiv', X, num(2)), X)],
    [less(X, num(0)), Truth(hook('INT.gt', hook('INT.tmod', X, num(3)), num(0)))],
    [Truth(hook('INT.lt', hook('INT.emod', X, num(3)), num(0)))],
    [Equal(hook('INT.tdiv', num(-7), num(2)), num(-4))],
    [Equal(hook('INT.ediv', num(-7), num(2)), num(-3))],
    [Equal(Y, num(0)), Ceil(hook('INT.tdiv', X, Y))],
    [Equal(Y, num(0)), Truth(hook('INT.eq', hook('INT.emod', X, Y), hook('INT.emod', X, Y)))],
    [Not(Ceil(hook('INT.tdiv', X, Y))), less(num(0), Y)],
    [Equal(X, Y), Not(Equal(call('Lblunknown', X), call('Lblunknown', Y)))],
    [Equal(call('Lblpair', X, num(1)), call('Lblpair', num(2), Y)), less(X, Y)],
    [Equal(T, call('Lblstop')), Equal(T, call('Lblcount', X))],
    [Truth(hook('KEQUAL.eq', k(T), k(call('Lblstop')))), Equal(T, call('Lblcount', X))],
    [Truth(hook('KEQUAL.eq', k(X), k(Y))), less(X, Y)],
    [Equal(inj(KITEM, X), inj(KITEM, P))],
    [Truth(P), Not(Truth(P))],
    [Truth(hook('BOOL.and', P, Q)), Not(Truth(hook('BOOL.or', P, Q)))],
    [Equal(app(BARE.symbol('Lblite', (INT,)), (P, num(1), num(2))), num(3))],
    [less(call('Lblsmaller', X, Y), X), less(X, Y)],
    [Exists(Z, And((less(Z, num(3)), less(num(2), Z))))],
    [Forall(Z, less(X, Z))],
    [
        Equal(dv(sort('SortId'), 'a'), var('VarI', sort('SortId'))),
        Equal(dv(sort('SortId'), 'b'), var('VarI', sort('SortId'))),
    ],
    [less(hook('INT.and', X, num(255)), num(0))],
    [Equal(X, num(5)), Not(Equal(hook('INT.shl', X, num(2)), num(20)))],
    [less(hook('LIST.size', var('VarL', sort('SortList'))), num(0))],
    [less(num(0), X), less(X, hook('INT.and', X, Y))],
    [less(num(0), Y), less(hook('INT.pow', num(2), Y), num(2))],
    [less(num(-1), X), less(num(-1), Y), less(hook('INT.or', X, Y), X)],
    [less(num(-1), X), less(num(-1), Y), less(X, hook('INT.shr', X, Y))],
]


@pytest.mark.parametrize('predicates', REFUTED, ids=range(len(REFUTED)))
def test_contradictions_are_found(solver: Solver, predicates: list[Predicate]) -> None:
    assert solver.check(predicates) is Result.UNSAT


NOT_REFUTED: list[list[Predicate]] = [
    [],
    [less(X, Y)],
    [Not(Truth(hook('INT.eq', hook('INT.tdiv', X, Y), hook('INT.tdiv', X, Y))))],
    [Equal(hook('INT.tdiv', X, num(0)), hook('INT.tmod', X, num(0)))],
    [Truth(hook('INT.lt', hook('INT.shr', X, Y), num(0))), less(Y, num(0))],
    [Not(Equal(call('Lblunknown', X), call('Lblunknown', Y)))],
    [Equal(T, U), Not(Equal(T, call('Lblstop')))],
    [Exists(T, Not(Equal(T, U)))],
    [Equal(kmap(sort('SortMap'), {inj(KITEM, X): inj(KITEM, Y)}), var('VarM', sort('SortMap')))],
]


@pytest.mark.parametrize('predicates', NOT_REFUTED, ids=range(len(NOT_REFUTED)))
def test_what_can_hold_is_not_refuted(solver: Solver, predicates: list[Predicate]) -> None:
    assert solver.check(predicates) is not Result.UNSAT


def test_implications_are_proved_conjunct_by_conjunct(solver: Solver) -> None:
    assert solver.implied([less(X, Y), less(Y, Z)], And((less(X, Z), Not(Equal(X, Z)))))
    assert not solver.implied([less(X, Y)], less(Y, X))
    assert not solver.implied([], Ceil(hook('INT.tdiv', X, Y)))
    assert solver.implied([Not(Equal(Y, num(0)))], Ceil(hook('INT.tdiv', X, Y)))


def test_lemmas_of_the_definition_are_used() -> None:
    assert len(THEORY.smt_lemmas) == 1
    negative = Truth(hook('INT.lt', call('Lbldeclared', X), num(0)))
    assert Solver(BARE).check([negative]) is not Result.UNSAT
    declared = app(THEORY.symbol('Lbldeclared'), (X,))
    symbol = THEORY.hook_symbol('INT.lt')
    assert symbol is not None
    assert Solver(THEORY).check([Truth(app(symbol, (declared, num(0))))]) is Result.UNSAT
    # Also for an argument that is itself compound, and through another condition.
    nested = app(THEORY.symbol('Lbldeclared'), (hook('INT.add', X, Y),))
    assert Solver(THEORY).check([Equal(nested, Z), Truth(app(symbol, (Z, num(0))))]) is Result.UNSAT


def test_no_solver_decides_nothing() -> None:
    switched_off = Solver(BARE, enabled=False)
    assert switched_off.check([less(X, X)]) is Result.UNKNOWN
    assert switched_off.check([less(X, Y), Not(less(X, Y))]) is Result.UNSAT
    assert switched_off.model([less(X, Y)]) is Result.UNKNOWN


def hard() -> list[Predicate]:
    """A non-linear problem that z3 does not solve in seconds."""

    def cube(term: Term) -> Term:
        return hook('INT.mul', term, hook('INT.mul', term, term))

    total = hook('INT.add', cube(X), hook('INT.add', cube(Y), cube(Z)))
    return [Equal(total, num(114)), *(Not(less(one, num(-(10**9)))) for one in (X, Y, Z))]


def test_work_is_limited_and_the_answer_then_unknown() -> None:
    started = time.process_time()
    assert Solver(BARE, timeout_ms=100, retry_limit=1).check(hard()) is Result.UNKNOWN
    assert time.process_time() - started < 5


def test_a_cancel_interrupts_z3() -> None:
    budget = Budget()
    solver = Solver(BARE, timeout_ms=60_000, retry_limit=0)
    timer = threading.Timer(0.3, budget.cancel)
    timer.start()
    started = time.monotonic()
    with pytest.raises(RequestCancelled):
        solver.check(hard(), budget)
    assert time.monotonic() - started < 5
    # The context is still of use.
    assert solver.check([less(X, X)]) is Result.UNSAT


def test_threads_have_their_own_solvers() -> None:
    answers: list[Result] = []

    def work(number: int) -> None:
        own = Solver(BARE)
        for offset in range(30):
            answers.append(own.check([less(X, num(number)), less(num(number + offset), X)]))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [Result.UNSAT] * 120


def test_independent_conditions_are_decided_apart() -> None:
    solver = Solver(BARE)
    path = [less(var(f'VarA{n}', INT), num(n)) for n in range(30)]
    assert solver.check(path) is Result.SAT
    asked = len(solver._cache)
    assert solver.check([*path, less(X, num(0))]) is Result.SAT
    assert len(solver._cache) == asked + 1
    assert solver.check([*path, less(num(7), var('VarA5', INT))]) is Result.UNSAT
    assert len(solver._cache) == asked + 2


def test_predicates_that_are_too_large_prove_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from kprover.server import smt_terms

    monkeypatch.setattr(smt_terms, 'MAX_NODES', 50)
    large: Term = X
    for number in range(60):
        large = hook('INT.add', large, num(number))
    solver = Solver(BARE)
    assert solver.check([less(large, X)]) is Result.UNKNOWN
    assert solver.check([less(large, X), less(X, X)]) is Result.UNSAT


@pytest.mark.parametrize(
    ('template', 'arity', 'known'),
    [
        ('+', 2, True),
        ('(+ #1 (* 2 #2))', 2, True),
        ('(ite (< #1 #2) #1 #2)', 2, True),
        ('div', 2, False),
        ('(mod #1 #2)', 2, False),
        ('(foo #1)', 1, False),
        ('(+ #1 #3)', 2, False),
        ('(+ #1', 1, False),
        (')', 1, False),
        ('', 1, False),
        ('(and)', 1, False),
        ('(+ #1 ²)', 1, False),
        ('#²', 1, False),
        ('5', 0, False),
    ],
)
def test_smt_hooks_are_used_only_if_understood(template: str, arity: int, known: bool) -> None:
    assert (parse_template(template, arity, total=True) is not None) is known
    assert parse_template(template, arity, total=False) is None


def test_an_smt_hook_that_cannot_be_used_leaves_a_symbol_of_which_nothing_is_known() -> None:
    """Of a constant, of no operands, and one that z3 has no sort for: a wrong attribute is no reason to end a proof."""
    function = ('function{}()', 'functional{}()', 'total{}()')
    sentences = [
        symbol('Lbllimit', '', 'Int', (*function, 'smt-hook{}("5")')),
        symbol('Lblempty', 'Int', 'Int', (*function, 'smt-hook{}("(+)")')),
        symbol('Lblwrong', 'Int', 'Bool', (*function, 'smt-hook{}("(+ #1 #1)")')),
    ]
    theory = Library(parse_definition(definition(sentences)).modules).theory('SMALL')
    limit, empty = app(theory.symbol('Lbllimit'), ()), app(theory.symbol('Lblempty'), (X,))
    wrong = Truth(app(theory.symbol('Lblwrong'), (X,)))
    solver = Solver(theory, 2000, 0)
    for unknown in (less(limit, num(5)), less(num(5), limit), less(empty, num(0)), less(num(0), empty)):
        assert solver.check([unknown]) is Result.SAT
    assert solver.check([less(limit, X), less(X, limit)]) is Result.UNSAT
    assert solver.check([wrong]) is not Result.UNSAT
    assert solver.check([Not(wrong)]) is not Result.UNSAT


@given(st.sampled_from(PROGRAMS), st.sampled_from([T, call('Lblpair', X, Y), call('Lblcount', num(2))]))
def test_shapes_decide_what_z3_decides(one: Term, other: Term) -> None:
    answer = decide(BARE, one, other)
    if answer is not None:
        wrong: Predicate = Not(Equal(one, other)) if answer else Equal(one, other)
        assert SHARED.check([wrong]) is Result.UNSAT


@settings(max_examples=80 * TIMES, deadline=None)
@given(st.lists(PREDICATES, min_size=1, max_size=3), POINTS)
def test_a_point_satisfies_only_what_holds_there(predicates: list[Predicate], point: dict[Var, Term]) -> None:
    points = Points()
    native = {one: value.value for one, value in point.items() if isinstance(value, DV)}
    points.remember(native)
    if points.satisfy(predicates):
        origin = {**point, X: num(0), Y: num(0), P: FALSE}
        assert any(all(holds(one, at) for one in predicates) for at in (point, origin))


def test_a_point_that_satisfied_the_path_is_tried_for_its_continuations() -> None:
    solver = Solver(BARE)
    path = [less(num(100), X), less(X, num(1000))]
    assert solver.check(path) is Result.SAT
    asked = solver._session._queries
    further = less(X, num(500))
    answers = {solver.check([*path, further]), solver.check([*path, Not(further)])}
    assert answers == {Result.SAT}
    assert solver._session._queries <= asked + 1


def test_solvers_of_a_thread_share_a_context_and_survive_its_replacement() -> None:
    session = Z3Session()
    one, other = Solver(BARE, session=session), Solver(THEORY, session=session)
    negative = Truth(hook('INT.lt', call('Lbldeclared', X), num(0)))
    lemma = Truth(app(one_of(THEORY, 'INT.lt'), (app(THEORY.symbol('Lbldeclared'), (X,)), num(0))))
    assert one.check([negative]) is not Result.UNSAT
    assert other.check([lemma]) is Result.UNSAT
    session.renew()
    assert other.check([lemma, less(X, Y)]) is Result.UNSAT
    assert one.check([negative, less(X, Y)]) is not Result.UNSAT
    assert session.generation == 2


def one_of(theory: Any, name: str) -> Any:
    symbol = theory.hook_symbol(name)
    assert symbol is not None
    return symbol
