"""Results of steps as plain values: what is read is what was written, and the new nodes are those that pyk creates."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyk.cterm.cterm import CSubst, CTerm
from pyk.kast.inner import KApply, KSequence, KVariable, Subst
from pyk.kast.prelude.kint import geInt, intToken, ltInt
from pyk.kast.prelude.ml import mlEqualsTrue
from pyk.kcfg.kcfg import KCFG, Abstract, Branch, KCFGExtendResult, NDBranch, Step, Stuck, Vacuous
from pyk.kore.rpc import LogOrigin, LogRewrite, RewriteSuccess
from pyk.proof.reachability import (
    APRProofBoundedResult,
    APRProofExtendAndCacheResult,
    APRProofExtendResult,
    APRProofResult,
    APRProofSubsumeResult,
    APRProofTerminalResult,
    APRProofUseCacheResult,
)

from kprover.proofs.codec import TermCache, canonical, pack, sha256, unpack
from kprover.proofs.errors import MissingRecord
from kprover.proofs.results import read_results, write_results

X = KVariable('X', 'Int')
ZERO = intToken(0)
LOGS = (
    LogRewrite(LogOrigin.KORE_RPC, RewriteSuccess('a' * 64)),
    LogRewrite(LogOrigin.BOOSTER, RewriteSuccess('IMP.while')),
)


def state(*items: Any) -> CTerm:
    return CTerm(KApply('<generatedTop>', [KApply('<k>', [KSequence(items)])]), [mlEqualsTrue(geInt(X, ZERO))])


SOURCE = state(KApply('a', [X]), X)
STEP = Step(state(X), 7, LOGS, ['IMP.read:file', 'b:UNKNOWN'])
CUT = Step(state(ZERO), 1, (), [], cut=True, info='cut-rule')
BRANCH = Branch([mlEqualsTrue(ltInt(X, intToken(5))), mlEqualsTrue(geInt(X, intToken(5)))], info="['X < 5', 'X >= 5']")
CHOICE = NDBranch([state(ZERO), state(intToken(1)), state(X)], LOGS, ('one', 'two'))
EXTENSIONS: list[KCFGExtendResult] = [
    STEP,
    CUT,
    BRANCH,
    CHOICE,
    Abstract(state(KVariable('A', 'KItem'), X)),
    Stuck(),
    Vacuous(),
]


def pretty(term: Any) -> str:
    return str(term)


def write_and_read(results: list[APRProofResult], source: CTerm = SOURCE) -> tuple[Any, list[APRProofResult]]:
    cache = TermCache()
    written = write_results(results, source, terms=cache, pretty=pretty)
    as_json = json.loads(json.dumps(written.results))
    read = read_results(
        as_json,
        unpack(pack(written.details)),
        node_id=17,
        predecessor=16,
        optimize_kcfg=False,
        loops=lambda positions: tuple(100 + position for position in positions),
        term=lambda term: TermCache().decode(term, written.blobs.get),
    )
    return written, read


def common(loops: tuple[int, ...] = ()) -> dict[str, Any]:
    return {'node_id': 17, 'prior_loops_cache_update': loops, 'optimize_kcfg': False}


@pytest.mark.parametrize('extension', EXTENSIONS, ids=lambda extension: type(extension).__name__)
def test_extensions_are_read_as_they_were_written(extension: KCFGExtendResult) -> None:
    result = APRProofExtendResult(extension_to_apply=extension, **common())
    _, read = write_and_read([result])
    assert read == [result]


@pytest.mark.parametrize('extension', EXTENSIONS, ids=lambda extension: type(extension).__name__)
def test_new_nodes_are_those_that_pyk_creates(extension: KCFGExtendResult) -> None:
    kcfg = KCFG()
    node = kcfg.create_node(SOURCE)
    kcfg.extend(extension, node, {}, optimize_kcfg=False)
    written, _ = write_and_read([APRProofExtendResult(extension_to_apply=extension, **common())])
    nodes = written.results[0]['extension'].get('nodes', [])
    assert nodes == [sha256(canonical(created.cterm.to_dict())) for created in kcfg.nodes if created.id != node.id]
    assert set(written.blobs) == set(nodes)


@pytest.mark.parametrize('following', [CUT, BRANCH, CHOICE, Vacuous()], ids=lambda extension: type(extension).__name__)
def test_a_cached_extension_belongs_to_the_node_after_the_step(following: KCFGExtendResult) -> None:
    result = APRProofExtendAndCacheResult(extension_to_apply=STEP, extension_to_cache=following, **common())
    written, read = write_and_read([result])
    assert read == [result]
    kcfg = KCFG()
    node = kcfg.create_node(STEP.cterm)
    kcfg.extend(following, node, {}, optimize_kcfg=False)
    nodes = written.results[0]['to_cache'].get('nodes', [])
    assert nodes == [sha256(canonical(created.cterm.to_dict())) for created in kcfg.nodes if created.id != node.id]


def test_the_other_results_are_read_as_they_were_written() -> None:
    csubst = CSubst(Subst({'Y': X, 'Z': KApply('f', [X])}), [mlEqualsTrue(geInt(X, intToken(-3)))])
    results: list[APRProofResult] = [
        APRProofTerminalResult(**common()),
        APRProofSubsumeResult(csubst=csubst, **common()),
        APRProofBoundedResult(**common()),
        APRProofUseCacheResult(cached_node_id=16, **common()),
    ]
    written, read = write_and_read(results)
    assert read == results
    assert [entry['kind'] for entry in written.results] == ['terminal', 'subsumed', 'bounded', 'use-cache']
    assert written.rewrites == 0


def test_loops_are_positions_when_written_and_nodes_when_read() -> None:
    _, read = write_and_read([APRProofBoundedResult(**common((0, 2)))])
    assert read == [APRProofBoundedResult(**common((100, 102)))]


def test_conditions_of_a_branch_are_readable_even_where_they_are_no_boolean() -> None:
    ceil = KApply('#Ceil', [X])
    written, _ = write_and_read(
        [APRProofExtendResult(extension_to_apply=Branch([ceil, BRANCH.constraints[0]]), **common())]
    )
    conditions = written.results[0]['extension']['conditions']
    assert len(conditions) == 2
    assert '#Ceil' in conditions[0]
    assert '_<Int_' in conditions[1]


def test_rewrite_steps_are_counted() -> None:
    step = APRProofExtendAndCacheResult(extension_to_apply=STEP, extension_to_cache=CUT, **common())
    written, _ = write_and_read([step])
    assert written.rewrites == 8


class TestTerms:
    def test_a_term_is_what_was_encoded(self) -> None:
        term, blob = TermCache().encode(SOURCE)
        assert TermCache().decode(term, {term: blob}.get) == SOURCE
        assert term == sha256(canonical(SOURCE.to_dict()))

    def test_a_missing_or_a_wrong_or_a_damaged_blob_is_no_term(self) -> None:
        term, blob = TermCache().encode(SOURCE)
        _, other = TermCache().encode(state())
        for found in (None, other, blob[:-3], b''):
            with pytest.raises(MissingRecord):
                TermCache().decode(term, lambda _, found=found: found)

    def test_the_cache_is_bounded_by_the_size_of_its_terms(self) -> None:
        states = [state(intToken(i)) for i in range(20)]
        size = len(canonical(states[0].to_dict()))
        cache = TermCache(capacity=5 * size + 50)
        encoded = [cache.encode(cterm) for cterm in states]
        for (term, _), cterm in list(zip(encoded, states, strict=True))[-5:]:
            assert cache.decode(term, {}.get) == cterm
        with pytest.raises(MissingRecord):
            cache.decode(encoded[0][0], {}.get)

    def test_a_term_used_again_stays(self) -> None:
        states = [state(intToken(i)) for i in range(4)]
        cache = TermCache(capacity=int(2.5 * len(canonical(states[0].to_dict()))))
        first, second, third = (cache.encode(cterm)[0] for cterm in states[:3])
        del third
        assert cache.decode(second, {}.get) == states[1]
        cache.encode(states[3])
        assert cache.decode(second, {}.get) == states[1]
        with pytest.raises(MissingRecord):
            cache.decode(first, {}.get)


names = st.sampled_from(['X', 'Y', '_Gen0', 'V_1', '?Z'])
leaf = st.one_of(
    names.map(lambda name: KVariable(name, 'Int')),
    st.integers(-(10**30), 10**30).map(intToken),
    st.text(max_size=5).map(lambda text: KApply(f'label{text}')),
)
terms = st.recursive(
    leaf,
    lambda children: st.one_of(
        st.lists(children, max_size=3).map(lambda args: KApply('f', args)),
        st.lists(children, max_size=3).map(KSequence),
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(terms, max_size=3), st.lists(terms, max_size=4))
def test_any_state_survives_its_encoding(items: list[Any], conditions: list[Any]) -> None:
    cterm = CTerm(
        KApply('<generatedTop>', [KApply('<k>', [KSequence(items)])]),
        [mlEqualsTrue(KApply('p', [condition])) for condition in conditions],
    )
    term, blob = TermCache().encode(cterm)
    decoded = TermCache().decode(term, {term: blob}.get)
    assert decoded == cterm
    assert TermCache().encode(decoded) == (term, blob)
