"""The journal replayed in pyk, and whether that is the graph that the engine has drawn its verdict from.

A stored step says twice what it found: in its header for the engine, in its blob for pyk. Both must lead to the same
nodes with the same terms in the same states.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyk.proof.reachability import APRProof

from ..proofs.codec import TermCache
from ..proofs.errors import StepError
from ..proofs.rebuild import replay
from ..pykfiles.showing import states, status
from ..store import StoreReader
from .model import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ..engine.proof_run import ProofRun


@dataclass(frozen=True)
class GraphNode:
    """A node of pyk's graph with what follows it; see `proofs.instances.Node`.

    Attributes:
        exact: Whether an edge has a depth of its own.
    """

    term: str
    kind: str = ''
    targets: tuple[int, ...] = ()
    depth: int = 0
    exact: bool = True


@dataclass(frozen=True)
class Replay:
    """A proof after pyk has made all commits of its journal.

    Attributes:
        status: `passed`, `failed` or `pending` as pyk has it.
        states: What each node is; empty for an equality.
        odd: Nodes whose term is not the one that the step's header names.
        error: Why the journal cannot be replayed; the rest is empty then.
        graph: The nodes by number.
        ends: The initial and the target node.
    """

    status: str = ''
    states: Mapping[int, str] | None = None
    odd: tuple[int, ...] = ()
    error: str = ''
    graph: Mapping[int, GraphNode] = field(default_factory=dict)
    ends: tuple[int, int] = (0, 0)


def replay_in_pyk(path: Path, digest: str) -> Replay:
    """Replay the journal of a proof in the store at `path`; deep terms need a big stack."""
    try:
        with StoreReader(path) as store:
            replayed = replay(store, digest)
    except StepError as err:
        return Replay(error=str(err))
    proof = replayed.proof
    if not isinstance(proof, APRProof):
        return Replay(proof.own_status.value, {})
    terms = TermCache()
    odd = (node.id for node in proof.kcfg.nodes if terms.encode(node.cterm)[0] != replayed.terms.get(node.id))
    return Replay(
        status(proof),
        states(proof),
        tuple(sorted(odd)),
        graph=_graph(proof, replayed.terms),
        ends=(proof.init, proof.target),
    )


def _graph(proof: APRProof, terms: Mapping[int, str]) -> dict[int, GraphNode]:
    kcfg = proof.kcfg
    found = {node.id: GraphNode(terms[node.id]) for node in kcfg.nodes}

    def follows(node: int, kind: str, targets: tuple[int, ...], depth: int = 0) -> None:
        found[node] = GraphNode(terms[node], kind, targets, depth)

    for node in kcfg.nodes:
        if kcfg.is_vacuous(node.id):
            follows(node.id, 'vacuous', ())
        elif node.id in proof.node_refutations:
            follows(node.id, 'refuted', ())
    for edge in kcfg.edges():
        follows(edge.source.id, 'edge', (edge.target.id,), edge.depth)
    for split in kcfg.splits():
        follows(split.source.id, 'split', tuple(target.id for target in split.targets))
    for branch in kcfg.ndbranches():
        follows(branch.source.id, 'ndbranch', tuple(target.id for target in branch.targets), 1)
    for cover in kcfg.covers():
        follows(cover.source.id, 'cover', (cover.target.id,))
    return found


def compare(replayed: Replay, proof: ProofRun) -> list[Finding]:
    """Where pyk's graph is not the engine's."""
    if replayed.error:
        return [Finding('journal', f'pyk cannot make its commits: {replayed.error}')]
    findings = [Finding(f'node {node}', 'the step before it names another term than it has') for node in replayed.odd]
    if proof.index is None:
        return findings
    ours = {number: node.state.value for number, node in proof.index.nodes.items()}
    theirs = dict(replayed.states or {})
    for node in sorted(ours.keys() | theirs.keys()):
        here, there = ours.get(node, 'absent'), theirs.get(node, 'absent')
        if here != there:
            findings.append(Finding(f'node {node}', f'is {here} by the headers of the steps and {there} in pyk'))
    return findings
