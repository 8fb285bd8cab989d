"""A server as the pool sees it, whether the pool has started it (`server`) or found it running (`running`).

Who uses it, which modules it has, in which state it is. The owner is the `fleet`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

State: TypeAlias = Literal['starting', 'ready', 'suspect', 'resting', 'failed']


class Service(ABC):
    """A server of one definition. `state`:

    starting -> ready: it listens, `host` and `port` are known;
    ready -> suspect: a request was given up, it must show that it has stopped working on it;
    suspect -> ready: it has;
    any -> failed: it is of no use (`failure` says why);
    failed -> resting -> ready: only one that the pool cannot start; it is tried again after a while.

    Attributes:
        kompiled: The kompiled folder of the definition.
        serial: Tells it from all other servers of the pool.
        modules: Names of the modules that were added to it.
        users: Tasks that were given to it, handed over or not.
        running: Those of them that a worker has, with the process id of the worker.
        accompanied: Those that were not alone all the time; if the server dies, any of them may be the reason.
        exclusive: The task that has it for itself, if any: no other is given to it.
        retiring: Why it is to be ended as soon as nobody uses it; empty while it is not.
        served: Tasks that have ended on it.
        memory: Bytes that it and its solvers used when they were last looked at.
    """

    def __init__(self, kompiled: str, serial: int, state: State):
        self.kompiled = kompiled
        self.serial = serial
        self.state: State = state
        self.failure = ''
        self.host = ''
        self.port = 0
        self.modules: set[str] = set()
        self.users: set[int] = set()
        self.running: dict[int, int] = {}
        self.accompanied: set[int] = set()
        self.exclusive: int | None = None
        self.retiring = ''
        self.served = 0
        self.memory = 0
        self.next_check: float | None = None

    @property
    @abstractmethod
    def pid(self) -> int:
        """Its process id; 0 if it is not a child of this process."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What it is called in messages."""

    @abstractmethod
    def check(self, now: float) -> None:
        """Look at it; changes `state`. Never blocks; cheap unless `next_check` is due."""

    @abstractmethod
    def suspect(self, now: float, responsive: bool) -> None:
        """A request to it was given up; `responsive` says whether it has answered anything since."""

    def fail(self, reason: str) -> None:
        """It is of no more use."""
        self.state, self.failure, self.next_check = 'failed', reason, None

    @property
    def takes_tasks(self) -> bool:
        """Whether another task may be given to it."""
        return not self.retiring and self.exclusive is None and self.state not in ('failed', 'resting')

    def is_free_for(self, task: int) -> bool:
        """Whether the task, one of its users, may be handed over now."""
        if self.exclusive == task:
            return self.state == 'ready' and not self.running
        return self.state == 'ready' and self.exclusive not in self.running

    def rank(self, modules: Iterable[str]) -> tuple[int, ...]:
        """How well it suits a task with these modules; the greatest is the best."""
        stage = {'failed': 0, 'resting': 0, 'suspect': 1, 'starting': 2, 'ready': 3}[self.state]
        return (stage, sum(name in self.modules for name in modules))
