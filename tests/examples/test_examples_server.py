"""The semantics of the example languages as the real server runs them, against the interpreters.

Random programs are run from a state with symbols.  For every choice of values exactly one of the resulting states must
be meant, and it must be the end of the interpreter's run: no path is lost, none is invented, and every value is right.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from embedded import EmbeddedServer
from examples_harness import entries, evaluate, opaque_input
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyk.cterm import CTerm, CTermSymbolic  # type: ignore[attr-defined]
from pyk.kast.inner import KApply, KSequence
from pyk.kast.manip import flatten_label
from pyk.kast.outer import read_kast_definition
from pyk.kast.prelude.collections import list_of, map_of
from pyk.kast.prelude.kbool import FALSE, TRUE
from pyk.kast.prelude.kint import INT, intToken
from pyk.kore.rpc import KoreClient
from states import cells

from examples.build import ROOT
from examples.imp import language as imp
from examples.imp.interpreter import Interpreter
from examples.imp.programs import add, assign, binary, declare, if_, lt, seq, sub, while_
from examples.prelude import identifier, var
from examples.stack import language as stack
from examples.stack.interpreter import Machine, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyk.kast.inner import KInner

A, B = var('A', INT), var('B', INT)
VALUES = [(a, b) for a in (-7, -1, 0, 1, 2, 9) for b in (-3, 0, 1, 5)]
MOST_PATHS = 40
RARELY = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@contextmanager
def symbolic(language: str) -> Iterator[CTermSymbolic]:
    """Start a server on a language's definition and connect to it."""
    kompiled = ROOT / language / 'kompiled'
    definition = read_kast_definition(kompiled / 'compiled.json')
    with EmbeddedServer(kompiled) as server, KoreClient('localhost', server.port) as client:
        yield CTermSymbolic(client, definition)


@pytest.fixture(scope='module')
def on_imp() -> Iterator[CTermSymbolic]:
    with symbolic('imp') as connected:
        yield connected


@pytest.fixture(scope='module')
def on_stack() -> Iterator[CTermSymbolic]:
    with symbolic('stack') as connected:
        yield connected


def ends(server: CTermSymbolic, start: KInner) -> list[CTerm] | None:
    """Return the states in which execution ends on every path; ``None`` if there are too many paths."""
    pending, found = [CTerm.from_kast(start)], []
    while pending:
        result = server.execute(pending.pop(), depth=2000)
        if result.next_states:
            pending += [following.state for following in result.next_states]
        elif not result.vacuous:
            found.append(result.state)
        if len(pending) + len(found) > MOST_PATHS:
            return None
    return found


def means(predicate: KInner, values: dict[str, int]) -> bool:
    """Return whether a matching-logic predicate holds; a term without a value makes it false."""
    try:
        match predicate:
            case KApply(label, ()) if label.name in ('#Top', '#Bottom'):
                return label.name == '#Top'
            case KApply(label, (inner,)) if label.name == '#Not':
                return not means(inner, values)
            case KApply(label, (inner,)) if label.name == '#Ceil':
                evaluate(inner, values)
                return True
            case KApply(label, (left, right)) if label.name == '#And':
                return means(left, values) and means(right, values)
            case KApply(label, (left, right)) if label.name == '#Or':
                return means(left, values) or means(right, values)
            case KApply(label, (left, right)) if label.name == '#Equals':
                return evaluate(left, values) == evaluate(right, values)
    except ZeroDivisionError:
        return False
    raise AssertionError(f'not a predicate that a state of these languages has: {predicate}')


def meant(states: list[CTerm], values: dict[str, int]) -> dict[str, KInner]:
    """Return the cells of the one state whose condition holds."""
    chosen = [state for state in states if all(means(c, values) for c in state.constraints)]
    assert len(chosen) == 1, f'{len(chosen)} states are meant by {values}'
    return cells(chosen[0].config)


# -- imperative programs ---------------------------------------------------------------------------------

NUMBERS = st.sampled_from([-2, 0, 1, 3]).map(intToken)
NAMES = st.sampled_from(['a', 'b', 'c', 'z']).map(identifier)


def _arithmetic(inner: st.SearchStrategy[KInner]) -> st.SearchStrategy[KInner]:
    pair = st.sampled_from(['add', 'sub', 'div', 'mod', 'max'])
    return st.builds(binary, pair, inner, inner) | st.builds(lambda f, e: binary('mul', f, e), NUMBERS, inner)


ARITHMETIC: st.SearchStrategy[KInner] = st.recursive(NUMBERS | NAMES, _arithmetic, max_leaves=4)
COMPARISONS: st.SearchStrategy[KInner] = st.builds(binary, st.sampled_from(['lt', 'le', 'eq']), ARITHMETIC, ARITHMETIC)
LOGIC: st.SearchStrategy[KInner] = st.recursive(
    COMPARISONS | st.sampled_from([TRUE, FALSE]),
    lambda inner: (
        st.builds(binary, st.sampled_from(['and', 'or']), inner, inner) | st.builds(lambda b: KApply('not', b), inner)
    ),
    max_leaves=3,
)
SIMPLE: st.SearchStrategy[KInner] = st.builds(assign, st.sampled_from('abcz'), ARITHMETIC) | st.builds(
    declare, st.sampled_from('abde'), ARITHMETIC
)


def _statements(inner: st.SearchStrategy[KInner]) -> st.SearchStrategy[KInner]:
    loop = st.builds(lambda body: while_(lt(0, 'n'), assign('n', sub('n', 1)), body), inner)
    return st.builds(if_, LOGIC, inner, inner) | st.builds(if_, LOGIC, inner) | loop | st.builds(seq, inner, inner)


STATEMENTS: st.SearchStrategy[KInner] = st.recursive(SIMPLE, _statements, max_leaves=4)
PROGRAMS = st.lists(STATEMENTS, min_size=3, max_size=6).map(lambda statements: seq(*statements))


@RARELY
@given(PROGRAMS)
def test_random_imperative_programs_end_as_the_interpreter_says(on_imp: CTermSymbolic, program: KInner) -> None:
    start = {'a': A, 'b': B, 'c': intToken(2), 'n': intToken(2)}
    contents = {
        'k': KSequence(program),
        'state': map_of((identifier(name), value) for name, value in start.items()),
        'generatedCounter': intToken(0),
    }
    states = ends(on_imp, imp.CONFIGURATION.state(contents))
    if states is None:
        return
    for a, b in VALUES:
        values = {'A': a, 'B': b}
        outcome = Interpreter(opaque_input).run(program, {'a': a, 'b': b, 'c': 2, 'n': 2})
        end = meant(states, values)
        assert {k: evaluate(v, values) for k, v in entries(end['state']).items()} == outcome.variables
        assert _failure(end['k']) == outcome.failure


def _failure(content: KInner) -> str | None:
    match content:
        case KSequence(()):
            return None
        case KSequence((KApply(label, ()),)) | KApply(label, ()):
            return label.name
        case KSequence((KApply(label, (name,)),)) | KApply(label, (name,)):
            return f'{label.name}({name.token})'  # type: ignore[attr-defined]
    raise AssertionError(f'neither done nor failed: {content}')


def test_a_thousand_rounds_of_a_loop(on_imp: CTermSymbolic) -> None:
    program = seq(
        declare('n', 1000), declare('s'), while_(lt(0, 'n'), assign('s', add('s', 'n')), assign('n', sub('n', 1)))
    )
    contents = {'k': KSequence(program), 'state': map_of([]), 'generatedCounter': intToken(0)}
    result = on_imp.execute(CTerm.from_kast(imp.CONFIGURATION.state(contents)))
    assert {k: evaluate(v, {}) for k, v in entries(cells(result.state.config)['state']).items()} == {
        'n': 0,
        's': 500500,
    }


# -- the stack machine -----------------------------------------------------------------------------------

PIECES = st.one_of(
    st.sampled_from(
        [
            ['add'],
            ['sub'],
            ['mul'],
            ['lt'],
            ['lt'],
            ['iszero'],
            ['iszero'],
            ['pop'],
            ['dup 1'],
            ['dup 3'],
            ['swap 1'],
            ['swap 2'],
        ]
    ),
    st.sampled_from([['dup 0'], ['stop'], ['revert']]),
    st.integers(-1, 3).map(lambda n: [f'push {n}']),
    st.integers(0, 1).map(lambda n: [f'push {n}', 'sload']),
    st.integers(0, 1).map(lambda n: [f'push {n}', 'sstore']),
    st.tuples(st.integers(0, 12), st.sampled_from(['jump', 'jumpi'])).map(lambda j: [f'push @{j[0]}', j[1]]),
)


@RARELY
@given(st.lists(PIECES, min_size=6, max_size=13), st.integers(20, 60))
def test_random_machines_end_as_the_interpreter_says(
    on_stack: CTermSymbolic, pieces: list[list[str]], gas: int
) -> None:
    lines = [line for place, piece in enumerate(pieces) for line in (f'{place}:', *piece)]
    code = stack.assemble(*lines, *(f'{place}:' for place in range(len(pieces), 13)))
    contents = {
        'k': KSequence(stack.NEXT),
        'pc': intToken(0),
        'program': stack.program(code),
        'stack': list_of([A, B, intToken(1)]),
        'storage': map_of([(intToken(0), B)]),
        'gas': intToken(gas),
        'status': stack.RUNNING,
        'generatedCounter': intToken(0),
    }
    states = ends(on_stack, stack.CONFIGURATION.state(contents))
    if states is None:
        return
    for a, b in VALUES:
        values = {'A': a, 'B': b}
        machine = run(code, Machine(stack=[1, b, a], storage={0: b}, gas=gas))
        end = meant(states, values)
        assert end['k'] == KSequence()
        assert end['status'] == KApply(machine.status)
        items = [item.args[0] for item in flatten_label('_List_', end['stack']) if item != KApply('.List')]  # type: ignore[attr-defined]
        assert [evaluate(item, values) for item in items] == machine.stack[::-1]
        assert {int(k): evaluate(v, values) for k, v in entries(end['storage']).items()} == machine.storage
        assert evaluate(end['gas'], values) == machine.gas
        assert evaluate(end['pc'], values) == machine.pc
