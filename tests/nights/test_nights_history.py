"""The history file: what is written is read again, by whom, and what is forgotten."""

from __future__ import annotations

import multiprocessing
import sqlite3
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from kprover.nights import ClaimResult, Cost, History, HistoryError, NightInProgress, NightState, RecordedRun
from kprover.nights.page import keep_report, page_path, remove_pages, write_pages

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2026, 11, 22)
RUN = RecordedRun('r1', None, 1000.0, 5.0, 'finished', 'embedded', 2, 2, 10, 8, 0)
PASSED = ClaimResult('s/A', 's', 'passed', digest='d', worked=True, cost=Cost(4, 5, 60, 0.5, 7))
FAILED = ClaimResult('s/<b>B', 's', 'failed', reason='node 3 \ud800 is stuck', digest='e', worked=True)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / 'folder' / 'h.sqlite')


def test_a_reader_makes_no_file(history: History) -> None:
    assert history.nights(5) == ()
    assert history.night(DAY, 'a') is None
    assert not history.path.exists()


def test_a_night_is_resumed_until_it_is_finished_and_its_last_run_counts(history: History) -> None:
    first = history.begin_night(DAY, 'a', 100.0)
    history.put_run(replace(RUN, night=first.number, state='interrupted'), [replace(PASSED, status='pending'), FAILED])
    history.end_night(first, NightState.INTERRUPTED)
    again = history.begin_night(DAY, 'a', 100.0)
    assert (again.number, again.seconds, again.runs) == (first.number, 5.0, 1)
    second = replace(RUN, run='r2', night=first.number, started=2000.0, seconds=7.0)
    history.put_run(second, [replace(PASSED, worked=False), replace(FAILED, worked=False)], {'d': {'claim': 'x'}})
    history.end_night(again, NightState.FINISHED)
    history.close()

    night = history.night(DAY, 'a')
    assert night is not None
    assert (night.state, night.seconds, night.runs, night.budget) == (NightState.FINISHED, 12.0, 2, 100.0)
    results = history.results(night)
    assert results['s/A'] == PASSED, 'work of its first run counts'
    assert results['s/<b>B'].reason == 'node 3 \\ud800 is stuck'
    assert history.inputs('d') == {'claim': 'x'}
    assert history.night(DAY, 'other.toml') is None
    assert [found[0].run for found in history.results_of('s/A', 5)] == ['r2', 'r1']
    assert history.cost('s/A', 'd') == PASSED.cost
    assert history.cost('s/A', 'other digest') is None


def test_a_night_that_was_killed_leaves_what_it_had_used(history: History) -> None:
    killed = history.begin_night(DAY, 'a', None)
    history.put_run(replace(RUN, night=killed.number, state='running'))
    other = history.begin_night(date(2026, 11, 23), 'a', None)
    assert [night.state.value for night in history.nights(5)] == ['running', 'interrupted']
    assert history.runs(killed)[0].state == 'aborted'
    assert history.nights(5, before=other.number)[0].seconds == 5.0


def test_pruning_forgets_old_nights_and_runs_but_not_the_last_finished_one(history: History) -> None:
    for day in (20, 21):
        night = history.begin_night(date(2026, 11, day), 'a', None)
        history.put_run(replace(RUN, run=f'r{day}', night=night.number), [PASSED], {'d': {}})
        history.end_night(night, NightState.FINISHED)
    history.put_run(RUN, [replace(PASSED, digest='by hand')], {'by hand': {}})
    assert history.prune(before=1e12) == 2
    assert [night.date.day for night in history.nights(5)] == [21]
    assert [found[0].run for found in history.results_of('s/A', 5)] == ['r21']
    assert history.inputs('by hand') is None
    assert history.inputs('d') == {}


def test_a_second_night_is_told_who_runs_the_first(history: History) -> None:
    def hold(path: Path, held: object, done: object) -> None:
        with History(path).night_lock():
            held.set()  # type: ignore[attr-defined]
            done.wait(60)  # type: ignore[attr-defined]

    context = multiprocessing.get_context('fork')
    held, done = context.Event(), context.Event()
    owner = context.Process(target=hold, args=(history.path, held, done))
    owner.start()
    try:
        assert held.wait(30)
        said = rf'a night is being run by process {owner.pid}, since'
        with pytest.raises(NightInProgress, match=said), history.night_lock():
            pass
    finally:
        done.set()
        owner.join()
    with history.night_lock():
        assert history.path.with_name('h.sqlite.lock').exists()


def test_what_is_no_history_is_said_to_be_none(history: History, tmp_path: Path) -> None:
    history.path.parent.mkdir()
    history.path.write_bytes(b'no database at all, and longer than a header would be' * 9)
    with pytest.raises(HistoryError, match='move the file away to begin a new history'):
        history.nights(1)
    newer = tmp_path / 'newer.sqlite'
    with sqlite3.connect(newer) as connection:
        connection.execute('PRAGMA user_version = 99')
    with pytest.raises(HistoryError, match='expected a history of format 1, found format 99'):
        History(newer).nights(1)


def test_pages_escape_what_users_name_link_to_each_other_and_go_with_their_nights(history: History) -> None:
    folder = history.path.parent / 'nights'
    for day in (20, 21):
        night = history.begin_night(date(2026, 11, day), 'a', None)
        history.put_run(replace(RUN, run=f'r{day}', night=night.number), [PASSED, FAILED], {'d': {}})
        history.end_night(night, NightState.FINISHED)
        report = history.path.with_name('report.html')
        report.write_text(f'the proofs of {day}', encoding='utf-8')
        keep_report(report, page_path(history, night, folder))
        page = write_pages(history, night, folder)
    text = page.read_text(encoding='utf-8')
    assert page.name == '2026-11-21.html'
    assert '<b>B' not in text and 's/&lt;b&gt;B' in text
    assert 'href="2026-11-20.html"' in text
    assert '<script' not in text and 'http' not in text.replace('http-equiv', '')
    assert (folder / 'index.html').read_text(encoding='utf-8') == text
    assert 'href="2026-11-21.report.html"' in text
    assert (folder / '2026-11-21.report.html').read_text(encoding='utf-8') == 'the proofs of 21'
    other = history.begin_night(date(2026, 11, 21), 'other.toml', None)
    assert page_path(history, other, folder).name == f'2026-11-21-{other.number}.html'
    remove_pages(folder, date(2026, 11, 21))
    assert sorted(path.name for path in folder.iterdir()) == [
        '2026-11-21.html',
        '2026-11-21.report.html',
        'index.html',
    ]
