"""A server on the definition made to tempt it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kore_cases import MODULE, definition
from service import Asking, serving
from tempting import SENTENCES

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope='session')
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    folder = tmp_path_factory.mktemp('cases')
    (folder / 'definition.kore').write_text(definition(SENTENCES))
    with serving(folder, MODULE, smt_retry_limit=0) as client:
        yield Asking(client)
