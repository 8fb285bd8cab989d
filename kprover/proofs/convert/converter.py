"""Conversion between K terms and Kore for one definition: pyk's results, without pyk's six walks for each request.

What the fast converters do not cover for certain (`Unsupported`) goes to pyk's own, which converts it or refuses it
with pyk's error. The two share nothing but the definition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyk.kast.prelude.k import GENERATED_TOP_CELL
from pyk.konvert._kast_to_kore import kast_to_kore
from pyk.konvert._kore_to_kast import kore_to_kast

from .collector import without_collector
from .signatures import Signatures, Unsupported, sort_name
from .to_kast import ToKast
from .to_kore import ToKore

if TYPE_CHECKING:
    from typing import Final

    from pyk.kast.inner import KInner, KSort
    from pyk.kast.outer import KDefinition
    from pyk.kore.syntax import Pattern

_LEFT_TO_PYK: Final = (Unsupported, ValueError, AssertionError, IndexError)
"""What is not covered, and what is wrong with a term: what is first wrong with it is for pyk to say."""


class Converter:
    """pyk's `kast_to_kore` and `kore_to_kast` over one definition, with what they found out before. For one thread.

    Memory is bounded: at most some 100,000 subterms each way are remembered, and all are forgotten together.

    Attributes:
        left_to_pyk: How many terms went to pyk's converters.
    """

    left_to_pyk: int

    def __init__(self, definition: KDefinition):
        self._definition = definition
        self._to_kore: ToKore | None = None
        self._to_kast: ToKast | None = None
        self.left_to_pyk = 0
        try:
            signatures = Signatures(definition)
        except Unsupported:
            return  # all of it is pyk's
        self._to_kore = ToKore(signatures)
        self._to_kast = ToKast(signatures)

    @without_collector
    def kast_to_kore(self, term: KInner, sort: KSort = GENERATED_TOP_CELL) -> Pattern:
        """What pyk's `kast_to_kore` gives for the term. Raises what that raises."""
        if self._to_kore is not None:
            try:
                return self._to_kore.convert(term, sort_name(sort))
            except _LEFT_TO_PYK:
                pass
        self.left_to_pyk += 1
        return kast_to_kore(self._definition, term, sort=sort)

    @without_collector
    def kore_to_kast(self, pattern: Pattern) -> KInner:
        """What pyk's `kore_to_kast` gives for the pattern. Raises what that raises."""
        if self._to_kast is not None:
            try:
                return self._to_kast.convert(pattern)
            except _LEFT_TO_PYK:
                pass
        self.left_to_pyk += 1
        return kore_to_kast(self._definition, pattern)

    def forget(self) -> None:
        """Drop all remembered terms; tables of the definition stay."""
        if self._to_kore is not None:
            self._to_kore.forget()
        if self._to_kast is not None:
            self._to_kast.forget()
