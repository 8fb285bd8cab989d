"""What the page shows of one proof when it is opened: its graph and its failing nodes, packed until then.

Packed means JSON, compressed and in base 64: the browser unpacks a proof when it is looked at, so that a page of a
thousand proofs is small and opens at once.
"""

from __future__ import annotations

import base64
import json
import time
import zlib
from typing import TYPE_CHECKING

from .difference import difference
from .graphs import read_graph

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ...engine.ledger import ReadableStore
    from ...engine.values import ClaimProgress, Failure
    from ..record import RunRecord


def pack(data: Any) -> str:
    """JSON data for the page's `unpack`."""
    return pack_text(json.dumps(data, separators=(',', ':'), ensure_ascii=False))


def pack_text(text: str, level: int = 6) -> str:
    """A text for the page's `unpackText`: zlib's format, which browsers call `deflate`."""
    return base64.b64encode(zlib.compress(text.encode('utf-8', 'replace'), level)).decode('ascii')


class PackedProofs:
    """The packed proofs of a run; one that has not changed since it was last asked for is not made again.

    Attributes:
        deadline: By the monotonic clock: when nothing more is packed until it is set anew. `None` for no limit.
    """

    def __init__(self) -> None:
        self._packed: dict[str, tuple[tuple[object, ...], str]] = {}
        self.deadline: float | None = None

    def of(self, progress: ClaimProgress, record: RunRecord, store: ReadableStore) -> str:
        """The proof of a claim; `progress` is that of any claim with this proof. Empty where time was too short."""
        digest = progress.proof
        name = digest or progress.claim
        version = (progress.steps, progress.nodes, progress.status, progress.phase, len(progress.failures))
        known = self._packed.get(name)
        if known is not None and known[0] == version:
            return known[1]
        if self.deadline is not None and time.monotonic() > self.deadline:
            return '' if known is None else known[1]
        graph = read_graph(store, digest, _was_reused(progress, record)) if digest else None
        packed = pack(
            {
                'graph': None if graph is None else graph.to_json(),
                'failures': [_failure(failure) for failure in progress.failures],
            }
        )
        self._packed[name] = (version, packed)
        return packed


def _was_reused(progress: ClaimProgress, record: RunRecord) -> Callable[[int, str], bool]:
    """Whether the step of a node, with a key, was in the store or made for another proof."""
    names = [claim.claim for claim in record.claims if claim.proof == progress.proof]
    steps = {step for name in names for step in record.reused.get(name, ())}
    if progress.reused and not steps:  # the verdict was in the store
        return lambda node, key: True
    return lambda node, key: (node, key) in steps


def _failure(failure: Failure) -> dict[str, Any]:
    compared = difference(failure.configuration, failure.target) if failure.configuration and failure.target else []
    return {
        'node': failure.node,
        'reason': failure.reason,
        'explanation': failure.explanation,
        'path': list(failure.path_condition),
        'configuration': '' if compared else failure.configuration,
        'difference': [[mark, text] for mark, text in compared],
        'model': None if failure.model is None else dict(failure.model),
    }
