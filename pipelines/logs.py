"""What Luigi's log says of this project's own errors: their message, without the traceback of Luigi's insides.

A claim that failed is told by the report of the run, so its task's failure is not logged again.
"""

from __future__ import annotations

import logging
import warnings

from luigi.parameter import UnconsumedParameterWarning

from .errors import ProofFailed, is_told_to_user


class _OwnErrors(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, ProofFailed):
            return False
        if error is not None and is_told_to_user(error):
            record.msg, record.args, record.exc_info = str(error), (), None
        return True


def quieten() -> None:
    """Filter the logger of Luigi's worker. Doing it again changes nothing."""
    logger = logging.getLogger('luigi-interface')
    if not any(isinstance(known, _OwnErrors) for known in logger.filters):
        logger.addFilter(_OwnErrors())
    # An unknown key of the section is an error, and told as one.
    warnings.filterwarnings('ignore', r".* not consumed by the task 'kprover'", UnconsumedParameterWarning)
