"""`kprover explain` and the modes of a run, as commands with their exit codes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from kprover.store import CheckpointStore

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_harness import Commands

LITERALS = 'IMP-ARITHMETIC.literals'


def small(commands: Commands) -> Path:
    return commands.suite('imp', 'small', [LITERALS, 'IMP-LOOPS.transfer-six'])


def test_enforce_passes_what_is_in_the_store_and_nothing_else(commands: Commands) -> None:
    suite = small(commands)
    enforce = ('ProveAll', '--suite', suite, '--kprover-reuse', 'enforce')
    empty = commands.luigi(*enforce)
    assert empty.returncode == 30, empty.stdout + empty.stderr
    assert 'not in the store: the beginning of its proof' in empty.stdout
    assert commands.luigi('ProveAll', '--suite', suite).returncode == 0
    whole = commands.luigi(*enforce)
    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert '0 server starts, 0 requests' in whole.stdout
    with CheckpointStore.open(commands.store) as store:
        store.delete_prefix('step:')
        store.commit()
    lost = commands.luigi(*enforce)
    assert lost.returncode == 30, 'a verdict whose steps are gone'
    assert re.search(r'not in the store: \d+ of its \d+ steps', lost.stdout)


def test_explain_names_what_has_changed_and_says_when_it_was_proved(commands: Commands) -> None:
    suite = small(commands)
    asked = commands.kprover('explain', '--suite', suite, 'transfer-six')
    assert asked.returncode == 0, asked.stderr
    assert asked.stdout.startswith('small/IMP-LOOPS.transfer-six: will be proved: the store has no verdict of it\n')
    assert commands.luigi('ProveAll', '--suite', suite).returncode == 0
    reused = commands.kprover('explain', '--suite', suite, 'transfer-six')
    assert 'passed, reused: nothing that it depends on has changed' in reused.stdout
    assert re.search(r'^  proved   \d{4}-\d\d-\d\dT.* in run \d{8}T', reused.stdout, re.M)
    assert re.search(r'^  backend  embedded ', reused.stdout, re.M)
    cut = '\n[claims."IMP-LOOPS.transfer"]\ncut-point-rules = ["IMP.while"]\n'
    suite.write_text(suite.read_text(encoding='utf-8') + cut, encoding='utf-8')
    edited = commands.kprover('explain', '--suite', suite, 'transfer-six')
    assert edited.stdout.startswith('small/IMP-LOOPS.transfer-six: will be proved again; it was passed\n')
    assert (
        '  option cut-point-rules, through small/IMP-LOOPS.transfer\n    before   none\n    now      IMP.while\n'
    ) in edited.stdout
    data = json.loads(commands.kprover('explain', '--json', '--suite', suite, 'transfer-six').stdout)
    (change,) = data['changes']
    assert (change['input'], change['before'], change['now']) == ('options.cut_point_rules', [], ['IMP.while'])
    assert data['reused'] is False
    assert data['verdict']['status'] == 'passed'
    other = json.loads(commands.kprover('explain', '--json', '--suite', suite, LITERALS).stdout)
    assert (other['reused'], other['changes']) == (True, [])
