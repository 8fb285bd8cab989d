"""From claims to initial proofs: pyk's terms, names made of content, and errors that say what to do. No server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from proofs_harness import IMP, KOMPILED, MAIN_MODULE, Options, checked, prepare, spec_of
from pyk.kast.outer import read_kast_definition
from pyk.kcfg.kcfg import KCFG
from pyk.kore.parser import KoreParser

from kprover.proofs.codec import TermCache, canonical, sha256, unpack, unpack_text
from kprover.proofs.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Callable

    from kprover.proofs.session import Session
    from kprover.store import CheckpointStore

CLAIMS = sorted(
    sentence['att']['att']['label']
    for path in (IMP / 'specs').glob('*.json')
    for module in json.loads(path.read_bytes())['term']['term']
    for sentence in module['localSentences']
    if sentence['node'] == 'KClaim'
)
CIRCULAR = 'IMP-LOOPS.transfer'
LEMMAS = str(IMP / 'specs' / 'input-lemmas.json')


def edited(tmp_path: Path, source: Path, edit: Callable[[Any], None], name: str = 'spec.json') -> Path:
    """A copy of a spec with its modules edited."""
    spec = json.loads(source.read_bytes())
    edit(spec['term']['term'])
    path = tmp_path / name
    path.write_text(json.dumps(spec))
    return path


@pytest.mark.parametrize('label', CLAIMS)
def test_every_example_claim_begins_as_in_pyk(unconnected: Session, store: CheckpointStore, label: str) -> None:
    options = Options()
    header, blobs = checked(prepare(unconnected, store, label, options))
    assert header['requests'] == 0
    if header['kind'] == 'equality':
        assert sha256(canonical(unpack(blobs['proof']))) == header['proof']
        return
    definition = read_kast_definition(KOMPILED / 'compiled.json')
    kcfg, init, target = KCFG.from_claim(definition, Sources().claim(str(spec_of(label)), label))
    terms = TermCache()
    assert terms.decode(header['init'], blobs.get) == kcfg.node(init).cterm
    assert terms.decode(header['target'], blobs.get) == kcfg.node(target).cterm
    assert set(blobs) == {header['init'], header['target'], *(f'module:{name}' for name in header['modules'])}


def test_a_claim_that_needs_no_rules_adds_no_module(unconnected: Session, store: CheckpointStore) -> None:
    header, _ = checked(prepare(unconnected, store, 'IMP-BRANCHES.sixteen', Options()))
    assert header['modules'] == []
    assert header['dependencies_module'] == MAIN_MODULE
    assert header['circularities_module'] is None


def test_a_circularity_is_a_rule_of_priority_20_in_a_module_named_by_its_content(
    unconnected: Session, store: CheckpointStore
) -> None:
    header, blobs = checked(prepare(unconnected, store, CIRCULAR, Options()))
    name = header['circularities_module']
    assert header['modules'] == [name]
    text = unpack_text(blobs[f'module:{name}'])
    module = KoreParser(text).module()
    assert module.name == name
    assert name == f'M-{sha256(module.let(name="M").text.encode())}'
    assert f'import {MAIN_MODULE}' in text
    assert 'priority{}("20")' in text
    assert f'label{{}}("{header["circularity_rule"]}")' in text
    assert 'TRANSFER' not in text.upper().replace('TRANSFERRED', '')


def test_a_claims_name_enters_nothing(unconnected: Session, store: CheckpointStore, tmp_path: Path) -> None:
    def rename(modules: Any) -> None:
        modules[0]['name'] = 'OTHER'
        for sentence in modules[0]['localSentences']:
            sentence['att']['att']['label'] = sentence['att']['att']['label'].replace('IMP-LOOPS', 'OTHER')
            sentence['att']['att']['UNIQUE_ID'] = '0' * 64

    renamed = edited(tmp_path, spec_of(CIRCULAR), rename)
    header, blobs = checked(prepare(unconnected, store, CIRCULAR, Options()))
    other_header, other_blobs = checked(prepare(unconnected, store, 'OTHER.transfer', Options(), spec=renamed))
    assert {**header, 'seconds': 0, 'claim': ''} == {**other_header, 'seconds': 0, 'claim': ''}
    assert blobs == other_blobs


def test_the_variables_of_both_sides_are_universal(unconnected: Session, store: CheckpointStore) -> None:
    header, _ = checked(prepare(unconnected, store, 'IMP-WRONG.swap-forgotten', Options()))
    assert {'A', 'B'} <= set(header['universals'])
    header, _ = checked(prepare(unconnected, store, 'IMP-LOOPS.euclid', Options()))
    assert not any(name.startswith('?') for name in header['universals'])


def test_a_trusted_claim_is_admitted_by_its_attribute_or_by_the_suite(
    unconnected: Session, store: CheckpointStore
) -> None:
    assert not checked(prepare(unconnected, store, CIRCULAR, Options()))[0]['admitted']
    assert checked(prepare(unconnected, store, CIRCULAR, Options(trusted=True)))[0]['admitted']
    assert checked(prepare(unconnected, store, 'IMP-ASSUMED.power-positive', Options()))[0]['admitted']
    equality = 'IMP-EQUALITIES.sign-zero'
    header, blobs = checked(prepare(unconnected, store, equality, Options(trusted=True)))
    assert header['admitted']
    assert unpack(blobs['proof'])['admitted']


def test_lemmas_come_first_and_the_claims_own_rules_import_them(unconnected: Session, store: CheckpointStore) -> None:
    header, blobs = checked(prepare(unconnected, store, CIRCULAR, Options(lemmas=(LEMMAS,))))
    lemmas, circularity = header['modules']
    assert header['lemma_module'] == header['dependencies_module'] == lemmas
    assert header['circularities_module'] == circularity
    assert f'import {MAIN_MODULE}' in unpack_text(blobs[f'module:{lemmas}'])
    assert 'simplification' in unpack_text(blobs[f'module:{lemmas}'])
    assert f'import {lemmas}' in unpack_text(blobs[f'module:{circularity}'])
    plain, _ = checked(prepare(unconnected, store, CIRCULAR, Options()))
    assert plain['circularities_module'] != circularity  # another import is another content
    assert plain['circularity_rule'] == header['circularity_rule']


def test_the_same_lemmas_given_twice_are_one_module(unconnected: Session, store: CheckpointStore) -> None:
    once, _ = checked(prepare(unconnected, store, CIRCULAR, Options(lemmas=(LEMMAS,))))
    twice, _ = checked(prepare(unconnected, store, CIRCULAR, Options(lemmas=(LEMMAS, LEMMAS))))
    assert once['modules'] == twice['modules']


def failure(unconnected: Session, store: CheckpointStore, label: str, options: Options, **kwargs: Any) -> str:
    """The message of the input error that a claim leads to."""
    header, blobs = prepare(unconnected, store, label, options, **kwargs)
    assert header['error']['class'] == 'input', header
    assert blobs == {}
    return str(header['error']['message'])


def test_an_unknown_claim_names_the_file_and_the_claims_in_it(unconnected: Session, store: CheckpointStore) -> None:
    path = spec_of(CIRCULAR)
    message = failure(unconnected, store, 'IMP-LOOPS.transfers', Options(), spec=path)
    assert str(path) in message
    assert 'IMP-LOOPS.transfers' in message
    assert CIRCULAR in message


def test_a_claim_of_another_language_names_spec_symbol_and_definition(
    unconnected: Session, store: CheckpointStore, tmp_path: Path
) -> None:
    path = tmp_path / 'other.json'
    path.write_text(spec_of(CIRCULAR).read_text().replace('"<imp>"', '"<other>"'))
    message = failure(unconnected, store, CIRCULAR, Options(), spec=path)
    assert all(part in message for part in (str(path), CIRCULAR, '<other>', str(KOMPILED)))


@pytest.mark.parametrize(
    ('content', 'expected'),
    [
        ('', 'JSON'),
        ('[1, 2]', 'JSON'),
        ('{"format": "KAST", "version": 1, "term": {}}', 'version'),
        ('{"format": "KAST", "version": 4, "term": {"node": "KDefinition"}}', 'KFlatModuleList'),
    ],
)
def test_a_file_that_is_no_spec_is_named(
    unconnected: Session, store: CheckpointStore, tmp_path: Path, content: str, expected: str
) -> None:
    path = tmp_path / 'broken.json'
    path.write_text(content)
    message = failure(unconnected, store, 'A.b', Options(), spec=path)
    assert str(path) in message
    assert expected in message


def test_a_missing_spec_is_named(unconnected: Session, store: CheckpointStore, tmp_path: Path) -> None:
    message = failure(unconnected, store, 'A.b', Options(), spec=tmp_path / 'none.json')
    assert str(tmp_path / 'none.json') in message


@pytest.mark.parametrize(
    ('semantics', 'expected'),
    [
        ('examples.imp.semantics', 'module:Class'),
        ('examples.imp.nowhere:ImpSemantics', 'nowhere'),
        ('examples.imp.semantics:Nothing', 'Nothing'),
        ('pathlib:Path', 'KCFGSemantics'),
    ],
)
def test_a_semantics_that_cannot_be_made_is_named(
    unconnected: Session, store: CheckpointStore, semantics: str, expected: str
) -> None:
    assert expected in failure(unconnected, store, CIRCULAR, Options(semantics=semantics))


def test_lemmas_must_be_rules_that_the_server_can_know(
    unconnected: Session, store: CheckpointStore, tmp_path: Path
) -> None:
    def lemmas(edit: Callable[[Any], None]) -> Options:
        return Options(lemmas=(str(edited(tmp_path, Path(LEMMAS), edit, 'lemmas.json')),))

    def rule(modules: Any) -> Any:
        return next(sentence for sentence in modules[0]['localSentences'] if sentence['node'] == 'KRule')

    def none(modules: Any) -> None:
        modules[0]['localSentences'] = []

    def foreign_import(modules: Any) -> None:
        modules[0]['imports'].append({'node': 'KImport', 'name': 'ELSEWHERE', 'isPublic': True})

    def macro(modules: Any) -> None:
        rule(modules)['att']['att']['macro'] = ''

    def syntax(modules: Any) -> None:
        modules[0]['localSentences'].append({'node': 'KSyntaxSort', 'sort': {'node': 'KSort', 'name': 'A'}})

    def foreign_symbol(modules: Any) -> None:
        rule(modules)['body'] = json.loads(json.dumps(rule(modules)['body']).replace('inputAt', 'outputAt'))

    message = failure(unconnected, store, CIRCULAR, lemmas(foreign_symbol))
    assert all(part in message for part in ('lemmas.json', 'IMP-INPUT-LEMMAS.not-negative', CIRCULAR, 'outputAt'))
    for edit, expected in ((none, 'rules'), (foreign_import, 'ELSEWHERE'), (macro, 'macro'), (syntax, 'KSyntaxSort')):
        assert expected in failure(unconnected, store, CIRCULAR, lemmas(edit))


def test_a_variable_that_only_the_right_hand_side_has_must_be_existential(
    unconnected: Session, store: CheckpointStore, tmp_path: Path
) -> None:
    def unbind(modules: Any) -> None:
        for sentence in modules[0]['localSentences']:
            for part in ('body', 'ensures'):
                sentence[part] = json.loads(json.dumps(sentence[part]).replace('"?', '"'))

    path = edited(tmp_path, spec_of('IMP-LOOPS.euclid'), unbind)
    message = failure(unconnected, store, 'IMP-LOOPS.euclid', Options(), spec=path)
    assert 'IMP-LOOPS.euclid' in message
    assert '?X' in message


def test_a_changed_file_is_read_again(unconnected: Session, store: CheckpointStore, tmp_path: Path) -> None:
    path = edited(tmp_path, spec_of(CIRCULAR), lambda modules: None)
    before, _ = checked(prepare(unconnected, store, CIRCULAR, Options(), spec=path))

    def swap(modules: Any) -> None:
        by_label = {sentence['att']['att']['label']: sentence for sentence in modules[0]['localSentences']}
        by_label[CIRCULAR]['body'] = by_label['IMP-LOOPS.sum-to-100']['body']

    edited(tmp_path, path, swap)
    after, _ = checked(prepare(unconnected, store, CIRCULAR, Options(), spec=path))
    assert before['init'] != after['init']


def test_a_dependency_that_is_not_in_the_store_is_no_fault_of_the_claim(
    unconnected: Session, store: CheckpointStore
) -> None:
    header, _ = prepare(unconnected, store, 'IMP-LOOPS.transfer-six', Options(dependencies=('f' * 64,)))
    assert header['error']['class'] == 'infrastructure'
    assert 'f' * 64 in header['error']['message']


def test_a_step_without_a_server_and_an_unknown_task_are_errors_not_exceptions(unconnected: Session) -> None:
    header, _ = unconnected.run('step', {'mode': 'reachability', 'kompiled': str(KOMPILED)}, {})
    assert header['error']['class'] == 'infrastructure'
    header, _ = unconnected.run('dance', {}, {})
    assert header['error']['class'] == 'input'
    assert {'requests', 'seconds', 'rewrites'} <= set(header)
