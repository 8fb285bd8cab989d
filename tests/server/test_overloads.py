"""Overloaded constructors, against their meaning: terms, equality, matching, hooks, the solver."""

from __future__ import annotations

from itertools import combinations, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kore_lab import Lab, cell, deep_recursion, step
from kore_text import app as app_text
from kore_text import i, some, subsort, symbol, v
from kore_text import inj as inj_text
from overloading import (
    HEADS,
    LAB,
    PREDICATES,
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
from kprover.server.condition import PathCondition
from kprover.server.definition import Theory
from kprover.server.equalities import constructed, simplify_equality
from kprover.server.errors import InvalidModule
from kprover.server.evaluate import Evaluator
from kprover.server.hooks.equality import decide
from kprover.server.index import RuleIndex
from kprover.server.matching import match
from kprover.server.predicates import Equal, Falsity, Not, Verity
from kprover.server.rewrite import Rewriter, State
from kprover.server.rules import OWISE_PRIORITY, RewriteRule
from kprover.server.smt import Result
from kprover.server.substitution import substitute
from kprover.server.symbols import INT, KITEM, K, sort
from kprover.server.terms import FALSE, TRUE, App, Term, Var, app, dv, inj, subterms, var


def fresh(variable: Var) -> Var:
    return var(f'Fresh{variable.name}', variable.sort)


def some_plus_v() -> str:
    """Return a state with some sum of values."""
    state = cell(app_text('runisPlusX', app_text('plusV', v('P', 'V'), v('Q', 'V'))), v('Store', 'Map'), v('Counter'))
    return some(v('P', 'V'), some(v('Q', 'V'), state))


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
    for one, other in combinations(env, 2):
        equality = Equal(inj(KITEM, one), inj(KITEM, other))
        known.append(equality if env[one] == env[other] else Not(equality))
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


def evaluate(term: Term) -> Term:
    made, owed = Evaluator(LAB.theory, SOLVER, Budget.unlimited()).evaluate(term, PathCondition())
    assert not owed
    assert isinstance(made, Term)
    return made


def head_of(name: str) -> Term:
    """Return the pattern of which the function is true."""
    equation = next(one for one in LAB.theory.equations[f'Lbl{name}'] if one.priority < OWISE_PRIORITY)
    return equation.lhs.args[0]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(PREDICATES), terms('KItem', 'Var'))
def test_sort_predicates_say_what_is_true_of_all_instances_and_decide_each(of: str, item: Term) -> None:
    predicate = SIGNATURE.symbol(f'Lblis{of}')
    answer = evaluate(app(predicate, (sequence(item),)))
    for env in environments(item.free, 12):
        value = value_of(item, env)
        assert value is not None
        expected = TRUE if has_sort(value, of) else FALSE
        assert answer is expected or answer not in (TRUE, FALSE), (of, item, env)
        assert evaluate(app(predicate, (sequence(as_term(value, 'KItem')),))) is expected, (of, value)


def sequence(item: Term) -> Term:
    return app(SIGNATURE.symbol('kseq'), (item, app(SIGNATURE.symbol('dotk'), ())))


HEADED = st.sampled_from(sorted(HEADS)).flatmap(lambda name: st.tuples(st.just(name), terms(HEADS[name][0], 'Var')))


@settings(max_examples=200, deadline=None)
@given(HEADED)
def test_owise_is_taken_only_where_no_instance_matches_and_decides_each(case: tuple[str, Term]) -> None:
    name, term = case
    function, pattern = SIGNATURE.symbol(f'Lbl{name}'), head_of(name)
    answer = evaluate(app(function, (term,)))
    for env in environments(term.free, 12):
        value = value_of(term, env)
        assert value is not None
        expected = TRUE if any(True for _ in matches(pattern, value, {})) else FALSE
        assert answer is expected or answer not in (TRUE, FALSE), (name, term, env)
        ground = as_term(value, HEADS[name][0])
        assert evaluate(app(function, (ground,))) is expected, (name, ground)


@settings(max_examples=120, deadline=None)
@given(HEADED)
def test_rules_of_lower_priority_take_no_instance_from_the_higher(case: tuple[str, Term]) -> None:
    name, term = case
    run, pattern = SIGNATURE.symbol(f'Lblrun{name}'), head_of(name)
    applications = steps(app(run, (term,)))
    for env in environments(term.free, 8):
        value = value_of(term, env)
        assert value is not None
        expected = 'left' if any(True for _ in matches(pattern, value, {})) else 'right'
        if len(applications) == 1 and applications[0][1]:
            assert applications[0][0] == expected, (name, term, env)
        ground = as_term(value, HEADS[name][0])
        assert steps(app(run, (ground,))) == [(expected, True)], (name, ground)


def steps(program: Term) -> list[tuple[str, bool]]:
    """Return the program of each next state, and whether it is reached without a condition."""
    top, cell, store, counter = (
        SIGNATURE.symbol(f'Lbl{name}') for name in ("'-LT-'generatedTop'-GT-'", "'-LT-'k'-GT-'", 'store', 'counter')
    )
    state = app(
        top,
        (
            app(cell, (sequence(inj(KITEM, program)),)),
            app(store, (var('VarStore', sort('SortMap')),)),
            app(counter, (dv(INT, 0),)),
        ),
    )
    count = 0

    def fresh_one(variable: Var) -> Var:
        nonlocal count
        count += 1
        return var(f'{variable.name}{count}', variable.sort)

    rewriter = Rewriter(Evaluator(LAB.theory, SOLVER, Budget.unlimited()), fresh_one)
    result = rewriter.step(State(state, PathCondition()))
    found = []
    for one in result.applications:
        (name,) = {
            part.symbol.name.removeprefix('Lbl')
            for part in subterms(one.state.term)
            if isinstance(part, App) and part.sort is sort('SortPgm')
        }
        found.append((name, isinstance(one.predicate, Verity)))
    return found


@settings(max_examples=150, deadline=None)
@given(pairs_of_terms('Var', 'Var'))
def test_equality_of_items_is_decided_where_they_are_concrete(both: tuple[Term, Term]) -> None:
    left, right = both
    for env in environments(left.free | right.free, 10):
        values = [value_of(one, env) for one in both]
        one, other = (as_term(value, left.sort.name[4:]) for value in values if value is not None)
        same = values[0] == values[1]
        assert decide(LAB.theory, one, other) is same
        assert isinstance(simplify_equality(SIGNATURE, one, other), Verity if same else Falsity)


HEADED_ITEMS = st.one_of(*(terms(of, 'Pat', 1) for of in ('C', 'E', 'Es', 'X'))).filter(constructed)
CONTENT = st.one_of(
    *[HEADED_ITEMS.map(lambda one: sequence(inj(KITEM, one)))] * 3,
    terms('KItem', 'Pat').map(sequence),
    st.tuples(terms('KItem', 'Pat'), terms('KItem', 'Pat')).map(
        lambda both: app(SIGNATURE.symbol('kseq'), (both[0], sequence(both[1])))
    ),
    st.tuples(terms('KItem', 'Pat'), st.just(var('PatRest', K))).map(lambda both: app(SIGNATURE.symbol('kseq'), both)),
    st.just(var('PatRest', K)),
)


def configuration(content: Term) -> Term:
    names = ("'-LT-'generatedTop'-GT-'", "'-LT-'k'-GT-'", 'store', 'counter')
    top, cell, store, counter = (SIGNATURE.symbol(f'Lbl{name}') for name in names)
    others = (app(store, (var('PatM', sort('SortMap')),)), app(counter, (var('PatC', INT),)))
    return app(top, (app(cell, (content,)), *others))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.lists(CONTENT, min_size=1, max_size=4), CONTENT)
def test_the_index_leaves_out_no_rule_that_may_match(lefts: list[Term], content: Term) -> None:
    rules = [
        RewriteRule(configuration(one), (), (), configuration(one), (), (), 50, str(number), '')
        for number, one in enumerate(lefts)
    ]
    theory = Theory('INDEX', SIGNATURE, tuple(rules), {}, {}, {}, (), ())
    renamed = {one: var(f'Var{one.name}', one.sort) for one in content.free}
    subject = substitute(SIGNATURE, configuration(content), renamed)
    assert isinstance(subject, Term)
    found = {one.rule.unique_id for group in RuleIndex(theory).groups(subject) for one in group}
    for rule in rules:
        result = match(SIGNATURE, ((rule.lhs, subject),), rule.lhs.free, fresh)
        if result.solutions or result.indeterminate:
            assert rule.unique_id in found, (rule.lhs, subject)


# -- single cases ----------------------------------------------------------------------------------------


def program(text: str) -> str:
    return cell(text, v('Store', 'Map'), v('Counter'))


@pytest.mark.parametrize(
    ('left', 'right', 'valid'),
    [
        pytest.param(
            app_text('plusX', v('E', 'X'), v('F', 'X')), some_plus_v(), False, id='a sum may be no sum of values'
        ),
        pytest.param(
            app_text('plusX', inj_text(v('E', 'V'), 'V', 'X'), inj_text(app_text('oneV'), 'V', 'X')),
            some_plus_v(),
            True,
            id='a sum of values is one of the lesser',
        ),
        pytest.param(
            app_text('plusV', v('E', 'V'), v('F', 'V')),
            some(
                v('P', 'X'),
                some(v('Q', 'X'), program(app_text('runisPlusX', app_text('plusX', v('P', 'X'), v('Q', 'X'))))),
            ),
            True,
            id='a sum of values is one of the greater',
        ),
    ],
)
def test_implications_between_overloaded_constructors(left: str, right: str, valid: bool) -> None:
    assert LAB.implies(program(app_text('runisPlusX', left)), right)['valid'] is valid


def test_the_solver_keeps_apart_only_what_no_overload_connects() -> None:
    greater, lesser, other = (
        LAB.term(text)
        for text in (
            app_text('plusX', v('P', 'X'), v('Q', 'X')),
            app_text('plusV', v('E', 'V'), v('F', 'V')),
            inj_text(v('G', 'V'), 'V', 'X'),
        )
    )
    assert isinstance(greater, App) and isinstance(lesser, App)
    one = LAB.term(app_text('oneX'))

    def refuted(*predicates: Equal | Not) -> bool:
        return SOLVER.check(list(predicates), Budget.unlimited()) is Result.UNSAT

    assert not refuted(Equal(greater, lesser))
    assert not refuted(Equal(greater, other))
    assert refuted(Equal(greater, one))
    assert refuted(Equal(lesser, one))
    assert refuted(Equal(greater, lesser), Not(Equal(greater.args[0], inj(sort('SortX'), lesser.args[0]))))


@pytest.mark.parametrize(
    ('key', 'wanted', 'answer'),
    [
        ('plusV(E, F)', 'plusX(P, Q)', None),
        ('plusX(oneX, Q)', 'plusV(E, F)', False),
        ('plusX(one, one)', 'plusV(one, one)', True),
    ],
)
def test_keys_of_maps_may_be_equal_by_overloads(key: str, wanted: str, answer: bool | None) -> None:
    names = {
        'plusV(E, F)': app_text('plusV', v('E', 'V'), v('F', 'V')),
        'plusX(P, Q)': app_text('plusX', v('P', 'X'), v('Q', 'X')),
        'plusX(oneX, Q)': app_text('plusX', app_text('oneX'), v('Q', 'X')),
        'plusX(one, one)': app_text('plusX', *[inj_text(app_text('oneV'), 'V', 'X')] * 2),
        'plusV(one, one)': app_text('plusV', app_text('oneV'), app_text('oneV')),
    }
    table = app_text('entry', inj_text(names[key], 'X'), inj_text(i(1), 'Int'))
    found = evaluate(LAB.term(app_text('inKeys', inj_text(names[wanted], 'X'), table)))
    assert found is {True: TRUE, False: FALSE}.get(answer, found)
    assert (found in (TRUE, FALSE)) == (answer is not None)


def lists_of(*items: str, end: str = 'unitEs') -> str:
    """Return a list, by the greatest constructors."""
    result = app_text(end)
    for one in reversed(items):
        result = app_text('consEs', inj_text(app_text(one), one[-1], 'E') if one != 'oneE' else app_text(one), result)
    return result


def test_a_long_list_is_decided() -> None:
    long = lists_of(*['oneZ'] * 400)
    with deep_recursion():
        for end, expected in (('oneL', {'Ls': TRUE, 'Rs': FALSE}), ('oneR', {'Ls': FALSE, 'Rs': TRUE})):
            text = long.replace(app_text('unitEs'), lists_of(end))
            for of, answer in expected.items():
                assert (
                    evaluate(LAB.term(app_text(f'is{of}', f'kseq{{}}({inj_text(text, "Es")}, dotk{{}}())'))) is answer
                )


SHAPE = (
    '  axiom{R} \\equals{SortX{}, R}(LblsumX{}(inj{SortV{}, SortX{}}(K0:SortV{}), inj{SortV{}, SortX{}}(K1:SortV{})), '
    'LblsumV{}(K0:SortV{}, K1:SortV{})) [symbol-overload{}(LblsumX{}(), LblsumV{}())]'
)


def sums(*more: str, args: str = 'V V', axiom: str = SHAPE) -> tuple[str, ...]:
    return (
        '  sort SortX{} []',
        '  sort SortV{} []',
        *(subsort(*one) for one in (('V', 'X'), ('X', 'KItem'), ('V', 'KItem'))),
        symbol('Lblu', '', 'V'),
        symbol('LblsumX', 'X X', 'X'),
        symbol('LblsumV', args, 'X'),
        symbol('Lblsum', 'X', 'Pgm'),
        axiom,
        step(
            app_text('sum', app_text('sumV', *(v(f'A{n}', of) for n, of in enumerate(args.split())))),
            app_text('left'),
            'V',
        ),
        step(app_text('sum', v('K', 'X')), app_text('right'), 'other', attributes='priority{}("60")'),
        *more,
    )


U = inj_text(app_text('u'), 'V', 'X')


@pytest.mark.parametrize(
    'axioms',
    [
        pytest.param(
            sums(axiom=SHAPE.replace('(LblsumX{}(), LblsumV{}())]', '(LblsumV{}(), LblsumX{}())]')),
            id='named in the other order',
        ),
        pytest.param(
            sums(axiom=SHAPE.replace('LblsumV{}(K0:SortV{}, K1:SortV{})', 'LblsumV{}(K1:SortV{}, K0:SortV{})')),
            id='arguments in another order',
        ),
        pytest.param(
            sums(axiom=SHAPE.replace('LblsumV{}(K0:SortV{}, K1:SortV{})', 'LblsumV{}(K0:SortV{})'), args='V'),
            id='arguments missing',
        ),
        pytest.param(
            sums(
                '  axiom{R} \\equals{SortX{}, R}(LblsumX{}(VarA:SortX{}, VarB:SortX{}), '
                'LblsumX{}(VarB:SortX{}, VarA:SortX{})) [anywhere{}()]'
            ),
            id='another equation',
        ),
    ],
)
def test_symbols_of_an_overload_that_is_not_understood_are_not_taken_for_different(axioms: tuple[str, ...]) -> None:
    lab = Lab(*axioms)
    answer = lab.execute(program(app_text('sum', app_text('sumX', U, U))))
    assert 'right' not in str(answer['state'])
    assert answer['reason'] != 'vacuous'
    terms_of = [lab.term(app_text('sumX', U, U)), lab.term(app_text('sumX', U, v('K', 'X')))]
    for one in terms_of:
        assert not isinstance(
            simplify_equality(lab.signature, one, lab.term(app_text('sumX', v('L', 'X'), U))), Falsity
        )


def test_an_overload_of_one_sort_with_a_declared_constructor() -> None:
    lab = Lab(*sums())
    assert lab.term(app_text('sumX', U, U)) is lab.term(app_text('sumV', app_text('u'), app_text('u')))
    answer = lab.execute(program(app_text('sum', app_text('sumX', U, U))))
    assert 'left' in str(answer['state']['term'])


def test_an_added_module_overloads_no_constructor_of_the_definition() -> None:
    engine = Lab(*sums(axiom='')).engine
    with pytest.raises(InvalidModule, match='added module'):
        engine.add_module(f'module LATE\n  import LAB []\n{SHAPE}\nendmodule []', False)


def test_what_the_rules_leave_over_is_looked_at_by_constructors_that_overload_one_another() -> None:
    """`X` lists its constructors: rules for all but the lesser leave nothing over, for it is covered by the greater."""
    lesser_ones = '\\exists{SortX{}}(X0:SortV{}, \\exists{SortX{}}(X1:SortV{}, LblsumV{}(X0:SortV{}, X1:SortV{})))'
    no_junk = (
        '  axiom{} \\or{SortX{}}(\\exists{SortX{}}(X0:SortX{}, \\exists{SortX{}}(X1:SortX{}, LblsumX{}(X0:SortX{}, '
        f'X1:SortX{{}}))), {lesser_ones}, '
        '\\exists{SortX{}}(Val:SortV{}, inj{SortV{}, SortX{}}(Val:SortV{})), \\bottom{SortX{}}()) [constructor{}()]'
    )
    declared = sums()[:10]
    value = step(app_text('sum', inj_text(v('K', 'V'), 'V', 'X')), app_text('left'), 'value')
    greater = step(app_text('sum', app_text('sumX', v('A', 'X'), v('B', 'X'))), app_text('right'), 'greater')
    lesser = step(app_text('sum', app_text('sumV', v('A', 'V'), v('B', 'V'))), app_text('right'), 'lesser')
    start = program(app_text('sum', v('S', 'X')))
    covered = Lab(*declared, no_junk, value, greater).execute(start)
    assert [one['rule-id'] for one in covered['next-states']] == ['value', 'greater']
    assert Lab(*declared, no_junk, value, lesser).execute(start)['reason'] in ('stuck', 'branching')
    open_state = Lab(*declared, no_junk, value, lesser).execute(start)
    assert open_state['reason'] == 'stuck' or any('rule-id' not in one for one in open_state['next-states'])
