"""What a store from elsewhere can say: never that a claim has passed, at most what its steps have brought."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from upkeep_harness import DEPENDENT, FAILING, kprover, run

from kprover.engine import Status
from kprover.store import CheckpointStore, StoreReader

if TYPE_CHECKING:
    from pathlib import Path

    from upkeep_harness import Proved

BRANCHES = 'imp/IMP-BRANCHES.clamped'


@pytest.fixture
def exported(proved: Proved, tmp_path: Path) -> Path:
    file = tmp_path / 'shared.store'
    assert kprover('store', 'export', file, FAILING, '--store', proved.store) == 0
    return file


def sealed(file: Path, row: str, header: dict[str, Any]) -> None:
    """Write a row in due form, whatever it says."""
    with CheckpointStore.open(file) as store:
        store.put(row, header)
        store.commit()


def keys(file: Path, prefix: str) -> list[str]:
    with StoreReader(file) as store:
        return list(store.keys(prefix))


def beginning(file: Path) -> tuple[str, dict[str, Any]]:
    with StoreReader(file) as store:
        ((row, header),) = store.scan_headers('proof:')
    return row, header


def test_the_beginning_of_a_proof_is_not_believed(exported: Path, tmp_path: Path) -> None:
    """It could say that the claim is trusted, or that it begins where it ends."""
    row, header = beginning(exported)
    target = tmp_path / 'target.sqlite'
    for number, lie in enumerate(({'admitted': True, 'imported': None}, {'init': header['target']})):
        sealed(exported, row, {**header, **lie})
        assert kprover('store', 'check', '--store', exported) == 0
        target = tmp_path / f'target-{number}.sqlite'
        assert kprover('store', 'import', exported, '--store', target) == 0
        (claim,) = run(target, (FAILING,)).claims
        assert claim.status is Status.FAILED, lie
        assert beginning(target)[1]['init'] == header['init']


@pytest.mark.parametrize('mark', [None, '', 7])
def test_no_step_can_hide_that_it_comes_from_elsewhere(
    proved: Proved, exported: Path, tmp_path: Path, mark: object
) -> None:
    for row in keys(exported, 'step:'):
        header = {'results': [{'kind': 'subsumed', 'prior_loops': []}], 'rewrites': 0, 'imported': mark}
        sealed(exported, row, header)
    target = tmp_path / 'target.sqlite'
    if kprover('store', 'import', exported, '--store', target) == 0:
        (claim,) = run(target, (FAILING,)).claims
        assert claim.status is not Status.PASSED or 'imported from shared.store' in claim.reason
    assert not keys(target, 'step:'), 'what marks a step is the name of a file'


IMPOSSIBLE = {
    'nothing': [],
    'of an equality': [{'kind': 'equality', 'passed': True}],
    'of a cache that is not there': [{'kind': 'use-cache', 'prior_loops': []}],
    'in a loop that is not there': [{'kind': 'subsumed', 'prior_loops': [99]}],
    'twice': [{'kind': 'subsumed', 'prior_loops': []}] * 2,
}


@pytest.mark.parametrize('case', IMPOSSIBLE)
def test_a_step_with_a_result_that_it_cannot_have_is_made_again(exported: Path, tmp_path: Path, case: str) -> None:
    for row in keys(exported, 'step:'):
        sealed(exported, row, {'results': IMPOSSIBLE[case], 'rewrites': 0})
    target = tmp_path / 'target.sqlite'
    assert kprover('store', 'import', exported, '--store', target) == 0
    (claim,) = run(target, (FAILING,)).claims
    assert claim.status is Status.FAILED
    assert 'imported' not in claim.reason


def test_a_history_that_is_none_is_refused(exported: Path, tmp_path: Path) -> None:
    (row,) = keys(exported, 'history:')
    sealed(exported, row, {'seconds': 'long', 'steps': 1, 'requests': 1, 'status': 'passed', 'depth': None})
    assert kprover('store', 'import', exported, '--store', tmp_path / 'target.sqlite') == 2


@pytest.mark.parametrize('command', ['import', 'merge'])
def test_a_step_of_another_node_is_not_taken_for_one_of_the_same_family(
    proved: Proved, tmp_path: Path, command: str
) -> None:
    """Rows `family:` say where a step with the same result may be; they do not say that it is one."""
    store = proved.copy(tmp_path)
    with CheckpointStore.open(store) as opened:
        subsumed = [
            row.partition(':')[2]
            for row, header in opened.scan_headers('step:')
            if [result['kind'] for result in header['results']] == ['subsumed']
        ]
        journal = [header['step'] for _, header in opened.scan_headers('journal:')]
        families = [row for row, _ in opened.scan_headers('family:')]
        failing = failing_rows(opened)
        for row in failing:
            opened.delete(row)
        opened.commit()
    assert subsumed
    assert journal
    forged = tmp_path / 'forged'
    with CheckpointStore.open(forged) as opened:
        for row in families:
            opened.put(row, {'steps': [subsumed[0]]})
        opened.commit()
    assert kprover('store', command, forged, '--store', store) == 0
    (claim,) = run(store, (FAILING,)).claims
    assert claim.status is Status.FAILED
    assert run(store, (DEPENDENT, BRANCHES)).all_passed


def failing_rows(store: CheckpointStore) -> list[str]:
    """The journal, the verdict and the steps of the failing claim."""
    (digest,) = (
        row.partition(':')[2] for row, header in store.scan_headers('verdict:') if header['status'] == 'failed'
    )
    journal = {row: header['step'] for row, header in store.scan_headers(f'journal:{digest}:')}
    return [f'verdict:{digest}', *journal, *(f'step:{key}' for key in journal.values())]


def test_a_file_with_a_row_under_a_name_that_no_row_has_is_refused(
    exported: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Names that Python reads as a hash or as a number all the same. The rows that they resemble would be sound."""
    term, commit = keys(exported, 'term:')[0], keys(exported, 'journal:')[0]
    kind, digest, _ = commit.split(':')
    names = {
        term.upper().replace('TERM', 'term'): term,
        f'{term} ': term,
        f'{kind}:{digest}:{"0" * 5000}': commit,
        f'{kind}:{digest}:{chr(0x660) * 8}': commit,
    }
    for number, (name, model) in enumerate(names.items()):
        forged, target = tmp_path / f'{number}.store', tmp_path / f'{number}.sqlite'
        with StoreReader(exported) as store, CheckpointStore.open(forged) as opened:
            for row in [*store.keys('term:'), *store.keys('step:')]:
                opened.put(row, *store.get(row) or ({}, b''))
            opened.put(name, *store.get(model) or ({}, b''))
            opened.commit()
        assert kprover('store', 'import', forged, '--store', target) == 2, name
        assert 'refused, 1 of its rows' in capfd.readouterr().err
        assert not keys(target, 'term:')
