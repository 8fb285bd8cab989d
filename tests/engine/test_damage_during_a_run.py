"""A record that is damaged while a run needs it is found when it is read, and made again by that run."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from engine_harness import config, example, run

from kprover.engine import SilentObserver, Status
from kprover.engine.priority import by_claim
from kprover.store.names import key_of

if TYPE_CHECKING:
    from pathlib import Path

    from kprover.engine import RunSummary
    from kprover.engine.priority import StepInfo

LABELS = ('IMP-BRANCHES.clamped', 'IMP-LOOPS.transfer')


class Damage:
    """A priority that changes a byte of every term in the store when so many steps have become ready."""

    store: Path
    left = 0
    rows = 0

    def __call__(self, step: StepInfo) -> Any:
        if step.kind == 'step' and self.left:
            self.left -= 1
            if not self.left:
                self.rows = self.spoil()
        return by_claim(step)

    def spoil(self) -> int:
        connection = sqlite3.connect(self.store)
        with connection:
            every = [name for (name,) in connection.execute('SELECT key FROM checkpoints')]
            names = [name for name in every if key_of(name).startswith('term:')]
            for name in names:
                (value,) = connection.execute('SELECT value FROM checkpoints WHERE key = ?', (name,)).fetchone()
                spoilt = value[:-1] + bytes([value[-1] ^ 1])
                connection.execute('UPDATE checkpoints SET value = ? WHERE key = ?', (spoilt, name))
        connection.close()
        return len(names)


damage = Damage()


class Listener(SilentObserver):
    def __init__(self) -> None:
        self.notices: list[str] = []

    def notice(self, text: str) -> None:
        self.notices.append(text)


def outcome(summary: RunSummary) -> list[object]:
    return [(claim.claim, claim.status, claim.steps, claim.nodes) for claim in summary.claims]


@pytest.fixture(scope='module')
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> RunSummary:
    return run(example('imp'), LABELS, config(tmp_path_factory.mktemp('undisturbed')))


def test_a_proof_whose_terms_become_unreadable_is_rebuilt_and_ends_as_without_that(
    undisturbed: RunSummary, tmp_path: Path
) -> None:
    run_config = config(tmp_path)
    damage.store, damage.left = run_config.store, 4
    listener = Listener()
    summary = run(example('imp'), LABELS, replace(run_config, priority=f'{__name__}:damage'), listener)
    assert damage.rows, 'there was something to be damaged'
    assert any(notice.endswith('a damaged record in the store; the proof is rebuilt') for notice in listener.notices)
    assert outcome(summary) == outcome(undisturbed)
    assert all(claim.status is Status.PASSED for claim in summary.claims)
    assert run(example('imp'), LABELS, run_config).requests == 0
