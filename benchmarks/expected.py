"""Prove all claims of kompiled folders whose verdicts are known, and say where they differ.

    python -m benchmarks.expected FOLDER [--backend NAME] [--kore-alone]

FOLDER holds kompiled folders, or is one, each with its claims in `spec.json` (as `kprove --emit-json-spec` writes them)
and `expected.json`, an object of verdicts by label: `passed`, `failed`, or `not passed` for what is not to be proved
with `--max-steps` steps. With `--kore-alone` compiled.json is not used, but made anew of definition.kore. The exit code
is 0 if every verdict is reached, 1 if not.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from kprover.engine import Phase, RunConfig, SilentObserver, Status, prove
from kprover.suites import Preparation, load_suites

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kprover.engine import ClaimProgress

SPEC = 'spec.json'
EXPECTED = 'expected.json'
VERDICTS = ('passed', 'failed', 'not passed')


class Printer(SilentObserver):
    """Prints each claim as it ends, with what was expected of it."""

    def __init__(self, expected: Mapping[str, str]):
        self._expected = expected
        self.differences: list[str] = []

    def claim(self, progress: ClaimProgress) -> None:
        if progress.phase is not Phase.SETTLED:
            return
        wanted = self._expected[progress.claim]
        reached = wanted == progress.status.value or (wanted == 'not passed' and is_not_passed(progress.status))
        if not reached:
            self.differences.append(f'{progress.claim}: expected {wanted}, found {progress.status}: {progress.reason}')
        mark = '' if reached else f'  EXPECTED {wanted}'
        print(
            f'{progress.claim}  {progress.status}  {progress.steps} steps  {progress.requests} requests  '
            f'{progress.seconds:.1f} s{mark}  {progress.reason}',
            flush=True,
        )

    def notice(self, message: str) -> None:
        print(message, file=sys.stderr, flush=True)


def is_not_passed(status: Status) -> bool:
    """Whether a claim was tried and not proved; an error or a claim that was not tried says nothing."""
    return status in (Status.FAILED, Status.PENDING)


def folders(root: Path) -> list[Path]:
    """The folders with expected verdicts at or below `root`."""
    return sorted({path.parent.resolve() for path in [root / EXPECTED, *root.glob(f'*/{EXPECTED}')] if path.is_file()})


def suite_of(folder: Path, scratch: Path, max_steps: int, *, kore_alone: bool) -> Path:
    """Write a suite file for a folder; its path."""
    kompiled = folder
    if kore_alone:
        kompiled = scratch / folder.name
        kompiled.mkdir()
        for path in folder.iterdir():
            if path.name != 'compiled.json':
                (kompiled / path.name).symlink_to(path)
    suite = scratch / f'{folder.name}.toml'
    suite.write_text(
        f'name = {json.dumps(folder.name)}\n'
        f'kompiled = {json.dumps(str(kompiled))}\n'
        f'specs = [{json.dumps(str(folder / SPEC))}]\n'
        f'[options]\nmax-steps = {max_steps}\n'
    )
    return suite


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog='python -m benchmarks.expected', description=__doc__.split('\n')[0])
    parser.add_argument('folder', type=Path)
    parser.add_argument('--backend', default='embedded', help='a server program (default: %(default)s)')
    parser.add_argument('--workers', type=int, default=0, help='default: one per core')
    parser.add_argument('--max-steps', type=int, default=40, help='most steps of a claim (default: %(default)s)')
    parser.add_argument('--kore-alone', action='store_true', help='make compiled.json anew')
    options = parser.parse_args(argv)
    found = folders(options.folder)
    if not found:
        parser.error(f'{options.folder}: expected a folder with {EXPECTED}, or with such folders in it, found none')
    expected = {
        f'{folder.name}/{label}': verdict
        for folder in found
        for label, verdict in json.loads((folder / EXPECTED).read_text()).items()
    }
    if wrong := sorted(set(expected.values()) - set(VERDICTS)):
        parser.error(f'{EXPECTED}: expected the verdicts {", ".join(VERDICTS)}, found {", ".join(wrong)}')
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix='kprover-expected-') as name:
        scratch = Path(name)
        files = [suite_of(folder, scratch, options.max_steps, kore_alone=options.kore_alone) for folder in found]
        suites = load_suites(files, Preparation(scratch / 'cache'))
        unexpected = [claim.name for suite in suites for claim in suite.claims if claim.name not in expected]
        if unexpected:
            parser.error(f'{EXPECTED}: nothing is expected of {", ".join(unexpected)}')
        printer = Printer(expected)
        config = RunConfig(store=scratch / 'store.sqlite', workers=options.workers, backend=options.backend)
        prove(suites, None, config, printer)
    for difference in printer.differences:
        print(difference, file=sys.stderr)
    reached = len(expected) - len(printer.differences)
    print(f'{reached} of {len(expected)} expected verdicts reached, {time.monotonic() - started:.1f} s')
    return 1 if printer.differences else 0


if __name__ == '__main__':
    sys.exit(main())
