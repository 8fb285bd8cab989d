"""Reused steps that are made again and compared: the mode `verify` of a run.

A step is chosen by its key, so a share of them is the same steps in every run, whatever claims they serve. A proof that
uses a chosen step is not settled before the step is done; one that uses a step with another result is an error. The
step is then taken back, and every proof that rests on it is proved again by the next run.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ..deltas import DamagedTerm, text_of
from . import ledger
from .difference import difference
from .queue import Work
from .standing import withdraw_step

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Final

    from ..store import CheckpointStore
    from .proof_run import ProofRun

_DIGITS: Final = 12


def chosen(key: str, share: float) -> bool:
    """Whether a step belongs to the given share (0 to 1) of all steps. A greater share holds all of a smaller one."""
    return int(key[:_DIGITS], 16) < share * 16**_DIGITS


class Verification:
    """What is known in this run of reused steps; owned by the engine.

    Attributes:
        verified: Steps that were made again with the result that they had.
        doubtful: Why a step is in doubt, by key.
    """

    def __init__(self, store: CheckpointStore, share: float, run: str):
        """
        Args:
            share: How many of the reused steps are made again, 0 to 1.
            run: Identity of the run, for what is written about doubtful steps.
        """
        self._store = store
        self._share = share
        self._run = run
        self._waiting: dict[str, list[tuple[str, int]]] = {}
        self._took: dict[str, list[ProofRun]] = {}  # the proofs that took a step from elsewhere, by its key
        self.verified: set[str] = set()
        self.doubtful: dict[str, str] = {}

    def use(self, proof: ProofRun, node: int, key: str, header: Mapping[str, Any]) -> tuple[bool, Work | None]:
        """A proof is about to take a step from the store.

        Returns:
            Whether it may, and the work to be done for it, if that is not under way. It may not where it cannot be
            told how the step was asked for, so that it could not be made again.
        """
        if key in self.verified or not chosen(key, self._share):
            return True, None
        if key in self.doubtful:
            proof.doubt = self.doubtful[key]
            return True, None
        request = proof.request_of(node, key, header)
        if request is None:
            return False, None
        under_way = key in self._waiting
        self._waiting.setdefault(key, []).append((proof.digest, node))
        proof.verifying.add(key)
        if 'imported' in header:
            self._took.setdefault(key, []).append(proof)
        return True, None if under_way else Work('verify', proof.digest, node, request)

    def waiting(self, key: str) -> list[tuple[str, int]]:
        """The proofs that wait for the step, by digest, each with its node."""
        return self._waiting.get(key, [])

    def begin_again(self, proof: ProofRun) -> None:
        """A proof is rebuilt, and will ask anew."""
        for waiting in self._waiting.values():
            waiting[:] = [entry for entry in waiting if entry[0] != proof.digest]
        for took in self._took.values():
            took[:] = [other for other in took if other is not proof]
        proof.verifying.clear()

    def compare(self, work: Work, claim: str, header: Mapping[str, Any], blobs: Mapping[str, bytes]) -> str:
        """What a chosen step has brought now. Returns why it is in doubt, empty if it is not.

        A difference is written, with both results, and the step taken back. A step from elsewhere that has the same
        result is one that was made here. Committed by the caller.

        Args:
            claim: The claim in whose name it was made.
            header: The answer, or its `error`.
            blobs: The terms of the answer.
        """
        assert work.request is not None
        key = work.request.key
        stored = ledger.read_step(self._store, key)
        if stored is None:
            return ''
        try:
            reason = self._difference(work, stored, header, blobs)
        except DamagedTerm:  # as with a damaged step, there is nothing to compare with
            return ''
        if not reason:
            self.verified.add(key)
            self._made_here(key, stored)
            return ''
        doubt = f'step {key} at node {work.node} is flaky or unsound: made again, {reason}'
        record = self._store.get(ledger.step_row(key))
        for name, blob in blobs.items():
            if name != 'detail' and not self._store.contains(ledger.term_row(name)):
                self._store.put(ledger.term_row(name), {}, blob)
        withdrawn = withdraw_step(self._store, key)
        self._store.put(
            ledger.flaky_row(key),
            {
                'claim': claim,
                'node': work.node,
                'run': self._run,
                'difference': reason,
                'stored': stored,
                'found': dict(header),
                'withdrawn': list(withdrawn),
            },
            b'' if record is None else record.blob,
        )
        self.doubtful[key] = doubt
        return doubt

    def _made_here(self, key: str, stored: Mapping[str, Any]) -> None:
        """A verified step bears no mark of where it came from any more, and counts for no reservation."""
        record = self._store.get(ledger.step_row(key))
        if record is None or 'imported' not in stored:
            return
        header = {name: value for name, value in stored.items() if name != 'imported'}
        self._store.put(ledger.step_row(key), {**header, 'run': self._run}, record.blob)
        for proof in self._took.pop(key, ()):
            proof.imported -= Counter([stored['imported']])

    def end(self, key: str) -> list[tuple[str, int]]:
        """Nothing more is to be expected of a step. Returns the proofs that waited for it."""
        return self._waiting.pop(key, [])

    def summary(self) -> str:
        """What was verified in the run, as a sentence."""
        same, other = len(self.verified), len(self.doubtful)
        if not same + other:
            return f'verify: none of the reused steps was in the share of {self._share:g} that is made again'
        text = f'verify: {same + other} reused steps were made again, {same} with the same result'
        return f'{text}, {other} with another' if other else text

    def _difference(
        self, work: Work, stored: Mapping[str, Any], header: Mapping[str, Any], blobs: Mapping[str, bytes]
    ) -> str:
        assert work.request is not None
        if 'error' in header:
            return f'it ends in an error: {header["error"]["type"]}: {header["error"]["message"]}'

        def blob(name: str) -> bytes | None:
            if name in blobs:
                return blobs[name]
            record = self._store.get(ledger.term_row(name))
            return None if record is None else record.blob

        source = work.request.fields.get('node', '')
        return difference(stored['results'], header['results'], source=source, term=lambda name: text_of(name, blob))
