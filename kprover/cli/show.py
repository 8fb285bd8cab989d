"""`kprover show`: the graph of a proof, or nodes of it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from .deep import on_big_stack
from .options import claim_argument, minimize_option, where_options

if TYPE_CHECKING:
    from ..proofs.rebuild import Replayed
    from ..proofs.sources import Definition
    from .options import Where


@click.command('show', short_help="A proof's graph, or a node of it.")
@claim_argument()
@click.option('--node', 'nodes', type=int, multiple=True, metavar='N', help='Show this node; may be repeated.')
@click.option(
    '--format', 'form', type=click.Choice(['text', 'json', 'dot']), default='text', show_default=True, help='How.'
)
@minimize_option
@where_options
def command(where: Where, claim: str, nodes: tuple[int, ...], form: str, *, minimize: bool) -> None:
    """The graph of the proof of CLAIM, running or done, as it is in the store; or the configuration and the conditions
    of some nodes."""
    if nodes and form == 'dot':
        raise click.UsageError('--node goes with the formats text and json')
    name = where.full_name(claim)
    print(on_big_stack(lambda: _shown(where, name, nodes, form, minimize)))


def emptiness(where: Where, name: str) -> str:
    """Why the proof of a claim, as it is in the store, holds of no state; empty if it is not known to."""
    from ..engine import Ledger
    from ..store import StoreReader

    ledger = Ledger(where.suites, where.config)
    with StoreReader(where.config.store) as store:
        proof = ledger.replayed(store, name)
    return proof.emptiness if proof is not None and proof.exhausted and not proof.admitted else ''


def read_proof(where: Where, name: str) -> tuple[Replayed, Definition]:
    """The proof of a claim as it is in the store, and its definition; a step in it that is not its own is said.

    Raises `PykFilesError`, `StepError`.
    """
    from ..engine import Ledger
    from ..proofs.sources import Sources
    from ..pykfiles.export import out_of_place, stored_proof
    from ..store import StoreReader

    planned = Ledger(where.suites, where.config).proof(name)
    with StoreReader(where.config.store) as store:
        if wrong := out_of_place(store, planned):
            print(f'kprover: {wrong}', file=sys.stderr, flush=True)
        return stored_proof(store, planned), Sources().definition(str(planned.claim.kompiled))


def _shown(where: Where, name: str, nodes: tuple[int, ...], form: str, minimize: bool) -> str:
    from ..pykfiles import showing
    from ..pykfiles.export import minimized

    replayed, definition = read_proof(where, name)
    if minimize:
        replayed = minimized(replayed)
    vacuous = emptiness(where, name)
    if nodes:
        found = [showing.node_json(replayed, definition, node) for node in nodes]
        if form == 'json':
            return json.dumps({'claim': name, 'nodes': found}, indent=2)
        return '\n\n'.join(showing.node_text(node) for node in found)
    if form == 'dot':
        return showing.as_dot(replayed, definition).rstrip('\n')
    if form == 'json':
        return json.dumps({**showing.as_json(replayed, definition), 'claim': name, 'vacuous': bool(vacuous)}, indent=2)
    text = showing.as_text(replayed, definition)
    return f'{text}\n\n{vacuous}' if vacuous else text
