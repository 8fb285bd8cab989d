"""What a run has found to be passed, held against instances before the run's end is told.

engine --events--> Held --all but the end--> observers
                    |
passed claims --> audits (instances only) --> verdicts taken back --the end--> observers
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ..engine import Interrupted, RunState, Status, prove
from ..engine.signals import StopRequest
from ..engine.values import Phase
from .audit import AuditOptions, audits
from .model import AuditError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, Final

    from ..engine import Ledger, Observer, RunConfig, RunSummary
    from ..suites import Claim, Suite
    from .graph import Replay

SEED: Final = 1
"""The instances of a run are the same every time, so that a claim that was not touched keeps its verdict."""

_INTERVAL: Final = 10.0


class Held:
    """An observer that keeps the end of a run to itself."""

    def __init__(self, observer: Observer):
        self._observer = observer
        self.end: RunSummary | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._observer, name)

    def finished(self, summary: RunSummary) -> None:
        self.end = summary


def prove_and_hold(
    suites: Sequence[Suite],
    claims: Iterable[Claim] | None,
    config: RunConfig,
    observer: Observer,
    ledger_of: Ledger,
    *,
    instances: int,
    deep: Callable[[Callable[[], Replay]], Replay],
) -> RunSummary:
    """`engine.prove`, with each passed claim held against so many instances of each node of its proof.

    A claim that an instance contradicts, and one that rests on it, is an error in the summary; its verdict is gone.
    Raises what `prove` and `audits` raise.
    """
    held = Held(observer)
    try:
        summary = prove(suites, claims, config, held)
        try:
            with StopRequest(_Stop()):
                summary = hold(summary, ledger_of, config, observer.notice, observer.claim, instances, deep)
        except KeyboardInterrupt:
            raise Interrupted(replace(summary, state=RunState.INTERRUPTED)) from None
        held.end = summary
        return summary
    except Interrupted as err:
        held.end = err.summary
        raise
    finally:
        if held.end is not None:
            observer.finished(held.end)


def hold(
    summary: RunSummary,
    ledger_of: Ledger,
    config: RunConfig,
    tell: Callable[[str], None],
    changed: Callable[[Any], None],
    instances: int,
    deep: Callable[[Callable[[], Replay]], Replay],
) -> RunSummary:
    """The summary after its passed claims were held against instances.

    Args:
        tell: Takes what the user should know.
        changed: Takes each claim that is no longer passed.
    """
    chosen = {
        claim.proof: claim.claim
        for claim in summary.claims
        if claim.status is Status.PASSED and not claim.admitted and claim.proof
    }
    if not chosen:
        return summary
    reasons: dict[str, str] = {}
    checked, told = 0, time.monotonic()
    digest_of = ledger_of.plan.digest_of_claim
    options = AuditOptions(steps=False, seed=SEED, instances=instances, deep=deep)
    waiting = list(chosen.values())
    while waiting:
        try:
            for report in audits(ledger_of, list(waiting), config, options):
                waiting.pop(0)
                checked += report.instances.get('instances', 0)
                if report.contradictions:
                    first = report.contradictions[0]
                    tell('\n'.join([f'{report.claim}: an instance contradicts its proof', *first.lines()]))
                    reasons[digest_of[report.claim]] = f'an instance contradicts its proof: {first.where}: {first.what}'
                    for other in report.withdrawn:
                        if other in digest_of:
                            why = f'rests on {report.claim}, which an instance contradicts'
                            reasons.setdefault(digest_of[other], why)
                    for finding in report.findings:
                        tell(f'{report.claim}: {finding}')
                if time.monotonic() - told >= _INTERVAL:
                    told = time.monotonic()
                    tell(f'{len(chosen) - len(waiting)} of {len(chosen)} proofs held against instances')
        except AuditError:  # a prover of its own, or a verdict that went with another one's
            waiting.pop(0)
    tell(f'{len(chosen)} proofs were held against {checked} instances, {len(reasons)} verdicts were taken back')
    found = []
    for claim in summary.claims:
        if claim.proof in reasons:
            claim = replace(claim, status=Status.ERROR, phase=Phase.SETTLED, reason=reasons[claim.proof])
            changed(claim)
        found.append(claim)
    return replace(summary, claims=tuple(found))


class _Stop:
    """Ends what is under way at the first signal; a second one is for whoever cleans up."""

    def __init__(self) -> None:
        self._stopped = False

    def __call__(self) -> None:
        if not self._stopped:
            self._stopped = True
            raise KeyboardInterrupt
