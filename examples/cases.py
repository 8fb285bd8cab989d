"""A prover of our own: equalities of functions, by cases.

`EqualityProof` asks the server once whether a function equals a value.  Where the rules of the function depend on how
its arguments compare, as in ``largest(largest(A, B), C) = largest(A, largest(B, C))``, no single answer decides it.
Here the claim is split into two cases, ``A < B`` and its negation, then each of them by the next comparison, until
each case is decided.  Cases are independent, so all that are pending are steps that may run at the same time.

A case is named by the answers to the comparisons so far, such as ``yn``: the first holds, the second does not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import TYPE_CHECKING

from pyk.kast.inner import KApply, KInner, KVariable, collect
from pyk.kast.manip import extract_lhs
from pyk.kast.prelude.kbool import notBool
from pyk.kast.prelude.kint import INT, ltInt
from pyk.kast.prelude.ml import mlEqualsTrue
from pyk.proof.implies import EqualityProof, ImpliesProofStep, ImpliesProver
from pyk.proof.proof import FailureInfo, Proof, ProofStatus, Prover

from kprover.proofs.kinds import ProofKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import Any

    from pyk.kast.outer import KClaim, KDefinition
    from pyk.kcfg.explore import KCFGExplore
    from pyk.proof.proof import ProofSummary


@dataclass(frozen=True)
class Case:
    """A step: decide the case with these answers."""

    answers: str


@dataclass(frozen=True)
class Decision:
    """The result of a step: whether the equality follows from the conditions of the case."""

    answers: str
    holds: bool


@dataclass(frozen=True)
class CasesSummary:
    """What a proof has come to, in a few lines."""

    id: str
    status: ProofStatus
    lines: list[str]


class CasesProof(Proof[Case, Decision]):
    """An equality and a tree of cases; it holds if all leaves of the tree do.

    Attributes:
        equality: The equality, as pyk has it.
        comparisons: The conditions to split by, in their order.
    """

    equality: EqualityProof
    comparisons: tuple[KInner, ...]

    def __init__(self, id: str, equality: EqualityProof, comparisons: Iterable[KInner], admitted: bool = False):
        super().__init__(id, admitted=admitted)
        self.equality = equality
        self.comparisons = tuple(comparisons)
        self._pending: dict[str, None] = {'': None}
        self._decided: dict[str, bool] = {}

    def get_steps(self) -> list[Case]:
        """Return the cases that are neither decided nor split."""
        return [Case(answers) for answers in self._pending]

    def commit(self, result: Decision) -> None:
        """Settle a case, or split it where there is a comparison left."""
        del self._pending[result.answers]
        if result.holds or len(result.answers) == len(self.comparisons):
            self._decided[result.answers] = result.holds
        else:
            self._pending |= dict.fromkeys((f'{result.answers}y', f'{result.answers}n'))

    def conditions(self, answers: str) -> list[KInner]:
        """Return the conditions of a case."""
        split = zip(answers, self.comparisons, strict=False)
        return [condition if answer == 'y' else notBool(condition) for answer, condition in split]

    @property
    def refuted(self) -> list[str]:
        """The cases in which the equality could not be shown."""
        return [answers for answers, holds in self._decided.items() if not holds]

    @property
    def own_status(self) -> ProofStatus:
        """Failed with the first case that could not be shown."""
        if self.refuted:
            return ProofStatus.FAILED
        return ProofStatus.PENDING if self._pending else ProofStatus.PASSED

    @property
    def can_progress(self) -> bool:
        """Whether a case is pending."""
        return bool(self._pending)

    @property
    def summary(self) -> ProofSummary:  # type: ignore[override]
        """Return the numbers of cases."""
        shown = sum(self._decided.values())
        lines = [
            f'CasesProof: {self.id}',
            f'    {shown} cases shown, {len(self.refuted)} not, {len(self._pending)} pending',
        ]
        return CasesSummary(self.id, self.status, lines)  # type: ignore[return-value]

    @property
    def dict(self) -> dict[str, Any]:
        """Return the proof without its cases: how it began."""
        comparisons = [comparison.to_dict() for comparison in self.comparisons]
        return {**super().dict, 'type': 'CasesProof', 'equality': self.equality.dict, 'comparisons': comparisons}

    @classmethod
    def from_dict(cls, dct: Mapping[str, Any], proof_dir: Path | None = None) -> CasesProof:
        """Return the proof as it began."""
        comparisons = [KInner.from_dict(comparison) for comparison in dct['comparisons']]
        return CasesProof(dct['id'], EqualityProof.from_dict(dct['equality']), comparisons, dct['admitted'])

    def write_proof_data(self) -> None:
        """Write nothing: who made the proof keeps it."""


class CasesProver(Prover[CasesProof, Case, Decision]):
    """Decides cases, each by pyk's own prover of equalities under the conditions of the case."""

    def __init__(self, explore: KCFGExplore):
        self._explore = explore
        self._proof: CasesProof | None = None

    def init_proof(self, proof: CasesProof) -> None:
        """Take the proof whose cases are to be decided."""
        self._proof = proof

    def step_proof(self, step: Case) -> list[Decision]:
        """Decide a case."""
        assert self._proof is not None
        equality, conditions = self._proof.equality, self._proof.conditions(step.answers)
        case = EqualityProof(
            step.answers or 'all',
            equality.lhs_body,
            equality.rhs_body,
            equality.sort,
            [*equality.constraints, *map(mlEqualsTrue, conditions)],
        )
        (result,) = ImpliesProver(case, self._explore).step_proof(ImpliesProofStep(case))
        return [Decision(step.answers, result.csubst is not None)]

    def failure_info(self, proof: CasesProof) -> FailureInfo:
        """Return nothing: the kind explains a proof."""
        return FailureInfo()

    def close(self) -> None:
        """Leave the connection to who made it."""


class Cases(ProofKind[CasesProof, Case, Decision]):
    """Equalities of functions over integers, by the comparisons of their variables."""

    def __init__(self, depth: int = 6):
        """Make the kind.

        Args:
            depth: At most so many comparisons are used, so there are at most ``2 ** depth`` cases.
        """
        self._depth = depth

    def begin(self, claim: KClaim, definition: KDefinition) -> CasesProof:
        """Return the proof of an equality of functions."""
        left = extract_lhs(claim.body)
        if not isinstance(left, KApply) or left.label.name not in definition.function_labels:
            raise ValueError('a left-hand side that is no application of a function')
        equality = EqualityProof.from_claim(claim, definition)
        names: dict[str, KVariable] = {}

        def note(term: KInner) -> None:
            if isinstance(term, KVariable) and term.sort == INT:
                names.setdefault(term.name, term)

        collect(note, KApply('#Equals', equality.lhs_body, equality.rhs_body))
        variables = [names[name] for name in sorted(names)]
        comparisons = [ltInt(*pair) for two in combinations(variables, 2) for pair in permutations(two)]
        return CasesProof(claim.label, equality, comparisons[: self._depth])

    def prover(self, explore: KCFGExplore) -> CasesProver:
        """Return a prover over a connection."""
        return CasesProver(explore)

    def explain(self, proof: CasesProof) -> str:
        """Return the cases that were not shown."""
        cases = [' and '.join(map(_text, proof.conditions(answers))) or 'any case' for answers in proof.refuted]
        return '\n'.join(['The two sides could not be shown equal in these cases:', *(f'  {case}' for case in cases)])

    def write_proof(self, proof: CasesProof) -> bytes:
        """Return how the proof began, without its claim's name."""
        dct = {**proof.dict, 'id': 'cases'}
        return _json({**dct, 'equality': {**dct['equality'], 'id': 'equality'}})

    def read_proof(self, data: bytes) -> CasesProof:
        """Return the proof as it began."""
        return CasesProof.from_dict(json.loads(data))

    def write_step(self, step: Case) -> bytes:
        """Return the case."""
        return step.answers.encode('ascii')

    def read_step(self, data: bytes, proof: CasesProof) -> Case:
        """Return the case."""
        return Case(data.decode('ascii'))

    def write_result(self, result: Decision) -> bytes:
        """Return the decision."""
        return _json({'answers': result.answers, 'holds': result.holds})

    def read_result(self, data: bytes, proof: CasesProof) -> Decision:
        """Return the decision."""
        return Decision(**json.loads(data))


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode('ascii')


def _text(condition: KInner) -> str:
    match condition:
        case KApply(label, (inner,)) if label.name == 'notBool_':
            return f'not {_text(inner)}'
        case KApply(_, (KVariable(one), KVariable(other))):
            return f'{one} < {other}'
    return str(condition)
