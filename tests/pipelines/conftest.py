"""A folder with a fresh store for each test; whatever a test starts is gone after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pipeline_harness import Commands

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def commands(tmp_path: Path, project: Path) -> Iterator[Commands]:
    commands = Commands(tmp_path, project)
    yield commands
    commands.kill_all()
