"""Proofs of the users' own kinds: prepared, stepped and committed through a `ProofKind`.

Commits are made in whichever worker is asked what is pending: it replays the journal from where it last was with that
proof. Each worker therefore makes each commit at most once, and no state of a proof is ever sent around.
"""

from __future__ import annotations

import base64
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

from pyk.cterm.symbolic import CTermSMTError
from pyk.kore.rpc import KoreClientError

from ..plugins.running import Unkeyed
from .codec import canonical, pack, sha256, unpack
from .errors import InputError, MissingRecord, StepError
from .kinds import ProofKind
from .rebuild import stored
from .semantics import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, Final

    from pyk.kast.outer import KClaim, KDefinition
    from pyk.kcfg.explore import KCFGExplore
    from pyk.proof.proof import Proof, Prover

    from .rebuild import ReadableStore
    from .sources import Definition

KIND: Final = 'foreign'

_FORMAT: Final = 1
_LEVEL: Final = 1
_REMEMBERED: Final = 16


class ProverError(StepError):
    """A class of the user's raised something, or gave what is none of its kind."""


class _User:
    """A class of the user's: its `ProofKind`, and its methods called so that what goes wrong in them has its name."""

    def __init__(self, reference: str, identity: str | None):
        """Make an object of it; see `semantics.load`. Raises `InputError`."""
        self.reference = reference
        self._plugin, name = load(reference, 'prover', identity)
        if not isinstance(self._plugin.made, ProofKind):
            raise InputError(f'prover: expected {name} to be a ProofKind, found {type(self._plugin.made).__name__}')
        self.kind: ProofKind[Any, Any, Any] = self._plugin.made

    def begin(self, claim: KClaim, definition: KDefinition, label: str) -> Proof[Any, Any]:
        """The initial proof of a claim. Raises `InputError` if the claim is none for this class."""
        try:
            proof: Proof[Any, Any] = self._run('begin', self.kind.begin, claim, definition)
        except StepError:
            raise
        except ValueError as err:
            raise InputError(f'claim {label}: expected a claim for {self.reference}, found: {err}') from err
        except Exception as err:
            raise self._raised('begin', err) from err
        return proof

    def call(self, method: Callable[..., Any], *args: object) -> Any:
        """What a method returns; whatever it raises is reported with its name."""
        try:
            return self._run(method.__name__, method, *args)
        except (StepError, KoreClientError, CTermSMTError, MemoryError):
            raise  # of the server or of the machine, not of the class
        except Exception as err:
            raise self._raised(method.__name__, err) from err

    def listed(self, method: Callable[..., Iterable[Any]], *args: object) -> list[Any]:
        """All that a method gives, a generator's too."""

        @wraps(method)
        def all_of_it(*args: object) -> list[Any]:
            return list(method(*args))

        found: list[Any] = self.call(all_of_it, *args)
        return found

    def bytes_of(self, method: Callable[..., object], value: object) -> bytes:
        """What a method returns, which must be bytes."""
        found = self.call(method, value)
        if not isinstance(found, bytes):
            raise ProverError(
                f'prover {self.reference}: expected {method.__name__} to return bytes, found {type(found).__name__}'
            )
        return found

    def _run(self, name: str, method: Callable[..., Any], *args: object) -> Any:
        try:
            return self._plugin.run(method, *args)
        except Unkeyed as err:
            raise InputError(f'prover {self.reference}: in {name} {err}') from err

    def _raised(self, method: str, err: Exception) -> ProverError:
        return ProverError(f'prover {self.reference}: {method} raised {type(err).__name__}: {err}')


@dataclass
class _Replayed:
    """A proof as it is after the first commits of its journal; `last` is the step key of the latest of them."""

    initial: str
    proof: Proof[Any, Any]
    commits: int = 0
    last: str = ''


class ForeignProofs:
    """The proofs of users' kinds in one worker process; for one thread."""

    def __init__(self) -> None:
        self._users: dict[tuple[str, str], _User] = {}
        self._replayed: OrderedDict[str, _Replayed] = OrderedDict()
        self._provers: OrderedDict[tuple[str, str], tuple[KCFGExplore, Proof[Any, Any], Prover[Any, Any, Any]]] = (
            OrderedDict()
        )

    def prepare(
        self, header: Mapping[str, Any], claim: KClaim, admitted: bool, definition: Definition
    ) -> tuple[dict[str, Any], dict[str, bytes]]:
        """The initial proof of a claim, and its pending steps.

        Args:
            header: `claim` (its label), `prover` (a reference to a `ProofKind`).

        Raises:
            InputError: the class cannot be used, or the claim is none for it.
        """
        user = self._user(header)
        proof = user.begin(claim, definition.kast, header['claim'])
        data = user.bytes_of(user.kind.write_proof, proof)
        standing, blobs = self._standing(user, proof, 0)
        answer = {'kind': KIND, 'prover': header['prover'], 'proof': sha256(data), 'admitted': admitted}
        return answer | {'standing': standing}, blobs | {'proof': zlib.compress(data, _LEVEL)}

    def step(
        self, header: Mapping[str, Any], blobs: Mapping[str, bytes], explore: KCFGExplore
    ) -> tuple[dict[str, Any], dict[str, bytes]]:
        """Make a step.

        Args:
            header: `prover`, `proof` and `step` (hashes).
            blobs: `proof`, and the step by its hash.

        Returns:
            A result that says which step it is of, and the hash of what it found; that itself is the `detail`.
        """
        user = self._user(header)
        initial, prover = self._prover(header, user, blobs, explore)
        step = user.call(user.kind.read_step, _text(blobs.get(header['step']), 'step'), initial)
        results = user.listed(prover.step_proof, step)
        written = [user.bytes_of(user.kind.write_result, result) for result in results]
        detail = {'format': _FORMAT, 'results': [base64.b64encode(data).decode('ascii') for data in written]}
        result = {'kind': KIND, 'step': header['step'], 'content': sha256(canonical(detail))}
        return {'results': [result], 'rewrites': 0}, {'detail': pack(detail)}

    def advance(self, header: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
        """What is pending after the first commits of a proof's journal.

        Args:
            header: `prover`, `digest` (of the proof), `commits` (how many), `store` (path).

        Returns:
            `standing`: `commits`, `status`, `steps` (hashes of what is pending), `explanation`; the steps by hash.

        Raises:
            MissingRecord: a row of the proof is not in the store.
        """
        from ..store import StoreError, StoreReader

        try:
            with StoreReader(Path(header['store'])) as store:
                proof = self._replay(store, header)
        except StoreError as err:
            raise MissingRecord(f'The proof {header["digest"]} cannot be read: {err}') from err
        standing, blobs = self._standing(self._user(header), proof, header['commits'])
        return {'standing': standing}, blobs

    def status(self, store: ReadableStore, digest: str, prepared: Mapping[str, Any]) -> str:
        """`passed`, `failed` or `pending`: what a proof in the store has come to."""
        prefix = f'journal:{digest}:'
        commits = sum(1 for number, (row, _) in enumerate(store.scan(prefix)) if row == f'{prefix}{number:08d}')
        header = {'prover': prepared['prover'], 'digest': digest, 'commits': commits}
        return _status(self._replay(store, header))

    def _replay(self, store: ReadableStore, header: Mapping[str, Any]) -> Proof[Any, Any]:
        digest, commits = header['digest'], header['commits']
        user = self._user(header)
        record = stored(store, f'proof:{digest}')
        known = self._replayed.pop(digest, None)
        if (
            known is None
            or known.initial != record.header['proof']
            or known.commits > commits
            or (known.commits and _journaled(store, digest, known.commits - 1) != known.last)
        ):
            data = _text(record.blob, 'proof')
            known = _Replayed(record.header['proof'], user.call(user.kind.read_proof, data))
        proof = known.proof
        for number in range(known.commits, commits):
            key = _journaled(store, digest, number)
            for text in unpack(stored(store, f'step:{key}').blob)['results']:
                data = base64.b64decode(text)
                result = user.call(user.kind.read_result, data, proof)
                user.call(proof.commit, result)
            known.commits, known.last = number + 1, key
        self._replayed[digest] = known
        while len(self._replayed) > _REMEMBERED:
            self._replayed.popitem(last=False)
        return proof

    def _standing(self, user: _User, proof: Proof[Any, Any], commits: int) -> tuple[dict[str, Any], dict[str, bytes]]:
        steps = user.listed(proof.get_steps)
        written = [user.bytes_of(user.kind.write_step, step) for step in steps]
        blobs = {sha256(data): zlib.compress(data, _LEVEL) for data in written}
        status = user.call(_status, proof)
        explanation = user.call(user.kind.explain, proof) if status == 'failed' else ''
        return {'commits': commits, 'status': status, 'steps': list(blobs), 'explanation': explanation}, blobs

    def _prover(
        self,
        header: Mapping[str, Any],
        user: _User,
        blobs: Mapping[str, bytes],
        explore: KCFGExplore,
    ) -> tuple[Proof[Any, Any], Prover[Any, Any, Any]]:
        """The initial proof, and a prover that has begun with it over the explorer's connection."""
        name = (header['prover'], header['proof'])
        known = self._provers.pop(name, None)
        if known is None or known[0] is not explore:
            data = _text(blobs.get('proof'), 'proof')
            if sha256(data) != header['proof']:
                raise MissingRecord(f'Expected the proof {header["proof"]}, found another one: {sha256(data)}')
            proof = user.call(user.kind.read_proof, data)
            prover = user.call(user.kind.prover, explore)
            user.call(prover.init_proof, proof)
            known = (explore, proof, prover)
        self._provers[name] = known
        while len(self._provers) > _REMEMBERED:
            self._provers.popitem(last=False)
        return known[1], known[2]

    def _user(self, header: Mapping[str, Any]) -> _User:
        reference = header['prover']
        identity = header.get('classes', {}).get(reference)
        name = (reference, identity or '')
        if name not in self._users:
            self._users[name] = _User(reference, identity)
        return self._users[name]


def _status(proof: Proof[Any, Any]) -> str:
    return str(proof.status.value)


def _journaled(store: ReadableStore, digest: str, number: int) -> str:
    return str(stored(store, f'journal:{digest}:{number:08d}').header['step'])


def _text(blob: bytes | None, what: str) -> bytes:
    if blob is None:
        raise MissingRecord(f'Expected a blob for the {what}, found none.')
    try:
        return zlib.decompress(blob)
    except zlib.error as err:
        raise MissingRecord(f'The blob of the {what} is damaged: {err}') from err
