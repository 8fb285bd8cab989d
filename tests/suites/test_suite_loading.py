"""A suite file is read completely or refused with the file, the key, what was found and what is allowed."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from suite_folder import SuiteFolder, claim

from kprover.suites import ClaimOptions, Preparation, SuiteError, load_suite, load_suites
from kprover.suites.kprove_options import ALLOWED as KPROVE
from kprover.suites.options import OPTIONS
from kprover.suites.source import KEYS

EXAMPLES = Path(__file__).parents[2] / 'examples'
EXAMPLE_SUITES = sorted(EXAMPLES.glob('*/*.toml'))


def refusal(path: Path) -> SuiteError:
    with pytest.raises(SuiteError) as caught:
        load_suite(path, Preparation(path.parent / 'cache', lambda line: None))
    return caught.value


def test_a_suite_is_what_its_files_say(small: SuiteFolder) -> None:
    suite = load_suite(small.write())
    assert suite.name == 'small'
    assert suite.path == small.folder / 'suite.toml'
    assert suite.kompiled == small.folder / 'kompiled'
    assert suite.main_module == 'LANGUAGE'
    assert len(suite.definition_digest) == 64
    assert [claim.label for claim in suite.claims] == ['LEMMAS.base', 'SUM.one', 'SUM.two', 'SUM.three']
    assert [claim.name for claim in suite.claims][1] == 'small/SUM.one'
    assert [claim.admitted for claim in suite.claims] == [True, False, False, False]
    assert suite.claims[2].depends == ('small/SUM.one', 'small/LEMMAS.base')
    assert suite.claims[3].depends == ('small/SUM.two',)
    assert {claim.spec for claim in suite.claims} == {small.folder / 'spec.json'}
    assert all(claim.options == ClaimOptions() for claim in suite.claims)


def test_options_of_a_claim_go_before_those_of_its_suite(small: SuiteFolder) -> None:
    small.spec('lemmas.json', {'EXTRA': []})
    path = small.write(
        """
        [options]
        execute-depth = 50
        bmc-depth = 3
        tags = ["a", "b"]
        step-timeout = 60
        semantics = "pyk.kcfg.semantics:DefaultSemantics"
        lemmas = ["lemmas.json"]
        [claims."SUM.two"]
        execute-depth = "none"
        tags = ["c"]
        step-timeout = "none"
        time-limit = 1.5
        max-steps = 7
        bmc-depth = "none"
        semantics = "none"
        lemmas = []
        trusted = true
        priority = -3
        cut-point-rules = ["SUM.cut"]
        terminal-rules = ["SUM.end"]
        assume-defined = true
        optimize-kcfg = true
        fast-check-subsumption = true
        direct-subproof-rules = true
        """
    )
    _, one, two, _ = load_suite(path).claims
    lemma_file = small.folder / 'lemmas.json'
    assert one.options == ClaimOptions(
        execute_depth=50,
        bmc_depth=3,
        tags=('a', 'b'),
        step_timeout=60.0,
        semantics='pyk.kcfg.semantics:DefaultSemantics',
        lemmas=(lemma_file,),
    )
    assert two.options == ClaimOptions(
        execute_depth=None,
        tags=('c',),
        time_limit=1.5,
        max_steps=7,
        trusted=True,
        priority=-3,
        cut_point_rules=('SUM.cut',),
        terminal_rules=('SUM.end',),
        assume_defined=True,
        optimize_kcfg=True,
        fast_check_subsumption=True,
        direct_subproof_rules=True,
    )
    assert not one.admitted
    assert two.admitted


def test_every_option_has_a_key_and_every_key_an_option() -> None:
    assert [option.field for option in OPTIONS.values()] == [field.name for field in fields(ClaimOptions)]


def test_the_documentation_names_every_key() -> None:
    docs = Path(__file__).parents[2] / 'docs'
    for page, keys in (('suites.md', (*KEYS, *OPTIONS)), ('k-specs.md', KPROVE)):
        text = (docs / page).read_text()
        assert not [key for key in keys if f'`{key}`' not in text], page


@pytest.mark.parametrize(
    ('key', 'values'),
    [
        ('execute-depth', ['0', '-1', '1.5', 'true', '"all"', '[1]']),
        ('bmc-depth', ['0', '"3"', 'false']),
        ('max-steps', ['0', '1e3']),
        ('priority', ['"high"', '1.0', 'true', '"none"']),
        ('step-timeout', ['0', '-1', 'inf', 'nan', 'true', '"60"']),
        ('time-limit', ['0.0', '[]']),
        ('trusted', ['1', '"true"', '"none"']),
        ('assume-defined', ['0']),
        ('cut-point-rules', ['"SUM.cut"', '[1]', '[""]']),
        ('terminal-rules', ['{a = 1}']),
        ('tags', ['"nightly"']),
        ('semantics', ['"pyk.kcfg.semantics"', '1', '"a b:C"', '":C"', '"nowhere.at.all:Class"']),
        ('lemmas', ['"lemmas.json"', '["missing.json"]']),
    ],
)
def test_a_value_that_is_not_allowed_is_refused(small: SuiteFolder, key: str, values: list[str]) -> None:
    for value in values:
        for table, where in (('options', f'options.{key}'), ('claims."SUM.one"', f'claims."SUM.one".{key}')):
            error = refusal(small.write(f'[{table}]\n{key} = {value}\n'))
            assert error.file == small.folder / 'suite.toml'
            assert error.key == where
            assert error.found.startswith(('found', 'there is no'))
            assert OPTIONS[key].allowed in error.allowed
            assert all(part in str(error) for part in (str(error.file), where, error.found, error.allowed))


@pytest.mark.parametrize(
    ('extra', 'key', 'hint'),
    [
        ('[options]\nexecute-dept = 3', 'options.execute-dept', "did you mean 'execute-depth'"),
        ('[options]\nexecute_depth = 3', 'options.execute_depth', "did you mean 'execute-depth'"),
        ('[option]\nexecute-depth = 3', 'option', "did you mean 'options'"),
        ('colour = "red"', 'colour', "'main-module'"),
        ('[claims."SUM.oen"]', 'claims."SUM.oen"', "did you mean 'SUM.one'"),
        ('[claims."one"]', 'claims."one"', "'SUM.one'"),
        ('[claims]\n"SUM.one" = 3', 'claims."SUM.one"', 'tables of options'),
        ('claims = 3', 'claims', 'tables of options'),
        ('options = "fast"', 'options', 'table of options'),
        ('include = ["SUM.on"]', 'include', "did you mean 'SUM.one'"),
        ('exclude = ["*.four"]', 'exclude', "'SUM.one'"),
        ('include = "SUM.one"', 'include', 'list of claim labels'),
        ('exclude = ["*"]', 'include', "'SUM.one'"),
        ('exclude = ["SUM.one"]', 'exclude', "leave 'SUM.two' out too"),
        ('main-module = 3', 'main-module', 'name of a module'),
    ],
)
def test_what_is_unknown_or_wrong_is_named_with_a_hint(small: SuiteFolder, extra: str, key: str, hint: str) -> None:
    error = refusal(small.write(extra))
    assert error.key == key
    assert hint in error.allowed
    assert str(small.folder / 'suite.toml') in str(error)


@pytest.mark.parametrize(
    ('line', 'key'),
    [
        ('name = "small"', 'name'),
        ('name = "a/b"', 'name'),
        ('name = ""', 'name'),
        ('name = 3', 'name'),
        ('kompiled = "elsewhere"', 'kompiled'),
        ('kompiled = "."', 'kompiled'),
        ('specs = []', 'specs'),
        ('specs = "spec.json"', 'specs'),
        ('specs = ["missing.json"]', 'specs'),
        ('specs = ["missing/*.json"]', 'specs'),
        ('specs = ["kompiled"]', 'specs'),
    ],
)
def test_each_required_key_must_be_there_and_right(small: SuiteFolder, line: str, key: str) -> None:
    lines = [other for other in small.head.splitlines() if not other.startswith(f'{key} ')]
    for written in ([], [line] if line not in small.head else []):
        error = refusal(small.write(head='\n'.join([*lines, *written]) + '\n'))
        assert error.key == key
        assert 'the key is missing' in str(error) if not written else 'found' in error.found or 'no' in error.found


def test_a_missing_or_broken_suite_file_is_refused(small: SuiteFolder, tmp_path: Path) -> None:
    assert 'cannot be read' in str(refusal(tmp_path / 'nowhere.toml'))
    assert 'line 1' in str(refusal(small.write(head='name = \nspecs = []\n')))
    path = small.write()
    path.write_bytes(b'name = "\xff"')
    assert 'no TOML' in str(refusal(path))


def test_a_kompiled_folder_without_a_definition_is_refused(small: SuiteFolder) -> None:
    path = small.write()
    (small.folder / 'kompiled' / 'definition.kore').unlink()
    error = refusal(path)
    assert error.key == 'kompiled'
    assert 'there is no definition.kore' in error.found
    assert 'kompile' in error.allowed


@pytest.mark.parametrize(
    ('name', 'text', 'found'),
    [
        ('definition.kore', '', 'the file is empty'),
        ('definition.kore', '[]\nmodule LANGUAGE\n  sort SortA{} []\n', 'cut off'),
        ('definition.kore', '{"format": "KAST"}', 'no definition in Kore'),
        ('compiled.json', '{"format": "KAST", "version": 4, "term": {"node": "KDef', 'is no JSON'),
        ('compiled.json', '{"format": "KAST", "version": 4, "term": {"node": "KRule"}}', "found 'KRule'"),
    ],
)
def test_a_broken_definition_is_refused_once_and_by_its_file(
    small: SuiteFolder, name: str, text: str, found: str
) -> None:
    path = small.write()
    (small.folder / 'kompiled' / name).write_text(text)
    error = refusal(path)
    assert error.file == small.folder / 'kompiled' / name
    assert found in error.found
    assert 'kompile' in error.allowed


def test_the_main_module_may_be_said_in_the_suite(small: SuiteFolder) -> None:
    path = small.write()
    (small.folder / 'kompiled' / 'mainModule.txt').unlink()
    assert refusal(path).key == 'main-module'
    path.write_text('main-module = "OTHER"\n' + path.read_text())
    error = refusal(path)
    assert (error.key, 'its modules are LANGUAGE' in error.found) == ('main-module', True)
    path.write_text(path.read_text().replace('OTHER', 'LANGUAGE'))
    assert load_suite(path).main_module == 'LANGUAGE'


def test_specs_may_be_patterns_and_each_file_is_read_once(small: SuiteFolder) -> None:
    small.spec('more-b.json', {'B': [claim('B.x')]})
    small.spec('more-a.json', {'A': [claim('A.x')]})
    path = small.write(head='name = "many"\nkompiled = "kompiled"\nspecs = ["spec.json", "*.json", "more-a.json"]\n')
    labels = [claim.label for claim in load_suite(path).claims]
    assert labels == ['LEMMAS.base', 'SUM.one', 'SUM.two', 'SUM.three', 'A.x', 'B.x']
    path.write_text(path.read_text().replace('"more-a.json"', f'"{small.folder}/more-*.json"'))
    assert [claim.label for claim in load_suite(path).claims] == labels


def test_include_brings_dependencies_and_exclude_takes_away(small: SuiteFolder) -> None:
    assert labels_of(small.write('include = ["SUM.two"]')) == ['LEMMAS.base', 'SUM.one', 'SUM.two']
    assert labels_of(small.write('exclude = ["*.three"]')) == ['LEMMAS.base', 'SUM.one', 'SUM.two']
    assert labels_of(small.write('include = ["SUM.*"]\nexclude = ["*.t*"]')) == ['SUM.one']


def labels_of(path: Path) -> list[str]:
    return [claim.label for claim in load_suite(path).claims]


def test_claims_that_depend_on_each_other_are_refused(small: SuiteFolder) -> None:
    small.modules['SUM'][0] = claim('SUM.one', depends='SUM.three')
    error = refusal(small.write())
    assert error.file == small.folder / 'spec.json'
    assert "'SUM.one' depends on 'SUM.three'" in error.found
    small.modules['SUM'][0] = claim('SUM.one', depends='one')
    assert "'SUM.one' depends on 'SUM.one'" in refusal(small.write()).found


def test_a_dependency_that_is_not_there_is_refused(small: SuiteFolder) -> None:
    small.modules['SUM'][1] = claim('SUM.two', depends='SUM.oen')
    error = refusal(small.write())
    assert 'SUM.two' in error.key
    assert "did you mean 'SUM.one'" in error.allowed


def test_a_claim_that_two_files_share_is_one_claim(small: SuiteFolder) -> None:
    """kprove writes the claims of required modules into each file."""
    shared = small.modules['SUM']
    moved = claim('SUM.one', 'one')
    moved['att']['att'] |= {'UNIQUE_ID': 'another', 'org.kframework.attributes.Source': 'again.k'}
    small.spec('again.json', {'SUM': [moved], 'USER': [claim('USER.four', depends='SUM.one')]})
    suite = load_suite(small.write(head=small.head.replace('["spec.json"]', '["spec.json", "again.json"]')))
    labels = [found.label for found in suite.claims]
    assert labels == ['LEMMAS.base', 'SUM.one', 'SUM.two', 'SUM.three', 'USER.four']
    by_label = {found.label: found for found in suite.claims}
    assert by_label['SUM.one'].spec == small.folder / 'spec.json'
    assert by_label['USER.four'].depends == ('small/SUM.one',)
    assert shared is small.modules['SUM']


@pytest.mark.parametrize(
    'other', [claim('SUM.one', 'other'), claim('SUM.one', 'one', trusted=''), claim('SUM.one', 'one', depends='two')]
)
def test_a_label_with_two_meanings_in_two_files_is_refused(small: SuiteFolder, other: dict[str, Any]) -> None:
    small.spec('again.json', {'SUM': [other, claim('SUM.two', 'two', depends='LEMMAS.base'), claim('LEMMAS.base')]})
    error = refusal(small.write(head=small.head.replace('["spec.json"]', '["spec.json", "again.json"]')))
    assert 'say different things' in error.found


def test_a_claim_about_one_path_is_said_to_be_proved_of_all(small: SuiteFolder) -> None:
    small.modules['SUM'].append(claim('SUM.four', **{'one-path': ''}))
    suite = load_suite(small.write())
    assert [found.label for found in suite.claims if found.one_path] == ['SUM.four']
    assert suite.notices == ('small/SUM.four: is [one-path], and is proved of all paths',)


def test_a_label_that_is_there_twice_is_refused(small: SuiteFolder) -> None:
    small.spec('again.json', {'SUM': [claim('SUM.one')]})
    error = refusal(small.write(head=small.head.replace('["spec.json"]', '["spec.json", "again.json"]')))
    assert 'again.json' in error.found
    assert 'SUM.one' in error.found
    small.modules['SUM'].append(claim('SUM.one', 'other'))
    error = refusal(small.write())
    assert (error.file, error.key) == (small.folder / 'spec.json', 'SUM.one')


def test_two_suites_share_nothing_but_need_two_names(small: SuiteFolder) -> None:
    first = small.write()
    second = small.folder / 'second.toml'
    second.write_text(first.read_text())
    with pytest.raises(SuiteError, match='also the name of'):
        load_suites([first, second])
    with pytest.raises(SuiteError, match='named twice'):
        load_suites([first, first])
    second.write_text(first.read_text().replace('small', 'second'))
    assert [suite.name for suite in load_suites([second, first])] == ['second', 'small']


def test_the_definition_digest_follows_its_files(small: SuiteFolder) -> None:
    path = small.write()
    before = load_suite(path).definition_digest
    assert load_suite(small.write()).definition_digest == before
    digests = {before}
    for name in ('definition.kore', 'compiled.json'):
        path = small.write()
        (small.folder / 'kompiled' / name).write_text((small.folder / 'kompiled' / name).read_text() + '\n')
        digests.add(load_suite(path).definition_digest)
    assert len(digests) == 3


@pytest.mark.parametrize('path', EXAMPLE_SUITES, ids=lambda path: f'{path.parent.name}-{path.stem}')
def test_the_example_suites_agree_with_pyk(path: Path) -> None:
    from pyk.kast.kast import kast_term
    from pyk.kast.outer import KFlatModuleList
    from pyk.ktool.claim_index import ClaimIndex

    suite = load_suite(path)
    assert suite.claims
    for spec in {ours.spec for ours in suite.claims}:
        modules = KFlatModuleList.from_dict(kast_term(json.loads(spec.read_text())))
        index = ClaimIndex.from_module_list(modules)
        ours = {one.label: one for one in suite.claims if one.spec == spec}
        assert sorted(ours) == sorted(index)
        for label, theirs in index.items():
            assert ours[label].depends == tuple(f'{suite.name}/{name}' for name in theirs.dependencies)
            assert ours[label].admitted == theirs.is_trusted or ours[label].options.trusted


def test_the_cost_of_a_claim_does_not_grow_with_their_number(small: SuiteFolder) -> None:
    """Eight times the claims cost about eight times the work, where comparing each with each would cost 64 times."""
    few, many = (loading_cost(small, number) for number in (100, 800))
    assert many < 24 * few


def loading_cost(small: SuiteFolder, number: int) -> float:
    """CPU seconds of loading a suite of so many claims, each of which depends on the one before."""
    state = {'node': 'KApply', 'label': {'node': 'KLabel', 'name': '<cell>', 'params': []}, 'arity': 0, 'args': []}
    sentences = []
    for position in range(number):
        sentence = claim(f'MANY.c{position}', str(position), depends=f'c{position - 1}' if position else None)
        sentence['body'] = {**state, 'arity': 60, 'args': [state] * 60, 'number': position}
        sentences.append(sentence)
    small.modules = {'MANY': sentences}
    path = small.write('[claims."MANY.c7"]\npriority = 3\n[options]\nlemmas = ["spec.json"]\n')
    gc.disable()  # a collection costs what the tests before have left
    try:
        started = time.process_time()
        suite = load_suite(path)
        used = time.process_time() - started
    finally:
        gc.enable()
    assert len(suite.claims) == number
    return used


def test_nothing_here_imports_pyk(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from typing import Any
import kprover.backends, kprover.store
from kprover.suites import load_suites, select, semantics_identity
suites = load_suites([Path(path) for path in {[str(path) for path in EXAMPLE_SUITES]!r}])
for claim in select(suites, []):
    if claim.options.semantics:
        semantics_identity(claim.options.semantics)
kprover.backends.choose_backend('embedded')
with kprover.store.CheckpointStore.open(Path({str(tmp_path / 'store')!r})) as store:
    store.put('a', {{}}); store.commit()
sys.exit(sorted(name for name in sys.modules if name.partition('.')[0] in ('pyk', 'z3', 'luigi', 'examples')))
"""
    answer = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True, cwd=EXAMPLES.parent)
    assert answer.stderr.strip() in ('', '[]')


@pytest.mark.parametrize(
    'line',
    [
        'kompiled = "circle"',
        'kompiled = "kom\\u0000piled"',
        'specs = ["circle"]',
        'specs = ["circle/*.json"]',
        'specs = ["spec\\u0000.json"]',
        'specs = ["spec\\u0000*.json"]',
        'options.lemmas = ["circle"]',
        'options.lemmas = ["lem\\u0000mas.json"]',
        'kprove.include = ["circle"]',
        'kprove.include = ["in\\u0000clude"]',
    ],
)
def test_a_path_that_leads_nowhere_is_told_with_its_key(small: SuiteFolder, line: str) -> None:
    (small.folder / 'circle').symlink_to('circle')
    (small.folder / 'spec.json').touch()
    path = small.write()
    key = line.partition(' ')[0]
    lines = [each for each in path.read_text().splitlines() if each.partition(' ')[0] != key]
    path.write_text('\n'.join([line, *lines]))
    with pytest.raises(SuiteError, match=key.rpartition('.')[2]):
        load_suite(path)


@pytest.mark.parametrize('name', ['circle', 'circle/suite.toml', 'su\0ite.toml', 'suite' * 100])
def test_a_suite_file_that_leads_nowhere_is_told(small: SuiteFolder, name: str) -> None:
    (small.folder / 'circle').symlink_to('circle')
    with pytest.raises(SuiteError, match='cannot be read'):
        load_suite(small.folder / name)
