"""Options that claims of the example suite have are needed there: without one its claim is proved otherwise or not."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from proofs_harness import IMP, KOMPILED, MAIN_MODULE, Driven, Options, drive

from kprover.proofs.session import Session
from kprover.suites import load_suites

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyk.kore.rpc import KoreServer

    from kprover.store import CheckpointStore

NEEDED = [
    ('IMP-ARITHMETIC.first-of-two', 'terminal_rules'),
    ('IMP-BOUNDED.count', 'bmc_depth'),
    ('IMP-BOUNDED.count', 'cut_point_rules'),
    ('IMP-DIVISIONS.share', 'refute'),
    ('IMP-DIVISIONS.share-of-both', 'refute'),
    ('IMP-INPUT.not-negative', 'lemmas'),
    ('IMP-INPUT.read', 'lemmas'),
    ('IMP-INPUT.read-and-checked', 'direct_subproof_rules'),
    ('IMP-ARITHMETIC.swap-of-a-quotient', 'assume_defined'),
]


@cache
def suite_options(label: str) -> Options:
    """The options that a claim has in the example suite."""
    (suite,) = load_suites([IMP / 'suite.toml'])
    (claim,) = (claim for claim in suite.claims if claim.label == label)
    given = {field.name: getattr(claim.options, field.name, ()) for field in fields(Options)}
    return Options(**{**given, 'lemmas': tuple(map(str, given['lemmas']))})


@pytest.fixture
def requests(server: KoreServer) -> Iterator[tuple[Session, list[dict[str, Any]]]]:
    """A session, and the requests that it has sent."""
    sent: list[dict[str, Any]] = []
    recording = Session()
    recording.record_requests(lambda line: sent.append(json.loads(line)))
    recording.connect(str(KOMPILED), MAIN_MODULE, '127.0.0.1', server.port)
    yield recording, sent
    recording.close()


def proved(session: Session, store: CheckpointStore, label: str, options: Options) -> Driven:
    dependencies = ()
    if label == 'IMP-INPUT.read-and-checked':
        needed = drive(session, store, 'IMP-INPUT.read', suite_options('IMP-INPUT.read'))
        dependencies = (needed.digest,)
    return drive(session, store, label, replace(options, dependencies=dependencies), max_steps=30)


@pytest.mark.parametrize(('label', 'option'), NEEDED)
def test_without_its_option_a_claim_does_not_pass(
    session: Session, store: CheckpointStore, label: str, option: str
) -> None:
    options = suite_options(label)
    assert proved(session, store, label, options).status == 'passed'
    without = replace(options, **{option: getattr(Options(), option)})
    assert without != options
    assert proved(session, store, label, without).status != 'passed'


def test_a_fast_check_spares_requests(requests: tuple[Session, list[dict[str, Any]]], store: CheckpointStore) -> None:
    session, sent = requests
    label = 'IMP-DIVISIONS.share'
    counts = []
    for options in (suite_options(label), replace(suite_options(label), fast_check_subsumption=False)):
        sent.clear()
        assert drive(session, store, label, options).status == 'passed'
        counts.append(sum(request['method'] == 'implies' for request in sent))
    assert 0 < counts[0] < counts[1]


def test_that_states_are_defined_is_said_to_the_server(
    requests: tuple[Session, list[dict[str, Any]]], store: CheckpointStore
) -> None:
    session, sent = requests
    label = 'IMP-ARITHMETIC.division'
    for options in (suite_options(label), replace(suite_options(label), assume_defined=False)):
        sent.clear()
        assert drive(session, store, label, options).status == 'passed'
        said = {request['params'].get('assume-defined', False) for request in sent if request['method'] == 'implies'}
        assert said == {options.assume_defined}
