"""The identity of a semantics class follows its sources; finding it imports nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from kprover.suites import SemanticsNotFound, semantics_identity

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILES = {
    'lang/__init__.py': 'raise SystemExit("imported")',
    'lang/sem/__init__.py': '',
    'lang/sem/main.py': """
import json
import z3
from typing import TYPE_CHECKING
from . import helper
from ..shared.words import WORDS
raise SystemExit('imported')
class Semantics(Base):
    def is_terminal(self):
        from lang import late
""",
    'lang/sem/helper.py': 'from outside import thing',
    'lang/shared/__init__.py': '',
    'lang/shared/words.py': 'WORDS = ()',
    'lang/late.py': '',
    'lang/unrelated.py': '',
    'outside.py': 'thing = 1',
}
SPEC = 'lang.sem.main:Semantics'


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.syspath_prepend(str(tmp_path))

    def write_files(**changes: str) -> None:
        changed = {name.replace('__', '/') + '.py': text for name, text in changes.items()}
        for name, text in {**FILES, **changed}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    write_files()
    return write_files


def test_nothing_is_imported(write: Callable[..., None]) -> None:
    assert len(semantics_identity(SPEC)) == 64
    assert not [name for name in sys.modules if name.partition('.')[0] in ('lang', 'outside')]


@pytest.mark.parametrize(
    'name', ['lang__sem__main', 'lang__sem__helper', 'lang__shared__words', 'lang__late', 'outside']
)
def test_an_edit_of_what_the_class_rests_on_changes_its_identity(write: Callable[..., None], name: str) -> None:
    before = semantics_identity(SPEC)
    text = FILES[name.replace('__', '/') + '.py']
    write(**{name: f'{text}\nX = 1\n'})
    assert semantics_identity(SPEC) != before
    write()
    assert semantics_identity(SPEC) == before


def test_an_edit_elsewhere_does_not_change_the_identity(write: Callable[..., None]) -> None:
    before = semantics_identity(SPEC)
    write(lang__unrelated='X = 1')
    assert semantics_identity(SPEC) == before


def test_two_classes_of_one_module_are_two(write: Callable[..., None]) -> None:
    write(lang__sem__main='class A: pass\nclass B: pass')
    assert semantics_identity('lang.sem.main:A') != semantics_identity('lang.sem.main:B')


@pytest.mark.parametrize(
    ('spec', 'message'),
    [
        ('nowhere:Class', "no module 'nowhere'"),
        ('lang.nowhere:Class', "no module 'lang.nowhere'"),
        ('lang.sem.main.deeper:Class', "no module 'lang.sem.main.deeper'"),
        ('lang.sem.main:Smantics', "defines no 'Smantics'"),
        ('lang.sem.main', "expected 'module:Class'"),
        ('sys:Class', 'has no source file'),
    ],
)
def test_what_cannot_be_found_is_said(write: Callable[..., None], spec: str, message: str) -> None:
    with pytest.raises(SemanticsNotFound, match=message):
        semantics_identity(spec)


def test_a_module_that_is_no_python_is_refused_with_the_line(write: Callable[..., None]) -> None:
    write(lang__sem__main='class Semantics:\n    def (self): pass\n')
    with pytest.raises(SemanticsNotFound, match=r'main.py, line 2\) is no Python'):
        semantics_identity('lang.sem.main:Semantics')


@pytest.mark.parametrize('source', ['from outside import *', 'from outside import Semantics', 'Semantics = 1'])
def test_a_class_may_be_bound_in_any_way(write: Callable[..., None], source: str) -> None:
    write(lang__sem__main=source)
    assert semantics_identity(SPEC)


def test_an_installed_class_is_found() -> None:
    assert semantics_identity('pyk.kcfg.semantics:DefaultSemantics')
