"""The options of a claim as a suite file writes them: which keys there are, what each may hold.

One table says it all: the reader, the error messages and the documentation's test use it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..plugins import PROVERS, SEMANTICS, PluginNotFound, refer
from ..plugins.sources import SemanticsNotFound, locate
from .errors import SuiteError, near, quoted
from .model import ClaimOptions
from .specs import read_modules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import Any, Final

NONE: Final = 'none'
"""What a suite file writes to take a default away again: TOML has no null."""


class WrongValue(Exception):
    """A value is not what its key allows; the text says what was found if that is not the value itself."""


@dataclass(frozen=True)
class Option:
    """One key of an options table.

    Attributes:
        key: As it is written in the file.
        allowed: What it may hold, for people.
        read: Makes the field's value from the TOML value and the folder that relative paths start from; raises
            `WrongValue`.
    """

    key: str
    allowed: str
    read: Callable[[object, Path], object]

    @property
    def field(self) -> str:
        """The field of `ClaimOptions`."""
        return self.key.replace('-', '_')


def read_options(
    file: Path, where: str, table: Mapping[str, object], cache: dict[tuple[str, str], object] | None = None
) -> dict[str, Any]:
    """The fields of `ClaimOptions` that a table of a suite file sets.

    Args:
        file: The suite file; relative paths start from its folder.
        where: The table's dotted name, for messages.
        table: What TOML made of it.
        cache: Values already read from this file, so that a lemma file named for each of 800 claims is read once.

    Raises:
        SuiteError: an unknown key or a value that is not allowed.
    """
    fields: dict[str, Any] = {}
    cache = {} if cache is None else cache
    for key, value in table.items():
        option = OPTIONS.get(key)
        if option is None:
            raise SuiteError(file, f'{where}.{key}', 'unknown key', f'{near(key, OPTIONS)} {_all_keys()}')
        known = (key, repr(value))
        if known not in cache:
            try:
                cache[known] = option.read(value, file.parent)
            except WrongValue as error:
                found = str(error) or f'found {value!r}'
                raise SuiteError(file, f'{where}.{key}', found, f'allowed: {option.allowed}') from error
        fields[option.field] = cache[known]
    return fields


def make_options(defaults: Mapping[str, Any], overrides: Mapping[str, Any]) -> ClaimOptions:
    """The options of a claim: its own, else the suite's, else the built-in ones. Lists are replaced, not
    joined.
    """
    return ClaimOptions(**{**defaults, **overrides})


def _all_keys() -> str:
    return f'The keys are {quoted(OPTIONS, "and")}'


def _boolean(value: object, folder: Path) -> bool:
    if not isinstance(value, bool):
        raise WrongValue
    return value


def _vacuous(value: object, folder: Path) -> str:
    if value not in VACUOUS:
        raise WrongValue
    return str(value)


def _integer(value: object, folder: Path) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise WrongValue
    return value


def _count(value: object, folder: Path) -> int | None:
    if value == NONE:
        return None
    number = _integer(value, folder)
    if number < 1:
        raise WrongValue
    return number


def _seconds(value: object, folder: Path) -> float | None:
    if value == NONE:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < math.inf:
        raise WrongValue
    return float(value)


def _texts(value: object, folder: Path) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) and text for text in value):
        raise WrongValue
    return tuple(value)


def _program(value: object, folder: Path) -> str | None:
    if value == NONE:
        return None
    if not isinstance(value, str) or not value or value == 'auto':
        raise WrongValue
    return str((folder / value).absolute()) if '/' in value else value


def _semantics(value: object, folder: Path) -> str | None:
    return _class(value, SEMANTICS)


def _prover(value: object, folder: Path) -> str | None:
    return _class(value, PROVERS)


def _class(value: object, group: str) -> str | None:
    """A class, named as text or, with the arguments that it is made with, by a table; see `kprover.plugins`."""
    if value == NONE:
        return None
    table = value if isinstance(value, dict) else {'class': value}
    name, arguments = table.get('class'), table.get('arguments', {})
    if not isinstance(name, str) or not name or not isinstance(arguments, dict) or table.keys() - _CLASS_KEYS:
        raise WrongValue
    try:
        text = str(refer(name, arguments, group))
        locate(text)
    except (PluginNotFound, SemanticsNotFound) as error:
        raise WrongValue(str(error)) from error
    except TypeError as error:
        raise WrongValue(f'found an argument of the class {name} that is no plain value: {error}') from error
    return text


def _spec_files(value: object, folder: Path) -> tuple[Path, ...]:
    paths = []
    for name in _texts(value, folder):
        try:
            path = (folder / name).resolve()
        except (OSError, ValueError, RuntimeError) as error:  # a circle of links, a NUL
            raise WrongValue(f'found {name!r}, which is no path to a file: {error}') from error
        if not path.is_file():
            raise WrongValue(f"found '{name}', but there is no file {path}")
        read_modules(path)
        paths.append(path)
    return tuple(paths)


VACUOUS: Final = ('pass', 'fail')

_CLASS_KEYS: Final = frozenset({'class', 'arguments'})

_A_COUNT = f"an integer of at least 1, or '{NONE}' for no limit"
_SECONDS = f"seconds, a number above 0, or '{NONE}' for no limit"
_PROGRAM = f"'kore-rpc-booster', 'kore-rpc', 'embedded', the path of a server program, or '{NONE}' for the run's"
_BOOLEAN = 'true or false'
_REFERENCE = (
    "'package.module:Class' of a {kind} that can be imported, the name of an entry point of the group {group}, "
    "a table {{class = ..., arguments = {{...}}}}, or '{none}'"
)
_LABELS = 'a list of rule labels, such as ["SUM.step"]'

OPTIONS: Final[Mapping[str, Option]] = {
    option.key: option
    for option in (
        Option('execute-depth', _A_COUNT, _count),
        Option('cut-point-rules', _LABELS, _texts),
        Option('terminal-rules', _LABELS, _texts),
        Option('bmc-depth', f"an integer of at least 1, or '{NONE}' for a full proof", _count),
        Option('optimize-kcfg', _BOOLEAN, _boolean),
        Option('refute', _BOOLEAN, _boolean),
        Option('semantics', _REFERENCE.format(kind='KCFGSemantics', group=SEMANTICS, none=NONE), _semantics),
        Option('prover', _REFERENCE.format(kind='ProofKind', group=PROVERS, none=NONE), _prover),
        Option('lemmas', 'a list of JSON spec files, relative to the suite file', _spec_files),
        Option('trusted', _BOOLEAN, _boolean),
        Option('vacuous', "'pass' or 'fail': what a claim is whose precondition nothing satisfies", _vacuous),
        Option('priority', 'an integer; greater is earlier', _integer),
        Option('step-timeout', _SECONDS, _seconds),
        Option('time-limit', _SECONDS, _seconds),
        Option('max-steps', _A_COUNT, _count),
        Option('max-nodes', _A_COUNT, _count),
        Option('max-branching', _A_COUNT, _count),
        Option('assume-defined', _BOOLEAN, _boolean),
        Option('fast-check-subsumption', _BOOLEAN, _boolean),
        Option('direct-subproof-rules', _BOOLEAN, _boolean),
        Option('backend', _PROGRAM, _program),
        Option('server-args', 'a list of arguments, such as ["--smt-timeout", "500"]; paths absolute', _texts),
        Option('tags', 'a list of words, such as ["nightly"]', _texts),
    )
}
"""Every key of an options table, in the order of the documentation."""
