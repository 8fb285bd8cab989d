"""`kprover explain`: why a claim would be proved again, or why it is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from .options import claim_argument, json_option, where_options

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..engine.explain import Change, Explanation, LastVerdict
    from .options import Where

_INPUTS = {
    'format': "the format of kprover's records",
    'prover': 'the prover: pyk, or how kprover calls it',
    'engine': 'how kprover makes verdicts of steps',
    'definition': 'the definition (definition.kore, compiled.json)',
    'main_module': 'the main module',
    'claim': "the claim's sentence",
    'admitted': 'whether it is trusted',
    'backend': 'the server program',
    'dependency': 'a claim that it depends on',
    'options.semantics': 'the semantics class: its sources or its arguments',
    'options.prover': "the prover's class: its sources or its arguments",
    'options.lemmas': 'the lemma files',
}
"""What the inputs of a proof are called; an option that is not here is called by its key in the suite file."""


@click.command('explain', short_help='Why a claim is proved again, or reused.')
@claim_argument()
@json_option
@where_options
def command(where: Where, claim: str, *, as_json: bool) -> None:
    """Why the next run would prove CLAIM, suite/LABEL or LABEL, again, or reuse its verdict.

    Says which input has changed since the last verdict, old and new, through which dependency; when, in which run and
    by which server program that verdict was proved; and which steps the store has. Starts nothing.
    """
    from ..engine.explain import explain

    found = explain(where.suites, where.full_name(claim), where.config)
    if as_json:
        print(json.dumps(found.to_dict(), indent=2))
    else:
        print('\n'.join(_lines(found)))


def _lines(found: Explanation) -> Iterator[str]:
    last = found.verdict
    if found.reused and last is not None:
        yield f'{found.claim}: {_word(last)}, reused: nothing that it depends on has changed'
        yield from _proved(last)
        return
    if last is None:
        yield f'{found.claim}: will be proved: the store has no verdict of it'
    else:
        yield f'{found.claim}: will be proved again; it was {_word(last)}'
        yield from _proved(last)
    if found.changes:
        yield 'changed since then:'
        for change in found.changes:
            yield from _changed(change)
    if found.unsettled:
        yield 'no input has changed, but its verdict rests on others, and the store says of them now:'
    for name, status in found.unsettled.items():
        yield f'  {name}: {status}'
    if found.last_attempt:
        yield f'the last run left it {found.last_attempt}'
    yield from _steps(found)


def _word(last: LastVerdict) -> str:
    return f'{last.status} (vacuous)' if last.vacuous else last.status


def _proved(last: LastVerdict) -> Iterator[str]:
    run = f' in run {last.run}' if last.run else ''
    yield f'  proved   {last.proved_at}{run}, {last.steps} steps, {last.requests} requests, {last.seconds:g} s'
    if last.reason:
        yield f'  reason   {last.reason}'
    yield f'  backend  {last.backend}'
    yield f'  proof    {last.digest}'


def _changed(change: Change) -> Iterator[str]:
    what = _INPUTS.get(change.input, f'option {change.input.removeprefix("options.").replace("_", "-")}')
    via = f', through {" -> ".join(change.through[1:])}' if len(change.through) > 1 else ''
    yield f'  {what}{via}'
    yield f'    before   {_value(change.before)}'
    yield f'    now      {_value(change.now)}'


def _value(value: Any) -> str:
    if value is None:
        return 'none'
    if isinstance(value, list):
        return ', '.join(map(str, value)) or 'none'
    return str(value) if value != '' else 'none'


def _steps(found: Explanation) -> Iterator[str]:
    steps = found.steps
    if steps is None:
        return
    if steps.prepared:
        yield (
            f'steps    {steps.committed} committed, {steps.reusable} more in the store, {steps.needed} to be made next'
        )
    elif steps.none:
        yield f'steps    none in the store can be used: {steps.none}'
    else:
        yield 'steps    its proof has not been begun; steps from equal states are taken from the store'
