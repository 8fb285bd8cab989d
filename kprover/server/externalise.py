"""Terms and predicates as KORE JSON.

Map and set entries are written in a canonical order, so that equal states are equal texts. Terms are written with a
stack of their own, predicates by recursion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .errors import PatternError
from .predicates import (
    And,
    Ceil,
    Equal,
    Exists,
    Falsity,
    Not,
    Or,
    Truth,
    Verity,
    free_variables,
)
from .substitution import substitute_predicate
from .symbols import BOOL, Sort
from .terms import DV, App, Inj, KList, KMap, KSet, Term, Var, children, dv, var

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .predicates import Predicate
    from .sentences import Json
    from .signature import Signature

__all__ = ['condition_to_json', 'predicate_to_json', 'sort_to_json', 'term_to_json']

_KINDS: Final = {'map': KMap, 'set': KSet, 'list': KList}


def sort_to_json(of: Sort) -> Json:
    """Return a sort as KORE JSON."""
    if of.is_variable:
        return {'tag': 'SortVar', 'name': of.name}
    return {'tag': 'SortApp', 'name': of.name, 'args': [sort_to_json(arg) for arg in of.args]}


def dv_text(value: DV) -> str:
    """Return the text of a domain value."""
    raw = value.value
    if raw is True:
        return 'true'
    if raw is False:
        return 'false'
    if isinstance(raw, bytes):
        return raw.decode('latin-1')
    return str(raw)


def term_to_json(signature: Signature, term: Term) -> Json:
    """Return a term as KORE JSON. Subterms that occur twice are one shared object."""
    done: dict[Term, Json] = {}
    stack: list[Term] = [term]
    while stack:
        current = stack[-1]
        if current in done:
            stack.pop()
            continue
        if isinstance(current, DV):
            done[current] = {'tag': 'DV', 'sort': sort_to_json(current.sort), 'value': dv_text(current)}
            stack.pop()
            continue
        if isinstance(current, Var):
            done[current] = {'tag': 'EVar', 'name': current.name, 'sort': sort_to_json(current.sort)}
            stack.pop()
            continue
        parts = children(current)
        missing = [part for part in parts if part not in done]
        if missing:
            stack.extend(missing)
            continue
        stack.pop()
        done[current] = _node_to_json(signature, current, done)
    return done[term]


def _node_to_json(signature: Signature, term: Term, done: dict[Term, Json]) -> Json:
    if isinstance(term, App):
        symbol = term.symbol
        return _app(symbol.name, symbol.sort_args, [done[arg] for arg in term.args])
    if isinstance(term, Inj):
        return _app('inj', (term.inner.sort, term.sort), [done[term.inner]])
    collection = signature.collection(term.sort)
    if collection is None or _KINDS[collection.kind] is not type(term):
        # The hooks of a symbol and of its result's sort do not belong together.
        raise PatternError('Expected a sort with the hook of the collection that its symbols make', [repr(term.sort)])
    element = collection.element
    members: list[Json]
    if isinstance(term, KMap):
        ordered = sorted(term.entries, key=lambda entry: _order(signature, entry[0]))
        members = [_app(element.name, element.sort_args, [done[key], done[value]]) for key, value in ordered]
        members += [done[one] for one in sorted(term.rest, key=lambda one: _order(signature, one))]
    elif isinstance(term, KSet):
        elements = sorted(term.elements, key=lambda one: _order(signature, one))
        members = [_app(element.name, element.sort_args, [done[one]]) for one in elements]
        members += [done[one] for one in sorted(term.rest, key=lambda one: _order(signature, one))]
    else:
        assert isinstance(term, KList)
        members = [
            _app(element.name, element.sort_args, [done[one]]) if is_item else done[one]
            for is_item, one in term.segments
        ]
    if not members:
        return _app(collection.unit.name, collection.unit.sort_args, [])
    concat = collection.concat
    result = members[-1]
    for member in members[-2::-1]:
        result = _app(concat.name, concat.sort_args, [member, result])
    return result


def _app(name: str, sorts: tuple[Sort, ...], args: list[Json]) -> Json:
    return {'tag': 'App', 'name': name, 'sorts': [sort_to_json(one) for one in sorts], 'args': args}


def _order(signature: Signature, term: Term) -> tuple[Any, ...]:
    """Return a key that orders terms by their structure: the same in every process."""
    out: list[Any] = []
    stack = [term]
    while stack:
        current = stack.pop()
        if isinstance(current, DV):
            number = current.value if type(current.value) is int else 0
            out.append(('D', current.sort.name, number, dv_text(current)))
        elif isinstance(current, Var):
            out.append(('V', current.name, 0, current.sort.name))
        elif isinstance(current, App):
            out.append(('A', current.symbol.name, len(current.args), repr(current.symbol.sort_args)))
            stack.extend(reversed(current.args))
        elif isinstance(current, Inj):
            out.append(('I', current.inner.sort.name, 0, current.sort.name))
            stack.append(current.inner)
        elif isinstance(current, KList):
            out.append(('L', current.sort.name, len(current.segments), ''))
            stack.extend(member for _, member in reversed(current.segments))
        elif isinstance(current, KMap):
            out.append(('M', current.sort.name, len(current.entries), str(len(current.rest))))
            for key, value in sorted(current.entries, key=lambda entry: _order(signature, entry[0])):
                stack += (key, value)
            stack.extend(sorted(current.rest, key=lambda one: _order(signature, one)))
        elif isinstance(current, KSet):
            out.append(('S', current.sort.name, len(current.elements), str(len(current.rest))))
            stack.extend(sorted(current.elements + current.rest, key=lambda one: _order(signature, one)))
    return tuple(out)


def readable_name(name: str) -> str:
    """Return the name that an internal one was made from."""
    parts = name.split('#')
    return parts[1] if parts[0] in ('Rule', 'Exists') and len(parts) > 1 else parts[0]


def predicate_to_json(signature: Signature, predicate: Predicate, at: Sort) -> Json:
    """Return a predicate as KORE JSON at the sort `at`."""
    result = sort_to_json(at)
    if isinstance(predicate, Verity):
        return {'tag': 'Top', 'sort': result}
    if isinstance(predicate, Falsity):
        return {'tag': 'Bottom', 'sort': result}
    if isinstance(predicate, Truth):
        return _equals(signature, dv(BOOL, True), predicate.term, result)
    if isinstance(predicate, Equal):
        return _equals(signature, predicate.left, predicate.right, result)
    if isinstance(predicate, Ceil):
        arg_sort = sort_to_json(predicate.term.sort)
        return {'tag': 'Ceil', 'argSort': arg_sort, 'sort': result, 'arg': term_to_json(signature, predicate.term)}
    if isinstance(predicate, Not):
        inner = predicate.arg
        if isinstance(inner, Truth) and inner.term.defined:
            flipped = signature.negation(inner.term)
            if flipped is not None:
                return _equals(signature, dv(BOOL, True), flipped, result)
        return {'tag': 'Not', 'sort': result, 'arg': predicate_to_json(signature, inner, at)}
    if isinstance(predicate, (And, Or)):
        tag = 'And' if isinstance(predicate, And) else 'Or'
        parts = [predicate_to_json(signature, one, at) for one in predicate.args]
        return {'tag': tag, 'sort': result, 'patterns': parts}
    tag = 'Exists' if isinstance(predicate, Exists) else 'Forall'
    variable, body = predicate.variable, predicate.body
    if '#' in variable.name:
        # An internal name: the client gets the plain one, or one like it that is not taken.
        taken = {one.name for one in free_variables(body)}
        base = name = readable_name(variable.name)
        count = 0
        while name in taken:
            name = f'{base}{count}'
            count += 1
        public = var(name, variable.sort)
        body = substitute_predicate(signature, body, {variable: public})
        variable = public
    return {
        'tag': tag,
        'sort': result,
        'var': variable.name,
        'varSort': sort_to_json(variable.sort),
        'arg': predicate_to_json(signature, body, at),
    }


def condition_to_json(signature: Signature, predicates: Sequence[Predicate], at: Sort) -> Json:
    """Return a conjunction as KORE JSON at the sort `at`: top if there are none."""
    if not predicates:
        return {'tag': 'Top', 'sort': sort_to_json(at)}
    if len(predicates) == 1:
        return predicate_to_json(signature, predicates[0], at)
    parts = [predicate_to_json(signature, one, at) for one in predicates]
    return {'tag': 'And', 'sort': sort_to_json(at), 'patterns': parts}


def _equals(signature: Signature, left: Term, right: Term, result: Json) -> Json:
    return {
        'tag': 'Equals',
        'argSort': sort_to_json(left.sort),
        'sort': result,
        'first': term_to_json(signature, left),
        'second': term_to_json(signature, right),
    }
