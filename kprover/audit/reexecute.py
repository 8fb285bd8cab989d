"""A recorded step made again, and whether what is recorded follows from it.

What must be equal is said in `engine.difference`. Where only the successors are others, as on another server program, a
recorded state may still stand if it covers the one that is found now: a proof that goes on from more states proves
no less. A server that shows the found state to imply the recorded one is believed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..deltas import DamagedTerm, chain, text_of
from ..engine import ledger
from ..engine.difference import difference
from ..proofs.codec import TermCache, unpack
from ..proofs.errors import MissingRecord
from ..suites.deep import call_deep
from .executor import Ask, NoAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ..engine.step_request import StepRequest
    from ..store import StoreReader
    from .executor import Job


@dataclass(frozen=True)
class RecordedStep:
    """A commit of the journal with the request that it answers, as the proof then was.

    Attributes:
        number: Its place in the journal.
        ending: Whether a branch ends with it.
        imported: Where it comes from, if it was not made here.
        taken_over: Whether it came with a proof of another tool, which has not made this request.
    """

    number: int
    node: int
    key: str
    request: StepRequest
    header: Mapping[str, Any]
    ending: bool
    imported: str = ''
    taken_over: bool = False

    @property
    def where(self) -> str:
        return f'node {self.node}, step {self.key[:12]}'


@dataclass(frozen=True)
class Outcome:
    """What became of a step that was made again.

    Attributes:
        difference: Why it does not stand, empty if it does.
        implied: Whether it stands because the recorded states cover those that are found now.
        witness: Whether it is a cover that holds with another substitution than the recorded one.
    """

    step: RecordedStep
    difference: str = ''
    implied: bool = False
    witness: bool = False


class Reexecution:
    """Makes jobs that make steps of one proof again."""

    def __init__(
        self,
        store: StoreReader,
        common: Mapping[str, Any],
        modules: Mapping[str, bytes],
        extra: Mapping[str, bytes],
        timeout: float | None,
    ):
        """
        Args:
            store: Where terms are.
            common: What every task of the proof says.
            modules: The packed texts of its modules, made from the claim's files.
            extra: Blobs besides those of the store, by name.
            timeout: Seconds for a step.
        """
        self._store = store
        self._common = common
        self._modules = modules
        self._extra = extra
        self._timeout = timeout
        self._terms = TermCache()

    def job(self, step: RecordedStep) -> Job[Outcome]:
        """Make the step again and compare."""
        try:
            answer = yield self._ask(step, step.request)
            recorded, now = step.header['results'], answer.header['results']
            if step.taken_over:
                recorded, now = _essential(recorded), _essential(now)
            found = self._difference(step, recorded, now, answer.blobs)
            if not found:
                return Outcome(step, witness=self._witnesses(answer.blobs['detail']) != self._recorded_witnesses(step))
            pairs = _successors(recorded, now)
            if pairs is None:
                return Outcome(step, found)
            for state, covering in pairs:
                implied = yield self._implication(step, state, covering, answer.blobs)
                if not any(result['kind'] == 'subsumed' for result in implied.header['results']):
                    return Outcome(step, found)
        except NoAnswer as err:
            return Outcome(step, f'could not be made again: {err}')
        except (DamagedTerm, MissingRecord) as err:
            return Outcome(step, f'a record that it needs is missing or damaged: {err}')
        return Outcome(step, implied=True)

    def _ask(self, step: RecordedStep, request: StepRequest) -> Ask:
        blobs: dict[str, bytes] = {name: blob for name, blob in self._extra.items() if not request.terms}
        for term in request.terms:
            blobs |= chain(term, self._blob)
        header = {**self._common, **request.fields}
        return Ask('step', header, blobs, self._modules, timeout=self._timeout)

    def _difference(
        self,
        step: RecordedStep,
        recorded: Sequence[Mapping[str, Any]],
        found: Sequence[Mapping[str, Any]],
        blobs: Mapping[str, bytes],
    ) -> str:
        def blob(name: str) -> bytes | None:
            return blobs.get(name) or self._blob(name)

        source = step.request.fields.get('node', '')
        return difference(recorded, found, source=source, term=lambda name: text_of(name, blob))

    def _implication(self, step: RecordedStep, now: str, recorded: str, found: Mapping[str, bytes]) -> Ask:
        """Whether one state implies another: the check for subsumption that a step begins with, and no more of it."""

        def blob(name: str) -> bytes | None:
            return found.get(name) or self._blob(name)

        source = step.request.fields['node']
        universals = call_deep(lambda: sorted(self._terms.decode(source, blob).free_vars))
        fields = {
            **step.request.fields,
            'node': now,
            'target': recorded,
            'path': [],
            'prior_loops': {},
            'bmc_depth': None,
            'universals': universals,
            'fast_check_subsumption': False,
            'use_cache': True,  # so that nothing is executed
        }
        request = replace(step.request, fields=fields)
        blobs = {**chain(now, blob), **chain(recorded, blob)}
        return Ask('step', {**self._common, **request.fields}, blobs, self._modules, timeout=self._timeout)

    def _recorded_witnesses(self, step: RecordedStep) -> list[Any]:
        record = self._store.get(ledger.step_row(step.key))
        if record is None:
            raise MissingRecord(f'Expected the step {step.key} in the checkpoint store, found none')
        return self._witnesses(record.blob)

    @staticmethod
    def _witnesses(detail: bytes) -> list[Any]:
        """The substitutions of a step's covers."""
        results = unpack(detail).get('results', ())
        return [result['csubst'] for result in results if result['kind'] == 'subsumed']

    def _blob(self, term: str) -> bytes | None:
        record = self._store.get(ledger.term_row(term))
        return None if record is None else record.blob


def as_deep(step: RecordedStep) -> RecordedStep:
    """The step with a request that is as deep as itself, since another tool chose the depth."""
    depths = [result['extension'].get('depth') for result in step.header['results'] if result.get('extension')]
    if depths and depths[0]:
        fields = {**step.request.fields, 'execute_depth': depths[0]}
        return replace(step, request=replace(step.request, fields=fields))
    return step


def _essential(results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Results without what the files of a proof do not hold, or hold under names of their own."""

    def plain(extension: Mapping[str, Any] | None) -> dict[str, Any] | None:
        if extension is None:
            return None
        return {name: value for name, value in extension.items() if name not in ('rules', 'cut')}

    return [{**result, 'to_cache': None, 'extension': plain(result.get('extension'))} for result in results]


def _successors(
    recorded: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]
) -> list[tuple[str, str]] | None:
    """Pairs of successors, found now and recorded, that are not equal; `None` if more is different than these."""
    if len(recorded) != len(found):
        return None
    pairs: list[tuple[str, str]] = []
    for before, now in zip(recorded, found, strict=True):
        if any(before.get(name) != now.get(name) for name in ('kind', 'passed', 'prior_loops')):
            return None
        for name in ('extension', 'to_cache'):
            old, new = before.get(name) or {}, now.get(name) or {}
            nodes, others = Counter(old.get('nodes', ())), Counter(new.get('nodes', ()))
            if any(old.get(name) != new.get(name) for name in ('kind', 'depth')) or nodes.total() != others.total():
                return None
            pairs += zip((others - nodes).elements(), (nodes - others).elements(), strict=True)
    return pairs
