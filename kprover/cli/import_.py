"""`kprover import-proof`: pyk's files as the start of a claim."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .deep import on_big_stack
from .options import UsersError, claim_argument, json_option, where_options

if TYPE_CHECKING:
    from ..engine import Ledger
    from ..pykfiles.importing import Imported
    from ..store import CheckpointStore
    from .options import Where


@click.command('import-proof', short_help="pyk's proof folder as the start of a claim.")
@claim_argument()
@click.argument('folder', type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option('--replace', is_flag=True, help='Drop the verdict and the proof that the store has of the claim.')
@json_option
@where_options
def command(where: Where, claim: str, folder: Path, *, replace: bool, as_json: bool) -> None:
    """Let the proof of CLAIM start from the one that pyk, or a tool made with it, has written into FOLDER.

    FOLDER is the proof's own folder, with proof.json and kcfg/, or the one above it. Its initial and target node must
    be the claim's. The steps between states are taken over, and each end of a branch is proved again by the next run.
    The verdict says how many steps were imported; `kprover audit` re-executes them.
    """
    name = where.full_name(claim)
    imported = on_big_stack(lambda: _import(where, name, folder, replace))
    if as_json:
        fields = {'steps': imported.steps, 'nodes': imported.nodes, 'pending': imported.pending}
        print(json.dumps({'claim': name, **fields, 'left': dict(imported.left)}, indent=2))
        return
    print(f'{name}: {imported.steps} steps imported, {imported.nodes} nodes, {imported.pending} of them to be proved')
    for reason, count in sorted(imported.left.items()):
        print(f'what followed {count} {"node" if count == 1 else "nodes"} was left: {reason}')


def _import(where: Where, name: str, folder: Path, replace: bool) -> Imported:
    from ..engine import Ledger
    from ..engine.known import unopened
    from ..proofs.session import Session
    from ..proofs.sources import Sources
    from ..pykfiles.importing import import_proof
    from ..store import CheckpointStore

    path = where.config.store
    ledger_of = Ledger(where.suites, where.config)
    proof = unopened(ledger_of.proof(name))
    with CheckpointStore.open(path) as store:
        _check_free(store, ledger_of, name, replace=replace)
        inputs = ledger_of.inputs(name)
        prepared, blobs = Session().run('prepare', {**proof.task_fields(), **proof.prepare_fields(path)}, {})
        if 'error' in prepared:
            raise UsersError(f'{name}: {prepared["error"]["message"]}')
        definition = Sources().definition(str(proof.planned.claim.kompiled))
        imported = import_proof(store, proof, prepared, blobs, folder, definition)
        inputs.check()
        store.commit()
    return imported


def _check_free(store: CheckpointStore, ledger_of: Ledger, name: str, *, replace: bool) -> None:
    from ..engine.ledger import read_journal, verdict_row

    digest = ledger_of.proof(name).digest
    begun = store.contains(verdict_row(digest)) or read_journal(store, digest)
    if begun and not replace:
        raise UsersError(f'{name}: the store has a proof of it already; give --replace to drop it for the imported one')
