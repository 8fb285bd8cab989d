"""Spec files: what is read of them, what is refused, and what a claim's digest depends on."""

from __future__ import annotations

import copy
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from suite_folder import SuiteFolder, claim, module_list

from kprover.suites import SuiteError
from kprover.suites.specs import claim_digest, read_spec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    'change',
    [
        {'label': 'OTHER.name'},
        {'UNIQUE_ID': 'other'},
        {'org.kframework.attributes.Source': 'moved.k'},
        {'org.kframework.attributes.Location': [9, 9, 9, 9]},
        {'org.kframework.definition.Production': {'node': 'KProduction'}},
        {'depends': 'M.b,M.c'},
    ],
    ids=lambda change: next(iter(change)),
)
def test_names_and_places_do_not_change_the_digest(change: dict[str, object]) -> None:
    assert claim_digest(claim('M.a')) == claim_digest(claim('M.a', **change))


@pytest.mark.parametrize(
    'change',
    [{'circularity': ''}, {'trusted': ''}, {'never-heard-of': ''}, {'priority': '10'}],
    ids=lambda change: next(iter(change)),
)
def test_every_other_attribute_changes_the_digest(change: dict[str, object]) -> None:
    assert claim_digest(claim('M.a')) != claim_digest(claim('M.a', **change))


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all texts in the sentence apart from its attributes."""
    if isinstance(value, dict):
        return [found for key, inner in value.items() if key != 'att' for found in _paths(inner, (*path, key))]
    return [path] if isinstance(value, str) else []


@given(st.data())
def test_any_change_of_the_sentence_changes_the_digest(data: st.DataObject) -> None:
    original = claim('M.a')
    changed = copy.deepcopy(original)
    path = data.draw(st.sampled_from(_paths(original)))
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] += data.draw(st.text(min_size=1, max_size=3))
    assert claim_digest(original) != claim_digest(changed)


def test_the_order_of_json_keys_does_not_change_the_digest() -> None:
    sentence = claim('M.a')
    assert claim_digest(sentence) == claim_digest(dict(reversed(sentence.items())))


def test_a_claim_without_attributes_has_no_label(small: SuiteFolder) -> None:
    sentence = claim('M.a')
    del sentence['att']
    small.spec('spec.json', {'M': [sentence]})
    with pytest.raises(SuiteError, match='has no label'):
        read_spec(small.folder / 'spec.json')


def test_a_claim_without_a_label_is_called_by_its_unique_id(small: SuiteFolder) -> None:
    path = small.spec('spec.json', {'M': [claim(None, UNIQUE_ID='abc')]})
    assert [claim.label for claim in read_spec(path).claims] == ['abc']


@pytest.mark.parametrize('depends', ['', 'a,,b', 3, ['M.a']])
def test_a_depends_attribute_that_names_nothing_is_refused(small: SuiteFolder, depends: object) -> None:
    path = small.spec('spec.json', {'M': [claim('M.a'), claim('M.b'), claim('M.c', depends=depends)]})
    with pytest.raises(SuiteError, match=r'M\.c: depends'):
        read_spec(path)


def test_a_dependency_named_twice_counts_once(small: SuiteFolder) -> None:
    path = small.spec('spec.json', {'M': [claim('M.a'), claim('M.b', depends=' a , M.a ')]})
    assert read_spec(path).claims[1].depends == ('M.a',)


def test_a_full_label_goes_before_one_of_the_own_module(small: SuiteFolder) -> None:
    path = small.spec('spec.json', {'M': [claim('x'), claim('M.x'), claim('M.y', depends='x')]})
    assert read_spec(path).claims[2].depends == ('x',)


def _without_claims(data: dict[str, Any]) -> None:
    data['term']['term'][0]['localSentences'] = [{'node': 'KRule'}]


@pytest.mark.parametrize(
    ('change', 'key', 'message'),
    [
        (lambda data: data.update(format='KORE'), 'format', 'no KAST JSON'),
        (lambda data: data.update(version=3), 'version', 'found KAST version 3'),
        (lambda data: data.pop('version'), 'version', 'found KAST version None'),
        (lambda data: data.update(term=[]), 'term', 'KFlatModuleList'),
        (lambda data: data['term'].update(node='KDefinition'), 'term', "'KDefinition'"),
        (lambda data: data['term'].update(term={}), 'term.term', 'list of modules'),
        (lambda data: data['term'].pop('mainModule'), 'mainModule', 'mainModule'),
        (lambda data: data['term']['term'][0].pop('name'), 'name', 'no name'),
        (_without_claims, '', 'no claim found'),
    ],
)
def test_json_that_is_no_spec_is_refused_with_what_a_spec_is(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], key: str, message: str
) -> None:
    data = module_list({'M': [claim('M.a')]})
    change(data)
    path = tmp_path / 'spec.json'
    path.write_text(json.dumps(data))
    with pytest.raises(SuiteError) as caught:
        read_spec(path)
    assert caught.value.file == path
    assert caught.value.key == key
    assert message in str(caught.value)


@pytest.mark.parametrize('text', ['', '{', '[1, 2]', '"text"', 'claim 1 => 2'])
def test_text_that_is_no_spec_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / 'spec.json'
    path.write_text(text)
    with pytest.raises(SuiteError, match='kprove --emit-json-spec'):
        read_spec(path)
    with pytest.raises(SuiteError, match='cannot be read'):
        read_spec(tmp_path / 'missing.json')


def test_a_deeply_nested_claim_is_read(tmp_path: Path) -> None:
    depth = 3000
    text = json.dumps(module_list({'M': [claim('M.a', 'PLACE'), claim('M.b')]}))
    nested = '{"node":"KApply","args":[' * depth + '{"node":"KToken"}' + ']}' * depth
    path = tmp_path / 'spec.json'
    path.write_text(text.replace('"PLACE"', nested, 1))
    try:
        spec = read_spec(path)
    except SuiteError as error:
        assert 'nested too deeply for this Python' in str(error)
        assert (3, 12) <= sys.version_info < (3, 14)  # these bound the C stack of json by a constant, 3.12.1 by 1500
        pytest.skip(str(error))
    assert [claim.label for claim in spec.claims] == ['M.a', 'M.b']
    path.write_text(text.replace('"PLACE"', nested.replace('KToken', 'KOther'), 1))
    assert read_spec(path).claims[0].digest != spec.claims[0].digest
