"""The run that is disturbed: `python chaos_driver.py OPTIONS`, with the options as one JSON object.

It proves the claims as `ProveAll` does, without Luigi, which would take longer to start than the proofs take. Exit
codes: 0 at the end, 25 when it was interrupted. The last line that it prints is the number of steps that it has made.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from kprover.engine import Interrupted, RunConfig, SilentObserver, prove
from kprover.suites import load_suites, select

INTERRUPTED = 25


class Printing(SilentObserver):
    """Says what is noticed, for the report of a round that went wrong."""

    def notice(self, message: str) -> None:
        print(message, flush=True)


def run_config(options: dict[str, object]) -> RunConfig:
    """The configuration of every run of a campaign; both sides must agree on it, because keys depend on it."""
    return RunConfig(
        store=Path(str(options['store'])),
        workers=int(str(options['workers'])),
        servers=int(str(options['servers'])),
        backend=str(options['backend']),
        environment={'KPROVER_TEST_FAULTS': str(options['faults'])},
        step_target=0.0,
        grace=1.0,
        attempts=20,
        start_timeout=8.0,
        hang_timeout=2.0,
        server_memory=300 << 20,
    )


def main() -> int:
    options = json.loads(sys.argv[1])
    suites = load_suites([Path(path) for path in options['suites']])
    try:
        summary = prove(suites, select(suites, options['claims']), run_config(options), Printing())
    except Interrupted as err:
        print(err)
        print(err.summary.steps)
        return INTERRUPTED
    print(summary.steps)
    return 0


if __name__ == '__main__':
    sys.exit(main())
