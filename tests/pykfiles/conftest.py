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
    from engine_harness import config, example, run
    from pykfiles_claims import FAILED, PASSED, STACK, STACK_FAILED

    run_config = config(tmp_path_factory.mktemp('proved'))
    run(example('imp'), PASSED, run_config)
    run(example('imp', 'failing.toml'), FAILED, run_config)
    run(example('stack'), STACK, run_config)
    run(example('stack', 'failing.toml'), STACK_FAILED, run_config)
    return run_config
