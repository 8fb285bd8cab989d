"""`benchmarks.expected` finds folders with known verdicts and ends with 1 if one is not reached."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.expected import main

if TYPE_CHECKING:
    import pytest

IMP = Path(__file__).resolve().parents[2] / 'examples' / 'imp'


def test_a_verdict_that_is_not_reached_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / 'all' / 'imp'
    shutil.copytree(IMP / 'kompiled', folder)
    shutil.copy(IMP / 'specs' / 'wrong-functions.json', folder / 'spec.json')
    spec = json.loads((folder / 'spec.json').read_text())
    labels = [
        sentence['att']['att']['label'] for module in spec['term']['term'] for sentence in module['localSentences']
    ]
    expected = dict.fromkeys(labels, 'not passed') | {labels[0]: 'failed'}
    (folder / 'expected.json').write_text(json.dumps(expected))
    assert main([str(tmp_path / 'all'), '--kore-alone']) == 0
    assert f'{len(labels)} of {len(labels)} expected verdicts reached' in capsys.readouterr().out
    (folder / 'expected.json').write_text(json.dumps(expected | {labels[0]: 'passed'}))
    assert main([str(folder)]) == 1
    assert f'imp/{labels[0]}: expected passed, found failed' in capsys.readouterr().err
