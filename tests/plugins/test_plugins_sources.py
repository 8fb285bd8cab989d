"""What the identity of a user's class is made of is what runs: no other text, no module and no file besides."""

from __future__ import annotations

import os
import py_compile
from py_compile import PycInvalidationMode
from typing import TYPE_CHECKING

import pytest
from plugins_harness import by_label, prove_suite, write_suite

from kprover.engine import Status
from kprover.plugins import sources
from kprover.suites import semantics_identity

if TYPE_CHECKING:
    from pathlib import Path

    from kprover.engine.values import ClaimProgress

LABEL = 'STACK-STRAIGHT.arithmetic'
CLASS = """
from pyk.kcfg.semantics import DefaultSemantics
{imports}
class Machine(DefaultSemantics):
    def is_terminal(self, c):
        return {answer}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path of the driver and its workers."""
    path = tmp_path / 'path'
    path.mkdir()
    monkeypatch.syspath_prepend(str(path))
    return path


def prove(folder: Path, reference: str) -> ClaimProgress:
    options = f'semantics = "{reference}"'
    return by_label(prove_suite(write_suite(folder.parent, 'stack', ['straight.json'], {LABEL: options})))[LABEL]


def machine(answer: str, imports: str = '') -> str:
    """A class with which the claim passes if `answer` is false, and fails if it is true: its target is no end then."""
    return CLASS.format(answer=answer, imports=imports)


def in_its_place(path: Path, text: str) -> None:
    """Write another text of the same size, with the same time of modification."""
    before = path.stat()
    assert before.st_size == len(text)
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize('mode', [PycInvalidationMode.TIMESTAMP, PycInvalidationMode.UNCHECKED_HASH])
def test_the_text_runs_and_not_the_bytecode_of_another_text(folder: Path, mode: PycInvalidationMode) -> None:
    module, helper = folder / 'machine.py', folder / 'machine_helper.py'
    module.write_text(machine('ANSWER', 'from machine_helper import ANSWER'))
    helper.write_text('ANSWER = False')
    for path in (module, helper):
        py_compile.compile(str(path), invalidation_mode=mode, doraise=True)
    in_its_place(helper, 'ANSWER = 1 > 0')
    assert prove(folder, 'machine:Machine').status is Status.FAILED
    in_its_place(helper, 'ANSWER = 1 < 0')
    assert prove(folder, 'machine:Machine').status is Status.PASSED


def test_a_module_is_the_users_by_its_place_whatever_its_name_is(folder: Path) -> None:
    (folder / 'colorsys.py').write_text(machine('sched.ANSWER', 'import sched'))
    (folder / 'sched.py').write_text('ANSWER = False')
    before = semantics_identity('colorsys:Machine')
    assert prove(folder, 'colorsys:Machine').status is Status.PASSED
    (folder / 'sched.py').write_text('ANSWER = True')
    between = semantics_identity('colorsys:Machine')
    assert prove(folder, 'colorsys:Machine').status is Status.FAILED
    (folder / 'colorsys.py').write_text(machine('False'))
    assert len({before, between, semantics_identity('colorsys:Machine')}) == 3
    assert prove(folder, 'colorsys:Machine').status is Status.PASSED


@pytest.mark.parametrize(
    'imports',
    [
        'import spaces.deep.parts.one as one',
        'from spaces.deep.parts import one',
        'from spaces.deep.whole import *',
        "import importlib; one = importlib.import_module('spaces.deep.parts.one')",
        "one = __import__('spaces.deep.parts.one', fromlist=['ANSWER'])",
    ],
)
def test_a_module_counts_however_it_is_named(folder: Path, imports: str) -> None:
    parts, whole = folder / 'spaces' / 'deep' / 'parts', folder / 'spaces' / 'deep' / 'whole'
    parts.mkdir(parents=True)  # namespace packages, three of them
    whole.mkdir()
    (whole / '__init__.py').write_text("__all__ = ['one']")
    for package in (parts, whole):
        (package / 'one.py').write_text('ANSWER = False')
    (folder / 'machine.py').write_text(machine('one.ANSWER', imports))
    assert prove(folder, 'machine:Machine').status is Status.PASSED
    for package in (parts, whole):
        (package / 'one.py').write_text('ANSWER = True')
    assert prove(folder, 'machine:Machine').status is Status.FAILED


LATE = """
from typing import TYPE_CHECKING
from pyk.kcfg.semantics import DefaultSemantics
{named}
class Machine(DefaultSemantics):
    def is_terminal(self, c):
        import importlib
        return importlib.import_module('la' + 'te').ANSWER
"""


def test_a_module_that_no_import_statement_names_is_refused(folder: Path) -> None:
    (folder / 'late.py').write_text('ANSWER = False')
    (folder / 'machine.py').write_text(LATE.format(named=''))
    refused = prove(folder, 'machine:Machine')
    assert refused.status is Status.ERROR
    assert 'it loads the module late, but no import statement in its sources names it' in refused.reason
    (folder / 'machine.py').write_text(LATE.format(named='if TYPE_CHECKING:\n    import late'))
    assert prove(folder, 'machine:Machine').status is Status.PASSED
    (folder / 'late.py').write_text('ANSWER = True')
    assert prove(folder, 'machine:Machine').status is Status.FAILED


READING = """
import json
from pathlib import Path
TABLE = json.loads({path}.read_text())
"""


@pytest.mark.parametrize(
    'path',
    ["(Path(__file__).parent / 'data' / 'table.json')", "Path(__file__).with_name('data').joinpath('table.json')"],
)
def test_a_file_that_is_read_counts_or_is_refused(folder: Path, path: str) -> None:
    table = folder / 'data' / 'table.json'
    table.parent.mkdir()
    table.write_text('false')
    text = machine('TABLE', READING.format(path=path))
    (folder / 'machine.py').write_text(text)
    if '/' not in path:
        refused = prove(folder, 'machine:Machine')
        assert refused.status is Status.ERROR
        assert f'it reads the file {table}, but no text in its sources names it' in refused.reason
        (folder / 'machine.py').write_text(f"{text}\nFILES = ('data/table.json',)\n")
    assert prove(folder, 'machine:Machine').status is Status.PASSED
    table.write_text('true')
    assert prove(folder, 'machine:Machine').status is Status.FAILED


def test_bytecode_is_not_run_however_it_is_loaded(folder: Path) -> None:
    (folder / 'late.py').write_text('ANSWER = False')
    py_compile.compile(str(folder / 'late.py'), doraise=True)
    imports = (
        'import importlib.util, pathlib\n'
        "spec = importlib.util.spec_from_file_location('late', pathlib.Path(__file__).parent / 'late.py')\n"
        'late = importlib.util.module_from_spec(spec)\n'
        'spec.loader.exec_module(late)'
    )
    (folder / 'machine.py').write_text(machine('late.ANSWER', imports))
    refused = prove(folder, 'machine:Machine')
    assert refused.status is Status.ERROR
    assert 'it runs the bytecode' in refused.reason


def test_a_folder_of_the_path_may_be_a_link(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = folder.with_name('real')
    real.mkdir()
    (folder / 'linked').symlink_to(real)
    monkeypatch.syspath_prepend(str(folder / 'linked'))
    (real / 'table.json').write_text('false')
    (real / 'machine.py').write_text(machine('TABLE', READING.format(path="Path(__file__).with_name('table.json')")))
    assert prove(folder, 'machine:Machine').status is Status.PASSED


def test_what_a_class_writes_itself_it_may_read(folder: Path) -> None:
    imports = (
        'import json, sys, tempfile\n'
        'with tempfile.NamedTemporaryFile("w", delete=False) as file: file.write("false")\n'
        'with open(file.name) as again: TABLE = json.load(again)\n'
        'OWN = open(__file__).read()'
    )
    (folder / 'machine.py').write_text(machine('TABLE', imports))
    assert prove(folder, 'machine:Machine').status is Status.PASSED


def test_an_installed_package_counts_by_what_was_installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = folder / 'installed'
    info = installed / 'gears-1.0.dist-info'
    info.mkdir(parents=True)
    monkeypatch.syspath_prepend(str(installed))
    folders = sources._folders
    monkeypatch.setattr(sources, '_folders', lambda *kinds: folders(*kinds) | {installed.resolve()})
    (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: gears\nVersion: 1.0\n')
    (info / 'RECORD').write_text('gears.py,sha256=AAAA,9\ngears-1.0.dist-info/RECORD,,\n__pycache__/gears.pyc,,\n')
    (installed / 'gears.py').write_text('ANSWER = 1')
    (installed / 'loose.py').write_text('ANSWER = 1')
    (folder / 'machine.py').write_text(machine('False', 'import gears, loose'))
    seen = [semantics_identity('machine:Machine')]

    def identity() -> str:
        sources._distribution.cache_clear()
        return semantics_identity('machine:Machine')

    (info / 'RECORD').write_text('../../../bin/gears,sha256=CC,9\ngears.py,sha256=AAAA,9\n')  # another installer's
    assert identity() == seen[0]
    (info / 'RECORD').write_text('gears.py,sha256=BBBB,9\n')
    seen.append(identity())
    (installed / 'loose.py').write_text('ANSWER = 2')  # of no distribution, so there is no version to count
    seen.append(identity())
    assert len(set(seen)) == 3
