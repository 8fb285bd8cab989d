"""Random imperative programs, and claims about them that are true because a symbolic evaluator made them.

The evaluator here is a third reading of the language, beside the rules and the interpreter: it runs a program on terms
and forks at each condition that it cannot decide. Each path gives its condition, the final variables as terms, and the
failure, if any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from claims import ImpClaim
from pyk.kast.inner import KApply, KToken, KVariable
from pyk.kast.prelude.kbool import FALSE, TRUE
from pyk.kast.prelude.kint import INT, intToken
from terms import build, joined

from examples.imp.programs import DIVISION_BY_ZERO, assign, binary, block, declare, if_, seq, term, undeclared, while_

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from pyk.kast.inner import KInner

_HOOKS = {
    'add': '_+Int_',
    'sub': '_-Int_',
    'mul': '_*Int_',
    'lt': '_<Int_',
    'le': '_<=Int_',
    'eq': '_==Int_',
    'max': 'largest',
    'div': '_/Int_',
    'mod': '_%Int_',
}
_MOST_PATHS = 7
_MOST_STEPS = 120
_LARGEST = 60


class TooLarge(Exception):
    """A program has too many paths or is too long."""


# -- programs --------------------------------------------------------------------------------------------


def _expression(source: random.Random, names: list[str], depth: int) -> KInner:
    kind = source.random()
    if depth == 0 or kind < 0.25:
        return term(source.choice([*names, *names, source.randint(-5, 5)]))
    left, right = (_expression(source, names, depth - 1) for _ in range(2))
    if kind < 0.7:
        return binary(source.choice(['add', 'add', 'sub', 'sub', 'max']), left, right)
    if kind < 0.8:
        return binary('mul', left, source.choice([right, intToken(source.randint(-3, 3))]))
    if kind < 0.96:
        divisor = right if source.random() < 0.15 else intToken(source.choice([-3, -2, 2, 3, 4]))
        return binary(source.choice(['div', 'mod']), left, divisor)
    return KApply('input', left)


def _condition(source: random.Random, names: list[str], depth: int) -> KInner:
    kind = source.random()
    if depth == 0 or kind < 0.7:
        operation = source.choice(['lt', 'le', 'eq'])
        return binary(operation, _expression(source, names, 1), _expression(source, names, source.choice([0, 1])))
    if kind < 0.8:
        return KApply('not', _condition(source, names, depth - 1))
    return binary(source.choice(['and', 'or']), *(_condition(source, names, depth - 1) for _ in range(2)))


def _statement(source: random.Random, names: list[str], depth: int) -> KInner:
    kind = source.random()
    if kind < 0.02:
        return assign('nowhere', _expression(source, names, 1))
    if kind < 0.04:
        return declare(source.choice(names), 1)
    if depth and kind < 0.4:
        then, otherwise = (_statements(source, names, depth - 1) for _ in range(2))
        return if_(_condition(source, names, 1), then, otherwise if source.random() < 0.6 else None)
    if depth and kind < 0.5:
        body = _statements(source, names, 0)
        start = intToken(source.randint(1, 3))
        loop = while_(binary('lt', 0, 'i'), body, assign('i', binary('sub', 'i', 1)))
        return seq(assign('i', start), loop)
    if kind < 0.55:
        return block() if source.random() < 0.3 else block(_statement(source, names, 0))
    return assign(source.choice(names), _expression(source, names, source.choice([1, 2, 2])))


def _statements(source: random.Random, names: list[str], depth: int) -> KInner:
    return seq(*(_statement(source, names, depth) for _ in range(source.randint(1, 3))))


def random_program(source: random.Random, names: list[str]) -> KInner:
    """Return a program over declared variables `names` and `i`."""
    body = _statements(source, names, 2)
    if source.random() < 0.3:
        names = [*names, 't']
        body = seq(body, declare('t', _expression(source, names[:-1], 1)), _statements(source, names, 1))
    return body


# -- the symbolic evaluator ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Path:
    """One way through a program."""

    condition: tuple[KInner, ...]
    variables: dict[str, KInner]
    failure: KInner | None = None

    def assuming(self, condition: KInner) -> Iterator[Path]:
        """Yield this path under a condition; nothing if it contradicts what is known word by word."""
        if condition == TRUE or condition in self.condition:
            yield self
        elif condition != FALSE and build('notBool_', condition) not in self.condition:
            yield Path((*self.condition, condition), self.variables, self.failure)

    def failing(self, failure: KInner) -> Path:
        """Return this path with a failure."""
        return Path(self.condition, self.variables, failure)


Valued = tuple[Path, 'KInner | None']


def _value(path: Path, expression: KInner) -> Iterator[Valued]:
    """Yield the paths through an expression, each with its value, or none if it fails."""
    if isinstance(expression, KToken):
        if expression.sort.name != 'Id':
            yield path, expression
        elif expression.token in path.variables:
            yield path, path.variables[expression.token]
        else:
            yield path.failing(undeclared(expression.token)), None
        return
    assert isinstance(expression, KApply)
    name = expression.label.name
    for first, left in _value(path, expression.args[0]):
        if left is None:
            yield first, None
        elif name == 'not':
            yield first, build('notBool_', left)
        elif name == 'input':
            yield first, build('inputAt', left)
        elif name in ('and', 'or'):
            for known, truth in ((left, True), (build('notBool_', left), False)):
                for taken in first.assuming(known):
                    if truth == (name == 'and'):
                        yield from _value(taken, expression.args[1])
                    else:
                        yield taken, TRUE if truth else FALSE
        else:
            for second, right in _value(first, expression.args[1]):
                yield from [(second, None)] if right is None else _operation(second, name, left, right)


def _operation(path: Path, name: str, left: KInner, right: KInner) -> Iterator[Valued]:
    if name not in ('div', 'mod'):
        yield path, build(_HOOKS[name], left, right)
        return
    for taken in path.assuming(build('_==Int_', right, intToken(0))):
        yield taken.failing(DIVISION_BY_ZERO), None
    for taken in path.assuming(build('_=/=Int_', right, intToken(0))):
        yield taken, build(_HOOKS[name], left, right)


def paths(program: KInner, variables: dict[str, KInner]) -> list[Path]:
    """Return the paths through a program. Raises `TooLarge`."""
    done: list[Path] = []
    pending: list[tuple[Path, tuple[KInner, ...]]] = [(Path((), variables), (program,))]
    steps = 0
    while pending:
        path, todo = pending.pop()
        steps += 1
        if len(done) + len(pending) > _MOST_PATHS or steps > _MOST_STEPS:
            raise TooLarge
        if path.failure is not None or not todo:
            done.append(path)
            continue
        statement, rest = todo[0], todo[1:]
        assert isinstance(statement, KApply)
        pending += [(after, (*first, *rest)) for after, first in _statement_paths(path, statement)]
    return done


def _statement_paths(path: Path, statement: KApply) -> Iterator[tuple[Path, tuple[KInner, ...]]]:
    """Yield what a statement leads to, with the statements that it leaves to do."""
    name, args = statement.label.name, statement.args
    if name == 'skip':
        yield path, ()
    elif name == 'block' or name == 'seq':
        yield path, args
    elif name in ('assign', 'declare'):
        target = args[0]
        assert isinstance(target, KToken)
        for after, value in _value(path, args[1]):
            if value is None:
                yield after, ()
            elif (target.token in after.variables) == (name == 'declare'):
                failure = KApply('redeclared', target) if name == 'declare' else undeclared(target.token)
                yield after.failing(failure), ()
            else:
                yield Path(after.condition, {**after.variables, target.token: value}), ()
    else:
        otherwise = (args[2],) if name == 'if' else ()
        for after, value in _value(path, args[0]):
            if value is None:
                yield after, ()
                continue
            for taken in after.assuming(value):
                yield taken, (args[1],) if name == 'if' else (args[1], statement)
            for taken in after.assuming(build('notBool_', value)):
                yield taken, otherwise


# -- claims ----------------------------------------------------------------------------------------------


def _size(of: KInner) -> int:
    return 1 + sum(map(_size, of.args)) if isinstance(of, KApply) else 1


def random_claim(source: random.Random) -> ImpClaim | None:
    """Return a claim that is true; None if this program is not fit for one."""
    names = ['a', 'b', 'c'][: source.randint(2, 3)]
    before: dict[str, KInner] = {
        name: intToken(source.randint(-5, 5)) if source.random() < 0.25 else KVariable(name.upper(), INT)
        for name in names
    }
    before['i'] = intToken(0)
    program = random_program(source, names)
    try:
        found = paths(program, before)
    except TooLarge:
        return None
    if any(_size(value) > _LARGEST for path in found for value in path.variables.values()):
        return None
    start = tuple(before.items())
    chosen = source.choice(found)
    alike = [p for p in found if p.failure == chosen.failure and p.variables.keys() == chosen.variables.keys()]
    if len(found) == 1 or len(alike) < len(found) or source.random() < 0.4:
        return ImpClaim(program, start, chosen.failure, tuple(chosen.variables.items()), chosen.condition)
    return _joint_claim(source, program, start, found)


def _joint_claim(
    source: random.Random, program: KInner, start: tuple[tuple[str, KInner], ...], found: list[Path]
) -> ImpClaim:
    """Return the claim that some path is taken: what differs is existential, and the condition says what it is."""
    after: list[tuple[str, KInner]] = []
    unknown: list[str] = []
    for name in found[0].variables:
        values = {path.variables[name] for path in found}
        if len(values) == 1:
            after.append((name, values.pop()))
        else:
            after.append((name, KVariable(f'?{name.upper()}', INT)))
            unknown.append(name)
    if source.random() < 0.3 and unknown:
        # Only one of the variables is spoken of.
        unknown = [source.choice(unknown)]
    alternatives = []
    for path in found:
        equations = [KApply('_==Int_', KVariable(f'?{name.upper()}', INT), path.variables[name]) for name in unknown]
        alternatives.append(joined('_andBool_', [*path.condition, *equations]))
    ensures = joined('_orBool_', alternatives)
    return ImpClaim(program, start, found[0].failure, tuple(after), (), () if ensures == TRUE else (ensures,))
