"""Disturbances of runs, at random but repeatable, and what must hold after each of them.

A campaign is one checkpoint store. Each round starts a run on it, with real workers and servers, and disturbs it: the
driver is killed or stopped, a worker or a server is killed, or the server hangs, dies, answers garbage, eats memory or
does not start. After the round:

* every verdict in the store is that of an undisturbed run, and a run that came to its end has all of them;
* no step that was in the store before has been made again, and a run that could still say how many steps it made has
  made as many as the store has gained;
* no process of the run is alive two seconds after its end;
* the store is intact: SQLite's quick_check passes and every record can be read.

A run that came to its end also ends its campaign; the next round begins another.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from chaos_driver import INTERRUPTED, run_config

from kprover.engine import Ledger
from kprover.store import StoreReader
from kprover.suites import load_suites, select

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
SUITES = tuple(str(PROJECT / 'examples' / name) for name in ('imp/suite.toml', 'imp/failing.toml', 'stack/suite.toml'))
CLAIMS = (
    'imp/IMP-ARITHMETIC.literals',
    'imp/IMP-BRANCHES.sixteen',
    'imp/IMP-BRANCHES.larger-of',
    'imp/IMP-EQUALITIES.sign-sum',
    'imp/IMP-LOOPS.transfer-six',
    'imp/IMP-LOOPS.sum-to-10',
    'imp-failing/IMP-WRONG.one-of-sixteen',
    'imp-failing/IMP-WRONG-LOOPS.transfer-any',
)
FAST = (
    'imp/IMP-ARITHMETIC.literals',
    'imp/IMP-BRANCHES.larger-of',
    'imp/IMP-EQUALITIES.sign-sum',
    'imp/IMP-LOOPS.transfer-six',
    'imp-failing/IMP-WRONG-LOOPS.transfer-any',
)
"""A choice of these that is proved about as fast as processes start."""

MARK = 'KPROVER_CHAOS_MARK'
ORPHAN_SECONDS = 2.0
RUN_SECONDS = 120.0

DRIVER = {'driver SIGTERM': signal.SIGTERM, 'driver SIGINT': signal.SIGINT, 'driver SIGKILL': signal.SIGKILL}
PROCESS = {'worker killed': 'kprover.worker', 'server killed': 'doubtful_server.py'}
SERVER = {
    'server exits': {'fault': 'exit'},
    'server hangs': {'fault': 'hang'},
    'server answers garbage': {'fault': 'garbage'},
    'server closes the connection': {'fault': 'close'},
    'server eats memory': {'fault': 'eat'},
    'server does not start': {'start': 'exit'},
    'server hangs at its start': {'start': 'hang'},
}
WEIGHTS = {
    **dict.fromkeys(DRIVER, 5),
    **dict.fromkeys(PROCESS, 4),
    **dict.fromkeys(SERVER, 1),
}


class Broken(AssertionError):
    """Something that must hold does not; the text says in which round, by which seed, and what."""


@dataclass(frozen=True)
class Round:
    """What was done in a round, and what came of it."""

    number: int
    disturbance: str
    code: int
    seconds: float
    steps: int


class Chaos:
    """Rounds over stores in a folder; the same seed gives the same disturbances, if not the same moments."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        *,
        claims: tuple[str, ...] = CLAIMS,
        workers: tuple[int, ...] = (1, 2, 2, 3),
        tell: Callable[[str], None] = lambda line: None,
    ):
        self._folder = folder
        self._seed = seed
        self._claims = claims
        self._workers = workers
        self._random = random.Random(seed)
        self._tell = tell
        self._mark = uuid.uuid4().hex
        self._suites = load_suites([Path(path) for path in SUITES])
        self._campaign = 0
        self._steps: dict[str, Any] = {}
        self._faults = folder / 'faults.json'
        self._backend = folder / 'doubtful'
        self._backend.write_text(
            '#!/bin/sh\n[ "$1" = --version ] && echo doubtful 1.0 && exit\n'
            f'PYTHONPATH={PROJECT} exec {sys.executable} {PROJECT}/tests/engine/doubtful_server.py "$@"\n'
        )
        self._backend.chmod(0o755)
        self.counts: Counter[str] = Counter()
        self._expected: dict[str, str] = {}
        self._duration = 0.0

    def at_random(self, rounds: int) -> Iterator[str]:
        """So many disturbances, chosen by their weights."""
        for _ in range(rounds):
            yield self._random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]

    def each_once(self) -> list[str]:
        """Every kind of disturbance, in a random order."""
        return self._random.sample(list(WEIGHTS), len(WEIGHTS))

    def run(self, disturbances: Iterable[str], *, seconds: float | None = None) -> list[Round]:
        """An undisturbed run, then one for each disturbance, or fewer if that takes longer. Raises `Broken`."""
        done: list[Round] = []
        began = time.monotonic()
        try:
            self._undisturbed()
            for number, disturbance in enumerate(disturbances, start=1):
                if seconds is not None and time.monotonic() - began > seconds:
                    break
                done.append(self._round(number, disturbance))
                self._tell(f'{number:5} {done[-1].disturbance:30} exit {done[-1].code:4} {done[-1].seconds:6.2f} s')
        finally:
            for process in self._alive():
                process.kill()
        return done

    # -- rounds

    def _undisturbed(self) -> None:
        self._begin_campaign()
        self._faults.write_text('{}')
        began = time.monotonic()
        process = self._start()
        code = self._wait(process)
        self._duration = time.monotonic() - began
        verdicts = self._verdicts()
        if code != 0 or set(verdicts) != set(self._claims):
            raise Broken(f'the undisturbed run ended with code {code} and the verdicts {verdicts}: {self._output()}')
        self._expected = verdicts
        self._check(0, 'nothing', code)
        self._tell(f'undisturbed: {self._duration:.1f} s, {len(self._read_steps())} steps, {verdicts}')

    def _round(self, number: int, disturbance: str) -> Round:
        if not self._steps:
            self._begin_campaign()
        self.counts[disturbance] += 1
        faults: dict[str, Any] = {}
        if disturbance in SERVER:
            faults = {**SERVER[disturbance], 'times': self._random.choice([1, 1, 2])}
        for old in self._folder.glob('faults.json.*'):
            old.unlink()
        self._faults.write_text(json.dumps(faults))
        began = time.monotonic()
        process = self._start()
        if disturbance in DRIVER:
            self._sleep(process, self._random.uniform(0, 0.9 * self._duration))
            process.send_signal(DRIVER[disturbance])
        elif disturbance in PROCESS:
            for _ in range(self._random.choice([1, 2, 3])):
                self._sleep(process, self._random.uniform(0.2, self._duration))
                self._kill_one(PROCESS[disturbance])
        code = self._wait(process)
        steps = self._check(number, disturbance, code)
        return Round(number, disturbance, code, time.monotonic() - began, steps)

    def _begin_campaign(self) -> None:
        shutil.rmtree(self._folder / str(self._campaign), ignore_errors=True)
        self._campaign += 1
        (self._folder / str(self._campaign)).mkdir(parents=True)
        self._steps = {}
        self._options: dict[str, Any] = {
            'store': str(self._folder / str(self._campaign) / 'store.sqlite'),
            'workers': self._random.choice(self._workers),
            'servers': self._random.choice([0, 1, 2]),
            'backend': str(self._backend),
            'faults': str(self._faults),
            'suites': list(SUITES),
            'claims': list(self._claims),
        }

    # -- the run

    def _start(self) -> subprocess.Popen[bytes]:
        with (self._folder / 'output').open('wb') as output:
            return subprocess.Popen(
                [sys.executable, str(HERE / 'chaos_driver.py'), json.dumps(self._options)],
                env={**os.environ, MARK: self._mark, 'PYTHONPATH': str(PROJECT)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        try:
            return process.wait(RUN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Broken(f'seed {self._seed}: the run did not end in {RUN_SECONDS:g} s: {self._output()}') from None

    @staticmethod
    def _sleep(process: subprocess.Popen[bytes], seconds: float) -> None:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass

    def _kill_one(self, what: str) -> None:
        victims = [process for process in self._alive() if any(what in word for word in command_line(process))]
        if victims:
            try:
                self._random.choice(victims).kill()
            except psutil.Error:
                pass

    def _alive(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == self._mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def _output(self) -> str:
        return (self._folder / 'output').read_text(errors='replace')[-6000:]

    # -- what must hold

    def _check(self, number: int, disturbance: str, code: int) -> int:
        def broken(what: str) -> Broken:
            return Broken(f'seed {self._seed}, round {number} ({disturbance}, exit {code}): {what}\n{self._output()}')

        allowed = {0}
        if disturbance in DRIVER:
            allowed |= {-DRIVER[disturbance], INTERRUPTED}
        if code not in allowed:
            raise broken('the run ended in another way than it may')
        deadline = time.monotonic() + ORPHAN_SECONDS
        while orphans := self._alive():
            if time.monotonic() > deadline:
                raise broken(f'alive after {ORPHAN_SECONDS:g} s: {[command_line(process) for process in orphans]}')
            time.sleep(0.05)
        if not Path(self._options['store']).exists():
            if code == 0:
                raise broken('there is no store')
            return 0
        self._check_store(broken)
        verdicts = self._verdicts()
        wrong = {name: status for name, status in verdicts.items() if self._expected[name] != status}
        if wrong:
            raise broken(f'verdicts other than undisturbed: {wrong}')
        if code == 0 and set(verdicts) != set(self._claims):
            raise broken(f'the run came to its end without a verdict for {sorted(set(self._claims) - set(verdicts))}')
        steps = self._read_steps()
        # A step that is made again has taken another time.
        again = [key for key, header in self._steps.items() if steps.get(key) != header]
        if again:
            raise broken(f'finished steps were made again or lost: {again}')
        made = len(steps) - len(self._steps)
        if code in (0, INTERRUPTED) and (told := int(self._output().split()[-1])) != made:
            raise broken(f'{told} steps were made, the store has gained {made}')
        self._steps = {} if code == 0 else steps
        return made

    def _check_store(self, broken: Callable[[str], Broken]) -> None:
        path = Path(self._options['store'])
        with closing(sqlite3.connect(f'file:{path}?mode=ro', uri=True)) as connection:
            (result,) = connection.execute('PRAGMA quick_check').fetchone()
        if result != 'ok':
            raise broken(f'quick_check: {result}')
        with StoreReader(path) as reader:
            for _ in reader.scan(''):
                pass
            if reader.damaged:
                raise broken(f'damaged records: {sorted(reader.damaged)}')

    def _verdicts(self) -> dict[str, str]:
        claims = [claim.name for claim in select(self._suites, list(self._claims))]
        ledger = Ledger(self._suites, run_config(self._options))
        found = ledger.verdicts(claims)
        return {name: found[name].status.value for name in self._claims if name in found}

    def _read_steps(self) -> dict[str, Any]:
        with StoreReader(Path(self._options['store'])) as reader:
            return {key: record.header for key, record in reader.scan('step:')}


def command_line(process: psutil.Process) -> list[str]:
    """The words with which a process was started; empty if it has ended."""
    try:
        words: list[str] = process.cmdline()
    except psutil.Error:
        return []
    return words
