"""`python -m tests.chaos --rounds 1000 --seed N`: disturb runs at random and check what must hold after each."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from chaos_rounds import Broken, Chaos


def main() -> int:
    parser = argparse.ArgumentParser(prog='python -m tests.chaos', description=__doc__)
    parser.add_argument('--rounds', type=int, default=1000, help='how many runs to disturb (default: %(default)s)')
    parser.add_argument('--seed', type=int, help='what decides the disturbances (default: the time)')
    parser.add_argument('--seconds', type=float, help='stop after so many seconds')
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else int(time.time())
    print(f'seed {seed}', flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix='kprover-chaos-', ignore_cleanup_errors=True) as folder:
        chaos = Chaos(Path(folder), seed, tell=lambda line: print(line, flush=True))
        try:
            done = chaos.run(chaos.at_random(options.rounds), seconds=options.seconds)
        except Broken as err:
            print(f'BROKEN: {err}')
            return 1
    for disturbance, count in sorted(chaos.counts.items()):
        print(f'{count:5} {disturbance}')
    codes = ', '.join(f'{count} x {code}' for code, count in sorted(Counter(one.code for one in done).items()))
    print(f'{len(done)} rounds in {time.monotonic() - began:.0f} s; exit codes {codes}; nothing was broken')
    return 0


if __name__ == '__main__':
    sys.exit(main())
