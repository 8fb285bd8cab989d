"""The claims about the stack machine that hold: one function for each spec file of the default suite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyk.kast.inner import KApply, KInner, KSequence, KVariable
from pyk.kast.prelude.collections import list_of, map_of
from pyk.kast.prelude.kbool import andBool
from pyk.kast.prelude.kint import INT, addInt, eqInt, intToken, leInt, ltInt, mulInt, subInt

from examples.prelude import LIST, var
from examples.specs import circularity, depends, functional, spec
from examples.stack.language import CONFIGURATION, COSTS, NAME, NEXT, RUNNING, assemble, program, status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, Final

    from pyk.kast.att import AttEntry
    from pyk.kast.outer import KClaim

    from examples.kompile import Content

    Number = KInner | int

A, B, C, D, G, M, N = (var(name, INT) for name in 'ABCDGMN')
ZERO: Final = intToken(0)


def exists(name: str) -> KVariable:
    """Return a variable of the target that stands for some integer."""
    return var(f'?{name}', INT)


def number(value: Number) -> KInner:
    """Return an integer as a literal and a term as it is."""
    return intToken(value) if isinstance(value, int) else value


def price(code: Iterable[KInner]) -> int:
    """Return the gas that it costs to run each of the given instructions once."""
    return sum(COSTS.get(i.label.name, 1) for i in code if isinstance(i, KApply))


def halts(
    label: str,
    code: Sequence[KInner],
    *,
    start: Sequence[Number] = (),
    end: Sequence[Number] | KInner = (),
    storage: Mapping[int, Number] | None = None,
    stored: Mapping[int, Number] | None = None,
    gas: Number = 100,
    left: Number | None = None,
    reason: str = 'stopped',
    at: int = 0,
    requires: Iterable[KInner] = (),
    ensures: Iterable[KInner] = (),
    att: Iterable[AttEntry[Any]] = (),
) -> KClaim:
    """Return the claim that the machine halts, from instruction ``at`` of ``code``.

    Args:
        label: The name, ``MODULE.name``.
        code: The program.
        start: The stack at the start, top first.
        end: The stack at the end, as items or as a whole.
        storage: The storage at the start; empty if ``None``.
        stored: The storage at the end; as at the start if ``None``.
        gas: The gas at the start.
        left: The gas at the end; any if ``None``.
        reason: The status at the end.
        at: The program counter at the start; at the end it is any.
        requires: What holds at the start.
        ensures: What holds at the end.
        att: Further attributes.
    """

    def stack(items: Sequence[Number] | KInner) -> KInner:
        if isinstance(items, KInner):
            return items
        return list_of([number(item) for item in items])

    def slots(items: Mapping[int, Number]) -> KInner:
        return map_of((intToken(key), number(value)) for key, value in items.items())

    before = {} if storage is None else storage
    after = before if stored is None else stored
    contents: dict[str, Content] = {
        'k': (KSequence(NEXT), KSequence()),
        'pc': (intToken(at), exists('PC')),
        'program': program(code),
        'stack': (stack(start), stack(end)),
        'storage': (slots(before), slots(after)),
        'gas': (number(gas), exists('GAS') if left is None else number(left)),
        'status': (RUNNING, status(reason)),
    }
    return CONFIGURATION.claim(label, contents, requires=andBool(requires), ensures=andBool(ensures), att=att)


ARITHMETIC: Final = assemble('push 4', 'push 3', 'push 2', 'add', 'mul', 'stop')
SWAPPED: Final = assemble('swap 1', 'sub', 'dup 1', 'add', 'stop')
STORING: Final = assemble('push 7', 'sstore', 'push 7', 'sload', 'dup 1', 'push 8', 'sstore', 'stop')
LARGER: Final = assemble(
    'dup 2', 'dup 2', 'lt', 'push @second', 'jumpi', 'swap 1', 'pop', 'stop', 'second:', 'pop', 'stop'
)  # fmt: skip
COUNT_ZEROS: Final = assemble('iszero', *(line for _ in range(3) for line in ('swap 1', 'iszero', 'add')), 'stop')
"""Counts how many of the four numbers on the stack are zero, which takes sixteen paths."""


def straight() -> str:
    """Programs without jumps back."""
    name = 'STACK-STRAIGHT'
    cost = price(ARITHMETIC)
    r = exists('R')
    return spec(
        NAME,
        name,
        [
            halts(f'{name}.arithmetic', ARITHMETIC, end=[20], left=100 - cost),
            halts(f'{name}.symbolic', SWAPPED, start=[A, B], end=[addInt(subInt(B, A), subInt(B, A))]),
            halts(f'{name}.storage', STORING, start=[A], end=[A], storage={0: B}, stored={0: B, 7: A, 8: A}),
            halts(f'{name}.empty-slot', assemble('push 3', 'sload', 'stop'), end=[0], storage={0: A}),
            halts(f'{name}.end-of-program', assemble('push 3'), end=[3]),
            halts(
                f'{name}.gas-enough',
                ARITHMETIC,
                end=[20],
                gas=G,
                left=subInt(G, intToken(cost)),
                requires=[leInt(intToken(cost), G)],
            ),
            halts(
                f'{name}.gas-too-low',
                assemble('push 1', 'sload'),
                end=[1],
                storage={1: A},
                gas=G,
                left=r,
                reason='outOfGas',
                requires=[leInt(intToken(1), G), ltInt(G, intToken(4))],
                ensures=[leInt(ZERO, r), ltInt(r, intToken(3))],
            ),
            halts(f'{name}.underflow', assemble('push 1', 'add', 'stop'), end=[1], reason='underflow'),
            halts(f'{name}.bad-jump', assemble('push 9', 'jump', 'stop'), end=[9], reason='badJump'),
            halts(f'{name}.invalid', assemble('dup 0'), start=[A], end=[A], reason='invalid'),
            halts(f'{name}.reverted', assemble('pop', 'revert', 'push 1'), start=[A], reason='reverted'),
        ],
    )


def branches() -> str:
    """Programs that branch on symbolic operands."""
    name = 'STACK-BRANCHES'
    r = exists('R')
    normal = assemble('iszero', 'iszero', 'push @yes', 'jumpi', 'push 1', 'stop', 'yes:', 'push 2', 'stop')
    return spec(
        NAME,
        name,
        [
            halts(f'{name}.larger', LARGER, start=[A, B], end=[r], ensures=[leInt(A, r), leInt(B, r)]),
            halts(f'{name}.jumpi', normal, start=[A], end=[r], ensures=[ltInt(ZERO, r), leInt(r, intToken(2))]),
            halts(f'{name}.jumpi-taken', normal, start=[A], end=[2], requires=[ltInt(ZERO, A)]),
            halts(
                f'{name}.sixteen',
                COUNT_ZEROS,
                start=[A, B, C, D],
                end=[r],
                ensures=[leInt(ZERO, r), leInt(r, intToken(4))],
            ),
        ],
    )


_DECREMENT: Final = ('push 1', 'push 0', 'sload', 'sub', 'push 0', 'sstore')
_EXIT_IF_ZERO: Final = ('push 0', 'sload', 'iszero', 'push @end', 'jumpi')
TRANSFER: Final = assemble(
    *('push 5', 'push 1', 'sstore'),
    *('loop:', *_EXIT_IF_ZERO),
    *_DECREMENT,
    *('push 1', 'push 1', 'sload', 'add', 'push 1', 'sstore'),
    *('push @loop', 'jump', 'end:', 'stop'),
)
"""Stores 5 in slot 1, then moves what is in slot 0 to slot 1, one by one; the loop begins at :data:`LOOP`."""
LOOP: Final = 3
ROUND: Final = price(TRANSFER[LOOP:])
"""The gas of one round of the loop."""
LAST: Final = price(TRANSFER[LOOP : LOOP + len(_EXIT_IF_ZERO)])
"""The gas of leaving the loop."""
SUM: Final = assemble(
    'loop:',
    *_EXIT_IF_ZERO,
    *('push 0', 'sload', 'push 1', 'sload', 'add', 'push 1', 'sstore'),
    *_DECREMENT,
    *('push @loop', 'jump', 'end:', 'stop'),
)
"""Adds the numbers from that in slot 0 down to 1 to slot 1."""
PRODUCT: Final = assemble(
    'loop:',
    *_EXIT_IF_ZERO,
    *('push 2', 'sload', 'push 1', 'sload', 'add', 'push 1', 'sstore'),
    *_DECREMENT,
    *('push @loop', 'jump', 'end:', 'stop'),
)
"""Adds slot 2 to slot 1 as often as slot 0 says."""
FOREVER: Final = assemble('loop:', 'push @loop', 'jump')


def rounds(per_round: int, last: int) -> KInner:
    """Return the gas of N rounds and of leaving the loop."""
    return addInt(mulInt(intToken(per_round), N), intToken(last))


def transfer(label: str, total: KInner, *, requires: Iterable[KInner], att: Iterable[AttEntry[Any]]) -> KClaim:
    """Return the claim that the loop of :data:`TRANSFER` leaves ``total`` in slot 1."""
    cost = rounds(ROUND, LAST)
    return halts(
        label,
        TRANSFER,
        at=LOOP,
        storage={0: N, 1: M},
        stored={0: 0, 1: total},
        gas=G,
        left=subInt(G, cost),
        requires=[*requires, leInt(cost, G)],
        att=att,
    )


def loops() -> str:
    """Programs that jump back."""
    name = 'STACK-LOOPS'
    per_round = price(PRODUCT)
    cost = rounds(per_round, LAST)
    counting = [leInt(ZERO, N)]
    beginning = price(TRANSFER[:LOOP])
    return spec(
        NAME,
        name,
        [
            halts(f'{name}.sum-to-10', SUM, storage={0: 10, 1: 0}, stored={0: 0, 1: 55}, gas=1000),
            transfer(f'{name}.transfer', addInt(M, N), requires=counting, att=[circularity()]),
            halts(
                f'{name}.transfer-to-five',
                TRANSFER,
                storage={0: N},
                stored={0: 0, 1: addInt(N, intToken(5))},
                gas=addInt(rounds(ROUND, LAST + beginning), intToken(2)),
                left=2,
                requires=counting,
                att=[depends('transfer')],
            ),
            halts(
                f'{name}.product',
                PRODUCT,
                storage={0: N, 1: A, 2: M},
                stored={0: 0, 1: addInt(A, mulInt(M, N)), 2: M},
                gas=G,
                left=subInt(G, cost),
                requires=[*counting, leInt(cost, G)],
                att=[circularity()],
            ),
            halts(f'{name}.forever', FOREVER, end=[0], gas=10, left=0, reason='outOfGas'),
        ],
    )


def bounded() -> str:
    """A loop that only the lack of gas ends, of which a bounded number of rounds is looked at."""
    name = 'STACK-BOUNDED'
    left = exists('GAS')
    return spec(
        NAME,
        name,
        [
            halts(
                f'{name}.forever',
                FOREVER,
                end=var('?STACK', LIST),
                gas=G,
                left=left,
                reason='outOfGas',
                requires=[leInt(ZERO, G)],
                ensures=[leInt(ZERO, left), ltInt(left, intToken(2))],
            )
        ],
    )


def functions() -> str:
    """Equalities of functions, with and without a side condition."""
    name = 'STACK-EQUALITIES'
    code = program(ARITHMETIC)
    return spec(
        NAME,
        name,
        [
            functional(f'{name}.cost-mul', KApply('cost', KApply('mul')), intToken(2)),
            functional(f'{name}.cost-push', KApply('cost', KApply('push', N)), intToken(1)),
            functional(f'{name}.operands-swap', KApply('operands', KApply('swap', N)), addInt(N, intToken(1))),
            functional(
                f'{name}.operands-dup',
                KApply('operands', KApply('dup', N)),
                intToken(3),
                requires=eqInt(N, intToken(3)),
            ),
            functional(f'{name}.fetch-inside', KApply('fetch', code, intToken(3)), KApply('add')),
            functional(f'{name}.fetch-outside', KApply('fetch', code, intToken(-1)), KApply('stop')),
        ],
    )


def files() -> dict[str, str]:
    """Return the spec files of the default suite by name."""
    return {
        'bounded.json': bounded(),
        'branches.json': branches(),
        'functions.json': functions(),
        'loops.json': loops(),
        'straight.json': straight(),
    }
