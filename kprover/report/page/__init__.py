"""The HTML page of a run: one file that opens from disk, without a network, while the run goes on and ever after.

    RunRecord -- content, changes, timeline --> values --\
                                                          render --> one HTML file
    store     -- graphs, difference, proofs --> packed --/

`content`, `changes`, `timeline` and `difference` are pure; `graphs` reads the checkpoint store; `render` puts all of it
into the template of `assets`; `maker` does so while a run lasts, within the time that it can spare.
"""

from __future__ import annotations

from .maker import PageMaker
from .render import render

__all__ = ['PageMaker', 'render']
