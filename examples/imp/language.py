"""The imperative language: its syntax, its configuration and its rules.

Programs are fully parenthesised.  Evaluation is by heating and cooling (see :mod:`examples.kompile`); a variable that
was not declared, a second declaration and a division by zero end the program with a failure in the ``<k>`` cell.
Program terms are built in :mod:`examples.imp.programs`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyk.kast.att import Atts
from pyk.kast.inner import KApply, KSequence, KSort
from pyk.kast.outer import KSyntaxSort
from pyk.kast.prelude.kbool import BOOL, notBool
from pyk.kast.prelude.kint import INT, eqInt, intToken, leInt, ltInt, neqInt

from examples.kompile import K_RESULT, REST, Cell, Configuration, kompile, seqstrict, strict
from examples.prelude import (
    IDENTIFIER,
    K_ITEM,
    MAP,
    SMTLIB,
    K,
    equation,
    function,
    module,
    production,
    subsort,
    var,
)

if TYPE_CHECKING:
    from typing import Final

    from pyk.kast.outer import KDefinition, KFlatModule, KSentence

NAME: Final = 'IMP'
"""The main module."""

ARITHMETIC: Final = KSort('AExp')
LOGIC: Final = KSort('BExp')
BLOCK: Final = KSort('Block')
STATEMENT: Final = KSort('Stmt')
FAILURE: Final = KSort('Failure')

CONFIGURATION: Final = Configuration(
    'imp',
    STATEMENT,
    (Cell('k', K, None), Cell('state', MAP, KApply('.Map'))),
)

_BINARY: Final = (
    ('add', ARITHMETIC, '+', INT, '_+Int_'),
    ('sub', ARITHMETIC, '-', INT, '_-Int_'),
    ('mul', ARITHMETIC, '*', INT, '_*Int_'),
    ('lt', LOGIC, '<', BOOL, '_<Int_'),
    ('le', LOGIC, '<=', BOOL, '_<=Int_'),
    ('eq', LOGIC, '==', BOOL, '_==Int_'),
)
"""Operations on two integers: symbol, sort, operator, sort of the result, hooked operation."""

_PARTIAL: Final = (('div', '/', '_/Int_'), ('mod', '%', '_%Int_'))
"""Operations on two integers that fail if the second is zero."""


def _syntax() -> KFlatModule:
    def operator(label: str, sort: KSort, argument: KSort, symbol: str, how: object) -> KSentence:
        return production(sort, label, '(', argument, symbol, argument, ')', att=[how])  # type: ignore[list-item]

    return module(
        'IMP-SYNTAX',
        ['INTEGERS', 'IDENTIFIERS'],
        [
            KSyntaxSort(FAILURE),
            subsort(ARITHMETIC, INT),
            subsort(ARITHMETIC, IDENTIFIER),
            *(operator(label, sort, ARITHMETIC, symbol, seqstrict()) for label, sort, symbol, _, _ in _BINARY),
            *(operator(label, ARITHMETIC, ARITHMETIC, symbol, seqstrict()) for label, symbol, _ in _PARTIAL),
            production(ARITHMETIC, 'max', 'max', '(', ARITHMETIC, ',', ARITHMETIC, ')', att=[seqstrict()]),
            production(ARITHMETIC, 'input', 'input', '(', ARITHMETIC, ')', att=[strict()]),
            subsort(LOGIC, BOOL),
            production(LOGIC, 'not', '!', LOGIC, att=[strict()]),
            operator('and', LOGIC, LOGIC, 'and', strict(1)),
            operator('or', LOGIC, LOGIC, 'or', strict(1)),
            production(BLOCK, 'skip', '{', '}'),
            production(BLOCK, 'block', '{', STATEMENT, '}', shape='%1%i%n%2%d%n%3'),
            subsort(STATEMENT, BLOCK),
            production(STATEMENT, 'declare', 'var', IDENTIFIER, ':=', ARITHMETIC, ';', att=[strict(2)]),
            production(STATEMENT, 'assign', IDENTIFIER, ':=', ARITHMETIC, ';', att=[strict(2)]),
            production(STATEMENT, 'if', 'if', LOGIC, BLOCK, 'else', BLOCK, att=[strict(1)]),
            production(STATEMENT, 'while', 'while', LOGIC, BLOCK),
            production(STATEMENT, 'seq', STATEMENT, STATEMENT, shape='%1%n%2'),
            production(FAILURE, 'undeclared', 'undeclared', '(', IDENTIFIER, ')'),
            production(FAILURE, 'redeclared', 'redeclared', '(', IDENTIFIER, ')'),
            production(FAILURE, 'divisionByZero', 'divisionByZero'),
        ],
    )


def _functions() -> KFlatModule:
    x, m = var('X', IDENTIFIER), var('M', MAP)
    a, b = var('A', INT), var('B', INT)
    zero = intToken(0)
    read, largest, sign = KApply('read', x, m), KApply('largest', a, b), KApply('sign', a)
    declared = KApply('_in_keys_', x, m)
    return module(
        'IMP-FUNCTIONS',
        ['IMP-SYNTAX', 'MAPS', 'EQUALITY'],
        [
            function(K_ITEM, 'read', 'read', '(', IDENTIFIER, ',', MAP, ')'),
            equation(read, KApply('Map:lookup', m, x), label='read-declared', requires=declared, defined=True),
            equation(read, KApply('undeclared', x), label='read-undeclared', owise=True),
            function(INT, 'largest', 'largest', '(', INT, ',', INT, ')'),
            equation(largest, a, label='largest-first', requires=leInt(b, a)),
            equation(largest, b, label='largest-second', requires=ltInt(a, b)),
            function(INT, 'sign', 'sign', '(', INT, ')'),
            equation(sign, intToken(1), label='sign-positive', requires=ltInt(zero, a)),
            equation(sign, intToken(-1), label='sign-negative', requires=ltInt(a, zero)),
            equation(sign, zero, label='sign-zero', owise=True),
            function(INT, 'inputAt', 'inputAt', '(', INT, ')', att=[Atts.NO_EVALUATORS(None), SMTLIB('inputAt')]),
        ],
    )


def _rules() -> KFlatModule:
    step = CONFIGURATION.step
    x, state = var('X', IDENTIFIER), var('STATE', MAP)
    i, j = var('I', INT), var('J', INT)
    truth, other = var('B', BOOL), var('E', LOGIC)
    first, second = var('S1', STATEMENT), var('S2', STATEMENT)
    then, otherwise = var('B1', BLOCK), var('B2', BLOCK)
    condition, failure, next_item = var('C', LOGIC), var('F', FAILURE), var('NEXT', K_ITEM)
    declared = KApply('_in_keys_', x, state)
    updated = KApply('Map:update', state, x, i)
    nothing = KSequence()
    choice, loop = KApply('if', truth, then, otherwise), KApply('while', condition, then)
    again = KApply('block', KApply('seq', then, loop))

    rules: list[KSentence] = [step(label, KApply(label, i, j), KApply(hook, i, j)) for label, _, _, _, hook in _BINARY]
    for label, _, hook in _PARTIAL:
        rules.append(step(label, KApply(label, i, j), KApply(hook, i, j), neqInt(j, intToken(0)), defined=True))
        rules.append(step(f'{label}-by-zero', KApply(label, i, j), KApply('divisionByZero'), eqInt(j, intToken(0))))
    rules += [
        step('max', KApply('max', i, j), KApply('largest', i, j)),
        step('input', KApply('input', i), KApply('inputAt', i)),
        step('not', KApply('not', truth), notBool(truth)),
        step('and-true', KApply('and', truth, other), other, truth),
        step('and-false', KApply('and', truth, other), truth, notBool(truth)),
        step('or-true', KApply('or', truth, other), truth, truth),
        step('or-false', KApply('or', truth, other), other, notBool(truth)),
        step('read', x, KApply('read', x, state), state=state),
        step('declare', KApply('declare', x, i), nothing, notBool(declared), state=(state, updated)),
        step('declare-twice', KApply('declare', x, i), KApply('redeclared', x), declared, state=state),
        step('assign', KApply('assign', x, i), nothing, declared, state=(state, updated)),
        step('assign-undeclared', KApply('assign', x, i), KApply('undeclared', x), notBool(declared), state=state),
        step('if-true', choice, then, truth),
        step('if-false', choice, otherwise, notBool(truth)),
        step('while', loop, KApply('if', condition, again, KApply('skip'))),
        step('seq', KApply('seq', first, second), KSequence(first, second)),
        step('block', KApply('block', first), first),
        step('skip', KApply('skip'), nothing),
        CONFIGURATION.rule('abort', {'k': (KSequence(failure, next_item, REST), KSequence(failure))}),
    ]
    return module(
        'IMP-RULES',
        ['IMP-FUNCTIONS', f'{NAME}-CELLS'],
        [subsort(K_RESULT, INT), subsort(K_RESULT, BOOL), *rules],
    )


def definition() -> KDefinition:
    """Return the complete definition of the language."""
    return kompile(NAME, [_syntax(), _functions(), _rules()], CONFIGURATION)
