"""What a step costs in the store: bytes against what is new in it, the driver's time, and large stores.

    python -m benchmarks.store [--only bytes,large,recorded,driver,loading,million] [--recorded FOLDER] [--steps N]

Everything is the real store and the real encoding of terms; the example suites are proved on the embedded server.
`--recorded FOLDER` names a folder with Kore JSON-RPC requests (`*_request.json`), as KEVM makes them: the states of its
`execute` requests, in order, are taken for the states of a proof.

What is new in a text after another one is measured as the bytes that LZMA (level 9, dictionary larger than both) adds
for it behind the other one, which is close to the best that is known for such texts and far too slow to be used.

New in a step are the texts of its new terms, its header (rules applied, depth, requests, time) and its detail, for one
who has the state before it; and its key, which is 32 bytes that nothing else tells. The hashes of its own terms are not
new: they can be computed. A second figure is for one who has header and detail of the step before it as well, so that
neither names of fields nor rules that were just applied are new. What the store takes for it are all rows that
are there because of it, term, step, family and commit: their names, twice each, for they stand in the table and in its
index, their checksums, headers and contents.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from kprover import deltas
from kprover.engine import Ledger, RunConfig, SilentObserver, ledger, prove, resume
from kprover.engine.index import new_terms
from kprover.engine.known import unopened
from kprover.engine.proof_run import StepRequest
from kprover.store import CheckpointStore, StoreReader
from kprover.store.codec import encode_record
from kprover.store.names import stored_name
from kprover.store.rows import TABLE
from kprover.suites import load_suites

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

    from pyk.cterm.cterm import CTerm

    from kprover.store import Record

EXAMPLES: Final = Path(__file__).resolve().parents[1] / 'examples'
SUITES: Final = (EXAMPLES / 'imp' / 'suite.toml', EXAMPLES / 'stack' / 'suite.toml')
LARGE_NODES: Final = 20_000
LARGE_STEPS: Final = 250
SAMPLED: Final = 5
"""LZMA takes seconds for two large terms, so so many of them are measured."""
BLOB: Final = 20_000
LOADED: Final = 10_000


def added(text: bytes, behind: bytes) -> int:
    """Bytes that are new in `text` for one who has `behind`."""
    size = len(behind) + len(text)
    filters = [{'id': lzma.FILTER_LZMA2, 'preset': 9, 'dict_size': max(size, 1 << 12)}]
    both, alone = (len(lzma.compress(data, lzma.FORMAT_RAW, filters=filters)) for data in (behind + text, behind))
    return max(both - alone, 0)


@dataclass
class Sizes:
    """Sums over steps, in bytes.

    Attributes:
        whole: Terms as they would be stored whole.
        terms: Terms as they are stored.
        records: Headers and details as they are stored, in all rows of the steps.
        names: Keys and checksums of these rows.
        new: What is new in the steps, for one who has the state before.
        new_after: The same for one who has all of the step before as well.
        new_terms: What is new in the terms alone.
        file: All of the store's file, with what does not belong to steps.
    """

    steps: int = 0
    whole: int = 0
    terms: int = 0
    records: int = 0
    names: int = 0
    new: int = 0
    new_after: int = 0
    new_terms: int = 0
    file: int = 0

    @property
    def stored(self) -> int:
        return self.terms + self.records + self.names


def proved_steps(folder: Path) -> Sizes:
    """The example suites, each step once."""
    suites = load_suites(SUITES)
    config = RunConfig(store=folder / 'store.sqlite', workers=2, backend='embedded')
    prove(suites, None, config, SilentObserver())
    sizes = Sizes(file=config.store.stat().st_size)
    seen: set[str] = set()
    with StoreReader(config.store) as store:
        for planned in Ledger(suites, config).proofs.values():
            proof = unopened(planned)
            prepared = ledger.read_proof(store, planned.digest)
            assert prepared is not None
            proof.open(prepared)
            before = b''
            for number, (node, key) in enumerate(ledger.read_journal(store, planned.digest)):
                record = store.get(ledger.step_row(key))
                assert record is not None
                assert proof.fits(node, key, record.header)
                terms = list(dict.fromkeys(new_terms(record.header['results'])))
                about = _about(record, terms)
                rows = [ledger.journal_row(planned.digest, number)]
                if key not in seen:
                    sizes.steps += 1
                    fresh = [term for term in terms if term not in seen]
                    texts = [text_of(store, term) for term in fresh]
                    source = b'' if proof.index is None else text_of(store, proof.index.nodes[node].term)
                    sizes.whole += sum(len(deltas.pack(text)) for text in texts)
                    content = b''.join([*texts, about])
                    sizes.new += added(content, source) + len(bytes.fromhex(key))
                    sizes.new_after += added(content, before + source) + len(bytes.fromhex(key))
                    sizes.new_terms += added(b''.join(texts), source)
                    rows += [ledger.step_row(key), *map(ledger.term_row, fresh)]
                    rows += map(ledger.family_row, proof.request(node).families)
                    seen.update([key, *fresh])
                before = about
                for row in rows:
                    _weigh(sizes, store, row)
                proof.commit(node, record.header)
    return sizes


def _about(record: Record, terms: list[str]) -> bytes:
    """Header and detail of a step as one text, without the hashes of its terms."""
    text = json.dumps(record.header, sort_keys=True).encode() + deltas.expand(record.blob)
    for term in terms:
        text = text.replace(term.encode(), b'')
    return text


def _weigh(sizes: Sizes, store: StoreReader, row: str) -> None:
    """Add a row to the sums, if it is there."""
    record = store.get(row)
    if record is None:
        return
    whole = len(encode_record(row, *record))
    empty = len(encode_record(row, {}))
    sizes.names += empty + 2 * len(stored_name(row))
    if row.startswith('term:'):
        sizes.terms += whole - empty
    else:
        sizes.records += whole - empty


def text_of(store: StoreReader, term: str) -> bytes:
    return deltas.text_of(term, lambda name: getattr(store.get(ledger.term_row(name)), 'blob', None))


@dataclass
class Chain:
    """States of a proof, one after the other: sizes in bytes, time in milliseconds."""

    states: int
    text: float
    whole: float
    stored: float
    new: float
    encode: float
    decode: float


def chain_of(states: Iterable[CTerm], sampled: int | None = None) -> Chain:
    """Encode states as a worker does, each with the one before it at hand. The first, which is whole, is not counted.

    Args:
        sampled: So many states have their new information measured; all if `None`.
    """
    from kprover.proofs.codec import TermCache

    cache = TermCache()
    blobs: dict[str, bytes] = {}
    names: list[str] = []
    before: CTerm | None = None
    spent = 0.0
    for state in states:
        clock = time.perf_counter()
        name, blob = cache.encode(state, before)
        spent += time.perf_counter() - clock
        blobs.setdefault(name, blob)
        names.append(name)
        before = cache.decode(name, blobs.get)
    clock = time.perf_counter()
    for name in names[-SAMPLED:]:
        TermCache().decode(name, blobs.get)
    decode = (time.perf_counter() - clock) / SAMPLED
    texts = [deltas.text_of(name, blobs.get) for name in names[:1]]
    rest = names[1:]
    texts += [deltas.text_of(name, blobs.get) for name in rest[: sampled or len(rest)]]
    new = [added(text, behind) for behind, text in pairwise(texts)]
    return Chain(
        states=len(rest),
        text=statistics.mean(map(len, texts)),
        whole=statistics.mean(len(deltas.pack(text)) for text in texts[1:]),
        stored=statistics.mean(len(blobs[name]) for name in rest),
        new=statistics.mean(new),
        encode=1000 * spent / len(names),
        decode=1000 * decode,
    )


def recorded_states(folder: Path) -> Iterator[CTerm]:
    """The states of the recorded `execute` requests, in order."""
    from pyk.cterm.cterm import CTerm
    from pyk.kast.outer import KDefinition, KFlatModule
    from pyk.konvert._kore_to_kast import kore_to_kast
    from pyk.kore.syntax import kore_term

    definition = KDefinition('RECORDED', [KFlatModule('RECORDED', (), ())])
    for path in sorted(folder.glob('*_request.json')):
        request = json.loads(path.read_bytes())
        if request['method'] == 'execute':
            yield CTerm.from_kast(kore_to_kast(definition, kore_term(request['params']['state'])))


def large_states(nodes: int, steps: int) -> Iterator[CTerm]:
    """States of about so many nodes: a program that is worked off, a counter, and a map of which one entry changes."""
    from pyk.cterm.cterm import CTerm
    from pyk.kast.inner import KApply, KSequence, KToken, KVariable

    program = [KApply('assign', KToken(f'x{number}', 'Id'), KToken(str(number), 'Int')) for number in range(steps)]
    entries = [
        KApply('_|->_', KToken(f'key-{number}', 'Id'), KApply('_+Int_', KVariable(f'V{number}'), KToken('0', 'Int')))
        for number in range(nodes // 5)
    ]
    for step in range(steps):
        place = step * 7919 % len(entries)
        entries[place] = KApply('_|->_', KToken(f'key-{place}', 'Id'), KToken(str(step * 104729), 'Int'))
        k = KApply('<k>', KSequence([*program[step:], KVariable('REST')]))
        state = KApply('<state>', KApply('_Map_', *entries))
        yield CTerm(KApply('<generatedTop>', k, state, KApply('<count>', KToken(str(step), 'Int'))))


def driver(folder: Path, steps: int = 2000) -> dict[int, tuple[float, float]]:
    """Milliseconds of CPU and of wall time to store a step of 20 kB with its term and journal row and read the term
    back, by how many steps there are in a transaction.
    """
    found = {}
    for together in (1, 20):
        with CheckpointStore.open(folder / f'driver-{together}.sqlite') as store:
            blobs = [b'\x78' + hashlib.shake_256(str(number).encode()).digest(BLOB - 400) for number in range(steps)]
            clock, cpu = time.perf_counter(), _cpu()
            for number, blob in enumerate(blobs):
                term, key = (hashlib.sha256(f'{what} {number}'.encode()).hexdigest() for what in ('term', 'step'))
                request = StepRequest(number, key, key, '', {}, ())
                ledger.write_step(store, request, _step_header(term), {'detail': bytes(400), term: blob}, run='')
                store.put(ledger.journal_row('f' * 64, number), {'node': number, 'step': key})
                if (number + 1) % together == 0:
                    store.commit()
                ledger.read_term(store, term)
            store.commit()
            found[together] = (
                1000 * (_cpu() - cpu) / steps,
                1000 * (time.perf_counter() - clock) / steps,
            )
    return found


def loading(folder: Path, steps: int = LOADED) -> tuple[float, float]:
    """Seconds of CPU and of wall time to bring a finished proof of so many steps back from a store, every record, term
    and key checked.
    """
    suites = load_suites(SUITES[:1])
    config = RunConfig(store=folder / 'loading.sqlite', backend='embedded')
    planned = replace(next(iter(Ledger(suites, config).proofs.values())), digest='e' * 64)
    texts = [_state(number) for number in range(steps)]
    first = hashlib.sha256(texts[0]).hexdigest()
    flags = dict.fromkeys(('admitted', 'circularity', 'init_terminal', 'target_terminal'), False)
    names = dict.fromkeys(('dependencies_module', 'circularities_module', 'circularity_rule'))
    ends = {'init': first, 'target': first, 'modules': [], 'universals': []}
    prepared = {'kind': 'reachability', **ends, **flags, **names}
    with CheckpointStore.open(config.store) as store:
        made = unopened(planned)
        made.open(prepared)
        base: deltas.Base | None = None
        node = 1
        for number, text in enumerate(texts):
            base = deltas.Base(hashlib.sha256(text).hexdigest(), text, deltas.pack(text, base))
            store.put(ledger.term_row(base.name), {}, base.blob)
            if number:
                key, header = made.request(node).key, _step_header(base.name)
                store.put(ledger.step_row(key), header, b'{"format":1,"results":[{"kind":"extend"}]}')
                store.put(ledger.journal_row(planned.digest, number - 1), {'node': node, 'step': key})
                (node,) = made.commit(node, header)
        store.put(ledger.proof_row(planned.digest), prepared)
        store.commit()
    with StoreReader(config.store) as reader:
        proof = unopened(planned)
        clock, cpu = time.perf_counter(), _cpu()
        assert resume.reopen(reader, proof)
        spent = _cpu() - cpu, time.perf_counter() - clock
    assert proof.steps == steps - 1, proof.steps
    return spent


def million(folder: Path, steps: int) -> dict[str, float]:
    """Opening and looking up in a store of so many steps, each with its term, family and journal row."""
    path = folder / 'million.sqlite'
    CheckpointStore.open(path).close()
    keys = sorted(hashlib.sha256(str(number).encode()).hexdigest() for number in range(steps))
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute('PRAGMA synchronous = OFF')  # only while it is filled
    connection.execute('BEGIN')
    for kind in ('family', 'journal', 'step', 'term'):
        connection.executemany(f'INSERT INTO "{TABLE}" (key, value) VALUES (?, ?)', _filling(kind, keys))
    connection.execute('COMMIT')
    connection.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchall()
    connection.close()
    choice = keys[:: max(steps // 2000, 1)]
    found: dict[str, float] = {'size': path.stat().st_size}
    clock = time.perf_counter()
    store = CheckpointStore.open(path)
    found['open'] = time.perf_counter() - clock
    found['lookup'] = _each(choice, lambda key: ledger.read_step(store, key))
    found['missing'] = _each(choice, lambda key: ledger.read_step(store, key[::-1]))
    clock = time.perf_counter()
    store.put('status:one', {})
    store.commit()
    found['commit'] = time.perf_counter() - clock
    store.close()
    clock = time.perf_counter()
    with StoreReader(path) as reader:
        assert ledger.read_step(reader, choice[0]) is not None
    found['reader'] = time.perf_counter() - clock
    return found


def _filling(kind: str, keys: list[str]) -> Iterator[tuple[str | bytes, bytes]]:
    for number, key in enumerate(keys):
        if kind == 'journal':
            row, header, blob = ledger.journal_row('f' * 64, number), {'node': number, 'step': key}, b''
        elif kind == 'family':
            row, header, blob = ledger.family_row(key), {'steps': [key]}, b''
        elif kind == 'term':
            row, header, blob = ledger.term_row(key), {}, b'\x78' + bytes(300)
        else:
            row, header, blob = ledger.step_row(key), _step_header(key), bytes(400)
        yield stored_name(row), encode_record(row, header, blob)


def _each(keys: list[str], look: object) -> float:
    clock = time.perf_counter()
    for key in keys:
        look(key)  # type: ignore[operator]
    return (time.perf_counter() - clock) / len(keys)


def _step_header(term: str) -> dict[str, object]:
    extension = {'kind': 'step', 'nodes': [term], 'depth': 7, 'rules': ['a' * 64], 'cut': False}
    result: dict[str, object] = {'kind': 'extend', 'prior_loops': [], 'extension': extension, 'to_cache': None}
    return {'results': [result], 'requests': 2, 'rewrites': 7, 'seconds': 1.25}


def _state(number: int) -> bytes:
    cells = ','.join(f'{{"node":"KToken","token":"{cell * 7919}"}}' for cell in range(60))
    return f'{{"config":{{"args":[{{"node":"KToken","token":"{number}"}},{cells}]}},"constraints":[]}}'.encode()


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _print_chain(title: str, chain: Chain) -> None:
    print(
        f'{title}: {chain.states} states of {chain.text:,.0f} bytes of JSON; '
        f'whole {chain.whole:,.0f}, stored {chain.stored:,.0f}, new {chain.new:,.0f} bytes a state: '
        f'{chain.stored / chain.new:.2f} of what is new (encode {chain.encode:.1f} ms, decode {chain.decode:.1f} ms)',
        flush=True,
    )


def _print_steps(sizes: Sizes) -> None:
    per = Counter({name: round(value / sizes.steps) for name, value in vars(sizes).items()})
    print(
        f'example suites: {sizes.steps} steps; bytes a step: terms {per["terms"]} (whole {per["whole"]}, new '
        f'{per["new_terms"]}), headers and details {per["records"]}, keys and checksums {per["names"]}, together '
        f'{sizes.stored / sizes.steps:.0f}; new {per["new"]}: stored {sizes.stored / sizes.new:.2f} of what is new '
        f'(after the step before {per["new_after"]}: {sizes.stored / sizes.new_after:.2f}); the whole file '
        f'{per["file"]}',
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    parser.add_argument('--only', default='bytes,large,driver,loading', help='parts, separated by commas')
    parser.add_argument('--recorded', type=Path, help='folder with recorded requests')
    parser.add_argument('--steps', type=int, default=1_000_000, help='steps of the large store (part million)')
    arguments = parser.parse_args()
    sys.setrecursionlimit(10**7)
    parts = arguments.only.split(',')
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if 'bytes' in parts:
            _print_steps(proved_steps(folder))
        if 'large' in parts:
            _print_chain(f'{LARGE_NODES:,} nodes', chain_of(large_states(LARGE_NODES, LARGE_STEPS), SAMPLED))
        if arguments.recorded is not None:
            _print_chain('recorded', chain_of(recorded_states(arguments.recorded)))
        if 'driver' in parts:
            for together, (cpu, wall) in driver(folder).items():
                print(f'a step of 20 kB, {together} in a transaction: {cpu:.2f} ms of CPU, {wall:.2f} ms', flush=True)
        if 'loading' in parts:
            cpu, wall = loading(folder)
            print(f'loading a finished proof of {LOADED:,} steps: {cpu:.2f} s of CPU, {wall:.2f} s', flush=True)
        if 'million' in parts:
            found = million(folder, arguments.steps)
            print(
                f'{arguments.steps:,} steps, {found["size"] / 1e9:.2f} GB: opens in {found["open"]:.3f} s '
                f'(a reader with its first look-up in {1000 * found["reader"]:.1f} ms), a step is found in '
                f'{1000 * found["lookup"]:.3f} ms, seen to be missing in {1000 * found["missing"]:.3f} ms, '
                f'a commit takes {1000 * found["commit"]:.1f} ms'
            )


if __name__ == '__main__':
    main()
