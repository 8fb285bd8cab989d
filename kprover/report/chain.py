"""The longest chain of work in a run, kept up as the run goes on.

A step waits for the step that made its node, the first one for `prepare`, that for the claims depended upon, and a
second attempt for the first. A chain is a linked list from its last piece backwards; those that nothing goes on from
are gone as soon as a longer one is known, so memory is in what is pending and in the longest chain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..engine.events import Activity, Commit
    from ..engine.values import ClaimProgress


@dataclass(frozen=True)
class _Link:
    """A piece of work, what it had to wait for, and the seconds of the chain that it ends."""

    activity: Activity
    before: _Link | None
    seconds: float


class Chains:
    """See the module. Fed in the order in which the engine tells: a step's activity comes before its commits."""

    def __init__(self, depends: Mapping[str, tuple[str, ...]]):
        """
        Args:
            depends: The claims that a claim depends on, by name.
        """
        self._depends = depends
        self._first: dict[str, str] = {}  # claim -> the claim by whose name its proof goes
        self._by_proof: dict[str, str] = {}
        self._open: dict[str, dict[int, _Link]] = {}  # claim -> pending node -> what made it
        self._base: dict[str, _Link] = {}  # claim -> its preparation
        self._end: dict[str, _Link] = {}  # claim -> its longest chain so far
        self._last: _Link | None = None  # the activity that commits are told after
        self._longest: _Link | None = None

    def know(self, claims: Iterable[ClaimProgress]) -> None:
        """Learn which claims are one proof."""
        for progress in claims:
            if progress.claim not in self._first:
                proof = progress.proof or progress.claim
                self._first[progress.claim] = self._by_proof.setdefault(proof, progress.claim)

    def activity(self, activity: Activity) -> None:
        """A piece of work has ended."""
        claim = activity.claim
        if activity.kind == 'step':
            before = self._open.get(claim, {}).get(activity.node) or self._beginning(claim)
        elif activity.kind == 'prepare':
            before = self._beginning(claim)
        else:
            before = self._end.get(claim)
        link = _Link(activity, before, activity.seconds + (before.seconds if before is not None else 0.0))
        self._last = link
        if activity.kind == 'step':
            self._open.setdefault(claim, {})[activity.node] = link
        elif activity.kind == 'prepare':
            self._base[claim] = link
        self._end[claim] = _longer(link, self._end.get(claim))
        self._longest = _longer(link, self._longest)

    def commit(self, commit: Commit) -> None:
        """A step has become part of a proof: what is pending now has waited for it."""
        claim = commit.claim
        open_nodes = self._open.setdefault(claim, {})
        own = open_nodes.pop(commit.node, None)
        link = own or self._beginning(claim)
        last = self._last
        if last is not None and last.activity.kind == 'step' and last.activity.key == commit.key and last is not own:
            link = _longer(last, link)  # made for another claim
        if link is not None:
            open_nodes.update(dict.fromkeys(commit.pending, link))
            self._end[claim] = _longer(link, self._end.get(claim))

    def settled(self, progress: ClaimProgress) -> None:
        """Nothing more is done for a claim but by others that depend on it."""
        self._open.pop(progress.claim, None)

    def longest(self) -> tuple[Activity, ...]:
        """The pieces of the longest chain, first one first."""
        pieces = []
        link = self._longest
        while link is not None:
            pieces.append(link.activity)
            link = link.before
        return tuple(reversed(pieces))

    def _beginning(self, claim: str) -> _Link | None:
        """What the first step of a claim waits for."""
        if claim in self._base:
            return self._base[claim]
        link = None
        for name in self._depends.get(claim, ()):
            end = self._end.get(self._first.get(name, name))
            if end is not None:
                link = _longer(end, link)
        return link


def _longer(link: _Link, other: _Link | None) -> _Link:
    return link if other is None or link.seconds >= other.seconds else other
