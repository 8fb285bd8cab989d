"""A real run in which claims pass, fail, crash their server, run out of time and are not attempted."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import doubtful_server
from engine_harness import EXAMPLES, config, example

from kprover.engine import prove
from kprover.report import Observers
from kprover.report.folder import ReportFolder
from kprover.report.record import Facts, RunRecord
from kprover.suites import select

if TYPE_CHECKING:
    from pathlib import Path

    from kprover.engine import RunConfig

CRASHES = 'IMP-ARITHMETIC.swap-by-sums'
SLOW = 'IMP-LOOPS.transfer'
CLAIMS = (
    'imp/IMP-ARITHMETIC.literals',
    f'imp/{CRASHES}',
    'imp/IMP-ASSUMED.power-positive',
    'imp/IMP-BOUNDED.count',
    f'imp/{SLOW}',
    'imp/IMP-LOOPS.transfer-six',
    'imp-failing/IMP-WRONG.literals',
    'imp-failing/IMP-WRONG.larger-strictly',
)
FACTS = Facts(
    suites=('imp/suite.toml', 'imp/failing.toml'),
    store='store.sqlite',
    backend='for this test',
    identity='doubtful 1.0',
    depends={'imp/IMP-LOOPS.transfer-six': (f'imp/{SLOW}',)},
    versions={'kprover': '1'},
    settings={'workers': '1'},
    host='here',
)


def mixed_run(folder: Path) -> RunRecord:
    """The run's record; its reports are in `folder/report`."""
    imp, failing = example('imp'), example('imp', 'failing.toml')
    claims = tuple(
        replace(claim, options=replace(claim.options, time_limit=0.0)) if claim.label == SLOW else claim
        for claim in imp.claims
    )
    suites = (replace(imp, claims=claims), failing)
    record = RunRecord(FACTS)
    reports = ReportFolder(folder / 'report', record)
    prove(suites, select(suites, list(CLAIMS)), _config(folder), Observers(record, reports))
    return record


def _config(folder: Path) -> RunConfig:
    program = folder / 'doubtful'
    script = doubtful_server.__file__
    program.write_text(f'#!/bin/sh\nPYTHONPATH={EXAMPLES.parent} exec {sys.executable} {script} "$@"\n')
    program.chmod(0o755)
    faults = folder / 'faults.json'
    faults.write_text(json.dumps({'fault': 'exit', 'at': f'"{CRASHES}-', 'times': 1000}))
    environment = {'KPROVER_TEST_FAULTS': str(faults)}
    return replace(
        config(folder, environment=environment, step_target=0.0, attempts=2), backend=str(program), workers=1
    )
