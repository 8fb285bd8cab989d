"""Reading definitions: the text, the declarations, and the rules in the shapes in which they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kore_lab import Lab, cell, rule, step, text
from kore_text import app, i, v

from kprover.server.engine import Engine, load_engine
from kprover.server.errors import DefinitionError, DuplicateModule, InvalidModule, KoreParseError, PatternError
from kprover.server.parse import KoreSyntaxError, parse_definition, parse_pattern

if TYPE_CHECKING:
    from pathlib import Path

TOP = 'SortGeneratedTopCell{}'


def test_a_syntax_error_has_a_place() -> None:
    with pytest.raises(KoreSyntaxError) as caught:
        parse_definition('[]\nmodule A\n  sort SortX{ []\nendmodule []')
    assert (caught.value.line, caught.value.column) == (3, 15)


def test_strings_and_comments_are_read() -> None:
    pattern = parse_pattern(r'/* one */ \dv{SortString{}}("a\n\"\x41ሴ") // two')
    assert pattern['value'] == 'a\n"Aሴ'


def test_chains_are_spelled_out() -> None:
    left = parse_pattern('\\left-assoc{}(f{}(a{}(), b{}(), c{}()))')
    right = parse_pattern('\\right-assoc{}(f{}(a{}(), b{}(), c{}()))')
    assert left == parse_pattern('f{}(f{}(a{}(), b{}()), c{}())')
    assert right == parse_pattern('f{}(a{}(), f{}(b{}(), c{}()))')


def test_patterns_may_be_nested_deeply() -> None:
    pattern = parse_pattern('f{}(' * 100_000 + 'a{}()' + ')' * 100_000)
    depth = 0
    while pattern['args']:
        pattern = pattern['args'][0]
        depth += 1
    assert depth == 100_000


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    file = tmp_path / 'definition.kore'
    file.write_text('[]\nmodule LAB\n  nonsense\nendmodule []')
    with pytest.raises(DefinitionError, match=r'definition\.kore:3:3'):
        load_engine(file, 'LAB')
    file.write_text(text())
    with pytest.raises(DefinitionError, match='OTHER'):
        load_engine(file, 'OTHER')
    with pytest.raises(DefinitionError, match='missing'):
        load_engine(tmp_path / 'missing.kore', 'LAB')
    file.write_text(text(step(app('count', 'VarX:SortBool{}'), app('stop'), 'wrong')))
    with pytest.raises(DefinitionError, match='wrong'):
        load_engine(file, 'LAB')


def test_unknown_sorts_and_symbols_and_wrong_arguments_are_refused() -> None:
    lab = Lab()
    for pattern in (app('nothing'), app('count'), app('count', app('red')), v('X', 'Nothing')):
        with pytest.raises(PatternError):
            lab.term(pattern)


def test_aliases_on_the_left_of_a_rule_are_expanded() -> None:
    left = cell(app('count', v('N')))
    alias = (
        f'  alias ruleLHS{{}}(SortInt{{}}) : {TOP} where ruleLHS{{}}({v("N")}) := '
        f'\\and{{{TOP}}}(\\top{{{TOP}}}(), {left}) []\n'
        f'  axiom{{}} \\rewrites{{{TOP}}}(ruleLHS{{}}({v("N")}), {cell(app("done", v("N")))}) [label{{}}("alias")]'
    )
    answer = Lab(alias).execute(cell(app('count', i(7))))
    assert answer['depth'] == 1
    assert answer['state']['term']['term'] == parse_pattern(cell(app('done', i(7))))


def test_alternatives_on_the_left_of_a_rule_make_several() -> None:
    either = f'\\or{{SortPgm{{}}}}({app("left")}, {app("right")})'
    lab = Lab(step(either, app('stop'), 'either'))
    assert lab.execute(cell(app('left')))['depth'] == 1
    assert lab.execute(cell(app('right')))['depth'] == 1
    assert lab.execute(cell(app('choose')))['depth'] == 0


def test_a_part_of_the_left_side_may_have_a_name() -> None:
    named = f'\\and{{SortPgm{{}}}}({app("count", v("N"))}, {v("Whole", "Pgm")})'
    rest = v('Rest', 'K')
    from kore_lab import config

    store, counter = v('Store', 'Map'), v('Counter')
    before = config(f'kseq{{}}(inj{{SortPgm{{}}, SortKItem{{}}}}({named}), {rest})', store, counter)
    twice = f'kseq{{}}(inj{{SortPgm{{}}, SortKItem{{}}}}({v("Whole", "Pgm")}), {rest})'
    after = config(twice, store, app('add', counter, v('N')))
    answer = Lab(rule(before, after, 'named')).execute(cell(app('count', i(2))), max_depth=3)
    assert answer['state']['term']['term'] == parse_pattern(cell(app('count', i(2)), counter=i(6)))


def test_rules_marked_as_not_executable_are_left_out() -> None:
    lab = Lab(step(app('left'), app('right'), 'never', attributes='non-executable{}()'))
    assert lab.execute(cell(app('left')))['depth'] == 0


_SUBSORT = (
    'axiom{R} \\exists{R}(V:SortPair{}, \\equals{SortPair{}, R}(V:SortPair{}, '
    'inj{SortNumbers{}, SortPair{}}(F:SortNumbers{}))) [subsort{SortNumbers{}, SortPair{}}()]'
)
_OVERLOAD = (
    'axiom{R} \\equals{SortPair{}, R}('
    'Lblpairs{}(inj{SortInt{}, SortKItem{}}(A:SortInt{}), inj{SortInt{}, SortKItem{}}(B:SortInt{})), '
    'inj{SortNumbers{}, SortPair{}}(Lblnumbers{}(A:SortInt{}, B:SortInt{}))) '
    '[symbol-overload{}(Lblpairs{}(), Lblnumbers{}())]'
)
OVERLOADS = f"""
  sort SortPair{{}} []
  sort SortNumbers{{}} []
  symbol Lblpairs{{}}(SortKItem{{}}, SortKItem{{}}) : SortPair{{}} [constructor{{}}(), anywhere{{}}()]
  symbol Lblnumbers{{}}(SortInt{{}}, SortInt{{}}) : SortNumbers{{}} [constructor{{}}()]
  symbol Lblboth{{}}(SortPair{{}}) : SortPgm{{}} [constructor{{}}()]
  {_SUBSORT}
  {_OVERLOAD}
"""


def test_an_overloaded_constructor_is_the_smaller_one_where_that_fits() -> None:
    lab = Lab(
        OVERLOADS,
        step(app('both', app('pairs', v('A', 'KItem'), v('B', 'KItem'))), app('stop'), 'pairs'),
    )
    small = 'inj{SortNumbers{}, SortPair{}}(Lblnumbers{}(' + i(1) + ', ' + v('X') + '))'
    large = 'Lblpairs{}(inj{SortInt{}, SortKItem{}}(' + i(1) + '), inj{SortInt{}, SortKItem{}}(' + v('X') + '))'
    assert lab.term(small) is lab.term(large)
    assert lab.execute(cell(app('both', small)))['depth'] == 1


def test_an_overloaded_constructor_is_not_taken_for_different_from_the_smaller() -> None:
    lab = Lab(
        OVERLOADS,
        step(app('both', 'inj{SortNumbers{}, SortPair{}}(' + v('N', 'Numbers') + ')'), app('stop'), 'small'),
        step(app('both', v('P', 'Pair')), app('start'), 'any', attributes='owise{}()'),
    )
    opened = app('both', app('pairs', v('A', 'KItem'), v('B', 'KItem')))
    answer = lab.execute(cell(opened))
    assert all(one.get('rule-id') != 'any' for one in answer.get('next-states', ())) or answer['reason'] == 'branching'
    assert answer['depth'] == 0


ADDED = 'module ADDED\n  import LAB []\nendmodule []'


def test_modules_are_addressed_by_their_content() -> None:
    engine = Lab().engine
    name = engine.add_module(ADDED, False)
    assert name.startswith('m')
    assert engine.add_module(ADDED, False) == name
    assert engine.definition_for(name) is engine.definition_for(name)


def test_a_name_means_one_module() -> None:
    engine: Engine = Lab().engine
    name = engine.add_module(ADDED, True)
    assert engine.definition_for('ADDED') is engine.definition_for(name)
    assert engine.add_module(ADDED, True) == name
    with pytest.raises(DuplicateModule):
        engine.add_module(ADDED.replace('[]\nend', '[]\n\nend'), True)
    with pytest.raises(DuplicateModule):
        engine.add_module(ADDED.replace('ADDED', 'LAB'), True)


def test_modules_that_make_no_sense_are_refused_and_leave_nothing_behind() -> None:
    engine = Lab().engine
    with pytest.raises(KoreParseError):
        engine.add_module('module ADDED', True)
    with pytest.raises(InvalidModule):
        engine.add_module(ADDED.replace('LAB', 'UNKNOWN'), True)
    wrong = step(app('nothing'), app('stop'), 'wrong')
    with pytest.raises(InvalidModule):
        engine.add_module(f'module ADDED\n  import LAB []\n{wrong}\nendmodule []', True)
    engine.add_module(ADDED, True)


def test_a_module_without_declarations_shares_what_was_compiled() -> None:
    engine = Lab().engine
    engine.add_module(ADDED, True)
    assert engine.definition_for('ADDED').signature is engine.definition_for(None).signature
