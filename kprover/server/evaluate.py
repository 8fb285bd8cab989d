"""Evaluation of predicates under a path condition, and of the terms in them: all that a request asks about either.

A predicate is simplified by what its terms become, by what the path condition says, and by the laws of the connectives;
the solver is asked only where that leaves it open. An evaluator belongs to one request and one thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from .condition import lookup_atom
from .equalities import simplify_equality
from .evaluate_terms import TermEvaluator
from .matching import match
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
    exists,
    forall,
    free_variables,
    negate,
    truth,
)
from .predicates import ceil as ceil_of
from .smt import Result
from .substitution import equality, substitute_predicate
from .symbols import KITEM, K
from .terms import FALSE, TRUE, App, Bottom, Term, app, inj

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .budget import Budget
    from .condition import PathCondition
    from .definition import Theory
    from .predicates import Predicate
    from .smt import Solver
    from .symbols import Sort, Symbol
    from .terms import Var

__all__ = ['Evaluator', 'solved_for']

_LEMMAS_DEEP: Final = 20
"""Lemmas about equalities that are used on what others have made, at most."""
_COMPARISONS: Final = {
    'INT.eq': True,
    'INT.ne': False,
    'BOOL.eq': True,
    'BOOL.ne': False,
    'STRING.eq': True,
    'STRING.ne': False,
    'KEQUAL.eq': True,
    'KEQUAL.ne': False,
}
_QUERY_WORK: Final = 100
"""What a question to the solver counts for, in evaluations of functions."""


@final
class Evaluator(TermEvaluator):
    """Evaluates and decides for one request."""

    __slots__ = ('_lemmas_deep',)

    def __init__(self, theory: Theory, solver: Solver, budget: Budget) -> None:
        super().__init__(theory, solver, budget)
        self._lemmas_deep = 0

    def simplify_predicate(self, predicate: Predicate, condition: PathCondition) -> Predicate:
        """Return a predicate equivalent to `predicate` under `condition`."""
        if isinstance(predicate, (Verity, Falsity)):
            return predicate
        known = lookup_atom(condition.known, predicate)
        if known is not None:
            return P_TOP if known else P_BOTTOM
        if isinstance(predicate, Truth):
            term, owed = self.evaluate(predicate.term, condition)
            if isinstance(term, Bottom):
                return P_BOTTOM
            made = self._settle(truth(term), predicate, condition)
            return conjoin((made, self.pay(owed, condition))) if owed else made
        if isinstance(predicate, Equal):
            return self._equation(predicate, condition)
        if isinstance(predicate, Not):
            return negate(self.simplify_predicate(predicate.arg, condition))
        if isinstance(predicate, And):
            return self._conjunction(predicate.args, condition)
        if isinstance(predicate, Or):
            return disjoin([self.simplify_predicate(one, condition) for one in predicate.args])
        if isinstance(predicate, Ceil):
            return self._ceil(predicate.term, condition)
        return self._quantified(predicate, condition)

    def _equation(self, predicate: Equal, condition: PathCondition) -> Predicate:
        """Simplify an equation, which holds where both sides have one value, and where both have none."""
        left, owed_left = self.evaluate(predicate.left, condition)
        right, owed_right = self.evaluate(predicate.right, condition)
        if isinstance(left, Bottom) or isinstance(right, Bottom):
            if isinstance(left, Bottom) and isinstance(right, Bottom):
                return P_TOP
            return negate(self._ceil(predicate.right if isinstance(left, Bottom) else predicate.left, condition))
        made_left = self.pay(owed_left, condition)
        made_right = self.pay(owed_right, condition)
        if not (isinstance(made_left, Verity) and isinstance(made_right, Verity)):
            # Where one side certainly has a value, the other one must have it too. Where neither has, the normal forms
            # may still differ: the equation stays as it is.
            if isinstance(made_right, Verity) and right.defined:
                return conjoin((self._equated(left, right, predicate, condition), made_left))
            if isinstance(made_left, Verity) and left.defined:
                return conjoin((self._equated(left, right, predicate, condition), made_right))
            return predicate
        return self._equated(left, right, predicate, condition)

    def _equated(self, left: Term, right: Term, before: Equal, condition: PathCondition) -> Predicate:
        by_lemma = self._by_lemma(left, right, condition)
        if by_lemma is not None:
            return by_lemma
        if left.defined and right.defined:
            return self._settle(simplify_equality(self.signature, left, right), before, condition)
        return self._settle(equality(left, right), before, condition)

    def _ceil(self, raw: Term, condition: PathCondition) -> Predicate:
        """Return the condition for a term to have a value."""
        term, owed = self.evaluate(raw, condition)
        if isinstance(term, Bottom):
            return P_BOTTOM
        return self.pay((*owed, *self.definedness(term)), condition)

    def _by_lemma(self, left: Term, right: Term, condition: PathCondition) -> Predicate | None:
        """Return what lemmas make of an equality: those about comparisons as functions, and about equalities as such.

        A condition is an equality by the time it is looked at, also where it was written with a function.
        """
        if left is right or self._lemmas_deep >= _LEMMAS_DEEP:
            return None
        self._lemmas_deep += 1
        try:
            for one, other in ((left, right), (right, left)):
                for symbol, is_positive, wrap in self._comparisons(left.sort):
                    args = (wrap(one), wrap(other))
                    if not (one.defined and other.defined):
                        continue
                    made, owed = self.evaluate(app(symbol, args), condition)
                    if isinstance(made, Bottom) or (isinstance(made, App) and set(made.args) == set(args)):
                        continue
                    found = truth(made) if is_positive else negate(truth(made))
                    return self.simplify_predicate(conjoin((found, *owed)), condition)
            result = self._by_rule(Equal(left, right), condition)
            return None if isinstance(result, Equal) and {result.left, result.right} == {left, right} else result
        finally:
            self._lemmas_deep -= 1

    def _comparisons(self, of: Sort) -> tuple[tuple[Symbol, bool, Callable[[Term], Term]], ...]:
        """Return the functions that compare terms of a sort and that lemmas speak of, with how such a term is passed to
        them."""
        known: dict[Sort, Any] = self.theory.compiled.setdefault('comparisons', {})
        found = known.get(of)
        if found is None:
            made = []
            for hook, is_positive in _COMPARISONS.items():
                symbol = self.theory.hook_symbol(hook)
                if symbol is None or not self.theory.simplifications.get(symbol.name):
                    continue
                wrap = _wrapping(self.theory, of, symbol.arg_sorts[0])
                if wrap is not None:
                    made.append((symbol, is_positive, wrap))
            found = known[of] = tuple(made)
        return found

    def _by_rule(self, predicate: Ceil | Equal, condition: PathCondition) -> Predicate:
        """Return what simplifications of predicates make of one that says something of terms in normal form."""
        sides = (predicate.term,) if isinstance(predicate, Ceil) else (predicate.left, predicate.right)
        for rule in self.theory.predicates:
            if len(rule.patterns) != len(sides):
                continue
            for subjects in (sides, sides[::-1]) if len(sides) == 2 else (sides,):
                pairs = zip(rule.patterns, subjects, strict=True)
                result = match(self.signature, pairs, rule.free, _no_fresh, narrow=False, by_name=True)
                if result.indeterminate or len(result.solutions) != 1:
                    continue
                (solution,) = result.solutions
                values = solution.substitution
                # The variables of an axiom stand for values.
                needed = [one for value in values.values() for one in self.definedness(value)]
                needed += [
                    *solution.conditions,
                    *(substitute_predicate(self.signature, one, values) for one in rule.requires),
                ]
                if all(self.decide(one, condition) is True for one in needed):
                    self.spend(1)
                    made = substitute_predicate(self.signature, rule.condition, values)
                    return made if made == predicate else self.simplify_predicate(made, condition)
        return predicate

    def pay(self, owed: Iterable[Predicate], condition: PathCondition) -> Predicate:
        """Return the conjunction of what is owed, or of conditions of definedness, as far as `condition` leaves it
        open."""
        result: list[Predicate] = []
        for one in owed:
            if isinstance(one, Ceil):
                # About a term in normal form: nothing but the path condition, or a lemma, can decide it.
                known = lookup_atom(condition.known, one)
                made: Predicate = self._by_rule(one, condition) if known is None else P_TOP if known else P_BOTTOM
            else:
                made = self.simplify_predicate(one, condition)
            if isinstance(made, Falsity):
                return P_BOTTOM
            result.append(made)
        return conjoin(result)

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
        self.spend(_QUERY_WORK)
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

    def known_defined(self, term: Term, condition: PathCondition) -> bool:
        """Whether `term` has a value wherever `condition` holds, as far as that can be seen without the solver."""
        return self.certain(self.definedness(term), condition)

    def certain(self, owed: Iterable[Predicate], condition: PathCondition) -> bool:
        """Whether conditions of definedness hold wherever `condition` does, as far as that can be seen without the
        solver."""
        return all(one in condition.facts or isinstance(self.pay((one,), condition), Verity) for one in owed)


def _wrapping(theory: Theory, of: Sort, expected: Sort) -> Callable[[Term], Term] | None:
    """Return how a term of one sort becomes an argument of another: as it is, or as the only item of a K sequence."""
    if of is expected:
        return lambda term: term
    if expected is not K or not {'kseq', 'dotk'} <= theory.signature.symbols.keys():
        return None
    kseq, dotk = theory.symbol('kseq'), theory.symbol('dotk')
    return lambda term: app(kseq, (inj(KITEM, term), app(dotk, ())))


def _no_fresh(variable: Var) -> Var:
    raise AssertionError(f'no fresh variable may be made for {variable.name} where nothing is narrowed')


def solved_for(predicate: Predicate, variable: Var) -> Term | None:
    """Return the value that a conjunct gives to `variable`, None if it gives none."""
    if isinstance(predicate, Equal):
        for one, other in ((predicate.left, predicate.right), (predicate.right, predicate.left)):
            if one is variable and variable not in other.free:
                return other
    elif isinstance(predicate, Truth) and predicate.term is variable:
        return TRUE
    elif isinstance(predicate, Not) and isinstance(predicate.arg, Truth) and predicate.arg.term is variable:
        return FALSE
    return None
