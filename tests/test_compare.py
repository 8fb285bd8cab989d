"""Two stores, or two server programs, are compared by verdicts and by graphs up to numbering."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kprover.cli import main
from kprover.compare import shape
from kprover.engine import RunConfig, prove
from kprover.engine.index import ProofIndex
from kprover.suites import load_suite

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLES = Path(__file__).resolve().parents[1] / 'examples'
INCLUDED = ['IMP-ARITHMETIC.swap', 'IMP-BRANCHES.larger-of', 'IMP-BRANCHES.negation', 'IMP-EQUALITIES.sign-sum']


class Runs:
    """The imp example with a few claims, proved into one store after another; the program is the embedded server."""

    def __init__(self, folder: Path):
        self.folder = folder
        shutil.copytree(EXAMPLES / 'imp', folder / 'imp', ignore=shutil.ignore_patterns('__pycache__'))
        self.suite = folder / 'imp' / 'suite.toml'
        included = f'include = {json.dumps(INCLUDED)}\n'
        self.suite.write_text(self.suite.read_text().replace('\n[options]', f'\n{included}\n[options]', 1))
        self.program = folder / 'other-server'
        self.program.write_text(
            f'#!/bin/sh\nif [ "$1" = --version ]; then echo other 1.0; exit; fi\n'
            f'exec {sys.executable} -m kprover.server "$@"\n'
        )
        self.program.chmod(0o755)

    def prove(self, store: str, backend: str = 'embedded') -> Path:
        path = self.folder / store
        prove([load_suite(self.suite)], None, RunConfig(store=path, workers=1, backend=backend))
        return path

    def edit(self, old: str, new: str, file: str = 'suite.toml') -> None:
        path = self.folder / 'imp' / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    def compare(self, left: object, right: object, *options: str) -> int:
        return main(['compare', str(left), str(right), '--suite', str(self.suite), *options])


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    monkeypatch.setenv('PYTHONPATH', f'{EXAMPLES.parent}{os.pathsep}{os.environ.get("PYTHONPATH", "")}')
    monkeypatch.chdir(tmp_path)
    return Runs(tmp_path)


def test_two_programs_in_one_store_and_two_stores_agree(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    store = runs.prove('a.sqlite')
    runs.prove('a.sqlite', str(runs.program))
    assert runs.compare('embedded', runs.program, '--store', str(store), '--json') == 0
    found = json.loads(capsys.readouterr().out)
    assert found['same_verdicts']
    assert [claim['differences'] for claim in found['claims']] == [[]] * len(INCLUDED)
    branching = next(claim for claim in found['claims'] if claim['claim'] == 'imp/IMP-BRANCHES.larger-of')
    assert branching['left']['leaves'] == branching['right']['leaves'] != {}
    assert branching['left']['requests'] > 0

    # smaller requests make other nodes, and it is said that it is another proof; the shape is the same
    runs.edit('execute-depth = 100\n', 'execute-depth = 3\n')
    other = runs.prove('b.sqlite')
    assert runs.compare(store, other, '--json') == 0
    pairs = json.loads(capsys.readouterr().out)['claims']
    assert {pair['claim']: pair['differences'] for pair in pairs} == {
        pair['claim']: ['not the same proof: options differ'] for pair in pairs
    }
    branches = next(pair for pair in pairs if pair['claim'] == 'imp/IMP-BRANCHES.larger-of')
    assert branches['left']['nodes'] < branches['right']['nodes']
    assert branches['left']['shape'] == branches['right']['shape']


def test_another_verdict_ends_with_1_and_is_listed_first(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    right = runs.prove('right.sqlite')
    label = 'IMP-BRANCHES.larger-of'
    spec = json.loads((runs.folder / 'imp' / 'specs' / 'branches.json').read_text())
    for sentence in (s for module in spec['term']['term'] for s in module['localSentences']):
        if sentence['node'] == 'KClaim' and sentence['att']['att']['label'] == label:
            sentence['ensures'] = {**sentence['ensures'], 'node': 'KToken', 'token': 'false', 'sort': BOOL}
    (runs.folder / 'imp' / 'specs' / 'branches.json').write_text(json.dumps(spec))
    wrong = runs.prove('wrong.sqlite')
    assert runs.compare(right, wrong) == 1
    printed = capsys.readouterr().out
    assert f'imp/{label}\n  verdict: passed | failed\n' in printed
    assert 'not the same proof: claim differ' in printed
    assert '4 claims, 4 known on both sides, 0 on neither: 1 with different verdicts, 1 that differ' in printed


BOOL = {'node': 'KSort', 'name': 'Bool', 'params': []}


def test_what_is_not_there_is_said(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    assert runs.compare('nowhere.sqlite', 'embedded') == 2
    assert 'nowhere.sqlite: expected a checkpoint store, found no file' in capsys.readouterr().err
    runs.edit(json.dumps(INCLUDED), json.dumps(INCLUDED[:1]))
    store = runs.prove('one.sqlite')
    assert runs.compare('embedded', runs.program, '--store', str(store)) == 0
    assert 'known on A only:\n  imp/IMP-ARITHMETIC.swap  passed\n' in capsys.readouterr().out
    runs.edit('execute-depth = 100\n', 'execute-depth = 9\n')
    assert runs.compare('embedded', runs.program, '--store', str(store)) == 2
    assert 'expected verdicts of these suites, found none' in capsys.readouterr().err


def graph(*commits: tuple[int, Sequence[dict[str, object]]]) -> ProofIndex:
    index = ProofIndex('init', 'target', init_terminal=False, target_terminal=False)
    for node, results in commits:
        index.commit(node, results)
    return index


def step(depth: int) -> dict[str, object]:
    return {'kind': 'extend', 'extension': {'kind': 'step', 'depth': depth, 'nodes': ['t']}}


BRANCH = {'kind': 'extend', 'extension': {'kind': 'branch', 'nodes': ['a', 'b'], 'conditions': ['x', 'y']}}
STUCK = {'kind': 'extend', 'extension': {'kind': 'stuck'}}
COVERED = {'kind': 'subsumed'}


def test_a_shape_knows_branches_depths_and_leaves_but_neither_numbers_nor_cuts() -> None:
    plain = graph((1, [step(4)]), (3, [BRANCH]), (4, [COVERED]), (5, [STUCK]))
    renumbered = graph((1, [step(1)]), (3, [step(3)]), (4, [BRANCH]), (6, [COVERED]), (5, [STUCK]))
    assert shape(plain) == shape(renumbered)
    for other in (
        graph((1, [step(5)]), (3, [BRANCH]), (4, [COVERED]), (5, [STUCK])),
        graph((1, [step(4)]), (3, [BRANCH]), (4, [COVERED]), (5, [COVERED])),
        graph((1, [step(4)]), (3, [BRANCH]), (4, [COVERED])),
        graph((1, [step(4)]), (3, [STUCK])),
    ):
        assert shape(other) != shape(plain)
