"""Implication between configurations: is every instance of the antecedent one of the consequent?

The antecedent's variables are constants. The consequent's term is matched against the antecedent's; what the match
leaves open, and the consequent's predicates, must follow from the antecedent's condition. Existential variables get
their values from the match, then from equations; what is still open after that is given to the solver under its
quantifier.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from .assume import assume, instantiate
from .condition import PathCondition
from .errors import ImplicationError
from .evaluate import solved_for
from .matching import match
from .predicates import (
    P_BOTTOM,
    Equal,
    Falsity,
    Predicate,
    Verity,
    conjoin,
    conjuncts,
    exists,
    forall,
    free_variables,
    predicate_terms,
)
from .substitution import substitute, substitute_predicate
from .symbols import Sort
from .terms import Bottom, Term, Var, var

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .evaluate import Evaluator

__all__ = ['Claim', 'Verdict', 'check_implication']


@final
@dataclass(frozen=True)
class Claim:
    """One side of an implication, or a state: a term, if any, in conjunction with predicates, under quantifiers."""

    term: Term | None
    predicates: tuple[Predicate, ...]
    quantified: tuple[tuple[str, Var], ...]
    sort: Sort
    is_bottom: bool = False

    @property
    def free(self) -> frozenset[Var]:
        """The free variables."""
        term = self.term.free if self.term is not None else frozenset()
        return (term | free_variables(conjoin(self.predicates))) - {one for _, one in self.quantified}

    def quantify(self, predicate: Predicate) -> Predicate:
        """Return `predicate` under the claim's quantifiers."""
        for kind, variable in reversed(self.quantified):
            predicate = (exists if kind == 'Exists' else forall)((variable,), predicate)
        return predicate


@final
@dataclass(frozen=True)
class Verdict:
    """The answer. `refuted` says that the implication certainly fails; neither is set where that is not known.

    `substitution` is that of the consequent's existential variables, and of an invalid implication what would make the
    terms equal; None if they cannot be made equal. `predicates` is what is left to show.
    """

    valid: bool
    refuted: bool = False
    substitution: dict[Var, Term] | None = None
    predicates: tuple[Predicate, ...] = ()


def check_implication(
    evaluator: Evaluator,
    left: Claim,
    right: Claim,
    mentioned: Callable[[], frozenset[Var]],
    *,
    assume_defined: bool = False,
) -> Verdict:
    """Return whether `left` implies `right`. Raises `ImplicationError` for claims the protocol does not allow.

    `mentioned` gives the free variables of the antecedent as it was sent: reading it may have lost some, in a conjunct
    that holds of all values. With `assume_defined` the consequent's term and its conditions are taken to have values;
    without, that has to follow from the antecedent.
    """
    existentials = _check_variables(left, right, mentioned)
    kinds = [kind for kind, _ in right.quantified]
    if 'Exists' in kinds and 'Forall' in kinds[kinds.index('Exists') :]:
        # A value chosen before the universal variable must not depend on it; such claims are left undecided.
        return Verdict(False)
    if left.is_bottom:
        return Verdict(True, substitution={}, predicates=(P_BOTTOM,))
    made = assume(evaluator, PathCondition(), left.predicates)
    if made is None:
        return Verdict(True, substitution={}, predicates=(P_BOTTOM,))
    condition, _ = made
    subject = left.term
    if subject is not None:
        made_subject, owed = instantiate(evaluator, subject, condition)
        if isinstance(made_subject, Bottom):
            return Verdict(True, substitution={}, predicates=(P_BOTTOM,))
        subject = made_subject
        # The antecedent is assumed, and with it that its term has a value.
        condition = condition.with_facts((*owed, *evaluator.definedness(subject)))
    if evaluator.unsatisfiable(condition):
        return Verdict(True, substitution={}, predicates=(P_BOTTOM,))
    if right.is_bottom:
        return Verdict(False, True, {}, (P_BOTTOM,))
    check = _Check(evaluator, condition, existentials)
    return check.run(subject, right, assume_defined=assume_defined)


def _check_variables(left: Claim, right: Claim, mentioned: Callable[[], frozenset[Var]]) -> frozenset[Var]:
    """Return the existential variables of the consequent; universal ones count as constants."""
    if left.quantified:
        raise ImplicationError(
            'The check implication step expects the antecedent term to be function-like.',
            [f'quantified: {one.name}' for _, one in left.quantified],
        )
    if left.sort is not right.sort and (left.term is not None and right.term is not None):
        raise ImplicationError(
            'Antecedent and consequent must have the same sort.',
            [f'LHS sort: {left.sort!r}', f'RHS sort: {right.sort!r}'],
        )
    free = left.free
    captured = sorted(one.name for _, one in right.quantified if one in free)
    if captured:
        raise ImplicationError(
            f'Existentials capture free variables of the antecedent: {", ".join(captured)}',
            [f'existentials: {captured}'],
        )
    loose = sorted(one.name for one in right.free - free)
    if loose:
        loose = sorted(one.name for one in right.free - free - mentioned())
    if loose:
        raise ImplicationError(
            f'The RHS must not have free variables not present in the LHS: {", ".join(loose)}', [', '.join(loose)]
        )
    return frozenset(one for kind, one in right.quantified if kind == 'Exists')


@final
@dataclass(frozen=True)
class _Goal:
    """Something to show, and what may be taken for granted for it alone: that its own terms have values."""

    predicate: Predicate
    granted: tuple[Predicate, ...] = ()


@final
class _Check:
    """One implication in progress: the antecedent's condition is fixed."""

    def __init__(self, evaluator: Evaluator, condition: PathCondition, existentials: frozenset[Var]) -> None:
        self._evaluator = evaluator
        self._condition = condition
        self._granting: dict[tuple[Predicate, ...], PathCondition] = {(): condition}
        # Renamed apart, so that no value of the antecedent's variables can mention them.
        self._internal = {one: var(f'Exists#{one.name}', one.sort) for one in existentials}
        self._original = {internal: one for one, internal in self._internal.items()}

    def run(self, subject: Term | None, right: Claim, *, assume_defined: bool) -> Verdict:
        """Return the verdict. With `assume_defined`, what the consequent consists of is granted a value: its term for
        what the term needs, each conjunct for that conjunct alone."""
        evaluator, condition = self._evaluator, self._condition
        values = {**condition.substitution, **self._internal}
        stated = [substitute_predicate(evaluator.signature, one, values) for one in right.predicates]
        if right.term is None or subject is None:
            if right.term is not None:
                # Without a term, the antecedent stands for everything: no single term covers that.
                return Verdict(False)
            return self._judge([({}, self._granted(None, stated, assume_defined))])
        pattern = substitute(evaluator.signature, right.term, values)
        owed: tuple[Predicate, ...] = ()
        if isinstance(pattern, Term):
            pattern, owed = evaluator.evaluate(pattern, condition)
        if isinstance(pattern, Bottom):
            return Verdict(False, True)
        flexible = frozenset(self._original)
        result = match(evaluator.signature, ((pattern, subject),), flexible, _unused, narrow=False)
        if not result.solutions:
            return Verdict(False, not result.indeterminate)
        # Where it matches, the pattern's normal form has a value, as the subject has; what it has lost has to be shown.
        goals = self._granted((pattern, owed), stated, assume_defined)
        candidates = [
            (one.substitution, [*(_Goal(each) for each in one.conditions), *goals]) for one in result.solutions
        ]
        verdict = self._judge(candidates)
        return Verdict(False) if result.indeterminate and not verdict.valid else verdict

    def _granted(
        self, term: tuple[Term, tuple[Predicate, ...]] | None, stated: Sequence[Predicate], assume_defined: bool
    ) -> list[_Goal]:
        """Return what is to be shown: what the consequent's term owes, and what stands beside it."""
        owed = () if term is None else term[1]
        if not assume_defined:
            return [_Goal(one) for one in (*stated, *owed)]
        evaluator, condition = self._evaluator, self._condition
        of_term = () if term is None else (*owed, *evaluator.definedness(term[0]))
        goals = [_Goal(one, self._grant(of_term)) for one in owed]
        for predicate in stated:
            for one in conjuncts(predicate):
                parts: list[Predicate] = []
                for each in predicate_terms(one):
                    made, has_value = evaluator.value_conditions(each, condition)
                    parts.extend(() if isinstance(made, Bottom) else has_value)
                goals.append(_Goal(one, self._grant(parts)))
        return goals

    def _grant(self, predicates: Iterable[Predicate]) -> tuple[Predicate, ...]:
        """Return those of the conditions of definedness that depend on no existential variable, none of them if that
        contradicts the antecedent: what cannot be is not assumed."""
        kept = tuple(dict.fromkeys(one for one in predicates if free_variables(one).isdisjoint(self._original)))
        if kept not in self._granting:
            assumed = self._condition.with_facts(kept)
            self._granting[kept] = self._condition if self._evaluator.unsatisfiable(assumed) else assumed
        return () if self._granting[kept] is self._condition else kept

    def _under(self, goal: _Goal) -> PathCondition:
        return self._granting[goal.granted]

    def _simplified(self, goal: _Goal) -> list[_Goal]:
        made = self._evaluator.simplify_predicate(goal.predicate, self._under(goal))
        return [_Goal(one, goal.granted) for one in conjuncts(made)]

    def _holds(self, goal: _Goal) -> bool:
        condition = self._under(goal)
        return goal.predicate in condition.facts or self._evaluator.decide(goal.predicate, condition) is True

    def _judge(self, candidates: Sequence[tuple[dict[Var, Term], list[_Goal]]]) -> Verdict:
        """Return the verdict of the best of several ways to match."""
        verdicts = []
        for values, goals in candidates:
            verdict = self._try(dict(values), goals)
            if verdict.valid:
                return verdict
            verdicts.append(verdict)
        refuted = all(one.refuted for one in verdicts)
        best = next((one for one in verdicts if not one.refuted), verdicts[0])
        return Verdict(False, refuted, best.substitution, best.predicates)

    def _try(self, values: dict[Var, Term], wanted: Sequence[_Goal]) -> Verdict:
        evaluator, signature = self._evaluator, self._evaluator.signature
        goals: list[_Goal] = []
        for one in wanted:
            goals.extend(self._simplified(_Goal(substitute_predicate(signature, one.predicate, values), one.granted)))
        goals = self._solve(values, list(dict.fromkeys(goals)))
        # A value that may be undefined is no witness.
        everything = self._grant(one for goal in wanted for one in goal.granted)
        for value in values.values():
            if not value.defined:
                made = evaluator.pay(evaluator.definedness(value), self._granting[everything])
                goals.extend(_Goal(one, everything) for one in conjuncts(made))
        if any(isinstance(one.predicate, Falsity) for one in goals):
            return Verdict(False, True, self._answer(values))
        open_goals = [one for one in goals if not self._holds(one)]
        left = [one.predicate for one in open_goals]
        goal = exists([one for one in self._original if one not in values], conjoin(left))
        shared = self._grant(one for one in everything if all(one in each.granted for each in open_goals))
        condition = self._granting[shared]
        if isinstance(goal, Verity) or evaluator.decide(goal, condition) is True:
            return Verdict(True, substitution=self._answer(values))
        refuted = evaluator.decide(goal, condition) is False
        substitution = self._answer(values)
        rest = []
        for predicate in left:
            public = self._public(predicate)
            if isinstance(public, Equal) and isinstance(public.left, Var) and public.left not in substitution:
                substitution[public.left] = public.right
            else:
                rest.append(public)
        return Verdict(False, refuted, substitution, tuple(rest))

    def _solve(self, values: dict[Var, Term], goals: list[_Goal]) -> list[_Goal]:
        """Give values to existential variables that an equation among the goals determines."""
        signature = self._evaluator.signature
        progress = True
        while progress:
            progress = False
            for goal in goals:
                for variable in self._original:
                    value = None if variable in values else solved_for(goal.predicate, variable)
                    if value is None or not value.free.isdisjoint(self._original):
                        continue
                    values[variable] = value
                    step = {variable: value}
                    replaced: dict[_Goal, None] = {}
                    for one in goals:
                        made = _Goal(substitute_predicate(signature, one.predicate, step), one.granted)
                        replaced.update(dict.fromkeys(self._simplified(made)))
                    goals = list(replaced)
                    for each, old in values.items():
                        new = substitute(signature, old, step)
                        if isinstance(new, Term):
                            values[each] = new
                    progress = True
                    break
                if progress:
                    break
        return goals

    def _answer(self, values: dict[Var, Term]) -> dict[Var, Term]:
        return {self._original[one]: value for one, value in values.items() if one in self._original}

    def _public(self, predicate: Predicate) -> Predicate:
        return substitute_predicate(self._evaluator.signature, predicate, dict(self._original))


def _unused(variable: Var) -> Var:
    raise AssertionError(f'no fresh variable may be made for {variable.name} where nothing is narrowed')
