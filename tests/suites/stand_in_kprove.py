"""A stand-in for K's `kprove` where there is none: takes its command line and writes a given spec.

Installed as a script `kprove` by `install`. What it does is said by files beside it: `spec.json` (what it writes),
`behaviour` (`works`, `fails`, `hangs`, `writes-nothing`), and it appends its arguments to `calls`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

SCRIPT = """#!{python}
import json, subprocess, sys, time
from pathlib import Path
here = Path(__file__).parent
behaviour = (here / 'behaviour').read_text()
if sys.argv[1:] == ['--version']:
    print((here / 'version').read_text())
    sys.exit(0)
with (here / 'calls').open('a') as calls:
    calls.write(json.dumps(sys.argv[1:]) + '\\n')
target = Path(sys.argv[sys.argv.index('--emit-json-spec') + 1])
assert Path(sys.argv[1]).is_file() and '--dry-run' in sys.argv
if behaviour == 'hangs':
    child = subprocess.Popen(['sleep', '600'])
    (here / 'children').write_text(str(child.pid))
    time.sleep(600)
if behaviour == 'fails':
    print('[Error] Inner Parser: Parse error: unexpected token.')
    print('\\tSource(' + sys.argv[1] + ')')
    target.write_text('half a fi')
    sys.exit(113)
if behaviour == 'works':
    target.write_text((here / 'spec.json').read_text())
"""


class KProve:
    """The installed stand-in."""

    def __init__(self, folder: Path, spec: object):
        self.folder = folder
        folder.mkdir()
        self.program = folder / 'kprove'
        self.program.write_text(SCRIPT.format(python=sys.executable))
        self.program.chmod(0o755)
        self.write(spec)
        self.behave('works')
        (folder / 'version').write_text('K version: v7.1.320\n')

    def write(self, spec: object) -> None:
        """From now on it writes this spec."""
        (self.folder / 'spec.json').write_text(json.dumps(spec))

    def behave(self, behaviour: str) -> None:
        (self.folder / 'behaviour').write_text(behaviour)

    @property
    def calls(self) -> list[list[str]]:
        """The arguments of each call but those for its version."""
        try:
            return [json.loads(line) for line in (self.folder / 'calls').read_text().splitlines()]
        except FileNotFoundError:
            return []
