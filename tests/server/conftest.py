"""How hypothesis runs here: the same examples each time, without limits that a busy machine would exceed.

With the environment variable FUZZ set, examples are random, and tests that look at it try that many times more.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    'server',
    deadline=None,
    derandomize='FUZZ' not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile('server')
