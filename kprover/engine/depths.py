"""How many rewrite steps a claim's next request may take: an interrupt should lose little, and fixed costs stay small.

A request that ran into its depth bound tells how fast the claim rewrites; the next one aims at the target time. One
that ran out of time makes the claim's requests smaller, and they grow again from there. The claim's own
`execute-depth` stays the upper bound, and no depth changes a verdict: it only moves the nodes of the graph.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

GROWTH: Final = 4
"""A depth at most grows, and at a timeout shrinks, by this factor at a time."""

UNBOUNDED: Final = 1 << 14
"""Where a claim has no bound, its first requests have this one."""


def next_depth(depth: int, *, rewrites: int, seconds: float, target: float) -> int:
    """The depth after a request of `depth` that made `rewrites` rewrite steps in `seconds`.

    Args:
        depth: Bound of the request, at least 1.
        rewrites: Steps that it made; fewer than `depth` say nothing about a greater one.
        target: Seconds that a request should take.
    """
    if rewrites < depth and seconds <= target:
        return depth
    wanted = int(depth * target / seconds) if seconds > 0 else depth * GROWTH
    return max(1, depth // GROWTH, min(wanted, depth * GROWTH))


@dataclass
class StepSize:
    """The execute depth of one claim's next steps.

    Attributes:
        bound: The claim's `execute-depth`, `None` for no bound.
        target: Seconds that a request should take; `None` switches the adaptation off, timeouts excepted.
        current: The depth of the next request; `None` as long as it is the bound.
        nodes: Depths of nodes whose request ran out of time.
    """

    bound: int | None
    target: float | None
    current: int | None = None
    nodes: dict[int, int] = field(default_factory=dict)

    def depth(self, node: int) -> int | None:
        """The depth for a step from `node`."""
        depth = self.nodes.get(node, self.current)
        if depth is None:
            return self.bound if self.bound is not None or self.target is None else UNBOUNDED
        return depth if self.bound is None else min(depth, self.bound)

    def finished(self, depth: int | None, *, rewrites: int, seconds: float) -> None:
        """A request with this depth brought an answer."""
        if self.target is None or depth is None:
            return
        self.current = next_depth(depth, rewrites=rewrites, seconds=seconds, target=self.target)

    def timed_out(self, node: int, depth: int | None) -> None:
        """A request from `node` with this depth ran out of time."""
        smaller = max(1, (depth if depth is not None else UNBOUNDED) // GROWTH)
        self.nodes[node] = smaller
        if self.target is not None:
            self.current = smaller
