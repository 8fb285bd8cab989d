"""kprover: proves suites of K reachability claims in parallel, with a checkpoint for every proof step."""

from __future__ import annotations

__version__ = '0.1.0'
