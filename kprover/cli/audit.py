"""`kprover audit`: a verdict checked without trust in it."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

import click

from ..printable import printable
from ..streams import unguarded
from .deep import on_big_stack
from .options import UsersError, claim_argument, json_option, where_options

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

    from .options import Where

INTERVAL: Final = 5.0
"""Seconds between two lines of progress where there is no terminal."""


@click.command('audit', short_help='Check a verdict without trust in it.')
@claim_argument()
@click.option(
    '--sample',
    'share',
    type=click.FloatRange(0, 1),
    default=1.0,
    metavar='SHARE',
    help='Make only this share of the steps again, 0 to 1; those that end a branch always.  [default: 1]',
)
@click.option('--seed', type=int, help='Chooses the sample and the instances.  [default: another one each time]')
@click.option(
    '--instances',
    type=click.IntRange(min=0),
    default=20,
    metavar='N',
    help='Execute this many ground instances of each node and hold them against the graph; 0: none.  [default: 20]',
)
@click.option('--on', metavar='NAME', help='Make the steps again on this server program.  [default: --backend]')
@click.option('--dependencies', is_flag=True, help='Audit the claims that CLAIM depends on too.')
@json_option
@where_options
def command(
    where: Where,
    claim: str,
    *,
    share: float,
    seed: int | None,
    instances: int,
    on: str | None,
    dependencies: bool,
    as_json: bool,
) -> int:
    """Check the verdict of CLAIM against its journal and a fresh server.

    The proof is begun anew from the claim's files, every commit of the journal is made again in pyk, and every step is
    executed again and compared. The end of each branch must be what the verdict says. Then ground instances of every
    node are executed and held against the graph: one that contradicts it is printed, and takes the verdict back. Ends
    with 0 if the verdict is confirmed, be it passed or failed, and with 1 if not. A trusted claim has no proof, so its
    verdict is not confirmed; that a dependency is trusted is said, and no more.
    """
    from ..audit.audit import AuditOptions, audits
    from ..audit.model import AuditError
    from ..engine import Ledger
    from ..engine.plan import dependencies_first

    name = where.full_name(claim)
    ledger_of = Ledger(where.suites, where.config)
    order = dependencies_first(ledger_of.proofs, [ledger_of.proof(name).digest])[:-1] if dependencies else []
    names = [*(ledger_of.proofs[digest].claim.name for digest in order), name]
    progress = _Progress(names)
    options = AuditOptions(
        share=share, seed=seed, on=on, instances=instances, deep=on_big_stack, progress=progress.show
    )
    reports = []
    try:
        for report in audits(ledger_of, names, where.config, options):
            progress.end()
            reports.append(report)
            if not as_json:
                print('\n'.join(report.lines()), flush=True)
    except AuditError as err:
        raise UsersError(str(err)) from err
    finally:
        progress.end()
    if as_json:
        print(json.dumps([report.to_dict() for report in reports], indent=2))
    wrong = any(report.findings or report.contradictions for report in reports)
    return 0 if reports[-1].confirmed and not wrong else 1


class _Progress:
    """How far an audit is: one line that is written over in a terminal, a line now and then elsewhere."""

    def __init__(self, claims: Iterable[str]):
        self._claims = iter(claims)
        self._claim = next(self._claims)
        self._terminal = sys.stderr.isatty()
        self._written = time.monotonic()
        self._shown = False

    def show(self, done: int, of: int, what: str) -> None:
        text = f'{self._claim}: {done} of {of} {what}'
        if self._terminal:
            print(f'\r\033[K{printable(text)}', end='', file=unguarded(sys.stderr), flush=True)
            self._shown = True
        elif time.monotonic() - self._written >= INTERVAL:
            self._written = time.monotonic()
            print(text, file=sys.stderr, flush=True)

    def end(self) -> None:
        """The claim is audited, or all is over."""
        self._claim = next(self._claims, self._claim)
        if self._shown:
            print('\r\033[K', end='', file=unguarded(sys.stderr), flush=True)
            self._shown = False
