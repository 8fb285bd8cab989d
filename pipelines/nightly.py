"""`luigi --module pipelines Nightly`: a night's run under a time budget, kept in the history, and its page.

    Nightly(date) ── NightClaim x N ── NightRun x 1

`NightRun` is the `RunClaims` of a night. A night is begun once for each date and selection of suites; interrupted, it
is resumed by the next call with what is left of its budget. A lock beside the history keeps two nights apart.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import luigi
from luigi.parameter import ParameterException

from kprover.settings import SettingsError

from .config import NamesParameter, kprover
from .errors import ending_the_command
from .tasks import SUITE, ProveClaim, RunClaims
from .workspace import from_here, workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from kprover.engine import RunSummary
    from kprover.nights import History, Night

    from .workspace import Workspace

USUAL_BUDGET: Final = 8 * 3600.0
"""Seconds that a night has where neither `budget` nor `time_budget` is set."""

_RUN_HERE: Final = set[int]()  # numbers of the nights that this command has run
_DATE = "the night's date, YYYY-MM-DD; default: today"
_BUDGET = 'time that the night may take, as 8h or 90m; default: time_budget of [kprover], else 8h'
_KEEP = 'days that nights and runs stay in the history; 0: for ever'


class _Date(luigi.DateParameter):
    def parse(self, s: str) -> date:
        found: date = _parsed('date', 'a date as 2026-11-22', s, super().parse)
        return found


class _Budget(luigi.TimeDeltaParameter):
    def parse(self, input: str) -> timedelta:
        found: timedelta = _parsed('budget', 'a time as 8h, 90m or 1h 30m', input, super().parse)
        return found


class _Days(luigi.IntParameter):
    def parse(self, s: str) -> int:
        found: int = _parsed('keep_days', 'a whole number of days, 0 for ever', s, _natural)
        return found


def _parsed(key: str, expected: str, text: str, parse: Callable[[str], Any]) -> Any:
    """The value of a text, or the end of the command with what was expected."""
    with ending_the_command():
        try:
            return parse(text)
        except (ValueError, ParameterException) as err:
            raise SettingsError(key, expected, text, section='Nightly') from err


def _natural(text: str) -> int:
    found = int(text)
    if found < 0:
        raise ValueError(text)
    return found


class NightRun(RunClaims):
    """The engine's run of a night: a `RunClaims` with a budget, whose results are compared with earlier nights."""

    date = _Date(description=_DATE)
    budget = _Budget(default=timedelta(0), significant=False, description=_BUDGET)
    keep_days = _Days(default=400, significant=False, description=_KEEP)

    def prove_and_record(self) -> RunSummary:
        """Run what is left of the night. Raises `NightInProgress`, `HistoryError`, and what the engine does."""
        from kprover.engine import Interrupted
        from kprover.nights import History, NightState
        from kprover.nights.record import NightWatch, record_run

        space = workspace(self.suite)
        with History.beside(space.config.store) as history, history.night_lock():
            budget = self._seconds(space)
            night = history.begin_night(self.date, job(self.suite), budget)
            config = replace(space.config, time_budget=max(budget - night.seconds, 0.0))
            _RUN_HERE.add(night.number)
            state = NightState.INTERRUPTED
            try:
                summary = self.prove(config, NightWatch(history, night))
                record_run(history, summary, space.ledger, space.config.store, night)
                state = NightState.FINISHED
            except Interrupted as err:
                record_run(history, err.summary, space.ledger, space.config.store, night)
                raise
            finally:
                history.end_night(night, state)
            self._close(history, night, space, summary)
        return summary

    def claim_tasks(self) -> dict[str, luigi.Task]:
        return {task.claim: task for task in _claims(self)}

    def _seconds(self, space: Workspace) -> float:
        if self.budget:
            return self.budget.total_seconds()
        configured = space.config.time_budget
        return USUAL_BUDGET if configured is None else configured

    def _close(self, history: History, night: Night, space: Workspace, summary: RunSummary) -> None:
        """Forget what is old, keep the report, write the page, and say what is new."""
        from kprover.nights.page import keep_report, page_path, remove_pages, write_pages
        from kprover.nights.read import read_comparison
        from kprover.nights.text import night_report
        from kprover.report.folder import PAGE, last_run

        if self.keep_days:
            history.prune(night.started - self.keep_days * 86400.0)
            remove_pages(pages_folder(history), night.date - timedelta(days=self.keep_days))
        finished = history.night(night.date, night.job)
        assert finished is not None
        print()
        print('\n'.join(night_report(read_comparison(history, finished))))
        reports = space.settings.report_folder
        try:
            told = last_run(reports)
            if told is not None and told.run == summary.run and (reports / PAGE).exists():
                keep_report(reports / PAGE, page_path(history, finished, pages_folder(history)))
            print(f'page {from_here(write_pages(history, finished, pages_folder(history)))}', flush=True)
        except OSError as err:  # a page is no reason to end a night otherwise than by its claims
            print(f'kprover: the page of the night could not be written: {err}', file=sys.stderr, flush=True)


class NightClaim(ProveClaim):
    """One claim in a night."""

    date = _Date(description=_DATE)
    budget = _Budget(default=timedelta(0), significant=False, description=_BUDGET)
    keep_days = _Days(default=400, significant=False, description=_KEEP)

    def requires(self) -> NightRun:
        return NightRun(suite=self.suite, date=self.date, budget=self.budget, keep_days=self.keep_days, alone=False)


class Nightly(luigi.Task):
    """Prove the suites within a night's budget, and compare with the nights before."""

    date = _Date(default=date.today(), description=_DATE)
    suite = NamesParameter(default=(), description=SUITE)
    budget = _Budget(default=timedelta(0), significant=False, description=_BUDGET)
    keep_days = _Days(default=400, significant=False, description=_KEEP)

    def requires(self) -> list[luigi.Task]:
        with ending_the_command():
            run = NightRun(suite=self.suite, date=self.date, budget=self.budget, keep_days=self.keep_days, alone=False)
            return [run, *_claims(run)]

    def complete(self) -> bool:
        """Whether the night of this date is on record as finished, whatever it found."""
        from kprover.nights import History, NightState

        with ending_the_command(), History.beside(kprover().settings().run_config().store) as history:
            night = history.night(self.date, job(self.suite))
            finished = night is not None and night.state is NightState.FINISHED
            if night is not None and finished and night.number not in _RUN_HERE:
                from kprover.nights.page import page_path
                from kprover.nights.text import night_line

                page = page_path(history, night, pages_folder(history))
                print(f'on record already: {night_line(night, history.results(night))}; page {from_here(page)}')
            return finished

    def run(self) -> None:
        """Nothing: the night has passed when its requirements have."""


def job(suite: tuple[str, ...]) -> str:
    """The suites of a night as the history has them."""
    return ','.join(suite or kprover().settings().suites)


def pages_folder(history: History) -> Path:
    """Where the pages of nights are written."""
    return history.path.parent / 'nights'


def _claims(run: NightRun) -> list[NightClaim]:
    return [
        NightClaim(
            claim=claim.name,
            suite=run.suite,
            alone=False,
            date=run.date,
            budget=run.budget,
            keep_days=run.keep_days,
        )
        for claim in workspace(run.suite).chosen(())
    ]
