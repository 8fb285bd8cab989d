"""Classes of the user's made and called so that what runs is what their identity was made of.

::

    make --> sources_of (digests) --> the finder: texts, never bytecode from a cache --> the class, an object of it
    run  --> its methods; then what it has loaded and read is compared with the digests

A module that is no part of Python, of an installed distribution or of kprover is compiled from its text, whose digest
is taken from the same bytes: bytecode in a cache may be of another text of the same size and time. What was loaded
or read and is not among the sources, because no `import` statement and no text in them names it, has no part in the
identity: a result would outlive its edit, so it is refused.

One thread makes and calls; the finder and the audit hook stay for the rest of the process.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import marshal
import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import PathFinder, SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from .sources import is_installed, sources_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType
    from typing import Any, Final

    from .reference import Reference
    from .sources import Sources

T = TypeVar('T')

_SYSTEM: Final = tuple(
    Path(name).resolve()
    for name in dict.fromkeys(
        ('/proc', '/sys', '/etc', '/usr', '/lib', '/lib64', sys.prefix, sys.base_prefix, sys.exec_prefix)
    )
    if Path(name).resolve() != Path('/')
)
"""Where Python and the system keep what is theirs; what is read there is the machine's, like the interpreter."""

_PYC_HEADER: Final = 16


class Unkeyed(Exception):
    """A class runs, or has read, something else than its identity was made of; the text says what, and what to do."""


class Plugin(Generic[T]):
    """An object of a user's class."""

    made: T

    def __init__(self, reference: Reference, made: T, sources: Sources):
        """`make` makes it."""
        self.made = made
        self._reference = reference
        self._sources = sources

    def run(self, call: Callable[..., Any], *args: Any) -> Any:
        """What `call`, which runs code of the class, returns.

        Raises:
            Unkeyed: it loaded or read what is not among the sources of the class. What `call` itself raises goes first.
        """
        with _Watch() as watch:
            result = call(*args)
        _require_keyed(self._reference, self._sources, watch)
        return result


def make(reference: Reference, identity: str | None = None) -> Plugin[Any]:
    """An object of the class with this reference.

    Args:
        identity: What the caller takes its sources for (`semantics_identity`).

    Raises:
        Unkeyed: the sources are others, or what it ran is not among them.
        SemanticsNotFound: a source cannot be read.
        Exception: whatever the import or the constructor raises.
    """
    sources = sources_of(reference.module)
    if identity is not None and sources.identity(reference) != identity:
        raise Unkeyed('its sources have changed since this run read them; results of before are kept, run again')
    _install()
    _TOPS.add(reference.module.partition('.')[0])
    for name in sources.modules:
        _require_fresh(name)
    with _Watch() as watch:
        made: Any = importlib.import_module(reference.module)
        for part in reference.attribute.split('.'):
            made = getattr(made, part)
        made = made(**(json.loads(reference.arguments) if reference.arguments else {}))
    _require_keyed(reference, sources, watch)
    return Plugin(reference, made, sources)


def _require_keyed(reference: Reference, sources: Sources, watch: _Watch) -> None:
    for name in _LOADED:
        known, digest = sources.modules.get(name), _LOADED[name]
        if known is not None and known != digest:
            raise Unkeyed(f'its module {name} has changed since it was loaded; run again')
        if known is None and name in watch.loaded:
            raise Unkeyed(
                f'it loads the module {name}, but no import statement in its sources names it, so that an edit of it '
                f"would not be noticed; name it: 'import {name}' under 'if TYPE_CHECKING:' is enough"
            )
    if not watch.read:
        return
    files = {path.resolve(): digest for path, digest in sources.files.items()}
    for path in dict.fromkeys(Path(name).resolve() for name in watch.read):
        if path in files:
            if hashlib.sha256(path.read_bytes()).hexdigest() != files[path]:
                raise Unkeyed(f'the file {path}, which it reads, has changed since this run read it; run again')
        elif path.suffix == '.pyc' and not is_installed(path):
            raise Unkeyed(f'it runs the bytecode {path}, which may be of another text; load it by an import statement')
        elif path.is_file() and not is_installed(path) and not any(root in path.parents for root in _SYSTEM):
            raise Unkeyed(
                f'it reads the file {path}, but no text in its sources names it, so that an edit of it would not be '
                f"noticed; name it, relative to the folder of {reference.module}, as in FILES = ('{path.name}',)"
            )


# -- modules ---------------------------------------------------------------------------------------------------------

_LOADED: Final[dict[str, str]] = {}
"""The digest of what each module of the user's was loaded from in this process."""


class _TextLoader(SourceFileLoader):
    """Compiles the text of a module; bytecode is neither read nor written."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        content = self.get_data(path)
        _note(fullname, hashlib.sha256(content).hexdigest())
        code: CodeType = self.source_to_code(content, path)
        return code


class _Finder(MetaPathFinder):
    """Finds a module as the finders behind it would; one of the user's gets the loader above."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        for finder in sys.meta_path[sys.meta_path.index(self) + 1 :]:
            spec = finder.find_spec(fullname, path, target) if hasattr(finder, 'find_spec') else None
            if spec is not None:
                self._adapt(fullname, spec)
                return spec
        return None

    @staticmethod
    def _adapt(name: str, spec: ModuleSpec) -> None:
        if spec.origin is None or not spec.has_location:
            return
        path = Path(spec.origin)
        if is_installed(path) and name.partition('.')[0] not in _TOPS:
            return
        if type(spec.loader) is SourceFileLoader:
            spec.loader = _TextLoader(spec.loader.name, spec.loader.path)
            spec.cached = None
        elif spec.loader is not None and _watches:
            spec.loader = _NotingLoader(spec.loader, path)


class _NotingLoader(Loader):
    """Loads what is no text (bytecode alone, a library, an archive's member) and notes the digest of its file."""

    def __init__(self, loader: Any, path: Path):
        self._loader = loader
        self._path = path

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        file = next((parent for parent in (self._path, *self._path.parents) if parent.is_file()), None)
        if file is not None:
            _note(module.__name__, hashlib.sha256(file.read_bytes()).hexdigest())
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)


_TOPS: Final[set[str]] = set()
"""The packages of the classes: all of such a package counts by its content, also where it is installed."""


def _note(name: str, digest: str) -> None:
    _LOADED[name] = digest
    for watch in _watches[-1:]:
        watch.loaded.add(name)


def _install() -> None:
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    place = next((n for n, finder in enumerate(sys.meta_path) if finder is PathFinder), len(sys.meta_path))
    sys.meta_path.insert(place, _Finder())
    sys.addaudithook(_audit)


def _require_fresh(name: str) -> None:
    """Refuse a module that was loaded before the finder was there, if that was from bytecode of another text."""
    module = sys.modules.get(name)
    if module is None or name in _LOADED:
        return
    spec = getattr(module, '__spec__', None)
    if spec is None or not spec.origin or not spec.origin.endswith('.py') or not spec.cached:
        return
    try:
        cached = marshal.loads(Path(spec.cached).read_bytes()[_PYC_HEADER:])
        text = Path(spec.origin).read_bytes()
    except (OSError, ValueError, EOFError, TypeError):
        return
    if cached != compile(text, spec.origin, 'exec', dont_inherit=True):
        raise Unkeyed(f'its module {name} was loaded from {spec.cached}, which is not of its text; remove that file')


# -- files -----------------------------------------------------------------------------------------------------------


class _Watch:
    """What code of a class loads and reads while it runs; one inside another is watched by the inner one alone."""

    def __init__(self) -> None:
        self.loaded: set[str] = set()
        self.read: list[str] = []

    def __enter__(self) -> _Watch:
        _watches.append(self)
        return self

    def __exit__(self, *exception: object) -> None:
        _watches.remove(self)


_watches: Final[list[_Watch]] = []
_written: Final[set[str]] = set()


def _audit(event: str, args: tuple[Any, ...]) -> None:
    """Note the files that are opened to be read, but those that were written just before."""
    if event != 'open' or not _watches:
        return
    path, mode, flags = args
    if not isinstance(path, (str, bytes, os.PathLike)):
        return
    name = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - links are followed later, outside of the hook
    flags = flags if isinstance(flags, int) else 0
    if flags & (os.O_TRUNC | os.O_EXCL) or (isinstance(mode, str) and set(mode) & {'w', 'x'}):
        _written.add(name)
    elif name not in _written and (
        '+' in mode or 'r' in mode if isinstance(mode, str) else flags & os.O_ACCMODE != os.O_WRONLY
    ):
        _watches[-1].read.append(name)
