"""Runs disturbed at random: each kind of disturbance once here, a thousand rounds by `make chaos`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_rounds import FAST, WEIGHTS, Chaos

if TYPE_CHECKING:
    from pathlib import Path


def test_whatever_is_disturbed_verdicts_and_finished_steps_stay_and_nothing_is_left(tmp_path: Path) -> None:
    chaos = Chaos(tmp_path, seed=1, claims=FAST, workers=(1, 2), tell=print)
    chaos.run(chaos.each_once())
    assert chaos.counts == dict.fromkeys(WEIGHTS, 1)
