"""A definition that looks whole and cannot be read ends the run once, by its file; it is no error of each claim."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from engine_harness import EXAMPLES, config

from kprover.engine import DefinitionUnusable, prove
from kprover.suites import load_suite, select

if TYPE_CHECKING:
    from pathlib import Path


def run(folder: Path) -> None:
    suite = load_suite(folder / 'imp' / 'suite.toml')
    prove([suite], select([suite], ['IMP-ARITHMETIC.literals', 'IMP-ARITHMETIC.swap']), config(folder))


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    shutil.copytree(EXAMPLES / 'imp', tmp_path / 'imp', ignore=shutil.ignore_patterns('__pycache__'))
    return tmp_path


def test_a_definition_that_the_server_cannot_parse(copied: Path) -> None:
    path = copied / 'imp' / 'kompiled' / 'definition.kore'
    path.write_text(path.read_text().replace('symbol Lbl', 'symbol symbol Lbl', 1))
    with pytest.raises(
        DefinitionUnusable, match=r'no server can read this definition: (.|\n)*definition\.kore:\d+:\d+'
    ):
        run(copied)


def test_a_definition_that_pyk_cannot_read(copied: Path) -> None:
    path = copied / 'imp' / 'kompiled' / 'compiled.json'
    data = json.loads(path.read_text())
    data['term']['modules'][0]['localSentences'].append({'node': 'KProduction'})
    path.write_text(json.dumps(data))
    with pytest.raises(
        DefinitionUnusable, match=r'compiled.json: expected a definition in the JSON of K, found: KeyErr'
    ):
        run(copied)
