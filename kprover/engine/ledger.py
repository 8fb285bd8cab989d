"""The engine's records in the checkpoint store: which rows there are, and how they are written and read.

| key                        | header                                                   | blob                        |
| -------------------------- | -------------------------------------------------------- | --------------------------- |
| `proof:<digest>`           | the `prepare` answer: hashes of init and target, modules | the proof of an equality    |
| `term:<hash>`              | empty                                                    | a constrained term          |
| `module:<name>`            | empty                                                    | Kore text of an added module|
| `step:<key>`               | the step's results, without terms                        | what pyk's objects need     |
| `family:<key>`             | keys of steps that differ in their depth alone           |                             |
| `diagnosis:<key>`          | the explanation of a failing node                        |                             |
| `journal:<digest>:<seq>`   | node and step key of a commit, in the order of commits   |                             |
| `verdict:<digest>`         | status, inputs, counts, failures                         |                             |
| `run:<id>`                 | a run                                                    |                             |
| `history:<claim>`          | what the last run that worked on a claim spent on it     |                             |
| `status:<claim>`           | the last known progress of a claim, with its digest      |                             |

A step is usable only if every term that it refers to is there: a damaged record is a missing step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .index import new_terms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, Final, Protocol

    from ..store import CheckpointStore, Record

    class ReadableStore(Protocol):
        def get(self, key: str) -> Record | None: ...
        def header(self, key: str) -> dict[str, Any] | None: ...
        def contains(self, key: str) -> bool: ...
        def scan(self, prefix: str) -> Iterator[tuple[str, Record]]: ...


FAMILY: Final = 7
"""So many other depths of one step are remembered."""


def proof_row(digest: str) -> str:
    return f'proof:{digest}'


def term_row(term: str) -> str:
    return f'term:{term}'


def module_row(name: str) -> str:
    return f'module:{name}'


def step_row(key: str) -> str:
    return f'step:{key}'


def family_row(family: str) -> str:
    return f'family:{family}'


def diagnosis_row(key: str) -> str:
    return f'diagnosis:{key}'


def journal_prefix(digest: str) -> str:
    return f'journal:{digest}:'


def journal_row(digest: str, sequence: int) -> str:
    return f'{journal_prefix(digest)}{sequence:08d}'


def verdict_row(digest: str) -> str:
    return f'verdict:{digest}'


def run_row(run: str) -> str:
    return f'run:{run}'


def status_row(claim: str) -> str:
    return f'status:{claim}'


def read_proof(store: ReadableStore, digest: str) -> dict[str, Any] | None:
    """The prepared proof, if it and everything it refers to are there."""
    header = store.header(proof_row(digest))
    if header is None:
        return None
    rows = [module_row(name) for name in header['modules']]
    if header['kind'] == 'reachability':
        rows += [term_row(header['init']), term_row(header['target'])]
    return header if all(store.contains(row) for row in rows) else None


def read_step(store: ReadableStore, key: str) -> dict[str, Any] | None:
    """The header of a finished step, if it and every term it refers to are there."""
    header = store.header(step_row(key))
    if header is None:
        return None
    return header if all(store.contains(term_row(term)) for term in new_terms(header['results'])) else None


def find_step(store: ReadableStore, key: str, family: str) -> tuple[str, dict[str, Any]] | None:
    """A finished step with this key, or else of this family; its own key and its header."""
    header = read_step(store, key)
    if header is not None:
        return key, header
    others = store.header(family_row(family))
    for other in reversed(others['steps']) if others is not None else ():
        header = read_step(store, other)
        if header is not None:
            return other, header
    return None


def read_journal(store: ReadableStore, digest: str) -> list[tuple[int, str]]:
    """Node and step key of each commit, in order, up to the first one that is missing."""
    commits: list[tuple[int, str]] = []
    for sequence, (row, record) in enumerate(store.scan(journal_prefix(digest))):
        if row != journal_row(digest, sequence):
            break
        commits.append((record.header['node'], record.header['step']))
    return commits


def cut_journal(store: CheckpointStore, digest: str, length: int) -> None:
    """Drop the commits from number `length` on."""
    rows = [row for row, _ in store.scan(journal_prefix(digest)) if row >= journal_row(digest, length)]
    for row in rows:
        store.delete(row)


def write_prepared(store: CheckpointStore, digest: str, header: Mapping[str, Any], blobs: Mapping[str, bytes]) -> None:
    """A prepared proof with its terms and modules."""
    for name, blob in blobs.items():
        if name.startswith('module:'):
            _put_once(store, name, blob)
        elif name != 'proof':
            _put_once(store, term_row(name), blob)
    store.put(proof_row(digest), dict(header), blobs.get('proof', b''))


def write_step(
    store: CheckpointStore, key: str, family: str, header: Mapping[str, Any], blobs: Mapping[str, bytes]
) -> None:
    """A finished step with the terms of its new nodes. Not durable before the next commit of the store."""
    known = store.header(family_row(family))
    siblings = [other for other in known['steps'] if other != key] if known is not None else []
    store.put(family_row(family), {'steps': [*siblings[-FAMILY:], key]})
    for name, blob in blobs.items():
        if name != 'detail':
            _put_once(store, term_row(name), blob)
    store.put(step_row(key), dict(header), blobs.get('detail', b''))


def _put_once(store: CheckpointStore, row: str, blob: bytes) -> None:
    """Content-addressed rows are written again only where the present record is damaged."""
    if store.get(row) is None:
        store.put(row, {}, blob)
