"""What a worker reads from files: definitions, claims, lemma files, semantics classes; each once per process.

A file is read again when its size or time of modification has changed. All functions raise `InputError` with the
name of the file, what was expected and what was found.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from pyk.kast.kast import kast_term
from pyk.kast.outer import KClaim, KRule, KRuleLike, read_kast_definition
from pyk.kast.pretty import PrettyPrinter

from ..definitions.rebuild import REBUILT
from ..printable import plain_name
from .convert import Converter
from .errors import DefinitionError, InputError
from .semantics import load_semantics, looks_at_control

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Final

    from pyk.kast.outer import KDefinition

    from .semantics import GuardedSemantics

S = TypeVar('S', bound=KRuleLike)
T = TypeVar('T')

_DEFINITIONS: Final = 4
_SPECS: Final = 8


@dataclass(frozen=True)
class Definition:
    """A kompiled definition with what is derived from it."""

    path: Path
    kast: KDefinition

    @cached_property
    def printer(self) -> PrettyPrinter:
        return PrettyPrinter(self.kast)

    @cached_property
    def converter(self) -> Converter:
        return Converter(self.kast)

    @cached_property
    def functions(self) -> frozenset[str]:
        """The labels of all function symbols."""
        return frozenset(self.kast.function_labels)

    @cached_property
    def open_ends(self) -> bool:
        """Whether nothing can be executed in a state whose `<k>` cell is unknown; see `semantics`."""
        return looks_at_control(self.kast)

    def has_module(self, name: str) -> bool:
        """Whether a lemma module may import the module. One rebuilt from Kore knows nothing of K's modules."""
        return name in self._module_names or REBUILT in self.kast.att

    @cached_property
    def _module_names(self) -> frozenset[str]:
        return frozenset(module.name for module in self.kast.all_modules)


class Sources:
    """The files of one worker process; for one thread."""

    def __init__(self) -> None:
        self._definitions: _FileCache[Definition] = _FileCache(_read_definition, _DEFINITIONS)
        self._specs: _FileCache[dict[str, Any]] = _FileCache(_read_modules, _SPECS)
        self._semantics: dict[tuple[str, str, str], GuardedSemantics] = {}

    def definition(self, kompiled: str) -> Definition:
        """The definition in a kompiled folder."""
        return self._definitions.get(Path(kompiled) / 'compiled.json')

    def claim(self, spec: str, label: str) -> KClaim:
        """The claim `MODULE.label` (or just `label`, where the file gives no module) of a JSON spec."""
        path = Path(spec)
        found: list[str] = []
        for module in self._specs.get(path)['term']:
            for sentence in module['localSentences']:
                if sentence['node'] == 'KClaim':
                    name = _label(sentence)
                    if label in (plain_name(name), plain_name(f'{module["name"]}.{name}')):
                        return _sentence(path, f'claim {label}', sentence, KClaim)
                    found.append(plain_name(name))
        raise InputError(f'{path}: expected a claim {label}, found {", ".join(found) or "no claims"}')

    def lemmas(self, file: str, definition: Definition) -> list[KRule]:
        """The rules of a JSON lemma file, which may import modules of the definition and of the file itself.

        Claims in it are not lemmas and are passed over. New syntax is refused: the server could not know it.
        """
        path = Path(file)
        modules = self._specs.get(path)['term']
        own = {module['name'] for module in modules}
        rules: list[KRule] = []
        for module in modules:
            for imported in module['imports']:
                if imported['name'] not in own and not definition.has_module(imported['name']):
                    raise InputError(
                        f'{path}: module {module["name"]} imports {imported["name"]}, which is neither in the file '
                        f'nor in the definition {definition.path}; kompile it with the definition'
                    )
            for sentence in module['localSentences']:
                kind = sentence['node']
                if kind == 'KRule':
                    what = f'rule {_label(sentence)}'
                    rules.append(_sentence(path, what, sentence, KRule))
                elif kind != 'KClaim':
                    raise InputError(
                        f'{path}: expected rules in the lemma module {module["name"]}, found a {kind}; '
                        'new syntax must be kompiled with the definition'
                    )
        if not rules:
            raise InputError(f'{path}: expected a module with rules as lemmas, found none')
        return rules

    def semantics(self, header: Mapping[str, Any]) -> GuardedSemantics:
        """An object of the class of a task, for states of its definition; pyk's default semantics if it has none.

        Args:
            header: `kompiled`; `semantics` (a reference or None) and `classes` (the identities of such), if they are
                there.
        """
        name, kompiled = header.get('semantics'), header['kompiled']
        identity = header.get('classes', {}).get(name)
        key = (name or '', identity or '', kompiled)
        if key not in self._semantics:
            self._semantics[key] = load_semantics(name, lambda: self.definition(kompiled).open_ends, identity)
        return self._semantics[key]


class _FileCache(Generic[T]):
    """What was read from the latest files, by path; read again if the file has changed."""

    def __init__(self, read: Callable[[Path], T], capacity: int):
        self._read = read
        self._capacity = capacity
        self._entries: OrderedDict[Path, tuple[tuple[int, int], T]] = OrderedDict()

    def get(self, path: Path) -> T:
        try:
            status = path.stat()
        except OSError as err:
            raise InputError(f'{path}: expected a file, found none: {err.strerror}') from err
        stamp = (status.st_mtime_ns, status.st_size)
        entry = self._entries.get(path)
        if entry is None or entry[0] != stamp:
            entry = (stamp, self._read(path))
            self._entries[path] = entry
        self._entries.move_to_end(path)
        while len(self._entries) > self._capacity:
            self._entries.popitem(last=False)
        return entry[1]


def _read_definition(path: Path) -> Definition:
    try:
        return Definition(path.parent, read_kast_definition(path))
    except (ValueError, KeyError, TypeError, AttributeError, AssertionError, OSError) as err:
        raise DefinitionError(
            f'{path}: expected a definition in the JSON of K, found: {type(err).__name__}: {err}; make it again with '
            '`kompile --backend haskell --emit-json`'
        ) from err


def _read_modules(path: Path) -> dict[str, Any]:
    term = _parse(path, 'a list of modules', lambda: kast_term(json.loads(path.read_bytes())))
    if not isinstance(term, dict) or term.get('node') != 'KFlatModuleList':
        raise InputError(
            f'{path}: expected a KFlatModuleList as `kprove --emit-json-spec` writes it, found {_node(term)}'
        )
    return term


def _parse(path: Path, what: str, parse: Callable[[], T]) -> T:
    try:
        return parse()
    except (ValueError, KeyError, TypeError, OSError) as err:
        raise InputError(f'{path}: expected {what} in the JSON of K, found: {type(err).__name__}: {err}') from err


def _sentence(path: Path, what: str, dct: Mapping[str, Any], kind: type[S]) -> S:
    sentence = _parse(path, what, lambda: kind.from_dict(dct))
    assert isinstance(sentence, kind)
    return sentence


def _label(sentence: Mapping[str, Any]) -> str:
    attributes = sentence.get('att', {}).get('att', {})
    return str(attributes.get('label', attributes.get('UNIQUE_ID', '')))


def _node(term: object) -> str:
    return str(term.get('node', 'another object')) if isinstance(term, dict) else type(term).__name__
