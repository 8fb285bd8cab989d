"""What an audit has found, as values."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
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
class Contradiction:
    """A state without variables that the graph of a proof has no place for.

    Attributes:
        node: The node that it is an instance of.
        kind: What follows that node: `edge`, `split`, `ndbranch`, `cover`, nothing for one that is `vacuous` or
            `refuted`; `claim` where it is the claim as a whole, `equality` where there is no graph.
        what: What is wrong, in words.
        state: The state, as K prints it.
        kore: The same in Kore.
        values: Of the node's variables.
        reached: The state that it came to, where that is the wrong one.
    """

    node: int
    kind: str
    what: str
    state: str
    kore: str
    values: dict[str, str]
    reached: str = ''

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def where(self) -> str:
        place = {'claim': 'the claim', 'equality': 'the equality'}.get(self.kind, f'node {self.node} ({self.kind})')
        values = ', '.join(f'{name} = {" ".join(value.split())}' for name, value in self.values.items())
        return f'{place}, an instance with {values}' if values else f'{place}, which has one instance'

    def lines(self) -> list[str]:
        """For a person."""
        lines = [f'{self.where}: {self.what}']
        lines += [f'    {line}' for line in self.state.splitlines()]
        if self.reached:
            lines += ['  comes to', *(f'    {line}' for line in self.reached.splitlines())]
        return lines


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
        instances: How many instances were checked (`instances`), and skipped because the condition is false for them
            (`rejected`), they have no value (`no-value`), or it could not be told (`undecided`); `bounded` are paths
            that were left at a bound, `runs` executions that came to the target, `server-runs` those on the server.
            Empty if none were made.
        contradictions: The instances that contradict the proof.
        withdrawn: The claims whose verdicts were taken back for that.
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
    instances: dict[str, int] = field(default_factory=dict)
    contradictions: tuple[Contradiction, ...] = ()
    withdrawn: tuple[str, ...] = ()

    @property
    def confirmed(self) -> bool:
        """Whether a proof was found to be what the verdict says."""
        return not self.findings and not self.contradictions and not self.admitted

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
        instances = f', {self.instances.get("instances", 0)} instances' if self.instances else ''
        lines = [f'{self.claim}: {word}: {made}{graph}{instances}, {self.seconds:.1f} s']
        lines += [f'  {finding}' for finding in self.findings]
        lines += [f'  {line}' for contradiction in self.contradictions for line in contradiction.lines()]
        if self.withdrawn:
            lines.append(f'  taken back: the verdicts of {", ".join(self.withdrawn)}; prove them again')
        return lines + [f'  note: {notice}' for notice in self.notices]
