"""How many servers there may be and how much memory they may take: values, and decisions about them as pure functions.

A definition's servers are alike, so the largest one seen says how large the next may become; before one has done some
work, the size of definition.kore says so roughly.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

HARD_LIMIT: Final = 1.5
"""A server that uses so many times its limit is ended at once; one that is over the limit, after its step."""

TELLING_TASKS: Final = 20
"""After so many tasks a server's size says what those of its definition take; before, a guess is not gone below."""

_GUESS_BASE: Final = 64 << 20
_GUESS_FACTOR: Final = 100
"""A fresh kore-rpc takes roughly a hundred bytes for each byte of definition.kore."""


@dataclass(frozen=True)
class Limits:
    """What servers may use.

    Attributes:
        servers: Servers alive at once, over all definitions; `None`: as many as workers for each definition.
        memory: Bytes for all servers and their solvers together: no server is started that would not fit. `None`: no
            limit. One server may always run.
        server_memory: Bytes for one server with its solvers: one that uses more is replaced after its step, one that
            uses `HARD_LIMIT` times as much at once. `None`: no limit.
        server_modules: A server with more added modules than this is replaced when it is idle; `None`: never.
        hang_timeout: A server is taken for dead when it and the workers that wait for it have used no processor time
            for so many seconds; `None`: never.
    """

    servers: int | None = None
    memory: int | None = None
    server_memory: int | None = None
    server_modules: int | None = 2000
    hang_timeout: float | None = 120.0

    def __post_init__(self) -> None:
        if self.servers is not None and self.servers < 1:
            raise ValueError(f'Expected at least one server, found {self.servers}.')


def guessed_size(kompiled: str) -> int:
    """Bytes that a server of a definition may take, as long as none was seen."""
    try:
        return _GUESS_BASE + _GUESS_FACTOR * (Path(kompiled) / 'definition.kore').stat().st_size
    except OSError:
        return _GUESS_BASE


def fits(budget: int | None, expected: Iterable[int], another: int) -> bool:
    """Whether a server of expected size `another` may be started beside those of the sizes `expected`."""
    sizes = tuple(expected)
    return budget is None or not sizes or sum(sizes) + another <= budget


def in_words(size: float) -> str:
    """A number of bytes for people."""
    for unit in ('bytes', 'KiB', 'MiB'):
        if size < 1024:
            return f'{size:.0f} {unit}'
        size /= 1024
    return f'{size:.1f} GiB'
