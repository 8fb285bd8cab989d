"""How a command ends that cannot do its work, and with which exit code.

Luigi has one code for a failed task. A configuration that cannot be used, a store in use, an interrupted run are
none of the claims' failures, so they end the command at once with the code that section [retcode] gives to their
kind: an `Ending` passes through Luigi because that lets a KeyboardInterrupt pass, and ends Python without a traceback
because it is a SystemExit.
"""

from __future__ import annotations

import multiprocessing
import sys
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING

from luigi.retcodes import retcode

if TYPE_CHECKING:
    from collections.abc import Iterator


class ProofFailed(Exception):
    """A claim is not proved; the text says why."""


class Ending(SystemExit, KeyboardInterrupt):
    """The whole command ends now, with the exit code `code`."""


def is_told_to_user(error: BaseException) -> bool:
    """Whether the error's text alone is meant for the user, and a traceback would say nothing more."""
    return code_name(error) is not None


@contextmanager
def ending_the_command() -> Iterator[None]:
    """Turn the errors that are no claim's into an `Ending`, after telling them on standard error.

    In a process that Luigi forked (`--workers` above 1) the exceptions stay what they are: only the parent can end
    the command, and Luigi reports the task as failed to it.
    """
    try:
        yield
    except Exception as err:
        if isinstance(err, ProofFailed) or multiprocessing.parent_process() is not None:
            raise
        name = code_name(err)
        if name is None:
            traceback.print_exc()
            name = 'unhandled_exception'
        print(f'kprover: {err or type(err).__name__}', file=sys.stderr, flush=True)
        raise Ending(getattr(retcode(), name)) from None


def code_name(error: BaseException) -> str | None:
    """The option of section [retcode] for a known kind of error."""
    from kprover.backends import BackendError
    from kprover.engine import DefinitionUnusable, EngineError, Interrupted
    from kprover.settings import SettingsError
    from kprover.store import StoreError, StoreLocked
    from kprover.suites import SemanticsNotFound, SuiteError

    if isinstance(error, Interrupted):
        return 'not_run'
    if isinstance(error, StoreLocked):
        return 'already_running'
    if isinstance(error, (SettingsError, SuiteError, SemanticsNotFound, BackendError, DefinitionUnusable)):
        return 'scheduling_error'
    if isinstance(error, (EngineError, StoreError)):
        return 'unhandled_exception'
    return None
