"""The scheduler of proof steps: one queue over the steps of all claims, checkpointed and resumable.

Imports nothing of pyk: terms are made and read in the workers.
"""

from __future__ import annotations

from .api import prove
from .known import Ledger, pending_steps, status
from .single import make_step, run_step
from .values import (
    ClaimProgress,
    DefinitionUnusable,
    EngineError,
    Failure,
    Interrupted,
    Observer,
    Phase,
    RunConfig,
    RunState,
    RunSummary,
    SilentObserver,
    Status,
)

__all__ = [
    'ClaimProgress',
    'DefinitionUnusable',
    'EngineError',
    'Failure',
    'Interrupted',
    'Ledger',
    'Observer',
    'Phase',
    'RunConfig',
    'RunState',
    'RunSummary',
    'SilentObserver',
    'Status',
    'make_step',
    'pending_steps',
    'prove',
    'run_step',
    'status',
]
