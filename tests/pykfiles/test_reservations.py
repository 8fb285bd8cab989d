"""What a verdict rests on says so, and no longer than it is so, also of the proofs of the claims that it depends on."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from engine_harness import EXAMPLES, example, run

from kprover.cli import main
from kprover.engine import Ledger, Status
from kprover.engine.explain import explain
from kprover.proofs.session import Session
from kprover.store import CheckpointStore

if TYPE_CHECKING:
    from typing import Any

    from kprover.engine import ClaimProgress, RunConfig

LOOP, DEPENDENT = 'IMP-LOOPS.transfer', 'IMP-LOOPS.transfer-six'


def command(name: str, run_config: RunConfig, *words: str, suite: Path = EXAMPLES / 'imp' / 'suite.toml') -> int:
    return main([name, *words, '--suite', str(suite), '--store', str(run_config.store), '--backend', 'embedded'])


def known(run_config: RunConfig) -> ClaimProgress:
    found = Ledger([example('imp')], run_config).verdict(f'imp/{DEPENDENT}')
    assert found is not None
    return found


@pytest.fixture
def run_config(proved: RunConfig, tmp_path: Path) -> RunConfig:
    """A store of one's own in which both are proved."""
    return dataclasses.replace(proved, store=Path(shutil.copy(proved.store, tmp_path)))


def test_a_reservation_of_a_dependency_comes_and_goes_with_its_proof(run_config: RunConfig, tmp_path: Path) -> None:
    suite = example('imp')
    assert (known(run_config).reason, known(run_config).imported) == ('', False)

    assert command('export-proof', run_config, LOOP, str(tmp_path / 'out')) == 0
    assert command('import-proof', run_config, LOOP, str(tmp_path / 'out'), '--replace') == 0
    (loop,) = run(suite, [LOOP], run_config).claims
    assert loop.imported
    assert Ledger([suite], run_config).verdict(f'imp/{DEPENDENT}') is None, 'it rests on another proof of the loop'
    assert explain([suite], f'imp/{DEPENDENT}', run_config).unsettled == {f'imp/{LOOP}': f'passed, {loop.reason}'}
    again = run(suite, [DEPENDENT], run_config)
    assert (again.requests, again.all_passed) == (0, True)
    assert known(run_config).imported
    assert known(run_config).reason == f'imp/{LOOP}: {loop.reason}'
    second = run(suite, [DEPENDENT], run_config)
    assert (second.steps, second.server_starts, known(run_config).imported) == (0, 0, True)

    assert run(suite, [LOOP], dataclasses.replace(run_config, reuse='refresh')).all_passed
    anew = run(suite, [DEPENDENT], run_config)
    assert (anew.requests, anew.all_passed) == (0, True)
    assert (known(run_config).reason, known(run_config).imported) == ('', False)


def test_a_verdict_that_does_not_say_what_it_rests_on_is_concluded_again(run_config: RunConfig) -> None:
    suite = example('imp')
    digest = Ledger([suite], run_config).proof(f'imp/{DEPENDENT}').digest
    with CheckpointStore.open(run_config.store) as store:
        verdict = store.header(f'verdict:{digest}')
        assert verdict is not None
        store.put(f'verdict:{digest}', {name: value for name, value in verdict.items() if name != 'rests_on'})
        store.commit()
    assert Ledger([suite], run_config).verdict(f'imp/{DEPENDENT}') is None
    again = run(suite, [DEPENDENT], run_config)
    assert (again.all_passed, again.requests) == (True, 0)
    assert known(run_config).status is Status.PASSED


def test_nothing_is_imported_for_a_definition_that_changes_meanwhile(
    run_config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / 'imp'
    shutil.copytree(EXAMPLES / 'imp', folder, ignore=shutil.ignore_patterns('__pycache__'))
    assert command('export-proof', run_config, LOOP, str(tmp_path / 'out')) == 0
    before = rows(run_config)
    definition, answer = folder / 'kompiled' / 'definition.kore', Session.run

    def edited_before(*arguments: Any) -> Any:
        definition.write_bytes(definition.read_bytes() + b' ')
        return answer(*arguments)

    monkeypatch.setattr(Session, 'run', edited_before)
    words = (LOOP, str(tmp_path / 'out'), '--replace')
    assert command('import-proof', run_config, *words, suite=folder / 'suite.toml') != 0
    assert 'definition.kore has changed since this run read it' in capsys.readouterr().err
    assert rows(run_config) == before


def rows(run_config: RunConfig) -> list[str]:
    with CheckpointStore.open(run_config.store) as store:
        return sorted(store.keys(''))
