"""What stands in the way of a spec in K's syntax is named; what only looks like it does not stand in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from test_k_specs import KSpecs

if TYPE_CHECKING:
    from suite_folder import SuiteFolder


@pytest.fixture
def one(small: SuiteFolder, monkeypatch: pytest.MonkeyPatch) -> KSpecs:
    specs = KSpecs(small, monkeypatch)
    (specs.folder / 'more.k').write_text('module MORE endmodule\n')
    return specs


@pytest.mark.parametrize(
    ('program', 'found'),
    [
        ('#!/bin/sh\necho broken\nexit 3\n', '--version` ended with code 3'),
        ('#!/bin/sh\nexit 0\n', '--version` ended with code 0'),
        ('\x7fELF of another machine', 'cannot be started: Exec format error'),
    ],
)
def test_a_kprove_that_does_not_work_is_named(one: KSpecs, program: str, found: str) -> None:
    one.kprove.program.write_text(program)
    error = one.refusal()
    assert found in str(error)
    assert 'install K again' in str(error)
    one.kprove.program.unlink()
    assert "'kprove'" in str(one.refusal()), 'nothing of it was kept'


@pytest.mark.parametrize(
    ('table', 'key'),
    [
        ('program = ""', 'program'),
        ('include = ["nowhere"]', 'include'),
        ('include = "lib"', 'include'),
        ('args = [7]', 'args'),
        ('spec-modules = {"sum-spec.k" = ""}', 'spec-modules'),
        ('timeout = 0', 'timeout'),
        ('timeout = inf', 'timeout'),
        ('timeout = true', 'timeout'),
        ('jobs = 1.5', 'jobs'),
        ('includes = ["lib"]', 'includes'),
    ],
)
def test_a_wrong_value_in_the_table_is_named_with_what_is_allowed(one: KSpecs, table: str, key: str) -> None:
    error = one.refusal(f'[kprove]\n{table}\n')
    assert error.key == f'kprove.{key}'
    assert 'include' in str(error) if key == 'includes' else 'allowed: ' in str(error)
    assert not one.kprove.calls


def test_a_side_condition_on_a_text_is_no_required_file_however_long_it_is(one: KSpecs) -> None:
    condition = 'claim S requires "' + 'x' * 300 + '" ==String S'
    (one.folder / 'sum-spec.k').write_text(f'requires "more.k"\nmodule SUM-SPEC\n{condition}\nendmodule\n')
    assert [claim.label for claim in one.load('').claims] == ['SUM-SPEC.one']
