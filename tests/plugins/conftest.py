"""The classes of this folder can be imported by workers, as those of a user's package can."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def classes_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
