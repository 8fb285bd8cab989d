"""Runs disturbed at random: forty of them here, a thousand by `make chaos`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from chaos_rounds import FAST, Chaos

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize('seed', [1, 2])
def test_whatever_is_disturbed_verdicts_and_finished_steps_stay_and_nothing_is_left(tmp_path: Path, seed: int) -> None:
    assert len(Chaos(tmp_path, seed, claims=FAST, workers=(1, 2), tell=print).run(20)) == 20
