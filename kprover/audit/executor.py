"""Jobs over a pool: each asks workers one thing after another, and many run side by side.

A job is a generator that yields an `Ask` and is sent its `Answer`; what it returns is its result. A question whose
worker, server or connection fails is asked again; after so many attempts, or when the answer is an error, `NoAnswer`
is raised where the job asked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from ..pool import Done, Lost, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from ..pool import Pool

R = TypeVar('R')

POLL_SECONDS = 1.0


class NoAnswer(Exception):
    """A question had no answer but an error; the message says which."""


@dataclass(frozen=True)
class Ask:
    """A task for a worker; see `pool.Task`.

    Attributes:
        modules: The modules that it needs on its server, by name with their packed text.
        timeout: Seconds that it may take.
    """

    kind: str
    header: dict[str, Any]
    blobs: Mapping[str, bytes] = field(default_factory=dict)
    modules: Mapping[str, bytes] = field(default_factory=dict)
    needs_server: bool = True
    timeout: float | None = None


@dataclass(frozen=True)
class Answer:
    """Header and blobs of an answer that is no error."""

    header: dict[str, Any]
    blobs: Mapping[str, bytes]


Job: TypeAlias = Generator[Ask, Answer, R]


@dataclass
class _Running(Generic[R]):
    job: Job[R]
    ask: Ask
    failures: int = 0


class Executor:
    """Runs jobs on a pool of its own; for one thread."""

    def __init__(self, pool: Pool, attempts: int):
        self._pool = pool
        self._attempts = attempts
        self._task = 0

    def run(self, jobs: Iterable[Job[R]], finished: Callable[[R], None]) -> None:
        """Run all jobs to their ends; `finished` is called with each result as it comes."""
        ready: deque[_Running[R]] = deque()
        in_flight: dict[int, _Running[R]] = {}

        def advance(running: _Running[R], step: Callable[[], Ask]) -> None:
            try:
                running.ask, running.failures = step(), 0
            except StopIteration as end:
                finished(end.value)
                return
            ready.appendleft(running)

        waiting = iter(jobs)
        while True:
            while self._pool.idle and (running := self._next(ready, waiting, finished)) is not None:
                header = running.ask.header
                if in_flight and not self._pool.can_serve(header.get('service') or header['kompiled']):
                    ready.appendleft(running)
                    break
                in_flight[self._submit(running.ask)] = running
            if not in_flight:
                return
            for event in self._pool.poll(POLL_SECONDS):
                if not isinstance(event, (Done, Lost)):
                    continue
                running = in_flight.pop(event.task_id)
                error, again = _error(event)
                running.failures += again
                if not error and isinstance(event, Done):
                    answer = Answer(event.header, event.blobs)
                    advance(running, partial(running.job.send, answer))
                elif again and running.failures < self._attempts:
                    ready.append(running)
                else:
                    advance(running, partial(running.job.throw, NoAnswer(error)))

    def _next(
        self, ready: deque[_Running[R]], waiting: Iterable[Job[R]], finished: Callable[[R], None]
    ) -> _Running[R] | None:
        if ready:
            return ready.popleft()
        for job in waiting:
            try:
                return _Running(job, next(job))
            except StopIteration as end:
                finished(end.value)
        return None

    def _submit(self, ask: Ask) -> int:
        self._task += 1
        self._pool.submit(
            Task(id=self._task, kind=ask.kind, header=ask.header, blobs=ask.blobs),
            modules=tuple(ask.modules),
            module_text=ask.modules.__getitem__,
            needs_server=ask.needs_server,
            timeout=ask.timeout,
        )
        return self._task


def _error(event: Done | Lost) -> tuple[str, bool]:
    """What went wrong, empty if nothing, and whether it may be chance."""
    if isinstance(event, Lost):
        return f'{event.cause}: {event.message}', True
    error = event.header.get('error')
    if error is None:
        return '', False
    return f'{error["type"]}: {error["message"]}', error['class'] == 'infrastructure'
