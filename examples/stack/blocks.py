"""Straight-line code of the stack machine, run without a server.

A block is a run of instructions without jumps, storage and decisions.  From a state with a literal program counter, a
literal amount of gas and a stack that is known as deep as the block reaches, its result needs no rewriting: it is
computed here, with the same terms that the rules would have made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyk.kast.inner import KApply, KSequence, KToken, KVariable
from pyk.kast.manip import flatten_label, set_cell
from pyk.kast.prelude.kint import INT, addInt, intToken, mulInt, subInt

from examples.stack.language import COSTS, NEXT, OPERANDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from pyk.cterm.cterm import CTerm
    from pyk.kast.inner import KInner

REWRITES: Final = 3
"""An instruction is fetched, charged and run."""

_OPERATIONS: Final = {'add': addInt, 'sub': subInt, 'mul': mulInt}
_FOLDED: Final = {'add': int.__add__, 'sub': int.__sub__, 'mul': int.__mul__}
_NUMBERS: Final = frozenset({'_+Int_', '_-Int_', '_*Int_'})


@dataclass(frozen=True)
class Block:
    """What a block does to a state.

    Attributes:
        names: The instructions that were run.
        configuration: The state after them.
    """

    names: tuple[str, ...]
    configuration: KInner

    @property
    def rewrites(self) -> int:
        """The rewrite steps that the rules would have made."""
        return REWRITES * len(self.names)


def run_block(state: CTerm) -> Block | None:
    """Run the straight-line code that a state begins.

    Return ``None`` where there is none, or where a loop may begin, so that a claim about the loop is seen to apply.
    """
    place, gas = _literal(state.try_cell('PC_CELL')), _literal(state.try_cell('GAS_CELL'))
    program, stack = _program(state.try_cell('PROGRAM_CELL')), _items(state.try_cell('STACK_CELL'))
    if state.try_cell('K_CELL') != KSequence(NEXT) or place is None or gas is None or program is None or stack is None:
        return None
    heads = _places_jumped_to(program)
    if heads is None or place in heads:
        return None
    names: list[str] = []
    while (instruction := program.get(place)) is not None and place not in heads:
        cost = COSTS.get(instruction.label.name, 1)
        after = _effect(instruction, stack) if cost <= gas else None
        if after is None:
            break
        names.append(instruction.label.name)
        stack, place, gas = after, place + 1, gas - cost
    if len(names) < 2:
        return None
    changed = state.config
    for cell, content in (('PC_CELL', intToken(place)), ('GAS_CELL', intToken(gas)), ('STACK_CELL', _list(stack))):
        changed = set_cell(changed, cell, content)
    return Block(tuple(names), changed)


def _effect(instruction: KApply, stack: tuple[KInner, ...]) -> tuple[KInner, ...] | None:
    """The stack after an instruction, top first; ``None`` where only the rules can tell."""
    match instruction.label.name, instruction.args:
        case 'push', (value,):
            return (value, *stack)
        case 'pop', () if stack:
            return stack[1:]
        case 'dup', (count,) if (n := _literal(count)) is not None and 1 <= n <= len(stack):
            return (stack[n - 1], *stack)
        case 'swap', (count,) if (n := _literal(count)) is not None and 1 <= n < len(stack):
            return (stack[n], *stack[1:n], stack[0], *stack[n + 1 :])
        case name, () if name in _OPERATIONS and len(stack) >= OPERANDS[name]:
            first, second, *below = stack
            if _is_number(first) and _is_number(second):
                return (_combined(name, first, second), *below)
    return None


def _combined(name: str, first: KInner, second: KInner) -> KInner:
    left, right = _literal(first), _literal(second)
    if left is not None and right is not None:
        return intToken(_FOLDED[name](left, right))
    return _OPERATIONS[name](first, second)


def _is_number(item: KInner) -> bool:
    match item:
        case KToken(_, sort):
            return sort == INT
        case KVariable(_, sort):
            return sort == INT
        case KApply(label):
            return label.name in _NUMBERS
    return False


def _places_jumped_to(program: Mapping[int, KApply]) -> set[int] | None:
    """Where jumps may lead; ``None`` if the program computes it."""
    found: set[int] = set()
    for place, instruction in program.items():
        if instruction.label.name in ('jump', 'jumpi'):
            before = program.get(place - 1)
            target = _literal(before.args[0]) if before is not None and before.label.name == 'push' else None
            if target is None:
                return None
            found.add(target)
    return found


def _program(content: KInner | None) -> dict[int, KApply] | None:
    program: dict[int, KApply] = {}
    for item in flatten_label('_Map_', content) if content is not None else ():
        match item:
            case KApply(label, (KToken(token), KApply() as instruction)) if label.name == '_|->_':
                program[int(token)] = instruction
            case _:
                return None
    return program


def _items(content: KInner | None) -> tuple[KInner, ...] | None:
    """The items of a list, all of them; ``None`` if some are not known."""
    items: list[KInner] = []
    for part in flatten_label('_List_', content) if content is not None else ():
        match part:
            case KApply(label, (item,)) if label.name == 'ListItem':
                items.append(item)
            case KApply(label, ()) if label.name == '.List':
                pass
            case _:
                return None
    return tuple(items)


def _list(items: tuple[KInner, ...]) -> KInner:
    """The list as a server writes it: a chain to the right without an empty end."""
    if not items:
        return KApply('.List')
    *before, last = (KApply('ListItem', item) for item in items)
    content: KInner = last
    for item in reversed(before):
        content = KApply('_List_', item, content)
    return content


def _literal(content: KInner | None) -> int | None:
    return int(content.token) if isinstance(content, KToken) and content.sort == INT else None
