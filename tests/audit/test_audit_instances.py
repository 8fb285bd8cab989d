"""Ground instances: right proofs stand, wrong ones are contradicted by a state, also where the server confirms them."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from engine_harness import EXAMPLES, example, run
from test_audit import A_LESS_THAN_B, WRONG, Forged, forge, forgeries, with_state
from test_servers import Notes, doubtful

from kprover.audit.after_run import prove_and_hold
from kprover.audit.audit import AuditOptions, audit
from kprover.cli import main
from kprover.engine import Interrupted, Ledger, RunState, Status
from kprover.engine.ledger import step_row, verdict_row
from kprover.store import StoreReader
from kprover.suites import select

if TYPE_CHECKING:
    from collections.abc import Callable

    from kprover.audit.model import AuditReport
    from kprover.engine import RunConfig, RunSummary

T = TypeVar('T')

INSTANCES = AuditOptions(steps=False, seed=1, instances=10)
LITERALS = 'IMP-WRONG.literals'
"""That 2 * 3 + 4 is 11."""

WRONG_SUM = {'answers': {'"value":"10"': '"value":"11"'}}
"""A server to which it is, always."""


def held(run_config: RunConfig, label: str, file: str = 'failing.toml', language: str = 'imp') -> AuditReport:
    suite = example(language, file)
    return audit(Ledger([suite], run_config), f'{suite.name}/{label}', run_config, INSTANCES)


def rows(run_config: RunConfig, prefix: str) -> dict[str, dict[str, Any]]:
    with StoreReader(run_config.store) as store:
        return dict(store.scan_headers(prefix))


@pytest.mark.parametrize(
    ('language', 'file', 'label'),
    [
        ('imp', 'suite.toml', 'IMP-LOOPS.transfer-six'),
        ('imp', 'suite.toml', 'IMP-BOUNDED.count'),
        ('imp', 'suite.toml', 'IMP-EQUALITIES.sign-sum'),
        ('imp', 'suite.toml', 'IMP-INPUT.not-negative'),
        ('imp', 'failing.toml', 'IMP-WRONG.one-of-sixteen'),
        ('imp', 'failing.toml', WRONG),
        ('imp', 'failing.toml', 'IMP-WRONG-LOOPS.transfer-one-more'),
        ('stack', 'suite.toml', 'STACK-BOUNDED.forever'),
    ],
)
def test_no_instance_contradicts_a_right_proof(audited: RunConfig, language: str, file: str, label: str) -> None:
    before = rows(audited, 'verdict:')
    report = held(audited, label, file, language)
    assert (report.contradictions, report.findings) == ((), ())
    assert report.confirmed
    assert report.instances['instances'] > 0 or label == 'IMP-INPUT.not-negative'
    assert rows(audited, 'verdict:') == before


@pytest.mark.parametrize('name', ['an end is called covered', 'an end is called vacuous', 'a branch is cut short'])
def test_a_false_claim_that_was_made_to_pass_is_contradicted_and_its_verdict_is_gone(
    audited: RunConfig, tmp_path: Path, name: str
) -> None:
    change, _ = forgeries()[name]
    run_config = forge(audited, tmp_path, WRONG, change)
    report = held(run_config, WRONG)
    assert not report.confirmed
    assert report.contradictions
    assert report.withdrawn == (f'imp-failing/{WRONG}',)
    for contradiction in report.contradictions:
        values = {variable: int(value) for variable, value in contradiction.values.items()}
        assert values['A'] >= values['B'], 'the case in which the claim does not hold'
        assert f'a |-> {values["A"]}' in contradiction.state
    suite = example('imp', 'failing.toml')
    assert Ledger([suite], run_config).verdict(f'imp-failing/{WRONG}') is None
    flaky = rows(run_config, 'flaky:')
    assert {row['claim'] for row in flaky.values()} == {f'imp-failing/{WRONG}'}
    assert all('an instance contradicts it' in row['difference'] for row in flaky.values())
    with StoreReader(run_config.store) as store:
        assert not any(store.contains(step_row(row.partition(':')[2])) for row in flaky)


def test_an_edge_that_lost_a_case_is_contradicted_by_a_state_of_that_case(audited: RunConfig, tmp_path: Path) -> None:
    run_config = forge(
        audited,
        tmp_path,
        WRONG,
        lambda forged: with_state(forged, 1, lambda state: state.add_constraint(A_LESS_THAN_B)),
    )
    assert run(example('imp', 'failing.toml'), [WRONG], run_config).claims[0].status is Status.PASSED
    report = held(run_config, WRONG)
    edges = [entry for entry in report.contradictions if (entry.node, entry.kind) == (1, 'edge')]
    assert edges
    assert all(int(entry.values['A']) >= int(entry.values['B']) for entry in edges)
    assert any(entry.kind == 'claim' for entry in report.contradictions), 'and the claim as a whole'


def test_a_wrong_equality_is_contradicted(audited: RunConfig, tmp_path: Path) -> None:
    suite = example('imp', 'failing.toml')
    label = next(claim.label for claim in suite.claims if 'WRONG-EQUALITIES' in claim.label)
    (tmp_path / 'forged').mkdir()
    run_config = dataclasses.replace(audited, store=tmp_path / 'store.sqlite')
    assert run(suite, [label], run_config).claims[0].status is Status.FAILED
    forged = forge(run_config, tmp_path / 'forged', label, passes_as_equality)
    report = held(forged, label)
    assert {entry.kind for entry in report.contradictions} == {'equality'}
    assert Ledger([suite], forged).verdict(f'{suite.name}/{label}') is None


def passes_as_equality(forged: Forged) -> None:
    ((_, key),) = forged.steps()
    forged.edit(step_row(key), lambda header: header['results'][0].update(passed=True))
    forged.edit(verdict_row(forged.digest), lambda header: header.update(status='passed', failures=[], failing=0))


@pytest.fixture
def deceived(tmp_path: Path) -> RunConfig:
    """A store in which a false claim has passed, on a server that is wrong the same way each time."""
    run_config = doubtful(tmp_path, WRONG_SUM)
    (claim,) = run(example('imp', 'failing.toml'), [LITERALS], run_config).claims
    assert claim.status is Status.PASSED
    return run_config


def test_a_server_that_is_wrong_each_time_confirms_itself_and_is_contradicted_by_an_instance(
    deceived: RunConfig,
) -> None:
    suite = example('imp', 'failing.toml')
    ledger = Ledger([suite], deceived)
    assert audit(ledger, f'imp-failing/{LITERALS}', deceived).confirmed, 'the steps have the same results again'
    report = audit(ledger, f'imp-failing/{LITERALS}', deceived, AuditOptions(seed=1, instances=3))
    assert report.executed == report.steps
    assert {entry.kind for entry in report.contradictions} >= {'claim'}
    assert any('10' in entry.reached for entry in report.contradictions)
    assert Ledger([suite], deceived).verdict(f'imp-failing/{LITERALS}') is None


def test_the_command_prints_the_state_and_ends_with_1(
    audited: RunConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, _ = forgeries()['an end is called covered']
    run_config = forge(audited, tmp_path, WRONG, change)
    where = ['--suite', str(EXAMPLES / 'imp' / 'failing.toml'), '--store', str(run_config.store)]
    options = [*where, '--backend', 'embedded']
    assert main(['audit', WRONG, *options, '--sample', '0', '--instances', '5', '--seed', '5', '--json']) == 1
    (report,) = json.loads(capsys.readouterr().out)
    assert report['confirmed'] is False
    assert report['contradictions'][0]['kore'].startswith("Lbl'-LT-'generatedTop'-GT-'{}(")
    assert '<generatedTop>' in report['contradictions'][0]['state']
    assert report['withdrawn'] == [f'imp-failing/{WRONG}']
    main(['status', *options, '--json'])
    claims = {claim['label']: claim for claim in json.loads(capsys.readouterr().out)['claims']}
    assert claims[WRONG]['status'] == 'not-attempted'


class Ends(Notes):
    """Notes the ends of runs that it is told of."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[RunSummary] = []

    def finished(self, summary: RunSummary) -> None:
        self.ends.append(summary)


@pytest.mark.parametrize('mode', ['verify', 'enforce'])
def test_a_run_that_holds_its_claims_against_instances_does_not_end_with_a_contradicted_one_as_passed(
    deceived: RunConfig, mode: str
) -> None:
    suite = example('imp', 'failing.toml')
    run_config = dataclasses.replace(deceived, reuse=mode, verify_share=1.0)
    observer = Ends()
    summary = prove_and_hold(
        [suite],
        select([suite], [LITERALS]),
        run_config,
        observer,
        Ledger([suite], run_config),
        instances=3,
        deep=lambda function: function(),
    )
    (claim,) = summary.claims
    assert claim.status is Status.ERROR
    assert 'an instance contradicts its proof' in claim.reason
    assert observer.ends == [summary], 'nobody was told of another end'
    assert any('1 verdicts were taken back' in notice for notice in observer.notices)
    assert Ledger([suite], run_config).verdict(f'imp-failing/{LITERALS}') is None


def test_the_same_seed_makes_the_same_instances(audited: RunConfig, tmp_path: Path) -> None:
    change, _ = forgeries()['an end is called covered']
    found = []
    for folder in ('one', 'two'):
        (tmp_path / folder).mkdir()
        run_config = forge(audited, tmp_path / folder, WRONG, change)
        report = held(run_config, WRONG)
        found.append([entry.values for entry in report.contradictions])
    assert found[0] == found[1]


@pytest.mark.parametrize(('instances', 'code'), [(0, 0), (5, 30)])
def test_the_command_for_a_run_ends_with_30_for_a_contradicted_claim(
    audited: RunConfig, tmp_path: Path, project: Path, instances: int, code: int
) -> None:
    change, _ = forgeries()['an end is called covered']
    run_config = forge(audited, tmp_path, WRONG, change)
    luigi = Path(sys.executable).parent / 'luigi'
    command = [str(luigi), '--module', 'pipelines', 'ProveClaim', '--claim', WRONG]
    command += ['--suite', str(EXAMPLES / 'imp' / 'failing.toml'), '--kprover-store', str(run_config.store)]
    command += ['--kprover-backend', 'embedded', '--kprover-workers', '1', '--kprover-reuse', 'enforce']
    command += ['--kprover-verify-instances', str(instances)]
    ended = subprocess.run(
        command, cwd=project, env={**os.environ, 'PYTHONPATH': str(project)}, capture_output=True, text=True
    )
    assert ended.returncode == code, ended.stdout + ended.stderr
    assert ('an instance contradicts its proof' in ended.stdout + ended.stderr) == bool(instances)
    verdict = Ledger([example('imp', 'failing.toml')], run_config).verdict(f'imp-failing/{WRONG}')
    assert (verdict is None) == bool(instances)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_claims_are_held_against_instances_ends_the_run_as_interrupted(
    audited: RunConfig, number: signal.Signals
) -> None:
    suite = example('imp', 'suite.toml')
    observer = Ends()
    handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}

    def interrupted(function: Callable[[], T]) -> T:
        signal.raise_signal(number)
        return function()

    try:
        with pytest.raises(Interrupted) as raised:
            prove_and_hold(
                [suite],
                select([suite], ['IMP-EQUALITIES.sign-sum']),
                dataclasses.replace(audited, reuse='enforce'),
                observer,
                Ledger([suite], audited),
                instances=1,
                deep=interrupted,
            )
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
    assert raised.value.summary.state is RunState.INTERRUPTED
    assert observer.ends == [raised.value.summary]
