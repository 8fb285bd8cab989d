"""The code that matches the left side of a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from ..terms import DV, App, Inj, KList, KMap, KSet, Var, subterms
from .build import BuildWriter

if TYPE_CHECKING:
    from ..terms import Term
    from .writer import Writer


@final
class MatchWriter:
    """Writes the code that matches patterns; `bound` maps pattern variables to local names.

    With `by_name` function symbols are matched by name; a failure of that is no mismatch.
    """

    def __init__(self, writer: Writer, by_name: bool) -> None:
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
            self._application(pattern, subject)
        elif isinstance(pattern, Inj):
            self._injection(pattern, subject)
        else:
            self._deferred.append((pattern, subject))

    def _application(self, pattern: App, subject: str) -> None:
        out = self._out
        symbol = out.constant(pattern.symbol)
        args = f'{subject}.args'
        if pattern.symbol.relatives:
            args = out.local()
            out.emit(f'{args} = parts({symbol}, {subject})')
            out.emit(f'if {args} is None or {args} is SLOW: return {args}')
        else:
            failure = 'SLOW' if pattern.symbol.reducible else f'miss({subject})'
            out.emit(f'if {subject}.__class__ is not App or {subject}.symbol is not {symbol}: return {failure}')
        if pattern.args:
            names = [out.local() for _ in pattern.args]
            out.emit(f'{", ".join(names)}{"," if len(names) == 1 else ""} = {args}')
            for one, name in zip(pattern.args, names, strict=True):
                self.pattern(one, name)

    def _injection(self, pattern: Inj, subject: str) -> None:
        out = self._out
        inner = pattern.inner
        if isinstance(inner, App) and inner.symbol.relatives:
            self.pattern(inner, subject)
            return
        part, name = out.local(), out.local()
        if isinstance(inner, DV) or (isinstance(inner, App) and not inner.symbol.reducible):
            out.emit(f'if {subject}.__class__ is not Inj: return miss({subject})')
            out.emit(f'{part} = {subject}.inner')
            self.pattern(inner, part)
            return
        of = out.constant(inner.sort)
        below = out.constant(self._out.theory.subsorts(inner.sort))
        out.emit(f'{part} = {subject}.inner if {subject}.__class__ is Inj else {subject}')
        out.emit(f'if {part}.sort is {of}: {name} = {part}')
        out.emit(f'elif {part}.sort in {below}: {name} = inj({of}, {part})')
        out.emit('else:')
        out.emit(f'  {name} = within({of}, {part})')
        out.emit(f'  if {name} is None or {name} is SLOW: return {name}')
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
        if not self._unbound_rest(pattern.rest) or any(map(_joins, pattern.index)):
            self._give_up(pattern, subject)
            return
        out.emit(f'if {subject}.__class__ is not KMap: return SLOW')
        keys = []
        values = []
        builder = BuildWriter(out, self.bound)
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
            # A variable that a value has bound meanwhile is compared.
            self.pattern(pattern.rest[0], name)
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
            # A variable that an item has bound meanwhile is compared.
            self.pattern(pattern.segments[before][1], name)


def _joins(key: Term) -> bool:
    """Whether an instance of a key may have no value, for want of one of a collection in it."""
    return any(isinstance(one, (KMap, KSet)) and one.free for one in subterms(key))
