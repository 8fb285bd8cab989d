"""What a run does with the store: reuse, refresh, verify, enforce; real proofs on the embedded server."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest
from engine_harness import config, example, run
from test_prove import copied, graphs, interrupted, unnumbered, with_options
from test_servers import Notes, doubtful, statuses

from kprover.engine import EngineError, Ledger, Status
from kprover.engine.difference import same_term
from kprover.engine.verification import chosen
from kprover.store import CheckpointStore, StoreReader

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from kprover.engine import RunConfig, RunSummary

LITERALS = 'IMP-ARITHMETIC.literals'
LOOP = 'IMP-LOOPS.transfer'
DEPENDENT = 'IMP-LOOPS.transfer-six'
EQUALITY = 'IMP-EQUALITIES.sign-sum'
BRANCH = 'IMP-BRANCHES.larger'
SUITE = (LITERALS, LOOP, DEPENDENT, EQUALITY, BRANCH)
LIES = {'answers': {'"value":"10"': '"value":"11"'}}
"""2 * 3 + 4 is 11 then."""


@pytest.fixture(scope='module')
def proved(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunConfig, RunSummary]:
    run_config = config(tmp_path_factory.mktemp('modes'))
    summary = run(example('imp'), SUITE, run_config)
    assert summary.all_passed
    return run_config, summary


def rows(path: Path, prefix: str) -> dict[str, dict[str, Any]]:
    with StoreReader(path) as store:
        return dict(store.scan_headers(prefix))


def test_refresh_makes_every_step_again_and_writes_it_anew(
    proved: tuple[RunConfig, RunSummary], tmp_path: Path
) -> None:
    undisturbed, first = proved
    run_config = copied(undisturbed, tmp_path)
    before = rows(run_config.store, 'step:')
    again = run(example('imp'), SUITE, dataclasses.replace(run_config, reuse='refresh'))
    assert again.all_passed
    assert (again.steps, again.requests, again.reused) == (first.steps, first.requests, first.reused)
    after = rows(run_config.store, 'step:')
    assert after.keys() == before.keys()
    assert {header['run'] for header in after.values()} == {again.run}
    assert {header['run'] for header in rows(run_config.store, 'verdict:').values()} == {again.run}
    labels = (LITERALS, LOOP, DEPENDENT, BRANCH)
    refreshed, original = graphs(run_config, labels), graphs(undisturbed, labels)
    assert all(unnumbered(refreshed[label]) == unnumbered(original[label]) for label in labels)


def test_an_interrupted_refresh_keeps_each_verdict_with_its_journal_until_there_is_a_new_one(
    proved: tuple[RunConfig, RunSummary], tmp_path: Path
) -> None:
    run_config = copied(proved[0], tmp_path)
    interrupted(SUITE, dataclasses.replace(run_config, reuse='refresh'), steps=2)
    assert {verdict['run'] for verdict in rows(run_config.store, 'verdict:').values()} >= {proved[1].run}
    enforced = run(example('imp'), SUITE, dataclasses.replace(run_config, reuse='enforce'))
    assert enforced.all_passed, [claim.reason for claim in enforced.claims]
    for label in (LITERALS, LOOP, DEPENDENT, BRANCH):
        assert graphs(run_config, (label,)) == graphs(proved[0], (label,))


def test_a_refresh_that_comes_to_no_verdict_keeps_the_old_one(
    proved: tuple[RunConfig, RunSummary], tmp_path: Path
) -> None:
    run_config = copied(proved[0], tmp_path)
    hurried = with_options(example('imp'), max_steps=1)
    refreshed = run(hurried, SUITE, dataclasses.replace(run_config, reuse='refresh'))
    found = {claim.label: claim.status for claim in refreshed.claims}
    assert found[LOOP] is Status.PENDING
    kept = Ledger([example('imp')], run_config).status().claims
    assert {claim.status for claim in kept if claim.label in SUITE} == {Status.PASSED}
    again = run(example('imp'), SUITE, run_config)
    assert (again.requests, again.all_passed) == (0, True)


def test_a_refresh_replaces_a_verdict_that_does_not_hold_any_more(
    proved: tuple[RunConfig, RunSummary], tmp_path: Path
) -> None:
    run_config = doubtful(tmp_path, {})
    assert run(example('imp'), [LITERALS, BRANCH], run_config).all_passed
    lying = doubtful(tmp_path, LIES)
    refreshed = run(example('imp'), [LITERALS, BRANCH], dataclasses.replace(lying, reuse='refresh'))
    assert statuses(refreshed) == {LITERALS: Status.FAILED, BRANCH: Status.PASSED}
    assert statuses(run(example('imp'), [LITERALS, BRANCH], run_config)) == statuses(refreshed)


def test_verify_makes_all_steps_again_finds_them_equal_and_keeps_the_verdicts(
    proved: tuple[RunConfig, RunSummary], tmp_path: Path
) -> None:
    run_config = copied(proved[0], tmp_path)
    before = rows(run_config.store, 'verdict:')
    notes = Notes()
    again = run(
        example('imp'), SUITE, dataclasses.replace(run_config, reuse='verify', verify_share=1.0, workers=2), notes
    )
    assert again.all_passed
    assert again.steps == 0
    assert again.requests > 0
    steps = rows(run_config.store, 'step:')
    assert notes.notices[-1] == f'verify: {len(steps)} reused steps were made again, {len(steps)} with the same result'
    assert rows(run_config.store, 'verdict:') == before
    assert not rows(run_config.store, 'flaky:')


def test_verify_takes_the_same_share_of_steps_every_time(proved: tuple[RunConfig, RunSummary], tmp_path: Path) -> None:
    run_config = copied(proved[0], tmp_path)
    keys = [row.partition(':')[2] for row in rows(run_config.store, 'step:')]
    share = 0.4
    expected = sum(chosen(key, share) for key in keys)
    assert 0 < expected < len(keys)
    assert all(chosen(key, 0.7) for key in keys if chosen(key, share))
    for _ in range(2):
        notes = Notes()
        run(example('imp'), SUITE, dataclasses.replace(run_config, reuse='verify', verify_share=share), notes)
        assert f'{expected} reused steps were made again, {expected} with the same result' in notes.notices[-1]
    none = run(example('imp'), SUITE, dataclasses.replace(run_config, reuse='verify', verify_share=0.0))
    assert none.all_passed
    assert (none.requests, none.server_starts) == (0, 0)


def test_verify_asks_for_a_step_of_another_depth_as_it_was_asked_for(
    proved: tuple[RunConfig, RunSummary], tmp_path: Path
) -> None:
    run_config = copied(proved[0], tmp_path)
    deeper = with_options(example('imp'), execute_depth=77)
    notes = Notes()
    again = run(deeper, SUITE, dataclasses.replace(run_config, reuse='verify', verify_share=1.0), notes)
    assert again.all_passed
    assert again.steps == 0
    assert 'with another' not in notes.notices[-1]


def test_a_step_with_another_result_is_an_error_is_stored_and_vouches_for_nothing_any_more(tmp_path: Path) -> None:
    suite, labels = example('imp'), (LITERALS, EQUALITY)
    honest = doubtful(tmp_path, {})
    assert run(suite, labels, honest).all_passed
    (tmp_path / 'faults.json').write_text(json.dumps(LIES))
    notes = Notes()
    summary = run(suite, labels, dataclasses.replace(honest, reuse='verify', verify_share=1.0), notes)
    assert statuses(summary) == {LITERALS: Status.ERROR, EQUALITY: Status.PASSED}
    (row, flaky), *others = rows(honest.store, 'flaky:').items()
    assert not others
    key = row.partition(':')[2]
    (claim,) = (claim for claim in summary.claims if claim.label == LITERALS)
    assert f'step {key}' in claim.reason
    assert 'flaky or unsound' in claim.reason
    assert (flaky['claim'], flaky['run'], flaky['withdrawn']) == (f'imp/{LITERALS}', summary.run, [f'imp/{LITERALS}'])
    assert flaky['stored']['results'] != flaky['found']['results']
    with StoreReader(honest.store) as store:
        new = flaky['found']['results'][0]['extension']['nodes']
        assert all(store.contains(f'term:{term}') for term in new), 'both results can be looked at'
        assert not store.contains(f'step:{key}')
    assert Ledger([suite], honest).verdict(f'imp/{LITERALS}') is None
    (tmp_path / 'faults.json').write_text('{}')
    after = run(suite, labels, honest)
    assert after.all_passed
    assert after.steps == 1


def test_a_step_in_doubt_takes_all_proofs_with_it_that_rest_on_it(tmp_path: Path) -> None:
    suite, labels = example('imp'), (LOOP, DEPENDENT, EQUALITY)
    honest = doubtful(tmp_path, {})
    assert run(suite, labels, honest).all_passed
    changed = {'"valid":true': '"valid":false', '"reason":"branching"': '"reason":"stuck"'}
    (tmp_path / 'faults.json').write_text(json.dumps({'answers': changed}))
    summary = run(suite, labels, dataclasses.replace(honest, reuse='verify', verify_share=1.0))
    found = statuses(summary)
    assert found[LOOP] is Status.ERROR
    assert found[DEPENDENT] is Status.NOT_ATTEMPTED
    ledger = Ledger([suite], honest)
    assert ledger.verdict(f'imp/{LOOP}') is None
    assert ledger.verdict(f'imp/{DEPENDENT}') is None
    (tmp_path / 'faults.json').write_text('{}')
    assert run(suite, labels, honest).all_passed


def test_enforce_starts_nothing_and_passes_what_is_in_the_store(
    proved: tuple[RunConfig, RunSummary], tmp_path: Path
) -> None:
    run_config = dataclasses.replace(copied(proved[0], tmp_path), reuse='enforce')
    summary = run(example('imp'), SUITE, run_config)
    assert summary.all_passed
    assert (summary.requests, summary.server_starts, summary.steps) == (0, 0, 0)


@pytest.mark.parametrize('gone', [('verdict:',), ('verdict:', 'journal:')])
def test_enforce_concludes_from_steps_in_the_store_whose_verdict_is_missing(
    proved: tuple[RunConfig, RunSummary], tmp_path: Path, gone: tuple[str, ...]
) -> None:
    """As after an import, which takes no verdicts."""
    run_config = dataclasses.replace(copied(proved[0], tmp_path), reuse='enforce')
    with CheckpointStore.open(run_config.store) as store:
        for prefix in gone:
            store.delete_prefix(prefix)
        store.commit()
    summary = run(example('imp'), SUITE, run_config)
    assert summary.all_passed
    assert (summary.requests, summary.server_starts, summary.steps) == (0, 0, 0)


@pytest.mark.parametrize(
    ('gone', 'said'),
    [
        (('step:',), 'steps'),
        (('proof:',), 'the beginning'),
        (('verdict:', 'step:'), 'the step at node'),
        (('verdict:', 'proof:'), 'the beginning'),
    ],
)
def test_enforce_names_what_is_missing_and_makes_nothing(
    proved: tuple[RunConfig, RunSummary], tmp_path: Path, gone: tuple[str, ...], said: str
) -> None:
    run_config = dataclasses.replace(copied(proved[0], tmp_path), reuse='enforce')
    with CheckpointStore.open(run_config.store) as store:
        for prefix in gone:
            store.delete_prefix(prefix)
        store.commit()
    summary = run(example('imp'), SUITE, run_config)
    settled = [claim for claim in summary.claims if not claim.reason.startswith('depends on')]
    assert settled
    assert {claim.status for claim in settled} == {Status.ERROR}
    assert all('not in the store' in claim.reason and said in claim.reason for claim in settled)
    assert (summary.requests, summary.server_starts) == (0, 0)
    assert not list(run_config.store.parent.glob('runs/*/logs/*')), 'not even a worker was started'


def test_a_failed_claim_stays_failed_in_every_mode(tmp_path: Path) -> None:
    suite, label = example('imp', 'failing.toml'), 'IMP-WRONG.larger-strictly'
    run_config = config(tmp_path)
    (first,) = run(suite, [label], run_config).claims
    for mode in ('verify', 'enforce', 'refresh'):
        (again,) = run(suite, [label], dataclasses.replace(run_config, reuse=mode, verify_share=1.0)).claims
        assert (again.status, again.failures) == (Status.FAILED, first.failures), mode


def test_a_verdict_stands_only_with_those_that_it_rests_on(
    proved: tuple[RunConfig, RunSummary], tmp_path: Path
) -> None:
    run_config = copied(proved[0], tmp_path)
    suite = example('imp')
    digest = Ledger([suite], run_config).proof(f'imp/{LOOP}').digest
    with CheckpointStore.open(run_config.store) as store:
        verdict = store.header(f'verdict:{digest}')
        assert verdict is not None
        store.put(f'verdict:{digest}', {**verdict, 'status': 'failed', 'failures': []})
        store.commit()
    ledger = Ledger([suite], run_config)
    assert ledger.verdict(f'imp/{DEPENDENT}') is None
    summary = run(suite, SUITE, run_config)
    assert statuses(summary)[DEPENDENT] is Status.FAILED
    with CheckpointStore.open(run_config.store) as store:
        store.delete(f'verdict:{digest}')
        store.commit()
    assert Ledger([suite], run_config).verdict(f'imp/{DEPENDENT}') is None
    again = run(suite, SUITE, run_config)
    assert again.all_passed
    assert again.steps == 0, 'the steps are all there'


def test_a_wrong_mode_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match='reuse: expected one of reuse, refresh'):
        run(example('imp'), [LITERALS], dataclasses.replace(config(tmp_path), reuse='often'))
    with pytest.raises(EngineError, match='verify_share'):
        run(example('imp'), [LITERALS], dataclasses.replace(config(tmp_path), verify_share=1.5))


def term(config: Any, *constraints: Any) -> bytes:
    return json.dumps({'config': config, 'constraints': list(constraints)}).encode()


def variable(name: str) -> dict[str, Any]:
    return {'node': 'KVariable', 'name': name, 'sort': None}


def apply(label: str, *arguments: Any) -> dict[str, Any]:
    return {'node': 'KApply', 'label': label, 'args': list(arguments)}


@pytest.mark.parametrize(
    ('one', 'other', 'same'),
    [
        (term(apply('f', variable('X'), variable('A'))), term(apply('f', variable('X'), variable('B'))), True),
        (term(apply('f', variable('X'), variable('A'))), term(apply('f', variable('A'), variable('X'))), False),
        (term(apply('f', variable('A'), variable('B'))), term(apply('f', variable('C'), variable('C'))), False),
        (term(apply('f', variable('A'), variable('A'))), term(apply('f', variable('C'), variable('D'))), False),
        (term(apply('f', variable('A'), variable('X'))), term(apply('f', variable('X'), variable('X'))), False),
        (
            term(apply('f', variable('A')), apply('p', variable('A')), apply('q', variable('A'), variable('B'))),
            term(apply('f', variable('C')), apply('q', variable('C'), variable('D')), apply('p', variable('C'))),
            True,
        ),
        (
            term(apply('f'), apply('p', variable('A')), apply('p', variable('B')), apply('q', variable('A'))),
            term(apply('f'), apply('p', variable('D')), apply('p', variable('C')), apply('q', variable('C'))),
            True,
        ),
        (
            term(apply('f', variable('A')), apply('p', variable('A'))),
            term(apply('f', variable('A')), apply('p', variable('B'))),
            False,
        ),
        (term(apply('f')), term(apply('f'), apply('p')), False),
    ],
)
def test_a_server_may_choose_names_of_fresh_variables_and_the_order_of_constraints_only(
    one: bytes, other: bytes, *, same: bool
) -> None:
    source = term(apply('g', variable('X')))
    assert same_term(one, other, source) is same
    assert same_term(other, one, source) is same
