"""`kprover replay`: show again what took down a server."""

from __future__ import annotations

from pathlib import Path

import click


@click.command('replay', short_help='Show again what took down a server.')
@click.argument('folder', type=click.Path(path_type=Path))
@click.option('--backend', metavar='NAME', help='Another server program than the one used, or HOST:PORT of one.')
@click.option('--kompiled', type=click.Path(path_type=Path), metavar='PATH', help='Where the definition is now.')
@click.option('--server-args', default='', metavar='WORDS', help='Further arguments for the server.')
@click.option(
    '--as-recorded',
    is_flag=True,
    help='Run the command line that FOLDER records, with its environment, or use the server at its address: '
    'only for a folder that you trust.',
)
@click.option(
    '--timeout', type=float, default=600.0, show_default=True, metavar='SECONDS', help='How long to wait for an answer.'
)
def command(
    folder: Path, backend: str | None, kompiled: Path | None, server_args: str, as_recorded: bool, timeout: float
) -> int:
    """Send the request lines of the reproducer in FOLDER to a fresh server and say what becomes of it.

    The server is one that kprover finds by its name, as for a run, or the one that --backend names: nothing that is
    written in FOLDER is executed, unless with --as-recorded.

    Ends with 0 if every request was answered, with 1 if the server did not survive them, with 2 if there was nothing
    to replay or no server to replay it on.
    """
    from ..replay import run

    return run(
        folder,
        backend=backend,
        kompiled=kompiled,
        server_args=server_args,
        timeout=timeout,
        as_recorded=as_recorded,
    )
