"""When the application of a hooked symbol has a value, where the hook alone decides it.

`condition` gives predicates over the arguments that are equivalent to there being a value, given that the arguments
have theirs. None says that they are not known, or cannot be said with the operations that the definition declares:
that K leaves the border open, as for a base that is not from 2 to 36. The hooks agree: they answer `BOTTOM` where a
condition here is false and the arguments are known, and where they have a value it is true. What stands for certain in
a collection with unknown parts is counted, so that nothing is left to be shown of what the hook decides by it.

Where the table has nothing to say, evaluation may: of arguments without variables, or that there is no value.

| hook | has a value if and only if |
| --- | --- |
| `INT.tdiv`, `tmod`, `ediv`, `emod` | the divisor is not 0 |
| `INT.pow` | 0 <= exponent |
| `INT.powmod` | the modulus is not 0; for an exponent that is known not to be negative |
| `INT.log2` | 0 < number |
| `INT.shl`, `shr` | known for a count that is known not to be negative: it has one |
| `INT.bitRange`, `signExtendBitRange` | known for a start and length that are known not to be negative: it has one |
| `MAP.lookup` | the key is in the map |
| `MAP.choice`, `SET.choice` | the collection is not empty |
| `LIST.get` | - size <= index < size |
| `LIST.update` | 0 <= index < size |
| `LIST.range` | 0 <= front, 0 <= back, front + back <= size |
| `LIST.updateAll` | 0 <= index, index + items <= size; for other items that are not empty |
| `LIST.fill` | 0 < index, index + length <= size; for a known length above 0 and a known index above 0 |
| `LIST.make` | 0 <= length |
| `STRING.ord` | the length is 1 |
| `STRING.find`, `rfind`, `findChar`, `rfindChar` | known for a position that is known not to be negative: it has one |
| `STRING.replace` | known for a count that is known not to be negative: it has one |
| `STRING.base2string` | known for a base from 2 to 36: it has one |
| `BYTES.get` | 0 <= index < length |
| `BYTES.update` | 0 <= index < length; for a value that is known to be a byte |
| `BYTES.substr` | 0 <= start <= end <= length |
| `BYTES.int2bytes` | known for a length that is known not to be negative: it has one |
| `BYTES.padLeft`, `padRight` | known for a length and a value that are known to fit: it has one |
| those of `ALWAYS` | always, also where the symbol is declared partial |
| `STRING.chr`, `substr`, `string2int`, `string2base`, `BYTES.replaceAt`, `memset`, `string2bytes`, `decodeBytes`, \
`encodeBytes`, and hooks that are not evaluated | not known |

A symbol that is declared total always has a value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, final

from ..predicates import P_BOTTOM, P_TOP, Falsity, Truth, Verity, conjuncts, equal, negate
from ..symbols import INT
from ..terms import BOTTOM, DV, FALSE, TRUE, KList, KMap, KSet, Term, app, dv
from . import ALWAYS, EVALUATORS

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..predicates import Predicate
    from ..symbols import Symbol
    from .context import HookContext

    _Conditions: TypeAlias = tuple[Predicate, ...] | None
    _Rule: TypeAlias = 'Callable[[_Words, tuple[Term, ...]], _Conditions]'

__all__ = ['condition']


class _Inexpressible(Exception):
    """The definition has no symbol for an operation that a condition needs."""


@final
@dataclass(frozen=True)
class _Sum:
    """A known number, plus terms of sort Int; `sizes` says that none of the terms is negative."""

    known: int
    terms: tuple[Term, ...] = ()
    sizes: bool = True

    def __add__(self, other: _Sum) -> _Sum:
        return _Sum(self.known + other.known, self.terms + other.terms, self.sizes and other.sizes)


@final
class _Words:
    """Writes conditions with the symbols of a definition. What literals and known parts decide is decided."""

    def __init__(self, definition: HookContext) -> None:
        self._definition = definition

    def apply(self, hook: str, *args: Term) -> Term:
        """Return the application of an operation that is total. Raises `_Inexpressible`."""
        symbol = self._definition.hook_symbol(hook)
        if symbol is None or symbol.arg_sorts != tuple(arg.sort for arg in args):
            raise _Inexpressible(hook)
        made = EVALUATORS[hook](self._definition, symbol, args)
        return made if isinstance(made, Term) else app(symbol, args)

    def truth(self, term: Term) -> Predicate:
        """Return the predicate that `term` is true, decided if it is a literal."""
        return P_TOP if term is TRUE else P_BOTTOM if term is FALSE else Truth(term)

    def number(self, term: Term) -> _Sum:
        """Return an integer as a sum."""
        value = _literal(term)
        return _Sum(0, (term,), False) if value is None else _Sum(value)

    def size(self, of: Term) -> _Sum:
        """Return the number of items of a list: the known ones, and the sizes of its opaque parts."""
        segments = of.segments if isinstance(of, KList) else ((False, of),)
        sizes = tuple(self.apply('LIST.size', part) for is_item, part in segments if not is_item)
        return _Sum(sum(is_item for is_item, _ in segments), sizes)

    def length(self, of: Term) -> _Sum:
        """Return the number of bytes."""
        length = self.apply('BYTES.length', of)
        value = _literal(length)
        return _Sum(0, (length,)) if value is None else _Sum(value)

    def at_most(self, low: _Sum, high: _Sum) -> Predicate:
        """Return the predicate that one number is at most another."""
        if not low.terms and high.sizes and low.known <= high.known:
            return P_TOP
        if not high.terms and low.sizes and low.known > high.known:
            return P_BOTTOM
        # Written with the known numbers on one side, where literals are put together.
        known = min(low.known, high.known) if low.terms and high.terms else low.known if low.terms else high.known
        left, right = (self._term(_Sum(one.known - known, one.terms)) for one in (low, high))
        return self.truth(self.apply('INT.le', left, right))

    def less(self, low: _Sum, high: _Sum) -> Predicate:
        """Return the predicate that one number is less than another."""
        return self.at_most(low + _Sum(1), high)

    def _term(self, of: _Sum) -> Term:
        """Return a sum as a term."""
        term: Term = dv(INT, of.known)
        for one in of.terms:
            term = self.apply('INT.add', term, one)
        return term


def condition(symbol: Symbol, args: tuple[Term, ...], signature: HookContext) -> tuple[Predicate, ...] | None:
    """Return predicates that together are equivalent to `symbol(args...)` having a value, given that `args` have.

    None if that is not known. Of literals only what is false is left: `(P_BOTTOM,)` if the application has no value.
    """
    hook = symbol.attributes.hook
    if symbol.total or hook in ALWAYS:
        return ()
    rule = _CONDITIONS.get(hook)
    try:
        made = None if rule is None else rule(_Words(signature), args)
    except _Inexpressible:
        made = None
    if made is None:
        return _evaluated(symbol, args, signature)
    found = {part: None for one in made for part in conjuncts(one) if not isinstance(part, Verity)}
    return (P_BOTTOM,) if any(isinstance(one, Falsity) for one in found) else tuple(found)


def _evaluated(symbol: Symbol, args: tuple[Term, ...], signature: HookContext) -> _Conditions:
    """Return what evaluation tells: there is no value, or there is one of these very arguments."""
    evaluate = EVALUATORS.get(symbol.attributes.hook)
    made = None if evaluate is None else evaluate(signature, symbol, args)
    if made is BOTTOM:
        return (P_BOTTOM,)
    return () if made is not None and not any(arg.free or arg.fn for arg in args) else None


def _literal(term: Term) -> int | None:
    return term.value if type(term) is DV and term.sort is INT else None


def _natural(*terms: Term) -> bool:
    """Whether all terms are literals that are not negative."""
    values = [_literal(term) for term in terms]
    return all(value is not None and value >= 0 for value in values)


def _division(words: _Words, args: tuple[Term, ...]) -> _Conditions:
    return (negate(equal(args[1], dv(INT, 0))),)


def _not_negative(position: int) -> _Rule:
    return lambda words, args: (words.at_most(_Sum(0), words.number(args[position])),)


def _known_natural(*positions: int) -> _Rule:
    """The hook has a value if the arguments are natural numbers; else it is not known."""
    return lambda words, args: () if _natural(*(args[one] for one in positions)) else None


def _powmod(words: _Words, args: tuple[Term, ...]) -> _Conditions:
    return (negate(equal(args[2], dv(INT, 0))),) if _natural(args[1]) else None


def _log2(words: _Words, args: tuple[Term, ...]) -> _Conditions:
    return (words.less(_Sum(0), words.number(args[0])),)


def _lookup(words: _Words, args: tuple[Term, ...]) -> _Conditions:
    return (words.truth(words.apply('MAP.in_keys', args[1], args[0])),)


def _choice(size: str) -> _Rule:
    def rule(words: _Words, args: tuple[Term, ...]) -> _Conditions:
        (of,) = args
        if (isinstance(of, KMap) and of.entries) or (isinstance(of, KSet) and of.elements):
            return ()
        if isinstance(of, (KMap, KSet)) and not of.rest:
            return (P_BOTTOM,)
        return (words.less(_Sum(0), words.number(words.apply(size, of))),)

    return rule


def _get(words: _Words, args: tuple[Term, ...]) -> _Conditions:
    size, index = words.size(args[0]), words.number(args[1])
    return words.at_most(_Sum(0), index + size), words.less(index, size)


def _update(words: _Words, args: tuple[Term, ...]) -> _Conditions:
    index = words.number(args[1])
    return words.at_most(_Sum(0), index), words.less(index, words.size(args[0]))


def _range(words: _Words, args: tuple[Term, ...]) -> _Conditions:
    size, front, back = words.size(args[0]), words.number(args[1]), words.number(args[2])
    return words.at_most(_Sum(0), front), words.at_most(_Sum(0), back), words.at_most(front + back, size)


def _update_all(words: _Words, args: tuple[Term, ...]) -> _Conditions:
    of, index, items = words.size(args[0]), words.number(args[1]), words.size(args[2])
    if not items.known:
        return None
    return words.at_most(_Sum(0), index), words.at_most(index + items, of)


def _fill(words: _Words, args: tuple[Term, ...]) -> _Conditions:
    index, length = _literal(args[1]) or 0, _literal(args[2]) or 0
    if index <= 0 or length <= 0:
        return None
    return (words.at_most(_Sum(index + length), words.size(args[0])),)


def _ord(words: _Words, args: tuple[Term, ...]) -> _Conditions:
    return (equal(words.apply('STRING.length', args[0]), dv(INT, 1)),)


def _base2string(words: _Words, args: tuple[Term, ...]) -> _Conditions:
    base = _literal(args[1])
    return () if base is not None and 2 <= base <= 36 else None


def _byte_at(words: _Words, args: tuple[Term, ...]) -> _Conditions:
    index = words.number(args[1])
    return words.at_most(_Sum(0), index), words.less(index, words.length(args[0]))


def _byte_update(words: _Words, args: tuple[Term, ...]) -> _Conditions:
    return _byte_at(words, args) if _is_byte(args[2]) else None


def _substr(words: _Words, args: tuple[Term, ...]) -> _Conditions:
    length, start, end = words.length(args[0]), words.number(args[1]), words.number(args[2])
    return words.at_most(_Sum(0), start), words.at_most(start, end), words.at_most(end, length)


def _pad(words: _Words, args: tuple[Term, ...]) -> _Conditions:
    return () if _natural(args[1]) and _is_byte(args[2]) else None


def _is_byte(term: Term) -> bool:
    value = _literal(term)
    return value is not None and 0 <= value < 256


_CONDITIONS: Final[dict[str, _Rule]] = {
    'INT.tdiv': _division,
    'INT.tmod': _division,
    'INT.ediv': _division,
    'INT.emod': _division,
    'INT.pow': _not_negative(1),
    'INT.powmod': _powmod,
    'INT.log2': _log2,
    'INT.shl': _known_natural(1),
    'INT.shr': _known_natural(1),
    'INT.bitRange': _known_natural(1, 2),
    'INT.signExtendBitRange': _known_natural(1, 2),
    'MAP.lookup': _lookup,
    'MAP.choice': _choice('MAP.size'),
    'SET.choice': _choice('SET.size'),
    'LIST.get': _get,
    'LIST.update': _update,
    'LIST.range': _range,
    'LIST.updateAll': _update_all,
    'LIST.fill': _fill,
    'LIST.make': _not_negative(0),
    'STRING.ord': _ord,
    'STRING.find': _known_natural(2),
    'STRING.rfind': _known_natural(2),
    'STRING.findChar': _known_natural(2),
    'STRING.rfindChar': _known_natural(2),
    'STRING.replace': _known_natural(3),
    'STRING.base2string': _base2string,
    'BYTES.get': _byte_at,
    'BYTES.update': _byte_update,
    'BYTES.substr': _substr,
    'BYTES.int2bytes': _known_natural(0),
    'BYTES.padLeft': _pad,
    'BYTES.padRight': _pad,
}
