"""An embedded Kore JSON-RPC server: symbolic execution of K definitions in Python.

Stands by itself: it uses pyk for parsing Kore text and z3 for SMT, and nothing of the package around it. `cli` is the
entry point; the layers below it, each knowing only those under it:

    cli → transport → rpc → methods → engine → rewrite, implies, simplify → terms
                                     → smt, model
"""

from __future__ import annotations

__all__ = ['__version__']

__version__ = '0.1.0'
