"""The settings of a run as the user writes them: section `[kprover]` of luigi.cfg.

The pipelines and the `kprover` command both read that section through Luigi's configuration; what the values
mean, their defaults and their errors are here, so that both agree. Luigi is imported only to read the file.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .engine.values import RunConfig

SECTION = 'kprover'

FAIL_FAST = ('no', 'claim', 'run')


class SettingsError(Exception):
    """A setting that cannot be used; names the key, what was expected and what was found."""

    def __init__(self, key: str, expected: str, found: str):
        super().__init__(f'luigi.cfg or option, section [{SECTION}], key {key}: expected {expected}, found {found!r}')


@dataclass(frozen=True)
class Settings:
    """How `ProveAll` runs, and where `kprover status` looks.

    Attributes:
        suites: Suite files that are proved when none is named.
        store: File of the checkpoint store.
        workers: Step workers, each with its own server; 0 means one per core.
        backend: `auto`, `kore-rpc-booster`, `kore-rpc`, `embedded` or the path of a server program.
        server_args: Further arguments for every server.
        priority: `module:callable`, empty for the engine's default order.
        grace: Seconds that running steps get after an interrupt.
        time_budget: Seconds that a run may take; `None` for no limit.
        step_target: Seconds that a request should take, to which execute depths adapt; 0 for fixed depths, `None` for
            the engine's default.
        fail_fast: `no`, `claim` (a proof ends at its first failing node) or `run` (a run ends at its first failed
            claim).
    """

    suites: tuple[str, ...] = ('examples/imp/suite.toml', 'examples/stack/suite.toml')
    store: Path = Path('.kprover/store.sqlite')
    workers: int = 0
    backend: str = 'auto'
    server_args: tuple[str, ...] = ()
    priority: str = ''
    grace: float = 5.0
    time_budget: float | None = None
    step_target: float | None = None
    fail_fast: str = 'no'

    def run_config(self) -> RunConfig:
        """The engine's view of these settings."""
        from .engine.values import RunConfig

        return RunConfig(
            store=self.store.absolute(),
            workers=self.workers,
            backend=self.backend,
            server_args=self.server_args,
            priority=self.priority,
            grace=self.grace,
            time_budget=self.time_budget,
            step_target=self.step_target,
            fail_fast=self.fail_fast,
        )


def read_settings(options: Mapping[str, str] | None = None) -> Settings:
    """The settings in the configuration that Luigi reads in this folder; a text in `options` goes before it.

    Raises:
        SettingsError: A key is unknown or a value is not of its kind.
    """
    from luigi.configuration import get_config

    config = get_config()
    inherited = config.defaults() if hasattr(config, 'defaults') else {}
    section = dict(config.items(SECTION)) if config.has_section(SECTION) else {}
    own = {key: str(value) for key, value in section.items() if key not in inherited}
    return parse_settings({**own, **(options or {})})


def split_suites(text: str) -> tuple[str, ...]:
    """The suite files in a text that separates them by commas or line ends."""
    return tuple(part for line in text.splitlines() for part in (p.strip() for p in line.split(',')) if part)


def parse_settings(section: Mapping[str, str]) -> Settings:
    """The settings that a section's texts mean; what it leaves out has its default.

    Raises:
        SettingsError: A key is unknown or a value is not of its kind.
    """
    known = [field.name for field in fields(Settings)]
    for key, text in section.items():
        if key.replace('-', '_') not in known:
            raise SettingsError(key, 'one of the keys ' + ', '.join(known), text)
    texts = {key.replace('-', '_'): text.strip() for key, text in section.items()}
    default = Settings()
    fail_fast = texts.get('fail_fast') or default.fail_fast
    if fail_fast not in FAIL_FAST:
        raise SettingsError('fail_fast', 'one of ' + ', '.join(FAIL_FAST), fail_fast)
    return Settings(
        suites=split_suites(texts['suites']) if 'suites' in texts else default.suites,
        store=Path(texts.get('store') or default.store).expanduser(),
        workers=_workers(texts['workers']) if 'workers' in texts else default.workers,
        backend=texts.get('backend') or default.backend,
        server_args=_words('server_args', texts.get('server_args', '')),
        priority=texts.get('priority', default.priority),
        grace=_seconds('grace', texts['grace']) if 'grace' in texts else default.grace,
        time_budget=_seconds('time_budget', texts['time_budget']) if texts.get('time_budget') else None,
        step_target=_seconds('step_target', texts['step_target']) if texts.get('step_target') else None,
        fail_fast=fail_fast,
    )


def _workers(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise SettingsError('workers', 'a whole number of step workers, 0 for one per core', text)
    return int(text)


def _seconds(key: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float('inf'):
        raise SettingsError(key, 'seconds, zero or more', text)
    return seconds


def _words(key: str, text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as err:
        raise SettingsError(key, f'words as a shell would part them ({err})', text) from err
