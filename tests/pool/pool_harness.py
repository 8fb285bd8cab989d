"""A driver for the pool's tests: submits probe tasks, waits for their events, looks at real processes."""

from __future__ import annotations

import sys
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from probe_session import ProbeSession

from kprover.pool import Done, Event, Lost, Pool, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

HERE = Path(__file__).parent


@dataclass(frozen=True)
class ToyBackend:
    """Starts `toy_server.py` in a mode."""

    mode: str = 'serve'
    name: str = 'toy'

    def args(self, kompiled: Path, main_module: str, port: int) -> Sequence[str]:
        server = str(HERE / 'toy_server.py')
        return (
            sys.executable,
            '-S',
            server,
            self.mode,
            str(kompiled),
            '--module',
            main_module,
            '--server-port',
            str(port),
        )


class Driver:
    """A pool with its events, kept in order."""

    def __init__(self, run_dir: Path, mode: str = 'serve', **options: Any) -> None:
        settings: dict[str, Any] = {
            'workers': 1,
            'backend': ToyBackend(mode),
            'run_dir': run_dir,
            'start_timeout': 30,
            'grace': 1,
            'session': f'{ProbeSession.__module__}:{ProbeSession.__qualname__}',
        }
        self.pool = Pool(**{**settings, **options})
        self.texts: dict[str, str] = {}
        self.events: list[Event] = []
        self._next = 0

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.close(1)

    def submit(
        self,
        do: str,
        blobs: dict[str, bytes] | None = None,
        *,
        server: bool = False,
        modules: Sequence[str] = (),
        timeout: float | None = None,
        alone: bool = False,
        kompiled: str = '/definitions/toy',
        **header: Any,
    ) -> int:
        self._next += 1
        full = {'kompiled': kompiled, 'main_module': 'TOY', 'do': do, **header}
        self.pool.submit(
            Task(self._next, 'probe', full, blobs or {}),
            modules=modules,
            module_text=lambda name: zlib.compress(self.texts[name].encode(), 1),
            needs_server=server,
            timeout=timeout,
            alone=alone,
        )
        return self._next

    def request(self, method: str, params: dict[str, Any] | None = None, **options: Any) -> int:
        return self.submit('request', server=True, method=method, params=params or {}, **options)

    def until(self, happened: Callable[[Event], bool], seconds: float = 20) -> Event:
        """The first event so far, or to come, for which `happened` holds."""
        seen = 0
        end = time.monotonic() + seconds
        while True:
            for event in self.events[seen:]:
                if happened(event):
                    return event
            seen = len(self.events)
            left = end - time.monotonic()
            assert left > 0, f'not within {seconds} s; the events were {self.events}'
            self.events += self.pool.poll(left)

    def outcome(self, task: int, seconds: float = 20) -> Done | Lost:
        event = self.until(lambda event: getattr(event, 'task_id', None) == task, seconds)
        assert isinstance(event, Done | Lost)
        return event

    def done(self, task: int, seconds: float = 20) -> Done:
        event = self.outcome(task, seconds)
        assert isinstance(event, Done), event
        return event

    def lost(self, task: int, seconds: float = 20) -> Lost:
        event = self.outcome(task, seconds)
        assert isinstance(event, Lost), event
        return event

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def pid(self, kind: str) -> int:
        (info,) = [info for info in self.pool.processes() if info.kind == kind]
        return info.pid


def living(pids: Iterable[int]) -> set[int]:
    """Those of the processes that run; a zombie does not."""
    found = set()
    for pid in pids:
        try:
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.add(pid)
        except psutil.NoSuchProcess:
            pass
    return found


def gone_within(pids: Iterable[int], seconds: float) -> bool:
    """Whether all of the processes end in this time; the ends of other processes' children are no events."""
    pids = list(pids)
    end = time.monotonic() + seconds
    while living(pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
