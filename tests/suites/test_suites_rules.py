"""Options that would silently do nothing are refused, with what the definition has instead."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kprover.suites import SuiteError, load_suite
from kprover.suites.digests import rule_names

IMP = Path(__file__).resolve().parents[2] / 'examples' / 'imp'


@pytest.fixture
def imp(tmp_path: Path) -> Path:
    shutil.copytree(IMP, tmp_path / 'imp')
    return tmp_path / 'imp' / 'suite.toml'


def test_rules_are_known_by_label_and_by_unique_id() -> None:
    names = rule_names(IMP / 'kompiled')
    assert 'IMP.while' in names
    assert any(len(name) == 64 for name in names)


def test_a_rule_that_the_definition_lacks_is_named_with_one_that_it_has(imp: Path) -> None:
    imp.write_text(imp.read_text().replace('"IMP.while"', '"IMP.whil"'))
    with pytest.raises(SuiteError, match=r"IMP-BOUNDED\.count.*cut-point-rules.*no rule 'IMP\.whil'.*'IMP\.while'"):
        load_suite(imp)


def test_a_terminal_rule_of_all_claims_is_checked_too(imp: Path) -> None:
    imp.write_text(imp.read_text().replace('[options]\n', '[options]\nterminal-rules = ["IMP.nope"]\n', 1))
    with pytest.raises(SuiteError, match=r"options\.terminal-rules: the definition has no rule 'IMP\.nope'"):
        load_suite(imp)


def test_a_loop_bound_needs_a_semantics_that_knows_loops(imp: Path) -> None:
    imp.write_text(imp.read_text().replace('semantics = "examples.imp.semantics:ImpSemantics"\n', ''))
    with pytest.raises(SuiteError, match=r'IMP-BOUNDED\.count.*bmc-depth.*semantics'):
        load_suite(imp)


def test_a_loop_bound_needs_the_nodes_that_joined_edges_give_up(imp: Path) -> None:
    imp.write_text(imp.read_text().replace('[options]\n', '[options]\noptimize-kcfg = true\n', 1))
    with pytest.raises(SuiteError, match=r'IMP-BOUNDED\.count.*bmc-depth.*optimize-kcfg = false'):
        load_suite(imp)
