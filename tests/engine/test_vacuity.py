"""A claim that holds of no state says so, whichever server proves it, and is a failure where that is asked for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree.ElementTree import fromstring

import pytest
from engine_harness import EXAMPLES, config, run
from pyk.kast.inner import KApply
from pyk.kast.prelude.kbool import FALSE, andBool
from pyk.kast.prelude.kint import intToken, ltInt
from test_servers import doubtful

from examples.imp.claims import ZERO, A, runs
from examples.imp.language import NAME
from examples.imp.programs import assign, if_, lt
from examples.specs import circularity, depends, functional, spec
from kprover.audit.audit import audit
from kprover.cli.explain import _lines
from kprover.engine import Ledger, SilentObserver, Status, prove
from kprover.engine.explain import explain
from kprover.engine.index import ProofIndex
from kprover.nights.record import claim_result
from kprover.nights.text import statuses
from kprover.report.junit import junit_xml
from kprover.report.record import Facts, RunRecord
from kprover.report.summary import summary_json
from kprover.report.text import claim_line, headline, verdict_word
from kprover.store import StoreReader
from kprover.suites import load_suite

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from kprover.engine import ClaimProgress, RunConfig, RunSummary
    from kprover.suites import Suite

BOTH = [ltInt(A, ZERO), ltInt(ZERO, A)]
"""What no integer is."""

CONTRADICTORY = ('FALSE.literal', 'FALSE.conditions', 'FALSE.at-once', 'FALSE.round', 'FALSE.equality')
HOLDING = ('TRUE.plain', 'TRUE.conditions', 'TRUE.one-branch', 'TRUE.equality')

HIDDEN_COVER = {
    '"predicate":{"format":"KORE","version":1,"term":{"tag":"Bottom"': '"predicate":{"format":"KORE","version":1,'
    '"term":{"tag":"Top"',
}
HIDDEN_MODEL = {'"satisfiable":"Unsat"': '"satisfiable":"Unknown"'}
_EMPTY_STATE = '"result":{"state":{"format":"KORE","version":1,"term":{"tag":"Bottom"'
UNREADABLE_STATE = {_EMPTY_STATE: _EMPTY_STATE.replace('state', 'nothing')}


def suite(folder: Path, *options: str) -> Suite:
    """Claims whose preconditions nothing satisfies, and some beside them that hold of something."""
    sign = KApply('sign', A)
    claims = [
        runs('FALSE.literal', assign('a', 1), {'a': A}, {'a': 7}, requires=[FALSE]),
        runs('FALSE.conditions', assign('a', 1), {'a': A}, {'a': 7}, requires=BOTH),
        runs('FALSE.at-once', assign('a', 1), {'a': A}, {'a': A}, result=assign('a', 1), requires=BOTH),
        runs('FALSE.round', assign('a', 1), {'a': A}, {'a': 7}, requires=BOTH, att=[circularity()]),
        functional('FALSE.equality', sign, intToken(5), requires=andBool(BOTH)),
        runs('FALSE.lemma-user', assign('a', 1), {'a': A}, {'a': 1}, att=[depends('literal')]),
        runs('TRUE.plain', assign('a', 1), {'a': A}, {'a': 1}),
        runs('TRUE.conditions', assign('a', 1), {'a': A}, {'a': 1}, requires=BOTH[:1]),
        runs('TRUE.one-branch', if_(lt('a', 0), assign('a', 1), assign('a', 2)), {'a': A}, {'a': 2}, requires=BOTH[1:]),
        functional('TRUE.equality', sign, intToken(-1), requires=BOTH[0]),
        runs('WRONG.conditions', assign('a', 1), {'a': A}, {'a': 7}, requires=BOTH[:1]),
    ]
    folder.mkdir(exist_ok=True)
    (folder / 'claims.json').write_text(spec(NAME, 'FALSE', claims))
    lines = [
        'name = "empty"',
        f'kompiled = "{EXAMPLES / "imp" / "kompiled"}"',
        'specs = ["claims.json"]',
        '[options]',
        *options,
    ]
    (folder / 'suite.toml').write_text('\n'.join(lines))
    return load_suite(folder / 'suite.toml')


def by_label(summary: RunSummary) -> dict[str, ClaimProgress]:
    return {claim.label: claim for claim in summary.claims}


def words(summary: RunSummary) -> dict[str, str]:
    return {claim.label: verdict_word(claim) for claim in summary.claims}


@pytest.fixture(scope='module')
def proved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Suite, RunConfig, RunSummary]:
    folder = tmp_path_factory.mktemp('empty')
    claims, run_config = suite(folder), config(folder)
    return claims, run_config, prove([claims], None, run_config)


def test_the_claims_of_no_state_are_marked_and_no_others(proved: tuple[Suite, RunConfig, RunSummary]) -> None:
    found = words(proved[2])
    assert {label: found[label] for label in CONTRADICTORY} == dict.fromkeys(CONTRADICTORY, 'passed (vacuous)')
    assert {label: found[label] for label in HOLDING} == dict.fromkeys(HOLDING, 'passed')
    assert found['WRONG.conditions'] == 'failed'
    user = by_label(proved[2])['FALSE.lemma-user']
    assert not user.vacuous
    assert 'empty/FALSE.literal: vacuous: no state satisfies the precondition' in user.reason


@pytest.mark.parametrize(
    ('hidden', 'seen'),
    [
        (HIDDEN_COVER, True),
        (HIDDEN_COVER | UNREADABLE_STATE, True),
        (HIDDEN_COVER | HIDDEN_MODEL, True),
        (HIDDEN_COVER | UNREADABLE_STATE | HIDDEN_MODEL, False),
    ],
    ids=['implies', 'implies-and-simplify', 'implies-and-get-model', 'all'],
)
def test_a_server_is_asked_where_it_does_not_say_it_by_itself(
    tmp_path: Path, hidden: dict[str, str], *, seen: bool
) -> None:
    run_config = doubtful(tmp_path, {'answers': hidden})
    summary = run(suite(tmp_path), ['FALSE.at-once', 'TRUE.conditions'], run_config)
    found = words(summary)
    assert found['TRUE.conditions'] == 'passed'
    assert found['FALSE.at-once'] == ('passed (vacuous)' if seen else 'passed')


def test_a_state_that_plainly_has_instances_costs_no_request(tmp_path: Path) -> None:
    claims = suite(tmp_path)
    (plain,) = run(claims, ['TRUE.plain'], config(tmp_path / 'plain')).claims
    (conditions,) = run(claims, ['TRUE.conditions'], config(tmp_path / 'conditions')).claims
    assert plain.steps == conditions.steps
    assert conditions.requests == plain.requests + 2  # simplify, get-model


def test_the_mark_is_in_the_store_and_in_all_that_is_told(proved: tuple[Suite, RunConfig, RunSummary]) -> None:
    claims, run_config, first = proved
    again = prove([claims], None, run_config)
    assert again.requests == 0
    assert words(again) == words(first)
    ledger = Ledger([claims], run_config)
    assert words(ledger.status()) == words(first)
    name = 'empty/FALSE.conditions'
    progress = by_label(first)['FALSE.conditions']
    assert 'passed (vacuous)' in claim_line(progress)
    assert f'({len(CONTRADICTORY)} vacuous)' in headline(first.claims)
    assert progress.to_dict()['vacuous'] is True
    assert 'vacuous' not in by_label(first)['TRUE.plain'].to_dict()
    found = explain([claims], name, run_config)
    assert found.verdict is not None
    assert found.verdict.to_dict()['vacuous'] is True
    assert 'passed (vacuous), reused' in next(_lines(found))
    for label in ('FALSE.conditions', 'FALSE.equality'):
        report = audit(ledger, f'empty/{label}', run_config)
        assert report.confirmed, report.findings
        assert any(notice.startswith('vacuous: ') for notice in report.notices)
    with StoreReader(run_config.store) as store:
        result = claim_result(_NoCosts(), store, progress)  # type: ignore[arg-type]
    assert (result.vacuous, result.word) == (True, 'passed (vacuous)')
    assert statuses([result]) == '1 passed (1 vacuous)'


def test_reports_of_a_run_name_the_claims_of_no_state(tmp_path: Path) -> None:
    claims, record = suite(tmp_path), RunRecord(Facts(store='store.sqlite', backend='embedded'))
    run(claims, ['FALSE.conditions', 'TRUE.plain'], config(tmp_path), record)
    data = summary_json(record)
    assert data['counts']['vacuous'] == 1
    assert {claim['label']: claim['verdict'] for claim in data['claims']} == {
        'FALSE.conditions': 'passed (vacuous)',
        'TRUE.plain': 'passed',
    }
    (properties,) = fromstring(junit_xml(record)).iter('properties')
    assert [entry.get('value') for entry in properties if entry.get('name') == 'vacuous'] == ['FALSE.conditions']


def test_an_option_makes_it_a_failure_and_no_step_is_made_for_that(
    proved: tuple[Suite, RunConfig, RunSummary], tmp_path: Path
) -> None:
    _, run_config, _first = proved
    strict = suite(tmp_path, 'vacuous = "fail"')
    summary = prove([strict], None, run_config)
    assert (summary.requests, summary.steps) == (0, 0)
    claims = by_label(summary)
    for label in CONTRADICTORY:
        assert claims[label].status is Status.FAILED
        assert claims[label].reason.startswith('vacuous: ')
        (failure,) = claims[label].failures
        assert failure.reason == 'vacuous'
        report = audit(Ledger([strict], run_config), f'empty/{label}', run_config)
        assert report.confirmed, report.findings
    assert claims['FALSE.lemma-user'].reason == 'depends on empty/FALSE.literal, which failed'
    assert {claims[label].status for label in HOLDING} == {Status.PASSED}
    assert words(Ledger([strict], run_config).status()) == words(summary)
    lenient = suite(tmp_path, 'vacuous = "fail"', '[claims."FALSE.literal"]', 'vacuous = "pass"')
    found = words(prove([lenient], None, run_config))
    assert (found['FALSE.literal'], found['FALSE.conditions']) == ('passed (vacuous)', 'failed')


def step(kind: str, *nodes: str, **more: Any) -> dict[str, Any]:
    return {'kind': 'extend', 'extension': {'kind': kind, 'nodes': list(nodes), **more}}


@pytest.mark.parametrize(
    ('ends', 'nothing'),
    [
        (({'kind': 'subsumed'}, step('vacuous')), False),
        ((step('vacuous'), step('vacuous')), True),
        (({'kind': 'subsumed', 'vacuous': True}, step('vacuous')), True),
        (({'kind': 'subsumed', 'vacuous': True}, {'kind': 'subsumed'}), False),
        (({'kind': 'bounded'}, step('vacuous')), False),
        ((step('stuck'), step('vacuous')), False),
    ],
)
def test_a_proof_reaches_nothing_only_if_no_branch_does(ends: tuple[dict[str, Any], ...], *, nothing: bool) -> None:
    index = ProofIndex('i', 't', init_terminal=False, target_terminal=False)
    for node, end in zip(index.commit(1, [step('branch', 'l', 'r')]), ends, strict=True):
        assert not index.reaches_nothing
        index.commit(node, [end])
    assert index.reaches_nothing is nothing


class _NoCosts(SilentObserver):
    """A history without any night."""

    def cost(self, claim: str, digest: str) -> None:
        return None


def test_a_claim_says_itself_what_is_to_become_of_it(tmp_path: Path) -> None:
    claims = suite(tmp_path, '[claims."FALSE.conditions"]', 'vacuous = "fail"')
    options = {claim.label: claim.options.vacuous for claim in claims.claims}
    assert (options['FALSE.conditions'], options['FALSE.literal']) == ('fail', 'pass')
    chosen = replace(config(tmp_path), workers=1)
    assert json.dumps(words(run(claims, ['FALSE.conditions'], chosen))) == '{"FALSE.conditions": "failed"}'
