"""The files of a run: summary, JUnit, trace, record; of a real run with claims of every kind, and of constructed ones.

The golden files are written anew with KPROVER_GOLDEN=write; look at the difference.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema
from mixed_run import CRASHES, SLOW, mixed_run
from schema_check import problems

from kprover.engine.events import Activity
from kprover.engine.values import STOPPED_AT_FAILURE, Phase, RunState, RunSummary
from kprover.report.folder import ReportFolder, last_run, read_record
from kprover.report.junit import junit_xml
from kprover.report.record import RunRecord
from kprover.report.summary import read_summary, summary_json, summary_schema
from kprover.report.trace import SERVERS, WORKERS, chrome_trace

HERE = Path(__file__).parent
ABOUT_TIME = {'time', 'timestamp', 'seconds', 'began', 'ended', 'left', 'proof', 'started', 'run', 'utilisation'}


@pytest.fixture(scope='module')
def mixed(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunRecord, Path]:
    folder = tmp_path_factory.mktemp('mixed')
    return mixed_run(folder), folder


def steady(text: str, folder: Path) -> str:
    """The first lines of a text without what differs from run to run and from machine to machine."""
    lines = text.splitlines()[:3]
    text = '\n'.join(lines).replace(str(folder), 'FOLDER').replace(str(HERE.parents[1]), 'PROJECT')
    text = re.sub(r'\d{8}T\d{6}\.\d+Z-\d+', 'RUN', text)
    text = re.sub(r'-[0-9a-f]{12}\b', '-KEY', text)
    text = re.sub(r'127\.0\.0\.1:\d+', 'ADDRESS', text)
    return re.sub(r'\d+\.\d+ s', 'T s', text)


def compare_with_golden(name: str, text: str) -> None:
    path = HERE / 'golden' / name
    if os.environ.get('KPROVER_GOLDEN') == 'write':
        path.write_text(text, encoding='utf-8')
    assert text == path.read_text(encoding='utf-8')


def test_the_junit_file_of_a_run_of_every_kind(mixed: tuple[RunRecord, Path]) -> None:
    _, folder = mixed
    document = ElementTree.parse(folder / 'report' / 'junit.xml')
    for element in document.iter():
        for name in ABOUT_TIME & set(element.attrib):
            element.set(name, '')
        for name in {'message', 'value'} & set(element.attrib):
            element.set(name, steady(element.attrib[name], folder))
        if element.tag == 'system-err':
            element.text = ''  # the servers' last words
        elif element.text:
            element.text = steady(element.text, folder)
    for element in document.iter('property'):
        if element.get('name') in ('requests', 'steps-made'):
            element.set('value', '')
    ElementTree.indent(document)
    compare_with_golden('junit.xml', ElementTree.tostring(document.getroot(), encoding='unicode') + '\n')


def test_the_summary_of_a_run_of_every_kind(mixed: tuple[RunRecord, Path]) -> None:
    _, folder = mixed
    data = json.loads((folder / 'report' / 'summary.json').read_text(encoding='utf-8'))
    assert list(problems(data, summary_schema())) == []
    assert data['chain']['seconds'] <= data['seconds']
    assert {CRASHES in notice['message'] for notice in data['notices']} == {True, False}
    wanted = {name: value for name, value in data.items() if name not in (*ABOUT_TIME, 'chain', 'notices')}
    wanted['backend'] = Path(data['backend']).name
    wanted['servers'] = [{'how': life['how'], 'replaces': life['replaces']} for life in data['servers']]
    wanted['claims'] = [
        {
            **{name: value for name, value in claim.items() if name not in ABOUT_TIME},
            'reason': steady(claim['reason'], folder),
            'failures': [
                {name: failure[name] for name in ('node', 'reason', 'path_condition')} for failure in claim['failures']
            ],
        }
        for claim in data['claims']
    ]
    for counted in ('requests', 'rewrites', 'steps'):
        assert sum(claim[counted] for claim in wanted['claims']) == wanted.pop(counted)
    for claim in wanted['claims']:  # how many steps a proof takes is no matter of the report
        for name in ('requests', 'rewrites', 'steps', 'nodes', 'depth'):
            del claim[name]
    compare_with_golden('summary.json', json.dumps(wanted, indent=1) + '\n')


def test_only_a_passed_proof_is_a_passing_test(mixed: tuple[RunRecord, Path]) -> None:
    record, _ = mixed
    document = ElementTree.fromstring(junit_xml(record))
    passing = [case.get('name') for case in document.iter('testcase') if not list(case)]
    assert passing == ['literals', 'count']
    elements = {case.get('name'): [child.tag for child in case] for case in document.iter('testcase')}
    assert elements[SLOW.rpartition('.')[2]] == ['error'], 'out of budget'
    assert elements['power-positive'] == ['skipped'], 'trusted is not proved'


def test_junit_is_what_its_readers_take(mixed: tuple[RunRecord, Path], summary: RunSummary) -> None:
    schema = xmlschema.XMLSchema(HERE / 'junit.xsd')
    schema.validate(ElementTree.fromstring(junit_xml(mixed[0])))
    strange = 'a \x00 b \x1b[1m c \ud800 d \ufffe <&]]>"'
    claims = [
        replace(claim, claim=f'{strange}{claim.label}', suite=strange, reason=strange) for claim in summary.claims
    ]
    for state in RunState:
        for some in ((), summary.claims, tuple(claims)):
            record = RunRecord()
            record.started(replace(summary, state=state, claims=some))
            record.notice(strange)
            document = ElementTree.fromstring(junit_xml(record))
            schema.validate(document)
            for suite in document.iter('testsuite'):
                found = {tag: len(list(suite.iter(tag))) for tag in ('testcase', 'failure', 'error', 'skipped')}
                names = ('tests', 'failures', 'errors', 'skipped')
                assert list(found.values()) == [int(suite.attrib[name]) for name in names]
    assert any('\\x1b[1m' in (case.get('message') or '') for case in document.iter())


@pytest.mark.parametrize('failures', [255, 256, 1000])
def test_every_failure_is_counted_however_many_there_are(summary: RunSummary, failures: int) -> None:
    (wrong,) = (claim for claim in summary.claims if claim.label == 'WRONG.post')
    copies = tuple(replace(wrong, claim=f'imp/WRONG.copy-{i}', label=f'WRONG.copy-{i}') for i in range(failures))
    record = RunRecord()
    record.finished(replace(summary, claims=copies))
    document = ElementTree.fromstring(junit_xml(record))
    assert (document.get('failures'), document.get('tests')) == (str(failures), str(failures))
    assert not summary_json(record)['all_passed']


def test_a_claim_that_was_cut_short_is_skipped_and_one_over_its_limit_is_an_error(summary: RunSummary) -> None:
    slow = summary.claims[5]
    stopped = replace(slow, claim='imp/A.x', reason=f'imp/WRONG.post failed, and {STOPPED_AT_FAILURE}')
    begun = replace(slow, claim='imp/A.y', phase=Phase.RUNNING, reason='')
    record = RunRecord()
    record.finished(replace(summary, state=RunState.INTERRUPTED, claims=(slow, stopped, begun)))
    cases = list(ElementTree.fromstring(junit_xml(record)).iter('testcase'))
    assert [case[0].tag for case in cases] == ['error', 'skipped', 'skipped']
    assert cases[2][0].get('message') == 'pending: the run was interrupted'


def test_the_trace_shows_every_activity_on_its_worker_and_its_server(mixed: tuple[RunRecord, Path]) -> None:
    record, folder = mixed
    data = json.loads((folder / 'report' / 'trace.json').read_text(encoding='utf-8'))
    events = data['traceEvents']
    assert json.loads(json.dumps(chrome_trace(record))) == data
    work = [e for e in events if e['ph'] == 'X' and e['pid'] == WORKERS]
    assert len(work) == len(record.activities) > 10
    assert {e['args']['outcome'] for e in work} == {'done', 'server-died'}
    lives = [e for e in events if e['ph'] == 'X' and e['pid'] == SERVERS and e['name'] == 'up']
    assert len(lives) == 3
    assert [e['name'].split()[2] for e in events if e['ph'] == 'i' and e.get('cat') == 'process'] == ['died', 'died']
    named = {(e['pid'], e['tid']) for e in events if e['name'] == 'thread_name'}
    for event in (e for e in events if e['ph'] in 'Xi' and e.get('s') != 'g'):
        assert (event['pid'], event['tid']) in named
    for thread in {(e['pid'], e['tid']) for e in events if e['ph'] == 'X'}:
        ends: list[int] = []
        slices = sorted(
            (e['ts'], -e['dur'], e['dur']) for e in events if e['ph'] == 'X' and (e['pid'], e['tid']) == thread
        )
        for start, _, length in slices:  # slices of one thread nest or follow each other
            while ends and ends[-1] <= start + 2:
                ends.pop()
            assert not ends or start + length <= ends[-1] + 2  # rounding
            ends.append(start + length)
    assert {e['name'] for e in events if e['ph'] == 'C'} == {'busy workers', 'memory, MiB'}


def test_a_record_is_read_back_as_it_was(mixed: tuple[RunRecord, Path]) -> None:
    record, folder = mixed
    read = read_record(folder / 'report')
    assert json.dumps(read.to_dict()) == json.dumps(record.to_dict())
    assert summary_json(read) == json.loads((folder / 'report' / 'summary.json').read_text(encoding='utf-8'))
    assert (read.chain, read.servers) == (record.chain, record.servers)
    before = last_run(folder / 'report')
    assert before is not None
    assert [claim.status for claim in before.claims] == [claim.status for claim in record.claims]
    with pytest.raises(ValueError, match='JSON summary of a run'):
        read_summary('{"format": 99}')


def test_what_cannot_be_written_is_told_once_and_ends_nothing(tmp_path: Path, summary: RunSummary) -> None:
    (tmp_path / 'report').write_text('a file where the folder should be')
    told: list[str] = []
    record = RunRecord()
    reports = ReportFolder(tmp_path / 'report', record, tell=told.append)
    for observer in (record, reports):
        observer.started(summary)
        observer.finished(summary)
    assert len(told) == 4
    assert all(str(tmp_path / 'report') in line for line in told)


def test_files_are_whole_and_those_of_the_run_before_are_gone_while_a_run_lasts(
    tmp_path: Path, summary: RunSummary
) -> None:
    now = 0.0
    record = RunRecord()
    reports = ReportFolder(tmp_path, record, clock=lambda: now)
    for name in ('junit.xml', 'trace.json', 'record.json.gz'):
        (tmp_path / name).write_text('of another run')
    running = replace(summary, state=RunState.RUNNING)
    for observer in (record, reports):
        observer.started(running)
    assert {path.name for path in tmp_path.iterdir()} == {'summary.json', 'record.json.gz'}
    assert not read_record(tmp_path).final
    assert json.loads((tmp_path / 'summary.json').read_text())['state'] == 'running'
    record.tick(replace(running, requests=99))
    reports.tick(running)
    assert json.loads((tmp_path / 'summary.json').read_text())['requests'] == 31, 'not so soon'
    now += 5.0
    reports.tick(running)
    assert json.loads((tmp_path / 'summary.json').read_text())['requests'] == 99
    for observer in (record, reports):
        observer.finished(summary)
    assert {path.name for path in tmp_path.iterdir()} == {'summary.json', 'junit.xml', 'trace.json', 'record.json.gz'}


def test_a_long_run_is_kept_in_bounded_memory_with_exact_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('kprover.report.record.ACTIVITIES', 100)
    record = RunRecord()
    for number in range(1000):
        outcome = 'timeout' if number % 50 == 0 else 'done'
        record.activity(
            Activity(number % 2, 1, 'a/b', 'step', number, 'k', float(number), number % 7 / 10, 0, 0, outcome)
        )
    assert len(record.activities) <= 100
    assert record.forgotten + len(record.activities) == 1000
    assert sum(activity.outcome == 'timeout' for activity in record.activities) == 20
    assert sum(record.worker_seconds.values()) == pytest.approx(sum(number % 7 / 10 for number in range(1000)))
