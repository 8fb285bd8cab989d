"""What Luigi's log says of this project's own errors: their message, without the traceback of Luigi's insides.

A claim that failed is told by the report of the run, so its task's failure is not logged again.
"""

from __future__ import annotations

import logging
import re
import warnings

from luigi.configuration import get_config
from luigi.parameter import UnconsumedParameterWarning

from .errors import ProofFailed, is_told_to_user

_UNREAD = re.compile(r"(\w+)\[args=.*\]: Error when parsing the default value of '(\w+)'", re.DOTALL)


class _OwnErrors(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, ProofFailed):
            return False
        if error is not None and is_told_to_user(error):
            record.msg, record.args, record.exc_info = str(error), (), None
        elif error is not None and (unread := _UNREAD.fullmatch(str(error))) is not None:
            # Of the command line: what the configuration says has been checked when `pipelines` was imported.
            while error.__cause__ is not None:
                error = error.__cause__
            section = '' if unread[1] == 'core' else f'{unread[1]}-'
            option = f'--{section}{unread[2]}'.replace('_', '-')
            record.msg, record.args, record.exc_info = f'option {option}: {error}', (), None
        return True


def quieten() -> None:
    """Filter the logger of Luigi's worker. Doing it again changes nothing."""
    logger = logging.getLogger('luigi-interface')
    if not any(isinstance(known, _OwnErrors) for known in logger.filters):
        logger.addFilter(_OwnErrors())
    # An unknown key of this project's sections is an error, and told as one; [DEFAULT] is for all sections.
    config = get_config()
    inherited = config.defaults() if hasattr(config, 'defaults') else {}
    for words in ("task 'kprover'", *(f"parameter '{re.escape(key)}'" for key in inherited)):
        warnings.filterwarnings('ignore', f'.*{words}', UnconsumedParameterWarning)
