"""Why a claim would be proved again, or why its verdict is reused: which inputs have changed since the last verdict.

Each verdict is stored with its inputs, so the last verdict of a claim can be compared with what the claim is now, field
by field; where a dependency is another proof than it was, the same is done for it, and so on to what was edited.
Reads the store and the suites' files, and starts nothing.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..store import StoreReader
from . import ledger, resume
from .known import Ledger, unopened
from .standing import says, standing_verdicts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

    from ..suites import Suite
    from .ledger import ReadableStore
    from .plan import Plan, PlannedProof
    from .values import RunConfig

COMMON_INPUTS: Final = ('format', 'prover', 'definition', 'main_module', 'backend', 'options.semantics')
"""Inputs that are part of the key of every step: after a change of one no step of before is used."""


@dataclass(frozen=True)
class Change:
    """An input that is another one than at the last verdict.

    Attributes:
        input: A field of `kprover.keys.proof_inputs`; `options.NAME` for an option, `dependency` for a claim that is
            depended upon and was not, or no longer, or whose last inputs are not in the store any more.
        before: The digest or value at the last verdict, `None` where there was none.
        now: The digest or value now, `None` where there is none.
        through: The claims from the explained one, by way of what each depends on, to the one whose input this is.
    """

    input: str
    before: Any
    now: Any
    through: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return {'input': self.input, 'before': self.before, 'now': self.now, 'through': list(self.through)}


@dataclass(frozen=True)
class LastVerdict:
    """The last verdict of a claim, whatever its inputs were.

    Attributes:
        digest: The proof that it is the verdict of.
        claim: Under which claim it was proved; another one if that has the same content.
        run: The run that proved it, empty if that is not known.
        proved_at: When, in UTC.
        backend: Identity of the server program.
        seconds: Worker time that its proof took.
        vacuous: It holds of no state.
    """

    digest: str
    claim: str
    status: str
    reason: str
    proved_at: str
    run: str
    backend: str
    steps: int
    requests: int
    seconds: float
    vacuous: bool = False

    def to_dict(self) -> dict[str, Any]:
        return {
            'digest': self.digest,
            'claim': self.claim,
            'status': self.status,
            'reason': self.reason,
            'proved_at': self.proved_at,
            'run': self.run,
            'backend': self.backend,
            'steps': self.steps,
            'requests': self.requests,
            'seconds': self.seconds,
            'vacuous': self.vacuous,
        }


@dataclass(frozen=True)
class StoredSteps:
    """What of a claim's proof, as it is now, the store has.

    Attributes:
        prepared: Whether the proof was ever begun: only then its first state is known, and with it the first key.
        committed: Steps in its journal.
        reusable: Further steps that the next run takes from the store, made for whatever claim.
        needed: Steps that have to be made before anything else of it can be said.
        none: Why no step of before can be used, empty if some can or that is not known.
    """

    prepared: bool
    committed: int = 0
    reusable: int = 0
    needed: int = 0
    none: str = ''

    def to_dict(self) -> dict[str, Any]:
        return {
            'prepared': self.prepared,
            'committed': self.committed,
            'reusable': self.reusable,
            'needed': self.needed,
            'none': self.none,
        }


@dataclass(frozen=True)
class Explanation:
    """What the next run will do with a claim, and why.

    Attributes:
        claim: `suite/LABEL`.
        digest: Its proof as it is now.
        reused: Whether its verdict stands; `verdict` is it then.
        verdict: The last verdict of the claim, `None` if the store has none.
        changes: What has changed since; empty for a verdict that is reused, and where there is none.
        unsettled: Claims that keep a verdict with the same inputs from standing, with what the store says of them now.
        steps: What the store has of the proof; `None` where the verdict is reused.
        last_attempt: How the last run ended that worked on the claim as it is now, if without a verdict.
    """

    claim: str
    digest: str
    reused: bool
    verdict: LastVerdict | None
    changes: tuple[Change, ...] = ()
    unsettled: Mapping[str, str] = field(default_factory=dict)
    steps: StoredSteps | None = None
    last_attempt: str = ''

    def to_dict(self) -> dict[str, Any]:
        return {
            'claim': self.claim,
            'digest': self.digest,
            'reused': self.reused,
            'verdict': None if self.verdict is None else self.verdict.to_dict(),
            'changes': [change.to_dict() for change in self.changes],
            'unsettled': dict(self.unsettled),
            'steps': None if self.steps is None else self.steps.to_dict(),
            'last_attempt': self.last_attempt,
        }


def explain(suites: Sequence[Suite], claim: str, config: RunConfig) -> Explanation:
    """What the next run will do with `claim` (`suite/LABEL`), and why. Raises `BackendError`, `StoreError`."""
    planned = Ledger(suites, config).plan
    digest = planned.digest_of_claim[claim]
    proof = planned.proofs[digest]
    with closing(StoreReader(config.store)) as store:
        standing = standing_verdicts(store, planned, [digest])
        if digest in standing:
            return Explanation(claim, digest, reused=True, verdict=_verdict(digest, standing[digest]))
        current = store.header(ledger.verdict_row(digest))
        if current is not None:
            last: tuple[str, dict[str, Any]] | None = (digest, current)
            unsettled = _unsettled(planned, proof, current.get('rests_on', {}), standing)
        else:
            last, unsettled = _last_verdict(store, claim), {}
        changes = () if last is None else tuple(_changes(store, planned, proof, last[1], (claim,)))
        return Explanation(
            claim,
            digest,
            reused=False,
            verdict=None if last is None else _verdict(*last),
            changes=changes,
            unsettled=unsettled,
            steps=_steps(store, proof, changes),
            last_attempt=_last_attempt(store, claim, digest),
        )


def _verdict(digest: str, header: Mapping[str, Any]) -> LastVerdict:
    return LastVerdict(
        digest=digest,
        claim=header['claim'],
        status=header['status'],
        reason=header['reason'],
        proved_at=header['proved_at'],
        run=header.get('run', ''),
        backend=header['inputs']['backend'],
        steps=header['steps'],
        requests=header['requests'],
        seconds=header['seconds'],
        vacuous=bool(header.get('vacuous')),
    )


def _last_verdict(store: ReadableStore, claim: str) -> tuple[str, dict[str, Any]] | None:
    """Digest and header of the latest verdict that was about the claim."""
    about = [
        (row.partition(':')[2], header)
        for row, header in store.scan_headers('verdict:')
        if claim in header.get('claims', (header['claim'],))
    ]
    return max(about, key=lambda found: (found[1]['proved_at'], found[1].get('run', '')), default=None)


def _unsettled(
    planned: Plan, proof: PlannedProof, rests_on: Mapping[str, str], standing: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """The claims depended upon whose verdicts are gone or others than they were; of a chain the first to be proved.

    Args:
        rests_on: What the verdicts that it depends on said when its own was found, see `standing.says`.
    """
    found: dict[str, str] = {}
    seen: set[str] = set()
    same = {digest for digest, verdict in standing.items() if rests_on.get(digest) == says(verdict)}
    pending = [digest for digest in proof.dependencies if digest not in same]
    while pending:
        digest = pending.pop()
        if digest in seen:
            continue
        seen.add(digest)
        gone = [other for other in planned.proofs[digest].dependencies if other not in standing]
        pending += gone
        if not gone:
            name = planned.proofs[digest].claim.name
            found[name] = _word(standing[digest]) if digest in standing else 'no verdict'
    return found


def _word(verdict: Mapping[str, Any]) -> str:
    """Status and reason of a verdict that stands."""
    reason = verdict['reason'] or 'by other steps than then'
    return f'{verdict["status"]}, {reason}'


def _changes(
    store: ReadableStore, planned: Plan, proof: PlannedProof, verdict: Mapping[str, Any], through: tuple[str, ...]
) -> Iterator[Change]:
    """What is different between the inputs of a verdict and those of a proof, dependencies by their own inputs."""
    before, now = _flat(verdict['inputs']), _flat(proof.inputs)
    for name in dict.fromkeys((*now, *before)):
        if before.get(name) != now.get(name):
            yield Change(name, before.get(name), now.get(name), through)
    depended: dict[str, str] = dict(verdict.get('depends', {}))
    kept = set(depended.values()) & set(proof.depends.values())
    for name in dict.fromkeys((*proof.depends, *depended)):
        old, new = depended.get(name), proof.depends.get(name)
        if old == new or old in kept or new in kept:
            continue
        former = store.header(ledger.verdict_row(old)) if old is not None else None
        if former is None or new is None:
            yield Change('dependency', old, new, (*through, name))
        else:
            yield from _changes(store, planned, planned.proofs[new], former, (*through, name))


def _flat(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a proof's inputs without its dependencies, options each by itself."""
    flat = {name: value for name, value in inputs.items() if name not in ('options', 'dependencies', 'kind')}
    flat |= {f'options.{name}': value for name, value in inputs['options'].items()}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in flat.items()}


def _steps(store: ReadableStore, proof: PlannedProof, changes: Sequence[Change]) -> StoredSteps:
    """Go through the proof as the next run would, as far as the store has steps for it."""
    run = unopened(proof)
    if not resume.reopen(store, run):
        own = [change.input for change in changes if len(change.through) == 1]
        common = [name for name in (*COMMON_INPUTS, 'options.lemmas') if name in own]
        none = f'every step depends on {" and ".join(common)}' if common else ''
        return StoredSteps(prepared=False, none=none)
    committed = run.steps
    needed = sum(found is None for _, found in resume.follow(store, run))
    return StoredSteps(prepared=True, committed=committed, reusable=run.steps - committed, needed=needed)


def _last_attempt(store: ReadableStore, claim: str, digest: str) -> str:
    """Status and reason at the end of the last run, where that was about this proof and no verdict."""
    last = store.header(ledger.status_row(claim))
    if last is None or last['digest'] != digest or last['progress']['status'] in ('passed', 'failed'):
        return ''
    progress = last['progress']
    return f'{progress["status"]}: {progress["reason"]}' if progress['reason'] else str(progress['status'])
