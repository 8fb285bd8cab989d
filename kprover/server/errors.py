"""The errors of the server: those that travel to the client, and those that end it.

A `ServerError` carries exactly what a JSON-RPC error object needs. The subclasses are the errors of the Kore JSON-RPC
protocol, with the `data` that pyk's `KoreClient` reads. `DefinitionError` is about the file given at start-up and never
travels. Immutable once raised; nothing is shared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    'DefinitionError',
    'DuplicateModule',
    'EvaluationEndless',
    'ImplicationError',
    'InvalidModule',
    'InvalidParams',
    'InvalidRequest',
    'JsonParseError',
    'KoreParseError',
    'MethodNotFound',
    'PatternError',
    'RequestCancelled',
    'RuntimeFailure',
    'ServerError',
    'SmtError',
    'UnknownModule',
]

_NO_DATA: Final = object()


class ServerError(Exception):
    """An error that is answered to the client: JSON-RPC `code`, `message`, and optional JSON `data`.

    `place` is the line and column, both from 1, of the sentence of a definition that is at fault, where there is one.
    """

    place: tuple[int, int] | None = None

    def __init__(self, code: int, message: str, data: Any = _NO_DATA) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self._data = data

    def __str__(self) -> str:
        return self.message if self._data is _NO_DATA else f'{self.message}: {self._data}'

    @property
    def data(self) -> Any:
        """The JSON value of the `data` member; None if there is none."""
        return None if self._data is _NO_DATA else self._data

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-RPC error object."""
        result: dict[str, Any] = {'code': self.code, 'message': self.message}
        if self._data is not _NO_DATA:
            result['data'] = self._data
        return result


class JsonParseError(ServerError):
    """What arrived is not JSON. `reason` says where and why."""

    def __init__(self, reason: str) -> None:
        super().__init__(-32700, 'Parse error', reason)


class InvalidRequest(ServerError):
    """What arrived is JSON, but not a JSON-RPC 2.0 request."""

    def __init__(self, reason: str) -> None:
        super().__init__(-32600, 'Invalid request', reason)


class MethodNotFound(ServerError):
    """The method is not one of this server's."""

    def __init__(self, method: str) -> None:
        super().__init__(-32601, 'Method not found', method)


class InvalidParams(ServerError):
    """The parameters have the wrong shape.

    The protocol asks for the received parameters as `data`; who raises knows only `reason`, so the dispatcher answers
    with `with_params`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(-32602, 'Invalid params', reason)
        self.reason = reason

    def with_params(self, params: Any) -> ServerError:
        """Return the error that is sent: the same, with the received parameters as its data."""
        return ServerError(-32602, 'Invalid params', params)


class RequestCancelled(ServerError):
    """The client has cancelled the request, or has gone."""

    def __init__(self) -> None:
        super().__init__(-32000, 'Request cancelled', None)


class RuntimeFailure(ServerError):
    """A defect or an exhausted resource of the server itself; the request has no answer, the server goes on."""

    def __init__(self, reason: str) -> None:
        super().__init__(-32002, 'Runtime error', reason)


class EvaluationEndless(ServerError):
    """The evaluation of a function takes more work than one step or question may, or nests too deeply.

    Nothing is known then: the request has no answer, and the proof that asked is undecided.
    """

    def __init__(self, symbol: str, equation: str, work: int) -> None:
        """`equation` is the label or unique id of the equation that was used last, `work` the functions evaluated."""
        reason = (
            f'the evaluation of {symbol} did not end within {work:,} evaluations of functions; the last equation used '
            f'was {equation or "one without a label"}'
        )
        super().__init__(-32003, 'Evaluation does not end', reason)


class KoreParseError(ServerError):
    """Textual Kore (of `add-module`) could not be parsed. `reason` begins with line and column."""

    def __init__(self, reason: str) -> None:
        super().__init__(1, 'Could not parse pattern', reason)


class PatternError(ServerError):
    """A pattern is well-formed JSON but does not fit the definition: unknown symbol or sort, wrong sorts, wrong
    arity."""

    def __init__(self, error: str, context: Iterable[str] = ()) -> None:
        super().__init__(2, 'Could not verify pattern', {'error': error, 'context': list(context)})


class UnknownModule(ServerError):
    """The module named in the request is neither in the definition nor added."""

    def __init__(self, name: str) -> None:
        super().__init__(3, 'Could not find module', name)


class ImplicationError(ServerError):
    """An implication is outside of what `implies` is defined for: free variables, name capture, different sorts."""

    def __init__(self, error: str, context: Iterable[str] = ()) -> None:
        super().__init__(4, 'Implication check error', {'error': error, 'context': list(context)})


class SmtError(ServerError):
    """The SMT solver failed on a condition whose truth the request needs. `term` is a pattern as KORE JSON."""

    def __init__(self, error: str, term: dict[str, Any]) -> None:
        envelope = {'format': 'KORE', 'version': 1, 'term': term}
        super().__init__(5, 'Smt solver error', {'error': error, 'term': envelope})


class InvalidModule(ServerError):
    """An added module is ill-formed: an unknown import, sort or symbol, or a declaration that may not be added."""

    def __init__(self, error: str, context: Iterable[str] | None = None) -> None:
        data: dict[str, Any] = {'error': error}
        if context is not None:
            data['context'] = list(context)
        super().__init__(8, 'Invalid module', data)


class DuplicateModule(ServerError):
    """Another module of this name is loaded already."""

    def __init__(self, name: str) -> None:
        super().__init__(9, 'Duplicate module name', name)


class DefinitionError(Exception):
    """The definition file cannot be used. Names the file and, where known, line and column (both from 1)."""

    def __init__(self, file: str, message: str, line: int | None = None, column: int | None = None) -> None:
        place = file if line is None else f'{file}:{line}' if column is None else f'{file}:{line}:{column}'
        super().__init__(f'{place}: {message}')
        self.file = file
        self.message = message
        self.line = line
        self.column = column
