"""`kprover history`: nights and their trends, one night's changes, or one claim through all runs."""

from __future__ import annotations

import json
import time
from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from .options import UsersError, claim_argument, json_option, where_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..nights import History
    from .options import Where

_DAY = 86400.0


@click.command('history', short_help='Nights, and claims through them.')
@claim_argument(required=False)
@click.option('--night', metavar='DATE', help='What was new in the night of this date.')
@click.option('--last', type=click.IntRange(1), default=30, show_default=True, metavar='N', help='So many at most.')
@click.option('--prune', type=click.IntRange(1), metavar='DAYS', help='Forget what is older, then end.')
@json_option
@where_options
def command(where: Where, claim: str | None, night: str | None, *, last: int, prune: int | None, as_json: bool) -> None:
    """The nights on record, or with CLAIM, suite/LABEL or LABEL, what became of that claim in every run that worked on
    it. Verdicts as they are now are `kprover status`."""
    from ..nights import History

    with History.beside(where.config.store) as history:
        if prune is not None:
            gone = history.prune(time.time() - prune * _DAY) if history.path.exists() else 0
            print(f'{history.path}: {gone} nights and runs older than {prune} days removed')
        elif claim is not None:
            _claim(history, _known_name(where, history, claim), last, as_json)
        elif night is not None:
            _night(history, night, as_json)
        else:
            _nights(history, last, as_json)


def _nights(history: History, last: int, as_json: bool) -> None:
    from ..nights.read import read_nights
    from ..nights.text import night_json, trend_lines

    nights = read_nights(history, last)
    if as_json:
        print(json.dumps({'nights': [night_json(night, results) for night, results in nights]}, indent=2))
    elif nights:
        _print_table(trend_lines(nights))
    else:
        print(f'no night on record in {history.path}; `luigi --module pipelines Nightly` runs one')


def _night(history: History, text: str, as_json: bool) -> None:
    from ..nights.read import read_comparison
    from ..nights.text import comparison_json, night_report

    try:
        day = date.fromisoformat(text)
    except ValueError as err:
        raise UsersError(f'--night: expected a date as {datetime.now():%Y-%m-%d}, found {text!r}') from err
    found = [night for night in history.nights(1 << 30) if night.date == day]
    if not found:
        raise UsersError(f'{history.path}: no night of {day} on record; `kprover history` lists those that are')
    comparisons = [read_comparison(history, night) for night in reversed(found)]
    if as_json:
        print(json.dumps({'nights': [comparison_json(comparison) for comparison in comparisons]}, indent=2))
        return
    for comparison in comparisons:
        print('\n'.join(night_report(comparison)))


def _claim(history: History, name: str, last: int, as_json: bool) -> None:
    from dataclasses import asdict

    from ..nights.text import claim_rows

    found = history.results_of(name, last)[::-1]
    if as_json:
        runs = [
            {
                'run': run.run,
                'started': run.started,
                'night': night.date.isoformat() if night is not None else None,
                **asdict(result),
            }
            for run, night, result in found
        ]
        print(json.dumps({'claim': name, 'runs': runs}, indent=2))
    elif found:
        print(name)
        _print_table(claim_rows(found))
    else:
        print(f'{name}: no run on record in {history.path}')


def _known_name(where: Where, history: History, claim: str) -> str:
    """The full name of a claim of the suites, or of one that they have no more and the history still has."""
    if '/' in claim and history.results_of(claim, 1):
        return claim
    return where.full_name(claim)


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as they must be; numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (
            cell.rjust(width) if _is_number(rows[-1][column]) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print('  '.join(cells).rstrip())


def _is_number(text: str) -> bool:
    return text[:1].isdigit() and '-' not in text
