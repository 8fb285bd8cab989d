"""`python -m kprover.definitions DEFINITION_KORE COMPILED_JSON`: make the second of the first.

The last line on standard error says what is wrong if it cannot be done.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from pathlib import Path

from .rebuild import rebuild

_RECURSION_LIMIT = 10**6
_STACK_BYTES = 512 << 20


def main() -> int:
    """Run the command; its exit code."""
    parser = argparse.ArgumentParser(prog='python -m kprover.definitions', description=__doc__)
    parser.add_argument('definition', type=Path, metavar='DEFINITION_KORE')
    parser.add_argument('compiled', type=Path, metavar='COMPILED_JSON')
    options = parser.parse_args()
    sys.setrecursionlimit(_RECURSION_LIMIT)
    threading.stack_size(_STACK_BYTES)
    failures: list[str] = []
    thread = threading.Thread(target=_run, args=(options.definition, options.compiled, failures), daemon=True)
    thread.start()
    thread.join()
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


def _run(source: Path, target: Path, failures: list[str]) -> None:
    try:
        definition = rebuild(source.read_text(encoding='utf-8'), _main_module(source))
        text = json.dumps({'format': 'KAST', 'version': 4, 'term': definition.to_dict()}, separators=(',', ':'))
        target.write_text(text + '\n', encoding='utf-8')
    except Exception as err:  # pyk's parser raises many kinds
        failures.append(f'{type(err).__name__}: {err}'.replace('\n', ' '))


def _main_module(source: Path) -> str | None:
    try:
        return source.with_name('mainModule.txt').read_text(encoding='utf-8').strip() or None
    except OSError:
        return None


if __name__ == '__main__':
    sys.exit(main())
