"""The methods of Kore JSON-RPC: parameters checked and handed to the engine.

The engine is shared by all connections. A `Methods` object belongs to one connection's handler thread, because it
keeps that thread's solvers. The shapes are those of the protocol (its document is part of the Haskell backend); a
field that is null counts as absent, fields that are not known are ignored.
"""

from __future__ import annotations

from collections import OrderedDict
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, TypeVar, final

from .budget import Budget
from .errors import InvalidModule, InvalidParams, PatternError
from .model import get_model
from .params import ExecuteParams, ImpliesParams
from .shape import find_malformed
from .smt import Solver, Z3Session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .definition import Theory
    from .engine import Engine
    from .smt import SmtOptions

    T = TypeVar('T')
    Handler = Callable[[Mapping[str, Any], Budget], dict[str, Any]]

__all__ = ['Methods']

_LEMMAS: Final = 'contradictory lemmas'
_SOLVERS_KEPT: Final = 8
"""Solvers of a connection, one for each module in use; those of modules used longest ago are given up."""


@final
class Methods:
    """The methods of one connection."""

    def __init__(self, engine: Engine, smt: SmtOptions) -> None:
        self._engine = engine
        self._smt = smt
        self._session = Z3Session()
        self._solvers: OrderedDict[int, Solver] = OrderedDict()

    def table(self) -> dict[str, Handler]:
        """Return the methods by name."""
        return {
            'execute': _blaming(self.execute, 'state'),
            'implies': _blaming(self.implies, 'antecedent', 'consequent'),
            'simplify': _blaming(self.simplify, 'state'),
            'get-model': _blaming(self.get_model, 'state'),
            'add-module': self.add_module,
        }

    def execute(self, params: Mapping[str, Any], budget: Budget) -> dict[str, Any]:
        """Rewrite a state until something stops it."""
        state = _pattern(params, 'state')
        module = _optional(params, 'module', str, 'a string')
        step_timeout = _natural(params, 'step-timeout')
        if step_timeout is not None:
            budget.limit_steps(step_timeout / 1000, moving_average=_flag(params, 'moving-average-step-timeout'))
        execute_params = ExecuteParams(
            max_depth=_natural(params, 'max-depth'),
            cut_point_rules=_names(params, 'cut-point-rules'),
            terminal_rules=_names(params, 'terminal-rules'),
            assume_defined=_flag(params, 'assume-state-defined') or _flag(params, 'assume-defined'),
            log_successful=_flag(params, 'log-successful-rewrites'),
            log_failed=_flag(params, 'log-failed-rewrites'),
        )
        return self._timed(
            params, lambda: self._engine.execute(state, module, execute_params, budget, self._solver(module, budget))
        )

    def implies(self, params: Mapping[str, Any], budget: Budget) -> dict[str, Any]:
        """Check that every instance of the antecedent is one of the consequent."""
        antecedent = _pattern(params, 'antecedent')
        consequent = _pattern(params, 'consequent')
        module = _optional(params, 'module', str, 'a string')
        implies_params = ImpliesParams(assume_defined=_flag(params, 'assume-defined'))
        return self._timed(
            params,
            lambda: self._engine.implies(
                antecedent, consequent, module, implies_params, budget, self._solver(module, budget)
            ),
        )

    def simplify(self, params: Mapping[str, Any], budget: Budget) -> dict[str, Any]:
        """Simplify a pattern."""
        state = _pattern(params, 'state')
        module = _optional(params, 'module', str, 'a string')
        return self._timed(params, lambda: self._engine.simplify(state, module, budget, self._solver(module, budget)))

    def get_model(self, params: Mapping[str, Any], budget: Budget) -> dict[str, Any]:
        """Look for values of the variables that satisfy a state's predicates."""
        state = _pattern(params, 'state')
        module = _optional(params, 'module', str, 'a string')
        return get_model(self._engine, state, module, budget, self._solver(module, budget))

    def add_module(self, params: Mapping[str, Any], budget: Budget) -> dict[str, Any]:
        """Add a module of rules, for all connections."""
        text = _optional(params, 'module', str, 'a string')
        if text is None:
            raise InvalidParams("expected the text of a module as 'module', found nothing")
        return {'module': self._engine.add_module(text, _flag(params, 'name-as-id'))}

    def _solver(self, module: str | None, budget: Budget) -> Solver:
        """Return the solver for a module. Raises `InvalidModule` if what it is told of the module is contradictory."""
        definition = self._engine.definition_for(module)
        solver = self._solvers.get(id(definition))
        # The identity of a definition that has been collected may come again: compare the object itself.
        if solver is None or solver.definition is not definition:
            options = self._smt
            solver = Solver(
                definition,
                options.timeout_ms,
                options.retry_limit,
                enabled=options.enabled,
                session=self._session,
                log=options.log,
            )
            _check_lemmas(definition, solver, budget)
            self._solvers[id(definition)] = solver
            if len(self._solvers) > _SOLVERS_KEPT:
                self._solvers.popitem(last=False)
        self._solvers.move_to_end(id(definition))
        return solver

    @staticmethod
    def _timed(params: Mapping[str, Any], compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        if not _flag(params, 'log-timing'):
            return compute()
        started = perf_counter()
        result = compute()
        entry = {'tag': 'processing-time', 'time': perf_counter() - started}
        return {**result, 'logs': [*result.get('logs', ()), entry]}


def _check_lemmas(theory: Theory, solver: Solver, budget: Budget) -> None:
    """Refuse a theory whose smt-lemmas exclude each other. Done once for each theory, when it is first used."""
    if _LEMMAS not in theory.compiled:
        theory.compiled[_LEMMAS] = solver.contradiction(budget)
    names = theory.compiled[_LEMMAS]
    if names:
        one = 'contradicts itself or the meaning of the operations in it' if len(names) == 1 else 'exclude each other'
        listed = ', '.join(names)
        raise InvalidModule(
            f'inconsistent smt-lemmas, from which everything would follow: {listed} ({one})', [theory.name]
        )


def _blaming(method: Handler, *patterns: str) -> Handler:
    """Return `method` with every failure that a malformed pattern may have caused blamed on the pattern, if it is."""

    def answer(params: Mapping[str, Any], budget: Budget) -> dict[str, Any]:
        try:
            return method(params, budget)
        except (PatternError, TypeError, KeyError, AttributeError, ValueError, IndexError) as err:
            for name in patterns:
                fault = find_malformed(_pattern(params, name))
                if fault is not None:
                    raise InvalidParams(f'{name}: {fault}') from err
            raise

    return answer


def _pattern(params: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the pattern inside of a KORE JSON envelope."""
    value = params.get(name)
    if not isinstance(value, dict):
        raise InvalidParams(f'expected {name!r} to be an object with format, version and term')
    if value.get('format') != 'KORE':
        raise InvalidParams(f'expected the format KORE in {name!r}, found {value.get("format")!r}')
    version = value.get('version')
    if isinstance(version, bool) or version != 1:
        raise InvalidParams(f'expected version 1 of the format in {name!r}, found {version!r}')
    term = value.get('term')
    if not isinstance(term, dict):
        raise InvalidParams(f'expected a pattern as the term of {name!r}')
    return term


def _optional(params: Mapping[str, Any], name: str, kind: type[T], what: str) -> T | None:
    value = params.get(name)
    if value is not None and not isinstance(value, kind):
        raise InvalidParams(f'expected {name!r} to be {what}')
    return value


def _flag(params: Mapping[str, Any], name: str) -> bool:
    return bool(_optional(params, name, bool, 'a boolean'))


def _natural(params: Mapping[str, Any], name: str) -> int | None:
    value = _optional(params, name, int, 'a natural number')
    if value is not None and (isinstance(value, bool) or value < 0):
        raise InvalidParams(f'expected {name!r} to be a natural number, found {value!r}')
    return value


def _names(params: Mapping[str, Any], name: str) -> frozenset[str]:
    value = _optional(params, name, list, 'an array of strings')
    if value is None:
        return frozenset()
    if not all(isinstance(one, str) for one in value):
        raise InvalidParams(f'expected {name!r} to be an array of strings')
    return frozenset(value)
