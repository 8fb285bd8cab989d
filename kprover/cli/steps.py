"""`kprover steps`: the steps of a proof by key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from .options import UsersError, claim_argument, json_option, where_options

if TYPE_CHECKING:
    from typing import Any

    from .options import Where


@click.command('steps', short_help="A proof's steps.")
@claim_argument()
@click.option('--key', metavar='KEY', help='The content of the step whose key is, or begins with, KEY.')
@json_option
@where_options
def command(where: Where, claim: str, key: str | None, *, as_json: bool) -> None:
    """The steps of the proof of CLAIM, suite/LABEL or LABEL, by key: done, pending, or made and to be taken by the
    next run. With --key, what one of them has found, as JSON; terms are named by their hashes."""
    from ..engine import Ledger
    from ..engine.ledger import step_row
    from ..store import StoreReader

    name = where.full_name(claim)
    journal, needed = Ledger(where.suites, where.config).steps(name)
    with StoreReader(where.config.store) as store:
        # a step that was made by hand is committed to its proof by the next run
        states = ['made' if store.contains(step_row(step)) else 'pending' for step, _ in needed]
    done = [{'key': step, 'node': node, 'state': 'done'} for step, node in journal]
    pending = [{'key': step, 'node': node, 'state': state} for (step, node), state in zip(needed, states, strict=True)]
    if key is not None:
        print(json.dumps(_content(where, name, key, done + pending), indent=2))
        return
    if as_json:
        print(json.dumps({'claim': name, 'steps': done + pending}, indent=2))
        return
    for step in done + pending:
        print(f'{step["state"]:8}node {step["node"]:<6}{step["key"]}')
    if not done and not pending:
        print(f'{name}: no step is known')


def _content(where: Where, claim: str, key: str, steps: list[dict[str, Any]]) -> dict[str, Any]:
    from ..engine.ledger import read_step
    from ..store import StoreReader

    fitting = [step for step in steps if str(step['key']).startswith(key)]
    if len(fitting) != 1:
        raise UsersError(f'{claim}: {len(fitting)} of its steps have a key that begins with {key!r}, expected one')
    with StoreReader(where.config.store) as store:
        header = read_step(store, fitting[0]['key'])
    return {'claim': claim, **fitting[0], 'content': header}
