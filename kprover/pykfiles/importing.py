"""A proof folder of pyk as the start of a claim's proof.

What another tool has made is not evidence here: no server of this run has seen it. So only the inner steps of the
graph are taken over, those that lead from one state to others. Every end of a branch (covered, stuck, vacuous,
terminal, bounded, refuted) is decided again, as is everything that pyk's `KCFG.extend` would not have made in this
place. The steps taken over lie in the store under keys of their own (`keys.imported_step_key`), so no other claim
reuses them; and the verdict says how many there are. `kprover audit` re-executes them.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyk.kast.prelude.ml import mlAnd
from pyk.kcfg.kcfg import Abstract, Branch, NDBranch, Step
from pyk.proof.reachability import APRProofExtendResult

from ..engine import ledger
from ..engine.index import INIT, TARGET, ProofIndex
from ..keys import imported_step_key
from ..proofs.codec import TermCache, pack
from ..proofs.errors import BackendError
from ..proofs.results import FORMAT, write_results
from ..proofs.steps import refuse_capture
from .errors import PykFilesError
from .folder import read_graph

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from pyk.cterm.cterm import CTerm
    from pyk.kcfg.kcfg import KCFG, KCFGExtendResult

    from ..engine.proof_run import ProofRun
    from ..proofs.sources import Definition
    from ..store import CheckpointStore
    from .folder import Graph


class _NotTaken(Exception):
    """What follows a node cannot be taken over; the message says why."""


@dataclass(frozen=True)
class _Taken:
    """What follows a node: the extension as pyk would have it, and the ids that its new nodes have in the folder."""

    extension: KCFGExtendResult
    nodes: tuple[int, ...]


@dataclass(frozen=True)
class Imported:
    """What became of a proof folder.

    Attributes:
        steps: Steps taken over.
        nodes: Nodes of the graph that is now the claim's, the initial node and the target included.
        pending: Nodes that are to be proved from.
        left: Why what followed a pending node in the folder was left behind: reasons with the numbers of nodes.
    """

    steps: int
    nodes: int
    pending: int
    left: Mapping[str, int]


def import_proof(
    store: CheckpointStore,
    proof: ProofRun,
    prepared: dict[str, Any],
    blobs: Mapping[str, bytes],
    folder: Path,
    definition: Definition,
) -> Imported:
    """Make the proof folder of a claim the start of its proof; durable with the next commit of the store.

    Args:
        proof: The claim's proof, not opened.
        prepared: The answer to its `prepare`, with its terms and modules as `blobs`.
        folder: The proof's own folder, or the one above it.

    Raises:
        PykFilesError: there is no proof of the claim in the folder, or a symbol in it is not of the definition.
    """
    claim = proof.planned.claim
    if prepared['kind'] != 'reachability':
        raise PykFilesError(f'{claim.name}: an equality has one step and no graph to take over; prove it as it is')
    if prepared['admitted']:
        raise PykFilesError(f'{claim.name}: is trusted, so it has no proof to import')
    graph = read_graph(folder, claim.label)
    taken = _TakeOver(graph, prepared, definition)
    taken.check_ends(claim.name)
    taken.run(str(graph.path))
    ledger.forget_proof(store, proof.digest)
    ledger.write_prepared(store, proof.digest, prepared, blobs)
    for term, blob in taken.blobs.items():
        if not store.contains(ledger.term_row(term)):
            store.put(ledger.term_row(term), {}, blob)
    for number, (node, key, header, detail) in enumerate(taken.steps):
        store.put(ledger.step_row(key), header, detail)
        store.put(ledger.journal_row(proof.digest, number), {'node': node, 'step': key})
    nodes, pending, _, _ = taken.index.counts
    return Imported(len(taken.steps), nodes, pending, dict(taken.left))


class _TakeOver:
    """The steps of a graph, one after the other, in the order in which pyk numbered the nodes.

    Attributes:
        steps: Node, key, header and detail of each step.
        blobs: The terms of the new nodes by hash.
        left: Why something was left behind, with the number of nodes.
        index: The graph as it is taken over.
    """

    def __init__(self, graph: Graph, prepared: Mapping[str, Any], definition: Definition):
        self._graph = graph
        self._prepared = prepared
        self._definition = definition
        self._terms = TermCache()
        self._successors = _successors(graph.kcfg)
        self._ids = {graph.init: INIT, graph.target: TARGET}  # of the folder -> here
        self.steps: list[tuple[int, str, dict[str, Any], bytes]] = []
        self.blobs: dict[str, bytes] = {}
        self.left: Counter[str] = Counter()
        self.index = ProofIndex.of(prepared)

    def check_ends(self, claim: str) -> None:
        """Raises `PykFilesError` if the initial or the target node is not the claim's to the letter."""
        for name, node in (('init', self._graph.init), ('target', self._graph.target)):
            cterm = self._graph.kcfg.node(node).cterm
            found, blob = self._terms.encode(cterm)
            if found != self._prepared[name]:
                raise PykFilesError(
                    f'{self._graph.path}: expected the {name} node of {claim} in node {node}, found another state; '
                    'it is the proof of another claim, or of this one before an edit of it or of its definition'
                )
            self.blobs[found] = blob

    def run(self, origin: str) -> None:
        """Take over what can be taken. Raises `PykFilesError` if a term is not one of the definition."""
        ready: list[tuple[int, int, _Taken]] = []  # first new node, node, what follows it; all of the folder
        self._look(self._graph.init, ready)
        while ready:
            _, node, taken = heapq.heappop(ready)
            if any(new in self._ids for new in taken.nodes):
                self.left['it leads back into the graph'] += 1
                continue
            try:
                created = self._take(node, taken, origin)
            except _NotTaken as err:
                self.left[str(err)] += 1
                continue
            self._ids.update(zip(taken.nodes, created, strict=True))
            for new in taken.nodes:
                self._look(new, ready)

    def _look(self, node: int, ready: list[tuple[int, int, _Taken]]) -> None:
        if not self.index.is_pending(self._ids[node]) or node not in self._successors:
            return
        try:
            taken = self._following(node)
        except _NotTaken as err:
            self.left[str(err)] += 1
            return
        if taken is not None:
            heapq.heappush(ready, (min(taken.nodes), node, taken))

    def _following(self, node: int) -> _Taken | None:
        """What follows a node, `None` if that is the end of its branch. Raises `_NotTaken`."""
        kcfg = self._graph.kcfg
        successor = self._successors[node]
        nodes = tuple(target.id for target in successor.targets)
        logs = self._graph.logs.get(nodes[0], ())
        match successor:
            case kcfg.Edge() if successor.depth > 0:
                step = Step(kcfg.node(nodes[0]).cterm, successor.depth, logs, list(successor.rules))
                return _Taken(step, nodes)
            case kcfg.Cover() if self._graph.target in nodes:
                return None
            case kcfg.Cover():
                return _Taken(Abstract(kcfg.node(nodes[0]).cterm), nodes)
            case kcfg.Split():
                known = set(successor.source.cterm.constraints)
                constraints = [
                    mlAnd(c for c in target.cterm.constraints if c not in known) for target in successor.targets
                ]
                return _Taken(Branch(constraints), nodes)
            case kcfg.NDBranch():
                return _Taken(NDBranch([target.cterm for target in successor.targets], logs, successor.rules), nodes)
        raise _NotTaken(f'pyk does not make a {type(successor).__name__} like it in a step')

    def _take(self, node: int, taken: _Taken, origin: str) -> tuple[int, ...]:
        """Write down a step and commit it. Returns the new nodes. Raises `_NotTaken`."""
        cterms = {new: self._graph.kcfg.node(new).cterm for new in taken.nodes}
        for new, cterm in cterms.items():
            self._check_symbols(new, cterm)
        here = self._ids[node]
        result = APRProofExtendResult(
            node_id=here,
            prior_loops_cache_update=self._loops(node),
            optimize_kcfg=False,
            extension_to_apply=taken.extension,
        )
        try:
            written = write_results(
                [result], self._graph.kcfg.node(node).cterm, terms=self._terms, pretty=self._definition.printer.print
            )
            refuse_capture(written.transitions, frozenset(self._prepared['universals']))
        except BackendError as err:
            raise _NotTaken('a fresh variable has the name of a variable of the claim') from err
        except (ValueError, AssertionError) as err:
            raise _NotTaken('pyk cannot make the step again') from err
        wanted = [self._terms.encode(cterms[new])[0] for new in taken.nodes]
        if written.results[0]['extension']['nodes'] != wanted:
            raise _NotTaken('pyk makes other states of it')
        self.blobs.update(written.blobs)
        detail = {'format': FORMAT, 'results': written.details}
        term = self.index.nodes[here].term
        header = {'results': written.results, 'rewrites': written.rewrites, 'imported': origin, 'node': term}
        key = imported_step_key(node=term, origin=origin, results=written.results, detail=detail)
        self.steps.append((here, key, {**header, 'requests': 0, 'seconds': 0.0}, pack(detail)))
        return self.index.commit(here, written.results)

    def _loops(self, node: int) -> tuple[int, ...]:
        """The loop heads seen before a node, as positions in the path of its step."""
        path = {ancestor.id: position for position, ancestor in enumerate(self.index.loop_path(self._ids[node]))}
        seen = (self._ids.get(loop) for loop in self._graph.loops.get(node, ()))
        return tuple(path[loop] for loop in seen if loop in path)

    def _check_symbols(self, node: int, cterm: CTerm) -> None:
        try:
            self._definition.converter.kast_to_kore(cterm.kast)
        except Exception as err:  # pyk's conversion raises whatever it stumbles over
            raise PykFilesError(
                f'{self._graph.path}: node {node}: expected a state of the definition in {self._definition.path}, '
                f'found {type(err).__name__}: {err}; it was made with another definition'
            ) from err


def _successors(kcfg: KCFG) -> dict[int, KCFG.Successor]:
    kinds = (kcfg.edges(), kcfg.merged_edges(), kcfg.covers(), kcfg.splits(), kcfg.ndbranches())
    return {successor.source.id: successor for kind in kinds for successor in kind}
