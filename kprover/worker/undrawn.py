"""pyk's graphs without its terminal viewer, which a worker has no use for.

`pyk.kcfg` imports `KCFGViewer`, and with it textual, rich and asyncio: half of the time that a worker takes to load its
session. After `leave_out_viewer` the package comes without it, and `pyk.kcfg.KCFGViewer` or `import pyk.kcfg.tui`, in
whatever a user's class imports, loads the real one then.
"""

from __future__ import annotations

import importlib
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import PathFinder
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from typing import Final

_PACKAGE: Final = 'pyk.kcfg'
_VIEWER: Final = 'pyk.kcfg.tui'
_NAME: Final = 'KCFGViewer'


def leave_out_viewer() -> None:
    """From now on `pyk.kcfg` is imported without its viewer. Does nothing if it has been imported already."""
    if _PACKAGE not in sys.modules and not any(isinstance(finder, _PackageFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _PackageFinder())


class _PackageFinder(MetaPathFinder):
    """Finds the one package as Python would, with another loader."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _PACKAGE:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _WithoutViewer(spec.loader)
        return spec


class _WithoutViewer(Loader):
    """Runs the package beside an empty module in the place of its viewer, which is gone afterwards."""

    def __init__(self, loader: Loader):
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader  # from here on the package is as Python makes it
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        absent = ModuleType(_VIEWER)
        setattr(absent, _NAME, None)
        sys.modules[_VIEWER] = absent
        try:
            self._loader.exec_module(module)
        finally:
            if sys.modules.get(_VIEWER) is absent:
                del sys.modules[_VIEWER]
        if module.__dict__.get(_NAME, absent) is None:
            delattr(module, _NAME)
            vars(module)['__getattr__'] = _viewer


def _viewer(name: str) -> object:
    """What the package lacks; Python asks for it when somebody uses it."""
    if name != _NAME:
        raise AttributeError(f'module {_PACKAGE!r} has no attribute {name!r}')
    viewer = getattr(importlib.import_module(_VIEWER), _NAME)
    setattr(sys.modules[_PACKAGE], _NAME, viewer)
    return viewer
