"""A journal names steps by their keys; it holds only as long as these steps lead where they led when it was written."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from engine_harness import config, example, run

from kprover.engine import Ledger, Status
from kprover.engine.ledger import read_journal
from kprover.store import CheckpointStore

if TYPE_CHECKING:
    from pathlib import Path

CLAIM, OTHER = 'IMP-ARITHMETIC.literals', 'IMP-ARITHMETIC.swap'


@pytest.mark.parametrize('mode', ['reuse', 'verify'])
def test_steps_are_not_replayed_on_the_nodes_of_a_step_that_was_made_again_with_another_result(
    tmp_path: Path, mode: str
) -> None:
    """As when a damaged step is made again for another claim, or comes in with a merge, by an unstable server."""
    suite, run_config = example('imp'), config(tmp_path)
    assert run(suite, [CLAIM, OTHER], run_config).all_passed
    ledger = Ledger([suite], run_config)
    digest, other = (ledger.proof(f'imp/{label}').digest for label in (CLAIM, OTHER))
    with CheckpointStore.open(run_config.store) as store:
        first = next(header['step'] for _, header in store.scan_headers(f'journal:{digest}:'))
        record, elsewhere = store.get(f'step:{first}'), store.header(f'proof:{other}')
        assert record is not None
        assert elsewhere is not None
        header = record.header
        header['results'][0]['extension']['nodes'] = [elsewhere['init']]
        store.put(f'step:{first}', header, record.blob)
        if mode == 'reuse':
            store.delete(f'verdict:{digest}')
        store.commit()
    (claim,) = run(suite, [CLAIM], dataclasses.replace(run_config, reuse=mode, verify_share=0.0)).claims
    assert claim.status is Status.FAILED


def test_what_rests_on_a_proof_that_is_made_again_is_concluded_with_it(tmp_path: Path) -> None:
    """One claim asks for the damaged graph of the loop; the other one has a verdict that rests on it as it was."""
    loop, asking, resting = 'IMP-LOOPS.transfer', 'IMP-LOOPS.transfer-six', 'IMP-ARITHMETIC.swap'
    claims = example('imp').claims
    claims = tuple(dataclasses.replace(c, depends=(f'imp/{loop}',)) if c.label == resting else c for c in claims)
    suite, run_config = dataclasses.replace(example('imp'), claims=claims), config(tmp_path)
    assert run(suite, [asking, resting], run_config).all_passed
    ledger = Ledger([suite], run_config)
    with CheckpointStore.open(run_config.store) as store:
        first, *_, last = read_journal(store, ledger.proof(f'imp/{loop}').digest)
        record = store.get(f'step:{first[1]}')
        assert record is not None
        store.put(f'step:{first[1]}', {**record.header, 'imported': 'elsewhere'}, record.blob)
        store.delete(f'step:{last[1]}')
        store.delete(f'verdict:{ledger.proof(f"imp/{asking}").digest}')
        store.commit()
    summary = run(suite, [asking, resting], run_config)
    assert summary.all_passed
    assert {claim.label for claim in summary.claims if claim.imported} == {loop, asking, resting}
    assert len(ledger.verdicts(claim.claim for claim in summary.claims)) == 3, 'what the run says is what stands'
