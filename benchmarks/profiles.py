"""What a simulated suite looks like: the graph of every proof, and how long a server works on every node of it.

Everything is a pure function of the profile and the number of the claim, so that the server, the engine's suite and
the lower bounds agree without talking to each other, and every run is the same. Only the standard library: a
simulated server must start quickly.
"""

from __future__ import annotations

import json
import math
import random
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

MEDIAN_SECONDS: Final = 4.0
"""Median time of a step before scaling; steps of a KEVM proof take 2 to 20 s."""
SIGMA: Final = 0.5
SHORTEST: Final = 0.8
LONGEST: Final = 20.0
FORK_SHARE: Final = 0.25
"""Share of the proofs of `wide` that branch once."""

LONG_CLAIMS: Final = 3
LONG_NODES: Final = 80
LIMBS: Final = 16
"""Branches of the proof of `deep`, all of about the same length."""

KINDS: Final = ('wide', 'deep', 'mixed', 'chain')


@dataclass(frozen=True)
class Shape:
    """The graph of one proof as it will be: node 0 is the initial one, a node without successors is subsumed.

    Attributes:
        successors: Nodes after each node.
        seconds: Time that a server works on each node, before scaling.
    """

    successors: tuple[tuple[int, ...], ...]
    seconds: tuple[float, ...]

    @property
    def work(self) -> float:
        """Seconds of all nodes."""
        return sum(self.seconds)

    @property
    def longest_chain(self) -> float:
        """Seconds of the longest path from the initial node to a leaf: no schedule is shorter."""
        longest = list(self.seconds)
        for node in reversed(range(len(self.successors))):  # a successor has a greater number
            longest[node] += max((longest[successor] for successor in self.successors[node]), default=0.0)
        return longest[0]


@dataclass(frozen=True)
class Profile:
    """A simulated suite.

    Attributes:
        kind: `wide` (many claims of 5 to 10 nodes), `deep` (one claim of `nodes` nodes in 16 branches), `mixed` (as
            `wide`, and three claims of 80 nodes after all others), `chain` (claims of `nodes` nodes in a row, all of
            `LONGEST / 20` seconds).
        claims: Number of claims.
        nodes: Nodes of each claim of `deep` and `chain`.
        scale: What the times are multiplied with.
    """

    kind: str
    claims: int
    nodes: int = 0
    scale: float = 1.0

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(',', ':'))

    @staticmethod
    def from_json(text: str) -> Profile:
        return Profile(**json.loads(text))

    def shape(self, claim: int) -> Shape:
        """The graph of a claim, by its number. Raises ValueError for an unknown kind."""
        return _shape(self.kind, self.claims, self.nodes, claim)

    @property
    def steps(self) -> int:
        """Steps of all proofs: one for every node."""
        return sum(len(self.shape(claim).seconds) for claim in range(self.claims))

    @property
    def work(self) -> float:
        """Scaled seconds that servers work for all claims together."""
        return self.scale * sum(self.shape(claim).work for claim in range(self.claims))

    @property
    def longest_chain(self) -> float:
        """Scaled seconds of the longest chain of steps of one claim."""
        return self.scale * max(self.shape(claim).longest_chain for claim in range(self.claims))

    def bound(self, workers: int) -> float:
        """Seconds that no schedule on so many workers can beat."""
        return max(self.work / workers, self.longest_chain)


def standard(kind: str, scale: float = 1.0) -> Profile:
    """The profile of a name in its full size."""
    sizes = {'wide': (800, 0), 'deep': (1, 5000), 'mixed': (800 + LONG_CLAIMS, 0)}
    claims, nodes = sizes[kind]
    return Profile(kind, claims, nodes, scale)


@cache
def _shape(kind: str, claims: int, nodes: int, claim: int) -> Shape:
    rng = random.Random(f'{kind} {claim}')
    if kind == 'chain':
        return Shape(_row(nodes), (LONGEST / 20,) * nodes)
    if kind == 'deep':
        successors = _limbs(nodes)
    elif kind == 'mixed' and claim >= claims - LONG_CLAIMS:
        successors = _row(LONG_NODES)
    elif kind in ('wide', 'mixed'):
        count = rng.randint(5, 10)
        successors = _forked(count, rng) if rng.random() < FORK_SHARE else _row(count)
    else:
        raise ValueError(f'profile kind {kind!r}: expected one of {", ".join(KINDS)}')
    return Shape(successors, tuple(_seconds(rng) for _ in successors))


def _seconds(rng: random.Random) -> float:
    return min(max(rng.lognormvariate(math.log(MEDIAN_SECONDS), SIGMA), SHORTEST), LONGEST)


def _row(count: int) -> tuple[tuple[int, ...], ...]:
    return (*((node + 1,) for node in range(count - 1)), ())


def _forked(count: int, rng: random.Random) -> tuple[tuple[int, ...], ...]:
    """A row that branches in two at one node; the branches take turns with the rest of the nodes."""
    fork = rng.randint(0, count - 3)
    successors = [[node + 1] for node in range(fork)] + [[fork + 1, fork + 2]]
    successors += [[node + 2] if node + 2 < count else [] for node in range(fork + 1, count)]
    return tuple(tuple(after) for after in successors)


def _limbs(count: int) -> tuple[tuple[int, ...], ...]:
    """A binary tree with 16 tips, each tip going on as a row; the rows take turns with the rest of the nodes."""
    successors: list[tuple[int, ...]] = []
    for node in range(count):
        after = (2 * node + 1, 2 * node + 2) if node < LIMBS - 1 else (node + LIMBS,)
        successors.append(tuple(successor for successor in after if successor < count))
    return tuple(successors)
