"""A proof folder cannot say that a branch has ended: whatever its graph is like, a false claim fails."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from engine_harness import EXAMPLES, config, example, run

from kprover.cli import main
from kprover.engine import Status

if TYPE_CHECKING:
    from pathlib import Path

    from kprover.engine import RunConfig

WRONG = 'IMP-WRONG.division-unguarded'
"""A false claim; its nodes 1 and 2 are the beginning and the target."""


def command(name: str, label: str, folder: Path, store: Path, file: str = 'failing.toml') -> int:
    suite = str(EXAMPLES / 'imp' / file)
    return main([name, label, str(folder), '--suite', suite, '--store', str(store), '--backend', 'embedded'])


@pytest.fixture
def folder(proved: RunConfig, tmp_path: Path) -> Path:
    assert command('export-proof', WRONG, tmp_path, proved.store) == 0
    return tmp_path


def edge(source: int, target: int) -> dict[str, Any]:
    return {'source': source, 'target': target, 'depth': 15, 'rules': []}


def cover(source: int, target: int) -> dict[str, Any]:
    return {'source': source, 'target': target, 'csubst': {'subst': {}, 'constraints': []}}


BACK = 'leads back into the graph'
FORGED: dict[str, tuple[dict[str, Any], str]] = {
    'straight to the target': ({'edges': [edge(1, 2)]}, BACK),
    'round in a circle': ({'edges': [edge(1, 3), edge(3, 1)]}, BACK),
    'both branches into the target': ({'ndbranches': [{'source': 1, 'targets': [2, 2], 'rules': []}]}, BACK),
    'covered by the target': ({'covers': [cover(1, 2)]}, ''),
    'vacuous': ({'vacuous': [1]}, ''),
    'an edge of no steps': ({'edges': [{**edge(1, 3), 'depth': 0}]}, 'pyk does not make a Edge like it'),
}


@pytest.mark.parametrize('name', FORGED)
def test_a_graph_that_ends_where_it_should_not_is_left_behind(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    forged, left = FORGED[name]
    path = folder / WRONG / 'kcfg' / 'kcfg.json'
    nodes = json.loads(path.read_text())['nodes']
    path.write_text(json.dumps({'next': 100, 'nodes': nodes, 'edges': [], 'vacuous': [], 'stuck': [], **forged}))
    run_config = config(folder)
    capsys.readouterr()
    assert command('import-proof', WRONG, folder, run_config.store) == 0
    assert left in capsys.readouterr().out
    (claim,) = run(example('imp', 'failing.toml'), [WRONG], run_config).claims
    assert claim.status is Status.FAILED


@pytest.mark.parametrize(
    ('label', 'why'),
    [('IMP-EQUALITIES.sign-sum', 'has one step and no graph to take over'), ('IMP-ASSUMED.power-positive', 'trusted')],
)
def test_a_claim_without_a_graph_of_its_own_takes_none(
    folder: Path, capsys: pytest.CaptureFixture[str], label: str, why: str
) -> None:
    store = folder / 'store.sqlite'
    capsys.readouterr()
    assert command('import-proof', label, folder, store, 'suite.toml') == 2
    assert why in capsys.readouterr().err
