"""Runs the engine in this process, with real workers and embedded servers, on claims of the example suites."""

from __future__ import annotations

import functools
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kprover.engine import RunConfig, SilentObserver, prove
from kprover.engine.priority import by_claim
from kprover.suites import load_suite, select

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kprover.engine import RunSummary
    from kprover.engine.priority import StepInfo
    from kprover.suites import Claim, Suite

EXAMPLES = Path(__file__).resolve().parents[2] / 'examples'


@functools.cache
def example(language: str, file: str = 'suite.toml') -> Suite:
    """An example suite, read once: nobody edits these files, and a run compares them with what was read."""
    return load_suite(EXAMPLES / language / file)


def config(folder: Path, *, workers: int = 1, **options: object) -> RunConfig:
    return RunConfig(store=folder / 'store.sqlite', workers=workers, backend='embedded', **options)  # type: ignore[arg-type]


def run(
    suite: Suite, labels: Iterable[str], run_config: RunConfig, observer: SilentObserver | None = None
) -> RunSummary:
    """Prove the claims with these labels and what they depend on."""
    return prove([suite], chosen(suite, labels), run_config, observer or SilentObserver())


def chosen(suite: Suite, labels: Iterable[str]) -> tuple[Claim, ...]:
    return select([suite], list(labels))


class Countdown:
    """A priority that sends this process SIGTERM when so many steps have become ready; otherwise a plain one."""

    left = 0

    def __call__(self, step: StepInfo) -> Any:
        if step.kind == 'step' and self.left:
            self.left -= 1
            if not self.left:
                signal.raise_signal(signal.SIGTERM)
        return by_claim(step)


countdown = Countdown()
COUNTDOWN = f'{__name__}:countdown'


class Edit:
    """A priority that adds a space to a file when so many steps have become ready; otherwise a plain one."""

    file: Path | None = None
    left = 0

    def __call__(self, step: StepInfo) -> Any:
        if step.kind == 'step' and self.left:
            self.left -= 1
            if not self.left and self.file is not None:
                self.file.write_bytes(self.file.read_bytes() + b' ')
        return by_claim(step)


edit = Edit()
EDIT = f'{__name__}:edit'
