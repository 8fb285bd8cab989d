"""Constructed values of the engine: what a report shows of them is a pure function."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kprover.engine.values import ClaimProgress, Failure, Phase, RunState, RunSummary, Status

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'engine'))


@pytest.fixture
def stuck() -> Failure:
    return Failure(
        node=5,
        reason='stuck',
        explanation='Matching failed.\n'
        'The following cells failed matching individually (antecedent #Implies consequent):\n'
        'STATE_CELL: x |-> 1 #Implies x |-> 2',
        path_condition=('N:Int >=Int 0', 'notBool N:Int ==Int 3'),
        configuration='<T>\n  <k>\n    .K\n  </k>\n</T>',
        target='<T>\n  <k>\n    done\n  </k>\n</T>',
        model={'N': '4'},
    )


@pytest.fixture
def summary(stuck: Failure) -> RunSummary:
    """A finished run with a claim of every kind."""

    def claim(label: str, status: Status, **more: object) -> ClaimProgress:
        return ClaimProgress(claim=f'imp/{label}', suite='imp', label=label, status=status, phase=Phase.SETTLED, **more)

    return RunSummary(
        run='20261122T194100.000000Z-77',
        started=1795376460.0,
        seconds=12.34,
        backend='embedded',
        workers=2,
        server_starts=2,
        requests=31,
        reused=3,
        steps=11,
        state=RunState.FINISHED,
        claims=(
            claim('LOOPS.sum', Status.PASSED, steps=4, nodes=6, requests=11, reused=3, seconds=2.5),
            claim('LOOPS.lemma', Status.PASSED, nodes=2, admitted=True, reason='admitted, not proved'),
            claim('LOOPS.bound', Status.PASSED, steps=3, nodes=5, requests=8, seconds=0.5, bounded=1),
            claim(
                'WRONG.post',
                Status.FAILED,
                steps=3,
                nodes=5,
                failing=1,
                requests=10,
                seconds=1.25,
                reason='node 5 is stuck and does not reach the target',
                failures=(stuck,),
            ),
            claim('WRONG.crash', Status.ERROR, requests=2, reason='its server died 3 times'),
            claim('WRONG.slow', Status.PENDING, steps=4, nodes=6, pending=1, reason='the limit of 4 steps is reached'),
            claim('WRONG.user', Status.NOT_ATTEMPTED, reason='imp/WRONG.post has not passed'),
        ),
    )
