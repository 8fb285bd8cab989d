"""What a step costs the driver, against the size of the proof, the number of claims and the size of terms.

    python -m benchmarks.driver [--only steps,pyk,claims,startup] [--quick] [--plot FILE.png]

The engine, pool, workers and store are the real ones; servers are simulated and answer at once, and the session inside
the workers is a light one, so only the driver's process is measured: CPU time of all its threads, user and system.
Beside it stands the bookkeeping of pyk's `advance_proof`: the same loop (`get_steps`, `commit`) with a prover that
answers at once. The plot is text; `--plot` makes one with matplotlib, if that is installed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import light, workload
from benchmarks.profiles import Profile
from kprover.store import StoreReader

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    Series = Mapping[int, float]

SIZES: Final = (100, 1600, 10_000)
WINDOW: Final = 50
"""Steps on either side of a size over which the cost is averaged."""
LARGE: Final = 20_000
"""Nodes of a large term."""
CLAIMS: Final = (100, 1000)
STEPS_PER_CLAIM: Final = 5
STARTUP: Final = ((100, 2.0), (800, 10.0))
"""Claims, and the seconds that a command with nothing to do may take."""
REPEATS: Final = 3
BIG_DEFINITION: Final = 30 * 2**20
TARGET_MS: Final = 5.0


def steps(folder: Path, sizes: tuple[int, ...], nodes: int = 0) -> tuple[Series, float]:
    """Milliseconds of driver CPU for a step at each size of one proof, and bytes of memory for a node.

    Args:
        nodes: Size of the terms around the measured sizes, in term nodes; 0 for tiny ones everywhere.
    """
    profile = Profile('chain', 1, sizes[-1] + 2 * WINDOW, 0.0)
    windows = [(max(size - WINDOW, 1), size + WINDOW) for size in sizes]
    ranges = ','.join(f'{first}-{last}' for first, last in windows)
    measured = _run(folder, profile, {light.LARGE_NODES: str(nodes), light.LARGE_AT: ranges})
    costs = {size: 1000 * measured.cpu(*window) for size, window in zip(sizes, windows, strict=True)}
    begin, end = (next(s for s in measured.samples if s.steps >= size) for size in sizes[-2:])
    return costs, (end.resident - begin.resident) / (end.steps - begin.steps)


def claims(folder: Path, counts: tuple[int, ...]) -> Series:
    """Milliseconds of driver CPU for a step of each number of claims, everything but starting processes included."""
    costs = {}
    for count in counts:
        profile = Profile('chain', count, STEPS_PER_CLAIM, 0.0)
        costs[count] = 1000 * _run(folder / str(count), profile, {}).cpu()
    return costs


def startup(folder: Path, count: int, definition_bytes: int) -> float:
    """Seconds of `luigi --module pipelines ProveAll` where every claim is proved already; the best of three."""
    profile = Profile('chain', count, 2, 0.0)
    workload.write(folder / 'suite', profile)
    compiled = folder / 'suite' / 'kompiled' / 'compiled.json'
    compiled.write_text(compiled.read_text().ljust(definition_bytes))
    program = workload.write_server(folder / 'server', profile)
    store = folder / 'store.sqlite'
    workload.run(folder / 'suite', program, store, workers=2)
    command = [sys.executable, '-m', 'luigi', '--module', 'pipelines', 'ProveAll']
    command += ['--suite', str(folder / 'suite' / 'suite.toml')]
    command += ['--kprover-store', str(store), '--kprover-backend', str(program)]
    environment = {**os.environ, 'PYTHONPATH': str(workload.ROOT)}
    best = math.inf
    for _ in range(REPEATS):
        started = time.monotonic()
        subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        best = min(best, time.monotonic() - started)
    with StoreReader(store) as reader:
        *_, (_, last) = reader.scan('run:')
    assert last.header['steps'] == 0, f'the last command was to find everything done, but made steps: {last.header}'
    return best


def pyk_steps(sizes: tuple[int, ...]) -> Series:
    """Milliseconds of CPU for a step of pyk's `advance_proof` with an instant prover, at each size of one proof.

    Measured in a process of its own (`pyk_at`), because the driver never imports pyk.
    """
    command = [sys.executable, '-m', 'benchmarks.driver', '--pyk-at', ','.join(map(str, sizes))]
    output = subprocess.run(command, cwd=workload.ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {int(size): float(cost) for size, cost in json.loads(output).items()}


def pyk_at(size: int) -> float:
    """The cost at one size; nodes are put into the graph directly, since pyk would need hours to get there."""
    from pyk.cterm.cterm import CTerm
    from pyk.kast.inner import KApply
    from pyk.kast.prelude.utils import token
    from pyk.kcfg.kcfg import KCFG, Step
    from pyk.proof.proof import Prover
    from pyk.proof.reachability import APRProof, APRProofExtendResult

    def term(number: int) -> CTerm:
        return CTerm(KApply('<generatedTop>', KApply('<k>', token(number))))

    kcfg = KCFG()
    target = kcfg.create_node(term(-1))
    last = init = kcfg.create_node(term(0))
    for number in range(1, size - 1):
        node = kcfg.create_node(term(number))
        kcfg.create_edge(last.id, node.id, 1)
        last = node

    class Instant(Prover[Any, Any, Any]):
        def __init__(self) -> None:
            self.count = size

        def close(self) -> None: ...

        def init_proof(self, proof: Any) -> None: ...

        def failure_info(self, proof: Any) -> Any: ...

        def step_proof(self, step: Any) -> Any:
            self.count += 1
            extension = Step(term(self.count), 1, (), [])
            return [
                APRProofExtendResult(
                    node_id=step.node.id, prior_loops_cache_update=(), optimize_kcfg=False, extension_to_apply=extension
                )
            ]

    proof = APRProof('bench', kcfg, [], init=init.id, target=target.id, logs={})
    iterations = max(1, 2000 // size)
    started = time.process_time()
    Instant().advance_proof(proof, max_iterations=iterations)
    return 1000 * (time.process_time() - started) / iterations


def _run(folder: Path, profile: Profile, environment: dict[str, str]) -> workload.Measured:
    workload.write(folder / 'suite', profile)
    program = workload.write_server(folder / 'server', profile)
    return workload.run(folder / 'suite', program, folder / 'store.sqlite', workers=2, environment=environment)


def table(title: str, rows: Mapping[str, Series]) -> str:
    """Series as a Markdown table, with one column for every point."""
    points = sorted({point for series in rows.values() for point in series})
    lines = [f'| {title} | ' + ' | '.join(f'{point:,}' for point in points) + ' |']
    lines.append('| --- |' + ' ---: |' * len(points))
    for name, series in rows.items():
        cells = (f'{series[point]:,.2f}' if point in series else '' for point in points)
        lines.append(f'| {name} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)


def text_plot(rows: Mapping[str, Series], width: int = 56) -> str:
    """Milliseconds as bars on a logarithmic scale from 0.1 ms; `|` is the target."""
    top = max(TARGET_MS, *(cost for series in rows.values() for cost in series.values()))

    def column(cost: float) -> int:
        return round(width * max(math.log10(cost / 0.1), 0) / math.log10(top / 0.1))

    goal, lines = column(TARGET_MS), []
    for name, series in rows.items():
        lines.append(name)
        for point, cost in series.items():
            bar = ('#' * column(cost)).ljust(max(goal + 1, column(cost)))
            lines.append(f'{point:>9,} {bar[:goal]}|{bar[goal + 1 :]} {cost:,.2f} ms')
    return '\n'.join(lines)


def draw(rows: Mapping[str, Series], file: Path) -> None:
    """The same with matplotlib. Raises ImportError without it."""
    import matplotlib.pyplot as plt  # type: ignore[import-not-found, unused-ignore]

    for name, series in rows.items():
        plt.loglog(list(series), list(series.values()), marker='o', label=name)
    plt.axhline(TARGET_MS, linestyle='--', color='grey')
    plt.xlabel('nodes of the proof')
    plt.ylabel('CPU per step (ms)')
    plt.legend()
    plt.savefig(file)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog='python -m benchmarks.driver', description=__doc__.split('\n\n')[0])
    parser.add_argument('--only', default='steps,pyk,claims,startup', help='what to measure (%(default)s)')
    parser.add_argument('--quick', action='store_true', help='smaller sizes, for a look at the program itself')
    parser.add_argument('--plot', type=Path, help='file for a plot by matplotlib')
    parser.add_argument('--pyk-at', help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    sys.setrecursionlimit(10**7)
    if options.pyk_at:
        print(json.dumps({size: pyk_at(int(size)) for size in options.pyk_at.split(',')}))
        return 0
    only = options.only.split(',')
    sizes = SIZES[:2] if options.quick else SIZES
    with tempfile.TemporaryDirectory(prefix='kprover-benchmark-') as name:
        folder = Path(name)
        by_nodes: dict[str, Series] = {}
        if 'steps' in only:
            by_nodes['kprover, small terms'], memory = steps(folder / 'small', sizes)
            by_nodes[f'kprover, terms of {LARGE:,} nodes'], _ = steps(folder / 'large', sizes, LARGE)
            print(
                f'Memory of the driver: {memory:,.0f} bytes a node ({sizes[-2]:,} to {sizes[-1]:,} nodes)', flush=True
            )
        if 'pyk' in only:
            by_nodes['pyk advance_proof'] = pyk_steps(sizes)
        if by_nodes:
            print('\n' + table('CPU ms a step at nodes of one proof', by_nodes))
            print('\n' + text_plot(by_nodes), flush=True)
            if options.plot:
                draw(by_nodes, options.plot)
        if 'claims' in only:
            costs = claims(folder / 'claims', (20,) if options.quick else CLAIMS)
            print('\n' + table('CPU ms a step at claims of 5 steps', {'kprover': costs}), flush=True)
        if 'startup' in only:
            print('\n| claims, all done | compiled.json | `luigi --module pipelines ProveAll` | allowed |')
            print('| ---: | ---: | ---: | ---: |')
            for count, allowed in STARTUP[:1] if options.quick else STARTUP:
                for size in (0, BIG_DEFINITION):
                    seconds = startup(folder / f'startup-{count}-{size}', count, size)
                    megabytes = '30 MB' if size else '0.3 MB'
                    print(f'| {count} | {megabytes} | {seconds:.2f} s | {allowed:.0f} s |', flush=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
