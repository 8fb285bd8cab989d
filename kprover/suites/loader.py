"""Reading suite files: TOML in, checked values out, or an error that says what to change in which file."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, cast

from .digests import DEFINITION_FILES, definition_digest, rule_names
from .errors import SuiteError, near, quoted
from .model import Claim, ClaimOptions, Suite
from .options import make_options, read_options
from .specs import RawClaim, Spec, read_spec

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, Final

KEYS: Final[Mapping[str, str]] = {
    'name': 'a word of letters, digits and . _ -',
    'kompiled': 'the folder that kompile made, relative to this file',
    'specs': 'a list of JSON spec files or patterns with *, relative to this file',
    'main-module': 'the name of a module; the folder says it in mainModule.txt otherwise',
    'include': 'a list of claim labels or patterns with *',
    'exclude': 'a list of claim labels or patterns with *',
    'options': 'a table of options for all claims',
    'claims': 'tables of options for single claims, [claims."MODULE.label"]',
}
"""Every key at the top of a suite file, and what it may hold."""

_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9._-]*')
_UNIQUE_ID = re.compile(r'[0-9a-f]{64}')


def load_suite(path: Path) -> Suite:
    """The suite that the TOML file at `path` describes, with every file it names checked.

    Raises:
        SuiteError: names file and key, what was found and what is allowed.
    """
    return _load(path, {})


def load_suites(paths: Iterable[Path]) -> tuple[Suite, ...]:
    """Several suites, in the given order; definitions that they share are read once.

    Raises:
        SuiteError: see `load_suite`; also if two have the same name.
    """
    digests: dict[Path, str] = {}
    suites: dict[str, Suite] = {}
    for path in paths:
        suite = _load(path, digests)
        other = suites.get(suite.name)
        if other is not None and other.path == suite.path:
            raise SuiteError(suite.path, '', 'this suite is named twice', 'name each suite once')
        if other is not None:
            raise SuiteError(
                suite.path, 'name', f"found '{suite.name}', which is also the name of {other.path}", 'rename one'
            )
        suites[suite.name] = suite
    return tuple(suites.values())


@dataclass(frozen=True)
class _File:
    """A suite file and the table in it; reads its keys or raises."""

    path: Path
    table: Mapping[str, object]

    def wrong(self, key: str, found: str | None = None) -> SuiteError:
        return SuiteError(self.path, key, found or f'found {self.table.get(key)!r}', f'allowed: {KEYS[key]}')

    def text(self, key: str) -> str:
        value = self.table.get(key)
        if value is None:
            raise self.wrong(key, 'the key is missing')
        if not isinstance(value, str) or not value:
            raise self.wrong(key)
        return value

    def texts(self, key: str) -> list[str]:
        value = self.table.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(text, str) and text for text in value):
            raise self.wrong(key, 'the key is missing' if value is None else None)
        return value

    def subtable(self, key: str) -> Mapping[str, object]:
        value = self.table.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(key)
        return value


def _load(path: Path, digests: dict[Path, str]) -> Suite:
    file = _read(path.absolute())
    name = file.text('name')
    if not _NAME.fullmatch(name):
        raise file.wrong('name')
    kompiled = _kompiled(file)
    main_module = _main_module(file, kompiled)
    specs = [read_spec(spec) for spec in _spec_files(file)]
    origin = _origins(file, specs)
    options = _claim_options(file, origin)
    _check_options(file, options, kompiled)
    chosen = _chosen(file, specs)
    if kompiled not in digests:
        digests[kompiled] = definition_digest(kompiled)
    claims = tuple(
        _claim(name, raw, spec.path, kompiled, options[raw.label])
        for spec in specs
        for raw in spec.claims
        if raw.label in chosen
    )
    return Suite(name, file.path, kompiled, main_module, digests[kompiled], claims)


def _read(path: Path) -> _File:
    try:
        with path.open('rb') as stream:
            table = tomllib.load(stream)
    except OSError as error:
        raise SuiteError(
            path,
            '',
            f'cannot be read: {error.strerror}',
            'name an existing suite file, with --suite or as suites in section [kprover] of luigi.cfg',
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SuiteError(path, '', f'is no TOML: {error}', 'correct it there') from error
    for key in table:
        if key not in KEYS:
            raise SuiteError(path, key, 'unknown key', f'{near(key, KEYS)} The keys are {quoted(KEYS, "and")}')
    return _File(path, table)


def _kompiled(file: _File) -> Path:
    folder = (file.path.parent / file.text('kompiled')).resolve()
    if not folder.is_dir():
        raise file.wrong('kompiled', f'there is no folder {folder}')
    for name in DEFINITION_FILES:
        if not (folder / name).is_file():
            raise SuiteError(
                file.path,
                'kompiled',
                f'there is no {name} in {folder}',
                'make the folder with `kompile --backend haskell --emit-json`',
            )
    return folder


def _main_module(file: _File, kompiled: Path) -> str:
    if 'main-module' in file.table:
        return file.text('main-module')
    try:
        module = (kompiled / 'mainModule.txt').read_text().strip()
    except (OSError, UnicodeDecodeError):
        module = ''
    if not module:
        raise file.wrong('main-module', f'the key is missing, and so is {kompiled / "mainModule.txt"}')
    return module


def _spec_files(file: _File) -> list[Path]:
    found: dict[Path, None] = {}
    for pattern in file.texts('specs'):
        if '*' in pattern:
            matches = _glob(file, pattern)
        else:
            matches = [file.path.parent / pattern]
        if not matches or not all(match.is_file() for match in matches):
            raise file.wrong('specs', f"there is no file '{pattern}' in {file.path.parent}")
        found.update(dict.fromkeys(match.resolve() for match in matches))
    return list(found)


def _glob(file: _File, pattern: str) -> list[Path]:
    anchor = Path(pattern).anchor
    folder, relative = (Path(anchor), pattern[len(anchor) :]) if anchor else (file.path.parent, pattern)
    try:
        return sorted(match for match in folder.glob(relative) if match.is_file())
    except (ValueError, NotImplementedError) as error:
        raise file.wrong('specs', f"found '{pattern}': {error}") from error


def _origins(file: _File, specs: Sequence[Spec]) -> dict[str, Path]:
    """The spec file of each label, for a suite in which no label is there twice."""
    origin: dict[str, Path] = {}
    for spec in specs:
        for raw in spec.claims:
            if raw.label in origin:
                raise SuiteError(
                    file.path,
                    'specs',
                    f"both {origin[raw.label]} and {spec.path} have a claim '{raw.label}'",
                    'rename one of the claims, or put the files into two suites',
                )
            origin[raw.label] = spec.path
    return origin


def _claim_options(file: _File, labels: Mapping[str, Path]) -> dict[str, ClaimOptions]:
    cache: dict[tuple[str, str], object] = {}
    defaults = read_options(file.path, 'options', file.subtable('options'), cache)
    default = make_options(defaults, {})
    options = dict.fromkeys(labels, default)
    for label, table in file.subtable('claims').items():
        where = f'claims."{label}"'
        if label not in labels:
            raise SuiteError(file.path, where, 'there is no such claim in the specs', near(label, labels))
        if not isinstance(table, dict):
            raise SuiteError(file.path, where, f'found {table!r}', f'allowed: {KEYS["claims"]}')
        own = read_options(file.path, where, cast('dict[str, Any]', table), cache)
        options[label] = make_options(defaults, own)
    return options


def _check_options(file: _File, options: Mapping[str, ClaimOptions], kompiled: Path) -> None:
    """Refuse options that would silently do nothing: rules that the definition lacks, a loop bound without loops."""
    tables = file.subtable('claims')
    known: frozenset[str] | None = None
    for label, chosen in options.items():
        own = tables.get(label)
        for key, names in (('cut-point-rules', chosen.cut_point_rules), ('terminal-rules', chosen.terminal_rules)):
            if names and known is None:
                known = rule_names(kompiled)
            for name in names:
                if known is not None and name not in known:
                    where = f'claims."{label}".{key}' if isinstance(own, dict) and key in own else f'options.{key}'
                    hint = near(name, (one for one in known if not _UNIQUE_ID.fullmatch(one)))
                    raise SuiteError(file.path, where, f"the definition has no rule '{name}'", hint)
        if chosen.bmc_depth is not None and chosen.semantics is None:
            where = (
                f'claims."{label}".bmc-depth' if isinstance(own, dict) and 'bmc-depth' in own else 'options.bmc-depth'
            )
            raise SuiteError(
                file.path,
                where,
                "found a loop bound without 'semantics', so that no state would count as a loop head",
                "name a KCFGSemantics with is_loop and same_loop as 'semantics'",
            )


def _chosen(file: _File, specs: Sequence[Spec]) -> set[str]:
    """The labels that `include` and `exclude` leave, with all they depend on.

    What is included brings its dependencies with it. What is excluded may not be depended upon: a proof
    without a lemma that its author counted on would be another proof.
    """
    raws = {raw.label: raw for spec in specs for raw in spec.claims}
    _require_acyclic(specs)
    included = _matching(file, 'include', raws) if 'include' in file.table else set(raws)
    excluded = _matching(file, 'exclude', raws) if 'exclude' in file.table else set()
    chosen: set[str] = set()
    pending = [label for label in raws if label in included - excluded]
    if not pending:
        raise SuiteError(file.path, 'include', 'no claim is left by include and exclude', near('', raws))
    while pending:
        label = pending.pop()
        if label in chosen:
            continue
        chosen.add(label)
        for depended in raws[label].depends:
            if depended in excluded:
                raise SuiteError(
                    file.path,
                    'exclude',
                    f"it leaves '{depended}' out, on which '{label}' depends",
                    f"leave '{label}' out too, or keep '{depended}' (with trusted = true it is not proved)",
                )
            pending.append(depended)
    return chosen


def _matching(file: _File, key: str, labels: Iterable[str]) -> set[str]:
    labels = list(labels)
    matching: set[str] = set()
    for pattern in file.texts(key):
        matches = [label for label in labels if fnmatchcase(label, pattern)]
        if not matches:
            raise SuiteError(file.path, key, f"'{pattern}' is the label of no claim", near(pattern, labels))
        matching.update(matches)
    return matching


def _require_acyclic(specs: Sequence[Spec]) -> None:
    for spec in specs:
        try:
            TopologicalSorter({raw.label: raw.depends for raw in spec.claims}).prepare()
        except CycleError as error:
            circle = ' depends on '.join(f"'{label}'" for label in reversed(error.args[1]))
            raise SuiteError(
                spec.path, 'depends', f'claims depend on each other: {circle}', 'remove one of these dependencies'
            ) from error


def _claim(suite: str, raw: RawClaim, spec: Path, kompiled: Path, options: ClaimOptions) -> Claim:
    return Claim(
        suite=suite,
        label=raw.label,
        spec=spec,
        kompiled=kompiled,
        options=options,
        depends=tuple(f'{suite}/{label}' for label in raw.depends),
        digest=raw.digest,
        admitted=raw.trusted or options.trusted,
    )
