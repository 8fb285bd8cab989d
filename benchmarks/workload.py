"""A simulated suite on disk, and runs of the real engine on it.

The claims are over the stack machine of the examples: the gas cell holds the mark of a node (`benchmarks.simulated`),
its target is any gas. They are as real as the session needs them to be and as meaningless as the server is.

    python -m benchmarks.workload FOLDER PROFILE_JSON      write a suite (in a process of its own: it needs pyk)
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from unittest.mock import patch

import kprover.engine.api
from benchmarks.profiles import Profile
from benchmarks.simulated import mark
from kprover.engine import RunConfig, SilentObserver, prove
from kprover.pool import DEFAULT_SESSION, Done, Pool, ServerStarted
from kprover.suites import load_suite

if TYPE_CHECKING:
    from typing import Any, Final

    from kprover.engine import RunSummary
    from kprover.pool import Event, Task

ROOT: Final = Path(__file__).resolve().parent.parent
LIGHT: Final = 'benchmarks.light:LightSession'
REAL: Final = DEFAULT_SESSION
CLAIMS_PER_SPEC: Final = 20
SPEC: Final = 'SIMULATED'

SAMPLE_STEPS: Final = 10
"""A sample is taken after so many steps."""

SAME_SIZE_STEPS: Final = 0.0
"""Step sizes do not adapt: a simulated request takes its time whatever depth it is asked for."""


def label(claim: int) -> str:
    """Label of a claim, from its number."""
    return f'{SPEC}-{claim // CLAIMS_PER_SPEC:03d}.c-{claim}'


def write(folder: Path, profile: Profile) -> None:
    """Write the suite of a profile into a new folder, in a process of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, '-m', 'benchmarks.workload', str(folder), profile.to_json()]
    subprocess.run(command, cwd=ROOT, check=True)


def write_server(folder: Path, profile: Profile) -> Path:
    """The server program of a profile: a script with the profile in it. Another profile is another program."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / 'simulated-kore-rpc'
    command = shlex.join([sys.executable, '-I', '-S', str(ROOT / 'benchmarks' / 'simulated.py')])
    program.write_text(f'#!/bin/sh\nexec {command} "$@" --profile {shlex.quote(profile.to_json())}\n')
    program.chmod(0o755)
    return program


def write_suite(folder: Path, profile: Profile) -> None:
    """The suite file, its specs and its definition."""
    from examples.kore import kompiled_files, write_files
    from examples.specs import spec
    from examples.stack import language as stack
    from examples.stack.claims import halts

    write_files(folder / 'kompiled', kompiled_files(stack.definition()))
    (folder / 'specs').mkdir(exist_ok=True)
    for first in range(0, profile.claims, CLAIMS_PER_SPEC):
        numbers = range(first, min(first + CLAIMS_PER_SPEC, profile.claims))
        claims = [halts(label(claim), stack.assemble('push 1', 'stop'), gas=mark(claim, 0)) for claim in numbers]
        module = label(first).partition('.')[0]
        (folder / 'specs' / f'{module}.json').write_text(spec(stack.NAME, module, claims))
    (folder / 'suite.toml').write_text('name = "simulated"\nkompiled = "kompiled"\nspecs = ["specs/*.json"]\n')


class Sample(NamedTuple):
    """Steps finished, CPU seconds used, bytes resident: of the driver's process, at one moment."""

    steps: int
    cpu: float
    resident: int


@dataclass
class Measured:
    """What was seen of a run of the engine.

    Attributes:
        seconds: From the call of `prove` until the last claim was settled, start-up included.
        first_step: Seconds from the call until the first step was handed to the pool.
        servers_ready: Seconds from the call until the last server listened.
        samples: For every round: steps finished so far, CPU seconds and resident bytes of this process so far.
    """

    seconds: float = 0.0
    first_step: float = 0.0
    servers_ready: float = 0.0
    samples: list[Sample] = field(default_factory=list)
    summary: RunSummary | None = None

    def cpu(self, first: int = 0, last: int | None = None) -> float:
        """CPU seconds of the driver for each step from `first` to `last`."""
        begin = next(sample for sample in self.samples if sample.steps >= first)
        end = next((sample for sample in self.samples if last is not None and sample.steps >= last), self.samples[-1])
        return (end.cpu - begin.cpu) / (end.steps - begin.steps)


def run(
    folder: Path,
    program: Path,
    store: Path,
    *,
    workers: int,
    session: str = LIGHT,
    environment: dict[str, str] | None = None,
) -> Measured:
    """Prove the suite in `folder` with the real engine, pool, worker processes and store.

    Args:
        program: The server program.
        session: What runs inside the workers: `REAL` or `LIGHT`.

    Raises:
        AssertionError: a claim did not pass.
    """
    measured = Measured()
    started = time.monotonic()

    class MeasuredPool(Pool):
        """The pool with the session named, taking notes."""

        def __init__(self, **options: Any):
            super().__init__(**{**options, 'session': session})
            self._steps: set[int] = set()
            self._finished = 0

        def submit(self, task: Task, **options: Any) -> None:
            if task.kind == 'step':
                self._steps.add(task.id)
                measured.first_step = measured.first_step or time.monotonic() - started
            super().submit(task, **options)

        def poll(self, timeout: float) -> list[Event]:
            events = super().poll(timeout)
            for event in events:
                if isinstance(event, Done) and event.task_id in self._steps:
                    self._steps.discard(event.task_id)
                    self._finished += 1
                elif isinstance(event, ServerStarted):
                    measured.servers_ready = time.monotonic() - started
            if not measured.samples or self._finished - measured.samples[-1].steps >= SAMPLE_STEPS:
                measured.samples.append(Sample(self._finished, time.process_time(), resident()))
            return events

    class Finish(SilentObserver):
        def finished(self, summary: RunSummary) -> None:
            measured.seconds = time.monotonic() - started
            measured.samples.append(Sample(summary.steps, time.process_time(), resident()))

    config = RunConfig(store=store, workers=workers, backend=str(program), step_target=SAME_SIZE_STEPS)
    suite = load_suite(folder / 'suite.toml')
    with patch.object(kprover.engine.api, 'Pool', MeasuredPool), patch.dict('os.environ', environment or {}):
        started = time.monotonic()
        measured.summary = prove([suite], None, config, Finish())
    assert measured.summary.all_passed, [claim for claim in measured.summary.claims if claim.status != 'passed'][:3]
    return measured


def resident() -> int:
    """Bytes of this process that are in memory."""
    pages = Path('/proc/self/statm').read_text().split()[1]
    return int(pages) * os.sysconf('SC_PAGE_SIZE')


def main() -> int:
    folder, profile = Path(sys.argv[1]), Profile.from_json(sys.argv[2])
    sys.setrecursionlimit(10**7)
    write_suite(folder, profile)
    (folder / 'profile.json').write_text(json.dumps(json.loads(profile.to_json()), indent=2) + '\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
