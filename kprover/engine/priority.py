"""The order in which ready steps are dispatched: a callable from `StepInfo` to anything comparable, least first.

A callable of the user's is named in the configuration as `module:callable`. It is asked once, when a step becomes
ready. Ties are broken by the order in which the steps became ready, so that equal inputs give equal schedules.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .values import EngineError


@dataclass(frozen=True)
class StepInfo:
    """What a priority may look at.

    Attributes:
        claim: `suite/LABEL`.
        kind: `prepare`, `step`, `verify` (a reused step made again), `advance` or `diagnose`.
        priority: The claim's own, from the suite file; higher is more urgent.
        tags: The claim's tags.
        node: Number of the KCFG node, 0 where there is none.
        depth: Rewrite steps from the initial node.
        steps: Steps the proof has committed.
        pending: Pending nodes of the proof.
        dependents: Claims that wait for this one, directly or not.
        age: Seconds since the claim's first step became ready in this run.
        seconds: Seconds that workers have spent on the claim in this run.
        spent: Seconds that they spent on it in the runs before this one that came to no verdict.
        estimate: Seconds of work left for the claim and the longest chain of claims that wait for it, from the
            recorded history of earlier runs; `None` if there is none.
        failed_before: Whether the last run that settled the claim did not pass it.
        share: The seconds of work that are the claim's fair share of this run.
        order: Position of the claim in the run, in the order of the suites.
        sequence: Order in which the steps of the run became ready.
    """

    claim: str
    suite: str
    label: str
    kind: str
    priority: int
    tags: tuple[str, ...]
    node: int
    depth: int
    steps: int
    pending: int
    dependents: int
    age: float
    seconds: float
    estimate: float | None
    failed_before: bool
    share: float
    order: int
    sequence: int
    spent: float = 0.0


Priority = Callable[[StepInfo], Any]


def by_claim(step: StepInfo) -> Any:
    """The claim's priority, then claims that others wait for, then one claim after another in the order of the suites.

    A claim that was begun is finished before another is begun, as far as it has ready steps: in breadth, every claim
    would end late, and a long one that comes last would have made no step by then.
    """
    return (-step.priority, -step.dependents, step.order, step.sequence)


def longest_expected_first(step: StepInfo) -> Any:
    """The claim's priority, then the longest expected remaining work, so that no long proof is left for the end.

    Claims without history come first, as they may be long, and among themselves as in `by_claim`; without any
    history this is `by_claim`.
    """
    if step.estimate is None:
        return (-step.priority, 0, -step.dependents, step.order, step.sequence)
    return (-step.priority, 1, -step.estimate, step.order, step.sequence)


def failed_last_time_first(step: StepInfo) -> Any:
    """Claims that did not pass last time, then as `longest_expected_first`."""
    return (not step.failed_before, longest_expected_first(step))


def fair_share(step: StepInfo) -> Any:
    """Every claim gets its share of the work before any gets a second one, then as `longest_expected_first`.

    What earlier runs have spent in vain on a claim counts, so that the next night begins with the others.
    """
    return (int((step.seconds + step.spent) // step.share), longest_expected_first(step))


def first_in_first_out(step: StepInfo) -> Any:
    """The order in which steps became ready, which goes through the claims in breadth."""
    return step.sequence


def breadth_first(step: StepInfo) -> Any:
    """Shallow nodes first, over all claims."""
    return (step.depth, step.sequence)


def depth_first(step: StepInfo) -> Any:
    """Deep nodes first: finishes branches before it opens others."""
    return (-step.depth, -step.sequence)


def load_priority(spec: str) -> Priority:
    """The callable that `module:callable` names. Raises `EngineError` saying what was looked for."""
    module_name, _, attribute = spec.partition(':')
    if not module_name or not attribute:
        raise EngineError(f"priority {spec!r}: expected 'module:callable', for example '{__name__}:by_claim'")
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except ImportError as err:
        raise EngineError(f'priority {spec!r}: module {module_name} cannot be imported: {err}') from err
    except AttributeError as err:
        raise EngineError(f'priority {spec!r}: module {module_name} has no {attribute}') from err
    if not callable(found):
        raise EngineError(f'priority {spec!r}: expected a callable, found {type(found).__name__}')
    return found  # type: ignore[no-any-return]
