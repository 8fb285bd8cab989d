"""`kprover report`: the page of the last run."""

from __future__ import annotations

import platform
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import UsersError, users_errors, where_options

if TYPE_CHECKING:
    from ..engine import ClaimProgress
    from ..report.record import RunRecord
    from .options import Where


@click.command('report', short_help='The page of the last run.')
@click.option(
    '-o', '--output', type=click.Path(path_type=Path, dir_okay=False), metavar='FILE',
    help='Where to write it.  [default: report.html in the report folder]',
)  # fmt: skip
@click.option('--open', 'show', is_flag=True, help='Open it in the browser.')
@where_options
def command(where: Where, output: Path | None, *, show: bool) -> int:
    """Write the HTML page of the last run again, with every proof as the store has it now, and say where it is.

    A run writes its page itself, while it lasts and at its end; one that was interrupted or killed may have left
    proofs out of it. After a run that was killed (kill -9) the other files of its reports are written, too.
    """
    from ..engine.known import is_alive
    from ..report.folder import PAGE, ReportFolder, read_record, write_whole
    from ..report.page import PageMaker
    from ..settings import read_settings
    from ..store import StoreReader

    settings = read_settings(where.given)
    folder = settings.report_folder
    try:
        record = read_record(folder)
    except FileNotFoundError as err:
        raise UsersError(f'{folder}: no run has left a record here; prove something first') from err
    except ValueError as err:
        raise UsersError(f'{err}; the next run writes a new one') from err
    file = (output if output is not None else folder / PAGE).absolute()
    here = record.facts.host == platform.node()
    killed = not record.final and here and not is_alive(record.summary.run)
    if killed:
        message = record.killed(_known(where, record))
        print(f'kprover: {message}; the same command goes on from its steps', file=sys.stderr)
    with StoreReader(settings.store.absolute()) as store:
        page = PageMaker(store, whole=True)
        if killed:
            ReportFolder(folder, record, live={PAGE: page}, tell=_fail).finished(record.summary)
        if output is not None or not killed:
            write_whole(file, page(record))
    print(file)
    if show and click.launch(file.as_uri()) != 0:
        raise UsersError(f'{file}: written, but no browser could be started; open it by hand')
    return 0


def _known(where: Where, record: RunRecord) -> tuple[ClaimProgress, ...]:
    """The claims of a run as the store has them now; none where its suites cannot be read here any more."""
    from ..engine import status

    try:
        return status(replace(where, files=where.files or record.facts.suites).suites, where.config).claims
    except users_errors():
        return ()


def _fail(problem: str) -> None:
    raise UsersError(problem)
