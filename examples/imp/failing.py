"""The claims about imperative programs that do not hold, each for a reason of its own."""

from __future__ import annotations

from pyk.kast.inner import KApply
from pyk.kast.prelude.kbool import TRUE
from pyk.kast.prelude.kint import addInt, intToken, leInt, ltInt

from examples.imp.claims import FIRST_INPUT, FOUR, ZERO, A, B, M, N, S, exists, runs, summed
from examples.imp.language import NAME
from examples.imp.programs import (
    COUNT,
    EUCLID,
    INPUT,
    LARGER,
    SUM,
    TRANSFER,
    add,
    assign,
    binary,
    branch_tree,
    declare,
    le,
    seq,
    sub,
    while_,
)
from examples.specs import circularity, depends, functional, spec

ONE = intToken(1)


def straight() -> str:
    """Programs without loops."""
    name = 'IMP-WRONG'
    m, r = exists('M'), exists('R')
    one_wrong = [16 if leaf == 11 else leaf for leaf in range(16)]
    return spec(
        NAME,
        name,
        [
            runs(f'{name}.literals', add(binary('mul', 2, 3), 4), {}, {}, result=intToken(11)),
            runs(
                f'{name}.larger-strictly',
                LARGER,
                {'a': A, 'b': B, 'm': M},
                {'a': A, 'b': B, 'm': m},
                ensures=[ltInt(A, m)],
            ),
            runs(
                f'{name}.division-unguarded',
                assign('a', binary('div', 'a', 'b')),
                {'a': A, 'b': B},
                {'a': KApply('_/Int_', A, B), 'b': B},
                requires=[leInt(ZERO, B)],
            ),
            runs(
                f'{name}.one-of-sixteen',
                branch_tree(one_wrong),
                FOUR,
                {**FOUR, 'r': r},
                ensures=[leInt(ZERO, r), leInt(r, intToken(15))],
            ),
            runs(f'{name}.stuck', assign('x', add('x', 1)), {'x': TRUE}, {'x': 1}),
            runs(f'{name}.undeclared', seq(declare('x', 1), assign('x', add('x', 'z'))), {}, {'x': 2}),
            runs(f'{name}.redeclared', seq(declare('x', 1), declare('x', 2)), {}, {'x': 2}),
            runs(
                f'{name}.swap-forgotten',
                seq(assign('a', 'b'), assign('b', 'a')),
                {'a': A, 'b': B},
                {'a': B, 'b': A},
            ),
            runs(f'{name}.input-unknown', INPUT, {}, {'x': FIRST_INPUT, 'y': 1}),
            runs(f'{name}.variable-invented', assign('x', 1), {'x': A}, {'x': 1, 'y': 0}),
        ],
    )


def repeating() -> str:
    """Programs with loops."""
    name = 'IMP-WRONG-LOOPS'
    x, y, s = exists('X'), exists('Y'), exists('S')
    count_to_zero = while_(le(0, 'n'), assign('n', sub('n', 1)))
    counting = [leInt(ZERO, N)]
    return spec(
        NAME,
        name,
        [
            summed(f'{name}.sum-to-10', 10, 56),
            runs(
                f'{name}.transfer-one-more',
                TRANSFER,
                {'n': N, 'm': M},
                {'n': 0, 'm': addInt(addInt(M, N), ONE)},
                requires=counting,
                att=[circularity()],
            ),
            runs(f'{name}.off-by-one', count_to_zero, {'n': N}, {'n': 0}, requires=counting, att=[circularity()]),
            runs(f'{name}.transfer-any', TRANSFER, {'n': N, 'm': M}, {'n': 0, 'm': addInt(M, N)}, att=[circularity()]),
            runs(
                f'{name}.transfer-seven',
                seq(assign('n', add('n', 5)), assign('m', 1), TRANSFER),
                {'n': N, 'm': M},
                {'n': 0, 'm': addInt(N, intToken(7))},
                requires=counting,
                att=[depends('transfer-one-more')],
            ),
            runs(
                f'{name}.euclid-any-sign',
                EUCLID,
                {'a': A, 'b': B},
                {'a': x, 'b': y},
                ensures=[ltInt(ZERO, y)],
                att=[circularity()],
            ),
            runs(
                f'{name}.sum-too-small',
                SUM,
                {'n': N, 's': S},
                {'n': 0, 's': s},
                requires=counting,
                ensures=[ltInt(s, addInt(S, N))],
                att=[circularity()],
            ),
            runs(f'{name}.count-bounded', COUNT, {'n': N, 's': 0}, {'n': x, 's': s}, ensures=[leInt(s, ONE)]),
        ],
    )


def open_ended() -> str:
    """Programs that any other may follow: where they end, the rest of the computation is unknown."""
    name = 'IMP-WRONG-OPEN'
    count_to_zero = while_(le(0, 'n'), assign('n', sub('n', 1)))
    return spec(
        NAME,
        name,
        [
            runs(f'{name}.assigned', assign('n', 3), {'n': N}, {'n': 4}, framed=True),
            runs(
                f'{name}.off-by-one',
                count_to_zero,
                {'n': N},
                {'n': 0},
                framed=True,
                requires=[leInt(ZERO, N)],
                att=[circularity()],
            ),
        ],
    )


def cases() -> str:
    """Equalities of functions that do not hold in every order of their arguments."""
    name = 'IMP-WRONG-CASES'
    return spec(NAME, name, [functional(f'{name}.largest-first', KApply('largest', A, B), A)])


def functions() -> str:
    """Equalities of functions."""
    name = 'IMP-WRONG-EQUALITIES'
    return spec(
        NAME,
        name,
        [
            functional(f'{name}.largest-first', KApply('largest', A, B), A),
            functional(f'{name}.largest-literal', KApply('largest', intToken(3), intToken(4)), intToken(3)),
            functional(f'{name}.sign-not-negative', KApply('sign', A), ONE, requires=leInt(ZERO, A)),
        ],
    )


def files() -> dict[str, str]:
    """Return the spec files of the failing suite by name."""
    return {
        'wrong.json': straight(),
        'wrong-cases.json': cases(),
        'wrong-functions.json': functions(),
        'wrong-loops.json': repeating(),
        'wrong-open.json': open_ended(),
    }
