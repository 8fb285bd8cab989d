"""A running server, through pyk's client, and questions to it in Kore text."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, final

from embedded import EmbeddedServer
from pyk.kore.parser import KoreParser
from pyk.kore.rpc import KoreClient, KoreClientError
from pyk.kore.syntax import Bottom

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyk.kore.rpc import ExecuteResult
    from pyk.kore.syntax import Pattern


@contextmanager
def serving(kompiled: Path, module: str, **options: int) -> Iterator[KoreClient]:
    """Serve `definition.kore` of a folder, with options of pyk's server class, and give a client."""
    with (
        EmbeddedServer(kompiled, module, **options) as server,
        KoreClient('127.0.0.1', server.port, timeout=20) as client,
    ):
        yield client


def parse(text: str) -> Pattern:
    """Return a pattern."""
    return KoreParser(text).pattern()


@final
class Asking:
    """Questions in Kore text."""

    def __init__(self, client: KoreClient) -> None:
        self._client = client

    def step(self, text: str, depth: int = 1) -> ExecuteResult:
        """Return what `execute` answers."""
        return self._client.execute(parse(text), max_depth=depth)

    def simplify(self, text: str) -> Pattern:
        """Return what `simplify` answers."""
        return self._client.simplify(parse(text))[0]

    def implies(self, left: str, right: str) -> bool:
        """Return whether the server answers that an implication is valid; an error is no such answer."""
        try:
            return self._client.implies(parse(left), parse(right)).valid
        except KoreClientError:
            return False

    def impossible(self, text: str) -> bool:
        """Return whether the server says that a state is bottom."""
        return isinstance(self.simplify(text), Bottom)

    def outcomes(self, text: str, depth: int = 1) -> tuple[set[str], bool]:
        """Return the controls that a state leads to, and whether they are all that it may lead to.

        The second is false if the answer says that part of the state leads to nothing.
        """
        result = self.step(text, depth)
        reason = result.reason.value
        if reason == 'stuck':
            return set(), False
        if reason == 'vacuous':
            return set(), True
        states = [result.state] if result.next_states is None else list(result.next_states)
        names = {_control(state.kore) for state in states}
        start = _control(parse(text))
        return names - {start}, start not in names


def _control(pattern: Pattern) -> str:
    """Return the symbol of the control term of a state."""
    text = pattern.text
    marker = 'inj{SortCtl{}, SortKItem{}}('
    at = text.index(marker) + len(marker)
    return text[at:].partition('{')[0].removeprefix('Lbl')
