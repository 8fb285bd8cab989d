"""Answers of a server as pyk's result objects, their states read by a faster reader.

pyk makes the object from an answer in which each term is replaced by a small one (`without_terms`); the terms are
put in their places after that. So what an answer may look like is decided by pyk alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pyk.kore.rpc import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Final

    from pyk.kore.rpc import ExecuteResult, ImpliesResult, SimplifyResult
    from pyk.kore.syntax import Pattern

    Read = Callable[[Mapping[str, Any]], Pattern]

_SMALL: Final = {
    'format': 'KORE',
    'version': 1,
    'term': {'tag': 'Top', 'sort': {'tag': 'SortApp', 'name': 'SortGeneratedTopCell', 'args': []}},
}


def without_terms(method: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The result of a request of which the terms, which `with_terms` reads, are small ones. Others are as they were."""
    lean = dict(answer)
    if method == 'execute':
        lean['state'] = {'term': _SMALL}
        if isinstance(following := answer.get('next-states'), list):
            lean['next-states'] = [{'term': _SMALL} for _ in following]
    elif method == 'implies':
        lean['implication'] = _SMALL
        condition = answer.get('condition')
        if isinstance(condition, dict):
            lean['condition'] = {key: _SMALL if value is not None else None for key, value in condition.items()}
    elif method == 'simplify':
        lean['state'] = _SMALL
    return lean


def execution(result: ExecuteResult, answer: Mapping[str, Any], read: Read) -> ExecuteResult:
    """The result of `execute` with the states in the answer."""
    changes: dict[str, Any] = {'state': _state(answer['state'], read)}
    if result.next_states is not None:
        changes['next_states'] = tuple(_state(state, read) for state in answer['next-states'])
    return replace(result, **changes)  # type: ignore[type-var]  # all its subclasses are dataclasses


def implication(result: ImpliesResult, answer: Mapping[str, Any], read: Read) -> ImpliesResult:
    """The result of `implies` with the terms in the answer."""
    condition = answer.get('condition', {})
    return replace(
        result,
        implication=read(answer['implication']),
        substitution=read(condition['substitution']) if result.substitution is not None else None,
        predicate=read(condition['predicate']) if result.predicate is not None else None,
    )


def simplification(result: SimplifyResult, answer: Mapping[str, Any], read: Read) -> SimplifyResult:
    """The result of `simplify` with the state in the answer."""
    return result._replace(state=read(answer['state']))


def _state(dct: Mapping[str, Any], read: Read) -> State:
    """pyk's `State.from_dict`."""
    optional: dict[str, Any] = {}
    for key, field in (('substitution', 'substitution'), ('rule-substitution', 'rule_substitution')):
        if key in dct:
            optional[field] = State._subst_to_dict(read(dct[key]))
    for key, field in (('predicate', 'predicate'), ('rule-predicate', 'rule_predicate')):
        if key in dct:
            optional[field] = read(dct[key])
    return State(read(dct['term']), rule_id=dct.get('rule-id'), **optional)
