"""A small suite whose every input can be edited, each edit changing a verdict: for tests of what becomes stale.

`python edited_suite.py FOLDER STORE STEPS` proves it in a process of its own, which kills itself when so many steps
have become ready.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from unittest import mock

from engine_harness import EXAMPLES

sys.path.append(str(EXAMPLES.parent))

from pyk.kast.inner import KApply
from pyk.kast.prelude.kbool import FALSE, TRUE
from pyk.kast.prelude.kint import addInt, intToken, leInt

from examples.imp import language
from examples.imp.claims import FIRST_INPUT, ZERO, A, B, M, N, exists, runs
from examples.imp.programs import INPUT, TRANSFER, add, assign, binary, if_, lt, seq
from examples.kore import kompiled_files, write_files
from examples.prelude import simplification
from examples.specs import circularity, depends, lemmas, spec
from kprover.engine import RunConfig, prove
from kprover.engine.priority import by_claim
from kprover.suites import load_suite

if TYPE_CHECKING:
    from kprover.engine import RunSummary
    from kprover.engine.priority import StepInfo
    from kprover.suites import Suite

DEPTHS = (100, 7)
LIES = '{"answers": {"\\"value\\":\\"10\\"": "\\"value\\":\\"11\\""}}'
SEMANTICS = """from examples.imp.semantics import ImpSemantics

class Semantics(ImpSemantics):
    def is_terminal(self, c):
        return super().is_terminal(c){also}
"""


@dataclass(frozen=True)
class Inputs:
    """Which of its two forms each input has."""

    definition: int = 0
    claim: int = 0
    dependency: int = 0
    lemma: int = 0
    semantics: int = 0
    server: int = 0
    trusted: int = 0
    depth: int = 0
    tree: int = 0

    NAMES: ClassVar = ('definition', 'claim', 'dependency', 'lemma', 'semantics', 'server', 'trusted', 'depth', 'tree')

    def edited(self, *names: str) -> Inputs:
        return replace(self, **{name: 1 - getattr(self, name) for name in names})


def write(folder: Path, inputs: Inputs) -> None:
    """The suite's files with these inputs; those that have them already are left alone."""
    for name, files in (('kompiled', _definition(inputs.definition)), ('.', _files(folder, inputs))):
        write_files(folder / name, files)
    (folder / 'server').chmod(0o755)


def suite(folder: Path) -> Suite:
    return load_suite(folder / 'suite.toml')


def config(folder: Path, store: Path, **options: Any) -> RunConfig:
    return RunConfig(store=store, workers=1, backend=str(folder / 'server'), step_target=0.0, **options)


def prove_all(folder: Path, run_config: RunConfig) -> RunSummary:
    return prove([suite(folder)], None, run_config)


@cache
def _definition(form: int) -> dict[str, str]:
    operations = [
        (*operation[:4], '_-Int_') if form and operation[0] == 'add' else operation for operation in language._BINARY
    ]
    with mock.patch.object(language, '_BINARY', operations):
        return kompiled_files(language.definition())


def _files(folder: Path, inputs: Inputs) -> dict[str, str]:
    off = [intToken(form) for form in (inputs.claim, inputs.dependency)]
    r = exists('R')
    claims = [
        runs('EDITED.sum', assign('a', add('a', 'b')), {'a': A, 'b': B}, {'a': addInt(addInt(A, B), off[0]), 'b': B}),
        runs('EDITED.ten', add(binary('mul', 2, 3), 4), {}, {}, result=intToken(10)),
        runs('EDITED.input', INPUT, {}, {'x': FIRST_INPUT, 'y': 1}),
        runs('EDITED.untrue', assign('a', 1), {'a': A}, {'a': 2}),
        runs(
            'EDITED.loop',
            TRANSFER,
            {'n': N, 'm': M},
            {'n': 0, 'm': addInt(addInt(M, N), off[1])},
            framed=True,
            requires=[leInt(ZERO, N)],
            att=[circularity()],
        ),
        runs(
            'EDITED.dependent',
            seq(assign('m', 1), TRANSFER),
            {'n': N, 'm': M},
            {'n': 0, 'm': addInt(N, intToken(1))},
            requires=[leInt(ZERO, N)],
            att=[depends('loop')],
        ),
        runs(
            'EDITED.tree',
            if_(lt('a', 0), if_(lt('b', 0), assign('r', 3), assign('r', 2)), if_(lt('b', 0), assign('r', 1))),
            {'a': A, 'b': B, 'r': 0},
            {'a': A, 'b': B, 'r': r},
            ensures=[leInt(ZERO, r), leInt(r, intToken(3 - inputs.tree))],
        ),
    ]
    negative = KApply('_<Int_', KApply('inputAt', N), ZERO)
    rule = simplification(negative, TRUE if inputs.lemma else FALSE, label='EDITED-LEMMAS.input')
    also = " or (self.is_loop(c) and c.try_cell('STATE_CELL') is not None)" if inputs.semantics else ''
    return {
        'claims.json': spec(language.NAME, 'EDITED', claims),
        'lemmas.json': lemmas(language.NAME, 'EDITED-LEMMAS', [rule]),
        'edited_semantics.py': SEMANTICS.format(also=also),
        'server.json': LIES if inputs.server else '{}',
        'server': f'#!/bin/sh\n# version {inputs.server}\nexport KPROVER_TEST_FAULTS={folder}/server.json\n'
        f'export PYTHONPATH={EXAMPLES.parent}\n'
        f'exec {sys.executable} {Path(__file__).parent / "doubtful_server.py"} "$@"\n',
        'suite.toml': 'name = "edited"\nkompiled = "kompiled"\nspecs = ["claims.json"]\n'
        f'[options]\nsemantics = "edited_semantics:Semantics"\nexecute-depth = {DEPTHS[inputs.depth]}\n'
        '[claims."EDITED.input"]\nlemmas = ["lemmas.json"]\n'
        f'[claims."EDITED.untrue"]\ntrusted = {"true" if inputs.trusted else "false"}\n',
    }


class Killing:
    """A priority that ends the process by SIGKILL when so many steps have become ready."""

    left = 0

    def __call__(self, step: StepInfo) -> Any:
        if step.kind == 'step':
            self.left -= 1
            if self.left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return by_claim(step)


killing = Killing()


def main() -> None:
    folder, store, steps = sys.argv[1:]
    sys.path.insert(0, folder)
    killing.left = int(steps)
    prove_all(Path(folder), config(Path(folder), Path(store), priority=f'{__name__}:killing'))


if __name__ == '__main__':
    main()
