"""The engine: one loaded definition, and the four questions the protocol asks about it.

Requests come as KORE JSON and answers go as the protocol's result objects, so that this is the only place that knows
both the shapes of the protocol and the terms. Immutable but for the library of modules; safe for use from several
threads, each with a solver and a budget of its own.
"""

from __future__ import annotations

import hashlib
import json as _json
from typing import TYPE_CHECKING, Any, final

from .budget import StepTimedOut
from .condition import PathCondition
from .connectives import contains_term, simplify_connectives
from .definition import Library
from .errors import (
    DefinitionError,
    DuplicateModule,
    ImplicationError,
    InvalidModule,
    KoreParseError,
    PatternError,
    UnknownModule,
)
from .evaluate import Evaluator
from .externalise import condition_to_json, predicate_to_json, term_to_json
from .implies import Claim, Verdict, check_implication
from .internalise import Reader, json_sort
from .parse import KoreSyntaxError, parse_definition, parse_module
from .predicates import (
    P_BOTTOM,
    And,
    Equal,
    Exists,
    Falsity,
    Forall,
    Not,
    Or,
    Predicate,
    Verity,
    conjuncts,
)
from .rewrite import Application, Rewriter, State, StepResult, assume, fresh_maker
from .rules import public_name
from .terms import Bottom, Sort, Term, Var, sort, var

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from .budget import Budget
    from .definition import Theory
    from .params import ExecuteParams, ImpliesParams
    from .rules import RewriteRule
    from .sentences import Json, Module
    from .signature import Signature
    from .smt import Solver

__all__ = ['Engine', 'load_engine']


def load_engine(file: Path, module: str) -> Engine:
    """Return the engine for a definition file and its main module. Raises `DefinitionError`."""
    try:
        text = file.read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(str(file), f'the definition cannot be read: {error}') from error
    try:
        parsed = parse_definition(text)
    except KoreSyntaxError as error:
        raise DefinitionError(str(file), error.reason, error.line, error.column) from error
    try:
        engine = Engine(parsed.modules, module)
    except UnknownModule as error:
        raise DefinitionError(str(file), f'there is no module {error.data!r}', *(error.place or ())) from error
    except PatternError as error:
        context = '; '.join(error.data['context'])
        raise DefinitionError(str(file), f'{error.data["error"]} ({context})', *(error.place or ())) from error
    return engine


@final
class Engine:
    """See the module's documentation. `main` is the module that requests without one mean."""

    def __init__(self, modules: Sequence[Module], main: str) -> None:
        self.main = main
        self._library = Library(modules)
        self._added: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        self._library.theory(main)

    # Modules ----------------------------------------------------------------------------------------------------

    def definition_for(self, module: str | None) -> Theory:
        """Return the theory of a module. Raises `UnknownModule`."""
        return self._library.theory(module or self.main)

    def add_module(self, text: str, name_as_id: bool) -> str:
        """Add the module that `text` holds and return its id: `m` and the SHA-256 of the text.

        With `name_as_id` its name means it too. Adding a module twice changes nothing. Raises `KoreParseError`,
        `InvalidModule`, and `DuplicateModule` where the name already means another module.
        """
        try:
            module = parse_module(text)
        except KoreSyntaxError as error:
            raise KoreParseError(str(error)) from error
        identifier = 'm' + hashlib.sha256(text.encode()).hexdigest()
        if name_as_id:
            taken = self._added.get(module.name)
            if (taken is not None and taken != identifier) or (taken is None and module.name in self._library):
                raise DuplicateModule(module.name)
        if identifier not in self._library:
            self._load(module, identifier)
        if name_as_id:
            self._library.alias(module.name, identifier)
            self._added[module.name] = identifier
        return identifier

    def _load(self, module: Module, identifier: str) -> None:
        try:
            self._library.add(module, identifier)
            self._library.theory(identifier)
        except UnknownModule as error:
            self._library.remove(identifier)
            raise InvalidModule(f'Could not find module {error.data}', [f'module {module.name}']) from error
        except PatternError as error:
            self._library.remove(identifier)
            raise InvalidModule(error.data['error'], [f'module {module.name}', *error.data['context']]) from error

    # Reading and writing ----------------------------------------------------------------------------------------

    def externalise(self, term: Term, module: str | None = None) -> Json:
        """Return a term as KORE JSON."""
        return term_to_json(self.definition_for(module).signature, term)

    def predicates(
        self, json: Json, module: str | None, budget: Budget, solver: Solver
    ) -> tuple[Predicate, ...] | None:
        """Return the simplified conjuncts of a state, with a bottom among them if it is bottom; None if it has none."""
        evaluator = Evaluator(self.definition_for(module), solver, budget)
        claim = read_claim(evaluator.signature, json)
        if not claim.predicates:
            return None
        assumed = assume(evaluator, PathCondition(), claim.predicates)
        if assumed is None:
            return (P_BOTTOM,)
        condition, _ = assumed
        solved = tuple(Equal(variable, value) for variable, value in condition.substitution.items())
        return (*solved, *condition.conditions)

    # Methods ----------------------------------------------------------------------------------------------------

    def execute(
        self, json: Json, module: str | None, params: ExecuteParams, budget: Budget, solver: Solver
    ) -> dict[str, Any]:
        """Answer `execute`: rewrite until a stop condition of the protocol (shared section 2) is met."""
        evaluator = Evaluator(self.definition_for(module), solver, budget)
        return _Execution(evaluator, params, _fresh_for(json, evaluator)).run(json)

    def simplify(self, json: Json, module: str | None, budget: Budget, solver: Solver) -> dict[str, Any]:
        """Answer `simplify`: the state in normal form."""
        evaluator = Evaluator(self.definition_for(module), solver, budget)
        signature = evaluator.signature
        try:
            claim = read_claim(signature, json)
        except PatternError:
            plain = simplify_connectives(json)
            if plain == json:
                raise
            return {'state': envelope(plain)}
        at = claim.sort
        assumed = None if claim.is_bottom else assume(evaluator, PathCondition(), claim.predicates)
        bottom = {'state': envelope(predicate_to_json(signature, P_BOTTOM, at))}
        if assumed is None:
            return bottom
        condition, _ = assumed
        if evaluator.unsatisfiable(condition):
            return bottom
        predicates = (*condition.conditions, *_solved(condition))
        if claim.term is None:
            return {'state': envelope(condition_to_json(signature, predicates, at))}
        term = _instantiate(evaluator, claim.term, condition)
        if isinstance(term, Bottom):
            return bottom
        parts = [term_to_json(signature, term), *(predicate_to_json(signature, one, at) for one in predicates)]
        pattern = parts[0] if len(parts) == 1 else _conjunction(parts, at)
        return {'state': envelope(pattern)}

    def implies(
        self,
        antecedent: Json,
        consequent: Json,
        module: str | None,
        params: ImpliesParams,
        budget: Budget,
        solver: Solver,
    ) -> dict[str, Any]:
        """Answer `implies`: whether every instance of the antecedent is one of the consequent."""
        evaluator = Evaluator(self.definition_for(module), solver, budget)
        signature = evaluator.signature
        _check_variable_sorts(antecedent, consequent)
        left = _read_side(
            signature, antecedent, 'The check implication step expects the antecedent term to be function-like.'
        )
        if _is_negated_term(consequent):
            verdict = Verdict(False)
        else:
            right = _read_side(signature, consequent, 'Term does not simplify to a singleton pattern')
            verdict = check_implication(
                evaluator,
                left,
                right,
                lambda: free_as_sent(antecedent),
                assume_defined=params.assume_defined,
            )
        at = left.sort
        implication = {'tag': 'Implies', 'sort': _sort_json(at), 'first': antecedent, 'second': consequent}
        result: dict[str, Any] = {
            'valid': verdict.valid,
            'status': 'valid' if verdict.valid else 'invalid' if verdict.refuted else 'indeterminate',
            'implication': envelope(implication),
        }
        if verdict.substitution is not None:
            equations = [Equal(variable, value) for variable, value in verdict.substitution.items()]
            result['condition'] = {
                'substitution': envelope(condition_to_json(signature, equations, at)),
                'predicate': envelope(condition_to_json(signature, verdict.predicates, at)),
            }
        return result


def envelope(pattern: Json) -> Json:
    """Return a pattern in the wrapping that the protocol asks for."""
    return {'format': 'KORE', 'version': 1, 'term': pattern}


def _sort_json(of: Sort) -> Json:
    from .externalise import sort_to_json

    return sort_to_json(of)


def _conjunction(parts: list[Json], at: Sort) -> Json:
    return {'tag': 'And', 'sort': _sort_json(at), 'patterns': parts}


def _solved(condition: PathCondition) -> tuple[Predicate, ...]:
    return tuple(Equal(variable, value) for variable, value in condition.substitution.items())


def _instantiate(evaluator: Evaluator, term: Term, condition: PathCondition) -> Term | Bottom:
    from .substitution import substitute

    made = substitute(evaluator.signature, term, condition.substitution)
    return made if isinstance(made, Bottom) else evaluator.simplify(made, condition)


def read_claim(signature: Signature, json: Json) -> Claim:
    """Read a state or one side of an implication. Raises `PatternError`, `InvalidParams`."""
    reader = Reader(signature)
    quantified: list[tuple[str, Var]] = []
    body = json
    while isinstance(body, dict) and body.get('tag') in ('Exists', 'Forall'):
        variable = reader.variable(body.get('var'), body.get('varSort'))
        quantified.append((body['tag'], variable))
        body = body.get('arg')  # type: ignore[assignment]
    predicates: list[Predicate] = []
    term: Term | None = None
    is_bottom = False
    terms: list[Json] = []
    stack = [body]
    while stack:
        one = stack.pop()
        if isinstance(one, dict) and one.get('tag') == 'And':
            stack.extend(reversed(one['patterns'] if 'patterns' in one else [one['first'], one['second']]))
        elif isinstance(one, dict) and not reader.is_term(one):
            predicates.append(reader.predicate(one))
        else:
            terms.append(one)
    if terms:
        made = reader.term(terms[0] if len(terms) == 1 else {'tag': 'And', 'patterns': terms})
        if isinstance(made, Bottom):
            is_bottom = True
        else:
            term = made
    predicates.extend(reader.lifted)
    flat = tuple(each for one in predicates for each in conjuncts(one))
    at = term.sort if term is not None else json_sort(json['sort']) if 'sort' in json else sort('SortK')
    return Claim(term, flat, tuple(quantified), at, is_bottom or any(isinstance(one, Falsity) for one in flat))


def _read_side(signature: Signature, json: Json, error: str) -> Claim:
    """Read one side of an implication; a pattern that is no single term is refused as the protocol has it."""
    body = json
    while body.get('tag') in ('Exists', 'Forall') and isinstance(body.get('arg'), dict):
        body = body['arg']
    if body.get('tag') in ('Mu', 'Nu') or (body.get('tag') == 'Or' and contains_term(body)):
        raise ImplicationError(error, [f'{body!r:.200}'])
    return read_claim(signature, json)


def free_as_sent(json: Json) -> frozenset[Var]:
    """Return the free variables that a pattern mentions, also where they make no difference."""
    found: set[Var] = set()
    stack: list[tuple[Any, frozenset[str]]] = [(json, frozenset())]
    while stack:
        one, bound = stack.pop()
        if isinstance(one, list):
            stack.extend((each, bound) for each in one)
        elif isinstance(one, dict):
            if one.get('tag') == 'EVar' and one['name'] not in bound:
                found.add(var(one['name'], json_sort(one['sort'])))
            if one.get('tag') in ('Exists', 'Forall'):
                bound = bound | {one['var']}
            stack.extend((each, bound) for name, each in one.items() if name not in ('sort', 'sorts', 'varSort'))
    return frozenset(found)


def _check_variable_sorts(antecedent: Json, consequent: Json) -> None:
    """Refuse two bare variables of different sorts, whether or not their sorts are declared."""
    while consequent.get('tag') in ('Exists', 'Forall') and isinstance(consequent.get('arg'), dict):
        consequent = consequent['arg']
    if antecedent.get('tag') == consequent.get('tag') == 'EVar':
        left, right = json_sort(antecedent.get('sort')), json_sort(consequent.get('sort'))
        if left is not right:
            context = [f'LHS sort: {left.name}', f'RHS sort: {right.name}']
            raise ImplicationError('Antecedent and consequent must have the same sort.', context)


def _is_negated_term(json: Json) -> bool:
    """Whether the pattern is the complement of a term, which no term is known to imply."""
    return json.get('tag') == 'Not' and contains_term(json)


def _fresh_for(json: Json, evaluator: Evaluator) -> Any:
    digest = hashlib.sha256(_json.dumps(json, sort_keys=True).encode()).hexdigest()[:8]
    return fresh_maker(set(), digest)


@final
class _Execution:
    """One run of `execute`."""

    def __init__(self, evaluator: Evaluator, params: ExecuteParams, fresh: Any) -> None:
        self._evaluator = evaluator
        self._signature = evaluator.signature
        self._params = params
        self._rewriter = Rewriter(evaluator, fresh)
        self._logs: list[Json] = []
        self._depth = 0

    def run(self, json: Json) -> dict[str, Any]:
        claim = read_claim(self._signature, json)
        if claim.term is None and not claim.is_bottom:
            raise PatternError('Expected a configuration, found a predicate', [])
        if claim.quantified:
            raise PatternError('Expected a configuration, found a quantifier', [])
        state = self._initial(claim)
        if state is None:
            return {'reason': 'vacuous', 'depth': 0, 'state': {'term': envelope(json)}, **self._log_field()}
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
        term = _instantiate(evaluator, claim.term, condition)
        if isinstance(term, Bottom):
            return None
        if not term.defined:
            condition = condition.with_facts(evaluator.definedness(term))
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
        if condition.conditions:
            result['predicate'] = envelope(condition_to_json(signature, condition.conditions, at))
        if condition.substitution:
            result['substitution'] = envelope(condition_to_json(signature, _solved(condition), at))
        return result

    def _next_state(self, application: Application, with_predicate: bool) -> Json:
        signature, at = self._signature, application.state.term.sort
        result = self._state(application.state)
        if application.rule is not None:
            result['rule-id'] = application.rule.unique_id
        if with_predicate and not isinstance(application.predicate, Verity):
            result['rule-predicate'] = envelope(predicate_to_json(signature, application.predicate, at))
        if application.values:
            from .terms import var

            equations = [
                Equal(var(public_name(one.name), one.sort), value)
                for one, value in sorted(application.values.items(), key=lambda item: item[0].name)
            ]
            result['rule-substitution'] = envelope(condition_to_json(signature, equations, at))
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
