"""With `optimize-kcfg` the nodes between two edges are given up while a claim is proved; its steps stay checkpoints."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from engine_harness import COUNTDOWN, config, countdown, example, run
from pyk.kcfg.minimize import KCFGMinimizer
from pyk.proof.reachability import APRProof

from kprover.engine import Interrupted, Ledger
from kprover.proofs.rebuild import rebuild
from kprover.report.page.graphs import JOINED, read_graph
from kprover.store import StoreReader

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from kprover.engine import RunConfig
    from kprover.suites import Suite

LABEL = 'IMP-LOOPS.sum-to-10'


def without_the_option(suite: Suite) -> Suite:
    claims = tuple(
        dataclasses.replace(claim, options=dataclasses.replace(claim.options, optimize_kcfg=False))
        for claim in suite.claims
    )
    return dataclasses.replace(suite, claims=claims)


def proof_of(suite: Suite, run_config: RunConfig) -> APRProof:
    digest = Ledger([suite], run_config).proof(f'imp/{LABEL}').digest
    with StoreReader(run_config.store) as store:
        proof = rebuild(store, digest)
    assert isinstance(proof, APRProof)
    return proof


def page_graph(suite: Suite, run_config: RunConfig) -> dict[str, Any]:
    digest = Ledger([suite], run_config).proof(f'imp/{LABEL}').digest
    with StoreReader(run_config.store) as store:
        graph = read_graph(store, digest, lambda node, key: False)
    assert graph is not None
    return {'graph': graph, **dataclasses.asdict(graph)}


def test_an_interrupted_proof_with_joined_edges_goes_on_and_the_whole_graph_costs_no_request(tmp_path: Path) -> None:
    joined, whole, run_config = example('imp'), without_the_option(example('imp')), config(tmp_path)
    countdown.left = 6
    with pytest.raises(Interrupted) as stopped:
        run(joined, [LABEL], dataclasses.replace(run_config, priority=COUNTDOWN))
    assert stopped.value.summary.steps
    (claim,) = run(joined, [LABEL], run_config).claims
    assert (claim.status.value, claim.nodes) == ('passed', len(proof_of(joined, run_config).kcfg.nodes))

    again = run(whole, [LABEL], run_config)
    assert (again.requests, again.all_passed) == (0, True)
    kept, full = proof_of(joined, run_config), proof_of(whole, run_config)
    assert len(kept.kcfg.nodes) < len(full.kcfg.nodes) == again.claims[0].nodes
    KCFGMinimizer(full.kcfg).lift_edges()
    assert kept.kcfg.to_dict() == full.kcfg.to_dict()

    short, long = page_graph(joined, run_config), page_graph(whole, run_config)
    last = len(long['states'])
    assert len(short['states']) == last  # nodes keep their numbers
    assert short['states'].count(JOINED) == last - claim.nodes
    assert sum(short['rewrites']) == sum(long['rewrites']) == short['depths'][-1]
    assert sum(short['requests']) == sum(long['requests']) > 0
    assert 'IMP.assign 20 times' in short['rules'][-1]
