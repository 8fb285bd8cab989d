"""`kprover report`: the page of the last run, from what the run has left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.testing import CliRunner

from benchmarks.page import MadeUpRun
from kprover.cli.report import command
from kprover.report.folder import ReportFolder
from kprover.store import CheckpointStore

if TYPE_CHECKING:
    from pathlib import Path


def test_it_writes_the_page_of_the_last_run_and_says_where(tmp_path: Path) -> None:
    store = tmp_path / 'store.sqlite'
    with CheckpointStore.open(store) as owner:
        record = MadeUpRun(5, 50, 1, owner).make()
    ReportFolder(tmp_path / 'report', record).finished(record.summary)
    done = CliRunner().invoke(command, ['--store', str(store), '-o', str(tmp_path / 'other.html')])
    assert done.exit_code == 0, done.output
    assert done.output.strip() == str(tmp_path / 'other.html')
    assert 'claim-4' in (tmp_path / 'other.html').read_text(encoding='utf-8')


def test_without_a_run_it_says_so(tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ['--store', str(tmp_path / 'store.sqlite')])
    assert 'no run has ended' in str(done.exception)
