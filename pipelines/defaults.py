"""What Luigi is to do where luigi.cfg says nothing.

Luigi's own defaults would look for a `luigid` for a minute, log every task, and end with 0 although tasks failed.
The same values stand in the project's luigi.cfg for the reader; here they hold in any folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from luigi.configuration import get_config

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULTS: Mapping[str, Mapping[str, str]] = {
    'core': {
        'local_scheduler': 'true',
        # The store has a lock of its own, which holds for every command that would write to it.
        'no_lock': 'true',
        'log_level': 'WARNING',
    },
    'retcode': {
        'already_running': '10',
        'missing_data': '20',
        'not_run': '25',
        'task_failed': '30',
        'scheduling_error': '35',
        'unhandled_exception': '40',
    },
}


def fill_in_defaults() -> None:
    """Set each of `DEFAULTS` that no configuration file has set."""
    config = get_config()
    for section, options in DEFAULTS.items():
        for option, value in options.items():
            if not config.has_option(section, option):
                config.set(section, option, value)
