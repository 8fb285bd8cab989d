"""What conversion asks of a definition, looked up once: symbols with their sorts, subsorts, munged names.

Everything here is derived from pyk's `KDefinition` and its own functions on first use and kept for the life of the
table. Sorts are known by name: a sort with sort parameters has no place here, and what has one is left to pyk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyk.kast.inner import KLabel, KSort
from pyk.konvert._kast_to_kore import ML_PATTERN_LABELS, ML_QUANT_LABELS
from pyk.konvert._utils import munge, unmunge
from pyk.kore.syntax import App, MLPattern, SortApp, SymbolId

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from pyk.kast.outer import KDefinition, KProduction
    from pyk.kore.syntax import Pattern, Sort

PSEUDO_LABELS: Final = frozenset(('inj', 'kseq', 'dotk', 'append'))
"""Names of Kore's own symbols, which pyk puts in while it converts; in a term they are nobody's labels."""


class Unsupported(Exception):
    """A term that is left to pyk's converter: to convert, or to refuse with pyk's own error."""


@dataclass(frozen=True)
class Signature:
    """A label with all its sort parameters filled in.

    Attributes:
        label: The name of the label.
        sort: The sort of its terms.
        arguments: The sorts of its arguments.
        symbol: Its Kore symbol; None for the connectives of matching logic.
        sorts: The sort parameters in Kore.
        connective: Kore's name of a connective of matching logic; empty for others.
        quantifier: Whether it binds its first argument.
    """

    label: str
    sort: str
    arguments: tuple[str, ...]
    symbol: SymbolId | None
    sorts: tuple[Sort, ...]
    connective: str
    quantifier: bool

    def apply(self, arguments: Sequence[Pattern]) -> Pattern:
        """The pattern with these arguments, which must have the sorts of the signature."""
        if self.symbol is not None:
            return App(self.symbol, self.sorts, arguments)
        return MLPattern.of(self.connective, self.sorts[-1:] if self.quantifier else self.sorts, arguments)


@dataclass(frozen=True)
class Declaration:
    """A production as it is declared.

    Attributes:
        params: Its sort parameters.
        arguments: The declared sorts of its arguments, which may be parameters.
        contexts: What a variable in each place is expected to be; None where the label has sort parameters, which
            say nothing about its arguments.
        sequences: The places where a K sequence belongs.
        items: The places of a cell collection, each with the collection's sort.
        signature: Its signature if it has no sort parameters.
        quantifier: Whether it binds its first argument.
    """

    params: tuple[str, ...]
    arguments: tuple[str, ...]
    contexts: tuple[str | None, ...]
    sequences: tuple[int, ...]
    signature: Signature | None
    quantifier: bool


class Signatures:
    """The tables of one definition. For one thread."""

    definition: KDefinition
    wrappers: dict[str, str]
    """Constructors of cell collections' elements, each with the label of the cell in it."""
    wrapped: dict[str, tuple[Signature, str]]
    """Labels of cells in collections, each with its element constructor and the sort of the collection."""

    def __init__(self, definition: KDefinition):
        self.definition = definition
        self._declarations: dict[str, Declaration] = {}
        self._resolved: dict[tuple[str, ...], Signature] = {}
        self._injections: dict[tuple[str, str], tuple[Sort, Sort]] = {}
        self._sorts: dict[str, SortApp] = {}
        self._ksorts: dict[str, KSort] = {}
        self._labels: dict[str, KLabel] = {}
        self._below: dict[str, frozenset[str]] = {}
        information = definition.cell_map_item_info
        self.wrappers = {constructor: cell for cell, (constructor, _) in information.items()}
        self.wrapped = {}
        for cell, (constructor, collection) in information.items():
            signature = self.declaration(constructor).signature
            if signature is None:
                raise Unsupported(f'an element constructor with sort parameters: {constructor}')
            self.wrapped[cell] = (signature, sort_name(collection))

    def declaration(self, label: str) -> Declaration:
        """The declaration of a label. Raises `Unsupported`."""
        known = self._declarations.get(label)
        if known is None:
            known = self._declarations[label] = self._declare(label)
        return known

    def resolve(self, label: str, params: tuple[str, ...]) -> Signature:
        """The signature of a label with these sort parameters. Raises `Unsupported`."""
        key = (label, *params)
        known = self._resolved.get(key)
        if known is None:
            production = self._production(label)
            if len(params) != len(production.params):
                raise Unsupported(f'{len(params)} sort parameters for {label}')
            known = self._resolved[key] = self._signature(label, production, params)
        return known

    def injection(self, subsort: str, sort: str) -> tuple[Sort, Sort]:
        """The sort parameters of the injection from a subsort. Raises `Unsupported` if it is none."""
        known = self._injections.get((subsort, sort))
        if known is None:
            if not self.is_below(subsort, sort):
                raise Unsupported(f'{subsort} is no subsort of {sort}')
            known = self._injections[subsort, sort] = (self.sort(subsort), self.sort(sort))
        return known

    def is_below(self, subsort: str, sort: str) -> bool:
        """Whether it is a proper subsort."""
        known = self._below.get(sort)
        if known is None:
            subsorts = self.definition.subsorts(KSort(sort))
            known = self._below[sort] = frozenset(found.name for found in subsorts if not found.params)
        return subsort in known

    def sort(self, name: str) -> SortApp:
        """A sort in Kore."""
        known = self._sorts.get(name)
        if known is None:
            known = self._sorts[name] = SortApp('Sort' + name)
        return known

    def ksort(self, sort: Sort) -> KSort:
        """A sort of Kore in K. Raises `Unsupported`."""
        name = sort.name
        known = self._ksorts.get(name)
        if known is None:
            if not name.startswith('Sort'):
                raise Unsupported(f'a sort that is none of K: {name}')
            known = self._ksorts[name] = KSort(name[4:])
        if type(sort) is not SortApp:
            raise Unsupported(f'a sort variable: {name}')
        return known

    def label(self, symbol: str) -> KLabel:
        """The label of a symbol without sort parameters."""
        known = self._labels.get(symbol)
        if known is None:
            known = self._labels[symbol] = KLabel(unmunge(symbol[3:]))
        return known

    def _production(self, label: str) -> KProduction:
        production = self.definition.symbols.get(label)
        if production is None or label in PSEUDO_LABELS:
            raise Unsupported(f'an unknown label: {label}')
        return production

    def _declare(self, label: str) -> Declaration:
        production = self._production(label)
        params = tuple(map(sort_name, production.params))
        arguments = tuple(map(sort_name, production.argument_sorts))
        signature = self._signature(label, production, ()) if not params else None
        return Declaration(
            params=params,
            arguments=arguments,
            contexts=arguments if not params else (None,) * len(arguments),
            sequences=tuple(place for place, sort in enumerate(arguments) if sort == 'K'),
            signature=signature,
            quantifier=label in ML_QUANT_LABELS,
        )

    def _signature(self, label: str, production: KProduction, params: tuple[str, ...]) -> Signature:
        given = dict(zip(map(sort_name, production.params), params, strict=True))
        declared = sort_name(production.sort)
        arguments = tuple(map(sort_name, production.argument_sorts))
        quantifier = label in ML_QUANT_LABELS
        if quantifier and (len(params) != 2 or len(arguments) != 2):
            raise Unsupported(f'a quantifier of another form: {label}')
        return Signature(
            label=label,
            sort=given.get(declared, declared),
            arguments=tuple(given.get(sort, sort) for sort in arguments),
            symbol=None if label in ML_PATTERN_LABELS else SymbolId('Lbl' + munge(label)),
            sorts=tuple(map(self.sort, params)),
            connective=ML_PATTERN_LABELS.get(label, ''),
            quantifier=quantifier,
        )


def sort_name(sort: KSort) -> str:
    """The name of a sort without sort parameters. Raises `Unsupported` if it has some."""
    if sort.params:
        raise Unsupported(f'a sort with sort parameters: {sort}')
    return sort.name
