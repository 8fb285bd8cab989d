"""A reproducer: a folder that shows again, without kprover's store, what happened to a server under a step.

    README.md        what happened, and the command that shows it again
    case.json        the claim and step, the definition and its digest, the server program and its command line
    requests.jsonl   the exact request lines of the step, the modules that it needs before them
    server.log ...   the ends of the logs of the server and, if it died too, of the worker

It is written aside and renamed, so there is a whole one or none.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..worker.modules import add_module_params, request_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final

    from .messages import Evidence

CASE: Final = 'case.json'
REQUESTS: Final = 'requests.jsonl'

_FORMAT: Final = 1
_PROGRAMS: Final = ('kore-rpc-booster', 'kore-rpc', 'embedded')
"""Server programs that a replay finds by itself, see `kprover.backends`."""

_MODULE: Final = re.compile(r"[A-Za-z_][\w'-]*")
_LOG_TAIL: Final = 1 << 16
_SHORT_KEY: Final = 12


class ReproducerError(Exception):
    """A folder that is no reproducer, or one that cannot be replayed here; the text says why."""


@dataclass(frozen=True)
class Case:
    """What happened to which step, and all that a replay needs but the requests.

    Attributes:
        claim: `suite/LABEL`.
        key: The key of the step in the store.
        node: The node of the proof's graph from which the step was to be made.
        kind: `step`, or `diagnose` for the explanation of a failing node.
        what: What became of the server, in one or more lines.
        attempts: How often that has happened.
        kompiled: The kompiled folder of the definition.
        definition: SHA-256 over its definition.kore and compiled.json.
        main_module: The module that was served.
        backend: The name of the server program.
        identity: What stands for that program in keys.
        command: The command line of the server; empty if it was running already.
        address: `host:port` of such a server.
        environment: Variables that were added to its environment.
        arguments: Those of its arguments that the user had added.
    """

    claim: str
    key: str
    node: int
    kind: str
    what: str
    attempts: int
    kompiled: str
    definition: str
    main_module: str
    backend: str
    identity: str
    command: tuple[str, ...] = ()
    address: str = ''
    environment: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()


def write_reproducer(parent: Path, case: Case, evidence: Evidence, module_text: Callable[[str], bytes]) -> Path:
    """Write the folder of a case; an older one of the same step is replaced.

    Args:
        parent: The folder of all reproducers.
        module_text: The zlib-compressed Kore text of a module.

    Raises:
        OSError: it cannot be written.
        KeyError: a module is not to be had.
    """
    folder = parent / f'{_file_name(case.claim.partition("/")[2] or case.claim)}-{case.key[:_SHORT_KEY]}'
    aside = folder.with_name(f'.{folder.name}.new')
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    with (aside / REQUESTS).open('wb') as file:
        for line in _all_lines(evidence, module_text):
            file.write(line)
    record = {'format': _FORMAT, **asdict(case)}
    (aside / CASE).write_text(json.dumps(record, indent=2, ensure_ascii=False) + '\n', encoding='utf-8')
    for log in evidence.logs:
        (aside / f'{log.name.partition("-")[0]}.log').write_bytes(_tail(log))
    (aside / 'README.md').write_text(_readme(case, folder, aside / REQUESTS), encoding='utf-8')
    shutil.rmtree(folder, ignore_errors=True)
    aside.rename(folder)
    return folder


def read_case(folder: Path) -> Case:
    """The case in a folder.

    Raises:
        ReproducerError: there is none that this version can read.
    """
    try:
        record = json.loads((folder / CASE).read_text(encoding='utf-8'))
        if record.pop('format') != _FORMAT:
            raise ReproducerError(f'{folder / CASE}: written by another version of kprover; replay it with that one')
        for name in ('command', 'arguments'):
            words = record.get(name, [])
            record[name] = tuple(words) if isinstance(words, list) else words
        case = Case(**record)
        _check(case)
        return case
    except OSError as err:
        raise ReproducerError(
            f'{folder}: expected the folder of a reproducer, found no {CASE} in it: {err.strerror}'
        ) from err
    except (ValueError, TypeError, KeyError) as err:
        raise ReproducerError(f'{folder / CASE}: expected the record of a case, found {err}') from err


def _check(case: Case) -> None:
    """Raises `TypeError` or `ValueError` if a field is not of its kind: the folder may be anybody's."""
    for name, value in asdict(case).items():
        kind = int if name in ('node', 'attempts') else str
        container = {'command': tuple, 'arguments': tuple, 'environment': dict}.get(name, kind)
        items = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, tuple) else [value]
        if not isinstance(value, container) or not all(type(item) is kind for item in items):
            raise TypeError(f'{name}: {value!r:.100}')
    if not _MODULE.fullmatch(case.main_module):
        raise ValueError(f'main_module: {case.main_module!r:.100}')


def is_rebuilt(case: Case) -> bool:
    """Whether a replay without what the folder records of a command line comes to the same server."""
    return case.backend in _PROGRAMS and bool(case.command) and not case.environment and not case.arguments


def replay_command(case: Case, folder: Path) -> str:
    """What shows the case again, for a shell."""
    words = ['kprover', 'replay', str(folder)]
    return shlex.join(words if is_rebuilt(case) else [*words, '--as-recorded'])


def read_requests(folder: Path) -> tuple[bytes, ...]:
    """The request lines in a folder, in the order in which they were sent.

    Raises:
        ReproducerError: there are none.
    """
    try:
        lines = (folder / REQUESTS).read_bytes().splitlines(keepends=True)
    except OSError as err:
        raise ReproducerError(f'{folder}: expected {REQUESTS}, found none: {err.strerror}') from err
    if not lines:
        raise ReproducerError(f'{folder / REQUESTS}: expected request lines, found none')
    return tuple(lines)


def method_of(line: bytes) -> str:
    """The method of a request line; empty for one that is cut off."""
    try:
        return str(json.loads(line)['method'])
    except (ValueError, KeyError, TypeError):
        return ''


def _all_lines(evidence: Evidence, module_text: Callable[[str], bytes]) -> Iterator[bytes]:
    # A server that served the step may have had some of its modules before.
    for number, name in enumerate(evidence.modules, 1):
        text = zlib.decompress(module_text(name)).decode()
        yield request_line(f'kprover-{number}', 'add-module', add_module_params(text))
    for line in evidence.requests.read_bytes().splitlines(keepends=True):
        if method_of(line) != 'add-module':
            yield line


def _readme(case: Case, folder: Path, requests: Path) -> str:
    methods = [method_of(line) or 'a line that is cut off' for line in requests.read_bytes().splitlines()]
    server = shlex.join(case.command) if case.command else f'running already at {case.address}'
    place = f'node {case.node}' if case.kind == 'step' else f'the explanation of node {case.node}'
    return f"""# {case.claim}, {place}

The server did not survive this {case.kind}, {case.attempts} times in a row, so the step was set aside. Nothing is known
about the claim: it has neither passed nor failed.

    {case.what.replace(chr(10), chr(10) + '    ')}

To show it again, on a fresh server (or, with `--backend`, on another one; `--as-recorded` runs the command line below,
and is for folders of your own):

    {replay_command(case, folder)}

* definition: `{case.kompiled}`, SHA-256 `{case.definition}`, module `{case.main_module}`
* server program: {case.backend} (`{case.identity}`)
* its command line: `{server}`
* requests, in `{REQUESTS}`, one line each as sent: {', '.join(methods) or 'none'}
* step key: `{case.key}`

`server.log` and, if it is there, `worker.log` hold the last lines that these processes wrote.
"""


def _file_name(label: str) -> str:
    return re.sub(r'[^A-Za-z0-9._-]', '_', label)


def _tail(log: Path) -> bytes:
    try:
        with log.open('rb') as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _LOG_TAIL))
            return file.read()
    except OSError:
        return b''
