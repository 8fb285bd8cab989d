"""Definitions with something changed in their text: loaded, or refused with file, line and column.

The number of examples is multiplied by the environment variable FUZZ.
"""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from fuzzing import TIMES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kore_lab import cell, rule, step, text
from kore_text import app, i, v

from kprover.server.budget import Budget
from kprover.server.engine import load_engine
from kprover.server.errors import DefinitionError, ServerError
from kprover.server.params import ExecuteParams
from kprover.server.parse import KoreSyntaxError, parse_definition, parse_module, parse_pattern
from kprover.server.smt import Solver

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = 60 * TIMES
ALIAS = (
    '  alias started{}(K) : K where started{}(X:K) := \\and{SortInt{}}(X:K, \\top{SortInt{}}()) []\n'
    '  axiom{} \\or{SortColor{}}(Lblred{}(), \\or{SortColor{}}(Lblgreen{}(), Lblblue{}())) [constructor{}()]\n'
    '  axiom{R} \\equals{SortExp{}, R}(Lblplus{}(A:SortExp{}, B:SortExp{}), Lblplus{}(B:SortExp{}, A:SortExp{})) '
    '[symbol-overload{}(Lblplus{}(), Lblplus{}())]'
)
TEXT = text(
    step(app('count', v('N')), app('done', v('N')), 'count', app('lt', i(0), v('N'))),
    rule(cell(app('stop')), cell(app('start')), 'again'),
    ALIAS,
)
TOKENS = [match.span() for match in re.finditer(r'[\\@]?[A-Za-z][\w\'-]*|"(?:[^"\\]|\\.)*"|\S', TEXT)]
WORDS = sorted({TEXT[start:end] for start, end in TOKENS})
PLACES = st.integers(0, len(TOKENS) - 1)
WEIRD = st.sampled_from(
    ['', '{', '}', '(', ')', '[', ']', ',', ':', '"', '\\', '/*', '//', '\x00', '\ud7ff', '1', '\\dv']
)


def _changed(places: list[int], pieces: list[str], width: int) -> str:
    """Return the text with some tokens replaced, from the last to the first."""
    made = TEXT
    for place, piece in zip(sorted(places, reverse=True), pieces, strict=False):
        end = TOKENS[min(place + width, len(TOKENS) - 1)][0]
        made = made[: TOKENS[place][0]] + piece + made[end:]
    return made


def _moved(source: int, target: int, width: int) -> str:
    """Return the text with a run of tokens copied to another place."""
    piece = TEXT[TOKENS[source][0] : TOKENS[min(source + width, len(TOKENS) - 1)][1]]
    return f'{TEXT[: TOKENS[target][0]]} {piece} {TEXT[TOKENS[target][0] :]}'


PIECES = st.lists(st.sampled_from(WORDS) | WEIRD, min_size=1, max_size=3)
MUTANTS = st.one_of(
    st.builds(_changed, st.lists(PLACES, min_size=1, max_size=3, unique=True), PIECES, st.integers(0, 3)),
    st.builds(_moved, PLACES, PLACES, st.integers(0, 12)),
    st.integers(0, len(TEXT)).map(lambda end: TEXT[:end]),
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(MUTANTS)
def test_a_changed_definition_is_loaded_or_refused_with_its_place(mutant: str) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / 'definition.kore'
        file.write_text(mutant)
        try:
            engine = load_engine(file, 'LAB')
        except DefinitionError as error:
            assert str(file) in str(error)
            assert error.line is not None or "there is no module 'LAB'" in error.message
            if error.line is not None:
                assert 1 <= error.line <= mutant.count('\n') + 1
                assert error.column is not None
                assert error.column >= 1
            return
    # What has been loaded can be used: every answer is a result or an error of the protocol.
    try:
        solver = Solver(engine.definition_for(None), 100, 0)
        state = parse_pattern(cell(app('count', i(3))))
        engine.execute(state, None, ExecuteParams(max_depth=3), Budget.unlimited(), solver)
    except ServerError as error:
        assert error.code in (2, 4)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.sampled_from([parse_definition, parse_module, parse_pattern]),
    st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS) | WEIRD, max_size=30).map(' '.join)),
)
def test_any_text_is_read_or_refused_with_its_place(parse: Callable[[str], object], given_text: str) -> None:
    try:
        parse(given_text)
    except KoreSyntaxError as error:
        assert 1 <= error.line <= given_text.count('\n') + 1
        assert error.column >= 1


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        ('  import NOWHERE []', "there is no module 'NOWHERE'"),
        ('  axiom{} \\rewrites{SortInt{}}(Lblnothing{}(), Lblred{}()) []', "Unknown symbol 'Lblnothing'"),
    ],
)
def test_the_sentence_at_fault_is_named(tmp_path: Path, wrong: str, message: str) -> None:
    file = tmp_path / 'definition.kore'
    made = TEXT.replace('endmodule', f'{wrong}\nendmodule')
    file.write_text(made)
    with pytest.raises(DefinitionError) as caught:
        load_engine(file, 'LAB')
    line = made[: made.index(wrong)].count('\n') + 1
    assert str(caught.value).startswith(f'{file}:{line}:3: ')
    assert message in str(caught.value)
