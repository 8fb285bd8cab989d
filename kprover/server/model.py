"""`get-model`: values of the variables that satisfy the predicates of a state.

Only predicates are looked at, as the protocol has it; a state without any is answered `Unknown`. `Sat` is answered
only where the solver's values are a model of the predicates as K means them: nothing was abstracted, apart from
functions that the definition itself declares to SMT.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .errors import InvalidParams
from .smt import Model, Result
from .symbols import BOOL, INT
from .terms import dv

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .budget import Budget
    from .engine import Engine
    from .smt import Solver
    from .terms import Var

__all__ = ['get_model']

_PREDICATE_TAGS: Final = frozenset({'Top', 'Bottom', 'Equals', 'In', 'Ceil', 'Floor'})
_TERM_TAGS: Final = frozenset({'App', 'DV', 'EVar', 'String', 'LeftAssoc', 'RightAssoc', 'MultiApp'})


def get_model(
    engine: Engine, state: dict[str, Any], module: str | None, budget: Budget, solver: Solver
) -> dict[str, Any]:
    """Return the result of `get-model` for the pattern `state` (KORE JSON)."""
    pattern = _relevant(state)
    if pattern is None:
        return {'satisfiable': 'Unknown'}
    # None: there are predicates, and all of them are trivially true.
    predicates = engine.predicates(pattern, module, budget, solver) or ()
    found = solver.model(predicates, budget)
    if found is Result.UNSAT:
        return {'satisfiable': 'Unsat'}
    if not isinstance(found, Model) or not found.exact:
        return {'satisfiable': 'Unknown'}
    result: dict[str, Any] = {'satisfiable': 'Sat'}
    if found.values:
        term = _substitution(engine, found.values, state.get('sort'))
        result['substitution'] = {'format': 'KORE', 'version': 1, 'term': term}
    return result


def _relevant(state: dict[str, Any]) -> dict[str, Any] | None:
    """Return the conjunction without what is neither a term nor a predicate, such as the negation of a term.

    None if no predicate is left. `\\top` says nothing and does not count as one.
    """
    terms: list[dict[str, Any]] = []
    predicates: list[dict[str, Any]] = []
    stack = [state]
    while stack:
        one = stack.pop()
        tag = one.get('tag')
        if tag == 'And':
            stack.extend(reversed(_members(one)))
        elif _is_predicate(one):
            if tag != 'Top':
                predicates.append(one)
        elif tag in _TERM_TAGS:
            terms.append(one)
    if not predicates:
        return None
    parts = [*terms, *predicates]
    return parts[0] if len(parts) == 1 else {'tag': 'And', 'sort': state.get('sort'), 'patterns': parts}


def _members(pattern: dict[str, Any]) -> list[dict[str, Any]]:
    found = pattern['patterns'] if 'patterns' in pattern else [pattern.get(name) for name in ('first', 'second')]
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise InvalidParams('expected patterns inside of a conjunction or disjunction')
    return found


def _is_predicate(pattern: Any) -> bool:
    """Whether `pattern` is true or false of everything, going by its connectives alone."""
    stack = [pattern]
    while stack:
        one = stack.pop()
        if not isinstance(one, dict):
            raise InvalidParams(f'expected a pattern, found {type(one).__name__}')
        tag = one.get('tag')
        if tag in _PREDICATE_TAGS:
            continue
        if tag in ('Not', 'Exists', 'Forall'):
            stack.append(one.get('arg'))
        elif tag in ('And', 'Or'):
            stack.extend(_members(one))
        elif tag in ('Implies', 'Iff'):
            stack.extend((one.get('first'), one.get('second')))
        else:
            return False
    return True


def _substitution(engine: Engine, values: Mapping[Var, int | bool], sort: dict[str, Any] | None) -> dict[str, Any]:
    """Return the conjunction of equations `variable = value`, in the order of the variables' names."""
    if sort is None:
        sort = {'tag': 'SortApp', 'name': 'SortGeneratedTopCell', 'args': []}
    equations: list[dict[str, Any]] = []
    for variable in sorted(values, key=lambda one: (one.name, one.sort.name)):
        value = values[variable]
        equations.append(
            {
                'tag': 'Equals',
                'argSort': {'tag': 'SortApp', 'name': variable.sort.name, 'args': []},
                'sort': sort,
                'first': engine.externalise(variable),
                'second': engine.externalise(dv(BOOL if isinstance(value, bool) else INT, value)),
            }
        )
    return equations[0] if len(equations) == 1 else {'tag': 'And', 'sort': sort, 'patterns': equations}
