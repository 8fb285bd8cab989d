"""Which program answers the requests: an external kore-rpc, or the embedded server; and what it is called
in keys.

A backend's identity enters the key of every step: results of another program or version are other results.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Final

EXTERNAL: Final = ('kore-rpc-booster', 'kore-rpc')
"""Programs of the K framework, in the order in which `auto` prefers them."""

EMBEDDED: Final = 'embedded'
AUTO: Final = 'auto'

LLVM_LIBRARIES: Final = ('llvm-library/interpreter.so', 'llvm-library/interpreter.dylib')
"""Where a kompiled folder may have the library with which the booster evaluates concrete terms."""

_LLVM_OPTION: Final = '--llvm-backend-library'
_READ: Final = (_LLVM_OPTION, '--smt-prelude')
"""Arguments of a server that name a file which its answers depend on."""

VERSION_SECONDS: Final = 10.0
"""How long a program may take to answer `--version`."""

_SERVER_FOLDER: Final = Path(__file__).parent / 'server'
_SERVER_RESTS_ON: Final = ('z3-solver', 'kframework')
_MAX_VERSION_TEXT: Final = 4096


class BackendError(Exception):
    """A backend cannot be used; the text says what to install or to name instead."""


@dataclass(frozen=True)
class Backend:
    """A server program.

    Attributes:
        name: 'kore-rpc-booster', 'kore-rpc', 'embedded', or the path that was given.
        command: The program and its first arguments.
        identity: What stands for the program and its version in keys. Equal identities give equal results.
        source: Where it was found and why it was taken, for people.
        arguments: Its last arguments, behind those that name a definition.
        loads_library: Whether a booster is given the library that a kompiled folder may have.
    """

    name: str
    command: tuple[str, ...]
    identity: str
    source: str
    arguments: tuple[str, ...] = ()
    loads_library: bool = True

    def args(self, kompiled: Path, main_module: str, port: int) -> list[str]:
        """The command line of a server for a definition, in the spelling of kore-rpc.

        Args:
            kompiled: The kompiled folder.
            main_module: The module that it serves.
            port: TCP port to listen on; 0 lets the system choose.
        """
        definition = str(kompiled / 'definition.kore')
        words = [*self.command, definition, '--module', main_module, '--server-port', str(port)]
        library = self.llvm_library(kompiled)
        if library is not None:
            words += [_LLVM_OPTION, str(library)]
        return [*words, *self.arguments]

    def llvm_library(self, kompiled: Path) -> Path | None:
        """The LLVM library of a definition, for a booster that is not told of another one by its arguments."""
        if not self.loads_library or not self.command or 'booster' not in Path(self.command[0]).name:
            return None
        if any(word.partition('=')[0] == _LLVM_OPTION for word in self.arguments):
            return None
        return next((path for path in (kompiled / name for name in LLVM_LIBRARIES) if path.is_file()), None)

    def identity_for(self, kompiled: Path) -> str:
        """`identity`, with the library that such a server loads from the kompiled folder. Raises `OSError`."""
        library = self.llvm_library(kompiled)
        return self.identity if library is None else f'{self.identity} llvm {_digest_once(library)}'


def running_backend(addresses: Sequence[tuple[str, int]], identity: str) -> Backend:
    """Servers that run already, at these addresses.

    Args:
        identity: What the user states that they are, program and version: nothing else is known of them.

    Raises:
        BackendError: nothing is stated.
    """
    name = ', '.join(f'{host}:{port}' for host, port in addresses)
    if not identity.strip():
        raise BackendError(
            f"backend '{name}': servers that run already need a backend_identity, a text that stands for their "
            "program, version and options in the keys of results, as 'kore-rpc-booster 0.1.104'. "
            'Change it whenever they change: results of before are then not used'
        )
    return Backend(name, (), f'running {identity.strip()}', 'running already')


def with_options(backend: Backend, arguments: Sequence[str], environment: Mapping[str, str]) -> Backend:
    """The backend as it is with further arguments and environment: what they change are other results.

    So are those with other files that the arguments name for the server to read.
    """
    if not arguments and not environment:
        return backend
    files = [_digest_once(path) for path in _read_by(arguments)]
    options = json.dumps([list(arguments), dict(sorted(environment.items())), *files])
    return replace(backend, identity=f'{backend.identity} {options}', arguments=(*backend.arguments, *arguments))


def choose_backend(name: str = AUTO, *, environ: Mapping[str, str] | None = None) -> Backend:
    """The backend of that name.

    Args:
        name: 'auto' (the first of `EXTERNAL` that works, else the embedded server), 'kore-rpc-booster',
            'kore-rpc', 'embedded', or the path of a program that takes the arguments of kore-rpc.
        environ: Where PATH is looked up; the environment of this process by default.

    Raises:
        BackendError: the named program is missing or does not work.
    """
    environ = os.environ if environ is None else environ
    if name == AUTO:
        return _automatic(environ)
    if name == EMBEDDED:
        return _embedded('as configured')
    if name in EXTERNAL:
        program = _on_path(name, environ)
        if program is None:
            raise BackendError(
                f"backend '{name}': there is no program of this name on PATH. Install the K framework "
                f"(https://github.com/runtimeverification/k), or choose '{EMBEDDED}' or '{AUTO}'"
            )
        return _external(name, program, environ, f'{program}, as configured')
    if os.sep in name:
        return _at_path(name, environ)
    allowed = ', '.join(f"'{allowed}'" for allowed in (AUTO, *EXTERNAL, EMBEDDED))
    raise BackendError(f"backend '{name}' is not known; allowed are {allowed} or the path of a program")


def _automatic(environ: Mapping[str, str]) -> Backend:
    remarks = []
    for name in EXTERNAL:
        program = _on_path(name, environ)
        if program is None:
            remarks.append(f'no {name} on PATH')
            continue
        try:
            return _external(name, program, environ, ', '.join([f'{program}, found on PATH', *remarks]))
        except BackendError as error:
            remarks.append(str(error))
    return _embedded(', '.join(remarks))


def _at_path(name: str, environ: Mapping[str, str]) -> Backend:
    path = Path(name).expanduser().absolute()
    if not path.is_file() or not os.access(path, os.X_OK):
        raise BackendError(f"backend '{name}': there is no executable file {path}")
    # Such a program may be anybody's build: its version text alone would not tell two of them apart.
    return _external(str(path), str(path), environ, f'{path}, as configured', digest=_file_digest(path))


def _on_path(name: str, environ: Mapping[str, str]) -> str | None:
    found = shutil.which(name, path=environ.get('PATH', os.defpath))
    return str(Path(found).absolute()) if found is not None else None


def _external(
    name: str, program: str, environ: Mapping[str, str], source: str, *, digest: str | None = None
) -> Backend:
    text = _version_text(name, program, environ)
    identity = f'{Path(program).name} {text}' if digest is None else f'{Path(program).name} {text} {digest}'
    return Backend(name, (program,), identity, source)


def _version_text(name: str, program: str, environ: Mapping[str, str]) -> str:
    """What `--version` prints, in one line."""
    what = f"backend '{name}': `{program} --version`"
    try:
        process = subprocess.Popen(
            [program, '--version'],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(environ),
            start_new_session=True,
        )
    except OSError as error:
        raise BackendError(f'{what} cannot be started: {error.strerror}. Install it again') from error
    try:
        output, _ = process.communicate(timeout=VERSION_SECONDS)
    except subprocess.TimeoutExpired:
        _kill_group(process)
        raise BackendError(
            f'{what} gave no answer within {VERSION_SECONDS:g} seconds. Install it again, or choose another backend'
        ) from None
    except BaseException:
        _kill_group(process)
        raise
    text = ' '.join(output.decode('utf-8', 'replace').split())[:_MAX_VERSION_TEXT]
    if process.returncode != 0 or not text:
        raise BackendError(
            f"{what} ended with code {process.returncode} and the output '{text[:200]}', expected its version. "
            'Install it again, or choose another backend'
        )
    return text


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a process that was not waited for yet, with all that it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    if process.stdout is not None:
        process.stdout.close()
    process.wait()


def _embedded(source: str) -> Backend:
    files = list(_server_sources())
    if not files:
        raise BackendError(f"backend '{EMBEDDED}': {_SERVER_FOLDER} holds no server; install the package kprover again")
    digest = hashlib.sha256()
    for relative, path in files:
        content = path.read_bytes()
        digest.update(f'{relative}:{len(content)}:'.encode())
        digest.update(content)
    parts = [EMBEDDED, digest.hexdigest(), *(f'{name} {_distribution(name)}' for name in _SERVER_RESTS_ON)]
    return Backend(EMBEDDED, (sys.executable, '-m', 'kprover.server'), ' '.join(parts), f'part of kprover, {source}')


def _server_sources() -> Iterator[tuple[str, Path]]:
    """Name and path of each source file of the embedded server, in the order of the names."""
    paths = {path.relative_to(_SERVER_FOLDER).as_posix(): path for path in _SERVER_FOLDER.rglob('*.py')}
    yield from sorted(paths.items())


def _distribution(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return 'unknown'


def program_files(backend: Backend, kompiled: Path) -> tuple[Path, ...]:
    """The files whose edit or replacement makes a server another one than `backend.identity_for(kompiled)` says."""
    if backend.name == EMBEDDED:
        return tuple(sorted(_SERVER_FOLDER.rglob('*.py')))
    library = backend.llvm_library(kompiled)
    files = (*_read_by(backend.arguments), *([library] if library is not None else []))
    return (*(Path(word) for word in backend.command[:1]), *files)


def _read_by(arguments: Sequence[str]) -> list[Path]:
    """The files, of those that are there, which a server reads because its arguments say so."""
    following = (*arguments[1:], '')  # of the last one, nothing
    named = (
        word.partition('=')[2] or value
        for word, value in zip(arguments, following, strict=False)
        if word.partition('=')[0] in _READ
    )
    return [path for path in map(Path, named) if path.is_file()]


def _digest_once(path: Path) -> str:
    """The digest of a file that may be large: it is read again when it has changed."""
    status = path.stat()
    return _digest_of_state(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=16)
def _digest_of_state(path: Path, modified: int, size: int) -> str:
    return _file_digest(path)


def _file_digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
