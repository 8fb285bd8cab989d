"""Terms to convert: those of the examples' claims, random ones over a definition's productions, and very deep ones."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from pyk.cterm.cterm import CTerm
from pyk.kast.att import EMPTY_ATT, Atts, KAtt
from pyk.kast.inner import KApply, KLabel, KSequence, KSort, KToken, KVariable
from pyk.kast.manip import bool_to_ml_pred, extract_lhs, extract_rhs
from pyk.kast.outer import (
    KClaim,
    KDefinition,
    KFlatModule,
    KFlatModuleList,
    KNonTerminal,
    KProduction,
    read_kast_definition,
)
from pyk.kast.prelude.ml import mlAnd
from pyk.konvert._kast_to_kore import ML_PATTERN_LABELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyk.kast.inner import KInner

EXAMPLES = Path(__file__).resolve().parents[2] / 'examples'
LANGUAGES = ('imp', 'stack')

_TOKENS: dict[str, st.SearchStrategy[str]] = {
    'Int': st.integers(-5, 300).map(str),
    'Bool': st.sampled_from(('true', 'false')),
    'Id': st.sampled_from(('x', 'n', '$sum')),
    'String': st.sampled_from(('""', '"a\\"b\\\\"', '"\\x00\\xff\\u1234\\U0001f600"', '"plain"')),
    'Bytes': st.sampled_from(('b""', 'b"\\x00\\xff\\n"', 'b"plain"', 'b"\\\\x"')),
}


@lru_cache
def definition(name: str) -> KDefinition:
    """The definition of an example language; `cells` is a small one with a collection of cells."""
    if name == 'cells':
        return _cells()
    return read_kast_definition(EXAMPLES / name / 'kompiled' / 'compiled.json')


def claims(name: str) -> Iterator[KClaim]:
    """All claims of an example."""
    for path in sorted((EXAMPLES / name / 'specs').glob('*.json')):
        for module in read_modules(path):
            for sentence in module.sentences:
                if isinstance(sentence, KClaim):
                    yield sentence


def read_modules(path: Path) -> tuple[KFlatModule, ...]:
    return KFlatModuleList.from_dict(json.loads(path.read_bytes())['term']).modules


def claim_terms(name: str) -> Iterator[KInner]:
    """Both sides of all claims, with and without their conditions, and the conditions."""
    for claim in claims(name):
        lhs, rhs = extract_lhs(claim.body), extract_rhs(claim.body)
        yield from (lhs, rhs)
        for side, condition in ((lhs, claim.requires), (rhs, claim.ensures)):
            predicate = bool_to_ml_pred(condition)
            yield predicate
            yield mlAnd([side, predicate], 'GeneratedTopCell')
            if isinstance(side, KApply) and side.is_cell:
                yield CTerm.from_kast(mlAnd([side, predicate])).kast


def outcome(convert: Callable[[], Any]) -> Any:
    """What a conversion gives, or how it fails."""
    try:
        return convert()
    except Exception as err:
        return type(err), str(err)


class Grammar:
    """The productions of a definition by sort, for drawing terms."""

    def __init__(self, of: KDefinition):
        self.definition = of
        self.by_sort: dict[str, list[KProduction]] = {}
        for label, production in of.symbols.items():
            if label not in ML_PATTERN_LABELS and not production.params and not production.sort.params:
                self.by_sort.setdefault(production.sort.name, []).append(production)
        self.ite = next((label for label in of.symbols if label.startswith('#if_')), None)

    def below(self, sort: str) -> list[str]:
        below = sorted(found.name for found in self.definition.subsorts(KSort(sort)))
        return [found for found in below if found in self.by_sort or found in _TOKENS]

    @st.composite
    @staticmethod
    def _term(draw: st.DrawFn, self: Grammar, sort: str, depth: int) -> KInner:
        kind = draw(st.integers(0, 9))
        if sort == 'K':
            if kind < 6:
                count = draw(st.integers(0, 3)) if depth else 0
                items = [draw(self.term(draw(st.sampled_from(('KItem', 'K', 'Int'))), depth - 1)) for _ in range(count)]
                return KSequence(items)
            if kind < 8 and depth:
                return draw(self.term('KItem', depth - 1))  # to be put in a sequence
        if kind == 0:
            return self._variable(draw, sort)
        if kind == 1 and self.ite is not None and depth:
            parts = [draw(self.term(part, depth - 1)) for part in ('Bool', sort, sort)]
            params = draw(st.sampled_from(((), (sort,))))
            return KApply(KLabel(self.ite, params), parts)
        if kind < 4 or (sort not in self.by_sort and sort not in _TOKENS):
            lower = self.below(sort)
            if lower and depth:
                return draw(self.term(draw(st.sampled_from(lower)), depth - 1))
        if sort in _TOKENS and (kind < 7 or sort not in self.by_sort):
            return KToken(draw(_TOKENS[sort]), sort)
        productions = self.by_sort.get(sort, ())
        if depth <= 0:
            productions = [production for production in productions if not production.argument_sorts]
        if not productions:
            return self._variable(draw, sort)
        production = draw(st.sampled_from(productions))
        assert production.klabel is not None
        parts = [draw(self.term(part.name, depth - 1)) for part in production.argument_sorts]
        return KApply(production.klabel, parts)

    def _variable(self, draw: st.DrawFn, sort: str) -> KVariable:
        own = draw(st.sampled_from((sort, sort, sort, sort, None, *self.below(sort)[:3])))
        # Mostly a name of its own for each sort, so that most terms are well-sorted.
        name = f'{draw(st.sampled_from(("X", "_Y", "?Z0")))}{sort}' if draw(st.integers(0, 9)) else 'X'
        return KVariable(name, own)

    def term(self, sort: str, depth: int) -> st.SearchStrategy[KInner]:
        """Terms of a sort; where nothing else fits, a variable."""
        return self._term(self, sort, depth)

    @st.composite
    @staticmethod
    def _predicate(draw: st.DrawFn, self: Grammar, sort: str, top: str, depth: int) -> KInner:
        kind = draw(
            st.sampled_from(('term', 'equals', 'and', 'or', 'not', 'implies', 'top', 'bottom', 'ceil', 'exists'))
        )
        if kind == 'term' or depth <= 0:
            return draw(self.term(top, 2))
        if kind in ('top', 'bottom'):
            return KApply(KLabel('#' + kind.capitalize(), (top,)))
        if kind == 'equals':
            parts = [draw(self.term(sort, depth)) for _ in range(2)]
            return KApply(KLabel('#Equals', draw(st.sampled_from(((sort, top), (sort, top), ())))), parts)
        if kind == 'ceil':
            return KApply(KLabel('#Ceil', (sort, top)), draw(self.term(sort, depth)))
        part = self._predicate(self, sort, top, depth - 1)
        if kind == 'not':
            return KApply(KLabel('#Not', (top,)), draw(part))
        if kind == 'exists':
            binder = self._variable(draw, sort)
            label = KLabel(draw(st.sampled_from(('#Exists', '#Forall'))), ('KItem', top))
            return KApply(label, binder, draw(part))
        return KApply(KLabel('#' + kind.capitalize(), draw(st.sampled_from(((top,), ())))), draw(part), draw(part))

    def predicate(self, sort: str, top: str, depth: int) -> st.SearchStrategy[KInner]:
        """Connectives of matching logic over terms; equalities are those of a sort."""
        return self._predicate(self, sort, top, depth)


@lru_cache
def grammar(name: str) -> Grammar:
    return Grammar(definition(name))


def sum_of_depth(depth: int) -> KInner:
    """A nested sum of integers and a variable."""
    term: KInner = KVariable('X', 'Int')
    label = KLabel('_+Int_')
    for number in range(depth):
        term = KApply(label, (KToken(str(number % 7), 'Int'), term))
    return term


def _cells() -> KDefinition:
    def production(sort: str, label: str, *arguments: str, att: KAtt = EMPTY_ATT) -> KProduction:
        return KProduction(sort, [KNonTerminal(KSort(argument)) for argument in arguments], klabel=label, att=att)

    collection = KAtt([Atts.CELL_COLLECTION(None), Atts.ELEMENT('AccountCellMapItem'), Atts.WRAP_ELEMENT('<account>')])
    module = KFlatModule(
        'CELLS',
        (
            production('AccountCell', '<account>', 'IdCell', 'KCell'),
            production('IdCell', '<id>', 'Int'),
            production('KCell', '<k>', 'K'),
            production('AccountCellMap', 'AccountCellMapItem', 'IdCell', 'AccountCell'),
            production('AccountCellMap', '.AccountCellMap'),
            production('AccountCellMap', '_AccountCellMap_', 'AccountCellMap', 'AccountCellMap', att=collection),
            production('IdCell', 'AccountCellMapKey', 'AccountCell'),
            production('AccountsCell', '<accounts>', 'AccountCellMap'),
            production('GeneratedTopCell', '<generatedTop>', 'AccountsCell', 'KCell'),
            production('Int', '_+Int_', 'Int', 'Int'),
            production('Bool', 'isAccountCell', 'K'),
            *(
                KProduction('KItem', (KNonTerminal(KSort(sort)),))
                for sort in ('Int', 'Bool', 'AccountCell', 'AccountCellMap', 'IdCell', 'KCell', 'AccountsCell')
            ),
            *(sentence for sentence in definition('imp').productions if sentence.klabel and sentence.params),
            *(
                sentence
                for sentence in definition('imp').productions
                if sentence.klabel and sentence.klabel.name in ML_PATTERN_LABELS and not sentence.params
            ),
        ),
    )
    return KDefinition('CELLS', (module,))
