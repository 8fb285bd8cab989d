"""K's built-in functions, by the name of their hook.

`EVALUATORS['INT.add'](context, symbol, arguments)` returns the value; `BOTTOM` if there is none (division by zero, a
missing key); None if the arguments do not suffice to tell, and the application stays a term. Arguments are simplified
already. The evaluators are pure functions; a result that would be too large to compute is left as a term as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from . import booleans, bytestrings, integers, kequal, lists, maps, sets, strings

if TYPE_CHECKING:
    from .context import Evaluator

__all__ = ['EVALUATORS']

EVALUATORS: Final[dict[str, Evaluator]] = {
    **booleans.EVALUATORS,
    **integers.EVALUATORS,
    **kequal.EVALUATORS,
    **maps.EVALUATORS,
    **sets.EVALUATORS,
    **lists.EVALUATORS,
    **strings.EVALUATORS,
    **bytestrings.EVALUATORS,
}
