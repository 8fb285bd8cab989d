"""A run in the trace event format of Chrome, which Perfetto (ui.perfetto.dev) and chrome://tracing open.

Workers and servers are threads of two processes, memory and busy workers are counters, deaths and notices are marks,
and arrows lead along the longest chain. Times are microseconds since the start of the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .text import first_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Final

    from ..engine.events import Activity
    from .record import RunRecord, ServerLife

WORKERS: Final = 1
SERVERS: Final = 2

LANES: Final = 100
"""Threads that one server may have: work that overlaps is shown on several."""

ARROWS: Final = 2_000
"""At most so many pieces of the longest chain are joined by arrows, the last ones."""


def chrome_trace(record: RunRecord) -> dict[str, Any]:
    """The run as the object that a trace file holds."""
    events = [
        *_named('process', WORKERS, 0, 'workers'),
        *_named('process', SERVERS, 0, 'servers'),
        *_workers(record),
        *_servers(record),
        *_counters(record),
        *_marks(record),
        *_arrows(record.chain[-ARROWS:]),
    ]
    summary = record.summary
    return {
        'traceEvents': events,
        'displayTimeUnit': 'ms',
        'otherData': {
            'run': summary.run,
            'state': str(summary.state),
            'backend': summary.backend,
            'started': summary.started,
            'activities-left-out': record.forgotten,
        },
    }


def _workers(record: RunRecord) -> Iterator[dict[str, Any]]:
    for worker in sorted({activity.worker for activity in record.activities}):
        yield from _named('thread', WORKERS, worker, f'worker {worker}')
    for activity in record.activities:
        yield _slice(WORKERS, activity.worker, activity)


def _servers(record: RunRecord) -> Iterator[dict[str, Any]]:
    """Each server's life, and what it did: in the same lane, or below it where two pieces of work overlap."""
    work: dict[int, list[Activity]] = {}
    for activity in record.activities:
        if activity.server is not None:
            work.setdefault(activity.server, []).append(activity)
    for life in record.servers:
        yield from _life(life, work.get(life.number, []), record.seconds)
    for server, activities in work.items():
        lanes: list[float] = []
        for activity in sorted(activities, key=lambda a: a.start):
            free = [lane for lane, end in enumerate(lanes) if end <= activity.start]
            lane = free[0] if free else len(lanes)
            if lane == len(lanes):
                lanes.append(0.0)
                name = f'server {server}' if lane == 0 else f'server {server} ({lane + 1})'
                yield from _named('thread', SERVERS, server * LANES + min(lane, LANES - 1), name)
            lanes[lane] = activity.end
            yield _slice(SERVERS, server * LANES + min(lane, LANES - 1), activity)


def _life(life: ServerLife, work: list[Activity], until: float) -> Iterator[dict[str, Any]]:
    thread = life.number * LANES
    yield from _named('thread', SERVERS, thread, f'server {life.number}')
    # The engine hears of a server's start and end a moment after the work has begun or ended.
    end = max([until if life.ended is None else life.ended, *(activity.end for activity in work)])
    listening = min([end if life.listening is None else life.listening, *(activity.start for activity in work)])
    arguments = {'pid': life.pid, 'definition': life.kompiled, 'memory': life.memory, 'cause': life.cause}
    yield _complete(SERVERS, thread, 'starting', 'server', life.launched, listening - life.launched, arguments)
    if life.listening is not None:
        yield _complete(SERVERS, thread, 'up', 'server', listening, end - listening, arguments)


def _counters(record: RunRecord) -> Iterator[dict[str, Any]]:
    for reading in record.readings:
        time = _us(reading.time)
        yield {'ph': 'C', 'pid': WORKERS, 'ts': time, 'name': 'busy workers', 'args': {'busy': reading.busy}}
        if reading.memory:
            memory = {f'server {number}': round(used / (1 << 20), 1) for number, used in reading.memory.items()}
            yield {'ph': 'C', 'pid': SERVERS, 'ts': time, 'name': 'memory, MiB', 'args': memory}


def _marks(record: RunRecord) -> Iterator[dict[str, Any]]:
    for event in record.events:
        if event.what == 'started':
            continue
        process, thread = (WORKERS, event.number) if event.kind == 'worker' else (SERVERS, event.number * LANES)
        yield {
            'ph': 'i', 's': 't', 'pid': process, 'tid': thread, 'ts': _us(event.time),
            'name': f'{event.kind} {event.number} {event.what}', 'cat': 'process', 'args': {'cause': event.cause},
        }  # fmt: skip
    for notice in record.notices:
        yield {
            'ph': 'i', 's': 'g', 'pid': WORKERS, 'tid': 0, 'ts': _us(notice.time),
            'name': first_line(notice.message), 'cat': 'notice', 'args': {'message': notice.message},
        }  # fmt: skip


def _arrows(chain: tuple[Activity, ...]) -> Iterator[dict[str, Any]]:
    for number, activity in enumerate(chain):
        phase = 's' if number == 0 else 'f' if number == len(chain) - 1 else 't'
        arrow = {'ph': phase, 'id': 1, 'cat': 'chain', 'name': 'longest chain', 'pid': WORKERS, 'tid': activity.worker}
        yield {**arrow, 'ts': _us(activity.start + activity.seconds / 2), **({'bp': 'e'} if phase == 'f' else {})}


def _slice(process: int, thread: int, activity: Activity) -> dict[str, Any]:
    what = activity.claim if activity.kind == 'step' else f'{activity.kind} {activity.claim}'
    arguments: dict[str, Any] = {
        'node': activity.node,
        'requests': activity.requests,
        'rewrites': activity.rewrites,
        'outcome': activity.outcome,
    }
    if activity.key:
        arguments['key'] = activity.key
    if process == WORKERS:
        arguments['server'] = activity.server
    else:
        arguments['worker'] = activity.worker
    if activity.message:
        arguments['message'] = activity.message
    event = _complete(process, thread, what, activity.kind, activity.start, activity.seconds, arguments)
    return event if activity.outcome == 'done' else {**event, 'cname': 'terrible'}


def _complete(
    process: int, thread: int, name: str, category: str, start: float, seconds: float, arguments: dict[str, Any]
) -> dict[str, Any]:
    return {
        'ph': 'X', 'pid': process, 'tid': thread, 'ts': _us(start), 'dur': max(_us(start + seconds) - _us(start), 0),
        'name': name, 'cat': category, 'args': arguments,
    }  # fmt: skip


def _named(what: str, process: int, thread: int, name: str) -> Iterator[dict[str, Any]]:
    event = {'ph': 'M', 'pid': process, 'tid': thread, 'ts': 0}
    yield {**event, 'name': f'{what}_name', 'args': {'name': name}}
    yield {**event, 'name': f'{what}_sort_index', 'args': {'sort_index': process if what == 'process' else thread}}


def _us(seconds: float) -> int:
    return round(seconds * 1e6)
