"""The claims about imperative programs that hold: one function for each spec file of the default suite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyk.kast.inner import KApply, KSequence, KVariable
from pyk.kast.prelude.collections import map_of
from pyk.kast.prelude.kbool import FALSE, andBool, notBool
from pyk.kast.prelude.kint import INT, addInt, eqInt, intToken, leInt, ltInt, mulInt

from examples.imp.language import CONFIGURATION, NAME
from examples.imp.programs import (
    COUNT,
    DIVISION_BY_ZERO,
    EUCLID,
    INPUT,
    LARGER,
    POWER,
    SUM,
    TRANSFER,
    add,
    assign,
    binary,
    branch_tree,
    declare,
    if_,
    le,
    lt,
    seq,
    sub,
    term,
    undeclared,
    while_,
)
from examples.kompile import REST
from examples.prelude import identifier, simplification, var
from examples.specs import circularity, depends, functional, lemmas, spec, trusted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Final

    from pyk.kast.att import AttEntry
    from pyk.kast.inner import KInner
    from pyk.kast.outer import KClaim

    from examples.kompile import Content

A, B, C, D, M, N, P, S = (var(name, INT) for name in 'ABCDMNPS')
ZERO = intToken(0)


def exists(name: str) -> KVariable:
    """Return a variable of the target that stands for some integer."""
    return var(f'?{name}', INT)


def state(**values: KInner | int) -> KInner:
    """Return the map from program variables to values."""
    return map_of((identifier(name), term(value)) for name, value in values.items())


def runs(
    label: str,
    program: KInner,
    before: Mapping[str, KInner | int],
    after: Mapping[str, KInner | int],
    *,
    result: KInner | None = None,
    framed: bool = False,
    requires: Iterable[KInner] = (),
    ensures: Iterable[KInner] = (),
    att: Iterable[AttEntry[Any]] = (),
) -> KClaim:
    """Return the claim that ``program`` takes the variables from ``before`` to ``after``.

    Args:
        label: The name, ``MODULE.name``.
        program: What is in ``<k>`` at the start.
        before: The variables at the start.
        after: The variables at the end.
        result: What is in ``<k>`` at the end; nothing if it is ``None``.
        framed: Whether the program is followed by any other.
        requires: What holds at the start.
        ensures: What holds at the end.
        att: Further attributes.
    """
    frame = [REST] if framed else []
    left = KSequence(program, *frame)
    right = KSequence(*([] if result is None else [result]), *frame)
    contents: dict[str, Content] = {'k': (left, right), 'state': (state(**before), state(**after))}
    return CONFIGURATION.claim(label, contents, requires=andBool(requires), ensures=andBool(ensures), att=att)


def arithmetic() -> str:
    """Expressions and assignments, with literals and with symbols."""
    name = 'IMP-ARITHMETIC'
    swap_by_sums = seq(assign('a', add('a', 'b')), assign('b', sub('a', 'b')), assign('a', sub('a', 'b')))
    swap = seq(declare('t', 'a'), assign('a', 'b'), assign('b', 't'))
    short = binary('and', FALSE, binary('eq', binary('div', 1, 0), 1))
    return spec(
        NAME,
        name,
        [
            runs(f'{name}.literals', add(binary('mul', 2, 3), 4), {}, {}, result=intToken(10)),
            runs(
                f'{name}.truncation',
                seq(declare('q', binary('div', sub(0, 7), 2)), declare('r', binary('mod', sub(0, 7), 2))),
                {},
                {'q': -3, 'r': -1},
            ),
            runs(
                f'{name}.symbolic',
                add('a', binary('mul', 2, 'b')),
                {'a': A, 'b': B},
                {'a': A, 'b': B},
                result=addInt(A, mulInt(intToken(2), B)),
            ),
            runs(
                f'{name}.first-of-two',
                seq(assign('a', add('a', 1)), assign('a', binary('mul', 'a', 2))),
                {'a': A},
                {'a': addInt(A, intToken(1))},
                result=assign('a', binary('mul', 'a', 2)),
            ),
            runs(f'{name}.swap', swap, {'a': A, 'b': B}, {'a': B, 'b': A, 't': A}),
            runs(
                f'{name}.swap-of-a-quotient',
                swap,
                {'a': A, 'b': B},
                {'a': B, 'b': A, 't': A},
                ensures=[eqInt(exists('Q'), KApply('_/Int_', A, B))],
            ),
            runs(f'{name}.swap-by-sums', swap_by_sums, {'a': A, 'b': B}, {'a': B, 'b': A}),
            runs(
                f'{name}.division',
                assign('a', binary('div', 'a', 'b')),
                {'a': A, 'b': B},
                {'a': KApply('_/Int_', A, B), 'b': B},
                requires=[ltInt(ZERO, B)],
            ),
            runs(f'{name}.short-circuit', short, {}, {}, result=FALSE),
            runs(
                f'{name}.division-by-zero',
                seq(assign('a', binary('div', 'a', 0)), assign('a', 1)),
                {'a': A},
                {'a': A},
                result=DIVISION_BY_ZERO,
            ),
            runs(
                f'{name}.undeclared-read',
                seq(assign('a', add('a', 'b')), assign('a', 1)),
                {'a': A},
                {'a': A},
                result=undeclared('b'),
            ),
            runs(
                f'{name}.undeclared-write',
                seq(declare('a', 1), assign('b', 'a')),
                {},
                {'a': 1},
                result=undeclared('b'),
            ),
        ],
    )


FOUR: Final[dict[str, KInner | int]] = {'a': A, 'b': B, 'c': C, 'd': D, 'r': 0}
"""The variables of :func:`branch_tree` at the start."""


def branches() -> str:
    """Programs that branch on symbolic conditions."""
    name = 'IMP-BRANCHES'
    absolute = if_(lt('a', 0), assign('a', sub(0, 'a')))
    inside = binary('and', le('a', 'c'), le('c', 'b'))
    outside = binary('or', lt('c', 'a'), lt('b', 'c'))
    clamped = seq(if_(lt('c', 'a'), assign('c', 'a')), if_(lt('b', 'c'), assign('c', 'b')))
    r, m = exists('R'), exists('M')
    return spec(
        NAME,
        name,
        [
            runs(f'{name}.absolute', absolute, {'a': A}, {'a': r}, ensures=[leInt(ZERO, r)]),
            runs(
                f'{name}.larger',
                LARGER,
                {'a': A, 'b': B, 'm': M},
                {'a': A, 'b': B, 'm': m},
                ensures=[leInt(A, m), leInt(B, m)],
            ),
            runs(
                f'{name}.larger-of',
                assign('m', binary('max', 'a', 'b')),
                {'a': A, 'b': B, 'm': M},
                {'a': A, 'b': B, 'm': KApply('largest', A, B)},
            ),
            runs(
                f'{name}.sixteen',
                branch_tree(range(16)),
                FOUR,
                {**FOUR, 'r': r},
                ensures=[leInt(ZERO, r), leInt(r, intToken(15))],
            ),
            runs(
                f'{name}.negation',
                seq(if_(KApply('not', inside), assign('r', 1)), if_(outside, assign('r', sub('r', 1)))),
                {'a': A, 'b': B, 'c': C, 'r': 0},
                {'a': A, 'b': B, 'c': C, 'r': 0},
            ),
            runs(
                f'{name}.clamped',
                clamped,
                {'a': A, 'b': B, 'c': C},
                {'a': A, 'b': B, 'c': r},
                requires=[leInt(A, B)],
                ensures=[leInt(A, r), leInt(r, B)],
            ),
            runs(
                f'{name}.dead-branch',
                if_(le('b', 'a'), assign('r', binary('div', 1, 0)), assign('r', 1)),
                {'a': A, 'b': B, 'r': 0},
                {'a': A, 'b': B, 'r': 1},
                requires=[ltInt(A, B)],
            ),
        ],
    )


def summed(label: str, bound: int, total: int) -> KClaim:
    """Return the claim that the numbers up to ``bound`` add up to ``total``."""
    return runs(label, seq(declare('n', bound), declare('s'), SUM), {}, {'n': 0, 's': total})


def loops() -> str:
    """Loops that run a known number of times, and loops by circularity."""
    name = 'IMP-LOOPS'
    t, x, y = exists('T'), exists('X'), exists('Y')
    gauss = eqInt(addInt(t, t), addInt(addInt(S, S), mulInt(N, addInt(N, intToken(1)))))
    product = while_(lt(0, 'n'), assign('p', add('p', 'm')), assign('n', sub('n', 1)))
    approach = while_(lt('a', 'b'), assign('a', add('a', 1)), assign('b', sub('b', 1)))
    table = while_(lt(0, 'r'), assign('r', sub('r', 1)), assign('n', 'c'), TRANSFER)
    counting = [leInt(ZERO, N)]
    return spec(
        NAME,
        name,
        [
            summed(f'{name}.sum-to-10', 10, 55),
            summed(f'{name}.sum-to-100', 100, 5050),
            runs(
                f'{name}.sum',
                SUM,
                {'n': N, 's': S},
                {'n': 0, 's': t},
                framed=True,
                requires=counting,
                ensures=[gauss],
                att=[circularity()],
            ),
            runs(
                f'{name}.product',
                product,
                {'m': M, 'n': N, 'p': P},
                {'m': M, 'n': 0, 'p': addInt(P, mulInt(M, N))},
                framed=True,
                requires=counting,
                att=[circularity()],
            ),
            runs(
                f'{name}.transfer',
                TRANSFER,
                {'n': N, 'm': M},
                {'n': 0, 'm': addInt(M, N)},
                framed=True,
                requires=counting,
                att=[circularity()],
            ),
            runs(
                f'{name}.approach',
                approach,
                {'a': A, 'b': B},
                {'a': x, 'b': y},
                framed=True,
                ensures=[eqInt(addInt(x, y), addInt(A, B)), leInt(y, x)],
                att=[circularity()],
            ),
            runs(
                f'{name}.euclid',
                EUCLID,
                {'a': A, 'b': B},
                {'a': x, 'b': y},
                framed=True,
                requires=[ltInt(ZERO, A), ltInt(ZERO, B)],
                ensures=[eqInt(x, y), ltInt(ZERO, x)],
                att=[circularity()],
            ),
            runs(
                f'{name}.transfer-six',
                seq(assign('n', add('n', 5)), assign('m', 1), TRANSFER),
                {'n': N, 'm': M},
                {'n': 0, 'm': addInt(N, intToken(6))},
                requires=counting,
                att=[depends('transfer')],
            ),
            runs(
                f'{name}.row',
                TRANSFER,
                {'c': C, 'm': M, 'n': N, 'r': A},
                {'c': C, 'm': addInt(M, N), 'n': 0, 'r': A},
                framed=True,
                requires=counting,
                att=[circularity()],
            ),
            runs(
                f'{name}.table',
                table,
                {'c': C, 'm': M, 'n': 0, 'r': A},
                {'c': C, 'm': addInt(M, mulInt(C, A)), 'n': 0, 'r': 0},
                framed=True,
                requires=[leInt(ZERO, C), leInt(ZERO, A)],
                att=[circularity(), depends('row')],
            ),
        ],
    )


def assumed() -> str:
    """A claim that is trusted, because its proof needs the theory of non-linear products, and one that uses it."""
    name = 'IMP-ASSUMED'
    p = exists('P')
    before = {'m': M, 'n': N, 'p': P}
    return spec(
        NAME,
        name,
        [
            runs(
                f'{name}.power-positive',
                POWER,
                before,
                {'m': M, 'n': 0, 'p': p},
                framed=True,
                requires=[leInt(ZERO, N), ltInt(ZERO, M), ltInt(ZERO, P)],
                ensures=[ltInt(ZERO, p)],
                att=[trusted()],
            ),
            runs(
                f'{name}.power-more-than-one',
                seq(assign('p', 1), POWER, assign('p', add('p', 1))),
                before,
                {'m': M, 'n': 0, 'p': p},
                requires=[leInt(ZERO, N), ltInt(ZERO, M)],
                ensures=[ltInt(intToken(1), p)],
                att=[depends('power-positive')],
            ),
        ],
    )


def bounded() -> str:
    """A loop without an invariant, whose proof looks at a bounded number of iterations only."""
    name = 'IMP-BOUNDED'
    n, s = exists('N'), exists('S')
    return spec(
        NAME,
        name,
        [
            runs(
                f'{name}.count',
                COUNT,
                {'n': N, 's': 0},
                {'n': n, 's': s},
                ensures=[leInt(n, ZERO), leInt(ZERO, s)],
            )
        ],
    )


FIRST_INPUT: Final = KApply('inputAt', intToken(1))


def inputs() -> str:
    """A program that is right only if its input is never negative: see :func:`input_lemmas`."""
    name = 'IMP-INPUT'
    x = exists('X')
    read = declare('x', KApply('input', intToken(1)))
    return spec(
        NAME,
        name,
        [
            runs(f'{name}.not-negative', INPUT, {}, {'x': FIRST_INPUT, 'y': 1}),
            runs(f'{name}.read', read, {}, {'x': x}, framed=True, ensures=[notBool(ltInt(x, ZERO))]),
            runs(f'{name}.read-and-checked', INPUT, {}, {'x': x, 'y': 1}, att=[depends('read')]),
        ],
    )


def input_lemmas() -> str:
    """What is known of the input, about which the language says nothing."""
    negative = KApply('_<Int_', KApply('inputAt', N), ZERO)
    return lemmas(NAME, 'IMP-INPUT-LEMMAS', [simplification(negative, FALSE, label='IMP-INPUT-LEMMAS.not-negative')])


def divisions() -> str:
    """Divisions by unknown numbers, which are not zero for one reason or another."""
    name = 'IMP-DIVISIONS'
    numbers = {'a': A, 'b': B, 'c': C}
    both = addInt(B, C)
    return spec(
        NAME,
        name,
        [
            runs(
                f'{name}.share',
                binary('div', 'a', 'b'),
                numbers,
                numbers,
                result=KApply('_/Int_', A, B),
                framed=True,
                requires=[ltInt(ZERO, B)],
            ),
            runs(
                f'{name}.share-of-both',
                binary('div', 'a', add('b', 'c')),
                numbers,
                numbers,
                result=KApply('_/Int_', A, both),
                requires=[ltInt(ZERO, B), leInt(B, C)],
            ),
        ],
    )


def functions() -> str:
    """Equalities of functions, with and without a side condition."""
    name = 'IMP-EQUALITIES'
    store = state(a=A)

    def read(of: str) -> KInner:
        return KApply('read', identifier(of), store)

    def largest(left: KInner, right: KInner) -> KInner:
        return KApply('largest', left, right)

    def sign(of: KInner) -> KInner:
        return KApply('sign', of)

    one = intToken(1)
    return spec(
        NAME,
        name,
        [
            functional(f'{name}.read-declared', read('a'), A),
            functional(f'{name}.read-undeclared', read('b'), undeclared('b')),
            functional(f'{name}.largest-self', largest(A, A), A),
            functional(f'{name}.largest-next', largest(A, addInt(A, one)), addInt(A, one)),
            functional(f'{name}.largest-second', largest(A, B), B, requires=ltInt(A, B)),
            functional(f'{name}.sign-literal', sign(intToken(-7)), intToken(-1)),
            functional(f'{name}.sign-sum', sign(addInt(A, B)), one, requires=andBool([ltInt(ZERO, A), leInt(ZERO, B)])),
            functional(f'{name}.sign-zero', sign(A), ZERO, requires=eqInt(A, ZERO)),
        ],
    )


def cases() -> str:
    """Equalities of functions that hold for a reason of its own in each order of their arguments."""
    name = 'IMP-CASES'

    def largest(left: KInner, right: KInner) -> KInner:
        return KApply('largest', left, right)

    return spec(
        NAME,
        name,
        [
            functional(f'{name}.largest-commutes', largest(A, B), largest(B, A)),
            functional(f'{name}.largest-associates', largest(largest(A, B), C), largest(A, largest(B, C))),
        ],
    )


def files() -> dict[str, str]:
    """Return the spec files of the default suite by name."""
    return {
        'arithmetic.json': arithmetic(),
        'assumed.json': assumed(),
        'bounded.json': bounded(),
        'branches.json': branches(),
        'cases.json': cases(),
        'divisions.json': divisions(),
        'functions.json': functions(),
        'input.json': inputs(),
        'input-lemmas.json': input_lemmas(),
        'loops.json': loops(),
    }
