"""The loop of a step worker: takes a task from its driver, runs it in the session, sends the answer.

::

    driver ==socket==> reader (main thread) --queue--> executor (big stack) ==socket==> driver
                          |                               |
                          +-- canceller (while needed) ---+--> session --> server

* The reader only receives. It never waits for a step, so a cancel or the driver's end is seen at once:
  at the end of the stream the process exits on the spot, whatever the executor does.
* The executor owns the session and is the only one that sends.
* A canceller exists while a cancelled task is still running: it interrupts the session again and again,
  because an interrupt between two requests of a step would otherwise be lost. The connection is made anew
  before the next task, since an interrupted one may carry an answer that nobody waited for.

A session is any class with `connect`, `run` and `interrupt` as in `Session`. An exception of `run` becomes
an error answer; its class is the exception's `error_class` if it has one ('infrastructure': the step may be
tried again; 'backend': the server's answer is an error; 'input': the claim or its options are wrong;
'prover': an exception in pyk or in a semantics class, which is also the default). A session may also have a method
`record_requests`, which is given, once, a function to call with each line before it is sent to a server.
"""

from __future__ import annotations

import faulthandler
import gc
import importlib
import os
import queue
import signal
import sys
import threading
import time
import traceback
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from .modules import Channel, ServerUnreachable, add_modules, responds
from .transcript import Transcript
from .undrawn import leave_out_viewer
from .wire import Decoder, Message, encode, receive

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

_RECURSION_LIMIT = 10**7
_STACK_SIZES = tuple(size << 20 for size in (1024, 512, 256, 64))
_ADD_MODULE_TIMEOUT = 300.0
_PING_TIMEOUT = 1.0
_INTERRUPT_EVERY = 0.1

_SHOWN_LINES = 12
_SHOWN_CHARACTERS = 1500
_SHOWN_TRACE = 10_000
"""What is told of an error that is longer; a server may answer with all that it knows."""

_OK, _FATAL, _OUT_OF_MEMORY = 0, 3, 4

_ERROR_CLASSES = ('infrastructure', 'backend', 'input', 'prover')


class Session(Protocol):
    """What runs the steps inside a worker; one object per worker process, used by one thread."""

    def connect(self, definition: str, main_module: str, host: str, port: int) -> None:
        """Use this server for steps of this definition (a kompiled folder) from now on.

        Called before the first such step, and again when the server is another one or the connection may
        have been spoilt: an older connection for the definition is then of no more use.
        """

    def run(
        self, kind: str, header: dict[str, Any], blobs: Mapping[str, bytes]
    ) -> tuple[dict[str, Any], dict[str, bytes]]:
        """Run one task to its end; its answer."""

    def interrupt(self) -> None:
        """End the request in flight, if any; called from another thread, possibly many times."""


class Address(NamedTuple):
    """A running server: `serial` tells it from earlier ones for the same kompiled folder."""

    kompiled: str
    main_module: str
    host: str
    port: int
    serial: int


class Job:
    """A task in this worker, from its message to its answer."""

    def __init__(self, message: Message) -> None:
        body = message.body
        self.id: int = body['id']
        self.kind: str = body['kind']
        self.header: dict[str, Any] = body['header']
        self.server = Address(**body['server']) if body['server'] is not None else None
        self.modules = [(name, message.blobs[f'module/{name}']) for name in body['modules']]
        self.blobs = {
            name.removeprefix('task/'): blob for name, blob in message.blobs.items() if name.startswith('task/')
        }
        self.cancelled = threading.Event()
        self.finished = threading.Event()


class Worker:
    """One worker process. `serve` makes it and does not come back."""

    def __init__(self, sock: socket.socket, session: str) -> None:
        self._sock = sock
        self._session_name = session
        self._session: Session | None = None
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._job: Job | None = None  # owned by the reader: the latest task
        self._transcript = Transcript(os.devnull)
        self._channel: Channel | None = None  # set by the executor while modules are added
        self._connected: dict[str, int] = {}  # owned by the executor: kompiled folder -> server serial

    def read(self) -> None:
        """The main thread: act on messages until the driver is gone or says exit."""
        decoder = Decoder()
        while (messages := receive(self._sock, decoder)) is not None:
            for message in messages:
                kind = message.body['type']
                if kind == 'hello':
                    sys.path[:] = message.body['path']
                    self._transcript = Transcript(message.body['requests'])
                    start_with_big_stack(self._execute)
                elif kind == 'task':
                    self._job = Job(message)
                    self._jobs.put(self._job)
                elif kind == 'cancel':
                    self._cancel(message.body['id'])
                elif kind == 'exit':
                    return

    def _cancel(self, ident: int) -> None:
        job = self._job
        if job is None or job.id != ident or job.cancelled.is_set():
            return
        job.cancelled.set()
        threading.Thread(target=self._interrupt_until_finished, args=(job,), daemon=True).start()

    def _interrupt_until_finished(self, job: Job) -> None:
        while not job.finished.is_set():
            channel, session = self._channel, self._session
            if channel is not None:
                channel.abort()
            if session is not None:
                try:
                    session.interrupt()
                except Exception:  # there may be nothing to interrupt; the driver kills what does not end
                    traceback.print_exc()
            job.finished.wait(_INTERRUPT_EVERY)

    def _execute(self) -> None:
        gc.disable()  # what is loaded stays: to look for cycles in it meanwhile, and ever again, would only cost time
        try:
            session = self._session = load_session(self._session_name)
        except BaseException as err:
            text = f'The worker cannot load its session {self._session_name}: {type(err).__name__}: {err}'
            traceback.print_exc()
            self._send(Message({'type': 'fatal', 'message': text}))
            leave(_FATAL)
        gc.freeze()
        gc.enable()
        if hasattr(session, 'record_requests'):
            session.record_requests(self._transcript.write)
        self._send(Message({'type': 'ready'}))
        while True:
            job = self._jobs.get()
            answer, out_of_memory = self._answer(job, session)
            self._send(answer)
            if out_of_memory:
                leave(_OUT_OF_MEMORY)

    def _answer(self, job: Job, session: Session) -> tuple[Message, bool]:
        started = time.monotonic()
        added: list[str] = []
        header: dict[str, Any]
        blobs: dict[str, bytes] = {}
        out_of_memory = spoilt = False
        self._transcript.begin()
        try:
            if job.cancelled.is_set():
                raise ServerUnreachable('The task was cancelled before it began.')
            if job.server is not None:
                self._prepare_server(session, job, job.server, added)
            header, blobs = session.run(job.kind, job.header, job.blobs)
            header = check_answer(job.kind, header, blobs)
        except BaseException as err:  # a worker outlives whatever a step raises, SystemExit included
            out_of_memory = isinstance(err, MemoryError)
            blobs = {}
            header = error_answer(err)
        finally:
            job.finished.set()
            self._transcript.end()
        if 'error' in header:
            header['error'] = shortened(header['error'], str(job.header.get('claim', job.kind)))
        if job.server is not None:
            spoilt = job.cancelled.is_set() or header.get('error', {}).get('class') == 'infrastructure'
            if spoilt:
                self._connected.pop(job.server.kompiled, None)
        header['requests'] = header.get('requests', 0) + len(added)
        header.setdefault('seconds', time.monotonic() - started)
        header.setdefault('rewrites', 0)
        body: dict[str, Any] = {
            'type': 'answer',
            'id': job.id,
            'header': header,
            'added': added,
            'leaving': out_of_memory,
        }
        if job.server is not None and spoilt:
            body['responsive'] = responds(job.server.host, job.server.port, timeout=_PING_TIMEOUT)
        return Message(body, blobs), out_of_memory

    def _prepare_server(self, session: Session, job: Job, server: Address, added: list[str]) -> None:
        if self._connected.get(server.kompiled) != server.serial:
            session.connect(server.kompiled, server.main_module, server.host, server.port)
            self._connected[server.kompiled] = server.serial
        if job.modules:
            with Channel(
                server.host, server.port, timeout=_ADD_MODULE_TIMEOUT, record=self._transcript.write
            ) as channel:
                self._channel = channel
                try:
                    texts = ((name, zlib.decompress(text).decode()) for name, text in job.modules)
                    add_modules(channel, texts, added)
                finally:
                    self._channel = None

    def _send(self, message: Message) -> None:
        try:
            data = encode(message)
        except (TypeError, ValueError) as err:
            # Only an answer carries foreign values.
            header = error_answer(err) | {'requests': 0, 'seconds': 0.0, 'rewrites': 0}
            data = encode(Message({**message.body, 'header': header}))
        try:
            self._sock.sendall(data)
        except OSError:
            leave(_OK)  # the driver is gone


def serve(sock: socket.socket, session: str) -> None:
    """Serve the driver at the other end of `sock` with the session class `module:Class`; never returns.

    The process ends when the driver closes its end, however it does that.
    """
    faulthandler.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # stopping is the driver's decision, also from a terminal
    sys.setrecursionlimit(_RECURSION_LIMIT)
    leave_out_viewer()
    try:
        Worker(sock, session).read()
    except BaseException:
        traceback.print_exc()
        leave(_FATAL)
    leave(_OK)


def leave(code: int) -> None:
    """End the process now: no other thread is waited for, nothing but the log is flushed."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass
    os._exit(code)


def start_with_big_stack(target: Callable[[], None]) -> None:
    """Start a daemon thread on the biggest stack that the machine grants.

    Deep terms recurse in C (JSON, pickle, comparison), where the recursion limit is no help but the size of
    the stack is. The stack is address space, not memory, until it is used.
    """
    before = threading.stack_size()
    for size in _STACK_SIZES:
        threading.stack_size(size)
        try:
            threading.Thread(target=target, name='executor', daemon=True).start()
            return
        except (RuntimeError, MemoryError):
            continue
        finally:
            threading.stack_size(before)
    threading.Thread(target=target, name='executor', daemon=True).start()


def load_session(name: str) -> Session:
    """An object of the class `module:Class`.

    Raises:
        ValueError: the name is not of this form.
        ImportError, AttributeError: there is no such module or class, or whatever its import raises.
    """
    module, separator, attribute = name.partition(':')
    if not (module and separator and attribute):
        raise ValueError(f'Expected MODULE:CLASS for the session, found {name!r}.')
    return cast('Session', getattr(importlib.import_module(module), attribute)())


def check_answer(kind: str, header: object, blobs: object) -> dict[str, Any]:
    """The header of an answer, copied.

    Raises:
        TypeError: the answer is not what the driver relies on, so the session is at fault.
    """
    what = f"Expected of the session's answer to {kind}"
    if not isinstance(header, dict):
        raise TypeError(f'{what} a dict as its header, found {type(header).__name__}.')
    if not isinstance(blobs, dict) or not all(isinstance(blob, bytes) for blob in blobs.values()):
        raise TypeError(f'{what} bytes by name as its blobs.')
    if not isinstance(header.get('requests', 0), int):
        raise TypeError(f'{what} a number of requests, found {header["requests"]!r}.')
    error = header.get('error')
    if error is not None and not (
        isinstance(error, dict) and error.get('class') in _ERROR_CLASSES and 'message' in error
    ):
        raise TypeError(f'{what} an error with a message and one of the classes {_ERROR_CLASSES}, found {error!r}.')
    return dict(header)


def shortened(error: dict[str, Any], claim: str) -> dict[str, Any]:
    """An error as it is shown: of a long one, as a server's dump of its terms, the beginning; the log has all of it.

    Lone surrogates, which no report could write, are written out.
    """
    message = str(error['message']).encode('utf-8', 'backslashreplace').decode()
    lines = message.splitlines(keepends=True)
    short = ''.join(lines[:_SHOWN_LINES])[:_SHOWN_CHARACTERS].rstrip()
    if len(short) == len(message.rstrip()):
        return {**error, 'message': message}
    print(f'{claim}: {error.get("type", "")}: {message}', file=sys.stderr, flush=True)
    rest = f' ... ({len(message)} characters; all of it is in {_log()})'
    trace = str(error.get('traceback', '')).encode('utf-8', 'backslashreplace').decode()
    return {**error, 'message': short + rest, 'traceback': trace[:_SHOWN_TRACE]}


def _log() -> str:
    """Where the standard error output of this process goes."""
    try:
        path = os.readlink('/proc/self/fd/2')  # noqa: PTH115 - it may be no file
    except OSError:
        path = ''
    return path if path.startswith('/') else 'the log of its worker'


def error_answer(err: BaseException) -> dict[str, Any]:
    """The header of an answer that says what a task raised."""
    kind = getattr(err, 'error_class', None)
    if kind not in _ERROR_CLASSES:
        kind = 'infrastructure' if isinstance(err, MemoryError) else 'prover'
    requests = getattr(err, 'requests', 0)
    return {
        'error': {
            'class': kind,
            'type': type(err).__name__,
            'message': str(err),
            'traceback': ''.join(traceback.format_exception(type(err), err, err.__traceback__, limit=-40)),
        },
        'requests': requests if isinstance(requests, int) else 0,
    }
