"""The productions of a definition of which only `definition.kore` is at hand, enough to convert its terms.

Symbols, sorts and subsorts are read from the Kore sentences, one a line as `kompile` writes them; rules are left out.
The result serves conversion between Kore and K terms and nothing else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyk.kast.att import Atts, KAtt
from pyk.kast.inner import KLabel, KSort
from pyk.kast.outer import KDefinition, KFlatModule, KNonTerminal, KProduction
from pyk.konvert._utils import unmunge

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Final

_SYMBOL: Final = re.compile(r'\s*(?:hooked-)?symbol Lbl([^{]+)\{([^}]*)\}\(([^)]*)\) : (\w+)(?:\{\})? \[(.*)\]')
_SUBSORT: Final = re.compile(r'subsort\{Sort(\w+)\{\}, Sort(\w+)\{\}\}\(\)')
_ELEMENT: Final = re.compile(r'\belement\{\}\(Lbl([^{]+)\{\}\(\)\)')
_WRAP: Final = re.compile(r'wrapElement\{\}\("([^"]*)"\)')

_S: Final = KSort('Sort')
_S1: Final = KSort('Sort1')
_S2: Final = KSort('Sort2')
_CONNECTIVES: Final = (
    ('#Top', (_S,), _S, ()),
    ('#Bottom', (_S,), _S, ()),
    ('#Not', (_S,), _S, (_S,)),
    ('#And', (_S,), _S, (_S, _S)),
    ('#Or', (_S,), _S, (_S, _S)),
    ('#Implies', (_S,), _S, (_S, _S)),
    ('#Equals', (_S1, _S2), _S2, (_S1, _S1)),
    ('#Ceil', (_S1, _S2), _S2, (_S1,)),
    ('#Exists', (_S1, _S2), _S2, (_S1, _S2)),
    ('#Forall', (_S1, _S2), _S2, (_S1, _S2)),
)


def definition_from_kore(path: Path, main_module: str = 'MAIN') -> KDefinition:
    """The productions in a `definition.kore`.

    Raises:
        ValueError: the file has no symbol.
    """
    productions = [*_connectives(), *_productions(path)]
    if len(productions) == len(_CONNECTIVES):
        raise ValueError(f'{path}: expected symbols as kompile writes them, found none')
    return KDefinition(main_module, (KFlatModule(main_module, productions),))


def _connectives() -> Iterator[KProduction]:
    for name, params, sort, arguments in _CONNECTIVES:
        yield KProduction(sort, map(KNonTerminal, arguments), params, KLabel(name, params))


def _productions(path: Path) -> Iterator[KProduction]:
    with path.open() as lines:
        for line in lines:
            if (symbol := _SYMBOL.match(line)) is not None:
                yield _symbol(*symbol.groups())
            elif (subsort := _SUBSORT.search(line)) is not None and line.lstrip().startswith('axiom'):
                yield KProduction(KSort(subsort[2]), (KNonTerminal(KSort(subsort[1])),))


def _symbol(name: str, params: str, arguments: str, sort: str, attributes: str) -> KProduction:
    label = unmunge(name)
    sorts = tuple(_sort(param) for param in params.split(', ') if param)
    items = [KNonTerminal(_sort(argument)) for argument in arguments.split(', ') if argument]
    entries = []
    element, wrap = _ELEMENT.search(attributes), _WRAP.search(attributes)
    if 'cellCollection{}' in attributes:
        entries.append(Atts.CELL_COLLECTION(None))
        if element is not None and wrap is not None:
            entries += [Atts.ELEMENT(unmunge(element[1])), Atts.WRAP_ELEMENT(wrap[1])]
    return KProduction(_sort(sort), items, sorts, KLabel(label, sorts), KAtt(entries))


def _sort(text: str) -> KSort:
    """`SortInt{}` is the sort `Int`, and the sort variable `SortSort` the parameter `Sort`."""
    return KSort(text.removesuffix('{}').removeprefix('Sort'))
