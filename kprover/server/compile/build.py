"""The code that builds instances of terms, and decides conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from ..hooks import EVALUATORS
from ..predicates import Equal, Falsity, Not, Truth, Verity
from ..terms import DV, App, Inj, KList, KMap, KSet, Var

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..predicates import Predicate
    from ..terms import Term
    from .writer import Writer


@final
class BuildWriter:
    """Writes the code that builds instances of terms in normal form; needs `A` (apply), `T` (theory), `C` (condition).

    Local variables are made once per distinct subterm.
    """

    def __init__(self, writer: Writer, bound: Mapping[Var, str]) -> None:
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
        if isinstance(term, DV) or not (term.free or term.fn):
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
        packed = f'({"".join(f"{arg}," for arg in args)})'
        symbol = out.constant(term.symbol)
        name = out.local()
        if not term.symbol.reducible:
            out.emit(f'{name} = app({symbol}, {packed})')
            return name
        evaluator = EVALUATORS.get(term.symbol.attributes.hook)
        if evaluator is None:
            out.emit(f'{name} = A({symbol}, {packed}, C)')
            out.emit(f'if {name} is BOTTOM: raise Undefined')
            return name
        packed_name = out.local()
        out.emit(f'{packed_name} = {packed}')
        # What a hook drops has to have a value, which `apply` accounts for.
        doubtful = [made for arg, made in zip(term.args, args, strict=True) if arg.free or not arg.defined]
        hooked = f'{out.constant(evaluator)}(T, {symbol}, {packed_name})'
        defined = ' and '.join(f'{made}.defined' for made in dict.fromkeys(doubtful))
        out.emit(f'{name} = {hooked} if {defined} else None' if defined else f'{name} = {hooked}')
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


def write_condition(writer: Writer, builder: BuildWriter, predicates: Sequence[Predicate]) -> bool:
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
