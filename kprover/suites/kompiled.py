"""The kompiled folder that a suite names: found, made whole, and looked at before anything rests on it.

A file that is cut off, empty or of another kind is the suite's error, once, and not that of each claim. What is
inside a definition that looks whole is for the server and for pyk to say.
"""

from __future__ import annotations

import gc
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..definitions import RebuildError, what_is_lacking, whole_folder
from .digests import DEFINITION_FILES, definition_digest
from .errors import SuiteError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any, Final

    from .preparation import Preparation
    from .source import SuiteFile

_KORE, _KAST = DEFINITION_FILES
_MAKE: Final = 'make the folder with `kompile --backend haskell --emit-json`'
_END: Final = re.compile(rb'endmodule\s*\[[^\n]*\]\s*\Z')
_TAIL: Final = 1 << 16


@dataclass(frozen=True)
class Kompiled:
    """A kompiled folder.

    Attributes:
        given: The folder that kompile made.
        folder: The one to prove with: the same, or a copy to which compiled.json was added.
        main_module: The module that a server serves.
        digest: SHA-256 (hex) over its definition files.
        notices: What should be said of it in every run.
    """

    given: Path
    folder: Path
    main_module: str
    digest: str
    notices: tuple[str, ...] = ()


def read_kompiled(file: SuiteFile, preparation: Preparation) -> Kompiled:
    """The kompiled folder of a suite. Raises `SuiteError` if a server or pyk could not use it."""
    given = file.resolved('kompiled', file.text('kompiled'))
    if not given.is_dir():
        raise file.wrong('kompiled', f'there is no folder {given}')
    if not (given / _KORE).is_file():
        raise SuiteError(file.path, 'kompiled', f'there is no {_KORE} in {given}', _MAKE)
    _check_kore(given / _KORE)
    try:
        folder = whole_folder(given, preparation.cache, preparation.tell, runs=preparation.runs)
    except RebuildError as error:
        raise SuiteError(file.path, 'kompiled', f'{what_is_lacking(given)} in {given}, and {error}', _MAKE) from error
    except OSError as error:
        raise SuiteError(
            file.path, 'kompiled', f'{what_is_lacking(given)} in {given}, and it cannot be made: {error}', _MAKE
        ) from error
    _check_kast(folder / _KAST)
    module = _main_module(file, folder)
    _check_module(file, folder / _KORE, module)
    notices = []
    if folder != given:
        notices.append(
            f'{file.path.name}: {given}: {what_is_lacking(given)}, so it was made of {_KORE}: terms are shown '
            'without the concrete syntax of the language'
        )
    return Kompiled(given, folder, module, definition_digest(folder), tuple(notices))


def _main_module(file: SuiteFile, folder: Path) -> str:
    if 'main-module' in file.table:
        return file.text('main-module')
    try:
        module = (folder / 'mainModule.txt').read_text().strip()
    except (OSError, UnicodeDecodeError):
        module = ''
    if not module:
        raise file.wrong('main-module', f'the key is missing, and so is {folder / "mainModule.txt"}')
    return module


def _check_kore(path: Path) -> None:
    with path.open('rb') as stream:
        begin = stream.read(_TAIL).lstrip()
        stream.seek(0, 2)
        stream.seek(max(0, stream.tell() - _TAIL))
        end = stream.read()
    if not begin:
        raise SuiteError(path, '', 'the file is empty', _MAKE)
    if not begin.startswith((b'[', b'//', b'/*')):
        raise SuiteError(path, '', f'this is no definition in Kore: it begins with {begin[:20]!r}', _MAKE)
    if not _END.search(end):
        raise SuiteError(path, '', f'the file is cut off: it ends with {end[-20:]!r}, not with a module', _MAKE)


def _check_module(file: SuiteFile, path: Path, module: str) -> None:
    modules = re.findall(r'^\s*(?:\[\]\s*)?module\s+([A-Za-z0-9_-]+)', _text(path), re.MULTILINE)
    if module not in modules:
        known = ', '.join(modules) or 'none'
        key = 'main-module' if 'main-module' in file.table else 'kompiled'
        raise SuiteError(
            file.path, key, f'{path} has no module {module}, its modules are {known}', 'name its main module'
        )


def _check_kast(path: Path) -> None:
    enabled = gc.isenabled()
    gc.disable()  # a tree has no cycles to be looked for
    try:
        data: Any = json.loads(path.read_bytes())
    except ValueError as error:
        raise SuiteError(path, '', f'is no JSON: {error}', _MAKE) from error
    except RecursionError:
        return  # nested too deeply to be looked at here; workers can read it
    finally:
        if enabled:
            gc.enable()
    term = data.get('term') if isinstance(data, dict) else None
    node = term.get('node') if isinstance(term, dict) else None
    if node != 'KDefinition':
        raise SuiteError(path, '', f'expected a KDefinition in the JSON of K, found {node!r}', _MAKE)


def _text(path: Path) -> str:
    return path.read_text(encoding='utf-8', errors='replace')
