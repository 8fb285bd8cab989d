"""What the events of a round have led to and is still to be followed up, before the round is made durable."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Agenda:
    """Nodes that became pending, proofs that may have nothing left to do, settled proofs that others wait for.

    They are taken in rounds: all that is there, and what follows from it in the next one. Proofs are named by digest.
    """

    def __init__(self) -> None:
        self._pending: list[tuple[str, int]] = []
        self._changed: dict[str, None] = {}
        self._settled: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._pending or self._changed or self._settled)

    def proofs(self) -> set[str]:
        """All proofs that something is to be done about."""
        return {*(digest for digest, _ in self._pending), *self._changed, *self._settled}

    def pending(self, digest: str, nodes: Iterable[int]) -> None:
        """Nodes of a proof need steps."""
        self._pending += [(digest, node) for node in nodes]

    def changed(self, digest: str) -> None:
        """A proof may have nothing left to do."""
        self._changed[digest] = None

    def settled(self, digest: str) -> None:
        """Those that wait for a proof can be told."""
        self._settled.append(digest)

    def take_pending(self, most: int) -> list[tuple[str, int]]:
        """Digest and node of what became pending, in that order; the rest remains for the next time."""
        taken, self._pending = self._pending[:most], self._pending[most:]
        return taken

    def take_settled(self) -> list[str]:
        """The proofs that have been settled, in that order."""
        taken, self._settled = self._settled, []
        return taken

    def take_changed(self) -> Iterable[str]:
        """The proofs that may have nothing left to do; none as long as there is more to be done before."""
        if self._pending or self._settled:
            return ()
        taken, self._changed = self._changed, {}
        return taken
