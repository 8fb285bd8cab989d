"""What `import kprover` offers, and the example of its use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import kprover

if TYPE_CHECKING:
    from pathlib import Path


def test_every_name_is_there_and_at_home_in_one_place() -> None:
    for name in kprover.__all__:
        assert getattr(kprover, name).__module__.startswith('kprover.'), name
    assert set(kprover.__all__) <= set(dir(kprover))


def test_importing_it_imports_neither_pyk_nor_the_engine() -> None:
    code = 'import sys, json, kprover; print(json.dumps(sorted(sys.modules)))'
    names = json.loads(subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout)
    assert not [name for name in names if name.startswith(('pyk', 'kprover.engine', 'luigi'))]


def test_the_example_proves_a_suite_and_says_what_failed(project: Path, tmp_path: Path) -> None:
    examples = project / 'examples' / 'imp'
    suite = tmp_path / 'suite.toml'
    suite.write_text(
        f"""
name = "two"
kompiled = "{examples}/kompiled"
specs = ["{examples}/specs/arithmetic.json", "{examples}/specs/wrong.json"]
include = ["IMP-ARITHMETIC.literals", "IMP-WRONG.literals"]
""",
        encoding='utf-8',
    )
    command = [sys.executable, '-m', 'examples.api', str(suite)]
    environment = {**os.environ, 'PYTHONPATH': str(project)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert 'two/IMP-ARITHMETIC.literals: passed, ' in done.stdout
    assert done.stdout.splitlines()[-1].startswith('two/IMP-WRONG.literals: node ')
