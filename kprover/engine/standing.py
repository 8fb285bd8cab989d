"""Which verdicts in the store stand: a verdict holds for its inputs, and only with the verdicts that it rests on.

A proof's digest covers the digests of the proofs it depends on, so no edit leaves an old verdict standing. What a
digest cannot say is how those proofs ended: where the verdict of one is gone (damaged, withdrawn) or says another thing
(the steps were made again, or came from elsewhere), those that rest on it are concluded again, from their steps in the
store. Each verdict therefore holds what those it rests on said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..keys import digest_of
from . import ledger
from .plan import dependencies_first
from .values import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from ..store import CheckpointStore
    from .ledger import ReadableStore
    from .plan import Plan


def standing_verdicts(store: ReadableStore, plan: Plan, digests: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The headers of the verdicts that stand, by digest: of these proofs and of those that they depend on."""
    found: dict[str, dict[str, Any]] = {}
    for digest in dependencies_first(plan.proofs, digests):
        verdict = store.header(ledger.verdict_row(digest))
        if verdict is not None and _stands(verdict, plan.proofs[digest].dependencies, found):
            found[digest] = verdict
    return found


def _stands(verdict: Mapping[str, Any], dependencies: Sequence[str], standing: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the proofs that a verdict depends on have the verdicts that it rests on."""
    if 'rests_on' not in verdict:
        return False
    statuses = [standing[digest]['status'] if digest in standing else None for digest in dependencies]
    if verdict['status'] == Status.FAILED.value and [f['reason'] for f in verdict['failures']] == ['dependency']:
        return Status.FAILED.value in statuses
    if any(status != Status.PASSED.value for status in statuses):
        return False
    return bool(verdict['rests_on'] == {digest: says(standing[digest]) for digest in dependencies})


def says(verdict: Mapping[str, Any]) -> str:
    """Stands for what a verdict says to those that rest on it: how it ended, with what reservation, by which steps."""
    return digest_of({name: verdict.get(name) for name in ('status', 'reason', 'graph')})


def said(store: ReadableStore, digests: Iterable[str]) -> dict[str, str]:
    """What the verdicts of some proofs say now, see `says`; empty where there is none."""
    verdicts = {digest: store.header(ledger.verdict_row(digest)) for digest in digests}
    return {digest: '' if verdict is None else says(verdict) for digest, verdict in verdicts.items()}


def withdraw_step(store: CheckpointStore, key: str) -> tuple[str, ...]:
    """Take back a step that is in doubt, with every proof that rests on it, directly or not. Committed by the caller.

    Reads all journals, verdicts and prepared proofs, which is for a rare case.

    Returns:
        The claims whose verdicts are gone, one for each proof.
    """
    store.delete(ledger.step_row(key))
    doubtful = {row.split(':')[1] for row, header in store.scan_headers('journal:') if header.get('step') == key}
    rests_on: dict[str, set[str]] = {}
    for row, header in store.scan_headers('verdict:'):
        rests_on.setdefault(row.partition(':')[2], set()).update(header['inputs']['dependencies'])
    for row, header in store.scan_headers('proof:'):
        rests_on.setdefault(row.partition(':')[2], set()).update(header.get('dependencies', ()))
    before = -1
    while len(doubtful) != before:
        before = len(doubtful)
        doubtful |= {digest for digest, others in rests_on.items() if others & doubtful}
    claims = []
    for digest in sorted(doubtful):
        verdict = store.header(ledger.verdict_row(digest))
        if verdict is not None:
            claims.append(str(verdict['claim']))
        ledger.forget_proof(store, digest)
    return tuple(claims)
