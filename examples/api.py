"""kprover from Python: proves a suite, shows claims as they end, and lists what failed.

python -m examples.api examples/imp/suite.toml
"""

from __future__ import annotations

import sys
from pathlib import Path

import kprover


class Printer(kprover.SilentObserver):
    """Prints each claim when it has ended."""

    def claim(self, progress: kprover.ClaimProgress) -> None:
        if progress.phase is kprover.Phase.SETTLED:
            print(f'{progress.claim}: {progress.status}, {progress.steps} steps', flush=True)


def main(files: list[str]) -> int:
    suites = kprover.load_suites([Path(file) for file in files])
    config = kprover.RunConfig(store=Path('.kprover/store.sqlite').absolute(), workers=2)
    summary = kprover.prove(suites, None, config, Printer())
    wrong = [claim for claim in summary.claims if claim.status is not kprover.Status.PASSED]
    for claim in wrong:
        print(f'{claim.claim}: {claim.reason}')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
