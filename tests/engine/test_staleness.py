"""Never an old "passed": random edits and kills, compared with runs from nothing; and what `explain` says of edits.

KPROVER_STALENESS_ROUNDS is how many rounds of edits are made, KPROVER_STALENESS_SEED what they are made from.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import edited_suite
import pytest
from edited_suite import Inputs, config, prove_all, suite, write

from kprover.engine import Ledger, Status, prove
from kprover.engine.explain import explain
from kprover.suites import load_suite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kprover.engine import RunSummary

ROUNDS = int(os.environ.get('KPROVER_STALENESS_ROUNDS', '2'))
SEED = int(os.environ.get('KPROVER_STALENESS_SEED', '1'))


class FromNothing:
    """Verdicts of runs from nothing, each set of inputs once."""

    def __init__(self, folder: Path, scratch: Path):
        self._folder = folder
        self._scratch = scratch
        self._known: dict[Inputs, dict[str, Status]] = {}

    def verdicts(self, inputs: Inputs) -> dict[str, Status]:
        """The folder must hold these inputs."""
        if inputs not in self._known:
            store = self._scratch / f'{len(self._known)}.sqlite'
            summary = prove_all(self._folder, config(self._folder, store))
            self._known[inputs] = {claim.label: claim.status for claim in summary.claims}
            assert set(self._known[inputs].values()) <= {Status.PASSED, Status.FAILED}
        return self._known[inputs]


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the suite is; its semantics can be imported."""
    folder = tmp_path_factory.mktemp('suite')
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield folder
    sys.modules.pop('edited_semantics', None)


@pytest.fixture(scope='module')
def proved(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunSummary]:
    """A store in which the unedited suite was proved, and the run."""
    store = tmp_path_factory.mktemp('proved') / 'store.sqlite'
    write(folder, Inputs())
    return store, prove_all(folder, config(folder, store))


@pytest.fixture
def store(proved: tuple[Path, RunSummary], folder: Path, tmp_path: Path) -> Path:
    """A copy of that store, and the suite as it was then."""
    write(folder, Inputs())
    return Path(shutil.copy(proved[0], tmp_path / 'store.sqlite'))


def killed_run(folder: Path, store: Path, *, steps: int) -> None:
    """A run in a process of its own that kills itself when so many steps have become ready, if so many do."""
    done = subprocess.run(
        [sys.executable, edited_suite.__file__, str(folder), str(store), str(steps)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in (0, -9), done.stderr


def test_no_old_verdict_survives_random_edits_and_kills(folder: Path, tmp_path: Path) -> None:
    source = random.Random(SEED)
    store = tmp_path / 'store.sqlite'
    nothing = FromNothing(folder, tmp_path / 'nothing')
    inputs = Inputs()
    edited: tuple[str, ...] = ()
    for number in range(ROUNDS):
        write(folder, inputs)
        expected = nothing.verdicts(inputs)
        where = f'seed {SEED}, round {number}, edited {", ".join(edited) or "nothing"}, now {inputs}'
        stored = Ledger([suite(folder)], config(folder, store)).verdicts(f'edited/{label}' for label in expected)
        assert {claim.label: claim.status for claim in stored.values()}.items() <= expected.items(), where
        if source.random() < 0.5:
            killed_run(folder, store, steps=source.randint(1, 12))
            stored = Ledger([suite(folder)], config(folder, store)).verdicts(f'edited/{label}' for label in expected)
            assert {claim.label: claim.status for claim in stored.values()}.items() <= expected.items(), where
        summary = prove_all(folder, config(folder, store))
        assert {claim.label: claim.status for claim in summary.claims} == expected, where
        edited = tuple(source.sample(Inputs.NAMES, source.choice([1, 2, 3])))
        inputs = inputs.edited(*edited)


ALL = {'sum', 'ten', 'input', 'untrue', 'loop', 'dependent', 'tree'}
STALE = {
    'definition': (ALL, 'definition'),
    'claim': ({'sum'}, 'claim'),
    'dependency': ({'loop', 'dependent'}, 'claim'),
    'lemma': ({'input'}, 'options.lemmas'),
    'semantics': (ALL, 'options.semantics'),
    'server': (ALL, 'backend'),
    'trusted': ({'untrue'}, 'admitted'),
    'depth': (ALL, 'options.execute_depth'),
    'tree': ({'tree'}, 'claim'),
}
"""Which claims each edit makes stale, and by which of their inputs."""


def test_an_edit_makes_stale_what_depends_on_it_and_explain_names_it(
    folder: Path, store: Path, proved: tuple[Path, RunSummary]
) -> None:
    run_config = config(folder, store)
    for name, (stale, changed) in STALE.items():
        write(folder, Inputs().edited(name))
        edited = suite(folder)
        standing = Ledger([edited], run_config).verdicts(claim.name for claim in edited.claims)
        assert {claim.label.partition('.')[2] for claim in standing.values()} == ALL - stale, name
        for short in sorted(stale)[:2]:
            said = explain([edited], f'edited/EDITED.{short}', run_config)
            assert not said.reused
            assert said.verdict is not None
            assert said.verdict.run == proved[1].run
            through = ('edited/EDITED.loop',) if (name, short) == ('dependency', 'dependent') else ()
            found = [change.input for change in said.changes if change.through == (said.claim, *through)]
            assert found == [changed], (name, short)
            assert all(change.before != change.now for change in said.changes)
            assert said.steps is not None
            assert bool(said.steps.none) == (name in ('definition', 'semantics', 'server', 'lemma')), (name, short)
    said = explain([edited], 'edited/EDITED.ten', run_config)
    assert said.reused
    assert said.verdict is not None
    assert (said.verdict.run, said.verdict.status, said.changes) == (proved[1].run, 'passed', ())


def test_explain_says_what_the_store_has_of_a_claim_without_a_verdict(
    folder: Path, store: Path, tmp_path: Path
) -> None:
    tree, new = 'edited/EDITED.tree', tmp_path / 'new.sqlite'
    said = explain([suite(folder)], tree, config(folder, new))
    assert (said.reused, said.verdict, said.changes) == (False, None, ())
    assert said.steps is not None
    assert not said.steps.prepared
    write(folder, Inputs(tree=1))
    prove_all(folder, config(folder, store, time_budget=0.0))
    said = explain([suite(folder)], tree, config(folder, store))
    assert 'time budget' in said.last_attempt
    assert [change.input for change in said.changes] == ['claim']
    assert said.verdict is not None, 'the last verdict was about the claim as it was'
    assert said.verdict.digest != said.digest
    assert said.steps is not None
    assert said.steps.prepared
    assert said.steps.committed + said.steps.reusable > 0
    assert said.steps.needed == 4, 'the ends are compared with a new target'


@pytest.mark.parametrize('name', ['tree', 'depth', 'trusted'])
def test_an_edited_claim_asks_only_for_what_is_new(
    folder: Path, store: Path, proved: tuple[Path, RunSummary], name: str
) -> None:
    write(folder, Inputs().edited(name))
    again = prove_all(folder, config(folder, store))
    before = {claim.label: claim for claim in proved[1].claims}
    for claim in again.claims:
        if (name, claim.label) != ('tree', 'EDITED.tree'):
            assert claim.requests == 0, (name, claim.label)
            continue
        assert claim.status is Status.FAILED
        assert claim.steps == before[claim.label].steps
        assert claim.steps - claim.reused == 4, 'only its four ends are compared with the new target'


def test_claims_with_other_targets_share_the_steps_that_look_at_none_in_one_run(folder: Path, tmp_path: Path) -> None:
    write(folder, Inputs(tree=1))
    other = (folder / 'claims.json').read_text().replace('EDITED', 'OTHER')
    write(folder, Inputs())
    (folder / 'other.json').write_text(other)
    both = folder / 'both.toml'
    text = (folder / 'suite.toml').read_text().partition('[claims')[0]
    both.write_text(
        text.replace('"claims.json"', '"claims.json", "other.json"').replace(
            '[options]', 'include = ["*.tree"]\n[options]'
        )
    )
    summary = prove([load_suite(both)], None, config(folder, tmp_path / 'store.sqlite'))
    assert [claim.status for claim in summary.claims] == [Status.PASSED, Status.FAILED]
    steps = {claim.steps for claim in summary.claims}
    assert len(steps) == 1
    assert summary.steps == steps.pop() + 4


def test_a_deeper_run_takes_the_steps_of_a_shallower_one(folder: Path, tmp_path: Path) -> None:
    store = tmp_path / 'store.sqlite'
    write(folder, Inputs(depth=1))
    first = prove_all(folder, config(folder, store))
    assert first.steps > 0
    write(folder, Inputs(depth=0))
    again = prove_all(folder, config(folder, store))
    assert (again.requests, again.server_starts, again.steps) == (0, 0, 0)
