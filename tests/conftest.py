"""What all tests share: where the project is, an interpreter in its usual state, and how hypothesis runs.

It takes the same examples each time, without limits that a busy machine would exceed. With the environment variable
FUZZ set, examples are random, and tests that look at it try that many times more.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# Under nohup, or in the background of a script, these are ignored, and so they would be in every process of a test.
for _number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number is signal.SIGINT else signal.SIG_DFL)

# Where Python is told to write no bytecode, as in many containers, each of the thousands of processes that tests start
# would compile the sources again, which takes some of them longer than all else that they do.
os.environ.pop('PYTHONDONTWRITEBYTECODE', None)
sys.dont_write_bytecode = False

# Nearly all that tests write is written durably. Where memory can take it, and programs can be run from there, it need
# not go through a disk.
_IN_MEMORY = Path('/dev/shm')
_ROOM = 4 << 30
if (
    'PYTEST_DEBUG_TEMPROOT' not in os.environ
    and os.access(_IN_MEMORY, os.W_OK | os.X_OK)
    and not os.statvfs(_IN_MEMORY).f_flag & os.ST_NOEXEC
    and shutil.disk_usage(_IN_MEMORY).free > _ROOM
):
    os.environ['PYTEST_DEBUG_TEMPROOT'] = str(_IN_MEMORY)

# Thousands of terms live as long as their module; looking through them again and again costs a tenth of the time.
gc.set_threshold(100_000, 50, 1_000)

settings.register_profile(
    'calm',
    deadline=None,
    derandomize='FUZZ' not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile('calm')

_USUAL_LIMIT = sys.getrecursionlimit()
_WORKERS_LIMIT = 10**7
_DEEP_TERMS = 'proofs'
"""The folder whose tests handle terms in this process, as a worker does."""


@pytest.fixture(autouse=True)
def recursion_limit(request: pytest.FixtureRequest) -> Iterator[None]:
    """Python's own limit for every test but those on deep terms, which have a worker's.

    With a limit raised for the whole session, what should end in a `RecursionError` overflows the C stack instead.
    """
    sys.setrecursionlimit(_WORKERS_LIMIT if _DEEP_TERMS in request.path.parts else _USUAL_LIMIT)
    yield
    sys.setrecursionlimit(_USUAL_LIMIT)


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """A run that was interrupted leaves signals ignored, and the processes of later tests would ignore them too."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope='session')
def project() -> Path:
    """The folder of the project."""
    return Path(__file__).resolve().parent.parent
