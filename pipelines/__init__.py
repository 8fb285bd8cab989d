"""The Luigi pipelines: `luigi --module pipelines ProveAll` proves the suites that luigi.cfg names.

    ProveAll ── ProveClaim(claim) x N ── RunClaims x 1        ProofStep(claim, key)
       │                                     │                     │
       └─────────────────────────────────────┴── kprover.engine ───┘

`RunClaims` is the one task that works: the engine proves all claims in it. A `ProveClaim` is a claim's own state in
Luigi: it reads the verdict from the checkpoint store and fails with the reason. Importing this module imports
neither pyk nor the engine, so that `--help` and a run with nothing to do stay quick.
"""

from __future__ import annotations

from kprover.streams import guard_streams, open_closed_streams

from .defaults import fill_in_defaults
from .logs import quieten
from .start import check_sections, end_with_one_line

# Luigi imports the module before it reads its own sections, so these hold for the command that named it.
end_with_one_line(('ProveAll', 'ProveClaim', 'Nightly', 'ProofStep', 'RunClaims'))
open_closed_streams()
guard_streams()
fill_in_defaults()
quieten()

from .config import kprover  # noqa: E402
from .nightly import NightClaim, Nightly, NightRun  # noqa: E402
from .tasks import ProofFailed, ProofStep, ProveAll, ProveClaim, RunClaims  # noqa: E402

check_sections((ProveAll, ProveClaim, RunClaims, ProofStep, Nightly, NightRun, NightClaim))

__all__ = [
    'NightClaim',
    'NightRun',
    'Nightly',
    'ProofFailed',
    'ProofStep',
    'ProveAll',
    'ProveClaim',
    'RunClaims',
    'kprover',
]
