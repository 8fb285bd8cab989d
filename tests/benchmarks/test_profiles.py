"""The profiles are what the measurements say they are, the same every time."""

from __future__ import annotations

import pytest

from benchmarks.profiles import LONG_CLAIMS, LONG_NODES, Profile, standard


@pytest.mark.parametrize('kind', ['wide', 'deep', 'mixed'])
def test_every_graph_is_a_tree_that_reaches_all_its_nodes(kind: str) -> None:
    profile = standard(kind)
    for claim in range(profile.claims):
        shape = profile.shape(claim)
        reached = [successor for successors in shape.successors for successor in successors]
        assert sorted(reached) == list(range(1, len(shape.seconds)))
        assert all(successor > node for node, after in enumerate(shape.successors) for successor in after)


def test_sizes() -> None:
    wide, deep, mixed = (standard(kind) for kind in ('wide', 'deep', 'mixed'))
    assert wide.claims == 800
    assert {len(wide.shape(claim).seconds) for claim in range(800)} == {5, 6, 7, 8, 9, 10}
    assert deep.claims == 1
    assert deep.steps == 5000
    long = [len(mixed.shape(claim).seconds) for claim in range(800, 803)]
    assert long == [LONG_NODES] * LONG_CLAIMS


def test_the_bound_is_the_greater_of_the_share_and_the_longest_chain() -> None:
    profile = Profile('chain', 2, 5, 0.5)
    seconds = profile.shape(0).seconds[0] * 0.5
    assert profile.work == pytest.approx(10 * seconds)
    assert profile.bound(1) == pytest.approx(10 * seconds)
    assert profile.bound(64) == pytest.approx(5 * seconds)


def test_a_profile_survives_the_command_line() -> None:
    profile = standard('mixed', 0.125)
    assert Profile.from_json(profile.to_json()) == profile


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r'narrow.*expected one of wide'):
        Profile('narrow', 1).shape(0)
