"""Steps under which servers or workers have died: how often, whether they were alone on their server, what they sent.

Where several steps were running on a server that died, any of them may be the reason. Such a step is tried again with
the server for itself, and only what happens to it then counts.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from ..pool import Case, replay_command, write_reproducer

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..backends import Backend
    from ..pool import Evidence
    from .proof_run import ProofRun
    from .queue import Work
    from .values import RunConfig


class Attempt(NamedTuple):
    """Names the same work over its attempts, whatever depth it is tried with."""

    kind: str
    digest: str
    node: int


class Suspects:
    """Owned by the engine; lives as long as the run."""

    def __init__(self) -> None:
        self._failures: Counter[Attempt] = Counter()
        self._alone: set[Attempt] = set()
        self._evidence: dict[Attempt, Evidence] = {}

    def failed(self, work: Work, *, shared: bool, evidence: Evidence | None) -> int:
        """Work was lost. Returns how often that counts against it so far."""
        attempt = attempt_of(work)
        if evidence is not None:
            self._forget(attempt)
            self._evidence[attempt] = evidence
        if shared and attempt not in self._alone:
            self._alone.add(attempt)
        else:
            self._failures[attempt] += 1
        return self._failures[attempt]

    def is_alone(self, work: Work) -> bool:
        """Whether the work must have a server for itself."""
        return attempt_of(work) in self._alone

    def reproducer(
        self,
        work: Work,
        proof: ProofRun,
        what: str,
        *,
        backend: Backend,
        config: RunConfig,
        module_text: Callable[[str], bytes],
    ) -> str:
        """Write down how to show again what has happened to a step; where, as the end of a sentence.

        Args:
            what: What has happened to it.
            module_text: The Kore text of an added module, by its name.
        """
        attempt = attempt_of(work)
        evidence = self._evidence.get(attempt)
        if evidence is None or work.request is None:
            return ''
        claim = proof.planned.claim
        case = Case(
            claim=claim.name,
            key=work.request.key,
            node=work.node,
            kind=work.kind,
            what=what,
            attempts=self._failures[attempt],
            kompiled=str(claim.kompiled),
            definition=proof.planned.definition,
            main_module=proof.planned.main_module,
            backend=backend.name,
            identity=backend.identity,
            command=evidence.command,
            address=evidence.address,
            environment=dict(config.environment),
            arguments=tuple(backend.arguments),
        )
        try:
            folder = write_reproducer(config.store.parent / 'reproducers', case, evidence, module_text)
        except (OSError, KeyError) as err:
            return f'; no reproducer could be written: {err}'
        return f'; to show it again: {replay_command(case, folder)}'

    def cleared(self, work: Work) -> None:
        """The work is done, or given up: what it sent is of no more interest."""
        attempt = attempt_of(work)
        self._alone.discard(attempt)
        self._forget(attempt)

    def _forget(self, attempt: Attempt) -> None:
        evidence = self._evidence.pop(attempt, None)
        if evidence is not None:
            evidence.requests.unlink(missing_ok=True)


def attempt_of(work: Work) -> Attempt:
    return Attempt(work.kind, work.digest, work.node)
