"""Evaluation of terms under a path condition: hooks, function equations, simplifications.

`simplify` brings a term to a normal form, bottom-up. At each application of a function: the hook, if it can say
something; else the function's equations in order of priority; else its simplifications. An equation is used only if
its left side matches without instantiating the subject and its conditions are certain; a function equation that may or
may not apply ends the search, so that no later one (nor an `owise`) is used in its place.

Results for concrete terms are kept in the theory and shared between requests.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final

from .builders import BUILDERS, join_lists, join_maps, join_sets
from .compile import SLOW, EquationTable, Undefined
from .condition import PathCondition
from .hooks import EVALUATORS
from .matching import NO_MATCH, match
from .substitution import substitute, substitute_predicate
from .terms import BOTTOM, DV, App, Bottom, Inj, KList, KMap, KSet, Term, Var, app, inj, klist, kmap, kset

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .budget import Budget
    from .compile import CompiledEquation
    from .definition import Theory
    from .predicates import Predicate
    from .rules import Equation
    from .smt import Solver
    from .symbols import Symbol

__all__ = ['TermEvaluator']

_SIMPLIFICATION_FUEL: Final = 1_000
"""Applications of simplifications in one call of `simplify`; where they are not enough, none is used."""
_CACHE_LIMIT: Final = 200_000
"""Entries of a cache before it is emptied."""
_MISSING: Final = object()


class TermEvaluator(ABC):
    """Evaluates terms for one request; whether a condition holds is left to `decide`."""

    __slots__ = (
        '_concrete',
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

    @abstractmethod
    def decide(self, predicate: Predicate, condition: PathCondition) -> bool | None:
        """Return whether `predicate` holds (True) or fails (False) wherever `condition` holds, None if not certain."""

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
        if not symbol.reducible:
            return app(symbol, args)
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
