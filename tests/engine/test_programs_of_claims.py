"""Claims of one run may be proved with different server programs, each with its own keys and servers."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from engine_harness import EXAMPLES, config

from kprover.backends import BackendError
from kprover.engine import EngineError, Ledger, Status, prove
from kprover.suites import load_suite, select

if TYPE_CHECKING:
    from kprover.suites import Suite

SCRIPT = """#!{python}
import json, os, sys
from pathlib import Path
if sys.argv[1:] == ['--version']:
    print('stand-in 1.0')
    sys.exit(0)
with Path(__file__).with_name('starts').open('a') as starts:
    starts.write(json.dumps(sys.argv[1:]) + '\\n')
words = sys.argv[1:]
for option in ('--llvm-backend-library', '--fallback-on'):
    if option in words:
        place = words.index(option)
        del words[place : place + 2]
os.execv(sys.executable, [sys.executable, '-m', 'kprover.server', *words])
"""

CLAIMS = ['IMP-ARITHMETIC.literals', 'IMP-ARITHMETIC.swap', 'IMP-BRANCHES.larger-of']


class Programs:
    """A copy of the imp example, and a server program named as K's booster is."""

    def __init__(self, folder: Path):
        self.folder = folder
        shutil.copytree(EXAMPLES / 'imp', folder / 'imp', ignore=shutil.ignore_patterns('__pycache__'))
        (folder / 'bin').mkdir()
        self.program = folder / 'bin' / 'kore-rpc-booster'
        self.program.write_text(SCRIPT.format(python=sys.executable))
        self.program.chmod(0o755)

    def suite(self, options: str) -> Suite:
        path = self.folder / 'imp' / 'suite.toml'
        path.write_text((EXAMPLES / 'imp' / 'suite.toml').read_text() + options)
        return load_suite(path)

    @property
    def starts(self) -> list[list[str]]:
        """The arguments of each server that was started with the program."""
        return [json.loads(line) for line in (self.folder / 'bin' / 'starts').read_text().splitlines()]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    monkeypatch.setenv('PATH', f'{tmp_path / "bin"}{os.pathsep}{os.environ["PATH"]}')
    monkeypatch.setenv('PYTHONPATH', str(EXAMPLES.parent))
    return Programs(tmp_path)


def test_each_claim_is_proved_with_the_program_that_it_names(programs: Programs) -> None:
    own = '[claims."IMP-ARITHMETIC.swap"]\nbackend = "kore-rpc-booster"\nserver-args = ["--fallback-on", "Stuck"]\n'
    suite = programs.suite(own)
    run = config(programs.folder, workers=2)
    summary = prove([suite], select([suite], CLAIMS), run)
    assert [claim.status for claim in summary.claims] == [Status.PASSED] * 3
    (start,) = programs.starts
    assert start[0].endswith('definition.kore')
    assert start[-2:] == ['--fallback-on', 'Stuck']
    ledger = Ledger([suite], run)
    identities = [str(ledger.proof(f'imp/{label}').inputs['backend']) for label in CLAIMS]
    assert identities[1].startswith('kore-rpc-booster stand-in 1.0')
    assert identities[0] == identities[2] == ledger.backend.identity
    again = prove([suite], select([suite], CLAIMS), run)
    assert (again.requests, again.server_starts) == (0, 0)
    # naming the program of the run makes no other proofs and no other servers
    same = programs.suite('[claims."IMP-ARITHMETIC.swap"]\nbackend = "embedded"\n')
    assert Ledger([same], run).own_backends == {}
    # without the option it is another proof, of which nothing is known yet
    assert Ledger([programs.suite('')], run).verdict('imp/IMP-ARITHMETIC.swap') is None


def test_the_booster_gets_the_llvm_library_of_the_folder_and_its_keys_know_it(programs: Programs) -> None:
    library = programs.folder / 'imp' / 'kompiled' / 'llvm-library' / 'interpreter.so'
    library.parent.mkdir()
    library.write_bytes(b'one')
    suite = programs.suite('[claims."IMP-ARITHMETIC.swap"]\nbackend = "kore-rpc-booster"\n')
    run = config(programs.folder)
    labels = CLAIMS[1:2]
    assert prove([suite], select([suite], labels), run).all_passed
    (start,) = programs.starts
    assert start[start.index('--llvm-backend-library') + 1] == str(library)
    assert Ledger([suite], run).verdict('imp/IMP-ARITHMETIC.swap') is not None
    library.write_bytes(b'another')
    assert Ledger([suite], run).verdict('imp/IMP-ARITHMETIC.swap') is None


def test_a_program_that_cannot_be_used_is_named_with_its_claim(programs: Programs) -> None:
    suite = programs.suite('[claims."IMP-ARITHMETIC.swap"]\nbackend = "./nowhere"\n')
    with pytest.raises(BackendError, match=r'imp/IMP-ARITHMETIC.swap: backend .*no executable file'):
        prove([suite], select([suite], CLAIMS), config(programs.folder))
    suite = programs.suite('[claims."IMP-ARITHMETIC.swap"]\nbackend = "kore-rpc-booster"\n')
    running = config(programs.folder, addresses=(('127.0.0.1', 1),), backend_identity='x')
    with pytest.raises(EngineError, match=r'imp/IMP-ARITHMETIC.swap: .*running already'):
        prove([suite], select([suite], CLAIMS), running)
