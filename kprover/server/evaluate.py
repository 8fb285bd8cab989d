"""Evaluation of terms under a path condition: hooks, function equations, simplifications.

`Evaluator.simplify` brings a term to a normal form, bottom-up. At each application of a function: the hook, if it can
say something; else the function's equations in order of priority; else its simplifications. An equation is used only if
its left side matches without instantiating the subject and its conditions are certain; a function equation that may or
may not apply ends the search, so that no later one (nor an `owise`) is used in its place.

An evaluator belongs to one request and one thread. Results for concrete terms are kept in the theory and shared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from .builders import BUILDERS, join_lists, join_maps, join_sets
from .compile import SLOW, EquationTable, Undefined
from .condition import PathCondition, lookup_atom
from .equalities import simplify_equality
from .hooks import EVALUATORS
from .matching import NO_MATCH, match
from .predicates import (
    P_BOTTOM,
    P_TOP,
    And,
    Ceil,
    Equal,
    Exists,
    Falsity,
    Forall,
    Not,
    Or,
    Truth,
    Verity,
    conjoin,
    conjuncts,
    disjoin,
    equal,
    exists,
    forall,
    free_variables,
    negate,
    truth,
)
from .predicates import ceil as ceil_of
from .smt import Result
from .substitution import equality, substitute, substitute_predicate
from .terms import (
    BOOL,
    BOTTOM,
    DV,
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
)
from .terms import INT as INT_SORT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .budget import Budget
    from .compile import CompiledEquation
    from .definition import Theory
    from .predicates import Predicate
    from .rules import Equation
    from .smt import Solver
    from .terms import Symbol

__all__ = ['Evaluator']

_SIMPLIFICATION_FUEL: Final = 1_000
"""Applications of simplifications in one call of `simplify`; where they are not enough, none is used."""
_CACHE_LIMIT: Final = 200_000
"""Entries of a cache before it is emptied."""
_MISSING: Final = object()


@final
class Evaluator:
    """Evaluates and decides for one request."""

    __slots__ = (
        '_concrete',
        '_defined',
        '_depth',
        '_equations',
        '_fuel',
        '_nothing',
        '_simplifications',
        'budget',
        'signature',
        'solver',
        'theory',
    )

    def __init__(self, theory: Theory, solver: Solver, budget: Budget) -> None:
        self.theory = theory
        self.signature = theory.signature
        self.solver = solver
        self.budget = budget
        tables = theory.compiled
        if 'equations' not in tables:
            shared = theory.signature.compiled
            key = theory.equation_key
            made = shared.get(key)
            if made is None:
                made = (EquationTable(theory, theory.equations), EquationTable(theory, theory.simplifications), {})
                shared[key] = made
            _, tables['simplifications'], tables['concrete'] = made
            tables['equations'] = made[0]
        self._equations: EquationTable = tables['equations']
        self._simplifications: EquationTable = tables['simplifications']
        self._concrete: dict[Any, Term | Bottom] = tables['concrete']
        self._fuel = _SIMPLIFICATION_FUEL
        self._depth = 0
        self._nothing = PathCondition()
        self._defined: dict[Term, tuple[Predicate, ...]] = {}

    # Terms ------------------------------------------------------------------------------------------------------

    def simplify(self, term: Term, condition: PathCondition) -> Term | Bottom:
        """Return the normal form of `term` under `condition`; `BOTTOM` if it certainly has no value."""
        if not term.fn:
            return term
        if self._depth:
            return self._simplify(term, condition)
        self._fuel = _SIMPLIFICATION_FUEL
        self._depth = 1
        try:
            made = self._simplify(term, condition)
            if self._fuel <= 0:
                # The simplifications run in circles. Without them the answer says less, and is no monster.
                made = self._simplify(term, condition)
            return made
        finally:
            self._depth = 0

    def refuel(self) -> None:
        """Begin a step of rewriting: `apply` may use simplifications anew."""
        self._fuel = _SIMPLIFICATION_FUEL

    @property
    def exhausted(self) -> bool:
        """Whether the bound on simplifications was reached since `refuel`, or in the last `simplify`."""
        return self._fuel <= 0

    def _simplify(self, term: Term, condition: PathCondition) -> Term | Bottom:
        kind = type(term)
        if not term.fn or kind is DV:
            return term
        if kind is App:
            args = []
            for arg in term.args:  # type: ignore[attr-defined]
                if arg.fn:
                    arg = self._simplify(arg, condition)
                    if arg is BOTTOM:
                        return BOTTOM
                args.append(arg)
            symbol = term.symbol  # type: ignore[attr-defined]
            if symbol.unstable:
                return self.apply(symbol, tuple(args), condition)
            return app(symbol, tuple(args))
        if kind is Inj:
            inner = self._simplify(term.inner, condition)  # type: ignore[attr-defined]
            return BOTTOM if isinstance(inner, Bottom) else inj(term.sort, inner)
        return self._simplify_collection(term, condition)

    def _simplify_collection(self, term: Term, condition: PathCondition) -> Term | Bottom:
        def parts(terms: Iterable[Term]) -> list[Term] | None:
            result = []
            for one in terms:
                made = self._simplify(one, condition)
                if isinstance(made, Bottom):
                    return None
                result.append(made)
            return result

        of = term.sort
        if isinstance(term, KMap):
            keys, values, rest = parts(term.index), parts(term.index.values()), parts(term.rest)
            if keys is None or values is None or rest is None:
                return BOTTOM
            return join_maps(of, [*(kmap(of, {key: value}) for key, value in zip(keys, values, strict=True)), *rest])
        if isinstance(term, KSet):
            elements, rest = parts(term.elements), parts(term.rest)
            if elements is None or rest is None:
                return BOTTOM
            return join_sets(of, [*(kset(of, (one,)) for one in elements), *rest])
        assert isinstance(term, KList)
        members = parts(one for _, one in term.segments)
        if members is None:
            return BOTTOM
        segments = zip(term.segments, members, strict=True)
        return join_lists(of, [klist(of, ((True, one),)) if is_item else one for (is_item, _), one in segments])

    def apply(self, symbol: Symbol, args: tuple[Term, ...], condition: PathCondition) -> Term | Bottom:
        """Return the normal form of a function's application to arguments in normal form."""
        hook = symbol.attributes.hook
        if hook:
            builder = BUILDERS.get(hook)
            if builder is not None:
                return builder(symbol, args)
            evaluator = EVALUATORS.get(hook)
            if evaluator is not None:
                made = evaluator(self.theory, symbol, args)
                if made is not None:
                    if isinstance(made, Term) and made.fn:
                        return self._again(symbol, args, made, condition)
                    return made
        if symbol.overloads:
            return self.signature.lowered(symbol, args)
        concrete = True
        for arg in args:
            if arg.free:
                concrete = False
                break
        if concrete:
            # What is shared between requests must not depend on the condition of any of them.
            result = self._cached(self._concrete, symbol, args, self._nothing, concrete)
            if isinstance(result, Bottom) or not result.fn or not condition.known:
                return result
        return self._cached(condition.cache, symbol, args, condition, concrete)

    def _cached(
        self, cache: dict[Any, Any], symbol: Symbol, args: tuple[Term, ...], condition: PathCondition, concrete: bool
    ) -> Term | Bottom:
        key = (symbol, args)
        found = cache.get(key, _MISSING)
        if found is not _MISSING:
            return found  # type: ignore[no-any-return]
        self.budget.check()
        result = self._apply_equations(symbol, args, condition, concrete)
        if len(cache) > _CACHE_LIMIT:
            cache.clear()
        if self._fuel > 0:
            cache[key] = result
        return result

    def _again(self, symbol: Symbol, args: tuple[Term, ...], made: Term, condition: PathCondition) -> Term | Bottom:
        """Simplify the result of a hook that is not a value, unless it is the application itself."""
        if type(made) is App and made.symbol is symbol and made.args == args:
            return made
        if self._fuel <= 0:
            return made
        self._fuel -= 1
        return self._simplify(made, condition)

    def _apply_equations(
        self, symbol: Symbol, args: tuple[Term, ...], condition: PathCondition, concrete: bool
    ) -> Term | Bottom:
        for compiled in self._equations.candidates(symbol):
            outcome = self._attempt(compiled, symbol, args, condition)
            if outcome is None:
                continue
            if outcome is _MISSING:
                break
            return outcome  # type: ignore[no-any-return]
        term = app(symbol, args)
        known = condition.truth_value(term)
        if known is not None:
            return known
        for compiled in self._simplifications.candidates(symbol):
            if self._fuel <= 0:
                break
            if not _admits(compiled.equation, args, concrete):
                continue
            outcome = self._attempt(compiled, symbol, args, condition)
            if outcome is None or outcome is _MISSING or outcome is term:
                continue
            return outcome  # type: ignore[no-any-return]
        return term

    def _attempt(
        self, compiled: CompiledEquation, symbol: Symbol, args: tuple[Term, ...], condition: PathCondition
    ) -> Any:
        """Return the normal form of the right side if the equation applies; None and `_MISSING` as in `_try`."""
        equation = compiled.equation
        if symbol.sort_args != equation.symbol.sort_args:
            # An equation over sort variables may be about this instance too; it is not used, nor passed over.
            general = any(one.is_variable for one in equation.symbol.sort_args)
            return _MISSING if general else None
        code = compiled.code
        values = code.match(*args)
        if values is None:
            return None
        if values is not SLOW and code.build is not None:
            restriction = equation.restriction
            if (restriction.concrete or restriction.symbolic) and not _respects(
                equation, dict(zip(code.variables, values, strict=True))
            ):
                return None if equation.is_simplification else _MISSING
            try:
                holds = code.holds(values, self.apply, condition)
                if holds is False:
                    return None
                if holds is True:
                    if equation.is_simplification:
                        self._fuel -= 1
                    return code.build(values, self.apply, condition)
            except Undefined:
                pass
        outcome = self._try(equation, symbol, args, condition)
        if outcome is None or outcome is _MISSING:
            return outcome
        if equation.is_simplification:
            self._fuel -= 1
        return self._rewritten(outcome, condition)

    def _rewritten(self, outcome: Any, condition: PathCondition) -> Term | Bottom:
        if isinstance(outcome, Bottom):
            return BOTTOM
        result: Term = outcome
        return self._simplify(result, condition) if result.fn else result

    def _try(self, equation: Equation, symbol: Symbol, args: tuple[Term, ...], condition: PathCondition) -> Any:
        """Return the right side if the equation applies, None if it does not, `_MISSING` if that is not certain."""
        result = match(
            self.signature,
            zip(equation.lhs.args, args, strict=True),
            equation.lhs.free,
            _no_fresh,
            narrow=False,
            by_name=equation.is_simplification,
        )
        if result.indeterminate:
            return _MISSING
        if result is NO_MATCH:
            return None
        uncertain = False
        for solution in result.solutions:
            values = dict(solution.substitution)
            if not _respects(equation, values):
                return None if equation.is_simplification else _MISSING
            verdict: bool | None = True
            for one in solution.conditions:
                verdict = self.decide(one, condition)
                if verdict is not True:
                    break
            if verdict is True:
                verdict = self._bind(equation.bindings, values, condition)
            if verdict is True:
                for one in equation.requires:
                    verdict = self.decide(substitute_predicate(self.signature, one, values), condition)
                    if verdict is not True:
                        break
            if verdict is None:
                uncertain = True
            elif verdict is True:
                for one in equation.ensures:
                    if self.decide(substitute_predicate(self.signature, one, values), condition) is not True:
                        return _MISSING
                return substitute(self.signature, equation.rhs, values)
        return _MISSING if uncertain else None

    def _bind(
        self, bindings: tuple[tuple[Var, Term], ...], values: dict[Var, Term], condition: PathCondition
    ) -> bool | None:
        for variable, term in bindings:
            made = substitute(self.signature, term, values)
            if isinstance(made, Term):
                made = self._simplify(made, condition)
            if isinstance(made, Bottom):
                return False
            values[variable] = made
        return True

    # Predicates -------------------------------------------------------------------------------------------------

    def simplify_predicate(self, predicate: Predicate, condition: PathCondition) -> Predicate:
        """Return a predicate equivalent to `predicate` under `condition`."""
        if isinstance(predicate, (Verity, Falsity)):
            return predicate
        known = lookup_atom(condition.known, predicate)
        if known is not None:
            return P_TOP if known else P_BOTTOM
        if isinstance(predicate, Truth):
            term = self.simplify(predicate.term, condition)
            if isinstance(term, Bottom):
                return P_BOTTOM
            made = self._settle(truth(term), predicate, condition)
            dropped = self._dropped(predicate.term, term, condition)
            return conjoin((made, *dropped)) if dropped else made
        if isinstance(predicate, Equal):
            left = self.simplify(predicate.left, condition)
            right = self.simplify(predicate.right, condition)
            for raw, side in ((predicate.left, left), (predicate.right, right)):
                if isinstance(side, Term) and self._dropped(raw, side, condition):
                    # Where a side has no value, what became of it may have one: the equation stays as it is.
                    return predicate
            if isinstance(left, Term) and isinstance(right, Term) and left.defined and right.defined:
                return self._settle(simplify_equality(self.signature, left, right), predicate, condition)
            return self._settle(equality(left, right), predicate, condition)
        if isinstance(predicate, Not):
            return negate(self.simplify_predicate(predicate.arg, condition))
        if isinstance(predicate, And):
            return self._conjunction(predicate.args, condition)
        if isinstance(predicate, Or):
            return disjoin([self.simplify_predicate(one, condition) for one in predicate.args])
        if isinstance(predicate, Ceil):
            return self._ceil(predicate.term, condition)
        return self._quantified(predicate, condition)

    def _ceil(self, raw: Term, condition: PathCondition) -> Predicate:
        """Return the condition for a term to have a value, of which the definedness of parts is a conjunct."""
        term = self.simplify(raw, condition)
        if isinstance(term, Bottom):
            return P_BOTTOM
        result: list[Predicate] = []
        for one in self.definedness(term):
            if isinstance(one, Ceil):
                # About a part of `term`, which is in normal form already.
                known = lookup_atom(condition.known, one)
                made: Predicate = one if known is None else P_TOP if known else P_BOTTOM
            else:
                made = self.simplify_predicate(one, condition)
            if isinstance(made, Falsity):
                return P_BOTTOM
            result.append(made)
        return conjoin(result)

    def _dropped(self, raw: Term, term: Term, condition: PathCondition) -> list[Predicate]:
        """Return what must hold for `raw` to have a value and does not follow from `term`, its normal form, having
        one."""
        if raw.defined or raw is term:
            return []
        kept = self.definedness(term)
        result: list[Predicate] = []
        for one in self.definedness(raw):
            if one not in kept:
                made = self.simplify_predicate(one, condition)
                result.extend(each for each in conjuncts(made) if each not in kept)
        return result

    def _conjunction(self, predicates: Sequence[Predicate], condition: PathCondition) -> Predicate:
        result = []
        for one in predicates:
            made = self.simplify_predicate(one, condition)
            if isinstance(made, Falsity):
                return P_BOTTOM
            result.append(made)
        return conjoin(result)

    def _settle(self, made: Predicate, before: Predicate, condition: PathCondition) -> Predicate:
        """Look up or go on simplifying what an atom has become."""
        if made == before or isinstance(made, (Verity, Falsity)):
            return made
        if isinstance(made, (And, Not, Or)):
            return self._relook(made, condition)
        known = lookup_atom(condition.known, made)
        if known is not None:
            return P_TOP if known else P_BOTTOM
        if isinstance(made, Equal) and isinstance(before, Truth) and made.left.defined and made.right.defined:
            return self._relook(simplify_equality(self.signature, made.left, made.right), condition)
        return made

    def _relook(self, predicate: Predicate, condition: PathCondition) -> Predicate:
        """Replace literals that are known; the terms in them are in normal form already."""
        if isinstance(predicate, Not):
            return negate(self._relook(predicate.arg, condition))
        if isinstance(predicate, And):
            return conjoin([self._relook(one, condition) for one in predicate.args])
        if isinstance(predicate, Or):
            return disjoin([self._relook(one, condition) for one in predicate.args])
        if isinstance(predicate, Equal) and predicate.left.defined and predicate.right.defined:
            made = simplify_equality(self.signature, predicate.left, predicate.right)
            if made not in (predicate, Equal(predicate.right, predicate.left)):
                return self._relook(made, condition)
        known = lookup_atom(condition.known, predicate)
        if known is not None:
            return P_TOP if known else P_BOTTOM
        return predicate

    def _quantified(self, predicate: Exists | Forall, condition: PathCondition) -> Predicate:
        variable = predicate.variable
        body = self.simplify_predicate(predicate.body, condition)
        if isinstance(predicate, Forall):
            return forall((variable,), body)
        parts = conjuncts(body)
        for one in parts:
            value = solved_for(one, variable)
            if value is not None:
                rest = conjoin([other for other in parts if other is not one])
                replaced = substitute_predicate(self.signature, rest, {variable: value})
                return conjoin((self.simplify_predicate(replaced, condition), ceil_of(value)))
        outside = [one for one in parts if variable not in free_variables(one)]
        inside = [one for one in parts if variable in free_variables(one)]
        return conjoin((*outside, exists((variable,), conjoin(inside))))

    def decide(self, predicate: Predicate, condition: PathCondition, *, use_solver: bool = True) -> bool | None:
        """Return whether `predicate` holds (True) or fails (False) wherever `condition` holds, None if not certain."""
        made = self.simplify_predicate(predicate, condition)
        if isinstance(made, Verity):
            return True
        if isinstance(made, Falsity):
            return False
        if not use_solver:
            return None
        if made in condition.decided:
            return condition.decided[made]
        verdict: bool | None = None
        premises = condition.premises
        if self.solver.check([*premises, negate(made)], self.budget) is Result.UNSAT:
            verdict = True
        elif self.solver.check([*premises, made], self.budget) is Result.UNSAT:
            verdict = False
        condition.decided[made] = verdict
        return verdict

    def unsatisfiable(self, condition: PathCondition, more: Iterable[Predicate] = ()) -> bool:
        """Whether the condition, with `more`, certainly holds nowhere."""
        together = [*condition.premises, *more]
        return bool(together) and self.solver.check(together, self.budget) is Result.UNSAT

    # Definedness ------------------------------------------------------------------------------------------------

    def definedness(self, term: Term) -> tuple[Predicate, ...]:
        """Return conditions that together are equivalent to `term` having a value, given that its variables have."""
        if term.defined:
            return ()
        found = self._defined.get(term)
        if found is not None:
            return found
        result: dict[Predicate, None] = {}
        stack: list[Term] = [term]
        while stack:
            one = stack.pop()
            if one.defined:
                continue
            for made in self._own_definedness(one):
                result[made] = None
            if isinstance(one, App):
                stack.extend(one.args)
            elif isinstance(one, Inj):
                stack.append(one.inner)
            elif isinstance(one, KMap):
                stack.extend((*one.index, *one.index.values(), *one.rest))
            elif isinstance(one, KSet):
                stack.extend((*one.elements, *one.rest))
            elif isinstance(one, KList):
                stack.extend(part for _, part in one.segments)
        made_all = tuple(result)
        self._defined[term] = made_all
        return made_all

    def known_defined(self, term: Term, condition: PathCondition) -> bool:
        """Whether `term` has a value wherever `condition` holds, as far as that can be seen without the solver."""
        return all(
            one in condition.facts or isinstance(self.simplify_predicate(one, condition), Verity)
            for one in self.definedness(term)
        )

    def _own_definedness(self, term: Term) -> tuple[Predicate, ...]:
        """Return the conditions for the top of `term` to be defined, given that its parts are."""
        if isinstance(term, (KMap, KSet)):
            return self._collection_definedness(term)
        if not isinstance(term, App) or term.symbol.total:
            return ()
        symbol, args = term.symbol, term.args
        hook = symbol.attributes.hook
        if hook in ('INT.tdiv', 'INT.tmod', 'INT.ediv', 'INT.emod'):
            return conjuncts(negate(equal(args[1], dv(INT_SORT, 0))))
        for rule in self.theory.ceils.get(symbol.name, ()):
            values: Mapping[Var, Term] = dict(zip(rule.lhs.args, args, strict=True))  # type: ignore[arg-type]
            made = substitute_predicate(self.signature, rule.condition, values)
            return tuple(one for one in conjuncts(made) if not (isinstance(one, Ceil) and one.term in args))
        if hook == 'MAP.lookup':
            contains = self.signature.hook_symbol('MAP.in_keys')
            if contains is not None and contains.arg_sorts == (args[1].sort, args[0].sort):
                return (Truth(app(contains, (args[1], args[0]))),)
        return (Ceil(term),)

    def _collection_definedness(self, term: KMap | KSet) -> tuple[Predicate, ...]:
        keys = tuple(term.index) if isinstance(term, KMap) else term.elements
        result: list[Predicate] = []
        for position, one in enumerate(keys):
            for other in keys[position + 1 :]:
                made = simplify_equality(self.signature, one, other)
                if not isinstance(made, Falsity):
                    result.append(negate(made))
        if len(term.rest) > 1:
            return (*result, Ceil(term))
        if term.rest and keys:
            name = 'MAP.in_keys' if isinstance(term, KMap) else 'SET.in'
            contains = self.signature.hook_symbol(name)
            rest = term.rest[0]
            if contains is None or contains.arg_sorts != (keys[0].sort, rest.sort):
                return (*result, Ceil(term))
            result.extend(Not(Truth(app(contains, (key, rest)))) for key in keys)
        return tuple(result)


def solved_for(predicate: Predicate, variable: Var) -> Term | None:
    """Return the value that a conjunct gives to `variable`, None if it gives none."""
    if isinstance(predicate, Equal):
        for one, other in ((predicate.left, predicate.right), (predicate.right, predicate.left)):
            if one is variable and variable not in other.free:
                return other
    elif isinstance(predicate, Truth) and predicate.term is variable:
        return dv(BOOL, True)
    elif isinstance(predicate, Not) and isinstance(predicate.arg, Truth) and predicate.arg.term is variable:
        return dv(BOOL, False)
    return None


def _no_fresh(variable: Var) -> Var:
    raise AssertionError(f'no fresh variable may be made for {variable.name} where nothing is narrowed')


def _admits(equation: Equation, args: tuple[Term, ...], concrete: bool) -> bool:
    restriction = equation.restriction
    if restriction.all_concrete or restriction.all_symbolic:
        values = concrete and not any(arg.fn for arg in args)
        return values if restriction.all_concrete else not values
    return True


def _respects(equation: Equation, values: Mapping[Var, Term]) -> bool:
    """Whether a match meets the equation's `concrete` and `symbolic` restrictions."""
    restriction = equation.restriction
    for variable in restriction.concrete:
        value = values.get(variable)
        if value is None or value.free or value.fn:
            return False
    for variable in restriction.symbolic:
        value = values.get(variable)
        if value is None or not (value.free or value.fn):
            return False
    return True
