"""The embedded server as pyk starts one, and pyk's prover, for the tests that use its client or compare with it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, final

from pyk.kore.rpc import KoreServer
from pyk.proof.reachability import APRFailureInfo, APRProver

if TYPE_CHECKING:
    from pathlib import Path

    from pyk.proof.reachability import APRProof

COMMAND = (sys.executable, '-m', 'kprover.server')


@final
class EmbeddedServer(KoreServer):
    """pyk's server on a port of its own, whose end also closes the pipes to its process, which pyk leaves open.

    `module` is the main module of the folder where none is given; `options` are further arguments of pyk's class.
    """

    def __init__(self, kompiled: Path, module: str = '', **options: Any) -> None:
        module = module or (kompiled / 'mainModule.txt').read_text().strip()
        super().__init__({'kompiled_dir': kompiled, 'module_name': module, 'command': COMMAND, **options})  # type: ignore[typeddict-item]

    def close(self) -> None:
        super().close()
        for pipe in (self._proc.stdout, self._proc.stderr):
            assert pipe is not None
            pipe.close()


@final
class ProverWithoutReasons(APRProver):
    """pyk's prover without the search for the reasons of a failure, which takes longer than many a proof."""

    def failure_info(self, proof: APRProof) -> APRFailureInfo:
        return APRFailureInfo((), (), {}, {}, {})
