"""How well the engine keeps workers busy, beside two other schedulers, on simulated servers.

    python -m benchmarks.scheduling [--profile wide,deep,mixed] [--workers 2,8,32,64] [--seconds 90] ...

Prints for every scheduler the makespan, utilisation = work / (workers × makespan), and the makespan's lower bound
max(work / workers, longest chain) as a share of it. Work is the time that the simulated servers sleep; everything else
that a run needs, from starting processes to the last commit, is loss. Times are scaled so that the lower bound takes
the seconds asked for; the scale is printed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import baselines, workload
from benchmarks.profiles import LONG_CLAIMS, LONG_NODES, Profile, standard

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

SECONDS: Final = {2: 120.0, 8: 150.0}
"""Seconds of the lower bound where few workers would make very short steps; else `OTHER_SECONDS`."""
OTHER_SECONDS: Final = 90.0
EARLIER: Final = 0.05
"""Scale of the earlier run that leaves history behind, relative to the measured one."""
TARGETS: Final = {8: 0.94, 64: 0.90}


class Cell:
    """One profile at one number of workers: the folder with its suite, and the runs on it."""

    def __init__(self, folder: Path, kind: str, workers: int, seconds: float, share: float):
        full = standard(kind) if share == 1 else reduced(kind, share)
        self.profile = replace(full, scale=seconds / full.bound(workers))
        self.workers = workers
        self._folder = folder / f'{kind}-{workers}'
        workload.write(self._folder / 'suite', self.profile)
        self._program = workload.write_server(self._folder / 'server', self.profile)

    def title(self) -> str:
        profile, bound = self.profile, self.profile.bound(self.workers)
        return (
            f'{profile.kind}, {self.workers} workers: {profile.claims} claims, {profile.steps} steps, scale '
            f'1/{1 / profile.scale:.0f}, {1000 * profile.work / profile.steps:.0f} ms a step, lower bound {bound:.1f} s'
        )

    def engine(self, name: str, session: str, *, history: bool = False) -> str:
        """A run of the engine; with `history` after an earlier one, with another build of the server."""
        store = self._folder / f'{name.replace(" ", "-")}.sqlite'
        if history:
            quick = replace(self.profile, scale=self.profile.scale * EARLIER)
            program = workload.write_server(self._folder / 'earlier', quick)
            workload.run(self._folder / 'suite', program, store, workers=self.workers, session=session)
        measured = workload.run(self._folder / 'suite', self._program, store, workers=self.workers, session=session)
        cost = f'driver {1000 * measured.cpu():.1f} ms CPU a step'
        note = f'{measured.servers_ready:.1f} s until all servers ran; {cost}'
        return self._row(name, measured.seconds, note)

    def baseline(self, name: str, kind: str, limit: float) -> str:
        """A run of another scheduler."""
        outcome = baselines.measure(kind, self._folder / 'suite', self._program, workers=self.workers, limit=limit)
        if outcome.done > 0.9999:
            return self._row(name, outcome.seconds, '')
        note = f'projected: stopped after {outcome.seconds:.0f} s with {100 * outcome.done:.1f} % of the work done'
        return self._row(name, outcome.projected, note)

    def _row(self, name: str, seconds: float, note: str) -> str:
        utilisation = self.profile.work / (self.workers * seconds)
        ratio = self.profile.bound(self.workers) / seconds
        return f'| {name} | {seconds:.1f} | {utilisation:.3f} | {ratio:.3f} | {note} |'


def reduced(kind: str, share: float) -> Profile:
    """A smaller suite of the same kind, for a quick look."""
    full = standard(kind)
    if kind == 'deep':
        return replace(full, nodes=max(32, int(full.nodes * share)))
    extra = LONG_CLAIMS if kind == 'mixed' else 0
    return replace(full, claims=max(1, int((full.claims - extra) * share)) + extra)


def rows(cell: Cell, options: argparse.Namespace) -> Iterator[str]:
    """The table of a cell, line by line, each as soon as it is known."""
    yield f'\n{cell.title()}\n'
    yield '| scheduler | makespan (s) | utilisation | of the bound | |'
    yield '| --- | ---: | ---: | ---: | --- |'
    if 'light' in options.session:
        yield cell.engine('kprover', workload.LIGHT)
        if cell.profile.kind == 'mixed':
            yield cell.engine('kprover with history', workload.LIGHT, history=True)
    if 'real' in options.session:
        yield cell.engine('kprover with pyk in the workers', workload.REAL)
    if options.baselines:
        # `deep` is one claim, so a pool of claims has one busy worker: the rest can be told from the beginning
        limit = options.limit if cell.profile.kind == 'deep' else 10 * cell.profile.bound(cell.workers)
        yield cell.baseline('one claim per worker', 'claims', limit)
        yield cell.baseline('pyk parallel_advance_proof, claim by claim', 'parallel', options.limit)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog='python -m benchmarks.scheduling', description=__doc__.split('\n\n')[0])
    parser.add_argument('--profile', default='wide,deep,mixed', help='profiles, separated by commas (%(default)s)')
    parser.add_argument('--workers', default='2,8,32,64', help='numbers of workers (%(default)s)')
    parser.add_argument('--seconds', type=float, help='seconds of the lower bound (default: 90 to 150 by the workers)')
    parser.add_argument('--session', default='light', help='light, real or light,real (%(default)s)')
    parser.add_argument('--share', type=float, default=1.0, help='share of the profile, for a quick look (%(default)s)')
    parser.add_argument('--limit', type=float, default=25.0, help='seconds before pyk is stopped (%(default)s)')
    parser.add_argument('--no-baselines', dest='baselines', action='store_false', help='only the engine')
    options = parser.parse_args(arguments)
    print(f'{os.cpu_count()} cores; servers are simulated: they sleep.')
    print(f'`mixed` is `wide` with {LONG_CLAIMS} claims of {LONG_NODES} nodes at its end.')
    goals = ', '.join(f'{ratio} at {workers} workers' for workers, ratio in TARGETS.items())
    print(f'Aim for kprover, of the bound: {goals}.')
    with tempfile.TemporaryDirectory(prefix='kprover-benchmark-') as folder:
        for kind in options.profile.split(','):
            for workers in map(int, options.workers.split(',')):
                seconds = options.seconds or SECONDS.get(workers, OTHER_SECONDS)
                for row in rows(Cell(Path(folder), kind, workers, seconds, options.share), options):
                    print(row, flush=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
