"""`kprover report`: the page of the last run, from what the run has left."""

from __future__ import annotations

import json
import platform
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

from click.testing import CliRunner

from benchmarks.page import MadeUpRun
from kprover.cli.report import command
from kprover.engine.values import Phase, RunState, Status
from kprover.report.folder import JUNIT, PAGE, RECORD, SUMMARY, TRACE, ReportFolder
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


def test_after_a_killed_run_it_writes_all_files_and_says_that_it_was_killed(tmp_path: Path) -> None:
    store, folder = tmp_path / 'store.sqlite', tmp_path / 'report'
    with CheckpointStore.open(store) as owner:
        record = MadeUpRun(5, 50, 1, owner).make()
    gone = subprocess.Popen(['true'])
    gone.wait()
    running = replace(record.claims[0], phase=Phase.RUNNING, status=Status.PENDING)
    summary = replace(
        record.summary, run=f'then-{gone.pid}', state=RunState.RUNNING, claims=(running, *record.claims[1:])
    )
    record.facts = replace(record.facts, host=platform.node())
    record.started(summary)
    ReportFolder(folder, record).started(summary)
    done = CliRunner().invoke(command, ['--store', str(store)])
    assert done.exit_code == 0, done.output
    assert 'the run was killed: it last wrote of itself' in done.output
    found = json.loads((folder / 'summary.json').read_text(encoding='utf-8'))
    assert found['state'] == 'aborted'
    assert found['claims'][0]['reason'] == 'the run was killed'
    assert {path.name for path in folder.iterdir()} == {SUMMARY, PAGE, JUNIT, TRACE, RECORD}
    page = (folder / PAGE).read_text(encoding='utf-8')
    assert 'The run was killed or ended by an error' in page and 'claim-4' in page
    assert 'killed' not in CliRunner().invoke(command, ['--store', str(store)]).output.replace(str(tmp_path), '')


def test_without_a_run_it_says_so(tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ['--store', str(tmp_path / 'store.sqlite')])
    assert 'no run has left a record' in str(done.exception)
