"""A proof made step by step through `Session` is the proof that pyk's own sequential loop makes on the same server.

Same verdict, same graph: nodes and their numbers, edges, splits, covers, terminal and bounded nodes, loops, logs.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import semantics_lab
from proofs_harness import (
    IMP,
    KOMPILED,
    SEMANTICS,
    Driven,
    Options,
    checked,
    drive,
    prepare,
    pyk_proof,
    spec_of,
    step_header,
    stored_terms,
)
from pyk.cterm.symbolic import CTermSymbolic
from pyk.kast.outer import KDefinition, KFlatModule, KImport, KRule, read_kast_definition
from pyk.kast.prelude.k import GENERATED_TOP_CELL
from pyk.kcfg.explore import KCFGExplore
from pyk.kcfg.minimize import KCFGMinimizer
from pyk.kcfg.semantics import DefaultSemantics
from pyk.kore.rpc import KoreClient
from pyk.proof.implies import EqualityProof, ImpliesProver
from pyk.proof.reachability import APRFailureInfo, APRProof, APRProver

from examples.imp.semantics import ImpSemantics
from kprover.proofs.codec import unpack
from kprover.proofs.errors import MissingRecord
from kprover.proofs.modules import lemma_rules
from kprover.proofs.rebuild import leaves, rebuild
from kprover.proofs.semantics import looks_at_control
from kprover.proofs.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyk.kore.rpc import KoreServer

    from kprover.proofs.session import Session
    from kprover.store import CheckpointStore

WHILE = ('IMP.while',)
OPEN_END = 'IMP-WRONG-OPEN.off-by-one'
BOUNDED = Options(bmc_depth=3, cut_point_rules=WHILE)

PASSED = [
    ('IMP-ARITHMETIC.symbolic', Options()),
    ('IMP-ARITHMETIC.first-of-two', Options(terminal_rules=('IMP.assign',))),
    ('IMP-BRANCHES.absolute', Options()),
    ('IMP-BRANCHES.sixteen', Options(fast_check_subsumption=True)),
    ('IMP-BRANCHES.absolute', Options(terminal_rules=('IMP.if-true',), assume_defined=True)),
    ('IMP-LOOPS.sum-to-10', Options(terminal_rules=WHILE, cut_point_rules=('IMP.seq',))),
    ('IMP-LOOPS.sum-to-10', Options(execute_depth=7)),
    ('IMP-LOOPS.sum-to-10', Options(execute_depth=7, optimize_kcfg=True)),
    ('IMP-LOOPS.sum-to-10', Options(cut_point_rules=WHILE, optimize_kcfg=True)),
    ('IMP-BRANCHES.absolute', Options(execute_depth=3, optimize_kcfg=True)),
    ('IMP-ARITHMETIC.swap-of-a-quotient', Options(assume_defined=True)),
    ('IMP-LOOPS.transfer', Options()),
    ('IMP-LOOPS.euclid', Options()),
    ('IMP-BOUNDED.count', BOUNDED),
    ('IMP-EQUALITIES.sign-sum', Options()),
    ('IMP-EQUALITIES.read-declared', Options()),
]
FAILED = [
    ('IMP-WRONG.literals', Options()),
    ('IMP-WRONG.one-of-sixteen', Options()),
    ('IMP-WRONG.stuck', Options()),
    ('IMP-WRONG.stuck', Options(execute_depth=1, optimize_kcfg=True)),
    ('IMP-WRONG-LOOPS.off-by-one', Options()),
    (OPEN_END, Options()),
    ('IMP-WRONG-LOOPS.count-bounded', BOUNDED),
    ('IMP-WRONG-EQUALITIES.sign-not-negative', Options()),
]


@pytest.fixture(scope='module')
def definition() -> KDefinition:
    return read_kast_definition(KOMPILED / 'compiled.json')


@pytest.fixture(scope='module')
def explore(server: KoreServer, definition: KDefinition) -> Iterator[KCFGExplore]:
    """pyk's own client and explorer on the same server."""
    with KoreClient('127.0.0.1', server.port) as client:
        yield KCFGExplore(CTermSymbolic(client, definition), kcfg_semantics=ImpSemantics())


def advance(explore: KCFGExplore, proof: APRProof, options: Options) -> None:
    prover = APRProver(
        explore,
        execute_depth=options.execute_depth,
        cut_point_rules=options.cut_point_rules,
        terminal_rules=options.terminal_rules,
        assume_defined=options.assume_defined,
        fast_check_subsumption=options.fast_check_subsumption,
        direct_subproof_rules=options.direct_subproof_rules,
        optimize_kcfg=options.optimize_kcfg,
    )
    prover.advance_proof(proof, max_iterations=200)


def graph(proof: APRProof) -> dict[str, Any]:
    """Everything that the commits of a proof have made of it."""
    kcfg = proof.kcfg.to_dict()
    for node in kcfg['nodes']:
        node['attrs'] = sorted(node['attrs'])
    return {
        'kcfg': kcfg,
        'bounded': sorted(node.id for node in proof.bounded),
        'terminal': sorted(proof.terminal_ids),
        'loops': proof.prior_loops_cache,
        'logs': proof.logs,
    }


def assert_equal(driven: Driven, store: CheckpointStore, expected: APRProof) -> APRProof:
    rebuilt = rebuild(store, driven.digest, id=expected.id)
    assert isinstance(rebuilt, APRProof)
    assert graph(rebuilt) == graph(expected)
    assert rebuilt.own_status == expected.own_status
    assert expected.own_status.value == driven.status
    assert rebuilt.dict == {**expected.dict, 'subproof_ids': []}
    assert set(leaves(rebuilt).pending) == {node.id for node in expected.pending}
    assert set(leaves(rebuilt).failing) == {node.id for node in expected.failing}
    assert set(leaves(rebuilt).bounded) == {node.id for node in expected.bounded}
    return rebuilt


@pytest.mark.parametrize(
    ('label', 'options'), PASSED + FAILED, ids=lambda value: value if isinstance(value, str) else ''
)
def test_a_driven_proof_is_pyks_proof(
    session: Session, store: CheckpointStore, explore: KCFGExplore, tmp_path: Path, label: str, options: Options
) -> None:
    driven = drive(session, store, label, options)
    assert driven.status == ('passed' if (label, options) in PASSED else 'failed')
    if driven.prepared['kind'] == 'equality':
        record = store.get(f'proof:{driven.digest}')
        assert record is not None
        expected = EqualityProof.from_dict(unpack(record.blob))
        ImpliesProver(expected, explore).advance_proof(expected)
        rebuilt = rebuild(store, driven.digest)
        assert isinstance(rebuilt, EqualityProof)
        assert rebuilt.dict == expected.dict
        assert rebuilt.status.value == driven.status
        return
    terms = stored_terms(store, driven.prepared)
    proof = pyk_proof(driven.prepared, terms, tmp_path / 'pyk', bmc_depth=options.bmc_depth)
    advance(explore, proof, options)
    assert_equal(driven, store, proof)


@pytest.mark.parametrize('direct', [False, True])
@pytest.mark.parametrize(
    ('needed', 'label'),
    [('IMP-LOOPS.transfer', 'IMP-LOOPS.transfer-six'), ('IMP-LOOPS.row', 'IMP-LOOPS.table')],
)
def test_a_proof_with_a_dependency_is_pyks_proof(
    session: Session,
    store: CheckpointStore,
    explore: KCFGExplore,
    tmp_path: Path,
    needed: str,
    label: str,
    direct: bool,
) -> None:
    options = Options(direct_subproof_rules=direct)
    first = drive(session, store, needed, options)
    assert first.status == 'passed'
    lemma = pyk_proof(first.prepared, stored_terms(store, first.prepared), tmp_path)
    advance(explore, lemma, options)

    driven = drive(session, store, label, replace(options, dependencies=(first.digest,)))
    assert driven.status == 'passed'
    assert len(driven.prepared['modules']) == 1 + driven.prepared['circularity']
    terms = stored_terms(store, driven.prepared)
    proof = pyk_proof(driven.prepared, terms, tmp_path, dependencies=[lemma.id])
    advance(explore, proof, options)
    rebuilt = assert_equal(driven, store, proof)
    rules = [rule for edge in rebuilt.kcfg.edges() for rule in edge.rules]
    assert any(lemma.id.upper() in rule for rule in rules), 'the dependency was not used'


def test_an_equality_may_be_depended_on_and_is_no_rule(session: Session, store: CheckpointStore) -> None:
    equality = drive(session, store, 'IMP-EQUALITIES.sign-sum', Options())
    driven = drive(session, store, 'IMP-BRANCHES.absolute', Options(dependencies=(equality.digest,)))
    assert driven.status == 'passed'
    assert driven.prepared['modules'] == []


@pytest.mark.parametrize('name', ['Abstracting', 'Stepping'])
def test_what_a_semantics_class_does_is_what_it_does_in_pyk(
    session: Session,
    store: CheckpointStore,
    server: KoreServer,
    definition: KDefinition,
    tmp_path: Path,
    name: str,
) -> None:
    options = Options(semantics=f'semantics_lab:{name}', execute_depth=5, cut_point_rules=WHILE)
    driven = drive(session, store, 'IMP-LOOPS.sum-to-10', options, max_steps=12)
    with KoreClient('127.0.0.1', server.port) as client:
        plain = KCFGExplore(CTermSymbolic(client, definition), kcfg_semantics=getattr(semantics_lab, name)())
        proof = pyk_proof(driven.prepared, stored_terms(store, driven.prepared), tmp_path)
        APRProver(plain, execute_depth=5, cut_point_rules=WHILE).advance_proof(proof, max_iterations=12)
    rebuilt = assert_equal(driven, store, proof)
    made = rebuilt.kcfg.covers() if name == 'Abstracting' else [e for e in rebuilt.kcfg.edges() if e.rules == ('own',)]
    assert [successor for successor in made if successor.target.id != rebuilt.target], 'the class was not asked'


def test_the_model_of_a_failing_node_is_pyks(
    session: Session, store: CheckpointStore, explore: KCFGExplore, tmp_path: Path
) -> None:
    driven = drive(session, store, 'IMP-WRONG.larger-strictly', Options())
    proof = pyk_proof(driven.prepared, stored_terms(store, driven.prepared), tmp_path)
    advance(explore, proof, Options())
    info = APRFailureInfo.from_proof(proof, explore, counterexample_info=True)
    assert driven.index is not None
    assert driven.index.failing == info.failing_nodes
    assert info.models
    for node_id, model in info.models.items():
        header = step_header(driven.index, node_id, driven.prepared, Options())
        answer, _ = checked(session.run('diagnose', {**header, 'failing': 'terminal'}, blobs_of(store, header)))
        assert answer['model'] == dict(model)
        assert info.failure_reasons[node_id] in answer['explanation']


def blobs_of(store: CheckpointStore, header: dict[str, Any]) -> dict[str, bytes]:
    """The blobs of the two terms of a step."""
    blobs = {}
    for term in (header['node'], header['target']):
        record = store.get(f'term:{term}')
        assert record is not None
        blobs[term] = record.blob
    return blobs


def test_a_trusted_claim_is_a_rule_without_steps(session: Session, store: CheckpointStore) -> None:
    trusted = drive(session, store, 'IMP-ASSUMED.power-positive', Options(), max_steps=0)
    assert trusted.status == 'passed'
    user = drive(session, store, 'IMP-ASSUMED.power-more-than-one', Options(dependencies=(trusted.digest,)))
    assert user.status == 'passed'
    alone = drive(session, store, 'IMP-ASSUMED.power-more-than-one', Options(), max_steps=30)
    assert alone.status != 'passed'


def test_a_lemma_module_is_used_where_states_are_compared(session: Session, store: CheckpointStore) -> None:
    lemmas = (str(IMP / 'specs' / 'input-lemmas.json'),)
    assert drive(session, store, 'IMP-INPUT.not-negative', Options(lemmas=lemmas)).status == 'passed'
    assert drive(session, store, 'IMP-INPUT.not-negative', Options()).status == 'failed'


def test_lemmas_are_what_an_extra_module_is_to_pyk(
    session: Session, store: CheckpointStore, explore: KCFGExplore, definition: KDefinition, tmp_path: Path
) -> None:
    file = str(IMP / 'specs' / 'input-lemmas.json')
    driven = drive(session, store, 'IMP-INPUT.not-negative', Options(lemmas=(file,)))
    proof = pyk_proof(driven.prepared, stored_terms(store, driven.prepared), tmp_path)
    sources = Sources()
    rules = lemma_rules(sources.lemmas(file, sources.definition(str(KOMPILED))))
    extra = KFlatModule('EXTRA', rules, [KImport(definition.main_module_name)])
    APRProver(explore, execute_depth=100, extra_module=extra).advance_proof(proof, max_iterations=200)
    assert_equal(driven, store, proof)
    assert driven.status == 'passed'


def test_a_dependency_must_have_passed(session: Session, store: CheckpointStore) -> None:
    unfinished = drive(session, store, 'IMP-LOOPS.transfer', Options(), max_steps=1)
    assert unfinished.status == 'pending'
    header, _ = prepare(session, store, 'IMP-LOOPS.transfer-six', Options(dependencies=(unfinished.digest,)))
    assert header['error']['class'] == 'input'
    assert 'imp/IMP-LOOPS.transfer' in header['error']['message']
    wrong = drive(session, store, 'IMP-WRONG-LOOPS.off-by-one', Options())
    header, _ = prepare(session, store, 'IMP-LOOPS.transfer-six', Options(dependencies=(wrong.digest,)))
    assert header['error']['class'] == 'input'
    unequal = drive(session, store, 'IMP-WRONG-EQUALITIES.sign-not-negative', Options())
    header, _ = prepare(session, store, 'IMP-LOOPS.transfer-six', Options(dependencies=(unequal.digest,)))
    assert header['error']['class'] == 'input'


def test_a_claim_that_holds_up_to_a_loop_bound_is_no_rule(session: Session, store: CheckpointStore) -> None:
    bounded = drive(session, store, 'IMP-BOUNDED.count', BOUNDED)
    assert bounded.status == 'passed'
    assert bounded.index is not None
    assert bounded.index.bounded
    user = Options(dependencies=(bounded.digest,), direct_subproof_rules=True)
    header, _ = prepare(session, store, 'IMP-LOOPS.transfer-six', user)
    assert header['error']['class'] == 'input'
    assert 'bmc-depth 3' in header['error']['message']
    # the steps that were made for it hold without the bound
    edges, _ = checked(prepare(session, store, 'IMP-LOOPS.transfer-six', replace(user, direct_subproof_rules=False)))
    assert len(edges['modules']) == 1


@pytest.mark.parametrize('trusted', [False, True])
def test_a_claim_that_needs_no_step_is_no_rule(
    session: Session, store: CheckpointStore, tmp_path: Path, trusted: bool
) -> None:
    """As a rule it would be a step without progress, after which a circularity proves anything."""

    def stand_still(term: Any) -> Any:
        if isinstance(term, list):
            return [stand_still(item) for item in term]
        if isinstance(term, dict):
            if term.get('node') == 'KRewrite':
                return stand_still(term['lhs'])
            return {key: stand_still(value) for key, value in term.items()}
        return term

    label = 'IMP-LOOPS.transfer'
    spec = json.loads(spec_of(label).read_bytes())
    for sentence in spec['term']['term'][0]['localSentences']:
        sentence['body'] = stand_still(sentence['body'])
    path = tmp_path / 'still.json'
    path.write_text(json.dumps(spec))
    still = drive(session, store, label, Options(trusted=trusted), spec=path, max_steps=5 * (not trusted))
    assert still.status == 'passed'
    header, _ = prepare(session, store, 'IMP-LOOPS.transfer-six', Options(dependencies=(still.digest,)))
    assert header['error']['class'] == 'input'
    assert 'rewrite step' in header['error']['message']


def test_a_graph_with_its_edges_joined_is_pyks_optimized_one(
    session: Session, store: CheckpointStore, explore: KCFGExplore, tmp_path: Path
) -> None:
    """What pyk's `optimize_kcfg` makes while it proves is what its minimizer's joining of edges makes afterwards."""
    options = Options(execute_depth=7)
    driven = drive(session, store, 'IMP-LOOPS.sum-to-10', options)
    proof = pyk_proof(driven.prepared, stored_terms(store, driven.prepared), tmp_path)
    APRProver(explore, execute_depth=7, optimize_kcfg=True).advance_proof(proof, max_iterations=200)
    rebuilt = rebuild(store, driven.digest, id=proof.id)
    assert isinstance(rebuilt, APRProof)
    assert len(rebuilt.kcfg.nodes) > len(proof.kcfg.nodes)
    KCFGMinimizer(rebuilt.kcfg).lift_edges()
    assert rebuilt.kcfg.to_dict() == proof.kcfg.to_dict()
    assert rebuilt.own_status == proof.own_status


def test_the_index_and_pyk_agree_on_every_step(
    session: Session, store: CheckpointStore, explore: KCFGExplore, tmp_path: Path
) -> None:
    """What a driver derives from the answers alone is what `get_steps` computes from the graph."""
    driven = drive(session, store, 'IMP-BOUNDED.count', BOUNDED, max_steps=9)
    rebuilt = rebuild(store, driven.digest)
    assert isinstance(rebuilt, APRProof)
    assert driven.index is not None
    steps = rebuilt.get_steps()
    assert [step.node.id for step in steps] == sorted(driven.index.pending)
    for step in steps:
        header = step_header(driven.index, step.node.id, driven.prepared, BOUNDED)
        path = driven.index.path(step.node.id)
        assert [node.id for node in step.shortest_path_to_node] == path
        assert header['nonzero_depth'] == step.nonzero_depth
        assert header['use_cache'] == (step.use_cache is not None)
        loops = {path[int(i)]: tuple(path[j] for j in earlier) for i, earlier in header['prior_loops'].items()}
        assert loops == {node: step.prior_loops_cache[node] for node in path}


def test_a_journal_cut_short_is_the_proof_at_that_commit(session: Session, store: CheckpointStore) -> None:
    whole = drive(session, store, 'IMP-BRANCHES.sixteen', Options())
    assert whole.index is not None
    store.delete(f'journal:{whole.digest}:{3:08d}')
    cut = rebuild(store, whole.digest)
    assert isinstance(cut, APRProof)
    assert 2 < len(cut.kcfg.nodes) < len(whole.index.nodes)
    assert cut.pending


def test_a_step_that_does_not_fit_is_not_replayed(session: Session, store: CheckpointStore) -> None:
    driven = drive(session, store, 'IMP-BRANCHES.absolute', Options())
    first = store.header(f'journal:{driven.digest}:{0:08d}')
    assert first is not None
    store.put(f'journal:{driven.digest}:{1:08d}', first)  # the step of the initial node once more
    with pytest.raises(MissingRecord, match='does not fit'):
        rebuild(store, driven.digest)
    store.put(f'journal:{driven.digest}:{1:08d}', {'node': 99, 'step': first['step']})
    with pytest.raises(MissingRecord, match='node 99'):
        rebuild(store, driven.digest)
    store.put(f'journal:{driven.digest}:{1:08d}', {'node': 3, 'step': '0' * 64})
    with pytest.raises(MissingRecord, match='step:0000'):
        rebuild(store, driven.digest)


@pytest.mark.parametrize('semantics', [SEMANTICS, None])
def test_at_an_open_end_no_server_is_asked_to_execute(
    session: Session, store: CheckpointStore, semantics: str | None
) -> None:
    driven = drive(session, store, OPEN_END, Options(semantics=semantics))
    assert driven.status == 'failed'
    stuck = [
        (answer['requests'], result['extension'])
        for answer in driven.answers
        for result in answer['results']
        if result.get('extension', {}).get('kind') == 'stuck'
    ]
    assert stuck
    assert all(entry == (1, {'kind': 'stuck', 'reason': 'open-end'}) for entry in stuck)  # the subsumption check


def test_a_class_may_know_better_than_to_end_at_an_open_end(session: Session, store: CheckpointStore) -> None:
    driven = drive(session, store, OPEN_END, Options(semantics='semantics_lab:NoEnds'), max_steps=30)
    assert driven.status != 'passed'
    assert not [
        result for answer in driven.answers for result in answer['results'] if 'reason' in result.get('extension', {})
    ]


def test_an_unknown_control_is_no_end_where_a_rule_does_not_look_at_it(definition: KDefinition) -> None:
    assert looks_at_control(definition)
    tick = KRule(definition.empty_config(GENERATED_TOP_CELL))
    modules = [*definition.all_modules, KFlatModule('TICK', [tick], [KImport(definition.main_module_name)])]
    assert not looks_at_control(KDefinition('TICK', modules))
    assert not looks_at_control(KDefinition('TICK', [KFlatModule('TICK', [])]))


def test_a_failing_node_is_explained(session: Session, store: CheckpointStore) -> None:
    driven = drive(session, store, 'IMP-WRONG.larger-strictly', Options())
    assert driven.status == 'failed'
    assert driven.index is not None
    for node_id in driven.index.failing:
        header = step_header(driven.index, node_id, driven.prepared, Options())
        answer, _ = checked(session.run('diagnose', {**header, 'failing': 'terminal'}, blobs_of(store, header)))
        assert 'does not imply the target' in answer['explanation']
        assert '<k>' in answer['configuration']
        assert '<k>' in answer['target']
        assert '#Equals' not in answer['configuration']  # conditions are shown as Booleans
        assert answer['requests'] > 0


def test_a_failed_equality_says_what_is_left(session: Session, store: CheckpointStore) -> None:
    driven = drive(session, store, 'IMP-WRONG-EQUALITIES.sign-not-negative', Options())
    (answer,) = driven.answers
    assert 'Equality: ' in answer['results'][0]['explanation']


def test_requests_are_counted(session: Session, store: CheckpointStore) -> None:
    driven = drive(session, store, 'IMP-ARITHMETIC.literals', Options())
    assert driven.requests >= len(driven.answers)
    assert all(answer['seconds'] > 0 for answer in driven.answers)
    assert sum(answer['rewrites'] for answer in driven.answers) > 0


def test_after_an_interrupt_the_session_goes_on(session: Session, store: CheckpointStore) -> None:
    session.interrupt()  # nothing is running: no effect
    assert drive(session, store, 'IMP-ARITHMETIC.literals', Options()).status == 'passed'
    connection = session._take_client(str(KOMPILED)).connection
    connection.interrupt()
    assert drive(session, store, 'IMP-ARITHMETIC.literals', Options()).status == 'passed'
    assert session._take_client(str(KOMPILED)).connection is not connection


def test_pyks_default_semantics_is_used_where_none_is_named(
    session: Session, store: CheckpointStore, server: KoreServer, definition: KDefinition, tmp_path: Path
) -> None:
    options = Options(semantics=None)
    driven = drive(session, store, 'IMP-BRANCHES.absolute', options, max_steps=60)
    with KoreClient('127.0.0.1', server.port) as client:
        explore = KCFGExplore(CTermSymbolic(client, definition), kcfg_semantics=DefaultSemantics())
        proof = pyk_proof(driven.prepared, stored_terms(store, driven.prepared), tmp_path)
        APRProver(explore, execute_depth=options.execute_depth).advance_proof(proof, max_iterations=60)
    assert_equal(driven, store, proof)
