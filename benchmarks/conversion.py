"""What a worker's Python costs around a request: pyk's conversions beside those of `kprover.proofs.convert`.

    python -m benchmarks.conversion DEFINITION STATES [--nodes 20000] [--repeat 5]

DEFINITION is a kompiled folder or a `definition.kore` (also compressed with xz); STATES is a folder with recorded
requests and answers, `NNN_request.json` and `NNN_response.json`. Times are
milliseconds of CPU, the best of the repetitions:

* every recorded term, by kind of conversion, with nothing remembered ("cold") and with the term known ("warm");
* the recorded `execute` requests as the steps of one proof, from the term of a node to the bytes of its successors;
* a made-up state of so many nodes, and the step from another one with other numbers in it.

Each result is checked to be pyk's. The figures are of one thread that does nothing else.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import shutil
import sys
import tempfile
import time
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyk.cterm.cterm import CTerm
from pyk.kast.inner import KApply, KInner, KSequence, KToken, bottom_up, collect
from pyk.kast.outer import read_kast_definition
from pyk.kast.prelude.k import GENERATED_TOP_CELL
from pyk.konvert import kast_to_kore, kore_to_kast
from pyk.kore.rpc import ExecuteResult
from pyk.kore.syntax import kore_term

from benchmarks.kore_definition import definition_from_kore
from kprover.proofs.codec import canonical
from kprover.proofs.convert import Converter, deep_json
from kprover.proofs.convert.answers import execution, without_terms
from kprover.proofs.convert.kast_json import TermReader, TermWriter
from kprover.proofs.convert.kore_json import PatternReader, PatternWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pyk.kast.outer import KDefinition
    from pyk.kore.syntax import Pattern


class Pyk:
    """The conversions as pyk makes them."""

    def __init__(self, definition: KDefinition):
        self._definition = definition

    def forget(self) -> None:
        """It remembers nothing."""

    def kast_to_kore(self, term: KInner) -> Pattern:
        return kast_to_kore(self._definition, term, sort=GENERATED_TOP_CELL)

    def kore_to_kast(self, pattern: Pattern) -> KInner:
        return kore_to_kast(self._definition, pattern)

    def kore_text(self, pattern: Pattern) -> str:
        return json.dumps({'format': 'KORE', 'version': 1, 'term': pattern.dict})

    def kore_read(self, dct: Mapping[str, Any]) -> Pattern:
        return kore_term(dct)

    def kast_text(self, term: KInner) -> str:
        return canonical(term.to_dict()).decode()

    def kast_read(self, dct: Mapping[str, Any]) -> KInner:
        return KInner.from_dict(dct)

    def cterm_text(self, cterm: CTerm) -> str:
        return canonical(cterm.to_dict()).decode()

    def loads(self, line: str) -> Any:
        return json.loads(line)

    def answer(self, dct: Mapping[str, Any]) -> ExecuteResult:
        return ExecuteResult.from_dict(dct)


class Ours:
    """The conversions as a worker makes them."""

    def __init__(self, definition: KDefinition):
        self._converter = Converter(definition)
        self._patterns, self._pattern_writer = PatternReader(), PatternWriter()
        self._terms, self._term_writer = TermReader(), TermWriter()
        self.kast_to_kore = self._converter.kast_to_kore
        self.kore_to_kast = self._converter.kore_to_kast
        self.loads = deep_json.loads
        self.kore_text = self._pattern_writer.state
        self.kore_read = self._patterns.read
        self.kast_text = self._term_writer.write
        self.kast_read = self._terms.read
        self.cterm_text = self._term_writer.cterm

    def forget(self) -> None:
        self._converter.forget()
        self._patterns.forget()
        self._terms.forget()

    def answer(self, dct: Mapping[str, Any]) -> ExecuteResult:
        return execution(ExecuteResult.from_dict(without_terms('execute', dct)), dct, self.kore_read)


@dataclass(frozen=True)
class Step:
    """An `execute`: the state it began with and the line that came back.

    Attributes:
        successor: The state in the line, if the step is made up.
    """

    name: str
    state: CTerm
    line: str
    successor: CTerm | None = None


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description='Conversion: pyk beside kprover.', prog='benchmarks.conversion')
    parser.add_argument('definition', type=Path, help='kompiled folder, definition.kore or definition.kore.xz')
    parser.add_argument('states', type=Path, help='folder with NNN_request.json and NNN_response.json')
    parser.add_argument('--nodes', type=int, default=20_000, help='size of the made-up term')
    parser.add_argument('--repeat', type=int, default=5)
    given = parser.parse_args(argv)
    sys.setrecursionlimit(10**7)
    definition = read_definition(given.definition)
    pyk, ours = Pyk(definition), Ours(definition)
    terms = list(recorded_terms(given.states))
    if not terms:
        parser.error(f'{given.states}: expected recorded requests and answers, found no term')
    print(
        f'{len(definition.productions)} productions, {len(terms)} recorded terms; milliseconds, best of {given.repeat}'
    )
    compare_terms('a recorded term on average', pyk, ours, terms, given.repeat)
    steps = recorded_steps(given.states, pyk)
    if not steps:
        parser.error(f'{given.states}: expected a recorded execute, found none')
    compare_steps('a step, all Python around execute', steps, pyk, ours, given.repeat)
    large = made_up(steps[0].state, given.nodes)
    assert large.successor is not None
    dct = json.loads(pyk.kore_text(pyk.kast_to_kore(large.successor.kast)))
    count, repeat = size(large.successor.config), min(given.repeat, 3)
    compare_terms(f'a made-up state of {count:,} nodes', pyk, ours, [dct], repeat)
    line = json.dumps({'result': {'reason': 'depth-bound', 'depth': 1, 'state': {'term': dct}}})
    compare_steps(f'a step between two of {count:,} nodes', [replace(large, line=line)], pyk, ours, repeat)
    return 0


def compare_terms(what: str, pyk: Pyk, ours: Ours, dcts: Sequence[Mapping[str, Any]], repeat: int) -> None:
    """Print the mean over the terms, one line for each kind of conversion."""
    patterns = [kore_term(dct) for dct in dcts]
    terms = [pyk.kore_to_kast(pattern) for pattern in patterns]
    kast_dcts = [term.to_dict() for term in terms]
    rows: list[tuple[str, str, list[Any]]] = [
        ('Kore JSON to Kore', 'kore_read', list(dcts)),
        ('Kore to KAst', 'kore_to_kast', patterns),
        ('KAst to Kore', 'kast_to_kore', terms),
        ('Kore to JSON', 'kore_text', patterns),
        ('KAst to JSON', 'kast_text', terms),
        ('KAst JSON to KAst', 'kast_read', kast_dcts),
    ]
    print(f'\n{what:<40}{"pyk":>9}{"cold":>9}{"warm":>9}{"pyk/cold":>10}')
    totals = [0.0, 0.0, 0.0]
    for title, method, values in rows:
        theirs, mine = getattr(pyk, method), getattr(ours, method)
        for value in values:
            expected, found = theirs(value), mine(value)
            if isinstance(expected, str):
                expected, found = json.loads(expected), json.loads(found)
            assert expected == found, f'{method} differs from pyk'
        slow = best(lambda values=values, theirs=theirs: [theirs(value) for value in values], repeat)
        warm = best(lambda values=values, mine=mine: [mine(value) for value in values], repeat)
        cold = 0.0
        for value in values:
            cold += best(lambda value=value, mine=mine: mine(value), repeat, before=ours.forget)
        row = [time_ / len(values) for time_ in (slow, cold, warm)]
        totals = [total + part for total, part in zip(totals, row, strict=True)]
        print_row(title, row)
    print_row('all six', totals)


def compare_steps(what: str, steps: Sequence[Step], pyk: Pyk, ours: Ours, repeat: int) -> None:
    """Print the cost of each step; ours begins with nothing remembered and goes on with what it has seen."""
    for step in steps:
        expected, found = (step_bytes(by, step.state, step.line) for by in (pyk, ours))
        assert json.loads(expected[0]) == json.loads(found[0]), "another request than pyk's"
        assert expected[1:] == found[1:], "other states than pyk's"
    slow = [best(lambda step=step: step_bytes(pyk, step.state, step.line), repeat) for step in steps]
    series: list[list[float]] = []
    for _ in range(repeat):
        ours.forget()
        state, times = steps[0].state, []
        for step in steps:
            started = time.process_time()
            _, _, following = step_bytes(ours, state, step.line)
            times.append((time.process_time() - started) * 1000)
            state = following
        series.append(times)
    first = [min(times[place] for times in series) for place in range(len(steps))]
    again = [best(lambda step=step: step_bytes(ours, step.state, step.line), repeat) for step in steps]
    print(f'\n{what:<40}{"pyk":>9}{"ours":>9}{"repeated":>9}{"pyk/ours":>10}')
    for step, theirs, mine, known in zip(steps, slow, first, again, strict=True):
        print_row(f'{step.name} ({len(step.line) // 1000} kB answer)', [theirs, mine, known])
    print_row('mean', [sum(times) / len(steps) for times in (slow, first, again)])


def step_bytes(by: Pyk | Ours, state: CTerm, line: str) -> tuple[str, list[bytes], CTerm]:
    """All that a worker does around a request: the state sent, the blobs of the states in the answer, the last."""
    request = by.kore_text(by.kast_to_kore(state.kast))
    result = by.answer(by.loads(line)['result'])
    blobs: list[bytes] = []
    for found in (result.state, *(result.next_states or ())):
        state = CTerm.from_kast(by.kore_to_kast(found.kore))
        text = by.cterm_text(state).encode('ascii')
        blobs += (hashlib.sha256(text).digest(), zlib.compress(text, 1))
    return request, blobs, state


def recorded_steps(states: Path, pyk: Pyk) -> list[Step]:
    steps = []
    for path in sorted(states.glob('*_request.json')):
        request = json.loads(path.read_text())
        line = path.with_name(path.name.replace('_request', '_response')).read_text()
        if request['method'] == 'execute' and 'result' in json.loads(line):
            state = CTerm.from_kast(pyk.kore_to_kast(kore_term(request['params']['state'])))
            steps.append(Step(path.name.split('_')[0], state, line))
    return steps


def recorded_terms(states: Path) -> Iterator[Mapping[str, Any]]:
    """All Kore terms in the recorded requests and answers that pyk can convert; not those of a few nodes."""
    for path in sorted(states.glob('*.json')):
        for dct in _kore_terms(json.loads(path.read_text())):
            if len(json.dumps(dct)) > 10_000:
                yield dct


def _kore_terms(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        if value.get('format') == 'KORE':
            yield value
            return
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _kore_terms(part)


def made_up(model: CTerm, nodes: int) -> Step:
    """A step to a state of at least so many nodes from one that differs in its numbers.

    The states are the model with variants of its configuration in the K cell, no two with the same numbers.
    """
    each = size(model.config)

    def state(first: int) -> CTerm:
        variants = [_variant(model.config, first + number) for number in range(-(-nodes // each))]
        config = bottom_up(
            lambda term: (
                KApply(term.label, KSequence(variants))
                if isinstance(term, KApply) and term.label.name == '<k>'
                else term
            ),
            model.config,
        )
        return CTerm(config, model.constraints)

    return Step('made up', state(0), '', state(len(str(nodes)) * nodes))


def _variant(model: KInner, number: int) -> KInner:
    def change(term: KInner) -> KInner:
        if isinstance(term, KToken) and term.sort.name == 'Int':
            return KToken(str(int(term.token) + number), term.sort)
        return term

    return bottom_up(change, model)


def size(term: KInner) -> int:
    """How many nodes a term has."""
    nodes: list[KInner] = []
    collect(nodes.append, term)
    return len(nodes)


def read_definition(path: Path) -> KDefinition:
    """The definition in a kompiled folder or in a `definition.kore`, which may be compressed."""
    if (path / 'compiled.json').is_file():
        return read_kast_definition(path / 'compiled.json')
    if path.is_dir():
        path = path / 'definition.kore'
    if path.suffix != '.xz':
        return definition_from_kore(path)
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / 'definition.kore'
        with lzma.open(path) as source, plain.open('wb') as target:
            shutil.copyfileobj(source, target)
        return definition_from_kore(plain)


def best(run: Callable[[], Any], repeat: int, before: Callable[[], None] | None = None) -> float:
    """The shortest of some runs, in milliseconds."""
    shortest = float('inf')
    for _ in range(repeat):
        if before is not None:
            before()
        started = time.process_time()
        run()
        shortest = min(shortest, time.process_time() - started)
    return shortest * 1000


def print_row(title: str, times: Sequence[float]) -> None:
    slow, mine, known = times
    print(f'{title:<40}{slow:>9.2f}{mine:>9.2f}{known:>9.2f}{slow / max(mine, 1e-6):>10.1f}')


if __name__ == '__main__':
    sys.exit(main())
