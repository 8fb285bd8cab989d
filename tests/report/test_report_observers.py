"""Reporters: which lines appear when, on a terminal and elsewhere."""

from __future__ import annotations

import io
import itertools
import logging
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from kprover.engine.values import Phase, SilentObserver, Status
from kprover.report import Observers, PlainReporter, TerminalReporter, make_console, reporter_for, run_console
from kprover.report.observers import REFRESH_SECONDS

if TYPE_CHECKING:
    from kprover.engine.values import ClaimProgress, Observer, RunSummary


def at_start(summary: RunSummary) -> RunSummary:
    waiting = tuple(
        replace(c, status=Status.NOT_ATTEMPTED, phase=Phase.WAITING, reason='', failures=()) for c in summary.claims
    )
    return replace(summary, claims=waiting)


def replay(reporter: Observer, summary: RunSummary) -> None:
    """What the engine tells of a run: each claim several times, once it is settled once more."""
    reporter.started(at_start(summary))
    for claim in summary.claims:
        reporter.claim(replace(claim, phase=Phase.RUNNING, status=Status.PENDING))
        reporter.tick(summary)
        reporter.claim(claim)
        reporter.claim(claim)
    reporter.notice('a server died and was started again')
    reporter.finished(summary)


def test_plain_lines_tell_each_settled_claim_once(summary: RunSummary) -> None:
    out = io.StringIO()
    replay(PlainReporter(make_console(out), store='x.sqlite', backend='part of kprover'), summary)
    before, _, after = out.getvalue().partition('\n\n')
    assert before.splitlines() == [
        '7 claims of 1 suite (imp), 2 workers, store x.sqlite',
        'backend embedded (part of kprover)',
        'imp/LOOPS.sum  passed  4 steps  11 requests  3 reused  2.5 s',
        'imp/LOOPS.lemma  passed (trusted)  (admitted, not proved)',
        'imp/LOOPS.bound  passed (bounded)  3 steps  8 requests  0.50 s',
        'imp/WRONG.post  failed  3 steps  10 requests  1.2 s  (node 5 is stuck and does not reach the target)',
        'imp/WRONG.crash  error  2 requests  (its server died 3 times)',
        'imp/WRONG.slow  pending  4 steps  (the limit of 4 steps is reached)',
        'imp/WRONG.user  not attempted  (imp/WRONG.post has not passed)',
        'a server died and was started again',
    ]
    assert after.splitlines()[0].startswith('claim ')
    assert '\x1b' not in out.getvalue()


def test_claims_with_a_verdict_of_old_are_told_by_the_table_only(summary: RunSummary) -> None:
    old = [replace(c, requests=0, reused=c.steps) for c in summary.claims if c.steps]
    out = io.StringIO()
    replay(PlainReporter(make_console(out)), replace(summary, claims=tuple(old)))
    assert out.getvalue().splitlines()[2] == 'a server died and was started again'
    assert 'imp/LOOPS.sum' in out.getvalue()


def test_a_log_is_never_folded(summary: RunSummary) -> None:
    reason = 'word ' * 99 + 'end'
    claim = replace(summary.claims[3], reason=reason, failures=())
    out = io.StringIO()
    reporter = PlainReporter(make_console(out))
    reporter.claim(claim)
    reporter.notice(reason)
    reporter.finished(replace(summary, claims=(claim,)))
    lines = out.getvalue().splitlines()
    assert len(lines) == 13
    assert lines[0].endswith(f'({reason})')
    assert lines[1] == reason
    assert f'imp/WRONG.post: failed, {reason}' in lines


def test_a_reason_of_several_lines_is_one_line_while_the_run_lasts(summary: RunSummary) -> None:
    claim = replace(summary.claims[4], reason='its server died; its log:\nTraceback\nImportError: x')
    out = io.StringIO()
    reporter = PlainReporter(make_console(out))
    reporter.claim(claim)
    reporter.notice(claim.reason)
    reporter.finished(replace(summary, claims=(claim,)))
    lines = out.getvalue().splitlines()
    assert lines[0].endswith('(its server died; its log: ...)')
    assert lines[1] == 'its server died; its log: ...'
    start = lines.index('imp/WRONG.crash: error, its server died; its log:')
    assert lines[start + 1 : start + 4] == ['  Traceback', '  ImportError: x', '  see: kprover status imp/WRONG.crash']


def test_a_terminal_of_some_size_gets_a_live_view_and_all_else_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('CI', raising=False)
    assert type(reporter_for(make_console(io.StringIO()))) is PlainReporter
    roomy = Console(file=io.StringIO(), force_terminal=True, width=80, _environ={'TERM': 'xterm'})
    assert type(reporter_for(roomy)) is TerminalReporter
    narrow = Console(file=io.StringIO(), force_terminal=True, width=40, _environ={'TERM': 'xterm'})
    assert type(reporter_for(narrow)) is PlainReporter
    dumb = Console(file=io.StringIO(), force_terminal=True, width=80, _environ={'TERM': 'dumb'})
    assert type(reporter_for(dumb)) is PlainReporter
    monkeypatch.setenv('CI', 'true')
    assert type(reporter_for(roomy)) is PlainReporter


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def terminal(out: io.StringIO, width: int = 100, height: int = 20) -> Console:
    return Console(file=out, force_terminal=True, width=width, height=height, _environ={'TERM': 'xterm'})


def test_the_live_view_is_refreshed_seldom_and_gone_at_the_end(summary: RunSummary) -> None:
    now = 0.0
    out = io.StringIO()
    reporter = TerminalReporter(terminal(out), clock=lambda: now)
    running: tuple[ClaimProgress, ...] = (replace(summary.claims[0], status=Status.PENDING, phase=Phase.RUNNING),)
    reporter.started(at_start(summary))
    size = len(out.getvalue())
    reporter.tick(replace(summary, claims=running))
    assert len(out.getvalue()) == size
    now += REFRESH_SECONDS
    reporter.tick(replace(summary, claims=running))
    assert 'imp/LOOPS.sum' in out.getvalue()[size:]
    reporter.finished(summary)
    assert out.getvalue().rstrip().endswith('kprover status imp/WRONG.crash')
    reporter.close()
    reporter.close()


def test_a_log_goes_above_the_live_view_and_its_handler_gets_its_stream_back(
    summary: RunSummary, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, errors = Terminal(), Terminal()
    monkeypatch.setattr('sys.stdout', out)
    monkeypatch.setattr('sys.stderr', errors)
    logger = logging.getLogger('some-library')
    handler = logging.StreamHandler(errors)
    logger.addHandler(handler)
    reporter = TerminalReporter(terminal(out))
    try:
        reporter.started(at_start(summary))
        logger.warning('something odd')
        assert (errors.getvalue(), 'something odd' in out.getvalue()) == ('', True)
        reporter.close()
        logger.warning('said later')
        assert errors.getvalue() == 'said later\n'
    finally:
        reporter.close()
        logger.removeHandler(handler)


def test_plain_lines_tell_the_progress_at_intervals_that_grow(summary: RunSummary) -> None:
    now = 0.0
    out = io.StringIO()
    reporter = PlainReporter(make_console(out), clock=lambda: now)
    claims = (
        replace(summary.claims[0], status=Status.PENDING, phase=Phase.RUNNING, pending=2, left=90.0),
        *summary.claims[1:],
    )
    reporter.started(at_start(summary))
    told = []
    for second in range(4 * 3600):
        now = float(second)
        size = len(out.getvalue())
        reporter.tick(replace(summary, seconds=now, claims=claims))
        if len(out.getvalue()) > size:
            told.append(second)
    assert told[:3] == [30, 60, 90]
    assert max(b - a for a, b in itertools.pairwise(told)) == 300
    assert len(told) < 100
    assert out.getvalue().splitlines()[2] == (
        '6 of 7 claims settled, 4 not passed; 1 running, longest imp/LOOPS.sum (4 steps, 2 pending, 2.5 s); '
        '31 requests; 30 s; about 45 s left'
    )


def test_observers_are_all_told(summary: RunSummary) -> None:
    first, second = io.StringIO(), io.StringIO()
    replay(
        Observers(PlainReporter(make_console(first)), SilentObserver(), PlainReporter(make_console(second))), summary
    )
    assert first.getvalue() == second.getvalue() != ''


def test_characters_that_the_output_cannot_show_do_not_end_the_run(summary: RunSummary) -> None:
    raw = io.BytesIO()
    console = make_console(io.TextIOWrapper(raw, encoding='ascii', write_through=True))
    PlainReporter(console).notice('⟨T⟩ ↦ é')
    assert raw.getvalue() == b'\\u27e8T\\u27e9 \\u21a6 \\xe9\n'


def test_a_run_outlives_its_output(
    summary: RunSummary, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, 'w', encoding='utf-8') as closed:  # noqa: PTH123, a descriptor
        monkeypatch.setattr('sys.stdout', closed)
        replay(PlainReporter(run_console()), summary)
        closed.write('what others write goes nowhere')
        closed.flush()
    assert capfd.readouterr().err == 'kprover: output cannot be written any more (Broken pipe); the run goes on\n'
