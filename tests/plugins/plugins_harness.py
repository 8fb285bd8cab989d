"""Suites over the example languages with options of the test's own, proved with real workers and servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine_harness import EXAMPLES, config, run

from kprover.suites import load_suite

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kprover.engine import RunSummary
    from kprover.engine.values import ClaimProgress


def write_suite(folder: Path, language: str, specs: list[str], claims: Mapping[str, str], options: str = '') -> Path:
    """A suite with exactly these claims; each with the lines of its table."""
    files = [str(EXAMPLES / language / 'specs' / name) for name in specs]
    tables = '\n'.join(f'[claims."{label}"]\n{lines}' for label, lines in claims.items())
    path = folder / f'{language}.toml'
    path.write_text(
        f'name = "{language}"\nkompiled = "{EXAMPLES / language / "kompiled"}"\n'
        f'specs = {files}\ninclude = {list(claims)}\n[options]\n{options}\n{tables}\n'
    )
    return path


def prove_suite(path: Path, **options: Any) -> RunSummary:
    """Prove all claims of a suite into a store beside it."""
    return run(load_suite(path), [], config(path.parent, **options))


def by_label(summary: RunSummary) -> dict[str, ClaimProgress]:
    return {claim.label: claim for claim in summary.claims}
