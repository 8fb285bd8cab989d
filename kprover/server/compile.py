"""Rules and equations compiled to Python.

For each rule a function is generated that matches its left side, one that decides its conditions and one that builds
its right side. The source is made from terms alone: every name in it is a counter, and symbols, sorts and literals are
passed as objects, so that no text of a definition or a request ever becomes code.

Compiled code knows three outcomes: a definite match, a definite mismatch, and `SLOW`: this needs the general matcher.
It agrees with `matching.match` wherever it is definite, and is only a faster way to say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from .builders import join_lists, join_maps, join_sets, map_of
from .equalities import is_rigid, surely_distinct
from .hooks import EVALUATORS
from .predicates import Equal, Falsity, Not, Predicate, Truth, Verity
from .terms import (
    BOTTOM,
    DV,
    FALSE,
    TRUE,
    App,
    Inj,
    KList,
    KMap,
    KSet,
    Sort,
    Term,
    Var,
    app,
    inj,
    klist,
    kmap,
    kset,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .definition import Theory
    from .rules import Equation, RewriteRule
    from .terms import Bottom, Symbol

__all__ = ['SLOW', 'CompiledEquation', 'CompiledRule', 'EquationTable', 'Undefined']


class Undefined(Exception):
    """A term under construction has no value."""


@final
class _Slow:
    __slots__ = ()

    def __repr__(self) -> str:
        return 'SLOW'


SLOW: Final = _Slow()


# Helpers of generated code ----------------------------------------------------------------------------------------


def _miss(subject: Term) -> Any:
    """The outcome where a constructor was expected and `subject` is another term."""
    if is_rigid(subject) or isinstance(subject, (KMap, KSet, KList)):
        return None
    return SLOW


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


_BASE: Final[dict[str, Any]] = {
    'App': App,
    'Inj': Inj,
    'DV': DV,
    'KMap': KMap,
    'KList': KList,
    'SLOW': SLOW,
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
class _Writer:
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


# Matching ---------------------------------------------------------------------------------------------------------


@final
class _MatchWriter:
    """Writes the code that matches patterns; `bound` maps pattern variables to local names.

    With `by_name` function symbols are matched by name; a failure of that is no mismatch.
    """

    def __init__(self, writer: _Writer, by_name: bool) -> None:
        self._out = writer
        self._by_name = by_name
        self.bound: dict[Var, str] = {}
        self._deferred: list[tuple[Term, str]] = []

    def pattern(self, pattern: Term, subject: str) -> None:
        """Match `pattern` against the local `subject`."""
        out = self._out
        if isinstance(pattern, Var):
            known = self.bound.get(pattern)
            if known is None:
                self.bound[pattern] = subject
            else:
                out.emit(f'if {subject} is not {known}: return SLOW')
        elif isinstance(pattern, DV):
            out.emit(f'if {subject} is not {out.constant(pattern)}: return miss({subject})')
        elif isinstance(pattern, App) and (self._by_name or not pattern.symbol.reducible):
            symbol = out.constant(pattern.symbol)
            failure = 'SLOW' if pattern.symbol.unstable else f'miss({subject})'
            out.emit(f'if {subject}.__class__ is not App or {subject}.symbol is not {symbol}: return {failure}')
            if pattern.args:
                names = [out.local() for _ in pattern.args]
                out.emit(f'{", ".join(names)}{"," if len(names) == 1 else ""} = {subject}.args')
                for one, name in zip(pattern.args, names, strict=True):
                    self.pattern(one, name)
        elif isinstance(pattern, Inj):
            self._injection(pattern, subject)
        else:
            self._deferred.append((pattern, subject))

    def _injection(self, pattern: Inj, subject: str) -> None:
        out = self._out
        inner = pattern.inner
        part = out.local()
        out.emit(f'if {subject}.__class__ is not Inj: return miss({subject})')
        out.emit(f'{part} = {subject}.inner')
        if isinstance(inner, DV) or (isinstance(inner, App) and not inner.symbol.reducible):
            self.pattern(inner, part)
            return
        name = out.local()
        of = out.constant(inner.sort)
        below = out.constant(self._out.theory.subsorts(inner.sort))
        out.emit(f'if {part}.sort is {of}: {name} = {part}')
        out.emit(f'elif {part}.sort in {below}: {name} = inj({of}, {part})')
        out.emit(f'else: return miss({part})')
        self.pattern(inner, name)

    def finish(self) -> None:
        """Match what had to wait until variables were bound."""
        progress = True
        while self._deferred and progress:
            progress = False
            for index, (pattern, subject) in enumerate(self._deferred):
                if self._ready(pattern):
                    del self._deferred[index]
                    self._collection(pattern, subject)
                    progress = True
                    break
        if self._deferred:
            self._out.emit('return SLOW')
            # The code after is never reached; the variables still need names.
            for pattern, subject in self._deferred:
                for one in pattern.free:
                    self.bound.setdefault(one, subject)

    def _ready(self, pattern: Term) -> bool:
        """Whether the keys of a map pattern are bound; other collections are always ready."""
        if isinstance(pattern, KMap):
            return all(one in self.bound for key in pattern.index for one in key.free) and all(
                not key.fn for key in pattern.index
            )
        return isinstance(pattern, (KSet, KList))

    def _collection(self, pattern: Term, subject: str) -> None:
        if isinstance(pattern, KMap):
            self._map(pattern, subject)
        elif isinstance(pattern, KList):
            self._list(pattern, subject)
        else:
            self._give_up(pattern, subject)

    def _give_up(self, pattern: Term, subject: str) -> None:
        self._out.emit('return SLOW')
        for one in pattern.free:
            self.bound.setdefault(one, subject)

    def _unbound_rest(self, rest: tuple[Term, ...]) -> bool:
        return not rest or (len(rest) == 1 and isinstance(rest[0], Var) and rest[0] not in self.bound)

    def _map(self, pattern: KMap, subject: str) -> None:
        out = self._out
        if not self._unbound_rest(pattern.rest):
            self._give_up(pattern, subject)
            return
        out.emit(f'if {subject}.__class__ is not KMap: return SLOW')
        keys = []
        values = []
        builder = _BuildWriter(out, self.bound)
        for key, value in pattern.entries:
            name = builder.term(key)
            found = out.local()
            out.emit(f'{found} = {subject}.index.get({name})')
            out.emit(f'if {found} is None: return miss_key({subject}, {name})')
            keys.append(name)
            values.append((value, found))
        for position, one in enumerate(keys):
            for other in keys[:position]:
                out.emit(f'if {one} is {other}: return None')
        for value, found in values:
            self.pattern(value, found)
        if pattern.rest:
            name = out.local()
            out.emit(f'{name} = without({subject}, ({"".join(f"{key}," for key in keys)}))')
            self.bound[pattern.rest[0]] = name  # type: ignore[index]
        else:
            out.emit(f'if len({subject}.index) != {len(keys)}: return None')
            out.emit(f'if {subject}.rest: return SLOW')

    def _list(self, pattern: KList, subject: str) -> None:
        out = self._out
        opaque = [index for index, (is_item, _) in enumerate(pattern.segments) if not is_item]
        if len(opaque) > 1 or (opaque and not self._unbound_rest((pattern.segments[opaque[0]][1],))):
            self._give_up(pattern, subject)
            return
        count = len(pattern.segments)
        before = opaque[0] if opaque else count
        after = count - before - 1 if opaque else 0
        out.emit(f'if {subject}.__class__ is not KList or not {subject}.known: return SLOW')
        segments, length = out.local(), out.local()
        out.emit(f'{segments} = {subject}.segments')
        out.emit(f'{length} = len({segments})')
        out.emit(f'if {length} {"<" if opaque else "!="} {before + after}: return None')
        for index in range(before):
            name = out.local()
            out.emit(f'{name} = {segments}[{index}][1]')
            self.pattern(pattern.segments[index][1], name)
        for index in range(1, after + 1):
            name = out.local()
            out.emit(f'{name} = {segments}[-{index}][1]')
            self.pattern(pattern.segments[-index][1], name)
        if opaque:
            name = out.local()
            of = out.constant(pattern.sort)
            out.emit(f'{name} = slice_of({of}, {segments}[{before}:{length} - {after}])')
            self.bound[pattern.segments[before][1]] = name  # type: ignore[index]


# Construction -----------------------------------------------------------------------------------------------------


@final
class _BuildWriter:
    """Writes the code that builds instances of terms in normal form; needs `A` (apply), `T` (theory), `C` (condition).

    Local variables are made once per distinct subterm.
    """

    def __init__(self, writer: _Writer, bound: Mapping[Var, str]) -> None:
        self._out = writer
        self._made: dict[Term, str] = dict(bound)  # type: ignore[arg-type]

    def aliases(self, bindings: Sequence[tuple[Var, Term]]) -> None:
        """Emit what builds the values of a rule's aliases, each of which may use those before it."""
        for variable, term in bindings:
            self._made[variable] = self.term(term)

    def term(self, term: Term) -> str:
        """Emit what builds `term` and return the name of the result."""
        found = self._made.get(term)
        if found is not None:
            return found
        out = self._out
        if not term.free and not term.fn:
            name = out.constant(term)
        elif isinstance(term, App):
            name = self._application(term)
        elif isinstance(term, Inj):
            inner = self.term(term.inner)
            name = out.local()
            out.emit(f'{name} = inj({out.constant(term.sort)}, {inner})')
        elif isinstance(term, Var):
            raise KeyError(term)
        else:
            name = self._collection(term)
        self._made[term] = name
        return name

    def _application(self, term: App) -> str:
        out = self._out
        args = [self.term(arg) for arg in term.args]
        if term.symbol.reducible:
            for arg, made in zip(term.args, args, strict=True):
                # A function may drop what has no value: only the general way can tell whether that matters.
                if not isinstance(arg, Var) and arg.free and not _values_only(arg):
                    out.emit(f'if not {made}.defined: raise Undefined')
        packed = f'({"".join(f"{arg}," for arg in args)})'
        symbol = out.constant(term.symbol)
        name = out.local()
        if not term.symbol.unstable:
            out.emit(f'{name} = app({symbol}, {packed})')
            return name
        evaluator = EVALUATORS.get(term.symbol.attributes.hook)
        if evaluator is None:
            out.emit(f'{name} = A({symbol}, {packed}, C)')
            out.emit(f'if {name} is BOTTOM: raise Undefined')
            return name
        packed_name = out.local()
        out.emit(f'{packed_name} = {packed}')
        out.emit(f'{name} = {out.constant(evaluator)}(T, {symbol}, {packed_name})')
        out.emit(f'if {name} is BOTTOM: raise Undefined')
        out.emit(f'if {name} is None or {name}.fn:')
        out.emit(f'  {name} = A({symbol}, {packed_name}, C)')
        out.emit(f'  if {name} is BOTTOM: raise Undefined')
        return name

    def _collection(self, term: Term) -> str:
        out = self._out
        of = out.constant(term.sort)
        parts: list[str] = []
        if isinstance(term, KMap):
            kind = 'map'
            for key, value in term.entries:
                parts.append(f'kmap({of}, {{{self.term(key)}: {self.term(value)}}})')
            parts.extend(self.term(one) for one in term.rest)
        elif isinstance(term, KSet):
            kind = 'set'
            parts.extend(f'kset({of}, ({self.term(one)},))' for one in term.elements)
            parts.extend(self.term(one) for one in term.rest)
        else:
            assert isinstance(term, KList)
            kind = 'list'
            for is_item, one in term.segments:
                made = self.term(one)
                parts.append(f'klist({of}, ((True, {made}),))' if is_item else made)
        name = out.local()
        out.emit(f"{name} = join({of}, '{kind}', ({''.join(f'{part},' for part in parts)}))")
        return name


def _values_only(term: Term) -> bool:
    """Whether an instance of `term` has a value if those of its variables have: it is built of constructors alone."""
    if isinstance(term, App):
        return not term.symbol.reducible and all(_values_only(arg) for arg in term.args)
    if isinstance(term, Inj):
        return _values_only(term.inner)
    return isinstance(term, (Var, DV))


def _write_condition(writer: _Writer, builder: _BuildWriter, predicates: Sequence[Predicate]) -> bool:
    """Emit what decides a conjunction: returns False if one fails, None if that is not certain. False if
    unsupported."""
    for predicate in predicates:
        if isinstance(predicate, Truth):
            name = builder.term(predicate.term)
            writer.emit(f'if {name} is not TRUE:')
            writer.emit(f'  if {name} is FALSE: return False')
            writer.emit('  unsure = True')
        elif isinstance(predicate, Not) and isinstance(predicate.arg, Truth):
            name = builder.term(predicate.arg.term)
            writer.emit(f'if {name} is not FALSE:')
            writer.emit(f'  if {name} is TRUE: return False')
            writer.emit('  unsure = True')
        elif isinstance(predicate, Equal):
            left, right = builder.term(predicate.left), builder.term(predicate.right)
            writer.emit(f'if {left} is not {right}:')
            writer.emit(f'  if distinct({left}, {right}): return False')
            writer.emit('  unsure = True')
        elif isinstance(predicate, Not) and isinstance(predicate.arg, Equal):
            left, right = builder.term(predicate.arg.left), builder.term(predicate.arg.right)
            writer.emit(f'if {left} is {right}: return False')
            writer.emit(f'if not distinct({left}, {right}): unsure = True')
        elif isinstance(predicate, Falsity):
            writer.emit('return False')
        elif not isinstance(predicate, Verity):
            return False
    return True


@final
class _Code:
    """The three functions of a rule: `match(subject...)`, `holds(values, A, C)`, `build(values, A, C)`.

    `match` returns a tuple of values for `variables`, None, or `SLOW`. `holds` returns True, False, or None where it is
    not certain; `build` returns the right side in normal form; both may raise `Undefined`.
    """

    __slots__ = ('build', 'holds', 'match', 'variables')

    def __init__(
        self,
        theory: Theory,
        patterns: Sequence[Term],
        bindings: Sequence[tuple[Var, Term]],
        requires: Sequence[Predicate],
        rhs: Term,
        has_holes: bool,
        by_name: bool = False,
    ) -> None:
        signature = theory.signature

        def distinct(one: Term, other: Term) -> bool:
            return one.defined and other.defined and surely_distinct(signature, one, other)

        namespace = {**_BASE, 'T': theory, 'Undefined': Undefined, 'distinct': distinct}
        writer = _Writer(theory, namespace)
        matching = _MatchWriter(writer, by_name)
        subjects = [writer.local() for _ in patterns]
        for pattern, subject in zip(patterns, subjects, strict=True):
            matching.pattern(pattern, subject)
        matching.finish()
        self.variables = tuple(matching.bound)
        writer.emit(f'return ({"".join(f"{name}," for name in matching.bound.values())})')
        self.match = writer.function('match', ', '.join(subjects))

        names = [f'p{index}' for index in range(len(self.variables))]
        bound = dict(zip(self.variables, names, strict=True))
        unpack = f'{"".join(f"{name}," for name in names)} = values' if names else 'pass'

        writer = _Writer(theory, namespace)
        writer.emit(unpack)
        writer.emit('unsure = False')
        builder = _BuildWriter(writer, bound)
        builder.aliases(bindings)
        supported = _write_condition(writer, builder, requires)
        writer.emit('return None if unsure else True' if supported else 'return None')
        self.holds = writer.function('holds', 'values, A, C')

        self.build: Callable[..., Any] | None = None
        if not has_holes:
            writer = _Writer(theory, namespace)
            writer.emit(unpack)
            builder = _BuildWriter(writer, bound)
            builder.aliases(bindings)
            writer.emit(f'return {builder.term(rhs)}')
            self.build = writer.function('build', 'values, A, C')


@final
class CompiledRule:
    """A rewrite rule with its code, which is made when the rule is first a candidate.

    `code.build` is None for a rule whose right side needs more than its match: existential variables, or `ensures`.
    """

    __slots__ = ('_code', '_theory', 'rule')

    def __init__(self, theory: Theory, rule: RewriteRule) -> None:
        self.rule = rule
        self._theory = theory
        self._code: _Code | None = None

    @property
    def code(self) -> _Code:
        """The rule's code."""
        if self._code is None:
            rule = self.rule
            holes = rule.is_open or bool(rule.existentials) or bool(rule.ensures)
            requires = () if rule.is_open else rule.requires
            self._code = _Code(self._theory, (rule.lhs,), rule.bindings, requires, rule.rhs, holes)
        return self._code


@final
class CompiledEquation:
    """An equation with its code, which is made when the equation is first a candidate."""

    __slots__ = ('_code', '_theory', 'equation')

    def __init__(self, theory: Theory, equation: Equation) -> None:
        self.equation = equation
        self._theory = theory
        self._code: _Code | None = None

    @property
    def code(self) -> _Code:
        """The equation's code."""
        if self._code is None:
            one = self.equation
            holes = bool(one.ensures)
            # Where a function's own equation has functions on its left, only the general matcher can refuse it.
            by_name = one.is_simplification
            self._code = _Code(self._theory, one.lhs.args, one.bindings, one.requires, one.rhs, holes, by_name)
        return self._code


@final
class EquationTable:
    """The equations of each symbol, with their code."""

    __slots__ = ('_equations',)

    def __init__(self, theory: Theory, equations: Mapping[str, tuple[Equation, ...]]) -> None:
        self._equations = {
            name: tuple(CompiledEquation(theory, one) for one in group) for name, group in equations.items()
        }

    def candidates(self, symbol: Symbol) -> Sequence[CompiledEquation]:
        """Return the equations of a symbol, in order of priority."""
        return self._equations.get(symbol.name, ())
