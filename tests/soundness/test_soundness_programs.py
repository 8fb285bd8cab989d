"""Random concrete programs on the server, step by step, against the direct evaluators of the two languages."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from campaign import EXAMPLES
from claims import ImpClaim, StackClaim
from imp_claims import random_program
from pyk.kast.inner import KApply, KSequence, KSort, KToken
from pyk.kast.manip import extract_lhs, flatten_label
from pyk.kast.outer import read_kast_definition
from pyk.kast.prelude.kint import intToken
from pyk.konvert import kast_to_kore, kore_to_kast
from service import serving
from states import cells

from examples.imp.interpreter import Interpreter
from examples.stack.interpreter import Machine, OutOfSteps, run
from examples.stack.language import OPERANDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyk.kast.inner import KInner
    from pyk.kore.rpc import KoreClient
    from pyk.kore.syntax import Pattern

PROGRAMS = 12
DEPTHS = (1, 7, 1000)


class Machinery:
    """A server of a language, and states to and from Kore."""

    def __init__(self, language: str, client: KoreClient) -> None:
        self.client = client
        self._definition = read_kast_definition(EXAMPLES / language / 'kompiled' / 'compiled.json')

    def start(self, claim: ImpClaim | StackClaim) -> Pattern:
        """Return the state at the start of a claim."""
        body = extract_lhs(claim.claim('START.start').body)
        return kast_to_kore(self._definition, _with_counter(body), KSort('GeneratedTopCell'))

    def run(self, state: Pattern, depth: int) -> Iterator[dict[str, KInner]]:
        """Yield the cells of the state after each `depth` steps, and of the last; none of them may branch."""
        yield self._cells(state)
        while True:
            result = self.client.execute(state, max_depth=depth)
            assert result.next_states is None or not result.next_states, f'a concrete state branches: {result}'
            assert result.state.predicate is None or result.state.predicate.text.startswith('\\top')
            if result.depth:
                yield self._cells(result.state.kore)
            if result.reason.value == 'stuck':
                return
            assert result.reason.value == 'depth-bound'
            assert result.depth == depth
            state = result.state.kore

    def _cells(self, state: Pattern) -> dict[str, KInner]:
        return cells(kore_to_kast(self._definition, state))


def _with_counter(body: KInner) -> KInner:
    """Return a state whose counter of fresh names is zero."""
    assert isinstance(body, KApply)
    return body.let(args=(body.args[0], KApply('<generatedCounter>', intToken(0))))


@pytest.fixture(scope='module')
def imp() -> Iterator[Machinery]:
    with serving(EXAMPLES / 'imp' / 'kompiled', 'IMP') as client:
        yield Machinery('imp', client)


@pytest.fixture(scope='module')
def stack() -> Iterator[Machinery]:
    with serving(EXAMPLES / 'stack' / 'kompiled', 'STACK') as client:
        yield Machinery('stack', client)


def _entries(content: KInner) -> dict[Any, int]:
    made: dict[Any, int] = {}
    for entry in flatten_label('_Map_', content):
        if isinstance(entry, KApply) and entry.label.name == '_|->_':
            key, value = entry.args
            assert isinstance(key, KToken)
            assert isinstance(value, KToken)
            assert key.token not in made
            made[key.token] = int(value.token)
    return made


def _without_repetition(values: list[Any]) -> list[Any]:
    return [value for n, value in enumerate(values) if n == 0 or values[n - 1] != value]


# -- imp -------------------------------------------------------------------------------------------------


class Tracing(Interpreter):
    """Remembers the variables after each assignment."""

    def __init__(self) -> None:
        super().__init__(limit=2_000)
        self.trace: list[dict[str, int]] = []

    def _store(self, new: bool, name: str, value: int, store: dict[str, int]) -> None:  # type: ignore[override]
        super()._store(new, name, value, store)
        self.trace.append(dict(store))


def _mentions(term: KInner, label: str) -> bool:
    return isinstance(term, KApply) and (term.label.name == label or any(_mentions(arg, label) for arg in term.args))


def _concrete(seed: int) -> ImpClaim:
    source = random.Random(seed)
    names = ['a', 'b', 'c']
    while True:
        program = random_program(source, names)
        if not _mentions(program, 'input'):
            before = tuple((name, intToken(source.randint(-9, 9))) for name in [*names, 'i'])
            return ImpClaim(program, before, None, ())


@pytest.mark.parametrize('depth', DEPTHS)
def test_imp_programs_run_as_the_interpreter_runs_them(imp: Machinery, depth: int) -> None:
    for seed in range(PROGRAMS):
        claim = _concrete(seed)
        before = {name: int(value.token) for name, value in claim.before if isinstance(value, KToken)}
        interpreter = Tracing()
        outcome = interpreter.run(claim.program, before)
        states = list(imp.run(imp.start(claim), depth))
        stores = [_entries(cells['state']) for cells in states]
        assert stores[-1] == outcome.variables, claim
        if depth == 1:
            assert _without_repetition(stores) == _without_repetition([before, *interpreter.trace]), claim
        rest = states[-1]['k']
        items = rest.items if isinstance(rest, KSequence) else (rest,)
        shown = None
        if items:
            (item,) = items
            assert isinstance(item, KApply)
            shown = item.label.name + ''.join(f'({arg.token})' for arg in item.args if isinstance(arg, KToken))
        assert shown == outcome.failure, claim


# -- stack -----------------------------------------------------------------------------------------------


def _wild(seed: int) -> StackClaim:
    """Return a machine with any code at all; the gas ends it."""
    source = random.Random(seed)
    code: list[KInner] = []
    for _ in range(source.randint(4, 20)):
        kind = source.random()
        if kind < 0.45:
            code.append(KApply('push', intToken(source.randint(-2, 12))))
        elif kind < 0.6:
            code.append(KApply(source.choice(['dup', 'swap']), intToken(source.randint(0, 3))))
        else:
            code.append(
                KApply(
                    source.choice(
                        [name for name in OPERANDS if name not in ('stop', 'revert')] * 4 + ['stop', 'revert']
                    )
                )
            )
    start = tuple(intToken(source.randint(-3, 6)) for _ in range(source.randint(0, 5)))
    slots = tuple((intToken(key), intToken(source.randint(-5, 5))) for key in source.sample(range(-1, 4), 2))
    gas = intToken(source.randint(5, 60))
    return StackClaim(tuple(code), start, slots, gas, 'stopped', (), (), gas, intToken(0))


def _machine(cells: dict[str, KInner]) -> tuple[Any, ...]:
    def number(name: str) -> int:
        value = cells[name]
        assert isinstance(value, KToken)
        return int(value.token)

    items = [one for one in flatten_label('_List_', cells['stack']) if isinstance(one, KApply) and one.args]
    heap = [int(item.args[0].token) for item in items if isinstance(item.args[0], KToken)]
    state = cells['status']
    assert isinstance(state, KApply)
    storage = {int(key): value for key, value in _entries(cells['storage']).items()}
    return number('pc'), heap, storage, number('gas'), state.label.name


def _reference(claim: StackClaim) -> list[tuple[Any, ...]]:
    """Return the machine after each instruction, as the direct evaluator has it."""

    def number(term: KInner) -> int:
        assert isinstance(term, KToken)
        return int(term.token)

    machine = Machine(
        [number(item) for item in reversed(claim.start)],
        {number(key): number(value) for key, value in claim.storage},
        number(claim.gas),
    )
    seen = []
    while True:
        heap = list(reversed(machine.stack))
        seen.append((machine.pc, heap, dict(machine.storage), machine.gas, machine.status))
        if machine.status != 'running':
            return seen
        try:
            run(claim.code, machine, 1)
        except OutOfSteps:
            pass


@pytest.mark.parametrize('depth', DEPTHS)
def test_stack_machines_run_as_the_evaluator_runs_them(stack: Machinery, depth: int) -> None:
    for seed in range(PROGRAMS):
        claim = _wild(seed)
        expected = _reference(claim)
        states = list(stack.run(stack.start(claim), depth))
        assert _machine(states[-1]) == expected[-1], claim
        if depth == 1:
            between = [_machine(cells) for cells in states if _at_next(cells['k'])]
            assert between == expected[:-1], claim


def _at_next(content: KInner) -> bool:
    items = content.items if isinstance(content, KSequence) else (content,)
    return bool(items) and isinstance(items[0], KApply) and items[0].label.name == 'next'
