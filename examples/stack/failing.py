"""The claims about the stack machine that do not hold, each for a reason of its own."""

from __future__ import annotations

from pyk.kast.inner import KApply
from pyk.kast.prelude.kint import addInt, intToken, leInt, ltInt, subInt

from examples.specs import circularity, depends, functional, spec
from examples.stack.claims import (
    ARITHMETIC,
    COUNT_ZEROS,
    FOREVER,
    LARGER,
    LAST,
    LOOP,
    PRODUCT,
    ROUND,
    STORING,
    SUM,
    SWAPPED,
    TRANSFER,
    ZERO,
    A,
    B,
    C,
    D,
    G,
    M,
    N,
    exists,
    halts,
    price,
    rounds,
    transfer,
)
from examples.stack.language import NAME, assemble

ONE = intToken(1)


def straight() -> str:
    """Programs without jumps back."""
    name = 'STACK-WRONG'
    cost = price(ARITHMETIC)
    r = exists('R')
    return spec(
        NAME,
        name,
        [
            halts(f'{name}.arithmetic', ARITHMETIC, end=[21]),
            halts(f'{name}.gas-too-low', ARITHMETIC, end=[20], gas=cost - 1),
            halts(
                f'{name}.gas-off-by-one',
                ARITHMETIC,
                end=[20],
                gas=G,
                left=subInt(G, intToken(cost)),
                requires=[leInt(intToken(cost - 1), G)],
            ),
            halts(f'{name}.operands-swapped', SWAPPED, start=[A, B], end=[addInt(subInt(A, B), subInt(A, B))]),
            halts(f'{name}.wrong-slot', STORING, start=[A], end=[A], storage={7: B}, stored={7: A, 9: A}),
            halts(f'{name}.underflow', assemble('push 1', 'add', 'stop'), end=[1]),
            halts(f'{name}.bad-jump', assemble('push 9', 'jump', 'stop')),
            halts(f'{name}.reverted', assemble('push 1', 'revert'), end=[1]),
            halts(f'{name}.larger-strictly', LARGER, start=[A, B], end=[r], ensures=[ltInt(B, r)]),
            halts(f'{name}.one-of-sixteen', COUNT_ZEROS, start=[A, B, C, D], end=[r], ensures=[ltInt(r, intToken(4))]),
        ],
    )


def repeating() -> str:
    """Programs that jump back."""
    name = 'STACK-WRONG-LOOPS'
    counting = [leInt(ZERO, N)]
    beginning = price(TRANSFER[:LOOP])
    product = addInt(rounds(price(PRODUCT), LAST), ZERO)
    left = exists('GAS')
    return spec(
        NAME,
        name,
        [
            halts(f'{name}.sum-to-10', SUM, storage={0: 10, 1: 0}, stored={0: 0, 1: 54}, gas=1000),
            transfer(f'{name}.transfer-one-less', subInt(addInt(M, N), ONE), requires=counting, att=[circularity()]),
            transfer(f'{name}.transfer-any', addInt(M, N), requires=[], att=[circularity()]),
            halts(
                f'{name}.transfer-to-four',
                TRANSFER,
                storage={0: N},
                stored={0: 0, 1: addInt(N, intToken(4))},
                gas=addInt(rounds(ROUND, LAST + beginning), intToken(2)),
                left=2,
                requires=counting,
                att=[depends('transfer-one-less')],
            ),
            halts(
                f'{name}.product-of-sum',
                PRODUCT,
                storage={0: N, 1: A, 2: M},
                stored={0: 0, 1: addInt(A, addInt(M, N)), 2: M},
                gas=G,
                left=subInt(G, product),
                requires=[*counting, leInt(product, G)],
                att=[circularity()],
            ),
            halts(
                f'{name}.forever-bounded',
                FOREVER,
                end=[],
                gas=G,
                left=left,
                reason='outOfGas',
                requires=[leInt(ZERO, G)],
                ensures=[leInt(ZERO, left)],
            ),
        ],
    )


def functions() -> str:
    """Equalities of functions."""
    name = 'STACK-WRONG-EQUALITIES'
    return spec(
        NAME,
        name,
        [
            functional(f'{name}.cost-mul', KApply('cost', KApply('mul')), ONE),
            functional(f'{name}.operands-dup', KApply('operands', KApply('dup', N)), ONE, requires=leInt(ONE, N)),
        ],
    )


def files() -> dict[str, str]:
    """Return the spec files of the failing suite by name."""
    return {
        'wrong.json': straight(),
        'wrong-functions.json': functions(),
        'wrong-loops.json': repeating(),
    }
