"""`kprover status`: what is known of the claims, and the last run."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from .options import claim_argument, json_option, where_options

if TYPE_CHECKING:
    from .options import Where


@click.command('status', short_help='Claims and the last run.')
@claim_argument(required=False)
@json_option
@where_options
def command(where: Where, claim: str | None, *, as_json: bool) -> None:
    """What is known of the claims, and the last run; with CLAIM, suite/LABEL or LABEL, everything about that one.

    Steps and nodes are those of the proof; requests, reused steps and time those of the last run that had the claim.
    """
    from ..engine import status
    from ..report import claim_report, make_console, print_report, status_json, status_report

    summary = status(where.suites, where.config)
    if claim is not None:
        name = where.full_name(claim)
        summary = replace(summary, claims=tuple(c for c in summary.claims if c.claim == name))
    if as_json:
        print(json.dumps(status_json(summary), indent=2))
    elif claim is not None:
        print('\n'.join(line for progress in summary.claims for line in claim_report(progress)))
    else:
        if not where.config.store.exists():
            print(f'{where.config.store}: there is no checkpoint store; a run makes it', file=sys.stderr)
        print_report(make_console(), status_report(summary, where.again('status')))
