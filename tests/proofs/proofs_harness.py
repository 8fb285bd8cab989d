"""Drives a proof through `Session` as the engine does, with a store on disk and a small index; and pyk beside it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyk.kcfg.kcfg import KCFG
from pyk.proof.reachability import APRProof

from kprover.proofs.codec import TermCache, content_id, unpack_text
from kprover.proofs.errors import StepError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyk.cterm.cterm import CTerm

    from kprover.proofs.session import Session
    from kprover.store import CheckpointStore

IMP = Path(__file__).resolve().parents[2] / 'examples' / 'imp'
KOMPILED = IMP / 'kompiled'
MAIN_MODULE = (KOMPILED / 'mainModule.txt').read_text().strip()
SEMANTICS = 'examples.imp.semantics:ImpSemantics'


@dataclass(frozen=True)
class Options:
    """The options of a claim, as a suite would give them."""

    execute_depth: int | None = 100
    bmc_depth: int | None = None
    semantics: str | None = SEMANTICS
    lemmas: tuple[str, ...] = ()
    trusted: bool = False
    cut_point_rules: tuple[str, ...] = ()
    terminal_rules: tuple[str, ...] = ()
    assume_defined: bool = False
    fast_check_subsumption: bool = False
    direct_subproof_rules: bool = False
    optimize_kcfg: bool = False
    refute: bool = False
    dependencies: tuple[str, ...] = ()


def spec_of(label: str) -> Path:
    """The example spec with this claim."""
    for path in sorted((IMP / 'specs').glob('*.json')):
        for module in json.loads(path.read_bytes())['term']['term']:
            for sentence in module['localSentences']:
                if sentence['att']['att'].get('label') == label:
                    return path
    raise AssertionError(f'no example claim {label}')


def checked(answer: tuple[dict[str, Any], dict[str, bytes]]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """An answer that must not be an error."""
    header, blobs = answer
    if 'error' in header:
        raise StepError(f'{header["error"]["class"]}: {header["error"]["message"]}\n{header["error"]["traceback"]}')
    return header, blobs


def prepare(
    session: Session, store: CheckpointStore, label: str, options: Options, spec: Path | None = None
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The answer to a prepare task, errors included."""
    header = {
        'kompiled': str(KOMPILED),
        'main_module': MAIN_MODULE,
        'claim': label,
        'spec': str(spec if spec is not None else spec_of(label)),
        'lemmas': list(options.lemmas),
        'trusted': options.trusted,
        'bmc_depth': options.bmc_depth,
        'semantics': options.semantics,
        'direct_subproof_rules': options.direct_subproof_rules,
        'optimize_kcfg': options.optimize_kcfg,
        'refute': options.refute,
        'dependencies': list(options.dependencies),
        'store': str(store.path),
    }
    return session.run('prepare', json.loads(json.dumps(header)), {})


@dataclass
class Node:
    parent: int | None
    term: str
    depth: int
    made_by: str = ''


@dataclass
class Index:
    """Which nodes there are and which are pending: what an engine keeps of a proof, in its simplest form."""

    nodes: dict[int, Node]
    pending: set[int] = field(default_factory=lambda: {1})
    failing: set[int] = field(default_factory=set)
    bounded: set[int] = field(default_factory=set)
    cached: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    loops: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def path(self, node_id: int) -> list[int]:
        found, here = [], self.nodes[node_id]
        node = here
        while node.parent is not None:
            if self.nodes[node.parent].depth != here.depth:
                found.append(node.parent)
            node = self.nodes[node.parent]
        return found

    def commit(self, node_id: int, results: Sequence[Mapping[str, Any]]) -> None:
        path = self.path(node_id)
        self.pending.remove(node_id)
        for result in results:
            self.loops[node_id] = tuple(path[position] for position in result['prior_loops'])
            self.failing.discard(node_id)
            if result['kind'] == 'terminal':
                self.failing.add(node_id)
            elif result['kind'] == 'bounded':
                self.bounded.add(node_id)
            elif result['kind'] == 'use-cache':
                parent = self.nodes[node_id].parent
                assert parent is not None
                self.extend(node_id, self.cached.pop(parent))
            elif result['kind'] == 'extend':
                if result['to_cache'] is not None:
                    self.cached[node_id] = result['to_cache']
                self.extend(node_id, result['extension'])

    def extend(self, node_id: int, extension: Mapping[str, Any]) -> None:
        if extension['kind'] == 'stuck':
            self.failing.add(node_id)
        distance = {'step': extension.get('depth', 0), 'ndbranch': 1}.get(extension['kind'], 0)
        for term in extension.get('nodes', ()):
            new = len(self.nodes) + 1
            depth = self.nodes[node_id].depth + distance
            self.nodes[new] = Node(node_id, term, depth, extension['kind'])
            self.pending.add(new)


@dataclass(frozen=True)
class Driven:
    """A proof driven to its end: `status` is `passed`, `failed` or `pending` (stopped at the limit of steps)."""

    digest: str
    prepared: Mapping[str, Any]
    status: str
    requests: int
    index: Index | None
    answers: tuple[Mapping[str, Any], ...]


def drive(
    session: Session,
    store: CheckpointStore,
    label: str,
    options: Options = Options(),
    *,
    max_steps: int = 200,
    spec: Path | None = None,
) -> Driven:
    """Prove a claim step by step, in the order in which pyk's sequential `advance_proof` does it."""
    prepared, blobs = checked(prepare(session, store, label, options, spec))
    digest = hashlib.sha256(json.dumps([label, repr(options), str(spec)]).encode()).hexdigest()
    for name, blob in blobs.items():
        if name != 'proof':
            store.put(name if name.startswith('module:') else f'term:{name}', {}, blob)
    store.put(f'proof:{digest}', {**prepared, 'claim': f'imp/{label}'}, blobs.get('proof', b''))
    store.commit()
    add_modules(session, store, prepared)
    if prepared['kind'] == 'equality':
        return _drive_equality(session, store, digest, prepared, blobs['proof'], options)

    index = Index({1: Node(None, prepared['init'], 0), 2: Node(None, prepared['target'], 0)})
    answers: list[Mapping[str, Any]] = []
    while index.pending and len(answers) < max_steps:
        batch = [(node_id, step_header(index, node_id, prepared, options)) for node_id in sorted(index.pending)]
        for node_id, header in batch[: max_steps - len(answers)]:
            answer = _run_step(session, store, digest, len(answers), node_id, header)
            answers.append(answer)
            index.commit(node_id, answer['results'])
    for node_id in sorted(index.failing) if options.refute else ():
        header = refutation_header(index, node_id, prepared, options)
        answers.append(_run_step(session, store, digest, len(answers), node_id, header))
        if answers[-1]['results'][0]['passed']:
            index.failing.remove(node_id)
    status = 'failed' if index.failing else 'pending' if index.pending else 'passed'
    if prepared['admitted']:
        status = 'passed'
    return Driven(digest, prepared, status, sum(answer['requests'] for answer in answers), index, tuple(answers))


def step_header(index: Index, node_id: int, prepared: Mapping[str, Any], options: Options) -> dict[str, Any]:
    path = index.path(node_id) if options.bmc_depth is not None else []
    position = {node: i for i, node in enumerate(path)}
    nonzero_depth = index.nodes[node_id].depth > 0
    circular = prepared['circularity'] and nonzero_depth
    node = index.nodes[node_id]
    return {
        'mode': 'reachability',
        'kompiled': str(KOMPILED),
        'main_module': MAIN_MODULE,
        'claim': 'imp',
        'modules': prepared['modules'],
        'module': prepared['circularities_module'] if circular else prepared['dependencies_module'],
        'lemma_module': prepared['lemma_module'],
        'execute_depth': options.execute_depth,
        'cut_point_rules': list(options.cut_point_rules),
        'terminal_rules': list(options.terminal_rules),
        'assume_defined': options.assume_defined,
        'fast_check_subsumption': options.fast_check_subsumption,
        'semantics': options.semantics,
        'bmc_depth': options.bmc_depth,
        'universals': prepared['universals'],
        'circularity': prepared['circularity'],
        'nonzero_depth': nonzero_depth,
        'circularity_rule': prepared['circularity_rule'],
        'use_cache': node.made_by == 'step' and node.parent in index.cached,
        'node': node.term,
        'target': prepared['target'],
        'path': [index.nodes[i].term for i in path],
        'prior_loops': {str(i): [position[n] for n in index.loops[p]] for i, p in enumerate(path)},
    }


def refutation_header(index: Index, node_id: int, prepared: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """The attempt to refute a failing node, behind a split with only edges between."""
    branch = index.nodes[node_id]
    while branch.made_by == 'step':
        assert branch.parent is not None
        branch = index.nodes[branch.parent]
    assert branch.made_by == 'branch'
    assert branch.parent is not None
    return {
        'mode': 'refutation',
        'kompiled': str(KOMPILED),
        'main_module': MAIN_MODULE,
        'claim': 'imp',
        'modules': prepared['modules'],
        'lemma_module': prepared['lemma_module'],
        'semantics': options.semantics,
        'assume_defined': options.assume_defined,
        'source': index.nodes[branch.parent].term,
        'branch': branch.term,
    }


def add_modules(session: Session, store: CheckpointStore, prepared: Mapping[str, Any]) -> None:
    """Add a proof's modules to the server as the pool does: by the text in the store, the name being the id."""
    client = session._take_client(str(KOMPILED))
    for name in prepared['modules']:
        record = store.get(f'module:{name}')
        assert record is not None
        client.connection.request('add-module', **{'module': unpack_text(record.blob), 'name-as-id': True})


def _run_step(
    session: Session, store: CheckpointStore, digest: str, number: int, node_id: int, header: dict[str, Any]
) -> dict[str, Any]:
    terms = {header[name] for name in ('node', 'target', 'source', 'branch') if name in header}
    terms |= {*header.get('path', ())}
    blobs = {}
    for term in terms:
        record = store.get(f'term:{term}')
        assert record is not None
        blobs[term] = record.blob
    answer, new = checked(session.run('step', json.loads(json.dumps(header)), blobs))
    key = hashlib.sha256(json.dumps([digest, number]).encode()).hexdigest()
    for name, blob in new.items():
        if name != 'detail':
            store.put(f'term:{name}', {}, blob)
    store.put(f'step:{key}', answer, new['detail'])
    store.put(f'journal:{digest}:{number:08d}', {'node': node_id, 'step': key})
    store.commit()
    return answer


def _drive_equality(
    session: Session,
    store: CheckpointStore,
    digest: str,
    prepared: Mapping[str, Any],
    proof: bytes,
    options: Options,
) -> Driven:
    header = {
        'mode': 'equality',
        'kompiled': str(KOMPILED),
        'main_module': MAIN_MODULE,
        'claim': 'imp',
        'proof': prepared['proof'],
        'modules': prepared['modules'],
        'lemma_module': prepared['lemma_module'],
        'semantics': options.semantics,
    }
    answer, new = checked(session.run('step', header, {'proof': proof}))
    store.put(f'step:{digest}', answer, new['detail'])
    store.put(f'journal:{digest}:{0:08d}', {'node': 1, 'step': digest})
    store.commit()
    passed = prepared['admitted'] or answer['results'][0]['passed']
    return Driven(digest, prepared, 'passed' if passed else 'failed', answer['requests'], None, (answer,))


def stored_terms(store: CheckpointStore, prepared: Mapping[str, Any]) -> dict[str, CTerm]:
    terms = TermCache()

    def read(term: str) -> bytes | None:
        record = store.get(f'term:{term}')
        return None if record is None else record.blob

    return {term: terms.decode(term, read) for term in (prepared['init'], prepared['target'])}


def pyk_proof(
    prepared: Mapping[str, Any],
    terms: Mapping[str, CTerm],
    proof_dir: Path,
    *,
    bmc_depth: int | None = None,
    dependencies: Sequence[str] = (),
) -> APRProof:
    """pyk's own initial proof of a prepared claim; its id is the content id, so that rule labels are the same."""
    kcfg = KCFG()
    init = kcfg.create_node(terms[prepared['init']])
    target = kcfg.create_node(terms[prepared['target']])
    return APRProof(
        content_id(prepared['init'], prepared['target']),
        kcfg,
        [],
        init.id,
        target.id,
        {},
        bmc_depth=bmc_depth,
        proof_dir=proof_dir,
        subproof_ids=list(dependencies),
        circularity=prepared['circularity'],
        admitted=prepared['admitted'],
    )
