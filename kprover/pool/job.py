"""A task on its way through a slot, and the answer that is given when it cannot even be sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..worker.wire import Message
    from .messages import Cause, Task
    from .service import Service


@dataclass
class Job:
    """The task of a slot. Times are of `time.monotonic`; None means not yet, or never. `alone` asks for a server that
    runs nothing else meanwhile; `shared` says that it was not alone on the server that died under it."""

    task: Task
    modules: tuple[str, ...]
    module_text: Callable[[str], bytes]
    needs_server: bool
    timeout: float | None
    alone: bool = False
    server: Service | None = None
    shared: bool = False
    sent_at: float | None = None
    deadline: float | None = None
    doom: Cause | None = None
    doom_message: str = ''
    kill_at: float | None = None
    held: Message | None = None
    held_until: float = 0.0

    @property
    def service(self) -> str:
        """The servers that it can run on: those of its definition, unless the task names others."""
        return str(self.task.header.get('service') or self.task.header['kompiled'])

    @property
    def kompiled(self) -> str:
        """The kompiled folder of its definition."""
        return str(self.task.header['kompiled'])


def unsendable(job: Job, err: Exception) -> dict[str, Any]:
    """The header of an error answer for a task that cannot be put into a message."""
    return {
        'error': {
            'class': 'input',
            'type': type(err).__name__,
            'message': f'The task {job.task.kind} {job.task.id} cannot be sent to a worker: {err}',
            'traceback': '',
        },
        'requests': 0,
        'seconds': 0.0,
        'rewrites': 0,
    }
