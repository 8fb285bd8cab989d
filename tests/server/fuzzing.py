"""How many times the examples of `make test` a run tries."""

from __future__ import annotations

import os
from typing import Final

TIMES: Final = int(os.environ.get('FUZZ', '1'))
