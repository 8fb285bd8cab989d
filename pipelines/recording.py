"""Runs by hand in the history, beside those of nights."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kprover.engine import RunSummary

    from .workspace import Workspace


def record_by_hand(space: Workspace, prove: Callable[[], RunSummary]) -> RunSummary:
    """Run the engine and write the run into the history; a history that cannot be used is said and no more."""
    from kprover.engine import Interrupted
    from kprover.nights import History, HistoryError
    from kprover.nights.record import record_run

    def record(summary: RunSummary) -> None:
        try:
            with History.beside(space.config.store) as history:
                record_run(history, summary, space.ledger, space.config.store)
        except HistoryError as err:
            print(f'kprover: {err}', file=sys.stderr, flush=True)

    try:
        summary = prove()
    except Interrupted as err:
        record(err.summary)
        raise
    record(summary)
    return summary
