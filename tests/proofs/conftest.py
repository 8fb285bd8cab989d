"""A store, a session, and a real server for the imperative example language."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from embedded import EmbeddedServer
from proofs_harness import KOMPILED, MAIN_MODULE

from kprover.proofs.session import Session
from kprover.store import CheckpointStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CheckpointStore]:
    with CheckpointStore.open(tmp_path / 'store.sqlite') as opened:
        yield opened


@pytest.fixture(scope='session')
def server() -> Iterator[EmbeddedServer]:
    """The embedded server over the imperative language, started by pyk's own class."""
    with EmbeddedServer(KOMPILED, MAIN_MODULE) as started:
        yield started


@pytest.fixture(scope='session')
def unconnected() -> Session:
    """A session without a server: enough to prepare claims."""
    return Session()


@pytest.fixture(scope='session')
def session(server: EmbeddedServer) -> Iterator[Session]:
    """A session that is connected to the server; it remembers definitions and terms from test to test."""
    connected = Session()
    connected.connect(str(KOMPILED), MAIN_MODULE, '127.0.0.1', server.port)
    yield connected
    connected.close()
