"""What can be wrong with a proof folder; imports nothing, so that the command line knows it at no cost."""

from __future__ import annotations


class PykFilesError(Exception):
    """A proof cannot be written as pyk's files or read from them; the message says why and what to do."""
