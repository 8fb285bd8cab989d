"""`kprover audit`: right verdicts are confirmed, and a store that was tampered with is found out."""

from __future__ import annotations

import dataclasses
import json
import random
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from engine_harness import EXAMPLES, example, run
from pyk.cterm.cterm import CTerm
from pyk.kast.inner import KVariable
from pyk.kast.prelude.kint import INT, ltInt
from pyk.kast.prelude.ml import mlEqualsTrue

from kprover.audit.audit import audit, sample
from kprover.audit.reexecute import RecordedStep
from kprover.cli import main
from kprover.engine import Ledger, Status
from kprover.engine.ledger import (
    cut_journal,
    journal_row,
    proof_row,
    read_journal,
    read_term,
    step_row,
    term_row,
    verdict_row,
)
from kprover.proofs.codec import TermCache, pack, unpack
from kprover.store import CheckpointStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kprover.audit.model import AuditReport
    from kprover.engine import RunConfig

WRONG = 'IMP-WRONG.larger-strictly'
"""A false claim about two branches, one of which ends wrongly in node 7."""


A_LESS_THAN_B = mlEqualsTrue(ltInt(KVariable('A', INT), KVariable('B', INT)))
"""With this case alone the claim holds."""


def audit_of(run_config: RunConfig, label: str, file: str = 'failing.toml', language: str = 'imp') -> AuditReport:
    suite = example(language, file)
    return audit(Ledger([suite], run_config), f'{suite.name}/{label}', run_config)


@dataclasses.dataclass
class Forged:
    """A copy of a store, open for whoever wants to change what it says of one claim, with right checksums."""

    store: CheckpointStore
    digest: str

    def steps(self) -> list[tuple[int, str]]:
        return read_journal(self.store, self.digest)

    def edit(self, row: str, change: Callable[[dict[str, Any]], None]) -> None:
        record = self.store.get(row)
        assert record is not None
        change(record.header)
        self.store.put(row, record.header, record.blob)

    def replace_step(self, node: int, result: dict[str, Any], detail: dict[str, Any]) -> None:
        """Let the step at a node say something else, once for the engine and once for pyk."""
        ((_, key),) = [(at, key) for at, key in self.steps() if at == node]
        record = self.store.get(step_row(key))
        assert record is not None
        header = {**record.header, 'results': [{'prior_loops': [], **result}]}
        self.store.put(step_row(key), header, pack({**unpack(record.blob), 'results': [detail]}))

    def passes(self, **fields: Any) -> None:
        """Let the verdict be that the claim has passed."""
        passed = {'status': 'passed', 'reason': '', 'failures': [], 'failing': 0, **fields}
        self.edit(verdict_row(self.digest), lambda header: header.update(passed))


def forge(
    audited: RunConfig, folder: Path, label: str, change: Callable[[Forged], None], file: str = 'failing.toml'
) -> RunConfig:
    """A copy of the store with a change."""
    run_config = dataclasses.replace(audited, store=folder / 'store.sqlite')
    for path in audited.store.parent.glob('store.sqlite*'):
        shutil.copy(path, folder)
    suite = example('imp', file)
    digest = Ledger([suite], run_config).proof(f'{suite.name}/{label}').digest
    with CheckpointStore.open(run_config.store) as store:
        change(Forged(store, digest))
        store.commit()
    return run_config


COVERED: dict[str, Any] = {'kind': 'subsumed'}
COVERED_DETAIL = {'kind': 'subsumed', 'csubst': {'subst': {}, 'constraints': []}}
VACUOUS: dict[str, Any] = {'kind': 'extend', 'extension': {'kind': 'vacuous'}, 'to_cache': None}
VACUOUS_DETAIL = {'kind': 'extend', 'extension': {'kind': 'vacuous'}}


@pytest.mark.parametrize(
    ('language', 'file', 'label', 'status', 'notice'),
    [
        ('imp', 'suite.toml', 'IMP-LOOPS.transfer-six', 'passed', 'rests on imp/IMP-LOOPS.transfer, passed'),
        ('imp', 'suite.toml', 'IMP-BOUNDED.count', 'passed', '1 branch left at the loop bound'),
        ('imp', 'suite.toml', 'IMP-EQUALITIES.sign-sum', 'passed', ''),
        ('imp', 'suite.toml', 'IMP-ASSUMED.power-more-than-one', 'passed', 'power-positive, trusted'),
        ('imp', 'suite.toml', 'IMP-INPUT.not-negative', 'passed', ''),
        ('imp', 'failing.toml', 'IMP-WRONG.one-of-sixteen', 'failed', ''),
        ('imp', 'failing.toml', 'IMP-WRONG-LOOPS.transfer-seven', 'failed', 'transfer-one-more, failed'),
        ('stack', 'suite.toml', 'STACK-BOUNDED.forever', 'passed', '1 branch left at the loop bound'),
    ],
)
def test_a_right_verdict_is_confirmed_with_its_reservations(
    audited: RunConfig, language: str, file: str, label: str, status: str, notice: str
) -> None:
    report = audit_of(audited, label, file, language)
    assert report.findings == ()
    assert report.confirmed
    assert report.status == status
    assert report.executed == report.steps
    assert any(notice in text for text in report.notices) if notice else report.notices == ()


def test_a_trusted_claim_is_not_confirmed_for_nothing_was_checked(audited: RunConfig) -> None:
    report = audit_of(audited, 'IMP-ASSUMED.power-positive', 'suite.toml')
    assert (report.findings, report.admitted, report.confirmed) == ((), True, False)
    (line,) = report.lines()
    assert line.endswith(': trusted, not confirmed: it was admitted without a proof, so nothing was checked')


def forgeries() -> dict[str, tuple[Callable[[Forged], None], str]]:
    def covered(forged: Forged) -> None:
        forged.replace_step(7, COVERED, COVERED_DETAIL)
        forged.passes()

    def vacuous(forged: Forged) -> None:
        forged.replace_step(7, VACUOUS, VACUOUS_DETAIL)
        forged.passes()

    def for_the_engine_alone(forged: Forged) -> None:
        forged.replace_step(7, COVERED, {'kind': 'terminal'})
        forged.passes()

    def verdict_alone(forged: Forged) -> None:
        forged.passes()

    def never_made(forged: Forged) -> None:
        cut_journal(forged.store, forged.digest, len(forged.steps()) - 1)
        forged.passes(steps=5)

    def other_target(forged: Forged) -> None:
        final = next(node for node, _ in reversed(forged.steps()))
        assert final == 7
        key = dict(forged.steps())[5]
        record = forged.store.get(step_row(key))
        assert record is not None
        (reached,) = record.header['results'][0]['extension']['nodes']
        forged.edit(proof_row(forged.digest), lambda header: header.update(target=reached))
        forged.replace_step(7, COVERED, COVERED_DETAIL)
        forged.passes()

    def trusted(forged: Forged) -> None:
        forged.edit(proof_row(forged.digest), lambda header: header.update(admitted=True))
        forged.passes(admitted=True)

    def branch_forgotten(forged: Forged) -> None:
        forged.replace_step(5, COVERED, COVERED_DETAIL)
        forged.passes(steps=5, nodes=6)
        cut_journal(forged.store, forged.digest, len(forged.steps()) - 1)

    def another_step(forged: Forged) -> None:
        good = dict(forged.steps())[6]
        sequence = [node for node, _ in forged.steps()].index(7)
        forged.store.put(journal_row(forged.digest, sequence), {'node': 7, 'step': good})
        forged.passes()

    return {
        'an end is called covered': (covered, 'node 7, step .*: made again, it was subsumed and is terminal'),
        'an end is called vacuous': (vacuous, 'node 7, step .*: made again, it was extend and is terminal'),
        'the engine is told otherwise than pyk': (for_the_engine_alone, 'node 7: is covered by the headers.*in pyk'),
        'the verdict alone': (verdict_alone, 'verdict: is recorded as passed, and by the graph is failed'),
        'the wrong end was never reached': (never_made, 'verdict: is recorded as passed, .* by the graph is pending'),
        'the target is another': (other_target, 'beginning: target is recorded as'),
        'the claim is called trusted': (trusted, 'beginning: admitted is recorded as True, and by the claim is False'),
        'a branch is cut short': (branch_forgotten, 'node 5, step .*: made again, it was subsumed and is extend'),
        'the step of another node': (another_step, 'node 7, step .*: its key is not that of what the proof asks'),
    }


@pytest.mark.parametrize('name', forgeries())
def test_a_false_claim_that_was_made_to_pass_is_found_out(audited: RunConfig, tmp_path: Path, name: str) -> None:
    change, expected = forgeries()[name]
    run_config = forge(audited, tmp_path, WRONG, change)
    verdict = Ledger([example('imp', 'failing.toml')], run_config).verdict(f'imp-failing/{WRONG}')
    assert verdict is not None
    assert verdict.status is Status.PASSED, 'the forgery deceives those who look at the verdict'
    report = audit_of(run_config, WRONG)
    assert not report.confirmed
    text = '\n'.join(map(str, report.findings))
    assert re.search(expected, text), text


def with_state(forged: Forged, node: int, change: Callable[[CTerm], CTerm]) -> None:
    """Let the step at a node lead to another state, and forget all that was made of that state."""
    position, key = next((i, key) for i, (at, key) in enumerate(forged.steps()) if at == node)
    record = forged.store.get(step_row(key))
    assert record is not None
    (term,) = record.header['results'][0]['extension']['nodes']
    cache = TermCache()
    state = change(cache.decode(term, read_term(forged.store, term).get))
    name, blob = TermCache().encode(state)
    forged.store.put(term_row(name), {}, blob)
    header = json.loads(json.dumps(record.header).replace(term, name))
    detail = json.loads(json.dumps(unpack(record.blob)).replace(term, name))
    forged.store.put(step_row(key), header, pack(detail))
    cut_journal(forged.store, forged.digest, position + 1)
    forged.store.delete(verdict_row(forged.digest))


def test_a_state_that_lost_a_case_is_found_out(audited: RunConfig, tmp_path: Path) -> None:
    run_config = forge(
        audited,
        tmp_path,
        WRONG,
        lambda forged: with_state(forged, 1, lambda state: state.add_constraint(A_LESS_THAN_B)),
    )
    found = run(example('imp', 'failing.toml'), [WRONG], run_config).claims[0]
    assert found.status is Status.PASSED, 'with one case less the false claim holds'
    report = audit_of(run_config, WRONG)
    assert [finding.where[:6] for finding in report.findings] == ['node 1']


def test_a_state_that_covers_the_one_found_now_stands(audited: RunConfig, tmp_path: Path) -> None:
    label = 'IMP-WRONG-LOOPS.transfer-one-more'

    def widened(state: CTerm) -> CTerm:
        assert state.constraints
        return CTerm(state.config)

    run_config = forge(audited, tmp_path, label, lambda forged: with_state(forged, 1, widened))
    run(example('imp', 'failing.toml'), [label], run_config)
    report = audit_of(run_config, label)
    assert report.findings == ()
    assert report.implied == 1
    assert '1 steps have another result now, which the recorded one covers' in report.notices


def test_an_imported_step_that_is_wrong_is_found_out(audited: RunConfig, tmp_path: Path) -> None:
    suite = str(EXAMPLES / 'imp' / 'failing.toml')

    def command(name: str, *words: str, store: Path) -> int:
        return main([name, WRONG, *words, '--suite', suite, '--store', str(store), '--backend', 'embedded'])

    assert command('export-proof', str(tmp_path), store=audited.store) == 0
    path = tmp_path / WRONG / 'kcfg' / 'kcfg.json'
    graph = json.loads(path.read_text())
    edges = [{'source': 1, 'target': 6, 'depth': 15, 'rules': []}]  # straight to the good branch's end
    kept = {'next': 8, 'nodes': [1, 2, 6], 'edges': edges, 'vacuous': [], 'stuck': []}
    assert {edge['target'] for edge in graph['edges']} == {3, 6, 7}
    path.write_text(json.dumps(kept))
    run_config = dataclasses.replace(audited, store=tmp_path / 'store.sqlite')
    assert command('import-proof', str(tmp_path), store=run_config.store) == 0
    found = run(example('imp', 'failing.toml'), [WRONG], run_config).claims[0]
    assert found.status is Status.PASSED
    assert 'steps imported from' in found.reason, 'the verdict says what it rests on'
    report = audit_of(run_config, WRONG)
    assert any(finding.where.startswith('node 1, ') for finding in report.findings)


def test_a_sample_holds_every_end_and_every_imported_step() -> None:
    def step(number: int) -> RecordedStep:
        ending, imported = number % 5 == 0, 'elsewhere' if number % 7 == 0 else ''
        return RecordedStep(number, number, f'{number:064x}', None, {}, ending, imported)  # type: ignore[arg-type]

    steps = [step(number) for number in range(100)]
    always = {step.number for step in steps if step.ending or step.imported}
    for share, count in ((0.0, 0), (0.1, 7), (1.0, 100 - len(always))):
        chosen = sample(steps, share, random.Random(1))
        numbers = [step.number for step in chosen]
        assert numbers == sorted(numbers)
        assert always <= set(numbers)
        assert len(numbers) == len(always) + count


def test_the_command_ends_with_0_for_a_confirmed_verdict_and_1_for_another(
    audited: RunConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = str(EXAMPLES / 'imp' / 'failing.toml')

    def command(run_config: RunConfig, *words: str) -> int:
        options = ['--suite', suite, '--store', str(run_config.store), '--backend', 'embedded']
        return main(['audit', *words, *options])

    assert command(audited, WRONG, '--sample', '0.2') == 0
    assert f'imp-failing/{WRONG}: confirmed, failed: ' in capsys.readouterr().out
    forged = forge(audited, tmp_path, WRONG, lambda forged: forged.passes())
    assert command(forged, WRONG, '--json') == 1
    (report,) = json.loads(capsys.readouterr().out)
    assert report['confirmed'] is False
    suite = str(EXAMPLES / 'imp' / 'suite.toml')
    assert command(audited, 'IMP-ASSUMED.power-positive') == 1
    assert command(audited, 'IMP-ASSUMED.power-more-than-one', '--dependencies') == 0
    capsys.readouterr()
    suite = str(EXAMPLES / 'imp' / 'failing.toml')
    assert command(audited, 'IMP-WRONG.literals') == 2
    assert 'prove it first' in capsys.readouterr().err
