"""The settings of a run as the user writes them: section `[kprover]` of luigi.cfg.

The pipelines and the `kprover` command both read that section through Luigi's configuration; what the values
mean, their defaults and their errors are here, so that both agree. Luigi is imported only to read the file.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from configparser import Error as ConfigError
from configparser import InterpolationError
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .engine.values import RunConfig

SECTION = 'kprover'


class SettingsError(Exception):
    """A setting that cannot be used; names the key, what was expected and what was found."""

    def __init__(self, key: str, expected: str, found: str, *, section: str = SECTION):
        super().__init__(f'luigi.cfg or option, section [{section}], key {key}: expected {expected}, found {found!r}')


class UnreadableConfig(SettingsError):
    """luigi.cfg is no configuration file."""

    def __init__(self, error: ConfigError | UnicodeDecodeError):
        place, hint = 'luigi.cfg', 'expected [sections] with lines `key = value`, in UTF-8'
        if isinstance(error, InterpolationError):
            place, hint = f'luigi.cfg, section [{error.section}], key {error.option}', 'a % is written %%'
        Exception.__init__(self, f'{place}: {" ".join(str(error).split())}; {hint}')


@dataclass(frozen=True)
class Settings:
    """How `ProveAll` runs, and where `kprover status` looks.

    Attributes:
        suites: Suite files that are proved when none is named.
        store: File of the checkpoint store.
        workers: Step workers; 0 means one per core.
        servers: Servers alive at once; 0 means as many as workers for each definition.
        backend: `auto`, `kore-rpc-booster`, `kore-rpc`, `embedded`, the path of a server program, or `host:port` of
            a server that runs already, several separated by commas.
        addresses: Those of servers that run already, from `servers` or `backend`.
        backend_identity: What such servers are, in the keys of results.
        server_args: Further arguments for every server.
        server_env: Further environment for every server.
        memory: Bytes for all servers together; 0 means no limit, `None` nine tenths of the machine's.
        server_memory: Bytes for one server with its solvers; 0 means no limit.
        server_modules: Added modules with which an idle server is replaced; 0 means never.
        hang_timeout: Seconds without any work under a request after which a server is taken for dead; 0 means never.
        attempts: How often a step is tried that takes down its server.
        priority: `module:callable`, empty for the engine's default order.
        grace: Seconds that running steps get after an interrupt.
        time_budget: Seconds that a run may take; `None` for no limit.
        step_target: Seconds that a request should take, to which execute depths adapt; 0 for fixed depths, `None` for
            the engine's default.
        fail_fast: `no`, `claim` (a proof ends at its first failing node) or `run` (a run ends at its first failed
            claim).
        reuse: What is done with the steps and verdicts in the store: `reuse`, `refresh`, `verify` or `enforce`.
        verify_share: Which part of the reused steps `verify` makes again, 0 to 1.
        verify_instances: How many instances of each node of a passed proof are executed before a run ends; 0: none.
        report: Folder of the run's reports; `None` for `report` beside the store.
        report_url: Address under which a web server has that folder, for the links in Luigi's visualiser; empty where
            it is looked at on this machine.
        on_end: A command that is run at the end of a run, with the JSON summary on its standard input.
        on_end_timeout: Seconds that it may take.
    """

    suites: tuple[str, ...] = ()
    store: Path = Path('.kprover/store.sqlite')
    workers: int = 0
    backend: str = 'auto'
    server_args: tuple[str, ...] = ()
    servers: int = 0
    addresses: tuple[tuple[str, int], ...] = ()
    backend_identity: str = ''
    server_env: tuple[tuple[str, str], ...] = ()
    memory: int | None = None
    server_memory: int = 0
    server_modules: int = 2000
    hang_timeout: float = 120.0
    attempts: int = 3
    priority: str = ''
    grace: float = 5.0
    time_budget: float | None = None
    step_target: float | None = None
    fail_fast: str = 'no'
    reuse: str = 'reuse'
    verify_share: float = 0.1
    verify_instances: int = 0
    report: Path | None = None
    report_url: str = ''
    on_end: tuple[str, ...] = ()
    on_end_timeout: float = 60.0

    @property
    def report_folder(self) -> Path:
        """The folder of the run's reports, absolute."""
        return (self.report if self.report is not None else self.store.parent / 'report').absolute()

    def run_config(self) -> RunConfig:
        """The engine's view of these settings."""
        from .engine.values import RunConfig

        return RunConfig(
            store=self.store.absolute(),
            workers=self.workers,
            backend=self.backend,
            server_args=self.server_args,
            environment=dict(self.server_env),
            servers=self.servers,
            addresses=self.addresses,
            backend_identity=self.backend_identity,
            memory=self.memory,
            server_memory=self.server_memory,
            server_modules=self.server_modules,
            hang_timeout=self.hang_timeout,
            attempts=self.attempts,
            priority=self.priority,
            grace=self.grace,
            time_budget=self.time_budget,
            step_target=self.step_target,
            fail_fast=self.fail_fast,
            reuse=self.reuse,
            verify_share=self.verify_share,
        )


def read_settings(options: Mapping[str, str] | None = None) -> Settings:
    """The settings in the configuration that Luigi reads in this folder; a text in `options` goes before it.

    Raises:
        SettingsError: A key is unknown or a value is not of its kind.
    """
    try:
        from luigi.configuration import get_config

        config = get_config()
        inherited = config.defaults() if hasattr(config, 'defaults') else {}
        section = dict(config.items(SECTION)) if config.has_section(SECTION) else {}
    except (ConfigError, UnicodeDecodeError) as err:
        raise UnreadableConfig(err) from err
    own = {key: str(value) for key, value in section.items() if key not in inherited}
    return parse_settings({**own, **(options or {})})


_COMMA: Final = re.compile(r'(?<!\\),')


def split_suites(text: str) -> tuple[str, ...]:
    """The names or files in a text that separates them by commas or line ends. A comma in one is written `\\,`."""
    parts = (part for line in text.splitlines() for part in _COMMA.split(line))
    return tuple(part.strip().replace(r'\,', ',') for part in parts if part.strip())


def parse_settings(section: Mapping[str, str]) -> Settings:
    """The settings that a section's texts mean; what it leaves out, or leaves empty, has its default.

    Raises:
        SettingsError: A key is unknown or a value is not of its kind.
    """
    values: dict[str, Any] = {}
    for key, text in section.items():
        name = key.replace('-', '_')
        if name not in _READERS:
            near = get_close_matches(name, _READERS, n=1)
            hint = f' (did you mean {near[0]}?)' if near else ''
            raise SettingsError(key, f'one of the keys {", ".join(_READERS)}{hint}', text)
        if text.strip():
            values[name] = _READERS[name](name, text.strip())
    backend = values.get('backend', Settings.backend)
    values['servers'], values['addresses'] = _servers(values.get('servers', ''), backend)
    return Settings(**values)


def _text(key: str, text: str) -> str:
    return text


def _path(key: str, text: str) -> Path:
    return Path(text).expanduser()


def _suites(key: str, text: str) -> tuple[str, ...]:
    return split_suites(text)


def _fail_fast(key: str, text: str) -> str:
    from .engine.values import FAIL_FAST

    return _one_of(FAIL_FAST, key, text)


def _reuse(key: str, text: str) -> str:
    from .engine.values import REUSE

    return _one_of(REUSE, key, text)


def _one_of(allowed: tuple[str, ...], key: str, text: str) -> str:
    if text not in allowed:
        raise SettingsError(key, 'one of ' + ', '.join(allowed), text)
    return text


def _whole(what: str, *, least: int = 0) -> Callable[[str, str], int]:
    return lambda key, text: _number(key, text, what, least=least)


def _number(key: str, text: str, what: str, *, least: int = 0) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) < least:
        raise SettingsError(key, f'a whole number {what}', text)
    return int(text)


def _servers(text: str, backend: str) -> tuple[int, tuple[tuple[str, int], ...]]:
    """How many servers to start, and the addresses of those that run already."""
    if text and not (text.isascii() and text.isdecimal()):
        return 0, _addresses('servers', text, 'a whole number of servers, 0 for one per worker, or ')
    servers = int(text) if text else 0
    if '/' not in backend and ':' in backend:
        return servers, _addresses('backend', backend, 'the name or path of a server program, or ')
    return servers, ()


def _addresses(key: str, text: str, otherwise: str) -> tuple[tuple[str, int], ...]:
    found = []
    for part in text.split(','):
        host, _, port = part.strip().rpartition(':')
        if not host or not port.isascii() or not port.isdecimal() or not 0 < int(port) < 1 << 16:
            raise SettingsError(key, f'{otherwise}HOST:PORT, several separated by commas', text)
        found.append((host.strip('[]'), int(port)))
    return tuple(found)


def _size(key: str, text: str) -> int:
    match = re.fullmatch(r'(\d+(?:\.\d+)?)\s*([KMGT]?)(?:iB|B)?', text, re.IGNORECASE | re.ASCII)
    if match is None:
        raise SettingsError(key, 'bytes, as 12G or 500M (of 1024), 0 for no limit', text)
    return int(float(match[1]) * 1024 ** ' KMGT'.index(match[2].upper() or ' '))


def _variables(key: str, text: str) -> tuple[tuple[str, str], ...]:
    pairs = [word.partition('=') for word in _words(key, text)]
    if any(not separator or not name for name, separator, _ in pairs):
        raise SettingsError(key, 'words NAME=VALUE', text)
    return tuple((name, value) for name, _, value in pairs)


def _seconds(key: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float('inf'):
        raise SettingsError(key, 'seconds, zero or more', text)
    return seconds


def _share(key: str, text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise SettingsError(key, 'a share from 0 to 1, as 0.1', text)
    return share


def _words(key: str, text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as err:
        raise SettingsError(key, f'words as a shell would part them ({err})', text) from err


_READERS: Final[Mapping[str, Callable[[str, str], Any]]] = {
    'suites': _suites,
    'store': _path,
    'workers': _whole('of step workers, 0 for one per core'),
    'servers': _text,
    'backend': _text,
    'backend_identity': _text,
    'server_args': _words,
    'server_env': _variables,
    'memory': _size,
    'server_memory': _size,
    'server_modules': _whole('of added modules, 0 for any'),
    'hang_timeout': _seconds,
    'attempts': _whole('of attempts, one or more', least=1),
    'priority': _text,
    'grace': _seconds,
    'time_budget': _seconds,
    'step_target': _seconds,
    'fail_fast': _fail_fast,
    'reuse': _reuse,
    'verify_share': _share,
    'verify_instances': _whole('of instances, 0 for none'),
    'report': _path,
    'report_url': _text,
    'on_end': _words,
    'on_end_timeout': _seconds,
}
"""How the text of each key is read, given the key and the text."""
