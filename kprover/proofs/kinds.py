"""What a prover of the user's says about itself, so that its proofs run as steps of the common queue.

A prover is a pair of pyk's, a `Proof` and a `Prover`, with a `ProofKind` that makes them and writes their parts as
bytes. The engine sees the bytes only: a step is named by a hash of its bytes, its result is a checkpoint.

    claim -> begin ---------> proof -----> write_proof     once, in a worker without a server
    proof -> get_steps -----> steps -----> write_step      the pending steps, after each round of commits
    step  -> step_proof ----> results ---> write_result    with a server; any number of steps at the same time
    results -> commit ------> proof                        in the order of the journal, in every worker that needs it

So whatever `get_steps` answers must follow from the initial proof and the results committed so far, and equal steps
must be equal bytes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from typing import Any

    from pyk.kast.outer import KClaim, KDefinition
    from pyk.kcfg.explore import KCFGExplore
    from pyk.proof.proof import Proof, Prover

P = TypeVar('P', bound='Proof[Any, Any]')
PS = TypeVar('PS')
SR = TypeVar('SR')


class ProofKind(ABC, Generic[P, PS, SR]):
    """A kind of proof: how it begins, who makes its steps, and how it is written.

    Suites name a class of this by `prover`, with the arguments for its constructor. An object of it lives in a worker
    process and serves many proofs; it should keep no state.
    """

    @abstractmethod
    def begin(self, claim: KClaim, definition: KDefinition) -> P:
        """The proof of a claim, without any step. Raises `ValueError` if the claim is none of this kind."""

    @abstractmethod
    def prover(self, explore: KCFGExplore) -> Prover[P, PS, SR]:
        """A prover over a connection to a server; its `init_proof` is called before a proof's first step with it.

        Another connection has another prover. It must not close the connection.
        """

    @abstractmethod
    def write_proof(self, proof: P) -> bytes:
        """A proof as `begin` made it."""

    @abstractmethod
    def read_proof(self, data: bytes) -> P:
        """The inverse of `write_proof`; each call makes another object."""

    @abstractmethod
    def write_step(self, step: PS) -> bytes:
        """A step; equal steps are equal bytes, and steps of different results are different bytes."""

    @abstractmethod
    def read_step(self, data: bytes, proof: P) -> PS:
        """The inverse of `write_step`, for a step of this initial proof."""

    @abstractmethod
    def write_result(self, result: SR) -> bytes:
        """A result of a step."""

    @abstractmethod
    def read_result(self, data: bytes, proof: P) -> SR:
        """The inverse of `write_result`, for a result to be committed to this proof."""

    def explain(self, proof: P) -> str:
        """Why a failed proof failed, as text of several lines."""
        return '\n'.join(proof.summary.lines)
