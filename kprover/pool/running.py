"""A server that somebody else has started, at an address: it is used, not owned.

It cannot be ended or replaced, and nothing is known of its memory or its work. What can be supervised is its
connection: when that is lost, the server is left alone for a while, then tried again, and given all modules anew.
"""

from __future__ import annotations

from .service import Service

_REST_FIRST = 0.5
_REST_LAST = 30.0


class RunningServer(Service):
    """A server at `host:port`. It counts as ready until a connection says otherwise."""

    def __init__(self, address: tuple[str, int], *, kompiled: str, serial: int):
        super().__init__(kompiled, serial, 'ready')
        self.host, self.port = address
        self._rest = _REST_FIRST

    @property
    def pid(self) -> int:
        return 0

    @property
    def name(self) -> str:
        return f'the server at {self.host}:{self.port}'

    def check(self, now: float) -> None:
        if self.state == 'resting' and self.next_check is not None and now >= self.next_check:
            self.state, self.next_check = 'ready', None

    def suspect(self, now: float, responsive: bool) -> None:
        if not responsive:
            self.fail(f'{self.name[0].upper()}{self.name[1:]} cannot be reached or answers nothing')

    def rest(self, now: float) -> None:
        """After a failure: leave it alone, longer each time, and take it for a new one afterwards."""
        self.state, self.next_check = 'resting', now + self._rest
        self._rest = min(2 * self._rest, _REST_LAST)
        self.modules.clear()

    def succeeded(self) -> None:
        """A task was done on it."""
        self._rest = _REST_FIRST
