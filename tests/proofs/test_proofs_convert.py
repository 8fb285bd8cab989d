"""The converters give what pyk's give, on the examples and on random terms; and they need no stack."""

from __future__ import annotations

import json
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from convert_terms import LANGUAGES, claim_terms, definition, grammar, outcome, sum_of_depth
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyk.cterm.cterm import CTerm
from pyk.kast.inner import KApply, KInner, KLabel, KRewrite, KSequence, KSort, KToken, KVariable
from pyk.kast.prelude.bytes import bytesToken_from_str, pretty_bytes_str
from pyk.kast.prelude.k import GENERATED_TOP_CELL
from pyk.kast.prelude.ml import mlAnd, mlEquals
from pyk.kast.prelude.string import pretty_string, stringToken
from pyk.konvert import kast_to_kore, kore_to_kast
from pyk.kore.parser import KoreParser
from pyk.kore.syntax import App, Pattern, SortApp, kore_term

from kprover.proofs.codec import TermCache, canonical
from kprover.proofs.convert import Converter, deep_json, kast_json, kore_json, to_kast, to_kore
from kprover.proofs.convert.kast_json import TermReader, TermWriter
from kprover.proofs.convert.kore_json import PatternReader, PatternWriter
from kprover.proofs.convert.tokens import bytes_token, bytes_value, string_token, string_value

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = (*LANGUAGES, 'cells')
DEPTH = 50_000
SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(SCALARS, lambda part: st.lists(part) | st.dictionaries(st.text(), part))
NO_JSON = (
    '',
    '[',
    '[1',
    '[1,',
    '[1,]',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{1:2}',
    '[1]]',
    '{]',
    'nul',
    '"',
    '01',
    '[1 2]',
)

_converters: dict[str, Converter] = {}
_reader, _writer = PatternReader(), PatternWriter()
_term_reader, _term_writer = TermReader(), TermWriter()


def converter(name: str) -> Converter:
    """One for all tests, so that they meet what it remembers of other terms."""
    if name not in _converters:
        _converters[name] = Converter(definition(name))
    return _converters[name]


def check(name: str, term: KInner, sort: KSort = GENERATED_TOP_CELL) -> Pattern | None:
    """Both ways, twice, and both kinds of JSON: everything as pyk has it."""
    expected = outcome(lambda: kast_to_kore(definition(name), term, sort))
    for _ in range(2):
        assert outcome(lambda: converter(name).kast_to_kore(term, sort)) == expected
    assert _term_writer.write(term) == canonical(term.to_dict()).decode()
    assert _term_reader.read(json.loads(canonical(term.to_dict()))) == term
    if not isinstance(expected, Pattern):
        return None
    check_pattern(name, expected)
    return expected


def check_pattern(name: str, pattern: Pattern) -> None:
    dct = {'format': 'KORE', 'version': 1, 'term': json.loads(_writer.write(pattern))}
    assert dct['term'] == pattern.dict
    read = _reader.read(dct)
    assert read == pattern
    expected = outcome(lambda: kore_to_kast(definition(name), pattern))
    for given_pattern in (pattern, read, read):
        assert outcome(lambda given_pattern=given_pattern: converter(name).kore_to_kast(given_pattern)) == expected


def with_large_stack(function: Callable[[], None]) -> None:
    """Run as a worker runs its tasks: the C code of pyk's and Python's own functions may need the stack."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            function()
        except BaseException as err:
            failures.append(err)

    before = threading.stack_size(1 << 29)
    try:
        thread = threading.Thread(target=run)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    if failures:
        raise failures[0]


@pytest.mark.parametrize('name', LANGUAGES)
def test_claims_are_converted_as_pyk_does_it(name: str) -> None:
    converted = [term for term in claim_terms(name) if check(name, term) is not None]
    assert len(converted) > 20
    assert converter(name).left_to_pyk < len(converted)


@pytest.mark.parametrize('name', NAMES)
@given(data=st.data())
@SETTINGS
def test_random_states_are_converted_as_pyk_does_it(name: str, data: st.DataObject) -> None:
    check(name, data.draw(grammar(name).term('GeneratedTopCell', 8)))


@pytest.mark.parametrize('name', NAMES)
@given(data=st.data())
@SETTINGS
def test_random_terms_of_any_sort_are_converted_as_pyk_does_it(name: str, data: st.DataObject) -> None:
    sort = data.draw(st.sampled_from(sorted(grammar(name).by_sort)))
    check(name, data.draw(grammar(name).term(sort, 4)), data.draw(st.sampled_from((KSort(sort), KSort('KItem')))))


@pytest.mark.parametrize('name', NAMES)
@given(data=st.data())
@SETTINGS
def test_random_predicates_are_converted_as_pyk_does_it(name: str, data: st.DataObject) -> None:
    sort = data.draw(st.sampled_from(('Int', 'Bool', 'K', 'KItem')))
    top = data.draw(st.sampled_from(('GeneratedTopCell', 'Bool')))
    check(name, data.draw(grammar(name).predicate(sort, top, 3)), KSort(top))


def test_a_cell_is_put_into_its_collection_and_taken_out() -> None:
    account = KApply('<account>', KApply('<id>', KToken('1', 'Int')), KApply('<k>', KSequence()))
    item = KApply('AccountCellMapItem', account.args[0], account)
    for cells in (account, item, KApply('_AccountCellMap_', account, item), KVariable('REST', 'AccountCellMap')):
        top = KApply('<generatedTop>', KApply('<accounts>', cells), KApply('<k>', KVariable('K', 'K')))
        assert check('cells', top) is not None
    assert check('cells', KApply('AccountCellMapKey', account), KSort('IdCell')) is not None
    assert check('cells', KApply('isAccountCell', item), KSort('Bool')) is not None
    assert check('cells', KApply('isAccountCell', KVariable('A', 'AccountCell')), KSort('Bool')) is not None


def test_a_sort_that_is_known_from_another_occurrence_reaches_a_term_that_was_converted_before() -> None:
    """What is remembered of a subterm must not outlive the sorts that its variables had."""
    part = KApply('_+Int_', KVariable('X'), KToken('1', 'Int'))
    item = KApply('#Equals', part, KVariable('X', 'Int'))
    for top in (KLabel('#Equals', 'Int', 'Bool'), KLabel('#Equals', 'KItem', 'Bool')):
        for left in (part, KVariable('X'), KVariable('X', 'KItem'), KVariable('X', 'Int')):
            check('imp', KApply(top, left, part), KSort('Bool'))
            check('imp', KApply(top, left, item.args[1]), KSort('Bool'))
    shared = KApply('_+Int_', KVariable('Y', 'Int'), KToken('1', 'Int'))
    for sort in ('Int', 'KItem', None, 'K'):
        check('imp', mlAnd([mlEquals(KVariable('Y', sort), shared, 'Int', 'Bool')], 'Bool'), KSort('Bool'))


@pytest.mark.parametrize('binder', (KVariable('X'), KVariable('X', 'Int'), KVariable('X', 'KItem'), KVariable('Z')))
@pytest.mark.parametrize('name', ('#Exists', '#Forall'))
def test_bound_variables_have_the_sorts_that_pyk_gives_them(binder: KVariable, name: str) -> None:
    body = mlEquals(KVariable('X', 'Int'), KApply('_+Int_', KVariable('Y', 'Int'), KToken('2', 'Int')), 'Int')
    quantifier = KLabel(name, 'KItem', 'GeneratedTopCell')
    once = KApply(quantifier, binder, body)
    for term in (
        once,
        KApply(quantifier, KVariable('Y'), once),
        KApply(quantifier, KVariable('X'), once),
        mlAnd([once, body]),
        mlAnd([once, once]),
        KApply(quantifier, KVariable('X'), mlAnd([KApply(KLabel('#Not', 'GeneratedTopCell'), once), body])),
        KApply(KLabel(name), binder, body),
    ):
        check('imp', term)


def test_what_the_converters_do_not_know_is_converted_or_refused_by_pyk() -> None:
    integer = KToken('1', 'Int')
    bad = (
        KApply('no-such-label', integer),
        KApply('_+Int_', integer),
        KApply('_+Int_', integer, KToken('true', 'Bool')),
        KApply(KLabel('_+Int_', 'Int'), integer, integer),
        KApply('inj', integer),
        KRewrite(integer, integer),
        KVariable('X'),
        KVariable('X', 'Int'),
        KToken('1', KSort('MInt', (KSort('32'),))),
        KApply('#Equals', integer, KToken('true', 'Bool')),
        KToken('no quotes', 'String'),
        KToken('', 'Bytes'),
    )
    for term in bad:
        for sort in ('Int', 'Bool', 'GeneratedTopCell'):
            check('imp', term, KSort(sort))
    texts = (
        r'\left-assoc{}(append{}(dotk{}(), dotk{}(), dotk{}()))',
        r"\right-assoc{}(Lbl'UndsPlus'Int'Unds'{}(\dv{SortInt{}}(\"1\"), \dv{SortInt{}}(\"2\")))".replace(r'\"', '"'),
        r'\floor{SortInt{}, SortBool{}}(X:SortInt{})',
        r'\top{S}()',
        r'inj{SortInt{}}(VarX:SortInt{})',
        r'LblF{SortInt{}}(VarX:SortInt{})',
        r'kseq{}(VarX:SortKItem{}, append{}(VarY:SortK{}, kseq{}(inj{SortK{}, SortK{}}(dotk{}()), VarZ:SortK{})))',
        r'kseq{}(VarX:SortKItem{})',
        r'\forall{SortBool{}}(VarX:SortInt{}, \top{SortBool{}}())',
        r'\exists{SortBool{}}(VarX:SortInt{}, \or{SortBool{}}(\bottom{SortBool{}}(), VarB:SortBool{}))',
    )
    for text in texts:
        check_pattern('imp', KoreParser(text).pattern())


@pytest.mark.parametrize(
    'change',
    (
        {'format': 'KAST'},
        {'version': 2},
        {'term': {'tag': 'App', 'name': 'not a name', 'sorts': [], 'args': []}},
        {'term': {'tag': 'App', 'name': 'f', 'args': []}},
        {'term': {'tag': 'Nothing'}},
        {'term': None},
        {'term': {'tag': 'DV', 'sort': {'tag': 'SortVar', 'name': 'S'}, 'value': 'x'}},
        {'term': {'tag': 'String', 'value': 'x'}},
    ),
)
def test_malformed_kore_is_refused_as_pyk_refuses_it(change: dict[str, Any]) -> None:
    dct = {'format': 'KORE', 'version': 1, 'term': {'tag': 'App', 'name': 'f', 'sorts': [], 'args': []}, **change}
    assert outcome(lambda: PatternReader().read(dct)) == outcome(lambda: kore_term(dct))


@given(st.text(st.characters(max_codepoint=0x2FF)) | st.text(), st.text('\\xu0a"nrtfU' + "'"))
@settings(deadline=None)
def test_strings_and_bytes_are_quoted_as_pyk_quotes_them(value: str, escaped: str) -> None:
    assert outcome(lambda: string_token(value)) == outcome(lambda: stringToken(value))
    assert outcome(lambda: bytes_token(value)) == outcome(lambda: bytesToken_from_str(value))
    for token in (f'"{value}"', f'"{escaped}"', value, f'b"{value}"', f'b"{escaped}"', f'b"{escaped}'):
        string, data = KToken(token, 'String'), KToken(token, 'Bytes')
        assert outcome(lambda: string_value(string)) == outcome(lambda: pretty_string(string))  # noqa: B023
        assert outcome(lambda: bytes_value(data)) == outcome(lambda: pretty_bytes_str(data))  # noqa: B023


@given(VALUES)
@settings(deadline=None)
def test_json_without_recursion_is_json(value: Any) -> None:
    for indent in (None, 2):
        assert deep_json.read(json.dumps(value, indent=indent)) == value
    assert deep_json.write(value) == json.dumps(value)
    sorted_compactly: dict[str, Any] = {'sort_keys': True, 'separators': (',', ':')}
    assert deep_json.write(value, **sorted_compactly) == json.dumps(value, **sorted_compactly)


@pytest.mark.parametrize('text', NO_JSON)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        json.loads(text)
    with pytest.raises(ValueError):
        deep_json.read(text)


def test_json_is_read_and_written_where_python_has_too_little_stack() -> None:
    deep = '{"a":[' * 20_000 + ']}' * 20_000  # Python 3.13 reads 10,000 levels whatever the limit
    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(1_000)
        with pytest.raises(RecursionError):
            json.loads(deep)
        value = deep_json.loads(deep.encode())
        assert deep_json.dumps(value, separators=(',', ':')) == deep
    finally:
        sys.setrecursionlimit(limit)


def test_a_term_of_any_depth_passes_through_both_ways() -> None:
    deep = sum_of_depth(DEPTH)
    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(1_000)
        pattern = converter('imp').kast_to_kore(deep, KSort('Int'))
        text = _writer.write(pattern)
        read = _reader.read({'format': 'KORE', 'version': 1, 'term': deep_json.loads(text)})
        assert _writer.write(read) == text
        term = converter('imp').kore_to_kast(read)
        written = _term_writer.write(term)
        assert written == _term_writer.write(deep)
        assert _term_writer.write(_term_reader.read(deep_json.loads(written))) == written
    finally:
        sys.setrecursionlimit(limit)
    converter('imp').forget()


def test_a_deep_term_is_converted_as_pyk_does_it() -> None:
    deep = sum_of_depth(DEPTH // 10)  # pyk takes seconds for all of it
    assert converter('imp').kast_to_kore(deep, KSort('Int')) == kast_to_kore(definition('imp'), deep, KSort('Int'))


def test_a_state_of_any_depth_is_written_and_read() -> None:
    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(1_000)
        term, blob = TermCache().encode(CTerm(KApply('<k>', sum_of_depth(DEPTH))))
        assert TermCache().encode(TermCache().decode(term, {term: blob}.get)) == (term, blob)
    finally:
        sys.setrecursionlimit(limit)


def test_a_sequence_of_any_length_passes_through_both_ways() -> None:
    sequence = KSequence([KToken(str(number % 7), 'Int') for number in range(DEPTH)])
    pattern = converter('imp').kast_to_kore(sequence, KSort('K'))
    assert converter('imp').kore_to_kast(pattern) == sequence


def test_python_reads_and_writes_deep_json_in_a_worker() -> None:
    def run() -> None:
        text = _writer.write(converter('imp').kast_to_kore(sum_of_depth(DEPTH), KSort('Int')))
        assert deep_json.dumps(deep_json.loads(text), separators=(',', ':')) == text

    with_large_stack(run)


def test_equal_patterns_are_one_object_and_equal_terms_too() -> None:
    dct = {'format': 'KORE', 'version': 1, 'term': App('f', (), (App('g'), App('g'))).dict}
    reader = PatternReader()
    first, second = reader.read(dct), reader.read(json.loads(json.dumps(dct)))
    assert first is second
    assert first.patterns[0] is first.patterns[1]
    assert converter('imp').kore_to_kast(first) is converter('imp').kore_to_kast(second)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, bound in ((kast_json, '_CACHED_TERMS'), (kore_json, '_CACHED_PATTERNS')):
        monkeypatch.setattr(module, bound, 100)
    monkeypatch.setattr(to_kore, '_CACHED_TERMS', 100)
    monkeypatch.setattr(to_kast, '_CACHED_TERMS', 100)
    fresh, reader, term_reader = Converter(definition('imp')), PatternReader(), TermReader()
    for number in range(200):
        term = KApply('_+Int_', KToken(str(number), 'Int'), KVariable('X', 'Int'))
        pattern = fresh.kast_to_kore(term, KSort('Int'))
        assert pattern == kast_to_kore(definition('imp'), term, KSort('Int'))
        read = reader.read({'format': 'KORE', 'version': 1, 'term': pattern.dict})
        assert fresh.kore_to_kast(read) == term_reader.read(term.to_dict()) == term
    assert fresh._to_kore is not None and fresh._to_kast is not None
    sizes = (fresh._to_kore.forms, fresh._to_kast._known, reader._known, term_reader._known)
    assert all(len(remembered) <= 110 for remembered in sizes)


def test_sorts_in_kore_with_parameters_are_not_mixed_up() -> None:
    plain, other = SortApp('SortInt'), SortApp('SortInt', (SortApp('SortInt'),))
    for sort in (plain, other, plain):
        pattern = App('inj', (sort, plain), (App('dotk'),))
        assert _reader.read({'format': 'KORE', 'version': 1, 'term': pattern.dict}) == pattern
        assert json.loads(_writer.write(pattern)) == pattern.dict
