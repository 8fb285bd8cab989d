"""`kprover export-proof`: a proof as pyk's files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .deep import on_big_stack
from .options import claim_argument, minimize_option, where_options

if TYPE_CHECKING:
    from .options import Where


@click.command('export-proof', short_help="A proof as pyk's proof folder.")
@claim_argument()
@click.argument('folder', type=click.Path(path_type=Path, file_okay=False))
@click.option('--replace', is_flag=True, help='Replace another proof of the same name in FOLDER.')
@minimize_option
@where_options
def command(where: Where, claim: str, folder: Path, *, replace: bool, minimize: bool) -> None:
    """Write the proof of CLAIM, running or done, into FOLDER as pyk does, and with it those that it depends on.

    FOLDER/LABEL then has proof.json and kcfg/, and `APRProof.read_proof_data(FOLDER, LABEL)` reads it. Each proof is
    put in place in one move. A proof that is there already and is the same is left alone.
    """
    name = where.full_name(claim)
    for path in on_big_stack(lambda: _export(where, name, folder, replace, minimize)):
        print(path)


def _export(where: Where, name: str, folder: Path, replace: bool, minimize: bool) -> list[Path]:
    from ..engine import Ledger
    from ..pykfiles.export import export_proof
    from ..store import StoreReader

    ledger_of = Ledger(where.suites, where.config)
    with StoreReader(where.config.store) as store:
        digest = ledger_of.proof(name).digest
        return export_proof(store, ledger_of.proofs, digest, folder, replace=replace, minimize=minimize)
