"""Proofs of the store as pyk's folders: what pyk reads is the proof that was made, and nothing is half written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from engine_harness import example
from pyk.proof.proof import Proof
from pyk.proof.reachability import APRProof
from pykfiles_claims import FAILED, PASSED, STACK, STACK_FAILED

from kprover.engine import Ledger
from kprover.engine.ledger import cut_journal
from kprover.pykfiles.errors import PykFilesError
from kprover.pykfiles.export import export_proof, stored_proof
from kprover.store import CheckpointStore, StoreReader

if TYPE_CHECKING:
    from kprover.engine import RunConfig

CLAIMS = [
    *(('imp', 'suite.toml', label) for label in PASSED),
    *(('imp', 'failing.toml', label) for label in FAILED),
    *(('stack', 'suite.toml', label) for label in STACK),
    *(('stack', 'failing.toml', label) for label in STACK_FAILED),
]


_LEDGERS: dict[tuple[Path, str, str], Ledger] = {}


def ledger_of(run_config: RunConfig, language: str, file: str) -> Ledger:
    """The ledger of a suite and a store, made once."""
    key = (run_config.store, language, file)
    if key not in _LEDGERS:
        _LEDGERS[key] = Ledger([example(language, file)], run_config)
    return _LEDGERS[key]


def name_of(language: str, file: str, label: str) -> str:
    return f'{language}{"-failing" if file == "failing.toml" else ""}/{label}'


def exported(run_config: RunConfig, language: str, file: str, label: str, folder: Path, **options: bool) -> list[Path]:
    ledger = ledger_of(run_config, language, file)
    with StoreReader(run_config.store) as store:
        digest = ledger.proof(name_of(language, file, label)).digest
        return export_proof(store, ledger.proofs, digest, folder, **options)


def content(proof: Any) -> dict[str, Any]:
    """All of a proof that pyk's files hold, in an order that does not depend on the process."""
    dct = json.loads(json.dumps(proof.dict))
    for node in dct.get('kcfg', {}).get('nodes', ()):
        node['attrs'].sort()
    loops = {str(node): list(seen) for node, seen in getattr(proof, 'prior_loops_cache', {}).items()}
    return {**dct, 'bounded': sorted(dct.get('bounded', ())), 'loops': loops}


@pytest.mark.parametrize(('language', 'file', 'label'), CLAIMS)
def test_what_pyk_reads_is_the_proof_in_the_store(
    proved: RunConfig, tmp_path: Path, language: str, file: str, label: str
) -> None:
    *_, path = exported(proved, language, file, label, tmp_path)
    assert path == tmp_path / label
    ledger = ledger_of(proved, language, file)
    planned = ledger.proof(name_of(language, file, label))
    with StoreReader(proved.store) as store:
        made = stored_proof(store, planned).proof
    read = Proof.read_proof_data(tmp_path, label)
    assert type(read) is type(made)
    names = [*made.subproof_ids, *(ledger.proofs[digest].claim.label for digest in planned.dependencies)]
    assert content(read) == {**content(made), 'subproof_ids': names}
    verdict = ledger.verdict(planned.claim.name)
    assert verdict is not None
    assert read.status.value == verdict.status.value
    assert len(list(tmp_path.iterdir())) == 1 + len(names)


def test_a_minimized_proof_has_fewer_nodes_and_ends_as_it_did(proved: RunConfig, tmp_path: Path) -> None:
    *_, path = exported(proved, 'imp', 'suite.toml', 'IMP-LOOPS.transfer', tmp_path / 'out', minimize=True)
    planned = ledger_of(proved, 'imp', 'suite.toml').proof('imp/IMP-LOOPS.transfer')
    with StoreReader(proved.store) as store:
        made = stored_proof(store, planned).proof
    assert isinstance(made, APRProof)
    read = APRProof.read_proof_data(path.parent, path.name)
    assert len(read.kcfg.nodes) < len(made.kcfg.nodes)
    made.minimize_kcfg()
    assert read.kcfg.to_dict()['edges'] == made.kcfg.to_dict()['edges']
    assert (read.init, read.target, read.status) == (made.init, made.target, made.status)


def test_a_proof_that_is_still_running_is_exported_as_far_as_it_is(proved: RunConfig, tmp_path: Path) -> None:
    planned = ledger_of(proved, 'imp', 'failing.toml').proof('imp-failing/IMP-WRONG.one-of-sixteen')
    with StoreReader(proved.store) as store:
        rows = {
            row: store.get(row) for prefix in ('proof:', 'term:', 'step:', 'journal:') for row in store.keys(prefix)
        }
    half = type(proved)(**{**vars(proved), 'store': tmp_path / 'half.sqlite'})
    with CheckpointStore.open(half.store) as store:
        for row, record in rows.items():
            assert record is not None
            store.put(row, record.header, record.blob)
        cut_journal(store, planned.digest, 20)
        store.commit()
    *_, path = exported(half, 'imp', 'failing.toml', 'IMP-WRONG.one-of-sixteen', tmp_path / 'out')
    proof = APRProof.read_proof_data(path.parent, path.name)
    assert proof.status.value == 'pending'
    assert len(proof.kcfg.nodes) < 63
    assert proof.pending


def test_another_proof_of_the_name_is_only_replaced_if_that_is_asked_for(proved: RunConfig, tmp_path: Path) -> None:
    arguments = ('imp', 'failing.toml', 'IMP-WRONG.stuck', tmp_path)
    (path,) = exported(proved, *arguments)
    inode = path.stat().st_ino
    exported(proved, *arguments)
    assert path.stat().st_ino == inode, 'an equal proof is left alone'

    kept = path / 'proof.json'
    kept.write_text(kept.read_text().replace('"admitted": false', '"admitted": true'))
    before = kept.read_text()
    with pytest.raises(PykFilesError, match=r'IMP-WRONG.stuck: another proof of this name is there.*--replace'):
        exported(proved, *arguments)
    assert kept.read_text() == before
    exported(proved, *arguments, replace=True)
    assert kept.read_text() != before
    assert [child.name for child in tmp_path.iterdir()] == ['IMP-WRONG.stuck'], 'nothing is left of the work'


def test_a_claim_without_a_proof_is_not_exported(proved: RunConfig, tmp_path: Path) -> None:
    with pytest.raises(PykFilesError, match=r'imp/IMP-LOOPS.euclid: expected a proof.*found none; prove it first'):
        exported(proved, 'imp', 'suite.toml', 'IMP-LOOPS.euclid', tmp_path)
    assert list(tmp_path.iterdir()) == []
