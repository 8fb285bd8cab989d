"""Child processes that have been told to end, until nothing of them is left."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .process import Child
    from .watch import Watch


class Dying:
    """The processes of one owner that are of no more use to it."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._children: list[Child] = []

    def add(self, child: Child, how: signal.Signals) -> None:
        """Tell a child to end, and forget it when it has."""
        child.signal(how)
        self._children.append(child)
        self.bury()

    def bury(self) -> None:
        """Forget those that have ended, with what they started."""
        for child in list(self._children):
            if child.exited() is not None:
                self._watch.remove(child)
                child.reap()
                self._children.remove(child)

    def finish(self, force: bool) -> bool:
        """Whether none is left; with `force` all that are left are killed first."""
        if force:
            for child in self._children:
                child.signal(signal.SIGKILL)
        self.bury()
        return not self._children
