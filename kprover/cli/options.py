"""What subcommands share: which suites, which store, whose verdicts, and the names of claims.

@click.command()
@where_options
@claim_argument
def command(where: Where, claim: str) -> None: ...
"""

from __future__ import annotations

import functools
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..engine import RunConfig
    from ..suites import Suite


class UsersError(Exception):
    """What was asked for cannot be done: the message says what was expected, what was found and what to do."""


def users_errors() -> tuple[type[Exception], ...]:
    """The exceptions whose message is all that a user needs."""
    from ..backends import BackendError
    from ..engine import EngineError
    from ..proofs.errors import StepError
    from ..pykfiles.errors import PykFilesError
    from ..settings import SettingsError
    from ..store import StoreError
    from ..suites import SemanticsNotFound, SuiteError

    of_suites = (SettingsError, SuiteError, SemanticsNotFound)
    return (*of_suites, BackendError, EngineError, StoreError, StepError, PykFilesError)


@dataclass(frozen=True)
class Where:
    """Which suites, store and backend a command is about; files are read when they are asked for.

    Attributes:
        files: Suite files as they were given, none for those of luigi.cfg.
        given: Settings of the command line, by the keys of luigi.cfg.
        runs: Whether programs may be run to read suites, as `kprove` for specs in K's syntax.
    """

    files: tuple[str, ...] = ()
    given: dict[str, str] = field(default_factory=dict)
    runs: bool = True

    @functools.cached_property
    def suites(self) -> tuple[Suite, ...]:
        """The suites. Raises `SuiteError`, `SettingsError`."""
        from ..settings import SettingsError, read_settings, split_suites
        from ..suites import Preparation, load_suites

        settings = read_settings(self.given)
        files = tuple(file for text in self.files for file in split_suites(text)) or settings.suites
        if not files:
            raise SettingsError('suites', 'at least one suite file, or --suite PATH', '')
        return load_suites([Path(file) for file in files], Preparation.beside(settings.store, runs=self.runs))

    @functools.cached_property
    def config(self) -> RunConfig:
        """The settings of the engine. Raises `SettingsError`."""
        from ..settings import read_settings

        return read_settings(self.given).run_config()

    def full_name(self, claim: str) -> str:
        """`suite/LABEL` of the claim. Raises `SuiteError`."""
        from ..suites import full_name

        return full_name(self.suites, claim)

    def again(self, command: str) -> str:
        """`kprover COMMAND` with the same options, for a claim's name to follow."""
        words = ['kprover', command, *(word for file in self.files for word in ('--suite', file))]
        for key, text in self.given.items():
            words += [f'--{key.replace("_", "-")}', text]
        return shlex.join(words)


def where_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: `--suite`, `--store`, `--backend` and `--backend-identity`, given as parameter `where`."""

    @click.option(
        '--suite',
        multiple=True,
        metavar='PATH',
        type=click.Path(),
        help='Suite file; may be repeated.  [default: those of luigi.cfg]',
    )
    @click.option(
        '--store', metavar='PATH', type=click.Path(), help='The checkpoint store.  [default: that of luigi.cfg]'
    )
    @click.option(
        '--backend', metavar='NAME', help='Whose proofs: verdicts belong to a server program.  [default: luigi.cfg]'
    )
    @click.option('--backend-identity', metavar='TEXT', help='What a running server, --backend HOST:PORT, is.')
    @functools.wraps(function)
    def with_where(
        *args: Any,
        suite: tuple[str, ...],
        store: str | None,
        backend: str | None,
        backend_identity: str | None,
        **kwargs: Any,
    ) -> Any:
        given = {'store': store, 'backend': backend, 'backend_identity': backend_identity}
        where = Where(suite, {key: text for key, text in given.items() if text})
        return function(*args, where=where, **kwargs)

    return with_where


def _claims_that_begin(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Names for the shell's completion: of the suites on the line so far; none if they cannot be read."""
    try:
        where = Where(tuple(ctx.params.get('suite') or ()), runs=False)
        names = [name for suite in where.suites for claim in suite.claims for name in (claim.name, claim.label)]
    except Exception:  # whatever it is, completion is not the place to say so
        return []
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]


def claim_argument(*, required: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: argument `CLAIM`, given as parameter `claim`; shells complete it."""
    return click.argument('claim', required=required, shell_complete=_claims_that_begin)


json_option = click.option('--json', 'as_json', is_flag=True, help='As JSON.')
"""Decorator: `--json`, given as parameter `as_json`."""

minimize_option = click.option(
    '--minimize', is_flag=True, help="Join edges and lift splits, as pyk's KCFGMinimizer does."
)
"""Decorator: `--minimize`, given as parameter `minimize`."""
