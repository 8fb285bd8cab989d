"""The claims of the example suites, checked against the interpreters, without any prover."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from examples_harness import Mismatch, check, evaluate, samples
from pyk.kast.inner import KApply
from pyk.kast.manip import extract_lhs, extract_rhs
from pyk.kast.outer import KClaim, KFlatModuleList

from examples.build import ROOT
from examples.imp.interpreter import OutOfSteps

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from typing import Any

LANGUAGES = ('imp', 'stack')
SUITES = [(language, suite) for language in LANGUAGES for suite in ('suite', 'failing')]

NEEDS_A_PROVER = {
    # the run is stuck, which an interpreter of well-sorted programs cannot show
    'IMP-WRONG.stuck',
    # true of every input that the interpreter can read, but not provable without the lemma
    'IMP-WRONG.input-unknown',
}


def suite_of(language: str, name: str) -> dict[str, Any]:
    """Return the content of a suite file."""
    return tomllib.loads((ROOT / language / f'{name}.toml').read_text())


def claims_of(language: str, suite: str) -> list[KClaim]:
    """Return the claims of a suite."""
    found = []
    for path in suite_of(language, suite)['specs']:
        content = json.loads((ROOT / language / path).read_text())
        found += [claim for module in KFlatModuleList.from_dict(content['term']).modules for claim in module.claims]
    return found


def is_functional(claim: KClaim) -> bool:
    """Return whether a claim is about the value of a function rather than about runs."""
    left = extract_lhs(claim.body)
    return isinstance(left, KApply) and not left.is_cell


def holds(claim: KClaim, language: str) -> bool:
    """Return whether no sample of the claim's variables refutes it."""
    for values in samples(claim, 300):
        try:
            if not check(claim, language, values):
                return False
        except Mismatch:
            return False
        except OutOfSteps:  # a run that does not end refutes nothing
            continue
    return True


def parameters(suite: str, *, functional: bool) -> list[Any]:
    return [
        pytest.param(language, claim, id=claim.label)
        for language in LANGUAGES
        for claim in claims_of(language, suite)
        if is_functional(claim) == functional
    ]


@pytest.mark.parametrize(('language', 'claim'), parameters('suite', functional=False))
def test_claims_of_the_default_suite_hold_of_the_interpreter(language: str, claim: KClaim) -> None:
    assumed = suite_of(language, 'suite')['claims'].get(claim.label, {}).get('assume-defined', False)
    for values in samples(claim, 60):
        try:
            assert check(claim, language, values), f'the condition at the end does not hold for {values}'
        except ZeroDivisionError:
            assert assumed, f'the condition at the end has no value for {values}'


@pytest.mark.parametrize(('language', 'claim'), parameters('failing', functional=False))
def test_claims_of_the_failing_suite_are_refuted_by_the_interpreter(language: str, claim: KClaim) -> None:
    if claim.label in NEEDS_A_PROVER:
        pytest.skip('wrong for a reason that only a prover sees')
    assert not holds(claim, language)


@pytest.mark.parametrize('language', LANGUAGES)
def test_every_default_claim_has_samples(language: str) -> None:
    without = [c.label for c in claims_of(language, 'suite') if not is_functional(c) and not list(samples(c, 1))]
    assert without == []


@pytest.mark.parametrize(('language', 'claim'), parameters('failing', functional=True))
def test_wrong_equalities_of_integers_are_refuted(language: str, claim: KClaim) -> None:
    left, right = extract_lhs(claim.body), extract_rhs(claim.body)
    if left.label.name == 'cost':  # type: ignore[attr-defined]
        pytest.skip('costs are known to the machine only')
    assert any(_differ(left, right, values) for values in samples(claim, 60))


def _differ(left: Any, right: Any, values: dict[str, int]) -> bool:
    if left.label.name == 'operands':
        name, (argument,) = left.args[0].label.name, left.args[0].args
        value = evaluate(argument, values) + (name == 'swap')
    else:
        value = evaluate(left, values)
    return value != evaluate(right, values)


@pytest.mark.parametrize(
    ('language', 'suite', 'least'),
    [('imp', 'suite', 20), ('stack', 'suite', 12), ('imp', 'failing', 10), ('stack', 'failing', 10)],
)
def test_suites_are_as_large_as_promised(language: str, suite: str, least: int) -> None:
    assert len(claims_of(language, suite)) >= least


@pytest.mark.parametrize(('language', 'suite'), SUITES)
def test_overrides_name_claims_of_the_suite(language: str, suite: str) -> None:
    labels = {claim.label for claim in claims_of(language, suite)}
    assert set(suite_of(language, suite).get('claims', {})) <= labels


@pytest.mark.parametrize('language', LANGUAGES)
def test_every_spec_file_is_in_exactly_one_suite(language: str) -> None:
    named = [path for suite in ('suite', 'failing') for path in suite_of(language, suite)['specs']]
    named += {
        path
        for suite in ('suite', 'failing')
        for override in suite_of(language, suite).get('claims', {}).values()
        for path in override.get('lemmas', [])
    }
    there = sorted(str(Path('specs') / path.name) for path in (ROOT / language / 'specs').iterdir())
    assert sorted(named) == there


@pytest.mark.parametrize('language', LANGUAGES)
def test_labels_are_distinct_over_both_suites(language: str) -> None:
    labels = [claim.label for suite in ('suite', 'failing') for claim in claims_of(language, suite)]
    assert len(labels) == len(set(labels))


def test_the_kinds_of_claims_that_the_suites_show_are_there() -> None:
    claims = [claim for language in LANGUAGES for claim in claims_of(language, 'suite')]
    assert any(claim.is_circularity for claim in claims)
    assert any(claim.is_trusted for claim in claims)
    assert any(claim.is_circularity and claim.dependencies for claim in claims)
    assert any(claim.dependencies and not claim.is_circularity for claim in claims)
    overrides = [o for language in LANGUAGES for o in suite_of(language, 'suite')['claims'].values()]
    assert any('bmc-depth' in override for override in overrides)
    assert any('lemmas' in override for override in overrides)
