"""One run of `execute`: rewriting until a stop condition of the protocol is met, and the answer that says which."""

from __future__ import annotations

import hashlib
import json as _json
from typing import TYPE_CHECKING, Any, final

from .assume import assume, equations, instantiate
from .budget import StepTimedOut
from .condition import PathCondition
from .errors import PatternError
from .externalise import condition_to_json, predicate_to_json, term_to_json
from .predicates import And, Equal, Exists, Forall, Not, Or, Verity
from .requests import envelope, read_claim
from .rewrite import Rewriter, State, fresh_maker
from .rules import public_name
from .terms import Bottom, var

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .evaluate import Evaluator
    from .implies import Claim
    from .params import ExecuteParams
    from .predicates import Predicate
    from .rewrite import Application, StepResult
    from .rules import RewriteRule
    from .sentences import Json
    from .terms import Var

__all__ = ['Execution']


@final
class Execution:
    """One run of `execute`."""

    def __init__(self, evaluator: Evaluator, params: ExecuteParams, json: Json) -> None:
        """`json` is the state to begin with."""
        self._evaluator = evaluator
        self._signature = evaluator.signature
        self._params = params
        self._json = json
        self._rewriter = Rewriter(evaluator, _fresh_for(json))
        self._logs: list[Json] = []
        self._depth = 0

    def run(self) -> dict[str, Any]:
        """Return the answer. Raises `PatternError` if the state is no configuration."""
        claim = read_claim(self._signature, self._json)
        if claim.term is None and not claim.is_bottom:
            raise PatternError('Expected a configuration, found a predicate', [])
        if claim.quantified:
            raise PatternError('Expected a configuration, found a quantifier', [])
        state = self._initial(claim)
        if state is None:
            return {'reason': 'vacuous', 'depth': 0, 'state': {'term': envelope(self._json)}, **self._log_field()}
        budget = self._evaluator.budget
        params = self._params
        try:
            while True:
                if params.max_depth is not None and self._depth >= params.max_depth:
                    return self._answer('depth-bound', state)
                budget.start_step()
                result = self._rewriter.step(state)
                budget.check()
                if params.log_failed:
                    self._log_failures(state, result)
                if result.stuck:
                    return self._answer('stuck', state)
                if result.vacuous:
                    return self._answer('vacuous', state)
                applications = result.applications
                if len(applications) > 1:
                    if _is_hidden_remainder(applications):
                        return self._answer('stuck', state)
                    return self._answer('branching', state, applications)
                (only,) = applications
                rule = only.rule
                assert rule is not None
                if rule.names & params.cut_point_rules:
                    answer = self._answer('cut-point-rule', state)
                    answer['next-states'] = [self._state(only.state)]
                    answer['rule'] = _requested_name(rule, params.cut_point_rules)
                    return answer
                state = only.state
                self._depth += 1
                self._log(rule)
                if rule.names & params.terminal_rules:
                    answer = self._answer('terminal-rule', state)
                    answer['rule'] = _requested_name(rule, params.terminal_rules)
                    return answer
        except StepTimedOut:
            return self._answer('timeout', state)

    def _initial(self, claim: Claim) -> State | None:
        if claim.is_bottom or claim.term is None:
            return None
        evaluator = self._evaluator
        made = assume(evaluator, PathCondition(), claim.predicates)
        if made is None:
            return None
        condition, _ = made
        term, owed = instantiate(evaluator, claim.term, condition)
        if isinstance(term, Bottom):
            return None
        # A state without a value does not exist.
        condition = condition.with_facts((*owed, *evaluator.definedness(term)))
        if evaluator.unsatisfiable(condition):
            return None
        return State(term, condition)

    def _log(self, rule: RewriteRule) -> None:
        if self._params.log_successful:
            result = {'tag': 'success', 'rule-id': rule.unique_id}
            self._logs.append({'tag': 'rewrite', 'origin': 'kore-rpc', 'result': result})

    def _log_failures(self, state: State, result: StepResult) -> None:
        """Log the rules that were looked at for a step and not applied."""
        used = {one.rule.unique_id: one.rule.priority for one in result.applications if one.rule is not None}
        last = max(used.values(), default=None)
        for rule in self._rewriter.candidates(state.term):
            if rule.unique_id not in used and (last is None or rule.priority <= last):
                failure = {'tag': 'failure', 'rule-id': rule.unique_id, 'reason': 'The rule does not apply'}
                self._logs.append({'tag': 'rewrite', 'origin': 'kore-rpc', 'result': failure})

    def _log_field(self) -> dict[str, Any]:
        return {'logs': self._logs} if self._logs else {}

    def _answer(self, reason: str, state: State, applications: Sequence[Application] = ()) -> dict[str, Any]:
        self._evaluator.budget.end_steps()
        answer: dict[str, Any] = {'reason': reason, 'depth': self._depth, 'state': self._state(state)}
        if applications:
            plain = _is_plain(applications)
            answer['next-states'] = [self._next_state(one, plain) for one in applications]
        return {**answer, **self._log_field()}

    def _state(self, state: State) -> Json:
        signature, at = self._signature, state.term.sort
        result: Json = {'term': envelope(term_to_json(signature, state.term))}
        condition = state.condition
        # What follows from the values of terms that the state has no longer is known, and cannot be seen in it.
        evident = self._evaluator.definedness(state.term)
        known = (*condition.conditions, *(one for one in condition.facts if one not in evident))
        if known:
            result['predicate'] = envelope(condition_to_json(signature, known, at))
        if condition.substitution:
            result['substitution'] = envelope(condition_to_json(signature, equations(condition), at))
        return result

    def _next_state(self, application: Application, with_predicate: bool) -> Json:
        signature, at = self._signature, application.state.term.sort
        result = self._state(application.state)
        if application.rule is not None:
            result['rule-id'] = application.rule.unique_id
        if with_predicate and not isinstance(application.predicate, Verity):
            result['rule-predicate'] = envelope(predicate_to_json(signature, application.predicate, at))
        if application.values:
            values = [
                Equal(var(public_name(one.name), one.sort), value)
                for one, value in sorted(application.values.items(), key=lambda item: item[0].name)
            ]
            result['rule-substitution'] = envelope(condition_to_json(signature, values, at))
        return result


def _requested_name(rule: RewriteRule, requested: Iterable[str]) -> str:
    """Return the name under which the request means the rule: its label where that was asked for."""
    wanted = frozenset(requested)
    return rule.label if rule.label in wanted else rule.unique_id


def _is_plain(applications: Sequence[Application]) -> bool:
    """Return whether the conditions of a branching are conditions on the variables of its state.

    With a quantified one among them, clients have to take the next states as they are.
    """
    return not any(_has_quantifier(one.predicate) for one in applications)


def _is_hidden_remainder(applications: Sequence[Application]) -> bool:
    """Return whether a remainder would reach the client as a state like any other.

    A client takes a next state without a condition for the result of a rewrite step: for progress, after which it may
    use a circularity. No step leads to the remainder, so such a branching is not answered; the state counts as stuck.
    """
    remainder = any(one.rule is None for one in applications)
    return remainder and not (
        _is_plain(applications) and all(not isinstance(one.predicate, Verity) for one in applications)
    )


def _has_quantifier(predicate: Predicate) -> bool:
    if isinstance(predicate, (Exists, Forall)):
        return True
    if isinstance(predicate, Not):
        return _has_quantifier(predicate.arg)
    return isinstance(predicate, (And, Or)) and any(_has_quantifier(one) for one in predicate.args)


def _fresh_for(json: Json) -> Callable[[Var], Var]:
    """Return a maker of variables that bear a mark of the request's state: a state made of another one has others."""
    digest = hashlib.sha256(_json.dumps(json, sort_keys=True).encode()).hexdigest()[:8]
    return fresh_maker(set(), digest)
