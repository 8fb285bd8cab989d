"""What the tasks of one command share: settings, loaded suites and the ledger that answers for their verdicts.

Files are read once for each selection of suites, so all tasks of a command speak of the same state of them. No
connection to the store is kept: Luigi may fork.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from kprover.settings import SettingsError, read_settings

from .config import kprover

if TYPE_CHECKING:
    from kprover.engine import Ledger, RunConfig
    from kprover.settings import Settings
    from kprover.suites import Claim, Suite


@dataclass(frozen=True)
class Workspace:
    """Suites as they were when the command began, and where their checkpoints are."""

    suites: tuple[Suite, ...]
    config: RunConfig
    ledger: Ledger
    look: str
    """The command that, given a claim's name, says everything about it."""
    settings: Settings

    def chosen(self, names: tuple[str, ...]) -> tuple[Claim, ...]:
        """The claims with these names (all if there are none) and those they depend on. Raises `SuiteError`."""
        from kprover.suites import select

        return select(self.suites, names)

    def together(self, names: tuple[str, ...]) -> list[str]:
        """The names of claims as they were meant, where they have commas."""
        from kprover.suites import together

        return together(self.suites, names)

    def full_name(self, name: str) -> str:
        """`suite/LABEL` of a claim that may be named by its label alone. Raises `SuiteError`."""
        from kprover.suites import SuiteError, full_name

        if name in self._names:
            return name
        if not name:
            raise SuiteError(None, '', 'no claim is named', 'give it with --claim; kprover status lists them')
        return full_name(self.suites, name)

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(claim.name for suite in self.suites for claim in suite.claims)

    def check_step(self, claim: str, key: str) -> None:
        """Raises `SuiteError` if no step with this key has been made, or is to be made next, for the claim."""
        from kprover.suites import SuiteError

        made, pending = self.ledger.steps(claim)
        known = {step for step, _ in (*made, *pending)}
        if key not in known:
            hint = (
                f'{self.look_by("steps")} {shlex.quote(claim)} lists its steps'
                if known
                else 'it has none yet, prove it first'
            )
            found = f"{claim} has no step with key '{key}'" if key else 'no step is named by --key'
            raise SuiteError(None, '', found, hint)

    def look_by(self, command: str) -> str:
        """`look` with another subcommand of kprover."""
        return self.look.replace('kprover status', f'kprover {command}', 1)

    def passed(self, name: str) -> bool:
        """Whether the store holds the verdict that the claim, as it is now, has passed."""
        from kprover.engine import Status

        verdict = self.ledger.verdict(self.full_name(name))
        return verdict is not None and verdict.status is Status.PASSED


def workspace(suite_files: tuple[str, ...]) -> Workspace:
    """The workspace of some suite files, or of those in the configuration if there are none.

    Raises:
        SettingsError, SuiteError, BackendError: The configuration cannot be used.
    """
    settings = kprover().settings()
    files = suite_files or settings.suites
    if not files:
        raise SettingsError('suites', 'at least one suite file, or --suite PATH', '')
    return _load(files, settings)


@lru_cache(maxsize=4)
def _load(files: tuple[str, ...], settings: Settings) -> Workspace:
    from kprover.engine import EngineError, Ledger
    from kprover.engine.priority import load_priority
    from kprover.suites import Preparation, load_suites

    config = settings.run_config()
    try:
        if config.priority:
            load_priority(config.priority)
    except EngineError as err:
        raise SettingsError('priority', f'module:callable ({err})', config.priority) from err
    suites = load_suites([Path(file) for file in files], Preparation.beside(config.store))
    return Workspace(suites, config, Ledger(suites, config), _look(files, settings), settings)


def from_here(path: Path) -> str:
    """A path as it is written in the current folder."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _look(files: tuple[str, ...], settings: Settings) -> str:
    """`kprover status` with the options that make it look where this command has worked."""
    usual = read_settings()
    words = ['kprover', 'status']
    if files != usual.suites:
        words += [word for file in files for word in ('--suite', file)]
    if settings.store != usual.store:
        words += ['--store', str(settings.store)]
    if settings.backend != usual.backend and not settings.addresses:
        words += ['--backend', settings.backend]
    if settings.addresses != usual.addresses or settings.backend_identity != usual.backend_identity:
        # A number of servers makes no difference to what is known of claims, addresses do.
        words += ['--backend', ','.join(f'{host}:{port}' for host, port in settings.addresses)]
        words += ['--backend-identity', settings.backend_identity]
    return shlex.join(words)
