"""`kprover store`: the checkpoint store looked after."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import UsersError, json_option, where_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from ..engine import Ledger
    from ..upkeep import Imported
    from .options import Where


@click.group('store', short_help='Export, import, merge, gc, check, compact the checkpoints.')
def command() -> None:
    """The checkpoint store: share it, check it, free what no claim needs any more.

    import, merge, gc and compact own the store while they work, so they end at once beside a run.
    """


@command.command('export', short_help='Write checkpoints into one file.')
@click.argument('file', type=click.Path(path_type=Path))
@click.argument('claims', metavar='[CLAIM]...', nargs=-1)
@click.option('--force', is_flag=True, help='Replace the file if it exists.')
@where_options
def export(where: Where, file: Path, claims: tuple[str, ...], *, force: bool) -> int:
    """Write the store into FILE, or what the CLAIMs, suite/LABEL or LABEL, and those that they depend on need of it.

    FILE is a checkpoint store itself, written wholly or not at all. It may be done beside a run.
    """
    from ..engine.plan import dependencies_first
    from ..store import FORMAT_KEY, StoreReader
    from ..upkeep import ExportError, export_rows, reached_rows

    path = _existing(where)
    if _same(file, path):
        raise UsersError(f'{file}: is the store itself; name another file')
    with StoreReader(path) as store, _progress(f'exporting {path}') as tick:
        if claims:
            ledger = _ledger(where)
            chosen = (ledger.proof(where.full_name(claim)).digest for claim in claims)
            digests = dependencies_first(ledger.proofs, chosen)
            rows = sorted(
                reached_rows(store, [ledger.proofs[digest] for digest in digests]),
                key=lambda row: not row.startswith('term:'),
            )
        else:
            rows = [key for key in store.keys('') if key != FORMAT_KEY]
        try:
            written = export_rows(store, rows, file, replace=force, tick=tick)
        except ExportError as err:
            raise UsersError(str(err)) from err
        damaged = dict(store.damaged)
    print(f'{file}: {_counts(written)}, {_size(file.stat().st_size)}')
    if claims and not written['proof']:
        print('nothing is known of these claims: they were never proved with this backend as they are now')
    return _name_damaged(damaged)


@command.command('import', short_help='Take the checkpoints of a file.')
@click.argument('file', type=click.Path(path_type=Path))
@where_options
def import_(where: Where, file: Path) -> int:
    """Take the checkpoints of FILE that are not here.

    Everything in FILE is checked before anything is taken, and nothing in it is executed; one row that is not what it
    should be refuses all of it. Verdicts are not taken: the next run concludes them again from the steps, without a
    request, and says of each how many of its steps came from FILE.
    """
    return _take(where, file, own=False)


@command.command('merge', short_help='Take the checkpoints of another store of your own.')
@click.argument('others', metavar='STORE...', nargs=-1, required=True, type=click.Path(path_type=Path))
@where_options
def merge(where: Where, others: tuple[Path, ...]) -> int:
    """Take the checkpoints of other stores of your own, as of the parts of a suite that were proved elsewhere.

    As import, but a damaged row is named and passed over, and steps are taken as if they had been made here.
    """
    return max(_take(where, other, own=True) for other in others)


@command.command('gc', short_help='Free what no claim needs any more.')
@click.option('--dry-run', is_flag=True, help='Only say what would be freed; may be done beside a run.')
@where_options
def gc(where: Where, *, dry_run: bool) -> None:
    """Delete what the claims of the suites, as they are now, do not need: proofs, steps and terms of before an edit,
    of other suites and other backends.

    `kprover store compact` then gives the room back to the disk.
    """
    from ..store import CheckpointStore, StoreReader
    from ..upkeep import NothingReached, free, unreached_rows

    path = _existing(where)
    ledger = _ledger(where)
    with _progress(f'reading {path}'), StoreReader(path) if dry_run else CheckpointStore.open(path) as store:
        try:
            unreached = unreached_rows(store, ledger.proofs.values())
        except NothingReached as err:
            raise UsersError(f'{path}: {err}') from err
        if isinstance(store, CheckpointStore):
            free(store, unreached)
    freed = _counts(unreached.counts) if unreached.rows else 'nothing'
    print(f'{path}: {"would free" if dry_run else "freed"} {freed}, {_size(unreached.bytes)}')
    print(f'kept {_counts(unreached.kept)}')


@command.command('check', short_help='Read everything and name what is damaged.')
@json_option
@where_options
def check(where: Where, *, as_json: bool) -> int:
    """Read the whole store, and name each row that is damaged, is not what its key says, or refers to one that is not
    there. Exit code 1 if there is any. May be done beside a run.

    The next run makes again what is damaged, and nothing else.
    """
    from ..store import CorruptStore, StoreReader
    from ..upkeep import check_store

    path = _existing(where)
    try:
        with StoreReader(path) as store, _progress(f'checking {path}') as tick:
            structure = store.integrity()
            found = check_store(store, tick)
    except CorruptStore as err:
        if as_json:
            print(json.dumps({'store': str(path), 'structure': [str(err)], 'rows': {}, 'unknown': {}, 'problems': []}))
        else:
            print(f'kprover: {err}')
        return 1
    problems = [{'key': problem.key, 'problem': problem.what} for problem in found.problems]
    if as_json:
        answer = {'rows': dict(found.rows), 'unknown': dict(found.unknown), 'problems': problems}
        print(json.dumps({'store': str(path), 'structure': structure, **answer}, indent=2))
    else:
        print(f'{path}: {_counts(found.rows)} sound, {_size(path.stat().st_size)}')
        if found.unknown:
            print(f'rows of kinds that this version does not know: {_counts(found.unknown)}')
        for line in [*structure, *map(str, found.problems)]:
            print(line)
        if problems:
            print(f'{len(problems)} rows are not used; the next run makes again what its claims need of them')
    return 1 if structure or problems else 0


@command.command('compact', short_help='Give unused room back to the disk.')
@where_options
def compact(where: Where) -> None:
    """Write the store anew without the room that deleted rows have left. Needs as much room on the disk meanwhile."""
    from ..store import compact as compacted

    path = _existing(where)
    with _progress(f'compacting {path}'):
        before, after = compacted(path)
    print(f'{path}: {_size(before)} before, {_size(after)} now')


def _take(where: Where, file: Path, *, own: bool) -> int:
    from ..store import CheckpointStore
    from ..upkeep import RefusedFile, import_rows

    path = where.config.store
    with CheckpointStore.open(path) as store, _progress(f'checking {file}') as tick:
        try:
            result = import_rows(file, store, own=own, tick=tick)
        except RefusedFile as err:
            raise UsersError(str(err)) from err
    _tell(file, path, result)
    return _name_damaged({problem.key: problem.what for problem in result.damaged})


def _tell(file: Path, path: Path, result: Imported) -> None:
    print(f'{path}: took {_counts(result.taken) if result.taken else "nothing"} of {file}')
    if result.known:
        print(f'here already: {_counts(result.known)}')
    if result.left:
        print(f'not taken, the next run makes its own: {_counts(result.left)}')


def _name_damaged(damaged: Mapping[str, str]) -> int:
    for key, what in damaged.items():
        print(f'left out: {key}: {what}')
    return 1 if damaged else 0


def _existing(where: Where) -> Path:
    path: Path = where.config.store
    if not path.exists():
        raise UsersError(f'{path}: there is no checkpoint store; a run makes it, or name another one with --store')
    return path


def _same(file: Path, path: Path) -> bool:
    return file.exists() and file.samefile(path)


def _ledger(where: Where) -> Ledger:
    from ..engine import Ledger

    return Ledger(where.suites, where.config)


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int], Any]]:
    """Shows what goes on while it does, where somebody looks; gives a function to be told the number of rows."""
    from ..report.observers import make_console

    console = make_console(sys.stderr)
    with console.status(what) as status:
        yield lambda rows: status.update(f'{what}: {rows:,} rows')


def _counts(rows: Mapping[str, int]) -> str:
    words = [f'{count:,} {kind}' for kind, count in sorted(rows.items(), key=lambda entry: (-entry[1], entry[0]))]
    return ', '.join(words) if words else 'no rows'


def _size(size: int) -> str:
    amount = float(size)
    for unit in ('bytes', 'kB', 'MB'):
        if amount < 1000:
            return f'{amount:.0f} {unit}' if unit == 'bytes' else f'{amount:.1f} {unit}'
        amount /= 1000
    return f'{amount:.1f} GB'
