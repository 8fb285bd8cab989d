"""Mutants of true claims against the server: those that a run of the program refutes must not be proved.

One server for each language, started once; the claims go through pyk's own prover, one after the other.
"""

from __future__ import annotations

import logging
import random
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import imp_claims
import stack_claims
from claims import witness
from embedded import EmbeddedServer, ProverWithoutReasons
from pyk.kast.outer import read_kast_definition
from pyk.kcfg.explore import KCFGExplore
from pyk.kore.rpc import KoreClientError
from pyk.proof.reachability import APRProof

from examples.imp.semantics import ImpSemantics
from examples.stack.semantics import StackSemantics
from kprover.proofs.client import ProverClient
from kprover.proofs.symbolic import ProofSymbolic

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from claims import Claim

EXAMPLES = Path(__file__).resolve().parents[2] / 'examples'
_SEMANTICS = {'imp': ImpSemantics(), 'stack': StackSemantics()}
_CLAIMS = {'imp': imp_claims.random_claim, 'stack': stack_claims.random_claim}
_MOST_STEPS = 40
_MUTATIONS = 25


class Prover:
    """Proves claims of one language, each from the start."""

    def __init__(self, language: str, port: int) -> None:
        self._language = language
        self._definition = read_kast_definition(EXAMPLES / language / 'kompiled' / 'compiled.json')
        self.client = ProverClient('127.0.0.1', port)
        self.errors: list[str] = []

    def passes(self, claim: Claim) -> bool | None:
        """Return whether the claim is proved; None if the server answered with an error."""
        proof = APRProof.from_claim(self._definition, claim.claim('RANDOM.claim'), logs={})
        symbolic = ProofSymbolic(self.client, self._definition, None)
        start, target = (proof.kcfg.node(node).cterm for node in (proof.init, proof.target))
        symbolic.universals = frozenset(start.free_vars) & frozenset(target.free_vars)
        explore = KCFGExplore(symbolic, kcfg_semantics=_SEMANTICS[self._language])
        try:
            ProverWithoutReasons(explore, execute_depth=200).advance_proof(
                proof, max_iterations=_MOST_STEPS, fail_fast=True
            )
        except KoreClientError as error:
            self.errors.append(f'{error}')
            return None
        return proof.passed


@contextmanager
def proving(language: str) -> Iterator[Prover]:
    """Start a server for a language, and give a prover."""
    with EmbeddedServer(EXAMPLES / language / 'kompiled') as server:
        prover = Prover(language, server.port)
        try:
            yield prover
        finally:
            prover.client.close()


@dataclass
class Tally:
    """What a campaign has seen. `wrong` are the proved mutants, with inputs that refute them."""

    claims: int = 0
    proved: int = 0
    mutants: int = 0
    seconds: float = 0.0
    wrong: list[tuple[Claim, dict[str, int]]] = field(default_factory=list)
    missed: list[Claim] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f'{self.proved} of {self.claims} true claims proved; {len(self.wrong)} of {self.mutants} refuted mutants '
            f'proved; {len(self.errors)} errors; {self.seconds:.0f} s'
        )


def true_claims(language: str, source: random.Random) -> Iterator[Claim]:
    """Yield random claims that hold. Raises `AssertionError` if the interpreter refutes one: its maker is wrong."""
    while True:
        claim = _CLAIMS[language](source)
        if claim is not None and claim.inputs:
            against = witness(claim, source)
            assert against is None, f'the evaluators disagree at {against} on {claim}'
            yield claim


def refuted_mutants(claim: Claim, source: random.Random, most: int) -> Iterator[tuple[Claim, dict[str, int]]]:
    """Yield up to `most` different mutants of a claim, each with inputs for which it is wrong."""
    seen = {claim}
    for _ in range(_MUTATIONS):
        if len(seen) > most:
            return
        changed = claim.mutant(source)
        if changed in seen:
            continue
        against = witness(changed, source)
        if against is not None:
            seen.add(changed)
            yield changed, against


def campaign(language: str, mutants: int, seed: int, *, per_claim: int = 4) -> Tally:
    """Prove true claims and their mutants until there were as many mutants as wanted; deterministic in `seed`."""
    source = random.Random(f'{language} {seed}')
    logging.getLogger('pyk').setLevel(logging.ERROR)  # a proof that fails early is no news here
    tally = Tally()
    began = time.monotonic()
    with proving(language) as prover:
        for claim in true_claims(language, source):
            if tally.mutants >= mutants:
                break
            tally.claims += 1
            verdict = prover.passes(claim)
            tally.proved += verdict is True
            if not verdict:
                tally.missed.append(claim)
            for changed, against in refuted_mutants(claim, source, per_claim):
                tally.mutants += 1
                verdict = prover.passes(changed)
                if verdict:
                    tally.wrong.append((changed, against))
        tally.errors = prover.errors
    tally.seconds = time.monotonic() - began
    return tally


def campaigns(languages: Sequence[str], mutants: int, seed: int) -> Iterator[tuple[str, Tally]]:
    """Run a campaign for each language, all at once, with `mutants` in all; yield them in the order given."""
    share = -(-mutants // len(languages))
    with ProcessPoolExecutor(len(languages)) as pool:
        runs = {one: pool.submit(campaign, one, share, seed) for one in languages}
        for language, run in runs.items():
            yield language, run.result()
