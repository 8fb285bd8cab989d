"""How the result of one step serves all who ask for the same one: other proofs of the run, and runs before this one.

Steps are the same by their families (see `StepRequest`): the first proof that asks for a step has it made, and the
others wait for it. Steps in the store are taken as the mode of the run has it: any of them, only those that this run
has made (`refresh`), or with a share of them made again (`verify`). Owned by the engine's thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import ledger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ..store import CheckpointStore
    from .proof_run import ProofRun
    from .queue import Work
    from .step_request import StepRequest
    from .verification import Verification


class SharedSteps:
    """Which steps this run has made, and which nodes wait for one that is queued or runs."""

    def __init__(self, store: CheckpointStore, reuse: str, verification: Verification):
        """
        Args:
            reuse: The mode of the run, see `RunConfig`.
        """
        self._store = store
        self._reuse = reuse
        self._verification = verification
        self._awaited: dict[str, list[tuple[str, int]]] = {}  # family of a step -> proofs and nodes that wait for it
        self._made: set[str] = set()  # keys, and kin of steps that were not compared with their target

    def made(self, request: StepRequest, header: Mapping[str, Any]) -> None:
        """A request has brought a result in this run, which goes into the store."""
        self._made.add(request.key)
        if not header.get('compared', True):
            self._made.add(request.kin)

    def find(self, request: StepRequest) -> tuple[str, dict[str, Any]] | None:
        """A step in the store, its key and its header; one that was made in this run before any other."""
        refresh = self._reuse == 'refresh'
        made = refresh or request.kin in self._made
        found = ledger.find_step(self._store, request, self._made) if made else None
        return found if found is not None or refresh else ledger.find_step(self._store, request)

    def find_diagnosis(self, request: StepRequest) -> dict[str, Any] | None:
        """The explanation of a failing node in the store."""
        if self._reuse == 'refresh' and request.key not in self._made:
            return None
        return self._store.header(ledger.diagnosis_row(request.key))

    def made_meanwhile(self, work: Work) -> bool:
        """Whether a step that waits to be made has been made for another claim, with another target."""
        if work.kind != 'step' or work.request is None or work.request.kin not in self._made:
            return False
        return ledger.find_step(self._store, work.request, self._made) is not None

    def use(self, proof: ProofRun, node: int, key: str, header: Mapping[str, Any]) -> tuple[bool, Work | None]:
        """A proof is about to take a step from the store.

        Returns:
            Whether it may, and the work to be done beside that, see `Verification.use`.
        """
        if self._reuse != 'verify' or key in self._made:
            return True, None
        return self._verification.use(proof, node, key, header)

    def ask(self, request: StepRequest, digest: str, node: int) -> bool:
        """A node of the proof `digest` needs a step. Whether it is to be made for it, nobody having asked before."""
        waiting = self._awaited.setdefault(request.family, [])
        waiting.append((digest, node))
        return len(waiting) == 1

    def waiting(self, work: Work) -> Sequence[tuple[str, int]]:
        """The proofs that wait for this work, by digest, each with its node."""
        if work.request is None:
            return ()
        if work.kind == 'verify':
            return self._verification.waiting(work.request.key)
        return self._awaited.get(work.request.family, ())

    def end(self, work: Work) -> Sequence[tuple[str, int]]:
        """Nothing more is to be expected of this work. Returns who waited for it; whoever still needs it asks anew."""
        if work.request is None:
            return ()
        if work.kind == 'verify':
            return self._verification.end(work.request.key)
        return self._awaited.pop(work.request.family, ())

    def begin_again(self, proof: ProofRun) -> None:
        """A proof is rebuilt, and will ask anew."""
        for family, waiting in list(self._awaited.items()):
            waiting[:] = [entry for entry in waiting if entry[0] != proof.digest]
            if not waiting:
                del self._awaited[family]
        self._verification.begin_again(proof)
