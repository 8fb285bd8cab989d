"""The stack machine: its instructions, its configuration, its rules and an assembler.

A machine fetches the instruction at the program counter, checks that the stack holds its arguments and that there is
gas enough, then runs it.  It halts with a status: stopped, reverted, outOfGas, underflow, badJump or invalid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyk.kast.inner import KApply, KSequence, KSort
from pyk.kast.prelude.collections import map_of
from pyk.kast.prelude.kbool import andBool, notBool
from pyk.kast.prelude.kint import INT, addInt, eqInt, geInt, intToken, leInt, ltInt, neqInt, subInt

from examples.kompile import REST, Cell, Configuration, kompile
from examples.prelude import K_ITEM, LIST, MAP, K, equation, function, module, production, var

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

    from pyk.kast.inner import KInner
    from pyk.kast.outer import KDefinition, KFlatModule, KSentence

NAME: Final = 'STACK'
"""The main module."""

INSTRUCTION: Final = KSort('Instr')
CONTROL: Final = KSort('Control')
STATUS: Final = KSort('Status')

NEXT: Final = KApply('next')
RUNNING: Final = KApply('running')

CONFIGURATION: Final = Configuration(
    'machine',
    MAP,
    (
        Cell('k', K, NEXT),
        Cell('pc', INT, intToken(0)),
        Cell('program', MAP, None),
        Cell('stack', LIST, KApply('.List')),
        Cell('storage', MAP, KApply('.Map')),
        Cell('gas', INT, intToken(1000)),
        Cell('status', STATUS, RUNNING),
    ),
)

OPERANDS: Final = {
    'add': 2,
    'sub': 2,
    'mul': 2,
    'lt': 2,
    'iszero': 1,
    'pop': 1,
    'sload': 1,
    'sstore': 2,
    'jump': 1,
    'jumpi': 2,
    'stop': 0,
    'revert': 0,
}
"""The instructions without an immediate argument, and how many operands each takes."""
COSTS: Final = {'mul': 2, 'sload': 3, 'sstore': 5, 'jump': 2, 'jumpi': 3, 'stop': 0, 'revert': 0}
"""The gas that an instruction costs where it is not 1."""
STATUSES: Final = ('running', 'stopped', 'reverted', 'outOfGas', 'underflow', 'badJump', 'invalid')


# -- the assembler ---------------------------------------------------------------------------------------


def assemble(*lines: str) -> list[KInner]:
    """Return the instructions of a program.

    Args:
        lines: An instruction each, such as ``add`` or ``push 3``; a line that ends with a colon names the place of the
            next instruction, and ``push @name`` pushes it.

    Raises:
        ValueError: a line is not an instruction.
    """
    places: dict[str, int] = {}
    code: list[str] = []
    for line in lines:
        if line.endswith(':'):
            places[line[:-1]] = len(code)
        else:
            code.append(line)
    made: list[KInner] = []
    for line in code:
        name, *argument = line.split()
        if name in OPERANDS and not argument:
            made.append(KApply(name))
        elif name in ('push', 'dup', 'swap') and len(argument) == 1:
            value = places[argument[0][1:]] if argument[0].startswith('@') else int(argument[0])
            made.append(KApply(name, intToken(value)))
        else:
            expected = ', '.join([*OPERANDS, 'push N', 'dup N', 'swap N'])
            raise ValueError(f'Assembler: expected one of {expected}, found {line!r}')
    return made


def program(instructions: Iterable[KInner]) -> KInner:
    """Return the map from program counters to instructions."""
    return map_of((intToken(place), instruction) for place, instruction in enumerate(instructions))


def status(name: str) -> KInner:
    """Return one of :data:`STATUSES`."""
    return KApply(name)


# -- the modules -----------------------------------------------------------------------------------------


def _syntax() -> KFlatModule:
    immediate = [production(INSTRUCTION, name, name, INT) for name in ('push', 'dup', 'swap')]
    return module(
        'STACK-SYNTAX',
        ['MAPS', 'LISTS', 'EQUALITY'],
        [
            *(production(INSTRUCTION, name, name) for name in OPERANDS),
            *immediate,
            production(CONTROL, 'next', '#next'),
            production(CONTROL, 'run', '#run', INSTRUCTION),
            production(CONTROL, 'halt', '#halt', STATUS),
            *(production(STATUS, name, name) for name in STATUSES),
        ],
    )


def _functions() -> KFlatModule:
    code, place, number = var('P', MAP), var('I', INT), var('N', INT)
    instruction = var('INSTR', INSTRUCTION)
    fetch = KApply('fetch', code, place)
    inside = KApply('_in_keys_', place, code)
    operands: list[KSentence] = [
        equation(KApply('operands', KApply(name)), intToken(n)) for name, n in OPERANDS.items() if n
    ]
    costs: list[KSentence] = [equation(KApply('cost', KApply(name)), intToken(n)) for name, n in COSTS.items()]
    return module(
        'STACK-FUNCTIONS',
        ['STACK-SYNTAX'],
        [
            function(K_ITEM, 'fetch', 'fetch', '(', MAP, ',', INT, ')'),
            equation(fetch, KApply('Map:lookup', code, place), label='fetch-inside', requires=inside, defined=True),
            equation(fetch, KApply('stop'), label='fetch-outside', owise=True),
            function(INT, 'operands', 'operands', '(', INSTRUCTION, ')'),
            *operands,
            equation(KApply('operands', KApply('dup', number)), number),
            equation(KApply('operands', KApply('swap', number)), addInt(number, intToken(1))),
            equation(KApply('operands', instruction), intToken(0), owise=True),
            function(INT, 'cost', 'cost', '(', INSTRUCTION, ')'),
            *costs,
            equation(KApply('cost', instruction), intToken(1), owise=True),
        ],
    )


def _stack(*items: KInner, below: KInner) -> KInner:
    """Return the stack with ``items`` (the first on top) over ``below``."""
    result = below
    for item in reversed(items):
        result = KApply('_List_', KApply('ListItem', item), result)
    return result


def _control() -> list[KSentence]:
    """The rules that fetch, check and charge, and those that halt."""
    step = CONFIGURATION.step
    code, place, stack, gas = var('P', MAP), var('PC', INT), var('S', LIST), var('G', INT)
    instruction, old, new = var('INSTR', INSTRUCTION), var('OLD', STATUS), var('NEW', STATUS)
    taken, cost = KApply('operands', instruction), KApply('cost', instruction)
    height = KApply('sizeList', stack)
    enough = leInt(taken, height)
    return [
        step('fetch', NEXT, KApply('fetch', code, place), pc=place, program=code),
        step('underflow', instruction, KApply('halt', status('underflow')), ltInt(height, taken), stack=stack),
        step(
            'out-of-gas',
            instruction,
            KApply('halt', status('outOfGas')),
            andBool([enough, ltInt(gas, cost)]),
            stack=stack,
            gas=gas,
        ),
        step(
            'charge',
            instruction,
            KSequence(KApply('run', instruction), NEXT),
            andBool([enough, leInt(cost, gas)]),
            pc=(place, addInt(place, intToken(1))),
            stack=stack,
            gas=(gas, subInt(gas, cost)),
        ),
        CONFIGURATION.rule('halt', {'k': (KSequence(KApply('halt', new), REST), KSequence()), 'status': (old, new)}),
    ]


def _instructions() -> list[KSentence]:
    """The rules that run one instruction each."""
    a, b, n = var('A', INT), var('B', INT), var('N', INT)
    code, place, below, storage = var('P', MAP), var('PC', INT), var('S', LIST), var('STORAGE', MAP)
    one, zero = intToken(1), intToken(0)
    nothing = KSequence()

    def run(name: str, *arguments: KInner) -> KInner:
        return KApply('run', KApply(name, *arguments))

    def halting(reason: str) -> KInner:
        return KApply('halt', status(reason))

    def on_stack(
        label: str, name: str, before: Iterable[KInner], after: Iterable[KInner], *conditions: KInner
    ) -> KSentence:
        stack = (_stack(*before, below=below), _stack(*after, below=below))
        return CONFIGURATION.step(label, run(name), nothing, andBool(conditions), stack=stack)

    def element(index: KInner) -> KInner:
        return KApply('List:get', below, index)

    def within(height: KInner) -> KInner:
        """The argument is a position, and the stack is at least so high: which was checked before gas was charged."""
        return andBool([ltInt(zero, n), leInt(height, KApply('sizeList', below))])

    target = KApply('_in_keys_', a, code)
    swapped = KApply('List:set', KApply('List:set', below, zero, element(n)), n, element(zero))
    loaded = KApply('Map:lookupOrDefault', storage, a, zero)
    copied = _stack(element(subInt(n, one)), below=below)

    def jumping(label: str, name: str, operands: Iterable[KInner], *conditions: KInner) -> KSentence:
        stack = (_stack(*operands, below=below), below)
        requires = andBool([*conditions, target])
        return CONFIGURATION.step(label, run(name), nothing, requires, pc=(place, a), program=code, stack=stack)

    def straying(label: str, name: str, operands: Iterable[KInner], *conditions: KInner) -> KSentence:
        stack = _stack(*operands, below=below)
        requires = andBool([*conditions, notBool(target)])
        return CONFIGURATION.step(label, run(name), halting('badJump'), requires, program=code, stack=stack)

    step = CONFIGURATION.step
    return [
        step('push', run('push', n), nothing, stack=(below, _stack(n, below=below))),
        step('dup', run('dup', n), nothing, within(n), stack=(below, copied), defined=True),
        step('dup-invalid', run('dup', n), halting('invalid'), leInt(n, zero)),
        step('swap', run('swap', n), nothing, within(addInt(n, one)), stack=(below, swapped), defined=True),
        step('swap-invalid', run('swap', n), halting('invalid'), leInt(n, zero)),
        on_stack('pop', 'pop', [var('TOP', K_ITEM)], []),
        on_stack('add', 'add', [a, b], [addInt(a, b)]),
        on_stack('sub', 'sub', [a, b], [subInt(a, b)]),
        on_stack('mul', 'mul', [a, b], [KApply('_*Int_', a, b)]),
        on_stack('lt-true', 'lt', [a, b], [one], ltInt(a, b)),
        on_stack('lt-false', 'lt', [a, b], [zero], geInt(a, b)),
        on_stack('iszero-true', 'iszero', [a], [one], eqInt(a, zero)),
        on_stack('iszero-false', 'iszero', [a], [zero], neqInt(a, zero)),
        step(
            'sload', run('sload'), nothing, storage=storage, stack=(_stack(a, below=below), _stack(loaded, below=below))
        ),
        step(
            'sstore',
            run('sstore'),
            nothing,
            storage=(storage, KApply('Map:update', storage, a, b)),
            stack=(_stack(a, b, below=below), below),
        ),
        jumping('jump', 'jump', [a]),
        straying('jump-bad', 'jump', [a]),
        jumping('jumpi-taken', 'jumpi', [a, b], neqInt(b, zero)),
        straying('jumpi-bad', 'jumpi', [a, b], neqInt(b, zero)),
        on_stack('jumpi-not-taken', 'jumpi', [a, b], [], eqInt(b, zero)),
        step('stop', run('stop'), halting('stopped')),
        step('revert', run('revert'), halting('reverted')),
    ]


def _rules() -> KFlatModule:
    return module('STACK-RULES', ['STACK-FUNCTIONS', f'{NAME}-CELLS'], [*_control(), *_instructions()])


def definition() -> KDefinition:
    """Return the complete definition of the machine."""
    return kompile(NAME, [_syntax(), _functions(), _rules()], CONFIGURATION)
