"""Arrows between the parts point one way: a leaf knows nothing of its users."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALLOWED = {
    'kprover.server': set[str](),
    'kprover.store': set[str](),
    'kprover.plugins': set[str](),
    'kprover.printable': set[str](),
    'kprover.streams': {'kprover.printable'},
    'kprover.definitions': set[str](),
    'kprover.suites': {'kprover.definitions', 'kprover.plugins', 'kprover.printable'},
    'kprover.backends': set[str](),
    'kprover.keys': set[str](),
    'kprover.deltas': set[str](),
    'kprover.worker': set[str](),
    'kprover.pool': {'kprover.worker'},
    'kprover.ground': set[str](),
    'kprover.proofs': {
        'kprover.definitions',
        'kprover.deltas',
        'kprover.ground',
        'kprover.plugins',
        'kprover.printable',
        'kprover.store',
    },
    'kprover.engine': {
        'kprover.backends',
        'kprover.deltas',
        'kprover.keys',
        'kprover.pool',
        'kprover.store',
        'kprover.suites',
    },
    'kprover.report': {'kprover.engine', 'kprover.printable', 'kprover.streams'},
    'kprover.upkeep': {'kprover.backends', 'kprover.deltas', 'kprover.engine', 'kprover.keys', 'kprover.store'},
    'kprover.pykfiles': {'kprover.engine', 'kprover.keys', 'kprover.proofs', 'kprover.store'},
    'kprover.audit': {
        'kprover.deltas',
        'kprover.engine',
        'kprover.keys',
        'kprover.pool',
        'kprover.proofs',
        'kprover.pykfiles',
        'kprover.store',
        'kprover.suites',
    },
    'kprover.nights': {'kprover.engine', 'kprover.report', 'kprover.store'},
}
"""Which parts a part may import, besides itself. What is not listed may import anything but the server."""


def part(module: str) -> str:
    """`kprover.engine.loop` belongs to `kprover.engine`."""
    return '.'.join(module.split('.')[:2])


def imports(path: Path, module: str) -> Iterator[str]:
    """The modules of this project that a file imports, wherever in it."""
    package = module if path.name == '__init__.py' else module.rpartition('.')[0]
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = package.split('.')[: len(package.split('.')) - node.level + 1]
            names = ['.'.join([*base, *([node.module] if node.module else [])])]
            if node.module is None:
                names = [f'{names[0]}.{alias.name}' for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or '']
        else:
            continue
        yield from (name for name in names if name.split('.')[0] in ('kprover', 'pipelines', 'examples', 'tests'))


def modules(project: Path) -> Iterator[tuple[str, Path]]:
    for folder in ('kprover', 'pipelines'):
        for path in sorted((project / folder).rglob('*.py')):
            name = path.relative_to(project).with_suffix('').as_posix().replace('/', '.')
            yield name.removesuffix('.__init__'), path


@pytest.mark.parametrize('name', sorted(ALLOWED))
def test_a_part_imports_only_what_it_may(project: Path, name: str) -> None:
    found = {
        (module, part(imported))
        for module, path in modules(project)
        if part(module) == name
        for imported in imports(path, module)
    }
    wrong = {(module, other) for module, other in found if other not in ALLOWED[name] | {name, 'kprover'}}
    assert not wrong


def test_nothing_imports_the_embedded_server(project: Path) -> None:
    users = [
        module
        for module, path in modules(project)
        if part(module) != 'kprover.server'
        and any(part(imported) == 'kprover.server' for imported in imports(path, module))
    ]
    assert users == []


def test_no_part_of_the_driver_imports_pyk(project: Path) -> None:
    driver = ('kprover.engine', 'kprover.store', 'kprover.suites', 'kprover.pool', 'kprover.report', 'kprover.keys')
    for module, path in modules(project):
        if part(module) in driver:
            names = [
                alias.name if isinstance(node, ast.Import) else node.module or ''
                for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
                if isinstance(node, (ast.Import, ast.ImportFrom))
                for alias in node.names
            ]
            assert not [name for name in names if name.split('.')[0] == 'pyk'], module
