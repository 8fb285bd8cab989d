"""The standard streams of a command, which may be closed when it starts: `... >&-`, some service managers.

Python has `None` for them then, and the first files that are opened take their numbers, where the programs that the
command starts would write.
"""

from __future__ import annotations

import os
import sys


def open_closed_streams() -> None:
    """Let each standard stream that is closed be an empty one: what is written is dropped, nothing is to be read."""
    for name, mode in (('stdin', 'r'), ('stdout', 'w'), ('stderr', 'w')):
        if getattr(sys, name) is None:
            number = os.open(os.devnull, os.O_RDWR)  # the least that is free, so that of the stream
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, mode, encoding='utf-8', errors='backslashreplace'))
