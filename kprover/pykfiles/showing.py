"""A proof of the store for people: pyk's own texts and graphs of it, and a summary for programs.

Which node is pending, failing or bounded is found once for the whole graph (`proofs.rebuild.leaves`): pyk's properties
look through all of it for every node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphviz import Digraph  # type: ignore[import-untyped]
from pyk.cterm.show import CTermShow
from pyk.kcfg.show import KCFGShow, NodePrinter
from pyk.proof.reachability import APRProof

from ..proofs.rebuild import leaves
from ..proofs.results import readable
from .errors import PykFilesError

if TYPE_CHECKING:
    from typing import Any

    from pyk.kcfg.kcfg import KCFG
    from pyk.proof.implies import EqualityProof

    from ..proofs.rebuild import Replayed
    from ..proofs.sources import Definition


class ProofPrinter(NodePrinter):
    """pyk's line for a node, with what it is in the proof: as `APRProofNodePrinter`, in constant time for a node."""

    def __init__(self, proof: APRProof, definition: Definition):
        super().__init__(CTermShow(definition.printer.print))
        self._proof = proof
        self._states = states(proof)
        self._roots = {node.id for node in proof.kcfg.nodes} - _targets(proof.kcfg)

    def node_attrs(self, kcfg: KCFG, node: KCFG.Node) -> list[str]:
        attrs = ['root'] if node.id in self._roots else []
        attrs += [name for name in ('init', 'target') if node.id == getattr(self._proof, name)]
        state = self._states[node.id]
        attrs += [state] if state not in ('target', 'expanded', 'covered') else []
        if self._proof.is_terminal(node.id) and state != 'terminal':
            attrs.append('terminal')
        return attrs


def states(proof: APRProof) -> dict[int, str]:
    """What each node is: `pending`, `expanded`, `covered`, `stuck`, `terminal`, `vacuous`, `bounded` or `target`.

    A `stuck` or `terminal` node fails the proof.
    """
    kcfg = proof.kcfg
    ends = leaves(proof)
    found = {node.id: 'expanded' for node in kcfg.nodes}
    found |= {node.id: 'vacuous' for node in kcfg.nodes if kcfg.is_vacuous(node.id)}
    found |= {cover.source.id: 'covered' for cover in kcfg.covers(target_id=proof.target)}
    found |= dict.fromkeys(ends.pending, 'pending') | dict.fromkeys(ends.bounded, 'bounded')
    found |= {node: 'terminal' if proof.is_terminal(node) else 'stuck' for node in ends.failing}
    found |= dict.fromkeys(proof.node_refutations, 'refuted')
    found[proof.target] = 'target'
    return found


def as_text(replayed: Replayed, definition: Definition) -> str:
    """The graph as pyk draws it; for an equality its two sides."""
    proof = replayed.proof
    if not isinstance(proof, APRProof):
        return _equality_text(proof, definition)
    show = KCFGShow(definition.kast, node_printer=ProofPrinter(proof, definition))
    lines = [line.rstrip() for line in show.pretty(proof.kcfg)]
    return '\n'.join(lines).strip('\n')


def as_dot(replayed: Replayed, definition: Definition) -> str:
    """The graph in the language of Graphviz. Raises `PykFilesError` for an equality.

    As `APRProofShow.dot` draws it, whose numbers for names the graphviz package does not take.
    """
    proof = reachability(replayed)
    printer = ProofPrinter(proof, definition)
    found = states(proof)
    graph = Digraph()
    for node in proof.kcfg.nodes:
        attrs = ' '.join(printer.node_attrs(proof.kcfg, node))
        label = '\n'.join(printer.print_node(proof.kcfg, node))
        graph.node(str(node.id), label, _attributes={'class': attrs} if attrs else {})
        if (state := found[node.id]) in ('pending', 'stuck', 'terminal'):
            label = '???' if state == 'pending' else 'false'
            graph.edge(str(node.id), str(proof.target), label, _attributes={'class': 'target'})
    for successor in _successors_json(proof, definition):
        notes = {
            'edge': [f'{successor.get("depth")} steps'],
            'split': ['\n'.join(conditions) for conditions in successor.get('conditions', ())],
            'ndbranch': ['1 step'] * len(successor['targets']),
            'cover': ['\n'.join(f'{name} |-> {value}' for name, value in successor.get('subst', {}).items())],
        }[successor['kind']]
        attrs_of = {'class': 'abstraction', 'style': 'dashed'} if successor['kind'] == 'cover' else {}
        for target, note in zip(successor['targets'], notes, strict=True):
            graph.edge(str(successor['source']), str(target), note, _attributes=attrs_of)
    source: str = graph.source
    return source


def as_json(replayed: Replayed, definition: Definition) -> dict[str, Any]:
    """The shape of the graph without its terms; for an equality its two sides."""
    proof = replayed.proof
    if not isinstance(proof, APRProof):
        entry = {'claim': replayed.claim, 'kind': 'equality', 'status': proof.own_status.value}
        return {**entry, **_sides(proof, definition)}
    found = states(proof)
    return {
        'claim': replayed.claim,
        'kind': 'reachability',
        'status': status(proof),
        'init': proof.init,
        'target': proof.target,
        'circularity': proof.circularity,
        'admitted': proof.admitted,
        'bmc_depth': proof.bmc_depth,
        'nodes': [
            {'id': node, 'state': state, 'depth': replayed.depths.get(node), 'term': replayed.terms[node]}
            for node, state in sorted(found.items())
        ],
        'successors': _successors_json(proof, definition),
    }


def node_json(replayed: Replayed, definition: Definition, node_id: int) -> dict[str, Any]:
    """A node with its configuration and conditions, readable. Raises `PykFilesError` if there is no such node."""
    proof = reachability(replayed)
    node = proof.kcfg.get_node(node_id)
    if node is None:
        known = sorted(node.id for node in proof.kcfg.nodes)
        raise PykFilesError(f'{replayed.claim}: expected a node from {known[0]} to {known[-1]}, found {node_id}')
    pretty = definition.printer.print
    return {
        'id': node_id,
        'state': states(proof)[node_id],
        'depth': replayed.depths.get(node_id),
        'path_condition': _path_condition(proof, node_id, definition),
        'configuration': '\n'.join(line.rstrip() for line in CTermShow(pretty).show_config(node.cterm)),
        'constraints': [readable(constraint, pretty) for constraint in node.cterm.constraints],
    }


def node_text(node: dict[str, Any]) -> str:
    """What `node_json` gives, as lines."""
    depth = '' if node['depth'] is None else f', {node["depth"]} rewrite steps from the initial node'
    lines = [f'node {node["id"]}: {node["state"]}{depth}', '', node['configuration']]
    for title, conditions in (('path condition', node['path_condition']), ('constraints', node['constraints'])):
        lines += ['', f'{title}:', *(f'  {condition}' for condition in conditions)] if conditions else []
    return '\n'.join(lines)


def reachability(replayed: Replayed) -> APRProof:
    """The proof, which must have a graph. Raises `PykFilesError`."""
    if isinstance(replayed.proof, APRProof):
        return replayed.proof
    raise PykFilesError(f'{replayed.claim}: is an equality, whose proof has no graph; show it as text or json')


def status(proof: APRProof) -> str:
    """`passed`, `failed` or `pending`, as pyk has it."""
    ends = leaves(proof)
    if proof.admitted or not (ends.failing or ends.pending):
        return 'passed'
    return 'failed' if ends.failing else 'pending'


def _successors_json(proof: APRProof, definition: Definition) -> list[dict[str, Any]]:
    """Edges, splits, non-deterministic branches and covers, in the order of their sources."""
    kcfg = proof.kcfg
    pretty = definition.printer.print
    edges: list[dict[str, Any]] = []
    for edge in kcfg.edges():
        fields = {'source': edge.source.id, 'targets': [edge.target.id]}
        edges.append({'kind': 'edge', **fields, 'depth': edge.depth, 'rules': list(edge.rules)})
    for split in kcfg.splits():
        conditions = [[readable(c, pretty) for c in csubst.constraints] for csubst in split.splits.values()]
        fields = {'source': split.source.id, 'targets': [target.id for target in split.targets]}
        edges.append({'kind': 'split', **fields, 'conditions': conditions})
    for branch in kcfg.ndbranches():
        fields = {'source': branch.source.id, 'targets': [target.id for target in branch.targets]}
        edges.append({'kind': 'ndbranch', **fields, 'rules': list(branch.rules)})
    for cover in kcfg.covers():
        subst = {name: pretty(value) for name, value in cover.csubst.subst.minimize().items()}
        fields = {'source': cover.source.id, 'targets': [cover.target.id]}
        edges.append({'kind': 'cover', **fields, 'subst': subst})
    return sorted(edges, key=lambda edge: int(edge['source']))


def _path_condition(proof: APRProof, node_id: int, definition: Definition) -> list[str]:
    """The conditions of the splits between the initial node and this one, first to last."""
    kcfg = proof.kcfg
    before = {target.id: successor for successor in _inner(kcfg) for target in successor.targets}
    conditions: list[str] = []
    here = node_id
    while here != proof.init and (successor := before.get(here)) is not None:
        if isinstance(successor, kcfg.Split):
            csubst = successor.splits[here]
            conditions[:0] = [readable(c, definition.printer.print) for c in csubst.constraints]
        here = successor.source.id
    return conditions


def _inner(kcfg: KCFG) -> list[KCFG.Successor]:
    return [*kcfg.edges(), *kcfg.merged_edges(), *kcfg.splits(), *kcfg.ndbranches()]


def _targets(kcfg: KCFG) -> set[int]:
    return {target.id for successor in [*_inner(kcfg), *kcfg.covers()] for target in successor.targets}


def _sides(proof: EqualityProof, definition: Definition) -> dict[str, Any]:
    pretty = definition.printer.print
    return {
        'left': pretty(proof.lhs_body),
        'right': pretty(proof.rhs_body),
        'conditions': [readable(constraint, pretty) for constraint in proof.constraints],
    }


def _equality_text(proof: EqualityProof, definition: Definition) -> str:
    sides = _sides(proof, definition)
    lines = [f'{proof.own_status.value}:', f'  {sides["left"]}', '  =', f'  {sides["right"]}']
    lines += [f'  if {condition}' for condition in sides['conditions']]
    simplified = (('condition', proof.simplified_antecedent), ('equality', proof.simplified_consequent))
    lines += [f'simplified {name}: {readable(term, definition.printer.print)}' for name, term in simplified if term]
    return '\n'.join(lines)
