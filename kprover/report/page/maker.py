"""The page as one of the files of a run's report folder: made again and again while the run lasts, from its thread.

Packing the proofs of a large run takes seconds, so each time only so much is packed as the engine can spare; what has
not come round yet is on the page as it was before, or as to come. The page of a finished run has everything.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ...engine.values import RunState
from .proofs import PackedProofs
from .render import render

if TYPE_CHECKING:
    from typing import Final

    from ...engine.ledger import ReadableStore
    from ..record import RunRecord

SPARED: Final = 0.5
"""Seconds of packing for a page of a run that goes on."""

AT_THE_END: Final = 2.0
"""Seconds of packing when a run has been interrupted; `kprover report` makes the page with all of it."""


class PageMaker:
    """Makes the page of one run from its record."""

    def __init__(self, store: ReadableStore, *, whole: bool = False):
        """
        Args:
            store: Read in the calling thread, beside its owner.
            whole: Every proof is packed, however long that takes.
        """
        self._store = store
        self._whole = whole
        self._packed = PackedProofs()

    def __call__(self, record: RunRecord) -> bytes:
        seconds = {RunState.RUNNING: SPARED, RunState.FINISHED: None}.get(record.summary.state, AT_THE_END)
        self._packed.deadline = None if self._whole or seconds is None else time.monotonic() + seconds
        return render(record, self._store, packed=self._packed).encode('utf-8', 'backslashreplace')
