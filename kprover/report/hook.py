"""A command of the user's that is run at the end of a run, with the JSON summary. It changes no verdict."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

from .text import first_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Final

SUMMARY_VARIABLE: Final = 'KPROVER_SUMMARY'
"""The environment variable that holds the absolute path of the JSON summary."""

_LAST_WORDS: Final = 500
"""Bytes of the end of the command's standard error that its failure is told with."""


def run_hook(command: Sequence[str], summary: Path, seconds: float) -> str:
    """Run a command with the summary on its standard input, for at most `seconds`.

    Its standard output goes where this process's goes. It runs in a session of its own: when its time is up, or this
    process is interrupted, all that it has started is killed.

    Returns:
        What went wrong, empty if nothing did.
    """
    what = f'on_end: {command[0]}'
    try:
        with summary.open('rb') as data, _started(command, data.fileno(), summary) as process:
            try:
                _, errors = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                _kill(process)
                return f'{what} took longer than {seconds:g} s (on_end_timeout) and was ended'
            except BaseException:
                _kill(process)
                raise
    except OSError as err:
        return f'{what} could not be run: {err}'
    if process.returncode == 0:
        return ''
    how = f'code {process.returncode}' if process.returncode > 0 else signal.Signals(-process.returncode).name
    said = errors[-_LAST_WORDS:].decode(errors='backslashreplace').strip().splitlines()
    return f'{what} ended with {how}' + (f': {first_line(said[-1])}' if said else '')


def _started(command: Sequence[str], stdin: int, summary: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        list(command),
        stdin=stdin,
        stderr=subprocess.PIPE,
        env={**os.environ, SUMMARY_VARIABLE: str(summary.absolute())},
        start_new_session=True,
    )


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
