"""K's built-in functions, by the name of their hook.

`EVALUATORS['INT.add'](context, symbol, arguments)` returns the value; `BOTTOM` if there is none (division by zero, a
missing key); None if the arguments do not suffice to tell, and the application stays a term. Arguments are simplified
already. The evaluators are pure functions; a result that would be too large to compute is left as a term as well.

What a hook decides:

* A value where K's documentation and its implementations of the hook agree on one. Beyond the border of a symbol that
  is declared total it is kore-rpc's value, if that has one there (`substrString`, `Int2Bytes`).
* `BOTTOM` where K says that there is no value, or each implementation refuses, and none has a value. Never for a symbol
  that the definition declares total: `keeping_totality` is around every hook that may answer it.
* Otherwise nothing, and the application stays a term. K leaves open the order of a map's keys or a set's elements, what
  `choice` chooses, and what its backends disagree on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from . import booleans, bytestrings, integers, kequal, lists, maps, sets, strings
from .context import keeping_totality

if TYPE_CHECKING:
    from .context import Evaluator

__all__ = ['ALWAYS', 'EVALUATORS']

_MODULES: Final = (booleans, integers, kequal, maps, sets, lists, strings, bytestrings)

ALWAYS: Final = frozenset(
    {
        *(f'BOOL.{name}' for name in ('not', 'and', 'or', 'andThen', 'orElse', 'implies', 'xor', 'ne', 'eq')),
        *(f'INT.{name}' for name in ('add', 'sub', 'mul', 'and', 'or', 'xor', 'not', 'abs', 'min', 'max')),
        *(f'INT.{name}' for name in ('lt', 'le', 'gt', 'ge', 'eq', 'ne')),
        *(f'KEQUAL.{name}' for name in ('eq', 'ne', 'ite')),
        *(f'MAP.{name}' for name in ('unit', 'element', 'lookupOrDefault', 'update', 'updateAll', 'remove')),
        *(f'MAP.{name}' for name in ('removeAll', 'difference', 'in_keys', 'keys', 'keys_list', 'values', 'size')),
        'MAP.inclusion',
        *(f'SET.{name}' for name in ('unit', 'element', 'in', 'difference', 'intersection', 'union', 'inclusion')),
        *(f'SET.{name}' for name in ('size', 'set2list', 'list2set')),
        *(f'LIST.{name}' for name in ('unit', 'element', 'concat', 'push', 'size', 'in')),
        *(f'STRING.{name}' for name in ('concat', 'length', 'eq', 'ne', 'lt', 'le', 'gt', 'ge', 'int2string')),
        *(f'BYTES.{name}' for name in ('empty', 'bytes2int', 'bytes2string', 'bytes2hex', 'reverse', 'length')),
        'BYTES.concat',
    }
)
"""Hooks that have a value for all values of their arguments."""

EVALUATORS: Final[dict[str, Evaluator]] = {
    hook: evaluate if hook in ALWAYS else keeping_totality(evaluate)
    for module in _MODULES
    for hook, evaluate in module.EVALUATORS.items()
}
