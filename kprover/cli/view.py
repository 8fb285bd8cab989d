"""`kprover view`: a proof in pyk's terminal viewer."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from .deep import on_big_stack
from .options import UsersError, claim_argument, where_options
from .show import read_proof

if TYPE_CHECKING:
    from pyk.kcfg.tui import KCFGViewer

    from .options import Where


@click.command('view', short_help="A proof in pyk's terminal viewer.")
@claim_argument()
@where_options
def command(where: Where, claim: str) -> None:
    """Look at the graph of the proof of CLAIM, running or done, in pyk's terminal viewer; q ends it."""
    name = where.full_name(claim)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsersError('view needs a terminal; `kprover show` writes the graph as text')
    on_big_stack(lambda: viewer(where, name)).run()


def viewer(where: Where, name: str) -> KCFGViewer:
    """pyk's viewer of a proof, not running yet. Raises `PykFilesError` if the proof has no graph."""
    from pyk.kcfg.tui import KCFGViewer

    from ..pykfiles.showing import ProofPrinter, reachability

    replayed, definition = read_proof(where, name)
    proof = reachability(replayed)
    return KCFGViewer(proof.kcfg, definition.kast, node_printer=ProofPrinter(proof, definition))
