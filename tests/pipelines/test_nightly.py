"""`luigi --module pipelines Nightly`: nights that are compared, repeated, interrupted, and kept apart."""

from __future__ import annotations

import json
import signal
import sys
from typing import TYPE_CHECKING

import pytest
from pipeline_harness import TIMEOUT, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_harness import Commands

LONG = ['IMP-BRANCHES.sixteen', 'IMP-LOOPS.sum-to-100', 'IMP-LOOPS.euclid']


def with_lemmas(commands: Commands, name: str, claims: list[str], *, lemmas: bool) -> Path:
    """A suite of claims about input, which hold where the lemmas say that input is not negative."""
    path = commands.suite('imp', name, claims)
    text = path.read_text(encoding='utf-8')
    if not lemmas:
        text = text.replace('lemmas = ["', 'lemmas = [] # "')
    path.write_text(text, encoding='utf-8')
    return path


@pytest.fixture
def doubtful(commands: Commands) -> Path:
    """The file that says how the server misbehaves, which is the backend of the commands' nights."""
    program = commands.folder / 'doubtful'
    server = commands.project / 'tests' / 'engine' / 'doubtful_server.py'
    program.write_text(f'#!/bin/sh\nPYTHONPATH={commands.project} exec {sys.executable} {server} "$@"\n')
    program.chmod(0o755)
    faults = commands.folder / 'faults.json'
    (commands.folder / 'backend.cfg').write_text(
        f'[kprover]\nbackend = {program}\nserver_env = KPROVER_TEST_FAULTS={faults}\nattempts = 1\n'
        'step_target = 0\nworkers = 1\n'
    )
    faults.write_text('{}')
    return faults


def test_three_nights_with_a_regression_a_fix_and_a_flaky_claim(commands: Commands, doubtful: Path) -> None:
    input_claim = ['IMP-INPUT.not-negative']

    def night(day: int, *options: str, first: bool = True, second: bool = True) -> tuple[int, list[str], str]:
        suites = [
            with_lemmas(commands, 'first', input_claim, lemmas=first),
            with_lemmas(commands, 'second', input_claim, lemmas=second),
            commands.suite('imp', 'third', ['IMP-ARITHMETIC.literals', 'IMP-BRANCHES.larger']),
        ]
        done = commands.luigi('Nightly', '--date', f'2026-11-{day}', '--suite', ','.join(map(str, suites)), *options)
        assert done.stderr == ''
        report = commands.kprover('history', '--night', f'2026-11-{day}').stdout
        assert report in done.stdout, 'the night says what the history says'
        nights = commands.store.parent / 'nights'
        page = (nights / f'2026-11-{day}.html').read_text(encoding='utf-8')
        assert f'href="2026-11-{day}.report.html"' in page
        reports = commands.store.parent / 'report'
        assert (nights / f'2026-11-{day}.report.html').read_bytes() == (reports / 'report.html').read_bytes()
        return done.returncode, [line.strip() for line in report.splitlines()], page

    # The server dies of every request about IMP-BRANCHES.larger, the only claim with this variable.
    crash = json.dumps({'fault': 'exit', 'at': '"VarA"', 'times': 9})
    doubtful.write_text(crash)
    code, told, _ = night(20, first=True, second=False)
    assert code == 30
    assert told[0].startswith('night 2026-11-20: 4 claims: 2 passed, 1 failed, 1 error')

    doubtful.write_text('{}')
    code, told, page = night(21, first=False, second=True)
    assert code == 30
    assert 'compared with the night of 2026-11-20 and those before it' in told
    assert section(told, 'newly failing') == [
        'first/IMP-INPUT.not-negative: failed (node 6 ended in a terminal state and does not reach the target); '
        'passed on 2026-11-20; changed since: options.lemmas'
    ]
    assert section(told, 'newly passing') == [
        'second/IMP-INPUT.not-negative: passed; failed on 2026-11-20; changed since: options.lemmas'
    ]
    assert section(told, 'flaky') == [
        'third/IMP-BRANCHES.larger: passed; passed now, error on 2026-11-20, with the same inputs'
    ]
    for heading in ('newly failing: 1', 'newly passing: 1', 'flaky: 1'):
        assert heading in page

    listed = json.loads(commands.kprover('history', '--night', '2026-11-21', '--json').stdout)['nights'][0]
    assert {claim['claim']: (claim['change'], claim['inputs_changed']) for claim in listed['claims']} == {
        'first/IMP-INPUT.not-negative': ('newly failing', ['options.lemmas']),
        'second/IMP-INPUT.not-negative': ('newly passing', ['options.lemmas']),
        'third/IMP-ARITHMETIC.literals': ('passing as before', []),
        'third/IMP-BRANCHES.larger': ('flaky', []),
    }

    code, told, _ = night(23)
    assert code == 0
    assert '1 night missed in between: this one has done their work' in told
    assert section(told, 'newly passing') == [
        'first/IMP-INPUT.not-negative: passed; failed on 2026-11-21; changed since: options.lemmas'
    ]
    assert section(told, 'newly failing') == []
    assert len(section(told, 'flaky')) == 1
    assert commands.status(commands.folder / 'first.toml')['last_run']['requests'] == 0, 'proved on the 20th'

    # Made again, a claim that had passed shows that it does not always.
    doubtful.write_text(crash)
    code, told, _ = night(24, '--kprover-reuse', 'refresh')
    assert code == 30
    [flaky] = section(told, 'flaky')
    assert flaky.startswith('third/IMP-BRANCHES.larger: error (')
    assert flaky.endswith('error now, passed on 2026-11-23, error on 2026-11-20, with the same inputs')

    rows = json.loads(
        commands.kprover('history', '--json', '--suite', commands.folder / 'third.toml', 'larger').stdout
    )['runs']
    assert [(row['night'], row['status'], row['worked']) for row in rows] == [
        ('2026-11-20', 'error', True),
        ('2026-11-21', 'passed', True),
        ('2026-11-23', 'passed', False),
        ('2026-11-24', 'error', True),
    ]
    assert rows[1]['cost'] == rows[2]['cost'] and rows[1]['cost']['rewrites'] > 0
    assert len({row['digest'] for row in rows}) == 1


def section(lines: list[str], title: str) -> list[str]:
    """The claims under a title of a night's report."""
    for position, line in enumerate(lines):
        if line.startswith(f'{title}: '):
            return lines[position + 1 : position + 1 + int(line.rpartition(' ')[2])]
    return []


def test_a_finished_night_is_not_run_again_and_other_suites_are_another_night(commands: Commands) -> None:
    small = commands.suite('imp', 'small', ['IMP-ARITHMETIC.literals'])
    arguments = ('Nightly', '--date', '2026-11-22', '--suite', small)
    assert commands.luigi('ProveAll', '--suite', small).returncode == 0
    assert commands.luigi('ProveAll', '--suite', small).returncode == 0
    assert commands.luigi(*arguments).returncode == 0
    runs = json.loads(commands.kprover('history', '--suite', small, '--json', 'literals').stdout)['runs']
    assert [(run['night'], run['worked']) for run in runs] == [(None, True), ('2026-11-22', False)]
    again = commands.luigi(*arguments)
    assert again.returncode == 0
    assert again.stdout.startswith('on record already: night 2026-11-22: 1 claim: 1 passed')
    assert len(json.loads(commands.kprover('history', '--json').stdout)['nights']) == 1
    both = ','.join(map(str, [small, commands.suite('stack', 'other', ['STACK-STRAIGHT.arithmetic'])]))
    assert '2 claims of 2 suites' in commands.luigi('Nightly', '--date', '2026-11-22', '--suite', both).stdout
    pages = sorted(path.name for path in (commands.store.parent / 'nights').iterdir() if '.report.' not in path.name)
    assert pages == ['2026-11-22-2.html', '2026-11-22.html', 'index.html']


def test_a_killed_night_is_resumed_with_what_is_left_of_its_budget_and_no_other_runs_beside_it(
    commands: Commands,
) -> None:
    arguments = ('Nightly', '--date', '2026-11-22', '--suite', commands.suite('imp', 'long', LONG), '--budget', '1h')
    killed = commands.start(*arguments)
    wait_until(lambda: commands.number_of_steps() > 3, what='some steps')

    killed.send_signal(signal.SIGSTOP)  # it might end before the other has begun
    beside = commands.luigi(*arguments)
    assert beside.returncode == 10
    assert f'a night is being run by process {killed.pid}, since' in beside.stderr
    assert 'two nights do not run at once' in beside.stderr

    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=TIMEOUT)
    wait_until(lambda: not commands.processes(), what='the end of its workers')
    steps = commands.steps()
    resumed = commands.luigi(*arguments)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert {key: commands.steps()[key] for key in steps} == steps
    [night] = json.loads(commands.kprover('history', '--json').stdout)['nights']
    assert (night['state'], night['runs'], night['budget']) == ('finished', 2, 3600.0)
    assert night['statuses'] == {'passed': len(commands.statuses(commands.folder / 'long.toml'))}
    assert 'in 2 runs' in resumed.stdout


def test_a_night_without_time_left_ends_in_time_and_says_what_it_did_not_come_to(commands: Commands) -> None:
    long = commands.suite('imp', 'long', LONG)
    (commands.folder / 'luigi.cfg').write_text('[Nightly]\nbudget = 1s\n', encoding='utf-8')
    done = commands.luigi('Nightly', '--date', '2026-11-22', '--suite', long, '--kprover-workers', '1')
    assert done.returncode == 30, done.stdout + done.stderr
    assert 'not attempted' in done.stdout or 'pending' in done.stdout
    [night] = json.loads(commands.kprover('history', '--json').stdout)['nights']
    assert (night['state'], night['budget']) == ('finished', 1.0)
    assert night['seconds'] < 30
