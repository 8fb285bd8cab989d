"""An execution that comes back to a state goes round without end: its claim is left pending, and the run goes on."""

from __future__ import annotations

import random
import signal
from typing import TYPE_CHECKING

import pytest
from engine_harness import EXAMPLES, config, run

from examples.imp.claims import runs
from examples.imp.language import NAME
from examples.imp.programs import assign, le, while_
from examples.specs import spec
from kprover.engine import Interrupted, Ledger, SilentObserver, Status, proving
from kprover.engine.explain import explain
from kprover.engine.index import INIT, REMEMBERED, ProofIndex
from kprover.store import CheckpointStore
from kprover.suites import load_suite
from kprover.upkeep import unreached_rows

if TYPE_CHECKING:
    from pathlib import Path

    from kprover.engine.events import Commit
    from kprover.suites import Suite


def without_end(folder: Path, *options: str) -> Suite:
    """One claim of a loop that ends never and changes nothing, and one that holds."""
    round_and_round = while_(le(0, 1), assign('a', 1))
    claims = [
        runs('ROUND.forever', round_and_round, {'a': 1}, {'a': 2}),
        runs('ROUND.once', assign('a', 2), {'a': 1}, {'a': 2}),
    ]
    folder.mkdir(exist_ok=True)
    (folder / 'round.json').write_text(spec(NAME, 'ROUND', claims))
    lines = [
        'name = "round"',
        f'kompiled = "{EXAMPLES / "imp" / "kompiled"}"',
        'specs = ["round.json"]',
        '[options]',
        'execute-depth = 10',
        *options,
    ]
    (folder / 'suite.toml').write_text('\n'.join(lines))
    return load_suite(folder / 'suite.toml')


@pytest.mark.parametrize('options', [[], ['optimize-kcfg = true']], ids=['whole', 'joined'])
def test_the_claim_is_pending_and_says_where_it_goes_round(tmp_path: Path, options: list[str]) -> None:
    suite, run_config = without_end(tmp_path / 'suite', *options), config(tmp_path)
    for _ in ('made', 'from the store'):
        summary = run(suite, ['ROUND.forever', 'ROUND.once'], run_config)
        forever, once = summary.claims
        assert (forever.status, once.status) == (Status.PENDING, Status.PASSED)
        assert 'goes round without end' in forever.reason
    assert summary.requests == 0


def test_whatever_walks_through_the_stored_steps_comes_to_an_end(tmp_path: Path) -> None:
    suite, run_config = without_end(tmp_path / 'suite'), config(tmp_path)
    run(suite, ['ROUND.forever'], run_config)
    with CheckpointStore.open(run_config.store) as store:
        store.delete_prefix('journal:')
        store.commit()
    explained = explain([suite], 'round/ROUND.forever', run_config)
    assert explained.steps is not None
    assert explained.steps.reusable > 1
    ledger = Ledger([suite], run_config)
    with CheckpointStore.open(run_config.store) as store:
        assert unreached_rows(store, ledger.proofs.values()) is not None
    assert run(suite, ['ROUND.forever'], run_config).requests == 0


class StopsAtOnce(SilentObserver):
    """Sends this process SIGTERM when the first step becomes part of a proof."""

    def commit(self, commit: Commit) -> None:
        if commit.node == INIT:
            signal.raise_signal(signal.SIGTERM)


def test_a_signal_is_heeded_between_steps_that_are_all_in_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite, run_config = load_suite(EXAMPLES / 'imp' / 'suite.toml'), config(tmp_path)
    label = 'IMP-LOOPS.sum-to-10'
    made = run(suite, [label], run_config).steps
    with CheckpointStore.open(run_config.store) as store:
        for prefix in ('journal:', 'verdict:'):
            store.delete_prefix(prefix)
        store.commit()
    monkeypatch.setattr(proving, 'A_ROUND', 3)
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(Interrupted) as stopped:
            run(suite, [label], run_config, StopsAtOnce())
    finally:
        signal.signal(signal.SIGTERM, handler)
    assert 0 < stopped.value.summary.reused < made
    again = run(suite, [label], run_config)
    assert (again.requests, again.all_passed) == (0, True)


def test_the_index_knows_a_state_that_comes_again_on_a_branch() -> None:
    """Against a search through all ancestors, with and without joined edges."""
    for seed in range(200):
        choose = random.Random(seed)
        whole, joined = (
            ProofIndex('0', 'target', init_terminal=False, target_terminal=False, optimize_kcfg=optimize)
            for optimize in (False, True)
        )
        for _ in range(choose.randrange(1, 15)):
            node = choose.choice(whole.pending)
            kind = choose.choice(['step', 'step', 'step', 'branch', 'ndbranch'])
            terms = [str(choose.randrange(4)) for _ in range(1 if kind == 'step' else 2)]
            extension = {'kind': kind, 'nodes': terms, 'depth': 1}
            created = whole.commit(node, [{'kind': 'extend', 'extension': extension}])
            assert joined.commit(node, [{'kind': 'extend', 'extension': extension}]) == created
            for new in created:
                here, same, before = whole.nodes[new], set(), whole.nodes[new].parent
                while before is not None:
                    other = whole.nodes[before]
                    if (other.term, other.depth > 0) == (here.term, here.depth > 0):
                        same.add(before)
                    before = other.parent
                for index in (whole, joined):
                    found = index.same_before(new)
                    assert found in same if same else found is None, (seed, new)
        assert whole.same_before(INIT) is None
        assert len(whole.nodes) < 2 * REMEMBERED
