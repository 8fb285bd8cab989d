"""Keys of the checkpoint store: pure functions from everything that can change a result to a SHA-256.

Four kinds of digests are made here and nowhere else:

* a *proof digest* names the proof of a claim: its journal and its verdict live under it;
* a *step key* names one step of any proof: claims that share a state share its checkpoint;
* an *imported step's key* names a step that came with a proof from elsewhere;
* a *diagnosis key* names the explanation of a failing node.

No claim name, node id, time, machine or worker count enters a key, so a store serves other claims, other runs and,
copied, other machines. The functions take digests and plain values only; nothing here parses a term. docs/keys.md has
every field with what makes it another one.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, Final

FORMAT: Final = 1
"""Version of the keys and of the records they lead to; a change of either raises it, and old records are not found."""

DECIDING: Final = (
    'agenda.py',
    'difference.py',
    'frontier.py',
    'index.py',
    'ledger.py',
    'loop.py',
    'proof_run.py',
    'proof_table.py',
    'proving.py',
    'recorder.py',
    'resume.py',
    'sharing.py',
    'standing.py',
    'step_request.py',
    'verdicts.py',
    'verification.py',
)
"""The sources of `kprover.engine` that make a verdict of the results of steps."""

STEPPING: Final = ('deltas.py', 'plugins', 'printable.py', 'proofs', 'worker')
"""The sources of `kprover` that make the results of steps: what runs in a worker, files and whole folders."""

_HERE: Final = Path(__file__).parent


def digest_of(fields: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the canonical JSON of `fields`: sorted keys, no white space, UTF-8."""
    text = json.dumps(fields, sort_keys=True, separators=(',', ':'), ensure_ascii=False)
    return hashlib.sha256(text.encode('utf-8')).hexdigest()


@lru_cache(maxsize=1)
def prover_identity() -> str:
    """What decides what a step does: the version of pyk, and the sources `STEPPING`, which call it.

    An edit of these sources makes every step another one, as it may change any result. They are read once: a process
    keeps the identity that it began with, and `prover_files` are what must not change meanwhile. An unpackaged pyk is
    `unknown`.
    """
    return prover_now()


def prover_now() -> str:
    """`prover_identity` of the sources as they are at this moment."""
    try:
        pyk = version('kframework')
    except PackageNotFoundError:
        pyk = 'unknown'
    return f'kframework {pyk}, kprover {_sources_digest(_HERE, prover_files())}'


def prover_files() -> tuple[Path, ...]:
    """The source files behind `prover_identity`."""
    found = (_HERE / name for name in STEPPING)
    return tuple(file for path in found for file in (sorted(path.rglob('*.py')) if path.is_dir() else (path,)))


@lru_cache(maxsize=1)
def engine_identity() -> str:
    """What makes a verdict of the results of steps: the sources of `kprover.engine` that `DECIDING` names.

    An edit of these makes every verdict stale and no step: proofs are made again from the steps in the store.
    """
    folder = _HERE / 'engine'
    return f'kprover.engine {_sources_digest(folder, (folder / name for name in DECIDING))}'


def proof_inputs(
    *,
    definition: str,
    main_module: str,
    claim: str,
    admitted: bool,
    options: Mapping[str, Any],
    dependencies: Sequence[str],
    backend: str,
) -> dict[str, Any]:
    """Every field of a proof's identity; they are stored with its verdict.

    Args:
        definition: Digest of definition.kore and compiled.json.
        main_module: The module that the claim's rules extend.
        claim: Digest of the claim's sentence without its label and source.
        admitted: Whether the claim is trusted, by its attribute or by the suite.
        options: The options that can change the proof's graph or verdict, files replaced by their digests.
        dependencies: Proof digests of the claims it depends on: an edit of one makes this proof another proof.
        backend: Identity of the server program, version included.
    """
    return {
        'format': FORMAT,
        'kind': 'proof',
        'prover': prover_identity(),
        'engine': engine_identity(),
        'definition': definition,
        'main_module': main_module,
        'claim': claim,
        'admitted': admitted,
        'options': dict(options),
        'dependencies': sorted(dependencies),
        'backend': backend,
    }


def proof_digest(inputs: Mapping[str, Any]) -> str:
    """Identity of a proof, given its `proof_inputs`."""
    return digest_of(inputs)


def step_key(
    *,
    definition: str,
    main_module: str,
    backend: str,
    semantics: str,
    request: Mapping[str, Any],
) -> str:
    """Identity of a step's result.

    Args:
        definition: Digest of definition.kore and compiled.json.
        main_module: Main module of the definition; where `implies` is checked.
        backend: Identity of the server program, version included.
        semantics: Identity of the `KCFGSemantics` class, empty for pyk's default.
        request: Every field of the step that reaches the prover: the hashes of node and target, the names of the
            (content-addressed) modules, depth, cut-point and terminal rules, the flags, and for bounded model
            checking the hashes along the path and the loops seen on it.
    """
    return digest_of(
        {
            'format': FORMAT,
            'kind': 'step',
            'prover': prover_identity(),
            'definition': definition,
            'main_module': main_module,
            'backend': backend,
            'semantics': semantics,
            'request': dict(request),
        }
    )


def imported_step_key(
    *, node: str, origin: str, results: Sequence[Mapping[str, Any]], detail: Mapping[str, Any]
) -> str:
    """Identity of a step that was not made of a request, but taken over with a proof made elsewhere.

    It is made of what the step says, so no request has it, and no other proof finds the step.

    Args:
        node: Hash of the term of the step's node.
        origin: Where the proof was.
        results: The step's results as they are in its record's header.
        detail: What pyk's objects need besides, as it is in the record's blob.
    """
    fields = {'node': node, 'origin': origin, 'results': list(results), 'detail': dict(detail)}
    return digest_of({'format': FORMAT, 'kind': 'imported step', **fields})


def diagnosis_key(
    *,
    definition: str,
    main_module: str,
    backend: str,
    semantics: str,
    lemma_module: str | None,
    assume_defined: bool,
    universals: Sequence[str],
    node: str,
    target: str,
    failing: str,
) -> str:
    """Identity of the explanation of why `node` (a term hash) does not reach `target`, which binds `universals`."""
    return digest_of(
        {
            'format': FORMAT,
            'kind': 'diagnosis',
            'prover': prover_identity(),
            'definition': definition,
            'main_module': main_module,
            'backend': backend,
            'semantics': semantics,
            'lemma_module': lemma_module,
            'assume_defined': assume_defined,
            'universals': list(universals),
            'node': node,
            'target': target,
            'failing': failing,
        }
    )


def _sources_digest(folder: Path, paths: Iterable[Path]) -> str:
    """SHA-256 (hex) over the names and contents of source files."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        content = path.read_bytes()
        digest.update(f'{path.relative_to(folder).as_posix()}:{len(content)}:'.encode())
        digest.update(content)
    return digest.hexdigest()
