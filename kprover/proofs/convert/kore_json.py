"""Kore patterns from their JSON and to it, with the results of pyk's `kore_term` and `Pattern.dict`.

The reader makes one pattern of all equal ones: an answer repeats most of the state before it, and a term whose
pattern is known need not be converted again. The writer makes the text at once, without the dictionaries between. Both
keep their own stack, so depth is no matter; what they do not know is left to pyk.
"""

from __future__ import annotations

from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING

from pyk.kore.rpc import KoreClient
from pyk.kore.syntax import (
    DV,
    And,
    App,
    Bottom,
    Ceil,
    Equals,
    EVar,
    Exists,
    Forall,
    Implies,
    Not,
    Or,
    Pattern,
    SortApp,
    String,
    SymbolId,
    Top,
    kore_term,
)

from .collector import without_collector
from .deep_json import dumps
from .signatures import Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Final

    from pyk.kore.syntax import Sort

_CACHED_PATTERNS: Final = 100_000
_CACHED_CHARACTERS: Final = 16 << 20
_CACHED_NAMES: Final = 50_000

_MANY: Final[dict[str, str]] = {'App': 'args', 'And': 'patterns', 'Or': 'patterns'}
_FEW: Final[dict[str, tuple[str, ...]]] = {
    'Equals': ('first', 'second'),
    'Not': ('arg',),
    'Ceil': ('arg',),
    'Exists': ('arg',),
    'Forall': ('arg',),
    'Implies': ('first', 'second'),
}
_LEAVES: Final = frozenset(('DV', 'EVar', 'Top', 'Bottom'))


class PatternReader:
    """Reads patterns; equal ones are one object, until there are so many that all are forgotten. For one thread."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Pattern] = {}
        self._characters = 0
        self._symbols: dict[str, SymbolId] = {}
        self._sorts: dict[str, Sort] = {}

    @without_collector
    def read(self, dct: Mapping[str, Any]) -> Pattern:
        """What pyk's `kore_term` gives: the pattern of an object with `format`, `version` and `term`.

        Raises what that raises: `ValueError` for another format or version or a malformed name, `KeyError` for what
        is missing.
        """
        if dct.get('format') == 'KORE' and dct.get('version') == KoreClient._KORE_JSON_VERSION:
            try:
                return self._read(dct['term'])
            except (Unsupported, KeyError, TypeError, AttributeError, ValueError):
                pass  # pyk reads it, or says what is wrong with it
        return kore_term(dct)

    def forget(self) -> None:
        """Drop all patterns."""
        self._known.clear()
        self._characters = 0

    def _read(self, root: dict[str, Any]) -> Pattern:
        if len(self._known) > _CACHED_PATTERNS or self._characters > _CACHED_CHARACTERS:
            self.forget()
        if len(self._symbols) > _CACHED_NAMES or len(self._sorts) > _CACHED_NAMES:
            self.forget()
            self._symbols.clear()
            self._sorts.clear()
        order: list[tuple[dict[str, Any], int]] = []
        stack = [root]
        while stack:
            dct = stack.pop()
            tag = dct['tag']
            if tag in _MANY:
                parts = dct[_MANY[tag]]
                order.append((dct, len(parts)))
                stack.extend(parts)
            elif tag in _LEAVES:
                order.append((dct, 0))
            elif tag in _FEW:
                parts = [dct[field] for field in _FEW[tag]]
                order.append((dct, len(parts)))
                stack.extend(parts)
            else:
                raise Unsupported(f'a pattern of the kind {tag}')
        known = self._known
        done: list[Pattern] = []
        key: tuple[Any, ...]
        for dct, count in reversed(order):
            patterns: list[Pattern] = []
            if count:
                patterns = done[len(done) - count :]
                del done[len(done) - count :]
            tag = dct['tag']
            if tag == 'App':
                sorts = dct['sorts']
                if sorts:
                    arguments = tuple(map(self._sort, sorts))
                    key = (dct['name'], *map(id, arguments), *map(id, patterns), len(arguments))
                else:
                    arguments = ()
                    key = (dct['name'], *map(id, patterns))
                pattern = known.get(key)
                if pattern is None:
                    pattern = known[key] = App(self._symbol(dct['name']), arguments, patterns)
            elif tag == 'DV':
                sort, value = self._sort(dct['sort']), dct['value']
                key = ('DV', id(sort), value)
                pattern = known.get(key)
                if pattern is None:
                    self._characters += len(value)
                    pattern = known[key] = DV(sort, String(value))
            else:
                pattern = self._other(tag, dct, patterns)
            done.append(pattern)
        (pattern,) = done
        return pattern

    def _other(self, tag: str, dct: Mapping[str, Any], patterns: list[Pattern]) -> Pattern:
        sort = self._sort(dct['sort'])
        more: tuple[Any, ...] = ()
        if tag == 'EVar':
            more = (dct['name'],)
        elif tag in ('Exists', 'Forall'):
            more = (dct['var'], self._sort(dct['varSort']))
        elif tag in ('Equals', 'Ceil'):
            more = (self._sort(dct['argSort']),)
        key = (tag, id(sort), *(item if isinstance(item, str) else id(item) for item in more), *map(id, patterns), '')
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = _pattern(tag, sort, more, patterns)
        return found

    def _symbol(self, name: str) -> SymbolId:
        known = self._symbols.get(name)
        if known is None:
            known = self._symbols[name] = SymbolId(name)
        return known

    def _sort(self, dct: Mapping[str, Any]) -> Sort:
        if dct['tag'] != 'SortApp' or dct['args']:
            raise Unsupported('a sort with sort parameters, or a sort variable')
        name = dct['name']
        known = self._sorts.get(name)
        if known is None:
            known = self._sorts[name] = SortApp(name)
        return known


def _pattern(tag: str, sort: Sort, more: tuple[Any, ...], patterns: list[Pattern]) -> Pattern:
    match tag:
        case 'EVar':
            return EVar(more[0], sort)
        case 'And':
            return And(sort, patterns)
        case 'Or':
            return Or(sort, patterns)
        case 'Equals':
            return Equals(more[0], sort, patterns[0], patterns[1])
        case 'Ceil':
            return Ceil(more[0], sort, patterns[0])
        case 'Top':
            return Top(sort)
        case 'Bottom':
            return Bottom(sort)
        case 'Not':
            return Not(sort, patterns[0])
        case 'Implies':
            return Implies(sort, patterns[0], patterns[1])
        case 'Exists':
            return Exists(sort, EVar(more[0], more[1]), patterns[0])
        case 'Forall':
            return Forall(sort, EVar(more[0], more[1]), patterns[0])
    raise Unsupported(f'a pattern of the kind {tag}')


class PatternWriter:
    """Writes patterns as JSON texts. For one thread."""

    def __init__(self) -> None:
        self._sorts: dict[str, str] = {}
        self._heads: dict[str, str] = {}

    @without_collector
    def state(self, pattern: Pattern) -> str:
        """The JSON text of the object that pyk sends for a pattern, with `format`, `version` and `term`."""
        return f'{{"format":"KORE","version":{KoreClient._KORE_JSON_VERSION},"term":{self.write(pattern)}}}'

    @without_collector
    def write(self, pattern: Pattern) -> str:
        """The JSON text of `pattern.dict`."""
        if len(self._heads) > _CACHED_NAMES or len(self._sorts) > _CACHED_NAMES:
            self._heads.clear()
            self._sorts.clear()
        out: list[str] = []
        stack: list[Pattern | str] = [pattern]
        while stack:
            entry = stack.pop()
            if type(entry) is str:
                out.append(entry)
                continue
            if type(entry) is App:
                head = self._heads.get(entry.symbol) if not entry.sorts else self._with_sorts(entry)
                if head is None:
                    head = self._heads[entry.symbol] = self._with_sorts(entry)
                out.append(head)
                self._push(stack, entry.args)
            elif type(entry) is DV:
                sort = self._sort(entry.sort)
                out.append(f'{{"tag":"DV","sort":{sort},"value":{encode_basestring_ascii(entry.value.value)}}}')
            elif type(entry) is EVar:
                name = encode_basestring_ascii(entry.name)
                out.append(f'{{"tag":"EVar","name":{name},"sort":{self._sort(entry.sort)}}}')
            elif type(entry) is And or type(entry) is Or:
                out.append(f'{{"tag":"{type(entry).__name__}","sort":{self._sort(entry.sort)},"patterns":[')
                self._push(stack, entry.ops)
            elif type(entry) is Top or type(entry) is Bottom:
                out.append(f'{{"tag":"{type(entry).__name__}","sort":{self._sort(entry.sort)}}}')
            elif type(entry) is Equals:
                sorts = f'"argSort":{self._sort(entry.op_sort)},"sort":{self._sort(entry.sort)}'
                out.append(f'{{"tag":"Equals",{sorts},"first":')
                stack += ('}', entry.right, ',"second":', entry.left)
            elif type(entry) is Not:
                out.append(f'{{"tag":"Not","sort":{self._sort(entry.sort)},"arg":')
                stack += ('}', entry.pattern)
            elif type(entry) is Ceil:
                sorts = f'"argSort":{self._sort(entry.op_sort)},"sort":{self._sort(entry.sort)}'
                out.append(f'{{"tag":"Ceil",{sorts},"arg":')
                stack += ('}', entry.pattern)
            elif type(entry) is Exists or type(entry) is Forall:
                variable = f'"var":{encode_basestring_ascii(entry.var.name)},"varSort":{self._sort(entry.var.sort)}'
                out.append(f'{{"tag":"{type(entry).__name__}","sort":{self._sort(entry.sort)},{variable},"arg":')
                stack += ('}', entry.pattern)
            elif type(entry) is Implies:
                out.append(f'{{"tag":"Implies","sort":{self._sort(entry.sort)},"first":')
                stack += ('}', entry.right, ',"second":', entry.left)
            elif not isinstance(entry, str):
                out.append(dumps(entry.dict))  # pyk writes what is rare
        return ''.join(out)

    @staticmethod
    def _push(stack: list[Pattern | str], patterns: tuple[Pattern, ...]) -> None:
        stack.append(']}')
        for pattern in reversed(patterns[1:]):
            stack.append(pattern)
            stack.append(',')
        stack.extend(patterns[:1])

    def _with_sorts(self, pattern: App) -> str:
        sorts = ','.join(map(self._sort, pattern.sorts))
        return f'{{"tag":"App","name":{encode_basestring_ascii(pattern.symbol)},"sorts":[{sorts}],"args":['

    def _sort(self, sort: Sort) -> str:
        if type(sort) is SortApp and not sort.sorts:
            known = self._sorts.get(sort.name)
            if known is None:
                known = self._sorts[sort.name] = dumps(sort.dict, separators=(',', ':'))
            return known
        return sort.json
