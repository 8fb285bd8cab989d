"""Sorts and symbols: the alphabet of the server's terms, as a definition declares it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .terms import Forms, Term

__all__ = [
    'BOOL',
    'BYTES',
    'INT',
    'KITEM',
    'STRING',
    'Attributes',
    'K',
    'Sort',
    'Symbol',
    'sort',
    'sort_var',
]


@final
class Sort:
    """A Kore sort, `name{args...}`. Interned for the life of the process: sorts are few."""

    __slots__ = ('args', 'is_variable', 'name')
    name: str
    args: tuple[Sort, ...]
    is_variable: bool

    _interned: ClassVar[dict[tuple[str, tuple[Sort, ...], bool], Sort]] = {}

    def __repr__(self) -> str:
        return self.name if self.is_variable else f'{self.name}{{{", ".join(map(repr, self.args))}}}'

    def substitute(self, sorts: Mapping[Sort, Sort]) -> Sort:
        """Return this sort with its sort variables replaced."""
        if self.is_variable:
            return sorts.get(self, self)
        if not self.args:
            return self
        return sort(self.name, tuple(arg.substitute(sorts) for arg in self.args))


def _sort(name: str, args: tuple[Sort, ...], is_variable: bool) -> Sort:
    key = (name, args, is_variable)
    found = Sort._interned.get(key)
    if found is not None:
        return found
    new = Sort()
    new.name = name
    new.args = args
    new.is_variable = is_variable
    return Sort._interned.setdefault(key, new)


def sort(name: str, args: tuple[Sort, ...] = ()) -> Sort:
    """Return the sort application `name{args...}`; `name` is the full Kore name, such as `SortInt`."""
    return _sort(name, args, False)


def sort_var(name: str) -> Sort:
    """Return the sort variable `name`, as it stands in declarations and axioms."""
    return _sort(name, (), True)


INT: Final = sort('SortInt')
BOOL: Final = sort('SortBool')
STRING: Final = sort('SortString')
BYTES: Final = sort('SortBytes')
K: Final = sort('SortK')
KITEM: Final = sort('SortKItem')


@final
class Attributes:
    """The attributes of a symbol declaration that the server acts on.

    `hook` is the hook's name or empty; `smtlib`, `smt_hook` are the declared SMT names or empty; `element`, `concat`,
    `unit` name the symbols of a collection sort's algebra where a declaration carries them.
    """

    __slots__ = (
        'anywhere',
        'assoc',
        'comm',
        'concat',
        'constructor',
        'element',
        'function',
        'hook',
        'idem',
        'impure',
        'injective',
        'macro',
        'no_evaluators',
        'overloaded',
        'smt_hook',
        'smtlib',
        'total',
        'unit',
    )

    def __init__(
        self,
        *,
        hook: str = '',
        smtlib: str = '',
        smt_hook: str = '',
        element: str = '',
        concat: str = '',
        unit: str = '',
        function: bool = False,
        total: bool = False,
        constructor: bool = False,
        injective: bool = False,
        assoc: bool = False,
        comm: bool = False,
        idem: bool = False,
        anywhere: bool = False,
        no_evaluators: bool = False,
        macro: bool = False,
        impure: bool = False,
        overloaded: bool = False,
    ) -> None:
        self.hook = hook
        self.smtlib = smtlib
        self.smt_hook = smt_hook
        self.element = element
        self.concat = concat
        self.unit = unit
        self.function = function
        self.total = total
        self.constructor = constructor
        self.injective = injective
        self.assoc = assoc
        self.comm = comm
        self.idem = idem
        self.anywhere = anywhere
        self.no_evaluators = no_evaluators
        self.macro = macro
        self.impure = impure
        self.overloaded = overloaded


_NO_RELATIVES: Final[dict[Symbol, Symbol | None]] = {}


@final
class Symbol:
    """A symbol at given sort arguments. One object per definition, name and sort arguments, so `is` is equality.

    `reducible` says that an application may be rewritten by equations: it is a function, or has `anywhere` rules.
    `total` says that an application to defined arguments is defined: a constructor or a total function. `unstable` says
    that by equations or overloads an application may be another term.

    `overloads` are the constructors that this one overloads, the least first. `relatives` are all that can build a
    value that this one builds too, each with a constructor at least as great as both, None if that is not known; see
    `overloads.py`. `settle` returns for arguments what a lesser constructor builds of them in place of this one, None
    if none certainly can, and else `App.forms`; it is None for a constructor that no other can stand for.
    `family` is the same symbol for all that overloads connect.
    """

    __slots__ = (
        'arg_sorts',
        'attributes',
        'family',
        'name',
        'overloads',
        'reducible',
        'relatives',
        'result',
        'settle',
        'sort_args',
        'total',
        'unstable',
    )

    def __init__(
        self,
        name: str,
        sort_args: tuple[Sort, ...],
        arg_sorts: tuple[Sort, ...],
        result: Sort,
        attributes: Attributes,
    ) -> None:
        self.name = name
        self.sort_args = sort_args
        self.arg_sorts = arg_sorts
        self.result = result
        self.attributes = attributes
        self.reducible = attributes.function or attributes.anywhere
        self.total = attributes.total or not attributes.function
        self.overloads: tuple[Symbol, ...] = ()
        self.relatives: Mapping[Symbol, Symbol | None] = _NO_RELATIVES
        self.settle: Callable[[tuple[Term, ...]], tuple[Term | None, Forms]] | None = None
        self.family = self
        self.unstable = self.reducible

    def set_unfree(self) -> None:
        """Treat a constructor that obeys equations like a function; only while the signature is made."""
        self.reducible = True
        self.unstable = True
        self.overloads = ()
        self.relatives = _NO_RELATIVES
        self.settle = None
        self.family = self

    def set_overloads(
        self, overloads: tuple[Symbol, ...], relatives: Mapping[Symbol, Symbol | None], family: Symbol
    ) -> None:
        """Fix the overloads of a constructor that obeys no other equations; only while the signature is made.

        An overloaded constructor is declared `anywhere` for the sake of its overloads alone.
        """
        self.overloads = overloads
        self.relatives = relatives
        self.family = family
        self.reducible = False

    @property
    def hook(self) -> str:
        """The hook's full name, such as `INT.add`, or the empty string."""
        return self.attributes.hook

    def __repr__(self) -> str:
        return f'{self.name}{{{", ".join(map(repr, self.sort_args))}}}'
