"""What a user sees of a run: pure functions from the engine's values to text, tables and JSON; observers.

`text` and `tables` decide what is shown and have no effects; `observers` owns the terminal while a run lasts.
Nothing here knows Luigi, the store or pyk.
"""

from __future__ import annotations

from .live import live_view
from .observers import (
    Observers,
    PlainReporter,
    TerminalReporter,
    make_console,
    print_report,
    reporter_for,
    run_console,
)
from .tables import ClaimsTable, final_report, status_report
from .text import claim_report, headline, run_line, status_json

__all__ = [
    'ClaimsTable',
    'Observers',
    'PlainReporter',
    'TerminalReporter',
    'claim_report',
    'final_report',
    'headline',
    'live_view',
    'make_console',
    'print_report',
    'reporter_for',
    'run_console',
    'run_line',
    'status_json',
    'status_report',
]
