"""The files that a run rests on must stay as they were when their digests were taken.

Workers and servers read definitions, specs, lemmas and semantics when they first need them, which may be long after;
and a worker that takes the place of another one reads the sources of kprover, where an update may have come under the
run. A file edited in between would put results under the digests of its old content, so a round whose answers could
come from an edited file is dropped and the run ends; the next one starts from the new content.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .. import keys
from ..suites import definition_digest, file_digest, locate, semantics_identity, source_files
from ..suites.digests import DEFINITION_FILES
from ..suites.specs import read_spec
from .values import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

    from .plan import PlannedProof

Stamp = tuple[int, int, int]

LOADED: Final = (keys.engine_identity(), keys.prover_identity())
"""The sources that this process runs, and its workers will: both keep what they were when the engine was imported."""


class Inputs:
    """The files behind some proofs, with what the file system says of them."""

    def __init__(self, proofs: Iterable[PlannedProof], programs: Iterable[Path] = ()):
        """Remember the files' state, then make sure that the digests of the proofs are those of this state.

        Args:
            programs: Files of the server program, whose identity was taken a moment ago.

        Raises:
            EngineError: a file has changed since its suite was loaded, or since kprover was.
        """
        proofs = tuple(proofs)
        self._stamps = {path: stamp(path) for path in programs}
        if proofs:
            self._stamps |= {path: stamp(path) for path in keys.prover_files()}
            if keys.prover_now() != keys.prover_identity():
                raise EngineError(
                    f'{Path(keys.__file__).parent}: the sources of kprover have changed since this process read them; '
                    'results of before are kept, run again in a new process'
                )
        self._stamps |= {path: stamp(path) for proof in proofs for path in _files(proof)}
        definitions = {proof.claim.kompiled: proof.definition for proof in proofs}
        for kompiled, digest in definitions.items():
            if definition_digest(kompiled) != digest:
                raise changed(kompiled)
        for lemmas, digest in _lemmas(proofs):
            if file_digest(lemmas) != digest:
                raise changed(lemmas)
        digests = {
            (spec, claim.label): claim.digest
            for spec in {proof.claim.spec for proof in proofs}
            for claim in read_spec(spec).claims
        }
        classes: dict[str, str] = {}
        for proof in proofs:
            for claim in proof.claims:
                if digests.get((claim.spec, claim.label), claim.digest) != claim.digest:
                    raise changed(claim.spec)
                for name, identity in (
                    (claim.options.semantics, proof.semantics),
                    (claim.options.prover, proof.prover),
                ):
                    if name is not None:
                        classes[name] = identity
        for name, identity in classes.items():
            if semantics_identity(name) != identity:
                raise changed(locate(name))

    def check(self) -> None:
        """Raises `EngineError` if a file is no longer what it was. Costs one `stat` per file."""
        for path, before in self._stamps.items():
            if stamp(path) != before:
                raise changed(path)


def stamp(path: Path) -> Stamp | None:
    """Inode, time of modification and size; `None` for a file that is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def changed(path: Path) -> EngineError:
    return EngineError(f'{path} has changed since this run read it; results of before are kept, run again')


def _lemmas(proofs: Iterable[PlannedProof]) -> set[tuple[Path, str]]:
    """The files of lemmas, with the digests that the proofs' own are made of."""
    return {
        pair
        for proof in proofs
        for claim in proof.claims
        for pair in zip(claim.options.lemmas, proof.inputs['options']['lemmas'], strict=True)
    }


def _files(proof: PlannedProof) -> Iterable[Path]:
    for claim in proof.claims:
        yield claim.spec
        yield from claim.options.lemmas
        yield from (claim.kompiled / name for name in DEFINITION_FILES)
        for name in (claim.options.semantics, claim.options.prover):
            if name is not None:
                yield from source_files(name)
