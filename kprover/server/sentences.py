"""A parsed definition as values: modules and their sentences. Patterns and sorts in them are KORE JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias, final

__all__ = [
    'AliasDecl',
    'Axiom',
    'ImportDecl',
    'Json',
    'Module',
    'ParsedDefinition',
    'Place',
    'Sentence',
    'SortDecl',
    'SymbolDecl',
]

Json: TypeAlias = 'dict[str, Any]'
Place: TypeAlias = tuple[int, int]
"""A line and a column of the text, both from 1."""


@final
@dataclass(frozen=True)
class ImportDecl:
    """`import NAME`. `place` is where a sentence begins, here and below."""

    name: str
    place: Place


@final
@dataclass(frozen=True)
class SortDecl:
    """`sort` or `hooked-sort`; `attributes` maps an attribute's name to its argument patterns."""

    name: str
    parameters: tuple[str, ...]
    hooked: bool
    attributes: dict[str, list[Json]]
    place: Place


@final
@dataclass(frozen=True)
class SymbolDecl:
    """`symbol` or `hooked-symbol`; sorts are KORE JSON sorts."""

    name: str
    parameters: tuple[str, ...]
    arg_sorts: tuple[Json, ...]
    result: Json
    hooked: bool
    attributes: dict[str, list[Json]]
    place: Place


@final
@dataclass(frozen=True)
class AliasDecl:
    """`alias NAME{P}(...) : S where LEFT := RIGHT`."""

    name: str
    parameters: tuple[str, ...]
    arg_sorts: tuple[Json, ...]
    result: Json
    left: Json
    right: Json
    attributes: dict[str, list[Json]]
    place: Place


@final
@dataclass(frozen=True)
class Axiom:
    """`axiom` or `claim`."""

    parameters: tuple[str, ...]
    pattern: Json
    attributes: dict[str, list[Json]]
    is_claim: bool
    place: Place


Sentence: TypeAlias = 'ImportDecl | SortDecl | SymbolDecl | AliasDecl | Axiom'


@final
@dataclass(frozen=True)
class Module:
    """A module: its name and sentences in the order of the text."""

    name: str
    sentences: tuple[Sentence, ...]
    attributes: dict[str, list[Json]]


@final
@dataclass(frozen=True)
class ParsedDefinition:
    """A definition: its modules in order."""

    modules: tuple[Module, ...]
    attributes: dict[str, list[Json]]
