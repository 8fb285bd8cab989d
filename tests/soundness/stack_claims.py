"""Random code for the stack machine, and claims about it that are true because a symbolic evaluator made them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from claims import StackClaim
from imp_claims import TooLarge
from pyk.kast.inner import KApply, KToken, KVariable
from pyk.kast.prelude.kbool import FALSE, TRUE
from pyk.kast.prelude.kint import INT, intToken
from terms import build, joined

from examples.stack.language import assemble

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from pyk.kast.inner import KInner

_ARITHMETIC = {'add': '_+Int_', 'sub': '_-Int_', 'mul': '_*Int_'}
_TAKEN = {'add': 2, 'sub': 2, 'mul': 2, 'lt': 2, 'iszero': 1, 'pop': 1, 'sload': 1, 'sstore': 2, 'jump': 1, 'jumpi': 2}
_GAS = {'mul': 2, 'sload': 3, 'sstore': 5, 'jump': 2, 'jumpi': 3, 'stop': 0, 'revert': 0}
_MOST_PATHS = 6
_MOST_STEPS = 200


# -- code ------------------------------------------------------------------------------------------------


def random_code(source: random.Random, height: int) -> tuple[KInner, ...]:
    """Return code for a stack of the given height; what jumps, jumps forward."""
    lines: list[str] = []
    open_labels: list[int] = []
    labels = 0
    for _ in range(source.randint(3, 12)):
        kind = source.random()
        if kind < 0.25 or height == 0:
            lines.append(f'push {source.randint(-3, 5)}')
            height += 1
        elif kind < 0.35:
            lines.append(f'dup {source.randint(1, height)}')
            height += 1
        elif kind < 0.42 and height > 1:
            lines.append(f'swap {source.randint(1, height - 1)}')
        elif kind < 0.72 and height > 1:
            lines.append(source.choice(['add', 'sub', 'sub', 'mul', 'lt', 'lt']))
            height -= 1
        elif kind < 0.76:
            lines.append('iszero')
        elif kind < 0.84 and height > 1:
            known = source.random() < 0.8
            lines += [f'push {source.randint(0, 2)}', 'sstore'] if known else ['sstore']
            height -= 1 if known else 2
        elif kind < 0.9:
            known = source.random() < 0.8
            lines += [f'push {source.randint(0, 2)}', 'sload'] if known else ['sload']
            height += known
        elif kind < 0.97:
            lines += [f'push @l{labels}', 'jumpi']
            open_labels.append(labels)
            labels += 1
            height -= 1
        else:
            lines.append(source.choice(['pop', 'revert', 'stop', 'add', 'jump']))
        if open_labels and source.random() < 0.4:
            lines.append(f'l{open_labels.pop()}:')
    lines += [f'l{label}:' for label in open_labels]
    return tuple(assemble(*lines, 'stop'))


# -- the symbolic evaluator ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Path:
    """A machine on one way through its code; the top of the stack is the first item."""

    condition: tuple[KInner, ...]
    stack: tuple[KInner, ...]
    storage: tuple[tuple[KInner, KInner], ...]
    gas: KInner
    place: int = 0
    status: str = 'running'

    def assuming(self, condition: KInner) -> Iterator[Path]:
        """Yield this path under a condition; nothing if it contradicts what is known word by word."""
        if condition == TRUE or condition in self.condition:
            yield self
        elif condition != FALSE and build('notBool_', condition) not in self.condition:
            yield replace(self, condition=(*self.condition, condition))


def paths(code: tuple[KInner, ...], start: Path) -> list[Path]:
    """Return the paths to a halt. Raises `TooLarge`."""
    done: list[Path] = []
    pending = [start]
    steps = 0
    while pending:
        path = pending.pop()
        steps += 1
        if len(done) + len(pending) > _MOST_PATHS or steps > _MOST_STEPS:
            raise TooLarge
        if path.status != 'running':
            done.append(path)
        else:
            pending += _fetched(path, code)
    return done


def _fetched(path: Path, code: tuple[KInner, ...]) -> Iterator[Path]:
    instruction = code[path.place] if 0 <= path.place < len(code) else KApply('stop')
    assert isinstance(instruction, KApply)
    name = instruction.label.name
    argument = int(instruction.args[0].token) if instruction.args and isinstance(instruction.args[0], KToken) else 0
    taken = {'dup': argument, 'swap': argument + 1}.get(name, _TAKEN.get(name, 0))
    if taken > len(path.stack):
        yield replace(path, status='underflow')
        return
    cost = intToken(_GAS.get(name, 1))
    for poor in path.assuming(build('_<Int_', path.gas, cost)):
        yield replace(poor, status='outOfGas')
    for rich in path.assuming(build('_<=Int_', cost, path.gas)):
        charged = replace(rich, gas=build('_-Int_', path.gas, cost), place=path.place + 1)
        yield from _run(charged, name, argument, len(code))


def _run(path: Path, name: str, argument: int, size: int) -> Iterator[Path]:
    stack = path.stack
    if name in _ARITHMETIC:
        yield replace(path, stack=(build(_ARITHMETIC[name], stack[0], stack[1]), *stack[2:]))
    elif name in ('lt', 'iszero'):
        left = stack[0]
        test = build('_<Int_', left, stack[1]) if name == 'lt' else build('_==Int_', left, intToken(0))
        rest = stack[2:] if name == 'lt' else stack[1:]
        for taken in path.assuming(test):
            yield replace(taken, stack=(intToken(1), *rest))
        for taken in path.assuming(build('notBool_', test)):
            yield replace(taken, stack=(intToken(0), *rest))
    elif name in ('dup', 'swap') and argument <= 0:
        yield replace(path, status='invalid')
    elif name == 'push':
        yield replace(path, stack=(intToken(argument), *stack))
    elif name == 'dup':
        yield replace(path, stack=(stack[argument - 1], *stack))
    elif name == 'swap':
        items = list(stack)
        items[0], items[argument] = items[argument], items[0]
        yield replace(path, stack=tuple(items))
    elif name == 'pop':
        yield replace(path, stack=stack[1:])
    elif name == 'sload':
        for taken, found in _slot(path, stack[0]):
            value = intToken(0) if found is None else taken.storage[found][1]
            yield replace(taken, stack=(value, *stack[1:]))
    elif name == 'sstore':
        for taken, found in _slot(path, stack[0]):
            slots = list(taken.storage)
            if found is None:
                slots.append((stack[0], stack[1]))
            else:
                slots[found] = (slots[found][0], stack[1])
            yield replace(taken, storage=tuple(slots), stack=stack[2:])
    elif name in ('jump', 'jumpi'):
        yield from _jumped(path, name == 'jumpi', size)
    else:
        yield replace(path, status={'stop': 'stopped', 'revert': 'reverted'}[name])


def _slot(path: Path, key: KInner) -> Iterator[tuple[Path, int | None]]:
    """Yield the slots of the storage that a key may mean, and none, each with the condition for it."""
    others = path
    for number, (known, _) in enumerate(path.storage):
        same = TRUE if known == key else build('_==Int_', key, known)
        for taken in others.assuming(same):
            yield taken, number
        remaining = list(others.assuming(build('notBool_', same)))
        if not remaining:
            return
        (others,) = remaining
    yield others, None


def _jumped(path: Path, conditional: bool, size: int) -> Iterator[Path]:
    stack = path.stack
    target = stack[0]
    if not isinstance(target, KToken):
        raise TooLarge
    place = int(target.token)
    zero = build('_==Int_', stack[1], intToken(0)) if conditional else FALSE
    for straight in path.assuming(zero):
        yield replace(straight, stack=stack[2:])
    for taken in path.assuming(build('notBool_', zero)):
        if 0 <= place < size:
            yield replace(taken, stack=stack[2:] if conditional else stack[1:], place=place)
        else:
            yield replace(taken, status='badJump')


# -- claims ----------------------------------------------------------------------------------------------


def _term(source: random.Random, names: list[str]) -> KInner:
    return intToken(source.randint(-3, 5)) if source.random() < 0.25 else KVariable(source.choice(names), INT)


def random_claim(source: random.Random) -> StackClaim | None:
    """Return a claim that is true; None if this code is not fit for one."""
    names = ['A', 'B', 'C'][: source.randint(2, 3)]
    start = tuple(_term(source, names) for _ in range(source.randint(1, 3)))
    keys: list[KInner] = [intToken(key) for key in source.sample(range(3), source.randint(0, 2))]
    if source.random() < 0.15:
        keys.append(KVariable('K', INT))
    storage = tuple((key, _term(source, names)) for key in keys)
    gas: KInner = (
        KVariable('G', INT) if source.random() < 0.1 else intToken(source.choice([60, 60, source.randint(1, 20)]))
    )
    code = random_code(source, len(start))
    try:
        found = paths(code, Path((), start, storage, gas))
    except TooLarge:
        return None
    chosen = source.choice(found)
    alike = [
        path
        for path in found
        if (path.status, len(path.stack), [key for key, _ in path.storage])
        == (chosen.status, len(chosen.stack), [key for key, _ in chosen.storage])
    ]
    made = StackClaim(
        code,
        start,
        storage,
        gas,
        chosen.status,
        chosen.stack,
        chosen.storage,
        chosen.gas,
        intToken(chosen.place),
        chosen.condition,
    )
    if len(found) == 1 or len(alike) < len(found) or source.random() < 0.4:
        return made
    return _joint_claim(made, found)


def _joint_claim(one: StackClaim, found: list[Path]) -> StackClaim:
    """Return the claim that some path is taken: the values are existential, and the condition says what they are."""
    end = tuple(KVariable(f'?S{n}', INT) for n in range(len(one.end)))
    stored = tuple((key, KVariable(f'?V{n}', INT)) for n, (key, _) in enumerate(one.stored))
    gas, place = KVariable('?G', INT), KVariable('?P', INT)
    alternatives = []
    for path in found:
        pairs = [*zip(end, path.stack, strict=True), (gas, path.gas), (place, intToken(path.place))]
        pairs += [(var, value) for (_, var), (_, value) in zip(stored, path.storage, strict=True)]
        equations = [KApply('_==Int_', var, value) for var, value in pairs]
        alternatives.append(joined('_andBool_', [*path.condition, *equations]))
    ensures = (joined('_orBool_', alternatives),)
    return replace(one, end=end, stored=stored, left=gas, place=place, requires=(), ensures=ensures)
