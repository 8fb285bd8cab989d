"""The engine's harness, and a store with proofs of every kind."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from kprover.engine import RunConfig

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'engine'))


@pytest.fixture(scope='session')
def proved(tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    """The settings of a store in which some claims of both languages, right and wrong ones, are decided."""
    from engine_harness import config, example
    from made_once import made_once
    from pykfiles_claims import FAILED, PASSED, STACK, STACK_FAILED

    from kprover.engine import prove
    from kprover.suites import select

    def make(folder: Path) -> None:
        suites = [example(language, file) for language in ('imp', 'stack') for file in ('suite.toml', 'failing.toml')]
        prove(suites, select(suites, [*PASSED, *FAILED, *STACK, *STACK_FAILED]), config(folder))

    return config(made_once(tmp_path_factory, 'pykfiles', make))
