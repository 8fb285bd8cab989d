"""The definition: modules, what each declares, and the theory in force in a module.

`Library` owns the modules: those of the file and those added later; it is the only thing here that changes, under its
own lock. A `Theory` is the closure of one module under imports: a signature and the rules, sorted by what they are for.
It is made on demand and never changes.

Axioms are recognised by their shape (K's `ModuleToKORE` is the reference for what occurs): rewrite rules, function
equations in both shapes, simplifications, definedness rules, subsorts. Axioms that only restate what the server knows
(functionality, no confusion, associativity, ...) are passed over.
"""

from __future__ import annotations

import hashlib
import json as _json
from dataclasses import dataclass, field, replace
from itertools import product
from threading import RLock
from typing import TYPE_CHECKING, Any, Final, final

from .cases import NoJunk, read_no_junk
from .errors import PatternError, UnknownModule
from .internalise import Reader, json_sort
from .parse import AliasDecl, Axiom, ImportDecl, SortDecl, SymbolDecl
from .predicates import (
    Equal,
    Predicate,
    conjuncts,
    disjoin,
    equal,
    free_variables,
    negate,
    predicate_terms,
)
from .rules import (
    DEFAULT_PRIORITY,
    OWISE_PRIORITY,
    RULE_MARK,
    CeilRule,
    Equation,
    Restriction,
    RewriteRule,
)
from .signature import Declaration, Signature, SortInfo
from .terms import App, Attributes, Sort, Term, Var, app, sort_var

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .parse import Json, Module
    from .signature import Collection
    from .terms import Bottom, Symbol

__all__ = ['Library', 'Theory']

_UNIQUE_ID: Final = "UNIQUE'Unds'ID"
# Axioms with one of these attributes hold by construction of the server's terms, or are declarations.
_EQUATIONAL: Final = frozenset({'assoc', 'comm', 'unit', 'idem'})
_STRUCTURAL: Final = frozenset({'functional', 'constructor', 'overload', 'symbol-overload'})
_MAX_ALTERNATIVES: Final = 1_000
_SKIPPED: Final = frozenset({'non-executable', 'macro', 'macro-rec', 'alias', 'alias-rec'})


def _text(attributes: Mapping[str, list[Json]], name: str) -> str:
    """Return the string argument of an attribute, or the empty string."""
    args = attributes.get(name)
    if args and args[0].get('tag') == 'String':
        return str(args[0]['value'])
    return ''


def _symbol_name(attributes: Mapping[str, list[Json]], name: str) -> str:
    args = attributes.get(name)
    if args and args[0].get('tag') == 'App':
        return str(args[0]['name'])
    return ''


@final
@dataclass
class ModuleRecord:
    """What one module declares itself. Rules are read when the first theory needs them, against its signature."""

    name: str
    imports: tuple[str, ...]
    sorts: dict[str, SortInfo] = field(default_factory=dict)
    symbols: dict[str, Declaration] = field(default_factory=dict)
    subsorts: list[tuple[Sort, Sort]] = field(default_factory=list)
    aliases: dict[str, AliasDecl] = field(default_factory=dict)
    overloads: list[tuple[str, str]] = field(default_factory=list)
    rewritten: set[str] = field(default_factory=set)
    unfree: set[str] = field(default_factory=set)
    no_junk: dict[Sort, NoJunk | None] = field(default_factory=dict)
    axioms: tuple[Axiom, ...] = ()
    rules: _Rules | None = None


@final
@dataclass
class _Rules:
    """The rules of one module."""

    rewrites: list[RewriteRule] = field(default_factory=list)
    equations: list[Equation] = field(default_factory=list)
    ceils: list[CeilRule] = field(default_factory=list)
    lemmas: list[Predicate] = field(default_factory=list)


@final
class Theory:
    """Everything in force in one module: the context that evaluation, matching and rewriting work in."""

    __slots__ = (
        'ceils',
        'compiled',
        'equations',
        'name',
        'rewrites',
        'signature',
        'simplifications',
        'smt_lemmas',
    )

    def __init__(
        self,
        name: str,
        signature: Signature,
        rewrites: tuple[RewriteRule, ...],
        equations: Mapping[str, tuple[Equation, ...]],
        simplifications: Mapping[str, tuple[Equation, ...]],
        ceils: Mapping[str, tuple[CeilRule, ...]],
        smt_lemmas: tuple[Predicate, ...],
    ) -> None:
        self.name = name
        self.signature = signature
        self.rewrites = rewrites
        self.equations = equations
        self.simplifications = simplifications
        self.ceils = ceils
        self.smt_lemmas = smt_lemmas
        # Filled by `evaluate.py` and `rewrite.py` with what they compile from the rules.
        self.compiled: dict[str, Any] = {}

    @property
    def equation_key(self) -> tuple[int, ...]:
        """A key that two theories over one signature share if they have the same equations."""
        groups = (*self.equations.values(), *self.simplifications.values())
        return tuple(id(one) for group in groups for one in group)

    # What the hooks and the solver may ask; see hooks/context.py.

    def symbol(self, name: str, sort_args: tuple[Sort, ...] = ()) -> Symbol:
        """See `Signature.symbol`."""
        return self.signature.symbol(name, sort_args)

    def hook_symbol(self, hook: str) -> Symbol | None:
        """See `Signature.hook_symbol`."""
        return self.signature.hook_symbol(hook)

    def subsort(self, lower: Sort, upper: Sort) -> bool:
        """See `Signature.subsort`."""
        return self.signature.subsort(lower, upper)

    def subsorts(self, of: Sort) -> frozenset[Sort]:
        """See `Signature.subsorts`."""
        return self.signature.subsorts(of)

    def supersorts(self, of: Sort) -> frozenset[Sort]:
        """See `Signature.supersorts`."""
        return self.signature.supersorts(of)

    def sorts_disjoint(self, one: Sort, other: Sort) -> bool:
        """See `Signature.sorts_disjoint`."""
        return self.signature.sorts_disjoint(one, other)

    def collection(self, of: Sort) -> Collection | None:
        """See `Signature.collection`."""
        return self.signature.collection(of)


@final
class Library:
    """All modules of a server, by name, and the theories made of them. Safe for use from several threads."""

    def __init__(self, modules: Iterable[Module]) -> None:
        """Raises `PatternError` for an ill-formed declaration, `UnknownModule` for an import that is not there."""
        self._lock = RLock()
        self._records: dict[str, ModuleRecord] = {}
        self._theories: dict[str, Theory] = {}
        self._signatures: dict[tuple[int, ...], Signature] = {}
        for module in modules:
            self.add(module, module.name)

    def __contains__(self, name: str) -> bool:
        return name in self._records

    def add(self, module: Module, name: str) -> None:
        """Add a module under `name`. Its imports must be there already. Raises `PatternError`, `UnknownModule`."""
        with self._lock:
            record = _declare(module, name)
            for imported in record.imports:
                if imported not in self._records:
                    raise UnknownModule(imported)
            self._records[name] = record

    def remove(self, name: str) -> None:
        """Take back a module that turned out to be ill-formed."""
        with self._lock:
            self._records.pop(name, None)
            self._theories.pop(name, None)

    def alias(self, name: str, other: str) -> None:
        """Let `name` mean the module `other` too."""
        with self._lock:
            self._records[name] = self._records[other]
            if other in self._theories:
                self._theories[name] = self._theories[other]

    def theory(self, name: str) -> Theory:
        """Return the theory of a module. Raises `UnknownModule`, and `PatternError` for an ill-formed axiom."""
        found = self._theories.get(name)
        if found is not None:
            return found
        with self._lock:
            found = self._theories.get(name)
            if found is None:
                if name not in self._records:
                    raise UnknownModule(name)
                found = self._theories[name] = self._make(name)
        return found

    def _closure(self, name: str) -> list[ModuleRecord]:
        """Return the module and all that it imports, imported ones first, each once."""
        ordered: list[ModuleRecord] = []
        seen: set[int] = set()
        stack: list[tuple[ModuleRecord, bool]] = [(self._records[name], False)]
        while stack:
            record, finished = stack.pop()
            if finished:
                ordered.append(record)
                continue
            if id(record) in seen:
                continue
            seen.add(id(record))
            stack.append((record, True))
            stack.extend((self._records[one], False) for one in reversed(record.imports))
        return ordered

    def _make(self, name: str) -> Theory:
        records = self._closure(name)
        sorts: dict[str, SortInfo] = {}
        symbols: dict[str, Declaration] = {}
        aliases: dict[str, AliasDecl] = {}
        below: dict[Sort, set[Sort]] = {}
        no_junk: dict[Sort, NoJunk | None] = {}
        for record in records:
            no_junk.update(record.no_junk)
            sorts.update(record.sorts)
            symbols.update(record.symbols)
            aliases.update(record.aliases)
            for lower, upper in record.subsorts:
                below.setdefault(upper, set()).add(lower)
        # Modules that declare nothing share the signature, and with it all code compiled for their rules.
        key = tuple(id(one) for one in records if one.sorts or one.symbols or one.subsorts or one.no_junk)
        signature = self._signatures.get(key)
        if signature is None:
            below_of = {upper: frozenset(lower) for upper, lower in below.items()}
            for name in {one for record in records for one in record.unfree}:
                if name in symbols and not symbols[name].attributes.function:
                    symbols[name].forget_freeness()
            rewritten = frozenset(one for record in records for one in record.rewritten)
            signature = Signature(sorts, symbols, below_of, _overload_closure(records), rewritten, no_junk)
            self._signatures[key] = signature
        for record in records:
            if record.rules is None:
                record.rules = _read_rules(record, signature, aliases)
        rewrites: list[RewriteRule] = []
        equations: dict[str, list[Equation]] = {}
        simplifications: dict[str, list[Equation]] = {}
        ceils: dict[str, list[CeilRule]] = {}
        lemmas: list[Predicate] = []
        for record in records:
            assert record.rules is not None
            rewrites.extend(record.rules.rewrites)
            for equation in record.rules.equations:
                target = simplifications if equation.is_simplification else equations
                target.setdefault(equation.symbol.name, []).append(equation)
            for rule in record.rules.ceils:
                ceils.setdefault(rule.symbol.name, []).append(rule)
            lemmas.extend(record.rules.lemmas)
        rewrites.sort(key=lambda one: one.priority)
        for group in (*equations.values(), *simplifications.values()):
            group.sort(key=lambda one: one.priority)
        return Theory(
            name,
            signature,
            tuple(rewrites),
            {symbol: tuple(group) for symbol, group in equations.items()},
            {symbol: tuple(group) for symbol, group in simplifications.items()},
            {symbol: tuple(group) for symbol, group in ceils.items()},
            tuple(lemmas),
        )


def _overload_closure(records: Iterable[ModuleRecord]) -> dict[str, frozenset[str]]:
    """Return for each overloaded symbol all the symbols below it."""
    direct: dict[str, set[str]] = {}
    for record in records:
        for greater, smaller in record.overloads:
            direct.setdefault(greater, set()).add(smaller)
    closure = {}
    for name in direct:
        found: set[str] = set()
        stack = [name]
        while stack:
            for one in direct.get(stack.pop(), ()):
                if one not in found and one != name:
                    found.add(one)
                    stack.append(one)
        closure[name] = frozenset(found)
    return closure


# Declarations -----------------------------------------------------------------------------------------------------


def _declare(module: Module, name: str) -> ModuleRecord:
    record = ModuleRecord(name, tuple(one.name for one in module.sentences if isinstance(one, ImportDecl)))
    axioms: list[Axiom] = []
    for sentence in module.sentences:
        if isinstance(sentence, SortDecl):
            attributes = sentence.attributes
            record.sorts[sentence.name] = SortInfo(
                sentence.name,
                len(sentence.parameters),
                _text(attributes, 'hook'),
                'hasDomainValues' in attributes or sentence.hooked,
                _symbol_name(attributes, 'unit'),
                _symbol_name(attributes, 'element'),
                _symbol_name(attributes, 'concat'),
            )
        elif isinstance(sentence, SymbolDecl):
            record.symbols[sentence.name] = _declare_symbol(sentence)
        elif isinstance(sentence, AliasDecl):
            record.aliases[sentence.name] = sentence
        elif isinstance(sentence, Axiom) and not sentence.is_claim:
            subsort = sentence.attributes.get('subsort')
            if subsort is not None:
                lower, upper = (json_sort({**one, 'tag': _sort_tag(one)}) for one in subsort)
                record.subsorts.append((lower, upper))
            elif _is_overload(sentence.attributes):
                greater, smaller = (str(one['name']) for one in _overloaded(sentence.attributes))
                record.overloads.append((greater, smaller))
            elif _EQUATIONAL & sentence.attributes.keys() and 'simplification' not in sentence.attributes:
                record.unfree.update(_equated(sentence.pattern))
            elif not _STRUCTURAL & sentence.attributes.keys() or 'simplification' in sentence.attributes:
                axioms.append(sentence)
                if 'anywhere' in sentence.attributes:
                    record.rewritten.update(_equated(sentence.pattern))
            elif 'constructor' in sentence.attributes:
                listed = read_no_junk(sentence.pattern)
                if listed is not None:
                    record.no_junk[listed[0]] = listed[1]
    record.axioms = tuple(axioms)
    return record


def _equated(pattern: Json) -> list[str]:
    """Return the symbol whose applications an equation is about."""
    if pattern.get('tag') == 'Implies':
        pattern = pattern['second']
    left = pattern.get('first', {}) if pattern.get('tag') == 'Equals' else {}
    return [str(left['name'])] if left.get('tag') == 'App' else []


def _overloaded(attributes: Mapping[str, list[Json]]) -> list[Json]:
    return attributes.get('symbol-overload') or attributes.get('overload') or []


def _is_overload(attributes: Mapping[str, list[Json]]) -> bool:
    """Whether an axiom says that two constructors overload one another."""
    args = _overloaded(attributes)
    return len(args) == 2 and all(one.get('tag') == 'App' for one in args)


def _sort_tag(json: Json) -> str:
    return 'SortApp' if 'args' in json else 'SortVar'


def _declare_symbol(sentence: SymbolDecl) -> Declaration:
    given = sentence.attributes
    parameters = tuple(sort_var(one) for one in sentence.parameters)
    attributes = Attributes(
        hook=_text(given, 'hook') if sentence.hooked else '',
        smtlib=_text(given, 'smtlib'),
        smt_hook=_text(given, 'smt-hook'),
        element=_symbol_name(given, 'element'),
        concat=_symbol_name(given, 'concat'),
        unit=_symbol_name(given, 'unit'),
        function='function' in given,
        total='total' in given or 'functional' in given,
        constructor='constructor' in given,
        injective='injective' in given,
        assoc='assoc' in given,
        comm='comm' in given,
        idem='idem' in given,
        anywhere='anywhere' in given,
        no_evaluators='no-evaluators' in given,
        macro='macro' in given,
        impure='impure' in given,
        overloaded='overload' in given,
    )
    arg_sorts = tuple(json_sort(one) for one in sentence.arg_sorts)
    return Declaration(sentence.name, parameters, arg_sorts, json_sort(sentence.result), attributes)


# Axioms -----------------------------------------------------------------------------------------------------------


def _rename(name: str) -> str:
    return RULE_MARK + name


def _read_rules(record: ModuleRecord, signature: Signature, aliases: Mapping[str, AliasDecl]) -> _Rules:
    rules = _Rules()
    for order, axiom in enumerate(record.axioms):
        if _SKIPPED & axiom.attributes.keys():
            continue
        try:
            for alternative in _alternatives(axiom, aliases):
                _read_axiom(rules, alternative, order, signature, aliases)
        except PatternError as error:
            label = _label(axiom) or f'line {axiom.line}' if axiom.line else _label(axiom) or f'number {order}'
            raise PatternError(f'{error.data["error"]}', [f'axiom {label}', *error.data['context']]) from error
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
    return _text(axiom.attributes, 'label')


def _identifiers(axiom: Axiom) -> tuple[str, str, frozenset[str]]:
    """Return the unique id, the label, and all names of a rule."""
    label = _label(axiom)
    unique_id = _text(axiom.attributes, _UNIQUE_ID)
    if not unique_id:
        digest = hashlib.sha256(_json.dumps(axiom.pattern, sort_keys=True).encode()) if not label else None
        unique_id = label if digest is None else digest.hexdigest()
    return unique_id, label, frozenset(one for one in (unique_id, label) if one)


def _priority(attributes: Mapping[str, list[Json]]) -> int:
    if 'owise' in attributes:
        return OWISE_PRIORITY
    for name in ('priority', 'simplification'):
        text = _text(attributes, name)
        if text.lstrip('-').isdigit():
            return int(text)
    return DEFAULT_PRIORITY


def _read_axiom(
    rules: _Rules, axiom: Axiom, order: int, signature: Signature, aliases: Mapping[str, AliasDecl]
) -> None:
    pattern = axiom.pattern
    tag = pattern.get('tag')
    sorts: dict[Sort, Sort] = {}
    if tag == 'Rewrites':
        rules.rewrites.append(_rewrite_rule(axiom, pattern['source'], pattern['dest'], order, signature, aliases))
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


def _defined(term: Term | Bottom, axiom: Axiom) -> Term:
    if not isinstance(term, Term):
        raise PatternError('A side of the rule has no value', [_label(axiom)])
    return term


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
) -> RewriteRule:
    reader = Reader(signature, rename=_rename)
    lhs_parts: list[Json] = []
    condition_parts: list[Json] = []
    for part in _flatten(_expand(source, aliases)):
        if _is_antileft(part, aliases):
            continue
        (lhs_parts if reader.is_term(part) else condition_parts).append(part)
    if not lhs_parts:
        raise PatternError('Expected a configuration on the left of the rule, found none', [])
    lhs = _defined(reader.term({'tag': 'And', 'patterns': lhs_parts} if len(lhs_parts) > 1 else lhs_parts[0]), axiom)
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
    if not rhs_parts:
        # A rule to bottom: every state that it applies to has no successor by it.
        rhs: Term = lhs
        ensures = _conditions(reader, ensures_parts)
    else:
        rhs = _defined(
            reader.term({'tag': 'And', 'patterns': rhs_parts} if len(rhs_parts) > 1 else rhs_parts[0]), axiom
        )
        ensures = (*reader.lifted, *_conditions(reader, ensures_parts))
    unique_id, label, names = _identifiers(axiom)
    # Every variable that the left side does not bind is chosen by the rule.
    bound = lhs.free | {variable for variable, _ in bindings}
    loose = set(rhs.free)
    for one in ensures:
        loose |= free_variables(one)
    needed: set[Var] = set()
    for one in requires:
        needed |= free_variables(one)
    for variable in sorted(loose - bound, key=lambda one: (one.name, one.sort.name)):
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


def _restriction(attributes: Mapping[str, list[Json]], reader: Reader) -> Restriction:
    def variables(name: str) -> frozenset[Var]:
        return frozenset(
            reader.variable(one['name'], one['sort']) for one in attributes.get(name, ()) if one['tag'] == 'EVar'
        )

    concrete, symbolic = variables('concrete'), variables('symbolic')
    return Restriction(
        concrete, symbolic, 'concrete' in attributes and not concrete, 'symbolic' in attributes and not symbolic
    )


def _read_equation(
    rules: _Rules,
    axiom: Axiom,
    premise: Json | None,
    equals: Json,
    order: int,
    signature: Signature,
    sorts: Mapping[Sort, Sort],
) -> None:
    attributes = axiom.attributes
    left, right = equals['first'], equals['second']
    if left.get('tag') == 'Ceil' and left['arg'].get('tag') == 'App':
        _read_ceil(rules, axiom, premise, left['arg'], right, signature)
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
    lhs = _lhs_application(reader, left, signature)
    if lhs is None:
        return
    lifted = reader.lifted
    bindings, requires = _take_bindings(lhs, lifted, _conditions(reader, condition_parts))
    reader.lifted = []
    rhs_parts: list[Json] = []
    ensures_parts: list[Json] = []
    for part in _flatten(right):
        (rhs_parts if reader.is_term(part) else ensures_parts).append(part)
    if not rhs_parts:
        return
    rhs = reader.term({'tag': 'And', 'patterns': rhs_parts} if len(rhs_parts) > 1 else rhs_parts[0])
    if not isinstance(rhs, Term):
        return
    ensures = (*reader.lifted, *_conditions(reader, ensures_parts))
    unique_id, label, _ = _identifiers(axiom)
    is_simplification = 'simplification' in attributes
    symbol = lhs.symbol
    if 'smt-lemma' in attributes:
        _add_lemma(rules, lhs, rhs, requires, bindings)
    if not is_simplification and not (symbol.attributes.function or symbol.attributes.anywhere):
        return
    bound = lhs.free | {variable for variable, _ in bindings}
    loose = set(rhs.free)
    for one in (*requires, *ensures):
        loose |= free_variables(one)
    if loose - bound:
        # An equation that invents values cannot be used from left to right.
        return
    rules.equations.append(
        Equation(
            symbol,
            lhs,
            requires,
            bindings,
            rhs,
            ensures,
            _priority(attributes),
            unique_id,
            label,
            _restriction(attributes, reader),
            is_simplification,
            order,
        )
    )


def _lhs_application(reader: Reader, json: Json, signature: Signature) -> App | None:
    """Return the left side of an equation as the application it is, without canonical collections at its top."""
    symbol = signature.symbol(json['name'], tuple(reader.sort(one) for one in json['sorts']))
    args: list[Term] = []
    if len(json['args']) != len(symbol.arg_sorts):
        raise PatternError(f'Expected {len(symbol.arg_sorts)} arguments of {symbol.name}, found {len(json["args"])}')
    for one, expected in zip(json['args'], symbol.arg_sorts, strict=True):
        if not reader.is_term(one):
            return None
        arg = reader.term(one)
        if not isinstance(arg, Term):
            return None
        if arg.sort is not expected:
            raise PatternError(f'Sort mismatch: expected {expected!r}, found {arg.sort!r}', [symbol.name])
        args.append(arg)
    return app(symbol, tuple(args))


def _add_lemma(
    rules: _Rules,
    lhs: Term,
    rhs: Term,
    requires: tuple[Predicate, ...],
    bindings: tuple[tuple[Var, Term], ...],
) -> None:
    """Add `requires -> lhs = rhs` for the solver, with its free variables read as universally quantified."""
    if bindings:
        return
    rules.lemmas.append(disjoin((*(negate(one) for one in requires), equal(lhs, rhs))))


def _read_ceil(
    rules: _Rules, axiom: Axiom, premise: Json | None, left: Json, right: Json, signature: Signature
) -> None:
    if premise is not None and _flatten(premise):
        return
    reader = Reader(signature, rename=_rename)
    lhs = _lhs_application(reader, left, signature)
    if lhs is None or reader.lifted or any(not isinstance(arg, Var) for arg in lhs.args):
        return
    if len(set(lhs.args)) != len(lhs.args) or reader.is_term(right):
        return
    condition = reader.predicate(right)
    if any(not term.free <= lhs.free for term in predicate_terms(condition)):
        return
    rules.ceils.append(CeilRule(lhs.symbol, lhs, condition, _identifiers(axiom)[0]))
