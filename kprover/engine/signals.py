"""SIGINT and SIGTERM while the engine runs: the first asks it to stop, the second ends it at once.

Handlers are installed explicitly, because a process started with `&` from a script inherits an ignored SIGINT, and
only in the main thread, where Python allows it; elsewhere the engine runs without them.
"""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType
    from typing import Any, Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Counts stop signals while it is entered; restores the previous handlers when it is left.

    After a stop signal they are not restored but ignored: the run ends in order, and a further signal on the way to the
    end of the process must not make another end of it. Whoever goes on after an interrupted run sets handlers anew.
    """

    def __init__(self, wake: Callable[[], None]):
        self._wake = wake
        self._previous: dict[signal.Signals, Any] = {}
        self.count = 0
        self.signal: signal.Signals | None = None

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._wake = _nothing
        for number, handler in self._previous.items():
            # Python itself undoes a handler of ours while it ends, but not this one.
            signal.signal(number, signal.SIG_IGN if self.count else handler)
        self._previous.clear()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        self.signal = signal.Signals(number)
        self._wake()


def _nothing() -> None:
    """What there is to wake when the run is over."""
