"""The engine end to end: verdicts, reuse, resumption and repair, on the embedded server."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import signal
import sys
from typing import TYPE_CHECKING

import pytest
from engine_harness import COUNTDOWN, EDIT, EXAMPLES, chosen, config, countdown, edit, example, run

from kprover.engine import EngineError, Interrupted, Ledger, Status, pending_steps, run_step
from kprover.engine.ledger import journal_prefix
from kprover.proofs.rebuild import rebuild
from kprover.store import CheckpointStore, StoreReader
from kprover.store.names import key_of
from kprover.store.rows import TABLE
from kprover.suites import load_suite

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Any

    from kprover.engine import ClaimProgress, RunConfig, RunSummary
    from kprover.suites import Suite

BRANCHES = 'IMP-BRANCHES.sixteen'
LOOP = 'IMP-LOOPS.transfer'
DEPENDENT = 'IMP-LOOPS.transfer-six'
EQUALITY = 'IMP-EQUALITIES.sign-sum'
DEPTH_FIRST = 'kprover.engine.priority:depth_first'
SUITE = (BRANCHES, LOOP, DEPENDENT, EQUALITY)
NONLINEAR = tuple(f'IMP-LOOPS.{name}' for name in ('table', 'row', 'euclid', 'sum', 'product', 'approach'))
"""Loops whose steps the solver takes long over; their proofs are made as that of `LOOP` is."""


def interrupted(labels: Iterable[str], run_config: RunConfig, *, steps: int) -> RunSummary:
    """A run that is sent SIGTERM when so many steps have become ready."""
    countdown.left = steps
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.raises(Interrupted, match='run again to resume') as stopped:
            run(example('imp'), labels, dataclasses.replace(run_config, priority=COUNTDOWN))
        signal.raise_signal(signal.SIGTERM)  # one more changes nothing
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return stopped.value.summary


def by_label(summary: RunSummary) -> dict[str, ClaimProgress]:
    return {claim.label: claim for claim in summary.claims}


def graphs(run_config: RunConfig, labels: tuple[str, ...]) -> dict[str, Any]:
    """The final proofs of some claims, rebuilt by pyk from the store."""
    suite = example('imp')
    ledger = Ledger([suite], run_config)
    with StoreReader(run_config.store) as store:
        return {label: rebuild(store, ledger.proof(f'imp/{label}').digest).dict for label in labels}


@pytest.fixture(scope='module')
def proved(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunConfig, RunSummary]:
    """A store in which the claims of `SUITE` were proved by one worker, undisturbed."""
    run_config = config(tmp_path_factory.mktemp('proved'))
    return run_config, run(example('imp'), SUITE, run_config)


def test_all_claims_pass_and_pyk_agrees_from_the_journal(proved: tuple[RunConfig, RunSummary]) -> None:
    run_config, summary = proved
    assert {claim.label: claim.status for claim in summary.claims} == dict.fromkeys(SUITE, Status.PASSED)
    assert summary.server_starts == 1
    ledger = Ledger([example('imp')], run_config)
    with StoreReader(run_config.store) as store:
        for label in SUITE:
            proof = rebuild(store, ledger.proof(f'imp/{label}').digest)
            assert proof.own_status.value == 'passed', label
    assert by_label(summary)[BRANCHES].nodes == len(rebuilt_nodes(run_config, BRANCHES))


def rebuilt_nodes(run_config: RunConfig, label: str) -> list[Any]:
    return list(graphs(run_config, (label,))[label]['kcfg']['nodes'])


def test_a_second_run_makes_no_request_and_starts_no_server(proved: tuple[RunConfig, RunSummary]) -> None:
    run_config, first = proved
    again = run(example('imp'), SUITE, run_config)
    assert (again.requests, again.server_starts, again.steps) == (0, 0, 0)
    assert again.reused == sum(claim.steps for claim in first.claims)
    assert again.all_passed


def test_one_two_and_four_workers_give_the_same_verdicts_and_graphs(tmp_path: Path) -> None:
    suite = example('imp')
    claims = [claim for claim in suite.claims if claim.label not in NONLINEAR]
    labels = tuple(claim.label for claim in claims)
    found = {}
    for workers in (1, 2, 4):
        run_config = config(tmp_path / str(workers), workers=workers)
        summary = run(suite, labels, run_config)
        assert {claim.label for claim in summary.claims} == set(labels)
        assert summary.server_starts == workers
        verdicts = {claim.label: (claim.status, claim.steps, claim.nodes) for claim in summary.claims}
        proofs = graphs(run_config, tuple(c.label for c in claims if c.options.prover is None))
        found[workers] = verdicts, {label: unnumbered(proof) for label, proof in proofs.items() if 'kcfg' in proof}
    assert found[4] == found[2] == found[1]
    assert {status for status, _, _ in found[1][0].values()} == {Status.PASSED}
    assert len(found[1][1]) > 20


@pytest.mark.parametrize('steps', [2, 40])
def test_an_interrupted_run_resumes_to_the_same_graph(
    proved: tuple[RunConfig, RunSummary], tmp_path: Path, steps: int
) -> None:
    undisturbed, first = proved
    run_config = config(tmp_path)
    before = interrupted(SUITE, run_config, steps=steps)
    assert not before.all_passed
    second = run(example('imp'), SUITE, run_config)
    assert second.all_passed
    assert before.steps + second.steps == first.steps  # no finished step was made again
    assert graphs(run_config, (BRANCHES, LOOP, EQUALITY)) == graphs(undisturbed, (BRANCHES, LOOP, EQUALITY))


def test_steps_without_a_journal_are_reused_and_not_requested(
    proved: tuple[RunConfig, RunSummary], tmp_path: Path
) -> None:
    undisturbed, first = proved
    run_config = copied(undisturbed, tmp_path)
    with CheckpointStore.open(run_config.store) as store:
        for prefix in ('journal:', 'verdict:', 'status:'):
            store.delete_prefix(prefix)
        store.commit()
    again = run(example('imp'), SUITE, run_config)
    assert again.all_passed
    assert (again.requests, again.steps) == (0, 0)
    assert again.reused == first.steps
    assert graphs(run_config, (BRANCHES, LOOP)) == graphs(undisturbed, (BRANCHES, LOOP))


def test_damaged_records_are_made_again(proved: tuple[RunConfig, RunSummary], tmp_path: Path) -> None:
    undisturbed, first = proved
    run_config = copied(undisturbed, tmp_path)
    damage(run_config.store, 'term:', every=3)
    damage(run_config.store, 'step:', every=4)
    damage(run_config.store, 'module:', every=1)
    with CheckpointStore.open(run_config.store) as store:
        store.delete_prefix('verdict:')
        store.commit()
    again = run(example('imp'), SUITE, run_config)
    assert again.all_passed
    assert 0 < again.steps <= first.steps
    repaired, original = graphs(run_config, (BRANCHES, LOOP)), graphs(undisturbed, (BRANCHES, LOOP))
    for label in (BRANCHES, LOOP):  # steps found and steps made again were committed in another order
        assert unnumbered(repaired[label]) == unnumbered(original[label])


def test_a_damaged_dependency_is_proved_again_before_its_dependent(
    proved: tuple[RunConfig, RunSummary], tmp_path: Path
) -> None:
    run_config = copied(proved[0], tmp_path)
    digest = Ledger([example('imp')], run_config).proof(f'imp/{DEPENDENT}').digest
    with CheckpointStore.open(run_config.store) as store:
        for prefix in (f'verdict:{digest}', f'journal:{digest}', f'proof:{digest}', 'step:'):
            assert store.delete_prefix(prefix)
        store.commit()
    again = run(example('imp'), [DEPENDENT], run_config)
    assert again.all_passed
    assert by_label(again)[LOOP].requests > 0


@pytest.mark.parametrize('name', ['kompiled/definition.kore', 'specs/branches.json', 'suite.toml'])
def test_a_file_edited_during_a_run_ends_it_before_anything_is_stored_of_it(tmp_path: Path, name: str) -> None:
    folder = tmp_path / 'imp'
    shutil.copytree(EXAMPLES / 'imp', folder)
    suite = load_suite(folder / 'suite.toml')
    run_config = dataclasses.replace(config(tmp_path), priority=EDIT)
    edit.file, edit.left = folder / name, 3
    if name == 'suite.toml':  # what was read of it counts: nothing reads it again
        assert run(suite, [BRANCHES], run_config).all_passed
        return
    with pytest.raises(EngineError, match=f'{name} has changed since this run read it'):
        run(suite, [BRANCHES], run_config)
    assert Ledger([suite], run_config).verdict(f'imp/{BRANCHES}') is None
    edited = load_suite(folder / 'suite.toml')
    assert run(edited, [BRANCHES], config(tmp_path)).all_passed


def test_a_server_program_replaced_during_a_run_ends_it(tmp_path: Path) -> None:
    program = tmp_path / 'kore-rpc'
    program.write_text(
        f'#!{sys.executable}\nimport runpy, sys\n'
        "if '--version' in sys.argv: sys.exit(print('1.0'))\n"
        "runpy.run_module('kprover.server', run_name='__main__')\n"
    )
    program.chmod(0o755)
    run_config = dataclasses.replace(config(tmp_path), backend=str(program), priority=EDIT)
    edit.file, edit.left = program, 2
    with pytest.raises(EngineError, match='kore-rpc has changed since this run read it'):
        run(example('imp'), [BRANCHES], run_config)


def test_a_file_edited_before_the_run_begins_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / 'imp'
    shutil.copytree(EXAMPLES / 'imp', folder)
    suite = load_suite(folder / 'suite.toml')
    spec = folder / 'specs' / 'branches.json'
    text, edits = re.subn(r'("token": *)"0"', r'\1"3"', spec.read_text())
    assert edits
    spec.write_text(text)
    with pytest.raises(EngineError, match=r'branches\.json has changed since this run read it'):
        run(suite, [BRANCHES], config(tmp_path))


def test_a_damaged_verdict_is_no_verdict(proved: tuple[RunConfig, RunSummary], tmp_path: Path) -> None:
    run_config = copied(proved[0], tmp_path)
    damage(run_config.store, 'verdict:', every=1)
    ledger = Ledger([example('imp')], run_config)
    assert all(ledger.verdict(f'imp/{label}') is None for label in SUITE)


def test_another_option_makes_another_proof(proved: tuple[RunConfig, RunSummary]) -> None:
    run_config, _ = proved
    suite = example('imp')
    deeper = with_options(suite, execute_depth=7)
    assert Ledger([suite], run_config).verdict(f'imp/{LOOP}') is not None
    assert Ledger([deeper], run_config).verdict(f'imp/{LOOP}') is None


def test_steps_of_another_depth_are_reused(proved: tuple[RunConfig, RunSummary], tmp_path: Path) -> None:
    undisturbed, first = proved
    run_config = copied(undisturbed, tmp_path)
    deeper = with_options(example('imp'), execute_depth=77)
    again = run(deeper, SUITE, run_config)
    assert again.all_passed
    assert (again.requests, again.steps, again.reused) == (0, 0, first.steps)


def test_fail_fast_for_a_claim_ends_it_at_its_first_failing_node(tmp_path: Path) -> None:
    suite = example('imp', 'failing.toml')
    label = 'IMP-WRONG.one-of-sixteen'
    full = run(suite, [label], config(tmp_path))
    (tmp_path / 'fast').mkdir()
    fast = run(suite, [label], dataclasses.replace(config(tmp_path / 'fast'), fail_fast='claim', priority=DEPTH_FIRST))
    assert {claim.status for claim in (*full.claims, *fast.claims)} == {Status.FAILED}
    assert fast.steps < full.steps


def test_fail_fast_for_the_run_stops_at_the_first_failed_claim(tmp_path: Path) -> None:
    suite = example('imp', 'failing.toml')
    labels = [claim.label for claim in suite.claims][:6]
    run_config = dataclasses.replace(config(tmp_path), fail_fast='run')
    summary = run(suite, labels, run_config)
    statuses = [claim.status for claim in summary.claims]
    assert Status.FAILED in statuses
    unsettled = [claim for claim in summary.claims if claim.status is not Status.FAILED]
    assert unsettled
    assert all('the run was to stop at the first failure' in claim.reason for claim in unsettled)
    assert all(claim.status is Status.FAILED for claim in run(suite, labels, config(tmp_path)).claims)


def test_a_used_up_time_budget_is_no_verdict_and_is_listed(tmp_path: Path) -> None:
    suite = example('imp')
    summary = run(suite, SUITE, dataclasses.replace(config(tmp_path), time_budget=0.0, grace=0.0))
    assert {claim.status for claim in summary.claims} <= {Status.NOT_ATTEMPTED, Status.PENDING}
    assert all('time budget' in claim.reason for claim in summary.claims)
    assert run(suite, SUITE, config(tmp_path)).all_passed


@pytest.mark.parametrize('field', [{'fail_fast': 'sometimes'}, {'time_budget': -1.0}, {'step_target': -1.0}])
def test_a_wrong_setting_is_named(tmp_path: Path, field: dict[str, Any]) -> None:
    with pytest.raises(EngineError, match=next(iter(field))):
        run(example('imp'), [BRANCHES], dataclasses.replace(config(tmp_path), **field))


def test_an_edit_of_a_dependency_makes_its_dependents_stale_and_nothing_else(
    proved: tuple[RunConfig, RunSummary],
) -> None:
    run_config, _ = proved
    suite = example('imp')
    edited = dataclasses.replace(
        suite,
        claims=tuple(
            dataclasses.replace(claim, digest='0' * 64) if claim.label == LOOP else claim for claim in suite.claims
        ),
    )
    ledger = Ledger([edited], run_config)
    assert ledger.verdict(f'imp/{LOOP}') is None
    assert ledger.verdict(f'imp/{DEPENDENT}') is None
    assert ledger.verdict(f'imp/{BRANCHES}') is not None


def test_failed_claims_fail_with_node_reason_and_path_condition(tmp_path: Path) -> None:
    suite = example('imp', 'failing.toml')
    run_config = config(tmp_path, workers=2)
    summary = run(suite, [claim.label for claim in suite.claims], run_config)
    assert len(summary.claims) >= 10
    for claim in summary.claims:
        assert claim.status is Status.FAILED, (claim.label, claim.reason)
        assert claim.reason, claim.label
        assert claim.failures, claim.label
        for failure in claim.failures[:8]:
            if failure.reason == 'dependency':
                continue
            assert failure.explanation, claim.label
    again = run(suite, [claim.label for claim in suite.claims], run_config)
    assert again.requests == 0
    assert [(claim.label, claim.failures) for claim in again.claims] == [
        (claim.label, claim.failures) for claim in summary.claims
    ]


def test_a_step_limit_leaves_the_claim_pending_and_no_verdict(tmp_path: Path) -> None:
    suite = example('imp')
    limited = with_options(suite, max_steps=3)
    run_config = config(tmp_path)
    (claim,) = run(limited, [BRANCHES], run_config).claims
    assert claim.status is Status.PENDING
    assert 'limit of 3 steps' in claim.reason
    assert Ledger([limited], run_config).verdict(f'imp/{BRANCHES}') is None
    (after,) = (c for c in Ledger([limited], run_config).status().claims if c.label == BRANCHES)
    assert after.status is Status.PENDING
    assert run(suite, [BRANCHES], run_config).all_passed


def test_a_missing_server_program_is_an_error_of_the_claims_not_a_failure(tmp_path: Path) -> None:
    broken = tmp_path / 'kore-rpc-that-ends'
    broken.write_text('#!/bin/sh\n[ "$1" = --version ] && echo 1.0 && exit 0\nexit 3\n')
    broken.chmod(0o755)
    run_config = dataclasses.replace(config(tmp_path), backend=str(broken))
    summary = run(example('imp'), [BRANCHES, LOOP], run_config)
    assert {claim.status for claim in summary.claims} == {Status.ERROR}
    assert all('no server' in claim.reason for claim in summary.claims)


def test_run_step_makes_one_pending_step_which_the_next_run_takes(tmp_path: Path) -> None:
    suite = example('imp')
    run_config = config(tmp_path)
    interrupted([BRANCHES], run_config, steps=4)
    pending = pending_steps([suite], f'imp/{BRANCHES}', run_config)
    assert pending
    key, node = pending[0]
    assert node > 2
    with pytest.raises(EngineError, match='neither done nor pending'):
        run_step([suite], f'imp/{BRANCHES}', 'f' * 64, run_config)
    run_step([suite], f'imp/{BRANCHES}', key, run_config)
    with StoreReader(run_config.store) as store:
        assert store.contains(f'step:{key}')
        journal = list(store.scan(journal_prefix(Ledger([suite], run_config).proof(f'imp/{BRANCHES}').digest)))
        assert all(record.header['step'] != key for _, record in journal)
    assert run(suite, [BRANCHES], run_config).all_passed


def test_claims_that_are_chosen_bring_their_dependencies() -> None:
    suite = example('imp')
    assert {claim.label for claim in chosen(suite, [DEPENDENT])} == {LOOP, DEPENDENT}


def with_options(suite: Suite, **options: Any) -> Suite:
    claims = [
        dataclasses.replace(claim, options=dataclasses.replace(claim.options, **options)) for claim in suite.claims
    ]
    return dataclasses.replace(suite, claims=tuple(claims))


def unnumbered(proof: dict[str, Any]) -> list[str]:
    """The graph with each node replaced by its state, so that the order of commits does not show."""
    kcfg = proof['kcfg']
    states = {node['id']: json.dumps(node['cterm'], sort_keys=True) for node in kcfg['nodes']}
    lines = [f'node {state}' for state in states.values()]
    lines += [f'edge {states[e["source"]]} {states[e["target"]]} {e["depth"]}' for e in kcfg.get('edges', ())]
    lines += [f'cover {states[c["source"]]} {json.dumps(c["csubst"])}' for c in kcfg.get('covers', ())]
    lines += [
        f'split {states[s["source"]]} {sorted(states[t["target"]] for t in s["targets"])}'
        for s in kcfg.get('splits', ())
    ]
    return sorted(lines)


def copied(source: RunConfig, folder: Path) -> RunConfig:
    """A store of one's own with the same content."""
    shutil.copy(source.store, folder / source.store.name)
    return dataclasses.replace(source, store=folder / source.store.name)


def damage(path: Path, prefix: str, *, every: int) -> None:
    """Flip a byte in every so-many-th value under a prefix."""
    import sqlite3

    with sqlite3.connect(path) as connection:
        found = connection.execute(f'SELECT key, value FROM "{TABLE}" ORDER BY key').fetchall()
        rows = [(name, value) for name, value in found if key_of(name).startswith(prefix)]
        assert rows, prefix
        for name, value in rows[::every]:
            data = bytearray(value)
            data[-1] ^= 0xFF
            connection.execute(f'UPDATE "{TABLE}" SET value = ? WHERE key = ?', (bytes(data), name))
    connection.close()
