"""What an audit has found, as values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


class AuditError(Exception):
    """There is nothing to audit, or it could not be done; this says nothing about the claim."""


@dataclass(frozen=True)
class Finding:
    """Something that is not as the store has it.

    Attributes:
        where: The part of the proof: the verdict, the claim, a node with its step.
        what: What was recorded and what was found, in words.
    """

    where: str
    what: str

    def __str__(self) -> str:
        return f'{self.where}: {self.what}'


@dataclass(frozen=True)
class AuditReport:
    """The audit of one claim.

    Attributes:
        claim: `suite/LABEL`.
        digest: The proof's digest.
        status: The recorded verdict, empty if there is none.
        backend: Where steps were re-executed.
        steps: Steps in the journal.
        executed: Steps that were made again.
        implied: Those of them whose result is another one now, which the recorded one covers.
        imported: Steps in the journal that came with a proof from elsewhere.
        admitted: Whether the claim is trusted: it has no proof, so there is nothing to confirm.
        nodes: Nodes of the graph.
        ends: How many branches end in which way.
        findings: Why the verdict is not confirmed.
        notices: What the verdict rests on besides.
        seconds: Wall-clock time.
    """

    claim: str
    digest: str
    status: str
    backend: str
    steps: int
    executed: int
    implied: int
    imported: int
    admitted: bool
    nodes: int
    ends: dict[str, int]
    findings: tuple[Finding, ...]
    notices: tuple[str, ...]
    seconds: float

    @property
    def confirmed(self) -> bool:
        """Whether a proof was found to be what the verdict says."""
        return not self.findings and not self.admitted

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), 'confirmed': self.confirmed}

    def lines(self) -> list[str]:
        """For a person."""
        if self.admitted and not self.findings:
            lines = [f'{self.claim}: trusted, not confirmed: it was admitted without a proof, so nothing was checked']
            return lines + [f'  note: {notice}' for notice in self.notices]
        ends = ', '.join(f'{count} {state}' for state, count in sorted(self.ends.items()))
        made = f'{self.executed} of {self.steps} steps re-executed on {self.backend}'
        graph = f', {self.nodes} nodes, ends of branches: {ends or "none"}' if self.nodes else ''
        word = f'confirmed, {self.status}' if self.confirmed else 'not confirmed'
        lines = [f'{self.claim}: {word}: {made}{graph}, {self.seconds:.1f} s']
        lines += [f'  {finding}' for finding in self.findings]
        return lines + [f'  note: {notice}' for notice in self.notices]
