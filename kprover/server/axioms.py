"""Axioms as rules: recognised by their shape, for which K's `ModuleToKORE` is the reference.

Rewrite rules, function equations in both shapes, simplifications, lemmas and definedness rules are read, against the
signature of the first theory that needs them; an axiom of any other shape is passed over.
"""

from __future__ import annotations

import hashlib
import json as _json
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any, Final, final

from .declarations import text_of
from .errors import PatternError
from .internalise import Reader
from .predicates import (
    P_BOTTOM,
    Equal,
    Falsity,
    Predicate,
    conjuncts,
    disjoin,
    equal,
    free_variables,
    negate,
)
from .rules import (
    DEFAULT_PRIORITY,
    OWISE_PRIORITY,
    RULE_MARK,
    CeilRule,
    Equation,
    Lemma,
    PredicateRule,
    Restriction,
    RewriteRule,
)
from .sentences import AliasDecl, Axiom
from .signature import Signature
from .symbols import Sort
from .terms import BOTTOM, App, Bottom, Term, Var, app, var

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .declarations import ModuleRecord
    from .sentences import Json

__all__ = ['Rules', 'read_rules']

_UNIQUE_ID: Final = "UNIQUE'Unds'ID"
_PLACE: Final = ('Source', 'Location')
_MAX_ALTERNATIVES: Final = 1_000
_SKIPPED: Final = frozenset({'non-executable', 'macro', 'macro-rec', 'alias', 'alias-rec'})


@final
@dataclass
class Rules:
    """The rules of one module."""

    rewrites: list[RewriteRule] = field(default_factory=list)
    equations: list[Equation] = field(default_factory=list)
    ceils: list[CeilRule] = field(default_factory=list)
    predicates: list[PredicateRule] = field(default_factory=list)
    lemmas: list[Lemma] = field(default_factory=list)


def _rename(name: str) -> str:
    return RULE_MARK + name


def read_rules(record: ModuleRecord, signature: Signature, aliases: Mapping[str, AliasDecl]) -> Rules:
    rules = Rules()
    for order, axiom in enumerate(record.axioms):
        if _SKIPPED & axiom.attributes.keys():
            continue
        try:
            for alternative in _alternatives(axiom, aliases):
                _read_axiom(rules, alternative, order, signature, aliases)
        except PatternError as error:
            label = _label(axiom) or f'line {axiom.place[0]}'
            wrapped = PatternError(f'{error.data["error"]}', [f'axiom {label}', *error.data['context']])
            wrapped.place = axiom.place
            raise wrapped from error
    return rules


def _alternatives(axiom: Axiom, aliases: Mapping[str, AliasDecl]) -> list[Axiom]:
    """Return the axiom, with its aliases expanded, once for every choice among the `#Or` of terms on its left side."""
    pattern = axiom.pattern
    tag = pattern.get('tag')
    if tag == 'Rewrites':
        pattern = {**pattern, 'source': _expand(pattern['source'], aliases)}
        axiom = replace(axiom, pattern=pattern)
    side = {'Rewrites': 'source', 'Implies': 'first'}.get(tag or '')
    if side is None:
        return [axiom]
    choices = _choices(pattern[side])
    if len(choices) == 1:
        return [axiom]
    if len(choices) > _MAX_ALTERNATIVES:
        raise PatternError(f'Expected at most {_MAX_ALTERNATIVES} alternatives, found {len(choices)}', [])
    return [replace(axiom, pattern={**pattern, side: one}) for one in choices]


def _choices(json: Json) -> list[Json]:
    """Return the patterns that result from resolving each disjunction of terms in `json`."""
    tag = json.get('tag')
    if tag == 'Not':
        return [json]
    if tag == 'Or' and any(_is_plain_term(one) for one in _operands(json)):
        return [choice for one in _operands(json) for choice in _choices(one)]
    results = [json]
    for key in ('args', 'patterns'):
        members = json.get(key)
        if isinstance(members, list) and members:
            options = [_choices(one) for one in members]
            if any(len(one) > 1 for one in options):
                results = [{**result, key: list(one)} for result in results for one in product(*options)]
    for key in ('first', 'second', 'arg'):
        member = json.get(key)
        if isinstance(member, dict):
            options_here = _choices(member)
            if len(options_here) > 1:
                results = [{**result, key: one} for result in results for one in options_here]
    return results


def _operands(json: Json) -> list[Json]:
    found: list[Json] = json['patterns'] if 'patterns' in json else [json['first'], json['second']]
    return found


def _is_plain_term(json: Json) -> bool:
    tag = json.get('tag')
    if tag in ('Or', 'And'):
        return any(_is_plain_term(one) for one in _operands(json))
    return tag in ('App', 'DV', 'EVar')


def _label(axiom: Axiom) -> str:
    return text_of(axiom.attributes, 'label')


def _location(axiom: Axiom) -> str:
    """Return where K says that the axiom stands, else its line in the definition."""
    source, place = (text_of(axiom.attributes, f"org'Stop'kframework'Stop'attributes'Stop'{one}") for one in _PLACE)
    file = source.removeprefix('Source(').removesuffix(')')
    line = place.removeprefix('Location(').partition(',')[0]
    return f'{file}:{line}' if file and line else f'the axiom in line {axiom.place[0]}'


def _identifiers(axiom: Axiom) -> tuple[str, str, frozenset[str]]:
    """Return the unique id, the label, and all names of a rule."""
    label = _label(axiom)
    unique_id = text_of(axiom.attributes, _UNIQUE_ID)
    if not unique_id:
        digest = hashlib.sha256(_json.dumps(axiom.pattern, sort_keys=True).encode()) if not label else None
        unique_id = label if digest is None else digest.hexdigest()
    return unique_id, label, frozenset(one for one in (unique_id, label) if one)


def _priority(attributes: Mapping[str, list[Json]]) -> int:
    if 'owise' in attributes:
        return OWISE_PRIORITY
    for name in ('priority', 'simplification'):
        text = text_of(attributes, name)
        if text.lstrip('-').isdigit():
            return int(text)
    return DEFAULT_PRIORITY


def _read_axiom(rules: Rules, axiom: Axiom, order: int, signature: Signature, aliases: Mapping[str, AliasDecl]) -> None:
    pattern = axiom.pattern
    tag = pattern.get('tag')
    sorts: dict[Sort, Sort] = {}
    if tag == 'Rewrites':
        rule = _rewrite_rule(axiom, pattern['source'], pattern['dest'], order, signature, aliases)
        if rule is not None:
            rules.rewrites.append(rule)
    elif tag == 'Implies':
        second = pattern['second']
        if second.get('tag') == 'Equals':
            _read_equation(rules, axiom, pattern['first'], second, order, signature, sorts)
        elif second.get('tag') == 'App' and second.get('name') in ('weakExistsFinally', 'weakAlwaysFinally'):
            return
    elif tag == 'Equals':
        _read_equation(rules, axiom, None, pattern, order, signature, sorts)


def _flatten(json: Json) -> list[Json]:
    """Return the conjuncts of a conjunction."""
    result: list[Json] = []
    stack = [json]
    while stack:
        one = stack.pop()
        if one.get('tag') == 'And':
            stack.extend(reversed(one['patterns'] if 'patterns' in one else [one['first'], one['second']]))
        elif one.get('tag') != 'Top':
            result.append(one)
    return result


def _substitute_json(json: Any, values: Mapping[str, Json], sorts: Mapping[str, Json]) -> Any:
    """Return a pattern with variables and sort variables replaced."""
    if isinstance(json, list):
        return [_substitute_json(one, values, sorts) for one in json]
    if not isinstance(json, dict):
        return json
    tag = json.get('tag')
    if tag in ('EVar', 'SVar') and json['name'] in values:
        return values[json['name']]
    if tag == 'SortVar' and json['name'] in sorts:
        return sorts[json['name']]
    return {key: _substitute_json(value, values, sorts) for key, value in json.items()}


def _expand(json: Json, aliases: Mapping[str, AliasDecl]) -> Json:
    """Return the conjunction `json` with the aliases at its top level expanded."""
    if json.get('tag') == 'App' and json.get('name') in aliases:
        alias = aliases[json['name']]
        names = [one['name'] for one in alias.left['args']]
        values = dict(zip(names, json['args'], strict=False))
        sorts = dict(zip(alias.parameters, json['sorts'], strict=False))
        expanded: Json = _substitute_json(alias.right, values, sorts)
        return _expand(expanded, aliases)
    if json.get('tag') == 'And':
        members = json['patterns'] if 'patterns' in json else [json['first'], json['second']]
        return {'tag': 'And', 'sort': json.get('sort'), 'patterns': [_expand(one, aliases) for one in members]}
    return json


def _is_antileft(json: Json, aliases: Mapping[str, AliasDecl]) -> bool:
    """Whether a conjunct says that no rule of higher priority applies; priorities are read from the attributes."""
    if json.get('tag') != 'Not':
        return False
    stack = [json['arg']]
    while stack:
        one = stack.pop()
        tag = one.get('tag')
        if tag == 'App':
            return True
        if tag in ('Or', 'And'):
            stack.extend(one['patterns'] if 'patterns' in one else [one['first'], one['second']])
        elif tag == 'Exists':
            stack.append(one['arg'])
    return False


def _conditions(reader: Reader, parts: Iterable[Json]) -> tuple[Predicate, ...]:
    found: list[Predicate] = []
    for part in parts:
        found.extend(conjuncts(reader.predicate(part)))
    return tuple(found)


def _says_bottom(json: Any) -> bool:
    """Whether `\\bottom` is written somewhere in a pattern."""
    stack = [json]
    while stack:
        one = stack.pop()
        if isinstance(one, list):
            stack.extend(one)
        elif isinstance(one, dict):
            if one.get('tag') == 'Bottom':
                return True
            stack.extend(one.values())
    return False


def _take_bindings(
    pattern: Term, lifted: list[Predicate], requires: tuple[Predicate, ...]
) -> tuple[tuple[tuple[Var, Term], ...], tuple[Predicate, ...]]:
    """Split what stood beside the pattern into aliases of its parts and conditions.

    An equation of a variable that the pattern does not bind with a term over bound variables is an alias.
    """
    bound = set(pattern.free)
    bindings: list[tuple[Var, Term]] = []
    rest = list(lifted)
    changed = True
    while changed:
        changed = False
        for one in rest:
            if isinstance(one, Equal):
                for side, other in ((one.left, one.right), (one.right, one.left)):
                    if isinstance(side, Var) and side not in bound and other.free <= bound:
                        bindings.append((side, other))
                        bound.add(side)
                        rest.remove(one)
                        changed = True
                        break
            if changed:
                break
    return tuple(bindings), (*rest, *requires)


def _rewrite_rule(
    axiom: Axiom, source: Json, dest: Json, order: int, signature: Signature, aliases: Mapping[str, AliasDecl]
) -> RewriteRule | None:
    """Return the rule; None if no configuration is an instance of its left side."""
    reader = Reader(signature, rename=_rename)
    lhs_parts: list[Json] = []
    condition_parts: list[Json] = []
    for part in _flatten(_expand(source, aliases)):
        if _is_antileft(part, aliases):
            continue
        (lhs_parts if reader.is_term(part) else condition_parts).append(part)
    if not lhs_parts:
        raise PatternError('Expected a configuration on the left of the rule, found none', [])
    lhs = reader.term({'tag': 'And', 'patterns': lhs_parts} if len(lhs_parts) > 1 else lhs_parts[0])
    if isinstance(lhs, Bottom):
        return None
    lifted = reader.lifted
    bindings, requires = _take_bindings(lhs, lifted, _conditions(reader, condition_parts))

    existentials: list[Var] = []
    while dest.get('tag') == 'Exists':
        existentials.append(reader.variable(dest['var'], dest['varSort']))
        dest = dest['arg']
    reader.lifted = []
    rhs_parts: list[Json] = []
    ensures_parts: list[Json] = []
    for part in _flatten(dest):
        (rhs_parts if reader.is_term(part) else ensures_parts).append(part)
    rhs: Term | Bottom = lhs
    if rhs_parts:
        rhs = reader.term({'tag': 'And', 'patterns': rhs_parts} if len(rhs_parts) > 1 else rhs_parts[0])
    ensures = (*reader.lifted, *_conditions(reader, ensures_parts))
    if isinstance(rhs, Bottom) and _says_bottom(rhs_parts):
        # A rule to bottom assumes that no execution comes to where it applies. One whose right side merely has no
        # value, such as a map with one key twice, leads nowhere.
        rhs, ensures = lhs, (P_BOTTOM,)
    unique_id, label, names = _identifiers(axiom)
    # Every variable that the left side does not bind is chosen by the rule.
    bound = lhs.free | {variable for variable, _ in bindings}
    loose = set(rhs.free) if isinstance(rhs, Term) else set()
    for one in ensures:
        loose |= free_variables(one)
    needed: set[Var] = set()
    for one in requires:
        needed |= free_variables(one)
    for variable in sorted((loose | needed) - bound, key=lambda one: (one.name, one.sort.name)):
        if variable not in existentials:
            existentials.append(variable)
    return RewriteRule(
        lhs,
        requires,
        bindings,
        rhs,
        ensures,
        tuple(existentials),
        _priority(axiom.attributes),
        unique_id,
        label,
        names,
        order,
        not needed <= bound,
    )


def _restriction(attributes: Mapping[str, list[Json]], reader: Reader, lhs: App) -> Restriction:
    def variables(name: str) -> frozenset[Var]:
        listed = attributes.get(name)
        if listed is None:
            return frozenset()
        found = frozenset(reader.variable(one['name'], one['sort']) for one in listed if one['tag'] == 'EVar')
        return found or lhs.free

    return Restriction(variables('concrete'), variables('symbolic'))


def _read_equation(
    rules: Rules,
    axiom: Axiom,
    premise: Json | None,
    equals: Json,
    order: int,
    signature: Signature,
    sorts: Mapping[Sort, Sort],
) -> None:
    attributes = axiom.attributes
    left, right = equals['first'], equals['second']
    if left.get('tag') in ('Ceil', 'Equals'):
        _read_predicate_rule(rules, axiom, premise, left, right, signature)
        return
    if left.get('tag') != 'App' or left.get('name') == 'inj':
        return
    reader = Reader(signature, rename=_rename, sorts=sorts)
    condition_parts: list[Json] = []
    arguments: dict[str, Json] = {}
    for part in _flatten(premise) if premise is not None else ():
        if part.get('tag') == 'In' and part['first'].get('tag') == 'EVar':
            arguments[part['first']['name']] = part['second']
        elif not ('owise' in attributes and part.get('tag') == 'Not'):
            condition_parts.append(part)
    if arguments:
        left = {
            **left,
            'args': [arguments.get(one['name'], one) if one.get('tag') == 'EVar' else one for one in left['args']],
        }
    is_simplification = 'simplification' in attributes
    lhs = _lhs_application(reader, left, signature)
    if isinstance(lhs, Bottom):
        # It matches nothing.
        return
    if lhs is None:
        if not is_simplification:
            rules.equations.append(_opaque(axiom, left, reader, signature, order))
        return
    lifted = reader.lifted
    bindings, requires = _take_bindings(lhs, lifted, _conditions(reader, condition_parts))
    reader.lifted = []
    rhs_parts: list[Json] = []
    ensures_parts: list[Json] = []
    for part in _flatten(right):
        (rhs_parts if reader.is_term(part) else ensures_parts).append(part)
    rhs: Term | Bottom = lhs
    if rhs_parts:
        rhs = reader.term({'tag': 'And', 'patterns': rhs_parts} if len(rhs_parts) > 1 else rhs_parts[0])
    ensures = (*reader.lifted, *_conditions(reader, ensures_parts))
    if any(isinstance(one, Falsity) for one in ensures):
        rhs = BOTTOM
    # A right side that is all values of a sort is none.
    is_opaque = not rhs_parts and isinstance(rhs, Term)
    unique_id, label, _ = _identifiers(axiom)
    symbol = lhs.symbol
    if 'smt-lemma' in attributes and isinstance(rhs, Term) and not is_opaque:
        _add_lemma(rules, axiom, lhs, rhs, requires, bindings)
    if not is_simplification and not (symbol.attributes.function or symbol.attributes.anywhere):
        return
    bound = lhs.free | {variable for variable, _ in bindings}
    loose = set(rhs.free) if isinstance(rhs, Term) else set()
    for one in (*requires, *ensures):
        loose |= free_variables(one)
    # An equation that invents values cannot be used from left to right.
    is_opaque = is_opaque or bool(loose - bound)
    if is_opaque and is_simplification:
        return
    rules.equations.append(
        Equation(
            symbol,
            lhs,
            () if is_opaque else requires,
            () if is_opaque else bindings,
            rhs,
            () if is_opaque else ensures,
            _priority(attributes),
            unique_id,
            label,
            _restriction(attributes, reader, lhs),
            is_simplification,
            order,
            is_opaque,
        )
    )


def _opaque(axiom: Axiom, left: Json, reader: Reader, signature: Signature, order: int) -> Equation:
    """Return an equation whose left side is not understood: any application of its symbol may be an instance."""
    symbol = signature.symbol(left['name'], tuple(reader.sort(one) for one in left['sorts']))
    lhs = app(symbol, tuple(var(f'{RULE_MARK}{n}', of) for n, of in enumerate(symbol.arg_sorts)))
    assert isinstance(lhs, App)
    unique_id, label, _ = _identifiers(axiom)
    priority = _priority(axiom.attributes)
    return Equation(symbol, lhs, (), (), lhs, (), priority, unique_id, label, Restriction(), False, order, True)


def _lhs_application(reader: Reader, json: Json, signature: Signature) -> App | Bottom | None:
    """Return the left side of an equation as the application it is, without canonical collections at its top.

    `BOTTOM` if no term is an instance of it; None if an argument is no term.
    """
    symbol = signature.symbol(json['name'], tuple(reader.sort(one) for one in json['sorts']))
    args: list[Term] = []
    if len(json['args']) != len(symbol.arg_sorts):
        raise PatternError(f'Expected {len(symbol.arg_sorts)} arguments of {symbol.name}, found {len(json["args"])}')
    for one, expected in zip(json['args'], symbol.arg_sorts, strict=True):
        if not reader.is_term(one):
            return None
        arg = reader.term(one)
        if not isinstance(arg, Term):
            return BOTTOM
        if arg.sort is not expected:
            raise PatternError(f'Sort mismatch: expected {expected!r}, found {arg.sort!r}', [symbol.name])
        args.append(arg)
    made = app(symbol, tuple(args))
    return made if isinstance(made, App) and made.symbol is symbol else None


def _add_lemma(
    rules: Rules,
    axiom: Axiom,
    lhs: Term,
    rhs: Term,
    requires: tuple[Predicate, ...],
    bindings: tuple[tuple[Var, Term], ...],
) -> None:
    """Add `requires -> lhs = rhs` for the solver, with its free variables read as universally quantified."""
    if bindings:
        return
    predicate = disjoin((*(negate(one) for one in requires), equal(lhs, rhs)))
    rules.lemmas.append(Lemma(predicate, _label(axiom) or _location(axiom)))


def _read_predicate_rule(
    rules: Rules, axiom: Axiom, premise: Json | None, left: Json, right: Json, signature: Signature
) -> None:
    """Read what a definition says of when a term has a value, or two are equal."""
    reader = Reader(signature, rename=_rename)
    sides = [left['arg']] if left['tag'] == 'Ceil' else [left['first'], left['second']]
    if not all(reader.is_term(one) for one in sides) or reader.is_term(right):
        return
    patterns = [reader.term(one) for one in sides]
    condition = reader.predicate(right)
    requires = _conditions(reader, _flatten(premise)) if premise is not None else ()
    terms = tuple(one for one in patterns if isinstance(one, Term))
    if reader.lifted or len(terms) < len(patterns):
        return
    bound = frozenset().union(*(one.free for one in terms))
    if any(not free_variables(one) <= bound for one in (condition, *requires)):
        return
    unique_id = _identifiers(axiom)[0]
    if len(terms) == 2:
        if not all(isinstance(one, Var) for one in terms):
            rules.predicates.append(PredicateRule(terms, requires, condition, unique_id))
        return
    (lhs,) = terms
    if not isinstance(lhs, App):
        return
    if requires or len(set(lhs.args)) != len(lhs.args) or any(not isinstance(arg, Var) for arg in lhs.args):
        rules.predicates.append(PredicateRule(terms, requires, condition, unique_id))
    else:
        rules.ceils.append(CeilRule(lhs.symbol, lhs, condition, unique_id))
