"""The example suites as a newcomer runs them: everything holds in the default ones, nothing in the failing ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_harness import Commands


def test_the_daily_command_proves_every_claim_of_both_languages(commands: Commands, project: Path) -> None:
    arguments = ('ProveAll', '--kprover-store', commands.store, '--kprover-workers', '2')
    done = commands.luigi(*arguments, cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    suites = [project / 'examples' / language / 'suite.toml' for language in ('imp', 'stack')]
    status = commands.status(*suites)
    assert {claim['claim']: claim['status'] for claim in status['claims'] if claim['status'] != 'passed'} == {}
    claims = [claim['claim'].partition('/')[0] for claim in status['claims']]
    assert claims.count('imp') >= 20
    assert claims.count('stack') >= 12
    again = commands.luigi(*arguments, cwd=project)
    assert again.returncode == 0, again.stdout + again.stderr
    last = commands.status(*suites)['last_run']
    assert (last['requests'], last['steps'], last['server_starts']) == (0, 0, 0)


def test_no_claim_of_the_failing_suites_passes_and_each_says_why(commands: Commands, project: Path) -> None:
    suites = [project / 'examples' / language / 'failing.toml' for language in ('imp', 'stack')]
    arguments = ('ProveAll', '--suite', ','.join(map(str, suites)))
    done = commands.luigi(*arguments)
    assert done.returncode == 30, done.stdout + done.stderr
    status = commands.status(*suites)
    assert {claim['claim']: claim['status'] for claim in status['claims'] if claim['status'] != 'failed'} == {}
    for suite in ('imp-failing', 'stack-failing'):
        assert sum(claim['suite'] == suite for claim in status['claims']) >= 10
    for claim in status['claims']:
        assert claim['reason'], claim['claim']
        assert claim['failures'] or 'depends on' in claim['reason'], claim['claim']
        assert f'{claim["claim"]}: failed, {claim["reason"]}' in done.stdout
