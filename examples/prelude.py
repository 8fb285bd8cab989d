"""The builtin modules that every example language imports, written as KAst.

What lives here: a few constructors that keep the language files readable, and the modules CORE, BOOLEANS,
INTEGERS, EQUALITY, MAPS, LISTS and IDENTIFIERS.  The symbol names of the hooked operations (``_+Int_``,
``_andBool_``, ``_|->_``, ...) are those that pyk's own ``pyk.kast.prelude`` builds terms with; a definition that used
others could not be proved with pyk.  Everything is a pure function of the source: two builds give the same objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyk.kast.att import AnyType, AttKey, Atts, Format, KAtt
from pyk.kast.inner import KApply, KLabel, KRewrite, KSort, KToken, KVariable
from pyk.kast.outer import (
    KFlatModule,
    KImport,
    KNonTerminal,
    KProduction,
    KRegexTerminal,
    KRule,
    KSyntaxSort,
    KTerminal,
)
from pyk.kast.prelude.kbool import BOOL, FALSE, TRUE, notBool
from pyk.kast.prelude.kint import INT
from pyk.kast.prelude.utils import token

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Final

    from pyk.kast.att import AttEntry
    from pyk.kast.inner import KInner
    from pyk.kast.outer import KProductionItem, KSentence

SMT_HOOK: Final = AttKey('smt-hook', type=AnyType())
"""How an operation is written in SMT-LIB; without it arithmetic path conditions are opaque to the solver."""
SMTLIB: Final = AttKey('smtlib', type=AnyType())
"""The name of an uninterpreted SMT function that stands for the operation."""
PRESERVES_DEFINEDNESS: Final = AttKey('preserves-definedness', type=AnyType())
"""Says of a rule that its condition makes its right-hand side defined; the booster does not apply it otherwise."""

K: Final = KSort('K')
K_ITEM: Final = KSort('KItem')
CONFIG_VAR: Final = KSort('KConfigVar')
MAP: Final = KSort('Map')
LIST: Final = KSort('List')
IDENTIFIER: Final = KSort('Id')


# -- constructors ----------------------------------------------------------------------------------------


def production(
    sort: KSort,
    label: str | None,
    *items: str | KSort,
    att: Iterable[AttEntry[Any]] = (),
    shape: str | None = None,
    params: Iterable[KSort] = (),
) -> KProduction:
    """Return the production ``sort ::= items`` with symbol ``label``.

    Args:
        sort: The result sort.
        label: The symbol name; ``None`` for a subsort declaration.
        items: Terminals (strings) and argument sorts, in the order of the concrete syntax.
        att: Further attributes.
        shape: The format with which terms are printed (``%1`` is the first item); the items with a space between
            them if it is ``None``.
        params: Sort parameters.
    """
    parts: list[KProductionItem] = [KNonTerminal(i) if isinstance(i, KSort) else KTerminal(i) for i in items]
    entries = list(att)
    if label is not None:
        entries.append(Atts.SYMBOL(label))
    if shape is not None:
        entries.append(Atts.FORMAT(Format.parse(shape)))
    klabel = None if label is None else KLabel(label, params)
    return KProduction(sort, parts, params, klabel, KAtt(entries))


def subsort(sup: KSort, sub: KSort) -> KProduction:
    """Return the declaration that every term of sort ``sub`` is one of sort ``sup``."""
    return production(sup, None, sub)


def literals(sort: KSort, regex: str) -> KProduction:
    """Return the declaration that ``sort`` has domain values with the given spelling."""
    return KProduction(sort, [KRegexTerminal(regex)], att=KAtt([Atts.TOKEN(None)]))


def function(
    sort: KSort,
    label: str,
    *items: str | KSort,
    total: bool = True,
    att: Iterable[AttEntry[Any]] = (),
    shape: str | None = None,
) -> KProduction:
    """Return a function symbol; ``total`` says that it is defined on all of its arguments."""
    entries = [Atts.FUNCTION(None), *([Atts.TOTAL(None)] if total else []), *att]
    return production(sort, label, *items, att=entries, shape=shape)


def hooked(
    sort: KSort,
    label: str,
    *items: str | KSort,
    hook: str,
    smt: str | None = None,
    smtlib: str | None = None,
    total: bool = True,
    att: Iterable[AttEntry[Any]] = (),
    shape: str | None = None,
) -> KProduction:
    """Return a function symbol that the backend implements under the name ``hook``."""
    entries = [Atts.HOOK(hook), *att]
    if smt is not None:
        entries.append(SMT_HOOK(smt))
    if smtlib is not None:
        entries.append(SMTLIB(smtlib))
    return function(sort, label, *items, total=total, att=entries, shape=shape)


def equation(
    left: KInner,
    right: KInner,
    *,
    label: str | None = None,
    requires: KInner = TRUE,
    owise: bool = False,
    defined: bool = False,
) -> KRule:
    """Return a defining equation of a function.

    An ``owise`` equation applies only where no other one does; ``defined`` says that ``requires`` makes the right-hand
    side, which has a partial function, defined.
    """
    entries: list[AttEntry[Any]] = [PRESERVES_DEFINEDNESS('')] if defined else []
    if label is not None:
        entries.append(Atts.LABEL(label))
    if owise:
        entries.append(Atts.OWISE(None))
    return KRule(KRewrite(left, right), requires=requires, att=KAtt(entries))


def simplification(
    left: KInner,
    right: KInner,
    *,
    label: str | None = None,
    requires: KInner = TRUE,
    priority: int | None = None,
    concrete: str | None = None,
    symbolic: str | None = None,
) -> KRule:
    """Return a simplification; unlike an equation it may overlap with others and need not cover all arguments."""
    entries: list[AttEntry[Any]] = [Atts.SIMPLIFICATION('' if priority is None else str(priority))]
    if label is not None:
        entries.append(Atts.LABEL(label))
    if concrete is not None:
        entries.append(Atts.CONCRETE(concrete))
    if symbolic is not None:
        entries.append(Atts.SYMBOLIC(symbolic))
    return KRule(KRewrite(left, right), requires=requires, att=KAtt(entries))


def module(name: str, imports: Iterable[str], sentences: Iterable[KSentence]) -> KFlatModule:
    """Return a module; all imports are public."""
    return KFlatModule(name, sentences, [KImport(i) for i in imports])


def var(name: str, sort: KSort) -> KVariable:
    """Return the variable ``name`` of the given sort."""
    return KVariable(name, sort)


def identifier(name: str) -> KToken:
    """Return a program identifier as a domain value."""
    return KToken(name, IDENTIFIER)


def ml_equals(left: KInner, right: KInner, sort: KSort) -> KApply:
    """Return the matching-logic equality of two terms of ``sort``, in a result sort that is left open."""
    return KApply(KLabel('#Equals', sort, RESULT), left, right)


RESULT: Final = KSort('Result')
"""The sort parameter of the predicates in simplifications of predicates."""


# -- the modules -----------------------------------------------------------------------------------------


def _core() -> KFlatModule:
    one, two = KSort('Sort1'), KSort('Sort2')
    join = '%1\n%2 %3'
    ml = [
        production(one, '#Top', '#Top', params=[one]),
        production(one, '#Bottom', '#Bottom', params=[one]),
        production(one, '#Not', '#Not', '(', one, ')', params=[one]),
        production(one, '#And', one, '#And', one, params=[one], shape=join),
        production(one, '#Or', one, '#Or', one, params=[one], shape=join),
        production(one, '#Implies', one, '#Implies', one, params=[one], shape=join),
        production(two, '#Ceil', '#Ceil', '(', one, ')', params=[one, two]),
        production(two, '#Floor', '#Floor', '(', one, ')', params=[one, two]),
        production(two, '#Equals', '{', one, '#Equals', one, '}', params=[one, two]),
        production(two, '#Exists', '#Exists', one, '.', two, params=[one, two]),
        production(two, '#Forall', '#Forall', one, '.', two, params=[one, two]),
    ]
    return module(
        'CORE',
        [],
        [
            KSyntaxSort(K, att=KAtt([Atts.HOOK('K.K')])),
            KSyntaxSort(K_ITEM, att=KAtt([Atts.HOOK('K.KItem')])),
            subsort(K, K_ITEM),
            literals(CONFIG_VAR, r'\$[A-Z][A-Z0-9]*'),
            *ml,
        ],
    )


def _booleans() -> KFlatModule:
    a, b = var('A', BOOL), var('B', BOOL)

    def binary(name: str, hook: str, smt: str) -> KProduction:
        return hooked(BOOL, f'_{name}_', BOOL, name, BOOL, hook=f'BOOL.{hook}', smt=smt, shape='( %1 %2 %3 )')

    def app(name: str, left: KInner, right: KInner) -> KApply:
        return KApply(f'_{name}_', left, right)

    units: list[KSentence] = []
    for name, neutral, absorbing in [('andBool', TRUE, FALSE), ('orBool', FALSE, TRUE)]:
        units += [
            equation(app(name, neutral, b), b),
            equation(app(name, absorbing, b), absorbing),
            simplification(app(name, a, neutral), a),
            simplification(app(name, a, absorbing), absorbing),
        ]
    units += [
        equation(app('impliesBool', TRUE, b), b),
        equation(app('impliesBool', FALSE, b), TRUE),
        simplification(app('impliesBool', a, TRUE), TRUE),
        simplification(app('impliesBool', a, FALSE), notBool(a)),
        equation(notBool(TRUE), FALSE),
        equation(notBool(FALSE), TRUE),
        simplification(notBool(notBool(b)), b),
        equation(app('=/=Bool', a, b), notBool(app('==Bool', a, b))),
    ]

    def splits(connective: KInner, when: KToken, parts: KInner) -> list[KSentence]:
        """The equality of a connective with a truth value, in both orientations, as equalities of its parts."""
        return [
            simplification(ml_equals(connective, when, BOOL), parts),
            simplification(ml_equals(when, connective, BOOL), parts),
        ]

    def both(truth: KToken) -> KApply:
        return KApply(KLabel('#And', RESULT), ml_equals(a, truth, BOOL), ml_equals(b, truth, BOOL))

    return module(
        'BOOLEANS',
        ['CORE'],
        [
            KSyntaxSort(BOOL, att=KAtt([Atts.HOOK('BOOL.Bool')])),
            literals(BOOL, 'true|false'),
            hooked(BOOL, 'notBool_', 'notBool', BOOL, hook='BOOL.not', smt='not'),
            binary('andBool', 'and', 'and'),
            binary('orBool', 'or', 'or'),
            binary('impliesBool', 'implies', '=>'),
            binary('==Bool', 'eq', '='),
            binary('=/=Bool', 'ne', 'distinct'),
            *units,
            *splits(app('andBool', a, b), TRUE, both(TRUE)),
            *splits(app('orBool', a, b), FALSE, both(FALSE)),
            *splits(notBool(b), TRUE, ml_equals(b, FALSE, BOOL)),
            *splits(notBool(b), FALSE, ml_equals(b, TRUE, BOOL)),
        ],
    )


def _truncated(quotient: bool) -> str:
    """Return truncating division or remainder in terms of SMT-LIB's, whose remainder is never negative."""
    exact = '(or (= 0 (mod #1 #2)) (<= 0 #1))'
    if quotient:
        return f'(ite {exact} (div #1 #2) (ite (< 0 #2) (+ (div #1 #2) 1) (- (div #1 #2) 1)))'
    return f'(ite {exact} (mod #1 #2) (ite (< 0 #2) (- (mod #1 #2) #2) (+ (mod #1 #2) #2)))'


def _integers() -> KFlatModule:
    a, b, c, zero = var('A', INT), var('B', INT), var('C', INT), token(0)

    def binary(sort: KSort, name: str, hook: str, smt: str, *, total: bool = True) -> KProduction:
        label = f'_{name}Int_'
        return hooked(
            sort, label, INT, f'{name}Int', INT, hook=f'INT.{hook}', smt=smt, total=total, shape='( %1 %2 %3 )'
        )

    def app(name: str, left: KInner, right: KInner) -> KApply:
        return KApply(f'_{name}Int_', left, right)

    def regroup(left: KInner, right: KInner, concrete: str, symbolic: str) -> KRule:
        return simplification(left, right, concrete=concrete, symbolic=symbolic)

    def defined_unless_zero(name: str) -> KRule:
        left, right = var('@A', INT), var('@B', INT)

        def ceil(term: KInner) -> KApply:
            return KApply(KLabel('#Ceil', INT, RESULT), term)

        both = KApply(KLabel('#And', RESULT), ceil(left), ceil(right))
        nonzero = ml_equals(app('=/=', right, zero), TRUE, BOOL)
        return simplification(ceil(app(name, left, right)), KApply(KLabel('#And', RESULT), nonzero, both))

    return module(
        'INTEGERS',
        ['BOOLEANS'],
        [
            KSyntaxSort(INT, att=KAtt([Atts.HOOK('INT.Int')])),
            literals(INT, r'[\+\-]?[0-9]+'),
            binary(INT, '+', 'add', '+'),
            binary(INT, '-', 'sub', '-'),
            binary(INT, '*', 'mul', '*'),
            binary(INT, '/', 'tdiv', _truncated(True), total=False),
            binary(INT, '%', 'tmod', _truncated(False), total=False),
            binary(BOOL, '<', 'lt', '<'),
            binary(BOOL, '<=', 'le', '<='),
            binary(BOOL, '>', 'gt', '>'),
            binary(BOOL, '>=', 'ge', '>='),
            binary(BOOL, '==', 'eq', '='),
            binary(BOOL, '=/=', 'ne', 'distinct'),
            equation(app('=/=', a, b), notBool(app('==', a, b))),
            simplification(app('+', a, zero), a),
            simplification(app('+', zero, a), a),
            simplification(app('-', a, zero), a),
            regroup(app('+', app('+', a, b), c), app('+', a, app('+', b, c)), 'B,C', 'A'),
            regroup(app('-', app('+', a, b), c), app('+', a, app('-', b, c)), 'B,C', 'A'),
            regroup(app('+', app('-', a, b), c), app('+', a, app('-', c, b)), 'B,C', 'A'),
            regroup(app('-', app('-', a, b), c), app('-', a, app('+', b, c)), 'B,C', 'A'),
            defined_unless_zero('/'),
            defined_unless_zero('%'),
        ],
    )


def _equality() -> KFlatModule:
    def binary(name: str, hook: str, smt: str) -> KProduction:
        return hooked(BOOL, f'_{name}K_', K, f'{name}K', K, hook=f'KEQUAL.{hook}', smt=smt, shape='( %1 %2 %3 )')

    rules: list[KSentence] = [
        equation(KApply('_=/=K_', var('A', K), var('B', K)), notBool(KApply('_==K_', var('A', K), var('B', K)))),
        simplification(KApply('_==K_', var('A', INT), var('B', INT)), KApply('_==Int_', var('A', INT), var('B', INT))),
        simplification(
            KApply('_==K_', var('A', BOOL), var('B', BOOL)), KApply('_==Bool_', var('A', BOOL), var('B', BOOL))
        ),
    ]
    for sort, same, different in [(K, '_==K_', '_=/=K_'), (INT, '_==Int_', '_=/=Int_')]:
        a, b = var('A', sort), var('B', sort)
        equal = ml_equals(a, b, sort)
        unequal = KApply(KLabel('#Not', RESULT), equal)
        for label, truth, predicate in [
            (same, TRUE, equal),
            (same, FALSE, unequal),
            (different, TRUE, unequal),
            (different, FALSE, equal),
        ]:
            rules.append(simplification(ml_equals(KApply(label, a, b), truth, BOOL), predicate))
            rules.append(simplification(ml_equals(truth, KApply(label, a, b), BOOL), predicate))
    return module('EQUALITY', ['INTEGERS'], [binary('==', 'eq', '='), binary('=/=', 'ne', 'distinct'), *rules])


def _maps() -> KFlatModule:
    concat = [Atts.ASSOC(None), Atts.COMM(None), Atts.ELEMENT('_|->_'), Atts.UNIT('.Map')]
    return module(
        'MAPS',
        ['INTEGERS'],
        [
            KSyntaxSort(MAP, att=KAtt([Atts.HOOK('MAP.Map')])),
            hooked(MAP, '.Map', '.Map', hook='MAP.unit'),
            hooked(MAP, '_|->_', K_ITEM, '|->', K_ITEM, hook='MAP.element', att=[Atts.INJECTIVE(None)]),
            hooked(MAP, '_Map_', MAP, MAP, hook='MAP.concat', total=False, att=concat, shape='%1\n%2'),
            hooked(K_ITEM, 'Map:lookup', MAP, '[', K_ITEM, ']', hook='MAP.lookup', total=False, shape='%1 [ %3 ]'),
            hooked(
                K_ITEM, 'Map:lookupOrDefault', MAP, '[', K_ITEM, ']', 'orDefault', K_ITEM, hook='MAP.lookupOrDefault'
            ),
            hooked(MAP, 'Map:update', MAP, '[', K_ITEM, '<-', K_ITEM, ']', hook='MAP.update'),
            hooked(MAP, '_[_<-undef]', MAP, '[', K_ITEM, '<-', 'undef', ']', hook='MAP.remove'),
            hooked(BOOL, '_in_keys_', K_ITEM, 'in_keys', '(', MAP, ')', hook='MAP.in_keys'),
            hooked(INT, 'sizeMap', 'size', '(', MAP, ')', hook='MAP.size'),
        ],
    )


def _lists() -> KFlatModule:
    concat = [Atts.ASSOC(None), Atts.ELEMENT('ListItem'), Atts.UNIT('.List'), Atts.UPDATE('List:set')]
    return module(
        'LISTS',
        ['INTEGERS'],
        [
            KSyntaxSort(LIST, att=KAtt([Atts.HOOK('LIST.List')])),
            hooked(LIST, '.List', '.List', hook='LIST.unit', smtlib='smt_seq_nil'),
            hooked(LIST, 'ListItem', 'ListItem', '(', K_ITEM, ')', hook='LIST.element', smtlib='smt_seq_elem'),
            hooked(LIST, '_List_', LIST, LIST, hook='LIST.concat', smtlib='smt_seq_concat', att=concat, shape='%1\n%2'),
            hooked(K_ITEM, 'List:get', LIST, '[', INT, ']', hook='LIST.get', total=False),
            hooked(LIST, 'List:set', LIST, '[', INT, '<-', K_ITEM, ']', hook='LIST.update', total=False),
            hooked(INT, 'sizeList', 'size', '(', LIST, ')', hook='LIST.size', smtlib='smt_seq_len'),
        ],
    )


def _identifiers() -> KFlatModule:
    return module(
        'IDENTIFIERS',
        ['CORE'],
        [KSyntaxSort(IDENTIFIER, att=KAtt([Atts.TOKEN(None)])), literals(IDENTIFIER, '[A-Za-z][A-Za-z0-9]*')],
    )


def modules() -> tuple[KFlatModule, ...]:
    """Return the builtin modules, each after those that it imports."""
    return (_core(), _booleans(), _integers(), _equality(), _maps(), _lists(), _identifiers())
