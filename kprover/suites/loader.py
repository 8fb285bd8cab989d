"""Reading suite files: TOML in, checked values out, or an error that says what to change in which file."""

from __future__ import annotations

import re
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ..printable import plain_name
from .digests import rule_names
from .errors import SuiteError, near
from .kompiled import Kompiled, read_kompiled
from .kprove import SUFFIXES, parsed_specs
from .kprove_options import read_kprove
from .model import Claim, ClaimOptions, Suite
from .options import make_options, read_options
from .preparation import Preparation
from .selection import fits
from .source import KEYS, SuiteFile, read_suite_file
from .specs import RawClaim, Spec, read_spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9._-]*')
_UNIQUE_ID = re.compile(r'[0-9a-f]{64}')


def load_suite(path: Path, preparation: Preparation | None = None) -> Suite:
    """The suite that the TOML file at `path` describes, with every file it names checked.

    Specs in K's syntax are parsed, and a missing compiled.json is made, if that has not been done before; where these
    are kept is said by `preparation`.

    Raises:
        SuiteError: names file and key, what was found and what is allowed.
    """
    return _load(path, {}, preparation or Preparation())


def load_suites(paths: Iterable[Path], preparation: Preparation | None = None) -> tuple[Suite, ...]:
    """Several suites, in the given order; definitions that they share are read once.

    Raises:
        SuiteError: see `load_suite`; also if two have the same name.
    """
    definitions: dict[tuple[Path, str], Kompiled] = {}
    preparation = preparation or Preparation()
    suites: dict[str, Suite] = {}
    for path in paths:
        suite = _load(path, definitions, preparation)
        other = suites.get(suite.name)
        if other is not None and other.path == suite.path:
            raise SuiteError(suite.path, '', 'this suite is named twice', 'name each suite once')
        if other is not None:
            raise SuiteError(
                suite.path, 'name', f"found '{suite.name}', which is also the name of {other.path}", 'rename one'
            )
        suites[suite.name] = suite
    return tuple(suites.values())


def _load(path: Path, definitions: dict[tuple[Path, str], Kompiled], preparation: Preparation) -> Suite:
    file = read_suite_file(path.absolute())
    name = file.text('name')
    if not _NAME.fullmatch(name):
        raise file.wrong('name')
    known = file.resolved('kompiled', file.text('kompiled')), str(file.table.get('main-module', ''))
    if known not in definitions:
        definitions[known] = read_kompiled(file, preparation)
    kompiled = definitions[known]
    read, notices = _specs(file, kompiled, preparation)
    specs = _without_repetitions(file, read)
    origin = _origins(file, specs)
    options = _claim_options(file, origin)
    _check_options(file, options, kompiled.folder)
    chosen = _chosen(file, specs)
    claims = tuple(
        _claim(name, raw, spec.path, kompiled.folder, options[raw.label])
        for spec in specs
        for raw in spec.claims
        if raw.label in chosen
    )
    one_path = [f'{claim.name}: is [one-path], and is proved of all paths' for claim in claims if claim.one_path]
    notices = (*kompiled.notices, *notices, *one_path)
    return Suite(name, file.path, kompiled.folder, kompiled.main_module, kompiled.digest, claims, notices)


def _specs(file: SuiteFile, kompiled: Kompiled, preparation: Preparation) -> tuple[list[Spec], tuple[str, ...]]:
    """The specs of a suite, those in K's syntax parsed, and what should be said of them."""
    files = _spec_files(file)
    parsed, notices = parsed_specs(
        file.path,
        [path for path in files if path.suffix in SUFFIXES],
        read_kprove(file.path, file.subtable('kprove')),
        kompiled=kompiled.given,
        definition=kompiled.digest,
        preparation=preparation,
    )
    specs = [read_spec(parsed.get(path, path), path) for path in files]
    unused = [f'{spec.source}: its {spec.rules} rules are not used; see `lemmas`' for spec in specs if spec.rules]
    return specs, (*notices, *unused)


def _spec_files(file: SuiteFile) -> list[Path]:
    found: dict[Path, None] = {}
    for pattern in file.texts('specs'):
        if '*' in pattern:
            matches = _glob(file, pattern)
        else:
            matches = [file.path.parent / pattern]
        if not matches or not all(match.is_file() for match in matches):
            raise file.wrong('specs', f"there is no file '{pattern}' in {file.path.parent}")
        found.update(dict.fromkeys(file.resolved('specs', str(match)) for match in matches))
    return list(found)


def _glob(file: SuiteFile, pattern: str) -> list[Path]:
    anchor = Path(pattern).anchor
    folder, relative = (Path(anchor), pattern[len(anchor) :]) if anchor else (file.path.parent, pattern)
    try:
        return sorted(match for match in folder.glob(relative) if match.is_file())
    except (ValueError, NotImplementedError) as error:
        raise file.wrong('specs', f"found '{pattern}': {error}") from error


def _without_repetitions(file: SuiteFile, specs: Sequence[Spec]) -> list[Spec]:
    """The specs without claims that are in one before: kprove writes those of required modules too.

    Raises:
        SuiteError: two claims with one label say different things.
    """
    first: dict[str, tuple[RawClaim, Path]] = {}
    kept = []
    for spec in specs:
        claims = []
        for raw in spec.claims:
            other, source = first.setdefault(raw.label, (raw, spec.source))
            if other is raw:
                claims.append(raw)
            elif other != raw:
                raise SuiteError(
                    file.path,
                    'specs',
                    f"both {source} and {spec.source} have a claim '{raw.label}', and they say different things",
                    'rename one of the claims, or put the files into two suites',
                )
        kept.append(replace(spec, claims=tuple(claims)))
    return kept


def _origins(file: SuiteFile, specs: Sequence[Spec]) -> dict[str, Path]:
    """The spec file of each label."""
    return {raw.label: spec.source for spec in specs for raw in spec.claims}


def _claim_options(file: SuiteFile, labels: Mapping[str, Path]) -> dict[str, ClaimOptions]:
    cache: dict[tuple[str, str], object] = {}
    defaults = read_options(file.path, 'options', file.subtable('options'), cache)
    default = make_options(defaults, {})
    options = dict.fromkeys(labels, default)
    for written, table in file.subtable('claims').items():
        label = plain_name(written)
        where = f'claims."{label}"'
        if label not in labels:
            raise SuiteError(file.path, where, 'there is no such claim in the specs', near(label, labels))
        if not isinstance(table, dict):
            raise SuiteError(file.path, where, f'found {table!r}', f'allowed: {KEYS["claims"]}')
        own = read_options(file.path, where, cast('dict[str, Any]', table), cache)
        options[label] = make_options(defaults, own)
    return options


def _check_options(file: SuiteFile, options: Mapping[str, ClaimOptions], kompiled: Path) -> None:
    """Refuse options that would silently do nothing: rules that the definition lacks, a loop bound without loops."""
    tables = {plain_name(label): table for label, table in file.subtable('claims').items()}
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
        if chosen.bmc_depth is None:
            continue
        where = f'claims."{label}".bmc-depth' if isinstance(own, dict) and 'bmc-depth' in own else 'options.bmc-depth'
        if chosen.semantics is None:
            raise SuiteError(
                file.path,
                where,
                "found a loop bound without 'semantics', so that no state would count as a loop head",
                "name a KCFGSemantics with is_loop and same_loop as 'semantics'",
            )
        if chosen.optimize_kcfg:
            raise SuiteError(
                file.path,
                where,
                "found a loop bound with 'optimize-kcfg', which would give up the loop heads that are to be counted",
                'set optimize-kcfg = false for this claim',
            )


def _chosen(file: SuiteFile, specs: Sequence[Spec]) -> set[str]:
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


def _matching(file: SuiteFile, key: str, labels: Iterable[str]) -> set[str]:
    labels = list(labels)
    matching: set[str] = set()
    for pattern in file.texts(key):
        matches = [label for label in labels if fits(label, plain_name(pattern))]
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
                spec.source, 'depends', f'claims depend on each other: {circle}', 'remove one of these dependencies'
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
        one_path=raw.one_path,
    )
