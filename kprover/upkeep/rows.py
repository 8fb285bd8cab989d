"""What a row must be like, by its kind: the shape of its header, and what can be computed again from its content.

A checksum says that a row is as it was written, not by whom. Terms, modules and equalities are named by their content,
and a verdict by the inputs that it lists, so these names are computed again. The key of a step is made of a request
that is not stored with it, so a step's shape is all that can be checked without making it again.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

from ..deltas import DamagedTerm, expand
from ..engine.history import ClaimHistory
from ..engine.index import new_terms
from ..keys import proof_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Final

    from ..store import Record

KINDS: Final = (
    'term',
    'module',
    'proof',
    'step',
    'family',
    'diagnosis',
    'journal',
    'verdict',
    'history',
    'status',
    'run',
    'flaky',
)
"""The kinds of rows that are known, each after those that it refers to."""

_HASH: Final = re.compile(r'[0-9a-f]{64}')
_MODULE: Final = re.compile(r'M-([0-9a-f]{64})')
_JOURNAL: Final = re.compile(r'([0-9a-f]{64}):([0-9]{8,18})')
_RESULTS: Final = ('extend', 'use-cache', 'subsumed', 'terminal', 'bounded', 'equality', 'refutation', 'foreign')
_EXTENSIONS: Final = ('step', 'ndbranch', 'branch', 'abstract', 'stuck', 'vacuous')


class WrongRow(ValueError):
    """A row is not what its key says, or not of its kind's shape."""


def kind_of(key: str) -> str:
    """The kind of a row, by the beginning of its key."""
    return key.partition(':')[0]


def name_of(key: str) -> str:
    """What follows the kind."""
    return key.partition(':')[2]


def is_hash(name: str) -> bool:
    """Whether it is a hash as kprover writes it."""
    return _HASH.fullmatch(name) is not None


def check_row(key: str, record: Record) -> None:
    """Return if the row is one of its kind under its own name. Terms are checked by `check_term`; kinds that are not
    known are left alone.

    Raises:
        WrongRow: says what is wrong.
    """
    check = _CHECKS.get(kind_of(key))
    if check is None:
        return
    try:
        check(name_of(key), record)
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as err:
        if isinstance(err, WrongRow):
            raise
        raise WrongRow(f'has not the shape of its kind: {type(err).__name__}: {err}') from err


def check_term(name: str, record: Record, base: bytes | None) -> bytes:
    """The text of a term, given that of its base. Raises `WrongRow`."""
    _require(record.header == {}, 'has a header, and a term has none')
    try:
        text = expand(record.blob, base)
    except DamagedTerm as err:
        raise WrongRow(f'is {err}') from err
    _require(_sha256(text) == name, f'holds another term: {_sha256(text)}')
    return text


def refers_to(key: str, record: Record) -> list[str]:
    """The rows without which this one is of no use."""
    header = record.header
    kind = kind_of(key)
    if kind == 'proof':
        rows = [f'module:{name}' for name in header['modules']]
        rows += [f'term:{header[end]}' for end in ('init', 'target') if end in header]
        return rows + [f'term:{step}' for step in header.get('standing', {}).get('steps', ())]
    if kind == 'step':
        return [f'term:{term}' for term in new_terms(header['results'])]
    if kind == 'journal':
        return [f'step:{header["step"]}']
    return []


def _module(name: str, record: Record) -> None:
    found = _MODULE.fullmatch(name)
    _require(found is not None, 'has a name that is no hash of a module')
    assert found is not None
    text = expand(record.blob)
    head = f'module {name}'.encode()
    _require(text.startswith(head), 'does not begin with its name')
    # a module is named after its text under the name M
    unnamed = b'module M' + text[len(head) :]
    _require(_sha256(unnamed) == found[1], f'holds another module: M-{_sha256(unnamed)}')


def _proof(name: str, record: Record) -> None:
    header = record.header
    _require_hash(name)
    _require(_strings(header['modules']), 'lists modules that are no names')
    if header['kind'] == 'equality':
        _require(_sha256(expand(record.blob)) == header['proof'], 'holds another equality than it says')
        return
    if header['kind'] == 'foreign':
        _foreign_proof(record)
        return
    _require(header['kind'] == 'reachability', f'is of an unknown kind: {header["kind"]!r}')
    _require_hash(header['init'])
    _require_hash(header['target'])
    for flag in ('init_terminal', 'target_terminal', 'circularity', 'admitted'):
        _require(isinstance(header[flag], bool), f'{flag} is neither true nor false')


def _foreign_proof(record: Record) -> None:
    header = record.header
    _require(_sha256(expand(record.blob)) == header['proof'], 'holds another proof than it says')
    _require(isinstance(header['prover'], str), 'names no prover')
    _require(isinstance(header['admitted'], bool), 'admitted is neither true nor false')
    standing = header['standing']
    _require(standing['commits'] == 0, f'begins with {standing["commits"]!r} commits')
    _require(standing['status'] in ('passed', 'failed', 'pending'), f'says {standing["status"]!r}')
    _require(isinstance(standing['steps'], list), 'lists no steps')
    for step in standing['steps']:
        _require_hash(step)


def _step(name: str, record: Record) -> None:
    _require_hash(name)
    if 'imported' in record.header:
        origin = record.header['imported']
        _require(isinstance(origin, str) and origin != '', f'is from {origin!r}, which is no place')
    results = record.header['results']
    _require(isinstance(results, list), 'has no list of results')
    for result in results:
        _require(result['kind'] in _RESULTS, f'has a result of an unknown kind: {result["kind"]!r}')
        if result['kind'] in ('equality', 'refutation'):
            _require(isinstance(result['passed'], bool), 'passed is neither true nor false')
        if result['kind'] == 'foreign':
            _require_hash(result['step'])
            _require(_sha256(expand(record.blob)) == result['content'], 'holds another result than it says')
        for place in ('extension', 'to_cache'):
            if result.get(place) is not None:
                _extension(result[place])
        _require(result['kind'] != 'extend' or result.get('extension') is not None, 'extends a node by nothing')
    for term in new_terms(results):
        _require_hash(term)
    if record.blob:
        _require(isinstance(json.loads(expand(record.blob)), dict), 'has a detail that is no JSON object')


def _extension(extension: Mapping[str, Any]) -> None:
    kind = extension['kind']
    _require(kind in _EXTENSIONS, f'extends a node in an unknown way: {kind!r}')
    nodes = extension.get('nodes', [])
    _require(_strings(nodes), 'has successors that are no terms')
    if kind in ('step', 'abstract'):
        _require(len(nodes) == 1, f'has {len(nodes)} successors where there is one')
    if kind == 'step':
        depth = extension['depth']
        _require(isinstance(depth, int) and depth > 0, f'has a depth of {depth!r}')


def _family(name: str, record: Record) -> None:
    _require_hash(name)
    _require(_strings(record.header['steps']), 'lists steps that are no keys')
    for key in record.header['steps']:
        _require_hash(key)


def _diagnosis(name: str, record: Record) -> None:
    _require_hash(name)
    _require(isinstance(record.header.get('explanation', ''), str), 'has an explanation that is no text')


def _journal(name: str, record: Record) -> None:
    _require(_JOURNAL.fullmatch(name) is not None, 'is not numbered as a commit is')
    _require(isinstance(record.header['node'], int), 'names no node')
    _require_hash(record.header['step'])


def _verdict(name: str, record: Record) -> None:
    header = record.header
    _require(header['status'] in ('passed', 'failed'), f'says {header["status"]!r}')
    found = proof_digest(header['inputs'])
    _require(found == name, f'lists the inputs of another proof: {found}')


def _history(name: str, record: Record) -> None:
    ClaimHistory.from_dict(record.header)


_CHECKS: Final[Mapping[str, Callable[[str, Record], None]]] = {
    'module': _module,
    'proof': _proof,
    'step': _step,
    'family': _family,
    'diagnosis': _diagnosis,
    'journal': _journal,
    'verdict': _verdict,
    'history': _history,
}


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise WrongRow(otherwise)


def _require_hash(text: object) -> None:
    _require(isinstance(text, str) and is_hash(text), f'has {text!r} where a hash is expected')


def _strings(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
