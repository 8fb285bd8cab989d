"""One run for all tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from upkeep_harness import FAILING, Proved, outcome, run

from kprover.engine import Status

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope='session')
def proved(tmp_path_factory: pytest.TempPathFactory) -> Proved:
    store: Path = tmp_path_factory.mktemp('proved') / 'store.sqlite'
    summary = run(store)
    statuses = {claim: status for claim, (status, _) in outcome(summary).items()}  # type: ignore[misc]
    assert {claim for claim, status in statuses.items() if status is not Status.PASSED} == {FAILING}
    return Proved(store, summary)
