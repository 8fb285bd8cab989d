"""The history of runs and nights: an SQLite file beside the checkpoint store, and what is read out of it.

`database` is the only module that touches the file, `record` fills it when a run ends, `compare` says what is new in a
night, `page` and `text` show it. A verdict never comes from here: this is what was, the checkpoint store is what is.
"""

from __future__ import annotations

from .database import History, HistoryError, NightInProgress
from .values import ClaimResult, Cost, Night, NightState, RecordedRun

__all__ = [
    'ClaimResult',
    'Cost',
    'History',
    'HistoryError',
    'Night',
    'NightInProgress',
    'NightState',
    'RecordedRun',
]
