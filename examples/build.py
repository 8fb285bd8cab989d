"""``python -m examples.build``: writes the kompiled folders and the specs of the example languages.

The files are committed, so that a suite is plain files as a user has them; this command makes them again, byte for
byte, from the sources in this package.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from examples.imp import claims as imp_claims
from examples.imp import failing as imp_failing
from examples.imp import language as imp
from examples.kore import kompiled_files, write_files
from examples.stack import claims as stack_claims
from examples.stack import failing as stack_failing
from examples.stack import language as stack

if TYPE_CHECKING:
    from typing import Final

ROOT: Final = Path(__file__).parent
"""The folder of this package, where the generated files belong."""


def generated() -> dict[str, dict[str, str]]:
    """Return the text of every generated file, by folder (relative to this package) and name."""
    return {
        'imp/kompiled': kompiled_files(imp.definition()),
        'imp/specs': {**imp_claims.files(), **imp_failing.files()},
        'stack/kompiled': kompiled_files(stack.definition()),
        'stack/specs': {**stack_claims.files(), **stack_failing.files()},
    }


def main() -> int:
    """Write the files that differ and name them; return the exit code."""
    for folder, files in generated().items():
        write_files(ROOT / folder, files, lambda path: print(f'wrote {path}'))
    return 0


if __name__ == '__main__':
    sys.exit(main())
