"""What is said of a night beside the nights before it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from kprover.nights import ClaimResult, Cost, Night, NightState
from kprover.nights.compare import Change, ClaimComparison, Comparison, compare
from kprover.nights.text import counts_text, night_report, why

FIRST = date(2026, 11, 1)


def night(number: int, state: NightState = NightState.FINISHED, day: int | None = None) -> Night:
    day = number if day is None else day
    return Night(number, FIRST + timedelta(days=day), 'a.toml', 1e9 + 86400.0 * day, None, state)


def result(status: str, digest: str = 'one', *, worked: bool = True, **cost: float) -> ClaimResult:
    return ClaimResult(
        's/C',
        's',
        status,
        digest=digest,
        worked=worked,
        cost=Cost(**cost),  # type: ignore[arg-type]
    )


def compared(*results: ClaimResult | None, attempted: bool = True) -> ClaimComparison:
    """The claim's comparison in the last of some nights; the results are those of one night after another."""
    nights = [(night(number), {} if r is None else {'s/C': r}) for number, r in enumerate(results)]
    tonight, found = nights.pop()
    comparison = compare(tonight, found, nights[::-1], attempted=frozenset({'s/C'} if attempted else ()))
    return comparison.claims[0]


def test_a_verdict_that_changes_with_its_inputs_is_newly_failing_or_newly_passing() -> None:
    assert compared(result('passed'), result('failed', 'two')).change is Change.NEWLY_FAILING
    assert compared(result('passed'), result('error', 'two')).change is Change.NEWLY_FAILING
    assert compared(result('failed'), result('passed', 'two')).change is Change.NEWLY_PASSING
    assert compared(result('failed'), result('failed', 'two')).change is Change.STILL_FAILING
    assert compared(result('passed'), result('passed', 'two')).change is Change.SAME
    assert compared(result('failed')).change is Change.NEWLY_FAILING
    assert compared(result('passed')).change is Change.NEW


def test_another_outcome_with_the_same_inputs_is_flaky_for_as_long_as_the_window_shows_it() -> None:
    assert compared(result('passed'), result('failed')).change is Change.FLAKY
    assert compared(result('error'), result('passed')).change is Change.FLAKY
    later = compared(result('passed'), result('error'), result('passed'), result('passed', worked=False))
    assert later.change is Change.FLAKY
    assert why(later) == ('passed now, error on 2026-11-02, passed on 2026-11-01, with the same inputs')
    # an edit of an input begins anew
    assert compared(result('passed'), result('error'), result('passed', 'two')).change is Change.NEWLY_PASSING


def test_what_was_not_decided_hides_no_change_and_is_none() -> None:
    for undecided in ('pending', 'not-attempted'):
        between = compared(result('passed'), result(undecided, 'two'), result('failed', 'two'))
        assert between.change is Change.NEWLY_FAILING
        assert between.when is not None and between.when.number == 0
        assert compared(result('passed'), result(undecided)).change is Change.UNDECIDED
        assert compared(result('passed'), result(undecided), result('passed')).change is Change.SAME
    assert compared(result('not-attempted'), attempted=False).change is Change.NEVER_ATTEMPTED
    assert compared(result('not-attempted'), attempted=True).change is Change.UNDECIDED


def test_slower_by_counts_compares_whole_proofs_with_the_same_verdict() -> None:
    before = result('passed', requests=100, rewrites=1000, seconds=1.0)
    grown = compared(before, result('passed', 'two', requests=150, rewrites=1001, seconds=0.5))
    assert counts_text(grown) == 'requests 100 to 150 (+50 %)'
    assert not compared(before, result('passed', 'two', requests=104, rewrites=900)).grown
    assert not compared(before, result('pending', 'two', requests=400)).grown
    assert not compared(before, result('failed', 'two', requests=400)).grown
    half_done = result('pending', 'two', requests=10)
    assert not compared(before, half_done, result('passed', 'two', requests=100)).grown


def test_slower_by_time_is_said_only_where_noise_does_not_explain_it() -> None:
    def times(*seconds: float) -> ClaimComparison:
        return compared(*(result('passed', str(number), seconds=s) for number, s in enumerate(seconds)))

    def slower(*seconds: float) -> bool:
        found = times(*seconds).times
        return found is not None and found.slower

    assert slower(10.0, 10.1, 9.9, 10.0, 15.0)
    assert not slower(10.0, 14.0, 7.0, 12.0, 15.0), 'within the noise'
    assert not slower(10.0, 15.0), 'one time says nothing of what is usual'
    assert not slower(0.01, 0.01, 0.01, 0.05), 'too short to tell'
    stored = compared(*[result('passed', seconds=10.0)] * 4, result('passed', worked=False, seconds=50.0))
    assert stored.times is None, 'a proof from the store has measured nothing'


def test_the_inputs_that_changed_are_named() -> None:
    inputs = {
        'one': {'claim': 'c', 'definition': 'd', 'options': {'execute_depth': 1, 'lemmas': []}},
        'two': {'claim': 'c', 'definition': 'e', 'options': {'execute_depth': 2, 'lemmas': []}},
    }
    found = compare(
        night(1), {'s/C': result('failed', 'two')}, [(night(0), {'s/C': result('passed')})], inputs=inputs.get
    )
    assert found.claims[0].changed == ('definition', 'options.execute_depth')
    assert why(found.claims[0]) == 'passed on 2026-11-01; changed since: definition, options.execute_depth'


def test_missed_and_interrupted_nights_and_claims_that_are_gone_are_told() -> None:
    passed = {'s/C': result('passed')}
    both = {**passed, 's/D': replace(result('passed'), claim='s/D')}
    interrupted = night(2, NightState.INTERRUPTED, day=3)
    found: Comparison = compare(night(3, day=5), passed, [(interrupted, {}), (night(1), both)])
    assert found.last == night(1)
    assert found.unfinished == (interrupted,)
    assert found.missed_days == 2
    assert found.gone == ('s/D',)
    report = '\n'.join(night_report(found))
    assert '2 nights missed in between' in report
    assert 'the night of 2026-11-04 was interrupted' in report
    assert 'no longer there: 1' in report
