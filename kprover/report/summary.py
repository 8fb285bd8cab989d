"""The JSON summary of a run, for programs. `summary.schema.json` in this folder is its schema.

Keys are only added, never taken away or given another meaning, as long as `format` stays the same.
"""

from __future__ import annotations

import json
import shlex
from importlib import resources
from typing import TYPE_CHECKING

from ..engine.values import ClaimProgress, RunSummary, Status
from .text import verdict_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Final

    from .record import RunRecord

FORMAT: Final = 1

LONGEST_TEXT: Final = 50_000
"""Characters of one explanation, state or target; the rest is cut off, and `kprover status CLAIM` shows all."""

CHAIN: Final = 1_000
"""At most so many pieces of the longest chain are listed, the longest of them; its seconds are those of all."""


def summary_json(record: RunRecord) -> dict[str, Any]:
    """The run as far as it is: `state` says whether it is over."""
    summary, facts = record.summary, record.facts
    return {
        'format': FORMAT,
        **summary.to_dict(),
        'seconds': round(record.seconds, 3),
        'rewrites': sum(claim.rewrites for claim in record.claims),
        'all_passed': all(claim.status is Status.PASSED for claim in record.claims),
        'counts': counts(record.claims),
        'utilisation': round(record.utilisation, 4),
        'host': facts.host,
        'store': facts.store,
        'suites': list(facts.suites),
        'backend_source': facts.backend,
        'backend_identity': facts.identity,
        'versions': dict(facts.versions),
        'settings': dict(facts.settings),
        'claims': [_claim(record, progress) for progress in record.claims],
        'servers': [_server(life.__dict__) for life in record.servers],
        'chain': _chain(record),
        'notices': [{'time': round(notice.time, 3), 'message': _cut(notice.message)} for notice in record.notices],
    }


def read_summary(text: str) -> RunSummary:
    """The run in the text of a JSON summary, claims included.

    Raises:
        ValueError: It is not one, or one of another format.
    """
    data = json.loads(text)
    if not isinstance(data, dict) or data.get('format') != FORMAT:
        raise ValueError(f'Expected the JSON summary of a run in format {FORMAT}.')
    try:
        return RunSummary.from_dict(data, tuple(ClaimProgress.from_dict(claim) for claim in data['claims']))
    except (KeyError, TypeError) as err:
        raise ValueError(f'Expected the JSON summary of a run, found one without {err}.') from err


def summary_schema() -> dict[str, Any]:
    """The schema of the JSON summary (JSON Schema, 2020-12)."""
    text = resources.files(__package__).joinpath('summary.schema.json').read_text(encoding='utf-8')
    schema: dict[str, Any] = json.loads(text)
    return schema


def counts(claims: Iterable[ClaimProgress]) -> dict[str, int]:
    """How many claims there are, by status; `trusted`, `bounded`, `imported` and `vacuous` are among the passed."""
    claims = tuple(claims)
    passed = [claim for claim in claims if claim.status is Status.PASSED]
    return {
        'claims': len(claims),
        **{status.value: sum(claim.status is status for claim in claims) for status in Status},
        'trusted': sum(claim.admitted for claim in passed),
        'bounded': sum(claim.bounded > 0 and not claim.admitted for claim in passed),
        'imported': sum(claim.imported and not claim.admitted for claim in passed),
        'vacuous': sum(claim.vacuous for claim in passed),
    }


def _claim(record: RunRecord, progress: ClaimProgress) -> dict[str, Any]:
    data = progress.to_dict()
    span = record.spans.get(progress.claim)
    for failure in data['failures']:
        failure.update({name: _cut(failure[name]) for name in ('explanation', 'configuration', 'target')})
        failure['path_condition'] = [_cut(condition) for condition in failure['path_condition']]
    return {
        **data,
        'reason': _cut(progress.reason),
        'verdict': verdict_word(progress),
        'depends': list(record.facts.depends.get(progress.claim, ())),
        'began': None if span is None else round(span.start, 3),
        'ended': None if span is None else round(span.end, 3),
        'look': f'{record.facts.look} {shlex.quote(progress.claim)}',
    }


def _server(life: Mapping[str, Any]) -> dict[str, Any]:
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in life.items()}


def _chain(record: RunRecord) -> dict[str, Any]:
    chain = record.chain
    shown = chain
    if len(chain) > CHAIN:
        least = sorted((piece.seconds for piece in chain), reverse=True)[CHAIN - 1]
        shown = tuple(piece for piece in chain if piece.seconds >= least)[:CHAIN]
    return {
        'seconds': round(sum(piece.seconds for piece in chain), 3),
        'length': len(chain),
        'pieces': [
            {
                'claim': p.claim,
                'kind': p.kind,
                'node': p.node,
                'start': round(p.start, 3),
                'seconds': round(p.seconds, 3),
            }
            for p in shown
        ],
    }


def _cut(text: str) -> str:
    if len(text) <= LONGEST_TEXT:
        return text
    return f'{text[:LONGEST_TEXT]}\n... {len(text) - LONGEST_TEXT} more characters'
