"""The small definition in a file, and a server of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kore_small import DEFINITION
from serving import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from serving import Served


@pytest.fixture(scope='module')
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp('definition') / 'definition.kore'
    path.write_text(DEFINITION)
    return path


@pytest.fixture(scope='module')
def served(file: Path) -> Iterator[Served]:
    with serve(file, 'SMALL') as server:
        yield server
