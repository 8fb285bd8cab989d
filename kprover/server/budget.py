"""What a running request may still spend, and the means to end it from outside.

A `Budget` belongs to one request. The thread that computes calls `check` often; the thread that reads the
connection calls `cancel` at any time. The only shared state is the flag `cancelled` (a plain attribute, written
once) and the list of interrupters, guarded by a lock.
"""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, final

from .errors import RequestCancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ['Budget', 'StepTimedOut']

_AVERAGE_WINDOW = 10
"""The weight of the moving average: one over this many of the last step."""


class StepTimedOut(Exception):
    """The current rewrite step has used its time. `execute` answers with the last finished state."""


@final
class Budget:
    """The limits of one request.

    `cancelled` may be read directly in inner loops. `step_timeout` is in seconds, None for no limit. With
    `moving_average` a step may take twice the moving average of the steps before it where that is longer than
    `step_timeout`, so that a computation that is slow throughout is not cut.
    """

    __slots__ = (
        '_average',
        '_deadline',
        '_interrupters',
        '_lock',
        '_moving_average',
        '_started',
        'cancelled',
        'step_timeout',
    )

    cancelled: bool
    step_timeout: float | None

    def __init__(self, step_timeout: float | None = None, *, moving_average: bool = False) -> None:
        self.cancelled = False
        self.step_timeout = step_timeout
        self._moving_average = moving_average
        self._average: float | None = None
        self._started: float | None = None
        self._deadline: float | None = None
        self._lock = Lock()
        self._interrupters: list[Callable[[], None]] = []

    @staticmethod
    def unlimited() -> Budget:
        """Return a budget without limits, for computations that belong to no request."""
        return Budget()

    def limit_steps(self, step_timeout: float, *, moving_average: bool) -> None:
        """Set the limit of each step, in seconds; see the class. Only before the first step."""
        self.step_timeout = step_timeout
        self._moving_average = moving_average

    def check(self) -> None:
        """Raise `RequestCancelled` or `StepTimedOut` if the request, or the current step, must end now."""
        if self.cancelled:
            raise RequestCancelled
        if self._deadline is not None and monotonic() > self._deadline:
            raise StepTimedOut

    def start_step(self) -> None:
        """Begin a rewrite step: restart its clock. Without a step timeout this costs next to nothing."""
        if self.cancelled:
            raise RequestCancelled
        if self.step_timeout is None:
            return
        now = monotonic()
        limit = self.step_timeout
        if self._moving_average and self._started is not None:
            last = now - self._started
            if self._average is None:
                self._average = last
            else:
                self._average += (last - self._average) / _AVERAGE_WINDOW
            limit = max(limit, 2 * self._average)
        self._started = now
        self._deadline = now + limit

    def end_steps(self) -> None:
        """Stop the step clock: what follows (simplifying the answer) is not part of a step."""
        self._deadline = None

    @property
    def remaining(self) -> float | None:
        """Seconds left of the current step, at least 0; None without a limit."""
        return None if self._deadline is None else max(0.0, self._deadline - monotonic())

    def cancel(self) -> None:
        """End the request as soon as possible. May be called from any thread, any number of times."""
        self.cancelled = True
        with self._lock:
            interrupters = list(self._interrupters)
        for interrupt in interrupters:
            interrupt()

    @contextmanager
    def interruptible(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Have `interrupt` called from another thread if the request is cancelled inside of the `with` block."""
        with self._lock:
            self._interrupters.append(interrupt)
        try:
            if self.cancelled:
                raise RequestCancelled
            yield
        finally:
            with self._lock:
                self._interrupters.remove(interrupt)
