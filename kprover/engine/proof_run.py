"""The state of one proof in a run: prepared terms and modules, index, counters, and what its next steps ask for.

Owned by the engine's thread. Building a step's request is pure.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..keys import diagnosis_key, step_key
from . import ledger
from .frontier import Frontier
from .index import INIT, TARGET, NodeState, ProofIndex
from .step_request import FOREIGN, StepRequest
from .values import ClaimProgress, Failure, Phase, Status
from .verdicts import counted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from .depths import StepSize
    from .history import ClaimHistory
    from .plan import PlannedProof

EXPLAINED_NODES = 8
"""At most so many failing nodes of a proof are explained; the others are listed."""

NOT_REFUTED = 'It is not refuted: its branch could not be shown to contradict what was known before the split.'
"""What is said of a failing node whose refutation was tried."""

UNSPLIT = 'It is not refuted: there is no split on the way to it, or a non-deterministic branch behind that.'
"""What is said of a failing node that has none."""

NO_STATE = 'vacuous: no state satisfies the precondition'
"""What is said of a proof whose precondition is contradictory."""

NO_END = 'vacuous: every path ends in a state that no execution reaches'
"""What is said of a proof in which nothing comes to an end."""

EQUALITY_NODE = 0
"""The number under which the single step of an equality proof is journaled; it has no graph."""


@dataclass
class Renewal:
    """A graph that is made anew while the store keeps the one before with its verdict; see `ProofRun.renewal`."""

    prepared: dict[str, Any] = field(default_factory=dict)
    proof: bytes = b''
    commits: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class ProofRun:
    """One proof while it is being made.

    Attributes:
        prepared: The answer of `prepare`, once there.
        index: The graph, for a reachability proof.
        frontier: The steps, for a proof of a user's own kind.
        sequence: Number of commits in the journal.
        waiting_for: Proofs that must pass before this one starts.
        set_aside: Nodes that no step will be made from in this run, with the status and the reason.
        step_size: The execute depth of the next steps.
        started: When its first step became ready, by the monotonic clock.
        diagnosing: Failing nodes whose explanation is still awaited.
        expected: What the last run that worked on it spent.
        rewrites: Rewrite steps that servers made for it in this run.
        depth: The greatest distance of a node from the initial one.
        imported: How many of its commits came with a proof from elsewhere, by where that was.
        unmade: Whether it has such commits, or a proof that it depends on; known when it is settled.
        verifying: Keys of reused steps that are being made again; it is not settled before they are.
        doubt: Why a step that it uses is in doubt; it cannot be settled otherwise than as an error then.
        renewal: What is to take the place of its graph in the store when it is settled: the beginning of the proof and
            the rows of the journal. `None` if they are written as they come.
        attempted: Whether a server has worked for it in this run, even without an answer.
        out_of_time: Whether work for it was ended because its time limit was over.
        contradictory: Whether a server has found that no state satisfies the precondition.
        vacuous: Whether it holds of no state; known when it is settled.
    """

    planned: PlannedProof
    waiting_for: set[str]
    step_size: StepSize
    prepared: dict[str, Any] | None = None
    index: ProofIndex | None = None
    frontier: Frontier | None = None
    phase: Phase = Phase.WAITING
    status: Status = Status.NOT_ATTEMPTED
    reason: str = ''
    failures: tuple[Failure, ...] = ()
    sequence: int = 0
    steps: int = 0
    made: int = 0
    reused: int = 0
    requests: int = 0
    seconds: float = 0.0
    equality: Mapping[str, Any] | None = None
    set_aside: dict[int, tuple[Status, str]] = field(default_factory=dict)
    started: float | None = None
    diagnosing: set[int] = field(default_factory=set)
    diagnoses: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    final_counts: tuple[int, int, int, int] | None = None
    expected: ClaimHistory | None = None
    rewrites: int = 0
    depth: int = 0
    imported: Counter[str] = field(default_factory=Counter)
    unmade: bool = False
    verifying: set[str] = field(default_factory=set)
    doubt: str = ''
    renewal: Renewal | None = None
    attempted: bool = False
    out_of_time: bool = False
    contradictory: bool = False
    vacuous: bool = False

    @property
    def backend(self) -> str:
        """Identity of the server program."""
        return str(self.planned.inputs['backend'])

    @property
    def digest(self) -> str:
        return self.planned.digest

    @property
    def settled(self) -> bool:
        return self.phase is Phase.SETTLED

    @property
    def is_equality(self) -> bool:
        return self.prepared is not None and self.prepared['kind'] == 'equality'

    @property
    def admitted(self) -> bool:
        return bool(self.prepared['admitted']) if self.prepared is not None else self.planned.claim.admitted

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Numbers of nodes, pending, failing and bounded ones."""
        if self.final_counts is not None:
            return self.final_counts
        if self.index is not None:
            return self.index.counts
        if self.frontier is not None:
            return self.frontier.counts
        if self.is_equality:
            return (0, 1 if self.equality is None else 0, len(self.failures), 0)
        return (0, 0, 0, 0)

    @property
    def open_nodes(self) -> tuple[int, ...]:
        """Pending nodes that have not been set aside."""
        if self.is_equality:
            pending: tuple[int, ...] = () if self.equality is not None else (EQUALITY_NODE,)
        elif self.index is not None:
            pending = self.index.pending
        elif self.frontier is not None:
            pending = self.frontier.pending
        else:
            pending = ()
        return tuple(node for node in pending if node not in self.set_aside)

    @property
    def exhausted(self) -> bool:
        """Whether no step is left to be made in this run. Constant time, but for a proof of a user's own kind."""
        if self.is_equality:
            return self.equality is not None or EQUALITY_NODE in self.set_aside
        if self.frontier is not None:
            return not self.frontier.behind and not self.open_nodes
        return self.index is not None and self.index.counts[1] == len(self.set_aside)

    @property
    def emptiness(self) -> str:
        """Why a proof without failing nodes holds of no state, as a note for people; empty if it is not known to."""
        if self.equality is not None:
            (result,) = self.equality['results']
            return NO_STATE if result.get('vacuous') else ''
        if self.contradictory:
            return NO_STATE
        if self.index is None or not self.index.reaches_nothing:
            return ''
        return NO_END if self.index.nodes[INIT].state is NodeState.EXPANDED else NO_STATE

    def open(self, prepared: dict[str, Any]) -> None:
        """Take the prepared proof; the graph starts with its initial node and target."""
        self.prepared = prepared
        self.sequence = self.steps = self.depth = 0
        self.equality = None
        self.contradictory = False
        self.set_aside.clear()
        self.imported.clear()
        if prepared['kind'] == FOREIGN:
            self.frontier = Frontier(prepared['standing'])
        if prepared['kind'] == 'reachability':
            self.index = ProofIndex.of(prepared)

    def over_limit(self, node: int) -> str:
        """Which limit of the claim forbids a step from this node, as a reason for the report; empty if none does."""
        options = self.planned.limits
        if options.max_steps is not None and self.steps >= options.max_steps:
            return f'the limit of {counted(options.max_steps, "step", "steps")} is reached'
        if options.time_limit is not None and (self.out_of_time or self.seconds >= options.time_limit):
            return f'the time limit of {options.time_limit:g} s is reached'
        if self.index is None or self.index.is_refuting(node):  # a refutation adds no node
            return ''
        if options.max_nodes is not None and len(self.index.nodes) >= options.max_nodes:
            return f'the limit of {counted(options.max_nodes, "node", "nodes")} is reached'
        here = self.index.nodes[node]
        if options.max_branching is not None and here.siblings >= options.max_branching:
            successors = here.siblings + 1
            return f'node {here.parent} has {successors} successors, more than max-branching {options.max_branching}'
        return ''

    def goes_round(self, node: int) -> str:
        """Why the branch of this node would never end, as a reason for the report; empty if that is not known."""
        if self.index is None or self.planned.claim.options.bmc_depth is not None or self.index.is_refuting(node):
            return ''
        before = self.index.same_before(node)
        if before is None:
            return ''
        return (
            f'node {node} is in the state of node {before}, so its execution goes round without end; a claim about the '
            'state at the head of the loop, used as a circularity, or bmc-depth could end it'
        )

    def is_pending(self, node: int) -> bool:
        if self.is_equality:
            return node == EQUALITY_NODE and self.equality is None
        if self.frontier is not None:
            return self.frontier.is_pending(node)
        return self.index is not None and self.index.is_pending(node)

    def fits(self, node: int, key: str, header: Mapping[str, Any]) -> bool:
        """Whether a journaled step can be committed next: one of another state than the node's cannot."""
        if self.frontier is not None:
            if not self.frontier.fits(node, header['results'][0]['step']):
                return False
        elif not self.is_pending(node):
            return False
        if 'imported' in header and 'node' in header and self.index is not None:  # made of no request
            return bool(header['node'] == self.index.nodes[node].term)
        return self.request_of(node, key, header) is not None

    def commit(self, node: int, header: Mapping[str, Any]) -> tuple[int, ...]:
        """Apply a finished step. Returns the nodes that are now pending."""
        self.steps += 1
        self.sequence += 1
        if (origin := header.get('imported')) is not None:
            self.imported[origin] += 1
        if self.is_equality:
            self.equality = header
            return ()
        if self.frontier is not None:
            self.frontier.commit(node, header['results'][0]['step'])
            return ()
        assert self.index is not None
        self.contradictory |= node == INIT and header.get('precondition') == 'unsatisfiable'
        pending = self.index.commit(node, header['results'])
        self.depth = max((self.depth, *(self.index.nodes[new].depth for new in pending)))
        return pending

    def request(self, node: int) -> StepRequest:
        """The step to be made from `node`."""
        assert self.prepared is not None
        kin = ''
        if self.frontier is not None:
            fields, terms = self._foreign_fields(self.frontier.step(node))
        elif self.is_equality:
            fields, terms = self._equality_fields()
        elif self.index is not None and self.index.is_refuting(node):
            fields, terms = self._refutation_fields(node)
        else:
            fields, terms = self._reachability_fields(node)
        family = {name: value for name, value in fields.items() if name != 'execute_depth'}
        if 'target' in fields:
            assert self.index is not None
            kin = self._key({**family, 'target': None, 'target_terminal': self.index.target_terminal})
        return StepRequest(node, self._key(fields), self._key(family), kin, fields, terms, self._key)

    def request_of(self, node: int, key: str, header: Mapping[str, Any]) -> StepRequest | None:
        """The request at `node` that has made a stored step; `None` if none has, see `StepRequest.answered_by`."""
        return self.request(node).answered_by(key, header)

    def task_fields(self) -> dict[str, Any]:
        """What every task of this proof says of where it belongs; none of it is part of a key."""
        claim = self.planned.claim
        used = {claim.options.semantics: self.planned.semantics, claim.options.prover: self.planned.prover}
        return {
            'classes': {name: identity for name, identity in used.items() if name is not None},
            'claim': claim.label,
            'kompiled': str(claim.kompiled),
            'service': self.planned.service,
            'main_module': self.planned.main_module,
            'semantics': claim.options.semantics,
        }

    def prepare_fields(self, store: Path) -> dict[str, Any]:
        """What a worker needs to turn the claim into its initial proof, or to commit its first steps again.

        Args:
            store: Where its journal and its dependencies are.
        """
        claim = self.planned.claim
        return {
            'spec': str(claim.spec),
            'bmc_depth': claim.options.bmc_depth,
            'optimize_kcfg': claim.options.optimize_kcfg,
            'refute': claim.options.refute,
            'lemmas': [str(path) for path in claim.options.lemmas],
            'trusted': claim.admitted,
            'direct_subproof_rules': claim.options.direct_subproof_rules,
            'dependencies': list(self.planned.dependencies),
            'prover': claim.options.prover,
            'digest': self.digest,
            'commits': self.sequence,
            'store': str(store),
        }

    def blob_rows(self, request: StepRequest) -> dict[str, str]:
        """The rows of the store whose blobs go with a step, by the blobs' names."""
        if self.is_equality:
            return {'proof': ledger.proof_row(self.digest)}
        if self.frontier is not None:
            return {'proof': ledger.proof_row(self.digest)} | {term: ledger.term_row(term) for term in request.terms}
        return {term: ledger.term_row(term) for term in request.terms}

    def diagnosis(self, node: int) -> StepRequest:
        """The explanation to be found for a failing node."""
        assert self.index is not None
        failing, reason = self.index.nodes[node], self.index.failing_reason(node)
        fields, _ = self._reachability_fields(node)
        target = self.index.nodes[TARGET].term
        key = diagnosis_key(
            definition=self.planned.definition,
            main_module=self.planned.main_module,
            backend=self.backend,
            semantics=self.planned.semantics,
            lemma_module=fields['lemma_module'],
            assume_defined=fields['assume_defined'],
            universals=fields['universals'],
            node=failing.term,
            target=target,
            failing=reason,
        )
        return StepRequest(
            node=node,
            key=key,
            family=key,
            kin='',
            fields={**fields, 'failing': reason},
            terms=(failing.term, target),
        )

    @property
    def undiagnosed(self) -> list[int]:
        """Failing nodes that have still to be explained."""
        failing = self.index.failing if self.index is not None else ()
        return [node for node in failing[:EXPLAINED_NODES] if node not in self.diagnoses]

    def failure(self, node: int) -> Failure:
        """What is known of a failing node."""
        assert self.index is not None
        diagnosis = self.diagnoses.get(node, {})
        explanation = diagnosis.get('explanation', '')
        if self.planned.claim.options.refute:
            split = self.index.split_before(node)
            explanation += f'\n{UNSPLIT if split is None else NOT_REFUTED}'
        return Failure(
            node=node,
            reason=self.index.failing_reason(node),
            explanation=explanation,
            path_condition=self.index.path_condition(node),
            configuration=diagnosis.get('configuration', ''),
            target=diagnosis.get('target', ''),
            model=diagnosis.get('model'),
        )

    def progress(self) -> tuple[ClaimProgress, ...]:
        """The state of the proof, once for every claim that it decides."""
        nodes, pending, failing, bounded = self.counts
        left = self.expected.left(self.steps) if self.expected is not None and not self.settled else None
        return tuple(
            ClaimProgress(
                claim=claim.name,
                suite=claim.suite,
                label=claim.label,
                status=self.status,
                phase=self.phase,
                steps=self.steps,
                nodes=nodes,
                pending=pending,
                failing=failing,
                bounded=bounded,
                requests=self.requests,
                reused=self.reused,
                seconds=self.seconds,
                reason=self.reason,
                failures=self.failures,
                admitted=self.status is Status.PASSED and self.admitted,
                imported=self.status is Status.PASSED and self.unmade,
                vacuous=self.vacuous,
                rewrites=self.rewrites,
                depth=self.depth,
                left=left,
                proof=self.digest,
            )
            for claim in self.planned.claims
        )

    def _key(self, request: Mapping[str, Any]) -> str:
        return step_key(
            definition=self.planned.definition,
            main_module=self.planned.main_module,
            backend=self.backend,
            semantics=self.planned.semantics,
            request=request,
        )

    def _equality_fields(self) -> tuple[dict[str, Any], tuple[str, ...]]:
        assert self.prepared is not None
        fields = {
            'mode': 'equality',
            'proof': self.prepared['proof'],
            'modules': list(self.prepared['modules']),
            'lemma_module': self.prepared.get('lemma_module'),
            'assume_defined': self.planned.claim.options.assume_defined,
        }
        return fields, ()

    def _foreign_fields(self, step: str) -> tuple[dict[str, Any], tuple[str, ...]]:
        assert self.prepared is not None
        options = self.planned.claim.options
        fields = {
            'mode': FOREIGN,
            'prover': options.prover,
            'prover_sources': self.planned.prover,
            'proof': self.prepared['proof'],
            'step': step,
            'modules': list(self.prepared['modules']),
            'lemma_module': self.prepared.get('lemma_module'),
        }
        return fields, (step,)

    def _refutation_fields(self, node_id: int) -> tuple[dict[str, Any], tuple[str, ...]]:
        assert self.prepared is not None
        assert self.index is not None
        split = self.index.split_before(node_id)
        assert split is not None, f'node {node_id} is behind no split'
        source, branch = (node.term for node in split)
        fields = {
            'mode': 'refutation',
            'modules': list(self.prepared['modules']),
            'lemma_module': self.prepared.get('lemma_module'),
            'assume_defined': self.planned.claim.options.assume_defined,
            'source': source,
            'branch': branch,
        }
        return fields, (source, branch)

    def _reachability_fields(self, node_id: int) -> tuple[dict[str, Any], tuple[str, ...]]:
        assert self.prepared is not None
        assert self.index is not None
        options = self.planned.claim.options
        prepared = self.prepared
        node = self.index.nodes[node_id]
        target = self.index.nodes[TARGET].term
        nonzero_depth = self.index.nonzero_depth(node_id)
        circular = prepared['circularity'] and nonzero_depth
        path = self.index.loop_path(node_id) if options.bmc_depth is not None else ()
        loops = self.index.prior_loops(path)
        fields = {
            'mode': 'reachability',
            'modules': list(prepared['modules']),
            'module': prepared['circularities_module'] if circular else prepared['dependencies_module'],
            'lemma_module': prepared.get('lemma_module'),
            # pyk makes the first step of a circularity one rewrite long, whatever depth is asked for
            'execute_depth': 1 if prepared['circularity'] and not nonzero_depth else self.step_size.depth(node_id),
            'cut_point_rules': sorted(options.cut_point_rules),
            'terminal_rules': sorted(options.terminal_rules),
            'assume_defined': options.assume_defined,
            'fast_check_subsumption': options.fast_check_subsumption,
            'bmc_depth': options.bmc_depth,
            'universals': prepared['universals'],
            'initial': node_id == INIT,
            'circularity': prepared['circularity'],
            'nonzero_depth': nonzero_depth,
            'circularity_rule': prepared['circularity_rule'],
            'use_cache': self.index.uses_cache(node_id),
            'node': node.term,
            'target': target,
            'path': [ancestor.term for ancestor in path],
            'prior_loops': {str(position): list(seen) for position, seen in loops.items()},
        }
        return fields, tuple(dict.fromkeys((node.term, target, *(ancestor.term for ancestor in path))))


def initial_depth(run: ProofRun, node: int) -> int:
    """Rewrite steps between the initial node and `node`; 0 where there is no graph."""
    here = run.index.nodes.get(node) if run.index is not None else None
    return here.depth if here is not None else 0
