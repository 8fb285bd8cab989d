"""Digests of the files that a proof rests on."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Final

DEFINITION_FILES: Final = ('definition.kore', 'compiled.json')
"""What the server and pyk read of a kompiled folder, apart from the name of the main module."""

_CHUNK: Final = 1 << 20

_RULE_NAME: Final = re.compile(r"""\b(?:label|UNIQUE'Unds'ID)\{\}\("([^"]+)"\)""")


def file_digest(path: Path) -> str:
    """SHA-256 (hex) of the bytes of a file. Raises `OSError`."""
    digest = hashlib.sha256()
    _feed(digest, path)
    return digest.hexdigest()


def definition_digest(kompiled: Path) -> str:
    """SHA-256 (hex) over the definition files of a kompiled folder. Raises `OSError`."""
    digest = hashlib.sha256()
    for name in DEFINITION_FILES:
        digest.update(f'{name}:{(kompiled / name).stat().st_size}:'.encode())
        _feed(digest, kompiled / name)
    return digest.hexdigest()


def rule_names(kompiled: Path) -> frozenset[str]:
    """Labels and unique ids of the rules in definition.kore, as servers know them. Raises `OSError`."""
    text = (kompiled / 'definition.kore').read_text(encoding='utf-8', errors='replace')
    return frozenset(_RULE_NAME.findall(text))


def _feed(digest: hashlib._Hash, path: Path) -> None:
    with path.open('rb') as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
