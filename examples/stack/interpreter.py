"""A direct evaluator of the stack machine, which knows nothing of the rules in :mod:`examples.stack.language`.

It is what the semantics is tested against: a claim that holds must hold of every run of this evaluator.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyk.kast.inner import KApply, KToken

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

    from pyk.kast.inner import KInner


@dataclass
class Machine:
    """A machine; :func:`run` changes it.  The top of ``stack`` is its last element."""

    stack: list[int] = field(default_factory=list)
    storage: dict[int, int] = field(default_factory=dict)
    gas: int = 1000
    pc: int = 0
    status: str = 'running'


class OutOfSteps(Exception):
    """The machine ran more instructions than it was allowed to."""


_BINARY: Final[dict[str, Callable[[int, int], int]]] = {
    'add': lambda a, b: a + b,
    'sub': lambda a, b: a - b,
    'mul': lambda a, b: a * b,
    'lt': lambda a, b: int(a < b),
}
_GAS: Final = {'mul': 2, 'sload': 3, 'sstore': 5, 'jump': 2, 'jumpi': 3, 'stop': 0, 'revert': 0}
_TAKES: Final = {'iszero': 1, 'pop': 1, 'sload': 1, 'jump': 1, 'sstore': 2, 'jumpi': 2}


def _decoded(instruction: KInner) -> tuple[str, int]:
    """Return the name of an instruction and its immediate argument (0 if it has none)."""
    match instruction:
        case KApply(label, ()):
            return label.name, 0
        case KApply(label, (KToken(text),)):
            return label.name, int(text)
    raise ValueError(f'Machine: expected an instruction with a literal argument, found {instruction}')


def _taken(name: str, argument: int) -> int:
    """Return how many operands must be on the stack."""
    if name in _BINARY:
        return 2
    return {'dup': argument, 'swap': argument + 1}.get(name, _TAKES.get(name, 0))


def run(code: Sequence[KInner], machine: Machine, limit: int = 100_000) -> Machine:
    """Run ``machine`` on the program ``code`` until it halts, and return it.

    Raises:
        OutOfSteps: ``limit`` instructions were not enough.
    """
    for _ in range(limit):
        name, argument = _decoded(code[machine.pc]) if 0 <= machine.pc < len(code) else ('stop', 0)
        if _taken(name, argument) > len(machine.stack):
            machine.status = 'underflow'
        elif _GAS.get(name, 1) > machine.gas:
            machine.status = 'outOfGas'
        else:
            machine.gas -= _GAS.get(name, 1)
            machine.pc += 1
            _execute(name, argument, machine, len(code))
        if machine.status != 'running':
            return machine
    raise OutOfSteps(f'Machine: no end within {limit} instructions')


def _execute(name: str, argument: int, machine: Machine, size: int) -> None:
    stack = machine.stack
    if name in ('dup', 'swap') and argument <= 0:
        machine.status = 'invalid'
    elif name in _BINARY:
        top, below = stack.pop(), stack.pop()
        stack.append(_BINARY[name](top, below))
    elif name == 'push':
        stack.append(argument)
    elif name == 'dup':
        stack.append(stack[-argument])
    elif name == 'swap':
        stack[-1], stack[-1 - argument] = stack[-1 - argument], stack[-1]
    elif name == 'pop':
        stack.pop()
    elif name == 'iszero':
        stack.append(int(stack.pop() == 0))
    elif name == 'sload':
        stack.append(machine.storage.get(stack.pop(), 0))
    elif name == 'sstore':
        key, value = stack.pop(), stack.pop()
        machine.storage[key] = value
    elif name in ('jump', 'jumpi'):
        _jump(name == 'jumpi', machine, size)
    else:
        machine.status = {'stop': 'stopped', 'revert': 'reverted'}[name]


def _jump(conditional: bool, machine: Machine, size: int) -> None:
    """Jump, or halt with the operands on the stack if there is no such place."""
    stack = machine.stack
    taken = not conditional or stack[-2] != 0
    if taken and not 0 <= stack[-1] < size:
        machine.status = 'badJump'
        return
    if taken:
        machine.pc = stack[-1]
    del stack[-2 if conditional else -1 :]
