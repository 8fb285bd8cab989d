"""The long run: `python -m tests.soundness --questions 20000 --mutants 2000 --seed 1`, from the project's folder.

Random definitions and questions, whose answers an evaluator checks on instances; then mutants of true claims.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from campaign import campaigns
from questions import InProcess, Peer, Tally, campaign

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_CHUNK = 500
_APART = 1_000
_SHOWN = 20
_FOLDER = Path('build') / 'contradictions'


def _asked(questions: int, seed: int, serve: Callable[[str], Any], name: str) -> Tally:
    """Ask in all cores, in portions that do not depend on how many those are; print the progress."""
    whole = Tally()
    portions = [min(_CHUNK, questions - done) for done in range(0, questions, _CHUNK)]
    pool = ProcessPoolExecutor(os.cpu_count() or 1)
    try:
        running = [
            pool.submit(campaign, count, seed, serve=serve, first=number * _APART)
            for number, count in enumerate(portions)
        ]
        for one in as_completed(running):
            whole.add(one.result())
            print(f'\r{name}: {whole.asked} of {questions} questions, {len(whole.wrong)} wrong', end='', flush=True)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
    print(f'\r{name}: {whole}', flush=True)
    whole.wrong.sort(key=lambda one: one.place)
    return whole


def _show(tally: Tally) -> None:
    """Print the contradictions, and write their definitions into files."""
    for error, count in tally.errors.most_common(5):
        print(f'ERROR {count} times: {error}')
    for error, count in tally.refused.most_common(5):
        print(f'REFUSED {count} times: {error}')
    for kind, count in tally.wrong_kinds.most_common():
        print(f'CONTRADICTED {count} times: {kind}')
    for number, one in enumerate(tally.wrong[:_SHOWN]):
        _FOLDER.mkdir(parents=True, exist_ok=True)
        file = _FOLDER / f'{number}.kore'
        file.write_text(one.world)
        print(f'\n{one}\n  definition: {file}')
    if len(tally.wrong) > _SHOWN:
        print(f'\n... and {len(tally.wrong) - _SHOWN} more')


def _compared(ours: Tally, peers: Tally, name: str) -> None:
    """Print which of the same questions were answered wrongly by one server only. A peer's errors are no failure."""
    mine, other = ({one.place: one for one in tally.wrong} for tally in (ours, peers))
    print(f'wrong in both: {len(mine.keys() & other.keys())}')
    for label, one, two in (('kprover', mine, other), (name, other, mine)):
        only = Counter(one[place].kind for place in one.keys() - two.keys())
        print(f'wrong in {label} only: {only.total()} {dict(only.most_common())}')
        for place in sorted(one.keys() - two.keys())[:_SHOWN]:
            print(f'\n{one[place]}')


def _mutants(options: argparse.Namespace) -> int:
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
    return wrong


def main() -> int:
    """Run both campaigns; 1 if an answer is contradicted or a mutant was proved that a run refutes."""
    parser = argparse.ArgumentParser(prog='python -m tests.soundness', description=__doc__)
    parser.add_argument('--questions', type=int, default=20_000, help='questions in all (default: 20000)')
    parser.add_argument('--peer', metavar='COMMAND', help='put the same questions to this server, as kore-rpc')
    parser.add_argument('--mutants', type=int, default=2000, help='mutants over all languages (default: 2000)')
    parser.add_argument('--seed', type=int, default=1, help='the same seed gives the same questions (default: 1)')
    parser.add_argument('--languages', nargs='+', default=['imp', 'stack'], choices=['imp', 'stack'])
    parser.add_argument('--missed', action='store_true', help='show the true claims that were not proved')
    options = parser.parse_args()
    wrong = 0
    try:
        if options.questions:
            print(f'seed {options.seed}', flush=True)
            tally = _asked(options.questions, options.seed, InProcess, 'kprover')
            _show(tally)
            wrong += len(tally.wrong)
            if options.peer:
                if shutil.which(options.peer) is None:
                    parser.error(f'expected a server on PATH as --peer, found no {options.peer!r}')
                peers = _asked(options.questions, options.seed, partial(Peer, options.peer), options.peer)
                _compared(tally, peers, options.peer)
        if options.mutants:
            wrong += _mutants(options)
    except KeyboardInterrupt:
        print('\ninterrupted', flush=True)
        return 130
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
