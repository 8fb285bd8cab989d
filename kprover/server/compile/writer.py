"""The source of one generated function, its constants, and what all generated code calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from ..builders import join_lists, join_maps, join_sets, map_of
from ..equalities import constructed
from ..overloads import Unsure, arguments_as, restricted
from ..terms import BOTTOM, DV, FALSE, TRUE, App, Inj, KList, KMap, Term, Var, app, inj, klist, kmap, kset

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..definition import Theory
    from ..symbols import Sort, Symbol
    from ..terms import Bottom


class Undefined(Exception):
    """A term under construction has no value."""


@final
class _Slow:
    __slots__ = ()

    def __repr__(self) -> str:
        return 'SLOW'


SLOW: Final = _Slow()


def _miss(subject: Term) -> Any:
    """The outcome where a constructor or literal was expected and `subject` is another term, of no overload of it."""
    if type(subject) is Inj:
        subject = subject.inner
    kind = type(subject)
    if kind is App:
        return SLOW if subject.symbol.reducible else None  # type: ignore[attr-defined]
    if kind is DV:
        return SLOW if subject.fn else None
    return SLOW if kind is Var else None


def _parts(theory: Theory) -> Callable[[Symbol, Term], Any]:
    """Return what gives the arguments with which an overloading or overloaded constructor builds a term."""

    def parts(symbol: Symbol, subject: Term) -> Any:
        found = constructed(subject)
        if found is None:
            return _miss(subject)
        args = arguments_as(theory, found, symbol)
        return SLOW if isinstance(args, Unsure) else args

    return parts


def _within(theory: Theory) -> Callable[[Sort, Term], Any]:
    """Return what gives the term of a sort that has the value of a term of another."""

    def within(of: Sort, subject: Term) -> Any:
        if constructed(subject) is None:
            return _miss(subject)
        found = restricted(theory, subject, of)
        return SLOW if isinstance(found, Unsure) else found

    return within


def _miss_key(subject: KMap, key: Term) -> Any:
    """The outcome where `subject` has no entry `key`."""
    if subject.rest or key.free or key.fn:
        return SLOW
    for one in subject.index:
        if one.free or one.fn:
            return SLOW
    return None


def _without(subject: KMap, keys: tuple[Term, ...]) -> Term:
    """Return a map without the given entries, all of which it has."""
    entries = dict(subject.index)
    for key in keys:
        del entries[key]
    return map_of(subject.sort, entries, subject.rest)


def _join(of: Sort, kind: str, parts: tuple[Term, ...]) -> Term:
    made: Term | Bottom
    if kind == 'map':
        made = join_maps(of, parts)
    elif kind == 'set':
        made = join_sets(of, parts)
    else:
        made = join_lists(of, parts)
    if made is BOTTOM:
        raise Undefined
    return made  # type: ignore[return-value]


def _slice(of: Sort, segments: tuple[tuple[bool, Term], ...]) -> Term:
    return klist(of, segments)


def base(theory: Theory) -> dict[str, Any]:
    """Return the globals of the generated code of a theory's rules."""
    return {**_BASE, 'T': theory, 'parts': _parts(theory), 'within': _within(theory)}


_BASE: Final[dict[str, Any]] = {
    'App': App,
    'Inj': Inj,
    'DV': DV,
    'KMap': KMap,
    'KList': KList,
    'SLOW': SLOW,
    'Undefined': Undefined,
    'TRUE': TRUE,
    'FALSE': FALSE,
    'BOTTOM': BOTTOM,
    'app': app,
    'inj': inj,
    'kmap': kmap,
    'kset': kset,
    'klist': klist,
    'miss': _miss,
    'miss_key': _miss_key,
    'without': _without,
    'join': _join,
    'slice_of': _slice,
    '__builtins__': {'len': len},
}


@final
class Writer:
    """Collects the lines of one function and the constants it uses."""

    def __init__(self, theory: Theory, namespace: dict[str, Any]) -> None:
        self.theory = theory
        self.namespace = namespace
        self.lines: list[str] = []
        self._names: dict[int, str] = {}
        self._locals = 0

    def constant(self, value: Any) -> str:
        """Return the name of a global that holds `value`."""
        name = self._names.get(id(value))
        if name is None:
            name = f'c{len(self.namespace)}'
            self.namespace[name] = value
            self._names[id(value)] = name
        return name

    def local(self) -> str:
        """Return the name of a new local variable."""
        self._locals += 1
        return f'v{self._locals}'

    def emit(self, line: str) -> None:
        self.lines.append(line)

    def function(self, name: str, parameters: str) -> Callable[..., Any]:
        """Compile what was collected."""
        body = '\n'.join(f' {line}' for line in self.lines) or ' pass'
        code = compile(f'def {name}({parameters}):\n{body}\n', f'<{name}>', 'exec')
        scope = self.namespace
        exec(code, scope)
        made: Callable[..., Any] = scope.pop(name)
        return made
