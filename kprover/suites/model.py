"""Suites and claims as values, after everything about them has been checked. They hold no terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class ClaimOptions:
    """How a claim is proved. The key of a field in a suite file is its name with hyphens."""

    execute_depth: int | None = 1000
    """Most rewrite steps of one `execute` request; None for no limit."""
    cut_point_rules: tuple[str, ...] = ()
    """Labels of rules before which execution stops, making a node."""
    terminal_rules: tuple[str, ...] = ()
    """Labels of rules after which execution stops, making a node."""
    bmc_depth: int | None = None
    """Bound of bounded model checking: how often a loop may be unrolled; None for a full proof."""
    optimize_kcfg: bool = False
    """Whether consecutive edges of the graph are joined into one, with the nodes between them given up."""
    refute: bool = False
    """Whether a failing node is refuted where its branch contradicts what was known before the split."""
    semantics: str | None = None
    """The `KCFGSemantics` class as the text of a `kprover.plugins.Reference`; None for the default."""
    prover: str | None = None
    """The `ProofKind` class likewise; None for reachability and equality proofs."""
    lemmas: tuple[Path, ...] = ()
    """Absolute paths of JSON spec files whose modules hold extra rules for this claim."""
    trusted: bool = False
    """Whether the claim is admitted without a proof."""
    vacuous: str = 'pass'
    """What a claim is that holds of no state: `pass`, with a remark, or `fail`."""
    priority: int = 0
    """Greater is earlier, under a priority function that looks at it."""
    step_timeout: float | None = None
    """Most seconds of one proof step."""
    time_limit: float | None = None
    """Most seconds of all steps of the claim together."""
    max_steps: int | None = None
    """Most steps of the claim's proof."""
    max_nodes: int | None = None
    """Most nodes of the claim's graph."""
    max_branching: int | None = None
    """Most successors that a step may give a node for its successors to be gone on from."""
    assume_defined: bool = False
    """Whether the server may take the state to be defined (`assume-defined` of the protocol)."""
    fast_check_subsumption: bool = False
    """Whether subsumption is asked of the server only when the control cells agree."""
    direct_subproof_rules: bool = False
    """Whether claims depended upon are used as one rule each, rather than by the rules of their graph."""
    backend: str | None = None
    """The server program, as `backend` of luigi.cfg names it; None for that of the run."""
    server_args: tuple[str, ...] | None = None
    """Further arguments of its servers; None for those of the run, with the run's program."""
    tags: tuple[str, ...] = ()
    """Words for the priority function and the reports."""


@dataclass(frozen=True)
class Claim:
    """One claim of a suite."""

    suite: str
    label: str
    """Its label, normally 'MODULE.label'."""
    spec: Path
    """Absolute path of the JSON spec file that holds it."""
    kompiled: Path
    """Absolute path of the kompiled folder of its definition."""
    options: ClaimOptions
    depends: tuple[str, ...]
    """Names of the claims whose results its proof may use, in the order they are written."""
    digest: str
    """SHA-256 (hex) of its sentence; its label and its place in the source do not enter."""
    admitted: bool
    """Whether it is taken to be true without a proof, by its `trusted` attribute or by its options."""
    one_path: bool = False
    """Whether it only says that some execution reaches the target; it is proved of all of them nevertheless."""

    @property
    def name(self) -> str:
        """'suite/label', unique in a run."""
        return f'{self.suite}/{self.label}'


@dataclass(frozen=True)
class Suite:
    """A suite file with the definition and the claims it names. Claims stand in the order of their files."""

    name: str
    path: Path
    kompiled: Path
    main_module: str
    definition_digest: str
    """SHA-256 (hex) over definition.kore and compiled.json."""
    claims: tuple[Claim, ...]
    notices: tuple[str, ...] = ()
    """What should be said of its files in every run."""
