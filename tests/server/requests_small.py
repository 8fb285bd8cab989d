"""Requests about the small definition, and what is read from their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kore_small import configuration
from kore_text import i
from serving import state

from kprover.server.parse import parse_pattern

if TYPE_CHECKING:
    pass


def pattern(text: str) -> dict[str, Any]:
    """Return Kore text as the protocol writes a state."""
    return state(parse_pattern(text))


def counting(number: str, total: str = i(0)) -> dict[str, Any]:
    return pattern(configuration(f'Lblcount{{}}({number})', total))


FOREVER = counting(i(10**9))


def sum_of(result: dict[str, Any]) -> Any:
    """Return the value in the sum cell of an answer's state."""
    return result['state']['term']['term']['args'][1]['args'][0].get('value')
