"""What is asked for with one step: every field that reaches the prover, and the key that is made of these alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Final

FOREIGN: Final = 'foreign'
"""The kind of proofs that a `ProofKind` of the user's makes."""


@dataclass(frozen=True)
class StepRequest:
    """One step to be made: the fields for the prover, the terms it needs, and its key in the store.

    `family` is the key without the execute depth: a step of any depth is a step of the proof. `kin` has neither depth
    nor target, only whether that is terminal: a step that was not compared with its target is one for every such
    target. It is empty for an equality, which has no target.
    """

    node: int
    key: str
    family: str
    kin: str
    fields: Mapping[str, Any]
    terms: tuple[str, ...]
    key_of: Callable[[Mapping[str, Any]], str] = field(default=lambda fields: '', compare=False, repr=False)

    @property
    def families(self) -> tuple[str, ...]:
        """Under which names steps with the same result are looked for, the nearest first."""
        return (self.family, self.kin) if self.kin else (self.family,)

    def answered_by(self, key: str, header: Mapping[str, Any]) -> StepRequest | None:
        """The request that has made a stored step, whatever its depth and target were; `None` if it is not this one.

        Its key is computed again: rows that lead to a step (journals, families) may be older than it, or not be ours.
        The target is the one of this request: where another one was not compared, this one will not be either.
        """
        if not self._can_have(header['results']):
            return None
        if self.key == key:
            return self
        if 'execute_depth' not in header:
            return None
        fields = {**self.fields, 'execute_depth': header['execute_depth']}
        if self.key_of(fields) != key and (
            'target' not in header or self.key_of({**fields, 'target': header['target']}) != key
        ):
            return None
        return replace(self, key=key, fields=fields)

    def _can_have(self, results: Sequence[Mapping[str, Any]]) -> bool:
        """Whether a proof could commit these results of the request; a store from elsewhere may say anything."""
        mode, kinds = self.fields['mode'], [result['kind'] for result in results]
        if mode != 'reachability':
            return len(kinds) == 1 and (kinds[0] == 'equality') == (mode == 'equality')
        if not kinds or len(set(kinds)) != len(kinds) or not {'equality', FOREIGN}.isdisjoint(kinds):
            return False
        if 'use-cache' in kinds and not self.fields['use_cache']:
            return False
        loops = range(len(self.fields['path']))
        return all(position in loops for result in results for position in result.get('prior_loops', ()))
