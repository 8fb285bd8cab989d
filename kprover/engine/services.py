"""Which server program answers for which claim: that of the run, or the one that the claim's options name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..backends import BackendError, choose_backend, program_files, running_backend, with_options
from .values import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ..backends import Backend
    from ..suites import Claim
    from .plan import PlannedProof
    from .values import RunConfig


def backend_of(config: RunConfig) -> Backend:
    """The server program of a run, with all that is configured of it. Raises `BackendError`."""
    if config.addresses:
        return running_backend(config.addresses, config.backend_identity)
    return with_options(choose_backend(config.backend), config.server_args, config.environment)


class Services:
    """The server programs of a run; each is looked up once.

    Attributes:
        backend: That of all claims whose options name none.
    """

    def __init__(self, config: RunConfig):
        """Raises `BackendError` if the program of the run cannot be used."""
        self.backend = backend_of(config)
        self._config = config
        self._own: dict[tuple[str | None, tuple[str, ...] | None], Backend] = {}

    def of(self, claim: Claim) -> Backend:
        """The program that a claim is proved with.

        A claim that names a program does not get the arguments that are configured for that of the run.

        Raises:
            BackendError: it cannot be used.
            EngineError: the servers of the run are running already, so that there can be no others.
        """
        named = claim.options.backend, claim.options.server_args
        if named == (None, None):
            return self.backend
        if self._config.addresses:
            raise EngineError(
                f'{claim.name}: it has a backend or server-args of its own, and the servers of this run are running '
                'already; prove it in another run'
            )
        if named not in self._own:
            program, arguments = named
            if arguments is None:
                arguments = ()
            try:
                backend = choose_backend(program or self._config.backend)
            except BackendError as err:
                raise BackendError(f'{claim.name}: {err}') from err
            backend = with_options(backend, arguments, self._config.environment)
            same = (backend.command, backend.identity) == (self.backend.command, self.backend.identity)
            self._own[named] = self.backend if same else backend
        return self._own[named]

    def identity(self, claim: Claim) -> str:
        """What stands for the program, with what it takes of the definition's folder, in the keys of the claim."""
        return self.of(claim).identity_for(claim.kompiled)

    def name(self, claim: Claim) -> str:
        """The servers that a claim can share: its definition and, unless it is that of the run, its program."""
        backend = self.of(claim)
        if backend == self.backend:
            return str(claim.kompiled)
        return f'{claim.kompiled} [{" ".join((backend.name, *backend.arguments))}]'

    def commands(self, proofs: Iterable[PlannedProof]) -> dict[str, Backend]:
        """The program of each service that is not the run's, by the service's name."""
        own = {proof.service: self.of(proof.claim) for proof in proofs}
        return {service: backend for service, backend in own.items() if backend != self.backend}

    def files(self, proofs: Iterable[PlannedProof]) -> tuple[Path, ...]:
        """The files whose edit makes the servers of some proofs others than their keys say."""
        used = {(proof.claim.kompiled, proof.service): self.of(proof.claim) for proof in proofs}
        found = {file for (kompiled, _), backend in used.items() for file in program_files(backend, kompiled)}
        return tuple(sorted(found))
