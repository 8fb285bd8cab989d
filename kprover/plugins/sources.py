"""Which sources a user's class comes from, without importing it.

A semantics class decides what is terminal, what is a loop, what is abstracted: results depend on its code. Its identity
is a digest of the sources that importing its module would run, as far as `import` statements tell, and of the files
that these sources name, so that an edit of a helper module or of a table beside it is noticed too. Installed
distributions count by their version and by what was installed. `running` runs nothing else.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import pkgutil
import sys
import sysconfig
from dataclasses import dataclass, field
from functools import cache
from importlib.abc import PathEntryFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING

from .reference import Reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

_OWN: Final = Path(__file__).resolve().parents[1]
"""The folder of kprover itself, whose part in a result has an identity of its own in every key."""

_BY_NAME: Final = ('import_module', '__import__', 'find_spec', 'run_module')
"""Functions whose first argument names a module to be loaded."""

_LONGEST_NAME: Final = 512


class SemanticsNotFound(Exception):
    """There is no such class to be imported; the text says what was looked for and where."""


def locate(spec: str) -> Path:
    """The source file of the module of a class, which is given as the text of a `Reference`.

    Raises:
        SemanticsNotFound: the module cannot be found, has no source, or certainly has no such class.
    """
    reference = Reference.parse(spec)
    module, name = reference.module, reference.attribute
    if not module or not name:
        raise SemanticsNotFound(f"found '{spec}', expected 'module:Class'")
    importlib.invalidate_caches()
    found, _ = _find(module)
    if found is None:
        raise SemanticsNotFound(
            f"there is no module '{module}' on Python's path (install it, or name its folder in PYTHONPATH)"
        )
    path = _source(found)
    if path is None:
        raise SemanticsNotFound(f"the module '{module}' has no source file")
    try:
        ast.parse(_read(path), str(path))
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


@dataclass(frozen=True)
class Sources:
    """What a class rests on.

    Attributes:
        lines: One for each module, file and distribution, with its digest or version; no path of this machine.
        modules: SHA-256 (hex) of the source of each module that is no part of another distribution, by its name.
        files: The same of each file, modules' included.
    """

    lines: tuple[str, ...]
    modules: dict[str, str] = field(default_factory=dict)
    files: dict[Path, str] = field(default_factory=dict)

    def identity(self, reference: Reference) -> str:
        """SHA-256 (hex) over these sources and the arguments that the class is made with."""
        digest = hashlib.sha256(f'class {reference.attribute} {reference.arguments}\n'.encode('utf-8', 'surrogatepass'))
        for line in sorted(self.lines):
            digest.update(f'{line}\n'.encode('utf-8', 'surrogatepass'))
        return digest.hexdigest()


def semantics_identity(spec: str) -> str:
    """SHA-256 (hex) over the sources behind a class and the arguments that it is made with.

    The class is given as the text of a `Reference`. Its sources are that of its module, of the packages around it and,
    transitively, of what these import, where that lies outside the standard library and the installed distributions;
    and the files that one of these sources names, relative to its folder. A module counts by where it is found, not by
    its name: one that stands before the standard library's of the same name on Python's path is the user's.

    Raises:
        SemanticsNotFound: see `locate`.
    """
    locate(spec)
    reference = Reference.parse(spec)
    return sources_of(reference.module).identity(reference)


@cache
def source_files(spec: str) -> tuple[Path, ...]:
    """The files behind `semantics_identity`, without those of installed distributions, as they were found first."""
    return tuple(sources_of(Reference.parse(spec).module).files)


def sources_of(module: str) -> Sources:
    """The sources behind a class in this module, as they are now. Raises `SemanticsNotFound` if one cannot be read."""
    importlib.invalidate_caches()  # a file that came a moment ago is found too
    lines: list[str] = []
    modules: dict[str, str] = {}
    files: dict[Path, str] = {}
    pending, done, distributions = [module], set[str](), set[str]()
    while pending:
        name = pending.pop()
        if name in done:
            continue
        done.add(name)
        found, locations = _find(name)
        if found is None or _is_standard(found):  # None: `from package import name`, where the name is not a module
            continue
        path = _file(found)
        if path is None or _OWN in path.resolve().parents:
            continue
        top = name.partition('.')[0]
        if top != module.partition('.')[0] and _is_installed(path) and (provided := _distribution(top)):
            if top not in distributions:
                distributions.add(top)
                lines.append(f'distribution {provided}')
            continue
        content = _read(path)
        modules[name] = files[path] = hashlib.sha256(content).hexdigest()
        lines.append(f'module {name} {files[path]}')
        pending += _parents(name)
        tree = _parse(content) if path.suffix == '.py' else None
        if tree is None:
            continue
        pending += _imports(tree, name, locations)
        for text, data in _named_files(tree, path.parent):
            if data not in files:
                files[data] = hashlib.sha256(_read(data)).hexdigest()
            lines.append(f'file {name} {text!r} {files[data]}')
    return Sources(tuple(lines), modules, files)


def is_installed(path: Path) -> bool:
    """Whether a file belongs to Python, to what is installed with it, or to kprover."""
    path = path.resolve()
    return _is_installed(path) or _OWN in path.parents


def _find(module: str) -> tuple[ModuleSpec | None, list[str] | None]:
    """What an import of `module` would find, and where its submodules are, if it is a package.

    `importlib.util.find_spec` would import its parents.
    """
    path: list[str] | None = None
    found: ModuleSpec | None = None
    parts = module.split('.')
    for count in range(1, len(parts) + 1):
        name = '.'.join(parts[:count])
        if count > 1 and path is None:
            return None, None
        found = _find_one(name, path)
        if found is None:
            return None, None
        path = _locations(found)
    return found, path


def _find_one(name: str, path: list[str] | None) -> ModuleSpec | None:
    for finder in sys.meta_path:
        find = getattr(finder, 'find_spec', None)
        if find is None:
            continue
        try:
            found: ModuleSpec | None = find(name, path, None)
        except KeyError:  # a namespace package asks its parent, which is not imported
            found = _namespace(name, path or ())
        if found is not None:
            return found
    return None


def _namespace(name: str, path: Sequence[str]) -> ModuleSpec | None:
    """What `PathFinder` finds of a package without `__init__.py`."""
    portions: list[str] = []
    for entry in path:
        finder = pkgutil.get_importer(entry)
        found = finder.find_spec(name) if isinstance(finder, PathEntryFinder) else None
        if found is not None and found.loader is None:
            portions += found.submodule_search_locations or ()
    if not portions:
        return None
    spec = ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = portions
    return spec


def _locations(found: ModuleSpec) -> list[str] | None:
    """Where the submodules of a package are; `None` for a module."""
    return None if found.submodule_search_locations is None else list(found.submodule_search_locations)


def _source(found: ModuleSpec) -> Path | None:
    if found.origin is None or not found.has_location or not found.origin.endswith('.py'):
        return None
    return Path(found.origin)


def _file(found: ModuleSpec) -> Path | None:
    """The file that a module is loaded from: its source, what stands for it, or the archive that it lies in."""
    if found.origin is None or not found.has_location:
        return None
    path = Path(found.origin)
    return next((parent for parent in (path, *path.parents) if parent.is_file()), None)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SemanticsNotFound(f'the file {path} cannot be read: {error.strerror}') from error


def _is_standard(found: ModuleSpec) -> bool:
    """Whether a module is one of the standard library's: by where it lies, whatever its name is."""
    if found.origin in ('built-in', 'frozen'):
        return True
    if found.origin is None or not found.has_location:
        return False
    parents = Path(found.origin).resolve().parents
    return not _folders('stdlib', 'platstdlib').isdisjoint(parents) and _folders('purelib', 'platlib').isdisjoint(
        parents
    )


def _is_installed(path: Path) -> bool:
    return not _folders('purelib', 'platlib', 'stdlib', 'platstdlib').isdisjoint(path.resolve().parents)


@cache
def _folders(*kinds: str) -> frozenset[Path]:
    return frozenset(Path(sysconfig.get_path(kind)).resolve() for kind in kinds)


@cache
def _distribution(top: str) -> str:
    """Name, version and content of the distribution with the package `top`; empty if there is none."""
    for name in _providers(top):
        try:
            found = distribution(name)
        except (PackageNotFoundError, ValueError):
            continue
        return f'{name} {found.version} {_installed_files(found.read_text("RECORD") or "")}'
    return ''


def _installed_files(record: str) -> str:
    """A digest of the files of a distribution, as its RECORD has them: one installed again may keep its version.

    What an installer adds of its own is left out, so that the same package has the same digest elsewhere.
    """
    rows = (line.split(',') for line in record.splitlines())
    kept = sorted(
        f'{row[0]} {row[1]}'
        for row in rows
        if len(row) > 1 and row[1] and not row[0].startswith('..') and '.dist-info/' not in row[0]
    )
    return hashlib.sha256('\n'.join(kept).encode('utf-8', 'surrogatepass')).hexdigest() if kept else 'unrecorded'


def _providers(top: str) -> Iterator[str]:
    """Names that the distribution with the package `top` may have; only the last ones are dear to find."""
    if top == 'pyk':
        yield 'kframework'
    yield top
    yield from packages_distributions().get(top, ())


def _parents(module: str) -> list[str]:
    parts = module.split('.')
    return ['.'.join(parts[:count]) for count in range(1, len(parts))]


def _imports(tree: ast.Module, module: str, locations: Sequence[str] | None) -> Iterator[str]:
    """Names of modules that the import statements of a source may load, inside functions and conditions too, and those
    that a call which loads a module has as a text.

    Args:
        locations: Where the module's submodules are, if it is a package.
    """
    package = module if locations is not None else module.rpartition('.')[0]
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
                for alias in node.names:
                    yield from [f'{base}.{alias.name}'] if alias.name != '*' else _submodules(base)
        elif isinstance(node, ast.Call) and _called(node) in _BY_NAME and node.args:
            name = _text(node.args[0])
            if name is not None and name.strip('.'):
                level = len(name) - len(name.lstrip('.'))
                base = _absolute(ast.ImportFrom(name[level:], [], level), package)
                yield base
                yield from _parents(base)


def _submodules(package: str) -> Iterator[str]:
    """The modules of a package: those that `from package import *` loads are a part of these."""
    found, locations = _find(package)
    if found is not None and not _is_standard(found) and locations:
        yield from (info.name for info in pkgutil.iter_modules(locations, f'{package}.'))


def _named_files(tree: ast.Module, folder: Path) -> Iterator[tuple[str, Path]]:
    """The files that texts in a source name, relative to its folder: `'table.json'`, `'data' / 'table.json'`, or
    `join('data', 'table.json')`."""
    texts: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts[node.value] = None
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            texts['/'.join(_divided(node))] = None
        elif isinstance(node, ast.Call):
            texts['/'.join(text for text in map(_text, node.args) if text is not None)] = None
    for text in texts:
        if not text.strip() or len(text) > _LONGEST_NAME or '\0' in text or '\n' in text:
            continue
        path = folder / text
        try:
            if path.is_file():
                yield text, path
        except (OSError, ValueError):
            continue


def _divided(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        yield from _divided(node.left)
        yield from _divided(node.right)
    elif (text := _text(node)) is not None:
        yield text


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _called(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Name):
        return function.id
    return function.attr if isinstance(function, ast.Attribute) else ''


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ''
    parts = package.split('.')
    parts = parts[: len(parts) - node.level + 1]
    return '.'.join([*parts, node.module] if node.module else parts)


def _defined_names(path: Path) -> set[str] | None:
    """Names that a module's top level may bind; None if that cannot be told from its source."""
    tree = _parse(_read(path))
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


def _parse(content: bytes) -> ast.Module | None:
    try:
        return ast.parse(content)
    except (SyntaxError, ValueError):
        return None
