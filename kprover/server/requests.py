"""The patterns of requests read as states and sides of implications, and those of answers in their wrapping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .connectives import contains_term
from .errors import ImplicationError
from .implies import Claim
from .internalise import Reader, json_sort
from .predicates import Falsity, conjuncts
from .symbols import sort
from .terms import Bottom, var

if TYPE_CHECKING:
    from .predicates import Predicate
    from .sentences import Json
    from .signature import Signature
    from .terms import Term, Var

__all__ = ['check_variable_sorts', 'envelope', 'free_as_sent', 'is_negated_term', 'read_claim', 'read_side']


def envelope(pattern: Json) -> Json:
    """Return a pattern in the wrapping that the protocol asks for."""
    return {'format': 'KORE', 'version': 1, 'term': pattern}


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


def read_side(signature: Signature, json: Json, error: str) -> Claim:
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


def check_variable_sorts(antecedent: Json, consequent: Json) -> None:
    """Refuse two bare variables of different sorts, whether or not their sorts are declared."""
    while consequent.get('tag') in ('Exists', 'Forall') and isinstance(consequent.get('arg'), dict):
        consequent = consequent['arg']
    if antecedent.get('tag') == consequent.get('tag') == 'EVar':
        left, right = json_sort(antecedent.get('sort')), json_sort(consequent.get('sort'))
        if left is not right:
            context = [f'LHS sort: {left.name}', f'RHS sort: {right.name}']
            raise ImplicationError('Antecedent and consequent must have the same sort.', context)


def is_negated_term(json: Json) -> bool:
    """Whether the pattern is the complement of a term, which no term is known to imply."""
    return json.get('tag') == 'Not' and contains_term(json)
