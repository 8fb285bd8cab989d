"""The same claims, proved twice: in two stores, or with two server programs. What differs, and what each cost.

Terms are not compared: another program writes another term for the same state. Graphs are, up to the numbers of their
nodes and to where a chain of steps was cut by the execute depth: how they branch, and at which depth and in which state
each leaf is. Read-only, and beside a run.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from .backends import AUTO, EMBEDDED, EXTERNAL
from .engine import EngineError, Ledger, Status
from .engine import ledger as rows
from .engine.index import TARGET, ProofIndex
from .keys import digest_of
from .store import StoreReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

    from .engine import RunConfig
    from .engine.ledger import ReadableStore
    from .suites import Claim, Suite


_MAGIC: Final = b'SQLite format 3\x00'


@dataclass(frozen=True)
class Side:
    """Where verdicts are looked up.

    Attributes:
        name: As it was given.
        config: With the store, and the server program if that is asked for.
        current: Whether only verdicts for the claims as they are now count, with that program; otherwise the last
            verdict of a claim, whichever program it is of.
    """

    name: str
    config: RunConfig
    current: bool


@dataclass(frozen=True)
class Outcome:
    """How a claim ended on one side.

    Attributes:
        status: `passed` or `failed`, or what the last run left it at.
        reason: One line, with what reservation it passed or why not.
        nodes: Nodes of its graph.
        steps: Steps of its proof.
        depth: Rewrite steps to the deepest node.
        requests: Requests to the server for it.
        seconds: Time that workers spent on it.
        leaves: How many leaves there are in each state at each depth.
        shape: Digest of the shape of the graph; empty where there is none.
        inputs: The inputs of the proof, without the server program.
    """

    status: str
    reason: str
    nodes: int
    steps: int
    depth: int
    requests: int
    seconds: float
    leaves: Mapping[str, int]
    shape: str
    inputs: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), 'inputs': dict(self.inputs), 'leaves': dict(self.leaves)}


@dataclass(frozen=True)
class Pair:
    """A claim on both sides; a side that knows nothing of it is `None`."""

    claim: str
    left: Outcome | None
    right: Outcome | None

    @property
    def same_verdict(self) -> bool:
        """Whether the verdicts agree, as far as there are two."""
        verdicts = [side.status for side in (self.left, self.right) if side is not None and _is_verdict(side.status)]
        return len(set(verdicts)) < 2

    @property
    def differences(self) -> tuple[str, ...]:
        """What differs but time and requests, a line each."""
        left, right = self.left, self.right
        if left is None or right is None:
            return () if left is right else ('known on one side only',)
        found = []
        if left.status != right.status:
            found.append(f'verdict: {left.status} | {right.status}')
        if _without_numbers(left.reason) != _without_numbers(right.reason):
            found.append(f'reason: {left.reason or "none"} | {right.reason or "none"}')
        if left.shape and right.shape and left.shape != right.shape:
            found.append(_graph_difference(left, right))
        changed = sorted(
            name for name in {*left.inputs, *right.inputs} if left.inputs.get(name) != right.inputs.get(name)
        )
        if changed:
            found.append(f'not the same proof: {", ".join(changed)} differ')
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        return {
            'claim': self.claim,
            'left': None if self.left is None else self.left.to_dict(),
            'right': None if self.right is None else self.right.to_dict(),
            'same_verdict': self.same_verdict,
            'differences': list(self.differences),
        }


@dataclass(frozen=True)
class Comparison:
    """All claims of some suites on both sides."""

    left: str
    right: str
    pairs: tuple[Pair, ...]

    @property
    def same_verdicts(self) -> bool:
        return all(pair.same_verdict for pair in self.pairs)

    def to_dict(self) -> dict[str, Any]:
        return {
            'left': self.left,
            'right': self.right,
            'same_verdicts': self.same_verdicts,
            'claims': [pair.to_dict() for pair in self.pairs],
        }


def side(text: str, config: RunConfig) -> Side:
    """A side as it is named: `STORE`, `BACKEND` (in the store of `config`), or `STORE@BACKEND`.

    Raises:
        EngineError: there is no such store, or it is neither.
    """
    path, separator, backend = text.partition('@')
    if separator:
        return Side(text, replace(_with_store(config, path), backend=backend, addresses=()), current=True)
    if text.endswith('.sqlite') or _is_database(Path(text)):
        return Side(text, _with_store(config, text), current=False)
    if text not in (AUTO, *EXTERNAL, EMBEDDED) and os.sep not in text:
        known = ', '.join((AUTO, *EXTERNAL, EMBEDDED))
        raise EngineError(f'{text}: expected a store or a backend ({known}, or the path of a program), found neither')
    return Side(text, replace(config, backend=text, addresses=()), current=True)


def compare(suites: Sequence[Suite], left: Side, right: Side) -> Comparison:
    """The claims of `suites` on both sides.

    Raises:
        BackendError: a side is a server program that cannot be found, so that its keys are not known.
        EngineError: neither side knows anything of any claim.
        StoreError: a store cannot be read.
    """
    claims = [claim for suite in suites for claim in suite.claims]
    first, second = (_outcomes(suites, claims, one) for one in (left, right))
    if not any(first.values()) and not any(second.values()):
        raise EngineError(
            f'{left.name} and {right.name}: expected verdicts of these suites, found none; prove them with each first'
        )
    pairs = tuple(Pair(claim.name, first[claim.name], second[claim.name]) for claim in claims)
    return Comparison(left.name, right.name, pairs)


def _with_store(config: RunConfig, path: str) -> RunConfig:
    if not Path(path).is_file():
        raise EngineError(f'{path}: expected a checkpoint store, found no file')
    return replace(config, store=Path(path).absolute())


def _is_database(path: Path) -> bool:
    """Whether a file is a store; a server program may be named by its path, too."""
    if not path.is_file():
        return False
    with path.open('rb') as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _is_verdict(status: str) -> bool:
    return status in (Status.PASSED.value, Status.FAILED.value)


def _outcomes(suites: Sequence[Suite], claims: Sequence[Claim], one: Side) -> dict[str, Outcome | None]:
    with StoreReader(one.config.store) as store:
        if not one.current:
            return {claim.name: _outcome(store, claim.name, _last_digest(store, claim.name)) for claim in claims}
        ledger = Ledger(suites, one.config, reader=store)
        return {claim.name: _outcome(store, claim.name, ledger.proof(claim.name).digest) for claim in claims}


def _last_digest(store: ReadableStore, claim: str) -> str:
    last = store.header(rows.status_row(claim))
    return '' if last is None else str(last['digest'])


def _outcome(store: ReadableStore, claim: str, digest: str) -> Outcome | None:
    verdict = store.header(rows.verdict_row(digest))
    if verdict is None:
        last = store.header(rows.status_row(claim))
        if last is None or last['digest'] != digest:
            return None
        verdict = {**last['progress'], 'inputs': {}}
    index = _graph(store, digest)
    return Outcome(
        status=verdict['status'],
        reason=verdict['reason'],
        nodes=verdict['nodes'],
        steps=verdict['steps'],
        depth=verdict.get('depth', 0),
        requests=verdict.get('requests', 0),
        seconds=verdict.get('seconds', 0.0),
        leaves={} if index is None else leaves(index),
        shape='' if index is None else shape(index),
        inputs={name: _plain(value) for name, value in verdict['inputs'].items() if name not in _OF_THE_SIDE},
    )


_OF_THE_SIDE = ('backend', 'dependencies')
"""Inputs that are another with another program: the digests of dependencies cover theirs."""


def _without_numbers(reason: str) -> str:
    """A reason up to the numbering of nodes."""
    return re.sub(r'\bnode \d+', 'node', reason)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _graph(store: ReadableStore, digest: str) -> ProofIndex | None:
    """The graph of a proof, as far as the store has it; `None` for an equality, or a proof that was not begun."""
    prepared = rows.read_proof(store, digest)
    if prepared is None or prepared['kind'] != 'reachability':
        return None
    index = ProofIndex.of(prepared)
    for node, key in rows.read_journal(store, digest):
        header = store.header(rows.step_row(key))
        if header is None or not index.is_pending(node):
            break
        index.commit(node, header['results'])
    return index


# -- shapes --------------------------------------------------------------------------------------------------


def leaves(index: ProofIndex) -> dict[str, int]:
    """How many leaves there are in each state at each depth, as `covered at 12`."""
    inner = {node.parent for node in index.nodes.values()}
    counts = Counter(
        f'{node.state.value} at {node.depth}'
        for node in index.nodes.values()
        if node.id not in inner and node.id != TARGET
    )
    return dict(sorted(counts.items()))


def shape(index: ProofIndex) -> str:
    """Digest of how the graph branches and where its leaves are; equal for graphs that differ in numbering alone."""
    children: dict[int, list[str]] = {}
    root = ''
    for node in sorted(index.nodes.values(), key=lambda node: -node.id):  # children come after their parents
        if node.id == TARGET:
            continue
        below = children.pop(node.id, [])
        if len(below) == 1:
            own = below[0]  # a chain may be cut anywhere
        elif below:
            own = digest_of({'depth': node.depth, 'below': sorted(below)})
        else:
            own = digest_of({'depth': node.depth, 'state': node.state.value})
        if node.parent is None:
            root = own
        else:
            children.setdefault(node.parent, []).append(own)
    return root


def _graph_difference(left: Outcome, right: Outcome) -> str:
    only = [Counter(one.leaves) - Counter(other.leaves) for one, other in ((left, right), (right, left))]
    if not any(only):
        return 'graph: the same leaves, but other branches before them'
    parts = [', '.join(f'{number} {leaf}' for leaf, number in sorted(side.items())) or 'none' for side in only]
    return f'graph: leaves of one side only: {parts[0]} | {parts[1]}'
