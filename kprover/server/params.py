"""The parameters of the methods as values: what the protocol layer hands to the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

__all__ = ['ExecuteParams', 'ImpliesParams']


@final
@dataclass(frozen=True)
class ExecuteParams:
    """How far `execute` goes and what it records.

    `max_depth` counts rewrite steps, None for no limit. Rules are named by label or unique id. `assume_defined` states
    that every subterm of the initial state has a value.
    """

    max_depth: int | None = None
    cut_point_rules: frozenset[str] = frozenset()
    terminal_rules: frozenset[str] = frozenset()
    assume_defined: bool = False
    log_successful: bool = False
    log_failed: bool = False


@final
@dataclass(frozen=True)
class ImpliesParams:
    """`assume_defined` states that the consequent's term and its conditions have values."""

    assume_defined: bool = False
