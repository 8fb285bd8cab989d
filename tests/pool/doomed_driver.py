"""A driver that is there to be killed: brings a pool into a state, prints the process ids, and waits.

`python doomed_driver.py RUN_DIR STATE`; one line of JSON on standard output says that the state is reached.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pool_harness import Driver


def main() -> None:
    run_dir, state = Path(sys.argv[1]), sys.argv[2]
    driver = Driver(run_dir, 'mute' if state == 'starting' else 'serve', workers=2, start_timeout=600)
    solvers = []
    if state == 'starting':
        for _ in range(2):
            driver.request('echo')
        driver.pool.poll(0.5)
    else:
        tasks = [driver.request('solver') for _ in range(2)]
        solvers = [driver.done(task).header['result']['pid'] for task in tasks]
        if state == 'strays':
            task = driver.submit('stray', mode='marked')
            solvers += [driver.done(task).header['pid']]
            task = driver.request('stray', {'mode': 'marked'})
            solvers += [driver.done(task).header['result']['pid']]
        for _ in range(2):
            driver.done(driver.request('litter'))
    if state == 'requests':
        driver.request('spin', {'seconds': 1000})
        driver.request('wait', {'seconds': 1000})
    elif state == 'python':
        driver.submit('sleep', seconds=1000)
        driver.submit('sleep', seconds=1000)
    driver.pool.poll(0.2)
    report = {
        'children': [info.pid for info in driver.pool.processes()],
        'solvers': solvers,
        'reaper': driver.pool._reaper.pid,
    }
    print(json.dumps(report), flush=True)
    while True:
        driver.pool.poll(10)


if __name__ == '__main__':
    main()
