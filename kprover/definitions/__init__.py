"""Kompiled folders that are not whole: definition.kore is enough for a server, but pyk reads compiled.json.

`folder` gives a whole folder for one in which compiled.json is missing, and keeps it; `rebuild` makes compiled.json
of definition.kore, with pyk, in a process of its own (`python -m kprover.definitions`).
"""

from __future__ import annotations

from .folder import RebuildError, what_is_lacking, whole_folder

__all__ = ['RebuildError', 'what_is_lacking', 'whole_folder']
