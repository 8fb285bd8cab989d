"""The engine's harness, and a store with verdicts of every kind."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from kprover.engine import RunConfig

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'engine'))


@pytest.fixture(scope='session')
def audited(tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    """The settings of a store in which the claims of `audit_claims` are decided."""
    from audit_claims import CLAIMS
    from engine_harness import config, example, run
    from made_once import made_once

    def make(folder: Path) -> None:
        for language, file, labels in CLAIMS:
            run(example(language, file), labels, config(folder))

    return config(made_once(tmp_path_factory, 'audited', make))
