"""JSON-RPC 2.0: from received values to answers, one connection at a time.

    reader thread                              handler thread
    ─────────────                              ──────────────
    bytes ─ Framer ─ value ─ Session.receive ─▶ queue ─▶ Session.next ─ Dispatcher ─▶ answer ─▶ socket
                              │ cancel
                              └────────▶ Budget.cancel of every request not yet answered

A `Session` is the state of one connection that both of its threads touch: the queue (thread-safe by itself) and the
list of open requests (guarded by the session's lock). A cancel has no answer of its own; the requests before it
answer with an error. Batches are answered as batches, and cannot be cancelled into: a `cancel` inside of a batch is
an error.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, final

from .budget import Budget
from .errors import (
    InvalidParams,
    InvalidRequest,
    JsonParseError,
    MethodNotFound,
    RequestCancelled,
    RuntimeFailure,
    ServerError,
)
from .framing import Garbage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .framing import Message

    Handler = Callable[[Mapping[str, Any], Budget], Any]

__all__ = ['Answer', 'Dispatcher', 'Pending', 'Session']

_CANCEL_IN_BATCH: Final = ServerError(-32001, 'Cancel request unsupported in batch mode', None)


@final
@dataclass(frozen=True)
class Answer:
    """What goes back for one message; `body` is None if nothing does (a notification)."""

    body: Any


@final
@dataclass
class Pending:
    """A message that waits for its answer. `budget` ends it from outside."""

    item: Message | Garbage
    budget: Budget = field(default_factory=Budget)


@final
class Session:
    """The open messages of one connection, in the order of arrival. `receive` and `close` belong to the
    reader, `next` and `answered` to the handler."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Pending | None] = SimpleQueue()
        self._lock = Lock()
        self._open: list[Pending] = []

    def receive(self, item: Message | Garbage) -> None:
        """Take in one message; a cancel takes effect at once."""
        if not isinstance(item, Garbage) and _is_cancel(item.value):
            self.cancel()
            return
        pending = Pending(item)
        with self._lock:
            self._open.append(pending)
        self._queue.put(pending)

    def cancel(self) -> None:
        """Cancel every message that is not answered yet."""
        with self._lock:
            pending = list(self._open)
        for one in pending:
            one.budget.cancel()

    def close(self) -> None:
        """The client has gone: cancel what is open, and let `next` return None after it."""
        self.cancel()
        self._queue.put(None)

    def finish(self) -> None:
        """Nothing more will be received: let `next` return None after what is open, which is still answered."""
        self._queue.put(None)

    @property
    def open_count(self) -> int:
        """How many messages wait for their answer."""
        return len(self._open)

    def next(self) -> Pending | None:
        """Wait for the next message; None when there will be none."""
        return self._queue.get()

    def answered(self, pending: Pending) -> None:
        """Forget `pending`."""
        with self._lock:
            self._open.remove(pending)


def _is_cancel(value: Any) -> bool:
    return isinstance(value, dict) and value.get('method') == 'cancel'


@final
class Dispatcher:
    """Answers messages with the given methods. Stateless: one for all connections, if the methods allow it."""

    def __init__(self, methods: Mapping[str, Handler], on_failure: Callable[[str, BaseException], None]) -> None:
        self._methods = methods
        self._on_failure = on_failure

    def answer(self, pending: Pending) -> Answer:
        """Compute the answer of one message. Raises nothing but what ends the process."""
        item = pending.item
        if isinstance(item, Garbage):
            return Answer(_error(None, JsonParseError(item.reason)))
        value = item.value
        if not isinstance(value, list):
            return Answer(self._answer_one(value, pending.budget, in_batch=False))
        if not value:
            return Answer(_error(None, InvalidRequest('expected at least one request in a batch, found none')))
        answers = [self._answer_one(one, pending.budget, in_batch=True) for one in value]
        answers = [one for one in answers if one is not None]
        return Answer(answers or None)

    def _answer_one(self, request: Any, budget: Budget, *, in_batch: bool) -> dict[str, Any] | None:
        if not isinstance(request, dict):
            return _error(None, InvalidRequest(f'expected an object, found {_kind(request)}'))
        wants_answer = 'id' in request
        ident = request.get('id')
        if ident is not None and (isinstance(ident, bool) or not isinstance(ident, (str, int, float))):
            return _error(None, InvalidRequest(f'expected a string or number as id, found {_kind(ident)}'))
        try:
            result = self._call(request, budget, in_batch=in_batch)
        except ServerError as err:
            return _error(ident, err) if wants_answer or isinstance(err, InvalidRequest) else None
        return {'jsonrpc': '2.0', 'id': ident, 'result': result} if wants_answer else None

    def _call(self, request: dict[str, Any], budget: Budget, *, in_batch: bool) -> Any:
        if request.get('jsonrpc') != '2.0':
            raise InvalidRequest('expected "jsonrpc": "2.0"')
        method = request.get('method')
        if not isinstance(method, str):
            raise InvalidRequest(f'expected the name of a method, found {_kind(method)}')
        if in_batch and method == 'cancel':
            raise _CANCEL_IN_BATCH
        handler = self._methods.get(method)
        if handler is None:
            raise MethodNotFound(method)
        params = request.get('params', {})
        if budget.cancelled:
            raise RequestCancelled
        try:
            if not isinstance(params, dict):
                raise InvalidParams(f'expected an object, found {_kind(params)}')
            return handler(params, budget)
        except InvalidParams as err:
            raise err.with_params(params) from err
        except ServerError:
            raise
        except MemoryError as err:
            raise RuntimeFailure('out of memory') from err
        except RecursionError as err:
            self._on_failure(method, RecursionError(f'{err} ({_place(err)})'))
            raise RuntimeFailure('a term is nested too deeply for this request') from err
        except Exception as err:
            if budget.cancelled:
                # An interrupted solver reports the interruption in its own way.
                raise RequestCancelled from err
            self._on_failure(method, err)
            raise RuntimeFailure(f'{type(err).__name__}: {err}') from err


def _place(error: BaseException) -> str:
    """Return where the innermost calls of `error` were; a recursion's whole traceback would be too long to report."""
    entry = error.__traceback__
    last: deque[str] = deque(maxlen=4)
    while entry is not None:
        code = entry.tb_frame.f_code
        last.append(f'{code.co_name}:{entry.tb_lineno}')
        entry = entry.tb_next
    return ' '.join(last)


def _error(ident: Any, error: ServerError) -> dict[str, Any]:
    return {'jsonrpc': '2.0', 'id': ident, 'error': error.to_dict()}


def _kind(value: Any) -> str:
    if value is None:
        return 'null'
    if isinstance(value, bool):
        return 'a boolean'
    if isinstance(value, (int, float)):
        return 'a number'
    if isinstance(value, str):
        return 'a string'
    return 'an array' if isinstance(value, list) else 'an object'
