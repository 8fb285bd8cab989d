"""A small suite of four claims in two modules, to be changed by each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from suite_folder import SuiteFolder, claim

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def small(tmp_path: Path) -> SuiteFolder:
    return SuiteFolder(
        tmp_path,
        modules={
            'LEMMAS': [claim('LEMMAS.base', trusted='')],
            'SUM': [
                claim('SUM.one', 'one'),
                claim('SUM.two', 'two', depends='one,LEMMAS.base'),
                claim('SUM.three', 'three', depends='SUM.two', circularity=''),
            ],
        },
    )
