"""The command itself: finds subcommands, turns errors into one line, ends with the right code."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
import traceback
from typing import TYPE_CHECKING

import click

from .. import __version__
from ..streams import guarded_streams, open_closed_streams
from .options import UsersError, users_errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

COMMANDS: Final[Mapping[str, str]] = {
    'status': 'status',
    'steps': 'steps',
    'explain': 'explain',
    'replay': 'replay',
    'compare': 'compare',
    'show': 'show',
    'view': 'view',
    'audit': 'audit',
    'export-proof': 'export',
    'import-proof': 'import_',
    'report': 'report',
    'history': 'history',
    'store': 'store',
    'completion': 'completion',
}
"""Each subcommand and the module of this package whose `command` it is. Modules are imported when they are needed."""

USAGE_ERROR: Final = 2
"""Exit code for a command line, configuration or store that cannot be used."""

INTERRUPTED: Final = 130
"""Exit code after Ctrl-C, as shells have it."""


class _Commands(click.Group):
    """Subcommands by name, imported when asked for, so that each starts as quickly as it can."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f'.{COMMANDS[name]}', __package__).command
        return _with_debug(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as err:
            near = difflib.get_close_matches(args[0], COMMANDS, n=3)
            if not near:
                raise
            raise click.UsageError(f'{err.message} Did you mean {" or ".join(near)}?', ctx) from err


def _debug_option() -> click.Option:
    def remember(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        if value:
            ctx.find_root().meta['kprover.debug'] = True

    return click.Option(
        ['--debug'], is_flag=True, expose_value=False, callback=remember, help='Show the traceback of an error.'
    )


def _with_debug(command: click.Command) -> click.Command:
    """The command and all below it with option `--debug`, which may stand anywhere on the line."""
    if not any('--debug' in parameter.opts for parameter in command.params):
        command.params.append(_debug_option())
    if isinstance(command, click.Group):
        for below in command.commands.values():
            _with_debug(below)
    return command


app = _Commands(
    name='kprover',
    help='Look at the proofs that `luigi --module pipelines ProveAll` makes, and keep their checkpoints.',
    context_settings={'help_option_names': ['-h', '--help'], 'max_content_width': 100},
    params=[_debug_option()],
)
app = click.version_option(__version__, message='%(prog)s %(version)s')(app)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Returns its exit code; a message about what went wrong is on standard error."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = '--debug' in arguments
    open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character of the user's language shows its number.
        if (reconfigure := getattr(stream, 'reconfigure', None)) is not None:
            reconfigure(errors='backslashreplace')
    with guarded_streams():
        return _run(arguments, debug)


def _run(arguments: Sequence[str], debug: bool) -> int:
    try:
        code = app.main(list(arguments), prog_name='kprover', standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as err:
        err.show()
        return err.exit_code
    except (click.Abort, KeyboardInterrupt):
        print('kprover: interrupted', file=sys.stderr)
        return INTERRUPTED
    except (BrokenPipeError, SystemExit) as err:
        if isinstance(err, SystemExit) and err.code != 1:
            raise
        # The reader, as in `kprover status | head`, has seen enough, which click and rich make a SystemExit(1) of.
        # Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as err:
        return _report(err, debug)
    return code if isinstance(code, int) else 0


def _report(err: Exception, debug: bool) -> int:
    """One line about an error; its traceback where that was asked for."""
    if debug:
        traceback.print_exc()
    if isinstance(err, (UsersError, OSError, *users_errors())):
        print(f'kprover: {_line(err)}', file=sys.stderr)
        return USAGE_ERROR
    hint = '' if debug else '; --debug shows where'
    print(f'kprover: an error of kprover itself: {type(err).__name__}: {err}{hint}', file=sys.stderr)
    return 1


def _line(err: Exception) -> str:
    """What an error says; of an error of the system, which file it is about and what is wrong with it."""
    if isinstance(err, OSError) and err.strerror:
        return f'{err.filename if err.filename is not None else "standard output"}: {err.strerror}'
    return str(err)
