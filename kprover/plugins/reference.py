"""References to a user's classes: `module:Class` with keyword arguments, or the name of an entry point for one.

A reference is one text, so that it goes into options, headers and keys as it is: `module:Class`, and behind a space,
if there are any, the arguments as canonical JSON. Nothing is imported here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Final

SEMANTICS: Final = 'kprover.semantics'
"""The entry point group of `KCFGSemantics` classes."""
PROVERS: Final = 'kprover.provers'
"""The entry point group of `ProofKind` classes."""

_CLASS: Final = re.compile(r'[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*')


class PluginNotFound(Exception):
    """A reference leads to no class; the text says what was looked for."""


@dataclass(frozen=True)
class Reference:
    """A class by `module:Class`, and the keyword arguments that it is called with, as canonical JSON or empty."""

    name: str
    arguments: str = ''

    def __str__(self) -> str:
        return f'{self.name} {self.arguments}' if self.arguments else self.name

    @property
    def module(self) -> str:
        return self.name.partition(':')[0]

    @property
    def attribute(self) -> str:
        return self.name.partition(':')[2]

    @staticmethod
    def parse(text: str) -> Reference:
        """The inverse of `str`."""
        name, _, arguments = text.partition(' ')
        return Reference(name, arguments)


def refer(name: str, arguments: Mapping[str, Any], group: str) -> Reference:
    """The reference to a class that is given as `module:Class` or by the name of an entry point of a group.

    Raises:
        PluginNotFound: there is no such entry point, or it names no class.
        TypeError: an argument is none that JSON can write.
    """
    found = name if ':' in name else _entry_point(name, group)
    if not _CLASS.fullmatch(found):
        raise PluginNotFound(f"found '{found}', expected 'module:Class'")
    written = json.dumps(dict(arguments), sort_keys=True, separators=(',', ':')) if arguments else ''
    return Reference(found, written)


def _entry_point(name: str, group: str) -> str:
    """What the entry point of this name stands for, the same one if several distributions have it."""
    values = {point.name: point.value for point in entry_points(group=group)}
    if name not in values:
        known = f'the installed ones are {", ".join(sorted(values))}' if values else 'none is installed'
        raise PluginNotFound(f"there is no entry point '{name}' in the group {group} ({known})")
    found = {point.value for point in entry_points(group=group, name=name)}
    if len(found) > 1:
        raise PluginNotFound(
            f"several packages have an entry point '{name}' in the group {group}: {', '.join(sorted(found))}; "
            "name the class as 'module:Class'"
        )
    return values[name]
