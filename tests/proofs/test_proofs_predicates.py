"""A branch on any predicate that a server may send ends in a step, and no rule of a graph says more than was shown.

The answers are scripted: no server sends all of these connectives for one definition.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from proofs_harness import KOMPILED, MAIN_MODULE, Options, checked, prepare, spec_of, step_header
from proofs_harness import Index as HarnessIndex
from proofs_harness import Node as HarnessNode
from pyk.cterm.cterm import CTerm
from pyk.kast.inner import KApply, KVariable
from pyk.kast.prelude.kint import INT, intToken, ltInt
from pyk.kast.prelude.ml import mlAnd, mlCeil, mlEqualsTrue, mlNot, mlOr
from pyk.kcfg.kcfg import KCFG
from pyk.kore.prelude import int_dv
from pyk.kore.syntax import (
    And,
    App,
    Ceil,
    Equals,
    EVar,
    Exists,
    Floor,
    Forall,
    Iff,
    Implies,
    In,
    Not,
    Or,
    SortApp,
)
from pyk.proof.reachability import APRProof
from scripted_server import ScriptedServer

from kprover.proofs.codec import TermCache
from kprover.proofs.errors import InputError
from kprover.proofs.modules import claim_rules, whole_rule
from kprover.proofs.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyk.kore.syntax import Pattern

    from kprover.store import CheckpointStore

TOP = SortApp('SortGeneratedTopCell')
INT_SORT = SortApp('SortInt')
A, B, Z = (EVar(f'Var{name}', INT_SORT) for name in 'ABZ')
SUM = App("Lbl'UndsPlus'Int'Unds'", (), (A, B))
QUOTIENT = App("Lbl'UndsSlsh'Int'Unds'", (), (A, B))
DEFINED = Ceil(INT_SORT, TOP, QUOTIENT)
IS_FIVE = Equals(INT_SORT, TOP, A, int_dv(5))
HAS_VALUE = Exists(TOP, Z, Equals(INT_SORT, TOP, Z, QUOTIENT))
PREDICATES: dict[str, Pattern] = {
    'ceil': DEFINED,
    'ceil-of-and': Ceil(INT_SORT, TOP, And(INT_SORT, (SUM, QUOTIENT))),
    'equals': Equals(INT_SORT, TOP, SUM, QUOTIENT),
    'not-equals': Not(TOP, IS_FIVE),
    'or': Or(TOP, (DEFINED, IS_FIVE)),
    'and': And(TOP, (DEFINED, IS_FIVE)),
    'implies': Implies(TOP, DEFINED, IS_FIVE),
    'iff': Iff(TOP, DEFINED, IS_FIVE),
    'exists': HAS_VALUE,
    'not-exists': Not(TOP, HAS_VALUE),
    'forall': Forall(TOP, Z, Not(TOP, Equals(INT_SORT, TOP, Z, QUOTIENT))),
    'forall-in-or': Or(TOP, (IS_FIVE, Forall(TOP, Z, Equals(INT_SORT, TOP, Z, Z)))),
    'in': In(INT_SORT, TOP, A, QUOTIENT),
    'floor': Floor(INT_SORT, TOP, QUOTIENT),
}


class Branching:
    """A server that splits every state by a predicate and its negation; no implication holds on it."""

    def __init__(self) -> None:
        self.predicate: Pattern = DEFINED

    def __call__(self, request: dict[str, Any]) -> bytes:
        return json.dumps({'jsonrpc': '2.0', 'id': request['id'], 'result': self._result(request)}).encode() + b'\n'

    def _result(self, request: dict[str, Any]) -> dict[str, Any]:
        params = request['params']
        if request['method'] == 'implies':
            return {'valid': False, 'implication': params['antecedent']}
        sent = params['state']
        if request['method'] == 'simplify':
            return {'state': sent}
        if request['method'] == 'get-model':
            return {'satisfiable': 'Unknown'}
        cases = (self.predicate, Not(TOP, self.predicate))
        following = [
            {
                'term': _kore({'tag': 'And', 'sort': TOP.dict, 'patterns': [sent['term'], case.dict]}),
                'rule-predicate': _kore(case.dict),
                'rule-substitution': _kore({'tag': 'Top', 'sort': TOP.dict}),
                'rule-id': '0' * 64,
            }
            for case in cases
        ]
        return {'reason': 'branching', 'depth': 0, 'state': {'term': sent}, 'next-states': following}


def _kore(term: dict[str, Any]) -> dict[str, Any]:
    return {'format': 'KORE', 'version': 1, 'term': term}


@pytest.fixture
def branching() -> Iterator[tuple[Branching, Session]]:
    script, session = Branching(), Session()
    server = ScriptedServer(script)
    session.connect(str(KOMPILED), MAIN_MODULE, '127.0.0.1', server.port)
    yield script, session
    session.close()
    server.close()


@pytest.mark.parametrize('name', PREDICATES)
def test_a_branch_on_a_predicate_is_two_nodes_with_readable_conditions(
    branching: tuple[Branching, Session], store: CheckpointStore, name: str
) -> None:
    script, session = branching
    script.predicate = PREDICATES[name]
    label, options = 'IMP-ARITHMETIC.division', Options()
    prepared, blobs = checked(prepare(session, store, label, options, spec_of(label)))
    index = HarnessIndex({1: HarnessNode(None, prepared['init'], 0), 2: HarnessNode(None, prepared['target'], 0)})
    header = step_header(index, 1, prepared, options)
    answer, found = checked(session.run('step', header, blobs))
    (result,) = answer['results']
    assert result['extension']['kind'] == 'branch'
    first, second = result['extension']['conditions']
    assert first
    assert second
    assert first != second
    nodes = result['extension']['nodes']
    assert len(set(nodes)) == 2
    # each branch can be gone on from: its term is sent as it came
    terms = TermCache()
    states = [terms.decode(node, {**blobs, **found}.get) for node in nodes]
    assert all(state.constraints for state in states)
    for node in nodes:
        diagnosed, _ = checked(
            session.run('diagnose', {**header, 'node': node, 'failing': 'stuck'}, {**blobs, **found})
        )
        assert diagnosed['configuration']
        assert 'Could not convert' not in diagnosed['explanation']


def test_what_pyk_has_no_term_for_is_sent_back_by_its_definition(branching: tuple[Branching, Session]) -> None:
    _, session = branching
    header = {'kompiled': str(KOMPILED), 'main_module': MAIN_MODULE}
    symbolic = session._explorer(header).cterm_symbolic
    for name in ('forall', 'iff', 'in', 'floor'):
        pattern = PREDICATES[name]
        again = symbolic.kast_to_kore(symbolic.kore_to_kast(pattern))
        assert not isinstance(again, (Forall, Iff, In, Floor)), name
        assert symbolic.kast_to_kore(symbolic.kore_to_kast(again)) == again


X = KVariable('X', INT)
SAYABLE = mlEqualsTrue(ltInt(X, intToken(3)))
UNSAYABLE = mlCeil(KApply('_/Int_', intToken(1), X), arg_sort=INT)


def graph(*conditions: Any, last: tuple[Any, ...] = (), **options: Any) -> APRProof:
    """A proof with one edge, from a state with these conditions to one with others."""
    kcfg = KCFG()
    source = kcfg.create_node(CTerm(KApply('<k>', X), conditions))
    target = kcfg.create_node(CTerm(KApply('<k>', intToken(1)), last))
    kcfg.create_edge(source.id, target.id, 1, ())
    return APRProof('P', kcfg, [], source.id, target.id, {}, **options)


@pytest.mark.parametrize('condition', [UNSAYABLE, mlNot(UNSAYABLE), mlOr([UNSAYABLE, SAYABLE])])
def test_an_edge_from_a_state_with_such_a_condition_is_no_rule(condition: Any) -> None:
    terms = {1: 'a' * 64, 2: 'b' * 64}
    sayable, whole = claim_rules(graph(SAYABLE), terms, direct=False, name='p')
    assert (len(sayable), whole) == (1, False)
    assert claim_rules(graph(SAYABLE, condition), terms, direct=False, name='p') == ([], False)
    (weaker,), _ = claim_rules(graph(SAYABLE, last=(condition,)), terms, direct=False, name='p')
    assert weaker.requires == sayable[0].requires
    with pytest.raises(InputError, match='requires'):
        whole_rule(graph(condition, circularity=True), 'p')
    assert mlAnd([condition]) == condition
