"""Rewriting of symbolic configurations: one step, and what follows from all rules that may apply.

A step looks at the rules group by group, in order of priority. Each application has a condition over the variables of
the configuration; what no application of a group covers is the remainder, and only it is left to the groups after. A
rule that may match, but in a way that no condition can express, ends the search: what is left then counts as stuck, for
no rule of the same or a lower priority may be used as if that rule were not there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, final

from .assume import assume, replaced
from .cases import is_exhausted
from .compile import SLOW, Undefined
from .condition import PathCondition
from .index import RuleIndex
from .matching import match
from .predicates import (
    P_BOTTOM,
    P_TOP,
    Equal,
    Falsity,
    Predicate,
    Truth,
    conjoin,
    conjuncts,
    disjoin,
    exists,
    free_variables,
    negate,
)
from .rules import RULE_MARK
from .substitution import substitute, substitute_predicate
from .terms import Bottom, Term, Var, var

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .compile import CompiledRule
    from .evaluate import Evaluator
    from .rules import RewriteRule

__all__ = ['Application', 'Rewriter', 'State', 'StepResult', 'fresh_maker']

NARROWING_LIMIT: Final = 16
"""Most ways to instantiate a configuration in one step; where there are more, the state counts as stuck."""


@final
@dataclass(frozen=True)
class State:
    """A configuration under a path condition; the condition's substitution is applied to the term."""

    term: Term
    condition: PathCondition


@final
@dataclass(frozen=True)
class Application:
    """A rule applied: the state it leads to, and where it applies.

    `predicate` is over the variables of the state before, and top where the rule applies to all of it. `values` is the
    rule's substitution. A `rule` of None is the remainder: the state before, where no rule applies.
    """

    rule: RewriteRule | None
    state: State
    predicate: Predicate
    values: dict[Var, Term] = field(default_factory=dict)


@final
@dataclass(frozen=True)
class StepResult:
    """What one step leads to.

    `stuck`: nothing applies. Otherwise `applications` are all next states with any value; `vacuous` says that rules
    apply, but lead nowhere. A single application whose predicate is top, without remainder, is an ordinary step.
    """

    applications: tuple[Application, ...] = ()
    stuck: bool = False
    vacuous: bool = False


@final
@dataclass(frozen=True)
class _Attempt:
    """One way a rule applies: where (`cover`), the outcome if it has a value, and the part of `cover` where it has
    none.

    Without an outcome and with `undefined` bottom, the rule's `ensures` is false: it leads to nothing, which is
    vacuous.
    """

    cover: Predicate
    application: Application | None
    undefined: Predicate
    narrowed: bool = False


def _under(application: Application, passed: Sequence[Predicate]) -> Application:
    """Return an application with the negated conditions of the groups before it."""
    if not passed:
        return application
    predicate = conjoin((*passed, application.predicate))
    return Application(application.rule, application.state, predicate, application.values)


@final
class Rewriter:
    """Applies the rules of one theory for one request."""

    __slots__ = ('_evaluator', '_fresh', '_index')

    def __init__(self, evaluator: Evaluator, fresh: Callable[[Var], Var]) -> None:
        """`fresh` makes a variable that occurs nowhere else, named after a rule's."""
        self._evaluator = evaluator
        self._fresh = fresh
        compiled = evaluator.theory.compiled
        if 'index' not in compiled:
            compiled['index'] = RuleIndex(evaluator.theory)
        self._index: RuleIndex = compiled['index']

    def step(self, state: State) -> StepResult:
        """Return everything that one rewrite step can lead to."""
        groups = self._index.groups(state.term)
        evaluator = self._evaluator
        evaluator.begin_step()
        try:
            quick = self._quick_step(state, groups)
        except RecursionError as err:
            evaluator.blame(err)
            raise
        finally:
            evaluator.end_evaluation()
        return quick if quick is not None else self._full_step(state, groups)

    def candidates(self, term: Term) -> Iterator[RewriteRule]:
        """Yield the rules that are looked at for a configuration, those of the highest priority first."""
        for group in self._index.groups(term):
            for compiled in group:
                yield compiled.rule

    def _quick_step(self, state: State, groups: Sequence[Sequence[CompiledRule]]) -> StepResult | None:
        """Take the step by compiled code alone; None if the general way has to be taken.

        That is possible where each rule of a group certainly applies or certainly does not, and just one does.
        """
        evaluator = self._evaluator
        apply, condition, term = evaluator.apply, state.condition, state.term
        owed = evaluator.owed  # empty, but for what compiled code comes to owe
        for group in groups:
            chosen = None
            for compiled in group:
                code = compiled.code
                values = code.match(term)
                if values is None:
                    continue
                if values is SLOW:
                    return None
                try:
                    holds = code.holds(values, apply, condition)
                except Undefined:
                    owed.clear()
                    return None
                if owed:
                    owed.clear()
                    return None
                if holds is False:
                    continue
                if holds is None or chosen is not None or code.build is None:
                    return None
                chosen = compiled
                chosen_values = values
            if chosen is not None:
                try:
                    made = chosen.code.build(chosen_values, apply, condition)  # type: ignore[misc]
                except Undefined:
                    owed.clear()
                    return None
                if owed:
                    debt = tuple(owed)
                    owed.clear()
                    if not evaluator.certain(debt, condition):
                        return None
                if evaluator.exhausted:
                    return None
                if not (made.defined or evaluator.known_defined(made, condition)):
                    return None
                return StepResult((Application(chosen.rule, State(made, condition), P_TOP),))
        return StepResult(stuck=True)

    def _full_step(self, state: State, groups: Sequence[Sequence[CompiledRule]]) -> StepResult:
        evaluator = self._evaluator
        applications: list[Application] = []
        vacuous = False
        remainder = state
        passed: list[Predicate] = []
        for group in groups:
            found = self._group(remainder, [one.rule for one in group])
            if found is None:
                break
            if not found:
                continue
            for attempt in found:
                if attempt.application is not None:
                    applications.append(_under(attempt.application, passed))
                elif isinstance(attempt.undefined, Falsity):
                    vacuous = True
            applications.extend(_under(one, passed) for one in self._nowhere(remainder, found))
            missing = [negate(attempt.cover) for attempt in found]
            if any(isinstance(one, Falsity) for one in missing):
                return self._finish(applications, vacuous)
            narrowed = self._restrict(remainder, missing)
            if narrowed is None or is_exhausted(evaluator, narrowed.condition, self._fresh, self._assume):
                return self._finish(applications, vacuous)
            remainder = narrowed
            passed.extend(missing)
        if not passed:
            return StepResult(stuck=True)
        applications.append(Application(None, remainder, conjoin(passed)))
        return self._finish(applications, vacuous)

    def _nowhere(self, state: State, found: Sequence[_Attempt]) -> list[Application]:
        """Return, as a state of its own, where rules of a group apply but none of them has a result."""
        undefined = [one.undefined for one in found if not isinstance(one.undefined, Falsity)]
        if not undefined:
            return []
        elsewhere = [negate(conjoin((one.cover, negate(one.undefined)))) for one in found]
        conditions = [disjoin(undefined), *elsewhere]
        left = self._restrict(state, conditions)
        return [] if left is None else [Application(None, left, conjoin(conditions))]

    def _finish(self, applications: list[Application], vacuous: bool) -> StepResult:
        if all(one.rule is None for one in applications):
            # Nothing but what no rule leads out of: the state itself is stuck, unless all of it leads to bottom.
            return StepResult(stuck=bool(applications) or not vacuous, vacuous=vacuous and not applications)
        return StepResult(tuple(applications))

    def _assume(self, condition: PathCondition, equation: Equal) -> PathCondition | None:
        made = assume(self._evaluator, condition, (equation,))
        return None if made is None else made[0]

    def _restrict(self, state: State, more: Sequence[Predicate]) -> State | None:
        """Return `state` where `more` holds too, None if that is nowhere."""
        evaluator = self._evaluator
        made = assume(evaluator, state.condition, more)
        if made is None:
            return None
        condition, delta = made
        if evaluator.unsatisfiable(condition):
            return None
        term = replaced(evaluator, state.term, delta)
        if term is None:
            return None
        simple, has_value = evaluator.value_conditions(term, condition)
        return None if isinstance(simple, Bottom) else State(simple, condition.with_facts(has_value))

    def _group(self, state: State, group: Sequence[RewriteRule]) -> list[_Attempt] | None:
        """Apply all rules of one priority; None if one may match in a way that is not understood."""
        found: list[_Attempt] = []
        narrowed = 0
        for rule in group:
            attempts = self._rule(state, rule)
            if attempts is None:
                return None
            found.extend(attempts)
            narrowed += sum(one.narrowed for one in attempts)
            if narrowed > NARROWING_LIMIT:
                return None
        return found

    def _rule(self, state: State, rule: RewriteRule) -> list[_Attempt] | None:
        evaluator = self._evaluator
        evaluator.budget.check()
        result = match(evaluator.signature, ((rule.lhs, state.term),), rule.lhs.free, self._fresh)
        if result.indeterminate:
            return None
        attempts = []
        for solution in result.solutions:
            values = dict(solution.substitution)
            made = self._applicable(state, rule, values, solution.conditions, solution.fresh)
            if made is not None:
                attempts.append(made)
        return attempts

    def _applicable(
        self,
        state: State,
        rule: RewriteRule,
        values: dict[Var, Term],
        conditions: Sequence[Predicate],
        fresh: tuple[Var, ...],
    ) -> _Attempt | None:
        """Complete one match of a rule; None if it does not apply."""
        evaluator = self._evaluator
        needed: list[Predicate] = []
        for one in conditions:
            made = evaluator.simplify_predicate(one, state.condition)
            if isinstance(made, Falsity):
                return None
            needed.extend(conjuncts(made))
        for variable, term in rule.bindings:
            instance = substitute(evaluator.signature, term, values)
            if isinstance(instance, Term):
                instance, has_value = evaluator.value_conditions(instance, state.condition)
                needed.extend(has_value)
            if isinstance(instance, Bottom):
                return None
            values[variable] = instance
        if rule.is_open:
            # Any value of the variables that only the conditions mention will do.
            chosen: dict[Var, Term] = {one: self._fresh(one) for one in rule.existentials}
            values.update(chosen)
            fresh = (*fresh, *(one for one in chosen.values() if isinstance(one, Var)))
        for one in rule.requires:
            made = evaluator.simplify_predicate(substitute_predicate(evaluator.signature, one, values), state.condition)
            if isinstance(made, Falsity):
                return None
            needed.extend(conjuncts(made))
        return self._build(state, rule, values, needed, fresh)

    def _build(
        self,
        state: State,
        rule: RewriteRule,
        values: dict[Var, Term],
        needed: list[Predicate],
        fresh: tuple[Var, ...],
    ) -> _Attempt | None:
        evaluator = self._evaluator
        needed = self._open(state.condition, needed)
        if any(isinstance(one, Falsity) for one in needed):
            return None
        for variable in rule.existentials:
            if variable not in values:
                values[variable] = self._fresh(variable)
        target = state if not needed else self._restrict(state, needed)
        if target is None:
            return None
        delta = {
            one: value
            for one, value in target.condition.substitution.items()
            if one not in state.condition.substitution
        }
        if delta:
            values = {one: replaced(evaluator, value, delta) or value for one, value in values.items()}
        cover = exists(fresh, conjoin(needed))
        after = self._right_side(rule, values, target.condition)
        if after is None:
            return _Attempt(cover, None, cover, bool(fresh))
        term, missing = after
        undefined = conjoin((cover, negate(exists(fresh, conjoin((*needed, *missing)))))) if missing else P_BOTTOM
        next_state = self._ensure(rule, values, term, target.condition, missing)
        if next_state is None:
            return _Attempt(cover, None, undefined, bool(fresh))
        application = Application(rule, next_state, conjoin((*needed, *missing)), values)
        return _Attempt(cover, application, undefined, bool(fresh))

    def _open(self, condition: PathCondition, needed: Sequence[Predicate]) -> list[Predicate]:
        """Return those conjuncts that do not follow from the condition; bottom if they contradict it."""
        if not needed:
            return []
        evaluator = self._evaluator
        together = conjoin(needed)
        if isinstance(together, Falsity) or evaluator.decide(together, condition) is False:
            return [P_BOTTOM]
        return [one for one in conjuncts(together) if evaluator.decide(one, condition) is not True]

    def _right_side(
        self, rule: RewriteRule, values: dict[Var, Term], condition: PathCondition
    ) -> tuple[Term, list[Predicate]] | None:
        """Return the right side in normal form, and what must hold in addition for it to have a value."""
        evaluator = self._evaluator
        rhs = rule.rhs
        raw = rhs if isinstance(rhs, Bottom) else substitute(evaluator.signature, rhs, values)
        if isinstance(raw, Bottom):
            return None
        instance, has_value = evaluator.value_conditions(raw, condition)
        if isinstance(instance, Bottom):
            return None
        missing = self._open(condition, (*has_value, *self._ensured_values(rule, values, condition)))
        if any(isinstance(one, Falsity) for one in missing):
            return None
        return instance, missing

    def _ensured_values(self, rule: RewriteRule, values: dict[Var, Term], condition: PathCondition) -> list[Predicate]:
        """Return when what the rule ensures has a value, as far as that depends on no variable that it invents.

        What is ensured and false is an assumption about the new variables; what is ensured and has no value is a hole
        in the rule, as a right side without one.
        """
        evaluator = self._evaluator
        new = {values[one] for one in rule.existentials}
        result: list[Predicate] = []
        for one in (each for ensured in rule.ensures for each in conjuncts(ensured)):
            if not isinstance(one, Truth) or one.term.defined:
                continue
            made = substitute(evaluator.signature, one.term, values)
            term, has_value = (made, ()) if isinstance(made, Bottom) else evaluator.value_conditions(made, condition)
            if isinstance(term, Bottom):
                return [P_BOTTOM]
            result.extend(each for each in has_value if new.isdisjoint(free_variables(each)))
        return result

    def _ensure(
        self,
        rule: RewriteRule,
        values: dict[Var, Term],
        term: Term,
        condition: PathCondition,
        definedness: Sequence[Predicate],
    ) -> State | None:
        """Return the state after the rule with its `ensures`, None if that is bottom."""
        evaluator = self._evaluator
        more = [*definedness]
        for one in rule.ensures:
            made = evaluator.simplify_predicate(substitute_predicate(evaluator.signature, one, values), condition)
            if isinstance(made, Falsity):
                return None
            more.extend(each for each in conjuncts(made) if evaluator.decide(each, condition) is not True)
        if not term.defined:
            condition = condition.with_facts(evaluator.definedness(term))
        if not more:
            return State(term, condition)
        return self._restrict(State(term, condition), more)


def fresh_maker(taken: set[str], mark: str) -> Callable[[Var], Var]:
    """Return a maker of variables named after a rule's, with `mark` in the name and none of `taken`, which grows."""
    count = 0

    def make(variable: Var) -> Var:
        nonlocal count
        name = variable.name.removeprefix(RULE_MARK)
        base = name if name[:3].isalpha() and len(name) > 3 else f'Var{name}'
        while True:
            made = f"{base}'Unds'{mark}{count or ''}"
            count += 1
            if made not in taken:
                taken.add(made)
                return var(made, variable.sort)

    return make
