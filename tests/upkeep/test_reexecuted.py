"""Steps from elsewhere are a reservation of every verdict that rests on them, until they are made again here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from upkeep_harness import DEPENDENT, kprover, outcome, suites

from kprover.engine import RunConfig, prove
from kprover.engine.verification import chosen
from kprover.store import StoreReader
from kprover.suites import select

if TYPE_CHECKING:
    from pathlib import Path

    from upkeep_harness import Proved

    from kprover.engine import RunSummary


def run(store: Path, mode: str = 'reuse', share: float = 1.0) -> RunSummary:
    run_config = RunConfig(store=store, workers=1, backend='embedded', reuse=mode, verify_share=share)
    return prove(suites(), select(suites(), [DEPENDENT]), run_config)


def marked(store: Path) -> set[str]:
    """The keys of the steps from elsewhere."""
    with StoreReader(store) as reader:
        return {row.partition(':')[2] for row, header in reader.scan_headers('step:') if 'imported' in header}


@pytest.fixture
def imported(proved: Proved, tmp_path: Path) -> Path:
    file, store = tmp_path / 'shared.store', tmp_path / 'imported.sqlite'
    assert kprover('store', 'export', file, DEPENDENT, '--store', proved.store) == 0
    assert kprover('store', 'import', file, '--store', store) == 0
    return store


def test_the_note_goes_when_all_steps_were_made_again_and_comes_back_with_nothing(imported: Path) -> None:
    noted = run(imported)
    assert all(claim.imported and 'not re-executed' in claim.reason for claim in noted.claims)
    verified = run(imported, 'verify')
    assert outcome(verified) == outcome(noted)
    assert [(claim.reason, claim.imported) for claim in verified.claims] == [('', False)] * len(noted.claims)
    assert not marked(imported)
    again = run(imported)
    assert again.requests == 0
    assert [(claim.reason, claim.imported) for claim in again.claims] == [('', False)] * len(noted.claims)


def test_the_note_stays_for_the_steps_outside_of_a_verified_share(imported: Path) -> None:
    noted, before = run(imported), marked(imported)
    share = next(share / 10 for share in range(1, 10) if any(chosen(key, share / 10) for key in before))
    left = {key for key in before if not chosen(key, share)}
    assert left
    verified = run(imported, 'verify', share)
    assert marked(imported) == left
    assert any(claim.imported for claim in verified.claims)
    assert outcome(run(imported)) == outcome(noted)
    numbers = [int(claim.reason.split(' ')[0]) for claim in verified.claims if claim.reason[:1].isdigit()]
    assert sum(numbers) == len(left)
