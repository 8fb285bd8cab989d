"""What commands leave behind for programs: exit codes, report files, the command at the end."""

from __future__ import annotations

import copy
import json
import os
import signal
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from pipeline_harness import TIMEOUT, wait_until

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from pipeline_harness import Commands

FILES = {'summary.json', 'junit.xml', 'trace.json', 'record.json.gz', 'report.html'}
SLEEPS = f'{sys.executable} -c "import time; time.sleep(300)"'


def report(commands: Commands) -> Path:
    return commands.folder / '.kprover' / 'report'


def summary(commands: Commands) -> dict[str, Any]:
    data = json.loads((report(commands) / 'summary.json').read_text(encoding='utf-8'))
    assert isinstance(data, dict)
    return data


def junit(commands: Commands) -> dict[str, str]:
    return ElementTree.parse(report(commands) / 'junit.xml').getroot().attrib


@pytest.fixture
def small(commands: Commands) -> Path:
    return commands.suite('imp', 'small', ['IMP-ARITHMETIC.literals'])


def copies_of_a_wrong_claim(commands: Commands, number: int) -> Path:
    """A suite with one claim that passes and `number` that say the same wrong thing, so that they are one proof."""
    source = commands.project / 'examples' / 'imp'
    spec = json.loads((source / 'specs' / 'wrong.json').read_text(encoding='utf-8'))
    (module,) = (module for module in spec['term']['term'] if module['localSentences'])
    sentences = module['localSentences']
    (wrong,) = (s for s in sentences if s['att']['att'].get('label') == 'IMP-WRONG.literals')
    module['localSentences'] = [copy.deepcopy(wrong) for _ in range(number)]
    for i, sentence in enumerate(module['localSentences']):
        sentence['att']['att']['label'] = f'IMP-WRONG.copy-{i}'
    (commands.folder / 'copies.json').write_text(json.dumps(spec), encoding='utf-8')
    specs = [str(source / 'specs' / 'arithmetic.json'), 'copies.json']
    path = commands.folder / 'copies.toml'
    path.write_text(
        f'name = "copies"\nkompiled = {json.dumps(str(source / "kompiled"))}\nspecs = {json.dumps(specs)}\n'
        'include = ["IMP-ARITHMETIC.literals", "IMP-WRONG.copy-*"]\n',
        encoding='utf-8',
    )
    return path


def test_256_failures_are_the_code_of_a_failure(commands: Commands) -> None:
    failures = 256  # a code of the system has eight bits
    suite = copies_of_a_wrong_claim(commands, failures)
    done = commands.luigi('ProveAll', '--suite', suite, '--kprover-workers', '1')
    assert done.returncode == 30, done.stdout[-2000:] + done.stderr[-2000:]
    assert f'{failures + 1} claims: 1 passed, {failures} failed' in done.stdout
    assert junit(commands)['failures'] == str(failures)
    assert junit(commands)['tests'] == str(failures + 1)


def test_no_failure_is_the_code_of_none_and_a_run_with_nothing_to_do_is_reported_too(
    commands: Commands, small: Path
) -> None:
    for steps in (2, 0):
        done = commands.luigi('ProveAll', '--suite', small)
        assert done.returncode == 0, done.stdout + done.stderr
        assert {path.name for path in report(commands).iterdir()} == FILES
        data = summary(commands)
        assert (data['state'], data['all_passed'], data['steps']) == ('finished', True, steps)
        assert (junit(commands)['tests'], junit(commands)['failures'], junit(commands)['skipped']) == ('1', '0', '0')
        events = json.loads((report(commands) / 'trace.json').read_text(encoding='utf-8'))['traceEvents']
        assert any(event['ph'] == 'X' for event in events) == bool(steps)


def test_an_interrupted_run_leaves_whole_files_that_say_so(commands: Commands) -> None:
    suite = commands.suite('imp', 'longer', ['IMP-BRANCHES.sixteen', 'IMP-LOOPS.euclid', 'IMP-LOOPS.sum-to-100'])
    arguments = ('ProveAll', '--suite', suite, '--kprover-workers', '1', '--kprover-report', 'elsewhere')
    run = commands.start(*arguments)
    wait_until(lambda: commands.number_of_steps() >= 1, what='a first step')
    during = json.loads((commands.folder / 'elsewhere' / 'summary.json').read_text(encoding='utf-8'))
    assert during['state'] == 'running'
    run.send_signal(signal.SIGTERM)
    out, err = run.communicate(timeout=TIMEOUT)
    assert run.returncode == 25, out + err
    folder = commands.folder / 'elsewhere'
    data = json.loads((folder / 'summary.json').read_text(encoding='utf-8'))
    assert data['state'] == 'interrupted'
    open_claims = [claim for claim in data['claims'] if claim['status'] != 'passed']
    cases = [
        case for case in ElementTree.parse(folder / 'junit.xml').iter('testcase') if case.find('skipped') is not None
    ]
    assert len(cases) == len(open_claims) > 0
    assert not [path for path in folder.iterdir() if path.name.startswith('.')], 'nothing half written'
    assert json.loads((folder / 'trace.json').read_text(encoding='utf-8'))['otherData']['state'] == 'interrupted'


def test_a_run_that_cannot_go_on_is_reported_as_aborted(commands: Commands, small: Path) -> None:
    # A program that is replaced under a run ends it: here by the run's own server, when it is started.
    program = commands.folder / 'server'
    program.write_text(
        f'#!/bin/sh\ncase "$1" in --version) echo one;; *) echo >> "$0"; '
        f'PYTHONPATH={commands.project} exec {sys.executable} -m kprover.server "$@";; esac\n'
    )
    program.chmod(0o755)
    done = commands.luigi('ProveAll', '--suite', small, '--kprover-backend', program)
    assert done.returncode == 40, done.stdout + done.stderr
    assert summary(commands)['state'] == 'aborted'
    (skipped,) = ElementTree.parse(report(commands) / 'junit.xml').iter('skipped')
    assert 'the run was stopped by an error' in skipped.attrib['message']


def test_the_command_at_the_end_gets_the_summary_and_changes_nothing(commands: Commands, small: Path) -> None:
    keep = "sh -c 'cat > got.json; echo $KPROVER_SUMMARY; exit 3'"
    done = commands.luigi('ProveAll', '--suite', small, '--kprover-on-end', keep)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((commands.folder / 'got.json').read_text(encoding='utf-8')) == summary(commands)
    assert str(report(commands) / 'summary.json') in done.stdout
    assert 'on_end: sh ended with code 3' in done.stdout
    missing = commands.luigi('ProveAll', '--suite', small, '--kprover-on-end', 'no-such-program')
    assert missing.returncode == 0
    assert 'on_end: no-such-program could not be run: ' in missing.stdout
    slow = commands.luigi('ProveAll', '--suite', small, '--kprover-on-end', SLEEPS, '--kprover-on-end-timeout', '1')
    assert slow.returncode == 0
    assert 'took longer than 1 s (on_end_timeout) and was ended' in slow.stdout
    assert not commands.processes()


def test_reports_that_cannot_be_written_change_no_verdict(commands: Commands, small: Path) -> None:
    (commands.folder / 'file').write_text('')
    done = commands.luigi('ProveAll', '--suite', small, '--kprover-report', os.path.join('file', 'report'))  # noqa: PTH118
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'summary.json could not be written: ' in done.stdout
    assert '1 claim: 1 passed' in done.stdout
