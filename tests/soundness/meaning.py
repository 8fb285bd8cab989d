"""What ground terms and states mean in K: an evaluator for checking a server's answers, which shares no code with it.

Patterns are small trees with their JSON and their text. A value is a tagged tuple: `('Int', 3)`, `('Bool', True)`,
`('String', 's')`, `('Bytes', b'b')`, `('Map', frozenset of pairs)`, `('Set', frozenset)`, `('List', tuple)` or
`('Con', name, arguments)`. An injection has the value of what it injects, and of overloaded symbols the smallest is
taken, so that equal terms have equal values. Every symbol is strict: an argument without a value leaves the application
without one. What K leaves open, or what this evaluator does not know, is `Unknown`; a value of which only that it
exists is known is `('Opaque', ...)`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Value = tuple[Any, ...]
Env = dict[str, Value]

TRUE: Final[Value] = ('Bool', True)
FALSE: Final[Value] = ('Bool', False)
_FUEL: Final = 4_000


class NoValue(Exception):
    """A term has no value."""


class Unknown(Exception):
    """Whether a term has a value, or which, is not known here."""


# -- patterns --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Var:
    """A variable of a sort; names and sorts are without `Var` and `Sort`."""

    name: str
    sort: str


@dataclass(frozen=True)
class Lit:
    """A literal: its text as in Kore."""

    sort: str
    text: str


@dataclass(frozen=True)
class App:
    """An application; `sorts` are those of `inj` and of other symbols with parameters."""

    name: str
    args: tuple[Term, ...] = ()
    sorts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pred:
    """A predicate: `and`, `or`, `not`, `implies`, `iff`, `equals`, `in`, `ceil`, `top`, `bottom`, `exists`, ...

    `of` is the sort of the compared terms, or of the bound variable.
    """

    op: str
    args: tuple[Any, ...] = ()
    of: str = ''
    var: str = ''


Term = Var | Lit | App
TOP: Final = 'GeneratedTopCell'
_BARE: Final = frozenset({'inj', 'kseq', 'dotk', 'append'})


def _sort_json(name: str) -> dict[str, Any]:
    return {'tag': 'SortApp', 'name': f'Sort{name}', 'args': []}


def to_json(one: Term | Pred, at: str = TOP) -> dict[str, Any]:
    """Return a pattern as Kore JSON; predicates are of the sort `at`."""
    match one:
        case Var(name, sort):
            return {'tag': 'EVar', 'name': f'Var{name}', 'sort': _sort_json(sort)}
        case Lit(sort, text):
            return {'tag': 'DV', 'sort': _sort_json(sort), 'value': text}
        case App(name, args, sorts):
            shown = name if name in _BARE else f'Lbl{name}'
            return {
                'tag': 'App',
                'name': shown,
                'sorts': [_sort_json(each) for each in sorts],
                'args': [to_json(arg) for arg in args],
            }
    where = _sort_json(at)
    parts = [to_json(arg, at) for arg in one.args]
    match one.op:
        case 'top' | 'bottom':
            return {'tag': one.op.capitalize(), 'sort': where}
        case 'and' | 'or':
            return {'tag': one.op.capitalize(), 'sort': where, 'patterns': parts}
        case 'not':
            return {'tag': 'Not', 'sort': where, 'arg': parts[0]}
        case 'equals' | 'in':
            sides = {'first': parts[0], 'second': parts[1]}
            return {'tag': one.op.capitalize(), 'argSort': _sort_json(one.of), 'sort': where, **sides}
        case 'ceil':
            return {'tag': 'Ceil', 'argSort': _sort_json(one.of), 'sort': where, 'arg': parts[0]}
        case 'exists':
            var = {'var': f'Var{one.var}', 'varSort': _sort_json(one.of)}
            return {'tag': 'Exists', 'sort': where, **var, 'arg': parts[0]}
    raise AssertionError(one.op)


def to_text(one: Term) -> str:
    """Return a term as Kore text."""
    match one:
        case Var(name, sort):
            return f'Var{name}:Sort{sort}{{}}'
        case Lit(sort, text):
            shown = text.replace('\\', '\\\\').replace('"', '\\"')
            return f'\\dv{{Sort{sort}{{}}}}("{shown}")'
    shown = one.name if one.name in _BARE else f'Lbl{one.name}'
    sorts = ', '.join(f'Sort{each}{{}}' for each in one.sorts)
    return f'{shown}{{{sorts}}}({", ".join(map(to_text, one.args))})'


def from_json(json: Mapping[str, Any]) -> Term | Pred:
    """Return the pattern that an answer holds. Raises `Unknown` for what is not known here."""
    tag = json['tag']
    match tag:
        case 'EVar':
            return Var(_without(json['name'], 'Var'), _without(json['sort']['name'], 'Sort'))
        case 'DV':
            return Lit(_without(json['sort']['name'], 'Sort'), json['value'])
        case 'App':
            sorts = tuple(_without(each.get('name', ''), 'Sort') for each in json.get('sorts', ()))
            return App(_without(json['name'], 'Lbl'), tuple(map(from_json, json['args'])), sorts)  # type: ignore[arg-type]
        case 'Top' | 'Bottom':
            return Pred(tag.lower())
        case 'And' | 'Or':
            parts = json['patterns'] if 'patterns' in json else [json['first'], json['second']]
            return Pred(tag.lower(), tuple(map(from_json, parts)))
        case 'Not':
            return Pred('not', (from_json(json['arg']),))
        case 'Implies' | 'Iff':
            return Pred(tag.lower(), (from_json(json['first']), from_json(json['second'])))
        case 'Equals' | 'In':
            sides = (from_json(json['first']), from_json(json['second']))
            return Pred(tag.lower(), sides, _without(json['argSort']['name'], 'Sort'))
        case 'Ceil' | 'Floor':
            return Pred(tag.lower(), (from_json(json['arg']),), _without(json['argSort']['name'], 'Sort'))
        case 'Exists' | 'Forall':
            var = _without(json['var'], 'Var')
            return Pred(tag.lower(), (from_json(json['arg']),), _without(json['varSort']['name'], 'Sort'), var)
    raise Unknown(tag)


def _without(name: str, prefix: str) -> str:
    return name.removeprefix(prefix)


def split(pattern: Term | Pred) -> tuple[list[Term], list[Pred]]:
    """Return the terms and the predicates of a conjunction."""
    terms: list[Term] = []
    predicates: list[Pred] = []
    stack = [pattern]
    while stack:
        one = stack.pop()
        if isinstance(one, Pred) and one.op == 'and':
            stack.extend(reversed(one.args))
        elif isinstance(one, Pred):
            predicates.append(one)
        else:
            terms.append(one)
    return terms, predicates


def variables(one: Any) -> dict[str, str]:
    """Return the free variables of a pattern with their sorts."""
    if isinstance(one, Var):
        return {one.name: one.sort}
    if isinstance(one, Lit):
        return {}
    found: dict[str, str] = {}
    for arg in one.args:
        found.update(variables(arg))
    if isinstance(one, Pred) and one.op in ('exists', 'forall'):
        found.pop(one.var, None)
    return found


# -- hooks -----------------------------------------------------------------------------------------------


def _div(left: int, right: int) -> int:
    if right == 0:
        raise NoValue
    return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)


def _euclidean(left: int, right: int) -> tuple[int, int]:
    if right == 0:
        raise NoValue
    rest = left % abs(right)
    return (left - rest) // right, rest


def _power(base: int, exponent: int) -> int:
    if exponent < 0:
        raise NoValue
    if exponent > 64:
        raise Unknown
    return base**exponent


def _log2(number: int) -> int:
    if number <= 0:
        raise NoValue
    return number.bit_length() - 1


def _ints(result: str, of: Any) -> Any:
    return lambda *args: (result, of(*(arg[1] for arg in args)))


def _opaque(name: str, *args: Value) -> Value:
    return ('Opaque', name, args)


def _map_of(one: Value) -> dict[Value, Value]:
    return dict(one[1])


def as_map(entries: Mapping[Value, Value], kind: str = 'Map') -> Value:
    """Return the value of a map."""
    return (kind, frozenset(entries.items()))


def _join(left: Value, right: Value) -> Value:
    if _map_of(left).keys() & _map_of(right).keys():
        raise NoValue
    return (left[0], left[1] | right[1])


def _lookup(of: Value, key: Value) -> Value:
    found = _map_of(of).get(key)
    if found is None:
        raise NoValue
    return found


def _union(left: Value, right: Value) -> Value:
    if left[1] & right[1]:
        raise Unknown  # the backends do not agree on it
    return ('Set', left[1] | right[1])


def _index(of: Value, at: Value) -> int:
    where = at[1] if at[1] >= 0 else len(of[1]) + at[1]
    if not 0 <= where < len(of[1]):
        raise NoValue
    return where


def _list_update(of: Value, at: Value, new: Value) -> Value:
    if at[1] < 0:
        raise Unknown
    where = _index(of, at)
    return ('List', (*of[1][:where], new, *of[1][where + 1 :]))


def _list_range(of: Value, front: Value, back: Value) -> Value:
    if front[1] < 0 or back[1] < 0:
        raise Unknown
    if front[1] + back[1] > len(of[1]):
        raise NoValue
    return ('List', of[1][front[1] : len(of[1]) - back[1]])


def _substr(of: Value, start: Value, end: Value) -> Value:
    if not 0 <= start[1] <= end[1] <= len(of[1]):
        return _opaque('substr', of, start, end)
    return ('String', of[1][start[1] : end[1]])


def _int2bytes(length: Value, number: Value) -> Value:
    if length[1] < 0:
        return _opaque('int2bytes', length, number)
    if length[1] > 64:
        raise Unknown
    return ('Bytes', (number[1] % 256 ** length[1]).to_bytes(length[1], 'big'))


def _bool(of: Any) -> Any:
    return lambda *args: ('Bool', bool(of(*args)))


HOOKS: Final[dict[str, tuple[str, str, str, bool, Any]]] = {
    **{
        name: (f'INT.{hook}', 'Int Int', 'Int', total, _ints('Int', of))
        for name, hook, total, of in (
            ('add', 'add', True, lambda a, b: a + b),
            ('sub', 'sub', True, lambda a, b: a - b),
            ('mul', 'mul', True, lambda a, b: a * b),
            ('min', 'min', True, min),
            ('max', 'max', True, max),
            ('andInt', 'and', True, lambda a, b: a & b),
            ('xorInt', 'xor', True, lambda a, b: a ^ b),
            ('tdiv', 'tdiv', False, _div),
            ('tmod', 'tmod', False, lambda a, b: a - b * _div(a, b)),
            ('ediv', 'ediv', False, lambda a, b: _euclidean(a, b)[0]),
            ('emod', 'emod', False, lambda a, b: _euclidean(a, b)[1]),
            ('pow', 'pow', False, _power),
        )
    },
    'abs': ('INT.abs', 'Int', 'Int', True, _ints('Int', abs)),
    'log2': ('INT.log2', 'Int', 'Int', False, _ints('Int', _log2)),
    **{
        name: (f'INT.{name}', 'Int Int', 'Bool', True, _ints('Bool', of))
        for name, of in (
            ('lt', lambda a, b: a < b),
            ('le', lambda a, b: a <= b),
            ('gt', lambda a, b: a > b),
            ('ge', lambda a, b: a >= b),
            ('eq', lambda a, b: a == b),
            ('ne', lambda a, b: a != b),
        )
    },
    **{
        name: (f'BOOL.{hook}', 'Bool Bool', 'Bool', True, _ints('Bool', of))
        for name, hook, of in (
            ('and', 'and', lambda a, b: a and b),
            ('or', 'or', lambda a, b: a or b),
            ('andThen', 'andThen', lambda a, b: a and b),
            ('orElse', 'orElse', lambda a, b: a or b),
            ('impliesBool', 'implies', lambda a, b: not a or b),
            ('xorBool', 'xor', lambda a, b: a != b),
            ('eqBool', 'eq', lambda a, b: a == b),
        )
    },
    'not': ('BOOL.not', 'Bool', 'Bool', True, _ints('Bool', lambda a: not a)),
    'eqK': ('KEQUAL.eq', 'K K', 'Bool', True, _bool(lambda a, b: a == b)),
    'neK': ('KEQUAL.ne', 'K K', 'Bool', True, _bool(lambda a, b: a != b)),
    'lookup': ('MAP.lookup', 'Map KItem', 'KItem', False, _lookup),
    'default': ('MAP.lookupOrDefault', 'Map KItem KItem', 'KItem', True, lambda m, k, d: _map_of(m).get(k, d)),
    'update': ('MAP.update', 'Map KItem KItem', 'Map', True, lambda m, k, x: as_map({**_map_of(m), k: x})),
    'remove': (
        'MAP.remove',
        'Map KItem',
        'Map',
        True,
        lambda m, k: as_map({a: x for a, x in m[1] if a != k}),
    ),
    'updateMap': ('MAP.updateAll', 'Map Map', 'Map', True, lambda m, n: as_map({**_map_of(m), **_map_of(n)})),
    'removeAll': (
        'MAP.removeAll',
        'Map Set',
        'Map',
        True,
        lambda m, s: as_map({a: x for a, x in m[1] if a not in s[1]}),
    ),
    'mapDifference': ('MAP.difference', 'Map Map', 'Map', True, lambda m, n: ('Map', m[1] - n[1])),
    'mapInclusion': ('MAP.inclusion', 'Map Map', 'Bool', True, _bool(lambda m, n: m[1] <= n[1])),
    'inKeys': ('MAP.in_keys', 'KItem Map', 'Bool', True, _bool(lambda k, m: k in _map_of(m))),
    'keys': ('MAP.keys', 'Map', 'Set', True, lambda m: ('Set', frozenset(_map_of(m)))),
    'sizeMap': ('MAP.size', 'Map', 'Int', True, lambda m: ('Int', len(m[1]))),
    'inSet': ('SET.in', 'KItem Set', 'Bool', True, _bool(lambda k, s: k in s[1])),
    'setDifference': ('SET.difference', 'Set Set', 'Set', True, lambda s, t: ('Set', s[1] - t[1])),
    'union': ('SET.union', 'Set Set', 'Set', True, lambda s, t: ('Set', s[1] | t[1])),
    'intersect': ('SET.intersection', 'Set Set', 'Set', True, lambda s, t: ('Set', s[1] & t[1])),
    'setInclusion': ('SET.inclusion', 'Set Set', 'Bool', True, _bool(lambda s, t: s[1] <= t[1])),
    'sizeSet': ('SET.size', 'Set', 'Int', True, lambda s: ('Int', len(s[1]))),
    'list2set': ('SET.list2set', 'List', 'Set', True, lambda one: ('Set', frozenset(one[1]))),
    'get': ('LIST.get', 'List Int', 'KItem', False, lambda of, at: of[1][_index(of, at)]),
    'listUpdate': ('LIST.update', 'List Int KItem', 'List', False, _list_update),
    'range': ('LIST.range', 'List Int Int', 'List', False, _list_range),
    'inList': ('LIST.in', 'KItem List', 'Bool', True, _bool(lambda k, of: k in of[1])),
    'sizeList': ('LIST.size', 'List', 'Int', True, lambda of: ('Int', len(of[1]))),
    'concatString': ('STRING.concat', 'String String', 'String', True, lambda a, b: ('String', a[1] + b[1])),
    'lengthString': ('STRING.length', 'String', 'Int', True, lambda a: ('Int', len(a[1]))),
    'eqString': ('STRING.eq', 'String String', 'Bool', True, _bool(lambda a, b: a[1] == b[1])),
    'substr': ('STRING.substr', 'String Int Int', 'String', True, _substr),
    'int2bytes': (
        'BYTES.int2bytes',
        'Int Int Endianness',
        'Bytes',
        True,
        lambda n, i, e: _int2bytes(n, i) if e[1] == 'bigEndianBytes' else _opaque('int2bytes', n, i, e),
    ),
    'lengthBytes': ('BYTES.length', 'Bytes', 'Int', True, lambda a: ('Int', len(a[1]))),
    'concatBytes': ('BYTES.concat', 'Bytes Bytes', 'Bytes', True, lambda a, b: ('Bytes', a[1] + b[1])),
}
"""Name: hook, sorts of the arguments, sort of the result, whether it is declared total, its meaning on values."""

COLLECTIONS: Final = {
    'Map': ('maps', 'entry', 'noMap'),
    'Set': ('sets', 'element', 'noSet'),
    'List': ('lists', 'item', 'noList'),
    'AccMap': ('accs', 'accItem', 'noAcc'),
}
_CONCATS: Final = {concat: kind for kind, (concat, _, _) in COLLECTIONS.items()}
_ELEMENTS: Final = {element: kind for kind, (_, element, _) in COLLECTIONS.items()}
_UNITS: Final = {unit: kind for kind, (_, _, unit) in COLLECTIONS.items()}


# -- definitions -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Equation:
    """An equation of a function. `priority` 200 is owise."""

    left: tuple[Term, ...]
    right: Term
    requires: Term | None = None
    priority: int = 50


@dataclass(frozen=True)
class Rule:
    """A rewrite rule between states; `exists` are the variables that the right side invents."""

    label: str
    left: Term
    right: Term
    requires: Term | None = None
    ensures: Term | None = None
    exists: tuple[Var, ...] = ()
    priority: int = 50
    control: str = ''
    """A constructor that each state has to which the rule applies."""


@dataclass
class Meaning:
    """A definition: constructors and functions with their sorts, subsorts (transitive), overloads, rules."""

    constructors: dict[str, tuple[tuple[str, ...], str]]
    subsorts: frozenset[tuple[str, str]]
    overloads: dict[str, str]
    functions: dict[str, list[Equation]] = field(default_factory=dict)
    signatures: dict[str, tuple[tuple[str, ...], str, bool]] = field(default_factory=dict)
    anywhere: frozenset[str] = frozenset()
    rules: list[Rule] = field(default_factory=list)
    by_ensures: bool = False
    """Whether a result has been given up as its rule's `ensures` does not hold; it stays until it is set back."""

    # Values ------------------------------------------------------------------------------------------------

    def sort_of(self, value: Value) -> str:
        """Return the least sort of a value. Raises `Unknown` for opaque ones."""
        if value[0] == 'Opaque':
            raise Unknown
        return self.constructors[value[1]][1] if value[0] == 'Con' else str(value[0])

    def belongs(self, value: Value, sort: str) -> bool:
        """Return whether a value is one of a sort."""
        if sort == 'K':
            return True
        if value[0] == 'Opaque' and sort == 'KItem':
            return True
        least = self.sort_of(value)
        return least == sort or (least, sort) in self.subsorts

    def make(self, name: str, args: tuple[Value, ...]) -> Value:
        """Return the value of a constructor's application: of overloaded symbols that of the smallest."""
        smaller = self.overloads.get(name)
        if smaller is not None and all(
            self.belongs(arg, of) for arg, of in zip(args, self.constructors[smaller][0], strict=True)
        ):
            return self.make(smaller, args)
        return ('Con', name, args)

    def value(self, term: Term | Pred, env: Mapping[str, Value]) -> Value:
        """Return the value of a term. Raises `NoValue`, `Unknown`."""
        return self._value(term, env, [_FUEL])

    def _value(self, term: Any, env: Mapping[str, Value], fuel: list[int]) -> Value:
        fuel[0] -= 1
        if fuel[0] < 0:
            raise Unknown
        if isinstance(term, Var):
            if term.name not in env:
                raise Unknown
            return env[term.name]
        if isinstance(term, Lit):
            return _literal(term)
        if isinstance(term, Pred):
            raise Unknown
        args, unsure = [], False
        for arg in term.args:  # an argument without a value decides, whatever is not known of the others
            try:
                args.append(self._value(arg, env, fuel))
            except Unknown:
                unsure = True
        if unsure:
            raise Unknown
        return self._apply(term, tuple(args), fuel)

    def _apply(self, term: App, args: tuple[Value, ...], fuel: list[int]) -> Value:
        name = term.name
        if name == 'inj':
            if not self.belongs(args[0], term.sorts[0]):
                raise AssertionError(f'{args[0]} is none of {term.sorts[0]}')
            return args[0]
        if name in ('kseq', 'dotk'):
            return _sequence(name, args)
        if name == 'append':
            return ('K', args[0][1] + args[1][1])
        if name in self.constructors:
            return self.make(name, args)
        if name in _UNITS:
            kind = _UNITS[name]
            return (kind, () if kind == 'List' else frozenset())
        if name in _ELEMENTS:
            kind = _ELEMENTS[name]
            if kind == 'List':
                return (kind, args)
            return (kind, frozenset(args) if kind == 'Set' else frozenset([args]))
        if any(arg[0] == 'Opaque' or _holds_opaque(arg) for arg in args):
            if name in HOOKS and not HOOKS[name][3]:
                raise Unknown
            if name in HOOKS or name == 'ite' or self._is_total(name):
                return _opaque(name, *args)
            raise Unknown
        if name in _CONCATS:
            kind = _CONCATS[name]
            if kind == 'List':
                return (kind, args[0][1] + args[1][1])
            return _union(*args) if kind == 'Set' else _join(*args)
        if name == 'ite':
            return args[1] if args[0] == TRUE else args[2]
        if name in HOOKS:
            if HOOKS[name][1].startswith('K K'):
                args = tuple(arg if arg[0] == 'K' else ('K', (arg,)) for arg in args)
            made: Value = HOOKS[name][4](*args)
            return made
        if name in self.functions:
            return self._function(name, args, fuel)
        raise Unknown(name)

    def _is_total(self, name: str) -> bool:
        return name in self.signatures and self.signatures[name][2]

    def _function(self, name: str, args: tuple[Value, ...], fuel: list[int]) -> Value:
        for equation in sorted(self.functions[name], key=lambda one: one.priority):
            found = [env for env in self.matches(equation.left, args) if self._true(equation.requires, env, fuel)]
            if found:
                return self._one_result(equation, found, fuel)
        if name in self.anywhere:
            return _opaque(name, *args)
        raise NoValue

    def _one_result(self, equation: Equation, envs: list[Env], fuel: list[int]) -> Value:
        """Return the right side's value; `Unknown` if it depends on the way of matching."""
        made = []
        for env in envs:
            try:
                made.append(self._value(equation.right, env, fuel))
            except NoValue:
                made.append(())
        if any(one != made[0] for one in made):
            raise Unknown
        if made[0] == ():
            raise NoValue
        return made[0]

    def _true(self, condition: Term | None, env: Env, fuel: list[int]) -> bool:
        """Return whether a condition has the value true; one without value is not true."""
        if condition is None:
            return True
        try:
            found = self._value(condition, env, fuel)
        except NoValue:
            return False
        if found[0] == 'Opaque':
            raise Unknown
        return found == TRUE

    # Matching ----------------------------------------------------------------------------------------------

    def matches(self, patterns: tuple[Term, ...], values: tuple[Value, ...], env: Env | None = None) -> Iterator[Env]:
        """Yield the ways in which constructor patterns match values. Raises `Unknown`."""
        for found, later in self.match_all(patterns, values, env or {}, ()):
            assert not later
            yield found

    def match_all(
        self, patterns: tuple[Term, ...], values: tuple[Value, ...], env: Env, later: tuple[tuple[Term, Value], ...]
    ) -> Iterator[tuple[Env, tuple[tuple[Term, Value], ...]]]:
        """Yield the ways in which patterns match values, each with what must be compared afterwards."""
        if not patterns:
            yield env, later
            return
        for found, more in self.match(patterns[0], values[0], env, later):
            yield from self.match_all(patterns[1:], values[1:], found, more)

    def match(
        self, pattern: Any, value: Value, env: Env, later: tuple[tuple[Term, Value], ...]
    ) -> Iterator[tuple[Env, tuple[tuple[Term, Value], ...]]]:
        """Yield the ways in which one pattern matches a value."""
        if isinstance(pattern, Var):
            if pattern.name in env:
                if same(env[pattern.name], value):
                    yield env, later
            elif self.belongs(value, pattern.sort):
                yield {**env, pattern.name: value}, later
            return
        if isinstance(pattern, Lit):
            if same(_literal(pattern), value):
                yield env, later
            return
        if isinstance(pattern, Pred):
            raise Unknown
        name = pattern.name
        if name == 'inj':
            if self.belongs(value, pattern.sorts[0]):
                yield from self.match(pattern.args[0], value, env, later)
        elif name in ('kseq', 'dotk'):
            items = value[1] if value[0] == 'K' else (value,)
            if name == 'dotk':
                if not items:
                    yield env, later
            elif items:
                yield from self.match_all(pattern.args, (items[0], ('K', items[1:])), env, later)
        elif name in self.constructors:
            if value[0] == 'Opaque':
                raise Unknown
            names = {name}
            while name in self.overloads:
                name = self.overloads[name]
                names.add(name)
            if value[0] == 'Con' and value[1] in names:
                yield from self.match_all(pattern.args, value[2], env, later)
        elif name in _UNITS or name in _ELEMENTS or name in _CONCATS:
            yield from self._match_collection(pattern, value, env, later)
        else:
            yield env, (*later, (pattern, value))

    def _match_collection(
        self, pattern: App, value: Value, env: Env, later: tuple[tuple[Term, Value], ...]
    ) -> Iterator[tuple[Env, tuple[tuple[Term, Value], ...]]]:
        if value[0] == 'Opaque':
            raise Unknown
        parts = _flat(pattern)
        rests = [n for n, one in enumerate(parts) if not (isinstance(one, App) and one.name in _ELEMENTS)]
        if len(rests) > 1:
            yield env, (*later, (pattern, value))
        elif value[0] == 'List':
            items = value[1]
            if len(parts) - len(rests) > len(items) or (not rests and len(parts) != len(items)):
                return
            at = rests[0] if rests else len(parts)
            behind = len(parts) - at - 1 if rests else 0
            elements = [one for n, one in enumerate(parts) if n not in rests]
            contents = (*items[:at], *items[len(items) - behind :]) if behind else items[:at]
            shapes = tuple(one.args[0] for one in elements)  # type: ignore[union-attr]
            whole = (*shapes, parts[at]) if rests else shapes
            rest = (('List', items[at : len(items) - behind]),) if rests else ()
            yield from self.match_all(whole, (*contents, *rest), env, later)
        else:
            elements = [one for n, one in enumerate(parts) if n not in rests]
            yield from self._match_entries(elements, [parts[n] for n in rests], value[0], value[1], env, later)

    def _match_entries(
        self,
        elements: list[Any],
        rest: list[Any],
        kind: str,
        items: frozenset[Any],
        env: Env,
        later: tuple[tuple[Term, Value], ...],
    ) -> Iterator[tuple[Env, tuple[tuple[Term, Value], ...]]]:
        if not elements:
            if rest:
                yield from self.match(rest[0], (kind, items), env, later)
            elif not items:
                yield env, later
            return
        for item in items:
            values = (item,) if kind == 'Set' else item
            for found, more in self.match_all(elements[0].args, values, env, later):
                yield from self._match_entries(elements[1:], rest, kind, items - {item}, found, more)

    # Predicates and states ---------------------------------------------------------------------------------

    def holds(self, predicate: Any, env: Env) -> bool:
        """Return whether a predicate holds. Raises `Unknown`."""
        match predicate.op if isinstance(predicate, Pred) else '':
            case 'top':
                return True
            case 'bottom':
                return False
            case 'and' | 'or':
                decisive = predicate.op == 'or'
                unsure = False
                for one in predicate.args:
                    try:
                        if self.holds(one, env) == decisive:
                            return decisive
                    except Unknown:
                        unsure = True
                if unsure:
                    raise Unknown
                return not decisive
            case 'not':
                return not self.holds(predicate.args[0], env)
            case 'implies':
                return self.holds(
                    Pred('or', (Pred('not', predicate.args[:1]), predicate.args[1])),
                    env,
                )
            case 'iff':
                return self.holds(predicate.args[0], env) == self.holds(predicate.args[1], env)
            case 'ceil':
                return self.of_pattern(predicate.args[0], env) is not None
            case 'equals' | 'in':
                left, right = (self.of_pattern(one, env) for one in predicate.args)
                if left is None or right is None:
                    return left is right and predicate.op == 'equals'
                return same(left, right)
            case 'exists':
                return self._exists(predicate, env)
        raise Unknown

    def _exists(self, predicate: Pred, env: Env) -> bool:
        """Try the values that the variable's equation gives, and those that are around."""
        _, parts = split(predicate.args[0])
        tried = list(env.values()) + [('Int', n) for n in range(-1, 4)]
        for value in tried:
            if self.belongs(value, predicate.of) and self.holds(
                Pred('and', tuple(parts)), {**env, predicate.var: value}
            ):
                return True
        raise Unknown

    def of_pattern(self, pattern: Any, env: Env) -> Value | None:
        """Return the value of a conjunction of a term and predicates, None if it has none. Raises `Unknown`."""
        terms, predicates = split(pattern)
        if len(terms) > 1:
            raise Unknown
        unsure = False
        for one in predicates:
            try:
                if not self.holds(one, env):
                    return None
            except Unknown:
                unsure = True
        try:
            found = self.value(terms[0], env) if terms else TRUE
        except NoValue:
            return None
        if unsure:
            raise Unknown
        return found

    def step(self, state: Value, invented: list[Value]) -> list[Value]:
        """Return the states after one step of a state; none if it leads nowhere. Raises `Unknown`."""
        names = _names_in(state)
        rules = [one for one in self.rules if one.control in names]
        for priority in sorted({one.priority for one in rules}):
            made: list[Value] = []
            applied = False
            for rule in rules:
                if rule.priority != priority:
                    continue
                for env in self.matches((rule.left,), (state,)):
                    if self._true(rule.requires, env, [_FUEL]):
                        applied = True
                        made.extend(self._results(rule, env, invented))
            if applied:
                return list(dict.fromkeys(made))
        return []

    def _results(self, rule: Rule, env: Env, invented: list[Value]) -> Iterator[Value]:
        envs = [env]
        for var in rule.exists:
            values = [one for one in invented if self.belongs(one, var.sort)]
            envs = [{**one, var.name: value} for one in envs for value in values]
        for one in envs:
            try:
                result = self.value(rule.right, one)
            except NoValue:
                continue
            if self._true(rule.ensures, one, [_FUEL]):
                yield result
            else:
                self.by_ensures = True

    def covers(self, pattern: Any, value: Value, env: Env, guesses: list[Value]) -> bool:
        """Return whether a value is an instance of a pattern whose known variables are given. Raises `Unknown`."""
        terms, predicates = split(pattern)
        if any(one.op == 'bottom' for one in predicates):
            return False
        if len(terms) != 1:
            raise Unknown
        unsure = False
        for found, later in self.match(terms[0], value, env, ()):
            try:
                if self._agree(found, later, predicates, guesses):
                    return True
            except Unknown:
                unsure = True
        if unsure:
            raise Unknown
        return False

    def _agree(
        self, env: Env, later: tuple[tuple[Term, Value], ...], predicates: list[Pred], guesses: list[Value]
    ) -> bool:
        free: dict[str, str] = {}
        for term, _ in later:
            free.update(variables(term))
        for one in predicates:
            free.update(variables(one))
        missing = [(name, sort) for name, sort in free.items() if name not in env]
        if not missing:
            unsure = False
            for term, value in later:
                try:
                    if not same(self.value(term, env), value):
                        return False
                except NoValue:
                    return False
                except Unknown:
                    unsure = True
            decided = self.holds(Pred('and', tuple(predicates)), env)
            if decided and unsure:
                raise Unknown
            return decided
        name, sort = missing[0]
        for guess in guesses:
            try:
                if self.belongs(guess, sort) and self._agree({**env, name: guess}, later, predicates, guesses[:6]):
                    return True
            except Unknown:
                pass
        raise Unknown


def _sequence(name: str, args: tuple[Value, ...]) -> Value:
    if name == 'dotk':
        return ('K', ())
    rest = args[1][1] if args[1][0] == 'K' else (args[1],)
    return ('K', (args[0], *rest))


def _names_in(value: Value) -> set[str]:
    """Return the constructors of the first item of a state's sequence, and of nothing below."""
    return {one[1] for one in value[2][0][1][:1]}


def _literal(term: Lit) -> Value:
    match term.sort:
        case 'Int':
            return ('Int', int(term.text))
        case 'Bool':
            return ('Bool', term.text == 'true')
        case 'Bytes':
            return ('Bytes', term.text.encode('latin-1'))
    return (term.sort, term.text)


def _flat(pattern: Any) -> list[Any]:
    if isinstance(pattern, App) and pattern.name in _CONCATS:
        return [each for arg in pattern.args for each in _flat(arg)]
    return [] if isinstance(pattern, App) and pattern.name in _UNITS else [pattern]


def _holds_opaque(value: Any) -> bool:
    if isinstance(value, (tuple, frozenset)):
        return (isinstance(value, tuple) and value[:1] == ('Opaque',)) or any(map(_holds_opaque, value))
    return False


def same(left: Value, right: Value) -> bool:
    """Return whether two values are equal. Raises `Unknown` if one is opaque and they do not look alike."""
    if left == right:
        return True
    if _holds_opaque(left) or _holds_opaque(right):
        raise Unknown
    return False
