"""The generated files of the example languages: the same bytes every time, and loadable by pyk."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from pyk.kast.att import Atts
from pyk.kast.inner import KSort
from pyk.kast.outer import KDefinition, read_kast_definition
from pyk.kast.pretty import PrettyPrinter
from pyk.kcfg import KCFG  # type: ignore[attr-defined]
from pyk.konvert import kast_to_kore, kore_to_kast  # type: ignore[attr-defined]
from pyk.kore.parser import KoreParser
from pyk.kore.rule import FunctionRule, RewriteRule, Rule
from pyk.kore.syntax import Definition
from pyk.proof.implies import EqualityProof
from test_examples_claims import LANGUAGES, SUITES, claims_of, is_functional

from examples.build import ROOT, generated

TOP = KSort('GeneratedTopCell')


@cache
def definition(language: str) -> KDefinition:
    return read_kast_definition(ROOT / language / 'kompiled' / 'compiled.json')


@cache
def kore(language: str) -> Definition:
    return KoreParser((ROOT / language / 'kompiled' / 'definition.kore').read_text()).definition()


def test_generating_again_gives_the_committed_bytes() -> None:
    for folder, files in generated().items():
        there = {path.name for path in (ROOT / folder).iterdir()}
        assert there == set(files), f'{folder}: run python -m examples.build'
        for name, text in files.items():
            assert (ROOT / folder / name).read_bytes() == text.encode(), (
                f'{folder}/{name}: run python -m examples.build'
            )


def test_generating_does_not_depend_on_the_hash_seed() -> None:
    script = (
        'import hashlib; from examples.build import generated;'
        'print(hashlib.sha256(repr(generated()).encode()).hexdigest())'
    )
    digests = {
        subprocess.run(
            [sys.executable, '-c', script],
            env={'PYTHONHASHSEED': seed},
            cwd=ROOT.parent,
            check=True,
            capture_output=True,
            timeout=120,
        ).stdout
        for seed in ('1', '2')
    }
    assert len(digests) == 1


@pytest.mark.parametrize('language', LANGUAGES)
def test_the_files_know_nothing_of_the_machine_or_the_time(language: str) -> None:
    for path in (ROOT / language / 'kompiled').iterdir():
        text = path.read_text()
        assert str(Path.home()) not in text
        assert str(ROOT) not in text
        assert not re.search(r'20\d\d-\d\d-\d\d', text)


@pytest.mark.parametrize('language', LANGUAGES)
def test_every_rule_is_an_axiom_with_its_own_id(language: str) -> None:
    axioms = Rule.extract_all(kore(language))
    ids = [rule.uid for rule in axioms]
    assert all(re.fullmatch('[0-9a-f]{64}', uid) for uid in ids)
    assert len(set(ids)) == len(ids)
    assert set(ids) == {rule.att[Atts.UNIQUE_ID] for rule in definition(language).rules}


@pytest.mark.parametrize('language', LANGUAGES)
def test_rewrite_rules_have_distinct_labels_and_function_rules_are_separate(language: str) -> None:
    axioms = Rule.extract_all(kore(language))
    rewrites = [rule for rule in axioms if isinstance(rule, RewriteRule)]
    labels = [rule.label for rule in rewrites]
    assert None not in labels
    assert len(set(labels)) == len(labels)
    owise = [rule for rule in axioms if isinstance(rule, FunctionRule) and rule.priority == 200]
    assert owise and all(rule.anti_left is not None for rule in owise)


@pytest.mark.parametrize('language', LANGUAGES)
def test_every_symbol_that_is_used_is_declared(language: str) -> None:
    loaded = kore(language)
    declared = {decl.symbol.name for module in loaded for decl in module.symbol_decls}
    text = (ROOT / language / 'kompiled' / 'definition.kore').read_text()
    used = set(re.findall(r'(Lbl[^{\s]*)\{', text))
    assert used <= declared


@pytest.mark.parametrize('language', LANGUAGES)
def test_arithmetic_is_known_to_the_solver(language: str) -> None:
    hooked = [decl for module in kore(language) for decl in module.symbol_decls if decl.hooked]
    for decl in hooked:
        hook = decl.attrs_by_key['hook'].args[0].value  # type: ignore[attr-defined]
        if hook.startswith(('INT.', 'BOOL.', 'KEQUAL.')):
            assert 'smt-hook' in decl.attrs_by_key, hook


@pytest.mark.parametrize(('language', 'suite'), SUITES)
def test_states_of_claims_survive_the_way_to_kore_and_back(language: str, suite: str) -> None:
    loaded = definition(language)
    for claim in claims_of(language, suite):
        if is_functional(claim):
            proof = EqualityProof.from_claim(claim, loaded)
            kast_to_kore(loaded, proof.equality, TOP)
            continue
        kcfg, init, target = KCFG.from_claim(loaded, claim)
        for node in (init, target):
            pattern = kast_to_kore(loaded, kcfg.node(node).cterm.kast, TOP)
            assert kast_to_kore(loaded, kore_to_kast(loaded, pattern), TOP) == pattern


def test_states_are_printed_in_the_concrete_syntax() -> None:
    claim = next(c for c in claims_of('imp', 'suite') if c.label == 'IMP-LOOPS.transfer')
    text = ' '.join(PrettyPrinter(definition('imp')).print(claim).split())
    assert 'while ( 0 < n ) { n := ( n - 1 ) ; m := ( m + 1 ) ; }' in text
    claim = next(c for c in claims_of('stack', 'suite') if c.label == 'STACK-STRAIGHT.underflow')
    text = ' '.join(PrettyPrinter(definition('stack')).print(claim).split())
    assert '0 |-> push 1 1 |-> add 2 |-> stop' in text
