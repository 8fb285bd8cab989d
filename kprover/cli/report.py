"""`kprover report`: the page of the last run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import UsersError, where_options

if TYPE_CHECKING:
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
    proofs out of it.
    """
    from ..report.folder import PAGE, read_record, write_whole
    from ..report.page import PageMaker
    from ..settings import read_settings
    from ..store import StoreReader

    settings = read_settings(where.given)
    folder = settings.report_folder
    try:
        record = read_record(folder)
    except FileNotFoundError as err:
        raise UsersError(f'{folder}: no run has ended that left a record here; prove something first') from err
    except ValueError as err:
        raise UsersError(f'{err}; the next run writes a new one') from err
    file = (output if output is not None else folder / PAGE).absolute()
    with StoreReader(settings.store.absolute()) as store:
        write_whole(file, PageMaker(store, whole=True)(record))
    print(file)
    if show and click.launch(file.as_uri()) != 0:
        raise UsersError(f'{file}: written, but no browser could be started; open it by hand')
    return 0
