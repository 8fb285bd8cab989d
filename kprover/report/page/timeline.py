"""What every worker and server did over time, as data for plots: pieces of work, lives of servers, readings.

All pieces of work are kept: the page computes from them how busy each worker was in each part of the time that is
looked at, so that nothing short is lost and zooming shows more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Final

    from ..record import RunRecord

UNITS: Final = 10_000
"""Times of pieces of work are whole numbers of a second's ten-thousandth."""


def timeline(record: RunRecord) -> dict[str, Any]:
    """Plot data of a run, times in seconds since its start where nothing else is said, memory in bytes.

    Returns:
        `seconds` (length of the run), `workers` (their numbers), `work` (columns `worker`, `start` and `length` in
        `UNITS`, `claim` and `kind` as places in `claims` and `kinds`, `node`), `lost` (work without a result: columns
        `worker`, `time`, `text`), `servers` (a list of lives) and `readings` (columns `time` and `memory`, the sum
        over all servers).
    """
    workers = sorted({*range(record.summary.workers), *(activity.worker for activity in record.activities)})
    claims: dict[str, int] = {}
    kinds: dict[str, int] = {}
    work: dict[str, list[int]] = {name: [] for name in ('worker', 'start', 'length', 'claim', 'kind', 'node')}
    lost: dict[str, list[Any]] = {'worker': [], 'time': [], 'text': []}
    for activity in record.activities:
        work['worker'].append(activity.worker)
        work['start'].append(round(UNITS * activity.start))
        work['length'].append(round(UNITS * activity.seconds))
        work['claim'].append(claims.setdefault(activity.claim, len(claims)))
        work['kind'].append(kinds.setdefault(activity.kind, len(kinds)))
        work['node'].append(activity.node)
        if activity.outcome != 'done':
            lost['worker'].append(activity.worker)
            lost['time'].append(round(activity.end, 3))
            lost['text'].append(
                f'{activity.claim}, node {activity.node}: {activity.outcome} {activity.message}'.rstrip()
            )
    return {
        'seconds': round(record.seconds, 3),
        'units': UNITS,
        'workers': workers,
        'claims': list(claims),
        'kinds': list(kinds),
        'work': work,
        'lost': lost,
        'servers': _servers(record),
        'readings': {
            'time': [round(reading.time, 3) for reading in record.readings],
            'memory': [sum(reading.memory.values()) for reading in record.readings],
        },
    }


def _servers(record: RunRecord) -> list[dict[str, Any]]:
    return [
        {
            'number': life.number,
            'launched': round(life.launched, 3),
            'listening': None if life.listening is None else round(life.listening, 3),
            'ended': None if life.ended is None else round(life.ended, 3),
            'how': life.how,
            'cause': life.cause,
            'definition': life.kompiled,
        }
        for life in record.servers
    ]
