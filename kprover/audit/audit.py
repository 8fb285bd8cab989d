"""The audit of one claim.

    claim's files --prepare--> the proof's beginning, must be the stored one
    journal ------------------> the engine's index, and pyk's graph: must agree with each other and with the verdict
    each step, or a sample ---> made again on a fresh server: must have the result that is recorded
    instances of each node ---> executed: must come to what the graph says

Of the store only the journal is used, with the steps and terms that it names; what a step needs besides, modules above
all, is made anew. The steps that end a branch and those that were imported are always among the re-executed ones.
"""

from __future__ import annotations

import math
import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine import ledger
from ..engine.api import open_pool
from ..engine.known import unopened
from ..engine.plan import dependencies_first
from ..engine.services import backend_of
from ..engine.values import Status
from ..engine.verdicts import counted, vacuous_fails
from ..keys import imported_step_key
from ..proofs.codec import unpack
from ..proofs.errors import MissingRecord
from ..pykfiles.export import KINDS
from ..store import StoreError, StoreReader
from .executor import Ask, Executor, NoAnswer
from .graph import Replay, compare, replay_in_pyk
from .instances import SECONDS, InstanceJobs, InstanceOutcome, total, withdraw
from .model import AuditError, AuditReport, Finding
from .reexecute import RecordedStep, Reexecution, as_deep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from ..engine import Ledger, RunConfig
    from ..engine.plan import PlannedProof
    from ..engine.proof_run import ProofRun
    from .executor import Answer, Job
    from .reexecute import Outcome

UNSAID: Final = ('claim', 'requests', 'seconds', 'rewrites')
"""What the answer to `prepare` says of the moment rather than of the proof."""


@dataclass(frozen=True)
class AuditOptions:
    """What an audit is to do.

    Attributes:
        steps: Whether steps are made again.
        share: How many of the steps in the middle of the graph are made again, 0 to 1.
        seed: Chooses them, and the instances; another choice every time if `None`.
        on: Another server program to make them on.
        instances: How many ground instances of each node are executed and held against the graph.
        deep: Calls a function where deep terms have room.
        progress: Called with the numbers of steps made again, or nodes whose instances were checked, so far and in all,
            and with what it is.
    """

    steps: bool = True
    share: float = 1.0
    seed: int | None = None
    on: str | None = None
    instances: int = 0
    deep: Callable[[Callable[[], Replay]], Replay] = lambda function: function()
    progress: Callable[[int, int, str], None] = lambda done, of, what: None


def audit(ledger_of: Ledger, claim: str, config: RunConfig, options: AuditOptions | None = None) -> AuditReport:
    """Audit the proof of a claim; see `audits`."""
    (report,) = audits(ledger_of, [claim], config, options)
    return report


def audits(
    ledger_of: Ledger, claims: Iterable[str], config: RunConfig, options: AuditOptions | None = None
) -> Iterator[AuditReport]:
    """Audit the proofs of some claims, `suite/LABEL` each, one after another on the same servers.

    Only where an instance contradicts a proof, the store is written: the verdicts that rest on it are taken back.

    Raises:
        AuditError: the store has no proof of a claim.
        BackendError, EngineError, StoreError: the audit cannot be made.
    """
    options = options or AuditOptions()
    on = options.on
    chosen = config if on is None else replace(config, backend=on, addresses=(), backend_identity='')
    backend = ledger_of.backend if on is None else backend_of(chosen)
    with (
        tempfile.TemporaryDirectory(prefix='kprover-audit-') as folder,
        open_pool(chosen, backend, Path(folder), ledger_of.own_backends if on is None else None) as pool,
    ):
        executor = Executor(pool, config.attempts)
        for claim in claims:
            planned = ledger_of.proof(claim)
            with StoreReader(config.store) as store:
                report = _Audit(ledger_of, planned, claim, store, executor, options).run(backend.name)
                commits = ledger.read_journal(store, planned.digest)
            if report.contradictions and commits:
                report = replace(report, **_withdrawn(config.store, report, commits))
            yield report


def _withdrawn(path: Path, report: AuditReport, commits: Sequence[tuple[int, str]]) -> dict[str, Any]:
    """Take back what is contradicted; the fields of the report that say so."""
    run = f'audit-{time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())}'
    try:
        withdrawn = withdraw(path, report.claim, commits, report.contradictions, run)
    except StoreError as err:
        what = f'could not be taken back: {err}; audit it again when no run owns the store'
        return {'findings': (*report.findings, Finding('verdict', what))}
    return {'withdrawn': withdrawn}


class _Audit:
    """One audit while it is made; used once."""

    def __init__(
        self,
        ledger_of: Ledger,
        planned: PlannedProof,
        claim: str,
        store: StoreReader,
        executor: Executor,
        options: AuditOptions,
    ):
        self._ledger = ledger_of
        self._planned = planned
        self._claim = claim
        self._store = store
        self._executor = executor
        self._options = options
        self._seed = random.Random().getrandbits(32) if options.seed is None else options.seed
        self._proof = unopened(planned)
        self._verdict = store.header(ledger.verdict_row(planned.digest))
        self._findings: list[Finding] = []
        self._notices: list[str] = []
        self._outcomes: list[Outcome] = []
        self._instances: list[InstanceOutcome] = []

    def run(self, backend: str) -> AuditReport:
        """Do it all. Raises `AuditError` if there is nothing to audit."""
        started = time.monotonic()
        keys = list(self._store.keys(ledger.journal_prefix(self._planned.digest)))
        if self._verdict is None and not keys:
            raise AuditError(
                f'{self._claim}: expected a proof of the claim as it is now in {self._store.path}, found neither '
                'verdict nor step; prove it first'
            )
        steps: list[RecordedStep] = []
        replayed = Replay()
        if not self._decided_by_dependency() and (prepared := self._prepare()) is not None:
            header, blobs = prepared
            if header['kind'] not in KINDS:
                raise AuditError(f'{self._claim}: is proved by a prover of its own, whose steps cannot be audited')
            self._proof.open(header)
            steps = [] if self._proof.admitted else self._commits(len(keys))
            if not self._proof.admitted:
                digest, path = self._planned.digest, self._store.path
                replayed = self._options.deep(lambda: replay_in_pyk(path, digest))
                self._findings += compare(replayed, self._proof)
            if self._options.steps:
                self._again(steps, header, blobs)
            self._judge()
            if self._options.instances and not self._proof.admitted:
                self._hold_against_instances(replayed, header, blobs)
        self._check_verdict()
        self._rest_on()
        return self._report(backend, steps, time.monotonic() - started)

    # -- the beginning ------------------------------------------------------------------------------------------

    def _prepare(self) -> tuple[dict[str, Any], Mapping[str, bytes]] | None:
        """The claim's proof as its files begin it; the stored beginning must be the same."""
        found: list[Answer | str] = []
        fields = {**self._proof.task_fields(), **self._proof.prepare_fields(self._store.path)}
        self._executor.run([_single(Ask('prepare', fields, needs_server=False))], found.append)
        (answer,) = found
        if isinstance(answer, str):
            self._findings.append(Finding('claim', f'its proof cannot be begun: {answer}'))
            return None
        stored = self._store.header(ledger.proof_row(self._planned.digest))
        if stored is None:
            self._findings.append(Finding('beginning', 'is not in the store, or damaged'))
            return answer.header, answer.blobs
        for name in sorted(answer.header.keys() - set(UNSAID)):
            if stored.get(name) != answer.header[name]:
                was, is_now = _short(stored.get(name)), _short(answer.header[name])
                self._findings.append(
                    Finding('beginning', f'{name} is recorded as {was}, and by the claim is {is_now}')
                )
        return answer.header, answer.blobs

    def _decided_by_dependency(self) -> bool:
        """Whether the claim failed because one that it depends on did; it has no proof of its own then."""
        verdict = self._verdict
        return verdict is not None and [failure['reason'] for failure in verdict['failures']] == ['dependency']

    # -- the journal --------------------------------------------------------------------------------------------

    def _commits(self, rows: int) -> list[RecordedStep]:
        """The journal's commits, made once more; ends at the first that cannot be."""
        steps: list[RecordedStep] = []
        journal = ledger.read_journal(self._store, self._planned.digest)
        if len(journal) < rows:
            self._findings.append(Finding('journal', f'commit {len(journal)} is missing or damaged, of {rows}'))
        readable: set[str] = set()
        for number, (node, key) in enumerate(journal):
            try:
                steps.append(self._commit(number, node, key, readable))
            except _Broken as err:
                self._findings.append(Finding(f'commit {number}, node {node}, step {key[:12]}', str(err)))
                break
        return steps

    def _commit(self, number: int, node: int, key: str, readable: set[str]) -> RecordedStep:
        proof = self._proof
        header = ledger.read_step(self._store, key, readable)
        if header is None:
            raise _Broken('the step, or a term that it names, is missing or damaged')
        if not proof.is_pending(node):
            raise _Broken('there is nothing to be done at this node')
        request = proof.request_of(node, key, header)
        try:
            taken_over = request is None and self._is_taken_over(node, key, header)
            if request is None and not taken_over:
                what = 'its key is not that of what the proof asks for here'
                self._findings.append(Finding(f'node {node}, step {key[:12]}', what))
            step = RecordedStep(
                number,
                node,
                key,
                request or proof.request(node),
                header,
                ending=not any(_goes_on(result) for result in header['results']),
                imported=str(header.get('imported', '')),
                taken_over=taken_over,
            )
            proof.commit(node, header)
        except (KeyError, ValueError, TypeError, AttributeError, AssertionError, IndexError, MissingRecord) as err:
            raise _Broken(f'its result is none that a step can have: {type(err).__name__}: {err}') from err
        return as_deep(step) if taken_over else step

    def _is_taken_over(self, node: int, key: str, header: Mapping[str, Any]) -> bool:
        """Whether a step came with a proof from elsewhere and is under the key that such a one has."""
        record = self._store.get(ledger.step_row(key))
        if record is None or self._proof.index is None or 'imported' not in header:
            return False
        if any(result.get('to_cache') for result in header['results']):
            return False
        expected = imported_step_key(
            node=self._proof.index.nodes[node].term,
            origin=str(header['imported']),
            results=header['results'],
            detail=unpack(record.blob),
        )
        return key == expected

    # -- the steps ----------------------------------------------------------------------------------------------

    def _again(
        self,
        steps: Sequence[RecordedStep],
        header: Mapping[str, Any],
        blobs: Mapping[str, bytes],
    ) -> None:
        modules = {name: blobs[f'module:{name}'] for name in header['modules']}
        equality = {'proof': blobs['proof']} if 'proof' in blobs else {}
        timeout = self._planned.claim.options.step_timeout
        again = Reexecution(self._store, self._proof.task_fields(), modules, equality, timeout)
        chosen = sample(steps, self._options.share, random.Random(self._seed))
        progress = self._options.progress

        def finished(outcome: Outcome) -> None:
            self._outcomes.append(outcome)
            progress(len(self._outcomes), len(chosen), 'steps made again')

        progress(0, len(chosen), 'steps made again')
        self._executor.run((again.job(step) for step in chosen), finished)
        self._outcomes.sort(key=lambda outcome: outcome.step.number)
        self._findings += [
            Finding(outcome.step.where, f'made again, {outcome.difference}')
            for outcome in self._outcomes
            if outcome.difference
        ]
        if (covered := sum(outcome.implied for outcome in self._outcomes)) > 0:
            self._notices.append(f'{covered} steps have another result now, which the recorded one covers')
        if (others := sum(outcome.witness for outcome in self._outcomes)) > 0:
            self._notices.append(f'{others} covers hold, with another substitution than the recorded one')
        if len(chosen) < len(steps):
            self._notices.append(f'{len(steps) - len(chosen)} steps were not in the sample')

    # -- instances ----------------------------------------------------------------------------------------------

    def _hold_against_instances(self, replayed: Replay, header: Mapping[str, Any], blobs: Mapping[str, bytes]) -> None:
        """Execute instances of the nodes, and see whether the graph has a place for what they come to."""
        options, progress = self._planned.claim.options, self._options.progress
        names, lemmas = set(header['modules']), header.get('lemma_module')
        passed = self._verdict is not None and self._verdict['status'] == Status.PASSED
        trusted = self._rests_on_trusted()
        common = {
            **self._proof.task_fields(),
            'instances': self._options.instances,
            'seed': self._seed,
            'seconds': SECONDS,
            'assume_defined': options.assume_defined,
            'trusted': trusted or not passed,
            'lemma_module': lemmas,
            'exact': names <= {lemmas},
        }
        modules = {name: blobs[f'module:{name}'] for name in names}
        jobs = InstanceJobs(self._store, common, modules, options.step_timeout)
        if header['kind'] == 'equality':
            made = list(jobs.of_equality(header['proof'], blobs['proof'])) if passed else []
        elif replayed.graph:
            index = self._proof.index
            unbounded = index is not None and not index.counts[3]
            whole = passed and unbounded and not trusted
            made = list(jobs.of_graph(replayed.graph, *replayed.ends, whole=whole))
        else:
            made = []

        def finished(outcome: InstanceOutcome) -> None:
            self._instances.append(outcome)
            progress(len(self._instances), len(made), 'nodes held against instances')

        progress(0, len(made), 'nodes held against instances')
        self._executor.run(made, finished)
        self._instances.sort(key=lambda outcome: outcome.node)
        self._notices.append(f'instances were made with the seed {self._seed}')
        errors = [outcome for outcome in self._instances if outcome.error]
        if errors:
            self._notices.append(
                f'the instances of {counted(len(errors), "node", "nodes")} could not be checked; '
                f'of node {errors[0].node}: {errors[0].error}'
            )
        self._say_what_was_skipped()

    def _rests_on_trusted(self) -> bool:
        """Whether a claim that it depends on, however far, has no proof."""
        proofs = self._ledger.proofs
        return any(proofs[digest].claim.admitted for digest in dependencies_first(proofs, self._planned.dependencies))

    def _say_what_was_skipped(self) -> None:
        counts = total(self._instances)
        bare = [
            outcome.node for outcome in self._instances if not outcome.counts.get('instances') and not outcome.error
        ]
        if bare:
            named = ', '.join(map(str, bare[:10])) + (', ...' if len(bare) > 10 else '')
            self._notices.append(f'no instance was found of {counted(len(bare), "node", "nodes")}: {named}')
        if counts['no-value']:
            self._notices.append(f'{counts["no-value"]} instances have no value')
        if counts['bounded']:
            self._notices.append(f'the paths of {counts["bounded"]} instances were left at a bound of steps or time')
        if counts['undecided']:
            reasons: Counter[str] = Counter()
            for outcome in self._instances:
                reasons.update(outcome.reasons)
            ((reason, _),) = reasons.most_common(1)
            self._notices.append(f'{counts["undecided"]} instances could not be decided, most of them: {reason}')

    # -- the verdict --------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        """What the graph says, against what the verdict says."""
        proof, verdict = self._proof, self._verdict
        if verdict is None:
            self._findings.append(Finding('verdict', f'there is none yet: {len(proof.open_nodes)} nodes are pending'))
            return
        status = _status(proof)
        if status != verdict['status']:
            self._findings.append(
                Finding('verdict', f'is recorded as {verdict["status"]}, and by the graph is {status}')
            )
        if bool(verdict['admitted']) != proof.admitted:
            self._findings.append(
                Finding('verdict', f'admitted is {verdict["admitted"]}, and by the claim {proof.admitted}')
            )
        if proof.emptiness and not proof.admitted:
            self._notices.append(proof.emptiness)
        if proof.admitted or proof.index is None:
            return
        nodes, _, _, bounded = proof.index.counts
        counts = {'nodes': nodes, 'bounded': bounded, 'steps': proof.steps}
        for name, count in counts.items():
            if verdict[name] != count:
                self._findings.append(Finding('verdict', f'has {verdict[name]} {name}, and the graph {count}'))
        if bounded:
            self._notices.append(f'{counted(bounded, "branch", "branches")} left at the loop bound')
        for origin, count in sorted(proof.imported.items()):
            self._notices.append(f'{count} steps were imported from {origin}; they were made again here')

    def _check_verdict(self) -> None:
        if self._verdict is None:
            return
        recorded = {name: _plain(value) for name, value in self._verdict['inputs'].items()}
        expected = {name: _plain(value) for name, value in self._planned.inputs.items()}
        for name in sorted(recorded.keys() | expected.keys()):
            if recorded.get(name) != expected.get(name):
                self._findings.append(Finding('verdict', f'holds for another {name} than the claim has now'))

    def _rest_on(self) -> None:
        """The claims that this one depends on: their proofs are not audited here, but their verdicts must stand."""
        proofs = self._ledger.proofs
        names = [proofs[digest].claim.name for digest in self._planned.dependencies]
        verdicts = self._ledger.verdicts(names)
        wanted = Status.FAILED if self._decided_by_dependency() else Status.PASSED
        found = [verdicts[name].status for name in names if name in verdicts]
        if wanted is Status.FAILED and Status.FAILED not in found:
            self._findings.append(
                Finding('verdict', 'failed with a claim that it depends on, and none of them has failed')
            )
        for name in names:
            verdict = verdicts.get(name)
            if verdict is None or (wanted is Status.PASSED and verdict.status is not wanted):
                state = 'no verdict' if verdict is None else f'the verdict {verdict.status}'
                self._findings.append(Finding('verdict', f'rests on {name}, which has {state}'))
            else:
                how = 'trusted' if verdict.admitted else f'{verdict.status}, which has an audit of its own'
                self._notices.append(f'rests on {name}, {how}')

    def _report(self, backend: str, steps: Sequence[RecordedStep], seconds: float) -> AuditReport:
        index = self._proof.index
        contradictions = {
            (entry.node, entry.kind, entry.what): entry
            for outcome in reversed(self._instances)
            for entry in reversed(outcome.contradictions)
        }
        ends = Counter(node.state.value for node in index.nodes.values()) if index is not None else Counter()
        return AuditReport(
            claim=self._claim,
            digest=self._planned.digest,
            status='' if self._verdict is None else str(self._verdict['status']),
            backend=backend,
            steps=len(steps),
            executed=len(self._outcomes),
            implied=sum(outcome.implied for outcome in self._outcomes),
            imported=sum(bool(step.imported) for step in steps),
            admitted=self._proof.admitted,
            nodes=0 if index is None else len(index.nodes),
            ends={state: count for state, count in ends.items() if state not in ('expanded', 'target')},
            findings=tuple(dict.fromkeys(self._findings)),
            notices=tuple(dict.fromkeys(self._notices)),
            seconds=round(seconds, 3),
            instances=dict(total(self._instances)),
            contradictions=tuple(contradictions.values()),
        )


class _Broken(Exception):
    """A commit of the journal that cannot be made; the message says why."""


def sample(steps: Sequence[RecordedStep], share: float, rng: random.Random) -> list[RecordedStep]:
    """The steps to be made again: all that end a branch or were imported, and the given share of the others."""
    always = [step for step in steps if step.ending or step.imported]
    others = [step for step in steps if not (step.ending or step.imported)]
    chosen = rng.sample(others, min(len(others), math.ceil(len(others) * share)))
    return sorted([*always, *chosen], key=lambda step: step.number)


def _single(ask: Ask) -> Job[Answer | str]:
    """A job of one question; its answer, or the error as text."""
    try:
        return (yield ask)
    except NoAnswer as err:
        return str(err)


def _goes_on(result: Mapping[str, Any]) -> bool:
    """Whether a result leads from a state to others."""
    return result['kind'] == 'use-cache' or bool((result.get('extension') or {}).get('nodes'))


def _status(proof: ProofRun) -> str:
    """`passed`, `failed` or `pending`, as the engine draws it from the index."""
    if proof.admitted:
        return str(Status.PASSED)
    if proof.equality is not None:
        passed = bool(proof.equality['results'][0]['passed']) and not vacuous_fails(proof)
        return str(Status.PASSED if passed else Status.FAILED)
    if proof.index is not None and proof.index.failing:
        return str(Status.FAILED)
    if not proof.open_nodes and vacuous_fails(proof):
        return str(Status.FAILED)
    return str(Status.PENDING if proof.open_nodes else Status.PASSED)


def _plain(value: Any) -> Any:
    """The value as JSON has it."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else f'{text[:77]}...'
