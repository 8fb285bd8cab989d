"""A proof from its journal in the checkpoint store, as pyk's own object.

The journal holds the commits of a proof in their order; replaying them through `Proof.commit` gives the proof that the
same commits gave when it was made: same node numbers, same graph. Rows are read by the names that the engine gives
them: `proof:<digest>`, `term:<hash>`, `step:<key>`, `journal:<digest>:<number>`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyk.kcfg.kcfg import KCFG
from pyk.proof.implies import EqualityProof
from pyk.proof.reachability import APRProof

from .codec import TermCache, canonical, content_id, sha256, unpack
from .errors import InputError, MissingRecord
from .refute import refute
from .results import read_equality_result, read_results

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any, Protocol

    from pyk.cterm.cterm import CTerm

    class StoredRecord(Protocol):
        @property
        def header(self) -> dict[str, Any]: ...

        @property
        def blob(self) -> bytes: ...

    class ReadableStore(Protocol):
        def get(self, key: str, /) -> StoredRecord | None: ...

        def scan(self, prefix: str, /) -> Iterator[tuple[str, StoredRecord]]: ...


@dataclass(frozen=True)
class Replayed:
    """A proof made again.

    Attributes:
        proof: pyk's proof after all commits of the journal.
        terms: The hash of each node's term; empty for an equality proof.
        depths: The distance of each node from the initial one in rewrite steps; the target, which is reached from
            several nodes, has none.
        claim: The claim as the run that made the proof named it.
    """

    proof: APRProof | EqualityProof
    terms: Mapping[int, str]
    depths: Mapping[int, int]
    claim: str


@dataclass(frozen=True)
class Leaves:
    """The leaves of a proof's graph by what they mean for it; see the properties of `APRProof` of the same names."""

    pending: tuple[int, ...]
    failing: tuple[int, ...]
    bounded: tuple[int, ...]


def rebuild(
    store: ReadableStore,
    proof_digest: str,
    *,
    id: str | None = None,
    proof_dir: Path | None = None,
) -> APRProof | EqualityProof:
    """The proof with this digest as it is after the commits in the store's journal.

    Args:
        id: The proof's id, by default made of its initial and target terms.
        proof_dir: Where pyk may write the proof; nothing is written here.

    Raises:
        MissingRecord: a row is missing or damaged, or does not fit the others.
        InputError: it is the proof of a user's own kind.
    """
    return replay(store, proof_digest, id=id, proof_dir=proof_dir).proof


def replay(
    store: ReadableStore, proof_digest: str, *, id: str | None = None, proof_dir: Path | None = None
) -> Replayed:
    """See `rebuild`."""
    record = stored(store, f'proof:{proof_digest}')
    header = record.header
    claim = str(header.get('claim', proof_digest))
    if header['kind'] == 'equality':
        return Replayed(_replay_equality(store, proof_digest, record, id, proof_dir), {}, {}, claim)
    if header['kind'] != 'reachability':
        raise InputError(f'{claim}: a proof by {header.get("prover")}, which has no graph that could be rebuilt')
    replay = _Replay(store, header, id, proof_dir)
    for node, step in _journal(store, proof_digest):
        replay.commit(node, stored(store, f'step:{step}'))
    return Replayed(replay.proof, replay.terms, replay.depths, claim)


def leaves(proof: APRProof) -> Leaves:
    """The pending, failing and bounded leaves, in one pass over the graph (pyk's properties take quadratic time)."""
    kcfg = proof.kcfg
    successors = (kcfg.edges(), kcfg.merged_edges(), kcfg.covers(), kcfg.splits(), kcfg.ndbranches())
    inner = {successor.source.id for kind in successors for successor in kind}
    pending: list[int] = []
    failing: list[int] = []
    bounded: list[int] = []
    for node in kcfg.nodes:
        if node.id in inner:
            continue
        if proof.is_bounded(node.id):
            bounded.append(node.id)
        elif node.id == proof.target or proof.is_refuted(node.id) or kcfg.is_vacuous(node.id):
            continue
        elif proof.is_terminal(node.id) or kcfg.is_stuck(node.id):
            failing.append(node.id)
        else:
            pending.append(node.id)
    return Leaves(tuple(pending), tuple(failing), tuple(bounded))


class _Replay:
    """A reachability proof while its journal is replayed.

    Beside pyk's graph it keeps each node's parent and distance from the initial node, so that the path of a step is
    found without pyk's search over all paths.
    """

    proof: APRProof
    terms: dict[int, str]
    depths: dict[int, int]

    def __init__(self, store: ReadableStore, header: Mapping[str, Any], id: str | None, proof_dir: Path | None):
        self._store = store
        self._optimize_kcfg = bool(header.get('optimize_kcfg'))
        self._cache = TermCache()
        kcfg = KCFG()
        init = kcfg.create_node(self._term(header['init'])).id
        target = kcfg.create_node(self._term(header['target'])).id
        terminal = [init] * bool(header['init_terminal']) + [target] * bool(header['target_terminal'])
        self.proof = APRProof(
            id if id is not None else content_id(header['init'], header['target']),
            kcfg,
            terminal,
            init,
            target,
            logs={},
            bmc_depth=header.get('bmc_depth'),
            circularity=header['circularity'],
            admitted=header['admitted'],
            proof_dir=proof_dir,
        )
        self.terms = {init: header['init'], target: header['target']}
        self._parent: dict[int, int] = {}
        self.depths = {init: 0}
        self._made_by: dict[int, str] = {}
        self._cached: dict[int, Mapping[str, Any]] = {}
        self._next_id = target + 1

    def commit(self, node_id: int, step: StoredRecord) -> None:
        """Commit the results of a step to its node. Raises `MissingRecord` if the step does not fit the proof."""
        try:
            self._commit(node_id, step)
        except (ValueError, KeyError, IndexError, TypeError, AssertionError) as err:
            raise MissingRecord(
                f'The step recorded for node {node_id} does not fit the proof of {self.proof.id}: '
                f'{type(err).__name__}: {err}'
            ) from err

    def _commit(self, node_id: int, step: StoredRecord) -> None:
        results = step.header['results']
        detail = unpack(step.blob)
        if detail.get('kind') == 'refutation':
            self._refute(node_id, results[0], detail['result'])
            return
        pyk_results = read_results(
            results,
            detail['results'],
            node_id=node_id,
            predecessor=self._parent.get(node_id),
            optimize_kcfg=self._optimize_kcfg,
            loops=lambda positions: self._loops(node_id, tuple(positions)),
            term=self._term,
        )
        for result, pyk_result in zip(results, pyk_results, strict=True):
            self.proof.commit(pyk_result)
            self._add_nodes(node_id, result)

    def _refute(self, node_id: int, result: Mapping[str, Any], detail: Mapping[str, Any] | None) -> None:
        kcfg = self.proof.kcfg
        branch = node_id
        while self._made_by[branch] in ('step', 'abstract'):
            branch = self._parent[branch]
        if self._made_by[branch] != 'branch' or not self.proof.is_failing(node_id):
            raise MissingRecord(f'Expected a failing node behind a split, found node {node_id}')
        refute(
            self.proof,
            node_id,
            kcfg.node(self._parent[branch]).cterm,
            kcfg.node(branch).cterm,
            None if detail is None else read_equality_result(detail),
            passed=result['passed'],
        )

    def _add_nodes(self, node_id: int, result: Mapping[str, Any]) -> None:
        extension = None
        if result['kind'] == 'extend':
            extension = result['extension']
            if result.get('to_cache') is not None:
                self._cached[node_id] = result['to_cache']
        elif result['kind'] == 'use-cache':
            extension = self._cached.pop(self._parent[node_id])
        if extension is None:
            return
        distance = {'step': extension.get('depth', 0), 'ndbranch': 1}.get(extension['kind'], 0)
        for term in extension.get('nodes', ()):
            self._parent[self._next_id] = node_id
            self._made_by[self._next_id] = extension['kind']
            self.depths[self._next_id] = self.depths[node_id] + distance
            self.terms[self._next_id] = term
            self._next_id += 1
        kcfg = self.proof.kcfg
        if kcfg.get_node(node_id) is None:  # its edges were joined
            del self.terms[node_id]
        if kcfg.get_node(self._next_id - 1) is None or kcfg.get_node(self._next_id) is not None:
            raise MissingRecord(
                f'Expected {len(extension.get("nodes", ()))} new nodes from the step at node {node_id}, found another '
                'number: the record of the step does not fit this proof'
            )

    def _loops(self, node_id: int, positions: tuple[int, ...]) -> tuple[int, ...]:
        """The nodes at these positions in a step's path, as pyk has it: nearest first, without those at no distance."""
        if not positions:
            return ()
        path: list[int] = []
        here = self.depths[node_id]
        while (parent := self._parent.get(node_id)) is not None:
            node_id = parent
            if self.depths[node_id] != here:
                path.append(node_id)
        return tuple(path[position] for position in positions)

    def _term(self, term: str) -> CTerm:
        return self._cache.decode(term, lambda term: stored(self._store, f'term:{term}').blob)


def _replay_equality(
    store: ReadableStore, digest: str, record: StoredRecord, id: str | None, proof_dir: Path | None
) -> EqualityProof:
    dct = unpack(record.blob)
    if (found := sha256(canonical(dct))) != record.header['proof']:
        raise MissingRecord(f'Expected the equality {record.header["proof"]} in proof:{digest}, found {found}')
    proof = EqualityProof.from_dict({**dct, 'id': id if id is not None else dct['id']}, proof_dir)
    for _, step in _journal(store, digest):
        proof.commit(read_equality_result(unpack(stored(store, f'step:{step}').blob)))
    return proof


def _journal(store: ReadableStore, digest: str) -> Iterator[tuple[int, str]]:
    """Node and step key of each commit, in order, up to the first number that is missing."""
    prefix = f'journal:{digest}:'
    for number, (row, record) in enumerate(store.scan(prefix)):
        if row != f'{prefix}{number:08d}':
            return
        yield record.header['node'], record.header['step']


def stored(store: ReadableStore, row: str) -> StoredRecord:
    """A row of the store. Raises `MissingRecord` if it is missing or damaged."""
    record = store.get(row)
    if record is None:
        raise MissingRecord(f'Expected the row {row} in the checkpoint store, found none; prove the claim again')
    return record
