"""The definition with which the soundness cases are written: control terms, integers, truth values and collections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import kore_text
from kore_text import FREE, K_SYMBOLS, app, both, collection, equating, hooked, inj, k, rewriting, sort, subsort, true

if TYPE_CHECKING:
    from collections.abc import Iterable

MODULE: Final = 'CASES'

_BINARY: Final = {
    'add': ('Int', 'INT.add', True),
    'sub': ('Int', 'INT.sub', True),
    'mul': ('Int', 'INT.mul', True),
    'tdiv': ('Int', 'INT.tdiv', False),
    'tmod': ('Int', 'INT.tmod', False),
    'ediv': ('Int', 'INT.ediv', False),
    'emod': ('Int', 'INT.emod', False),
    'lt': ('Bool', 'INT.lt', True),
    'le': ('Bool', 'INT.le', True),
    'gt': ('Bool', 'INT.gt', True),
    'ge': ('Bool', 'INT.ge', True),
    'eq': ('Bool', 'INT.eq', True),
    'ne': ('Bool', 'INT.ne', True),
}
"""Hooked operations on two integers: sort of the result, hook, whether it is total."""


# -- patterns --------------------------------------------------------------------------------------------


def concat(kind: str, unit: str, parts: Iterable[str]) -> str:
    """Return the concatenation of parts of a collection."""
    *before, last = [*parts] or [app(unit)]
    for part in reversed(before):
        last = app(kind, part, last)
    return last


def mapping(*parts: str | tuple[str, str]) -> str:
    """Return a map: pairs of integers are its entries, the other parts are maps."""
    entries = [one if isinstance(one, str) else app('entry', inj(one[0], 'Int'), inj(one[1], 'Int')) for one in parts]
    return concat('maps', 'noMap', entries)


def elements(*items: str, rest: Iterable[str] = ()) -> str:
    """Return a set of integers with further sets."""
    return concat('sets', 'noSet', [*(app('element', inj(item, 'Int')) for item in items), *rest])


def items(*terms: str, rest: Iterable[str] = ()) -> str:
    """Return a list of integers, followed by further lists."""
    return concat('lists', 'noList', [*(app('item', inj(term, 'Int')) for term in terms), *rest])


def state(control: str, *predicates: str) -> str:
    """Return a state: a term of sort Ctl under predicates."""
    return both(app('top', k(control, 'Ctl')), *predicates)


# -- sentences -------------------------------------------------------------------------------------------


def _attributes(given: Iterable[str]) -> list[str]:
    return [one if '{' in one else f'{one}{{}}()' for one in given]


def symbol(name: str, args: str, result: str, *attributes: str) -> str:
    """Declare a symbol; without attributes it is a constructor."""
    return kore_text.symbol(f'Lbl{name}', args, result, _attributes(attributes) or FREE)


def ctl(*declarations: str) -> str:
    """Declare constructors of control terms, each given as `name Sort Sort ...`."""
    return '\n'.join(symbol(one.split()[0], ' '.join(one.split()[1:]), 'Ctl') for one in declarations)


def rule(
    left: str,
    right: str,
    label: str,
    requires: str = '',
    ensures: str = '',
    exists: Iterable[str] = (),
    priority: int = 50,
) -> str:
    """Return a rewrite rule between control terms; conditions are terms of sort Bool."""
    attributes = (f'label{{}}("{label}")', f'priority{{}}("{priority}")')
    before, after = (true(one) if one else '' for one in (requires, ensures))
    return rewriting(state(left), state(right), attributes, before, after, exists)


def equation(left: str, of: str, right: str, *attributes: str, requires: str = '', simplification: bool = False) -> str:
    """Return an equation of a function whose result has the sort `of`."""
    given = [*_attributes(attributes), *(['simplification{}("")'] if simplification else [])]
    return equating(left, of, right, given, true(requires, 'R') if requires else '')


def definition(sentences: Iterable[str]) -> str:
    """Return a definition: the built-in sorts, operations and collections, and the given sentences."""

    def function(name: str, args: str, result: str, hook: str, *, total: bool = True) -> str:
        return hooked(f'Lbl{name}', hook, args, result, *(['total{}()'] if total else []))

    lines = [
        '[]',
        f'module {MODULE}',
        *(
            f'hooked-sort {sort(name)} [hasDomainValues{{}}(), hook{{}}("{name.upper()}.{name}")]'
            for name in ('Int', 'Bool')
        ),
        *collection('Map', 'Lblmaps', 'Lblentry', 'LblnoMap'),
        *collection('Set', 'Lblsets', 'Lblelement', 'LblnoSet'),
        *collection('List', 'Lbllists', 'Lblitem', 'LblnoList'),
        *(f'sort {sort(name)} []' for name in ('K', 'KItem', 'Ctl', 'GeneratedTopCell')),
        *K_SYMBOLS,
        symbol('top', 'K', 'GeneratedTopCell'),
        *(subsort(name) for name in ('Int', 'Bool', 'Map', 'Set', 'List', 'Ctl')),
        *(function(name, 'Int Int', of, hook, total=total) for name, (of, hook, total) in _BINARY.items()),
        function('and', 'Bool Bool', 'Bool', 'BOOL.and'),
        function('or', 'Bool Bool', 'Bool', 'BOOL.or'),
        function('not', 'Bool', 'Bool', 'BOOL.not'),
        function('eqK', 'K K', 'Bool', 'KEQUAL.eq'),
        function('lookup', 'Map KItem', 'KItem', 'MAP.lookup', total=False),
        function('default', 'Map KItem KItem', 'KItem', 'MAP.lookupOrDefault'),
        function('update', 'Map KItem KItem', 'Map', 'MAP.update'),
        function('remove', 'Map KItem', 'Map', 'MAP.remove'),
        function('inKeys', 'KItem Map', 'Bool', 'MAP.in_keys'),
        function('sizeMap', 'Map', 'Int', 'MAP.size'),
        function('inSet', 'KItem Set', 'Bool', 'SET.in'),
        function('get', 'List Int', 'KItem', 'LIST.get', total=False),
        function('sizeList', 'List', 'Int', 'LIST.size'),
    ]
    return '\n'.join([*lines, *sentences, 'endmodule []', ''])
