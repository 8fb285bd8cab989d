"""From suites to proofs: which proof each claim is, by digest, and which proofs it waits for.

Pure: files were read when the suites were loaded. Claims of equal content share one proof.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..keys import proof_digest
from ..suites import file_digest, semantics_identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from ..suites import Claim, ClaimOptions, Suite


@dataclass(frozen=True)
class PlannedProof:
    """One proof of the run.

    Attributes:
        digest: Its identity, see `kprover.keys.proof_digest`.
        claims: The claims it decides: one, or several with equal content.
        definition: Digest of the definition.
        main_module: Main module of the definition.
        semantics: Identity of the semantics class, empty for the default.
        dependencies: Digests of the proofs that must have passed before it starts.
        dependents: How many proofs wait for it, directly or not.
        inputs: The fields behind the digest, stored with the verdict.
    """

    digest: str
    claims: tuple[Claim, ...]
    definition: str
    main_module: str
    semantics: str
    dependencies: tuple[str, ...]
    inputs: Mapping[str, Any]
    dependents: int = 0

    @property
    def claim(self) -> Claim:
        return self.claims[0]


@dataclass(frozen=True)
class Plan:
    """The proofs of a run in the order of their first claims, and the proof of each claim by the claim's name."""

    proofs: Mapping[str, PlannedProof]
    digest_of_claim: Mapping[str, str]


def plan(suites: Iterable[Suite], claims: Iterable[Claim], backend: str) -> Plan:
    """The proofs behind `claims`, which must contain all claims that they depend on (`kprover.suites.select`).

    Args:
        backend: Identity of the server program; another program makes other proofs.
    """
    suite_of = {suite.name: suite for suite in suites}
    claims = tuple(claims)
    by_name = {claim.name: claim for claim in claims}
    digests: dict[str, str] = {}
    proofs: dict[str, PlannedProof] = {}

    for name in _dependencies_first(by_name):
        claim = by_name[name]
        suite = suite_of[claim.suite]
        dependencies = tuple(dict.fromkeys(digests[dependency] for dependency in claim.depends))
        semantics = '' if claim.options.semantics is None else semantics_identity(claim.options.semantics)
        inputs = {
            'definition': suite.definition_digest,
            'main_module': suite.main_module,
            'claim': claim.digest,
            'admitted': claim.admitted,
            'options': proof_options(claim.options, semantics),
            'dependencies': dependencies,
            'backend': backend,
        }
        digest = proof_digest(
            definition=suite.definition_digest,
            main_module=suite.main_module,
            claim=claim.digest,
            admitted=claim.admitted,
            options=proof_options(claim.options, semantics),
            dependencies=dependencies,
            backend=backend,
        )
        digests[name] = digest
        if digest in proofs:
            proofs[digest] = replace(proofs[digest], claims=(*proofs[digest].claims, claim))
        else:
            proofs[digest] = PlannedProof(
                digest=digest,
                claims=(claim,),
                definition=suite.definition_digest,
                main_module=suite.main_module,
                semantics=semantics,
                dependencies=dependencies,
                inputs=inputs,
            )

    dependents = _count_dependents(proofs)
    in_order = dict.fromkeys(digests[claim.name] for claim in claims)
    return Plan(
        proofs={digest: replace(proofs[digest], dependents=dependents[digest]) for digest in in_order},
        digest_of_claim=digests,
    )


def proof_options(options: ClaimOptions, semantics: str) -> dict[str, Any]:
    """The options that can change a proof's graph or verdict, with files and classes replaced by their digests."""
    return {
        'execute_depth': options.execute_depth,
        'cut_point_rules': sorted(options.cut_point_rules),
        'terminal_rules': sorted(options.terminal_rules),
        'bmc_depth': options.bmc_depth,
        'semantics': semantics,
        'lemmas': [file_digest(path) for path in options.lemmas],
        'assume_defined': options.assume_defined,
        'fast_check_subsumption': options.fast_check_subsumption,
        'direct_subproof_rules': options.direct_subproof_rules,
    }


def _dependencies_first(claims: Mapping[str, Claim]) -> list[str]:
    """All claims, each after those it depends on. Cycles were refused when the suites were loaded."""
    order: dict[str, None] = {}
    for name in claims:
        stack = [name]
        while stack:
            top = stack[-1]
            missing = [dependency for dependency in claims[top].depends if dependency not in order]
            if missing:
                stack += missing
            else:
                order[stack.pop()] = None
    return list(order)


def _count_dependents(proofs: Mapping[str, PlannedProof]) -> dict[str, int]:
    waiting: dict[str, set[str]] = {digest: set() for digest in proofs}
    for digest in reversed(list(proofs)):  # dependencies were inserted first
        for dependency in proofs[digest].dependencies:
            waiting[dependency] |= {digest} | waiting[digest]
    return {digest: len(others) for digest, others in waiting.items()}
