"""Runs and claims as lines of text and as JSON. Everything here is a pure function of the engine's values."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from ..engine.values import Phase, RunState, Status

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Final

    from ..engine.values import ClaimProgress, Failure, RunSummary

EXCERPT_LINES = 12
"""Lines of an explanation that the report of a whole run shows; the report of one claim shows all."""

LOOK: Final = 'kprover status'
"""The command that, given a claim's name, says everything about it."""

_FAILURE_REASONS = {
    'stuck': 'no rule applies, and the state does not imply the target',
    'terminal': 'execution has ended, and the state does not imply the target',
    'open-end': 'nothing is left to execute but the unknown rest of <k>, and the state does not imply the target',
    'not-equal': 'the two sides could not be shown equal',
    'prover': 'its prover says that it does not hold',
    'dependency': 'a claim that it depends on has not passed',
    'vacuous': 'the claim holds of no state, and is not to pass then',
}


def verdict_word(progress: ClaimProgress) -> str:
    """The claim's status in a word or three; a reservation about a passed claim is part of it."""
    if reservations := _reservations(progress):
        return f'passed ({", ".join(reservations)})'
    if progress.status is Status.NOT_ATTEMPTED:
        return 'not attempted'
    return str(progress.status)


def _reservations(progress: ClaimProgress) -> list[str]:
    """With what reservations a claim has passed, a word for each."""
    if progress.status is not Status.PASSED:
        return []
    if progress.admitted:
        return ['trusted']
    words = {'bounded': progress.bounded > 0, 'imported': progress.imported, 'vacuous': progress.vacuous}
    return [word for word, holds in words.items() if holds]


def duration(seconds: float) -> str:
    """A time span for people: `0.03 s`, `2.5 s`, `12 s`, `3 min 04 s`, `2 h 05 min`."""
    if seconds < 0.995:
        return f'{seconds:.2f} s'
    if seconds < 9.95:
        return f'{seconds:.1f} s'
    whole = round(seconds)
    if whole < 60:
        return f'{whole} s'
    if whole < 3600:
        return f'{whole // 60} min {whole % 60:02d} s'
    return f'{whole // 3600} h {whole % 3600 // 60:02d} min'


def count(number: int, noun: str) -> str:
    """`1 claim`, `2 claims`."""
    return f'{number} {noun}' if number == 1 else f'{number} {noun}s'


def first_line(text: str) -> str:
    """The first line of a text, with a sign if it has more."""
    first, _, rest = text.strip().partition('\n')
    return f'{first} ...' if rest else first


def claim_line(progress: ClaimProgress) -> str:
    """One line on a claim: its name, its status and what it took."""
    parts = [progress.claim, verdict_word(progress)]
    if progress.steps:
        parts.append(count(progress.steps, 'step'))
    if progress.requests:
        parts.append(count(progress.requests, 'request'))
    if progress.reused:
        parts.append(f'{progress.reused} reused')
    if progress.seconds:
        parts.append(duration(progress.seconds))
    line = '  '.join(parts)
    return f'{line}  ({first_line(progress.reason)})' if progress.reason else line


def headline(claims: Iterable[ClaimProgress]) -> str:
    """How many claims have which status, as in `36 claims: 34 passed (1 trusted, 1 bounded), 2 failed`."""
    claims = tuple(claims)
    statuses = Counter(claim.status for claim in claims)
    reservations = Counter(word for claim in claims for word in _reservations(claim))
    parts = []
    for status in Status:
        if not statuses[status]:
            continue
        part = f'{statuses[status]} {str(status).replace("-", " ")}'
        if status is Status.PASSED and reservations:
            part += ' (' + ', '.join(f'{n} {word}' for word, n in sorted(reservations.items())) + ')'
        parts.append(part)
    return f'{count(len(claims), "claim")}: ' + (', '.join(parts) or 'none')


def run_line(summary: RunSummary) -> str:
    """What the run used: server program, workers, servers, requests, steps and time."""
    return (
        f'backend {summary.backend}, {count(summary.workers, "worker")}, '
        f'{count(summary.server_starts, "server start")}, {count(summary.requests, "request")}, '
        f'{count(summary.steps, "step")} made, {summary.reused} reused, {duration(summary.seconds)}'
    )


def last_run_line(summary: RunSummary) -> str:
    """When the last run was, how it ended and what it used."""
    if not summary.run:
        return 'no run yet'
    if summary.state is RunState.ABORTED:
        state = 'was killed or ended by an error, and this is what it last wrote'
    else:
        state = str(summary.state)
    started = datetime.fromtimestamp(summary.started).astimezone().isoformat(sep=' ', timespec='seconds')
    shown = str(replace(summary, scope='').to_dict()['scope'])
    others = f', not the {len(summary.claims)} above' if summary.claims and summary.scope != shown else ''
    scope = f' ({summary.scope}{others})' if summary.scope else ''
    return f'last run{scope} {state}, started {started}: {run_line(summary)}'


def closing_line(summary: RunSummary) -> str:
    """How the run ended and, where something is left to do, how to go on."""
    if summary.state is RunState.FINISHED:
        return ''
    settled = sum(claim.phase is Phase.SETTLED for claim in summary.claims)
    how = {
        RunState.RUNNING: 'still running, or killed',
        RunState.INTERRUPTED: 'interrupted',
        RunState.ABORTED: 'stopped by an error',
    }[summary.state]
    return (
        f'{how}: {settled} of {count(len(summary.claims), "claim")} settled; every finished step is kept, '
        'the same command goes on from there'
    )


def failure_excerpt(progress: ClaimProgress, look: str = LOOK) -> list[str]:
    """Why a claim is not passed, for the report of a run: its first failing node, and the command that says more."""
    reason, *more = _excerpt(progress.reason, EXCERPT_LINES) or ['']
    lines = [f'{progress.claim}: {verdict_word(progress)}' + (f', {reason}' if reason else ''), *_indent(more, 2)]
    if progress.failures:
        lines += _indent(_failure_lines(progress.failures[0], limit=EXCERPT_LINES, states=False), 2)
        rest = len(progress.failures) - 1
        if rest:
            lines.append(f'  and {count(rest, "more failing node")}')
    lines.append(f'  see: {look} {shlex.quote(progress.claim)}')
    return lines


def claim_report(progress: ClaimProgress) -> list[str]:
    """Everything that is known of one claim, failing nodes with their states included."""
    lines = [
        f'claim    {progress.claim}',
        f'status   {verdict_word(progress)}' + (f': {progress.reason}' if progress.reason else ''),
        f'proof    {count(progress.steps, "step")}, {count(progress.nodes, "node")}: '
        f'{progress.pending} pending, {progress.failing} failing, {progress.bounded} at the loop bound',
        f'last run {count(progress.requests, "request")}, {count(progress.reused, "step")} reused, '
        f'{duration(progress.seconds)} of worker time',
    ]
    for failure in progress.failures:
        lines.append('')
        lines += _failure_lines(failure, limit=None, states=True)
    return lines


def status_json(summary: RunSummary) -> dict[str, Any]:
    """The claims and the last run as JSON data; `last_run` is null where there has been no run."""
    return {
        'claims': [claim.to_dict() for claim in summary.claims],
        'last_run': summary.to_dict() if summary.run else None,
    }


def _failure_lines(failure: Failure, *, limit: int | None, states: bool) -> list[str]:
    what = _FAILURE_REASONS.get(failure.reason, failure.reason)
    lines = [what if failure.node is None else f'node {failure.node}: {what}']
    if failure.path_condition:
        lines.append('path condition:')
        for condition in failure.path_condition:
            lines += _indent(_excerpt(condition, limit), 4)
    elif failure.node is not None:
        lines.append('path condition: none')
    sections = [('what is missing', failure.explanation)]
    if states:
        sections += [('state of the node', failure.configuration), ('target', failure.target)]
    for title, text in sections:
        if text.strip():
            lines.append(f'{title}:')
            lines += _indent(_excerpt(text, limit), 4)
    if failure.model:
        lines.append('a state on this path, for example:')
        lines += _indent([f'{variable} = {value}' for variable, value in failure.model.items()], 4)
    return lines


def _excerpt(text: str, limit: int | None) -> list[str]:
    lines = text.strip('\n').splitlines()
    if limit is None or len(lines) <= limit:
        return lines
    return [*lines[:limit], f'... {count(len(lines) - limit, "more line")}']


def _indent(lines: list[str], width: int) -> list[str]:
    return [' ' * width + line if line else line for line in lines]
