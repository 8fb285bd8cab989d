"""From Kore to K terms in one walk, with the result of pyk's `kore_to_kast`.

Terms are remembered by the identity of their patterns, so that patterns which share subpatterns become terms which
share subterms. The walk has its own stack; what is not certain raises `Unsupported`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyk.kast.inner import KApply, KLabel, KSequence, KToken, KVariable
from pyk.kast.prelude.ml import mlAnd, mlBottom, mlCeil, mlEquals, mlExists, mlImplies, mlNot, mlOr, mlTop
from pyk.konvert._utils import unmunge
from pyk.kore.prelude import LBL_ITE
from pyk.kore.syntax import (
    DV,
    And,
    App,
    Bottom,
    Ceil,
    Equals,
    EVar,
    Exists,
    Implies,
    Not,
    Or,
    SortApp,
    Top,
)

from .signatures import Unsupported
from .tokens import bytes_token, string_token

if TYPE_CHECKING:
    from typing import Final

    from pyk.kast.inner import KInner
    from pyk.kore.syntax import Pattern

    from .signatures import Signatures

_CACHED_TERMS: Final = 100_000
_CACHED_VARIABLES: Final = 20_000
_PAIRS: Final = frozenset(('kseq', 'append'))


class ToKast:
    """Converts the patterns of one definition. Terms of subpatterns are remembered until `forget`."""

    def __init__(self, signatures: Signatures):
        self._signatures = signatures
        self._known: dict[int, tuple[Pattern, KInner]] = {}
        self._variables: dict[tuple[str, str], KVariable] = {}

    def forget(self) -> None:
        self._known.clear()

    def convert(self, root: Pattern) -> KInner:
        """The term of a pattern. Raises `Unsupported`."""
        known = self._known
        if len(known) > _CACHED_TERMS:
            self.forget()
        order: list[tuple[Pattern, int, KInner | None]] = []
        stack = [root]
        while stack:
            pattern = stack.pop()
            found = known.get(id(pattern))
            if found is not None:
                order.append((pattern, 0, found[1]))
                continue
            parts: tuple[Pattern, ...] | list[Pattern]
            if type(pattern) is App:
                parts = pattern.args if pattern.symbol not in _PAIRS else _sequence_parts(pattern)
            elif type(pattern) is DV or type(pattern) is EVar:
                parts = ()
            elif type(pattern) in _CONNECTIVES:
                parts = pattern.patterns
            else:
                raise Unsupported(f'a pattern of the kind {type(pattern).__name__}')
            order.append((pattern, len(parts), None))
            stack.extend(parts)
        done: list[KInner] = []
        for pattern, count, term in reversed(order):
            if term is None:
                if count:
                    terms = done[len(done) - count :]
                    del done[len(done) - count :]
                else:
                    terms = []
                if type(pattern) is App:
                    term = self._application(pattern, terms)
                elif type(pattern) is DV:
                    term = self._token(pattern)
                elif type(pattern) is EVar:
                    term = self._variable(pattern)
                else:
                    term = self._connective(pattern, terms)
                known[id(pattern)] = (pattern, term)
            done.append(term)
        (term,) = done
        return term

    def _application(self, pattern: App, terms: list[KInner]) -> KInner:
        symbol, sorts = pattern.symbol, pattern.sorts
        if symbol == 'inj':
            if len(sorts) != 2 or len(terms) != 1:
                raise Unsupported('an injection of another form')
            return terms[0]
        if not sorts:
            if symbol == 'dotk':
                if terms:
                    raise Unsupported('an empty sequence with arguments')
                return KSequence(())
            if symbol in _PAIRS:
                return KSequence(terms)
            label = self._signatures.label(symbol)
        elif symbol == LBL_ITE.value and len(sorts) == 1:
            label = KLabel(self._signatures.label(symbol).name, (self._signatures.ksort(sorts[0]),))
        else:
            raise Unsupported(f'a symbol with sort parameters: {symbol}')
        cell = self._signatures.wrappers.get(label.name)
        if cell is not None and len(terms) == 2:
            wrapped = terms[1]
            if type(wrapped) is KApply and wrapped.label.name == cell:
                return wrapped
        return KApply(label, tuple(terms))

    def _token(self, pattern: DV) -> KToken:
        sort = pattern.sort
        value = pattern.value.value
        if type(sort) is SortApp and not sort.sorts:
            if sort.name == 'SortString':
                return string_token(value)
            if sort.name == 'SortBytes':
                return bytes_token(value)
        return KToken(value, self._signatures.ksort(sort))

    def _variable(self, pattern: EVar) -> KVariable:
        sort = self._signatures.ksort(pattern.sort)
        key = (pattern.name, sort.name)
        known = self._variables.get(key)
        if known is None:
            if len(self._variables) >= _CACHED_VARIABLES:
                self._variables.clear()
            known = self._variables[key] = KVariable(unmunge(pattern.name[3:]), sort)
        return known

    def _connective(self, pattern: Pattern, terms: list[KInner]) -> KInner:
        ksort = self._signatures.ksort
        if isinstance(pattern, And):
            return mlAnd(terms, sort=ksort(pattern.sort))
        if isinstance(pattern, Or):
            return mlOr(terms, sort=ksort(pattern.sort))
        if isinstance(pattern, Equals):
            left, right = terms
            return mlEquals(left, right, arg_sort=ksort(pattern.op_sort), sort=ksort(pattern.sort))
        if isinstance(pattern, Top):
            return mlTop(sort=ksort(pattern.sort))
        if isinstance(pattern, Bottom):
            return mlBottom(sort=ksort(pattern.sort))
        if isinstance(pattern, Not):
            return mlNot(terms[0], sort=ksort(pattern.sort))
        if isinstance(pattern, Implies):
            left, right = terms
            return mlImplies(left, right, sort=ksort(pattern.sort))
        if isinstance(pattern, Ceil):
            return mlCeil(terms[0], arg_sort=ksort(pattern.op_sort), sort=ksort(pattern.sort))
        if isinstance(pattern, Exists):
            variable = self._variable(pattern.var)
            assert variable.sort is not None
            return mlExists(variable, terms[0], sort1=variable.sort, sort2=ksort(pattern.sort))
        raise Unsupported(f'a pattern of the kind {type(pattern).__name__}')


_CONNECTIVES: Final = frozenset((And, Or, Equals, Top, Bottom, Not, Implies, Ceil, Exists))


def _sequence_parts(pattern: App) -> list[Pattern]:
    """The items of a sequence and its rest; nested pairs would make sequences of sequences, in quadratic time."""
    parts: list[Pattern] = []
    rest: Pattern = pattern
    while type(rest) is App and rest.symbol in _PAIRS:
        if rest.sorts or len(rest.args) != 2:
            raise Unsupported('a sequence of another form')
        parts.append(rest.args[0])
        rest = rest.args[1]
    parts.append(rest)
    return parts
