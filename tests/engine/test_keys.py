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
KPROVER = Path(keys.__file__).parent
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
    'changed',
    [
        {'lemma_module': 'M-1'},
        {'assume_defined': True},
        {'main_module': 'N'},
        {'failing': 'terminal'},
        {'semantics': 's'},
        {'universals': ['X']},
    ],
)
def test_every_input_changes_the_key_of_an_explanation(changed: dict[str, Any]) -> None:
    fields: dict[str, Any] = {
        'definition': 'd',
        'main_module': 'M',
        'backend': 'b',
        'semantics': '',
        'lemma_module': None,
        'assume_defined': False,
        'universals': [],
        'node': 'n',
        'target': 't',
        'failing': 'stuck',
    }
    assert keys.diagnosis_key(**{**fields, **changed}) != keys.diagnosis_key(**fields)


@pytest.mark.parametrize(
    ('name', 'identity'),
    [
        *(
            (name, keys.prover_identity)
            for name in ('proofs/steps.py', 'worker/modules.py', 'deltas.py', 'plugins/running.py')
        ),
        *((f'engine/{name}', keys.engine_identity) for name in keys.DECIDING),
    ],
)
def test_an_edit_of_the_sources_that_decide_is_another_prover(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, identity: Any
) -> None:
    shutil.copytree(KPROVER, tmp_path / 'kprover', ignore=shutil.ignore_patterns('__pycache__', 'report', 'server'))
    monkeypatch.setattr(keys, '_HERE', tmp_path / 'kprover')
    compute = identity.__wrapped__
    assert compute() == identity()
    (tmp_path / 'kprover' / name).write_text((KPROVER / name).read_text() + '\n')
    assert compute() != identity()


DECIDE_NOTHING = {
    'api.py': 'begins and ends a run',
    'depths.py': 'chooses depths, which are in the keys of steps; a step of any depth is one of the proof',
    'dispatch.py': 'hands over the request that a key is made of; terms and modules have the names of their content',
    'events.py': 'values for people',
    'explain.py': 'reads',
    'failures.py': 'tells errors, which are no verdicts',
    'history.py': 'what steps cost',
    'inputs.py': 'ends a run',
    'known.py': 'reads',
    'plan.py': 'makes the fields of a digest, which holds them',
    'priority.py': 'the order of steps, which changes no result',
    'queue.py': 'the order of steps, which changes no result',
    'services.py': 'chooses the server program, which is in every key',
    'signals.py': 'ends a run',
    'single.py': 'stores what a worker has answered',
    'suspects.py': 'how often a step is tried',
    'values.py': 'the words that others decide with',
    '__init__.py': 'names',
}
"""The modules of the engine that make no verdict of results, and why not."""

ONLY_LOADED = {
    'kprover': 'names',
    'kprover.definitions': 'makes a compiled.json, which is digested with the definition',
    'kprover.ground': 'executes ground states to contradict what steps say; no step is made of it',
    'kprover.store': 'gives records under their checksums, or none',
}
"""What a worker loads of kprover, or may load, that makes no result."""

LOADED = """
import sys
import kprover.worker.__main__
import kprover.store
from kprover.worker.loop import load_session
load_session('kprover.proofs.session:Session')
print('\\n'.join(f'{name} {module.__file__}' for name, module in sys.modules.items() if name.startswith('kprover')))
"""


def test_every_module_of_the_engine_is_digested_or_decides_nothing() -> None:
    modules = {path.relative_to(KPROVER / 'engine').as_posix() for path in (KPROVER / 'engine').rglob('*.py')}
    assert modules == {*keys.DECIDING, *DECIDE_NOTHING}
    assert not set(keys.DECIDING) & set(DECIDE_NOTHING)


def test_every_module_that_a_worker_loads_is_digested_or_makes_no_result(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, '-c', LOADED], cwd=project, capture_output=True, text=True, timeout=60, check=True
    )
    loaded = dict(line.split(' ', 1) for line in done.stdout.splitlines())
    digested = {str(path) for path in keys.prover_files()}
    others = {name for name, path in loaded.items() if path not in digested}
    assert {'.'.join(name.split('.')[:2]) for name in others} == set(ONLY_LOADED)
    assert {str(path) for path in (KPROVER / 'worker').rglob('*.py')} <= digested


def test_the_format_and_every_field_of_a_proof_are_documented(project: Path) -> None:
    text = (project / 'docs' / 'keys.md').read_text()
    inputs = keys.proof_inputs(
        definition='', main_module='', claim='', admitted=False, options={}, dependencies=(), backend=''
    )
    assert all(f'| `{name}` |' in text for name in inputs)
    assert f'format version {keys.FORMAT}' in text
