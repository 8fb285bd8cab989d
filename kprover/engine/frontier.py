"""The steps of a proof of a user's own kind: which are pending, which are done, and what the proof has come to.

Here a node is a step: a number for the hash of its bytes, given in the order in which the steps became known. What is
pending after some commits only the prover knows, in a worker; between a commit and its next word the frontier is
`behind`. Owned by the engine's thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Frontier:
    """The steps of one proof.

    Attributes:
        status: What the prover last said of the proof: `passed`, `failed` or `pending`.
        explanation: Why it failed, in its words.
        asked: Whether it has been asked what is pending and has not answered.
    """

    status: str
    explanation: str
    asked: bool

    def __init__(self, standing: Mapping[str, Any]):
        """The steps of a proof that has just been prepared."""
        self._steps: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        self._pending: dict[int, None] = {}
        self._done: set[int] = set()
        self._last = 0
        self._commits = 0
        self._told = 0
        self.asked = False
        self._take(standing)

    @property
    def pending(self) -> tuple[int, ...]:
        """Steps to be made, in the order in which they became known."""
        return tuple(self._pending)

    @property
    def behind(self) -> bool:
        """Whether there were commits since the prover said what is pending."""
        return self._told < self._commits

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Numbers of steps, pending ones, failures and bounded ones."""
        return len(self._steps), len(self._pending), int(self.status == 'failed'), 0

    def step(self, number: int) -> str:
        """The hash of a step."""
        return self._steps[number]

    def is_pending(self, number: int) -> bool:
        """Whether a result of this step is still of use."""
        return number in self._pending

    def fits(self, number: int, step: str) -> bool:
        """Whether a journaled result of a step can be committed next; the journal may name steps before the prover."""
        if number in self._done or self._steps.get(number, step) != step:
            return False
        self._name(number, step)
        return True

    def commit(self, number: int, step: str) -> None:
        """A result of this step was journaled."""
        self._name(number, step)
        self._pending.pop(number, None)
        self._done.add(number)
        self._commits += 1

    def told(self, standing: Mapping[str, Any]) -> tuple[int, ...]:
        """The prover's word on what is pending. Returns the steps that have become known by it."""
        self.asked = False
        if not self._told <= standing['commits'] <= self._commits:
            return ()  # from before the proof was begun again
        return self._take(standing)

    def _name(self, number: int, step: str) -> None:
        self._steps[number] = step
        self._numbers[step] = number
        self._last = max(self._last, number)

    def _take(self, standing: Mapping[str, Any]) -> tuple[int, ...]:
        self._told = standing['commits']
        self.status = standing['status']
        self.explanation = standing['explanation']
        wanted = set(standing['steps'])
        for number in [number for number in self._pending if self._steps[number] not in wanted]:
            del self._pending[number]  # the prover does without it
        new = []
        for step in standing['steps']:
            number = self._numbers.get(step, self._last + 1)
            self._name(number, step)
            if number not in self._done and number not in self._pending:
                self._pending[number] = None
                new.append(number)
        return tuple(new)
