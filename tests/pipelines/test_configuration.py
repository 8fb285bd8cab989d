"""A configuration that cannot be used: a message that says what to do, a code of its own, and no traceback."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pipelines.defaults import DEFAULTS

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_harness import Commands


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['ProveAll', '--suite', 'missing.toml'], r'missing\.toml: cannot be read: .*name an existing suite file'),
        (['ProveAll', '--kprover-workers', 'many'], r"key workers: expected a whole number .*, found 'many'"),
        (['ProveAll', '--kprover-grace', '-1'], r"key grace: expected seconds, .*, found '-1'"),
        (['ProveAll', '--suite', 'small.toml', '--kprover-backend', 'no-such-server'], r'no-such-server'),
        (
            ['ProveAll', '--suite', 'small.toml', '--kprover-priority', 'fast'],
            r'key priority: expected module:callable',
        ),
        (['ProveAll', '--suite', 'small.toml', '--kprover-priority', 'no.such:fn'], r'no\.such cannot be imported'),
        (['ProveClaim', '--suite', 'small.toml', '--claim', 'literal'], r"no claim is called 'literal'.*literals"),
        (['ProofStep', '--suite', 'small.toml', '--claim', 'literal', '--key', 'x'], r"no claim is called 'literal'"),
        (['Nightly', '--suite', 'small.toml', '--date', 'today'], r"key date: expected a date .*, found 'today'"),
        (['Nightly', '--suite', 'small.toml', '--budget', 'long'], r"key budget: expected a time .*, found 'long'"),
    ],
)
def test_a_wrong_configuration_ends_with_its_own_code(commands: Commands, arguments: list[str], message: str) -> None:
    commands.suite('imp', 'small', ['IMP-ARITHMETIC.literals'])
    done = commands.luigi(*arguments)
    assert done.returncode == 35, done.stdout + done.stderr
    assert re.search(message, done.stderr), done.stderr
    assert 'Traceback' not in done.stderr
    assert not commands.store.exists()


def test_a_wrong_key_in_a_suite_names_file_and_key(commands: Commands) -> None:
    path = commands.folder / 'odd.toml'
    good = commands.suite('imp', 'small', ['IMP-ARITHMETIC.literals'])
    path.write_text(good.read_text(encoding='utf-8').replace('execute-depth', 'execute-deep'), encoding='utf-8')
    done = commands.luigi('ProveAll', '--suite', path)
    assert done.returncode == 35
    assert 'odd.toml' in done.stderr
    assert 'execute-deep' in done.stderr
    assert 'execute-depth' in done.stderr


def test_a_wrong_key_in_luigi_cfg_is_told(commands: Commands) -> None:
    (commands.folder / 'luigi.cfg').write_text('[kprover]\nworker = 3\n', encoding='utf-8')
    done = commands.luigi('ProveAll')
    assert done.returncode == 35
    assert 'section [kprover], key worker: expected one of the keys suites, store, workers' in done.stderr
    asked = commands.kprover('status')
    assert asked.returncode == 2
    assert 'section [kprover], key worker: expected one of the keys' in asked.stderr


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        ('[core]\nworkers = many', r"section \[core\], key workers: expected a whole number, found 'many'"),
        ('[Nightly]\nbudgett = 8h', r'section \[Nightly\], key budgett: .*did you mean budget\?'),
        ('[nightly]\nbudget = 8h', r'expected the section \[Nightly\], in these letters, found \[nightly\]'),
        ('[kprover]\non_end = date +%F', r'section \[kprover\], key on_end: .* a % is written %%'),
    ],
)
def test_a_luigi_cfg_that_luigi_would_stumble_over_is_told_in_one_line(
    commands: Commands, config: str, message: str
) -> None:
    (commands.folder / 'luigi.cfg').write_text(f'{config}\n', encoding='utf-8')
    done = commands.luigi('ProveAll', '--suite', 'missing.toml')
    assert done.returncode == 35, done.stderr
    assert re.fullmatch(f'kprover: .*{message}.*\n', done.stderr), done.stderr


def test_a_task_that_is_not_there_is_one_line_with_the_nearest_that_is(commands: Commands) -> None:
    done = commands.luigi('prove_al')
    assert (done.returncode, done.stderr) == (2, "kprover: no task is called 'prove_al'; did you mean ProveAll?\n")
    done = commands.luigi('ProveAll', '--workers', 'two')
    assert done.stderr == "ERROR: option --workers: invalid literal for int() with base 10: 'two'\n"


def test_the_codes_of_luigi_cfg_are_used(commands: Commands) -> None:
    (commands.folder / 'luigi.cfg').write_text('[retcode]\nscheduling_error = 77\n', encoding='utf-8')
    assert commands.luigi('ProveAll', '--suite', 'missing.toml').returncode == 77


def test_help_is_quick_and_imports_no_pyk(commands: Commands) -> None:
    done = commands.luigi('--help', PYTHONPROFILEIMPORTTIME='1')
    assert done.returncode == 0
    imported = {line.rpartition('|')[2].strip().partition('.')[0] for line in done.stderr.splitlines()}
    assert 'pipelines' in imported
    assert 'pyk' not in imported


def test_the_projects_luigi_cfg_says_what_holds_elsewhere_too(project: Path) -> None:
    import configparser

    parser = configparser.ConfigParser()
    parser.read(project / 'luigi.cfg')
    for section, options in DEFAULTS.items():
        for option, value in options.items():
            assert parser[section][option] == value, f'[{section}] {option}'


def test_the_readme_tells_every_exit_code(project: Path) -> None:
    text = (project / 'README.md').read_text(encoding='utf-8')
    for option, code in DEFAULTS['retcode'].items():
        if option != 'missing_data':  # nothing here depends on external data
            assert re.search(rf'^\| {code} ', text, re.M), f'{code} ({option})'
