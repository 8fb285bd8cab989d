"""Which rows a suite's claims need: the same walk as the engine's, without requests.

A proof is taken from its prepared beginning, through its journal, and on through every step that the store has for its
pending nodes, as the next run would. So a store that was imported and not run yet is walked too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..deltas import MissingBase
from ..engine import ledger
from ..engine.history import history_row
from ..engine.index import new_terms
from ..engine.known import unopened
from ..engine.resume import follow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..engine.ledger import ReadableStore
    from ..engine.plan import PlannedProof
    from ..engine.proof_run import ProofRun


def reached_rows(store: ReadableStore, proofs: Iterable[PlannedProof]) -> set[str]:
    """The keys of all rows that these proofs rest on, and of those that say how they went, as far as they are
    there.
    """
    reached: set[str] = set()
    for planned in proofs:
        reached.update(row for row in _proof_rows(store, unopened(planned)) if row not in reached)
    for row in sorted(row for row in reached if row.startswith('term:')):
        reached.update(_bases(store, row.partition(':')[2]))
    return reached


def _proof_rows(store: ReadableStore, proof: ProofRun) -> Iterator[str]:
    digest = proof.digest
    yield ledger.verdict_row(digest)
    for claim in proof.planned.claims:
        yield from (ledger.status_row(claim.name), history_row(claim.name))
    prepared = ledger.read_proof(store, digest)
    if prepared is None:
        return
    yield ledger.proof_row(digest)
    yield from (ledger.module_row(name) for name in prepared['modules'])
    if prepared['kind'] == 'reachability':
        yield from (ledger.term_row(prepared[end]) for end in ('init', 'target'))
    elif 'standing' in prepared:
        yield from map(ledger.term_row, prepared['standing']['steps'])
    proof.open(prepared)
    yield from _steps(store, proof)
    if proof.index is not None:
        for node in proof.index.failing:
            yield ledger.diagnosis_row(proof.diagnosis(node).key)


def _steps(store: ReadableStore, proof: ProofRun) -> Iterator[str]:
    """The steps of the journal, and then those that the store has for pending nodes."""
    readable: set[str] = set()
    for sequence, (node, key) in enumerate(ledger.read_journal(store, proof.digest)):
        header = ledger.read_step(store, key, readable)
        if header is None or not proof.fits(node, key, header):
            break
        yield from map(ledger.family_row, proof.request(node).families)
        yield ledger.journal_row(proof.digest, sequence)
        yield ledger.step_row(key)
        yield from (ledger.term_row(term) for term in new_terms(header['results']))
        proof.commit(node, header)
    for request, found in follow(store, proof):
        if found is not None:
            key, header = found
            yield from map(ledger.family_row, request.families)
            yield ledger.step_row(key)
            yield from (ledger.term_row(term) for term in new_terms(header['results']))


def _bases(store: ReadableStore, term: str) -> set[str]:
    """The term and all that it is read from; those that are there, where some are missing."""
    try:
        links: Iterable[str] = ledger.read_term(store, term)
    except MissingBase as err:
        links = err.chain
    return {ledger.term_row(link) for link in links}
