"""The files of a proof folder: read with every doubt, put in place in one move."""

from __future__ import annotations

import ctypes
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyk.kcfg.kcfg import KCFG
from pyk.kore.rpc import LogEntry

from .errors import PykFilesError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Final, TypeVar

    T = TypeVar('T')

_AT_FDCWD: Final = -100
_RENAME_EXCHANGE: Final = 2


@dataclass(frozen=True)
class Graph:
    """What a proof folder says of a reachability proof, before any of it is believed.

    Attributes:
        path: The folder with `proof.json` and `kcfg/`.
        kcfg: The graph.
        init: Its initial node.
        target: Its target node.
        loops: The loop heads seen on the way to a node, as bounded model checking keeps them.
        logs: The log entries of the steps to a node.
    """

    path: Path
    kcfg: KCFG
    init: int
    target: int
    loops: Mapping[int, tuple[int, ...]]
    logs: Mapping[int, tuple[LogEntry, ...]]


def read_graph(folder: Path, label: str) -> Graph:
    """The reachability proof in `folder`, which is its own folder or the one above it, where its name is the label.

    Raises:
        PykFilesError: there is none, or it is not what pyk writes.
    """
    path = _find(folder, label)
    proof = _load(path / 'proof.json', lambda dct: dict(dct), json.loads)
    if proof.get('type') != 'APRProof':
        raise PykFilesError(
            f'{path / "proof.json"}: expected a proof of type APRProof, found {proof.get("type")!r}; a proof of '
            'another kind has no graph that could be taken over, prove its claim as it is'
        )
    if not (path / 'kcfg' / 'kcfg.json').is_file():  # pyk would make the folders that are missing
        raise PykFilesError(f'{path}: expected the graph of the proof in kcfg/kcfg.json, found no such file')
    kcfg = _load(path / 'kcfg', KCFG.read_cfg_data, None)
    graph = _load(path / 'proof.json', lambda dct: _graph(path, kcfg, dct), json.loads)
    for name, node in (('init', graph.init), ('target', graph.target)):
        if kcfg.get_node(node) is None:
            raise PykFilesError(f'{path / "proof.json"}: expected a node of the graph as {name}, found {node}')
    return graph


def place(scratch: Path, folder: Path, names: Sequence[str], *, replace: bool) -> list[Path]:
    """Move the proofs with these names from one folder into another on the same file system, each in one move.

    Args:
        replace: Whether proofs of the same names that are not equal are replaced.

    Raises:
        PykFilesError: there is another proof of such a name, and `replace` is False; nothing has been moved then.
    """
    missing = [name for name in names if not (folder / name).exists()]
    others = [name for name in names if name not in missing and not _equal(scratch / name, folder / name)]
    if others and not replace:
        raise PykFilesError(
            f'{folder / others[0]}: another proof of this name is there already; give --replace, or another folder'
        )
    for name in names:
        if name in missing:
            (scratch / name).rename(folder / name)
        elif name in others:
            _exchange(scratch / name, folder / name)
    return [folder / name for name in names]


def _find(folder: Path, label: str) -> Path:
    for path in (folder, folder / label):
        if (path / 'proof.json').is_file():
            return path
    there = sorted(path.parent.name for path in folder.glob('*/proof.json')) if folder.is_dir() else []
    found = f'the proofs {", ".join(there)}' if there else 'no proof.json'
    raise PykFilesError(f'{folder}: expected a proof folder of pyk, or one that holds {label}, found {found}')


def _graph(path: Path, kcfg: KCFG, dct: Mapping[str, Any]) -> Graph:
    return Graph(
        path,
        kcfg,
        int(dct['init']),
        int(dct['target']),
        {int(node): tuple(map(int, seen)) for node, seen in dct.get('loops_cache', {}).items()},
        {int(node): tuple(map(LogEntry.from_dict, logs)) for node, logs in dct.get('logs', {}).items()},
    )


def _load(path: Path, make: Callable[[Any], T], parse: Callable[[str], Any] | None) -> T:
    try:
        return make(path if parse is None else parse(path.read_text(encoding='utf-8')))
    except (ValueError, KeyError, TypeError, AttributeError, AssertionError, IndexError, OSError) as err:
        raise PykFilesError(f'{path}: expected the files of a proof as pyk writes them, found: {err!r}') from err


def _equal(one: Path, other: Path) -> bool:
    """Whether two folders hold the same files."""
    names = {path.relative_to(one) for path in one.rglob('*') if path.is_file()}
    if names != {path.relative_to(other) for path in other.rglob('*') if path.is_file()}:
        return False
    return all(_content(one / name) == _content(other / name) for name in names)


def _content(path: Path) -> Any:
    """What a file says: proofs made again are equal where only the time that they took is not."""
    content = path.read_bytes()
    if path.name != 'proof.json':
        return content
    try:
        dct = json.loads(content)
        dct.pop('execution_time', None)
    except (ValueError, AttributeError):
        return content
    return dct


def _exchange(one: Path, other: Path) -> None:
    """Let two folders take each other's place at once; where the kernel cannot, one after the other."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        renameat2 = None
    paths = (os.fsencode(one), os.fsencode(other))
    if renameat2 and renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE) == 0:
        return
    aside = one.with_name(f'{one.name}.old')
    other.rename(aside)
    one.rename(other)
