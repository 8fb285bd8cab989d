"""What becomes of a task that brought no result: it is tried again, or given up with a status and a reason."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from .values import DefinitionUnusable, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ..pool import Evidence
    from .proof_run import ProofRun
    from .queue import Work
    from .services import Services
    from .suspects import Suspects
    from .values import RunConfig


_ENDLESS: Final = 'code: -32003'
"""The embedded server's error for an evaluation that exceeds its bound of work, in pyk's words."""


class Decision(NamedTuple):
    """Attributes:
    again: Whether the task is tried again; `reason` then says so, and `status` means nothing.
    status: What the claim is, for want of this task.
    reason: Why, for the user.
    """

    again: bool
    status: Status
    reason: str


class Failures:
    """Owned by the engine; lives as long as the run. What may be chance is tried again, an error of pyk's or of the
    server's is not."""

    def __init__(self, suspects: Suspects, services: Services, config: RunConfig, module_text: Callable[[str], bytes]):
        """
        Args:
            module_text: The Kore text of an added module by its name, for reproducers.
        """
        self._suspects = suspects
        self._services = services
        self._config = config
        self._module_text = module_text
        self._start_failures: Counter[str] = Counter()

    def decide(
        self, work: Work, proof: ProofRun, error: Mapping[str, Any], *, shared: bool, evidence: Evidence | None
    ) -> Decision:
        """A task has failed.

        Args:
            error: Its `class`, `type` and `message`.
            shared: Whether others were at work on the server that died, so that it may not be to blame.
            evidence: What its last requests were.
        """
        message = f'{error["type"]}: {error["message"]}'
        if error['class'] == 'backend' and _ENDLESS in error['message']:
            # Nothing is known of the claim, and nothing is wrong with it: it is undecided, as at any other limit.
            return Decision(False, Status.PENDING, message)
        if error['class'] != 'infrastructure':
            return Decision(False, Status.ERROR, message)
        failures = self._suspects.failed(work, shared=shared, evidence=evidence)
        claim = proof.planned.claim
        if failures < self._config.attempts:
            tries = f'attempt {failures + 1} of {self._config.attempts}'
            if self._suspects.is_alone(work):
                tries += ', with a server for itself'
            return Decision(True, Status.PENDING, f'{claim.name}: {message}; {tries}')
        if error['type'] == 'timeout':
            limit = f'{proof.planned.limits.step_timeout:g} s'
            return Decision(False, Status.PENDING, f'the step at node {work.node} took longer than {limit}')
        replay = self._suspects.reproducer(
            work,
            proof,
            message,
            backend=self._services.of(claim),
            config=self._config,
            module_text=self._module_text,
        )
        return Decision(False, Status.ERROR, f'{message} ({failures} attempts){replay}')

    def started(self, service: str) -> None:
        """A server of this service has answered."""
        self._start_failures.pop(service, None)

    def cannot_start(self, proof: ProofRun, message: str) -> bool:
        """A server did not start for a proof. Returns whether it will not start for the next one either.

        Raises:
            DefinitionUnusable: it says what is wrong at a place in the definition.
        """
        service = proof.planned.service
        self._start_failures[service] += 1
        if self._start_failures[service] < self._config.attempts:
            return False
        if re.search(r'definition\.kore:?\s*\d+[:.]\d+', message):
            raise DefinitionUnusable(f'{proof.planned.claim.kompiled}: no server can read this definition: {message}')
        return True
