"""What modules read from beside themselves is in the package, too, not only in a checkout."""

from __future__ import annotations

import sys
from fnmatch import fnmatch
from typing import TYPE_CHECKING

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from pathlib import Path


def test_every_file_beside_the_modules_is_package_data(project: Path) -> None:
    configuration = tomllib.loads((project / 'pyproject.toml').read_text(encoding='utf-8'))
    patterns: dict[str, list[str]] = configuration['tool']['setuptools']['package-data']

    def is_packed(path: Path) -> bool:
        """Whether a pattern of a package above the file has it."""
        for folder in path.parents:
            if folder == project:
                return False
            package = '.'.join(folder.relative_to(project).parts)
            name = path.relative_to(folder).as_posix()
            is_package = (folder / '__init__.py').exists()
            if is_package and any(fnmatch(name, p) for p in [*patterns['*'], *patterns.get(package, [])]):
                return True
        return False

    files = [
        path
        for part in ('kprover', 'pipelines')
        for path in (project / part).rglob('*')
        if path.is_file() and path.suffix not in ('.py', '.pyc') and not path.name.startswith('.')
    ]
    assert any(path.suffix == '.html' for path in files)
    assert project / 'kprover' / 'py.typed' in files
    assert [path.relative_to(project).as_posix() for path in files if not is_packed(path)] == []
