"""From suites to proofs: which proof each claim is, by digest, and which proofs it waits for.

Pure: files were read when the suites were loaded. Claims of equal content share one proof.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Protocol

from ..keys import proof_digest, proof_inputs
from ..suites import file_digest, semantics_identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Final

    from ..suites import Claim, ClaimOptions, Suite

LIMITS: Final = ('step_timeout', 'time_limit', 'max_steps', 'max_nodes', 'max_branching')
"""The options that bound how much is done for a claim."""


@dataclass(frozen=True)
class PlannedProof:
    """One proof of the run.

    Attributes:
        digest: Its identity, see `kprover.keys.proof_digest`.
        claims: The claims it decides: one, or several with equal content.
        definition: Digest of the definition.
        main_module: Main module of the definition.
        semantics: Identity of the semantics class, empty for the default.
        prover: Identity of the prover's class, empty for pyk's own provers.
        dependencies: Digests of the proofs that must have passed before it starts.
        depends: The digests of `dependencies` by the names of the claims that the first of `claims` names.
        dependents: How many proofs wait for it, directly or not.
        inputs: The fields behind the digest, see `kprover.keys.proof_inputs`; stored with the verdict.
        service: Which servers its steps can run on, a name; the kompiled folder, unless it has a program of its own.
    """

    digest: str
    claims: tuple[Claim, ...]
    definition: str
    main_module: str
    semantics: str
    prover: str
    dependencies: tuple[str, ...]
    inputs: Mapping[str, Any]
    depends: Mapping[str, str]
    dependents: int = 0
    service: str = ''

    @property
    def claim(self) -> Claim:
        return self.claims[0]

    @cached_property
    def limits(self) -> ClaimOptions:
        """Options with the loosest limits of its claims: what one of them is not to take longer than binds no other."""
        options = [claim.options for claim in self.claims]
        given = {name: [getattr(one, name) for one in options] for name in LIMITS}
        loosest: dict[str, Any] = {name: None if None in values else max(values) for name, values in given.items()}
        return replace(options[0], **loosest)


@dataclass(frozen=True)
class Plan:
    """The proofs of a run in the order of their first claims, and the proof of each claim by the claim's name."""

    proofs: Mapping[str, PlannedProof]
    digest_of_claim: Mapping[str, str]


class ServerPrograms(Protocol):
    """Which server program a claim is proved with: `kprover.engine.services.Services` is one."""

    def identity(self, claim: Claim) -> str:
        """What stands for it in keys: another program makes other proofs."""

    def name(self, claim: Claim) -> str:
        """The servers that the claim can share."""


@dataclass(frozen=True)
class OneProgram:
    """A server program of this identity for all claims."""

    program: str

    def identity(self, claim: Claim) -> str:
        return self.program

    def name(self, claim: Claim) -> str:
        return str(claim.kompiled)


def plan(suites: Iterable[Suite], claims: Iterable[Claim], programs: ServerPrograms) -> Plan:
    """The proofs behind `claims`, which must contain all claims that they depend on (`kprover.suites.select`)."""
    suite_of = {suite.name: suite for suite in suites}
    claims = tuple(claims)
    by_name = {claim.name: claim for claim in claims}
    digests: dict[str, str] = {}
    identity = cache(semantics_identity)  # the same class serves many claims, and its sources are read for it
    proofs: dict[str, PlannedProof] = {}
    serves: dict[str, str] = {}  # the main module of the servers of each name

    for name in _dependencies_first(by_name):
        claim = by_name[name]
        suite = suite_of[claim.suite]
        dependencies = tuple(dict.fromkeys(digests[dependency] for dependency in claim.depends))
        semantics, prover = (
            '' if name is None else identity(name) for name in (claim.options.semantics, claim.options.prover)
        )
        inputs = proof_inputs(
            definition=suite.definition_digest,
            main_module=suite.main_module,
            claim=claim.digest,
            admitted=claim.admitted,
            options=proof_options(claim.options, semantics, prover),
            dependencies=dependencies,
            backend=programs.identity(claim),
        )
        digest = proof_digest(inputs)
        digests[name] = digest
        service = programs.name(claim)
        if serves.setdefault(service, suite.main_module) != suite.main_module:  # where requests name no module
            service = f'{service} [{suite.main_module}]'
        if digest in proofs:
            proofs[digest] = replace(proofs[digest], claims=(*proofs[digest].claims, claim))
        else:
            proofs[digest] = PlannedProof(
                digest=digest,
                claims=(claim,),
                definition=suite.definition_digest,
                main_module=suite.main_module,
                semantics=semantics,
                prover=prover,
                dependencies=dependencies,
                inputs=inputs,
                depends={name: digests[name] for name in claim.depends},
                service=service,
            )

    dependents = _count_dependents(proofs)
    in_order = dict.fromkeys(digests[claim.name] for claim in claims)
    return Plan(
        proofs={digest: replace(proofs[digest], dependents=dependents[digest]) for digest in in_order},
        digest_of_claim=digests,
    )


def dependencies_first(proofs: Mapping[str, PlannedProof], digests: Iterable[str]) -> list[str]:
    """The digests of some proofs and of all that they depend on, directly or not, each after its own dependencies."""
    needed: dict[str, tuple[str, ...]] = {}
    pending = list(digests)
    while pending:
        digest = pending.pop()
        if digest not in needed:
            needed[digest] = proofs[digest].dependencies
            pending += needed[digest]
    return list(TopologicalSorter(needed).static_order())


def proof_options(options: ClaimOptions, semantics: str, prover: str) -> dict[str, Any]:
    """The options that can change a proof's graph or verdict, with files and classes replaced by their digests."""
    return {
        'execute_depth': options.execute_depth,
        'cut_point_rules': sorted(options.cut_point_rules),
        'terminal_rules': sorted(options.terminal_rules),
        'bmc_depth': options.bmc_depth,
        'optimize_kcfg': options.optimize_kcfg,
        'refute': options.refute,
        'semantics': semantics,
        'prover': prover,
        'lemmas': [file_digest(path) for path in options.lemmas],
        'assume_defined': options.assume_defined,
        'fast_check_subsumption': options.fast_check_subsumption,
        'direct_subproof_rules': options.direct_subproof_rules,
        'vacuous': options.vacuous,
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
