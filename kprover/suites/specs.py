"""Spec files: the JSON that `kprove --emit-json-spec` writes, read as plain data.

Only what the driver needs is looked at: labels, dependencies, the trusted attribute and a digest of each
claim. Dependencies are resolved as pyk's `ClaimIndex` does, so that a worker, which uses that, finds the
same claims.
"""

from __future__ import annotations

import gc
import hashlib
import json
import re
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..printable import plain_name
from .deep import call_deep
from .errors import SuiteError, near, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any, Final

KAST_VERSION: Final = 4
"""Version of the JSON format of KAST that pyk reads."""

_MOST_COMMAS: Final = 64

_WHAT_A_SPEC_IS: Final = 'a spec file is the JSON that `kprove --emit-json-spec FILE` writes'

_COMMENT: Final = re.compile(r'//[^\n]*|/\*.*?\*/', re.DOTALL)
_MODULE: Final = re.compile(r'^\s*module\s+([A-Z][A-Za-z0-9_-]*)(.*?)\bendmodule\b', re.DOTALL | re.MULTILINE)
_CLAIM: Final = re.compile(r'^\s*claim\b', re.MULTILINE)

MEANINGLESS_ATTRIBUTES: Final = frozenset(
    {
        'label',
        'UNIQUE_ID',
        'depends',
        'org.kframework.attributes.Location',
        'org.kframework.attributes.Source',
        'org.kframework.definition.Production',
    }
)
"""Attributes that name a claim, its place or its grammar, and what it depends on: the last has a digest of
its own.

All others are part of the claim's digest, unknown ones too: a digest that changes needlessly costs a proof,
one that does not change would keep a wrong verdict.
"""


@dataclass(frozen=True)
class RawClaim:
    """A claim as its file tells it."""

    label: str
    depends: tuple[str, ...]
    trusted: bool
    digest: str
    one_path: bool = False


@dataclass(frozen=True)
class Spec:
    """The claims of one spec file, in their order.

    Attributes:
        path: The JSON file.
        claims: Its claims.
        source: The file that the user has written, where the JSON was made of it.
        rules: How many rules are in it, which proofs do not use.
    """

    path: Path
    claims: tuple[RawClaim, ...]
    source: Path
    rules: int = 0


def read_spec(path: Path, source: Path | None = None) -> Spec:
    """Read a spec file.

    Args:
        path: The JSON.
        source: What it was made of, for messages; the JSON itself by default.

    Raises:
        SuiteError: the file is missing, is no spec, holds no claim, or a claim in it has no label, another one's label
            or a dependency that is not there.
    """
    with _no_collections():
        return _read_spec(path, source or path)


def _read_spec(file: Path, path: Path) -> Spec:
    modules = read_modules(file)
    sentences = [
        (_text(path, module, 'name', 'a module'), sentence)
        for module in modules
        for sentence in module.get('localSentences') or ()
        if isinstance(sentence, dict) and sentence.get('node') == 'KClaim'
    ]
    if not sentences:
        elsewhere = claims_elsewhere(path, {str(module['name']) for module in modules}) if path != file else ''
        hint = elsewhere or 'remove the file from the specs, or write claims into it'
        raise SuiteError(path, '', f'no claim found in {_names(modules)}', hint)
    labels = Counter(_label(path, sentence) for _, sentence in sentences)
    for label, count in labels.items():
        if count > 1:
            raise SuiteError(path, label, f'{count} claims have this label', 'give each claim a label of its own')
    claims = call_deep(lambda: tuple(_claim(path, name, claim, labels) for name, claim in sentences))
    return Spec(file, claims, path, sum(_rules(module) for module in modules))


def modules_of(source: Path) -> list[str]:
    """The names of the modules in a source in K's syntax, as far as a look at its text tells."""
    return [name for name, _ in _MODULE.findall(_text_of(source))]


def claims_elsewhere(source: Path, looked_at: Collection[str]) -> str:
    """What to do about a source in K's syntax whose claims are in other modules than those that kprove has looked at.

    kprove takes the module that is named as the file, unless another is named to it. Empty if the text has no other
    module with a claim; K is not parsed, so what only looks like one counts.
    """
    found = [name for name, body in _MODULE.findall(_text_of(source)) if name not in looked_at and _CLAIM.search(body)]
    if not found:
        return ''
    others = f' (others: {quoted(found[:-1], "and")})' if found[:-1] else ''
    return (
        f'kprove looks for claims in the module that is named as the file, and {source.name} has claims in {found[-1]}'
        f'{others}: rename the file or the module, or name it in the suite file, '
        f'[kprove] spec-modules = {{ "{source.name}" = "{found[-1]}" }}'
    )


def _text_of(source: Path) -> str:
    """The text of a source in K's syntax without comments, empty if it cannot be read."""
    try:
        return _COMMENT.sub('', source.read_text(encoding='utf-8', errors='replace'))
    except OSError:
        return ''


def _names(modules: Collection[Mapping[str, Any]]) -> str:
    """The modules of a spec, for messages."""
    names = [str(module.get('name')) for module in modules]
    return f'module {names[0]}' if len(names) == 1 else f'modules {", ".join(names)}'


def _rules(module: Mapping[str, Any]) -> int:
    return sum(
        isinstance(sentence, dict) and sentence.get('node') == 'KRule'
        for sentence in module.get('localSentences') or ()
    )


@contextmanager
def _no_collections() -> Iterator[None]:
    """Keep the cycle collector from walking a growing JSON tree, which has no cycles, over and over: half
    the time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def read_modules(path: Path) -> list[dict[str, Any]]:
    """The modules of a spec file or of a file of lemmas, as plain JSON.

    Raises:
        SuiteError: the file is missing or is no KFlatModuleList of the format version that pyk reads.
    """
    data = _json(path)
    if not isinstance(data, dict) or data.get('format') != 'KAST':
        raise SuiteError(path, 'format', 'this is no KAST JSON', _WHAT_A_SPEC_IS)
    if data.get('version') != KAST_VERSION:
        raise SuiteError(
            path,
            'version',
            f'found KAST version {data.get("version")!r}',
            f'version {KAST_VERSION} is read here; write the file again with a matching version of K',
        )
    term = data.get('term')
    if not isinstance(term, dict) or term.get('node') != 'KFlatModuleList':
        node = term.get('node') if isinstance(term, dict) else term
        raise SuiteError(path, 'term', f'found {_short(node)}, expected a KFlatModuleList', _WHAT_A_SPEC_IS)
    _text(path, term, 'mainModule', 'a list of modules')
    modules = term.get('term')
    if not isinstance(modules, list) or not all(isinstance(module, dict) for module in modules):
        raise SuiteError(path, 'term.term', 'expected a list of modules', _WHAT_A_SPEC_IS)
    return modules


def _json(path: Path) -> Any:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise SuiteError(path, '', f'cannot be read: {error.strerror}', 'name an existing spec file') from error
    try:
        return call_deep(lambda: json.loads(text))
    except ValueError as error:
        raise SuiteError(path, '', f'is no JSON: {error}', _WHAT_A_SPEC_IS) from error
    except RecursionError as error:
        raise SuiteError(
            path, '', 'is nested too deeply for this Python', 'split its largest term or use Python 3.11'
        ) from error


def _claim(path: Path, module: str, sentence: Mapping[str, Any], labels: Collection[str]) -> RawClaim:
    label = _label(path, sentence)
    attributes = _attributes(sentence)
    return RawClaim(
        label=label,
        depends=_depends(path, module, label, attributes, labels),
        trusted='trusted' in attributes,
        digest=claim_digest(sentence),
        one_path='one-path' in attributes,
    )


def claim_digest(sentence: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the canonical JSON of a claim without the attributes that do not change its meaning."""
    meaning = {key: value for key, value in sentence.items() if key != 'att'}
    meaning['att'] = {key: value for key, value in _attributes(sentence).items() if key not in MEANINGLESS_ATTRIBUTES}
    text = json.dumps(meaning, sort_keys=True, separators=(',', ':'))
    return hashlib.sha256(text.encode('ascii')).hexdigest()


def _depends(
    path: Path, module: str, label: str, attributes: Mapping[str, Any], labels: Collection[str]
) -> tuple[str, ...]:
    text = attributes.get('depends')
    if text is None:
        return ()
    if not isinstance(text, str):
        raise SuiteError(path, f'{label}: depends', f'found {_short(text)}', 'write labels, separated by commas')
    found: dict[str, None] = {}
    written_names = [plain_name(part.strip()) for part in text.split(',')]
    for written in with_commas(written_names, lambda name: name in labels or f'{module}.{name}' in labels):
        resolved = next((name for name in (written, f'{module}.{written}') if name in labels), None)
        if resolved is None:
            raise SuiteError(
                path,
                f'{label}: depends',
                f"there is no claim '{written}' in this file",
                f'a claim can depend on claims of its own spec file: {near(written, labels)}',
            )
        found[resolved] = None
    return tuple(found)


def with_commas(parts: Sequence[str], known: Callable[[str], bool]) -> list[str]:
    """Names that were separated by commas, where a name may have commas itself.

    As many of the parts as can be are names alone, if that leaves no part that is in none. A part that is in none in
    any case stays alone.
    """
    count = len(parts)
    ends: list[int] = [0] * count  # where the name that begins here ends, so that all behind it is in a name; or 0
    for at in reversed(range(count)):
        for end in range(at + 1, min(at + _MOST_COMMAS, count) + 1):
            if (end == count or ends[end]) and known(','.join(parts[at:end])):
                ends[at] = end
                break
    names: list[str] = []
    at = 0
    while at < count:
        end = ends[at] or next(
            (end for end in range(at + 1, min(at + _MOST_COMMAS, count) + 1) if known(','.join(parts[at:end]))), at + 1
        )
        names.append(','.join(parts[at:end]))
        at = end
    return names


def _label(path: Path, sentence: Mapping[str, Any]) -> str:
    attributes = _attributes(sentence)
    label = attributes.get('label', attributes.get('UNIQUE_ID'))
    if not isinstance(label, str) or not label:
        place = attributes.get('org.kframework.attributes.Location')
        raise SuiteError(
            path,
            'label',
            f'a claim{f" at {place}" if place else ""} has no label',
            'label it in its K source: `claim [label]: ...`',
        )
    return plain_name(label)


def _attributes(sentence: Mapping[str, Any]) -> Mapping[str, Any]:
    outer = sentence.get('att')
    inner = outer.get('att') if isinstance(outer, dict) else None
    return inner if isinstance(inner, dict) else {}


def _text(path: Path, data: Mapping[str, Any], key: str, owner: str) -> str:
    value = data.get(key)
    if not isinstance(value, str):
        raise SuiteError(path, key, f'{owner} has no {key}', _WHAT_A_SPEC_IS)
    return value


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f'{text[:57]}...'
