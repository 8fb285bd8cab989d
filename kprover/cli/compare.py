"""`kprover compare`: the same claims in two stores, or with two server programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from .options import json_option, where_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..compare import Comparison, Outcome
    from .options import Where

DIFFERENT = 1
"""Exit code if a claim has another verdict on the one side than on the other."""


@click.command('compare', short_help='Two stores or two backends.')
@click.argument('left', metavar='A')
@click.argument('right', metavar='B')
@json_option
@where_options
def command(where: Where, left: str, right: str, *, as_json: bool) -> int:
    """Compare verdicts, graphs, requests and seconds of the same suites on A and B.

    Each of them is a STORE, of which the last verdict of each claim counts; a BACKEND, of which the verdicts of the
    claims as they are now count, in the store of luigi.cfg or --store; or STORE@BACKEND. Ends with 1 if a claim has
    another verdict on A than on B.
    """
    from ..compare import compare, side

    found = compare(where.suites, side(left, where.config), side(right, where.config))
    if as_json:
        print(json.dumps(found.to_dict(), indent=2))
    else:
        print('\n'.join(_lines(found)))
    return 0 if found.same_verdicts else DIFFERENT


def _lines(found: Comparison) -> Iterator[str]:
    yield f'A  {found.left}'
    yield f'B  {found.right}'
    differing = [pair for pair in found.pairs if pair.differences]
    for pair in differing:
        if pair.left is not None and pair.right is not None:
            yield ''
            yield f'{pair.claim}'
            yield from (f'  {difference}' for difference in pair.differences)
            yield f'  A  {pair.left.status}, {_total([pair.left])}'
            yield f'  B  {pair.right.status}, {_total([pair.right])}'
    for name, one in (('A', 'left'), ('B', 'right')):
        only = [pair for pair in differing if getattr(pair, one) is not None and None in (pair.left, pair.right)]
        if only:
            yield ''
            yield f'known on {name} only:'
            yield from (f'  {pair.claim}  {getattr(pair, one).status}' for pair in only)
    both = [pair for pair in found.pairs if pair.left is not None and pair.right is not None]
    neither = sum(pair.left is None and pair.right is None for pair in found.pairs)
    verdicts = sum(not pair.same_verdict for pair in found.pairs)
    yield ''
    yield (
        f'{len(found.pairs)} claims, {len(both)} known on both sides, {neither} on neither: '
        f'{verdicts} with different verdicts, {len(differing)} that differ in anything'
    )
    for name, sides in (('A', [pair.left for pair in both]), ('B', [pair.right for pair in both])):
        yield f'{name}  {_total([one for one in sides if one is not None])}'


def _total(outcomes: list[Outcome]) -> str:
    nodes, steps, requests = (sum(getattr(one, name) for one in outcomes) for name in ('nodes', 'steps', 'requests'))
    return f'{nodes} nodes, {steps} steps, {requests} requests, {sum(one.seconds for one in outcomes):.1f} s'
