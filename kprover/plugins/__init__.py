"""Classes of the user's: how they are named, which sources they rest on, and how they are run.

`reference` names a class in one text, `sources` says what a result that it had a part in depends on, without importing
anything, and `running` makes an object of it that runs those sources and no others.
"""

from __future__ import annotations

from .reference import PROVERS, SEMANTICS, PluginNotFound, Reference, refer

__all__ = ['PROVERS', 'SEMANTICS', 'PluginNotFound', 'Reference', 'refer']
