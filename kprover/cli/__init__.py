"""The `kprover` command: looks at checkpoints, beside a run or after it, and keeps the store.

`app` is the command with its list of subcommands; each of them is a module of its own here, and `options` has what
they share: which suites, which store, whose verdicts. Settings and default suites are those of luigi.cfg.
"""

from __future__ import annotations

from .app import main

__all__ = ['main']
