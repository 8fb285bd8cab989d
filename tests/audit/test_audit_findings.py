"""What an audit finds in a store that is incomplete, or that contradicts itself in places which no verdict shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from engine_harness import example
from test_audit import WRONG, Forged, forge

from kprover.audit.audit import AuditOptions, audit
from kprover.audit.model import AuditError
from kprover.engine import Ledger
from kprover.engine.ledger import journal_row, proof_row, step_row, term_row, verdict_row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kprover.engine import RunConfig


def findings(run_config: RunConfig, label: str, file: str = 'failing.toml') -> str:
    """What is found when only the ends of branches are made again; with the number of steps that were to be."""
    suite = example('imp', file)
    seen: list[tuple[int, int]] = []
    report = audit(
        Ledger([suite], run_config),
        f'{suite.name}/{label}',
        run_config,
        AuditOptions(share=0.0, progress=lambda done, steps, what: seen.append((done, steps))),
    )
    assert not report.confirmed
    assert not seen or seen[-1] == (report.executed, report.executed)
    return '\n'.join(map(str, report.findings))


def of_other_things(forged: Forged) -> None:
    """The steps are right: what is said of the whole is not."""
    forged.store.delete(proof_row(forged.digest))

    def lie(verdict: dict[str, Any]) -> None:
        verdict['nodes'] += 1
        verdict['admitted'] = True
        verdict['inputs'] = {**verdict['inputs'], 'claim': 'f' * 64}

    forged.edit(verdict_row(forged.digest), lie)


def with_a_gap(forged: Forged) -> None:
    forged.store.delete(journal_row(forged.digest, 2))
    forged.store.delete(verdict_row(forged.digest))


def twice_the_same(forged: Forged) -> None:
    node, step = forged.steps()[0]
    forged.store.put(journal_row(forged.digest, 1), {'node': node, 'step': step})


def without_a_term(forged: Forged) -> None:
    record = forged.store.get(step_row(forged.steps()[0][1]))
    assert record is not None
    (term,) = record.header['results'][0]['extension']['nodes']
    forged.store.delete(term_row(term))


def impossible(forged: Forged) -> None:
    forged.replace_step(7, {'kind': 'use-cache'}, {'kind': 'use-cache'})


INCOMPLETE: dict[str, tuple[Callable[[Forged], None], tuple[str, ...]]] = {
    'other things': (
        of_other_things,
        (
            'beginning: is not in the store, or damaged',
            'verdict: admitted is True, and by the claim False',
            r'verdict: has (\d+) nodes, and the graph \d+',
            'verdict: holds for another claim than the claim has now',
        ),
    ),
    'a gap': (with_a_gap, ('journal: commit 2 is missing or damaged', 'verdict: there is none yet')),
    'a commit twice': (twice_the_same, ('commit 1, node 1, step .*: there is nothing to be done at this node',)),
    'a term is gone': (without_a_term, ('commit 0, node 1, step .*: the step, or a term that it names, is missing',)),
    'an impossible result': (impossible, ('node 7, step .*: its result is none that a step can have',)),
}


@pytest.mark.parametrize('name', INCOMPLETE)
def test_each_thing_that_is_missing_or_contradicts_another_is_named(
    audited: RunConfig, tmp_path: Path, name: str
) -> None:
    change, expected = INCOMPLETE[name]
    text = findings(forge(audited, tmp_path, WRONG, change), WRONG)
    for pattern in expected:
        assert re.search(pattern, text), (pattern, text)


def test_a_verdict_that_rests_on_one_which_is_gone_is_not_confirmed(audited: RunConfig, tmp_path: Path) -> None:
    run_config = forge(
        audited, tmp_path, 'IMP-LOOPS.transfer', lambda it: it.store.delete(verdict_row(it.digest)), 'suite.toml'
    )
    text = findings(run_config, 'IMP-LOOPS.transfer-six', 'suite.toml')
    assert text == 'verdict: rests on imp/IMP-LOOPS.transfer, which has no verdict'


def test_a_claim_that_failed_with_another_is_not_confirmed_once_that_has_passed(
    audited: RunConfig, tmp_path: Path
) -> None:
    run_config = forge(audited, tmp_path, 'IMP-WRONG-LOOPS.transfer-one-more', Forged.passes)
    text = findings(run_config, 'IMP-WRONG-LOOPS.transfer-seven')
    assert text == 'verdict: failed with a claim that it depends on, and none of them has failed'


def test_what_was_proved_by_a_prover_of_its_own_is_no_matter_of_an_audit(audited: RunConfig, tmp_path: Path) -> None:
    from engine_harness import config, run

    label = 'IMP-CASES.largest-commutes'
    suite, run_config = example('imp'), config(tmp_path)
    assert run(suite, [label], run_config).all_passed
    with pytest.raises(AuditError, match=f'imp/{label}: is proved by a prover of its own'):
        audit(Ledger([suite], run_config), f'imp/{label}', run_config)
