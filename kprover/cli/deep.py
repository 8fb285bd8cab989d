"""Work on terms, which may be nested more deeply than the main thread's stack allows."""

from __future__ import annotations

import logging
import queue
import sys
import time
from typing import TYPE_CHECKING, TypeVar

from ..streams import unguarded

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

T = TypeVar('T')

_RECURSION_LIMIT: Final = 10**7


def on_big_stack(function: Callable[[], T]) -> T:
    """The result of `function()`, called in a thread of its own on a big stack; raises what it raises.

    A store belongs to the thread that opens it, so `function` opens what it reads. Ctrl-C ends the wait for it. In a
    terminal the seconds are counted when it takes long.
    """
    from ..worker.loop import start_with_big_stack

    outcome: queue.SimpleQueue[tuple[T, None] | tuple[None, BaseException]] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcome.put((function(), None))
        except BaseException as err:  # whatever it is, it is raised where the result is waited for
            outcome.put((None, err))

    logging.getLogger('pyk').setLevel(logging.ERROR)  # its warnings are for authors of provers
    sys.setrecursionlimit(max(sys.getrecursionlimit(), _RECURSION_LIMIT))
    start_with_big_stack(run)
    result, error = _wait(outcome)
    if error is not None:
        raise error
    return result  # type: ignore[return-value]


def _wait(outcome: queue.SimpleQueue[T]) -> T:
    """The item, with a sign of life in between."""
    started = time.monotonic()
    shown = False
    try:
        while True:
            try:
                return outcome.get(timeout=1.0)
            except queue.Empty:
                shown = sys.stderr.isatty()
                if shown:
                    print(
                        f'\rworking, {time.monotonic() - started:.0f} s', end='', file=unguarded(sys.stderr), flush=True
                    )
    finally:
        if shown:
            print('\r\033[K', end='', file=unguarded(sys.stderr), flush=True)
