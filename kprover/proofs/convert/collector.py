"""Python's cycle collector, kept out of the way of functions that make many objects and no cycles.

Each few hundred new objects it looks at young ones and, in the end, at all of them: at a term of 20,000 nodes beside a
large definition this was more than half of the time of a conversion. What is made is looked at once, afterwards.
"""

from __future__ import annotations

import gc
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec('P')
R = TypeVar('R')


def without_collector(function: Callable[P, R]) -> Callable[P, R]:
    """The function with the cycle collector off while it runs. Reference counting goes on."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if not gc.isenabled():
            return function(*args, **kwargs)
        gc.disable()
        try:
            return function(*args, **kwargs)
        finally:
            gc.enable()

    return run
