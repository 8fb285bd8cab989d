"""Where the rebuilt compiled.json of a definition is kept: a whole kompiled folder, named by what it is made of.

Imports nothing of pyk. A folder is made aside and renamed, so there is a whole one or none, and it is never changed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

KORE: Final = 'definition.kore'
KAST: Final = 'compiled.json'

_COPIED: Final = (KORE, 'mainModule.txt', 'mainSyntaxModule.txt', 'backend.txt')
KAST_VERSION: Final = 4
"""Version of the JSON of K that pyk reads."""

_ENDS: Final = 256
_LLVM: Final = 'llvm-library'
_PACKAGE_ROOT: Final = Path(__file__).resolve().parents[2]
_CHUNK: Final = 1 << 20


class RebuildError(Exception):
    """compiled.json could not be made; the text names the definition and says why."""


def whole_folder(kompiled: Path, cache: Path, tell: Callable[[str], None], *, runs: bool = True) -> Path:
    """A kompiled folder with a compiled.json: `kompiled` itself if it has one, otherwise a copy below `cache`.

    Args:
        kompiled: A folder with at least definition.kore.
        cache: The folder of all that is derived from users' files.
        tell: Takes a line when something is begun that may take seconds (about one for 4 MB of definition).
        runs: Whether a folder may be made; otherwise one that is not there yet is an error.

    Raises:
        RebuildError: definition.kore cannot be read as one.
        OSError: a file cannot be read or written.
    """
    lacking = what_is_lacking(kompiled)
    if not lacking:
        return kompiled
    folder = cache.absolute() / 'definitions' / _digest(kompiled)
    if (folder / KAST).is_file():
        return folder
    if not runs:
        raise RebuildError(f'{kompiled}: {lacking}, and none was made of {KORE} yet')
    tell(f'{kompiled}: {lacking}; making it of {KORE}')
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix='.new-', dir=folder.parent))
    try:
        for name in _COPIED:
            if (kompiled / name).is_file():
                shutil.copyfile(kompiled / name, aside / name)
        if (kompiled / _LLVM).is_dir():
            (aside / _LLVM).symlink_to((kompiled / _LLVM).resolve(), target_is_directory=True)
        _rebuild(kompiled, aside)
        aside.chmod(0o755)  # a store may be shared
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
    except OSError:
        if not (folder / KAST).is_file():  # otherwise another process was quicker
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def what_is_lacking(kompiled: Path) -> str:
    """What a kompiled folder lacks for pyk, in words; empty if nothing."""
    path = kompiled / KAST
    if not path.is_file():
        return f'no {KAST}'
    with path.open('rb') as file:
        ends = file.read(_ENDS)
        file.seek(max(0, path.stat().st_size - _ENDS))
        ends += file.read()
    versions = re.findall(rb'"format":\s*"KAST",\s*"version":\s*(\d+)|"version":\s*(\d+)\s*}\s*\Z', ends)
    numbers = {int(first or second) for first, second in versions}
    if numbers and KAST_VERSION not in numbers:
        return f'{KAST} has version {numbers.pop()} of the JSON of K, and pyk reads version {KAST_VERSION}'
    return ''


def _rebuild(kompiled: Path, folder: Path) -> None:
    environment = dict(os.environ)
    environment['PYTHONPATH'] = os.pathsep.join(
        [str(_PACKAGE_ROOT), *map(os.path.abspath, filter(None, environment.get('PYTHONPATH', '').split(os.pathsep)))]
    )
    done = subprocess.run(
        [sys.executable, '-m', __package__, str(folder / KORE), str(folder / KAST)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors='replace',
        cwd=folder,  # not the user's: a module that lies there is not to be imported
        env=environment,
        check=False,
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        reason = lines[-1] if lines else f'the process ended with code {done.returncode}'
        raise RebuildError(f'{kompiled / KORE}: expected a definition as kompile writes it, found: {reason}')


def _digest(kompiled: Path) -> str:
    """Of all that compiled.json is made of and by."""
    try:
        pyk = version('kframework')
    except PackageNotFoundError:
        pyk = 'unknown'
    digest = hashlib.sha256(f'{pyk}\n'.encode())
    digest.update(Path(__file__).with_name('rebuild.py').read_bytes())
    for name in _COPIED:
        path = kompiled / name
        digest.update(f'{name}:{path.stat().st_size if path.is_file() else "-"}:'.encode())
        if path.is_file():
            with path.open('rb') as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
    return digest.hexdigest()[:32]
