"""The measurements run the real engine to the end, and their numbers add up. Small sizes: no figure is judged here
but the driver's cost per step, which must not grow with the proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks import baselines, driver, scheduling, workload
from benchmarks.profiles import Profile

if TYPE_CHECKING:
    from pathlib import Path

PROFILE = Profile('wide', 6, 0, 0.01)


@pytest.mark.parametrize('session', [workload.LIGHT, workload.REAL])
def test_the_engine_makes_every_step_of_the_profile(tmp_path: Path, session: str) -> None:
    workload.write(tmp_path / 'suite', PROFILE)
    program = workload.write_server(tmp_path, PROFILE)
    measured = workload.run(tmp_path / 'suite', program, tmp_path / 'store.sqlite', workers=2, session=session)
    assert measured.summary is not None
    assert measured.summary.steps == measured.samples[-1].steps == PROFILE.steps
    assert measured.seconds >= PROFILE.bound(2)


@pytest.mark.parametrize('kind', ['parallel', 'claims'])
def test_the_other_schedulers_do_all_of_the_work(tmp_path: Path, kind: str) -> None:
    workload.write(tmp_path / 'suite', PROFILE)
    program = workload.write_server(tmp_path, PROFILE)
    outcome = baselines.measure(kind, tmp_path / 'suite', program, workers=2, limit=60)
    assert outcome.done == pytest.approx(1)
    assert outcome.seconds >= PROFILE.bound(2)


def test_a_stopped_scheduler_says_how_far_it_came(tmp_path: Path) -> None:
    profile = Profile('wide', 6, 0, 0.2)
    workload.write(tmp_path / 'suite', profile)
    outcome = baselines.measure(
        'parallel', tmp_path / 'suite', workload.write_server(tmp_path, profile), workers=2, limit=2
    )
    assert 0 < outcome.done < 1
    assert outcome.projected > outcome.seconds


def test_history_of_another_server_program_is_used_but_not_its_steps(tmp_path: Path) -> None:
    cell = scheduling.Cell(tmp_path, 'wide', 2, 0.5, 0.005)
    row = cell.engine('with history', workload.LIGHT, history=True)
    utilisation = float(row.split('|')[3])
    assert 0 < utilisation <= 1  # reused steps would take no time and so exceed the bound


def test_the_drivers_cost_of_a_step_does_not_grow_with_the_proof(tmp_path: Path) -> None:
    costs, memory = driver.steps(tmp_path, (100, 600))
    assert costs[600] < 2 * costs[100] + 0.5
    assert costs[600] < driver.TARGET_MS
    assert memory < 10_000


def test_starting_with_everything_done_makes_no_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, 'REPEATS', 1)
    assert driver.startup(tmp_path, 3, 0) > 0  # it checks that itself


def test_table_and_plot_show_every_point() -> None:
    rows = {'ours': {100: 1.5, 1600: 1.6}, 'theirs': {100: 2.0, 1600: 400.0}}
    table = driver.table('CPU', rows)
    assert table.splitlines()[0] == '| CPU | 100 | 1,600 |'
    assert '| theirs | 2.00 | 400.00 |' in table
    bars = [line.count('#') for line in driver.text_plot(rows).splitlines() if ' ms' in line]
    assert len(bars) == 4
    assert bars[3] > bars[2] > bars[0]
