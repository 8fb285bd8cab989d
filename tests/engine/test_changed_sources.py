"""Files that change under a run, or under a step made by hand, before a server or a worker has read them."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from engine_harness import EDIT, EXAMPLES, config, edit, example, run
from test_prove import with_options

from kprover import keys
from kprover.engine import EngineError, Ledger, pending_steps, run_step, single
from kprover.engine.inputs import Inputs
from kprover.store import StoreReader
from kprover.suites import load_suite

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Any

    from kprover.pool import Pool

BRANCHES = 'IMP-BRANCHES.larger-of'


def test_a_step_made_by_hand_is_not_stored_if_its_definition_changes_before_a_server_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(EXAMPLES / 'imp', tmp_path / 'imp', ignore=shutil.ignore_patterns('__pycache__'))
    suite, run_config = load_suite(tmp_path / 'imp' / 'suite.toml'), config(tmp_path)
    run(with_options(suite, max_steps=1), [BRANCHES], run_config)
    ((key, _), *_) = pending_steps([suite], f'imp/{BRANCHES}', run_config)
    definition, open_pool = suite.kompiled / 'definition.kore', single.open_pool

    def edited_before(*arguments: Any) -> AbstractContextManager[Pool]:
        definition.write_bytes(definition.read_bytes() + b' ')
        return open_pool(*arguments)

    monkeypatch.setattr(single, 'open_pool', edited_before)
    with pytest.raises(EngineError, match=r'definition\.kore has changed since this run read it'):
        run_step([suite], f'imp/{BRANCHES}', key, run_config)
    with StoreReader(run_config.store) as store:
        assert not store.contains(f'step:{key}')


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what a worker runs of kprover, which is taken for it."""
    folder, kprover = tmp_path / 'kprover', Path(keys.__file__).parent
    for name in keys.STEPPING:
        copy = shutil.copytree if (kprover / name).is_dir() else shutil.copy
        folder.mkdir(exist_ok=True)
        copy(kprover / name, folder / name)
    monkeypatch.setattr(keys, '_HERE', folder)
    return folder


def test_a_change_of_the_sources_of_a_worker_ends_the_run_before_anything_is_stored(
    tmp_path: Path, sources: Path
) -> None:
    run_config = dataclasses.replace(config(tmp_path), priority=EDIT)
    edit.file, edit.left = sources / 'proofs' / 'steps.py', 1
    with pytest.raises(EngineError, match=r'steps\.py has changed since this run read it'):
        run(example('imp'), [BRANCHES], run_config)
    with StoreReader(run_config.store) as store:
        assert not list(store.keys('step:'))
    with pytest.raises(EngineError, match='run again in a new process'):
        run(example('imp'), [BRANCHES], run_config)


@pytest.mark.parametrize('name', ['proofs/convert/to_kast.py', 'worker/modules.py', 'deltas.py', 'plugins/running.py'])
def test_each_source_of_a_worker_is_watched(tmp_path: Path, sources: Path, name: str) -> None:
    inputs = Inputs([Ledger([example('imp')], config(tmp_path)).proof(f'imp/{BRANCHES}')])
    inputs.check()
    (sources / name).write_bytes((sources / name).read_bytes() + b'\n')
    with pytest.raises(EngineError, match=rf'{Path(name).name} has changed'):
        inputs.check()
