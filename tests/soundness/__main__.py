"""The long run: `python -m tests.soundness --mutants 2000 --seed 1`, from the project's folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from campaign import campaigns


def main() -> int:
    """Run the campaign for each language, both at once; 1 if a mutant was proved that a run refutes."""
    parser = argparse.ArgumentParser(prog='python -m tests.soundness', description=__doc__)
    parser.add_argument('--mutants', type=int, default=2000, help='mutants over all languages (default: 2000)')
    parser.add_argument('--seed', type=int, default=1, help='the same seed gives the same claims (default: 1)')
    parser.add_argument('--languages', nargs='+', default=['imp', 'stack'], choices=['imp', 'stack'])
    parser.add_argument('--missed', action='store_true', help='show the true claims that were not proved')
    options = parser.parse_args()
    wrong = 0
    for language, tally in campaigns(options.languages, options.mutants, options.seed):
        print(f'{language}: {tally}', flush=True)
        for error in tally.errors:
            print(f'ERROR: {error:.500}\n')
        for claim, against in tally.wrong:
            print(f'WRONGLY PROVED, refuted by {against}: {claim}\n')
        for claim in tally.missed if options.missed else ():
            print(f'NOT PROVED: {claim}\n')
        wrong += len(tally.wrong)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
