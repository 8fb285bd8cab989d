"""The store looked after: checked, exported, imported, merged, freed of what nobody needs, compacted.

Knows what the rows mean, by the names that `kprover.engine.ledger` gives them. Everything that changes a store owns it
while it does, so none of this runs beside a run.
"""

from __future__ import annotations

from .check import Problem, StoreCheck, check_store
from .reach import reached_rows
from .transfer import ExportError, Imported, RefusedFile, export_rows, import_rows
from .trim import NothingReached, Unreached, free, unreached_rows

__all__ = [
    'ExportError',
    'Imported',
    'NothingReached',
    'Problem',
    'RefusedFile',
    'StoreCheck',
    'Unreached',
    'check_store',
    'export_rows',
    'free',
    'import_rows',
    'reached_rows',
    'unreached_rows',
]
