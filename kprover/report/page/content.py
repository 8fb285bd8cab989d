"""What the page says, as plain values for its template. Pure: nothing here reads a file or knows HTML."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ...engine.values import Phase, RunState, Status
from ..text import count, duration, first_line, headline, verdict_word
from .changes import changes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final

    from ...engine.events import Activity
    from ...engine.values import ClaimProgress
    from ..record import RunRecord

LISTED: Final = 12
"""At most so many parts of the longest chain are listed."""

CHANGES: Final = 200
"""At most so many changes since the last run are listed."""

_WORST_FIRST: Final = (Status.FAILED, Status.ERROR, Status.PENDING, Status.NOT_ATTEMPTED, Status.PASSED)


@dataclass(frozen=True)
class Row:
    """A claim in the table.

    Attributes:
        number: Its place in the order of the suites.
        word: The verdict in words.
        state: What is filtered by: the status, or `running` while it is worked on.
        order: The place of its state when sorted, worst first.
        proof: Number of the packed proof, shared by claims that are one proof.
        made: Steps made for it in this run.
    """

    number: int
    claim: ClaimProgress
    word: str
    state: str
    order: int
    proof: int
    made: int
    reason: str
    time: str


@dataclass(frozen=True)
class Piece:
    """Work for one claim within the longest chain."""

    claim: str
    pieces: int
    seconds: float
    share: float
    first: str
    last: str


def rows(record: RunRecord) -> list[Row]:
    """All claims in the order of their suites."""
    numbers = proof_numbers(record.claims)
    return [_row(number, claim, numbers[proof_of(claim)]) for number, claim in enumerate(record.claims)]


def proof_of(claim: ClaimProgress) -> str:
    """What claims that are one proof have in common."""
    return claim.proof or claim.claim


def proof_numbers(claims: Sequence[ClaimProgress]) -> dict[str, int]:
    """A number for each proof."""
    numbers: dict[str, int] = {}
    for claim in claims:
        numbers.setdefault(proof_of(claim), len(numbers))
    return numbers


def chain(record: RunRecord) -> tuple[list[Piece], float]:
    """The longest chain of the run, neighbouring work for one claim taken together, and its seconds."""
    groups: list[list[Activity]] = []
    for activity in record.chain:
        if groups and groups[-1][0].claim == activity.claim:
            groups[-1].append(activity)
        else:
            groups.append([activity])
    total = sum(activity.seconds for group in groups for activity in group)
    pieces = [
        Piece(
            claim=group[0].claim,
            pieces=len(group),
            seconds=sum(activity.seconds for activity in group),
            share=sum(activity.seconds for activity in group) / total if total else 0.0,
            first=_place(group[0]),
            last=_place(group[-1]),
        )
        for group in groups
    ]
    return pieces, total


def content(record: RunRecord, *, now: float) -> dict[str, Any]:
    """The variables of the template, but for the packed data and the scripts."""
    summary = record.summary
    table = rows(record)
    states = Counter(row.state for row in table)
    pieces, chain_seconds = chain(record)
    changed = changes(record.previous.claims, record.claims) if record.previous is not None else []
    return {
        'title': f'{headline(record.claims)}' if record.claims else 'kprover run',
        'record': record,
        'summary': summary,
        'running': not record.final,
        'state': str(summary.state),
        'started': _moment(summary.started),
        'written': _moment(now),
        'written_ms': round(1000 * now),
        'duration': duration(record.seconds),
        'headline': headline(record.claims),
        'utilisation': record.utilisation,
        'settled': sum(row.claim.phase is Phase.SETTLED for row in table),
        'rows': table,
        'states': [(state, states[state]) for state in _state_order() if states[state]],
        'suites': list(dict.fromkeys(row.claim.suite for row in table)),
        'changes': changed[:CHANGES],
        'changes_left': max(0, len(changed) - CHANGES),
        'previous': None if record.previous is None else _previous(record),
        'chain': pieces[:LISTED],
        'chain_left': max(0, len(pieces) - LISTED),
        'chain_seconds': chain_seconds,
        'chain_share': chain_seconds / record.seconds if record.seconds else 0.0,
        'from_store': sum(row.claim.reused >= row.claim.steps > 0 and not row.made for row in table),
        'reusing': sorted((row for row in table if row.claim.reused and row.made), key=lambda row: -row.claim.reused),
        'servers': record.servers,
        'sentence': _sentence(record),
    }


def _row(number: int, claim: ClaimProgress, proof: int) -> Row:
    running = claim.phase is not Phase.SETTLED
    state = _state(claim)
    return Row(
        number=number,
        claim=claim,
        word=str(claim.phase) if running else verdict_word(claim),
        state=state,
        order=_state_order().index(state),
        proof=proof,
        made=max(0, claim.steps - claim.reused),
        reason=first_line(claim.reason),
        time=duration(claim.seconds),
    )


def _state(claim: ClaimProgress) -> str:
    if claim.phase is Phase.RUNNING:
        return 'running'
    if claim.phase is not Phase.SETTLED:
        return 'waiting'
    return str(claim.status)


def _state_order() -> list[str]:
    worst = [str(status) for status in _WORST_FIRST]
    return [*worst[:2], 'running', *worst[2:4], 'waiting', *worst[4:]]


def _place(activity: Activity) -> str:
    return f'node {activity.node}' if activity.kind == 'step' and activity.node else activity.kind


def _previous(record: RunRecord) -> str:
    assert record.previous is not None
    before = record.previous
    return f'{_moment(before.started)}: {headline(before.claims)}, {count(before.requests, "request")}'


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(sep=' ', timespec='seconds')


def _sentence(record: RunRecord) -> str:
    """How the run stands or ended, where that is not plain from the verdicts."""
    return {
        RunState.RUNNING: '',
        RunState.FINISHED: '',
        RunState.INTERRUPTED: 'The run was interrupted. Every finished step is kept; the same command goes on there.',
        RunState.ABORTED: 'The run was killed or ended by an error; every finished step is kept. The notices say more.',
    }[record.summary.state]
