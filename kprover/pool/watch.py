"""Waiting: the one place where the driver's thread sleeps while the pool works.

A `Watch` owns the selector over all worker sockets, the ends of all child processes (where the kernel
announces them) and the wakeup channel. It moves bytes in and out of workers, and says which slots have
something to look at.
"""

from __future__ import annotations

import selectors
import socket
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .process import Child
    from .worker import WorkerProcess

LOOK_AGAIN = 0.25
"""Seconds between looks at processes whose end the kernel does not announce (no pidfd)."""


class _Source(NamedTuple):
    slot: int
    worker: WorkerProcess | None


class Watch:
    """See the module. Used by one thread, but for `wakeup`."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._blind: set[int] = set()  # pids of children whose end nobody announces
        self._wakeup_read, self._wakeup_write = socket.socketpair()
        for end in (self._wakeup_read, self._wakeup_write):
            end.setblocking(False)
        self._selector.register(self._wakeup_read, selectors.EVENT_READ, None)
        self.woken = False
        """Whether `wakeup` was called since this was last set to False."""

    @property
    def wakeup_fd(self) -> int:
        """A byte written to this file descriptor is a wakeup."""
        return self._wakeup_write.fileno()

    @property
    def patience(self) -> float:
        """Seconds after which all slots must be looked at though nothing was heard."""
        return LOOK_AGAIN if self._blind else float('inf')

    def attach(self, worker: WorkerProcess, slot: int) -> None:
        """Listen to a worker of a slot."""
        self._selector.register(worker, selectors.EVENT_READ, _Source(slot, worker))

    def detach(self, worker: WorkerProcess) -> None:
        """Listen to it no more; its socket must still be open. Harmless when it is not listened to."""
        if worker.fileno() in self._selector.get_map():
            self._selector.unregister(worker)

    def update(self, worker: WorkerProcess, slot: int) -> None:
        """After bytes were given to a worker: wait for its socket to take the rest, if there is a rest."""
        if worker.ended is not None:
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if worker.writing else 0)
        if self._selector.get_key(worker).events != wanted:
            self._selector.modify(worker, wanted, _Source(slot, worker))

    def add(self, child: Child, slot: int) -> None:
        """Notice the end of a child process of a slot."""
        if child.exit_fd is None:
            self._blind.add(child.pid)
        else:
            self._selector.register(child.exit_fd, selectors.EVENT_READ, _Source(slot, None))

    def remove(self, child: Child) -> None:
        """The end of the child has been noticed."""
        self._blind.discard(child.pid)
        if child.exit_fd is not None:
            self._selector.unregister(child.exit_fd)

    def wait(self, timeout: float) -> set[int]:
        """Wait up to `timeout` seconds for anything; the slots that have something to look at."""
        touched = set()
        for key, mask in self._selector.select(max(timeout, 0)):
            source: _Source | None = key.data
            if source is None:
                self._drain_wakeups()
                continue
            touched.add(source.slot)
            if source.worker is not None:
                self._move(source.worker, mask)
        return touched

    def wakeup(self) -> None:
        """End a `wait`, or the next one; from any thread or signal handler."""
        try:
            self._wakeup_write.send(b'w')
        except OSError:
            pass  # full: there is a wakeup already; closed: nobody waits

    def close(self) -> None:
        """Release all file descriptors that are the watch's own."""
        self._wakeup_read.close()
        self._wakeup_write.close()
        self._selector.close()

    def _move(self, worker: WorkerProcess, mask: int) -> None:
        if mask & selectors.EVENT_READ:
            worker.readable()
        if worker.ended is not None:
            self._selector.unregister(worker)  # it would be readable for ever
        elif mask & selectors.EVENT_WRITE:
            worker.writable()

    def _drain_wakeups(self) -> None:
        self.woken = True
        try:
            while self._wakeup_read.recv(4096):
                pass
        except BlockingIOError:
            pass
