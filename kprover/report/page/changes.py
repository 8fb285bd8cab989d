"""What is different from the run before: verdicts, claims that came or went, work by counts.

Times of two runs differ by chance; requests and rewrite steps do not, so they are what is compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...engine.values import Phase, Status
from ..text import count, verdict_word

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

    from ...engine.values import ClaimProgress

GROWTH: Final = 1.25
"""A claim with so many times the work of the run before is named; one that was given up or resumed is not compared."""

LEAST: Final = 20
"""Requests below which a change of work is none to speak of."""

_VERDICTS = (Status.PASSED, Status.FAILED)


@dataclass(frozen=True)
class Change:
    """One claim that is not as it was.

    Attributes:
        kind: `newly failing`, `newly passing`, `no longer decided`, `new`, `gone`, `more work` or `less work`.
        before, now: What it was and is, in words.
    """

    claim: str
    kind: str
    before: str
    now: str


_ORDER: Final = ('newly failing', 'no longer decided', 'newly passing', 'more work', 'less work', 'new', 'gone')


def changes(before: Iterable[ClaimProgress], now: Iterable[ClaimProgress]) -> list[Change]:
    """The claims that differ between two runs; of a claim that is still being proved nothing is said."""
    old = {progress.claim: progress for progress in before}
    new = {progress.claim: progress for progress in now}
    found = [Change(name, 'gone', verdict_word(progress), '') for name, progress in old.items() if name not in new]
    for name, progress in new.items():
        if progress.phase is not Phase.SETTLED:
            continue
        change = _change(old[name], progress) if name in old else Change(name, 'new', '', verdict_word(progress))
        if change is not None:
            found.append(change)
    return sorted(found, key=lambda change: (_ORDER.index(change.kind), change.claim))


def _change(before: ClaimProgress, now: ClaimProgress) -> Change | None:
    words = verdict_word(before), verdict_word(now)
    if before.status is not now.status:
        if now.status is Status.PASSED:
            return Change(now.claim, 'newly passing', *words)
        if now.status is Status.FAILED:
            return Change(now.claim, 'newly failing', *words)
        if before.status in _VERDICTS:
            return Change(now.claim, 'no longer decided', *words)
        return None
    if now.status not in _VERDICTS or before.reused or now.reused or max(before.requests, now.requests) < LEAST:
        return None
    work = count(before.requests, 'request'), count(now.requests, 'request')
    if now.requests > GROWTH * before.requests:
        return Change(now.claim, 'more work', *work)
    if before.requests > GROWTH * now.requests:
        return Change(now.claim, 'less work', *work)
    return None
