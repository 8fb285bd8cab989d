"""Keys depend on the inputs alone: not on the folder, the process, the hash seed, or the number of workers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from engine_harness import EXAMPLES, config, run

from kprover import keys
from kprover.store import StoreReader
from kprover.suites import load_suite

if TYPE_CHECKING:
    from typing import Any

LABELS = ('IMP-LOOPS.transfer', 'IMP-LOOPS.transfer-six', 'IMP-BRANCHES.larger', 'IMP-EQUALITIES.sign-sum')
FAILING = ('IMP-WRONG.larger-strictly',)
SUITES = (('suite.toml', LABELS), ('failing.toml', FAILING))
CONTENT = ('step:', 'family:', 'term:', 'module:', 'proof:', 'journal:', 'verdict:', 'diagnosis:')
ELSEWHERE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from engine_harness import config, run
from kprover.suites import load_suite
folder = Path(sys.argv[2])
for file, labels in (('suite.toml', sys.argv[3]), ('failing.toml', sys.argv[4])):
    run(load_suite(folder / 'imp' / file), labels.split(), config(folder, workers=2))
"""


def names(store: Path) -> set[str]:
    with StoreReader(store) as reader:
        return {key for prefix in CONTENT for key in reader.keys(prefix)}


def test_another_folder_process_hash_seed_and_number_of_workers_give_the_same_keys_and_the_store_serves_here(
    tmp_path: Path,
) -> None:
    here, there = tmp_path / 'here', tmp_path / 'elsewhere'
    for folder in (here, there):
        shutil.copytree(EXAMPLES / 'imp', folder / 'imp', ignore=shutil.ignore_patterns('__pycache__'))
    run_here = config(here)
    suites = [(load_suite(here / 'imp' / file), labels) for file, labels in SUITES]
    for suite, labels in suites:
        run(suite, labels, run_here)
    done = subprocess.run(
        [sys.executable, '-c', ELSEWHERE, Path(__file__).parent, there, ' '.join(LABELS), ' '.join(FAILING)],
        env={**os.environ, 'PYTHONHASHSEED': '7', 'TZ': 'Asia/Tokyo', 'LC_ALL': 'C'},
        cwd=there,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = names(run_here.store)
    assert {row.partition(':')[0] for row in found} == {prefix.removesuffix(':') for prefix in CONTENT}
    assert names(there / 'store.sqlite') == found
    shutil.copy(there / 'store.sqlite', run_here.store)
    for suite, labels in suites:
        again = run(suite, labels, run_here)
        assert (again.requests, again.server_starts, again.steps) == (0, 0, 0)


@pytest.mark.parametrize(
    'changed', [{'lemma_module': 'M-1'}, {'assume_defined': True}, {'main_module': 'N'}, {'failing': 'terminal'}]
)
def test_every_input_changes_the_key_of_an_explanation(changed: dict[str, Any]) -> None:
    fields: dict[str, Any] = {
        'definition': 'd',
        'main_module': 'M',
        'backend': 'b',
        'lemma_module': None,
        'assume_defined': False,
        'node': 'n',
        'target': 't',
        'failing': 'stuck',
    }
    assert keys.diagnosis_key(**{**fields, **changed}) != keys.diagnosis_key(**fields)


@pytest.mark.parametrize(('folder', 'identity'), [('proofs', keys.prover_identity), ('engine', keys.engine_identity)])
def test_an_edit_of_the_sources_that_decide_is_another_prover(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, identity: Any
) -> None:
    source = Path(keys.__file__).parent / folder
    shutil.copytree(source, tmp_path / folder, ignore=shutil.ignore_patterns('__pycache__'))
    monkeypatch.setattr(keys, '_HERE', tmp_path)
    compute = identity.__wrapped__
    assert compute() == identity()
    name = 'steps.py' if folder == 'proofs' else keys.DECIDING[0]
    (tmp_path / folder / name).write_text((source / name).read_text() + '\n')
    assert compute() != identity()


def test_the_format_and_every_field_of_a_proof_are_documented(project: Path) -> None:
    text = (project / 'docs' / 'keys.md').read_text()
    inputs = keys.proof_inputs(
        definition='', main_module='', claim='', admitted=False, options={}, dependencies=(), backend=''
    )
    assert all(f'| `{name}` |' in text for name in inputs)
    assert f'format version {keys.FORMAT}' in text
