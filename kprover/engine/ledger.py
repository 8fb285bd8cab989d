"""The engine's records in the checkpoint store: which rows there are, and how they are written and read.

| key                        | header                                                   | blob                        |
| -------------------------- | -------------------------------------------------------- | --------------------------- |
| `proof:<digest>`           | the `prepare` answer: hashes of init and target, modules | the proof of an equality    |
| `term:<hash>`              | empty                                                    | a term, see `kprover.deltas`|
| `module:<name>`            | empty                                                    | Kore text of an added module|
| `step:<key>`               | the step's results, without terms                        | what pyk's objects need     |
| `family:<key>`             | keys of steps with the same result, see `StepRequest`    |                             |
| `diagnosis:<key>`          | the explanation of a failing node                        |                             |
| `flaky:<key>`              | a step made twice with two results: both of them         | detail of the first         |
| `journal:<digest>:<seq>`   | node and step key of a commit, in the order of commits   |                             |
| `verdict:<digest>`         | status, inputs, counts, failures                         |                             |
| `run:<id>`                 | a run                                                    |                             |
| `history:<claim>`          | what the last run that worked on a claim spent on it     |                             |
| `status:<claim>`           | the last known progress of a claim, with its digest      |                             |

A step is usable only if every term that it refers to is there: a damaged record is a missing step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..deltas import base_of, chain
from ..keys import digest_of
from .index import new_terms

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping
    from typing import Any, Final, Protocol

    from ..store import CheckpointStore, Record
    from .step_request import StepRequest

    class ReadableStore(Protocol):
        def get(self, key: str) -> Record | None: ...
        def header(self, key: str) -> dict[str, Any] | None: ...
        def contains(self, key: str) -> bool: ...
        def scan(self, prefix: str) -> Iterator[tuple[str, Record]]: ...
        def scan_headers(self, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]: ...


FAMILY: Final = 7
"""So many other depths of one step are remembered, and so many others that were not compared with their target."""


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


def flaky_row(key: str) -> str:
    return f'flaky:{key}'


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
    terms = [header['init'], header['target']] if header['kind'] == 'reachability' else []
    if 'standing' in header:
        terms = header['standing']['steps']
    whole = all(store.contains(row) for row in rows) and all(_is_readable(store, term, set()) for term in terms)
    return header if whole else None


def read_step(store: ReadableStore, key: str, readable: set[str] | None = None) -> dict[str, Any] | None:
    """The header of a finished step, if it and every term it refers to are there.

    Args:
        readable: Terms that were found readable before, for whoever reads many steps; others are added.
    """
    header = store.header(step_row(key))
    if header is None:
        return None
    readable = set() if readable is None else readable
    return header if all(_is_readable(store, term, readable) for term in new_terms(header['results'])) else None


def read_term(store: ReadableStore, term: str) -> dict[str, bytes]:
    """The blobs that a term is read from, by their terms. Raises `kprover.deltas.MissingBase`."""

    return chain(term, _blobs_of(store))


def find_step(
    store: ReadableStore, request: StepRequest, among: Container[str] | None = None
) -> tuple[str, dict[str, Any]] | None:
    """A finished step that is the one asked for, or else of its family, or else of its kin; its key and its header.

    Args:
        among: The keys that may be taken; any, if `None`.
    """
    for key in _candidates(store, request):
        header = read_step(store, key) if among is None or key in among else None
        if header is not None and request.answered_by(key, header) is not None:
            return key, header
    return None


def _candidates(store: ReadableStore, request: StepRequest) -> Iterator[str]:
    yield request.key
    for family in request.families:
        others = store.header(family_row(family))
        if others is not None:
            yield from reversed(others['steps'])


def read_journal(store: ReadableStore, digest: str) -> list[tuple[int, str]]:
    """Node and step key of each commit, in order, up to the first one that is missing."""
    commits: list[tuple[int, str]] = []
    for sequence, (row, record) in enumerate(store.scan(journal_prefix(digest))):
        if row != journal_row(digest, sequence):
            break
        commits.append((record.header['node'], record.header['step']))
    return commits


def graph_digest(store: ReadableStore, digest: str) -> str:
    """Stands for the steps that a proof was made of, in whatever order: the rules that others make of it rest on it."""
    return digest_of({'steps': sorted(key for _, key in read_journal(store, digest))})


def renew_proof(
    store: CheckpointStore, digest: str, prepared: Mapping[str, Any], blob: bytes, commits: Iterable[tuple[int, str]]
) -> None:
    """Put another graph in the place of that of a proof: its beginning, and node and step key of each commit."""
    cut_journal(store, digest, 0)
    store.put(proof_row(digest), dict(prepared), blob)
    for sequence, (node, step) in enumerate(commits):
        store.put(journal_row(digest, sequence), {'node': node, 'step': step})


def forget_proof(store: CheckpointStore, digest: str) -> None:
    """Drop the verdict, the journal and the beginning of a proof; its steps stay."""
    store.delete(verdict_row(digest))
    cut_journal(store, digest, 0)
    store.delete(proof_row(digest))


def cut_journal(store: CheckpointStore, digest: str, length: int) -> bool:
    """Drop the commits from number `length` on, damaged ones too. Whether there were any."""
    rows = [row for row in store.keys(journal_prefix(digest)) if row >= journal_row(digest, length)]
    for row in rows:
        store.delete(row)
    return bool(rows)


def write_prepared(store: CheckpointStore, digest: str, header: Mapping[str, Any], blobs: Mapping[str, bytes]) -> None:
    """A prepared proof with its terms and modules."""
    write_parts(store, blobs)
    store.put(proof_row(digest), dict(header), blobs.get('proof', b''))


def write_parts(store: CheckpointStore, blobs: Mapping[str, bytes]) -> None:
    """The terms and modules of a prepared proof."""
    for name, blob in blobs.items():
        if name.startswith('module:'):
            _put_once(store, name, blob)
        elif name != 'proof':
            _put_once(store, term_row(name), blob)


def write_terms(store: CheckpointStore, blobs: Mapping[str, bytes]) -> None:
    """Terms by their hashes."""
    for name, blob in blobs.items():
        _put_once(store, term_row(name), blob)


def write_step(
    store: CheckpointStore, request: StepRequest, header: Mapping[str, Any], blobs: Mapping[str, bytes], *, run: str
) -> None:
    """A finished step with the terms of its new nodes. Not durable before the next commit of the store.

    Args:
        header: The worker's answer.
        run: Identity of the run in which it was made.
    """
    key = request.key
    header = {**header, 'run': run}
    if 'execute_depth' in request.fields:
        header['execute_depth'] = request.fields['execute_depth']
    family = request.family
    if request.kin and not header.get('compared', True):
        header['target'] = request.fields['target']
        family = request.kin
    known = store.header(family_row(family))
    siblings = [other for other in known['steps'] if other != key] if known is not None else []
    store.put(family_row(family), {'steps': [*siblings[-FAMILY:], key]})
    for name, blob in blobs.items():
        if name != 'detail':
            _put_once(store, term_row(name), blob)
    store.put(step_row(key), dict(header), blobs.get('detail', b''))


def _blobs_of(store: ReadableStore) -> Callable[[str], bytes | None]:
    def blob(term: str) -> bytes | None:
        record = store.get(term_row(term))
        return None if record is None else record.blob

    return blob


def _is_readable(store: ReadableStore, term: str, readable: set[str]) -> bool:
    links: list[str] = []
    link: str | None = term
    while link is not None and link not in readable:
        record = None if link in links else store.get(term_row(link))
        if record is None:
            return False
        links.append(link)
        link = base_of(record.blob)
    readable.update(links)
    return True


def _put_once(store: CheckpointStore, row: str, blob: bytes) -> None:
    """Content-addressed rows are written again only where the present record is damaged."""
    if store.get(row) is None:
        store.put(row, {}, blob)
