"""Proofs that would not end by themselves: they fail at once, or are stopped with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugins_harness import by_label, prove_suite, write_suite

from kprover.engine import Status

if TYPE_CHECKING:
    from pathlib import Path


def test_an_open_end_fails_with_its_reason_and_bounds_stop_the_rest(tmp_path: Path) -> None:
    claims = {
        'IMP-WRONG-OPEN.off-by-one': '',
        'IMP-BRANCHES.sixteen': 'max-nodes = 9',
        'IMP-BRANCHES.absolute': 'max-branching = 1',
    }
    path = write_suite(tmp_path, 'imp', ['wrong-open.json', 'branches.json'], claims, 'execute-depth = 100')
    found = by_label(prove_suite(path))
    wrong = found['IMP-WRONG-OPEN.off-by-one']
    assert wrong.status is Status.FAILED
    assert 'has nothing left to execute but the unknown rest of its <k> cell' in wrong.reason
    assert {failure.reason for failure in wrong.failures} == {'open-end'}
    assert all('Nothing is left to execute' in failure.explanation for failure in wrong.failures)
    many = found['IMP-BRANCHES.sixteen']
    assert (many.status, many.reason) == (Status.PENDING, 'the limit of 9 nodes is reached')
    wide = found['IMP-BRANCHES.absolute']
    assert wide.status is Status.PENDING
    assert wide.reason.endswith('has 2 successors, more than max-branching 1')
    assert wide.pending == 2
