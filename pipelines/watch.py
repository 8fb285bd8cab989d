"""A run in Luigi's scheduler and visualiser: progress of the engine's task, and of the task of every claim.

    engine's thread ── latest words about each task ──> teller thread ── RPC ──> luigid

Every word is a request of some milliseconds, or of many seconds when `luigid` does not answer, so a thread tells them:
of several words about one task only the last. A claim's task is running, for the scheduler, while the engine works on
it, and pending again when the engine ends: then Luigi's worker runs it, to read its verdict. Luigi's scheduler in this
process shows nothing to anybody, so it is told nothing.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from luigi.rpc import RemoteScheduler, RPCError
from luigi.task_status import FAILED, PENDING, RUNNING

from kprover.engine import Phase, SilentObserver
from kprover.report import headline, run_line
from kprover.report.folder import PAGE
from kprover.report.text import claim_line, first_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import Any

    import luigi

    from kprover.engine import ClaimProgress, RunSummary

REPORT_SECONDS = 1.0
"""Shortest time between two words about one task."""

LAST_WORDS_SECONDS = 10.0
"""So long the end of a run waits for the scheduler to hear the last of it."""


class LuigiObserver(SilentObserver):
    """Tells the scheduler how far a run and its claims are. To be closed when the run has ended, however it did."""

    def __init__(
        self,
        task: luigi.Task,
        claims: Mapping[str, luigi.Task] | None = None,
        page: Callable[[str], str] = lambda _: '',
        clock: Callable[[], float] = time.monotonic,
    ):
        """
        Args:
            task: The engine's task, while Luigi runs it.
            claims: The task of each claim, by the claim's name; those that the scheduler does not have are left out.
            page: The address of what there is to read about a claim, or about the run for an empty name; empty for
                none.
        """
        self._task = task
        self._claims = claims or {}
        self._page = page
        self._clock = clock
        self._told: dict[str, float] = {}
        self._teller = _Teller(task)

    def started(self, summary: RunSummary) -> None:
        self._teller.start(task.task_id for task in self._claims.values())
        url = self._page('')
        if url:
            self._teller.tell(self._task.task_id, url=url)
        self._tell_run(summary)

    def claim(self, progress: ClaimProgress) -> None:
        task = self._claims.get(progress.claim)
        if task is None or progress.phase in (Phase.WAITING, Phase.READY) or not self._due(progress):
            return
        settled = progress.phase is Phase.SETTLED
        self._teller.tell(
            task.task_id,
            percentage=100 if settled else claim_percentage(progress),
            message=claim_message(progress),
            url=self._page(progress.claim),
            running=True,
        )

    def tick(self, summary: RunSummary) -> None:
        if self._clock() - self._told.get('', float('-inf')) >= REPORT_SECONDS:
            self._tell_run(summary)

    def finished(self, summary: RunSummary) -> None:
        self._tell_run(summary)

    def close(self) -> None:
        """Hand the claims' tasks back to Luigi. May be called twice."""
        self._teller.close()

    def _due(self, progress: ClaimProgress) -> bool:
        now = self._clock()
        if progress.phase is not Phase.SETTLED and now - self._told.get(progress.claim, float('-inf')) < REPORT_SECONDS:
            return False
        self._told[progress.claim] = now
        return True

    def _tell_run(self, summary: RunSummary) -> None:
        self._told[''] = self._clock()
        settled = sum(claim.phase is Phase.SETTLED for claim in summary.claims)
        self._teller.tell(
            self._task.task_id,
            percentage=round(100 * settled / max(len(summary.claims), 1)),
            message=f'{headline(summary.claims)}\n{run_line(summary)}',
        )


@contextmanager
def failures_told(task: luigi.Task) -> Iterator[None]:
    """Tell a `luigid` that the task has failed if it ends the command: else it would be running there for a minute
    more, and the next command would be told that another worker has it."""
    try:
        yield
    except BaseException as err:
        reporter: Any = getattr(task.set_status_message, '__self__', None)
        if isinstance(getattr(reporter, '_scheduler', None), RemoteScheduler):
            words = {'task_id': task.task_id, 'worker': reporter._worker_id, 'status': FAILED, 'expl': str(err)}
            teller = threading.Thread(target=_tell_once, args=(reporter._scheduler, words), daemon=True)
            teller.start()
            teller.join(LAST_WORDS_SECONDS)
        raise


def _tell_once(scheduler: Any, words: Mapping[str, Any]) -> None:
    with suppress(RPCError):
        scheduler.add_task(**words)


def address_of(folder: Path, url: str) -> Callable[[str], str]:
    """Where the page of a run in a report folder says something about a claim, or about the run for an empty name.

    Args:
        url: Address under which the folder is served; empty for links to the file.
    """
    page = f'{url.rstrip("/")}/{PAGE}' if url else (folder / PAGE).as_uri()
    return lambda claim: f'{page}#proof/{quote(claim, safe="/")}' if claim else page


def claim_percentage(progress: ClaimProgress) -> int:
    """How far a running claim is: by the work expected to be left where earlier runs tell, else by its nodes."""
    if progress.left is not None and progress.seconds + progress.left > 0:
        done = progress.seconds / (progress.seconds + progress.left)
    else:
        done = 1.0 - progress.pending / max(progress.nodes, 1)
    return max(0, min(round(100 * done), 99))


def claim_message(progress: ClaimProgress) -> str:
    """What the visualiser says of a claim: one line, then where its proof is, then why it fails."""
    lines = [claim_line(progress)]
    if progress.phase is not Phase.SETTLED:
        lines.append(f'{progress.nodes} nodes, {progress.pending} pending, {progress.failing} failing')
    lines += [f'node {failure.node}: {first_line(failure.explanation)}' for failure in progress.failures[:3]]
    return '\n'.join(lines)


class _Teller:
    """Tells the scheduler the last word about each task, in a thread of its own. Owns which tasks it said to run."""

    def __init__(self, task: luigi.Task):
        self._task = task
        # Luigi sets this on a task while it runs it, bound to the reporter that knows scheduler and worker.
        self._reporter: Any = getattr(task.set_status_message, '__self__', None)
        self._words: dict[str, dict[str, Any]] = {}
        self._known: set[str] = set()
        self._marked: set[str] = set()
        self._links: dict[str, str] = {}
        self._changed = threading.Condition()
        self._closing = self._abandoned = False
        self._thread: threading.Thread | None = None

    def start(self, tasks: Iterable[str]) -> None:
        """Begin, and learn which of the tasks the scheduler has and will run."""
        if self._thread is not None or not isinstance(getattr(self._reporter, '_scheduler', None), RemoteScheduler):
            return
        self._thread = threading.Thread(target=self._run, args=(frozenset(tasks),), name='luigi-teller', daemon=True)
        self._thread.start()

    def tell(self, task_id: str, **words: Any) -> None:
        with self._changed:
            self._words[task_id] = {**self._words.get(task_id, {}), **words}
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(LAST_WORDS_SECONDS)
            # From here on Luigi's worker has its say. It is also given what was not handed back in time.
            self._abandoned = True
            self._thread = None

    def _run(self, tasks: frozenset[str]) -> None:
        try:
            self._known = set(tasks) & set(self._reporter._scheduler.task_list(status=PENDING, limit=False))
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._words or self._closing)
                    words, self._words = self._words, {}
                    closing = self._closing
                for task_id, said in words.items():
                    if self._abandoned:
                        return
                    self._say(task_id, **said)
                if closing:
                    break
            for task_id in self._marked:
                if self._abandoned:
                    return
                # Only with new dependencies may a running task be pending again; this one it has already.
                self._add(task_id, status=PENDING, new_deps=[self._task.task_id])
        except RPCError:  # luigid is gone: Luigi will say so, and it is no reason to end a proof
            return

    def _say(
        self, task_id: str, *, percentage: int | None = None, message: str = '', url: str = '', running: bool = False
    ) -> None:
        scheduler = self._reporter._scheduler
        own = task_id == self._task.task_id
        if not own and task_id not in self._known:
            return
        if running and task_id not in self._marked and multiprocessing.parent_process() is None:
            # In a forked task Luigi's worker goes on asking for work, and would be given what is said to run.
            self._add(task_id, status=RUNNING)
            self._marked.add(task_id)
        if url and url != self._links.get(task_id) and (own or task_id in self._marked):
            self._add(task_id, status=RUNNING, tracking_url=url)
            self._links[task_id] = url
        if percentage is not None:
            scheduler.set_task_progress_percentage(task_id, percentage)
        if message:
            scheduler.set_task_status_message(task_id, message)

    def _add(self, task_id: str, **fields: Any) -> None:
        self._reporter._scheduler.add_task(task_id=task_id, worker=self._reporter._worker_id, **fields)
