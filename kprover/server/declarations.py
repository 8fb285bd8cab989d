"""What a module declares itself: its sorts, symbols, subsorts, overloads, lists of constructors, and axioms unread.

Axioms that only restate what the server knows (functionality, no confusion, associativity, ...) are passed over here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, final

from .cases import NoJunk, read_no_junk
from .errors import InvalidParams, PatternError, ServerError
from .internalise import json_sort
from .sentences import AliasDecl, Axiom, ImportDecl, SortDecl, SymbolDecl
from .signature import Declaration, SortInfo
from .symbols import Attributes, Sort, sort_var

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .axioms import Rules
    from .sentences import Json, Module, Sentence

__all__ = ['ModuleRecord', 'declare', 'symbol_named', 'text_of']

# Axioms with one of these attributes hold by construction of the server's terms, or are declarations.
_EQUATIONAL: Final = frozenset({'assoc', 'comm', 'unit', 'idem'})
_STRUCTURAL: Final = frozenset({'functional', 'constructor', 'overload', 'symbol-overload'})


def text_of(attributes: Mapping[str, list[Json]], name: str) -> str:
    """Return the string argument of an attribute, or the empty string."""
    args = attributes.get(name)
    if args and args[0].get('tag') == 'String':
        return str(args[0]['value'])
    return ''


def symbol_named(attributes: Mapping[str, list[Json]], name: str) -> str:
    args = attributes.get(name)
    if args and args[0].get('tag') == 'App':
        return str(args[0]['name'])
    return ''


@final
@dataclass
class ModuleRecord:
    """What one module declares itself. Rules are read when the first theory needs them, against its signature."""

    name: str
    imports: tuple[ImportDecl, ...]
    sorts: dict[str, SortInfo] = field(default_factory=dict)
    symbols: dict[str, Declaration] = field(default_factory=dict)
    subsorts: list[tuple[Sort, Sort]] = field(default_factory=list)
    aliases: dict[str, AliasDecl] = field(default_factory=dict)
    overloads: list[tuple[str, str]] = field(default_factory=list)
    rewritten: set[str] = field(default_factory=set)
    unfree: set[str] = field(default_factory=set)
    no_junk: dict[Sort, NoJunk | None] = field(default_factory=dict)
    axioms: tuple[Axiom, ...] = ()
    rules: Rules | None = None

    @property
    def declares(self) -> bool:
        """Whether anything here bears on the signature."""
        parts = (self.sorts, self.symbols, self.subsorts, self.no_junk, self.overloads, self.unfree, self.rewritten)
        return any(parts)


def declare(module: Module, name: str) -> ModuleRecord:
    record = ModuleRecord(name, tuple(one for one in module.sentences if isinstance(one, ImportDecl)))
    axioms: list[Axiom] = []
    for sentence in module.sentences:
        try:
            _declare_sentence(record, sentence, axioms)
        except ServerError as error:
            reason = error.reason if isinstance(error, InvalidParams) else str(error.data['error'])
            wrapped = PatternError(reason, [f'line {sentence.place[0]}'])
            wrapped.place = sentence.place
            raise wrapped from error
    record.axioms = tuple(axioms)
    return record


def _declare_sentence(record: ModuleRecord, sentence: Sentence, axioms: list[Axiom]) -> None:
    if isinstance(sentence, SortDecl):
        attributes = sentence.attributes
        record.sorts[sentence.name] = SortInfo(
            sentence.name,
            len(sentence.parameters),
            text_of(attributes, 'hook'),
            'hasDomainValues' in attributes or sentence.hooked,
            symbol_named(attributes, 'unit'),
            symbol_named(attributes, 'element'),
            symbol_named(attributes, 'concat'),
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
            named = {str(one['name']) for one in _overloaded(sentence.attributes)}
            pair = _overload(sentence.pattern)
            if pair is not None and named == set(pair):
                record.overloads.append(pair)
            else:
                # An overload of another shape: nothing is known but that the symbols obey an equation.
                record.unfree.update(named, pair or ())
        elif _EQUATIONAL & sentence.attributes.keys() and 'simplification' not in sentence.attributes:
            record.unfree.update(_equated(sentence.pattern))
        elif not _STRUCTURAL & sentence.attributes.keys() or 'simplification' in sentence.attributes:
            axioms.append(sentence)
            if 'anywhere' in sentence.attributes:
                record.rewritten.update(_equated(sentence.pattern))
            elif 'simplification' not in sentence.attributes:
                # Of functions, which are not free anyway; a constructor that has an equation is not free either.
                record.unfree.update(_equated(sentence.pattern))
        elif 'constructor' in sentence.attributes:
            listed = read_no_junk(sentence.pattern)
            if listed is not None:
                record.no_junk[listed[0]] = listed[1]


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


def _overload(pattern: Json) -> tuple[str, str] | None:
    """Return the greater and the lesser constructor of an overload's equation, None if it has another shape."""
    if pattern.get('tag') != 'Equals':
        return None
    greater, lesser = pattern['first'], _uninjected(pattern['second'])
    if not all(one.get('tag') == 'App' and one['name'] != 'inj' for one in (greater, lesser)):
        return None
    names = [[_variable_name(_uninjected(arg)) for arg in one['args']] for one in (greater, lesser)]
    if names[0] != names[1] or None in names[0] or len(set(names[0])) != len(names[0]):
        return None
    if any(arg.get('tag') == 'App' for arg in lesser['args']):
        return None
    return str(greater['name']), str(lesser['name'])


def _uninjected(pattern: Json) -> Json:
    while pattern.get('tag') == 'App' and pattern.get('name') == 'inj' and len(pattern['args']) == 1:
        inner: Json = pattern['args'][0]
        pattern = inner
    return pattern


def _variable_name(pattern: Json) -> str | None:
    return str(pattern['name']) if pattern.get('tag') == 'EVar' else None


def _sort_tag(json: Json) -> str:
    return 'SortApp' if 'args' in json else 'SortVar'


def _declare_symbol(sentence: SymbolDecl) -> Declaration:
    given = sentence.attributes
    parameters = tuple(sort_var(one) for one in sentence.parameters)
    attributes = Attributes(
        hook=text_of(given, 'hook') if sentence.hooked else '',
        smtlib=text_of(given, 'smtlib'),
        smt_hook=text_of(given, 'smt-hook'),
        element=symbol_named(given, 'element'),
        concat=symbol_named(given, 'concat'),
        unit=symbol_named(given, 'unit'),
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
