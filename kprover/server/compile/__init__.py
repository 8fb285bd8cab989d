"""Rules and equations compiled to Python.

For each rule a function is generated that matches its left side, one that decides its conditions and one that builds
its right side. The source is made from terms alone: every name in it is a counter, and symbols, sorts and literals are
passed as objects, so that no text of a definition or a request ever becomes code.

Compiled code knows three outcomes: a definite match, a definite mismatch, and `SLOW`: this needs the general matcher.
It agrees with `matching.match` wherever it is definite, and is only a faster way to say the same. Where function
symbols are matched by name, for simplifications, a mismatch says no more than that the rule is not used.
"""

from .code import Code, CompiledEquation, CompiledRule, EquationTable
from .writer import SLOW, Undefined

__all__ = ['SLOW', 'Code', 'CompiledEquation', 'CompiledRule', 'EquationTable', 'Undefined']
