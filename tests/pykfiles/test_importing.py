"""A proof that pyk has half made, as the start of a claim: the verdict is the same, and no word of it is believed."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from embedded import EmbeddedServer
from engine_harness import EXAMPLES, config, example, run
from pyk.cterm.symbolic import CTermSymbolic
from pyk.kast.outer import KDefinition, read_kast_definition
from pyk.kcfg.explore import KCFGExplore
from pyk.kore.rpc import KoreClient
from pyk.proof.reachability import APRProof, APRProver

from examples.imp.semantics import ImpSemantics
from kprover.cli import main
from kprover.engine import Ledger, Status, prove
from kprover.engine.ledger import read_journal
from kprover.proofs.sources import Sources
from kprover.store import StoreReader
from kprover.suites import select

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kprover.engine import ClaimProgress, RunConfig

KOMPILED = EXAMPLES / 'imp' / 'kompiled'


@dataclass(frozen=True)
class Pyk:
    """pyk's own explorer on an embedded server of its own."""

    explore: KCFGExplore
    definition: KDefinition
    sources: Sources

    def half_proved(self, label: str, folder: Path, rounds: int, file: str = 'suite.toml') -> APRProof:
        """pyk's proof of a claim after some rounds of its own loop, written by pyk."""
        (claim,) = (claim for claim in example('imp', file).claims if claim.label == label)
        sentence = self.sources.claim(str(claim.spec), label)
        options = claim.options
        proof = APRProof.from_claim(self.definition, sentence, {}, proof_dir=folder, bmc_depth=options.bmc_depth)
        prover = APRProver(self.explore, execute_depth=options.execute_depth, cut_point_rules=options.cut_point_rules)
        prover.advance_proof(proof, max_iterations=rounds)
        proof.write_proof_data()
        return proof


@pytest.fixture(scope='module')
def pyk() -> Iterator[Pyk]:
    definition = read_kast_definition(KOMPILED / 'compiled.json')
    with EmbeddedServer(KOMPILED) as server, KoreClient('127.0.0.1', server.port) as client:
        yield Pyk(KCFGExplore(CTermSymbolic(client, definition), kcfg_semantics=ImpSemantics()), definition, Sources())


def import_proof(run_config: RunConfig, label: str, folder: Path, *words: str, file: str = 'suite.toml') -> int:
    suite = EXAMPLES / 'imp' / file
    options = ['--suite', str(suite), '--store', str(run_config.store), '--backend', 'embedded']
    return main(['import-proof', label, str(folder), *words, *options])


def verdict(run_config: RunConfig, label: str, file: str = 'suite.toml') -> ClaimProgress:
    summary = run(example('imp', file), [label], run_config)
    (found,) = (claim for claim in summary.claims if claim.label == label)
    return found


def step_keys(run_config: RunConfig) -> set[str]:
    with StoreReader(run_config.store) as store:
        return {row.removeprefix('step:') for row in store.keys('step:')}


BEGUN = (
    ('IMP-BRANCHES.sixteen', 'suite.toml', 25),
    ('IMP-LOOPS.transfer', 'suite.toml', 5),
    ('IMP-BOUNDED.count', 'suite.toml', 12),
    ('IMP-WRONG.one-of-sixteen', 'failing.toml', 200),
    ('IMP-BRANCHES.dead-branch', 'suite.toml', 200),
)


@dataclass(frozen=True)
class BothWays:
    """The claims of `BEGUN` as pyk has begun them, and their verdicts from the start and from there."""

    folder: Path
    begun: dict[str, APRProof]
    imported: dict[str, frozenset[str]]
    """The keys of the steps of each."""
    made: set[str]
    """The keys of the steps that were made from the start."""
    expected: dict[str, ClaimProgress]
    found: dict[str, ClaimProgress]


@pytest.fixture(scope='module')
def both_ways(pyk: Pyk, tmp_path_factory: pytest.TempPathFactory) -> BothWays:
    folder = tmp_path_factory.mktemp('begun')
    begun = {label: pyk.half_proved(label, folder / 'pyk', rounds, file) for label, file, rounds in BEGUN}
    suites = [example('imp'), example('imp', 'failing.toml')]
    chosen = select(suites, list(begun))
    undisturbed, imported = config(folder / 'undisturbed'), config(folder / 'imported')
    expected = prove(suites, chosen, undisturbed)
    for label, file, _ in BEGUN:
        assert import_proof(imported, label, folder / 'pyk', file=file) == 0
    ledger = Ledger(suites, imported)
    with StoreReader(imported.store) as store:
        keys = {
            claim.label: frozenset(key for _, key in read_journal(store, ledger.proof(claim.name).digest))
            for claim in chosen
        }
    found = prove(suites, chosen, imported)
    by_label = ({claim.label: claim for claim in summary.claims} for summary in (expected, found))
    return BothWays(folder / 'pyk', begun, keys, step_keys(undisturbed), *by_label)


@pytest.mark.parametrize('label', [label for label, _, _ in BEGUN])
def test_a_proof_begun_by_pyk_ends_as_an_undisturbed_one(both_ways: BothWays, label: str) -> None:
    expected, found, before = both_ways.expected[label], both_ways.found[label], both_ways.imported[label]
    assert before
    assert (found.status, found.bounded, found.failing) == (expected.status, expected.bounded, expected.failing)
    assert found.nodes == expected.nodes >= len(both_ways.begun[label].kcfg.nodes)
    imported_from = f'{len(before)} of {found.steps} steps imported from {both_ways.folder / label}, not re-exec'
    assert imported_from in found.reason
    assert found.steps == expected.steps
    assert not before & both_ways.made, 'what was imported has no key that a request could have'


def test_the_numbers_of_nodes_are_those_of_the_folder(pyk: Pyk, tmp_path: Path) -> None:
    label = 'IMP-BRANCHES.sixteen'
    begun = pyk.half_proved(label, tmp_path / 'pyk', 30)
    run_config = config(tmp_path)
    assert import_proof(run_config, label, tmp_path / 'pyk' / label) == 0
    out = tmp_path / 'out'
    suite = EXAMPLES / 'imp' / 'suite.toml'
    where = ['--suite', str(suite), '--store', str(run_config.store), '--backend', 'embedded']
    assert main(['export-proof', label, str(out), *where]) == 0
    again = APRProof.read_proof_data(out, label)
    assert again.kcfg.to_dict()['nodes'] == begun.kcfg.to_dict()['nodes']
    assert [edge.to_dict() for edge in again.kcfg.edges()] == [edge.to_dict() for edge in begun.kcfg.edges()]
    assert [split.to_dict() for split in again.kcfg.splits()] == [split.to_dict() for split in begun.kcfg.splits()]


def test_what_pyk_would_not_have_made_is_left_and_proved(pyk: Pyk, tmp_path: Path) -> None:
    label = 'IMP-BRANCHES.sixteen'
    begun = pyk.half_proved(label, tmp_path / 'pyk', 200)
    split = begun.kcfg.splits()[0]
    moved = begun.kcfg.node(split.targets[0].id)
    begun.kcfg.let_node(moved.id, cterm=split.targets[1].cterm)  # a case that is not split off any more
    begun.write_proof_data()
    run_config = config(tmp_path)
    assert import_proof(run_config, label, tmp_path / 'pyk') == 0
    found = verdict(run_config, label)
    assert found.status is Status.PASSED
    assert found.nodes == 63


@pytest.fixture(scope='module')
def absolute(pyk: Pyk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of pyk's proof of `IMP-BRANCHES.absolute`, half made."""
    folder = tmp_path_factory.mktemp('absolute')
    pyk.half_proved('IMP-BRANCHES.absolute', folder, 3)
    return folder


@pytest.mark.parametrize('damage', ['proof.json', 'kcfg/kcfg.json', 'kcfg/nodes/1.json', 'target', 'symbol', 'type'])
def test_a_folder_that_is_not_the_claims_is_refused(
    absolute: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    label = 'IMP-BRANCHES.absolute'
    shutil.copytree(absolute, tmp_path / 'pyk')
    folder = tmp_path / 'pyk' / label
    path = folder / damage
    expected = 'expected the files of a proof as pyk writes them'
    if damage == 'target':
        expected = 'expected the target node of imp/IMP-BRANCHES.absolute in node 2, found another state'
        nodes = folder / 'kcfg' / 'nodes'
        (nodes / '2.json').write_text(json.dumps({**json.loads((nodes / '1.json').read_text()), 'id': 2}))
    elif damage == 'symbol':
        expected = 'expected a state of the definition'
        node = folder / 'kcfg' / 'nodes' / '3.json'
        node.write_text(node.read_text().replace('"<imp>"', '"<other>"'))
    elif damage == 'type':
        expected = "expected a proof of type APRProof, found 'EqualityProof'"
        proof = json.loads((folder / 'proof.json').read_text())
        (folder / 'proof.json').write_text(json.dumps({**proof, 'type': 'EqualityProof'}))
    elif damage == 'kcfg/kcfg.json':
        path.unlink()
        expected = 'found no such file'
    else:
        path.write_text(path.read_text()[:-10])
    run_config = config(tmp_path)
    assert import_proof(run_config, label, tmp_path / 'pyk') == 2
    error = capsys.readouterr().err
    assert expected in error
    assert len(error.splitlines()) == 1
    assert step_keys(run_config) == set()


def test_a_proof_in_the_store_is_dropped_only_if_that_is_asked_for(
    absolute: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    label = 'IMP-BRANCHES.absolute'
    run_config = config(tmp_path)
    assert verdict(run_config, label).reason == ''
    keys = step_keys(run_config)
    assert import_proof(run_config, label, absolute) == 2
    assert 'give --replace' in capsys.readouterr().err
    assert step_keys(run_config) == keys
    assert import_proof(run_config, label, absolute, '--replace') == 0
    suite = example('imp')
    ledger = Ledger([suite], run_config)
    assert ledger.verdict(f'imp/{label}') is None
    with StoreReader(run_config.store) as store:
        journal = read_journal(store, ledger.proof(f'imp/{label}').digest)
    assert journal
    assert all(key not in keys for _, key in journal)
