"""The connection to a Kore JSON-RPC server: pyk's `KoreClient` over a transport that can be interrupted and counted.

What it adds to pyk's own transport: both dialects of `implies` (`valid` of the servers up to December 2025, `status`
of later ones), a bounded connect, an error of a class of its own for each way to fail, and checks of every answer
that hold under `python -O` too. A connection has one request at a time and is used by one thread; only `interrupt`
may be called from another one, and a connection that was interrupted or lost is of no more use: an answer that nobody
waited for may still be on its way.
"""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from types import NoneType
from typing import TYPE_CHECKING, Any

from pyk.kore.rpc import (
    AbortedResult,
    ImpliesResult,
    JsonRpcClientFacade,
    JsonRpcError,
    KoreClient,
    StopReason,
    client_label,
)

from .convert.answers import execution, implication, simplification, without_terms
from .convert.deep_json import dumps, loads
from .convert.kore_json import PatternReader, PatternWriter
from .errors import BackendError, ConnectionLost, Interrupted, ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Final, NoReturn, TypeGuard

    from pyk.kore.rpc import ExecuteResult, GetModelResult, KoreClientError, SimplifyResult
    from pyk.kore.syntax import Pattern

_CONNECT_SECONDS: Final = 10.0
_LONGEST_ANSWER: Final = 128 << 20
"""Bytes of an answer, at most. The largest states known take a few million."""

_STATUSES: Final = ('valid', 'invalid', 'indeterminate')
_CALLER_ERRORS: Final = (-32700, -32600, -32601, -32602)


class _State(dict[str, Any]):
    """A state among the parameters of a request; it is written when the request is."""

    pattern: Pattern

    def __init__(self, pattern: Pattern):
        super().__init__()
        self.pattern = pattern


class Connection(JsonRpcClientFacade):
    """Newline-delimited JSON-RPC 2.0 over one socket, with the interface that `KoreClient` uses.

    Attributes:
        requests: How many requests were sent.
        closed: Whether this end has closed it.
        name: Host and port of the server.
    """

    requests: int
    closed: bool
    name: str
    _sock: socket.socket
    _interrupted: bool
    _lock: threading.Lock  # guards the flags and the closing of the socket against `interrupt`

    def __init__(  # the parent's constructor would make connections of its own
        self, host: str, port: int, record: Callable[[bytes], None] | None = None
    ):
        """Connect; `record` is given each line before it is sent.

        Raises `ConnectionLost` if it is not possible within ten seconds.
        """
        self._record = record
        self.requests = 0
        self.closed = False
        self.name = f'{host}:{port}'
        self._interrupted = False
        self._lock = threading.Lock()
        self._last_request_id = None
        self._writer = PatternWriter()
        try:
            self._sock = socket.create_connection((host, port), timeout=_CONNECT_SECONDS)
        except OSError as err:
            raise ConnectionLost(f'No connection to the server at {self.name}: {err}') from err
        self._sock.settimeout(None)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._sock.makefile('rb', buffering=1 << 16)

    def request(self, method: str, **params: Any) -> dict[str, Any]:
        """The `result` of a request.

        Raises:
            JsonRpcError: the server answered with an error.
            ConnectionLost, Interrupted: there is no answer.
            ProtocolError: the answer is not JSON-RPC, or not to this request.
        """
        if self._interrupted:
            raise Interrupted('The step was interrupted between two requests.')
        if self.closed:
            raise ConnectionLost(f'The connection to the server at {self.name} is closed.')
        label = client_label.get()
        self.requests += 1
        request_id = f'{label or "kprover"}-{self.requests:03}'
        self._last_request_id = request_id
        line = self._exchange(self._request_line(request_id, method, params), method)
        return self._result(line, request_id, method)

    @property
    def usable(self) -> bool:
        """Whether another request may be sent."""
        return not self.closed and not self._interrupted

    def interrupt(self) -> None:
        """End the request in flight: the server is told to stop, the thread that waits gets `Interrupted`."""
        cancel = {'jsonrpc': '2.0', 'id': f'{self._last_request_id}-cancel', 'method': 'cancel', 'params': {}}
        with self._lock:
            if self.closed or self._interrupted:
                return
            self._interrupted = True
            try:
                # The leading newline ends a request whose bytes are still on their way. Never wait here: the
                # requester may be in the middle of sending to a server that does not read.
                self._sock.send(b'\n' + dumps(cancel).encode('ascii') + b'\n', socket.MSG_DONTWAIT)
            except OSError:
                pass  # the shutdown that follows reaches the waiting thread in any case
            try:
                self._sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self) -> None:
        with self._lock:
            if not self.closed:
                self.closed = True
                self._file.close()
                self._sock.close()

    def __exit__(self, *args: Any) -> None:
        self.close()

    def _request_line(self, request_id: str, method: str, params: Mapping[str, Any]) -> bytes:
        texts = (
            f'{dumps(key)}:{self._writer.state(value.pattern) if isinstance(value, _State) else dumps(value)}'
            for key, value in params.items()
        )
        head = f'{{"jsonrpc":"2.0","id":{dumps(request_id)},"method":{dumps(method)}'
        return f'{head},"params":{{{",".join(texts)}}}}}\n'.encode('ascii')

    def _exchange(self, data: bytes, method: str) -> bytes:
        if self._record is not None:
            self._record(data)
        try:
            self._sock.sendall(data)
            line = self._file.readline(_LONGEST_ANSWER + 1)
        except OSError as err:
            self._lost(f'{method}: {err}', err)
        if len(line) > _LONGEST_ANSWER:
            self.close()
            raise ProtocolError(
                f'Expected an answer to {method} of at most {_LONGEST_ANSWER} bytes from the server at {self.name}, '
                'found more without an end.'
            )
        if not line.endswith(b'\n') and not _is_json(line):
            self._lost(f'{method}: the server closed it after {len(line)} bytes of its answer')
        return line

    def _result(self, line: bytes, request_id: str, method: str) -> dict[str, Any]:
        try:
            response = loads(line)
        except ValueError as err:
            self.close()
            raise ProtocolError(f'Expected a JSON answer to {method}, found {line[:200]!r}') from err
        if not isinstance(response, dict) or ('error' not in response and 'result' not in response):
            self.close()
            raise ProtocolError(f'Expected a result or an error in the answer to {method}, found {line[:200]!r}')
        if 'error' in response:
            if self._interrupted:
                self.close()
                raise Interrupted(f'The request {method} was interrupted.')
            error = response['error']
            raise JsonRpcError(str(error.get('message')), int(error.get('code', 0)), error.get('data'))
        if response.get('id') != request_id:
            self.close()
            raise ProtocolError(f'Expected the answer to {request_id}, found that to {response.get("id")!r}.')
        if not isinstance(response['result'], dict):
            raise ProtocolError(f'Expected an object as the result of {method}, found {line[:200]!r}')
        return response['result']

    def _lost(self, what: str, cause: BaseException | None = None) -> NoReturn:
        self.close()
        if self._interrupted:
            raise Interrupted(f'The step was interrupted in the request {what}') from cause
        raise ConnectionLost(f'Lost the connection to the server at {self.name} in {what}') from cause


class ProverClient(KoreClient):
    """`KoreClient` over a `Connection`; the answers it passes on are those that a sound server can give.

    What pyk would take for something else is refused: pyk sees "stuck" in an execution that timed out before its
    first step, and a step in a branching of which but one branch was sent.
    """

    connection: Connection

    def __init__(self, host: str, port: int, record: Callable[[bytes], None] | None = None):
        """Connect; see `Connection`. Raises `ConnectionLost`."""
        self.port = port
        self.connection = Connection(host, port, record)
        self._client = self.connection
        self._reader = PatternReader()
        self._answer: Mapping[str, Any] = {}

    def execute(
        self,
        pattern: Pattern,
        *,
        max_depth: int | None = None,
        assume_state_defined: bool | None = None,
        cut_point_rules: Iterable[str] | None = None,
        terminal_rules: Iterable[str] | None = None,
        moving_average_step_timeout: bool | None = None,
        step_timeout: int | None = None,
        module_name: str | None = None,
        log_successful_rewrites: bool | None = None,
        log_failed_rewrites: bool | None = None,
        booster_only_simplify: bool | None = None,
        haskell_logging: Iterable[str] | None = None,
    ) -> ExecuteResult:
        with self._answer_to('execute'):
            result = super().execute(
                pattern,
                max_depth=max_depth,
                assume_state_defined=assume_state_defined,
                cut_point_rules=cut_point_rules,
                terminal_rules=terminal_rules,
                moving_average_step_timeout=moving_average_step_timeout,
                step_timeout=step_timeout,
                module_name=module_name,
                log_successful_rewrites=log_successful_rewrites,
                log_failed_rewrites=log_failed_rewrites,
                booster_only_simplify=booster_only_simplify,
                haskell_logging=haskell_logging,
            )
            answer = self._take_answer()
            check_shape(answer, max_depth)
            result = execution(result, answer, self._reader.read)
            check_execution(result)
        return result

    def implies(
        self,
        antecedent: Pattern,
        consequent: Pattern,
        *,
        module_name: str | None = None,
        assume_defined: bool = False,
        booster_only_simplify: bool | None = None,
        haskell_logging: Iterable[str] | None = None,
    ) -> ImpliesResult:
        with self._answer_to('implies'):
            result = super().implies(
                antecedent,
                consequent,
                module_name=module_name,
                assume_defined=assume_defined,
                booster_only_simplify=booster_only_simplify,
                haskell_logging=haskell_logging,
            )
            result = implication(result, self._take_answer(), self._reader.read)
            if result.valid and (result.substitution is None or result.predicate is None):
                raise ProtocolError('Expected a substitution and a predicate with a valid implication, found none.')
        return result

    def simplify(
        self,
        pattern: Pattern,
        *,
        module_name: str | None = None,
        booster_only_simplify: bool | None = None,
        haskell_logging: Iterable[str] | None = None,
    ) -> SimplifyResult:
        with self._answer_to('simplify'):
            result = super().simplify(
                pattern,
                module_name=module_name,
                booster_only_simplify=booster_only_simplify,
                haskell_logging=haskell_logging,
            )
            return simplification(result, self._take_answer(), self._reader.read)

    def get_model(
        self, pattern: Pattern, module_name: str | None = None, haskell_logging: Iterable[str] | None = None
    ) -> GetModelResult:
        with self._answer_to('get-model'):
            return super().get_model(pattern, module_name, haskell_logging)

    def _request(self, method: str, **params: Any) -> dict[str, Any]:
        result = super()._request(method, **params)
        self._answer = with_status(result) if method == 'implies' else result
        return without_terms(method, self._answer)

    @contextmanager
    def _answer_to(self, method: str) -> Iterator[None]:
        """What pyk raises on reading an answer, and what is wrong with it besides, as an error of this server."""
        try:
            yield
        except (LookupError, ValueError, TypeError, AttributeError, AssertionError) as err:
            raise ProtocolError(
                f'{self.whose}: Expected an answer to {method} that pyk can read, '
                f'found one with {type(err).__name__}: {err}'
            ) from err
        except (BackendError, Interrupted) as err:
            raise type(err)(f'{self.whose}: {err}') from err

    @property
    def whose(self) -> str:
        """The server, and the claim that it is asked about, for messages."""
        claim = client_label.get()
        return f'The server at {self.connection.name}' + (f', asked about {claim}' if claim else '')

    def _take_answer(self) -> Mapping[str, Any]:
        answer, self._answer = self._answer, {}
        return answer

    @staticmethod
    def _state(pattern: Pattern) -> dict[str, Any]:
        return _State(pattern)

    def _error(self, err: JsonRpcError) -> KoreClientError:
        if err.code in _CALLER_ERRORS:  # pyk has an assertion here
            raise BackendError(f'The server refused a request: {err.message} ({err.code}): {err.data!r:.500}')
        return super()._error(err)


def with_status(result: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to `implies` in the dialect that pyk reads, from either dialect.

    Raises:
        ProtocolError: it is in neither, or says one thing in one and another in the other.
    """
    status, valid = result.get('status'), result.get('valid')
    if status is None and isinstance(valid, bool):
        return {**result, 'status': 'valid' if valid else 'invalid'}
    if status not in _STATUSES or (valid is not None and valid is not (status == 'valid')):
        raise ProtocolError(f'Expected "valid" or "status" in the answer to implies, found {valid!r} and {status!r}.')
    return dict(result)


def check_shape(answer: Mapping[str, Any], max_depth: int | None) -> None:
    """Refuse an answer to `execute` with fields that are of no use, also where pyk takes them as they are.

    Raises:
        ProtocolError: names the field and what it holds.
    """
    depth = answer.get('depth')
    if not _is_number(depth) or depth < 0 or (max_depth is not None and depth > max_depth):
        limit = '' if max_depth is None else f' and at most {max_depth}'
        raise ProtocolError(f'Expected a depth of at least 0{limit}, found {depth!r:.100}.')
    rule, following, logs = answer.get('rule'), answer.get('next-states'), answer.get('logs')
    if rule is not None and not isinstance(rule, str):
        raise ProtocolError(f'Expected a text as rule, found {rule!r:.100}.')
    for name, value in (('next-states', following), ('logs', logs)):
        if value is not None and not isinstance(value, list):
            raise ProtocolError(f'Expected an array as {name}, found {value!r:.100}.')
    for state in (answer.get('state'), *(following or ())):
        if not isinstance(state, dict) or not isinstance(state.get('rule-id', ''), (str, NoneType)):
            raise ProtocolError(f'Expected a state, its rule-id a text, found {state!r:.100}.')
    for entry in logs or ():
        result = entry.get('result') if isinstance(entry, dict) else None
        if isinstance(result, dict) and not isinstance(result.get('rule-id', ''), (str, NoneType)):
            raise ProtocolError(f'Expected a text as rule-id in the logs, found {result["rule-id"]!r:.100}.')


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def check_execution(result: ExecuteResult) -> None:
    """Refuse an answer to `execute` that has no meaning, or that pyk would misread.

    Raises:
        BackendError: the server aborted; there is nothing to go on with.
        Interrupted: it ran out of time before the first step.
        ProtocolError: the reason, the depth and the next states contradict each other.
    """
    reason, depth, following = result.reason, result.depth, len(result.next_states or ())
    if isinstance(result, AbortedResult):
        unknown = result.unknown_predicate.text if result.unknown_predicate is not None else 'none given'
        raise BackendError(f'The server aborted the execution at depth {depth}; unknown predicate: {unknown}')
    if not following and depth == 0 and reason not in (StopReason.STUCK, StopReason.VACUOUS):
        if reason is StopReason.TIMEOUT:
            raise Interrupted('The server ran out of time before the first rewrite step.')
        raise ProtocolError(f'Expected a rewrite step with the reason {reason.value!r}, found depth 0.')
    if following == 1 and reason is not StopReason.CUT_POINT_RULE:
        raise ProtocolError(f'Expected at least two next states with the reason {reason.value!r}, found one.')
    if following and reason not in (StopReason.BRANCHING, StopReason.CUT_POINT_RULE):
        raise ProtocolError(f'Expected no next states with the reason {reason.value!r}, found {following}.')
    if not following and reason in (StopReason.BRANCHING, StopReason.CUT_POINT_RULE):
        raise ProtocolError(f'Expected next states with the reason {reason.value!r}, found none.')


def _is_json(line: bytes) -> bool:
    """Whether a last line without its newline is complete all the same."""
    try:
        loads(line)
    except ValueError:
        return False
    return True
