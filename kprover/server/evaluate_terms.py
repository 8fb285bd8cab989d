"""Evaluation of terms under a path condition: hooks, function equations, simplifications.

`evaluate` brings a term to a normal form, bottom-up. At each application of a function: the hook, if it decides; else
the function's equations in order of priority; else its simplifications. An equation is used only if its left side
matches without instantiating the subject and its conditions are certain; a function equation that may or may not apply
ends the search, so that no later one (nor an `owise`) is used in its place.

**Definedness.** Symbols are strict: a term has a value only where all its subterms have one. A normal form may have
lost subterms, so evaluation answers with what it *owes* beside it: wherever the path condition holds, the term equals
its normal form where all that is owed holds, and has no value elsewhere. While one evaluation runs, `owed` collects
that. `apply` is the only place where a hook or an equation replaces an application, and where its arguments are
accounted for; no hook and no equation does that by itself. Compiled code inlines a hook only where all its arguments
certainly have values, and calls `apply` elsewhere.

Results for concrete terms are kept in the theory, with what they owe, and shared between requests.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final

from .builders import BUILDERS, join_lists, join_maps, join_sets
from .compile import SLOW, EquationTable, Undefined
from .condition import PathCondition
from .definedness import Definedness
from .errors import EvaluationEndless
from .hooks import EVALUATORS
from .matching import NO_MATCH, match
from .substitution import substitute, substitute_predicate
from .terms import BOTTOM, DV, TRUE, App, Bottom, Inj, KList, KMap, KSet, Term, Var, app, inj, klist, kmap, kset

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
WORK_LIMIT: Final = 2_000_000
"""Evaluations of functions in one step of rewriting, or in one request of another kind."""
_DEEP: Final = 10_000
"""Evaluations of functions after which a stack that overflows is their doing, and not that of a deep term."""
_CACHE_LIMIT: Final = 200_000
"""Entries of a cache before it is emptied."""
_MISSING: Final = object()


class TermEvaluator(ABC):
    """Evaluates terms for one request; whether a condition holds is left to `decide`."""

    __slots__ = (
        '_asked',
        '_concrete',
        '_cuts',
        '_depth',
        '_equations',
        '_fuel',
        '_last',
        '_nothing',
        '_simplifications',
        '_work',
        'budget',
        'definedness',
        'owed',
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
        self._concrete: dict[Any, Any] = tables['concrete']
        self._fuel = _SIMPLIFICATION_FUEL
        self._work = WORK_LIMIT
        self._last: Equation | None = None
        self._asked: set[tuple[Symbol, tuple[Term, ...]]] = set()
        self._cuts = 0
        self._depth = 0
        self._nothing = PathCondition()
        self.owed: list[Predicate] = []
        self.definedness = Definedness(theory)

    @abstractmethod
    def decide(self, predicate: Predicate, condition: PathCondition) -> bool | None:
        """Return whether `predicate` holds (True) or fails (False) wherever `condition` holds, None if not certain."""

    def evaluate(self, term: Term, condition: PathCondition) -> tuple[Term | Bottom, tuple[Predicate, ...]]:
        """Return the normal form of `term` under `condition`, and what is owed: where that fails, `term` has no value.

        The first is `BOTTOM` if `term` certainly has no value; nothing is owed then. Whether the normal form itself has
        a value is left open: `definedness` reads its conditions off.
        """
        if not term.fn:
            return term, ()
        outer, self.owed = self.owed, []
        try:
            if self._depth:
                made = self._simplify(term, condition)
            else:
                made = self._outermost(term, condition)
            if isinstance(made, Bottom) or not self.owed:
                return made, ()
            kept = self.definedness(made)
            return made, tuple(one for one in dict.fromkeys(self.owed) if one not in kept)
        finally:
            self.owed = outer

    def _outermost(self, term: Term, condition: PathCondition) -> Term | Bottom:
        self._fuel = _SIMPLIFICATION_FUEL
        self._depth = 1
        try:
            made = self._simplify(term, condition)
            if self._fuel <= 0:
                # The simplifications run in circles. Without them the answer says less, and is no monster.
                self.owed.clear()
                made = self._simplify(term, condition)
            return made
        except RecursionError as err:
            self.blame(err)
            raise
        finally:
            self._depth = 0

    def value_conditions(self, term: Term, condition: PathCondition) -> tuple[Term | Bottom, tuple[Predicate, ...]]:
        """Return the normal form of `term`, and all conditions for `term` to have a value."""
        made, owed = self.evaluate(term, condition)
        if isinstance(made, Bottom) or made.defined:
            return made, owed
        return made, tuple(dict.fromkeys((*owed, *self.definedness(made))))

    def begin_step(self) -> None:
        """Begin a step of rewriting: it has the whole bounds of simplifications and of work.

        Until `end_evaluation`, all uses of `apply`, and what they ask, share one bound of simplifications.
        """
        self._fuel = _SIMPLIFICATION_FUEL
        self._work = WORK_LIMIT
        self._depth = 1

    def end_evaluation(self) -> None:
        """End the evaluation that `begin_step` began."""
        self._depth = 0

    @property
    def exhausted(self) -> bool:
        """Whether the bound on simplifications was reached since `begin_step`, or in the last `simplify`."""
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
        """Return the normal form of a function's application to arguments in normal form, and owe what it drops."""
        owed = self.owed
        mark = len(owed)
        made = self._applied(symbol, args, condition)
        if made is BOTTOM:
            del owed[mark:]
            if not symbol.total:
                return BOTTOM
            made = app(symbol, args)
        elif symbol.total and len(owed) > mark:
            # Where the arguments have values, so has the application: the declaration promises it.
            del owed[mark:]
        for arg in args:
            if not arg.defined:
                self._owe(symbol, args, made, condition)
                break
        return made

    def _owe(self, symbol: Symbol, args: tuple[Term, ...], made: Term | Bottom, condition: PathCondition) -> None:
        """Owe the definedness of arguments, as far as it does not follow from that of the result."""
        assert isinstance(made, Term)
        if made is TRUE and condition.truth_value(app(symbol, args)) is TRUE:
            # What the path condition says to be true has a value.
            return
        definedness = self.definedness
        kept = definedness(made)
        for arg in args:
            if not arg.defined:
                self.owed.extend(one for one in definedness(arg) if one not in kept)

    def _applied(self, symbol: Symbol, args: tuple[Term, ...], condition: PathCondition) -> Term | Bottom:
        hook = symbol.attributes.hook
        if hook:
            builder = BUILDERS.get(hook)
            if builder is not None:
                return builder(symbol, args)
            evaluator = EVALUATORS.get(hook)
            if evaluator is not None:
                made = evaluator(self.theory, symbol, args)
                if made is not None and not (made is BOTTOM and symbol.total):
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
            mark = len(self.owed)
            result = self._cached(self._concrete, symbol, args, self._nothing)
            if isinstance(result, Bottom) or not result.fn or not condition.known:
                return result
            del self.owed[mark:]
        return self._cached(condition.cache, symbol, args, condition)

    def _cached(
        self, cache: dict[Any, Any], symbol: Symbol, args: tuple[Term, ...], condition: PathCondition
    ) -> Term | Bottom:
        """Apply equations, or take the result from `cache`: alone, or as a pair with what it owes."""
        key = (symbol, args)
        found = cache.get(key, _MISSING)
        if found is not _MISSING:
            if type(found) is tuple:
                self.owed.extend(found[1])
                return found[0]  # type: ignore[no-any-return]
            return found  # type: ignore[no-any-return]
        self._work -= 1
        if self._work <= 0:
            raise self._endless(symbol)
        self.budget.check()
        mark, cuts = len(self.owed), self._cuts
        result = self._apply_equations(symbol, args, condition)
        if len(cache) > _CACHE_LIMIT:
            cache.clear()
        if self._fuel > 0 and cuts == self._cuts:
            owed = tuple(self.owed[mark:])
            cache[key] = (result, owed) if owed else result
        return result

    def spend(self, work: int) -> None:
        """Count work that evaluation has others do. Raises `EvaluationEndless` if there is none left."""
        self._work -= work
        if self._work <= 0 and self._last is not None:
            raise self._endless(self._last.symbol)

    def blame(self, err: RecursionError) -> None:
        """Raise `EvaluationEndless` if functions that call one another have overflowed the stack, and no deep term."""
        if self._last is not None and WORK_LIMIT - self._work >= _DEEP:
            raise self._endless(self._last.symbol) from err

    def _endless(self, symbol: Symbol) -> EvaluationEndless:
        """Return the error for work that is used up at `symbol`; it names the equation used last, which is at fault."""
        last = self._last
        name, equation = (symbol, '') if last is None else (last.symbol, last.label or last.unique_id)
        return EvaluationEndless(name.name, equation, WORK_LIMIT - self._work)

    def _again(self, symbol: Symbol, args: tuple[Term, ...], made: Term, condition: PathCondition) -> Term | Bottom:
        """Simplify the result of a hook that is not a value, unless it is the application itself."""
        if type(made) is App and made.symbol is symbol and made.args == args:
            return made
        if self._fuel <= 0:
            return made
        self._fuel -= 1
        return self._simplify(made, condition)

    def _apply_equations(self, symbol: Symbol, args: tuple[Term, ...], condition: PathCondition) -> Term | Bottom:
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
            outcome = self._attempt(compiled, symbol, args, condition)
            if outcome is None or outcome is _MISSING or outcome is term:
                continue
            if isinstance(outcome, Term) and isinstance(term, App) and not symbol.total:
                # The sides of a simplification are equal: where the left one has no value, the right one has none.
                self.owed.extend(self.definedness.of_application(term))
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
        if not (equation.is_simplification and equation.requires):
            return self._use(compiled, values, symbol, args, condition)
        key = (symbol, args)
        if key in self._asked:
            # Whether a simplification of this application may be used is asked further out: it cannot help itself.
            self._cuts += 1
            return None
        self._asked.add(key)
        try:
            return self._use(compiled, values, symbol, args, condition)
        finally:
            self._asked.discard(key)

    def _use(
        self, compiled: CompiledEquation, values: Any, symbol: Symbol, args: tuple[Term, ...], condition: PathCondition
    ) -> Any:
        """See `_attempt`; `values` is what the compiled match has found."""
        equation, code = compiled.equation, compiled.code
        owed = self.owed
        mark = len(owed)
        if values is not SLOW and code.build is not None:
            if not equation.restriction.is_empty and not _respects(
                equation, dict(zip(code.variables, values, strict=True))
            ):
                return None if equation.is_simplification else _MISSING
            try:
                holds = code.holds(values, self.apply, condition)
                if len(owed) == mark:
                    if holds is False:
                        return None
                    if holds is True:
                        self._count(equation, symbol, args)
                        return code.build(values, self.apply, condition)
            except Undefined:
                pass
            # A condition that may have no value is for the general way, and so is what the code could not decide.
            del owed[mark:]
        outcome = self._try(equation, symbol, args, condition)
        if outcome is None or outcome is _MISSING:
            del owed[mark:]
            return outcome
        self._count(equation, symbol, args)
        return self._rewritten(outcome, condition)

    def _count(self, equation: Equation, symbol: Symbol, args: tuple[Term, ...]) -> None:
        """Take note that an equation is used."""
        if equation.is_simplification:
            self._fuel -= 1
            self._asked.discard((symbol, args))
        else:
            self._last = equation

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
            mark = len(self.owed)
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
            if verdict is True and equation.is_opaque:
                return _MISSING
            if verdict is True and isinstance(equation.rhs, Bottom):
                return BOTTOM
            if verdict is True:
                # Where what the equation ensures fails, the application has no value; a total symbol's always has one.
                for one in () if symbol.total else equation.ensures:
                    ensured = substitute_predicate(self.signature, one, values)
                    if self.decide(ensured, condition) is not True:
                        self.owed.append(ensured)
                assert isinstance(equation.rhs, Term)
                return substitute(self.signature, equation.rhs, values)
            del self.owed[mark:]
            if verdict is None or result.by_name:
                uncertain = True
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
            # The alias stands for a part of an argument, which has a value; what evaluation dropped of it is owed.
            values[variable] = made
        return True


def _no_fresh(variable: Var) -> Var:
    raise AssertionError(f'no fresh variable may be made for {variable.name} where nothing is narrowed')


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
