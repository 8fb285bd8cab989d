"""What the page says, without a browser: differences, changes, graphs, escaping."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks.page import MadeUpRun
from kprover.engine.values import ClaimProgress, Phase, RunState, RunSummary, Status
from kprover.report.page import PageMaker, render
from kprover.report.page import maker as maker_module
from kprover.report.page.changes import changes
from kprover.report.page.difference import difference
from kprover.report.page.graphs import read_graph
from kprover.report.record import RunRecord
from kprover.store import CheckpointStore, StoreReader

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

STATE = '<T>\n  <k>\n    .K\n  </k>\n  <pc>\n    3\n  </pc>\n  <x>\n    N:Int\n  </x>\n</T>\n#And N:Int <Int 1'
TARGET = '<T>\n  <k>\n    .K\n  </k>\n  <x>\n    0\n  </x>\n  ...\n</T>'


def test_a_cell_that_the_target_leaves_open_is_no_difference() -> None:
    marked = difference(STATE, TARGET)
    assert [text.strip() for mark, text in marked if mark == '.'] == ['<pc>', '3', '</pc>']
    assert [(mark, text.strip()) for mark, text in marked if mark in '-+'] == [
        ('-', 'N:Int'),
        ('+', '0'),
        ('-', '#And N:Int <Int 1'),
    ]
    assert [text for mark, text in marked if mark != '+'] == STATE.splitlines()


def settled(claim: str, status: Status, requests: int = 0) -> ClaimProgress:
    return ClaimProgress(claim, 's', claim, status=status, phase=Phase.SETTLED, requests=requests)


def test_changes_name_verdicts_and_work_and_nothing_else() -> None:
    before = [
        settled('a', Status.PASSED, 100),
        settled('b', Status.FAILED),
        settled('c', Status.PASSED, 100),
        settled('d', Status.PASSED, 100),
        settled('gone', Status.PASSED),
        settled('e', Status.PASSED),
    ]
    now = [
        settled('a', Status.FAILED, 90),
        settled('b', Status.PASSED),
        settled('c', Status.PASSED, 130),
        settled('d', Status.PASSED, 110),
        settled('new', Status.FAILED),
        settled('e', Status.ERROR),
        replace(settled('b2', Status.PENDING), phase=Phase.RUNNING),
    ]
    assert [(change.claim, change.kind) for change in changes(before, now)] == [
        ('a', 'newly failing'),
        ('e', 'no longer decided'),
        ('b', 'newly passing'),
        ('c', 'more work'),
        ('new', 'new'),
        ('gone', 'gone'),
    ]


def test_a_graph_has_every_node_that_the_journal_made(tmp_path: Path) -> None:
    path = tmp_path / 'store.sqlite'
    with CheckpointStore.open(path) as store:
        record = MadeUpRun(10, 300, 3, store).make()
    with StoreReader(path) as reader:
        for claim in record.claims:
            graph = read_graph(reader, claim.proof, lambda node, key: False)
            assert graph is not None
            assert len(graph) == claim.nodes
            assert len(graph.failing) == claim.failing
            assert max(graph.depths) == claim.depth
            for node, parent in enumerate(graph.parents, 1):
                assert parent < node
                if parent:
                    assert graph.depths[node - 1] == graph.depths[parent - 1] + graph.rewrites[node - 1]


def test_what_a_user_names_is_never_markup(tmp_path: Path) -> None:
    name = '</script><script>alert(1)</script>'
    record = RunRecord()
    claim = replace(settled(f's/{name}', Status.FAILED), reason=f'{name}"\'')
    record.finished(RunSummary('r', 0.0, 1.0, name, 1, state=RunState.FINISHED, claims=(claim,)))
    record.notice(name)
    with StoreReader(tmp_path / 'none.sqlite') as reader:
        page = render(record, reader)
    assert '<script>alert' not in page
    assert '&lt;script&gt;alert(1)' in page


def test_a_page_of_a_running_run_packs_no_longer_than_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / 'store.sqlite'
    with CheckpointStore.open(path) as store:
        record = MadeUpRun(20, 200, 1, store, final=False).make()
    monkeypatch.setattr(maker_module, 'SPARED', 0.0)
    with StoreReader(path) as reader:
        make = PageMaker(reader)
        short = len(make(record))
        record.finished(replace(record.summary, state=RunState.FINISHED))
        assert len(make(record)) > short + 20 * 200
