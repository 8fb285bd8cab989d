"""Random definitions with their meaning: functions, rules and simplifications over a fixed signature.

The signature has subsorts, overloads with one and with several result sorts, maps, sets, lists and a cell map. What is
random: partial and total functions with priorities and owise, a constructor with `anywhere` rules, rewrite rules with
priorities, conditions, `ensures` and invented variables, and simplifications that hold by construction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import kore_text
from kore_text import FREE, K_SYMBOLS, collection, equating, hooked, rewriting, same, sort, subsort, true
from meaning import COLLECTIONS, HOOKS, TOP, App, Equation, Lit, Meaning, Rule, Var, to_text

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from meaning import Env, Term, Value

MODULE: Final = 'WORLD'

_ITEMS: Final = ('Int', 'Bool', 'String', 'Bytes', 'Map', 'Set', 'List', 'Val', 'Exp', 'Ctl')
SUBSORTS: Final = (('Int', 'Val'), ('Val', 'Exp'), ('Int', 'Exp'), *((one, 'KItem') for one in _ITEMS))
CONSTRUCTORS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    'none': ((), 'Val'),
    'box': (('Int',), 'Val'),
    'pairVal': (('Val', 'Val'), 'Val'),
    'neg': (('Exp',), 'Exp'),
    'pairExp': (('Exp', 'Exp'), 'Exp'),
    'oneVal': (('Val',), 'Exp'),
    'oneExp': (('Exp',), 'Exp'),
    'holding': (('KItem',), 'Exp'),
    'bigEndianBytes': ((), 'Endianness'),
    'idCell': (('Int',), 'IdCell'),
    'accCell': (('IdCell', 'Int'), 'AccCell'),
    'top': (('K', 'Map', 'AccMap'), TOP),
}
OVERLOADS: Final = {'pairExp': 'pairVal', 'oneExp': 'oneVal'}
_ARGUMENTS: Final = ('Int', 'Int', 'Int', 'Val', 'Exp', 'Map', 'List', 'Set', 'KItem', 'Bool')
_RESULTS: Final = ('Int', 'Int', 'Bool', 'Val', 'Exp', 'Map', 'List', 'KItem')


# -- terms -----------------------------------------------------------------------------------------------


def i(number: int) -> Lit:
    """Return an integer."""
    return Lit('Int', str(number))


def b(truth: bool) -> Lit:
    """Return a truth value."""
    return Lit('Bool', str(truth).lower())


def inj(term: Term, of: str, to: str) -> Term:
    """Return a term as one of a greater sort."""
    return term if of == to else App('inj', (term,), (of, to))


def k(term: Term, of: str, rest: Term | None = None) -> Term:
    """Return a sequence."""
    return App('kseq', (inj(term, of, 'KItem'), rest or App('dotk')))


def joined(kind: str, parts: Sequence[Term]) -> Term:
    """Return the concatenation of parts of a collection."""
    concat, _, unit = COLLECTIONS[kind]
    if not parts:
        return App(unit)
    made = parts[-1]
    for part in reversed(parts[:-1]):
        made = App(concat, (part, made))
    return made


def of_value(value: Value, to: str, meaning: Meaning) -> Term:
    """Return a value as a term of a sort."""
    if value[0] == 'K':
        items = [of_value(one, 'KItem', meaning) for one in value[1]]
        made: Term = App('dotk')
        for one in reversed(items):
            made = App('kseq', (one, made))
        return made
    least = meaning.sort_of(value)
    return inj(_plain(value, meaning), least, to)


def _plain(value: Value, meaning: Meaning) -> Term:
    match value[0]:
        case 'Int':
            return i(value[1])
        case 'Bool':
            return b(value[1])
        case 'Con':
            sorts = meaning.constructors[value[1]][0]
            return App(value[1], tuple(of_value(one, of, meaning) for one, of in zip(value[2], sorts, strict=True)))
        case 'Bytes':
            return Lit('Bytes', value[1].decode('latin-1'))
        case 'List' | 'Set':
            items = value[1] if value[0] == 'List' else sorted(value[1], key=repr)
            element = COLLECTIONS[value[0]][1]
            return joined(value[0], [App(element, (of_value(one, 'KItem', meaning),)) for one in items])
        case 'Map' | 'AccMap':
            sorts = ('KItem', 'KItem') if value[0] == 'Map' else ('IdCell', 'AccCell')
            element = COLLECTIONS[value[0]][1]
            return joined(
                value[0],
                [
                    App(element, (of_value(key, sorts[0], meaning), of_value(one, sorts[1], meaning)))
                    for key, one in sorted(value[1], key=repr)
                ],
            )
    return Lit(value[0], value[1])


def _different(parts: list[Term]) -> list[Term]:
    """Return entries without those whose key is written twice: servers refuse a rule with such a side."""
    return list({one.args[0]: one for one in parts if isinstance(one, App)}.values())


# -- random values, terms, patterns ----------------------------------------------------------------------


def random_value(source: random.Random, of: str, meaning: Meaning, depth: int = 2) -> Value:
    """Return a value of a sort."""

    def inner(sort: str) -> Value:
        return random_value(source, sort, meaning, depth - 1)

    match of:
        case 'Int':
            return ('Int', source.choice([-2, -1, 0, 0, 1, 1, 2, 3, 5]))
        case 'Bool':
            return ('Bool', source.random() < 0.5)
        case 'String':
            return ('String', source.choice(['', 'a', 'ab', 'abc']))
        case 'Bytes':
            return ('Bytes', source.choice([b'', b'a', b'\x00\xff']))
        case 'Map' | 'Set' | 'List' | 'AccMap':
            count = source.choice([0, 1, 1, 2]) if depth > 0 else source.choice([0, 0, 1])
            if of == 'List':
                return ('List', tuple(inner('KItem') for _ in range(count)))
            if of == 'Set':
                return ('Set', frozenset(inner('KItem') for _ in range(count)))
            keys = [inner('IdCell' if of == 'AccMap' else 'KItem') for _ in range(count)]
            entries = {
                key: meaning.make('accCell', (key, inner('Int'))) if of == 'AccMap' else inner('KItem') for key in keys
            }
            return (of, frozenset(entries.items()))
        case 'KItem':
            kinds = ['Int', 'Int', 'Int', 'Val', 'Bool']
            return inner(source.choice([*kinds, 'Map', 'List', 'Exp'] if depth > 0 else kinds))
        case 'K':
            return ('K', tuple(inner('KItem') for _ in range(source.choice([0, 0, 1]))))
    if of in ('Val', 'Exp') and (depth <= 0 or source.random() < 0.35):
        return inner('Int') if source.random() < 0.6 else meaning.make('none', ())
    choices = [name for name, (_, result) in meaning.constructors.items() if result == of]
    if of == 'Exp' and source.random() < 0.3:
        return inner('Val')
    name = source.choice(choices)
    return meaning.make(name, tuple(inner(each) for each in meaning.constructors[name][0]))


def random_pattern(source: random.Random, of: str, names: dict[str, str], depth: int = 2) -> Term:
    """Return a pattern of constructors; its variables are entered into `names`."""

    def inner(sort: str) -> Term:
        return random_pattern(source, sort, names, depth - 1)

    def variable() -> Term:
        old = [name for name, sort in names.items() if sort == of]
        if old and source.random() < 0.25:
            return Var(source.choice(old), of)
        name = f'{of[0]}{len(names)}'
        names[name] = of
        return Var(name, of)

    if depth <= 0 or source.random() < 0.45:
        return variable()
    match of:
        case 'Int':
            return i(source.choice([0, 1, 2])) if source.random() < 0.5 else variable()
        case 'Bool':
            return b(source.random() < 0.5)
        case 'Map' | 'Set' | 'List':
            element = COLLECTIONS[of][1]
            count = source.choice([0, 1, 1, 1, 2])
            parts: list[Term] = [
                App(element, tuple(inner('KItem') for _ in range(1 + (of == 'Map')))) for _ in range(count)
            ]
            parts = _different(parts) if of != 'List' else parts
            if source.random() < (0.6 if parts else 0.5):
                parts.insert(source.choice([0, len(parts)]) if of == 'List' else len(parts), variable())
            return joined(of, parts)
        case 'AccMap':
            key = inner('Int')
            entry = App('accItem', (App('idCell', (key,)), App('accCell', (App('idCell', (key,)), inner('Int')))))
            return joined(of, [entry, variable()] if source.random() < 0.8 else [entry])
        case 'KItem':
            lower = source.choice(['Int', 'Int', 'Val', 'Exp', 'Map', 'List', 'Bool'])
            return inj(inner(lower), lower, 'KItem')
    if of in ('Val', 'Exp'):
        if source.random() < 0.3:
            lower = 'Int' if of == 'Val' else source.choice(['Int', 'Val'])
            return inj(inner(lower), lower, of)
        name = source.choice([name for name, (_, result) in CONSTRUCTORS.items() if result == of])
        return App(name, tuple(inner(each) for each in CONSTRUCTORS[name][0]))
    return variable()


@dataclass
class Terms:
    """Makes random terms over a signature of functions: names with sorts of arguments, of result, and totality."""

    source: random.Random
    functions: dict[str, tuple[tuple[str, ...], str, bool]]

    def term(self, of: str, names: dict[str, str], depth: int = 2, *, total: bool = False) -> Term:
        """Return a term of a sort over variables, of total symbols only if wanted."""
        source = self.source

        def inner(sort: str) -> Term:
            return self.term(sort, names, depth - 1, total=total)

        own = [name for name, sort in names.items() if sort == of]
        if own and (depth <= 0 or source.random() < 0.35):
            return Var(source.choice(own), of)
        if depth > 0 and not total and source.random() < 0.05:
            missing = self._missing(of, inner)
            if missing is not None:
                return missing
        chance = source.random()
        if depth > 0 and chance < 0.5:
            choices = [
                (name, args)
                for name, (args, result, is_total) in self.functions.items()
                if result == of and (is_total or not total)
            ]
            if choices:
                name, args = source.choice(choices)
                if name == 'ite':
                    return App(name, (inner('Bool'), inner(of), inner(of)), (of,))
                return App(name, tuple(inner(one) for one in args))
        if depth > 0 and chance < 0.57:
            return App('ite', (inner('Bool'), inner(of), inner(of)), (of,))
        return self._constructed(of, depth, names, total=total)

    def _missing(self, of: str, inner: Callable[[str], Term]) -> Term | None:
        """Return a term that has no value, or none where two terms are equal; None for some sorts."""
        source = self.source
        match of:
            case 'Int':
                return App(source.choice(['tdiv', 'emod']), (inner('Int'), source.choice([i(0), inner('Int')])))
            case 'KItem':
                empty = App('lookup', (App('noMap'), inner('KItem')))
                return source.choice([empty, App('get', (App('noList'), inner('Int')))])
            case 'Map':
                return joined('Map', [App('entry', (inner('KItem'), inner('KItem'))) for _ in range(2)])
            case 'List':
                return App('range', (inner('List'), i(1), i(1)))
        return None

    def _constructed(self, of: str, depth: int, names: dict[str, str], *, total: bool) -> Term:
        source = self.source

        def make(sort: str) -> Term:
            return self.term(sort, names, depth - 1, total=total)

        match of:
            case 'Int':
                return i(source.choice([-1, 0, 0, 1, 1, 2, 3]))
            case 'Bool':
                if depth > 0 and source.random() < 0.3:
                    kind = source.choice(['Int', 'KItem', 'Exp', 'Map'])
                    return App('eqK', (self._k(make(kind), kind), self._k(make(kind), kind)))
                return b(source.random() < 0.5)
            case 'String':
                return Lit('String', source.choice(['', 'a', 'abc']))
            case 'Bytes':
                return Lit('Bytes', source.choice(['', 'a']))
            case 'Map' | 'Set' | 'List':
                element = COLLECTIONS[of][1]
                count = source.choice([0, 1, 1, 2]) if depth > 0 else 0
                if total and of != 'List':
                    count = min(count, 1)
                parts: list[Term] = [
                    App(element, tuple(make('KItem') for _ in range(1 + (of == 'Map')))) for _ in range(count)
                ]
                parts = _different(parts) if of != 'List' else parts
                if parts and depth > 0 and (not total or of == 'List') and source.random() < 0.4:
                    parts.append(make(of))
                return joined(of, parts)
            case 'AccMap':
                if depth <= 0:
                    return App('noAcc')
                key = make('Int')
                entry = App('accItem', (App('idCell', (key,)), App('accCell', (App('idCell', (key,)), make('Int')))))
                own = [Var(name, of) for name, sort in names.items() if sort == of]
                return joined(of, [entry, *own[:1]] if not total and source.random() < 0.6 else [entry])
            case 'KItem':
                lower = source.choice(['Int', 'Int', 'Val', 'Exp', 'Map', 'List', 'Bool'])
                return inj(make(lower), lower, 'KItem')
            case 'K':
                return self._k(make('KItem'), 'KItem')
        if of in ('Val', 'Exp') and source.random() < 0.35:
            lower = 'Int' if of == 'Val' or source.random() < 0.5 else 'Val'
            return inj(make(lower), lower, of)
        choices = [name for name, (args, result) in CONSTRUCTORS.items() if result == of and (depth > 0 or not args)]
        if not choices:
            return inj(make('Int'), 'Int', of)
        name = source.choice(choices)
        return App(name, tuple(make(each) for each in CONSTRUCTORS[name][0]))

    @staticmethod
    def _k(term: Term, of: str) -> Term:
        return k(term, of)


# -- definitions -----------------------------------------------------------------------------------------


@dataclass
class World:
    """A definition: its meaning, its text, and its control symbols with their sorts."""

    meaning: Meaning
    terms: Terms
    controls: dict[str, tuple[str, ...]]
    text: str = ''
    simplifications: list[str] = field(default_factory=list)


def state(control: str, args: tuple[Term, ...], of: Term, cells: Term, rest: Term | None = None) -> Term:
    """Return a state."""
    return App('top', (k(App(control, args), 'Ctl', rest), of, cells))


def prelude(source: random.Random) -> list[str]:
    """Return the signature's sentences; the greater symbols of overloads are constructors or not."""
    sorts = ('K', 'KItem', 'Ctl', TOP, 'Val', 'Exp', 'Endianness', 'IdCell', 'AccCell')
    greater = FREE if source.random() < 0.5 else FREE[1:]
    lines = [
        *(
            f'  hooked-sort {sort(name)} [hasDomainValues{{}}(), hook{{}}("{name.upper()}.{name}")]'
            for name in ('Int', 'Bool', 'String', 'Bytes')
        ),
        *collection('Map', 'Lblmaps', 'Lblentry', 'LblnoMap'),
        *collection('Set', 'Lblsets', 'Lblelement', 'LblnoSet'),
        *collection('List', 'Lbllists', 'Lblitem', 'LblnoList'),
        '  hooked-sort SortAccMap{} [hook{}("MAP.Map"), concat{}(Lblaccs{}()), element{}(LblaccItem{}()), '
        'unit{}(LblnoAcc{}())]',
        hooked('LblnoAcc', 'MAP.unit', '', 'AccMap', 'total{}()'),
        hooked('LblaccItem', 'MAP.element', 'IdCell AccCell', 'AccMap', 'total{}()'),
        hooked(
            'Lblaccs',
            'MAP.concat',
            'AccMap AccMap',
            'AccMap',
            'assoc{}()',
            'comm{}()',
            'element{}(LblaccItem{}())',
            'unit{}(LblnoAcc{}())',
        ),
        *(f'  sort {sort(name)} []' for name in sorts),
        *K_SYMBOLS,
        '  symbol append{}(SortK{}, SortK{}) : SortK{} [function{}(), functional{}()]',
        *(
            kore_text.symbol(f'Lbl{name}', ' '.join(args), of, greater if name in OVERLOADS else FREE)
            for name, (args, of) in CONSTRUCTORS.items()
        ),
        *(subsort(lower, upper) for lower, upper in SUBSORTS),
        *(
            hooked(f'Lbl{name}', hook, args, of, *(['total{}()'] if total else []))
            for name, (hook, args, of, total, _) in HOOKS.items()
        ),
        '  hooked-symbol Lblite{SortS}(SortBool{}, SortS, SortS) : SortS '
        '[function{}(), total{}(), hook{}("KEQUAL.ite")]',
    ]
    for big, small in OVERLOADS.items():
        (bigs, result), (smalls, least) = CONSTRUCTORS[big], CONSTRUCTORS[small]
        inside = tuple(inj(Var(f'K{n}', low), low, up) for n, (low, up) in enumerate(zip(smalls, bigs, strict=True)))
        lower = inj(App(small, tuple(Var(f'K{n}', low) for n, low in enumerate(smalls))), least, result)
        sides = same(to_text(App(big, inside)), to_text(lower), result, 'R')
        lines.append(f'  axiom{{R}} {sides} [symbol-overload{{}}(Lbl{big}{{}}(), Lbl{small}{{}}())]')
    return lines


def random_world(source: random.Random) -> World:
    """Return a definition."""
    subsorts = frozenset(SUBSORTS)
    meaning = Meaning(dict(CONSTRUCTORS), subsorts, dict(OVERLOADS))
    table = {name: (tuple(args.split()), of, total) for name, (_, args, of, total, _) in HOOKS.items()}
    terms = Terms(source, table)
    lines = prelude(source)
    for number in range(source.randint(5, 8)):
        lines += _function(source, meaning, terms, number)
    lines += _anywhere(source, meaning, terms)
    controls = {f'c{n}': tuple(source.choice(_ARGUMENTS) for _ in range(source.choice([1, 1, 2, 2]))) for n in range(6)}
    for name, args in controls.items():
        meaning.constructors[name] = (args, 'Ctl')
        lines.append(kore_text.symbol(f'Lbl{name}', ' '.join(args), 'Ctl', FREE))
    for name in list(controls)[:5]:
        for number in range(source.choice([1, 2, 2, 3])):
            rule = _rule(source, terms, name, controls, number)
            meaning.rules.append(rule)
            lines.append(rule_text(rule))
    world = World(meaning, terms, controls)
    for text in source.sample(_simplifications(), source.randint(0, 4)):
        world.simplifications.append(text)
    world.text = '\n'.join(['[]', f'module {MODULE}', *lines, *world.simplifications, 'endmodule []', ''])
    return world


def rule_text(rule: Rule) -> str:
    """Return the axiom of a rewrite rule."""
    attributes = [f'label{{}}("{rule.label}")']
    attributes.append('owise{}()' if rule.priority == 200 else f'priority{{}}("{rule.priority}")')
    return rewriting(
        to_text(rule.left),
        to_text(rule.right),
        attributes,
        true(to_text(rule.requires)) if rule.requires else '',
        true(to_text(rule.ensures)) if rule.ensures else '',
        [to_text(one) for one in rule.exists],
    )


def equation_text(name: str, of: str, one: Equation, *attributes: str) -> str:
    """Return the axiom of an equation."""
    given = [*attributes, 'owise{}()' if one.priority == 200 else f'priority{{}}("{one.priority}")']
    requires = true(to_text(one.requires), 'R') if one.requires else ''
    return equating(to_text(App(name, one.left)), of, to_text(one.right), given, requires)


def _function(source: random.Random, meaning: Meaning, terms: Terms, number: int) -> list[str]:
    """Add a function; one that is declared total has an owise case, and no part of its cases is partial."""
    name = f'f{number}'
    sorts = tuple(source.choice(_ARGUMENTS) for _ in range(source.choice([1, 1, 2, 2])))
    of = source.choice(_RESULTS)
    total = source.random() < 0.35
    equations = []
    priority = 40
    for _ in range(source.choice([1, 1, 2, 2, 3])):
        names: dict[str, str] = {}
        left = tuple(random_pattern(source, one, names, source.choice([0, 1, 2])) for one in sorts)
        right = terms.term(of, names, 2, total=total)
        requires = terms.term('Bool', names, 2) if source.random() < 0.4 else None
        equations.append(Equation(left, right, requires, priority))
        priority += 5
    if total or source.random() < 0.3:
        names = {f'A{n}': one for n, one in enumerate(sorts)}
        left = tuple(Var(f'A{n}', one) for n, one in enumerate(sorts))
        equations.append(Equation(left, terms.term(of, names, 1, total=total), None, 200))
    meaning.functions[name] = equations
    meaning.signatures[name] = terms.functions[name] = (sorts, of, total)
    attributes = ('function{}()', *(('total{}()',) if total else ()))
    return [
        kore_text.symbol(f'Lbl{name}', ' '.join(sorts), of, attributes),
        *(equation_text(name, of, one) for one in equations),
    ]


def _anywhere(source: random.Random, meaning: Meaning, terms: Terms) -> list[str]:
    """Add a symbol that some rules rewrite anywhere."""
    left = (i(source.choice([0, 1])),) if source.random() < 0.6 else (Var('X', 'Int'),)
    names = {'X': 'Int'} if isinstance(left[0], Var) else {}
    requires = terms.term('Bool', names, 1) if names else None
    one = Equation(left, terms.term('Val', names, 1), requires, 50)
    meaning.functions['aw'] = [one]
    meaning.signatures['aw'] = terms.functions['aw'] = (('Int',), 'Val', True)
    meaning.anywhere = frozenset({'aw'})
    return [
        kore_text.symbol('Lblaw', 'Int', 'Val', ('anywhere{}()', 'functional{}()', 'total{}()')),
        equation_text('aw', 'Val', one, 'anywhere{}()'),
    ]


def _rule(source: random.Random, terms: Terms, control: str, controls: dict[str, tuple[str, ...]], number: int) -> Rule:
    names: dict[str, str] = {}
    left = tuple(random_pattern(source, one, names, source.choice([0, 1, 2, 2])) for one in controls[control])
    of = random_pattern(source, 'Map', names, source.choice([0, 0, 2]))
    cells = random_pattern(source, 'AccMap', names, source.choice([0, 0, 1]))
    names['R'] = 'K'
    exists: tuple[Var, ...] = ()
    wide = dict(names)
    if source.random() < 0.12:
        exists = (Var('E', 'Int'),)
        wide['E'] = 'Int'
    target = source.choice(list(controls))
    args = tuple(terms.term(one, wide, 2) for one in controls[target])
    if exists and source.random() < 0.7:
        args = tuple(Var('E', 'Int') if one == 'Int' else arg for arg, one in zip(args, controls[target], strict=True))
    right_map = of if source.random() < 0.5 else terms.term('Map', wide, 2)
    right_cells = cells if source.random() < 0.6 else terms.term('AccMap', wide, 1)
    plain = {name: one for name, one in names.items() if one != 'K'}
    requires = terms.term('Bool', plain, 2) if source.random() < 0.5 else None
    ensures = terms.term('Bool', {**plain, **({'E': 'Int'} if exists else {})}, 1) if source.random() < 0.12 else None
    rest = Var('R', 'K')
    return Rule(
        f'{MODULE}.{control}-{number}',
        state(control, left, of, cells, rest),
        state(target, args, right_map, right_cells, rest),
        requires,
        ensures,
        exists,
        source.choice([30, 50, 50, 50, 200]),
        control,
    )


def _simplifications() -> list[str]:
    """Return simplifications that hold: both sides have the same value, or none, where `requires` is true."""
    x, y = Var('X', 'Int'), Var('Y', 'Int')
    m, key, item = Var('M', 'Map'), Var('K', 'KItem'), Var('V', 'KItem')

    def lemma(left: Term, of: str, right: Term, requires: Term | None = None, *attributes: str) -> str:
        condition = true(to_text(requires), 'R') if requires else ''
        given = ('simplification{}("")', *attributes)
        return equating(to_text(left), of, to_text(right), given, condition)

    inside = true('Lblle{}(VarX:SortInt{}, VarY:SortInt{})', 'Int')
    ensured = f'\\and{{SortInt{{}}}}(VarX:SortInt{{}}, {inside})'
    smaller = same('Lblmin{}(VarX:SortInt{}, VarY:SortInt{})', ensured, 'Int', 'R')
    condition = true('Lblle{}(VarX:SortInt{}, VarY:SortInt{})', 'R')
    return [
        f'  axiom{{R}} \\implies{{R}}({condition}, {smaller}) [simplification{{}}("")]',
        lemma(App('lookup', (App('update', (m, key, item)), key)), 'KItem', item),
        lemma(App('inKeys', (key, App('update', (m, key, item)))), 'Bool', b(True)),
        lemma(App('lt', (x, App('add', (x, i(1))))), 'Bool', b(True)),
        lemma(App('mul', (x, i(0))), 'Int', i(0)),
        lemma(App('tmod', (x, i(1))), 'Int', i(0)),
        lemma(App('le', (i(0), App('sizeMap', (m,)))), 'Bool', b(True)),
        lemma(
            App('add', (x, y)),
            'Int',
            App('add', (y, x)),
            None,
            'concrete{}(VarX:SortInt{})',
            'symbolic{}(VarY:SortInt{})',
        ),
        lemma(App('max', (x, y)), 'Int', x, App('ge', (x, y))),
        lemma(App('abs', (x,)), 'Int', x, App('le', (i(0), x)), 'symbolic{}()'),
        lemma(App('tdiv', (x, y)), 'Int', i(0), App('and', (App('eq', (x, i(0))), App('ne', (y, i(0)))))),
    ]


def bindings(source: random.Random, names: dict[str, str], meaning: Meaning, count: int) -> list[Env]:
    """Return values of variables: some all equal where sorts allow it, the others random."""
    if not names:
        return [{}]
    small = [(-1, 0), (0, 1), (1, 0), (0, 0), (1, 1), (2, 1), (0, 2), (3, 2)]
    made: list[Env] = []
    for number in range(count):
        env: Env = {}
        for at, (name, of) in enumerate(sorted(names.items())):
            if of == 'Int' and number < len(small):
                env[name] = ('Int', small[number][at % 2])
            elif of == 'KItem' and env and source.random() < 0.3:
                values = [one for one in env.values() if one[0] != 'K' and meaning.belongs(one, 'KItem')]
                env[name] = source.choice(values) if values else random_value(source, of, meaning)
            else:
                env[name] = random_value(source, of, meaning)
        made.append(env)
    return made
