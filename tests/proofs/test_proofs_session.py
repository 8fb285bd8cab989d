"""A session turns every fault into an error of the right class, and can be used after it.

The faults are scripted; real servers are killed and stopped in the tests of the pool.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from proofs_harness import KOMPILED, MAIN_MODULE, Index, Node, Options, checked, prepare, step_header
from scripted_server import ScriptedServer, error, text

from kprover.proofs.errors import ConnectionLost
from kprover.proofs.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kprover.store import CheckpointStore


class Scripted:
    """A session that is connected to a scripted server, and a step to be made."""

    def __init__(self, store: CheckpointStore) -> None:
        self.session = Session()
        prepared, self.blobs = checked(prepare(self.session, store, 'IMP-ARITHMETIC.literals', Options()))
        index = Index({1: Node(None, prepared['init'], 0), 2: Node(None, prepared['target'], 0)})
        self.header = step_header(index, 1, prepared, Options())
        self.server = ScriptedServer(text(b''))
        self.session.connect(str(KOMPILED), MAIN_MODULE, '127.0.0.1', self.server.port)

    def step(self) -> dict[str, Any]:
        answer, blobs = self.session.run('step', self.header, self.blobs)
        assert ('error' in answer) == (not blobs)
        return answer


@pytest.fixture
def scripted(store: CheckpointStore) -> Iterator[Scripted]:
    made = Scripted(store)
    yield made
    made.session.close()
    made.server.close()


def run_in_thread(scripted: Scripted) -> tuple[threading.Thread, list[dict[str, Any]]]:
    answers: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: answers.append(scripted.step()))
    thread.start()
    return thread, answers


def test_an_interrupted_step_ends_at_once_and_the_next_one_gets_a_new_connection(scripted: Scripted) -> None:
    thread, answers = run_in_thread(scripted)
    assert scripted.server.received.wait(30)
    for _ in range(3):
        scripted.session.interrupt()
    thread.join(10)
    assert answers[0]['error']['class'] == 'infrastructure'
    assert answers[0]['error']['type'] == 'Interrupted'
    assert answers[0]['requests'] == 1
    assert scripted.server.cancelled.wait(10)
    scripted.server.script = error(-32000, 'Internal')
    answer = scripted.step()
    assert answer['error']['class'] == 'backend'
    assert answer['requests'] == 1


def test_an_interrupt_between_steps_has_no_effect(scripted: Scripted) -> None:
    scripted.session.interrupt()
    scripted.server.script = error(-32000, 'Internal')
    assert scripted.step()['error']['class'] == 'backend'


@pytest.mark.parametrize(
    ('script', 'expected'),
    [
        (lambda request: None, 'infrastructure'),
        (text(b'garbage\n'), 'backend'),
        (text(b'{"jsonrpc": "2.0", "result": null}\n'), 'backend'),
        (error(5, data={'error': 'unknown', 'term': {'format': 'KORE', 'version': 1, 'term': {}}}), 'backend'),
        (error(3, data='M-1'), 'backend'),
        (error(-32601, 'Method not found'), 'backend'),
    ],
)
def test_faults_of_the_server_are_errors_of_their_class(scripted: Scripted, script: Any, expected: str) -> None:
    scripted.server.script = script
    for _ in range(2):
        answer = scripted.step()
        assert answer['error']['class'] == expected, answer['error']['traceback']
        assert {'type', 'message', 'traceback'} <= set(answer['error'])
        assert answer['requests'] == 1
        assert answer['seconds'] > 0
    json.dumps(answer)


def test_a_server_that_is_gone_is_an_infrastructure_error(scripted: Scripted) -> None:
    scripted.server.script = lambda request: None
    scripted.step()
    scripted.server.close()
    assert scripted.step()['error']['class'] == 'infrastructure'
    with pytest.raises(ConnectionLost):
        scripted.session.connect(str(KOMPILED), MAIN_MODULE, '127.0.0.1', scripted.server.port)
    assert scripted.step()['error']['class'] == 'infrastructure'


def test_terms_that_are_missing_or_wrong_are_never_used(scripted: Scripted) -> None:
    node, target = scripted.header['node'], scripted.header['target']
    for blobs in ({}, {node: scripted.blobs[node]}, {node: scripted.blobs[target], target: scripted.blobs[target]}):
        fresh = Session()  # remembers no term
        fresh.connect(str(KOMPILED), MAIN_MODULE, '127.0.0.1', scripted.server.port)
        answer, _ = fresh.run('step', scripted.header, blobs)
        assert answer['error']['class'] == 'infrastructure'
        assert answer['requests'] == 0
        fresh.close()


def test_an_exception_of_a_semantics_is_an_error_of_the_prover(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    from examples.imp.semantics import ImpSemantics

    def fail(self: Any, state: Any) -> bool:
        raise LookupError('no such cell')

    monkeypatch.setattr(ImpSemantics, 'is_terminal', fail)
    answer = scripted.step()
    assert answer['error']['class'] == 'prover'
    assert 'no such cell' in answer['error']['message']
    assert 'is_terminal' in answer['error']['traceback']
