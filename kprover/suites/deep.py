"""Calling recursive functions on terms deeper than Python's default recursion limit.

A claim about a list of a few hundred elements is nested too deeply for `json` under the limits of the main
thread.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

T = TypeVar('T')

_STACK_BYTES: Final = 512 * 1024 * 1024
_RECURSION_LIMIT: Final = 200_000
_guard = threading.Lock()


def call_deep(function: Callable[[], T]) -> T:
    """The result of `function()`; if it recurses too deeply, that of a second call with a large stack.

    Raises what `function` raises; `RecursionError` if the large stack is not enough either.
    """
    try:
        return function()
    except RecursionError:
        pass
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(function())
        except BaseException as error:
            errors.append(error)

    with _guard:
        limit, size = sys.getrecursionlimit(), threading.stack_size(_STACK_BYTES)
        sys.setrecursionlimit(max(limit, _RECURSION_LIMIT))
        try:
            thread = threading.Thread(target=run, name='deep terms')
            thread.start()
            thread.join()
        finally:
            threading.stack_size(size)
            sys.setrecursionlimit(limit)
    if errors:
        raise errors[0]
    return results[0]
