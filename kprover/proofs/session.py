"""The session of a worker process: it runs tasks with pyk and answers with plain values.

::

    driver -> worker loop -> Session.run(kind, header, blobs) -> pyk -> server
                  |                                                        ^
                  +-- another thread: Session.interrupt() -----------------+

The thread that calls `run` and `connect` owns everything here; `interrupt` touches only the running flag, under a
lock, and the connection in use, which is made for it.
"""

from __future__ import annotations

import threading
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyk.cterm.symbolic import CTermSMTError
from pyk.kore.rpc import KoreClientError, client_label

from .client import ProverClient
from .codec import TermCache
from .diagnose import diagnose
from .errors import BackendError, InfrastructureError, InputError, StepError
from .foreign import KIND, ForeignProofs
from .instances import GroundDefinitions, check_instances
from .prepare import prepare
from .refute import refutation_step
from .sources import Sources
from .steps import equality_step, reachability_step
from .symbolic import explorer, use_universals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Final

    from pyk.kcfg.explore import KCFGExplore

    from .sources import Definition

_TRACEBACK_ENTRIES: Final = -40


@dataclass
class _Server:
    """Where the server of a definition is, and the connection to it while there is a good one."""

    host: str
    port: int
    client: ProverClient | None = None


class Session:
    """Runs the tasks of one worker process, one at a time."""

    def __init__(self) -> None:
        self._sources = Sources()
        self._terms = TermCache()
        self._foreign = ForeignProofs()
        self._ground = GroundDefinitions()
        self._servers: dict[str, _Server] = {}
        self._explorers: dict[tuple[str, str | None, str | None], tuple[ProverClient, Definition, KCFGExplore]] = {}
        self._lock = threading.Lock()  # guards the three below
        self._running = False
        self._interrupted = False
        self._current: ProverClient | None = None
        self._record: Callable[[bytes], None] | None = None
        self._sent_before = 0  # requests of the current client before this task

    def connect(self, definition: str, main_module: str, host: str, port: int) -> None:
        """Use the server at this address for the steps of a definition, given as its kompiled folder.

        An earlier connection for the definition is closed. Raises `ConnectionLost`.
        """
        known = self._servers.pop(definition, None)
        if known is not None and known.client is not None:
            known.client.close()
        self._servers[definition] = _Server(host, port, ProverClient(host, port, self._record))

    def record_requests(self, record: Callable[[bytes], None]) -> None:
        """Give each request line to `record` before it is sent, on all connections made from now on."""
        self._record = record

    def run(
        self, kind: str, header: dict[str, Any], blobs: Mapping[str, bytes]
    ) -> tuple[dict[str, Any], dict[str, bytes]]:
        """Run a task: `prepare`, `step`, `advance`, `diagnose` or `instances`, see the functions of these names.

        Returns:
            The answer; its header always has `requests`, `seconds` and `rewrites`. A task that could not be done is
            answered with `error` (`class`, `type`, `message`, `traceback`) and without blobs.

        Raises:
            MemoryError: the process should be replaced.
        """
        started = time.monotonic()
        with self._lock:
            self._running, self._interrupted, self._current = True, False, None
        client_label.set(str(header.get('claim', kind)))
        answer: dict[str, Any]
        answer_blobs: dict[str, bytes]
        try:
            answer, answer_blobs = self._run(kind, header, blobs)
        except MemoryError:
            raise
        except Exception as err:  # an error is an answer: whatever a task raises must not end the worker
            answer, answer_blobs = {'error': error_entry(err)}, {}
        finally:
            with self._lock:
                client, self._current, self._running = self._current, None, False
        answer['requests'] = client.connection.requests - self._sent_before if client is not None else 0
        answer['seconds'] = round(time.monotonic() - started, 6)
        answer.setdefault('rewrites', 0)
        return answer, answer_blobs

    def close(self) -> None:
        """Close all connections."""
        for server in self._servers.values():
            if server.client is not None:
                server.client.close()
        self._servers.clear()
        self._explorers.clear()

    def interrupt(self) -> None:
        """End the task in progress, if any, as soon as possible; called from another thread, possibly many times."""
        with self._lock:
            if not self._running:
                return
            self._interrupted = True
            client = self._current
        if client is not None:
            client.interrupt()

    def _run(
        self, kind: str, header: dict[str, Any], blobs: Mapping[str, bytes]
    ) -> tuple[dict[str, Any], dict[str, bytes]]:
        if kind == 'prepare':
            return prepare(header, sources=self._sources, terms=self._terms, foreign=self._foreign)
        if kind == 'advance':
            return self._foreign.advance(header)
        if kind == 'step' and header['mode'] == 'equality':
            return equality_step(header, blobs, explore=self._explorer(header))
        if kind == 'step' and header['mode'] == KIND:
            return self._foreign.step(header, blobs, self._explorer(header))
        if kind == 'step' and header['mode'] == 'reachability':
            return reachability_step(header, blobs, explore=self._explorer(header), terms=self._terms)
        if kind == 'step' and header['mode'] == 'refutation':
            return refutation_step(header, blobs, explore=self._explorer(header), terms=self._terms)
        if kind == 'diagnose':
            return diagnose(header, blobs, explore=self._explorer(header), terms=self._terms)
        if kind == 'instances':
            explore = self._explorer(header)
            client = self._servers[str(header.get('service') or header['kompiled'])].client
            assert client is not None, 'the explorer has just taken it'
            return check_instances(
                header,
                blobs,
                explore=explore,
                client=client,
                definition=self._sources.definition(header['kompiled']),
                ground=self._ground,
                terms=self._terms,
            )
        raise InputError(
            f'Expected a task prepare, step, advance, diagnose or instances, found {kind!r} ({header.get("mode")!r}).'
        )

    def _explorer(self, header: Mapping[str, Any]) -> KCFGExplore:
        service = str(header.get('service') or header['kompiled'])
        client = self._take_client(service)
        key = (service, header.get('semantics'), header.get('lemma_module'))
        known = self._explorers.get(key)
        definition = self._sources.definition(header['kompiled'])
        if known is None or known[0] is not client or known[1] is not definition:
            semantics = self._sources.semantics(header)
            explore = explorer(client, definition, semantics, header.get('lemma_module'))
            known = (client, definition, explore)
            self._explorers[key] = known
        use_universals(known[2], header)
        return known[2]

    def _take_client(self, definition: str) -> ProverClient:
        """The client for a definition, made anew if the last one was interrupted or lost."""
        server = self._servers.get(definition)
        if server is None:
            raise InfrastructureError(f'{definition}: expected a server for this definition, found none connected.')
        if server.client is not None and not server.client.connection.usable:
            server.client.close()
            server.client = None
        if server.client is None:
            server.client = ProverClient(server.host, server.port, self._record)
        self._sent_before = server.client.connection.requests
        with self._lock:
            self._current = server.client
            interrupted = self._interrupted
        if interrupted:  # it came before there was a connection to interrupt
            server.client.interrupt()
        return server.client


def error_entry(err: BaseException) -> dict[str, Any]:
    """An exception as the driver sees it."""
    return {
        'class': error_class(err),
        'type': type(err).__name__,
        'message': str(err),
        'traceback': ''.join(traceback.format_exception(type(err), err, err.__traceback__, limit=_TRACEBACK_ENTRIES)),
    }


def error_class(err: BaseException) -> str:
    """Which of the four classes an exception belongs to; see `errors`."""
    if isinstance(err, StepError):
        return err.error_class
    if isinstance(err, (KoreClientError, CTermSMTError)):
        return BackendError.error_class
    if isinstance(err, MemoryError):
        return InfrastructureError.error_class
    return StepError.error_class
