"""Two other schedulers on the same simulated servers, each run in a process of its own.

* `parallel`: pyk's own `parallel_advance_proof`, claim by claim: a claim begins when the one before it is done, which
  is all that pyk offers for a suite. Real pyk: threads that share one interpreter, `KoreClient`, `get_steps` after
  every step.
* `claims`: a pool with one claim per worker, as kontrol and KEVM do it: a worker takes the next claim and makes its
  steps one after another. In its most favourable form: no pyk, no checkpoints, threads that only wait, and servers
  that live as long as the worker.

Servers are started before the clock is. A run that reaches its limit is stopped and says how much it did.

    python -m benchmarks.baselines parallel|claims FOLDER SERVER_PROGRAM WORKERS LIMIT_SECONDS
"""

from __future__ import annotations

import json
import queue
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.light import LightSession, successors
from benchmarks.profiles import Profile
from benchmarks.workload import ROOT, label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyk.proof.reachability import APRProof


@dataclass(frozen=True)
class Outcome:
    """How far a scheduler came: `seconds` on the clock, `done` as a share of all work."""

    seconds: float
    done: float

    @property
    def projected(self) -> float:
        """Seconds for all of the work, if the rest takes as long as what was done."""
        return self.seconds / self.done if self.done else float('inf')


def measure(kind: str, folder: Path, program: Path, *, workers: int, limit: float) -> Outcome:
    """Run a scheduler in a process of its own."""
    command = [sys.executable, '-m', 'benchmarks.baselines', kind, str(folder), str(program), str(workers), str(limit)]
    output = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return Outcome(**json.loads(output))


def parallel(folder: Path, profile: Profile, ports: list[int], limit: float) -> Outcome:
    """pyk's `parallel_advance_proof`, claim by claim."""
    from pyk.cterm.symbolic import CTermSymbolic
    from pyk.kast.outer import KFlatModuleList, read_kast_definition
    from pyk.kcfg.explore import KCFGExplore
    from pyk.kore.rpc import KoreClient
    from pyk.proof.proof import parallel_advance_proof
    from pyk.proof.reachability import APRProof, APRProver

    definition = read_kast_definition(folder / 'kompiled' / 'compiled.json')
    claims = {
        claim.label: claim
        for spec in (folder / 'specs').glob('*.json')
        for module in KFlatModuleList.from_dict(json.loads(spec.read_text())['term']).modules
        for claim in module.claims
    }
    work = [profile.shape(claim).work for claim in range(profile.claims)]
    done = 0.0
    started = time.monotonic()

    class Stopped(Exception):
        pass

    for number in range(profile.claims):
        proof = APRProof.from_claim(definition, claims[label(number)], {})
        free = iter((ports[0], *ports))  # the main prover only adds modules
        lock = threading.Lock()
        steps = 0

        def prover(free: Iterator[int] = free, lock: threading.Lock = lock) -> APRProver:
            with lock:
                client = KoreClient('127.0.0.1', next(free))
            return APRProver(KCFGExplore(CTermSymbolic(client, definition)), execute_depth=1000)

        def stepped(proof: APRProof) -> None:
            nonlocal steps
            steps += 1
            if time.monotonic() - started >= limit:
                raise Stopped

        try:
            parallel_advance_proof(proof, prover, max_workers=len(ports), callback=stepped)
        except Stopped:
            done += work[number] * steps / len(profile.shape(number).seconds)
            break
        assert proof.passed, proof.id
        done += work[number]
    return Outcome(time.monotonic() - started, done / sum(work))


def one_claim_per_worker(profile: Profile, ports: list[int], limit: float) -> Outcome:
    """Workers that each take a whole claim at a time."""
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for claim in range(profile.claims):
        waiting.put(claim)
    total = sum(profile.shape(claim).work for claim in range(profile.claims))
    started = time.monotonic()
    shares: list[float] = []

    def work(port: int) -> None:
        session, done = LightSession(), 0.0
        with socket.create_connection(('127.0.0.1', port)) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                try:
                    claim = waiting.get_nowait()
                except queue.Empty:
                    break
                nodes, seconds = [0], profile.shape(claim).seconds
                while nodes and time.monotonic() - started < limit:
                    node = nodes.pop()
                    result = session.advance(sock, claim, node, 1000)
                    nodes += [after for _, after in successors(result)] if result is not None else []
                    done += seconds[node]
        shares.append(done)

    threads = [threading.Thread(target=work, args=(port,)) for port in ports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Outcome(time.monotonic() - started, sum(shares) / total)


@contextmanager
def servers(program: Path, count: int) -> Iterator[list[int]]:
    """Ports of so many running simulated servers."""
    command = [str(program), 'definition.kore', '--module', 'M', '--server-port', '0', '--while-stdin']
    pipe = subprocess.PIPE
    running = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(count)]
    try:
        yield [int(process.stdout.readline()) for process in running if process.stdout is not None]
    finally:
        for process in running:
            process.kill()
            process.communicate()


def main() -> int:
    kind, folder, program, workers, limit = sys.argv[1:]
    sys.setrecursionlimit(10**7)
    text = Path(program).read_text()
    profile = Profile.from_json(text[text.index('{') : text.rindex('}') + 1])
    with servers(Path(program), int(workers)) as ports:
        if kind == 'parallel':
            outcome = parallel(Path(folder), profile, ports, float(limit))
        else:
            outcome = one_claim_per_worker(profile, ports, float(limit))
    print(json.dumps(asdict(outcome)))
    return 0


if __name__ == '__main__':
    sys.exit(main())
