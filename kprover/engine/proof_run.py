"""The state of one proof in a run: prepared terms and modules, index, counters, and what its next steps ask for.

Owned by the engine's thread. Building a step's request is pure: `StepRequest` holds every field that reaches the
prover, and its key is made of these fields alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..keys import diagnosis_key, step_key
from . import ledger
from .index import INIT, TARGET, ProofIndex
from .values import ClaimProgress, Failure, Phase, Status

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from .depths import StepSize
    from .plan import PlannedProof

EQUALITY_NODE = 0
"""The number under which the single step of an equality proof is journaled; it has no graph."""


@dataclass(frozen=True)
class StepRequest:
    """One step to be made: the fields for the prover, the terms it needs, and its key in the store.

    `family` is the key without the execute depth: a step of any depth is a step of the proof.
    """

    node: int
    key: str
    family: str
    fields: Mapping[str, Any]
    terms: tuple[str, ...]


@dataclass
class ProofRun:
    """One proof while it is being made.

    Attributes:
        prepared: The answer of `prepare`, once there.
        index: The graph, for a reachability proof.
        sequence: Number of commits in the journal.
        waiting_for: Proofs that must pass before this one starts.
        set_aside: Nodes that no step will be made from in this run, with the status and the reason.
        step_size: The execute depth of the next steps.
        started: When its first step became ready, by the monotonic clock.
        diagnosing: Failing nodes whose explanation is still awaited.
    """

    planned: PlannedProof
    backend: str
    waiting_for: set[str]
    step_size: StepSize
    prepared: dict[str, Any] | None = None
    index: ProofIndex | None = None
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
        else:
            pending = ()
        return tuple(node for node in pending if node not in self.set_aside)

    @property
    def exhausted(self) -> bool:
        """Whether no step is left to be made in this run. Constant time."""
        if self.is_equality:
            return self.equality is not None or EQUALITY_NODE in self.set_aside
        return self.index is not None and self.index.counts[1] == len(self.set_aside)

    def open(self, prepared: dict[str, Any]) -> None:
        """Take the prepared proof; the graph starts with its initial node and target."""
        self.prepared = prepared
        self.sequence = self.steps = 0
        self.equality = None
        self.set_aside.clear()
        if prepared['kind'] == 'reachability':
            self.index = ProofIndex(
                prepared['init'],
                prepared['target'],
                init_terminal=prepared['init_terminal'],
                target_terminal=prepared['target_terminal'],
            )

    def is_pending(self, node: int) -> bool:
        if self.is_equality:
            return node == EQUALITY_NODE and self.equality is None
        return self.index is not None and self.index.is_pending(node)

    def commit(self, node: int, header: Mapping[str, Any]) -> tuple[int, ...]:
        """Apply a finished step. Returns the nodes that are now pending."""
        self.steps += 1
        self.sequence += 1
        if self.is_equality:
            self.equality = header
            return ()
        assert self.index is not None
        return self.index.commit(node, header['results'])

    def request(self, node: int) -> StepRequest:
        """The step to be made from `node`."""
        assert self.prepared is not None
        fields, terms = self._equality_fields() if self.is_equality else self._reachability_fields(node)
        family = {name: value for name, value in fields.items() if name != 'execute_depth'}
        return StepRequest(node=node, key=self._key(fields), family=self._key(family), fields=fields, terms=terms)

    def task_fields(self) -> dict[str, Any]:
        """What every task of this proof says of where it belongs; none of it is part of a key."""
        claim = self.planned.claim
        return {
            'claim': claim.label,
            'kompiled': str(claim.kompiled),
            'main_module': self.planned.main_module,
            'semantics': claim.options.semantics,
        }

    def prepare_fields(self, store: Path) -> dict[str, Any]:
        """What a worker needs to turn the claim into its initial proof; `store` is where its dependencies are."""
        claim = self.planned.claim
        return {
            'spec': str(claim.spec),
            'bmc_depth': claim.options.bmc_depth,
            'lemmas': [str(path) for path in claim.options.lemmas],
            'trusted': claim.admitted,
            'direct_subproof_rules': claim.options.direct_subproof_rules,
            'dependencies': list(self.planned.dependencies),
            'store': str(store),
        }

    def blob_rows(self, request: StepRequest) -> dict[str, str]:
        """The rows of the store whose blobs go with a step, by the blobs' names."""
        if self.is_equality:
            return {'proof': ledger.proof_row(self.digest)}
        return {term: ledger.term_row(term) for term in request.terms}

    def diagnosis(self, node: int) -> StepRequest:
        """The explanation to be found for a failing node."""
        assert self.index is not None
        failing = self.index.nodes[node]
        fields, _ = self._reachability_fields(node)
        target = self.index.nodes[TARGET].term
        key = diagnosis_key(
            definition=self.planned.definition,
            backend=self.backend,
            node=failing.term,
            target=target,
            failing=failing.state.value,
        )
        return StepRequest(
            node=node,
            key=key,
            family=key,
            fields={**fields, 'failing': failing.state.value},
            terms=(failing.term, target),
        )

    def failure(self, node: int) -> Failure:
        """What is known of a failing node."""
        assert self.index is not None
        diagnosis = self.diagnoses.get(node, {})
        return Failure(
            node=node,
            reason=self.index.nodes[node].state.value,
            explanation=diagnosis.get('explanation', ''),
            path_condition=self.index.path_condition(node),
            configuration=diagnosis.get('configuration', ''),
            target=diagnosis.get('target', ''),
            model=diagnosis.get('model'),
        )

    def progress(self) -> tuple[ClaimProgress, ...]:
        """The state of the proof, once for every claim that it decides."""
        nodes, pending, failing, bounded = self.counts
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
    if run.index is None or node < INIT:
        return 0
    return run.index.nodes[node].depth
