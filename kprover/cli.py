"""The `kprover` command: looks at checkpoints, beside a run or after it, and writes nothing.

`kprover status` shows what `ProveAll` showed, from the store; `kprover steps` lists the steps of a proof. Settings and
default suites are those of luigi.cfg. `kprover replay` sends the requests of a reproducer to a fresh server.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__
from .settings import SettingsError, read_settings, split_suites

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .engine import RunConfig
    from .suites import Suite

USAGE_ERROR = 2
"""Exit code for a command line, configuration or store that cannot be used."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Returns its exit code: 0, or `USAGE_ERROR` after a message on standard error."""
    from . import replay
    from .backends import BackendError
    from .engine import EngineError
    from .store import StoreError
    from .suites import SemanticsNotFound, SuiteError

    arguments = _parser().parse_args(argv)
    if arguments.command == 'replay':
        return replay.run(arguments)
    try:
        suites, config = _open(arguments)
        if arguments.command == 'status':
            _status(suites, config, arguments.claim, as_json=arguments.json, look=_look(arguments))
        else:
            _steps(suites, config, arguments.claim, as_json=arguments.json)
        sys.stdout.flush()
    except (SettingsError, SuiteError, SemanticsNotFound, BackendError, EngineError, StoreError) as err:
        print(f'kprover: {err}', file=sys.stderr)
        return USAGE_ERROR
    except BrokenPipeError:
        # The reader, as in `kprover status | head`, has seen enough; Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    from . import replay

    parser = argparse.ArgumentParser(prog='kprover', description='Look at the proofs that `ProveAll` makes.')
    parser.add_argument('--version', action='version', version=f'kprover {__version__}')
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    status = commands.add_parser(
        'status', help='claims and the last run', description='What is known of the claims, and the last run.'
    )
    status.add_argument('claim', nargs='?', metavar='CLAIM', help='everything about one claim: suite/LABEL or LABEL')
    steps = commands.add_parser(
        'steps',
        help="a proof's steps",
        description='The steps of a proof by key: done, pending, or made and to be taken by the next run.',
    )
    steps.add_argument('claim', metavar='CLAIM', help='suite/LABEL or LABEL')
    for command in (status, steps):
        command.add_argument('--json', action='store_true', help='as JSON')
        command.add_argument(
            '--suite',
            action='append',
            default=[],
            metavar='PATH',
            help='suite file; may be repeated; default: those of luigi.cfg',
        )
        command.add_argument('--store', metavar='PATH', help='file of the checkpoint store; default: that of luigi.cfg')
        command.add_argument(
            '--backend', metavar='NAME', help='whose proofs: verdicts belong to a server program; default: luigi.cfg'
        )
        command.add_argument(
            '--backend-identity', metavar='TEXT', help='what a running server, --backend HOST:PORT, is'
        )
    replayed = commands.add_parser(
        'replay',
        help='show again what took down a server',
        description='Send the request lines of a reproducer to a fresh server and say what becomes of it.',
    )
    replay.add_arguments(replayed)
    return parser


def _open(arguments: argparse.Namespace) -> tuple[tuple[Suite, ...], RunConfig]:
    from .suites import load_suites

    given = {
        'store': arguments.store,
        'backend': arguments.backend,
        'backend_identity': arguments.backend_identity,
    }
    settings = read_settings({key: text for key, text in given.items() if text})
    files = tuple(file for text in arguments.suite for file in split_suites(text)) or settings.suites
    return load_suites([Path(file) for file in files]), settings.run_config()


def _look(arguments: argparse.Namespace) -> str:
    """This command again, for a claim's name to follow."""
    words = ['kprover', 'status', *(word for file in arguments.suite for word in ('--suite', file))]
    words += ['--store', arguments.store] if arguments.store else []
    words += ['--backend', arguments.backend] if arguments.backend else []
    words += ['--backend-identity', arguments.backend_identity] if arguments.backend_identity else []
    return shlex.join(words)


def _status(suites: tuple[Suite, ...], config: RunConfig, claim: str | None, *, as_json: bool, look: str) -> None:
    from .engine import status
    from .report import claim_report, make_console, print_report, status_json, status_report

    summary = status(suites, config)
    if claim is not None:
        name = full_name(suites, claim)
        summary = replace(summary, claims=tuple(c for c in summary.claims if c.claim == name))
    if as_json:
        print(json.dumps(status_json(summary), indent=2))
    elif claim is not None:
        print('\n'.join(line for progress in summary.claims for line in claim_report(progress)))
    else:
        print_report(make_console(), status_report(summary, look))


def _steps(suites: tuple[Suite, ...], config: RunConfig, claim: str, *, as_json: bool) -> None:
    from .engine import Ledger, pending_steps
    from .engine.ledger import read_journal, step_row
    from .store import StoreReader

    name = full_name(suites, claim)
    with StoreReader(config.store) as store:
        journal = read_journal(store, Ledger(suites, config).proof(name).digest)
        found = [(key, node, store.contains(step_row(key))) for key, node in pending_steps(suites, name, config)]
    done = [{'key': key, 'node': node, 'state': 'done'} for node, key in journal]
    # a step that was made by hand is committed to its proof by the next run
    pending = [{'key': key, 'node': node, 'state': 'made' if made else 'pending'} for key, node, made in found]
    if as_json:
        print(json.dumps({'claim': name, 'steps': done + pending}, indent=2))
        return
    for step in done + pending:
        print(f'{step["state"]:8}node {step["node"]:<6}{step["key"]}')
    if not done and not pending:
        print(f'{name}: no step is known')


def full_name(suites: Sequence[Suite], name: str) -> str:
    """`suite/LABEL` of a claim that is named by it, by its label, or by the end of its label. Raises `SuiteError`."""
    from .suites import select

    # With the claim come those that it depends on: it is the one that none of them depends on.
    chosen = select(suites, [name])
    needed = {dependency for claim in chosen for dependency in claim.depends}
    return next(claim.name for claim in chosen if claim.name not in needed)
