"""The page of a large run: how long it takes to write, how large it is, how long a browser needs to open it.

    python -m benchmarks.page [--claims N] [--steps N] [-o FILE]

The run is made up, its parts are real: the proofs are in a checkpoint store of the usual rows, the record is told what
an engine tells. Most claims are small, some have thousands of nodes, one in fifty fails.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.browser import browser, missing
from kprover.engine import ledger
from kprover.engine.events import Activity, Commit, ProcessEvent, ProcessState, Sample
from kprover.engine.index import NodeState, ProofIndex
from kprover.engine.values import ClaimProgress, Failure, Phase, RunState, RunSummary, Status
from kprover.report.page import render
from kprover.report.record import Facts, RunRecord
from kprover.store import CheckpointStore, StoreReader

if TYPE_CHECKING:
    from typing import Any

WORKERS = 16
SERVERS = 8
STARTED = 1_795_000_000.0


class MadeUpRun:
    """Grows proofs at random until all steps are used up, and tells a record of it."""

    def __init__(self, claims: int, steps: int, seed: int, store: CheckpointStore, *, final: bool = True):
        self._random = random.Random(seed)
        self._store = store
        self._free = [0.0] * WORKERS
        self._claims = claims
        self._steps = steps
        self._final = final
        names = [f'suite-{n % 5}/MODULE-{n // 40}.claim-{n}' for n in range(claims)]
        self._names = names
        self._progress: dict[str, ClaimProgress] = {}
        self.record = RunRecord(
            Facts(
                suites=tuple(f'suite-{n}.toml' for n in range(5)),
                store='.kprover/store.sqlite',
                backend='on PATH',
                identity='kore-rpc-booster 0.1.150',
                depends={names[n]: (names[n - 1],) for n in range(1, claims) if n % 10 == 0},
            ),
            previous=self._previous(names),
        )

    def make(self) -> RunRecord:
        """All of it."""
        record = self.record
        record.started(self._summary(RunState.RUNNING))
        for number in range(SERVERS):
            record.process(
                ProcessEvent('server', number, 4000 + number, 'started', 3.0 + number, '', '/k/kompiled', 2.5)
            )
        sizes = [self._random.paretovariate(1.1) for _ in self._names]
        scale = self._steps / sum(sizes)
        for number, (name, size) in enumerate(zip(self._names, sizes, strict=True)):
            self._prove(name, max(1, round(size * scale)), number)
            if number % 100 == 50:
                self._restart(number // 100 % SERVERS, number)
        for second in range(0, int(max(self._free)) + 1, max(1, int(max(self._free)) // 1500)):
            self._sample(float(second))
        record.notice('suite-0/MODULE-0.claim-3: server 3 died (killed by signal 9); attempt 2 of 3')
        record.finished(self._summary(RunState.FINISHED if self._final else RunState.RUNNING))
        self._store.commit()
        return record

    def _previous(self, names: list[str]) -> RunSummary:
        """A run before in which other claims failed."""
        claims = tuple(
            ClaimProgress(
                claim=name,
                suite=name.partition('/')[0],
                label=name.partition('/')[2],
                status=Status.FAILED if number % 49 == 7 else Status.PASSED,
                phase=Phase.SETTLED,
                requests=100,
            )
            for number, name in enumerate(names)
            if number % 200
        )
        return RunSummary('last', STARTED - 86_400, 900.0, 'kore-rpc-booster', WORKERS, claims=claims)

    def _prove(self, name: str, steps: int, number: int) -> None:
        digest = sha256(name.encode()).hexdigest()
        header = {
            'kind': 'reachability', 'modules': [], 'init': self._term(), 'target': self._term(), 'init_terminal': False,
            'target_terminal': False, 'admitted': False,
        }  # fmt: skip
        ledger.write_prepared(self._store, digest, header, {})
        index = ProofIndex(header['init'], header['target'], init_terminal=False, target_terminal=False)  # type: ignore[arg-type]
        worker = min(range(WORKERS), key=self._free.__getitem__)
        failing = number % 50 == 7
        made = reused = rewrites = 0
        seconds = 0.0
        while index.pending:
            node = self._random.choice(index.pending)
            results = self._results(made, steps, len(index.pending), failing)
            key = sha256(f'{name} {node}'.encode()).hexdigest()
            took = self._random.expovariate(2.0)
            done = {'results': results, 'seconds': round(took, 6), 'requests': 2, 'rewrites': 100}
            self._store.put(ledger.step_row(key), done)
            self._store.put(ledger.journal_row(digest, made), {'node': node, 'step': key})
            pending = index.commit(node, results)
            was_reused = self._random.random() < 0.1
            if was_reused:
                reused += 1
            else:
                worker = min(range(WORKERS), key=self._free.__getitem__)
                start = self._free[worker]
                self._free[worker] += took + 0.02
                self.record.activity(
                    Activity(worker, worker % SERVERS, name, 'step', node, key, start, took, 2, 100)
                )  # fmt: skip
                seconds += took
                rewrites += 100
            self.record.commit(Commit(name, node, key, self._free[worker], was_reused, pending))
            made += 1
        states = Counter(node.state for node in index.nodes.values())
        failures = tuple(self._failure(node, index) for node in index.failing[:8])
        nodes, still_pending, failed, bounded = index.counts
        status = Status.FAILED if failed else Status.PENDING if still_pending else Status.PASSED
        progress = ClaimProgress(
            claim=name, suite=name.partition('/')[0], label=name.partition('/')[2], status=status, phase=Phase.SETTLED,
            steps=made, nodes=nodes, pending=still_pending, failing=failed, bounded=bounded,
            requests=2 * (made - reused), reused=reused, seconds=seconds, failures=failures,
            rewrites=rewrites, proof=digest,
            depth=max(node.depth for node in index.nodes.values()),
            reason=f'node {index.failing[0]} is stuck and does not reach the target' if failed else '',
        )  # fmt: skip
        assert states[NodeState.TARGET] == 1
        self._progress[name] = progress
        self.record.claim(progress)

    def _results(self, made: int, steps: int, pending: int, failing: bool) -> list[dict[str, Any]]:
        left = steps - made - pending
        kind = self._random.random()
        if left <= 0 or (kind < 0.3 and pending > 1):
            if failing:
                return [{'kind': 'extend', 'extension': {'kind': 'stuck'}, 'prior_loops': []}]
            return [{'kind': 'subsumed', 'prior_loops': []}]
        if kind < 0.75:
            rules = [f'EVM.rule-{self._random.randrange(60)}:None' for _ in range(100)]
            extension: dict[str, Any] = {
                'kind': 'step',
                'depth': 100,
                'rules': rules,
                'nodes': [self._term()],
                'cut': False,
            }
        else:
            number = self._random.randrange(1 << 20)
            conditions = [f'VV{number}_x:Int <Int {number}', f'notBool VV{number}_x:Int <Int {number}']
            extension = {'kind': 'branch', 'conditions': conditions, 'nodes': [self._term(), self._term()]}
        return [{'kind': 'extend', 'extension': extension, 'prior_loops': [], 'to_cache': None}]

    def _failure(self, node: int, index: ProofIndex) -> Failure:
        cells = [f'    <cell-{n}>\n      VV{self._random.randrange(9)}:Int\n    </cell-{n}>' for n in range(60)]
        other = [*cells[:20], cells[20].replace('VV', 'WW'), *cells[21:]]
        state, target = ('<generatedTop>\n' + '\n'.join(some) + '\n</generatedTop>' for some in (cells, other))
        return Failure(node, 'stuck', 'Matching failed.', index.path_condition(node), state, target, {'X': '4'})

    def _term(self) -> str:
        return f'{self._random.getrandbits(256):064x}'

    def _restart(self, server: int, number: int) -> None:
        now = max(self._free)
        self.record.process(
            ProcessEvent('server', server, 4000 + server, 'died', now, 'killed by signal 9', '/k/kompiled')
        )
        self.record.process(
            ProcessEvent('server', SERVERS + number, 5000 + number, 'started', now + 3, '', '/k/kompiled', 2.5)
        )

    def _sample(self, time: float) -> None:
        workers = [
            ProcessState('worker', n, 100 + n, 'busy' if time < self._free[n] else 'idle') for n in range(WORKERS)
        ]
        servers = [
            ProcessState('server', n, 4000 + n, 'busy', memory=int(2e9 + 1e6 * time * (n + 1))) for n in range(SERVERS)
        ]
        self.record.sample(Sample(time, (*workers, *servers)))

    def _summary(self, state: RunState) -> RunSummary:
        claims = tuple(self._progress.values())
        summary = RunSummary(
            '20261122T010000.000000Z-1', STARTED, max(self._free), 'kore-rpc-booster', WORKERS, state=state
        )
        return replace(
            summary,
            server_starts=SERVERS,
            requests=sum(claim.requests for claim in claims),
            reused=sum(claim.reused for claim in claims),
            steps=sum(claim.steps - claim.reused for claim in claims),
            claims=claims,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description='Write the page of a made-up large run, and measure.')
    parser.add_argument('--claims', type=int, default=1000)
    parser.add_argument('--steps', type=int, default=50_000)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--output', '-o', type=Path, help='keep the page here')
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'store.sqlite'
        with CheckpointStore.open(path) as store:
            record = MadeUpRun(arguments.claims, arguments.steps, arguments.seed, store).make()
        begun = time.perf_counter()
        with StoreReader(path) as reader:
            page = render(record, reader)
        seconds = time.perf_counter() - begun
        file = arguments.output or Path(folder) / 'report.html'
        file.write_text(page, encoding='utf-8')
        steps = sum(claim.steps for claim in record.claims)
        nodes = [claim.nodes for claim in record.claims]
        print(f'{len(record.claims)} claims, {steps} steps, {sum(nodes)} nodes, the largest proof {max(nodes)}')
        print(f'written in {seconds:.1f} s, {file.stat().st_size / 1e6:.1f} MB')
        opened = opening_seconds(file)
        print(missing() if opened is None else f'opened in {opened[0]:.2f} s, plots in another {opened[1]:.2f} s')


def opening_seconds(file: Path) -> tuple[float, float] | None:
    """Seconds until the table can be used, and then until the plots are drawn; `None` without a browser."""
    if missing():
        return None
    with browser() as running:
        page = running.new_page()
        page.goto(file.as_uri())
        page.wait_for_selector('body[data-ready=yes]')
        opened = float(page.evaluate('performance.now() / 1000'))
        begun = time.perf_counter()
        page.evaluate("document.querySelector('#timeline').scrollIntoView()")
        page.wait_for_selector('#plot[data-drawn=yes]')
        return opened, time.perf_counter() - begun


if __name__ == '__main__':
    main()
