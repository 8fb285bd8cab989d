"""A node refuted through `Session` is the node that pyk's `refute_node` refutes on the same server."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from proofs_harness import KOMPILED, Options, drive, pyk_proof, stored_terms
from pyk.cterm.symbolic import CTermSymbolic
from pyk.kast.outer import read_kast_definition
from pyk.kcfg.explore import KCFGExplore
from pyk.kore.rpc import KoreClient
from pyk.proof.implies import ImpliesProver
from pyk.proof.reachability import APRProof, APRProver

from examples.imp.semantics import DivisionSemantics
from kprover.proofs.codec import pack, unpack
from kprover.proofs.errors import MissingRecord
from kprover.proofs.rebuild import rebuild

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyk.kore.rpc import KoreServer

    from kprover.proofs.session import Session
    from kprover.store import CheckpointStore

DIVISIONS = Options(semantics='examples.imp.semantics:DivisionSemantics', cut_point_rules=('IMP.div',), refute=True)
UNGUARDED = 'IMP-WRONG.division-unguarded'


@pytest.fixture(scope='module')
def explore(server: KoreServer) -> Iterator[KCFGExplore]:
    """pyk's own client and explorer on the same server."""
    with KoreClient('127.0.0.1', server.port) as client:
        symbolic = CTermSymbolic(client, read_kast_definition(KOMPILED / 'compiled.json'))
        yield KCFGExplore(symbolic, kcfg_semantics=DivisionSemantics())


@pytest.mark.parametrize('label', ['IMP-DIVISIONS.share', 'IMP-DIVISIONS.share-of-both', UNGUARDED])
def test_a_refuted_node_is_pyks(
    session: Session, store: CheckpointStore, explore: KCFGExplore, tmp_path: Path, label: str
) -> None:
    driven = drive(session, store, label, DIVISIONS)
    proof = pyk_proof(driven.prepared, stored_terms(store, driven.prepared), tmp_path)
    APRProver(explore, execute_depth=100, cut_point_rules=('IMP.div',)).advance_proof(proof, max_iterations=200)
    (node,) = proof.failing
    refutation = proof.refute_node(node)
    assert refutation is not None
    ImpliesProver(refutation, explore).advance_proof(refutation)
    assert proof.status.value == driven.status

    rebuilt = rebuild(store, driven.digest, id=proof.id)
    assert isinstance(rebuilt, APRProof)
    assert rebuilt.kcfg.to_dict() == proof.kcfg.to_dict()
    if label == UNGUARDED:
        assert not refutation.passed
        assert (driven.status, rebuilt.node_refutations, rebuilt.subproof_ids) == ('failed', {}, [])
        assert [failing.id for failing in rebuilt.failing] == [node.id]
    else:
        assert (driven.status, rebuilt.status.value) == ('passed', 'passed')
        assert rebuilt.dict == proof.dict
        assert rebuilt.node_refutations[node.id].dict == refutation.dict


def test_a_claim_whose_node_is_not_refuted_fails(session: Session, store: CheckpointStore) -> None:
    assert drive(session, store, 'IMP-DIVISIONS.share', replace(DIVISIONS, refute=False)).status == 'failed'


def test_a_refutation_counts_only_with_its_proof(session: Session, store: CheckpointStore) -> None:
    driven = drive(session, store, UNGUARDED, DIVISIONS)
    commits = list(store.scan(f'journal:{driven.digest}:'))
    key = f'step:{commits[-1][1].header["step"]}'
    record = store.get(key)
    assert record is not None
    (result,) = record.header['results']
    assert result['kind'] == 'refutation'
    store.put(key, {**record.header, 'results': [{**result, 'passed': True}]}, record.blob)
    with pytest.raises(MissingRecord, match='refutation'):
        rebuild(store, driven.digest)
    store.put(
        key, {**record.header, 'results': [{**result, 'passed': True}]}, pack({**unpack(record.blob), 'result': None})
    )
    with pytest.raises(MissingRecord, match='refutation'):
        rebuild(store, driven.digest)


def test_a_node_before_any_split_cannot_be_refuted_by_a_record(session: Session, store: CheckpointStore) -> None:
    """The record of a passed refutation under another proof's failing node closes nothing."""
    refuted = drive(session, store, 'IMP-DIVISIONS.share', DIVISIONS)
    stuck = drive(session, store, 'IMP-WRONG.literals', Options())
    last = list(store.scan(f'journal:{refuted.digest}:'))[-1][1].header
    assert stuck.index is not None
    (node,) = stuck.index.failing
    commits = len(list(store.scan(f'journal:{stuck.digest}:')))
    store.put(f'journal:{stuck.digest}:{commits:08d}', {'node': node, 'step': last['step']})
    with pytest.raises(MissingRecord):
        rebuild(store, stuck.digest)
