"""Kore text: short names for patterns, axioms and a definition, with which the soundness cases are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

TOP: Final = 'SortGeneratedTopCell{}'
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


def sort(name: str) -> str:
    """Return a sort."""
    return f'Sort{name}{{}}'


def v(name: str, of: str = 'Int') -> str:
    """Return a variable."""
    return f'Var{name}:{sort(of)}'


def i(value: int) -> str:
    """Return an integer."""
    return f'\\dv{{SortInt{{}}}}("{value}")'


def b(value: bool) -> str:
    """Return a truth value."""
    return f'\\dv{{SortBool{{}}}}("{str(value).lower()}")'


def app(symbol: str, *args: str) -> str:
    """Return an application."""
    return f'Lbl{symbol}{{}}({", ".join(args)})'


def inj(term: str, of: str, to: str = 'KItem') -> str:
    """Return an injection."""
    return f'inj{{{sort(of)}, {sort(to)}}}({term})'


def k(term: str, of: str = 'Int') -> str:
    """Return a term as an argument of `eqK`."""
    return f'kseq{{}}({inj(term, of)}, dotk{{}}())'


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


def both(*patterns: str, at: str = TOP) -> str:
    """Return a conjunction."""
    return patterns[0] if len(patterns) == 1 else f'\\and{{{at}}}({", ".join(patterns)})'


def true(term: str, at: str = TOP) -> str:
    """Return the predicate that a term of sort Bool is true."""
    return f'\\equals{{SortBool{{}}, {at}}}({b(True)}, {term})'


def same(left: str, right: str, of: str = 'Int', at: str = TOP) -> str:
    """Return the predicate that two terms are equal."""
    return f'\\equals{{{sort(of)}, {at}}}({left}, {right})'


def ceil(term: str, of: str = 'Int') -> str:
    """Return the predicate that a term is defined."""
    return f'\\ceil{{{sort(of)}, {TOP}}}({term})'


def nope(pattern: str, at: str = TOP) -> str:
    """Return a negation."""
    return f'\\not{{{at}}}({pattern})'


def some(variable: str, pattern: str, at: str = TOP) -> str:
    """Return a pattern under an existential quantifier."""
    return f'\\exists{{{at}}}({variable}, {pattern})'


def every(variable: str, pattern: str, at: str = TOP) -> str:
    """Return a pattern under a universal quantifier."""
    return f'\\forall{{{at}}}({variable}, {pattern})'


def state(control: str, *predicates: str) -> str:
    """Return a state: a term of sort Ctl under predicates."""
    return both(app('top', f'kseq{{}}({inj(control, "Ctl")}, dotk{{}}())'), *predicates)


# -- sentences -------------------------------------------------------------------------------------------


def _attributes(given: Iterable[str]) -> str:
    return ', '.join(given)


def symbol(name: str, args: str, result: str, *attributes: str, hook: str = '') -> str:
    """Declare a symbol; without attributes it is a constructor."""
    kinds = [f'{one}{{}}()' if '{' not in one else one for one in attributes]
    if hook:
        kinds += ['function{}()', f'hook{{}}("{hook}")']
    if not kinds:
        kinds = ['constructor{}()', 'functional{}()', 'injective{}()']
    keyword = 'hooked-symbol' if hook else 'symbol'
    return f'{keyword} Lbl{name}{{}}({", ".join(map(sort, args.split()))}) : {sort(result)} [{_attributes(kinds)}]'


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
    nothing = f'\\top{{{TOP}}}()'
    before = both(state(left), true(requires) if requires else nothing)
    after = both(state(right), true(ensures) if ensures else nothing)
    for variable in exists:
        after = some(variable, after)
    return f'axiom{{}} \\rewrites{{{TOP}}}({before}, {after}) [label{{}}("{label}"), priority{{}}("{priority}")]'


def equation(left: str, of: str, right: str, *attributes: str, requires: str = '', simplification: bool = False) -> str:
    """Return an equation of a function whose result has the sort `of`."""
    condition = true(requires, 'R') if requires else '\\top{R}()'
    given = [one if '{' in one else f'{one}{{}}()' for one in attributes]
    if simplification:
        given.append('simplification{}("")')
    return (
        f'axiom{{R}} \\implies{{R}}({condition}, \\equals{{{sort(of)}, R}}({left}, '
        f'\\and{{{sort(of)}}}({right}, \\top{{{sort(of)}}}()))) [{_attributes(given)}]'
    )


def subsort(lower: str, upper: str) -> str:
    """Declare `lower` as a subsort of `upper`."""
    below, above = sort(lower), sort(upper)
    return (
        f'axiom{{R}} \\exists{{R}}(Val:{above}, \\equals{{{above}, R}}(Val:{above}, '
        f'inj{{{below}, {above}}}(From:{below}))) [subsort{{{below}, {above}}}()]'
    )


def definition(sentences: Iterable[str]) -> str:
    """Return a definition: the built-in sorts, operations and collections, and the given sentences."""
    lines = ['[]', f'module {MODULE}']
    lines += [
        f'hooked-sort Sort{n}{{}} [hasDomainValues{{}}(), hook{{}}("{h}")]'
        for n, h in (('Int', 'INT.Int'), ('Bool', 'BOOL.Bool'))
    ]
    for name, concat_, element, unit in (
        ('Map', 'maps', 'entry', 'noMap'),
        ('Set', 'sets', 'element', 'noSet'),
        ('List', 'lists', 'item', 'noList'),
    ):
        kind = name.upper()
        roles = f'concat{{}}(Lbl{concat_}{{}}()), element{{}}(Lbl{element}{{}}()), unit{{}}(Lbl{unit}{{}}())'
        lines.append(f'hooked-sort Sort{name}{{}} [{roles}, hook{{}}("{kind}.{name}")]')
        argument = 'KItem KItem' if name == 'Map' else 'KItem'
        lines.append(symbol(unit, '', name, 'total', hook=f'{kind}.unit'))
        lines.append(symbol(element, argument, name, 'total', hook=f'{kind}.element'))
        algebra = ['assoc', f'element{{}}(Lbl{element}{{}}())', f'unit{{}}(Lbl{unit}{{}}())']
        lines.append(
            symbol(
                concat_,
                f'{name} {name}',
                name,
                *algebra,
                *(['total'] if name == 'List' else ['comm']),
                hook=f'{kind}.concat',
            )
        )
    lines += [f'sort Sort{name}{{}} []' for name in ('K', 'KItem', 'Ctl', 'GeneratedTopCell')]
    lines += [
        'symbol kseq{}(SortKItem{}, SortK{}) : SortK{} [constructor{}(), functional{}(), injective{}()]',
        'symbol dotk{}() : SortK{} [constructor{}(), functional{}(), injective{}()]',
        'symbol inj{From, To}(From) : To [sortInjection{}()]',
        symbol('top', 'K', 'GeneratedTopCell'),
        *(subsort(name, 'KItem') for name in ('Int', 'Bool', 'Map', 'Set', 'List', 'Ctl')),
    ]
    lines += [symbol(n, 'Int Int', of, *(['total'] if total else []), hook=h) for n, (of, h, total) in _BINARY.items()]
    lines += [
        symbol('and', 'Bool Bool', 'Bool', 'total', hook='BOOL.and'),
        symbol('or', 'Bool Bool', 'Bool', 'total', hook='BOOL.or'),
        symbol('not', 'Bool', 'Bool', 'total', hook='BOOL.not'),
        symbol('eqK', 'K K', 'Bool', 'total', hook='KEQUAL.eq'),
        symbol('lookup', 'Map KItem', 'KItem', hook='MAP.lookup'),
        symbol('default', 'Map KItem KItem', 'KItem', 'total', hook='MAP.lookupOrDefault'),
        symbol('update', 'Map KItem KItem', 'Map', 'total', hook='MAP.update'),
        symbol('remove', 'Map KItem', 'Map', 'total', hook='MAP.remove'),
        symbol('inKeys', 'KItem Map', 'Bool', 'total', hook='MAP.in_keys'),
        symbol('sizeMap', 'Map', 'Int', 'total', hook='MAP.size'),
        symbol('inSet', 'KItem Set', 'Bool', 'total', hook='SET.in'),
        symbol('get', 'List Int', 'KItem', hook='LIST.get'),
        symbol('sizeList', 'List', 'Int', 'total', hook='LIST.size'),
    ]
    return '\n'.join([*lines, *sentences, 'endmodule []', ''])
