"""Which source a `KCFGSemantics` class comes from, without importing it.

A semantics class decides what is terminal, what is a loop, what is abstracted: results depend on its code.
Its identity is a digest of the sources that importing its module would run, as far as `import` statements
tell, so that an edit of a helper module is noticed too. Installed distributions count by their version.
"""

from __future__ import annotations

import ast
import hashlib
import sys
import sysconfig
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import TYPE_CHECKING

from ..plugins import Reference
from .digests import file_digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.machinery import ModuleSpec


_OWN = __name__.partition('.')[0]
"""The package of kprover itself, whose part in a result has an identity of its own in every key."""


class SemanticsNotFound(Exception):
    """There is no such class to be imported; the text says what was looked for and where."""


def locate(spec: str) -> Path:
    """The source file of the module of a class, which is given as the text of a `kprover.plugins.Reference`.

    Raises:
        SemanticsNotFound: the module cannot be found, has no source, or certainly has no such class.
    """
    reference = Reference.parse(spec)
    module, name = reference.module, reference.attribute
    if not module or not name:
        raise SemanticsNotFound(f"found '{spec}', expected 'module:Class'")
    found = _find(module)
    if found is None:
        raise SemanticsNotFound(
            f"there is no module '{module}' on Python's path (install it, or name its folder in PYTHONPATH)"
        )
    path = _source(found)
    if path is None:
        raise SemanticsNotFound(f"the module '{module}' has no source file")
    try:
        ast.parse(path.read_bytes(), str(path))
    except SyntaxError as error:
        raise SemanticsNotFound(
            f"the module '{module}' ({path}, line {error.lineno}) is no Python: {error.msg}"
        ) from error
    except ValueError as error:
        raise SemanticsNotFound(f"the module '{module}' ({path}) is no Python: {error}") from error
    names = _defined_names(path)
    if names is not None and name.split('.')[0] not in names:
        raise SemanticsNotFound(f"the module '{module}' ({path}) defines no '{name}'")
    return path


def semantics_identity(spec: str) -> str:
    """SHA-256 (hex) over the sources behind a class and the arguments that it is made with.

    The class is given as the text of a `kprover.plugins.Reference`. Its sources are that of its module, of
    the packages around it and, transitively, of what these import, where that lies outside the standard
    library and the installed distributions; of the latter the versions. Imports that are made by other means
    than `import` statements are not followed.

    Raises:
        SemanticsNotFound: see `locate`.
    """
    locate(spec)
    reference = Reference.parse(spec)
    digest = hashlib.sha256(f'class {reference.attribute} {reference.arguments}\n'.encode())
    for line in sorted(line for line, _ in _sources(reference.module)):
        digest.update(f'{line}\n'.encode())
    return digest.hexdigest()


@cache
def source_files(spec: str) -> tuple[Path, ...]:
    """The files behind `semantics_identity`, without those of installed distributions, as they were found first."""
    return tuple(path for _, path in _sources(Reference.parse(spec).module) if path is not None)


def _sources(module: str) -> Iterator[tuple[str, Path | None]]:
    """A line, and its file, for each module that importing `module` would run; a line for each distribution."""
    pending, done, distributions = [module], set[str](), set[str]()
    while pending:
        name = pending.pop()
        if name in done:
            continue
        done.add(name)
        top = name.partition('.')[0]
        if top in sys.stdlib_module_names or top == _OWN:
            continue
        found = _find(name)
        if found is None:  # `from package import name`, where the name is not a module
            continue
        path = _source(found)
        if path is None:
            if found.origin is not None:
                yield f'module {name} {file_digest(Path(found.origin))}', Path(found.origin)
            continue
        if name != module and _is_installed(path) and top != module.partition('.')[0]:
            if top not in distributions:
                distributions.add(top)
                yield f'distribution {_version(top)}', None
            continue
        yield f'module {name} {file_digest(path)}', path
        pending += _parents(name)
        pending += _imports(path, name, is_package=found.submodule_search_locations is not None)


def _find(module: str) -> ModuleSpec | None:
    """What an import of `module` would find. `importlib.util.find_spec` would import its parents."""
    path: list[str] | None = None
    found: ModuleSpec | None = None
    parts = module.split('.')
    for count in range(1, len(parts) + 1):
        found = _find_one('.'.join(parts[:count]), path)
        if found is None:
            return None
        path = list(found.submodule_search_locations or ())
    return found


def _find_one(name: str, path: list[str] | None) -> ModuleSpec | None:
    for finder in sys.meta_path:
        find = getattr(finder, 'find_spec', None)
        if find is not None:
            found: ModuleSpec | None = find(name, path, None)
            if found is not None:
                return found
    return None


def _source(found: ModuleSpec) -> Path | None:
    if found.origin is None or not found.has_location or not found.origin.endswith('.py'):
        return None
    return Path(found.origin)


def _is_installed(path: Path) -> bool:
    return not _installation_folders().isdisjoint(path.resolve().parents)


@cache
def _installation_folders() -> frozenset[Path]:
    kinds = ('purelib', 'platlib', 'stdlib', 'platstdlib')
    return frozenset(Path(sysconfig.get_path(kind)).resolve() for kind in kinds)


@cache
def _version(top: str) -> str:
    for name in _providers(top):
        try:
            return f'{name} {version(name)}'
        except PackageNotFoundError:
            continue
    return f'{top} unknown'


def _providers(top: str) -> Iterator[str]:
    """Names that the distribution with the package `top` may have; only the last ones are dear to find."""
    yield top
    if top == 'pyk':
        yield 'kframework'
    yield from packages_distributions().get(top, ())


def _parents(module: str) -> list[str]:
    parts = module.split('.')
    return ['.'.join(parts[:count]) for count in range(1, len(parts))]


def _imports(path: Path, module: str, *, is_package: bool) -> Iterator[str]:
    """Names of modules that the import statements of a source may load, inside functions and conditions
    too.
    """
    tree = _parse(path)
    if tree is None:
        return
    package = module if is_package else module.rpartition('.')[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
                yield from _parents(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            if base:
                yield base
                yield from _parents(base)
                yield from (f'{base}.{alias.name}' for alias in node.names if alias.name != '*')


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ''
    parts = package.split('.')
    parts = parts[: len(parts) - node.level + 1]
    return '.'.join([*parts, node.module] if node.module else parts)


def _defined_names(path: Path) -> set[str] | None:
    """Names that a module's top level may bind; None if that cannot be told from its source."""
    tree = _parse(path)
    if tree is None:
        return None
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
            if node.name == '__getattr__':
                return None
        elif isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                if alias.name == '*':
                    return None
                names.add(alias.asname or alias.name.partition('.')[0])
    return names


def _parse(path: Path) -> ast.Module | None:
    try:
        return ast.parse(path.read_bytes(), str(path))
    except (SyntaxError, ValueError):
        return None
