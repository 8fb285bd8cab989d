"""A definition as an interpreter needs it: sorts, symbols, equations, rewrite rules.

Only what defines is read. Rules with `simplification` are consequences that somebody claims, so they are left out but
for symbols that nothing else defines; smt-lemmas and lemma modules likewise.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from .kore import read_definition, read_module
from .terms import DV, INJ, KSEQ, App, Var, subterms, variables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

    from .kore import Sentence
    from .terms import Term

DEFAULT_PRIORITY: Final = 50
OWISE_PRIORITY: Final = 200

CELL: Final = "Lbl'-LT-'"
K_CELL: Final = "Lbl'-LT-'k'-GT-'"


@dataclass(frozen=True)
class Symbol:
    """A symbol as it is declared."""

    name: str
    params: tuple[str, ...]
    sorts: tuple[str, ...]
    sort: str
    function: bool
    total: bool
    constructor: bool
    hook: str

    def at(self, sorts: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
        """The sorts of its arguments and of its result for these sorts as parameters."""
        if not self.params:
            return self.sorts, self.sort
        given = dict(zip(self.params, sorts, strict=False))
        return tuple(substituted(sort, given) for sort in self.sorts), substituted(self.sort, given)


@dataclass(frozen=True)
class Collection:
    """A sort whose terms are lists, sets or maps."""

    kind: str
    sort: str
    unit: str
    element: str
    concat: str


@dataclass(frozen=True)
class Equation:
    """An equation of a symbol: where `args` match and `requires` holds, it is `right` and `ensures` holds."""

    symbol: str
    args: tuple[Term, ...]
    requires: tuple[Term, ...]
    right: Term
    ensures: tuple[Term, ...]
    priority: int
    never: bool
    simplification: bool


@dataclass(frozen=True)
class Rule:
    """A rewrite rule. `exists` are the variables of the right side that nothing determines."""

    left: Term
    requires: tuple[Term, ...]
    right: Term
    ensures: tuple[Term, ...]
    exists: tuple[Var, ...]
    priority: int
    label: str


@dataclass
class Definition:
    """What a `definition.kore` says.

    Attributes:
        symbols: By name.
        collections: By sort.
        collection_of: The collection that a unit, element or concatenation symbol belongs to.
        equations: By symbol, by priority.
        overloads: For a symbol, the lesser ones that it may be, as equations.
        greater: For a symbol, the equations in which it is the lesser one.
        rules: By priority.
        unread: Symbols with an equation of a shape that is not read here: they may have more values than it seems.
        tokens: Sorts that have domain values.
        literals: The integers and strings in the definition's own rules.
    """

    symbols: dict[str, Symbol] = field(default_factory=dict)
    collections: dict[str, Collection] = field(default_factory=dict)
    collection_of: dict[str, Collection] = field(default_factory=dict)
    equations: dict[str, list[Equation]] = field(default_factory=lambda: defaultdict(list))
    overloads: dict[str, list[Equation]] = field(default_factory=lambda: defaultdict(list))
    greater: dict[str, list[Equation]] = field(default_factory=lambda: defaultdict(list))
    rules: list[Rule] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    sorts: set[str] = field(default_factory=set)
    supersorts: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    literals: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    unread: set[str] = field(default_factory=set)

    def is_subsort(self, lesser: str, greater: str) -> bool:
        return lesser == greater or greater in self.supersorts[lesser]

    @cached_property
    def groups(self) -> list[tuple[int, dict[str | None, list[Rule]]]]:
        """The rules by priority, the most urgent first, and by the head of their `<k>` cell."""
        found: dict[int, dict[str | None, list[Rule]]] = defaultdict(lambda: defaultdict(list))
        for rule in self.rules:
            found[rule.priority][self.head(rule.left)].append(rule)
        return sorted((priority, dict(heads)) for priority, heads in found.items())

    @cached_property
    def subsorts(self) -> dict[str, list[str]]:
        """The sorts below each sort."""
        found: dict[str, list[str]] = defaultdict(list)
        for lesser, greater in self.supersorts.items():
            for sort in greater:
                found[sort].append(lesser)
        return {sort: sorted(lesser) for sort, lesser in found.items()}

    @cached_property
    def constructors(self) -> dict[str, list[Symbol]]:
        """The symbols that make terms of each sort."""
        found: dict[str, list[Symbol]] = defaultdict(list)
        for symbol in self.symbols.values():
            if not symbol.function and not symbol.params and symbol.name not in self.collection_of:
                found[symbol.sort].append(symbol)
        return found

    @cached_property
    def functions(self) -> frozenset[str]:
        """The names of the functions, without those that make collections."""
        names = (symbol.name for symbol in self.symbols.values() if symbol.function)
        return frozenset(name for name in names if name not in self.collection_of)

    def head(self, state: Term) -> str | None:
        """The first symbol in the `<k>` cell of a state; `None` where that cannot be told."""
        return _head(state, self.cells)

    @cached_property
    def cells(self) -> frozenset[str]:
        """The symbols of cells that have a `<k>` cell in them, itself included."""
        found = {K_CELL}
        makers = {symbol.sort: symbol for symbol in self.symbols.values() if symbol.name.startswith(CELL)}
        changed = True
        while changed:
            changed = False
            for symbol in makers.values():
                inside = {makers[sort].name for sort in symbol.sorts if sort in makers}
                if symbol.name not in found and inside & found:
                    found.add(symbol.name)
                    changed = True
        return frozenset(found)


def load(text: str, added: Iterable[str] = ()) -> Definition:
    """The definition in the text of a `definition.kore`, with the modules in further texts.

    Raises `kore.KoreSyntaxError`.
    """
    definition = Definition()
    axioms = []
    sentences = read_definition(text)
    for module in added:
        sentences += read_module(module)
    for sentence in sentences:
        if sentence.kind == 'axiom':
            axioms.append(sentence)
        elif sentence.kind in ('sort', 'hooked-sort'):
            _sort(definition, sentence)
        else:
            _symbol(definition, sentence)
    for collection in definition.collections.values():
        for name in (collection.unit, collection.element, collection.concat):
            definition.collection_of[name] = collection
    for sentence in axioms:
        _axiom(definition, sentence)
    _close(definition.supersorts)
    for equations in definition.equations.values():
        if any(not equation.simplification for equation in equations):
            equations[:] = [equation for equation in equations if not equation.simplification]
        equations.sort(key=lambda equation: equation.priority)
    for name, values in definition.literals.items():
        definition.literals[name] = sorted(set(values))
    return definition


def substituted(sort: str, given: dict[str, str]) -> str:
    """A sort with sorts for its variables."""
    if sort in given:
        return given[sort]
    return re.sub(r'[A-Za-z0-9\']+(?!\{|[A-Za-z0-9\'])', lambda match: given.get(match.group(), match.group()), sort)


def conjuncts(pattern: Term) -> Iterator[Term]:
    """The parts of a conjunction, without those that are always true."""
    if isinstance(pattern, App) and pattern.name == '\\and':
        for arg in pattern.args:
            yield from conjuncts(arg)
    elif not (isinstance(pattern, App) and pattern.name == '\\top'):
        yield pattern


def split(pattern: Term) -> tuple[Term | None, tuple[Term, ...], tuple[Var, ...]]:
    """A constrained term as its term, its predicates and the variables that are bound existentially before it."""
    exists: list[Var] = []
    while isinstance(pattern, App) and pattern.name == '\\exists':
        variable, pattern = pattern.args
        assert isinstance(variable, Var)
        exists.append(variable)
    term: Term | None = None
    predicates: list[Term] = []
    for part in conjuncts(pattern):
        if isinstance(part, App) and part.name == '\\exists' and term is None:
            inner, more, others = split(part)
            term = inner
            predicates += more
            exists += others
        elif isinstance(part, App) and part.name.startswith('\\'):
            predicates.append(part)
        elif term is None:
            term = part
        else:
            raise ValueError(f'Expected one term, found {term!r} and {part!r}')
    return term, tuple(predicates), tuple(exists)


def _sort(definition: Definition, sentence: Sentence) -> None:
    if sentence.params:
        return
    name = f'{sentence.name}{{}}'
    definition.sorts.add(name)
    if 'hasDomainValues' in sentence.attributes:
        definition.tokens.add(name)
    hook = _string(sentence.attributes, 'hook')
    kind = {'MAP.Map': 'map', 'LIST.List': 'list', 'SET.Set': 'set'}.get(hook)
    if kind is not None:
        names = [_argument(sentence.attributes, part) for part in ('unit', 'element', 'concat')]
        definition.collections[name] = Collection(kind, name, *names)


def _symbol(definition: Definition, sentence: Sentence) -> None:
    attributes = sentence.attributes
    definition.symbols[sentence.name] = Symbol(
        sentence.name,
        sentence.params,
        sentence.sorts,
        sentence.sort,
        function='function' in attributes,
        total='functional' in attributes or 'total' in attributes,
        constructor='constructor' in attributes,
        hook=_string(attributes, 'hook'),
    )


def _axiom(definition: Definition, sentence: Sentence) -> None:
    attributes, pattern = sentence.attributes, sentence.pattern
    if 'subsort' in attributes:
        lesser, greater = attributes['subsort'].sorts
        definition.supersorts[lesser].add(greater)
        return
    if any(name in attributes for name in ('functional', 'assoc', 'comm', 'unit', 'idem', 'constructor')):
        return
    assert pattern is not None
    if isinstance(pattern, App) and pattern.name == '\\rewrites':
        _rule(definition, pattern, attributes)
        return
    equation = _equation(pattern, attributes)
    if equation is None or equation.never:
        if 'simplification' not in attributes:
            definition.unread.update(part.name for part in subterms(pattern) if isinstance(part, App))
        return
    if 'symbol-overload' in attributes or 'overload' in attributes:
        definition.overloads[equation.symbol].append(equation)
        lesser = _argument_of(attributes.get('symbol-overload') or attributes['overload'], 1)
        definition.greater[lesser].append(equation)
    elif equation.symbol != INJ:
        definition.equations[equation.symbol].append(equation)
        _collect_literals(definition, (*equation.args, *equation.requires))


def _rule(definition: Definition, pattern: App, attributes: dict[str, App]) -> None:
    left, requires, bound = split(pattern.args[0])
    right, ensures, exists = split(pattern.args[1])
    if left is None or right is None or bound:
        raise ValueError(f'Expected a rule between two states, found {pattern!r:.200}')
    label = _string(attributes, 'label') or _string(attributes, "UNIQUE'Unds'ID")[:12]
    rule = Rule(left, requires, right, ensures, exists, _priority(attributes), label)
    definition.rules.append(rule)
    _collect_literals(definition, (left, *requires))


def _equation(pattern: Term, attributes: dict[str, App]) -> Equation | None:
    assert isinstance(pattern, App)
    bound: dict[str, Term] = {}
    requires: list[Term] = []
    if pattern.name == '\\implies':
        condition, pattern = pattern.args
        for part in conjuncts(condition):
            if not isinstance(part, App):
                return None
            if part.name == '\\in' and isinstance(part.args[0], Var):
                bound[part.args[0].name] = part.args[1]
            elif part.name == '\\not' and _is_of_others(part):
                continue
            else:
                requires.append(part)
    if not isinstance(pattern, App) or pattern.name != '\\equals':
        return None
    left, right = pattern.args
    if not isinstance(left, App) or left.name.startswith('\\'):
        return None  # about a predicate: a simplification
    args = tuple(bound.get(arg.name, arg) if isinstance(arg, Var) else arg for arg in left.args)
    term, ensures, exists = split(right)
    if term is None or exists:
        if isinstance(right, App) and right.name == '\\bottom':
            return None
        return None
    names = {variable.name for arg in args for variable in variables(arg)}
    never = 'symbolic' in attributes
    if any(variable.name not in names for variable in variables(term)):
        return None
    return Equation(
        left.name,
        args,
        tuple(requires),
        term,
        ensures,
        _priority(attributes),
        never,
        'simplification' in attributes,
    )


def _is_of_others(negation: App) -> bool:
    """Whether a negation says that no equation before this one applies; priorities say the same."""
    return any(isinstance(part, App) and part.name in ('\\in', '\\exists') for part in subterms(negation)) or any(
        isinstance(part, App) and part.name == '\\bottom' for part in subterms(negation)
    )


def _priority(attributes: dict[str, App]) -> int:
    if 'owise' in attributes:
        return OWISE_PRIORITY
    text = _string(attributes, 'priority')
    if text:
        return int(text)
    if 'simplification' in attributes:
        text = _string(attributes, 'simplification')
        return int(text) if text else DEFAULT_PRIORITY
    return DEFAULT_PRIORITY


def _string(attributes: dict[str, App], name: str) -> str:
    attribute = attributes.get(name)
    for arg in attribute.args if attribute is not None else ():
        if isinstance(arg, App) and arg.name == '"' and isinstance(arg.args[0], DV):
            return arg.args[0].value
    return ''


def _argument(attributes: dict[str, App], name: str) -> str:
    return _argument_of(attributes[name], 0)


def _argument_of(attribute: App, position: int) -> str:
    symbol = attribute.args[position]
    assert isinstance(symbol, App)
    return symbol.name


def _collect_literals(definition: Definition, terms: Iterable[Term]) -> None:
    for term in terms:
        for part in subterms(term):
            if isinstance(part, DV):
                definition.literals[part.sort].append(part.value)


def _head(state: Term, cells: frozenset[str]) -> str | None:
    while isinstance(state, App) and state.name in cells:
        if state.name != K_CELL:
            inner = [arg for arg in state.args if isinstance(arg, App) and arg.name in cells]
            if len(inner) != 1:
                return None
            state = inner[0]
            continue
        content = state.args[0]
        if not isinstance(content, App) or content.name != KSEQ:
            return None
        first = content.args[0]
        if isinstance(first, App) and first.name == INJ:
            first = first.args[0]
        return first.name if isinstance(first, App) and not first.name.startswith('\\') else None
    return None


def _close(supersorts: dict[str, set[str]]) -> None:
    changed = True
    while changed:
        changed = False
        for sort in list(supersorts):
            more = {other for greater in supersorts[sort] for other in supersorts.get(greater, ())}
            if not more <= supersorts[sort]:
                supersorts[sort] |= more
                changed = True
