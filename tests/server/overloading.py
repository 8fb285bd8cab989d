"""Overloaded constructors of every kind, and what their terms mean, said without the server.

A value is a tuple: the family of the constructor that builds it, and the values of the arguments. Overloads make all
constructors of a family build the same values, and injections change nothing, so equality of values is equality of
tuples. A value has a sort if a constructor of its family builds it there. Nothing here asks the server about overloads.
"""

from __future__ import annotations

from functools import cache, partial
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st
from kore_lab import Lab, equation, step
from kore_text import FREE, b, hooked, inj, k, sort, subsort, symbol, v
from kore_text import app as app_text

from kprover.server.predicates import And, Equal, Falsity, Not, Or, Predicate, Verity
from kprover.server.symbols import Sort
from kprover.server.symbols import sort as sort_named
from kprover.server.terms import DV, App, Inj, KList, KMap, KSet, Term, Var, app, dv, klist, kmap, kset, var
from kprover.server.terms import inj as inject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Value = tuple[Any, ...]
    Env = Mapping[Var, Value]

SUBSORTS: Final = [
    *(('Int', 'A'), ('A', 'B'), ('B', 'C')),
    *(('Z', 'L'), ('Z', 'R'), ('L', 'E'), ('R', 'E')),
    *(('Ls', 'Es'), ('Rs', 'Es')),
    ('V', 'X'),
]
"""A chain, a diamond with a least sort, one without, and a single pair."""
CONSTRUCTORS: Final = {
    # name: family, arguments, result
    'oneA': ('oneA', '', 'A'),
    'oneB': ('oneB', '', 'B'),
    'oneC': ('oneC', '', 'C'),
    'oneL': ('oneL', '', 'L'),
    'oneR': ('oneR', '', 'R'),
    'oneZ': ('oneZ', '', 'Z'),
    'oneV': ('oneV', '', 'V'),
    'oneX': ('oneX', '', 'X'),
    'free': ('free', 'C', 'C'),
    'pairA': ('pair', 'A A', 'A'),
    'pairB': ('pair', 'B B', 'B'),
    'pairC': ('pair', 'C C', 'C'),
    'mixB': ('mix', 'E B', 'B'),
    'mixC': ('mix', 'E C', 'C'),
    # A list without a common least list, the unit of which is in two of them.
    'unitEs': ('unit', '', 'Es'),
    'unitLs': ('unit', '', 'Ls'),
    'unitRs': ('unit', '', 'Rs'),
    'consEs': ('cons', 'E Es', 'Es'),
    'consLs': ('cons', 'L Ls', 'Ls'),
    'consRs': ('cons', 'R Rs', 'Rs'),
    # Two constructors of one sort.
    'plusX': ('plus', 'X X', 'X'),
    'plusV': ('plus', 'V V', 'X'),
    # Three, of which two are not comparable.
    'twoE': ('two', 'E E', 'E'),
    'twoL': ('two', 'L E', 'E'),
    'twoR': ('two', 'E R', 'E'),
}
GREATER: Final = [
    ('pairB', 'pairA'), ('pairC', 'pairB'), ('pairC', 'pairA'), ('mixC', 'mixB'),
    ('unitEs', 'unitLs'), ('unitEs', 'unitRs'), ('consEs', 'consLs'), ('consEs', 'consRs'),
    ('plusX', 'plusV'), ('twoE', 'twoL'), ('twoE', 'twoR'),
]  # fmt: skip
SORTS: Final = ['A', 'B', 'C', 'E', 'L', 'R', 'Z', 'Es', 'Ls', 'Rs', 'V', 'X']
KEPT: Final = frozenset({'pairC', 'consEs', 'plusX'})
"""Greater constructors that are declared as constructors all the same."""


def overload(greater: str, lesser: str) -> str:
    """Return the axiom that `greater` overloads `lesser`."""
    (_, above, over), (_, below, under) = CONSTRUCTORS[greater], CONSTRUCTORS[lesser]
    names = [f'K{number}:{sort(of)}' for number, of in enumerate(below.split())]
    raised = [
        one if mine == of else inj(one, of, mine)
        for one, of, mine in zip(names, below.split(), above.split(), strict=True)
    ]
    right = f'Lbl{lesser}{{}}({", ".join(names)})'
    right = right if over == under else inj(right, under, over)
    return (
        f'  axiom{{R}} \\equals{{{sort(over)}, R}}(Lbl{greater}{{}}({", ".join(raised)}), {right}) '
        f'[symbol-overload{{}}(Lbl{greater}{{}}(), Lbl{lesser}{{}}())]'
    )


def declarations() -> list[str]:
    """Return the sentences that declare all of it, on top of the small definition."""
    greater = {one for one, _ in GREATER}
    return [
        *(f'  sort {sort(name)} []' for name in SORTS),
        *(subsort(lower, upper) for lower, upper in SUBSORTS),
        *(subsort(name) for name in SORTS),
        *(
            symbol(
                f'Lbl{name}',
                args,
                result,
                ('anywhere{}()', *(FREE if name in KEPT else FREE[1:])) if name in greater else FREE,
            )
            for name, (_, args, result) in CONSTRUCTORS.items()
        ),
        *(overload(one, other) for one, other in GREATER),
    ]


# -- values ----------------------------------------------------------------------------------------------


def above(name: str) -> set[str]:
    """Return the sorts at or above one."""
    found = {name}
    while True:
        more = {upper for lower, upper in SUBSORTS if lower in found} - found
        if not more:
            return found
        found |= more


UP: Final = {name: above(name) for name in (*SORTS, 'Int')}
_MEMO: dict[tuple[Value, str], bool] = {}


def has_sort(value: Value, of: str) -> bool:
    """Whether a value is one of the sort."""
    if of == 'KItem':
        return True
    key = (value, of)
    found = _MEMO.get(key)
    if found is None:
        if value[0] == 'Int':
            found = of in UP['Int']
        else:
            found = any(
                of in UP[result] and all(map(has_sort, value[1:], args.split()))
                for family, args, result in CONSTRUCTORS.values()
                if family == value[0] and len(args.split()) == len(value) - 1
            )
        _MEMO[key] = found
    return found


def _sort_name(of: Sort) -> str:
    return of.name.removeprefix('Sort')


def value_of(term: Term, env: Env) -> Value | None:
    """Return the value of a term; None where it has none."""
    if isinstance(term, Var):
        return env[term]
    if isinstance(term, DV):
        return ('Int', term.value)
    if isinstance(term, Inj):
        return value_of(term.inner, env)
    if isinstance(term, KList):
        parts: list[Any] = []
        for is_item, one in term.segments:
            made = value_of(one, env)
            if made is None:
                return None
            parts.extend([made] if is_item else made[1:])
        return ('list', *parts)
    if isinstance(term, (KMap, KSet)):
        found: list[Any] = []
        entries = term.entries if isinstance(term, KMap) else [(one, one) for one in term.elements]
        for key, entry in entries:
            left, right = value_of(key, env), value_of(entry, env)
            if left is None or right is None:
                return None
            found.append((left, right))
        for one in term.rest:
            made = value_of(one, env)
            if made is None:
                return None
            found.extend(made[1])
        if len({key for key, _ in found}) != len(found):
            return None
        return ('map' if isinstance(term, KMap) else 'set', frozenset(found))
    assert isinstance(term, App)
    args = [value_of(one, env) for one in term.args]
    if any(one is None for one in args):
        return None
    return (CONSTRUCTORS[term.symbol.name.removeprefix('Lbl')][0], *args)


def holds(predicate: Predicate, env: Env) -> bool:
    """Whether a predicate without quantifiers holds."""
    if isinstance(predicate, Verity):
        return True
    if isinstance(predicate, Falsity):
        return False
    if isinstance(predicate, And):
        return all(holds(one, env) for one in predicate.args)
    if isinstance(predicate, Or):
        return any(holds(one, env) for one in predicate.args)
    if isinstance(predicate, Not):
        return not holds(predicate.arg, env)
    assert isinstance(predicate, Equal), predicate
    return value_of(predicate.left, env) == value_of(predicate.right, env)


def _values() -> dict[str, list[Value]]:
    found: list[Value] = [('Int', 0), ('Int', 1)]
    for depth in range(3):
        new = []
        for family, args, _ in CONSTRUCTORS.values():
            if bool(args) == bool(depth):
                sorts = args.split()
                # The values of most sorts come first; a few of each are enough.
                choices = [[one for one in found if has_sort(one, of)][: 6 if depth == 1 else 3] for of in sorts]
                new += [(family, *chosen) for chosen in product(*choices)]
        found = list(dict.fromkeys([*found, *new]))
    every = {name: [one for one in found if has_sort(one, name)] for name in (*SORTS, 'Int')}
    every['KItem'] = found[::7]
    pairs = every['KItem'][:6]
    every['List'] = [('list', *some) for count in range(3) for some in product(pairs[:3], repeat=count)]
    every['Map'] = [
        ('map', frozenset(zip(keys, values, strict=True)))
        for count in range(3)
        for keys in product(pairs[:4], repeat=count)
        if len(set(keys)) == count
        for values in product(pairs[:2], repeat=count)
    ]
    every['Set'] = [('set', frozenset((one, one) for one in some)) for some in ((), pairs[:1], pairs[1:3])]
    return every


VALUES: Final = _values()


def environments(free: frozenset[Var], limit: int) -> list[dict[Var, Value]]:
    """Return instantiations of the variables: all, or every so many."""
    ordered = sorted(free, key=lambda one: (one.name, one.sort.name))
    every = [VALUES[_sort_name(one.sort)] for one in ordered]
    total = 1
    for values in every:
        total *= len(values)
    made = []
    count = min(total, limit)
    for number in range(count):
        rest, env = number * total // count, {}
        for one, values in zip(ordered, every, strict=True):
            env[one] = values[rest % len(values)]
            rest //= len(values)
        made.append(env)
    return made


def matches(pattern: Term, value: Value, env: dict[Var, Value]) -> Iterator[dict[Var, Value]]:
    """Yield the ways in which a pattern has a value."""
    if isinstance(pattern, Var):
        if pattern in env:
            if env[pattern] == value:
                yield env
        elif value[0] in ('list', 'map', 'set'):
            if _sort_name(pattern.sort) == value[0].capitalize():
                yield {**env, pattern: value}
        elif has_sort(value, _sort_name(pattern.sort)):
            yield {**env, pattern: value}
    elif isinstance(pattern, DV):
        if value == ('Int', pattern.value):
            yield env
    elif isinstance(pattern, Inj):
        yield from matches(pattern.inner, value, env)
    elif isinstance(pattern, App):
        if value[0] == CONSTRUCTORS[pattern.symbol.name.removeprefix('Lbl')][0]:
            yield from _all(list(zip(pattern.args, value[1:], strict=True)), env)
    elif isinstance(pattern, KList):
        if value[0] == 'list':
            yield from _sequence(list(pattern.segments), list(value[1:]), env)
    else:
        assert isinstance(pattern, (KMap, KSet))
        kind = 'map' if isinstance(pattern, KMap) else 'set'
        entries = list(pattern.entries) if isinstance(pattern, KMap) else [(one, one) for one in pattern.elements]
        if value[0] == kind:
            yield from _entries(kind, entries, list(pattern.rest), value[1], env)


def _all(pairs: list[tuple[Term, Value]], env: dict[Var, Value]) -> Iterator[dict[Var, Value]]:
    if not pairs:
        yield env
        return
    for one in matches(*pairs[0], env):
        yield from _all(pairs[1:], one)


def _sequence(
    segments: list[tuple[bool, Term]], values: list[Value], env: dict[Var, Value]
) -> Iterator[dict[Var, Value]]:
    if not segments:
        if not values:
            yield env
        return
    is_item, pattern = segments[0]
    if is_item:
        if values:
            for one in matches(pattern, values[0], env):
                yield from _sequence(segments[1:], values[1:], one)
        return
    for count in range(len(values) + 1):
        for one in matches(pattern, ('list', *values[:count]), env):
            yield from _sequence(segments[1:], values[count:], one)


def _entries(
    kind: str, entries: list[tuple[Term, Term]], rest: list[Term], values: frozenset[Any], env: dict[Var, Value]
) -> Iterator[dict[Var, Value]]:
    if entries:
        key, entry = entries[0]
        for left, right in values:
            for one in _all([(key, left), (entry, right)], env):
                yield from _entries(kind, entries[1:], rest, values - {(left, right)}, one)
    elif rest:
        assert len(rest) == 1
        yield from matches(rest[0], (kind, values), env)
    elif not values:
        yield env


def parts(value: Any) -> Iterator[Value]:
    """Yield the values that a value is made of, itself first."""
    yield value
    if value[0] in ('map', 'set'):
        for key, entry in value[1]:
            yield from parts(key)
            yield from parts(entry)
        for key, entry in value[1]:
            yield (value[0], value[1] - {(key, entry)})
    elif value[0] != 'Int':
        for one in value[1:]:
            yield from parts(one)
        if value[0] == 'list':
            for start in range(len(value)):
                for end in range(start, len(value)):
                    yield ('list', *value[1:][start:end])


# -- terms -----------------------------------------------------------------------------------------------


def one_item(name: str, of: str) -> str:
    """Return a sequence of one variable, injected."""
    return k(v(name, of), of)


PREDICATES: Final = ['A', 'B', 'E', 'L', 'Ls', 'Rs', 'V']
"""Sorts with a predicate on items: true of one that has the sort, else false."""
HEADS: Final = {
    # name: arguments of a constructor, of which the function is true; false of all else of the sort
    'isPairB': ('C', inj(app_text('pairB', v('P', 'B'), v('Q', 'B')), 'B', 'C')),
    'isPlusV': ('X', app_text('plusV', v('P', 'V'), v('Q', 'V'))),
    'isPlusX': ('X', app_text('plusX', v('P', 'X'), v('P', 'X'))),
    'isTwoL': ('E', app_text('twoL', v('P', 'L'), v('Q', 'E'))),
    'isUnit': ('Es', inj(app_text('unitRs'), 'Rs', 'Es')),
    'isCons': ('Es', inj(app_text('consLs', v('P', 'L'), v('Q', 'Ls')), 'Ls', 'Es')),
    'areRs': ('Es', inj(v('P', 'Rs'), 'Rs', 'Es')),
}
FUNCTION: Final = ('function{}()', 'total{}()')


def functions() -> list[str]:
    """Return functions that look at sorts and constructors, and rules that do."""
    lines = []
    for of in PREDICATES:
        left = app_text(f'is{of}', one_item('K', of))
        lines += [
            symbol(f'Lblis{of}', 'K', 'Bool', FUNCTION),
            equation(left, b(True), 'Bool'),
            equation(app_text(f'is{of}', v('K', 'K')), b(False), 'Bool', attributes='owise{}()'),
        ]
    for name, (of, pattern) in HEADS.items():
        lines += [
            symbol(f'Lbl{name}', of, 'Bool', FUNCTION),
            equation(app_text(name, pattern), b(True), 'Bool'),
            equation(app_text(name, v('K', of)), b(False), 'Bool', attributes='owise{}()'),
            symbol(f'Lblrun{name}', of, 'Pgm'),
            step(app_text(f'run{name}', pattern), app_text('left'), f'{name}.yes'),
            step(app_text(f'run{name}', v('K', of)), app_text('right'), f'{name}.no', attributes='priority{}("60")'),
        ]
    return lines


LAB: Final = Lab(
    '  hooked-sort SortSet{} [hook{}("SET.Set"), unit{}(LblemptySet{}()), element{}(Lblelement{}()), '
    'concat{}(LbljoinSet{}())]',
    *(
        hooked(f'Lbl{name}', f'SET.{hook}', args, 'Set')
        for name, hook, args in (
            ('emptySet', 'unit', ''),
            ('element', 'element', 'KItem'),
            ('joinSet', 'concat', 'Set Set'),
        )
    ),
    hooked('LbleqK', 'KEQUAL.eq', 'K K', 'Bool', 'total{}()'),
    *declarations(),
    *functions(),
)
SIGNATURE: Final = LAB.signature


def below(of: str) -> list[str]:
    """Return the sorts below one, itself not."""
    if of == 'KItem':
        return [*SORTS, 'Int']
    return [name for name in (*SORTS, 'Int') if of in UP[name] and name != of]


@cache
def terms(of: str, prefix: str, depth: int = 2) -> st.SearchStrategy[Term]:
    """Return terms of a sort; the variables' names begin with the prefix."""
    options: list[st.SearchStrategy[Term]] = [
        st.sampled_from([var(f'{prefix}{name}', sort_named(f'Sort{of}')) for name in 'XY'])
    ]
    if of == 'Int':
        options.append(st.sampled_from([dv(sort_named('SortInt'), value) for value in (0, 1)]))
    lower = below(of)
    if lower and depth >= 0:
        inner = st.one_of(*(terms(name, prefix, depth - (of == 'KItem')) for name in lower))
        options += [inner.map(partial(inject, sort_named(f'Sort{of}')))] * 2
    for name, (_, args, result) in CONSTRUCTORS.items():
        if result == of and (depth > 0 or not args):
            parts_of = st.tuples(*(terms(one, prefix, depth - 1) for one in args.split()))
            options.append(parts_of.map(partial(app, SIGNATURE.symbol(f'Lbl{name}'))))
    return st.one_of(options)


def maps(prefix: str) -> st.SearchStrategy[Term]:
    """Return maps of items to items; a value may be the map that the rest is."""
    item = terms('KItem', prefix, 1)
    rest = st.lists(st.just(var(f'{prefix}M', sort_named('SortMap'))), max_size=1)
    value = st.one_of(item, st.just(inject(sort_named('SortKItem'), var(f'{prefix}M', sort_named('SortMap')))))

    def build(given: tuple[dict[Term, Term], list[Term]]) -> Term:
        known, opaque = given
        return opaque[0] if opaque and not known else kmap(sort_named('SortMap'), known, tuple(opaque))

    return st.tuples(st.dictionaries(item, value, max_size=2), rest).map(build)


def lists(prefix: str) -> st.SearchStrategy[Term]:
    """Return lists of items; an item may be the list that the rest is."""
    rest = var(f'{prefix}L', sort_named('SortList'))
    item = st.one_of(terms('KItem', prefix, 1), st.just(inject(sort_named('SortKItem'), rest)))
    member = st.one_of(item.map(lambda one: (True, one)), st.just((False, rest)))

    def build(segments: list[tuple[bool, Term]]) -> Term:
        return segments[0][1] if len(segments) == 1 and not segments[0][0] else klist(sort_named('SortList'), segments)

    return st.lists(member, max_size=3).map(build)


def sets(prefix: str) -> st.SearchStrategy[Term]:
    """Return sets of items."""
    rest = st.lists(st.just(var(f'{prefix}S', sort_named('SortSet'))), max_size=1)

    def build(given: tuple[list[Term], list[Term]]) -> Term:
        known, opaque = given
        return opaque[0] if opaque and not known else kset(sort_named('SortSet'), known, tuple(opaque))

    return st.tuples(st.lists(terms('KItem', prefix, 1), max_size=2, unique=True), rest).map(build)


def pairs_of_terms(left: str, right: str) -> st.SearchStrategy[tuple[Term, Term]]:
    """Return two terms of one sort, with the given prefixes of variables."""
    return st.one_of(*(st.tuples(terms(of, left), terms(of, right)) for of in (*SORTS, 'KItem')))


def pairs_of_collections(left: str, right: str) -> st.SearchStrategy[tuple[Term, Term]]:
    """Return two maps, lists or sets, with the given prefixes of variables."""
    return st.one_of(*(st.tuples(kind(left), kind(right)) for kind in (maps, lists, sets)))


def as_term(value: Value, of: str) -> Term:
    """Return a term of the sort with the value, by the first constructor in the table that builds it."""
    target = sort_named(f'Sort{of}')
    if value[0] == 'Int':
        return inject(target, dv(sort_named('SortInt'), value[1]))
    for name, (family, args, result) in CONSTRUCTORS.items():
        sorts = args.split()
        fitting = family == value[0] and (of == 'KItem' or of in UP[result])
        if fitting and all(map(has_sort, value[1:], sorts)):
            inner = tuple(as_term(one, arg) for one, arg in zip(value[1:], sorts, strict=True))
            return inject(target, app(SIGNATURE.symbol(f'Lbl{name}'), inner))
    raise AssertionError((value, of))
