"""`luigi --module pipelines ...` on real suites: verdicts, exit codes, what the user reads, what a second run does."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_harness import Commands

GOOD = ['IMP-ARITHMETIC.literals', 'IMP-BRANCHES.larger', 'IMP-EQUALITIES.largest-self', 'IMP-LOOPS.transfer-six']
WRONG = ['IMP-WRONG.literals', 'IMP-WRONG.larger-strictly', 'IMP-WRONG-EQUALITIES.largest-first']


@pytest.fixture
def good(commands: Commands) -> Path:
    return commands.suite('imp', 'good', GOOD)


@pytest.fixture
def wrong(commands: Commands) -> Path:
    return commands.suite('imp', 'wrong', WRONG, file='failing.toml')


def test_a_suite_that_holds_passes_and_a_second_run_does_no_work(commands: Commands, good: Path) -> None:
    first = commands.luigi('ProveAll', '--suite', good, '--kprover-workers', '2')
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stderr == ''
    # transfer-six depends on transfer, which is proved with it
    assert first.stdout.startswith(
        '5 claims of 1 suite (good), 2 workers, store .kprover/store.sqlite\nbackend embedded ('
    )
    assert re.search(r'^good/IMP-ARITHMETIC\.literals  passed  ', first.stdout, re.M)
    assert '5 claims: 5 passed' in first.stdout
    status = commands.status(good)
    assert {claim['status'] for claim in status['claims']} == {'passed'}
    assert status['last_run']['requests'] > 0
    assert 1 <= status['last_run']['server_starts'] <= 2
    assert status['last_run']['workers'] == 2
    steps = commands.steps()

    second = commands.luigi('ProveAll', '--suite', good, '--kprover-workers', '2')
    assert second.returncode == 0, second.stdout + second.stderr
    assert '5 claims: 5 passed' in second.stdout
    last = commands.status(good)['last_run']
    assert (last['requests'], last['server_starts'], last['steps']) == (0, 0, 0)
    assert commands.steps() == steps


def test_claims_that_do_not_hold_fail_with_their_reasons(commands: Commands, wrong: Path) -> None:
    first = commands.luigi('ProveAll', '--suite', wrong)
    assert first.returncode == 30, first.stdout + first.stderr
    assert first.stderr == '', 'a failed claim is told by the report only'
    assert '3 claims: 3 failed' in first.stdout
    status = commands.status(wrong)
    for claim in status['claims']:
        assert claim['status'] == 'failed'
        assert claim['failures'], claim['claim']
        assert f'see: kprover status --suite {wrong} {claim["claim"]}' in first.stdout
    by_label = {claim['label']: claim for claim in status['claims']}
    larger = by_label['IMP-WRONG.larger-strictly']['failures'][0]
    assert larger['reason'] in ('stuck', 'terminal')
    assert larger['path_condition']
    assert larger['path_condition'][0].strip() in first.stdout

    # A failed claim is a verdict too: nothing is done again, and the code stays.
    second = commands.luigi('ProveAll', '--suite', wrong)
    assert second.returncode == 30
    assert commands.status(wrong)['last_run']['requests'] == 0


def test_the_engine_alone_ends_with_the_code_of_a_failed_claim(commands: Commands, good: Path, wrong: Path) -> None:
    failed = commands.luigi('RunClaims', '--suite', wrong)
    assert failed.returncode == 30, failed.stdout + failed.stderr
    assert '3 claims: 3 failed' in failed.stdout
    one = commands.luigi('RunClaims', '--suite', f'{good},{wrong}', '--claims', f'{GOOD[0]},{WRONG[0]}')
    assert one.returncode == 30, one.stdout + one.stderr
    passed = commands.luigi('RunClaims', '--suite', f'{good},{wrong}', '--claims', GOOD[0])
    assert passed.returncode == 0, passed.stdout + passed.stderr


def test_several_suites_in_one_run_and_one_wrong_claim_among_many(commands: Commands, good: Path) -> None:
    bad = commands.suite('imp', 'bad', WRONG[:1], file='failing.toml')
    stack = commands.suite('stack', 'small', ['STACK-STRAIGHT.arithmetic', 'STACK-EQUALITIES.cost-mul'])
    done = commands.luigi('ProveAll', '--suite', good, '--suite', f'{bad},{stack}')
    assert done.returncode == 30, done.stdout + done.stderr
    assert '8 claims of 3 suites (good, bad, small)' in done.stdout
    assert '8 claims: 7 passed, 1 failed' in done.stdout
    assert commands.statuses(bad) == {WRONG[0]: 'failed'}
    assert set(commands.statuses(good).values()) == {'passed'}


def test_luigi_with_several_processes_comes_to_the_same_verdicts(commands: Commands, good: Path) -> None:
    bad = commands.suite('imp', 'bad', WRONG[:1], file='failing.toml')
    done = commands.luigi('ProveAll', '--suite', f'{good},{bad}', '--workers', '3')
    assert done.returncode == 30, done.stdout + done.stderr
    assert '6 claims: 5 passed, 1 failed' in done.stdout
    assert '--kprover-workers' in done.stderr
    alone = commands.luigi('ProveAll', '--suite', good, '--workers', '3')
    assert alone.returncode == 0, alone.stdout + alone.stderr
    assert commands.status(good)['last_run']['requests'] == 0
    assert not commands.processes()


def test_one_claim_alone_is_proved_with_what_it_depends_on(commands: Commands, good: Path) -> None:
    done = commands.luigi('ProveClaim', '--suite', good, '--claim', 'transfer-six')
    assert done.returncode == 0, done.stdout + done.stderr
    assert '2 claims of 1 suite' in done.stdout
    assert commands.statuses(good) == {
        'IMP-ARITHMETIC.literals': 'not-attempted',
        'IMP-BRANCHES.larger': 'not-attempted',
        'IMP-EQUALITIES.largest-self': 'not-attempted',
        'IMP-LOOPS.transfer': 'passed',
        'IMP-LOOPS.transfer-six': 'passed',
    }
    again = commands.luigi('ProveClaim', '--suite', good, '--claim', 'transfer-six')
    assert (again.returncode, again.stderr) == (0, '')
    assert again.stdout.startswith('on record already: good/IMP-LOOPS.transfer-six  passed')


def test_a_claim_at_its_limit_is_not_proved_and_is_tried_again(commands: Commands, good: Path) -> None:
    limited = commands.folder / 'limited.toml'
    limited.write_text(
        good.read_text(encoding='utf-8').replace('[options]', '[options]\nmax-steps = 1'), encoding='utf-8'
    )
    first = commands.luigi('ProveClaim', '--suite', limited, '--claim', 'larger')
    assert first.returncode == 30, first.stdout + first.stderr
    assert 'the limit of 1 step is reached' in first.stdout
    assert commands.statuses(limited)['IMP-BRANCHES.larger'] == 'pending'
    second = commands.luigi('ProveClaim', '--suite', good, '--claim', 'larger')
    assert second.returncode == 0, second.stdout + second.stderr
    assert commands.status(good)['last_run']['reused'] > 0


def test_one_step_can_be_made_by_hand(commands: Commands, good: Path) -> None:
    """`ProofStep` makes the step that a proof needs next; the next run finds it in the store."""
    limited = commands.folder / 'limited.toml'
    limited.write_text(
        good.read_text(encoding='utf-8').replace('[options]', '[options]\nmax-steps = 1'), encoding='utf-8'
    )
    commands.luigi('ProveClaim', '--suite', limited, '--claim', 'larger')
    listed = json.loads(commands.kprover('steps', '--json', '--suite', limited, 'larger').stdout)
    assert listed['claim'] == 'good/IMP-BRANCHES.larger'
    pending = [step['key'] for step in listed['steps'] if step['state'] == 'pending']
    assert pending
    arguments = ('ProofStep', '--suite', limited, '--claim', 'larger', '--key', pending[0])
    made = commands.luigi(*arguments)
    assert made.returncode == 0, made.stdout + made.stderr
    assert made.stdout.startswith(f'made: step {pending[0][:12]} of good/IMP-BRANCHES.larger; see: kprover steps ')
    steps = commands.steps()
    assert f'step:{pending[0]}' in steps
    again = commands.luigi(*arguments)
    assert (again.returncode, again.stdout[:15]) == (0, 'on record alrea')
    assert commands.steps() == steps
    done = commands.luigi('ProveClaim', '--suite', good, '--claim', 'larger')
    assert done.returncode == 0, done.stdout + done.stderr
    assert {key: commands.steps()[key] for key in steps} == steps

    content = json.loads(commands.kprover('steps', '--suite', good, 'larger', '--key', pending[0][:12]).stdout)
    assert content['key'] == pending[0]
    assert content['content']['results']

    unknown = commands.luigi('ProofStep', '--suite', good, '--claim', 'larger', '--key', 'no-such-step')
    assert unknown.returncode == 35
    assert "has no step with key 'no-such-step'" in unknown.stderr
    unnamed = commands.luigi('ProveClaim', '--suite', good)
    assert unnamed.returncode == 35
    assert 'no claim is named' in unnamed.stderr


def test_the_settings_of_luigi_cfg_hold(commands: Commands, good: Path) -> None:
    (commands.folder / 'backend.cfg').write_text('[kprover]\nbackend = embedded\n', encoding='utf-8')
    (commands.folder / 'luigi.cfg').write_text(
        f'[kprover]\nsuites = {good}\nworkers = 1\nstore = elsewhere/x.sqlite\nbackend = embedded\n'
        'priority = kprover.engine.priority:depth_first\n',
        encoding='utf-8',
    )
    done = commands.luigi('ProveAll')
    assert done.returncode == 0, done.stdout + done.stderr
    assert '1 worker, store elsewhere/x.sqlite\nbackend embedded (' in done.stdout
    assert (commands.folder / 'elsewhere' / 'x.sqlite').is_file()
    assert not (commands.folder / '.kprover').exists()
    status = json.loads(commands.kprover('status', '--json').stdout)
    assert {claim['status'] for claim in status['claims']} == {'passed'}
    assert status['last_run']['backend'] == 'embedded'
