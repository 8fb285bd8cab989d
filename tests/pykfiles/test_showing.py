"""`kprover show` and `kprover view`: pyk's pictures of a proof in the store."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import shutil
from typing import TYPE_CHECKING

import pytest
from engine_harness import EXAMPLES, example
from pyk.kcfg.tui import GraphChunk, NodeView

from kprover.cli import main
from kprover.cli.options import Where
from kprover.cli.view import viewer
from kprover.engine import Ledger
from kprover.engine.ledger import journal_row, read_journal
from kprover.store import CheckpointStore

if TYPE_CHECKING:
    from pathlib import Path

    from kprover.engine import RunConfig

WRONG = 'IMP-WRONG.one-of-sixteen'


def where(run_config: RunConfig, file: str = 'failing.toml') -> Where:
    return Where((str(EXAMPLES / 'imp' / file),), {'store': str(run_config.store), 'backend': 'embedded'})


def show(capsys: pytest.CaptureFixture[str], run_config: RunConfig, *words: str, file: str = 'failing.toml') -> str:
    options = ['--suite', *where(run_config, file).files, '--store', str(run_config.store), '--backend', 'embedded']
    assert main(['show', *words, *options]) == 0
    return capsys.readouterr().out


def test_text_is_pyks_tree_with_the_state_of_each_node(capsys: pytest.CaptureFixture[str], proved: RunConfig) -> None:
    text = show(capsys, proved, WRONG)
    assert '┌─ 1 (root, init)' in text
    assert '59 (terminal)' in text
    assert text.count('2 (target, terminal)') >= 15
    bounded = show(capsys, proved, 'IMP-BOUNDED.count', file='suite.toml')
    assert '(bounded)' in bounded
    equality = show(capsys, proved, 'IMP-EQUALITIES.sign-sum', file='suite.toml')
    assert 'sign ( A:Int +Int B:Int )' in equality


def test_json_has_the_shape_and_dot_the_same_nodes(capsys: pytest.CaptureFixture[str], proved: RunConfig) -> None:
    graph = json.loads(show(capsys, proved, WRONG, '--format', 'json'))
    assert graph['status'] == 'failed'
    states = {node['id']: node['state'] for node in graph['nodes']}
    assert len(states) == 63
    assert [node for node, state in states.items() if state == 'terminal'] == [59]
    inner = {successor['source'] for successor in graph['successors']}
    assert inner == {node for node, state in states.items() if state in ('expanded', 'covered')}
    dot = show(capsys, proved, WRONG, '--format', 'dot')
    assert dot.startswith('digraph')
    assert dot.count(' -> ') == sum(len(successor['targets']) for successor in graph['successors']) + 1


def test_a_node_is_shown_with_its_configuration_and_path_condition(
    capsys: pytest.CaptureFixture[str], proved: RunConfig
) -> None:
    text = show(capsys, proved, WRONG, '--node', '59')
    assert text.startswith('node 59: terminal, ')
    assert '<state>' in text
    (node,) = json.loads(show(capsys, proved, WRONG, '--node', '59', '--format', 'json'))['nodes']
    assert len(node['path_condition']) == 4
    assert all(f'  {condition}' in text.splitlines() for condition in node['path_condition'])


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        ((WRONG, '--node', '999'), 'expected a node from 1 to 63, found 999'),
        (('IMP-WRONG.literals',), 'found none; prove it first'),
        (('IMP-WRONG.nothing',), 'IMP-WRONG.nothing'),
    ],
)
def test_what_cannot_be_shown_is_said_in_a_line(
    capsys: pytest.CaptureFixture[str], proved: RunConfig, words: tuple[str, ...], message: str
) -> None:
    options = ['--suite', *where(proved).files, '--store', str(proved.store), '--backend', 'embedded']
    assert main(['show', *words, *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


def test_a_step_that_is_not_the_one_its_place_asks_for_is_said_and_not_exported(
    capsys: pytest.CaptureFixture[str], proved: RunConfig, tmp_path: Path
) -> None:
    mixed = dataclasses.replace(proved, store=tmp_path / 'store.sqlite')
    for path in proved.store.parent.glob('store.sqlite*'):
        shutil.copy(path, tmp_path)
    suite = example('imp', 'failing.toml')
    digest = Ledger([suite], mixed).proof(f'{suite.name}/{WRONG}').digest
    with CheckpointStore.open(mixed.store) as store:
        (_, first), (node, _), *_ = read_journal(store, digest)
        store.put(journal_row(digest, 1), {'node': node, 'step': first})
        store.commit()
    options = ['--suite', *where(mixed).files, '--store', str(mixed.store), '--backend', 'embedded']
    said = f'step {first[:12]} at node {node} is not the one that the proof asks for there'
    main(['show', WRONG, *options])
    assert said in capsys.readouterr().err
    assert main(['export-proof', WRONG, str(tmp_path / 'out'), *options]) == 2
    assert said in capsys.readouterr().err
    assert not list((tmp_path / 'out').iterdir())


def test_the_viewer_shows_the_node_that_is_chosen(proved: RunConfig) -> None:
    app = viewer(where(proved), f'imp-failing/{WRONG}')

    async def look() -> str:
        async with app.run_test(size=(160, 60)) as pilot:
            app.query_one('#node_1', GraphChunk).post_message(GraphChunk.Selected('node_59'))
            await pilot.pause()
            text: str = app.query_one('#node-view', NodeView).query_one('#term').text  # type: ignore[attr-defined]
            await pilot.press('q')
            return text

    assert '<state>' in asyncio.run(look())
