"""The engine: one loaded definition, and the four questions the protocol asks about it.

Requests come as KORE JSON and answers go as the protocol's result objects, so that this is the only place that knows
both the shapes of the protocol and the terms. Immutable but for the library of modules; safe for use from several
threads, each with a solver and a budget of its own.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, final

from .assume import assume, equations, instantiate
from .condition import PathCondition
from .connectives import simplify_connectives
from .definition import Library
from .errors import (
    DefinitionError,
    DuplicateModule,
    InvalidModule,
    KoreParseError,
    PatternError,
    UnknownModule,
)
from .evaluate import Evaluator
from .execution import Execution
from .externalise import condition_to_json, predicate_to_json, sort_to_json, term_to_json
from .implies import Verdict, check_implication
from .parse import KoreSyntaxError, parse_definition, parse_module
from .predicates import P_BOTTOM, Equal, Falsity, conjoin, conjuncts
from .requests import check_variable_sorts, envelope, free_as_sent, is_negated_term, read_claim, read_side
from .terms import Bottom

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .budget import Budget
    from .definition import Theory
    from .params import ExecuteParams, ImpliesParams
    from .predicates import Predicate
    from .sentences import Json, Module
    from .smt import Solver
    from .terms import Term

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
        self._identifiers: set[str] = set()
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
        if identifier in self._library and identifier not in self._identifiers:
            # A module that was given this name means something else: an id that is a content hash never runs it.
            raise DuplicateModule(identifier)
        if identifier not in self._library:
            self._identifiers.add(identifier)
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
            self._forget(identifier)
            raise InvalidModule(f'Could not find module {error.data}', [f'module {module.name}']) from error
        except PatternError as error:
            self._forget(identifier)
            raise InvalidModule(error.data['error'], [f'module {module.name}', *error.data['context']]) from error

    def _forget(self, identifier: str) -> None:
        self._library.remove(identifier)
        self._identifiers.discard(identifier)

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
        predicates = claim.predicates if not claim.quantified else (claim.quantify(conjoin(claim.predicates)),)
        assumed = assume(evaluator, PathCondition(), predicates)
        if assumed is None:
            return (P_BOTTOM,)
        condition, _ = assumed
        return (*equations(condition), *condition.conditions)

    # Methods ----------------------------------------------------------------------------------------------------

    def execute(
        self, json: Json, module: str | None, params: ExecuteParams, budget: Budget, solver: Solver
    ) -> dict[str, Any]:
        """Answer `execute`: rewrite until a stop condition of the protocol is met."""
        evaluator = Evaluator(self.definition_for(module), solver, budget)
        return Execution(evaluator, params, json).run()

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
        if claim.quantified and claim.term is None and not claim.is_bottom:
            whole = evaluator.simplify_predicate(claim.quantify(conjoin(claim.predicates)), PathCondition())
            return {'state': envelope(predicate_to_json(signature, whole, at))}
        assumed = None if claim.is_bottom else assume(evaluator, PathCondition(), claim.predicates)
        bottom = {'state': envelope(predicate_to_json(signature, P_BOTTOM, at))}
        if assumed is None:
            return bottom
        condition, _ = assumed
        if evaluator.unsatisfiable(condition):
            return bottom
        predicates = (*condition.conditions, *equations(condition))
        if claim.term is None:
            return {'state': envelope(condition_to_json(signature, predicates, at))}
        term, owed = instantiate(evaluator, claim.term, condition)
        if isinstance(term, Bottom):
            return bottom
        # What the normal form has lost is said beside it.
        lost = evaluator.pay(owed, condition)
        if isinstance(lost, Falsity) or (owed and evaluator.unsatisfiable(condition, (lost,))):
            return bottom
        predicates = (*predicates, *conjuncts(lost))
        parts = [term_to_json(signature, term), *(predicate_to_json(signature, one, at) for one in predicates)]
        pattern = parts[0] if len(parts) == 1 else {'tag': 'And', 'sort': sort_to_json(at), 'patterns': parts}
        for kind, variable in reversed(claim.quantified):
            pattern = {
                'tag': kind,
                'sort': sort_to_json(at),
                'var': variable.name,
                'varSort': sort_to_json(variable.sort),
                'arg': pattern,
            }
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
        check_variable_sorts(antecedent, consequent)
        left = read_side(
            signature, antecedent, 'The check implication step expects the antecedent term to be function-like.'
        )
        if is_negated_term(consequent):
            verdict = Verdict(False)
        else:
            right = read_side(signature, consequent, 'Term does not simplify to a singleton pattern')
            verdict = check_implication(
                evaluator,
                left,
                right,
                lambda: free_as_sent(antecedent),
                assume_defined=params.assume_defined,
            )
        at = left.sort
        implication = {'tag': 'Implies', 'sort': sort_to_json(at), 'first': antecedent, 'second': consequent}
        result: dict[str, Any] = {
            'valid': verdict.valid,
            'status': 'valid' if verdict.valid else 'invalid' if verdict.refuted else 'indeterminate',
            'implication': envelope(implication),
        }
        if verdict.substitution is not None:
            values = [Equal(variable, value) for variable, value in verdict.substitution.items()]
            result['condition'] = {
                'substitution': envelope(condition_to_json(signature, values, at)),
                'predicate': envelope(condition_to_json(signature, verdict.predicates, at)),
            }
        return result
