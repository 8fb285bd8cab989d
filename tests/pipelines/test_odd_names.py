"""Claims with names that a shell, a terminal or a list would take apart: each is proved, shown and named."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from pipeline_harness import BIN

from kprover.suites import load_suite, select

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_harness import Commands

ODD = {
    'f(uint256,address[]):0': 'f(uint256,address[]):0',
    'a,b': 'a,b',
    'a': 'a',
    'b\\,c': 'b\\,c',
    'nul\0': 'nul\\x00',
    'esc\x1b[31m\x07': 'esc\\x1b[31m\\x07',
    'c1\x9b31m': 'c1\\x9b31m',
    'sur\ud800': 'sur\\ud800',
    'line\nline\r': 'line\\x0aline\\x0d',
    'turn\u202eed': 'turn\\u202eed',
    'br[ack]et': 'br[ack]et',
    'bracket': 'bracket',
    '$(touch ran)': '$(touch ran)',
    "quo'te `touch ran`": "quo'te `touch ran`",
    '../../up': '../../up',
    '--help': '--help',
}
"""Labels, and how they are shown."""


@pytest.fixture
def suite(commands: Commands) -> Path:
    """Every label once, for a claim that holds, and one of them for a claim that does not."""
    specs = commands.project / 'examples' / 'imp' / 'specs'
    spec = json.loads((specs / 'arithmetic.json').read_text())
    (module,) = spec['term']['term']
    claim = next(sentence for sentence in module['localSentences'] if sentence['node'] == 'KClaim')
    (wrong,) = json.loads((specs / 'wrong-cases.json').read_text())['term']['term']
    wrong_claim = next(sentence for sentence in wrong['localSentences'] if sentence['node'] == 'KClaim')
    module['localSentences'] = []
    for label, sentence in (*((label, claim) for label in ODD), ("wrong, isn't\x1b[2J", wrong_claim)):
        module['localSentences'].append(copy.deepcopy(sentence))
        module['localSentences'][-1]['att']['att']['label'] = f'ODD.{label}'
    (commands.folder / 'odd.json').write_text(json.dumps(spec))
    path = commands.folder / 'odd.toml'
    path.write_text(f'name = "odd"\nkompiled = "{commands.project}/examples/imp/kompiled"\nspecs = ["odd.json"]\n')
    return path


def test_each_is_proved_and_what_is_printed_is_for_a_shell(commands: Commands, suite: Path) -> None:
    run = commands.luigi('ProveAll', '--suite', suite)
    assert run.returncode == 30, run.stderr
    statuses = commands.statuses(suite)
    assert {label: statuses.pop(f'ODD.{shown}') for label, shown in ODD.items()} == dict.fromkeys(ODD, 'passed')
    assert list(statuses.values()) == ['failed']
    told = run.stdout + run.stderr
    assert not [char for char in told if not char.isprintable() and char != '\n']
    (line,) = {line.partition('see: ')[2] for line in told.splitlines() if 'see: ' in line and line.endswith("2J'")}
    shown = subprocess.run(
        ['bash', '-c', line],
        cwd=commands.folder,
        env={**os.environ, 'PATH': f'{BIN}:{os.environ["PATH"]}', 'LUIGI_CONFIG_PATH': 'backend.cfg'},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.startswith("claim    odd/ODD.wrong, isn't\\x1b[2J\nstatus   failed")
    assert not (commands.folder / 'ran').exists()
    report = commands.store.parent / 'report'
    cases = ElementTree.parse(report / 'junit.xml').iter('testcase')
    assert len(list(cases)) == len(ODD) + 1
    looks = [claim['look'] for claim in json.loads((report / 'summary.json').read_text())['claims']]
    assert [look for look in looks if look.endswith("'odd/ODD.$(touch ran)'")]


@pytest.mark.parametrize(
    ('given', 'meant'),
    [
        ('ODD.f(uint256,address[]):0', ['f(uint256,address[]):0']),
        (r'ODD.f(uint256\,address[]):0', ['f(uint256,address[]):0']),
        ('ODD.a,ODD.f(uint256,address[]):0,ODD.a,b', ['f(uint256,address[]):0', 'a', 'a,b']),
        (r'ODD.a\,b', ['a,b']),
        ('ODD.br[ack]*', ['br[ack]et']),
        (r'ODD.esc\x1b[31m\x07', [r'esc\x1b[31m\x07']),
    ],
)
def test_each_can_be_named_among_others(commands: Commands, suite: Path, given: str, meant: list[str]) -> None:
    from pipelines.config import NamesParameter

    parameter = NamesParameter()
    names = parameter.parse(given)
    assert parameter.parse(parameter.serialize(names)) == names
    claims = select([load_suite(suite)], names)
    assert {claim.label for claim in claims} == {f'ODD.{name}' for name in meant}


def test_a_run_of_claims_with_commas(commands: Commands, suite: Path) -> None:
    run = commands.luigi(
        'RunClaims', '--suite', suite, '--claims', 'ODD.f(uint256,address[]):0', '--claims', r'ODD.a\,b'
    )
    assert run.returncode == 0, run.stderr
    passed = {label for label, status in commands.statuses(suite).items() if status == 'passed'}
    assert {'ODD.f(uint256,address[]):0', 'ODD.a,b'} <= passed
