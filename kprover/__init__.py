"""kprover: proves suites of K reachability claims in parallel, with a checkpoint for every proof step.

From Python:

    suites = load_suites([Path('examples/imp/suite.toml')])
    summary = prove(suites, None, RunConfig(store=Path('store.sqlite')))
    for claim in summary.claims:
        print(claim.claim, claim.status, claim.reason)

`prove` is `ProveAll` without Luigi. An `Observer` is told what happens meanwhile; `Ledger` and `status` say what the
store knows, beside a run or without one. Names are imported when they are first used: `import kprover` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .backends import BackendError
    from .engine import (
        ClaimProgress,
        EngineError,
        Failure,
        Interrupted,
        Ledger,
        Observer,
        Phase,
        RunConfig,
        RunState,
        RunSummary,
        SilentObserver,
        Status,
        pending_steps,
        prove,
        run_step,
        status,
    )
    from .settings import Settings, SettingsError, read_settings
    from .store import StoreError, StoreLocked
    from .suites import Claim, ClaimOptions, Suite, SuiteError, load_suite, load_suites, select

__version__ = '0.1.0'

__all__ = [
    'BackendError',
    'Claim',
    'ClaimOptions',
    'ClaimProgress',
    'EngineError',
    'Failure',
    'Interrupted',
    'Ledger',
    'Observer',
    'Phase',
    'RunConfig',
    'RunState',
    'RunSummary',
    'Settings',
    'SettingsError',
    'SilentObserver',
    'Status',
    'StoreError',
    'StoreLocked',
    'Suite',
    'SuiteError',
    'load_suite',
    'load_suites',
    'pending_steps',
    'prove',
    'read_settings',
    'run_step',
    'select',
    'status',
]


_HOMES = ('backends', 'settings', 'store', 'suites', 'engine')


def __getattr__(name: str) -> object:
    if name in __all__:
        for home in _HOMES:  # in an order in which none needs a later one
            names = vars(importlib.import_module(f'.{home}', __name__))
            if name in names:
                return names[name]
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
