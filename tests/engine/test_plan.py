"""What a proof's digest and a step's key depend on, and in which order steps are taken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kprover.engine import EngineError
from kprover.engine.depths import StepSize, next_depth
from kprover.engine.history import ClaimHistory, longest_chains
from kprover.engine.plan import OneProgram, dependencies_first, plan
from kprover.engine.priority import (
    StepInfo,
    breadth_first,
    by_claim,
    depth_first,
    failed_last_time_first,
    fair_share,
    first_in_first_out,
    load_priority,
    longest_expected_first,
)
from kprover.keys import proof_digest, proof_inputs, step_key
from kprover.suites import Claim, ClaimOptions, Suite

PROOF = {
    'definition': 'd',
    'main_module': 'M',
    'claim': 'c',
    'admitted': False,
    'options': {'execute_depth': 10},
    'dependencies': ('x', 'y'),
    'backend': 'b',
}
STEP = {'definition': 'd', 'main_module': 'M', 'backend': 'b', 'semantics': '', 'request': {'node': 'n'}}


def claim(label: str, *depends: str, digest: str | None = None, **options: object) -> Claim:
    return Claim(
        suite='s',
        label=label,
        spec=Path('/spec.json'),
        kompiled=Path('/kompiled'),
        options=ClaimOptions(**options),  # type: ignore[arg-type]
        depends=tuple(f's/{name}' for name in depends),
        digest=digest or label,
        admitted=False,
    )


def suite(*claims: Claim, definition: str = 'definition') -> Suite:
    return Suite('s', Path('/suite.toml'), Path('/kompiled'), 'M', definition, claims)


def digests(*claims: Claim, definition: str = 'definition', backend: str = 'backend') -> dict[str, str]:
    return dict(plan([suite(*claims, definition=definition)], claims, OneProgram(backend)).digest_of_claim)


@pytest.mark.parametrize(
    'change',
    [
        {'definition': 'e'},
        {'main_module': 'N'},
        {'claim': 'd'},
        {'admitted': True},
        {'options': {'execute_depth': 11}},
        {'dependencies': ('x',)},
        {'backend': 'c'},
    ],
)
def test_every_input_changes_a_proofs_digest(change: dict[str, object]) -> None:
    changed = proof_inputs(**{**PROOF, **change})  # type: ignore[arg-type]
    assert proof_digest(changed) != proof_digest(proof_inputs(**PROOF))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    'change',
    [{'definition': 'e'}, {'main_module': 'N'}, {'backend': 'c'}, {'semantics': 's'}, {'request': {'node': 'm'}}],
)
def test_every_input_changes_a_steps_key(change: dict[str, object]) -> None:
    assert step_key(**{**STEP, **change}) != step_key(**STEP)  # type: ignore[arg-type]


def test_names_of_claims_and_scheduling_options_do_not_enter_a_digest() -> None:
    first = digests(claim('a', digest='same'))
    second = digests(claim('b', digest='same', priority=9, tags=('slow',), step_timeout=3.0, time_limit=7.0))
    assert first['s/a'] == second['s/b']


def test_claims_of_equal_content_share_one_proof() -> None:
    claims = (claim('a', digest='same'), claim('b', digest='same'))
    planned = plan([suite(*claims)], claims, OneProgram('backend'))
    (proof,) = planned.proofs.values()
    assert [c.label for c in proof.claims] == ['a', 'b']


def test_an_edit_changes_the_digests_of_all_that_depend_on_it_and_of_nothing_else() -> None:
    chain = (claim('a'), claim('b', 'a'), claim('c', 'b'), claim('other'))
    before = digests(*chain)
    after = digests(replace(chain[0], digest='edited'), *chain[1:])
    assert [name for name in before if before[name] != after[name]] == ['s/a', 's/b', 's/c']


def test_dependents_are_counted_transitively() -> None:
    claims = (claim('c', 'b'), claim('b', 'a'), claim('a'), claim('d', 'a'))
    planned = plan([suite(*claims)], claims, OneProgram('backend'))
    assert {proof.claim.label: proof.dependents for proof in planned.proofs.values()} == {
        'a': 3,
        'b': 1,
        'c': 0,
        'd': 0,
    }
    assert [proof.claim.label for proof in planned.proofs.values()] == ['c', 'b', 'a', 'd']


def test_the_loosest_of_its_claims_limits_bind_a_proof() -> None:
    claims = (
        claim('a', digest='same', max_steps=1, step_timeout=3.0),
        claim('b', digest='same', max_steps=5),
    )
    (proof,) = plan([suite(*claims)], claims, OneProgram('backend')).proofs.values()
    assert (proof.limits.max_steps, proof.limits.step_timeout, proof.limits.max_nodes) == (5, None, None)


def test_a_long_chain_of_dependencies_comes_first_to_last() -> None:
    claims = (claim('0'), *(claim(str(i), str(i - 1)) for i in range(1, 2000)), claim('other'))
    planned = plan([suite(*claims)], claims, OneProgram('backend'))
    order = dependencies_first(planned.proofs, [planned.digest_of_claim['s/1999']])
    assert [planned.proofs[digest].claim.label for digest in order] == [str(i) for i in range(2000)]


def step(sequence: int, **fields: object) -> StepInfo:
    defaults: dict[str, object] = {
        'claim': 's/a',
        'suite': 's',
        'label': 'a',
        'kind': 'step',
        'priority': 0,
        'tags': (),
        'node': 1,
        'depth': 0,
        'steps': 0,
        'pending': 1,
        'dependents': 0,
        'age': 0.0,
        'seconds': 0.0,
        'estimate': None,
        'failed_before': False,
        'share': 60.0,
        'order': 0,
        'sequence': sequence,
    }
    return StepInfo(**{**defaults, **fields})  # type: ignore[arg-type]


def test_built_in_priorities_order_steps_as_they_say() -> None:
    urgent, needed, deep, plain = step(4, priority=5), step(3, dependents=2), step(2, depth=9), step(1)
    steps = [urgent, needed, deep, plain]
    assert sorted(steps, key=by_claim) == [urgent, needed, plain, deep]
    assert sorted(steps, key=first_in_first_out) == [plain, deep, needed, urgent]
    assert sorted(steps, key=breadth_first)[-1] == deep
    assert sorted(steps, key=depth_first)[0] == deep


def test_a_claim_that_was_begun_is_finished_before_another() -> None:
    first, second, later = step(1, order=0), step(2, order=1), step(3, order=0)
    assert sorted([second, later, first], key=by_claim) == [first, later, second]
    assert sorted([second, later, first], key=first_in_first_out) == [first, second, later]


def test_longest_expected_first_puts_unknown_and_long_claims_before_short_ones() -> None:
    unknown, long, short = step(3), step(2, estimate=90.0), step(1, estimate=3.0)
    urgent = step(4, estimate=1.0, priority=1)
    assert sorted([short, long, unknown, urgent], key=longest_expected_first) == [urgent, unknown, long, short]
    assert sorted([step(1), step(2, dependents=1)], key=longest_expected_first) == [step(2, dependents=1), step(1)]


def test_failed_claims_and_fair_shares_come_before_length() -> None:
    long, short = step(1, estimate=90.0, seconds=61.0), step(2, estimate=3.0, failed_before=True)
    assert sorted([long, short], key=failed_last_time_first) == [short, long]
    assert sorted([long, short], key=fair_share) == [short, long]
    assert sorted([long, step(3, seconds=119.0)], key=fair_share) == [step(3, seconds=119.0), long]


def test_chains_add_up_what_waits_for_a_proof() -> None:
    claims = (claim('a'), claim('b', 'a'), claim('c', 'b'), claim('d', 'a'))
    planned = plan([suite(*claims)], claims, OneProgram('backend'))
    digest = planned.digest_of_claim
    history = {
        digest[f's/{name}']: ClaimHistory(seconds, 1, 1, 'passed')
        for name, seconds in (('a', 1.0), ('b', 2.0), ('c', 4.0), ('d', 5.0))
    }
    chains = longest_chains(planned, history)
    assert {name: chains[digest[f's/{name}']] for name in 'abcd'} == {'a': 6.0, 'b': 4.0, 'c': 0.0, 'd': 0.0}


def test_what_is_left_of_a_claim_shrinks_with_its_steps_and_only_if_its_end_is_known() -> None:
    proved = ClaimHistory(80.0, 8, 16, 'passed')
    assert [proved.left(steps) for steps in (0, 2, 8, 9)] == [80.0, 60.0, 0.0, 0.0]
    assert ClaimHistory(80.0, 8, 16, 'pending').left(8) == 80.0


def test_depths_aim_at_the_target_time_and_move_by_a_bounded_factor() -> None:
    assert next_depth(100, rewrites=100, seconds=5.0, target=10.0) == 200
    assert next_depth(100, rewrites=100, seconds=0.1, target=10.0) == 400
    assert next_depth(100, rewrites=100, seconds=20.0, target=10.0) == 50
    assert next_depth(100, rewrites=100, seconds=1000.0, target=10.0) == 25
    assert next_depth(100, rewrites=3, seconds=1.0, target=10.0) == 100
    assert next_depth(1, rewrites=1, seconds=60.0, target=10.0) == 1


def test_a_step_size_shrinks_on_a_timeout_grows_again_and_keeps_its_bound() -> None:
    size = StepSize(bound=1000, target=10.0)
    assert size.depth(3) == 1000
    size.timed_out(3, 1000)
    assert (size.depth(3), size.depth(4)) == (250, 250)
    for _ in range(5):
        size.finished(size.depth(4), rewrites=size.depth(4) or 0, seconds=0.01)
    assert size.depth(4) == 1000


def test_without_a_target_only_the_node_that_ran_out_of_time_gets_smaller_steps() -> None:
    size = StepSize(bound=None, target=None)
    assert size.depth(3) is None
    size.timed_out(3, None)
    depth = size.depth(3)
    assert depth is not None
    assert size.depth(4) is None
    size.finished(depth, rewrites=depth, seconds=99.0)
    assert size.depth(4) is None


@pytest.mark.parametrize(
    ('spec', 'said'),
    [
        ('no-colon', "expected 'module:callable'"),
        ('kprover.nowhere:f', 'cannot be imported'),
        ('kprover.engine.priority:nothing', 'has no nothing'),
        ('kprover.keys:FORMAT', 'expected a callable'),
    ],
)
def test_a_wrong_priority_is_named_with_what_was_expected(spec: str, said: str) -> None:
    with pytest.raises(EngineError, match=said):
        load_priority(spec)


def test_a_priority_is_found_by_name() -> None:
    assert load_priority('kprover.engine.priority:by_claim') is by_claim
