"""Kore text: short names for patterns and sentences, with which the tests write their definitions and requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

TOP: Final = 'SortGeneratedTopCell{}'
FREE: Final = ('constructor{}()', 'functional{}()', 'injective{}()')
"""The attributes of a constructor."""


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


def k(term: str, of: str = 'Int', rest: str = 'dotk{}()') -> str:
    """Return a sequence of a term of the sort `of` and a rest."""
    return f'kseq{{}}({inj(term, of)}, {rest})'


def top(at: str = TOP) -> str:
    """Return what always holds."""
    return f'\\top{{{at}}}()'


def both(*patterns: str, at: str = TOP) -> str:
    """Return a conjunction."""
    return patterns[0] if len(patterns) == 1 else f'\\and{{{at}}}({", ".join(patterns)})'


def true(term: str, at: str = TOP) -> str:
    """Return the predicate that a term of sort Bool is true, as pyk writes it."""
    return same(b(True), term, 'Bool', at)


def truth(term: str, at: str = TOP) -> str:
    """Return the predicate that a term of sort Bool is true, as K writes it in a rule."""
    return same(term, b(True), 'Bool', at)


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


# -- sentences -------------------------------------------------------------------------------------------


def symbol(name: str, args: str, result: str, attributes: Iterable[str] = FREE, *, hooked: bool = False) -> str:
    """Declare a symbol by its name in Kore; `args` are the names of sorts with spaces between them."""
    keyword = 'hooked-symbol' if hooked else 'symbol'
    sorts = ', '.join(map(sort, args.split()))
    return f'  {keyword} {name}{{}}({sorts}) : {sort(result)} [{", ".join(attributes)}]'


def hooked(name: str, hook: str, args: str, result: str, *attributes: str) -> str:
    """Declare a function that the server implements."""
    return symbol(name, args, result, ('function{}()', f'hook{{}}("{hook}")', *attributes), hooked=True)


def collection(name: str, concat: str, element: str, unit: str) -> list[str]:
    """Declare the sort Map, Set or List and its algebra, with these names of symbols in Kore."""
    kind = name.upper()
    roles = [f'element{{}}({element}{{}}())', f'unit{{}}({unit}{{}}())']
    algebra = ('assoc{}()', *roles, 'total{}()' if name == 'List' else 'comm{}()')
    hook = f'hook{{}}("{kind}.{name}")'
    return [
        f'  hooked-sort {sort(name)} [{", ".join((hook, f"concat{{}}({concat}{{}}())", *roles))}]',
        hooked(unit, f'{kind}.unit', '', name, 'total{}()'),
        hooked(element, f'{kind}.element', 'KItem KItem' if name == 'Map' else 'KItem', name, 'total{}()'),
        hooked(concat, f'{kind}.concat', f'{name} {name}', name, *algebra),
    ]


def subsort(lower: str, upper: str = 'KItem') -> str:
    """Declare `lower` as a subsort of `upper`."""
    value = f'Val:{sort(upper)}'
    inside = same(value, inj(f'From:{sort(lower)}', lower, upper), upper, 'R')
    return f'  axiom{{R}} {some(value, inside, "R")} [subsort{{{sort(lower)}, {sort(upper)}}}()]'


K_SYMBOLS: Final = (
    symbol('kseq', 'KItem K', 'K'),
    symbol('dotk', '', 'K'),
    '  symbol inj{From, To}(From) : To [sortInjection{}()]',
)
"""Sequences and injections."""


def rewriting(
    left: str,
    right: str,
    attributes: Iterable[str],
    requires: str = '',
    ensures: str = '',
    exists: Iterable[str] = (),
) -> str:
    """Return a rewrite rule; `requires` and `ensures` are predicates, or nothing, `exists` new variables."""
    before, after = both(left, requires or top()), both(right, ensures or top())
    for variable in exists:
        after = some(variable, after)
    return f'  axiom{{}} \\rewrites{{{TOP}}}({before}, {after}) [{", ".join(attributes)}]'


def equating(left: str, of: str, right: str, attributes: Iterable[str], requires: str = '') -> str:
    """Return an equation of two terms of the sort `of`, in K's shape without separate arguments."""
    sides = same(left, both(right, top(sort(of)), at=sort(of)), of, 'R')
    return f'  axiom{{R}} \\implies{{R}}({requires or top("R")}, {sides}) [{", ".join(attributes)}]'
