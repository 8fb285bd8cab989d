"""The command line: read the definition, then serve until a signal comes.

Accepts kore-rpc's and kore-rpc-booster's spelling of options, so that pyk's `KoreServer` can start this server in their
place. Options that have no meaning here are accepted and ignored, as `--help` says.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Final

from . import __version__
from .errors import DefinitionError
from .transport import Server, on_large_stack, prepare_threads

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['main']

EXIT_DEFINITION: Final = 2
"""The definition cannot be read. argparse uses the same code for a wrong command line."""
EXIT_LISTEN: Final = 3
"""The address cannot be listened on."""

_IGNORED: Final = {
    '--smt-reset-interval': 'N',
    '--smt-tactic': 'TACTIC',
    '--tactic': 'TACTIC',
    '--smt-prelude': 'FILE',
    '--log': 'FILE',
    '--log-file': 'FILE',
    '--log-format': 'FORMAT',
    '--log-type': 'TYPE',
    '--log-entries': 'ENTRIES',
    '--log-context': 'GLOB',
    '--not-log-context': 'GLOB',
    '--exe-name': 'NAME',
    '--bug-report': 'FILE',
    '--solver-transcript': 'FILE',
    '--llvm-backend-library': 'FILE',
    '--fallback-on': 'REASONS',
    '--interim-simplification': 'N',
    '--simplify-each': 'N',
    '--equation-max-recursion': 'N',
    '--equation-max-iterations': 'N',
}
_IGNORED_FLAGS: Final = ('--no-post-exec-simplify', '--no-bug-report', '--no-fallback-simplify', '--log-timestamps')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='kprover-kore-rpc',
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description='Serve symbolic execution of a Kore definition over Kore JSON-RPC.',
        epilog=(
            'Methods: execute, implies, simplify, get-model, add-module, cancel.\n'
            'What cannot be decided is answered by less: a stuck state, an implication that is not valid, an unknown\n'
            'model. docs/embedded-server.md says what is supported.\n\n'
            'Accepted for compatibility with kore-rpc and kore-rpc-booster, and ignored:\n  '
            + '\n  '.join([f'{name} {metavar}' for name, metavar in _IGNORED.items()] + list(_IGNORED_FLAGS))
            + '\n\nExit codes: 0 after SIGTERM, 2 for a wrong command line or an unusable definition, 3 if the address '
            'cannot\nbe listened on, 130 after SIGINT.'
        ),
    )
    parser.add_argument('definition', type=Path, metavar='DEFINITION', help='a definition.kore file')
    parser.add_argument('--module', required=True, help='the main module of the definition')
    parser.add_argument('--server-port', type=_port, default=31337, metavar='PORT', help='0 takes a free port')
    parser.add_argument('--host', default='127.0.0.1', help='the address to listen on (default: %(default)s)')
    parser.add_argument(
        '--smt-timeout',
        type=_positive,
        default=500,
        metavar='MS',
        help='of an idle core, for each query (default: %(default)s)',
    )
    parser.add_argument(
        '--smt-retry-limit',
        type=_natural,
        default=1,
        metavar='N',
        help='how often an undecided query is tried again with twice the time (default: %(default)s)',
    )
    parser.add_argument('--smt', choices=('z3', 'none'), default='z3', help='none: leave every query undecided')
    parser.add_argument('--no-smt', action='store_const', const='none', dest='smt', help='the same as --smt none')
    parser.add_argument(
        '--log-solver',
        type=Path,
        metavar='FILE',
        help='append a line of JSON for each query: result, cost, what it asks',
    )
    parser.add_argument(
        '--max-request-bytes',
        type=_positive,
        default=256 << 20,
        metavar='N',
        help='longer requests are refused (default: %(default)s)',
    )
    parser.add_argument(
        '-l', '--log-level', action='append', default=[], metavar='LEVEL', help='debug: report failures in full'
    )
    parser.add_argument('--version', action='version', version=f'kprover-kore-rpc {__version__}')
    for name, metavar in _IGNORED.items():
        parser.add_argument(name, action='append', metavar=metavar, help=argparse.SUPPRESS)
    for name in _IGNORED_FLAGS:
        parser.add_argument(name, action='store_true', help=argparse.SUPPRESS)
    return parser


def _number(text: str, least: int, most: int | None, what: str) -> int:
    """Return the number that `text` denotes. Raises argparse's error unless it is between `least` and `most`."""
    if not text.lstrip('-').isdecimal() or int(text) < least or (most is not None and int(text) > most):
        raise argparse.ArgumentTypeError(f'expected {what}, found {text!r}')
    return int(text)


def _natural(text: str) -> int:
    return _number(text, 0, None, 'a natural number')


def _positive(text: str) -> int:
    return _number(text, 1, None, 'a positive number')


def _port(text: str) -> int:
    return _number(text, 0, (1 << 16) - 1, 'a port between 0 and 65535')


def _end(code: int) -> None:
    """End the process at once, whatever its threads do: they hold nothing that must be saved."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # it is None if it was closed from the start
            pass
    os._exit(code)


def _say(text: str) -> None:
    """Write a line to the standard error output, without what a terminal would act on; a reader that has gone is no
    reason to end."""
    shown = ''.join(
        char if char.isprintable() or char in '\n\t' else char.encode('unicode_escape').decode() for char in text
    )
    try:
        sys.stderr.write(shown + '\n')
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):  # it is None if it was closed from the start
        pass


def main(argv: Sequence[str] | None = None) -> int:
    """Run the server; returns the exit code if it cannot start, and otherwise only when it stops listening."""
    options = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: _end(0))
    signal.signal(signal.SIGINT, lambda *_: _end(130))
    prepare_threads()
    if hasattr(sys, 'set_int_max_str_digits'):
        # Integers of the object language have no bound.
        sys.set_int_max_str_digits(0)

    # The engine is imported here so that --help and a wrong command line are answered at once.
    from .engine import load_engine
    from .methods import Methods
    from .rpc import Dispatcher
    from .smt import SmtOptions
    from .solver_log import SolverLog

    try:
        # Loading allocates much and frees little: collecting cycles meanwhile only costs time.
        gc.disable()
        engine = on_large_stack(lambda: load_engine(options.definition, options.module))
    except DefinitionError as err:
        _say(f'kprover-kore-rpc: {err}')
        return EXIT_DEFINITION
    except OSError as err:
        _say(f'kprover-kore-rpc: {options.definition}: {err.strerror or err}')
        return EXIT_DEFINITION
    gc.freeze()
    gc.enable()
    gc.set_threshold(50_000, 20, 100)

    try:
        log = None if options.log_solver is None else SolverLog(options.log_solver)
    except OSError as err:
        _say(f'kprover-kore-rpc: --log-solver {options.log_solver}: {err.strerror or err}')
        return EXIT_DEFINITION
    enabled = options.smt != 'none'
    smt = SmtOptions(options.smt_timeout, options.smt_retry_limit, enabled, log)
    verbose = 'debug' in options.log_level

    def report(method: str, error: BaseException) -> None:
        _say(f'kprover-kore-rpc: {method}: {type(error).__name__}: {error}')
        if verbose:
            _say(''.join(traceback.format_exception(type(error), error, error.__traceback__)))

    try:
        server = Server(
            options.host,
            options.server_port,
            lambda: Dispatcher(Methods(engine, smt).table(), report),
            max_request_bytes=options.max_request_bytes,
        )
    except OSError as err:
        _say(f'kprover-kore-rpc: cannot listen on {options.host}:{options.server_port}: {err.strerror or err}')
        return EXIT_LISTEN
    _say(f'kprover-kore-rpc: serving {options.definition} ({options.module}) on {options.host}:{server.port}')
    smt.warm_up()
    server.serve()
    return 0
