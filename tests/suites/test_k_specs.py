"""Specs in K's syntax are parsed by kprove, once, and never served from an old parse."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from stand_in_kprove import KProve
from suite_folder import SuiteFolder, claim, module_list

from kprover.suites import Preparation, Suite, SuiteError, load_suite

HEAD = 'name = "small"\nkompiled = "kompiled"\nspecs = ["sum-spec.k"]\n'


class KSpecs:
    """A suite of one spec in K's syntax, which requires `lib/more.k` by way of `more.k` beside it."""

    def __init__(self, small: SuiteFolder, monkeypatch: pytest.MonkeyPatch):
        self.folder = small.folder
        self.told: list[str] = []
        self.suite_folder = small
        self.kprove = KProve(self.folder / 'bin', module_list({'SUM-SPEC': [claim('SUM-SPEC.one')]}))
        monkeypatch.setenv('PATH', f'{self.folder / "bin"}{os.pathsep}{os.environ["PATH"]}')
        (self.folder / 'lib').mkdir()
        (self.folder / 'sum-spec.k').write_text('requires "more.k"\nmodule SUM-SPEC\nendmodule\n')
        (self.folder / 'more.k').write_text('  requires "deep.k" // "quoted"\nmodule MORE endmodule\n')
        (self.folder / 'lib' / 'deep.k').write_text('requires "domains.md"\nmodule DEEP endmodule\n')

    def load(self, extra: str = '[kprove]\ninclude = ["lib"]\n') -> Suite:
        path = self.suite_folder.write(head=HEAD, extra=extra)
        return load_suite(path, Preparation(self.folder / 'cache', self.told.append))

    def refusal(self, extra: str = '') -> SuiteError:
        with pytest.raises(SuiteError) as caught:
            self.load(extra)
        return caught.value


@pytest.fixture
def specs(small: SuiteFolder, monkeypatch: pytest.MonkeyPatch) -> KSpecs:
    return KSpecs(small, monkeypatch)


def test_a_spec_is_parsed_once_with_the_command_of_k(specs: KSpecs) -> None:
    suite = specs.load()
    assert [claim.label for claim in suite.claims] == ['SUM-SPEC.one']
    assert suite.claims[0].spec.is_file()
    assert specs.load().claims == suite.claims
    (call,) = specs.kprove.calls
    assert call[0] == str(specs.folder / 'sum-spec.k')
    assert call[1:4] == ['--definition', str(specs.folder / 'kompiled'), '--dry-run']
    assert call[call.index('-I') + 1] == str(specs.folder / 'lib')
    assert len(specs.told) == 2
    assert not list((specs.folder / 'cache' / 'specs').glob('.*'))


def test_claims_in_a_module_that_is_not_named_as_the_file_are_pointed_at(specs: KSpecs) -> None:
    specs.kprove.write(module_list({'SUM-SPEC': []}))
    (specs.folder / 'sum-spec.k').write_text(
        'module SUM-SPEC\nendmodule\n// module OLD claim endmodule\n'
        'module SUM-CLAIMS\n  imports SUM-SPEC\n  claim [one]: <k> 1 => 2 </k>\nendmodule\n'
    )
    error = specs.refusal()
    assert error.file == specs.folder / 'sum-spec.k'
    assert 'SUM-SPEC' in error.found
    assert 'has claims in SUM-CLAIMS' in error.allowed
    assert '[kprove] spec-modules = { "sum-spec.k" = "SUM-CLAIMS" }' in error.allowed
    assert 'OLD' not in error.allowed


def test_a_module_that_kprove_does_not_find_is_pointed_at_with_what_it_says(specs: KSpecs) -> None:
    specs.kprove.behave('fails')
    (specs.folder / 'sum-spec.k').write_text('module CLAIMS\n  claim [one]: <k> 1 => 2 </k>\nendmodule\n')
    error = specs.refusal()
    assert 'has claims in CLAIMS' in error.allowed
    assert 'Parse error' in error.allowed


def test_an_edit_of_anything_that_a_parse_rests_on_is_parsed_again(specs: KSpecs) -> None:
    before = specs.load().claims[0]
    specs.kprove.write(module_list({'SUM-SPEC': [claim('SUM-SPEC.one', 'edited')]}))
    for name in ('sum-spec.k', 'more.k', 'lib/deep.k'):
        calls = len(specs.kprove.calls)
        path = specs.folder / name
        path.write_text(f'{path.read_text()}// an edit\n')
        assert specs.load().claims[0].digest != before.digest
        assert len(specs.kprove.calls) == calls + 1, name
    specs.suite_folder.definition += '// another definition\nmodule M endmodule []\n'
    specs.load()
    specs.load('[kprove]\ninclude = ["lib"]\nargs = ["--debug"]\n')
    (specs.folder / 'bin' / 'version').write_text('K version: v8\n')
    specs.kprove.program.touch()
    specs.load()
    assert len(specs.kprove.calls) == 7


def test_a_file_that_appears_earlier_in_the_search_order_is_noticed(specs: KSpecs) -> None:
    specs.load()
    (specs.folder / 'domains.md').write_text('not seen from lib')
    specs.load()
    assert len(specs.kprove.calls) == 1
    (specs.folder / 'lib' / 'domains.md').write_text('before that of K')
    specs.load()
    assert len(specs.kprove.calls) == 2


def test_the_error_of_k_is_shown_as_it_is_and_nothing_is_kept(specs: KSpecs) -> None:
    specs.kprove.behave('fails')
    error = specs.refusal()
    assert error.file == specs.folder / 'sum-spec.k'
    assert 'ended with code 113' in error.found
    assert '[Error] Inner Parser: Parse error: unexpected token.\n\tSource(' in str(error)
    assert not list((specs.folder / 'cache' / 'specs').iterdir())
    specs.kprove.behave('writes-nothing')
    assert 'without a spec in JSON' in specs.refusal().found
    specs.kprove.behave('works')
    specs.kprove.write({'format': 'KAST', 'version': 3})
    assert 'KAST version 3' in specs.refusal().found
    assert not list((specs.folder / 'cache' / 'specs').iterdir())


def test_without_k_the_message_says_what_to_do_and_an_earlier_parse_will_do(
    specs: KSpecs, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = os.environ['PATH']
    monkeypatch.setenv('PATH', str(specs.folder / 'nowhere'))
    error = specs.refusal()
    assert "no program 'kprove' on PATH" in error.found
    for word in (
        'install the K framework',
        f'--definition {specs.folder / "kompiled"}',
        '--emit-json-spec sum-spec.json',
    ):
        assert word in error.allowed
    monkeypatch.setenv('PATH', path)
    parsed = specs.load()
    monkeypatch.setenv('PATH', '/nowhere')
    without = specs.load()
    assert without.claims == parsed.claims
    assert 'parsed before' in without.notices[0]
    (specs.folder / 'more.k').write_text('module EDITED endmodule')
    assert "no program 'kprove'" in specs.refusal('[kprove]\ninclude = ["lib"]\n').found


def test_the_completion_of_a_shell_runs_no_kprove(specs: KSpecs) -> None:
    path = specs.suite_folder.write(head=HEAD)
    quiet = Preparation(specs.folder / 'cache', specs.told.append, runs=False)
    with pytest.raises(SuiteError):
        load_suite(path, quiet)
    assert not specs.kprove.calls
    assert (
        load_suite(path, Preparation(specs.folder / 'cache', specs.told.append)).claims
        == load_suite(path, quiet).claims
    )


def test_kprove_that_hangs_is_ended_with_its_children(specs: KSpecs) -> None:
    specs.kprove.behave('hangs')
    error = specs.refusal('[kprove]\ntimeout = 1\n')
    assert 'did not end within 1 seconds' in error.found
    assert 'kprove.timeout' in error.allowed
    _wait_for_the_end(int((specs.folder / 'bin' / 'children').read_text()))


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_kprove_too(specs: KSpecs, number: signal.Signals) -> None:
    specs.load()
    specs.kprove.behave('hangs')
    (specs.folder / 'more.k').write_text('module EDITED endmodule')
    code = 'import sys; from pathlib import Path; from kprover.suites import load_suite; load_suite(Path(sys.argv[1]))'
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, '-c', code, str(specs.folder / 'suite.toml')],
        cwd=specs.folder,
        env={**os.environ, 'PYTHONPATH': str(root)},
        stderr=subprocess.DEVNULL,
    )
    children = specs.folder / 'bin' / 'children'
    deadline = time.monotonic() + 20
    while not (children.is_file() and children.read_text()):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    assert process.wait(10) != 0
    _wait_for_the_end(int(children.read_text()))


def _wait_for_the_end(pid: int) -> None:
    deadline = time.monotonic() + 10
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_several_specs_are_parsed_at_once_and_rules_in_them_are_spoken_of(specs: KSpecs) -> None:
    rule = {**claim('SUM-SPEC.rule'), 'node': 'KRule'}
    specs.kprove.write(module_list({'SUM-SPEC': [claim('SUM-SPEC.one'), rule]}))
    suite = specs.load('[kprove]\njobs = 2\nspec-modules = {"sum-spec.k" = "OTHER"}\nmd-selector = "k"\n')
    assert any('1 rules are not used' in notice for notice in suite.notices)
    (call,) = specs.kprove.calls
    assert call[call.index('--spec-module') + 1] == 'OTHER'
    assert call[call.index('--md-selector') + 1] == 'k'


@pytest.mark.parametrize(
    ('line', 'key'),
    [
        ('timeout = 0', 'timeout'),
        ('jobs = 0', 'jobs'),
        ('include = ["nowhere"]', 'include'),
        ('spec-modules = ["A"]', 'spec-modules'),
        ('prog = "kprove"', 'prog'),
    ],
)
def test_what_the_table_may_not_hold_is_refused(specs: KSpecs, line: str, key: str) -> None:
    error = specs.refusal(f'[kprove]\n{line}\n')
    assert error.key == f'kprove.{key}'
