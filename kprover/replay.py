"""Send the request lines of a reproducer to a fresh server and say what becomes of it.

`kprover replay FOLDER` does this. It needs the definition, the reproducer's folder and a server program; no store, no
suite and no pyk. The folder may be anybody's, so nothing of what it records is run or reached unless the user says so:
the command line is made of a server program that kprover finds by its name, or the user names.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .backends import EMBEDDED, EXTERNAL, BackendError, choose_backend
from .pool.process import Reaper
from .pool.reproducer import Case, ReproducerError, method_of, read_case, read_requests
from .pool.server import Place, Server, server_command
from .suites import definition_digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import BinaryIO, Final

SURVIVED: Final = 0
"""Exit code: every request was answered and the server lives."""

DIED: Final = 1
"""Exit code: the server ended, closed the connection, or gave no answer in time."""

UNUSABLE: Final = 2
"""Exit code: there was nothing to replay, or no server to replay it on."""

_POLL: Final = 0.02
_LONGEST_ANSWER: Final = 128 << 20
_START_SECONDS: Final = 120.0


def run(
    folder: Path,
    *,
    backend: str | None,
    kompiled: Path | None,
    server_args: str,
    timeout: float,
    as_recorded: bool = False,
) -> int:
    """Replay the reproducer in `folder`; print what happens. Returns the exit code.

    Args:
        backend: Another server program than the one that was used, or `HOST:PORT` of one that runs.
        kompiled: Where the definition is now, if not where it was.
        server_args: Further words for the command line.
        timeout: Seconds to wait for each answer.
        as_recorded: Run the command line in the folder, with its environment, or use the server at its address.
    """
    try:
        case = read_case(folder)
        lines = read_requests(folder)
        definition = (kompiled or Path(case.kompiled)).absolute()
        check_definition(case, definition)
        print(f'{case.claim}, {case.kind} at node {case.node}: {len(lines)} requests', flush=True)
        address = _address(backend or (case.address if as_recorded else ''))
        if address is not None:
            return replay(lines, address, timeout, None)
        if as_recorded and backend is None:
            command, environment = _recorded(case, definition), case.environment
        else:
            command, environment = _rebuilt(case, definition, backend, kompiled is not None, server_args), {}
        print(shlex.join(command), flush=True)
        with tempfile.TemporaryDirectory(prefix='kprover-replay-') as scratch:
            return _on_fresh_server(command, environment, lines, definition, timeout, scratch)
    except (ReproducerError, BackendError, OSError, ValueError) as err:
        print(f'kprover: {err}', file=sys.stderr)
        return UNUSABLE


def check_definition(case: Case, kompiled: Path) -> None:
    """Raises `ReproducerError` if the definition is gone; says so if it is another one than it was."""
    try:
        found = definition_digest(kompiled)
    except OSError as err:
        raise ReproducerError(
            f'{kompiled}: no definition to replay with ({err}); name its folder by --kompiled'
        ) from err
    if found != case.definition:
        print(f'note: the definition in {kompiled} is not the one of the reproducer', flush=True)


def replay(lines: Sequence[bytes], address: tuple[str, int], timeout: float, server: Server | None) -> int:
    """Send each line and wait for its answer. Returns the exit code.

    Args:
        server: The process behind the address, if it is ours.
    """
    with socket.create_connection(address, timeout=timeout) as sock, sock.makefile('rb') as answers:
        for line in lines:
            method = method_of(line)
            if not method:
                print('(a line that is cut off is not sent)', flush=True)
                continue
            print(f'{method}, {len(line)} bytes', end=' ... ', flush=True)
            began = time.monotonic()
            ending = _exchange(sock, answers, line)
            print(f'{time.monotonic() - began:.2f} s: {ending or "no answer"}', flush=True)
            if ending is None:
                print(_what_became(server), flush=True)
                return DIED
    print('every request was answered', flush=True)
    return SURVIVED


def _exchange(sock: socket.socket, answers: BinaryIO, line: bytes) -> str | None:
    """What the answer says in a few words; `None` if there is none."""
    try:
        sock.sendall(line)
        answer = answers.readline(_LONGEST_ANSWER)
    except OSError:
        return None
    if not answer:
        return None
    try:
        response = json.loads(answer)
        if 'error' in response:
            return f'error {json.dumps(response["error"])[:300]}'
        result = response['result']
        known = {name: result[name] for name in ('reason', 'depth', 'status', 'valid', 'module') if name in result}
        return json.dumps(known or f'{len(answer)} bytes')
    except (ValueError, KeyError, TypeError):
        return f'no proper answer: {answer[:200]!r}'


def _what_became(server: Server | None) -> str:
    if server is None:
        return 'the connection was lost, or there was no answer in time'
    deadline = time.monotonic() + 2.0
    while time.monotonic() < deadline:
        if (ending := server.child.exited()) is not None:
            return f'the server {ending}{server.child.log_tail()}'
        time.sleep(_POLL)
    return f'the server lives but does not answer{server.child.log_tail()}'


def _recorded(case: Case, kompiled: Path) -> tuple[str, ...]:
    """The command line in the folder, for the definition where it is now."""
    if not case.command:
        raise ReproducerError('the folder records no command line of a server; name one by --backend')
    if str(kompiled) == case.kompiled:
        return case.command
    return tuple(word.replace(case.kompiled, str(kompiled)) for word in case.command)


def _rebuilt(case: Case, kompiled: Path, backend: str | None, named: bool, server_args: str) -> tuple[str, ...]:
    """A command line of which the folder gives the main module only, and the name of a program that kprover knows.

    Args:
        named: Whether the user has named the definition: a library in a folder that the reproducer names is not loaded.
    """
    if backend is None and case.backend not in (*EXTERNAL, EMBEDDED):
        where = f'a server that was running at {case.address}' if case.address else f'`{shlex.join(case.command)}`'
        raise ReproducerError(
            f'the folder records {where}. Nothing that it records is run unasked: name a server program by --backend '
            f'({", ".join((*EXTERNAL, EMBEDDED))}, or a path), or, if you trust the folder, add --as-recorded'
        )
    chosen = choose_backend(backend or case.backend)
    if not named and (library := chosen.llvm_library(kompiled)) is not None:
        print(f'note: {library} is not loaded; name the definition by --kompiled if you trust it', flush=True)
        chosen = replace(chosen, loads_library=False)
    command = server_command(chosen, str(kompiled), case.main_module, shlex.split(server_args))
    if backend is None and (set(case.command) - set(command) or case.environment):
        given = ''.join(f'{name}={shlex.quote(text)} ' for name, text in case.environment.items())
        print(f'note: recorded was `{given}{shlex.join(case.command)}`; --as-recorded runs that', flush=True)
    return command


def _on_fresh_server(
    command: Sequence[str],
    environment: Mapping[str, str],
    lines: Sequence[bytes],
    kompiled: Path,
    timeout: float,
    folder: str,
) -> int:
    reaper = Reaper()
    try:
        server = Server(
            command,
            Place(Path(folder, 'server'), Path(folder, 'server.log')),
            kompiled=str(kompiled),
            serial=1,
            reaper=reaper,
            env=environment,
            start_timeout=_START_SECONDS,
        )
        try:
            while server.state == 'starting':
                time.sleep(_POLL)
                server.check(time.monotonic())
            if server.state == 'failed':
                print(f'replay: {server.failure}', file=sys.stderr)
                return UNUSABLE
            return replay(lines, (server.host, server.port), timeout, server)
        finally:
            server.child.signal(signal.SIGKILL)
            while not server.child.reap():
                time.sleep(_POLL)
    finally:
        reaper.close()


def _address(text: str) -> tuple[str, int] | None:
    """Host and port, if the text is that; `None` for the name or the path of a program."""
    host, separator, port = text.rpartition(':')
    return (host, int(port)) if separator and host and port.isdecimal() and os.sep not in text else None
