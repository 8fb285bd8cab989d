"""Claims are chosen by full or short names, and bring with them what they depend on."""

from __future__ import annotations

from pathlib import Path

import pytest

from kprover.suites import Claim, ClaimOptions, Suite, SuiteError, select


def suite(name: str, **depends: str) -> Suite:
    """A suite of claims, each 'MODULE_label' = labels it depends on."""
    labels = [key.replace('_', '.') for key in depends]
    claims = tuple(
        Claim(
            suite=name,
            label=label,
            spec=Path('/spec.json'),
            kompiled=Path('/kompiled'),
            options=ClaimOptions(),
            depends=tuple(f'{name}/{depended}' for depended in text.split()),
            digest=label,
            admitted=False,
        )
        for label, text in zip(labels, depends.values(), strict=True)
    )
    return Suite(name, Path('/suite.toml'), Path('/kompiled'), 'MAIN', 'digest', claims)


SUITES = (
    suite('one', A_x='', A_y='A.x', A_z='A.y', B_x=''),
    suite('two', A_x='', C_only='A.x'),
)


@pytest.mark.parametrize(
    ('names', 'chosen'),
    [
        ([], ['one/A.x', 'one/A.y', 'one/A.z', 'one/B.x', 'two/A.x', 'two/C.only']),
        (['one/A.x'], ['one/A.x']),
        (['A.z'], ['one/A.x', 'one/A.y', 'one/A.z']),
        (['only'], ['two/A.x', 'two/C.only']),
        (['C.only', 'B.x'], ['one/B.x', 'two/A.x', 'two/C.only']),
        (['y', 'A.y', 'one/A.y'], ['one/A.x', 'one/A.y']),
        (['A.*', '!two/*'], ['one/A.x', 'one/A.y', 'one/A.z']),
        (['one/*', '!A.z'], ['one/A.x', 'one/A.y', 'one/B.x']),
        (['!one/*'], ['two/A.x', 'two/C.only']),
        (['A.z', '!A.y'], ['one/A.x', 'one/A.y', 'one/A.z']),
    ],
)
def test_names_choose_claims_with_their_dependencies(names: list[str], chosen: list[str]) -> None:
    assert [claim.name for claim in select(SUITES, names)] == chosen


def test_a_pattern_must_fit_and_leave_something() -> None:
    with pytest.raises(SuiteError, match=r"no claim is called 'D\.\*'"):
        select(SUITES, ['D.*'])
    with pytest.raises(SuiteError, match=r"no claim is left by 'A\.\*' and '!A\.\*'"):
        select(SUITES, ['A.*', '!A.*'])


def test_a_name_of_several_claims_is_refused_with_their_names() -> None:
    with pytest.raises(SuiteError, match=r"'one/A.x' or 'two/A.x'"):
        select(SUITES, ['A.x'])
    with pytest.raises(SuiteError, match=r"'one/A.x', 'one/B.x' or 'two/A.x'"):
        select(SUITES, ['x'])


@pytest.mark.parametrize(
    ('name', 'hint'), [('C.onyl', 'C.only'), ('one/A.w', 'one/A.x'), ('three/A.x', 'one/A.x'), ('qqq', 'one/A.x')]
)
def test_an_unknown_name_is_refused_with_near_ones(name: str, hint: str) -> None:
    with pytest.raises(SuiteError) as caught:
        select(SUITES, [name])
    assert f"no claim is called '{name}'" in str(caught.value)
    assert f"'{hint}'" in str(caught.value)


def test_no_suite_has_no_claims() -> None:
    assert select([], []) == ()
    with pytest.raises(SuiteError, match='there is none'):
        select([], ['a'])
