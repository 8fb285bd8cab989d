"""Path conditions in solved form: conjuncts taken into one, and terms under what it says of variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .condition import PathCondition
from .predicates import Equal, Falsity, Not, Truth, Verity, conjuncts
from .substitution import substitute, substitute_predicate
from .terms import FALSE, TRUE, Bottom, Term, Var

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .evaluate import Evaluator
    from .predicates import Predicate

__all__ = ['assume', 'equations', 'instantiate', 'replaced']

_SOLVE_ROUNDS: Final = 5_000


def assume(
    evaluator: Evaluator, condition: PathCondition, predicates: Iterable[Predicate]
) -> tuple[PathCondition, dict[Var, Term]] | None:
    """Return `condition` with more conjuncts, in solved form, and the values this gives to variables.

    None if the conjunction is bottom by simplification alone. The result's substitution is idempotent; the second part
    holds just the new values.
    """
    signature = evaluator.signature
    pending = [one for predicate in predicates for one in conjuncts(predicate)]
    delta: dict[Var, Term] = {}
    conditions = list(condition.conditions)
    facts = list(condition.facts)
    current = condition
    for _ in range(_SOLVE_ROUNDS):
        if not pending:
            break
        before = pending.pop(0)
        one = evaluator.simplify_predicate(before, current)
        if isinstance(one, Falsity):
            return None
        parts = conjuncts(one)
        if len(parts) > 1 and before in parts:
            # It stays, and says more: that `f(g(X))` has a value says that `g(X)` has one.
            pending = [*(each for each in parts if each != before), *pending]
            parts = (before,)
        if len(parts) != 1:
            pending = [*parts, *pending]
            continue
        solved = _solution(parts[0])
        if solved is None:
            if parts[0] not in conditions:
                conditions.append(parts[0])
                current = PathCondition(conditions, current.substitution, facts)
            continue
        variable, value = solved
        step = {variable: value}
        made = {}
        for each, old in current.substitution.items():
            new = replaced(evaluator, old, step)
            if new is None:
                return None
            made[each] = new
        made[variable] = value
        for each in list(delta):
            delta[each] = made[each]
        delta[variable] = value
        # What mentioned the variable is looked at again.
        kept = []
        for each_condition in conditions:
            now = substitute_predicate(signature, each_condition, step)
            if now == each_condition:
                kept.append(each_condition)
            else:
                pending.append(now)
        if not value.defined:
            pending.extend(evaluator.definedness(value))
        pending = [substitute_predicate(signature, each, step) for each in pending]
        conditions = kept
        facts = [substitute_predicate(signature, each, step) for each in facts]
        if any(isinstance(each, Falsity) for each in facts):
            return None
        facts = [each for each in facts if not isinstance(each, Verity)]
        current = PathCondition(conditions, made, facts)
    else:
        conditions.extend(pending)
        current = PathCondition(conditions, current.substitution, facts)
    return current, delta


def replaced(evaluator: Evaluator, term: Term, values: dict[Var, Term]) -> Term | None:
    """Return `term` with values in place of variables; None if it loses its value by that."""
    made = substitute(evaluator.signature, term, values)
    return made if isinstance(made, Term) else None


def _solution(predicate: Predicate) -> tuple[Var, Term] | None:
    """Return the variable and the value if the conjunct determines one. The choice between two variables is stable."""
    if isinstance(predicate, Equal):
        left, right = predicate.left, predicate.right
        if isinstance(left, Var) and isinstance(right, Var):
            return (left, right) if _rank(left) > _rank(right) else (right, left)
        if isinstance(left, Var) and left not in right.free:
            return left, right
        if isinstance(right, Var) and right not in left.free:
            return right, left
    elif isinstance(predicate, Truth) and isinstance(predicate.term, Var):
        return predicate.term, TRUE
    elif isinstance(predicate, Not) and isinstance(predicate.arg, Truth) and isinstance(predicate.arg.term, Var):
        return predicate.arg.term, FALSE
    return None


def _rank(variable: Var) -> tuple[int, str]:
    return len(variable.name), variable.name


def instantiate(
    evaluator: Evaluator, term: Term, condition: PathCondition
) -> tuple[Term | Bottom, tuple[Predicate, ...]]:
    """Return the normal form of `term` with the values that the condition gives to variables, and what is owed."""
    made = substitute(evaluator.signature, term, condition.substitution)
    return (made, ()) if isinstance(made, Bottom) else evaluator.evaluate(made, condition)


def equations(condition: PathCondition) -> tuple[Predicate, ...]:
    """Return the values that the condition gives to variables, as equations."""
    return tuple(Equal(variable, value) for variable, value in condition.substitution.items())
