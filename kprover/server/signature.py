"""The sorts and symbols of a module with all that it imports: what is declared, and what follows from it about sorts.

A `Signature` is built once, by `definition.py`, and then only read, except for its memo tables, whose entries are pure
functions of the declarations (two threads may compute one twice, and agree).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

from .builders import BUILDERS
from .cases import cases_of
from .errors import PatternError
from .overloads import arrange
from .symbols import Attributes, Sort, Symbol
from .terms import FALSE, TRUE, App, app

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .cases import Cases, NoJunk
    from .terms import Bottom, Term

__all__ = ['Collection', 'Declaration', 'Signature', 'SortInfo']

_NEGATED_COMPARISONS: Final = {
    'INT.eq': 'INT.ne',
    'INT.ne': 'INT.eq',
    'BOOL.eq': 'BOOL.ne',
    'BOOL.ne': 'BOOL.eq',
    'KEQUAL.eq': 'KEQUAL.ne',
    'KEQUAL.ne': 'KEQUAL.eq',
}


@final
@dataclass(frozen=True)
class SortInfo:
    """A declared sort. `hook` is `MAP.Map` and the like, or empty; the last three name a collection's symbols."""

    name: str
    arity: int
    hook: str
    has_domain_values: bool
    unit: str = ''
    element: str = ''
    concat: str = ''


@final
class Declaration:
    """A declared symbol with its instances at sort arguments, which are made on demand."""

    __slots__ = ('arg_sorts', 'attributes', 'instances', 'is_free', 'name', 'parameters', 'result')

    def __init__(
        self,
        name: str,
        parameters: tuple[Sort, ...],
        arg_sorts: tuple[Sort, ...],
        result: Sort,
        attributes: Attributes,
    ) -> None:
        self.name = name
        self.parameters = parameters
        self.arg_sorts = arg_sorts
        self.result = result
        self.attributes = attributes
        self.instances: dict[tuple[Sort, ...], Symbol] = {}
        self.is_free = True

    def forget_freeness(self) -> None:
        """Take note that a constructor obeys equations, so that two of its applications may be equal."""
        self.is_free = False
        for one in self.instances.values():
            one.set_unfree()

    def instance(self, sort_args: tuple[Sort, ...]) -> Symbol:
        """Return the symbol at the given sort arguments. Raises `PatternError` if there are too few or too many."""
        found = self.instances.get(sort_args)
        if found is not None:
            return found
        if len(sort_args) != len(self.parameters):
            raise PatternError(
                f'Expected {len(self.parameters)} sort arguments of {self.name}, found {len(sort_args)}', [self.name]
            )
        sorts = dict(zip(self.parameters, sort_args, strict=True))
        arg_sorts = tuple(one.substitute(sorts) for one in self.arg_sorts)
        new = Symbol(self.name, sort_args, arg_sorts, self.result.substitute(sorts), self.attributes)
        if not self.is_free:
            new.set_unfree()
        return self.instances.setdefault(sort_args, new)


@final
@dataclass(frozen=True)
class Collection:
    """The algebra of a collection sort. `kind` is `map`, `set` or `list`."""

    kind: str
    sort: Sort
    unit: Symbol
    element: Symbol
    concat: Symbol


@final
class Signature:
    """The sorts, symbols and subsort relation in force in one module."""

    __slots__ = (
        '_by_hook',
        '_cases',
        '_collections',
        '_disjoint',
        '_no_junk',
        '_shared',
        '_subsorts',
        '_supersorts',
        'compiled',
        'sorts',
        'symbols',
    )

    def __init__(
        self,
        sorts: Mapping[str, SortInfo],
        symbols: Mapping[str, Declaration],
        subsorts: Mapping[Sort, frozenset[Sort]],
        overloads: Iterable[tuple[str, str]],
        rewritten: frozenset[str] = frozenset(),
        no_junk: Mapping[Sort, NoJunk | None] | None = None,
    ) -> None:
        """`subsorts` maps a sort to its direct subsorts; `overloads` are pairs of a symbol and one that it overloads.

        `rewritten` names the symbols that have `anywhere` rules, `no_junk` holds what axioms list as all of a sort.
        """
        self.sorts = sorts
        self.symbols = symbols
        self._no_junk = no_junk or {}
        self._cases: dict[Sort, Cases | None] = {}
        # What is compiled from rules over this signature; owned by `compile.py`, `index.py` and `evaluate.py`.
        self.compiled: dict[Any, Any] = {}
        self._subsorts: dict[Sort, frozenset[Sort]] = {}
        self._supersorts: dict[Sort, set[Sort]] = {}
        for top in subsorts:
            found = {top}
            stack = [top]
            while stack:
                for one in subsorts.get(stack.pop(), ()):
                    if one not in found:
                        found.add(one)
                        stack.append(one)
            self._subsorts[top] = frozenset(found)
            for one in found:
                self._supersorts.setdefault(one, set()).add(top)
        self._disjoint: dict[tuple[Sort, Sort], bool] = {}
        self._collections: dict[Sort, Collection | None] = {}
        self._by_hook: dict[str, Symbol] = {}
        for declaration in symbols.values():
            hook = declaration.attributes.hook
            if hook and not declaration.parameters and hook not in self._by_hook:
                self._by_hook[hook] = declaration.instance(())
        # Pairs of sorts that have values in common by overloads alone.
        self._shared = arrange(self, symbols, overloads, rewritten)

    # Sorts ------------------------------------------------------------------------------------------------------

    def check_sort(self, of: Sort) -> None:
        """Raise `PatternError` if `of` is not declared."""
        info = self.sorts.get(of.name)
        if info is None:
            raise PatternError(f'Unknown sort {of.name!r}', [repr(of)])
        if info.arity != len(of.args):
            raise PatternError(f'Expected {info.arity} sort arguments of {of.name}, found {len(of.args)}', [repr(of)])
        for arg in of.args:
            if not arg.is_variable:
                self.check_sort(arg)

    def subsorts(self, of: Sort) -> frozenset[Sort]:
        """Return the sorts below `of`, itself included."""
        return self._subsorts.get(of) or frozenset((of,))

    def supersorts(self, of: Sort) -> frozenset[Sort]:
        """Return the sorts above `of`, itself included."""
        return frozenset(self._supersorts.get(of, ())) | {of}

    def subsort(self, lower: Sort, upper: Sort) -> bool:
        """Whether `lower` is `upper` or below it."""
        return lower is upper or lower in self._subsorts.get(upper, ())

    def common(self, one: Sort, other: Sort) -> bool:
        """Whether the sorts have a common subsort."""
        return not self.subsorts(one).isdisjoint(self.subsorts(other))

    def sorts_disjoint(self, one: Sort, other: Sort) -> bool:
        """Whether no value can have both sorts: they have no common subsort, nor overloads that build the same."""
        key = (one, other)
        found = self._disjoint.get(key)
        if found is None:
            found = self._disjoint[key] = not self.common(one, other) and not any(
                self.subsort(left, one) and self.subsort(right, other) for left, right in self._shared
            )
        return found

    def has_domain_values(self, of: Sort) -> bool:
        """Whether literals of the sort exist."""
        info = self.sorts.get(of.name)
        return info is None or info.has_domain_values

    def cases(self, of: Sort) -> Cases | None:
        """Return what the values of a sort can be; None where that is not certain."""
        if of not in self._cases:
            self._cases[of] = cases_of(self, of, self._no_junk)
        return self._cases[of]

    # Symbols ----------------------------------------------------------------------------------------------------

    def symbol(self, name: str, sort_args: tuple[Sort, ...] = ()) -> Symbol:
        """Return a symbol. Raises `PatternError` if it is not declared or takes other sort arguments."""
        declaration = self.symbols.get(name)
        if declaration is None:
            raise PatternError(f'Unknown symbol {name!r}', [str(name)])
        return declaration.instance(sort_args)

    def hook_symbol(self, hook: str) -> Symbol | None:
        """Return a symbol with the given hook and without sort parameters, or None."""
        return self._by_hook.get(hook)

    def collection(self, of: Sort) -> Collection | None:
        """Return the algebra of a collection sort; None for any other sort."""
        if of in self._collections:
            return self._collections[of]
        found: Collection | None = None
        info = self.sorts.get(of.name)
        if info is not None and info.hook in ('MAP.Map', 'SET.Set', 'LIST.List'):
            kind = info.hook.partition('.')[0]
            parts = {}
            for role in ('unit', 'element', 'concat'):
                name = getattr(info, role) or self._role(of, f'{kind}.{role}')
                if name in self.symbols:
                    parts[role] = self.symbol(name)
            if len(parts) == 3:
                found = Collection(kind.lower(), of, parts['unit'], parts['element'], parts['concat'])
        self._collections[of] = found
        return found

    def _role(self, of: Sort, hook: str) -> str:
        for declaration in self.symbols.values():
            if declaration.attributes.hook == hook and declaration.result is of:
                return declaration.name
        return ''

    # Terms ------------------------------------------------------------------------------------------------------

    def construct(self, symbol: Symbol, args: tuple[Term, ...]) -> Term | Bottom:
        """Return `symbol(args...)`; collections and overloads take their canonical form, nothing else is evaluated."""
        builder = BUILDERS.get(symbol.attributes.hook)
        if builder is not None and self.collection(symbol.result) is not None:
            return builder(symbol, args)
        return app(symbol, args)

    def negation(self, term: Term) -> Term | None:
        """Return a Bool term that is the negation of a defined one, None if the definition has no symbol for it."""
        if term is TRUE:
            return FALSE
        if term is FALSE:
            return TRUE
        if isinstance(term, App):
            hook = term.symbol.attributes.hook
            if hook == 'BOOL.not':
                return term.args[0]
            opposite = self.hook_symbol(_NEGATED_COMPARISONS.get(hook, ''))
            if opposite is not None and opposite.arg_sorts == term.symbol.arg_sorts:
                return app(opposite, term.args)
        negative = self.hook_symbol('BOOL.not')
        return None if negative is None else app(negative, (term,))
